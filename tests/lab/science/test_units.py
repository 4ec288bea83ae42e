"""Units: one spelling, exact conversion, no conversion between different things."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.lab.science.units import UnitMismatch, UnknownUnit, canonical_unit, convert

pytestmark = pytest.mark.covers("001-FR-024")

SPELLINGS = {
    "mg/L": "mg/l|MG/L| mg / L |mg/dm3|mg.L⁻¹|mg/litre|ملغ/ل|ملغم/لتر",
    "µg/L": "ug/L|\u00b5g/L|\u03bcg/l|mcg/L|µg.L-1|ميكروغرام/لتر",
    "mg/L N": "mg/L as N|mg/l N|mgN/L|mg N/L|mg/l-N|mg/L (as N)|mg/L en N",
    "mg/L NO3": "mg/l as NO3|mg/L NO₃⁻|mg NO3/L|mg/L de NO3",
    "mg/L CaCO3": "mg/L as CaCO3|mg/l CaCO₃|mg CaCO3/L",
    "mg/L P": "mg/L as P",
    "µg/L Cr": "ug/L as Cr",
    "mg/L Pt": "mg/l Pt|mg Pt/L|mg/L Pt-Co",
    "CFU/100 mL": "UFC/100 mL|cfu/100ml|ufc / 100 ml|/100 mL|number/100 mL",
    "MPN/100 mL": "NPP/100 mL|mpn/100ml",
    "CFU/mL": "UFC/ml|CFU/1 mL",
    "CFU/L": "CFU/1000 mL",
    "oocysts/10 L": "Oocystes/10 L",
    "µS/cm": "uS/cm|μS/cm|umhos/cm",
    "µS/cm @25C": "uS/cm @25C|µS/cm at 25 °C|µS/cm à 25°C|µS/cm (25 °C)",
    "µS/cm @20C": "uS/cm @20C|µS/cm 20 °C",
    "°C": "deg C|℃|degC",
    "pH unit": "std units|pH|unités pH|pH units",
    "NTU": "ntu|UTN",
    "FNU": "fnu",
    "pCi/L": "pci/l",
    "Bq/L": "bq/l",
    "mSv/year": "mSv/an|mSv/a",
}


@pytest.mark.parametrize(("unit", "spellings"), SPELLINGS.items())
def test_every_spelling_has_one_canonical_form(unit, spellings):
    assert canonical_unit(unit) == unit
    for spelling in spellings.split("|"):
        assert canonical_unit(spelling) == unit


@pytest.mark.parametrize("text", ["", "banana", "mg", "ppm", "mg/L XX", "mg N/L N", "code", "per mil", "mg/L " * 40])
def test_unknown_unit_is_an_error(text):
    with pytest.raises(UnknownUnit, match="is not a known unit"):
        canonical_unit(text)


@pytest.mark.covers("001-FR-025")
def test_the_contract_example():
    assert convert(Decimal("12.00"), "mg/L N", "mg/L NO3", species="NO3") == Decimal("53.124")


@pytest.mark.parametrize(
    ("number", "source", "target", "species", "expected"),
    [
        ("12", "mg/L as N", "mg/L", "NO3", "53.124"),
        ("1", "mg/L N", "mg/L NO2", "NO2", "3.284"),
        ("1", "mg/L N", "mg/L NH4", "NH4", "1.288"),
        ("1", "mg/L P", "mg/L PO4", "PO4", "3.066"),
        ("44.27", "mg/L", "mg/L N", "NO3", "10"),
        ("0.4", "mg/L", "µg/L", "Mn", "400"),
        ("250", "ug/L as Cr", "mg/L", "Cr", "0.25"),
        ("15", "pCi/L", "Bq/L", None, "0.555"),
        ("1", "°f", "mg/L CaCO3", "CaCO3", "10"),
        ("2790", "uS/cm @25C", "µS/cm", "20C", "2500"),
        ("2500", "µS/cm @20C", "µS/cm @25C", "20C", "2790"),
        ("1.5", "mS/cm", "µS/cm", "20C", "1500"),
        ("15", "TCU", "mg/L Pt", None, "15"),
        ("1", "FNU", "NTU", None, "1"),
        ("8", "MPN/100 mL", "CFU/100 mL", None, "8"),
    ],
)
def test_conversions_are_exact(number, source, target, species, expected):
    assert convert(Decimal(number), source, target, species=species) == Decimal(expected)


@pytest.mark.parametrize(
    ("source", "target", "species"),
    [
        ("mg/L", "Bq/L", None),
        ("mg/L N", "mg/L NO3", "NO2"),
        ("mg/L NO3", "mg/L", "NO2"),
        ("mg/L NO3", "mg/L NO3", "NO2"),
        ("mg/L N", "mg/L", "Cl"),
        ("CFU/100 mL", "CFU/250 mL", None),
        ("CFU/mL", "CFU/100 mL", None),
        ("CFU/100 mL", "PFU/100 mL", None),
        ("µS/cm", "µS/cm @25C", None),
        ("NTU", "mg/L", None),
        ("°C", "pH unit", None),
    ],
)
def test_units_that_do_not_fit_are_refused(source, target, species):
    with pytest.raises(UnitMismatch, match="cannot be expressed"):
        convert(Decimal(1), source, target, species=species)


GROUPS = [
    (["ng/L", "µg/L", "mg/L", "g/L", "mg/m³"], "Pb"),
    (["mg/L", "mg/L N", "µg/L N", "mg/L NO3"], "NO3"),
    (["mg/L CaCO3", "°f", "°dH", "mg/L"], "CaCO3"),
    (["Bq/L", "mBq/L", "pCi/L"], None),
    (["µS/cm", "mS/cm", "mS/m", "µS/cm @20C", "µS/cm @25C"], "20C"),
]


@given(st.data(), st.decimals(min_value="0.000001", max_value="1000000", places=6))
def test_a_round_trip_gives_the_number_back(data, number):
    units, species = data.draw(st.sampled_from(GROUPS))
    source, target = data.draw(st.sampled_from(units)), data.draw(st.sampled_from(units))

    there = convert(number, source, target, species=species)
    back = convert(there, target, source, species=species)

    assert abs(back - number) <= number * Decimal("1e-25")


@given(st.text(max_size=60))
def test_any_text_is_a_unit_or_refused(text):
    try:
        unit = canonical_unit(text)
    except UnknownUnit:
        return
    assert canonical_unit(unit) == unit
