"""The definition of a chart view: read from what a client sent, checked against the form, every mistake named."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from portal.collect.charts.axes import FACTS, Axis, kind_word
from portal.collect.charts.choices import AGGREGATION_ALIASES, ALONG, Aggregation, Bucket, ChartType, Op
from portal.core.common.clock import parse_date, parse_moment
from portal.core.common.errors import Errors, Invalid
from portal.core.common.ids import parse_uuid

MOST_FILTERS: Final = 20
MOST_VALUES: Final = 200  # of one filter with `in`
_ORDERED: Final = frozenset({Op.LT, Op.LTE, Op.GT, Op.GTE})

type Operand = str | bool | Decimal | date | datetime | UUID


@dataclass(frozen=True, slots=True)
class Filter:
    """`values` has one entry but for `in`; none for `isnull`, where `no` says whether answers must be missing."""

    axis: Axis
    op: Op
    values: tuple[Operand, ...] = ()
    no: bool = True


@dataclass(frozen=True, slots=True)
class Definition:
    """A checked definition. `along` is what the figures stand along, in stretches of `bucket` where one is set; `stack`
    divides each of them. `group_by` is `config.groupBy` as it was sent."""

    chart: ChartType
    aggregation: Aggregation
    value: Axis | None
    along: Axis | None
    bucket: Bucket | None
    stack: Axis | None
    filters: tuple[Filter, ...]
    group_by: str | None


def read_definition(chart_type: object, config: Mapping[str, Any], axes: Mapping[str, Axis]) -> Definition:
    """Raises Invalid with an entry for each mistake; the message names the field of the form that is at fault."""
    return _Reader(config, axes).read(chart_type)


class _Reader:
    def __init__(self, config: Mapping[str, Any], axes: Mapping[str, Axis]) -> None:
        self.config, self.axes, self.errors = config, axes, Errors()

    def read(self, chart_type: object) -> Definition:
        chart = read_chart(chart_type)
        aggregation = self.aggregation()
        value = self.value(aggregation)
        along, bucket = self.along(chart)
        stack = self.stack(chart)
        filters = self.filters()
        self.errors.raise_any()
        group_by = self.config.get("groupBy") or None
        return Definition(chart, aggregation, value, along, bucket, stack, filters, group_by)

    def refuse(self, key: str, message: str, **named: object) -> None:
        self.errors.add(f"config.{key}", message % named if named else message)

    def axis(self, key: str, place: str = "") -> Axis | None:
        """The axis that `config[key]` names; None where it is absent or wrong."""
        return self.named(self.config.get(key), place or key)

    def named(self, name: object, place: str) -> Axis | None:
        if name is None or name == "":
            return None
        axis = self.axes.get(name) if isinstance(name, str) else None
        if axis is None:
            self.refuse(place, _("The form has no field “%(name)s”."), name=str(name)[:100])
        elif axis.inside:
            self.refuse(
                place,
                _("“%(name)s” is inside the repeat “%(repeat)s”: a submission has many answers to it."),
                name=axis.id,
                repeat=axis.inside,
            )
        else:
            return axis
        return None

    def aggregation(self) -> Aggregation:
        said = self.config.get("aggregation")
        if said in (None, ""):
            return Aggregation.COUNT
        if isinstance(said, str) and (found := AGGREGATION_ALIASES.get(said, said)) in Aggregation.values:
            return Aggregation(found)
        self.refuse("aggregation", _("One of: %(allowed)s."), allowed=", ".join(Aggregation.values))
        return Aggregation.COUNT

    def value(self, aggregation: Aggregation) -> Axis | None:
        key = "yAxis" if self.config.get("yAxis") and not self.config.get("field") else "field"
        axis = self.axis(key)
        if aggregation == Aggregation.COUNT:
            return axis
        if axis is None:
            if not self.errors.items:
                self.refuse(key, _("Say of which field: %(aggregation)s needs one."), aggregation=aggregation.value)
        elif axis.kind != "number":
            self.refuse(
                key,
                _("“%(name)s” is no number (%(kind)s): it has no %(aggregation)s."),
                name=axis.id,
                kind=kind_word(axis),
                aggregation=aggregation.value,
            )
        return axis

    def along(self, chart: ChartType) -> tuple[Axis | None, Bucket | None]:
        said = self.config.get("groupBy")
        unit = isinstance(said, str) and said in Bucket.values
        if unit and (self.config.get("xAxis") or said not in self.axes):
            return self.bucketed(Bucket(str(said)))
        group = self.axis("groupBy")
        if chart == ChartType.NUMBER:
            return None, None
        if group is None and said in (None, "") and chart in ALONG and self.config.get("xAxis"):
            group = self.axis("xAxis")
            if group is not None and group.kind in ("moment", "date"):
                return group, Bucket.DAY
        if group is None:
            if said in (None, "") and not any(e.field == "config.xAxis" for e in self.errors.items):
                self.refuse("groupBy", _("Say what to group by: a field of the form, or hour to year."))
        elif group.kind == "other":
            self.refuse("groupBy", _("“%(name)s” cannot be grouped (%(kind)s)."), name=group.id, kind=kind_word(group))
        elif group.kind == "moment":
            self.refuse(
                "groupBy",
                _("“%(name)s” is a moment: name it in xAxis, and hour, day, week, month, quarter or year in groupBy."),
                name=group.id,
            )
        return group, None

    def bucketed(self, bucket: Bucket) -> tuple[Axis | None, Bucket]:
        axis = self.axis("xAxis") if self.config.get("xAxis") else FACTS["createdAt"]
        if axis is not None and axis.kind not in ("moment", "date"):
            message = _("“%(name)s” is no time (%(kind)s): it cannot be grouped by %(bucket)s.")
            self.refuse("xAxis", message, name=axis.id, kind=kind_word(axis), bucket=bucket.value)
        elif axis is not None and axis.kind == "date" and bucket == Bucket.HOUR:
            self.refuse("groupBy", _("“%(name)s” has no hours: group by day or longer."), name=axis.id)
        return axis, bucket

    def stack(self, chart: ChartType) -> Axis | None:
        axis = self.axis("stackBy")
        if chart != ChartType.STACKED:
            return None
        if axis is None:
            if self.config.get("stackBy") in (None, ""):
                self.refuse("stackBy", _("Say by which field the bars are divided."))
        elif axis.kind in ("other", "moment"):
            self.refuse("stackBy", _("“%(name)s” cannot be grouped (%(kind)s)."), name=axis.id, kind=kind_word(axis))
        return axis

    def filters(self) -> tuple[Filter, ...]:
        said = self.config.get("filters")
        if said in (None, ""):
            return ()
        if not isinstance(said, list):
            self.refuse("filters", _("A list of filters."))
            return ()
        if len(said) > MOST_FILTERS:
            self.refuse("filters", _("At most %(count)s filters."), count=MOST_FILTERS)
            return ()
        return tuple(made for place, item in enumerate(said) if (made := self.filter(item, f"filters.{place}")))

    def filter(self, said: Any, place: str) -> Filter | None:
        if not isinstance(said, Mapping):
            self.refuse(place, _("A filter has field, op and value."))
            return None
        if said.get("op", "eq") not in Op.values:
            self.refuse(f"{place}.op", _("One of: %(allowed)s."), allowed=", ".join(Op.values))
            return None
        op, value = Op(said.get("op", "eq")), said.get("value")
        if said.get("field") in (None, ""):
            self.refuse(f"{place}.field", _("This field is required."))
        axis = self.named(said.get("field"), f"{place}.field")
        if axis is None:
            return None
        if op == Op.ISNULL:
            if value not in (None, True, False):
                self.refuse(f"{place}.value", _("Either true or false."))
            return Filter(axis, op, no=value is not False)
        if axis.kind == "other" or (op in _ORDERED and axis.kind not in ("number", "date", "moment")):
            message = _("“%(name)s” (%(kind)s) cannot be compared with “%(op)s”.")
            self.refuse(f"{place}.op", message, name=axis.id, kind=kind_word(axis), op=op.value)
            return None
        if op == Op.IN and (not isinstance(value, list) or not 0 < len(value) <= MOST_VALUES):
            self.refuse(f"{place}.value", _("A list of 1 to %(count)s values."), count=MOST_VALUES)
            return None
        values = tuple(_operand(axis, item) for item in (value if isinstance(value, list) else [value]))
        if None in values or len({type(item) for item in values}) > 1:
            message = _("This is no value of “%(name)s” (%(kind)s).")
            self.refuse(f"{place}.value", message, name=axis.id, kind=kind_word(axis))
            return None
        return Filter(axis, op, tuple(item for item in values if item is not None))


def read_chart(said: object) -> ChartType:
    """Raises Invalid for all but the six kinds (C49)."""
    if not isinstance(said, str) or said not in ChartType.values:
        raise Invalid.field("chartType", _("One of: %(allowed)s.") % {"allowed": ", ".join(ChartType.values)})
    return ChartType(said)


def _operand(axis: Axis, said: Any) -> Operand | None:
    """What a filter compares with; None for what is no value of the axis. A bare date means the days of the
    organisation."""
    match axis.kind:
        case "number" if isinstance(said, int | float) and not isinstance(said, bool) and math.isfinite(said):
            return Decimal(str(said))
        case "boolean" if isinstance(said, bool):
            return said
        case "date":
            return parse_date(said)
        case "moment":
            return parse_moment(said) or parse_date(said)
        case "person":
            return parse_uuid(said)
        case "text" | "choice" | "many" if isinstance(said, str) and said and "\0" not in said:
            return said
    return None
