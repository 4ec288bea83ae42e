"""Verdicts of results and samples."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.lab.science.measurement import parse_measurement
from portal.lab.science.verdicts import (
    Judgement,
    Limit,
    Reason,
    Verdict,
    compliance_status,
    evaluate,
    sample_status,
    worst_by_standard,
)

pytestmark = pytest.mark.covers("001-FR-025")


def limit(kind="maximum", lower=None, upper=None, guidance=None, *, standard="MA", role="legal", unit="mg/L", **more):
    number = {"lower": lower, "upper": upper, "guidance": guidance}
    return Limit(
        standard,
        "2020",
        role,
        kind,
        **{name: None if value is None else Decimal(str(value)) for name, value in number.items()},
        unit=unit,
        matrix=more.pop("matrix", "drinking"),
        provisional=more.pop("provisional", False),
        **more,
    )


def verdict(raw, held, **more):
    options = {"unit": held.unit, "species": None, "limits": [held], "matrix": "drinking"} | more
    (judgement,) = evaluate(parse_measurement(raw), **options)
    return f"{judgement.verdict} {judgement.reason}"


MAXIMUM = limit(upper=50)
GUIDED = limit(upper=4, guidance=2)
STRICT = limit(upper=1000, strict=True)
RANGE = limit("range", "6.5", "8.5")
MINIMUM = limit("minimum", 5)
ADVISED = limit(lower="0.2", upper=5)
ABSENCE = limit("absence", upper=0, unit="CFU/100 mL")
SCREENING = limit("screening_level", upper="0.1")
SHARE = limit("percentage", upper=5, unit="%")


@pytest.mark.parametrize(
    ("raw", "held", "expected"),
    [
        ("44.9", MAXIMUM, "PASS WITHIN_LIMIT"),
        ("45", MAXIMUM, "WARNING NEAR_LIMIT"),
        ("50.00", MAXIMUM, "WARNING NEAR_LIMIT"),
        ("50.01", MAXIMUM, "FAIL ABOVE_LIMIT"),
        ("~51", MAXIMUM, "FAIL ABOVE_LIMIT"),
        ("<50", MAXIMUM, "PASS CENSORED_WITHIN_LIMIT"),
        ("<50.1", MAXIMUM, "INDETERMINATE CENSORED_ABOVE_LIMIT"),
        (">50", MAXIMUM, "FAIL ABOVE_LIMIT"),
        (">49", MAXIMUM, "INDETERMINATE OVER_RANGE"),
        ("TNTC", MAXIMUM, "INDETERMINATE OVER_RANGE"),
        ("ND", MAXIMUM, "INDETERMINATE NOT_DETECTED"),
        ("absent", MAXIMUM, "PASS NOT_DETECTED"),
        ("present", MAXIMUM, "INDETERMINATE DETECTED"),
        ("2", GUIDED, "PASS WITHIN_LIMIT"),
        ("2.1", GUIDED, "WARNING ABOVE_GUIDANCE"),
        ("4", GUIDED, "WARNING ABOVE_GUIDANCE"),
        ("4.1", GUIDED, "FAIL ABOVE_LIMIT"),
        ("999", STRICT, "WARNING NEAR_LIMIT"),
        ("1000", STRICT, "FAIL ABOVE_LIMIT"),
        ("<1000", STRICT, "PASS CENSORED_WITHIN_LIMIT"),
        ("8.4", RANGE, "PASS WITHIN_LIMIT"),
        ("8.5", RANGE, "PASS WITHIN_LIMIT"),
        ("8.51", RANGE, "FAIL ABOVE_LIMIT"),
        ("6.49", RANGE, "FAIL BELOW_MINIMUM"),
        ("<6.5", RANGE, "FAIL BELOW_MINIMUM"),
        ("<7", RANGE, "INDETERMINATE CENSORED_ABOVE_LIMIT"),
        (">7", RANGE, "INDETERMINATE OVER_RANGE"),
        (">8.5", RANGE, "FAIL ABOVE_LIMIT"),
        ("5", MINIMUM, "PASS WITHIN_LIMIT"),
        ("4.9", MINIMUM, "FAIL BELOW_MINIMUM"),
        (">5", MINIMUM, "PASS WITHIN_LIMIT"),
        (">4", MINIMUM, "INDETERMINATE OVER_RANGE"),
        ("<5", MINIMUM, "FAIL BELOW_MINIMUM"),
        ("0.1", ADVISED, "WARNING BELOW_MINIMUM"),
        ("0.2", ADVISED, "PASS WITHIN_LIMIT"),
        ("<0.1", ADVISED, "PASS CENSORED_WITHIN_LIMIT"),
        ("0", ABSENCE, "PASS NOT_DETECTED"),
        ("<1", ABSENCE, "PASS NOT_DETECTED"),
        ("absent", ABSENCE, "PASS NOT_DETECTED"),
        ("ND", ABSENCE, "PASS NOT_DETECTED"),
        ("1", ABSENCE, "FAIL DETECTED"),
        ("present", ABSENCE, "FAIL DETECTED"),
        ("TNTC", ABSENCE, "FAIL DETECTED"),
        ("> 2419.6", ABSENCE, "FAIL DETECTED"),
        ("<10", ABSENCE, "INDETERMINATE CENSORED_ABOVE_LIMIT"),
        ("0.1", SCREENING, "PASS WITHIN_LIMIT"),
        ("0.11", SCREENING, "INVESTIGATE SCREENING_EXCEEDED"),
        (">0.1", SCREENING, "INVESTIGATE SCREENING_EXCEEDED"),
        ("<0.2", SCREENING, "INDETERMINATE CENSORED_ABOVE_LIMIT"),
        ("-0.02", SCREENING, "PASS WITHIN_LIMIT"),
        ("0", SHARE, "PASS NOT_DETECTED"),
        ("3", SHARE, "INVESTIGATE DETECTED"),
    ],
)
def test_a_result_against_a_limit(raw, held, expected):
    assert verdict(raw, held) == expected


def test_what_is_not_evaluated_says_why():
    assert verdict("9", Limit.none("MA", "2020", "legal")) == "NOT_EVALUATED NO_LIMIT"
    assert verdict("99", MAXIMUM, matrix="pool") == "NOT_EVALUATED OTHER_MATRIX"
    assert verdict("99", MAXIMUM, matrix=None) == "NOT_EVALUATED OTHER_MATRIX"
    assert verdict("99", MAXIMUM, rejected=True) == "NOT_EVALUATED REJECTED"
    (judgement,) = evaluate(parse_measurement("9"), unit="mg/L", species=None, limits=[None], matrix="drinking")
    assert (judgement.verdict, judgement.reason) == (Verdict.NOT_EVALUATED, Reason.NO_LIMIT)


def test_not_detected_uses_the_detection_limit():
    assert verdict("ND", MAXIMUM, detection_limit=Decimal(10)) == "PASS CENSORED_WITHIN_LIMIT"
    assert verdict("ND", MAXIMUM, detection_limit=Decimal(60)) == "INDETERMINATE CENSORED_ABOVE_LIMIT"


def test_guard_band_leaves_undecided_what_the_uncertainty_straddles():
    for raw, simple, guarded in (
        ("44", "PASS WITHIN_LIMIT", "PASS WITHIN_LIMIT"),
        ("49", "WARNING NEAR_LIMIT", "INDETERMINATE UNCERTAINTY_STRADDLES"),
        ("52", "FAIL ABOVE_LIMIT", "INDETERMINATE UNCERTAINTY_STRADDLES"),
        ("56", "FAIL ABOVE_LIMIT", "FAIL ABOVE_LIMIT"),
    ):
        assert verdict(raw, MAXIMUM, uncertainty=Decimal(5)) == simple
        assert verdict(raw, MAXIMUM, uncertainty=Decimal(5), rule="guard_band") == guarded


def test_an_incomplete_sum_can_fail_but_not_pass():
    assert verdict("60", MAXIMUM, incomplete=True) == "FAIL ABOVE_LIMIT"
    assert verdict("10", MAXIMUM, incomplete=True) == "INDETERMINATE SUM_INCOMPLETE"


def test_the_contract_example_of_a_result():
    nitrate = limit(upper=50, unit="mg/L NO3")

    (judgement,) = evaluate(
        parse_measurement("12.00"), unit="mg/L N", species="NO3", limits=[nitrate], matrix="drinking"
    )

    assert judgement.as_json() == {
        "standard": "MA",
        "edition": "2020",
        "role": "legal",
        "provisional": False,
        "verdict": "FAIL",
        "reason": "ABOVE_LIMIT",
        "kind": "maximum",
        "lower": None,
        "upper": 50,
        "guidance": None,
        "comparedValue": 53.124,
        "unit": "mg/L NO3",
        "decisionRule": "simple_acceptance",
    }
    assert isinstance(judgement.as_json()["upper"], int)
    assert compliance_status([judgement]) == "fail"


def test_manganese_passes_morocco_and_fails_who():
    held = [limit(upper=500, unit="µg/L"), limit(upper=80, unit="µg/L", standard="WHO", role="guideline")]

    judgements = evaluate(parse_measurement("0.4"), unit="mg/L", species="Mn", limits=held, matrix="drinking")

    assert [judgement.verdict for judgement in judgements] == ["PASS", "FAIL"]
    assert compliance_status(judgements) == "warning"


@pytest.mark.parametrize(
    ("legal", "guideline", "expected"),
    [
        ("FAIL", "PASS", "fail"),
        ("INDETERMINATE", "PASS", "warning"),
        ("INVESTIGATE", "PASS", "warning"),
        ("WARNING", "PASS", "warning"),
        ("PASS", "FAIL", "warning"),
        ("PASS", "INDETERMINATE", "warning"),
        ("PASS", "WARNING", "pass"),
        ("PASS", "INVESTIGATE", "pass"),
        ("PASS", "NOT_EVALUATED", "pass"),
        ("NOT_EVALUATED", "PASS", "pass"),
        ("NOT_EVALUATED", "WARNING", "pass"),
        ("NOT_EVALUATED", "FAIL", "warning"),
        ("NOT_EVALUATED", "INVESTIGATE", "pending"),
        ("NOT_EVALUATED", "NOT_EVALUATED", "pending"),
    ],
)
def test_compliance_status_follows_the_contract(legal, guideline, expected):
    roles = {"legal": legal, "guideline": guideline, "information": "FAIL"}
    judgements = [
        Judgement(limit(upper=1, role=role), Verdict(value), Reason.WITHIN_LIMIT, None, "simple_acceptance")
        for role, value in roles.items()
    ]

    assert compliance_status(judgements) == expected


def test_a_sample_is_as_bad_as_its_worst_result():
    assert sample_status([]) == "pending"
    assert sample_status(["pending"]) == "pending"
    assert sample_status(["pass", "pending"]) == "pass"
    assert sample_status(["pass", "warning"]) == "warning"
    assert sample_status(["warning", "fail", "pass"]) == "fail"


def test_worst_by_standard_names_the_deciding_results():
    def results(*raws):
        held = [limit(upper=10, standard="EU", role="information"), limit(upper=50), limit(upper=40, standard="NO")]
        return [
            (place, evaluate(parse_measurement(raw), unit="mg/L", species=None, limits=held, matrix="drinking"))
            for place, raw in enumerate(raws)
        ]

    assert worst_by_standard(results("1", "60", "51", "2")) == [
        {"standard": "MA", "edition": "2020", "verdict": "FAIL", "resultIds": [1, 2]},
        {"standard": "NO", "edition": "2020", "verdict": "FAIL", "resultIds": [1, 2]},
        {"standard": "EU", "edition": "2020", "verdict": "FAIL", "resultIds": [1, 2]},
    ]
    assert worst_by_standard(results("1", "2"))[0] == {
        "standard": "MA",
        "edition": "2020",
        "verdict": "PASS",
        "resultIds": [],
    }
    assert worst_by_standard([]) == []


numbers = st.decimals(min_value=0, max_value=1000, places=3)


@given(numbers, numbers, st.sampled_from([MAXIMUM, GUIDED, STRICT, RANGE, MINIMUM, ABSENCE]), st.sampled_from("<>"))
def test_a_censored_verdict_never_contradicts_a_possible_value(bound, value, held, sign):
    """`<x` and `>x` are decided only where every number on that side gets the same decision."""
    if (value < bound) is not (sign == "<") or value == bound:
        return
    if held is ABSENCE:
        value = Decimal(int(value))  # a count is whole
        if not (value < bound if sign == "<" else value > bound):
            return

    censored = verdict(f"{sign}{bound:f}", held).split()[0]
    known = verdict(f"{value:f}", held).split()[0]

    if censored in ("PASS", "FAIL"):
        assert (known == "FAIL") is (censored == "FAIL")


def test_severity_orders_worst_first():
    assert sorted(Verdict, key=lambda item: item.severity) == [
        "FAIL",
        "INDETERMINATE",
        "INVESTIGATE",
        "WARNING",
        "PASS",
        "NOT_EVALUATED",
    ]
