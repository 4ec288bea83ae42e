"""The builder as it stands: what a person has chosen so far, read from the form or from a definition, and everything
that can be chosen next. Without scripts each change is a press on a button; with them the page asks by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _

from portal.collect.charts.choices import Bucket
from portal.collect.forms.selectors import forms_seen
from portal.core.accounts.models import User
from portal.core.common.errors import Denied, DomainError, Invalid
from portal.core.common.ids import parse_uuid
from portal.core.tenancy import scope
from portal.desk.reports import sources
from portal.desk.reports.choices import BARE, COUNTED, LISTS, OPS, Chart, Function, Op
from portal.desk.reports.definitions import MOST_AGGREGATES, MOST_COLUMNS, MOST_FILTERS, MOST_SORTS
from portal.desk.reports.sources import Column, Source

_BUCKETS: Final = (Bucket.DAY, Bucket.WEEK, Bucket.MONTH, Bucket.QUARTER, Bucket.YEAR)
_TIMES: Final = ("date", "moment")
_CHARTS: Final = {
    Chart.NONE: "table",
    Chart.BAR: "chart-bar",
    Chart.STACKED: "stack-2",
    Chart.LINE: "chart-line",
    Chart.PIE: "chart-pie",
    Chart.DONUT: "chart-donut",
}

type Option = tuple[str, str, bool]


@dataclass(slots=True)
class FilterLine:
    place: int
    columns: list[Option]
    ops: list[Option] = field(default_factory=list)
    kind: str = ""  # of its value: none, text, number, date, days, between, choices
    input: str = "text"
    value: str = ""
    to: str = ""
    choices: list[Option] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Line:
    """A line of selects: of groups (column, bucket), figures (function, column) or the order (key, direction)."""

    place: int
    first: list[Option]
    second: list[Option] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Draft:
    """`said` is a definition with `name`, `description` and `shared`; values that are none stay as they were typed."""

    user: User
    said: dict[str, Any]
    source: Source
    offered: dict[str, Column]
    errors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.said.get("name") or "")

    @property
    def description(self) -> str:
        return str(self.said.get("description") or "")

    @property
    def shared(self) -> bool:
        return bool(self.said.get("shared"))

    @property
    def grouped(self) -> bool:
        return bool(self.said.get("grouped"))

    @property
    def version(self) -> str:
        return str(self.said.get("version") or "")

    def wire(self, *, complete: bool = False) -> dict[str, Any]:
        """What the service takes. `complete` leaves out filters that have no value yet: of a preview."""
        found = {key: self.said[key] for key in ("source", "form", "columns", "sort", "chart")}
        filters = self.said["filters"]
        found["filters"] = [one for one in filters if not complete or _has_value(one)]
        found["groupBy"] = self.said["groupBy"] if self.grouped else []
        found["aggregates"] = self.said["aggregates"] if self.grouped else []
        if self.grouped:
            found["aggregates"] = found["aggregates"] or [{"function": "count"}]
            keys = {key for key, _label in self._keys()}
            found["columns"] = []
        else:
            found["chart"] = "none"
            keys = set(self.offered)
        found["sort"] = [one for one in found["sort"] if one["by"] in keys]
        if not found["groupBy"]:
            found["chart"] = "none"
        elif len(found["groupBy"]) < 2 and found["chart"] == "stackedBar":
            found["chart"] = "bar"
        return found

    def refuse(self, refusal: DomainError) -> None:
        for error in refusal.errors:
            self.errors.setdefault(error.field, []).append(error.message)
        if not refusal.errors:
            self.errors.setdefault("", []).append(str(refusal.message))

    def faults(self, prefix: str) -> list[str]:
        return [text for name, texts in self.errors.items() if f"{name}.".startswith(f"{prefix}.") for text in texts]

    # --- what the template draws -----------------------------------------------------------------------
    @property
    def faults_of(self) -> dict[str, list[str]]:
        names = ("name", "description", "shared", "source", "form", "columns", "chart")
        return {name: self.faults(name) for name in names} | {"all": self.errors.get("", [])}

    @property
    def sources(self) -> list[Option]:
        return [(key, str(one.label), key == self.source.key) for key, one in sources.seen(self.user).items()]

    @property
    def forms(self) -> list[Option]:
        if self.source.more is None:
            return []
        rows = forms_seen(self.user).filter(version__gt=0).select_related("project").order_by("name", "id")
        named = {str(row.pk): f"{row.name} \N{EN DASH} {row.project.name}" for row in rows}
        return [(pk, name, pk == self.said["form"]) for pk, name in named.items()]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The chosen ones in their order."""
        return [(key, str(self.offered[key].label)) for key in self.said["columns"] if key in self.offered]

    @property
    def more_columns(self) -> list[tuple[str, str]]:
        if len(self.said["columns"]) >= MOST_COLUMNS:
            return []
        return [(key, str(one.label)) for key, one in self.offered.items() if key not in self.said["columns"]]

    @property
    def filters(self) -> list[FilterLine]:
        held = self.said["filters"][:MOST_FILTERS]
        lines = [self._filter(place, one) for place, one in enumerate(held)]
        if len(held) < MOST_FILTERS:
            lines.append(FilterLine(len(held), self._named("")))
        return lines

    def _filter(self, place: int, said: Mapping[str, Any]) -> FilterLine:
        column = self.offered.get(said.get("column", ""))
        line = FilterLine(place, self._named(said.get("column", "")), errors=self.faults(f"filters.{place}"))
        if column is None:
            return line
        op = Op(said["op"])
        line.ops = [(str(one), str(one.label), one == op) for one in OPS[column.kind]]
        value = said.get("value")
        values = [str(one) for one in value] if isinstance(value, list) else [] if value is None else [str(value)]
        line.value, line.to = (values[0] if values else ""), (values[1] if len(values) > 1 else "")
        line.input = "date" if column.kind in _TIMES and op not in COUNTED else "text"
        if op in BARE:
            line.kind = "none"
        elif op in LISTS and column.kind in ("choice", "person"):
            line.kind = "choices"
            line.choices = [(key, label, key in values) for key, label in self._choices(column)]
        elif op in LISTS:
            line.kind, line.value = "list", ", ".join(values)
        else:
            line.kind = "between" if op == Op.BETWEEN else "days" if op in COUNTED else "value"
        return line

    def _choices(self, column: Column) -> list[tuple[str, str]]:
        if column.kind == "choice":
            return list(column.words.items())
        people = User.objects.filter(organization_id=scope.organization_id(), deleted_at=None)
        return [(str(pk), name) for pk, name in people.order_by("name", "id").values_list("pk", "name")]

    def _named(self, chosen: str) -> list[Option]:
        return [(key, str(one.label), key == chosen) for key, one in self.offered.items()]

    @property
    def groups(self) -> list[Line]:
        held = self.said["groupBy"][:2]
        lines = []
        for place in range(min(2, len(held) + 1)):
            said = held[place] if place < len(held) else {}
            column = self.offered.get(said.get("column", ""))
            buckets = (
                [(str(one), str(one.label), one == said.get("bucket")) for one in _BUCKETS]
                if column and column.kind in _TIMES
                else []
            )
            lines.append(Line(place, self._named(said.get("column", "")), buckets, self.faults(f"groupBy.{place}")))
        return lines

    @property
    def figures(self) -> list[Line]:
        held = self.said["aggregates"][:MOST_AGGREGATES] or [{"function": "count"}]
        lines = []
        for place in range(min(MOST_AGGREGATES, len(held) + 1)):
            said = held[place] if place < len(held) else {}
            function = said.get("function") or ""
            functions = [(str(one), str(one.label), one == function) for one in Function]
            kinds = (*_TIMES, "number") if function in (Function.MIN, Function.MAX) else ("number",)
            numbers = [
                (key, str(one.label), key == said.get("column"))
                for key, one in self.offered.items()
                if one.kind in kinds
            ]
            second = numbers if function and function != Function.COUNT else []
            lines.append(Line(place, functions, second, self.faults(f"aggregates.{place}")))
        return lines

    def _keys(self) -> list[tuple[str, str]]:
        """What the answer can be ordered by."""
        if not self.grouped:
            return [(key, str(one.label)) for key, one in self.offered.items()]
        found = [(g["column"], str(self.offered[g["column"]].label)) for g in self.said["groupBy"] if g["column"]]
        for one in self.said["aggregates"] or [{"function": "count"}]:
            column = self.offered.get(one.get("column") or "")
            function = Function(one["function"])
            if function == Function.COUNT:
                found.append(("count", str(function.label)))
            elif column is not None:
                said = _("%(figure)s of %(column)s") % {"figure": function.label, "column": column.label}
                found.append((f"{function}:{column.key}", said))
        return found

    @property
    def sorts(self) -> list[Line]:
        keys = self._keys()
        held = [one for one in self.said["sort"] if one["by"] in dict(keys)][:MOST_SORTS]
        lines = []
        for place in range(min(MOST_SORTS, len(held) + 1)):
            said = held[place] if place < len(held) else {}
            down = bool(said.get("descending"))
            ways = [("up", _("ascending"), not down), ("down", _("descending"), down)] if said else []
            lines.append(
                Line(
                    place,
                    [(key, label, key == said.get("by")) for key, label in keys],
                    ways,
                    self.faults(f"sort.{place}"),
                )
            )
        return lines

    @property
    def charts(self) -> list[tuple[str, str, str, bool]]:
        chosen = self.said.get("chart") or "none"
        two = len(self.said["groupBy"]) > 1
        return [
            (str(one), str(one.label), picture, one == chosen)
            for one, picture in _CHARTS.items()
            if two or one != Chart.STACKED
        ]


