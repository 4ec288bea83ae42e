"""What a QC sample says of a run: blank, duplicate, spike, control. Every function takes numbers in one unit.

Sources: Standard Methods for the Examination of Water and Wastewater, 24th ed., part 1020 B (blanks, duplicates,
fortified samples, control charts); ISO/TS 13530:2009 (analytical quality control of water analysis).
"""

from dataclasses import dataclass
from decimal import Decimal

from portal.lab.quality.choices import Reason, Verdict
from portal.lab.quality.westgard import REJECTING, Rule
from portal.lab.science.measurement import Measurement, Qualifier


@dataclass(frozen=True, slots=True)
class Assessment:
    """`figure` is a percentage, for a blank the reading itself; `figure_to` the other end where censored values leave
    an interval. `score`: the z-score of a control."""

    verdict: Verdict
    reason: Reason
    figure: Decimal | None = None
    figure_to: Decimal | None = None
    score: Decimal | None = None
    rules: tuple[Rule, ...] = ()


type Interval = tuple[Decimal, Decimal | None]  # from and to, None: no upper end


def interval(reading: Measurement) -> Interval | None:
    """Where the true reading lies, as far as the text says so; None where it says nothing of an amount."""
    if reading.number is not None:
        return reading.number, reading.number
    match reading.qualifier:
        case Qualifier.LESS | Qualifier.NOT_DETECTED if reading.bound is not None:
            return min(Decimal(), reading.bound), reading.bound
        case Qualifier.GREATER | Qualifier.TOO_NUMEROUS if reading.bound is not None:
            return reading.bound, None
        case Qualifier.ABSENT:
            return Decimal(), Decimal()
    return None


def blank(reading: Measurement, *, limit: Decimal | None) -> Assessment:
    """A blank passes where its amount is not above `limit` (Standard Methods 1020 B); a negative reading counts by how
    far it lies from zero. "Not detected" passes. Without a limit nothing is decided."""
    if reading.qualifier in (Qualifier.NOT_DETECTED, Qualifier.ABSENT) and reading.bound is None:
        return Assessment(Verdict.PASS, Reason.NOT_DETECTED)
    if limit is None:
        return Assessment(Verdict.NOT_EVALUATED, Reason.NO_CRITERION, reading.number)
    found = interval(reading)
    if found is None:
        return Assessment(Verdict.INDETERMINATE, Reason.CENSORED)
    low, high = found
    if reading.number is not None:
        inside = abs(reading.number) <= limit
        return Assessment(*_decided(inside), reading.number)
    if high is not None and high <= limit:
        return Assessment(Verdict.PASS, Reason.WITHIN)
    if low > limit:
        return Assessment(Verdict.FAIL, Reason.OUTSIDE)
    return Assessment(Verdict.INDETERMINATE, Reason.CENSORED)


def relative_percent_difference(one: Decimal, other: Decimal) -> Decimal:
    """RPD = 100 · |x1 - x2| / ((x1 + x2) / 2), in percent (Standard Methods 1020 B). Two zeros do not differ."""
    mean = abs(one + other) / 2
    if not mean:
        return Decimal(0) if one == other else Decimal(200)
    return 100 * abs(one - other) / mean


def duplicate(first: Measurement, second: Measurement, *, limit: Decimal | None) -> Assessment:
    """The RPD of two measurements against `limit` (percent). Where one of them is censored its least possible RPD
    decides if that is too large already; two censored ones say nothing of a spread, and are no failure."""
    one, other = interval(first), interval(second)
    if one is None or other is None:
        return Assessment(Verdict.INDETERMINATE, Reason.CENSORED)
    exact = first.number is not None and second.number is not None
    if first.number is not None and second.number is not None:
        figure = relative_percent_difference(first.number, second.number)
    elif first.number is None and second.number is None and _overlap(one, other):
        return Assessment(Verdict.NOT_EVALUATED, Reason.BOTH_CENSORED)
    elif _overlap(one, other):
        return Assessment(Verdict.INDETERMINATE, Reason.CENSORED)
    else:  # the two ends that face each other
        lower, upper = sorted((one, other))
        figure = relative_percent_difference(lower[0] if lower[1] is None else lower[1], upper[0])
    if limit is None:
        return Assessment(Verdict.NOT_EVALUATED, Reason.NO_CRITERION, figure)
    if exact or figure > limit:
        return Assessment(*_decided(figure <= limit), figure)
    return Assessment(Verdict.INDETERMINATE, Reason.CENSORED, figure)


