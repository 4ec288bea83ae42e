"""Units of water analysis: one spelling for each, and exact conversion inside a dimension.

A unit is a dimension, a scale and, for concentrations, a species: `mg/L N` and `mg/L NO3` are two units of nitrate.
A bare `mg/L` means the parameter's own species, a bare `µS/cm` the parameter's own reference temperature. The volume
of a microbiological count is part of its limit, so counts in different volumes are different dimensions: absence in
100 mL says nothing about 250 mL.
"""

import re
import unicodedata
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_CONTEXT = Context(prec=28)
_ONE = Decimal(1)


class UnitError(ValueError):
    """A unit that cannot be used; `str()` is the sentence in the active language."""

    def __init__(self, message: str | Promise, **params: Any) -> None:
        super().__init__()
        self.message, self.params = message, params

    def __str__(self) -> str:
        return str(self.message) % self.params


class UnknownUnit(UnitError):
    """No unit of water analysis is written like this."""


class UnitMismatch(UnitError):
    """The two units do not measure the same thing."""


class Unit(NamedTuple):
    """`scale` units of the dimension's base make one of this; `species` is None where the parameter decides."""

    dimension: str
    scale: Decimal
    species: str | None


# One of the first species makes this many of the second (molar masses as the lab standards round them; conductivity:
# EN 27888 table for natural waters, 25 °C over 20 °C, the factor behind the 2790 µS/cm at 25 °C of national limits).
_FACTORS = {
    ("N", "NO3"): Decimal("4.427"),
    ("N", "NO2"): Decimal("3.284"),
    ("N", "NH4"): Decimal("1.288"),
    ("P", "PO4"): Decimal("3.066"),
    ("CaCO3", "HCO3"): Decimal("1.219"),
    ("Cl2", "NH2Cl"): Decimal("0.726"),
    ("20C", "25C"): Decimal("1.116"),
}

_ELEMENTS = "Ag Al As B Ba Be Ca Cd Co Cr Cu F Fe Hg K Li Mg Mn Mo N Na Ni P Pb S Sb Se Si Sn Sr Tl U V Zn Cl Br I C"
_SPECIES = {
    name.lower(): name
    for name in f"{_ELEMENTS} NO3 NO2 NH4 NH3 PO4 SO4 CaCO3 HCO3 CO3 SiO2 CN O2 Cl2 NH2Cl ClO2 H2S".split()
}
_MASS = {"ng": Decimal("0.000001"), "ug": Decimal("0.001"), "mg": _ONE, "g": Decimal(1000)}
_ACTIVITY = {
    "mbq": ("mBq", Decimal("0.001")),
    "bq": ("Bq", _ONE),
    "kbq": ("kBq", Decimal(1000)),
    "pci": ("pCi", Decimal("0.037")),
    "nci": ("nCi", Decimal(37)),
}
_CONDUCTIVITY = {
    "us/cm": _ONE,
    "ms/cm": Decimal(1000),
    "ms/m": Decimal(10),
    "ds/m": Decimal(1000),
    "s/m": Decimal(10000),
    "umho/cm": _ONE,
    "umhos/cm": _ONE,
}
_DOSE = {
    "msv": ("mSv/year", _ONE),
    "usv": ("µSv/year", Decimal("0.001")),
    "mrem": ("mrem/year", Decimal("0.01")),
}

# Written without spaces, in lower case, with µ as u. The first spelling of each entry is the canonical one.
_FIXED: dict[str, tuple[str, Unit]] = {}
for _dimension, _scale, _species, _spellings in (
    ("temperature", _ONE, None, "°C|deg C|degC|C|degrees C|degrees celsius|celsius|degree celsius|°م"),
    ("pH", _ONE, None, "pH unit|pH|pH units|std units|standard units|std unit|s.u.|su|unité pH|unités pH|وحدة pH"),
    ("turbidity", _ONE, None, "NTU|UTN|NTU/FNU|NTRU"),
    ("turbidity", _ONE, None, "FNU|FNM|UNF"),
    ("turbidity", _ONE, None, "FTU|UTF"),
    ("colour", _ONE, None, "mg/L Pt|mg/L Pt-Co|mg Pt/L|mgPt/L|mg/L PtCo|mg/L platine"),
    ("colour", _ONE, None, "TCU|PCU|Pt-Co|PtCo|CU|Hazen|°Hazen|HU|Pt-Co units|PtCo units|color units|colour units"),
    ("dilution", _ONE, None, "dilution number|TON|TFN|threshold number|taux de dilution|seuil de perception"),
    ("ratio", _ONE, None, "ratio|rapport"),
    ("percent", _ONE, None, "%|percent|pct"),
    ("mass concentration", Decimal(10), "CaCO3", "°f|°fH|degrés français"),
    ("mass concentration", Decimal("17.848"), "CaCO3", "°dH|°d"),
    ("presence/L", _ONE, None, "presence/L|presence/1 L|présence/L|detected/L|absence/L|presence/1000 mL"),
):
    for _spelling in _spellings.split("|"):
        _FIXED[re.sub(r"\s+", "", _spelling).lower()] = (
            _spellings.split("|")[0],
            Unit(_dimension, _scale, _species),
        )

