"""Decision rules, strict limits, warning shares and sums; and what holds whatever the numbers are."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.lab.science.measurement import Measurement, Qualifier, parse_measurement
from portal.lab.science.sums import total
from portal.lab.science.units import convert
from portal.lab.science.verdicts import DecisionRule, Verdict, evaluate
from tests.lab.science.test_verdicts import MINIMUM, RANGE, SCREENING, STRICT, limit, verdict

pytestmark = pytest.mark.covers("001-FR-025")
RULES: list[DecisionRule] = ["simple_acceptance", "guard_band", "ilac_g8"]
MAXIMUM = limit(upper=50)
ACTION = limit("action_level", upper=15)


@pytest.mark.parametrize(
    ("raw", "held", "simple", "guarded", "ilac"),
    [
        ("40", MAXIMUM, "PASS WITHIN_LIMIT", "PASS WITHIN_LIMIT", "PASS WITHIN_LIMIT"),
        ("44.9", MAXIMUM, "PASS WITHIN_LIMIT", "PASS WITHIN_LIMIT", "PASS WITHIN_LIMIT"),
        ("46", MAXIMUM, "WARNING NEAR_LIMIT", "INDETERMINATE UNCERTAINTY_STRADDLES", "WARNING UNCERTAINTY_STRADDLES"),
        ("50", MAXIMUM, "WARNING NEAR_LIMIT", "INDETERMINATE UNCERTAINTY_STRADDLES", "WARNING UNCERTAINTY_STRADDLES"),
        ("51", MAXIMUM, "FAIL ABOVE_LIMIT", *["INDETERMINATE UNCERTAINTY_STRADDLES"] * 2),
        ("55", MAXIMUM, "FAIL ABOVE_LIMIT", *["INDETERMINATE UNCERTAINTY_STRADDLES"] * 2),
        ("55.1", MAXIMUM, *["FAIL ABOVE_LIMIT"] * 3),
        ("999", STRICT, "WARNING NEAR_LIMIT", "INDETERMINATE UNCERTAINTY_STRADDLES", "WARNING UNCERTAINTY_STRADDLES"),
        ("1000", STRICT, "FAIL ABOVE_LIMIT", *["INDETERMINATE UNCERTAINTY_STRADDLES"] * 2),
        ("9", RANGE, "FAIL ABOVE_LIMIT", *["INDETERMINATE UNCERTAINTY_STRADDLES"] * 2),
        ("2", MINIMUM, "FAIL BELOW_MINIMUM", *["INDETERMINATE UNCERTAINTY_STRADDLES"] * 2),
        ("8", MINIMUM, "PASS WITHIN_LIMIT", "INDETERMINATE UNCERTAINTY_STRADDLES", "WARNING UNCERTAINTY_STRADDLES"),
        ("11", ACTION, "PASS WITHIN_LIMIT", *["INVESTIGATE UNCERTAINTY_STRADDLES"] * 2),
        ("16", ACTION, "INVESTIGATE SCREENING_EXCEEDED", *["INVESTIGATE UNCERTAINTY_STRADDLES"] * 2),
        ("<50", MAXIMUM, *["PASS CENSORED_WITHIN_LIMIT"] * 3),
        ("<51", MAXIMUM, *["INDETERMINATE CENSORED_ABOVE_LIMIT"] * 3),
    ],
)
def test_an_uncertainty_of_5_under_each_rule(raw, held, simple, guarded, ilac):
    found = [verdict(raw, held, uncertainty=Decimal(5), rule=rule) for rule in RULES]

    assert found == [simple, guarded, ilac]


@pytest.mark.parametrize("rule", RULES)
def test_without_an_uncertainty_the_rules_agree(rule):
    for raw in ("40", "46", "50", "51", "<60", ">40", "ND", "absent"):
        assert verdict(raw, MAXIMUM, rule=rule) == verdict(raw, MAXIMUM)


@pytest.mark.parametrize(
    ("share", "first"), [("0.5", "25"), ("0.8", "40"), ("0.9", "45"), ("0.95", "47.5"), ("1", "50")]
)
def test_the_warning_begins_at_the_share(share, first):
    held = limit(upper=50, warning_share=Decimal(share))

    assert verdict(first, held) == "WARNING NEAR_LIMIT"
    assert verdict(str(Decimal(first) - Decimal("0.01")), held) == "PASS WITHIN_LIMIT"


@pytest.mark.parametrize("held", [RANGE, MINIMUM, limit("absence", upper=0), limit(upper=4, guidance=2)])
def test_the_band_is_for_plain_maxima(held):
    assert held.near is None


@pytest.mark.parametrize(
    ("members", "zero", "half", "full"),
    [
        (["1.20", "2"], "3.2", "3.2", "3.2"),
        (["10", "<4", "<2"], "10", "13", "16"),
        (["<4", "<2"], "<6", "<6", "<6"),
        (["absent", "absent"], "0", "0", "0"),
        (["100", "absent"], "100", "100", "100"),
        (["10", ">5", "<2"], ">15", ">15", ">15"),
        (["10", "present"], None, None, None),
        (["ND"], None, None, None),
        ([], None, None, None),
    ],
)
def test_a_sum_of_members(members, zero, half, full):
    found = [total(map(parse_measurement, members), censored=rule) for rule in ("zero", "half", "full")]

    assert found == [zero, half, full]


amounts = st.decimals(min_value=0, max_value=1000, places=3)
HELD = [MAXIMUM, STRICT, SCREENING, ACTION, limit(upper=4, guidance=2), limit("absence", upper=0)]


@given(amounts, amounts, st.sampled_from(HELD), st.sampled_from(RULES), st.none() | amounts)
def test_a_higher_value_above_an_upper_limit_is_never_judged_better(low, high, held, rule, uncertainty):
    low, high = sorted((low, high))

    better, worse = (
        Verdict(verdict(f"{value:f}", held, uncertainty=uncertainty, rule=rule).split()[0]) for value in (low, high)
    )

    assert worse.severity <= better.severity


UNITS = [("mg/L", "µg/L", "Pb"), ("mg/L N", "mg/L NO3", "NO3"), ("mg/L NO3", "mg/L", "NO3"), ("Bq/L", "pCi/L", None)]


@given(amounts, amounts, st.sampled_from(UNITS), st.sampled_from("=<>"), st.sampled_from(RULES))
def test_a_conversion_of_units_changes_no_verdict(value, upper, units, sign, rule):
    unit, other, species = units
    held = [limit(upper=upper, unit=unit)]
    raw = Measurement("", Qualifier(sign), *((value, None) if sign == "=" else (None, value)))
    there = convert(value, unit, other, species=species)
    moved = Measurement("", Qualifier(sign), *((there, None) if sign == "=" else (None, there)))

    (one,) = evaluate(raw, unit=unit, species=species, limits=held, matrix="drinking", rule=rule)
    (two,) = evaluate(moved, unit=other, species=species, limits=held, matrix="drinking", rule=rule)

    back = convert(there, other, unit, species=species)
    if back == value:  # else the quotient is no finite decimal, and 28 digits lie beside the limit or not
        assert (one.verdict, one.reason) == (two.verdict, two.reason)
    else:
        assert abs(back - value) <= value * Decimal("1e-25")
