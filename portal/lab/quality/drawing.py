"""A Levey-Jennings chart: as data for the page's script, and as a picture for print."""

from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from django.utils.formats import date_format
from django.utils.timezone import localtime

from portal.lab.quality.choices import Verdict
from portal.lab.quality.selectors import Chart, ChartPoint
from portal.lab.quality.wording import digits

COLOURS: Final = {Verdict.PASS: "#0b6e75", Verdict.WARNING: "#b07a06", Verdict.FAIL: "#c92a2a"}
_REPEATED: Final = "#8fa3aa"
_WIDTH, _HEIGHT, _LEFT, _TOP = 1000, 420, 78, 18


def data(made: Chart) -> dict[str, Any]:
    """Numbers for Chart.js; the words stand in the page."""
    return {
        "labels": [date_format(localtime(point.row.measured_at), "SHORT_DATE_FORMAT") for point in made.points],
        "values": [float(point.row.chart_value or 0) for point in made.points],
        "states": ["repeated" if point.row.repeated else point.verdict.lower() for point in made.points],
        "rules": [", ".join(point.rules) for point in made.points],
        "lines": [[step, float(line)] for step in range(-3, 4) if (line := made.line(step)) is not None],
    }


def picture(made: Chart) -> str:
    """A `data:` address of an SVG; it carries numbers alone, as WeasyPrint reverses Arabic in SVG."""
    values = [point.row.chart_value for point in made.points if point.row.chart_value is not None]
    lines = [(step, line) for step in range(-3, 4) if (line := made.line(step)) is not None]
    ends = values + [line for _step, line in lines]
    if not values:
        return ""
    low, high = min(ends), max(ends)
    margin = (high - low) / 20 or Decimal(1)
    low, high = low - margin, high + margin

    def y(value: Decimal) -> str:
        return f"{_TOP + float((high - value) / (high - low)) * (_HEIGHT - 2 * _TOP):.1f}"

    def x(number: int) -> str:
        return f"{_LEFT + 16 + number * (_WIDTH - _LEFT - 32) / max(1, len(made.points) - 1):.1f}"

    parts = [f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>']
    for step, line in lines:
        colour = {0: "#17262b", 1: "#b8c2cc", 2: "#b07a06", 3: "#c92a2a"}[abs(step)]
        dash = "" if step == 0 else ' stroke-dasharray="6 4"'
        parts.append(f'<path d="M{_LEFT} {y(line)}H{_WIDTH}" stroke="{colour}"{dash}/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y(line)}" dy="4" text-anchor="end">{digits(line)}</text>')
    placed = [(point, x(number), y(point.row.chart_value or Decimal())) for number, point in enumerate(made.points)]
    trace = " ".join(f"{across},{down}" for point, across, down in placed if not point.row.repeated)
    parts.append(f'<polyline points="{trace}" fill="none" stroke="#8fa3aa"/>')
    parts += [_dot(*dot) for dot in placed]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' font-family="sans-serif" font-size="14" fill="#53656b">{"".join(parts)}</svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"


def _dot(point: ChartPoint, x: str, y: str) -> str:
    """Shape and colour differ: a circle in control, a triangle for a warning, a square out of control, a cross for a
    value of a rejected run."""
    if point.row.repeated:
        return f'<path d="M{x} {y}m-5-5l10 10m0-10l-10 10" stroke="{_REPEATED}" stroke-width="2"/>'
    colour = COLOURS[point.verdict]
    if point.verdict == Verdict.FAIL:
        return f'<path d="M{x} {y}m-6-6h12v12h-12z" fill="{colour}"/>'
    if point.verdict == Verdict.WARNING:
        return f'<path d="M{x} {y}m0-8l8 14h-16z" fill="{colour}"/>'
    return f'<circle cx="{x}" cy="{y}" r="4.5" fill="{colour}"/>'
