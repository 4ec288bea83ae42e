"""How the columns of one source become samples and results; guessed from the headings, kept as JSON, checked here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self
from zoneinfo import available_timezones

from django.utils.translation import gettext as _

from portal.core.common.errors import Errors
from portal.core.common.spreadsheets import Format
from portal.lab.choices import SampleStatus, SampleType
from portal.lab.imports import wqx
from portal.lab.imports.fields import BY_KEY, aliases
from portal.lab.imports.models import Layout
from portal.lab.rulebook import Rulebook
from portal.lab.science.measurement import Qualifier
from portal.lab.science.names import normalise_name
from portal.lab.science.units import UnitError, canonical_unit

PARAMETER: Final = "p:"  # a column of a parameter: p:NO3
IGNORED: Final = "-"  # a parameter name of the file that is left out on purpose
DATE_ORDERS: Final = ("dmy", "mdy", "ymd")
DECIMALS: Final = ("auto", "point", "comma")
_BRACKETS = re.compile(r"\s*[(\[]\s*([^()\[\]]*?)\s*[)\]]\s*$")
_DAY = re.compile(r"\D*(\d{1,4})[./ -](\d{1,2})[./ -](\d{1,4})")
_DEFAULTS = ("type", "status", "location", "collectorName", "technicianName", "method", "instrument")


@dataclass(slots=True)
class Columns:
    """A mapping: `columns` by heading (a target's key or `p:` and a parameter's code), `units` by heading or by the
    file's own name of a parameter, `parameters` from such a name to a code (`-`: left out)."""

    format: Format = field(default_factory=Format)
    columns: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    qualifiers: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    non_detect: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=lambda: ["-", "--", "n/a", "#N/A", "n.m."])
    dates: str = "dmy"
    time_zone: str = "UTC"
    decimal: str = "auto"
    fill_down: bool = False
    create_samples: bool = True

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        return cls(**{**known, "format": Format(**data.get("format", {}))})

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def heading_of(self, target: str) -> str:
        return next((heading for heading, held in self.columns.items() if held == target), "")

    def check(self, headings: Sequence[str], rules: Rulebook) -> None:  # noqa: C901 one rule a line
        """Raise Invalid with one entry per thing that cannot work."""
        errors = Errors()
        held = [target for heading, target in self.columns.items() if target and heading in headings]
        for target in sorted({target for target in held if held.count(target) > 1}):
            label = BY_KEY[target].label if target in BY_KEY else target
            errors.add("columns", _("Two columns are given to “%(field)s”.") % {"field": label})
        codes = {parameter.code for parameter in rules.parameters.values()}
        wide = [target for target in held if target.startswith(PARAMETER)]
        for target in held:
            if target not in BY_KEY and (not target.startswith(PARAMETER) or target[2:] not in codes):
                errors.add("columns", _("“%(name)s” is no field.") % {"name": target})
        if not wide and not {"parameter", "value"} <= set(held):
            errors.add("columns", _("No column gives results: choose the columns of parameter and value, or of single parameters."))  # fmt: skip  # noqa: E501
        if not self.create_samples and not {"code", "sample"} & set(held):
            errors.add("columns", _("The column with the code of the sample is missing."))
        if self.create_samples:
            named = {"code", "sample"} & set(held)
            if not named and not ({"location", "point"} & set(held) and "collectionDate" in held):
                errors.add("columns", _("Nothing tells the samples apart: choose a code, or a place and a date."))
            if "collectionDate" not in held:
                errors.add("columns", _("The column with the date of sampling is missing."))
            if not {"location", "point"} & set(held) and not self.defaults.get("location"):
                errors.add("location", _("Choose the column of the location, or give one for all rows."))
            if "type" not in held and not self.defaults.get("type"):
                errors.add("type", _("Choose the column of the kind of water, or give one for all rows."))
            if "collectorName" not in held and not self.defaults.get("collectorName"):
                errors.add("collectorName", _("Choose the column of who took the sample, or give a name for all rows."))
        if (kind := self.defaults.get("type")) and kind not in SampleType.values:
            errors.add("type", _("Choose a kind of water."))
        if (status := self.defaults.get("status")) and status not in SampleStatus.values:
            errors.add("status", _("Choose a status."))
        for name, unit in self.units.items():
            try:
                canonical_unit(unit)
            except UnitError as error:
                errors.add("units", f"{name}: {error}")
        for name, code in self.parameters.items():
            if code != IGNORED and code not in codes:
                errors.add("parameters", _("“%(name)s” is no parameter.") % {"name": name})
        for word, qualifier in self.qualifiers.items():
            if qualifier not in list(Qualifier):
                said = f"{word} = {qualifier}"
                errors.add("qualifiers", _("“%(qualifier)s” is not a qualifier.") % {"qualifier": said})
        if self.dates not in DATE_ORDERS or self.decimal not in DECIMALS:
            errors.add("dates", _("Choose one of the orders of dates and of the decimal signs."))
        if self.time_zone not in available_timezones():
            errors.add("time_zone", _("%(value)s is not a time zone") % {"value": self.time_zone})
        errors.raise_any()


