"""Bars, trends and the map of a report as small SVG pictures, the same in page and PDF. Words and numbers stand beside
them in HTML: WeasyPrint reverses Arabic in SVG text, and a screen reader wants the table."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

COLOURS: Final = {"pass": "#2f9e5b", "warning": "#e0a21b", "fail": "#c92a2a", "pending": "#b8c2cc"}
_WIDTH: Final = 1000
_INK: Final = "#53656b"
# A digit as a pen would draw it in a box 4 wide and 8 high: no font is needed, so every reader sees the same.
_DIGITS: Final = {
    "0": "M0 0H4V8H0Z", "1": "M1 1.5L3 0V8", "2": "M0 0H4V4H0V8H4", "3": "M0 0H4V8H0M0 4H4", "4": "M0 0V4H4M4 0V8",
    "5": "M4 0H0V4H4V8H0", "6": "M4 0H0V8H4V4H0", "7": "M0 0H4L1 8", "8": "M0 0H4V8H0ZM0 4H4", "9": "M4 4H0V0H4V8H0",
}  # fmt: skip


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
    return _picture(f'<rect width="{_WIDTH}" height="100" fill="#edf1f3"/>{shapes}', _WIDTH, 100, stretched=True)


def marker(status: str, x: float = 6, y: float = 6) -> str:
    """The sign of a status: form and colour both say it (circle, triangle, diamond, ring)."""
    colour = COLOURS[status]
    edge = 'stroke="#fff" stroke-width="1"'
    if status == "fail":
        return f'<path d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6-6Z" fill="{colour}" {edge}/>'
    if status == "warning":
        return f'<path d="M{x:.1f} {y - 5.5:.1f}l5.5 9.5h-11Z" fill="{colour}" {edge}/>'
    if status == "pass":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.2" fill="{colour}" {edge}/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="#fff" stroke="{_INK}" stroke-width="1.4"/>'


def legend(status: str) -> str:
    """A `data:` address of the sign alone."""
    return _picture(marker(status), 12, 12)


def trend(points: Sequence[Mapping[str, Any]], *, since: float, until: float, lines: Sequence[float]) -> str:
    """A `data:` address of measurements over time, `points` of `at` (seconds), `value`, `verdict`, `censored`.

    `lines` are the limits, dashed. The lower edge is zero, or the lowest value where that is negative or where a lower
    limit exists (`reach`).
    """
    width, height, edge = 560, 150, 8
    low, high = reach([point["value"] for point in points], lines)

    def x(at: float) -> float:
        return edge + (width - 2 * edge) * ((at - since) / (until - since) if until > since else 0.5)

    def y(value: float) -> float:
        return height - edge - (height - 2 * edge) * (value - low) / (high - low)

    shapes = f'<rect width="{width}" height="{height}" fill="#f6f9f9"/>'
    for line in lines:
        shapes += f'<path d="M0 {y(line):.1f}H{width}" stroke="#a01c1c" stroke-width="1.4" stroke-dasharray="6 4"/>'
    path = "L".join(f"{x(point['at']):.1f} {y(point['value']):.1f}" for point in points)
    shapes += f'<path d="M{path}" fill="none" stroke="#0b6e75" stroke-width="1.6"/>'
    for point in points:
        status = {"PASS": "pass", "WARNING": "warning", "FAIL": "fail"}.get(point["verdict"], "pending")
        shapes += marker(status, x(point["at"]), y(point["value"]))
    return _picture(shapes, width, height)


def reach(values: Sequence[float], lines: Sequence[float]) -> tuple[float, float]:
    """The lower and upper edge of a chart that shows `values` and `lines`."""
    low, high = min([*values, *lines]), max([*values, *lines])
    low = 0.0 if low >= 0 and len(lines) < 2 else low - (high - low) / 10
    return (low, high * 1.05) if high > low else (low, low + 1)


def site_map(sites: Sequence[Mapping[str, Any]]) -> tuple[str, float]:
    """A `data:` address of a map, and how many kilometres its scale bar is long.

    `sites` have `latitude`, `longitude`, `status` and `label` (digits, or empty). North is up; a degree of
    longitude is as wide as at the middle latitude. No ground is drawn: a tile server would learn where the sites are.
    """
    width, height, edge = 560.0, 330.0, 24.0
    north, south = (pick(site["latitude"] for site in sites) for pick in (max, min))
    east, west = (pick(site["longitude"] for site in sites) for pick in (max, min))
    squeeze = max(0.05, math.cos(math.radians((north + south) / 2)))
    # Kilometres on the ground; a single place still gets some around it.
    tall, wide = max(111.2 * (north - south), 2.0), max(111.2 * squeeze * (east - west), 2.0)
    scale = min((height - 2 * edge) / tall, (width - 2 * edge) / wide)
    middle, centre = (north + south) / 2, (east + west) / 2

    def place(site: Mapping[str, Any]) -> tuple[float, float]:
        right = 111.2 * squeeze * (site["longitude"] - centre) * scale
        down = 111.2 * (middle - site["latitude"]) * scale
        return width / 2 + right, height / 2 + down

    step = _round(min(tall, wide) / 3 if min(tall, wide) > 4 else max(tall, wide) / 3) * scale
    shapes = f'<rect width="{width:.0f}" height="{height:.0f}" fill="#f1f6f7"/>'
    for number in range(1, int(width / step) + 1):
        shapes += f'<path d="M{number * step:.1f} 0V{height:.0f}" stroke="#dde8ea" stroke-width="1"/>'
    for number in range(1, int(height / step) + 1):
        shapes += f'<path d="M0 {number * step:.1f}H{width:.0f}" stroke="#dde8ea" stroke-width="1"/>'
    order = ("pending", "pass", "warning", "fail")  # the gravest on top
    for site in sorted(sites, key=lambda site: order.index(site["status"])):
        shapes += marker(site["status"], *place(site))
    taken: list[tuple[float, float]] = []
    for site in sorted(sites, key=lambda site: -order.index(site["status"])):
        x, y = place(site)
        if all(abs(x - left) > 26 or abs(y - top) > 11 for left, top in taken):  # no number over another one
            shapes += _number(site["label"], x + 8, y - 4)
            taken.append((x, y))
    kilometres = _round(width / scale / 5)
    bar = kilometres * scale
    shapes += f'<path d="M12 {height - 18:.0f}v6H{12 + bar:.1f}v-6" fill="none" stroke="{_INK}" stroke-width="1.6"/>'
    shapes += f'<path d="M{width - 16:.0f} 32V10l-4 7m4-7l4 7" fill="none" stroke="{_INK}" stroke-width="1.6"/>'
    return _picture(shapes, round(width), round(height)), kilometres


def _round(number: float) -> float:
    """1, 2 or 5 times a power of ten, at most `number`."""
    power = 10.0 ** math.floor(math.log10(number))
    return float(f"{next(step for step in (5, 2, 1) if step * power <= number * 1.0001) * power:.6g}")


def _number(digits: str, x: float, y: float) -> str:
    """`digits` drawn with the pen."""
    pens = "".join(
        f'<path transform="translate({x + 6 * place:.1f} {y:.1f})" d="{_DIGITS[digit]}"/>'
        for place, digit in enumerate(digits)
    )
    return f'<g fill="none" stroke="#17262b" stroke-width="1.1">{pens}</g>' if pens else ""


def _picture(shapes: str, width: int, height: int, *, stretched: bool = False) -> str:
    ratio = ' preserveAspectRatio="none"' if stretched else ""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"{ratio}>{shapes}</svg>'
    return f"data:image/svg+xml,{quote(svg)}"
