"""The figures of a view as one would count them by hand: plain Python over the same rows, nothing of the program."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from statistics import median
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Answers = Mapping[str, Any]


class Row(NamedTuple):
    answers: Answers
    createdAt: datetime  # noqa: N815 the names of the axes
    submittedByUserId: str | None  # noqa: N815
    reviewState: str  # noqa: N815


class Field(NamedTuple):
    type: str
    options: Sequence[str] = ()


def answer(row: Row, name: str, fields: Mapping[str, Field]) -> Any:
    """What a person answered, None where nothing of the field's type is there."""
    if name in ("createdAt", "submittedByUserId", "reviewState"):
        return getattr(row, name)
    value = row.answers.get(name)
    match fields[name].type:
        case "number":
            return value if isinstance(value, int | float) and not isinstance(value, bool) else None
        case "boolean":
            return value if isinstance(value, bool) else None
        case "date":
            return date.fromisoformat(value) if isinstance(value, str) and real_day(value) else None
        case "datetime":
            return datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
        case "selectMultiple":
            return sorted(set(value)) if isinstance(value, list) and value else None
    return value if isinstance(value, str) and value else None


def real_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def label(moment: datetime | date, unit: str, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone) if isinstance(moment, datetime) else moment
    day = local.date() if isinstance(local, datetime) else local
    return {
        "hour": f"{day}T{local.hour:02}:00" if isinstance(local, datetime) else "",
        "day": f"{day}",
        "week": f"{day - timedelta(days=day.weekday())}",
        "month": f"{day:%Y-%m}",
        "quarter": f"{day.year}-Q{(day.month - 1) // 3 + 1}",
        "year": f"{day.year}",
    }[unit]


def every_label(moments: Sequence[datetime | date], unit: str, zone: ZoneInfo) -> list[str]:
    """Walk the clock from the first to the last, half an hour at a time, and write down each label once."""
    first, last = min(moments), max(moments)
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return list(dict.fromkeys(label(day, unit, zone) for day in days))
    step, at, found = timedelta(minutes=30), first.astimezone(UTC).replace(minute=0, second=0, microsecond=0), {}
    while at <= last:
        if at >= first - step:
            found[label(max(at, first), unit, zone)] = None
        at += step
    found[label(last, unit, zone)] = None
    return list(found)


def aggregate(kind: str, values: Iterable[Any]) -> float | int | None:
    held = [Fraction(str(value)) for value in values if value is not None]
    if kind == "sum":
        return float(sum(held))
    if not held:
        return None
    return float({"average": lambda h: sum(h) / len(h), "min": min, "max": max, "median": median}[kind](held))


def keeps(row: Row, rule: Mapping[str, Any], fields: Mapping[str, Field]) -> bool:
    raw = row.answers.get(rule["field"], getattr(row, rule["field"], None))
    if rule["op"] == "isnull":
        return (raw in (None, "", [], {})) is (rule.get("value") is not False)
    value, wanted = answer(row, rule["field"], fields), rule["value"]
    if isinstance(value, list):
        inside = {
            "eq": wanted in value,
            "ne": wanted not in value,
            "in": bool(set(value) & set(wanted) if isinstance(wanted, list) else 0),
        }
        return inside[rule["op"]]
    if rule["op"] == "ne":
        return bool(value is None or value != wanted)
    if value is None:
        return rule["op"] == "ne"
    return {
        "eq": lambda: value == wanted,
        "lt": lambda: value < wanted,
        "lte": lambda: value <= wanted,
        "gt": lambda: value > wanted,
        "gte": lambda: value >= wanted,
        "in": lambda: value in wanted,
    }[rule["op"]]()


def figures(
    rows: Sequence[Row], chart: str, config: Mapping[str, Any], fields: Mapping[str, Field], zone: str
) -> dict[str, Any]:
    """`{value, keys, series: {stack: [figures]}, rows}`."""
    place = ZoneInfo(zone)
    kind = {"avg": "average"}.get(config.get("aggregation", "count"), config.get("aggregation", "count"))
    name = config.get("field") or config.get("yAxis")
    rows = [row for row in rows if all(keeps(row, rule, fields) for rule in config.get("filters", ()))]

    def figure(held: Sequence[Row]) -> float | int | None:
        if kind == "count":
            if name is None:
                return len(held)
            return sum(row.answers.get(name, getattr(row, name, None)) not in (None, "", [], {}) for row in held)
        return aggregate(kind, (answer(row, name, fields) for row in held))

    if chart == "number":
        return {"value": figure(rows), "keys": [], "series": {}, "rows": len(rows)}
    unit = config["groupBy"] if config["groupBy"] in ("hour", "day", "week", "month", "quarter", "year") else None
    axis = config.get("xAxis", "createdAt") if unit else config["groupBy"]
    stack = config.get("stackBy") if chart == "stackedBar" else None

    def places(row: Row, name: str) -> list[Any]:
        value = answer(row, name, fields)
        return value if isinstance(value, list) else [value]

    cells: dict[tuple[Any, Any], list[Row]] = defaultdict(list)
    for row in rows:
        for key in places(row, axis):
            for other in places(row, stack) if stack else [None]:
                cells[label(key, unit, place) if unit and key is not None else key, other].append(row)
    if unit:
        cells = defaultdict(list, {pair: held for pair, held in cells.items() if pair[0] is not None})
        moments = [found for row in rows if (found := answer(row, axis, fields)) is not None]
        keys: list[Any] = every_label(moments, unit, place) if moments else []
    else:
        keys = in_order({key for key, _other in cells}, axis, fields)
    stacks = in_order({other for _key, other in cells}, stack, fields) if stack else [None]
    empty = 0 if kind in ("count", "sum") else None
    return {
        "value": None,
        "keys": keys,
        "series": {
            other: [figure(cells[key, other]) if (key, other) in cells else empty for key in keys] for other in stacks
        },
        "rows": len(rows),
    }


def in_order(keys: Iterable[Any], axis: str, fields: Mapping[str, Field]) -> list[Any]:
    keys = set(keys)
    options = (
        list(fields[axis].options)
        if axis in fields
        else ["received", "hasIssues", "edited", "approved", "rejected", "onHold"]
    )
    known = [option for option in options if option in keys]
    rest = sorted(
        (key for key in keys if key is not None and key not in known),
        key=lambda key: (not key,) if isinstance(key, bool) else (key,),
    )
    return [*known, *rest, *([None] if None in keys else [])]
