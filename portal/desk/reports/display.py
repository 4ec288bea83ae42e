"""An answer in a person's words: cells, filters, figures and charts, the same on pages, in files and in PDFs."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.collect.charts import buckets
from portal.collect.charts.display import Picture, shown
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.desk.reports.choices import BARE, COUNTED, PERIODS, Chart, Function, Op
from portal.desk.reports.definitions import Filter
from portal.desk.reports.query import Answer, Head, Value, label_of

MOST_MARKS: Final = 200  # figures that one chart shows
MOST_STACKS: Final = 12


def told(value: Value, head: Head, zone: str) -> str:
    """For people; '' for nothing."""
    if value is None or value == "":
        return ""
    if (label := label_of(value, head)) is not None:
        return label
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, datetime):
        return f"{value.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if head.words:
        return head.words.get(str(value), str(value))
    return shown(number(value)) if isinstance(value, int | float | Decimal) else str(value)


def cell(value: Value, head: Head, zone: str) -> str | int | float | None:
    """For a sheet: numbers stay numbers, moments are those of the organisation's clock."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and not head.words:
        return number(value)
    return told(value, head, zone) or None


def wire(value: Value, head: Head) -> Any:
    """As JSON: moments in UTC, choices by their value, a stretch of time by its name."""
    if (label := label_of(value, head)) is not None:
        return label
    if isinstance(value, datetime):
        return clock.wire(value)
    if isinstance(value, date):
        return value.isoformat()
    return number(value) if isinstance(value, Decimal) else value


def number(value: int | float | Decimal) -> int | float:
    """A whole number as one; others to the 15 digits that sheets and JSON readers keep."""
    if isinstance(value, Decimal):
        whole = int(value)
        return whole if whole == value and abs(whole) < 1 << 53 else float(value)
    return value


def left_to_right(head: Head) -> bool:
    return head.bucket is not None or head.kind in ("number", "date", "moment")


def head_json(head: Head) -> dict[str, Any]:
    return {"key": head.key, "label": head.label, "type": "date" if head.bucket else head.kind}


def filters_in_words(answer: Answer) -> list[tuple[str, str]]:
    """Column, and what it is narrowed to."""
    ids = [str(v) for one in answer.definition.filters if one.column.kind == "person" for v in one.values]
    people = User.objects.filter(pk__in=ids).values_list("pk", "name") if ids else ()
    names = {str(pk): name for pk, name in people}
    return [(str(one.column.label), _sentence(one, answer, names)) for one in answer.definition.filters]


def _sentence(one: Filter, answer: Answer, names: dict[Any, str]) -> str:
    op = one.op
    if op in PERIODS or op in COUNTED:
        first, last = answer.days(one)
        days_said = f"{first} \N{EN DASH} {last}".replace("-", "-\N{WORD JOINER}")  # no line ends inside of a day
        between = f"\N{LEFT-TO-RIGHT ISOLATE}{days_said}\N{POP DIRECTIONAL ISOLATE}"
        if op == Op.LAST_DAYS:
            days = int(str(one.values[0]))
            said = ngettext("the last %(days)s day, today included", "the last %(days)s days, today included", days)
            return f"{said % {'days': days}} ({between})"
        if op == Op.NEXT_DAYS:
            days = int(str(one.values[0]))
            said = ngettext("from today to %(days)s day ahead", "from today to %(days)s days ahead", days)
            return f"{said % {'days': days}} ({between})"
        return f"{op.label} ({between})"
    if op == Op.ME:
        return _("is %(name)s") % {"name": answer.user.name}
    if op in BARE:
        return str(op.label)
    words = one.column.words
    values = [
        f"\N{FIRST STRONG ISOLATE}{words.get(str(v)) or names.get(str(v)) or _operand(v)}\N{POP DIRECTIONAL ISOLATE}"
        for v in one.values
    ]
    if op == Op.BETWEEN:
        return _("from %(first)s to %(last)s") % {"first": values[0], "last": values[1]}
    return f"{op.label} {', '.join(values)}"


def _operand(value: Any) -> str:
    return shown(number(value)) if isinstance(value, Decimal) else str(value)


def picture(answer: Answer, rows: Sequence[Sequence[Value]]) -> Picture | None:
    """The chart of a grouped answer, of its first figure; None where none is wished or there is nothing to draw.
    Stretches of time without a record stand in it, too."""
    definition = answer.definition
    if definition.chart == Chart.NONE or not definition.groups or not rows:
        return None
    heads, zone = answer.heads, answer.zone
    place = len(definition.groups)
    stacked = place == 2
    cells: dict[tuple[Any, Any], float | None] = {}
    for row in rows:
        held = row[place]
        cells[_mark(row[0], heads[0]), _mark(row[1], heads[1]) if stacked else None] = (
            float(held) if isinstance(held, int | float | Decimal) else None
        )
    first = definition.figures[0]
    empty = 0.0 if first.function in (Function.COUNT, Function.SUM) else None
    keys = _line(answer, list(dict.fromkeys(key for key, _stack in cells)))[:MOST_MARKS]
    stacks = list(dict.fromkeys(stack for _key, stack in cells))[:MOST_STACKS] if stacked else [None]
    numbers = [[cells.get((key, stack), empty) for key in keys] for stack in stacks]
    chart = definition.chart if not stacked or definition.chart not in (Chart.PIE, Chart.DONUT) else Chart.STACKED
    return Picture(
        kind=str(chart),
        labels=[_name(key, heads[0], zone) for key in keys],
        names=[_name(stack, heads[1], zone) for stack in stacks] if stacked else [first.label],
        numbers=numbers,
        heads=[],
        lines=[],
        value="",
        what=first.label,
        rows=len(rows),
        timed=definition.groups[0].bucket is not None,
    )


def _mark(value: Value, head: Head) -> Any:
    return value.replace(tzinfo=None) if head.bucket and isinstance(value, datetime) else value


def _name(value: Any, head: Head, zone: str) -> str:
    return told(value, head, zone) or _("Nothing entered")


def _line(answer: Answer, keys: list[Any]) -> list[Any]:
    """The stretches of time from the first to the last, where the chart stands along time and in its order."""
    group = answer.definition.groups[0]
    times = [key for key in keys if key is not None]
    if group.bucket is None or not times or answer.definition.sort:
        return keys
    first, last = (_moment(key) for key in (min(times), max(times)))
    if buckets.count(first, last, group.bucket) > MOST_MARKS:
        return keys
    line = buckets.every(first, last, group.bucket, answer.zone)
    return [*(at if isinstance(times[0], datetime) else at.date() for at in line), *([None] if None in keys else [])]


def _moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time.min)