def known_headings(rules: Rulebook) -> frozenset[str]:
    return frozenset(aliases()) | frozenset(rules.by_name)


def split_unit(heading: str) -> tuple[str, str]:
    """`Nitrate (mg/L)` is a name and a unit; a bracket that holds no unit belongs to the name."""
    if match := _BRACKETS.search(heading):
        try:
            canonical_unit(match[1])
        except UnitError:
            return heading, ""
        return heading[: match.start()].strip(), match[1]
    for sign in ("_", ",", " "):
        name, found, unit = heading.rpartition(sign)
        if found and "/" in unit:
            try:
                canonical_unit(unit)
            except UnitError:
                continue
            return name.strip(" ,_"), unit
    return heading, ""


def guess(
    *, headings: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]], format: Format, rules: Rulebook  # noqa: A002
) -> tuple[Layout, Columns]:  # fmt: skip
    """What the headings and the first rows say of a file that nobody has explained yet."""
    known = aliases()
    found: dict[str, str] = {}
    units: dict[str, str] = {}
    for heading in headings:
        key = known.get(normalise_name(heading))
        if key is not None:
            rival = next((other for other, target in found.items() if target == key), None)
            if rival is not None and not heading.startswith("Marsad"):
                continue
            if rival is not None:
                del found[rival]
            found[heading] = key
    long = {"parameter", "value"} <= set(found.values())
    if not long:
        for heading in headings:
            name, unit = split_unit(heading)
            parameter = rules.find(name)
            target = f"{PARAMETER}{parameter.code}" if parameter else ""
            if parameter and heading not in found and target not in found.values():
                found[heading], units[heading] = target, unit or parameter.unit
    is_wqx = long and "CharacteristicName" in headings
    columns = Columns(
        format=format,
        columns=found,
        units=units,
        dates=_date_order(headings, found, rows),
        time_zone=rules.zone,
        qualifiers=dict(wqx.QUALIFIERS) if is_wqx else {},
        defaults={"type": "surface_water", "status": "reported"} if is_wqx else {"type": "drinking_water"},
    )
    if "type" in found.values() and not is_wqx:
        del columns.defaults["type"]
    if is_wqx:
        return Layout.WQX, columns
    if not {"location", "point", "collectionDate"} & set(found.values()):
        columns.create_samples, columns.defaults = False, {}
        return Layout.INSTRUMENT, columns
    return (Layout.LONG if long else Layout.WIDE), columns


def _date_order(headings: Sequence[str], found: Mapping[str, str], rows: Iterable[tuple[int, Sequence[str]]]) -> str:
    """Day first, unless a row proves another order."""
    dates = [i for i, heading in enumerate(headings) if found.get(heading) in ("collectionDate", "testDate")]
    for _line, cells in rows:
        for index in dates:
            match = _DAY.match(cells[index]) if index < len(cells) else None
            if match is None:
                continue
            first, second, _third = match.groups()
            if len(first) == 4:
                return "ymd"
            if int(second) > 12:
                return "mdy"
            if int(first) > 12:
                return "dmy"
    return "dmy"
