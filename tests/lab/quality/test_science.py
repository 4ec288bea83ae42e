"""Blanks, duplicates, spikes, controls and the rules of Westgard against numbers worked out by hand."""

from decimal import Decimal
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.lab.quality import assess
from portal.lab.quality.choices import Reason, Verdict
from portal.lab.quality.westgard import REJECTING, Rule, statistics, violations, z_score
from portal.lab.science.measurement import parse_measurement

D = Decimal
P, W, F, U, N = Verdict.PASS, Verdict.WARNING, Verdict.FAIL, Verdict.INDETERMINATE, Verdict.NOT_EVALUATED


@pytest.mark.parametrize(
    ("text", "limit", "verdict"),
    [
        ("0.02", "0.05", P), ("0.05", "0.05", P), ("0.051", "0.05", F), ("-0.06", "0.05", F), ("-0.04", "0.05", P),
        ("<0.05", "0.05", P), ("<0.1", "0.05", U), (">0.1", "0.05", F), (">0.01", "0.05", U), ("ND", "0.05", P),
        ("absent", "0", P), ("present", "0", U), ("0.02", None, N), ("TNTC", "10", U),
    ],
)  # fmt: skip
def test_a_blank_holds_no_more_than_its_limit(text: str, limit: str | None, verdict: Verdict) -> None:
    assert assess.blank(parse_measurement(text), limit=D(limit) if limit else None).verdict is verdict


# 100 · 2 / 49 = 4.0816…; 100 · 4 / 10 = 40; the least difference of "<1" and 3 is that of 1 and 3: 100 · 2 / 2 = 100
@pytest.mark.parametrize(
    ("one", "other", "limit", "figure", "verdict"),
    [
        ("48", "50", "5", "4.081633", P), ("50", "48", "5", "4.081633", P), ("8", "12", "40", "40", P),
        ("8", "12", "39.9", "40", F), ("0", "0", "10", "0", P), ("0", "1", "20", "200", F),
        ("<1", "<1", "20", None, N), ("<1", "3", "20", "100", F), ("<1", "0.5", "20", None, U),
        ("<1", "1.1", "20", "9.52381", U), (">100", "50", "20", "66.666667", F), ("48", "50", None, "4.081633", N),
        ("ND", "5", "20", None, U), ("present", "absent", "20", None, U), ("-1", "1", "20", "200", F),
    ],
)  # fmt: skip
def test_duplicates_by_their_relative_percent_difference(
    one: str, other: str, limit: str | None, figure: str | None, verdict: Verdict
) -> None:
    found = assess.duplicate(
        parse_measurement(one), parse_measurement(other), limit=None if limit is None else D(limit)
    )

    assert found.verdict is verdict
    assert (None if found.figure is None else round(found.figure, 6)) == (None if figure is None else D(figure))


# 100 · (14.6 - 5) / 10 = 96; of "<1" it lies between 100 · (9 - 1) / 10 = 80 and 100 · 9 / 10 = 90
@pytest.mark.parametrize(
    ("spiked", "unspiked", "added", "ends", "verdict"),
    [
        ("14.6", "5", "10", ("96", None), P), ("13", "5", "10", ("80", None), P), ("12.9", "5", "10", ("79", None), F),
        ("17", "5", "10", ("120", None), P), ("17.1", "5", "10", ("121", None), F), ("9", "<1", "10", ("80", "90"), P),
        ("8.5", "<1", "10", ("75", "85"), U), ("5", "<1", "10", ("40", "50"), F), (">20", "5", "10", (None, None), U),
        ("9", "ND", "10", (None, None), U), ("15", "absent", "10", ("150", None), F),
    ],
)  # fmt: skip
def test_spikes_by_the_recovery_of_what_was_added(
    spiked: str, unspiked: str, added: str, ends: tuple[str | None, str | None], verdict: Verdict
) -> None:
    found = assess.spike(parse_measurement(spiked), parse_measurement(unspiked), added=D(added), low=D(80), high=D(120))

    assert (found.figure, found.figure_to) == tuple(None if end is None else D(end) for end in ends)
    assert found.verdict is verdict


def control(
    text: str, z: str | None, *rules: Rule, low: str | None = None, high: str | None = None
) -> assess.Assessment:
    return assess.control(
        parse_measurement(text),
        assigned=D(50),
        score=None if z is None else D(z),
        rules=rules,
        low=None if low is None else D(low),
        high=None if high is None else D(high),
    )


def test_controls_by_their_chart_and_by_recovery() -> None:
    assert control("51", "0.5").verdict is P
    assert control("51", "0.5").figure == 102
    assert control("54", "2.1", Rule.WARNING_2S).verdict is W
    assert control("57", "3.5", Rule.WARNING_2S, Rule.BEYOND_3S).reason is Reason.WESTGARD
    assert control("57", "3.5", Rule.WARNING_2S, Rule.BEYOND_3S).verdict is F
    assert control("56", "1", low="90", high="110").verdict is F
    assert control("55", "1", low="90", high="110").verdict is P
    assert control("51", None).reason is Reason.NO_STATISTICS
    assert control("51", None, low="90").verdict is P
    assert control("<60", None).verdict is U