def _has_value(said: Mapping[str, Any]) -> bool:
    if said.get("op") in BARE:
        return True
    value = said.get("value")
    if isinstance(value, list):
        return bool(value) and all(str(one).strip() for one in value)
    return bool(str(value or "").strip())


def of_definition(user: User, said: Mapping[str, Any]) -> Draft:
    """From a stored or a copied definition, or from nothing. Raises Denied for who may see no source at all."""
    source, form, offered = _chosen(user, said.get("source"), said.get("form"))
    whole = {
        "source": source.key,
        "form": str(form) if form else "",
        "columns": list(said.get("columns") or source.usual),
        "filters": list(said.get("filters") or []),
        "groupBy": list(said.get("groupBy") or []),
        "aggregates": list(said.get("aggregates") or []),
        "sort": list(said.get("sort") or []),
        "chart": said.get("chart") or "none",
        "name": said.get("name", ""),
        "description": said.get("description", ""),
        "shared": said.get("shared", False),
        "version": said.get("version", ""),
    }
    whole["grouped"] = bool(whole["groupBy"] or whole["aggregates"])
    return Draft(user, whole, source, offered)


def _chosen(user: User, key: object, form: object) -> tuple[Source, UUID | None, dict[str, Column]]:
    """The source, else the first one in sight; a form that is gone adds no columns."""
    seen = sources.seen(user)
    if not seen:
        raise Denied(_("You may not see anything that a report could be about."))
    source = seen.get(str(key)) or next(iter(seen.values()))
    chosen = parse_uuid(form) if source.more else None
    try:
        return source, chosen, source.offered(user, chosen)
    except Invalid:
        return source, None, source.offered(user)


