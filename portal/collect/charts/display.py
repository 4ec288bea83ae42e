"""Figures in a person's words: what pages, files and PDFs show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from portal.collect.charts.choices import ROUND, Aggregation
from portal.collect.charts.definitions import Definition
from portal.collect.charts.figures import value_name
from portal.collect.submissions.choices import ReviewState
from portal.core.common.text import grouped

_STATES: Final = dict(ReviewState.choices)


@dataclass(frozen=True, slots=True)
class Picture:
    """`heads` are the headings of the table, `lines` its rows: a label and a figure for each series, as text. `numbers`
    are the same for a drawing, one list for each of `names`."""

    kind: str
    labels: list[str]
    names: list[str]
    numbers: list[list[float | None]]
    heads: list[str]
    lines: list[tuple[str, list[str]]]
    value: str
    what: str
    rows: int
    timed: bool

    def script(self) -> dict[str, Any]:
        """What `charts.js` draws."""
        return {
            "kind": self.kind,
            "labels": self.labels,
            "series": [{"name": n, "values": v} for n, v in zip(self.names, self.numbers, strict=True)],
            "timed": self.timed,
        }


def picture(data: Mapping[str, Any], definition: Definition) -> Picture:
    along, stack = definition.along, definition.stack
    labels = [_said(label, along.id if along else "") for label in data["labels"]]
    names = [_said(one["label"], stack.id if stack else "") for one in data["series"]]
    numbers = [one["values"] for one in data["series"]]
    shares = _shares(data) if definition.chart in ROUND else None
    columns = [[shown(value) for value in values] for values in numbers] + ([shares] if shares else [])
    return Picture(
        kind=data["chartType"],
        labels=labels,
        names=names,
        numbers=numbers,
        heads=[_heading(definition), *names, *([_("Share")] if shares else [])],
        lines=[(label, [column[place] for column in columns]) for place, label in enumerate(labels)],
        value=shown(data["value"]),
        what=value_name(definition),
        rows=data["rows"],
        timed=definition.bucket is not None,
    )


def shown(value: float | None) -> str:
    """With two decimals, small ones with four, thousands apart; a dash for no figure."""
    if value is None:
        return "\N{EN DASH}"
    text = grouped(value, (2 if abs(value) >= 1 else 4) if isinstance(value, float) else None)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _shares(data: Mapping[str, Any]) -> list[str] | None:
    """Percentages of the whole, where parts of one are shown."""
    values: Sequence[float | None] = data["series"][0]["values"] if data["series"] else []
    whole = sum(value or 0 for value in values)
    counted = data["aggregation"] in (Aggregation.COUNT, Aggregation.SUM)
    if not counted or whole <= 0 or any((value or 0) < 0 for value in values):
        return None
    return [f"{100 * (value or 0) / whole:.1f} %" for value in values]


def _heading(definition: Definition) -> str:
    if definition.along is None:
        return ""
    if definition.bucket is None:
        return definition.along.name
    return _("%(field)s, by %(bucket)s") % {
        "field": definition.along.name,
        "bucket": str(definition.bucket.label).lower(),
    }


def _said(label: str | None, axis: str) -> str:
    if label is None:
        return _("No answer")
    if axis == "reviewState":
        return str(_STATES.get(label, label))
    return {"true": _("Yes"), "false": _("No")}.get(label, label)
