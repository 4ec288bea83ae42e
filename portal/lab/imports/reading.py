"""Rows of a file into samples and results in wire fields. What is wrong is said per column; nothing is guessed.

A non-detect stays one: `ND` with or without a limit becomes `<limit` or `ND`, never a number, also where the file has a
zero beside it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from portal.lab.choices import SampleStatus, SampleType
from portal.lab.imports import wqx
from portal.lab.imports.fields import BY_KEY, TARGETS
from portal.lab.imports.mapping import IGNORED, PARAMETER, Columns
from portal.lab.models import Parameter
from portal.lab.rulebook import Rulebook
from portal.lab.science.measurement import MeasurementError, Qualifier, parse_measurement
from portal.lab.science.names import normalise_name
from portal.lab.science.units import UnitError, canonical_unit, convert

Cells = Sequence[str]

_SAMPLE_TARGETS: Final = tuple(target.key for target in TARGETS if target.group == "sample" and target.key != "sample")
_DIGITS: Final = str.maketrans(
    {chr(0x0660 + n): str(n) for n in range(10)} | {chr(0x06F0 + n): str(n) for n in range(10)}
    | {"٫": ".", "٬": "", "،": ",", "−": "-"} | dict.fromkeys("\u200e\u200f\u061c\u202f\u00a0")
)  # fmt: skip
_DATE = re.compile(r"(\d{1,4})[./ -](\d{1,2})[./ -](\d{1,4})(?:[T ,]+(\d{1,2}[:hH.]\d{2}.*))?$")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})$")
_TIME = re.compile(
    r"(\d{1,2})[:hH.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,6})\d*)?)?\s*(AM|PM|am|pm|ص|م)?\s*(Z|z|[+-]\d{2}:?\d{2})?$"
)
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})$")
_THOUSANDS: Final = {"point": re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?"), "comma": re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?")}  # fmt: skip  # noqa: E501
_BELOW_LOQ: Final = frozenset({"<loq", "<lq", "<rl", "<pql", "<mrl", "bql", "blq", "<limite de quantification", "<حد القياس"})  # fmt: skip  # noqa: E501
_TYPE_WORDS: Final = {
    "drinking_water": "tap|tap water|distribution|network|réseau|robinet|eau de consommation|eau de distribution|"
    "ماء الشرب|مياه الشبكة|صنبور|potable water|eau potable|مياه صالحة للشرب|drinking",
    "drinking_source": "source|raw water|eau brute|source d'eau potable|مياه خام|captage",
    "groundwater": "well|borehole|puits|forage|eau souterraine|eaux souterraines|بئر|مياه جوفية|"
    "المياه الجوفية|ground water",
    "bottled_water": "bottled|eau embouteillée|eau en bouteille|مياه معبأة",
    "bathing_water": "beach|plage|baignade|eau de baignade|شاطئ|مياه الاستحمام",
    "pool_water": "pool|swimming pool|piscine|eau de piscine|مسبح|مياه المسابح",
    "waste_water": "wastewater|sewage|effluent|eaux usées|eau usée|rejet|مياه عادمة|مياه الصرف|صرف صحي",
    "irrigation_water": "irrigation|eau d'irrigation|مياه الري|ري",
    "surface_water": "river|lake|dam|reservoir|stream|oued|rivière|lac|barrage|eau de surface|eau superficielle|"
    "نهر|واد|سد|بحيرة|مياه سطحية",
}


class Fault(ValueError):
    """Says what is wrong with a cell."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row or a part of it was not taken; `column` is the file's heading."""

    column: str
    message: str

    def as_json(self) -> dict[str, str]:
        return {"column": self.column, "message": self.message}


@dataclass(slots=True)
class ResultDraft:
    line: int
    column: str  # of the value
    key: str
    data: dict[str, Any]


@dataclass(slots=True)
class RowDraft:
    line: int
    results: list[ResultDraft] = field(default_factory=list)
    faults: list[Reason] = field(default_factory=list)
    skipped: list[Reason] = field(default_factory=list)


@dataclass(slots=True)
class SampleDraft:
    """`date_only`: the file gives a day without a time, so that a comparison looks at the day."""

    key: str
    code: str
    data: dict[str, Any]
    rows: list[RowDraft]
    faults: list[Reason] = field(default_factory=list)
    date_only: bool = False


