"""Bars of a report as small SVG pictures. Words and numbers stand beside them in HTML: WeasyPrint reverses Arabic
in SVG text, and a screen reader wants the table."""

from collections.abc import Mapping
from urllib.parse import quote

COLOURS = {"pass": "#2f9e5b", "warning": "#e0a21b", "fail": "#c92a2a", "pending": "#b8c2cc"}
_WIDTH = 1000


def stacked(counts: Mapping[str, int], *, total: int | None = None, mirrored: bool = False) -> str:
    """A `data:` address of a bar whose parts are proportional to `counts`; `total` is the full width.

    `mirrored` begins at the right. A part that exists is never narrower than a hair.
    """
    parts = [(colour, counts.get(name, 0)) for name, colour in COLOURS.items() if counts.get(name)]
    whole = total or sum(count for _colour, count in parts) or 1
    shapes, at = "", 0.0
    for colour, count in parts:
        width = max(count * _WIDTH / whole, 4.0)
        left = _WIDTH - at - width if mirrored else at
        shapes += f'<rect x="{left:.1f}" width="{width:.1f}" height="100" fill="{colour}"/>'
        at += width
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} 100" preserveAspectRatio="none">'
        f'<rect width="{_WIDTH}" height="100" fill="#edf1f3"/>{shapes}</svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"
