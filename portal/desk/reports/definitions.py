"""The definition of a report: read from what a client sent, checked against the source, every mistake named.

    {"source": "tickets", "columns": ["number", "title"],
     "filters": [{"column": "createdAt", "op": "lastMonth"}, {"column": "status", "op": "in", "value": ["open"]}],
     "groupBy": [{"column": "createdAt", "bucket": "month"}, {"column": "category"}],
     "aggregates": [{"function": "count"}, {"function": "sum", "column": "value"}],
     "sort": [{"by": "count", "descending": true}], "chart": "bar", "form": null}

Without `groupBy` and `aggregates` it lists records; with `aggregates` alone it is one line of figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from portal.collect.charts.choices import Bucket
from portal.core.accounts.models import User
from portal.core.common.clock import parse_date
from portal.core.common.errors import Errors
from portal.core.common.ids import parse_uuid
from portal.core.common.text import latin_digits
from portal.desk.reports import sources
from portal.desk.reports.choices import BARE, COUNTED, LISTS, OPS, Chart, Function, Op
from portal.desk.reports.sources import Column, Source

MOST_COLUMNS: Final = 30
MOST_FILTERS: Final = 20
MOST_GROUPS: Final = 2
MOST_AGGREGATES: Final = 6
MOST_SORTS: Final = 3
MOST_VALUES: Final = 200
MOST_DAYS: Final = 3660
LONGEST: Final = 300
FIRST_YEAR, LAST_YEAR = 1900, 2200
_BUCKETS: Final = frozenset({Bucket.DAY, Bucket.WEEK, Bucket.MONTH, Bucket.QUARTER, Bucket.YEAR})
_TIMES: Final = ("date", "moment")

type Operand = str | Decimal | date | UUID | int


@dataclass(frozen=True, slots=True)
class Filter:
    column: Column
    op: Op
    values: tuple[Operand, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    column: Column
    bucket: Bucket | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    function: Function
    column: Column | None = None

    @property
    def key(self) -> str:
        return f"{self.function}:{self.column.key}" if self.column else str(self.function)

    @property
    def label(self) -> str:
        if self.column is None:
            return str(self.function.label)
        named = {"figure": self.function.label, "column": self.column.label}
        return _("%(figure)s of %(column)s") % named


@dataclass(frozen=True, slots=True)
class Definition:
    """A checked definition. `sort` holds keys of columns or figures, with True for from the top."""

    source: Source
    form: UUID | None
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...]
    groups: tuple[Group, ...]
    figures: tuple[Figure, ...]
    sort: tuple[tuple[str, bool], ...]
    chart: Chart

    @property
    def grouped(self) -> bool:
        return bool(self.figures)


def read(said: Mapping[str, Any], *, user: User) -> Definition:
    """As `user` may ask it. Raises Invalid with an entry for each mistake, the field as on the wire: `filters.0.value`,
    and naming `source` for one whose records they may not see."""
    source = sources.source_for(user, said.get("source"))
    form = parse_uuid(said.get("form")) if source.more else None
    return _Reader(said, source, form, source.offered(user, form)).read()


def canonical(definition: Definition) -> dict[str, Any]:
    """As JSON, the way it is stored and sent."""
    return {
        "source": definition.source.key,
        "form": str(definition.form) if definition.form else None,
        "columns": [column.key for column in definition.columns],
        "filters": [_filter_wire(one) for one in definition.filters],
        "groupBy": [
            {"column": one.column.key, "bucket": str(one.bucket) if one.bucket else None} for one in definition.groups
        ],
        "aggregates": [
            {"function": str(one.function), "column": one.column.key if one.column else None}
            for one in definition.figures
        ],
        "sort": [{"by": key, "descending": down} for key, down in definition.sort],
        "chart": str(definition.chart),
    }


def _filter_wire(one: Filter) -> dict[str, Any]:
    wire: dict[str, Any] = {"column": one.column.key, "op": str(one.op)}
    if one.op in BARE:
        return wire
    values = [_plain(value) for value in one.values]
    return wire | {"value": values if one.op in LISTS or one.op == Op.BETWEEN else values[0]}


def _plain(value: Operand) -> Any:
    if isinstance(value, Decimal):
        whole = int(value)
        return whole if whole == value else float(value)
    return value if isinstance(value, str | int) else str(value)


@dataclass(slots=True)
class _Reader:
    said: Mapping[str, Any]
    source: Source
    form: UUID | None
    offered: Mapping[str, Column]
    errors: Errors = None  # type: ignore[assignment]

    def read(self) -> Definition:
        self.errors = Errors()
        groups = tuple(self.groups())
        figures = tuple(self.figures()) or ((Figure(Function.COUNT),) if groups else ())
        columns = tuple(self.columns(needed=not figures))
        filters = tuple(self.filters())
        sort = tuple(self.sort([*(g.column.key for g in groups), *(f.key for f in figures)] if figures else None))
        chart = self.chart(groups)
        self.errors.raise_any()
        return Definition(self.source, self.form, columns, filters, groups, figures, sort, chart)

    def entries(self, name: str, most: int) -> Sequence[tuple[str, Any]]:
        """The elements of a list, each with its place."""
        found = self.said.get(name)
        if found is None:
            return []
        if not isinstance(found, list | tuple):
            self.errors.add(name, _("Must be a list."))
            return []
        if len(found) > most:
            self.errors.add(name, _("At most %(count)s entries.") % {"count": most})
        return [(f"{name}.{place}", one) for place, one in enumerate(found[:most])]

    def column(self, name: object, place: str) -> Column | None:
        found = self.offered.get(name) if isinstance(name, str) else None
        if found is None:
            self.errors.add(place, _("There is no column “%(name)s”.") % {"name": str(name)[:100]})
        return found

    def columns(self, *, needed: bool) -> list[Column]:
        entries = self.entries("columns", MOST_COLUMNS)
        found = [column for place, name in entries if (column := self.column(name, place))]
        if needed and not entries:
            found = [self.offered[key] for key in self.source.usual]
        return list(dict.fromkeys(found))

    def groups(self) -> list[Group]:
        found = []
        for place, said in self.entries("groupBy", MOST_GROUPS):
            name = said.get("column") if isinstance(said, Mapping) else said
            column = self.column(name, f"{place}.column")
            if column is None:
                continue
            bucket = said.get("bucket") if isinstance(said, Mapping) else None
            if column.kind in _TIMES:
                bucket = bucket or Bucket.DAY
                if bucket not in _BUCKETS:
                    allowed = ", ".join(sorted(_BUCKETS))
                    self.errors.add(f"{place}.bucket", _("One of: %(allowed)s.") % {"allowed": allowed})
                    continue
                found.append(Group(column, Bucket(bucket)))
            else:
                found.append(Group(column))
        if len({one.column.key for one in found}) < len(found):
            self.errors.add("groupBy.1.column", _("Group by another column than before."))
        return found

    def figures(self) -> list[Figure]:
        found = []
        for place, said in self.entries("aggregates", MOST_AGGREGATES):
            function = said.get("function") if isinstance(said, Mapping) else None
            function = "average" if function == "avg" else function
            if function not in Function.values:
                allowed = ", ".join(Function.values)
                self.errors.add(f"{place}.function", _("One of: %(allowed)s.") % {"allowed": allowed})
                continue
            if function == Function.COUNT:
                found.append(Figure(Function.COUNT))
                continue
            column = self.column(said.get("column"), f"{place}.column")
            if column is None:
                continue
            kinds = (*_TIMES, "number") if function in (Function.MIN, Function.MAX) else ("number",)
            if column.kind not in kinds:
                message = _("“%(column)s” is no number: choose another column.")
                self.errors.add(f"{place}.column", message % {"column": column.label})
                continue
            found.append(Figure(Function(function), column))
        return list(dict.fromkeys(found))

    def sort(self, keys: Sequence[str] | None) -> list[tuple[str, bool]]:
        found: dict[str, bool] = {}
        for place, said in self.entries("sort", MOST_SORTS):
            key = said.get("by") if isinstance(said, Mapping) else None
            if key not in (self.offered if keys is None else keys):
                message = _("“%(name)s” is not in the report: it cannot be sorted by.")
                self.errors.add(f"{place}.by", message % {"name": str(key)[:100]})
            else:
                found.setdefault(str(key), bool(said.get("descending")))
        return list(found.items())

    def chart(self, groups: Sequence[Group]) -> Chart:
        said = self.said.get("chart") or Chart.NONE
        if said not in Chart.values:
            self.errors.add("chart", _("One of: %(allowed)s.") % {"allowed": ", ".join(Chart.values)})
            return Chart.NONE
        chart = Chart(said)
        if chart != Chart.NONE and not groups:
            self.errors.add("chart", _("A chart needs something to group by."))
        elif chart == Chart.STACKED and len(groups) < 2:
            self.errors.add("chart", _("Stacked bars need two columns to group by."))
        return chart

    def filters(self) -> list[Filter]:
        return [one for place, said in self.entries("filters", MOST_FILTERS) if (one := self.filter(place, said))]

    def filter(self, place: str, said: Any) -> Filter | None:
        if not isinstance(said, Mapping):
            self.errors.add(place, _("Enter an object."))
            return None
        column = self.column(said.get("column"), f"{place}.column")
        if column is None:
            return None
        allowed = OPS[column.kind]
        op = said.get("op") or allowed[0]
        if op not in allowed:
            self.errors.add(f"{place}.op", _("One of: %(allowed)s.") % {"allowed": ", ".join(allowed)})
            return None
        op = Op(op)
        if op in BARE:
            return Filter(column, op)
        values = said.get("value")
        values = list(values) if isinstance(values, list | tuple) else [] if values in (None, "") else [values]
        wanted = 2 if op == Op.BETWEEN else 1
        if len(values) < wanted or (len(values) > wanted and op not in LISTS):
            message = _("Enter both ends.") if wanted == 2 else _("This field is required.")
            self.errors.add(f"{place}.value", message)
            return None
        if len(values) > MOST_VALUES:
            self.errors.add(f"{place}.value", _("At most %(count)s entries.") % {"count": MOST_VALUES})
            return None
        read = [self.value(column, op, value, f"{place}.value") for value in values]
        if any(value is None for value in read):
            return None
        return Filter(column, op, tuple(value for value in read if value is not None))

    def value(self, column: Column, op: Op, said: Any, place: str) -> Operand | None:
        # One message for each kind of column; whatever cannot be read, is too long or out of range, ends in it.
        text = latin_digits(str(said)).strip() if isinstance(said, str | int | float) else ""
        found: Operand | None = None
        message = _("Enter a text of at most %(limit)s characters.") % {"limit": LONGEST}
        if op in COUNTED:
            message = _("A whole number from 1 to %(most)s.") % {"most": MOST_DAYS}
            found = int(text) if text.isascii() and text.isdigit() and 0 < int(text[:9]) <= MOST_DAYS else None
        elif column.kind in _TIMES:
            message, found = _("A day as 2026-02-14."), parse_date(text)
            found = found if found and FIRST_YEAR <= found.year <= LAST_YEAR else None
        elif column.kind == "number":
            message = _("Enter a number.")
            try:
                found = Decimal(text.replace(",", "."))
                found = found if found.is_finite() and abs(found) < Decimal(10) ** 18 else None
            except InvalidOperation:
                found = None
        elif column.kind == "person":
            message, found = _("Must be a UUID."), parse_uuid(text)
        elif column.kind == "choice":
            known = column.words
            message = _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(list(known)[:40])}
            found = text if text in known else None
        elif isinstance(said, str) and said.strip() and len(said) <= LONGEST and "\0" not in said:
            found = said.strip()
        if found is None:
            self.errors.add(place, message)
        return found