_PER_LITRE = r"(?:/(?:lit(?:er|re)s?|l|dm3|لتر|ل)|[.·*]?l[-−]1|perlit(?:er|re))"
_CONCENTRATION = re.compile(
    rf"(?P<mass>ng|ug|mcg|mg|g|ملغم|ملغ|مغ|ملجم|ميكروغرام|غ)(?P<inner>[a-z0-9]*?)(?:{_PER_LITRE}|(?P<m3>/m3))"
    r"[-,_]?(?:\(?(?:as|en|de|in|بدلالة)?(?P<species>[a-z]+[a-z0-9]*)[-+]*\)?)?"
)
_MASS_WORDS = {
    "mcg": "ug",
    "ملغم": "mg",
    "ملغ": "mg",
    "مغ": "mg",
    "ملجم": "mg",
    "ميكروغرام": "ug",
    "غ": "g",
}
_RADIO = re.compile(rf"(?P<activity>mbq|kbq|bq|pci|nci){_PER_LITRE}")
_CONDUCT = re.compile(
    r"(?P<base>us/cm|ms/cm|ms/m|ds/m|s/m|umhos?/cm|us[.·]?cm-1|ms[.·]?cm-1)"
    r"(?:[@,(]*(?:at|à|a)?(?P<degrees>20|25)(?:°|deg)?c?\)?)?"
)
_COUNT = re.compile(
    r"(?:(?P<kind>cfu|ufc|mpn|npp|pfu|ufp|oocysts?|cysts?|oocystes?|kystes?|number|nombre|count|counts|colonies|#|n)?"
    r"(?:/|per|in|dans))(?P<volume>[0-9]{1,4})?(?P<unit>ml|l)"
)
_COUNT_KINDS = {
    "ufc": "CFU",
    "cfu": "CFU",
    "mpn": "MPN",
    "npp": "MPN",
    "pfu": "PFU",
    "ufp": "PFU",
    "oocyst": "oocysts",
    "oocysts": "oocysts",
    "oocyste": "oocysts",
    "oocystes": "oocysts",
    "cyst": "cysts",
    "cysts": "cysts",
    "kyste": "cysts",
    "kystes": "cysts",
}
_YEARLY = re.compile(r"(?P<dose>msv|usv|mrem)/(?:y|yr|year|a|an|سنة)")


@lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[str, Unit]:
    """Return the canonical spelling and the unit."""
    if len(text) <= 40:
        key = unicodedata.normalize("NFKC", text).replace("μ", "u").lower()
        key = re.sub(r"\s+", "", key).replace("−", "-")
        if key in _FIXED:
            return _FIXED[key]
        if match := _CONCENTRATION.fullmatch(key):
            mass = _MASS_WORDS.get(match["mass"], match["mass"])
            inner, outer = match["inner"], match["species"]
            species = _SPECIES.get(outer or inner or "")
            if not (inner and outer) and (species or not (inner or outer)):
                scale = _MASS[mass] / 1000 if match["m3"] else _MASS[mass]
                name = mass.replace("u", "µ") + ("/m³" if match["m3"] else "/L") + (f" {species}" if species else "")
                return name, Unit("mass concentration", scale, species)
        if match := _COUNT.fullmatch(key):
            volume, litres = match["volume"] or "1", match["unit"] == "l"
            if volume == "1000" and not litres:
                volume, litres = "1", True
            kind = _COUNT_KINDS.get(match["kind"] or "", "CFU")
            per = f"{'' if volume == '1' else volume + ' '}{'L' if litres else 'mL'}"
            # A most probable number and a colony count answer the same limit: "number/100 mL" in every standard.
            return f"{kind}/{per}", Unit(f"{'CFU' if kind == 'MPN' else kind}/{per}", _ONE, None)
        if match := _CONDUCT.fullmatch(key):
            base = re.sub(r"[.·]?cm-1", "/cm", match["base"])
            degrees = f"{match['degrees']}C" if match["degrees"] else None
            name = {"us/cm": "µS/cm", "umho/cm": "µS/cm", "umhos/cm": "µS/cm"}.get(base) or (
                base.replace("s", "S", 1) if base != "s/m" else "S/m"
            )
            return name + (f" @{degrees}" if degrees else ""), Unit("conductivity", _CONDUCTIVITY[base], degrees)
        if match := _RADIO.fullmatch(key):
            name, scale = _ACTIVITY[match["activity"]]
            return f"{name}/L", Unit("activity concentration", scale, None)
        if match := _YEARLY.fullmatch(key):
            name, scale = _DOSE[match["dose"]]
            return name, Unit("dose", scale, None)
    raise UnknownUnit(_("“%(unit)s” is not a known unit."), unit=text[:40])


def canonical_unit(text: str) -> str:
    """Return the one spelling of a unit: `mg/l as N` and `mgN/L` give `mg/L N`. Raises UnknownUnit."""
    return _parse(text)[0]


