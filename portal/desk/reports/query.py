"""The answer to a definition: one statement over the rows that the reader sees in the lists of the room.

Filters, groups and figures are added to the queryset of the source; days and stretches of time are those of the
organisation's clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import (
    Aggregate,
    Avg,
    Case,
    Count,
    DateField,
    DateTimeField,
    F,
    IntegerField,
    Max,
    Min,
    Q,
    QuerySet,
    Sum,
    When,
)
from django.db.models import Value as Constant
from django.db.models.functions import Trunc
from django.utils.translation import gettext as _

from portal.collect.charts import buckets
from portal.collect.charts.choices import Bucket
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.desk.reports.choices import COUNTED, PERIODS, Function, Op
from portal.desk.reports.definitions import Definition, Figure, Filter, Group
from portal.desk.reports.periods import span
from portal.desk.reports.sources import Column, Kind

CHUNK: Final = 2000
MOST_ORDERED: Final = 60  # choices
_FUNCTIONS: Final[dict[Function, type[Aggregate]]] = {
    Function.SUM: Sum,
    Function.AVERAGE: Avg,
    Function.MIN: Min,
    Function.MAX: Max,
}
_COMPARED: Final = {Op.EQ: "", Op.GT: "__gt", Op.GTE: "__gte", Op.LT: "__lt", Op.LTE: "__lte"}

type Value = str | int | float | bool | Decimal | date | datetime | None


@dataclass(frozen=True, slots=True)
class Head:
    """One column of the answer; `words` says what values of a choice are called."""

    key: str
    label: str
    kind: Kind
    bucket: Bucket | None = None
    figure: bool = False
    words: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Answer:
    """`rows()` reads the lines, values in the order of `heads`. With `ids` set, records' ids come as a last value."""

    definition: Definition
    user: User
    zone: str
    now: datetime
    heads: list[Head] = field(default_factory=list)

    def __post_init__(self) -> None:
        definition = self.definition
        if definition.grouped:
            self.heads = [_group_head(group) for group in definition.groups]
            self.heads += [_figure_head(figure) for figure in definition.figures]
        else:
            self.heads = [_head(column) for column in definition.columns]

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    @property
    def matching(self) -> QuerySet[Any]:
        """The records that the filters let through, in no order."""
        rows: QuerySet[Any] = self.definition.source.rows(self.user).select_related(None).order_by()
        for place, one in enumerate(self.definition.filters):
            rows = self._filtered(rows, one, f"f{place}")
        return rows

    @property
    def queryset(self) -> "QuerySet[Any, Any]":
        return self._grouped() if self.definition.grouped else self._listed()

    def count(self, *, most: int | None = None) -> int:
        """How many lines there are; at most `most`."""
        definition = self.definition
        if definition.grouped and not definition.groups:
            return 1
        rows = self._keys(self.matching).distinct() if definition.grouped else self.matching.values("pk")
        found: int = rows.count() if most is None else rows[:most].count()
        return found

    def rows(self, *, start: int = 0, stop: int | None = None) -> Iterator[list[Value]]:
        """Read as they are taken, so that memory does not grow with them. The last value is the record's id, None in a
        grouped answer."""
        found: Any = self.queryset
        if self.definition.grouped and not self.definition.groups:
            yield [*self.totals(), None]
            return
        if start or stop is not None:
            found = found[start:stop]
        width, grouped = len(self.heads), self.definition.grouped
        for row in found.iterator(chunk_size=CHUNK):
            yield [*row[:width], None if grouped else row[width]]

    def totals(self) -> list[Value]:
        """The figures over everything that the filters let through."""
        if not self.definition.figures:
            return []
        rows, found = self.matching, {}
        for place, figure in enumerate(self.definition.figures):
            rows, found[f"t{place}"] = self._figure(rows, figure, f"a{place}")
        held = rows.aggregate(**found)
        return [held[name] for name in found]

    def _listed(self) -> QuerySet[Any, Any]:
        rows, names = self.matching, []
        for place, one in enumerate(self.definition.columns):
            rows = rows.annotate(**{f"c{place}": one.shown})
            names.append(f"c{place}")
        wished = self.definition.sort or (self.definition.source.order,)
        offered = self.definition.source.offered(self.user, self.definition.form)
        order = []
        for place, (key, down) in enumerate(wished):
            rows = rows.alias(**{f"s{place}": offered[key].shown})
            order.append(_direction(f"s{place}", down=down))
        return rows.order_by(*order, "-pk" if wished[0][1] else "pk").values_list(*names, "pk")

    def _keys(self, rows: QuerySet[Any]) -> QuerySet[Any, Any]:
        names = []
        for place, group in enumerate(self.definition.groups):
            rows = rows.annotate(**{f"g{place}": self._key(group)})
            names.append(f"g{place}")
            if group.column.kind == "person":  # of two people with one name each stands for themselves
                rows = rows.annotate(**{f"g{place}_id": F(group.column.path)})
                names.append(f"g{place}_id")
        return rows.values(*names)

    def _grouped(self) -> QuerySet[Any, Any]:
        rows, figures = self.matching, {}
        for place, figure in enumerate(self.definition.figures):
            rows, figures[f"a{place}"] = self._figure(rows, figure, f"v{place}")
        grouped = self._keys(rows).annotate(**figures)
        groups = [f"g{place}" for place in range(len(self.definition.groups))]
        names = dict(zip((head.key for head in self.heads), [*groups, *figures], strict=True))
        order = [_direction(names[key], down=down) for key, down in self.definition.sort]
        order += [_usual(name, g) for name, g in zip(groups, self.definition.groups, strict=True)]
        order += [f"{name}_id" for name, g in zip(groups, self.definition.groups, strict=True) if _person(g)]
        found: QuerySet[Any, Any] = grouped.order_by(*order).values_list(*groups, *figures)
        return found

    def _figure(self, rows: QuerySet[Any], figure: Figure, name: str) -> tuple[QuerySet[Any], Aggregate]:
        if figure.column is None:
            return rows, Count("pk")
        return rows.annotate(**{name: figure.column.value}), _FUNCTIONS[figure.function](name)

    def _key(self, group: Group) -> Any:
        column = group.column
        if group.bucket is None:
            return column.shown
        if column.kind == "date":
            return Trunc(column.value, str(group.bucket), output_field=DateField())
        return Trunc(column.value, str(group.bucket), output_field=DateTimeField(), tzinfo=ZoneInfo(self.zone))

    def _filtered(self, rows: QuerySet[Any], one: Filter, name: str) -> QuerySet[Any]:
        column, op, values = one.column, one.op, one.values
        if column.build:
            rows = rows.alias(**{name: column.value})
            path = name
        else:
            path = column.path
        if op in (Op.EMPTY, Op.FILLED):
            nothing = Q(**{f"{path}__isnull": True})
            if column.kind in ("text", "choice"):
                nothing |= Q(**{path: ""})
            return rows.filter(nothing if op == Op.EMPTY else ~nothing)
        if op in (Op.TRUE, Op.FALSE):
            return rows.filter(**{path: op == Op.TRUE})
        if op == Op.ME:
            return rows.filter(**{path: self.user.pk})
        if op == Op.IN:
            return rows.filter(**{f"{path}__in": list(values)})
        if op == Op.NOT_IN:  # an empty one is none of them
            return rows.filter(~Q(**{f"{path}__in": list(values)}) | Q(**{f"{path}__isnull": True}))
        if op == Op.CONTAINS:
            return rows.filter(**{f"{path}__icontains": values[0]})
        if column.kind in ("date", "moment"):
            return rows.filter(**self._days(one, path))
        if op == Op.BETWEEN:
            return rows.filter(**{f"{path}__gte": values[0], f"{path}__lte": values[1]})
        return rows.filter(**{f"{path}{_COMPARED[op]}": values[0]})

    def _days(self, one: Filter, path: str) -> dict[str, Any]:
        moment = one.column.kind == "moment"
        if one.op == Op.PAST:
            return {f"{path}__lt": self.now if moment else self.today}
        first, last = self.days(one)
        found: dict[str, Any] = {}
        if first is not None:
            found[f"{path}__gte"] = clock.day_start(first, self.zone) if moment else first
        if last is not None:
            found[f"{path}__lt"] = (
                clock.day_start(last + timedelta(days=1), self.zone) if moment else last + timedelta(days=1)
            )
        return found

    def days(self, one: Filter) -> tuple[date | None, date | None]:
        """First and last day that a filter on days lets through, both included."""
        if one.op in PERIODS:
            return span(one.op, self.today)
        first = one.values[0]
        if one.op in COUNTED:
            assert isinstance(first, int)
            return span(one.op, self.today, first)
        assert isinstance(first, date)
        if one.op == Op.BETWEEN:
            last = one.values[1]
            assert isinstance(last, date)
            return first, last
        return (first, None) if one.op == Op.GTE else (None, first)


