"""Does a series rise or fall: Mann-Kendall test and Sen's slope, with values that are known as "less than" a bound.

Two values are compared where the order is certain: `<5` is below 7, but nothing is known of `<5` and 3, which count as
a tie (Helsel, Statistics for Censored Environmental Data, chapter 12). Sen's slope uses pairs of measured values alone.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final, Literal

FEWEST: Final = 8  # below, the normal approximation of the test says nothing
ALPHA: Final = 0.05
MOST: Final = 2000  # values compared with each other; of a longer series the latest
_YEAR: Final = 365.25 * 86400


@dataclass(frozen=True, slots=True)
class Value:
    """A moment and a number; `censored` "<": the true value is below, ">": above it."""

    at: datetime
    number: float
    censored: Literal["", "<", ">"] = ""


@dataclass(frozen=True, slots=True)
class Trend:
    """`direction` is none where the test does not reject chance (two-sided, 5 %); `slope` in units per year."""

    n: int
    censored: int
    direction: Literal["rising", "falling", "none", "too_few"]
    s: int
    z: float
    p: float
    slope: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Of measured and bounding values; `median` None where the middle is censored."""

    n: int
    censored: int
    lowest: float | None
    median: float | None
    highest: float | None


def order(a: Value, b: Value) -> int:
    """1 where `b` is certainly above `a`, -1 where below, 0 where equal or unknown."""
    low_a, high_a = _bounds(a)
    low_b, high_b = _bounds(b)
    if low_b > high_a or (low_b == high_a and (a.censored == "<" or b.censored == ">")):
        return 1
    if high_b < low_a or (high_b == low_a and (b.censored == "<" or a.censored == ">")):
        return -1
    return 0


def _bounds(value: Value) -> tuple[float, float]:
    low = -math.inf if value.censored == "<" else value.number
    return low, math.inf if value.censored == ">" else value.number


def trend(values: Sequence[Value]) -> Trend:
    """Of values in any order."""
    rows = sorted(values, key=lambda value: value.at)[-MOST:]
    n, censored = len(rows), sum(bool(row.censored) for row in rows)
    if n < FEWEST:
        return Trend(n, censored, "too_few", 0, 0.0, 1.0, None)
    s = sum(order(rows[i], rows[j]) for i in range(n) for j in range(i + 1, n))
    ties = Counter((row.number, row.censored) for row in rows).values()
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    z = (s - math.copysign(1, s)) / math.sqrt(variance) if s and variance > 0 else 0.0
    p = math.erfc(abs(z) / math.sqrt(2))
    direction: Literal["rising", "falling", "none"] = "none" if p >= ALPHA else "rising" if s > 0 else "falling"
    return Trend(n, censored, direction, s, z, p, _sen([row for row in rows if not row.censored]))


def _sen(rows: Sequence[Value]) -> float | None:
    slopes = [
        (b.number - a.number) / years
        for i, a in enumerate(rows)
        for b in rows[i + 1 :]
        if (years := (b.at - a.at).total_seconds() / _YEAR) > 0
    ]
    return median(slopes) if slopes else None


def summary(values: Sequence[Value]) -> Summary:
    rows = sorted(values, key=lambda value: (value.number, value.censored == ">"))
    if not rows:
        return Summary(0, 0, None, None, None)
    middle = rows[(len(rows) - 1) // 2 : len(rows) // 2 + 1]
    # every value below or above the middle is known to lie there
    half = len(rows) // 2
    known = (
        not any(row.censored for row in middle)
        and not any(row.censored == ">" for row in rows[:half])
        and not any(row.censored == "<" for row in rows[half:])
    )
    measured = [row.number for row in rows if not row.censored]
    return Summary(
        len(rows),
        sum(bool(row.censored) for row in rows),
        min(measured, default=None),
        sum(row.number for row in middle) / len(middle) if known else None,
        max(measured, default=None),
    )