def of_form(user: User, data: QueryDict) -> Draft:
    """From what the page sent, its pressed button taken into account (`action`: `up:2`, `down:2`, `remove:2`)."""
    source, form, offered = _chosen(user, data.get("source"), data.get("form"))
    same = data.get("was") == source.key
    said: dict[str, Any] = {
        "source": source.key,
        "form": str(form) if form else "",
        "name": data.get("name", ""),
        "description": data.get("description", ""),
        "shared": data.get("shared") == "on",
        "version": data.get("version", ""),
        "grouped": data.get("grouped") == "yes",
        "chart": data.get("chart") or "none",
        "columns": [key for key in data.getlist("columns") if key in offered] if same else [],
        "filters": _filters(data, offered) if same else [],
        "groupBy": _groups(data, offered) if same else [],
        "aggregates": _figures(data, offered) if same else [],
        "sort": _sorts(data) if same else [],
    }
    _press(said["columns"], data.get("action", ""))
    added = data.get("add_column")
    if same and added in offered and added not in said["columns"]:
        said["columns"].append(added)
    said["columns"] = said["columns"] or list(source.usual)
    return Draft(user, said, source, offered)


def _press(columns: list[str], action: str) -> None:
    verb, _colon, text = action.partition(":")
    if not text.isdigit() or int(text) >= len(columns):
        return
    place = int(text)
    if verb == "remove":
        del columns[place]
    elif verb in ("up", "down"):
        other = place + (1 if verb == "down" else -1)
        if 0 <= other < len(columns):
            columns[place], columns[other] = columns[other], columns[place]


def _filters(data: QueryDict, offered: Mapping[str, Column]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for place in range(MOST_FILTERS):
        column = offered.get(data.get(f"f{place}_column", ""))
        if column is None:
            continue
        allowed = OPS[column.kind]
        op = data.get(f"f{place}_op", "")
        op = op if op in allowed else allowed[0]
        one: dict[str, Any] = {"column": column.key, "op": op}
        values = data.getlist(f"f{place}_value")
        if op in LISTS and column.kind in ("choice", "person"):
            one["value"] = values
        elif op in LISTS:
            text = (values[0] if values else "").replace("\N{ARABIC COMMA}", ",")
            one["value"] = [part.strip() for part in text.split(",") if part.strip()]
        elif op == Op.BETWEEN:
            one["value"] = [values[0] if values else "", data.get(f"f{place}_to", "")]
        elif op not in BARE:
            one["value"] = values[0] if values else ""
        found.append(one)
    return found


def _groups(data: QueryDict, offered: Mapping[str, Column]) -> list[dict[str, Any]]:
    found = []
    for place in range(2):
        column = offered.get(data.get(f"g{place}_column", ""))
        if column is None:
            continue
        bucket = data.get(f"g{place}_bucket") or "month"
        found.append({"column": column.key, "bucket": bucket if column.kind in _TIMES else None})
    return found


def _figures(data: QueryDict, offered: Mapping[str, Column]) -> list[dict[str, Any]]:
    found = []
    for place in range(MOST_AGGREGATES):
        function = data.get(f"a{place}_function", "")
        if function not in Function.values:
            continue
        column = offered.get(data.get(f"a{place}_column", ""))
        if function != Function.COUNT and column is None:
            numbers: Sequence[Column] = [one for one in offered.values() if one.kind == "number"]
            column = numbers[0] if numbers else None
        found.append({"function": function, "column": column.key if column and function != Function.COUNT else None})
    return found


def _sorts(data: QueryDict) -> list[dict[str, Any]]:
    return [
        {"by": key, "descending": data.get(f"s{place}_way") == "down"}
        for place in range(MOST_SORTS)
        if (key := data.get(f"s{place}_by"))
    ]
