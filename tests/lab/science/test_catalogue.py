"""The shipped parameters and limits."""

import re
from datetime import date
from decimal import Decimal

import pytest

from portal.lab.science.catalogue import load_catalogue, normalise_name
from portal.lab.science.units import canonical_unit, convert

pytestmark = pytest.mark.covers("001-ENT-03", "001-FR-017")


def held(code, standard, on=date(2026, 11, 21)):
    return next(limit for limit in load_catalogue().limits_on(code, on) if limit.standard == standard)


def test_everything_is_there_and_consistent():
    catalogue = load_catalogue()

    assert len(catalogue.parameters) == 126
    for parameter in catalogue.parameters.values():
        assert parameter.name_en
        assert parameter.name_fr
        assert parameter.name_ar
        assert canonical_unit(parameter.unit) == parameter.unit
        assert (parameter.min_value is None) is (parameter.group == "radiological")
        for key in parameter.search_keys:
            assert catalogue.index[key] == parameter.code
    editions = {(standard.code, standard.edition) for standard in catalogue.standards}
    for row in catalogue.limits:
        assert (row.limit.standard, row.limit.edition) in editions
        assert row.limit.provisional is (row.confidence == "M")
        if row.limit.kind != "percentage":
            parameter = catalogue.parameters[row.parameter]
            convert(Decimal(1), parameter.unit, row.limit.unit, species=parameter.species)


def test_a_name_says_the_same_in_every_language():
    for parameter in load_catalogue().parameters.values():
        names = (parameter.name_en, parameter.name_fr, parameter.name_ar)
        assert len({"".join(re.findall(r"\d", name)) for name in names}) == 1, names


def test_roles_and_known_limits():
    roles = {standard.code: (standard.role, standard.edition) for standard in load_catalogue().standards}
    assert roles == {
        "MA": ("legal", "2020"),
        "WHO": ("guideline", "2022"),
        "EU": ("information", "2020"),
        "EPA": ("information", "2024"),
    }
    assert (held("MN", "MA").upper, held("MN", "WHO").upper) == (500, 80)
    assert (held("PH", "MA").kind, held("PH", "MA").lower, held("PH", "MA").upper) == (
        "range",
        Decimal("6.5"),
        Decimal("8.5"),
    )
    assert (held("NO3", "EPA").upper, held("NO3", "EPA").unit) == (10, "mg/L N")
    assert held("PSEUDO", "EU").matrix == "bottled"
    assert held("LEGION", "EU").strict
    assert held("GALPHA", "EU").kind == "screening_level"
    assert held("CU", "EPA").kind == "action_level"
    assert held("ECOLI", "MA").provisional
    assert not held("NO3", "MA").provisional


def test_limits_follow_the_date():
    assert held("PB", "EU", date(2036, 1, 11)).upper == 10
    assert held("PB", "EU", date(2036, 1, 12)).upper == 5
    assert held("PB", "EU", date(1999, 1, 1)).upper == 10  # before the first edition, the first
    assert held("CR", "EU", date(2036, 1, 12)).upper == 25
    assert held("PB", "EPA", date(2027, 10, 31)).upper == 15
    assert held("PB", "EPA", date(2027, 11, 1)).upper == 10


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("NO3", "NO3"),
        ("no₃⁻", "NO3"),
        ("Nitrate (as NO3)", "NO3"),
        ("nitrates", "NO3"),
        ("النترات", "NO3"),
        ("نَتَرَات", "NO3"),
        ("E. coli", "ECOLI"),
        ("ESCHERICHIA  COLI", "ECOLI"),
        ("الاشريكيه القولونيه", "ECOLI"),
        ("turbidite", "TURB"),
        ("Turbidité", "TURB"),
        ("الأمونيوم", "NH4"),
        ("الامونيوم", "NH4"),
        ("1,2-dichloroethane", "DCA12"),
        ("١،٢-ثنائي كلورو الايثان", "DCA12"),
        ("عدد المستعمرات عند ٢٢ °م", "HPC22"),
        ("pH", "PH"),
    ],
)
def test_a_parameter_is_found_by_any_of_its_names(name, code):
    assert load_catalogue().find(name).code == code


def test_unknown_names_are_not_guessed():
    assert load_catalogue().find("unobtainium") is None
    assert load_catalogue().find("") is None


def test_normalise_name():
    assert normalise_name("  Entérocoques   INTESTINAUX ") == "enterocoques intestinaux"
    assert normalise_name("مُؤشّر الأكسدة إلى آخرهـ") == "موشر الاكسده الي اخره"
    assert normalise_name("۱۲٣") == "123"
