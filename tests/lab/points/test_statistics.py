"""Mann-Kendall and Sen's slope, censored values included."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.lab.trends.statistics import Value, order, summary, trend

START = datetime(2025, 1, 1, tzinfo=UTC)


def series(*numbers: float | str, days: int = 30) -> list[Value]:
    made = []
    for place, number in enumerate(numbers):
        at = START + timedelta(days=days * place)
        if isinstance(number, str):
            made.append(Value(at, float(number[1:]), "<" if number[0] == "<" else ">"))
        else:
            made.append(Value(at, number))
    return made


def test_a_rising_series_has_the_figures_of_the_textbook() -> None:
    found = trend(series(*range(1, 11)))

    assert (found.n, found.s, found.direction) == (10, 45, "rising")
    assert found.z == pytest.approx(44 / 125**0.5)  # variance n(n-1)(2n+5)/18 = 125
    assert found.p == pytest.approx(0.0000830, abs=1e-7)
    assert found.slope == pytest.approx(365.25 / 30)
    assert trend(series(*range(10, 0, -1))).direction == "falling"


def test_ties_lower_the_variance() -> None:
    found = trend(series(1, 1, 2, 2, 3, 3, 4, 4))

    # pairs: 28, ties 4; variance (8*7*21 - 4 * 2*1*9) / 18 = 61.33
    assert found.s == 24
    assert found.z == pytest.approx(23 / (1104 / 18) ** 0.5)


def test_too_few_values_say_nothing() -> None:
    found = trend(series(1, 2, 3, 4, 5, 6, 7))

    assert (found.direction, found.slope) == ("too_few", None)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Value(START, 5, "<"), Value(START, 7), 1),
        (Value(START, 5, "<"), Value(START, 5), 1),
        (Value(START, 5, "<"), Value(START, 3), 0),
        (Value(START, 5, "<"), Value(START, 1, "<"), 0),
        (Value(START, 5, ">"), Value(START, 3), -1),
        (Value(START, 5, ">"), Value(START, 9), 0),
        (Value(START, 2), Value(START, 2), 0),
        (Value(START, 2, "<"), Value(START, 9, ">"), 1),
    ],
)
def test_only_what_is_certain_is_an_order(first: Value, second: Value, expected: int) -> None:
    assert order(first, second) == expected
    assert order(second, first) == -expected


def test_a_censored_value_is_never_taken_for_its_bound() -> None:
    """Falling limits of quantification are no falling concentration."""
    assert trend(series("<50", "<40", "<30", "<20", "<10", "<5", "<2", "<1")).s == 0


VALUES = st.lists(
    st.tuples(st.floats(0, 100, allow_nan=False), st.sampled_from(["", "", "<", ">"])), min_size=8, max_size=25
)


@given(VALUES)
def test_turned_round_in_time_a_trend_turns_round(rows: list[tuple[float, str]]) -> None:
    forward = [Value(START + timedelta(days=n), x, c) for n, (x, c) in enumerate(rows)]  # type: ignore[arg-type]
    back = [Value(START + timedelta(days=n), x, c) for n, (x, c) in enumerate(reversed(rows))]  # type: ignore[arg-type]

    one, other = trend(forward), trend(back)

    assert one.s == -other.s
    assert one.p == pytest.approx(other.p)
    assert {one.direction, other.direction} in ({"none"}, {"rising", "falling"})
    assert (one.slope or 0) == pytest.approx(-(other.slope or 0))


def test_a_median_is_said_only_where_it_is_known() -> None:
    assert summary(series(1, 5, 3)).median == 3
    assert summary(series("<1", 5, 3)).median == 3
    assert summary(series("<4", 5, 3)).median is None
    assert summary(series("<1", "<1", 3)).median is None
    assert summary(series("<1", 2, 3, 4)).median == 2.5
    assert summary([]).n == 0
