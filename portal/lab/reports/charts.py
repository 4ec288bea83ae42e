"""Bars, trends and the map of a report as small SVG pictures, the same in page and PDF. Words and numbers stand beside
them in HTML: WeasyPrint reverses Arabic in SVG text, and a screen reader wants the table."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from portal.core.common.svg import number, picture, round_step

COLOURS: Final = {"pass": "#2f9e5b", "warning": "#e0a21b", "fail": "#c92a2a", "pending": "#b8c2cc"}
_WIDTH: Final = 1000
_INK: Final = "#53656b"


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
    return picture(f'<rect width="{_WIDTH}" height="100" fill="#edf1f3"/>{shapes}', _WIDTH, 100, stretched=True)


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
    return picture(marker(status), 12, 12)


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
    return picture(shapes, width, height)


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

    step = round_step(min(tall, wide) / 3 if min(tall, wide) > 4 else max(tall, wide) / 3) * scale
    shapes = f'<rect width="{width:.0f}" height="{height:.0f}" fill="#f1f6f7"/>'
    for line in range(1, int(width / step) + 1):
        shapes += f'<path d="M{line * step:.1f} 0V{height:.0f}" stroke="#dde8ea" stroke-width="1"/>'
    for line in range(1, int(height / step) + 1):
        shapes += f'<path d="M0 {line * step:.1f}H{width:.0f}" stroke="#dde8ea" stroke-width="1"/>'
    order = ("pending", "pass", "warning", "fail")  # the gravest on top
    for site in sorted(sites, key=lambda site: order.index(site["status"])):
        shapes += marker(site["status"], *place(site))
    taken: list[tuple[float, float]] = []
    for site in sorted(sites, key=lambda site: -order.index(site["status"])):
        x, y = place(site)
        if all(abs(x - left) > 26 or abs(y - top) > 11 for left, top in taken):  # no number over another one
            shapes += number(site["label"], x + 8, y - 4)
            taken.append((x, y))
    kilometres = round_step(width / scale / 5)
    bar = kilometres * scale
    shapes += f'<path d="M12 {height - 18:.0f}v6H{12 + bar:.1f}v-6" fill="none" stroke="{_INK}" stroke-width="1.6"/>'
    shapes += f'<path d="M{width - 16:.0f} 32V10l-4 7m4-7l4 7" fill="none" stroke="{_INK}" stroke-width="1.6"/>'
    return picture(shapes, round(width), round(height)), kilometres
