"""Values as people and instruments write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.lab.science.measurement import MeasurementError, Qualifier, check_plausible, parse_measurement

pytestmark = pytest.mark.covers("001-FR-024")

ARABIC = str.maketrans("0123456789.", "٠١٢٣٤٥٦٧٨٩٫")
EASTERN = str.maketrans("0123456789.", "۰۱۲۳۴۵۶۷۸۹٫")


@pytest.mark.parametrize(
    ("raw", "qualifier", "number", "bound"),
    [
        ("7.20", "=", "7.20", None),
        ("<0.01", "<", None, "0.01"),
        ("> 2419.6", ">", None, "2419.6"),
        ("~5", "~", "5", None),
        ("1.2e-5", "=", "0.000012", None),
        ("0,05", "=", "0.05", None),
        ("1,234", "=", "1.234", None),
        ("٧٫٢٠", "=", "7.20", None),
        ("<٠٫٠١", "<", None, "0.01"),
        ("۱۲۳", "=", "123", None),
        ("\u200f٧٫٢\u200e", "=", "7.2", None),
        ("<= 5", "<", None, "5"),
        ("≤5", "<", None, "5"),
        ("≥5", ">", None, "5"),
        (".5", "=", "0.5", None),
        ("−0.3", "=", "-0.3", None),
        (7.2, "=", "7.2", None),
        (12, "=", "12", None),
        (Decimal("7.20"), "=", "7.20", None),
    ],
)
def test_numbers_are_read(raw, qualifier, number, bound):
    measurement = parse_measurement(raw)

    assert measurement.qualifier == qualifier
    assert str(measurement.number) == str(number and Decimal(number))
    assert measurement.bound == (bound and Decimal(bound))


@pytest.mark.parametrize(
    ("qualifier", "words"),
    [
        (Qualifier.ABSENT, "absent Absence غائب غياب néant"),
        (Qualifier.PRESENT, "present présence détecté موجود"),
        (Qualifier.NOT_DETECTED, "ND nd n.d. <LOD not_detected"),
        (Qualifier.TOO_NUMEROUS, "TNTC tntc indénombrables"),
    ],
)
def test_words_are_read_in_three_languages(qualifier, words):
    for word in words.split():
        measurement = parse_measurement(word)

        assert (measurement.qualifier, measurement.number, measurement.bound) == (qualifier, None, None)
        assert measurement.text == word


@pytest.mark.parametrize("word", ["Not detected", "non détecté", "غير مكتشف", "غَيْر مُكتشَف", " غير  مكتشفة "])
def test_not_detected_in_several_words(word):
    assert parse_measurement(word).qualifier is Qualifier.NOT_DETECTED


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ("1,234.5", "number"),
        ("1 234", "number"),
        ("1\u202f234", "number"),
        ("1.234,5", "number"),
        ("1,234,567", "number"),
        ("١٬٢٣٤", "number"),
        ("1_000", "number"),
        ("NaN", "number"),
        ("Infinity", "number"),
        (float("nan"), "number"),
        (float("inf"), "number"),
        (Decimal("NaN"), "number"),
        ("7.2 mg/L", "number"),
        ("<", "number"),
        (">ND", "number"),
        ("<absent", "number"),
        ("7\x00", "number"),
        (True, "type"),
        (None, "type"),
        ([], "type"),
        ("", "empty"),
        (" \u200f ", "empty"),
        ("7" * 65, "length"),
        ("7" * 31, "digits"),
        pytest.param(10**5000, "digits", id="huge"),
        ("1e13", "exponent"),
        ("1e-13", "exponent"),
        ("1e999999", "exponent"),
    ],
)
def test_what_is_not_a_value_is_refused_with_its_rule(raw, rule):
    with pytest.raises(MeasurementError) as refused:
        parse_measurement(raw)

    assert refused.value.rule == rule
    assert "%(" not in str(refused.value)
    assert "\x00" not in str(refused.value)


def test_qualifier_may_come_apart_from_the_number():
    assert parse_measurement("0.01", "<").bound == Decimal("0.01")
    assert parse_measurement("<0.01", "<") == parse_measurement("<0.01")
    assert parse_measurement(0.5, "not_detected").bound == Decimal("0.5")
    assert parse_measurement("0", "absent").number is None
    for raw, qualifier in (("<0.01", ">"), ("5", "absent"), ("0", "present"), ("ND", "="), ("5", "wat")):
        with pytest.raises(MeasurementError) as refused:
            parse_measurement(raw, qualifier)
        assert refused.value.rule == "qualifier"


def test_plausible_range_names_its_bounds():
    check_plausible(Decimal(14), lower=Decimal(0), upper=Decimal(14), unit="pH unit")
    check_plausible(Decimal("-0.3"), lower=None, upper=Decimal(1000), unit="Bq/L")
    check_plausible(None, lower=Decimal(0), upper=Decimal(14), unit="pH unit")

    with pytest.raises(MeasurementError, match=r"^The value must lie between 0 and 14 pH unit\.$") as refused:
        check_plausible(Decimal("14.01"), lower=Decimal(0), upper=Decimal(14), unit="pH unit")
    assert refused.value.rule == "range"
    with pytest.raises(MeasurementError, match=r"^The value must not be above 1000 Bq/L\.$"):
        check_plausible(Decimal(1001), lower=None, upper=Decimal(1000), unit="Bq/L")
    with pytest.raises(MeasurementError, match=r"^The value must not be below 0 mg/L\.$"):
        check_plausible(Decimal(-1), lower=Decimal(0), upper=None, unit="mg/L")


decimals = st.decimals(min_value=-(10**9), max_value=10**9, places=6, allow_nan=False, allow_infinity=False)


@given(decimals, st.sampled_from(["", "<", ">", "~", "< "]), st.sampled_from(["plain", "comma", "arabic", "eastern"]))
def test_every_spelling_of_a_number_gives_that_number(number, sign, spelling):
    plain = f"{number:f}"
    typed = {
        "plain": plain,
        "comma": plain.replace(".", ","),
        "arabic": plain.translate(ARABIC),
        "eastern": plain.translate(EASTERN),
    }[spelling]

    measurement = parse_measurement(f"  {sign}{typed} ")

    assert measurement.text == sign + typed
    assert measurement.qualifier == (sign.strip() or "=")
    held = measurement.bound if sign.strip() in ("<", ">") else measurement.number
    assert held == number


@given(st.floats(min_value=1e-11, max_value=1e12, allow_nan=False))
def test_a_json_number_survives(number):
    measurement = parse_measurement(number)

    assert float(measurement.number) == number


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    try:
        measurement = parse_measurement(text)
    except MeasurementError:
        return
    assert measurement.text == text.strip()
    assert measurement.number is None or measurement.number.is_finite()
