"""Code 128 (ISO/IEC 15417), code sets B and C: printable ASCII, pairs of digits packed."""

from typing import Final
from urllib.parse import quote

_WIDTHS: Final = [
    "212222",
    "222122",
    "222221",
    "121223",
    "121322",
    "131222",
    "122213",
    "122312",
    "132212",
    "221213",
    "221312",
    "231212",
    "112232",
    "122132",
    "122231",
    "113222",
    "123122",
    "123221",
    "223211",
    "221132",
    "221231",
    "213212",
    "223112",
    "312131",
    "311222",
    "321122",
    "321221",
    "312212",
    "322112",
    "322211",
    "212123",
    "212321",
    "232121",
    "111323",
    "131123",
    "131321",
    "112313",
    "132113",
    "132311",
    "211313",
    "231113",
    "231311",
    "112133",
    "112331",
    "132131",
    "113123",
    "113321",
    "133121",
    "313121",
    "211331",
    "231131",
    "213113",
    "213311",
    "213131",
    "311123",
    "311321",
    "331121",
    "312113",
    "312311",
    "332111",
    "314111",
    "221411",
    "431111",
    "111224",
    "111422",
    "121124",
    "121421",
    "141122",
    "141221",
    "112214",
    "112412",
    "122114",
    "122411",
    "142112",
    "142211",
    "241211",
    "221114",
    "413111",
    "241112",
    "134111",
    "111242",
    "121142",
    "121241",
    "114212",
    "124112",
    "124211",
    "411212",
    "421112",
    "421211",
    "212141",
    "214121",
    "412121",
    "111143",
    "111341",
    "131141",
    "114113",
    "114311",
    "411113",
    "411311",
    "113141",
    "114131",
    "311141",
    "411131",
    "211412",
    "211214",
    "211232",
    "2331112",
]
_TO_C, _TO_B, _START_B, _START_C, _STOP = 99, 100, 104, 105, 106
_QUIET: Final = 10  # modules left free at each end


def encodable(text: str) -> bool:
    """Whether the text can be written in the code sets that we use."""
    return bool(text) and all(" " <= sign <= "~" for sign in text)


def symbols(text: str) -> list[int]:
    """The values of the symbols from start to stop, check symbol included. Raises ValueError, see `encodable`."""
    if not encodable(text):
        raise ValueError("only printable ASCII")
    values: list[int] = []
    at = 0
    while at < len(text):
        run = _digits(text, at)
        # Pairs pay where the way into set C and back is shorter than the digits: four at an end, six inside.
        if run >= (4 if at == 0 or at + run == len(text) else 6):
            if at and run % 2:  # the first digit of an odd run stays in set B
                values.append(ord(text[at]) - 32)
                at, run = at + 1, run - 1
            values.append(_TO_C if at else _START_C)
            pairs = run // 2
            values += [int(text[at + 2 * pair : at + 2 * pair + 2]) for pair in range(pairs)]
            at += 2 * pairs
            if at < len(text):
                values.append(_TO_B)
        elif not at:
            values.append(_START_B)
        if at < len(text):
            values.append(ord(text[at]) - 32)
            at += 1
    check = (values[0] + sum(place * value for place, value in enumerate(values))) % 103
    return [*values, check, _STOP]


def _digits(text: str, at: int) -> int:
    end = at
    while end < len(text) and text[end] in "0123456789":
        end += 1
    return end - at


def modules(text: str) -> str:
    """Bars (1) and spaces (0), a sign each module, without the quiet zones."""
    drawn = []
    for value in symbols(text):
        drawn += [("1" if place % 2 == 0 else "0") * int(width) for place, width in enumerate(_WIDTHS[value])]
    return "".join(drawn)


def image(text: str) -> str:
    """A `data:` address of an SVG one unit high that stretches to any height, quiet zones included."""
    row = modules(text)
    bars, at = [], _QUIET
    for width, dark in _runs(row):
        if dark:
            bars.append(f"M{at} 0h{width}v1h-{width}z")
        at += width
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {len(row) + 2 * _QUIET} 1" preserveAspectRatio="none"'
        f' shape-rendering="crispEdges"><path fill="#000" d="{"".join(bars)}"/></svg>'
    )
    return "data:image/svg+xml," + quote(drawn)


def _runs(row: str) -> list[tuple[int, bool]]:
    found: list[tuple[int, bool]] = []
    for sign in row:
        if found and found[-1][1] == (sign == "1"):
            found[-1] = (found[-1][0] + 1, sign == "1")
        else:
            found.append((1, sign == "1"))
    return found
