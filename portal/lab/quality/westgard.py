"""Control charts: mean, standard deviation and the multirule procedure of Westgard.

Sources: J. O. Westgard, P. L. Barry, M. R. Hunt, T. Groth, "A multi-rule Shewhart chart for quality control in clinical
chemistry", Clin. Chem. 27 (1981) 493-501; S. Levey, E. R. Jennings, Am. J. Clin. Pathol. 20 (1950) 1059-1066.
"""

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

FEW = 20  # a mean and a standard deviation from fewer measurements than this are preliminary


class Rule(StrEnum):
    """The names that Westgard gave the rules; all but the first reject the run."""

    WARNING_2S = "1_2s"
    BEYOND_3S = "1_3s"
    TWO_2S = "2_2s"
    RANGE_4S = "R_4s"
    FOUR_1S = "4_1s"
    TEN_X = "10_x"


REJECTING = frozenset(Rule) - {Rule.WARNING_2S}


class Statistics(NamedTuple):
    """`sd` is the sample standard deviation (n - 1)."""

    number: int
    mean: Decimal
    sd: Decimal


def statistics(values: Sequence[Decimal]) -> Statistics | None:
    """Mean and standard deviation; None for fewer than two values, or where they are all the same."""
    count = len(values)
    if count < 2:
        return None
    mean = sum(values, Decimal()) / count
    variance = sum(((value - mean) ** 2 for value in values), Decimal()) / (count - 1)
    return Statistics(count, mean, variance.sqrt()) if variance else None


def z_score(value: Decimal, *, mean: Decimal, sd: Decimal) -> Decimal:
    """How many standard deviations `value` lies above the mean."""
    return (value - mean) / sd


def violations(
    scores: Sequence[Decimal], within: Sequence[Collection[Decimal]] | None = None
) -> list[tuple[Rule, ...]]:
    """The rules that each measurement breaks, given the z-scores of one chart in the order of measurement.

    `within`: for each measurement, the z-scores of the controls that were measured before it in the same run, on
    whatever chart; None where each measurement is a run of its own.

    1_2s: beyond 2 s (a warning alone). 1_3s: beyond 3 s. 2_2s: this one and the one before beyond 2 s on one side.
    R_4s: this one and another one of the same run beyond 2 s on opposite sides, two levels of control or one measured
    twice: a range within a run, which tells of random error, while a shift between runs is no range. 4_1s: the last
    four beyond 1 s on one side. 10_x: the last ten on one side of the mean. "Beyond" is strict; a pattern is reported
    at the measurement that completes it, and again at each one that continues it.
    """
    beside = within or [()] * len(scores)
    return [_broken(scores[max(0, end - 10) : end], beside[end - 1]) for end in range(1, len(scores) + 1)]


def _broken(run: Sequence[Decimal], beside: Collection[Decimal]) -> tuple[Rule, ...]:
    """The rules that the last measurement of `run` breaks."""
    last = run[-1]
    found = []
    if abs(last) > 2:
        found.append(Rule.WARNING_2S)
    if abs(last) > 3:
        found.append(Rule.BEYOND_3S)
    if _on_one_side(run, 2, beyond=2):
        found.append(Rule.TWO_2S)
    if any(min(last, other) < -2 and max(last, other) > 2 for other in beside):
        found.append(Rule.RANGE_4S)
    if _on_one_side(run, 4, beyond=1):
        found.append(Rule.FOUR_1S)
    if _on_one_side(run, 10, beyond=0):
        found.append(Rule.TEN_X)
    return tuple(found)


def _on_one_side(run: Sequence[Decimal], count: int, *, beyond: int) -> bool:
    tests: tuple[Callable[[Decimal], bool], ...] = (lambda z: z > beyond, lambda z: z < -beyond)
    return len(run) >= count and any(all(map(test, run[-count:])) for test in tests)