@dataclass(slots=True)
class Reader:
    """Reads rows of one file under its mapping. `points` are the organisation's sampling points by code."""

    mapping: Columns
    headings: Sequence[str]
    rules: Rulebook
    points: Mapping[str, Any] = field(default_factory=dict)
    places: dict[str, int] = field(init=False)
    values: list[tuple[int, str, Parameter]] = field(init=False)
    zone: tzinfo = field(init=False)
    missing: frozenset[str] = field(init=False)
    non_detect: frozenset[str] = field(init=False)
    qualifiers: dict[str, str] = field(init=False)
    names: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        chosen = {heading: target for heading, target in self.mapping.columns.items() if target}
        self.places = {
            chosen[heading]: index
            for index, heading in enumerate(self.headings)
            if heading in chosen and not chosen[heading].startswith(PARAMETER)
        }
        codes = {parameter.code: parameter for parameter in self.rules.parameters.values()}
        self.values = [
            (index, heading, codes[chosen[heading][2:]])
            for index, heading in enumerate(self.headings)
            if chosen.get(heading, "").startswith(PARAMETER) and chosen[heading][2:] in codes
        ]
        self.zone = ZoneInfo(self.mapping.time_zone)
        self.missing = frozenset(word.casefold() for word in ("", *self.mapping.missing))
        self.non_detect = frozenset(word.casefold() for word in self.mapping.non_detect)
        self.qualifiers = {word.casefold(): kind for word, kind in self.mapping.qualifiers.items()}
        self.names = {normalise_name(name): code for name, code in self.mapping.parameters.items()}

    # --- which sample a row belongs to ---------------------------------------------------
    def get(self, cells: Cells, target: str) -> str:
        index = self.places.get(target)
        return cells[index].strip() if index is not None and index < len(cells) else ""

    def sample_key(self, cells: Cells) -> str:
        """What rows of one sample have in common; '' where the row names none."""
        if named := self.get(cells, "sample") or self.get(cells, "code"):
            return named
        if {"sample", "code"} & self.places.keys() and self.mapping.fill_down:
            return ""
        place, day = self.get(cells, "point") or self.get(cells, "location"), self.get(cells, "collectionDate")
        if not (place and day):
            return ""
        return " · ".join(filter(None, (place, day, self.get(cells, "collectionTime"))))

    # --- samples ----------------------------------------------------------------------------
    def samples(self, rows: Iterable[tuple[int, str, int, Cells]]) -> Iterator[SampleDraft]:
        """Drafts from `(sample_no, key, line, cells)`, rows of one sample one after the other."""
        for (_number, key), group in groupby(rows, lambda row: (row[0], row[1])):
            yield self._sample(key, [(line, cells) for _no, _key, line, cells in group])

    def _sample(self, key: str, rows: list[tuple[int, Cells]]) -> SampleDraft:
        first: dict[str, tuple[int, str]] = {}
        drafts = [RowDraft(line) for line, _cells in rows]
        for draft, (line, cells) in zip(drafts, rows, strict=True):
            for target in _SAMPLE_TARGETS:
                text = self.get(cells, target)
                if not text:
                    continue
                at, said = first.setdefault(target, (line, text))
                if said != text:
                    message = _("Row %(row)d says “%(other)s” of the same sample.") % {"row": at, "other": said}
                    draft.faults.append(Reason(self.mapping.heading_of(target), message))
        said_of = {target: text for target, (_line, text) in first.items()}
        sample = SampleDraft(key, said_of.get("code", ""), {}, drafts)
        if not key:
            sample.faults.append(Reason("", _("The row names no sample.")))
        elif self.mapping.create_samples:
            self._sample_data(sample, said_of)
        counts: Counter[str] = Counter()
        for draft, (line, cells) in zip(drafts, rows, strict=True):
            if not draft.faults:
                self._row(draft, line, cells, counts)
        return sample

    def _sample_data(self, sample: SampleDraft, said: Mapping[str, str]) -> None:
        defaults, data = self.mapping.defaults, sample.data
        point = self.points.get(said.get("point", ""))
        data["location"] = said.get("location") or (point.name if point else said.get("point")) or defaults.get("location")  # fmt: skip  # noqa: E501
        data["collectorName"] = said.get("collectorName") or defaults.get("collectorName")
        data["notes"] = said.get("sampleNotes", "")
        if sample.code or "code" in self.places:
            data["code"] = sample.code
        elif "sample" in self.places:
            data["code"] = sample.key[:60]
        if point:
            data |= {"samplingPointId": str(point.pk), "latitude": point.latitude, "longitude": point.longitude}
        for target, words, fallback in (("type", type_words, ""), ("status", status_words, "registered")):
            text = said.get(target, "")
            found = words().get(normalise_name(text)) if text else defaults.get(target) or fallback
            if found is None and target == "type":
                found = wqx.SITE_TYPES.get(normalise_name(text))
            if found is None:
                message = _("“%(text)s” is not known here.") % {"text": text}
                sample.faults.append(Reason(self.mapping.heading_of(target), message))
            data[target] = found
        for target in ("latitude", "longitude"):
            if text := said.get(target, ""):
                self._try(sample.faults, target, lambda: data.update({target: float(self.number(text))}))  # noqa: B023
        zone = said.get("timeZone", "")
        day, clock = said.get("collectionDate", ""), said.get("collectionTime", "")
        self._try(sample.faults, "collectionDate", lambda: data.update(collectionDate=self.moment(day, clock, zone)))
        sample.date_only = not clock and len(day) <= 10
        if text := said.get("receivedAt", ""):
            self._try(sample.faults, "receivedAt", lambda: data.update(receivedAt=self.moment(text)))

    def _try(self, faults: list[Reason], target: str, read: Any) -> None:
        try:
            read()
        except Fault as fault:
            faults.append(Reason(self.mapping.heading_of(target) or str(BY_KEY[target].label), str(fault)))

    # --- results ------------------------------------------------------------------------------
    def _row(self, draft: RowDraft, line: int, cells: Cells, counts: Counter[str]) -> None:
        if reason := self._no_measurement(cells):
            draft.skipped.append(reason)
            return
        for index, heading, parameter in self.values:
            text = cells[index].strip() if index < len(cells) else ""
            if text.casefold() not in self.missing:
                self._result(draft, line, cells, counts, heading, parameter, text, self.mapping.units.get(heading, ""))
        if "parameter" in self.places:
            self._named_result(draft, line, cells, counts)
        if not draft.results and not draft.faults and not draft.skipped:
            draft.skipped.append(Reason("", _("The row holds no result.")))

    def _no_measurement(self, cells: Cells) -> Reason | None:
        """Rows that measure something else than the water of the sample (WQX)."""
        activity = self.get(cells, "activityType").casefold()
        if any(word in activity for word in wqx.BLANKS):
            message = _("Quality control (%(kind)s): no measurement of the water.") % {"kind": self.get(cells, "activityType")}  # fmt: skip  # noqa: E501
            return Reason(self.mapping.heading_of("activityType"), message)
        media = self.get(cells, "media")
        if media and media.casefold() not in ("water", "drinking water"):
            return Reason(self.mapping.heading_of("media"), _("Not water: %(medium)s.") % {"medium": media})
        fraction = self.get(cells, "fraction")
        if normalise_name(fraction) in wqx.PARTICLES:
            message = _("The fraction “%(fraction)s” is not in the water itself: no limit speaks of it.") % {"fraction": fraction}  # fmt: skip  # noqa: E501
            return Reason(self.mapping.heading_of("fraction"), message)
        state = self.get(cells, "resultStatus")
        if state.casefold() == "rejected":
            return Reason(self.mapping.heading_of("resultStatus"), _("The laboratory rejected this result."))
        return None

    def _named_result(self, draft: RowDraft, line: int, cells: Cells, counts: Counter[str]) -> None:
        name, heading = self.get(cells, "parameter"), self.mapping.heading_of("parameter")
        if not name:
            draft.faults.append(Reason(heading, _("The row names no parameter.")))
            return
        code = self.names.get(normalise_name(name))
        if code == IGNORED:
            message = _("The mapping leaves “%(name)s” out.") % {"name": name}
            draft.skipped.append(Reason(heading, message))
            return
        parameter = self.parameter(name)
        if parameter is None:
            message = _("“%(name)s” is no parameter of the catalogue: map it or leave it out.") % {"name": name}
            draft.faults.append(Reason(heading, message))
            return
        text, unit = self.get(cells, "value"), self.get(cells, "unit")
        unit = unit or self.mapping.units.get(name, "")
        if text.casefold() in self.missing and not self._condition(cells):
            message = _("There is no value.")
            (draft.skipped if text else draft.faults).append(Reason(self.mapping.heading_of("value"), message))
            return
        column = self.mapping.heading_of("value")
        self._result(draft, line, cells, counts, column, parameter, text if text.casefold() not in self.missing else "", unit)  # fmt: skip  # noqa: E501

    def parameter(self, name: str) -> Parameter | None:
        """By the mapping, then by the catalogue's names, then by those of WQX."""
        key = normalise_name(name)
        code = self.names.get(key)
        return self.rules.find(code or name) or (self.rules.find(wqx.CHARACTERISTICS[key]) if key in wqx.CHARACTERISTICS else None)  # fmt: skip  # noqa: E501

    def _condition(self, cells: Cells) -> str:
        found = self.get(cells, "detection").casefold()
        if not found and self.qualifiers.get(self.get(cells, "qualifier").casefold()) == Qualifier.NOT_DETECTED:
            return "not detected"
        return found

    def _result(
        self, draft: RowDraft, line: int, cells: Cells, counts: Counter[str], heading: str, parameter: Parameter,
        text: str, unit: str,
    ) -> None:  # fmt: skip
        try:
            data = self._result_data(cells, parameter, text, unit)
        except Fault as fault:
            draft.faults.append(Reason(heading, str(fault)))
            return
        if data is None:
            message = _("Nothing was reported: %(condition)s.") % {"condition": self.get(cells, "detection")}
            draft.skipped.append(Reason(self.mapping.heading_of("detection"), message))
            return
        key = self.get(cells, "resultKey")
        if not key:
            stem = "|".join(filter(None, (parameter.code, normalise_name(self.get(cells, "fraction")))))
            counts[stem] += 1
            key = stem if counts[stem] == 1 else f"{stem}#{counts[stem]}"
        draft.results.append(ResultDraft(line, heading, key, data))

    def _result_data(self, cells: Cells, parameter: Parameter, text: str, unit: str) -> dict[str, Any] | None:
        defaults = self.mapping.defaults
        unit = self.unit(cells, parameter, unit or ("" if text else self.get(cells, "limitUnit")))
        limits = self._limits(cells, parameter, unit)
        condition = self._condition(cells)
        if condition in wqx.NOT_REPORTED:
            return None
        notes = [self.get(cells, "resultNotes")]
        value, qualifier = self._value(cells, text, condition, limits, notes)
        if not unit:
            unit = parameter.unit if not any(char.isdigit() for char in value) else ""
        data: dict[str, Any] = {
            "parameterId": str(parameter.pk),
            "value": value,
            "unit": unit,
            **limits,
            "technicianName": self.get(cells, "technicianName") or defaults.get("technicianName", ""),
            "testMethod": self._method(cells) or defaults.get("method", ""),
            "instrument": self.get(cells, "instrument") or defaults.get("instrument") or None,
        }
        if fraction := self.get(cells, "fraction"):
            notes.append(fraction if normalise_name(fraction) not in ("", "none", "total") else "")
        data["notes"] = "\n".join(filter(None, notes))
        if qualifier:
            data["qualifier"] = qualifier
        for target in ("uncertainty", "dilutionFactor"):
            if said := self.get(cells, target):
                data[target] = self.number(said)
        if replaces := self.get(cells, "replaces"):
            data["replacesKey"] = replaces
        if said := self.get(cells, "testDate"):
            data["testDate"] = self.moment(said, self.get(cells, "testTime"), self.get(cells, "testZone"))
        return data

    def _method(self, cells: Cells) -> str:
        name, code = self.get(cells, "method"), self.get(cells, "methodCode")
        return f"{code} {name}".strip()[:200] if code.casefold() not in name.casefold() or not name else name[:200]

    def unit(self, cells: Cells, parameter: Parameter, text: str) -> str:
        """The unit as the file means it: with the species that a column of its own names, and the temperature that the
        name of the parameter implies."""
        plain = text.casefold().strip()
        if plain in ("none", "unitless", "sans unité", "بدون وحدة", "") and parameter.unit in ("pH unit", "ratio"):
            return parameter.unit
        species = self.get(cells, "speciation")
        if species.casefold() not in ("", "none"):
            joined = f"{text} {species}"
            try:
                canonical_unit(joined)
            except UnitError:
                return text
            return joined
        if parameter.code == "COND" and "25" not in text and normalise_name(self.get(cells, "parameter")) in wqx.AT_25:
            return f"{text} @25C"
        return text

    def _limits(self, cells: Cells, parameter: Parameter, unit: str) -> dict[str, str]:
        limits: dict[str, str] = {}
        for target in ("detectionLimit", "quantificationLimit"):
            if (said := self.get(cells, target)) and said.casefold() not in self.missing:
                limits[target] = self.number(said)
        said, kind = self.get(cells, "limitValue"), self.get(cells, "limitType").casefold()
        if said and said.casefold() not in self.missing and any(char.isdigit() for char in said):
            number = Decimal(self.number(said))
            stated = self.get(cells, "limitUnit")
            if stated and unit:
                try:
                    stated = self.unit(cells, parameter, stated)
                    number = convert(number, stated, unit, species=parameter.species or None)
                except UnitError:
                    return limits  # in another kind of unit it says nothing about this value
            target = "detectionLimit" if any(word in kind for word in wqx.DETECTION_LIMITS) else "quantificationLimit"
            if number > 0:
                limits.setdefault(target, f"{number.normalize():f}")
        return limits

    def _value(  # noqa: C901  one rule a line
        self, cells: Cells, text: str, condition: str, limits: Mapping[str, str], notes: list[str]
    ) -> tuple[str, str | None]:
        """The value as it will stand in the record, and a qualifier that stands apart from it."""
        flag = self.get(cells, "qualifier")
        qualifier = self.qualifiers.get(flag.casefold()) or (flag if flag in list(Qualifier) else None)
        if flag and qualifier is None:
            notes.append(f"{self.mapping.heading_of('qualifier')}: {flag}")
        if flag in list(Qualifier) and self.mapping.heading_of("qualifier") == "MarsadQualifier":
            return text, flag  # as one of ours said it
        word = text.casefold()
        limit = limits.get("detectionLimit") or limits.get("quantificationLimit") or ""
        if word in self.non_detect:
            notes.append(text if word != "nd" else "")
            return "ND", None
        if word.replace(" ", "") in _BELOW_LOQ:
            if "quantificationLimit" not in limits:
                raise Fault(
                    _("“%(text)s” needs the limit of quantification, and the row states none.") % {"text": text}
                )
            return f"<{limits['quantificationLimit']}", None
        number = self.number(text, strict=False) if text else ""
        start = number.translate(_DIGITS)[:1]
        signed = bool(start) and start in "<>≤≥~≈＜＞"
        bare = bool(start) and start in "0123456789.+-"
        if condition in wqx.NOT_DETECTED or qualifier == Qualifier.NOT_DETECTED:
            if signed or (number and not bare):
                return number, None
            if bare and _positive(number):
                return f"<{number}", None
            return (f"<{limit}" if limit else "ND"), None
        if condition in wqx.BELOW and not signed:
            return (f"~{number}", None) if bare else (f"<{limit}" if limit else "present", None)
        if condition in wqx.BETWEEN and bare:
            return f"~{number}", None
        if condition in wqx.ABOVE and not signed:
            return (f">{number if bare else limit}" if bare or limit else "present"), None
        if condition in wqx.DETECTED and not number:
            return "present", None
        if not number:
            raise Fault(_("There is no value."))
        if self.get(cells, "valueType").casefold() == "estimated" and bare and not qualifier:
            return f"~{number}", None
        if bare and qualifier in (Qualifier.LESS, Qualifier.GREATER, Qualifier.ABOUT):
            return f"{qualifier}{number}", None
        return number, None if signed or not bare else qualifier

    def number(self, text: str, *, strict: bool = True) -> str:
        """A number with Latin digits and a decimal point or comma, without thousands separators. Not `strict`: the text
        as it stands where nothing had to be taken out of it, whether it is a number or not. Raises Fault."""
        plain = text if text.isascii() else text.translate(_DIGITS)
        plain = plain.strip()
        sign = plain[: len(plain) - len(plain.lstrip("<>=≤≥~≈ "))]
        digits = typed = plain[len(sign) :]
        if digits.replace(" ", "").replace(",", "").replace(".", "").isdigit() and " " in digits:
            digits = digits.replace(" ", "")
        style = self.mapping.decimal
        if style in _THOUSANDS and digits[:1].isdigit():
            wrong, right = (",", ".") if style == "point" else (".", ",")
            if _THOUSANDS[style].fullmatch(digits):
                digits = digits.replace(wrong, "")
            elif wrong in digits and digits.replace(wrong, "").replace(right, "").isdigit():
                raise Fault(_("“%(text)s” does not fit the decimal sign of the mapping.") % {"text": text})
        if strict:
            try:
                found = parse_measurement(digits).number
            except MeasurementError:
                found = None
            if found is None or sign.strip():
                raise Fault(_("“%(text)s” is not a number.") % {"text": text})
            return f"{found:f}"
        return text if digits == typed else f"{sign.strip()}{digits}"

    def moment(self, day: str, clock: str = "", zone: str = "") -> str:
        """ISO with offset from a date, a time and a zone as the source writes them. Raises Fault."""
        said = day
        day = day.translate(_DIGITS).strip()
        if not day:
            raise Fault(_("The date is missing."))
        match = _DATE.match(day)
        compact = _COMPACT.match(day)
        if match is None and compact is None:
            raise Fault(_("“%(text)s” is not a date.") % {"text": said})
        parts: Sequence[str]
        if compact is not None and match is None:
            parts, order, rest = compact.groups(), "ymd", ""
        else:
            assert match is not None
            *parts, rest = match.groups()
            order = "ymd" if len(parts[0]) == 4 else self.mapping.dates if len(parts[0]) <= 2 else ""
        numbers = dict(zip(order, map(int, parts), strict=False))
        hour, minute, second, micro, offset = _time(clock.translate(_DIGITS).strip() or rest or "", said)
        try:
            year = numbers["y"] + (2000 if numbers["y"] < 100 else 0)
            found = datetime(year, numbers["m"], numbers["d"], hour, minute, second, micro)  # noqa: DTZ001 (given below)
            return found.replace(tzinfo=offset or self._offset(zone)).isoformat()
        except (ValueError, KeyError):
            raise Fault(_("“%(text)s” is not a date.") % {"text": said}) from None

    def _offset(self, zone: str) -> tzinfo:
        name = zone.strip().upper()
        if name in wqx.ZONES:
            return timezone(timedelta(hours=wqx.ZONES[name]))
        if match := _OFFSET.fullmatch(name):
            return _shift(match)
        if name in ("", "DST", "LOCAL"):
            return self.zone
        raise Fault(_("The time zone “%(zone)s” is not known.") % {"zone": zone})