NONE: tuple[Rule, ...] = ()
R = Rule
# z-scores as read from a chart, and the rules that the last point of each row completes
WORKED = [
    ("0.1 -0.5 1.2 1.9 -1.8", NONE),
    ("0 2.1", (R.WARNING_2S,)),
    ("0 2", NONE),
    ("0 -2.01", (R.WARNING_2S,)),
    ("0 3.01", (R.WARNING_2S, R.BEYOND_3S)),
    ("0 3", (R.WARNING_2S,)),
    ("0 -3.2", (R.WARNING_2S, R.BEYOND_3S)),
    ("2.1 2.2", (R.WARNING_2S, R.TWO_2S)),
    ("-2.1 -2.5", (R.WARNING_2S, R.TWO_2S)),
    ("2.1 0 2.2", (R.WARNING_2S,)),
    ("2.1 -2.2", (R.WARNING_2S,)),  # of two runs: a shift, no range
    ("2.5 -1.6", NONE),  # four SD apart, but the second is within 2 s
    ("1.1 1.2 1.3 1.1", (R.FOUR_1S,)),
    ("1.1 1.2 1.3", NONE),
    ("1.1 1.2 1 1.1", NONE),
    ("-1.1 -1.2 -1.9 -1.01", (R.FOUR_1S,)),
    ("1.1 1.2 -1.3 1.1", NONE),
    ("1.1 1.2 1.3 2.1", (R.WARNING_2S, R.FOUR_1S)),
    ("0.1 0.2 0.3 0.4 0.5 0.4 0.3 0.2 0.1 0.2", (R.TEN_X,)),
    ("0.1 0.2 0.3 0.4 0.5 0.4 0.3 0.2 0.1", NONE),
    ("0.1 0.2 0.3 0.4 0 0.4 0.3 0.2 0.1 0.2", NONE),
    ("-0.1 -0.2 -0.3 -0.4 -0.5 -0.4 -0.3 -0.2 -0.1 -0.2 -0.6", (R.TEN_X,)),
    ("1.2 1.3 1.2 1.1 1.2 1.4 1.3 1.2 2.3 3.4",
     (R.WARNING_2S, R.BEYOND_3S, R.TWO_2S, R.FOUR_1S, R.TEN_X)),
]  # fmt: skip


@pytest.mark.parametrize(("scores", "rules"), WORKED)
def test_the_rules_of_westgard_on_worked_charts(scores: str, rules: tuple[Rule, ...]) -> None:
    assert violations([D(z) for z in scores.split()])[-1] == rules


def test_a_chart_names_each_violation_where_it_is_completed() -> None:
    scores = [D(z) for z in ("0.3", "2.2", "2.4", "-0.5", "-2.1", "2.3", "0.1")]

    assert violations(scores) == [
        (), (R.WARNING_2S,), (R.WARNING_2S, R.TWO_2S), (), (R.WARNING_2S,), (R.WARNING_2S,), (),
    ]  # fmt: skip
    assert Rule.WARNING_2S not in REJECTING
    assert len(REJECTING) == 5


@pytest.mark.parametrize(
    ("score", "before", "broken"),
    [
        ("-2.2", "2.1", True),  # two levels of a run, or one measured twice
        ("2.05", "-2.6", True),
        ("2.05", "0.3 -2.6 1", True),
        ("-1.6", "2.5", False),  # four SD apart, but one of them is within 2 s
        ("-2", "2.5", False),
        ("2.2", "2.5", False),
        ("-2.2", "", False),
    ],
)
def test_a_range_is_one_of_the_controls_of_a_run(score: str, before: str, broken: bool) -> None:
    """Westgard (1981): R_4s looks within a run, across its materials; whatever stood on the chart before."""
    run = [D(z) for z in before.split()]

    assert (R.RANGE_4S in violations([D("2.4"), D(score)], [[], run])[-1]) is broken


def test_mean_and_standard_deviation() -> None:
    found = statistics([D("9.8"), D("10.0"), D("10.2"), D("10.4"), D("9.6")])  # deviations .04 0 .04 .16 .16: 0.4 / 4

    assert found is not None
    assert (found.number, found.mean, found.sd) == (5, D("10.0"), D("0.1").sqrt())
    assert z_score(D("10.5"), mean=D(10), sd=D("0.25")) == 2
    assert statistics([D(1)]) is None
    assert statistics([D(1), D(1)]) is None


numbers = st.decimals(min_value=-1000, max_value=1000, places=3)
positive = st.decimals(min_value="0.001", max_value=1000, places=3)
scores = st.lists(st.decimals(min_value=-5, max_value=5, places=2), max_size=20)


@given(st.lists(numbers, min_size=2, max_size=12).filter(lambda values: len(set(values)) > 1))
def test_statistics_agree_with_the_library(values: list[Decimal]) -> None:
    found = statistics(values)

    assert found is not None
    assert abs(found.mean - mean(values)) < D("1e-15")
    assert abs(found.sd - stdev(values)) < D("1e-12")


@given(positive, positive)
def test_the_difference_of_duplicates_knows_no_order(one: Decimal, other: Decimal) -> None:
    found = assess.relative_percent_difference(one, other)

    assert found == assess.relative_percent_difference(other, one)
    assert 0 <= found <= 200


@given(scores)
def test_a_mirrored_chart_breaks_the_same_rules(values: list[Decimal]) -> None:
    assert violations(values) == violations([-value for value in values])


@given(scores, scores)
def test_what_came_before_is_not_judged_anew(before: list[Decimal], after: list[Decimal]) -> None:
    assert violations(before + after)[: len(before)] == violations(before)


@given(st.decimals(min_value="0.01", max_value=50, places=2), positive, positive)
def test_a_censored_original_never_turns_into_a_certain_pass_or_fail(
    bound: Decimal, spiked: Decimal, added: Decimal
) -> None:
    """Whatever the true amount below the bound is, the verdict that stands is also the exact one's."""
    without = parse_measurement(f"<{bound}")
    found = assess.spike(parse_measurement(spiked), without, added=added, low=D(80), high=D(120))

    for true in (D(0), bound / 2, bound):
        exact = assess.spike(parse_measurement(spiked), parse_measurement(true), added=added, low=D(80), high=D(120))
        assert found.verdict in (exact.verdict, U)