def recovery(found: Decimal, expected: Decimal) -> Decimal:
    """Recovery = 100 · found / expected, in percent (Standard Methods 1020 B)."""
    return 100 * found / expected


def spike(
    spiked: Measurement, unspiked: Measurement, *, added: Decimal, low: Decimal | None, high: Decimal | None
) -> Assessment:
    """Recovery of what was added: 100 · (spiked - unspiked) / added, between `low` and `high` percent (Standard Methods
    1020 B). A censored reading leaves an interval; the verdict stands where all of it says the same."""
    with_added, without = interval(spiked), interval(unspiked)
    if with_added is None or without is None or with_added[1] is None or without[1] is None:
        return Assessment(Verdict.INDETERMINATE, Reason.CENSORED)
    least = recovery(with_added[0] - without[1], added)
    most = recovery(with_added[1] - without[0], added)
    return _between(least, most, low, high)


def control(
    reading: Measurement,
    *,
    assigned: Decimal,
    score: Decimal | None,
    rules: tuple[Rule, ...],
    low: Decimal | None,
    high: Decimal | None,
) -> Assessment:
    """A control sample: the rules of Westgard that it breaks on its chart (`score` and `rules`, none where the chart
    has no mean and standard deviation yet), and its recovery of the `assigned` value between `low` and `high` percent
    where that is asked for (Standard Methods 1020 B)."""
    if reading.number is None:
        return Assessment(Verdict.INDETERMINATE, Reason.CENSORED)
    figure = recovery(reading.number, assigned) if assigned else None
    outside = figure is not None and ((low is not None and figure < low) or (high is not None and figure > high))
    if REJECTING.intersection(rules):
        verdict, reason = Verdict.FAIL, Reason.WESTGARD
    elif outside:
        verdict, reason = Verdict.FAIL, Reason.OUTSIDE
    elif rules:
        verdict, reason = Verdict.WARNING, Reason.WESTGARD
    elif score is not None or (figure is not None and (low is not None or high is not None)):
        verdict, reason = Verdict.PASS, Reason.WITHIN
    else:
        verdict, reason = Verdict.NOT_EVALUATED, Reason.NO_STATISTICS
    return Assessment(verdict, reason, figure, None, score, rules)


def _between(least: Decimal, most: Decimal, low: Decimal | None, high: Decimal | None) -> Assessment:
    ends = (least, None if most == least else most)
    if low is None and high is None:
        return Assessment(Verdict.NOT_EVALUATED, Reason.NO_CRITERION, *ends)
    if (low is None or least >= low) and (high is None or most <= high):
        return Assessment(Verdict.PASS, Reason.WITHIN, *ends)
    if (low is not None and most < low) or (high is not None and least > high):
        return Assessment(Verdict.FAIL, Reason.OUTSIDE, *ends)
    return Assessment(Verdict.INDETERMINATE, Reason.CENSORED, *ends) if ends[1] else _outside(least)


def _outside(figure: Decimal) -> Assessment:
    return Assessment(Verdict.FAIL, Reason.OUTSIDE, figure)


def _decided(inside: bool) -> tuple[Verdict, Reason]:
    return (Verdict.PASS, Reason.WITHIN) if inside else (Verdict.FAIL, Reason.OUTSIDE)


def _overlap(one: Interval, other: Interval) -> bool:
    return (one[1] is None or other[0] <= one[1]) and (other[1] is None or one[0] <= other[1])
