"""The figures of a view in one statement.

Its text is put together from the constants below alone: ids of fields, units, zones and values are parameters. What is
not of its field's type (an old version of the form, an import) counts as no answer, and makes no cast fail.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection

from portal.collect.charts.axes import Axis
from portal.collect.charts.choices import Aggregation, Op
from portal.collect.charts.definitions import Definition, Filter

type Key = str | bool | Decimal | date | datetime | UUID | None

# What no calendar knows (30 February, year 0) does not match or is beyond the month's last day. The years at both ends
# of Python's calendar are left out: in another zone they might be beyond it.
_DAY: Final = r"(?!0000|0001|9999)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_DATE: Final = f"^{_DAY}$"
_MOMENT: Final = f"^{_DAY}" + r"[Tt ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d{1,9})?)?([Zz]|[+-](0\d|1[0-4]):?[0-5]\d)$"
_IN_MONTH: Final = (
    "substr({text}, 9, 2)::int <= date_part('day', make_date(substr({text}, 1, 4)::int, substr({text}, 6, 2)::int, 1)"
    " + interval '1 month - 1 day')"
)
_VALID: Final = "CASE WHEN {text} ~ %({pattern})s THEN CASE WHEN " + _IN_MONTH + " THEN {text}::{type} END END"
_READ: Final = {
    "number": "CASE WHEN jsonb_typeof({json}) = 'number' THEN ({json})::numeric END",
    "text": "nullif({text}, '')",
    "choice": "nullif({text}, '')",
    "boolean": "CASE WHEN jsonb_typeof({json}) = 'boolean' THEN ({json})::boolean END",
    "date": _VALID.format(text="{text}", pattern="date_pattern", type="date"),
    "moment": _VALID.format(text="replace({text}, ',', '.')", pattern="moment_pattern", type="timestamptz"),
    "other": "{json}",
}
_LIST: Final = "CASE WHEN jsonb_typeof({json}) = 'array' THEN {json} ELSE '[]' END"
_MANY: Final = (  # of constants
    " LEFT JOIN LATERAL (SELECT d.chosen, row_number() OVER () AS place FROM (SELECT DISTINCT e.chosen"  # noqa: S608
    " FROM jsonb_array_elements_text(" + _LIST + ") e (chosen) WHERE e.chosen <> '') d) {name} ON true"
)
_ANSWERED: Final = "coalesce({json}, 'null') NOT IN ('null', '\"\"', '[]', '{{}}')"
_FIGURE: Final = {
    Aggregation.COUNT: "count(*)",
    Aggregation.SUM: "coalesce(sum(d.value), 0)",
    Aggregation.AVERAGE: "avg(d.value)",
    Aggregation.MIN: "min(d.value)",
    Aggregation.MAX: "max(d.value)",
    # the lower and the upper of the middle two: one and the same where the number is odd
    Aggregation.MEDIAN: "(percentile_disc(0.5) WITHIN GROUP (ORDER BY d.value)"
    " + percentile_disc(0.5) WITHIN GROUP (ORDER BY d.value DESC)) / 2",
}
_COMPARED: Final = {
    Op.EQ: "{value} = %({param})s",
    Op.NE: "{value} IS DISTINCT FROM %({param})s",
    Op.LT: "{value} < %({param})s",
    Op.LTE: "{value} <= %({param})s",
    Op.GT: "{value} > %({param})s",
    Op.GTE: "{value} >= %({param})s",
    Op.IN: "{value} = ANY(%({param})s)",
}
_HOLDS: Final = {  # of lists
    Op.EQ: f"{_LIST} @> to_jsonb(%({{param}})s::text)",
    Op.NE: f"NOT {_LIST} @> to_jsonb(%({{param}})s::text)",
    Op.IN: f"jsonb_exists_any({_LIST}, %({{param}})s::text[])",
}
_TYPES: Final = {
    bool: "boolean", str: "text", Decimal: "numeric", date: "date", datetime: "timestamptz", UUID: "uuid",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure: of `along` and `stack`, over `rows` submissions of which none is counted in another cell before."""

    along: Key
    stack: Key
    figure: Decimal | int | None
    rows: int


def cells(definition: Definition, *, organization: UUID, form: UUID, zone: str, most: int) -> list[Cell]:
    """At most `most` + 1, in no order. Inside the organisation's scope."""
    return _Statement(definition, zone).run(organization, form, most)