def _related(one: str, other: str) -> bool:
    return one == other or (one, other) in _FACTORS or (other, one) in _FACTORS


@lru_cache(maxsize=8192)
def _factor(from_unit: str, to_unit: str, species: str | None) -> tuple[Decimal | None, Decimal | None]:
    """Return (multiply by, divide by); None stands for one, so that equal units leave the number untouched."""
    (from_name, source), (to_name, target) = _parse(from_unit), _parse(to_unit)
    mismatch = UnitMismatch(
        _("A value in %(from_unit)s cannot be expressed in %(to_unit)s."), from_unit=from_name, to_unit=to_name
    )
    if source.dimension != target.dimension:
        raise mismatch
    held, wanted = source.species or species or "", target.species or species or ""
    if not _related(held, wanted) or (species and not (_related(held, species) and _related(wanted, species))):
        raise mismatch
    multiply = source.scale * _FACTORS.get((held, wanted), _ONE)
    divide = target.scale * _FACTORS.get((wanted, held), _ONE)
    if multiply == divide:
        return None, None
    quotient = _CONTEXT.divide(multiply, divide)
    if quotient * divide == multiply:
        return _plain(quotient), None
    return multiply, divide


def convert(number: Decimal, from_unit: str, to_unit: str, *, species: str | None = None) -> Decimal:
    """Express `number` in another unit of the same dimension; `species` is that of the parameter (`NO3`, `CaCO3`,
    `20C` for conductivity at 20 °C) and gives bare units their meaning.

    Exact where the quotient is a finite decimal, else rounded at 28 significant digits. Raises UnknownUnit and
    UnitMismatch.
    """
    multiply, divide = _factor(from_unit, to_unit, species)
    if multiply is None:
        return number
    product = _CONTEXT.multiply(number, multiply)
    return product if divide is None else _plain(_CONTEXT.divide(product, divide))


# What laboratories write, as offers to a client; `canonical_unit` reads many more spellings.
_USUAL = (
    "mg/L", "µg/L", "ng/L", "g/L", "mg/L N", "mg/L NO3", "mg/L NO2", "mg/L NH4", "mg/L P", "mg/L PO4", "mg/L CaCO3",
    "mg/L HCO3", "°f", "°dH", "µS/cm", "µS/cm @20C", "µS/cm @25C", "mS/cm", "mS/m", "NTU", "FNU", "FTU", "mg/L Pt",
    "TCU", "pH unit", "°C", "%", "ratio", "dilution number", "Bq/L", "mBq/L", "pCi/L", "mSv/year", "µSv/year",
    "CFU/mL", "CFU/100 mL", "MPN/100 mL", "CFU/250 mL", "CFU/L", "PFU/L", "oocysts/L", "cysts/L", "presence/L",
)  # fmt: skip


@lru_cache(maxsize=1024)
def convertible_units(unit: str, species: str | None) -> tuple[str, ...]:
    """The usual units in which a value of a parameter may be sent, its own first."""
    found = [unit]
    for offer in _USUAL:
        try:
            convert(_ONE, offer, unit, species=species)
        except UnitError:
            continue
        if offer not in found:
            found.append(offer)
    return tuple(found)


def _plain(number: Decimal) -> Decimal:
    """Drop trailing zeros, but never into an exponent: 2500.000 becomes 2500, not 2.5E+3."""
    whole = number.to_integral_value()
    return whole if whole == number else number.normalize(_CONTEXT)


# What laboratories report in, most usual first; those of them that fit a parameter are offered for it.
_OFFERED = (
    "mg/L", "µg/L", "ng/L", "g/L", "mg/L NO3", "mg/L N", "mg/L NO2", "mg/L NH4", "mg/L PO4", "mg/L P", "mg/L CaCO3",
    "°f", "°dH", "mg/L HCO3", "mg/L Cl2", "mg/L NH2Cl", "mg/L O2", "mg/L C", "µg/L NO2", "µg/L NH4", "CFU/100 mL",
    "MPN/100 mL", "CFU/250 mL", "CFU/mL", "CFU/L", "MPN/L", "PFU/100 mL", "PFU/L", "oocysts/10 L", "cysts/10 L",
    "presence/L", "NTU",
    "FNU", "FTU", "µS/cm", "µS/cm @20C", "µS/cm @25C", "mS/cm", "mS/m", "dS/m", "pH unit", "°C", "mg/L Pt", "TCU",
    "dilution number", "Bq/L", "mBq/L", "kBq/L", "pCi/L", "mSv/year", "µSv/year", "mrem/year", "ratio", "%",
)  # fmt: skip


@lru_cache(maxsize=512)
def fitting_units(unit: str, species: str | None = None) -> tuple[str, ...]:
    """Return the usual units that a value of a parameter in `unit` can be reported in, its own first."""

    def fits(other: str) -> bool:
        try:
            convert(_ONE, other, unit, species=species)
        except UnitMismatch:
            return False
        return True

    own = canonical_unit(unit)
    return own, *(other for other in map(canonical_unit, _OFFERED) if other != own and fits(other))
