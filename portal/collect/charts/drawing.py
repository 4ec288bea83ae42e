"""A view as a small SVG picture for PDFs. What a bar, a slice or a line stands for is said by a number and by the
pattern, not by its colour alone."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from portal.collect.charts.display import Picture
from portal.core.common.svg import ADVANCE, number, picture, round_step

# Told apart by most colour-blind readers (after Okabe and Ito), dark enough on white; the same as in `charts.js`.
COLOURS: Final = ("#0b6e75", "#c2570c", "#4c5fb8", "#8a6d00", "#9e2a6b", "#3b7d23", "#7a4a2b", "#5c6670")
_PATTERNS: Final = ("", "M0 6L6 0", "M0 0L6 6", "M0 3H6", "M3 0V6", "M0 0L6 6M0 6L6 0", "M0 3H6M3 0V6", "M1 1h2v2h-2Z")
_DASHES: Final = ("", "8 4", "3 3", "12 3 3 3", "2 6", "8 2 2 2", "14 4", "1 3")
_INK: Final = "#53656b"
WIDTH, HEIGHT = 560, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 8.0, 8.0, 22.0


def draw(found: Picture, *, mirrored: bool = False) -> str:
    """A `data:` address; empty where there is nothing to draw. `mirrored` reads from the right."""
    if not found.labels or found.kind == "number":
        return ""
    if found.kind in ("pie", "donut"):
        return _round(found.numbers[0], hollow=found.kind == "donut", mirrored=mirrored)
    return _along(found, mirrored=mirrored)


def swatch(place: int) -> str:
    """A `data:` address of the pattern that stands for a series or a slice."""
    return picture(_patterns(place + 1) + _painted('rect width="14" height="14"', place), 14, 14)


def _patterns(count: int) -> str:
    made = "".join(
        f'<pattern id="p{place}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<path d="{lines}" stroke="#fff" stroke-opacity=".75" stroke-width="1.2" fill="none"/></pattern>'
        for place in range(count)
        if (lines := _PATTERNS[place % len(_PATTERNS)])
    )
    return f"<defs>{made}</defs>"


def _painted(shape: str, place: int) -> str:
    """A shape in its colour, and its pattern over it: one tile with both would show its seams."""
    colour, patterned = COLOURS[place % len(COLOURS)], _PATTERNS[place % len(_PATTERNS)]
    return f'<{shape} fill="{colour}"/>' + (f'<{shape} fill="url(#p{place})"/>' if patterned else "")


def _round(values: Sequence[float | None], *, hollow: bool, mirrored: bool) -> str:
    side, middle, outer = 200, 100.0, 92.0
    held = [max(value or 0, 0) for value in values]
    whole = sum(held)
    if not whole:
        return ""
    shapes, at = _patterns(len(held)), 0.0
    numbers = ""

    def point(turn: float, radius: float) -> tuple[float, float]:
        angle = 2 * math.pi * (-turn if mirrored else turn)
        return middle + radius * math.sin(angle), middle - radius * math.cos(angle)

    for place, value in enumerate(held):
        part = value / whole
        if not part:
            continue
        if part > 0.9999:
            shapes += _painted(f'circle cx="{middle}" cy="{middle}" r="{outer}"', place)
        else:
            (x1, y1), (x2, y2) = point(at, outer), point(at + part, outer)
            sweep = f"{int(part > 0.5)} {int(not mirrored)}"
            path = f"M{middle} {middle}L{x1:.2f} {y1:.2f}A{outer} {outer} 0 {sweep} {x2:.2f} {y2:.2f}Z"
            shapes += _painted(f'path d="{path}" stroke="#fff" stroke-width="1.5"', place)
        if part > 0.03:
            text = str(place + 1)
            x, y = point(at + part / 2, outer * (0.78 if hollow else 0.66))
            wide = ADVANCE * len(text) + 5
            numbers += f'<rect x="{x - wide / 2:.1f}" y="{y - 7:.1f}" width="{wide}" height="14" rx="3" fill="#fff"/>'
            numbers += number(text, x - wide / 2 + 3.5, y - 4)
        at += part
    hole = f'<circle cx="{middle}" cy="{middle}" r="{outer * 0.55}" fill="#fff"/>' if hollow else ""
    return picture(shapes + hole + numbers, side, side)


def _along(found: Picture, *, mirrored: bool) -> str:
    stacked, lines = found.kind == "stackedBar", found.kind == "line"
    count = len(found.labels)
    reach = _reach(found, stacked=stacked)
    if reach is None:
        return ""
    low, high, step = reach
    left, right = (_RIGHT, WIDTH - _LEFT) if mirrored else (_LEFT, WIDTH - _RIGHT)
    slot = (right - left) / count

    def x(place: float) -> float:
        return right - slot * place if mirrored else left + slot * place

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * (value - low) / (high - low)

    shapes = _patterns(len(found.numbers))
    shapes += f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#f6f9f9"/>'
    mark = math.ceil(low / step - 1e-9)
    while mark * step <= high * (1 + 1e-9):
        height, text = y(mark * step), _short(mark * step)
        shapes += f'<path d="M{left:.1f} {height:.1f}H{right:.1f}" stroke="#d5e0e3" stroke-width="1"/>'
        start = right + 5 if mirrored else left - 5 - ADVANCE * len(text)
        shapes += number(text, start, height - 4, ink=_INK)
        mark += 1
    every = max(1, math.ceil(count * (ADVANCE * len(str(count)) + 4) / (right - left)))
    for place in range(0, count, every):
        text = str(place + 1)
        shapes += number(text, x(place + 0.5) - ADVANCE * len(text) / 2, HEIGHT - _BOTTOM + 7, ink=_INK)
    if lines:
        for series, values in enumerate(found.numbers):
            shapes += _line([(x(n + 0.5), y(v)) if v is not None else None for n, v in enumerate(values)], series)
    else:
        shapes += _bars(found, x, y, slot, stacked=stacked)
    shapes += f'<path d="M{left:.1f} {y(max(low, 0)):.1f}H{right:.1f}" stroke="{_INK}" stroke-width="1.2"/>'
    return picture(shapes, WIDTH, HEIGHT)


def _bars(
    found: Picture, x: Callable[[float], float], y: Callable[[float], float], slot: float, *, stacked: bool
) -> str:
    shapes = ""
    width = max(slot * 0.72 / (1 if stacked else len(found.numbers)), 0.6)
    for place in range(len(found.labels)):
        above, below = 0.0, 0.0
        for series, values in enumerate(found.numbers):
            value = values[place]
            if not value:
                continue
            base = (above if value > 0 else below) if stacked else 0.0
            top, bottom = sorted((y(base), y(base + value)))
            above, below = above + max(value, 0), below + min(value, 0)
            shift = 0 if stacked else series - (len(found.numbers) - 1) / 2
            at = x(place + 0.5) - width / 2 + shift * width
            tall = max(bottom - top, 0.5)
            bar = f'rect x="{at:.2f}" y="{top:.2f}" width="{width:.2f}" height="{tall:.2f}"'
            shapes += _painted(bar, series)
    return shapes


def _line(points: Sequence[tuple[float, float] | None], series: int) -> str:
    colour, dash = COLOURS[series % len(COLOURS)], _DASHES[series % len(_DASHES)]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    shapes = "".join(
        f'<path d="M{a[0]:.1f} {a[1]:.1f}L{b[0]:.1f} {b[1]:.1f}" stroke="{colour}" stroke-width="1.8"{dashed}/>'
        for a, b in pairwise(points)
        if a and b
    )
    size = 2.4 if len(points) <= 60 else 1.2
    return shapes + "".join(
        f'<circle cx="{p[0]:.1f}" cy="{p[1]:.1f}" r="{size}" fill="{colour}"/>' for p in points if p
    )


def _reach(found: Picture, *, stacked: bool) -> tuple[float, float, float] | None:
    """Lowest and highest value of the scale, and the step of its lines."""
    if stacked:
        pairs = list(zip(*found.numbers, strict=True))
        values = [sum(max(v or 0, 0) for v in column) for column in pairs]
        values += [sum(min(v or 0, 0) for v in column) for column in pairs]
    else:
        values = [value for series in found.numbers for value in series if value is not None]
    if not values:
        return None
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    if high == low:
        high = low + 1
    step = round_step((high - low) / 4)
    return low, high * 1.04 if high > 0 else high, step


def _short(value: float) -> str:
    """At most six signs: `1200` as `1.2k`."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if sign == 'k' else size):.4g}"[:5] + sign
    return f"{value:.4g}"
