"""Tables that render quickly: django-tables2 describes the columns, this module fills the cells.

The library inspects the signature of each column for each cell; here that is done once per column. Not supported
in cells, on purpose: callables in `attrs["td"]`, footers and pinned rows.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from inspect import signature
from typing import Any

import django_tables2
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.forms.utils import flatatt
from django.utils.functional import cached_property
from django.utils.html import conditional_escape, format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_tables2.utils import A, computed_values

from portal.ui.templatetags.marsad import EMPTY, localdate, localdatetime, ltr, verdict_badge


@dataclass(frozen=True, slots=True)
class Heading:
    """A column head; `sort` is the next value of the `sort` parameter, '' where the column cannot be sorted."""

    text: str
    attrs: SafeString
    sort: str
    aria_sort: str


@dataclass(frozen=True, slots=True)
class Row:
    attrs: SafeString
    cells: list[SafeString]


class Table(django_tables2.Table):
    """Base of the portal's tables. `Meta.order_by` is the default order; the primary key is always appended. A column
    `tick` is there for who may act on many rows (`bulk`)."""

    def __init__(self, *args: Any, bulk: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **{"default": EMPTY, **kwargs})
        if "tick" in self.columns.names() and not bulk:
            self.columns.hide("tick")

    @property
    def headings(self) -> Iterator[Heading]:
        for column in self.columns:
            ordered = column.is_ordered
            state = ("descending" if column.order_by_alias.is_descending else "ascending") if ordered else "none"
            yield Heading(
                text=str(column.header),
                attrs=_attributes(
                    column.column.attrs.get("th", {}), column.column.attrs.get("td", {}).get("class", "")
                ),
                sort=str(column.order_by_alias.next) if column.orderable else "",
                aria_sort=state,
            )

    def lean_rows(self, records: Iterable[Any]) -> Iterator[Row]:
        """The rows as escaped cells (`<td>` included); a cell carries its heading for narrow screens."""
        plans = [_Plan(self, column) for column in self.columns]
        row_attrs = self.row_attrs
        for record in records:
            attrs = flatatt(computed_values(row_attrs, kwargs={"table": self, "record": record})) if row_attrs else ""
            yield Row(mark_safe(attrs), [plan.cell(record) for plan in plans])  # noqa: S308  flatatt escapes


class _Plan:
    """How to fill the cells of one column: everything that does not depend on the row, worked out once."""

    def __init__(self, table: Table, bound: Any) -> None:
        self.table = table
        self.bound = bound
        self.column = bound.column
        self.accessor = A(bound.accessor)
        self.names = [name for name in signature(bound.render).parameters if name not in {"args", "kwargs"}]
        td = dict(self.column.attrs.get("td", {}))
        td["data-label"] = str(bound.header)
        self.open = f"<td{flatatt(td)}>"

    @cached_property
    def labels(self) -> dict[Any, str]:
        """The labels of a field with choices, else nothing: Django's `get_…_display` translates all for each cell."""
        model = getattr(self.table.data, "model", None)
        if model is None or self.bound.render != self.column.render or isinstance(self.column, VerdictColumn):
            return {}
        field = self.accessor.get_field(model)
        return {key: str(label) for key, label in getattr(field, "flatchoices", ())}

    def value(self, record: Any) -> Any:
        target = record
        bits = self.accessor.bits
        try:
            for bit in bits[:-1]:
                target = target[bit] if isinstance(target, dict) else getattr(target, bit)
            if isinstance(target, dict):
                return target.get(bits[-1])
            found = getattr(target, bits[-1])
        except (AttributeError, ObjectDoesNotExist):
            return None
        if self.labels:
            return self.labels.get(found, found)
        return found() if callable(found) and not isinstance(found, models.Manager) else found

    def cell(self, record: Any) -> SafeString:
        value = self.value(record)
        content: Any
        if value in self.column.empty_values:
            content = self.bound.default
        else:
            known = {
                "value": value,
                "record": record,
                "column": self.column,
                "bound_column": self.bound,
                "bound_row": None,
                "table": self.table,
            }
            content = self.bound.render(**{name: known[name] for name in self.names})
            if self.bound.link:
                content = self.bound.link(content, **known)
        return mark_safe(f"{self.open}{conditional_escape(content)}</td>")  # noqa: S308  both parts are escaped


def _attributes(attrs: dict[str, Any], extra: str) -> SafeString:
    classes = " ".join(filter(None, (attrs.get("class", ""), extra)))
    return flatatt({**attrs, "class": classes} if classes else attrs)


def _filtered(render: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda self, value: render(value)


class LtrColumn(django_tables2.Column):
    """Codes, phone numbers and other values that keep their order inside Arabic text."""

    render = _filtered(ltr)


class NumberColumn(LtrColumn):
    """Numbers: left to right, aligned at the end, equal digit widths."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"attrs": {"td": {"class": "num"}}, **kwargs})


class DateColumn(django_tables2.Column):
    render = _filtered(localdate)


class DateTimeColumn(django_tables2.Column):
    """Moments, in the organisation's time zone."""

    render = _filtered(localdatetime)


class VerdictColumn(django_tables2.Column):
    render = _filtered(verdict_badge)


class TextColumn(django_tables2.Column):
    """Text that people typed: its own direction decides."""

    def render(self, value: Any) -> SafeString:
        return format_html('<span dir="auto">{}</span>', value)


class TickColumn(django_tables2.Column):
    """The box that chooses a row for the form of the page that acts on many; `name` is the field that names the row,
    "" the row's own name."""

    def __init__(self, name: str = "") -> None:
        attrs = {"td": {"class": "cell-tick"}, "th": {"class": "w-1"}}
        super().__init__(accessor="pk", verbose_name="", orderable=False, attrs=attrs)
        self.name = name

    def render(self, record: Any) -> SafeString:
        named = getattr(record, self.name) if self.name else record
        return format_html(
            '<input class="form-check-input m-0" type="checkbox" name="ids" value="{}" form="bulk" aria-label="{}">',
            record.pk,
            gettext("Choose %(name)s")
            % {"name": strip_tags(localdatetime(named)) if isinstance(named, datetime) else named},
        )


class BooleanColumn(django_tables2.Column):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"empty_values": (None,), **kwargs})

    def render(self, value: Any) -> Any:
        return _("Yes") if value else _("No")


__all__ = [
    "BooleanColumn",
    "DateColumn",
    "DateTimeColumn",
    "LtrColumn",
    "NumberColumn",
    "Table",
    "TextColumn",
    "TickColumn",
    "VerdictColumn",
]