@dataclass(slots=True)
class _Statement:
    definition: Definition
    zone: str
    params: dict[str, Any] = field(default_factory=dict)
    joins: str = ""
    first: list[str] = field(default_factory=list)  # of a submission that stands in several cells: is this its first?

    def run(self, organization: UUID, form: UUID, most: int) -> list[Cell]:
        along, stack = self.grouped(self.definition.along, "g"), self.grouped(self.definition.stack, "h")
        value, where = self.value(), self.where()
        figure = _FIGURE[self.definition.aggregation]
        if self.definition.aggregation == Aggregation.COUNT and self.definition.value is not None:
            figure += " FILTER (WHERE d.value)"
        # OFFSET 0 keeps each answer from being read once for the group and again for the figure
        sql = (  # of constants alone
            f"SELECT {'d.along, d.stack' if self.definition.along else 'NULL, NULL'}, {figure},"  # noqa: S608
            f" count(*) FILTER (WHERE d.one) FROM (SELECT {along} AS along, {stack} AS stack, {value} AS value,"
            f" {' AND '.join(self.first) or 'true'} AS one FROM collect_submission s{self.joins}"
            f" WHERE s.organization_id = %(organization)s AND s.form_id = %(form)s AND s.deleted_at IS NULL{where}"
            f" OFFSET 0) d{' GROUP BY 1, 2 LIMIT %(most)s' if self.definition.along else ''}"
        )
        self.params |= {
            "organization": organization,
            "form": form,
            "zone": self.zone,
            "most": most + 1,
            "date_pattern": _DATE,
            "moment_pattern": _MOMENT,
        }
        with connection.cursor() as cursor:
            cursor.execute(sql, self.params)
            return [Cell(*row) for row in cursor.fetchall()]

    def read(self, axis: Axis, name: str) -> str:
        """SQL of an axis' value, of its own type."""
        if axis.column:
            return f"s.{axis.column}"
        return _READ[axis.kind].format(json=self.json(axis, name), text=f"(s.answers ->> %({name})s::text)")

    def json(self, axis: Axis, name: str) -> str:
        self.params[name] = axis.id
        return f"(s.answers -> %({name})s::text)"

    def grouped(self, axis: Axis | None, name: str) -> str:
        if axis is None:
            return "NULL"
        if axis.kind == "many":
            self.joins += _MANY.format(json=self.json(axis, name), name=name)
            self.first.append(f"coalesce({name}.place, 1) = 1")
            return f"{name}.chosen"
        read = self.read(axis, name)
        if name == "g" and (bucket := self.definition.bucket) is not None:
            self.params["bucket"] = bucket.value
            local = f"{read}::timestamp" if axis.kind == "date" else f"({read}) AT TIME ZONE %(zone)s"
            return f"date_trunc(%(bucket)s, {local})"
        return f"trim_scale({read})" if axis.kind == "number" else read

    def value(self) -> str:
        axis = self.definition.value
        if axis is None:
            return "NULL::numeric"
        if self.definition.aggregation == Aggregation.COUNT:
            json = "" if axis.column else self.json(axis, "value")
            return _ANSWERED.format(json=json) if json else f"s.{axis.column} IS NOT NULL"
        return self.read(axis, "value")

    def where(self) -> str:
        return "".join(f" AND {part}" for part in self.parts())

    def parts(self) -> Iterator[str]:
        for place, item in enumerate(self.definition.filters):
            yield self.part(item, f"f{place}", f"v{place}")

    def part(self, item: Filter, name: str, param: str) -> str:
        axis = item.axis
        if item.op == Op.ISNULL:
            there = f"s.{axis.column} IS NOT NULL" if axis.column else _ANSWERED.format(json=self.json(axis, name))
            return f"NOT ({there})" if item.no else f"({there})"
        kind = type(item.values[0])
        self.params[param] = list(item.values) if item.op == Op.IN else item.values[0]
        if axis.kind == "many":
            return _HOLDS[item.op].format(json=self.json(axis, name), param=param)
        value = self.read(axis, name)
        if axis.kind == "moment" and kind is date:  # the organisation's days
            value = f"(({value}) AT TIME ZONE %(zone)s)::date"
        compared = _COMPARED[item.op].format(value=f"({value})", param=param)
        return compared.replace(f"%({param})s", f"%({param})s::{_TYPES[kind]}{'[]' if item.op == Op.IN else ''}")
