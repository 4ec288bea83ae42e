"""Small SVG pictures, the same in page and PDF. Words stand beside them in HTML, because WeasyPrint reverses Arabic in
SVG text; numbers are drawn with a pen."""

import math
from typing import Final
from urllib.parse import quote

# A digit as a pen would draw it in a box 4 wide and 8 high: no font is needed, so every reader sees the same.
_SIGNS: Final = {
    "0": "M0 0H4V8H0Z", "1": "M1 1.5L3 0V8", "2": "M0 0H4V4H0V8H4", "3": "M0 0H4V8H0M0 4H4", "4": "M0 0V4H4M4 0V8",
    "5": "M4 0H0V4H4V8H0", "6": "M4 0H0V8H4V4H0", "7": "M0 0H4L1 8", "8": "M0 0H4V8H0ZM0 4H4", "9": "M4 4H0V0H4V8H0",
    "-": "M0.5 4H3.5", ".": "M1.6 7.4H2.4V8H1.6Z", "k": "M0 0V8M3.6 3L0 5.6L3.6 8",
    "M": "M0 8V0L2 4L4 0V8", "G": "M4 1V0H0V8H4V5H2.4",
}  # fmt: skip
ADVANCE: Final = 6.0  # from one sign to the next


def round_step(number: float) -> float:
    """1, 2 or 5 times a power of ten, at most `number`."""
    power = 10.0 ** math.floor(math.log10(number))
    return float(f"{next(step for step in (5, 2, 1) if step * power <= number * 1.0001) * power:.6g}")


def number(signs: str, x: float, y: float, *, ink: str = "#17262b") -> str:
    """`signs` (digits, `-`, `.`, `k`, `M`, `G`) drawn with the pen, from the left."""
    pens = "".join(
        f'<path transform="translate({x + ADVANCE * place:.1f} {y:.1f})" d="{_SIGNS[sign]}"/>'
        for place, sign in enumerate(signs)
    )
    return f'<g fill="none" stroke="{ink}" stroke-width="1.1">{pens}</g>' if pens else ""


def picture(shapes: str, width: int, height: int, *, stretched: bool = False) -> str:
    """A `data:` address."""
    ratio = ' preserveAspectRatio="none"' if stretched else ""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"{ratio}>{shapes}</svg>'
    return f"data:image/svg+xml,{quote(svg)}"