def _time(text: str, said: str) -> tuple[int, int, int, int, tzinfo | None]:
    """Hour, minute, second, microsecond and the offset where one is given."""
    if not text:
        return 0, 0, 0, 0, None
    match = _TIME.match(text)
    if match is None:
        raise Fault(_("“%(text)s” is not a time.") % {"text": text or said})
    hour, minute, second, fraction, half, offset = match.groups()
    hours = int(hour)
    if half:
        hours = hours % 12 + (12 if half.casefold() in ("pm", "م") else 0)
    shift: tzinfo | None = None
    if offset:
        shift = UTC if offset in "Zz" else _shift(_OFFSET.fullmatch(offset))
    return hours, int(minute), int(second or 0), int((fraction or "0").ljust(6, "0")), shift


def _shift(match: re.Match[str] | None) -> tzinfo:
    assert match is not None
    sign, hours, minutes = match.groups()
    return timezone(timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1))


def _positive(number: str) -> bool:
    try:
        found = parse_measurement(number).number
    except MeasurementError:
        return False
    return found is not None and found > 0


@lru_cache
def type_words() -> dict[str, str]:
    """Normalised word in any language -> kind of water."""
    words = {normalise_name(word): type for type, names in _TYPE_WORDS.items() for word in names.split("|")}
    return words | _labels(SampleType)


@lru_cache
def status_words() -> dict[str, str]:
    return _labels(SampleStatus)


def _labels(choices: Any) -> dict[str, str]:
    found = {normalise_name(value): value for value in choices.values}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            found |= {normalise_name(str(label)): value for value, label in choices.choices}
    return found