def _person(group: Group) -> bool:
    return group.column.kind == "person"


def _usual(name: str, group: Group) -> Any:
    """Choices in their own order, all else from the smallest; nothing last."""
    words = group.column.words
    if not words or len(words) > MOST_ORDERED:
        return F(name).asc(nulls_last=True)
    places = [When(**{name: value}, then=Constant(place)) for place, value in enumerate(words)]
    return Case(*places, default=Constant(len(words)), output_field=IntegerField()).asc()


def _direction(name: str, *, down: bool) -> Any:
    return F(name).desc(nulls_last=True) if down else F(name).asc(nulls_last=True)


def _head(column: Column) -> Head:
    kind: Kind = "text" if column.kind == "person" else column.kind
    return Head(column.key, str(column.label), kind, words=column.words)


def _group_head(group: Group) -> Head:
    column, label = group.column, str(group.column.label)
    if group.bucket is not None:
        label = _("%(field)s, by %(bucket)s") % {"field": label, "bucket": str(group.bucket.label).lower()}
    return Head(column.key, label, column.kind, bucket=group.bucket, words=column.words)


def _figure_head(figure: Figure) -> Head:
    kind: Kind = figure.column.kind if figure.column and figure.function in (Function.MIN, Function.MAX) else "number"
    return Head(figure.key, figure.label, kind, figure=True)


def label_of(value: Any, head: Head) -> str | None:
    """The name of a stretch of time: `2026-11`, `2026-Q4`."""
    if value is None or head.bucket is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.combine(value, time.min)
    return buckets.label(moment.replace(tzinfo=None), head.bucket)
