"""The shipped parameters, standards and limits of drinking water, read from `portal/lab/fixtures`.

Every limit names how well it is known: P primary text read, S secondary source read, O an older edition read and
believed unchanged, M not confirmed by anything read. M limits are provisional: they are evaluated, and printed as
such, until someone who holds the standard confirms them.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from portal.lab.science.names import normalise_name
from portal.lab.science.verdicts import Limit

__all__ = ["Catalogue", "LimitRow", "Parameter", "Standard", "in_force", "load_catalogue", "normalise_name"]

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One measurable quantity. Numbers are in `unit`; `species` gives a bare unit its meaning (`NO3`, `20C`).
    `min_value` and `max_value` are plausibility, not limits; `decimals` is for display."""

    code: str
    cas: str
    group: str
    name_en: str
    name_fr: str
    name_ar: str
    unit: str
    species: str | None
    decimals: int
    min_value: Decimal | None
    max_value: Decimal | None
    typical_loq: Decimal | None
    methods: tuple[str, ...]
    aliases: tuple[str, ...]
    holding_hours: int | None  # from sampling to the start of the analysis
    members: tuple[str, ...]  # codes of what a sum adds up

    @property
    def search_keys(self) -> frozenset[str]:
        """Every normalised text by which the parameter may be named; unique over the catalogue."""
        names = (self.code, self.name_en, self.name_fr, self.name_ar, *self.aliases)
        return frozenset(map(normalise_name, names))


@dataclass(frozen=True, slots=True)
class Standard:
    """One edition of a standard, with the role that it has unless an organisation decides otherwise."""

    code: str
    edition: str
    reference: str
    name_en: str
    name_fr: str
    name_ar: str
    role: str
    effective_from: date


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit on one parameter, from `effective_from` until the day before `effective_to`."""

    parameter: str
    limit: Limit
    effective_from: date
    effective_to: date | None
    confidence: str
    note: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything shipped; parameters by code, in the order of the fixture."""

    parameters: Mapping[str, Parameter]
    standards: tuple[Standard, ...]
    limits: tuple[LimitRow, ...]
    index: Mapping[str, str]

    def find(self, name: str) -> Parameter | None:
        """Return the parameter of this code or name, in any of the three languages."""
        code = self.index.get(normalise_name(name))
        return None if code is None else self.parameters[code]

    def limits_on(self, code: str, on: date) -> list[Limit]:
        """Return one limit per standard, matrix and edition that was in force on a date, in the standards' order."""
        rows: dict[tuple[str, str], list[LimitRow]] = {}
        for row in self.limits:
            if row.parameter == code:
                rows.setdefault((row.limit.standard, row.limit.matrix), []).append(row)
        return [held.limit for group in rows.values() if (held := in_force(group, on))]


def in_force(rows: Iterable[LimitRow], on: date) -> LimitRow | None:
    """Return the row in force on a date; before the first one, the first; after the last one has ended, none."""
    ordered = sorted(rows, key=lambda row: row.effective_from)
    held = next((row for row in reversed(ordered) if row.effective_from <= on), ordered[0] if ordered else None)
    return None if held is None or (held.effective_to is not None and held.effective_to <= on) else held


@cache
def load_catalogue(folder: Path = FIXTURES) -> Catalogue:
    """Read the fixture once per process. Raises ValueError where two parameters share a name."""
    parameters = {
        row["code"]: Parameter(
            code=row["code"],
            cas=row["cas"],
            group=row["group"],
            name_en=row["name_en"],
            name_fr=row["name_fr"],
            name_ar=row["name_ar"],
            unit=row["unit"],
            species=row["species"] or None,
            decimals=int(row["decimals"]),
            min_value=_number(row["min_value"]),
            max_value=_number(row["max_value"]),
            typical_loq=_number(row["typical_loq"]),
            methods=_list(row["methods"], ";"),
            aliases=_list(row["aliases"], "|"),
            holding_hours=int(row["holding_hours"]) if row["holding_hours"] else None,
            members=_list(row["members"], "|"),
        )
        for row in _rows(folder / "parameters.csv")
    }
    standards = tuple(
        Standard(
            code=row["standard"],
            edition=row["edition"],
            reference=row["reference"],
            name_en=row["name_en"],
            name_fr=row["name_fr"],
            name_ar=row["name_ar"],
            role=row["role"],
            effective_from=date.fromisoformat(row["effective_from"]),
        )
        for row in _rows(folder / "standards.csv")
    )
    index: dict[str, str] = {}
    for parameter in parameters.values():
        for key in parameter.search_keys:
            if index.setdefault(key, parameter.code) != parameter.code:
                raise ValueError(f"{key!r} names both {index[key]} and {parameter.code}")
    roles = {(standard.code, standard.edition): standard.role for standard in standards}
    limits = tuple(read_limits(folder / "limits.csv", roles))
    return Catalogue(parameters, standards, limits, index)


def read_limits(path: Path, roles: Mapping[tuple[str, str], str]) -> Iterator[LimitRow]:
    """Read a table of limits in the fixture's layout; `roles` is keyed by standard and edition."""
    for row in _rows(path):
        yield LimitRow(
            parameter=row["code"],
            limit=Limit(
                standard=row["standard"],
                edition=row["edition"],
                role=roles[row["standard"], row["edition"]],
                kind=row["kind"],
                lower=_number(row["lower"]),
                upper=_number(row["upper"]),
                guidance=_number(row["guidance"]),
                unit=row["unit"],
                matrix=row["matrix"],
                provisional=row["confidence"] not in ("P", "S", "O"),
                strict=bool(row["strict"]),
            ),
            effective_from=date.fromisoformat(row["effective_from"]),
            effective_to=date.fromisoformat(row["effective_to"]) if row["effective_to"] else None,
            confidence=row["confidence"],
            note=row["note"],
        )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _number(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def _list(text: str, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(separator) if part.strip())
