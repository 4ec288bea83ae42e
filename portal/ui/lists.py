"""`list_page`: one address serves a list as a page and as an htmx fragment.

Search, filters, order and page live in the address, so that a list can be bookmarked, sent to a colleague and used
without JavaScript. The fragment is `ui/results.html`; the page is the template of the room, which extends
`ui/list.html`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import django_filters
from django import forms
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy as _

from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.sheets import TYPES, sheet
from portal.ui import restoring
from portal.ui.kept import PLAIN, Keeping, keeping, plain
from portal.ui.tables import Table

type Text = str | Promise

PAGE_SIZES = (25, 50, 100)
# Parameters that are not filters: they do not make an empty list a "no match".
STATE = frozenset({"page", "per_page", "sort", PLAIN})
# Sends the list as a file with the columns and in the words of the page; of more rows its room makes the file.
FILE = "file"
FILE_ROWS = 5000
# Up to which moment a page that lies open shows new rows; only its own reloads send it, no address keeps it.
SEEN = "seen"


NOTHING = _("Nothing here yet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """What a list without any row says: it teaches the next step."""

    title: Text = NOTHING
    text: Text = ""
    icon: str = "list"
    action_label: Text = ""
    action_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A link to the same list in another format; the query string of the list is appended to `url`."""

    label: Text
    url: str
    icon: str = "download"


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter: what it is, what it is set to, and the query string without it."""

    label: str
    value: str
    query: str


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # not generic at run time
    """Stops counting at `count_limit`: an exact count of a large table costs more than the page itself."""

    def __init__(self, rows: QuerySet[Any], per_page: int, *, count_limit: int | None, many: bool = False) -> None:
        super().__init__(rows, per_page)
        self.many = many  # known to be more than `count_limit`
        self.rows = rows
        self.count_limit = count_limit

    @cached_property
    def counted(self) -> int:
        """The exact number of rows, or `count_limit` + 1 where there are more."""
        if self.count_limit is None:
            return self.rows.count()
        if self.many:
            return self.count_limit + 1
        return self.rows.order_by()[: self.count_limit + 1].count()

    @cached_property
    def count(self) -> int:
        return self.counted if self.count_limit is None else min(self.counted, self.count_limit)

    @property
    def capped(self) -> bool:
        return self.count_limit is not None and self.counted > self.count_limit


def list_page[M: Model](
    request: HttpRequest,
    *,
    queryset: QuerySet[M],
    table: type[Table],
    template: str,
    filterset: type[django_filters.FilterSet] | None = None,
    list_id: str = "list",
    caption: Text = "",
    empty: Empty | None = None,
    exports: Sequence[Export] = (),
    live: Sequence[str] = (),
    arrivals: Callable[[int], str] | None = None,
    count_limit: int | None = None,
    deleted: str = "",
    table_kwargs: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Render `queryset` as a searchable, sortable, paged list.

    `queryset` is already restricted to what the person may see. `filterset` may declare a filter `q`, which
    becomes the search box. `caption` names the table for screen readers. `live` names socket events
    (`"sample.changed"`) that reload the rows. With `arrivals`, rows created since the page was opened are not slipped
    in by such a reload: a notice says how many there are, in the words of `arrivals(count)`, and a button shows them
    (the model has `created_at`). `count_limit` stops the count on large tables, and a filter set
    that knows of more says `many`. `deleted` names the kind of these records in the list of what was deleted, which
    those who may bring them back find from here. `template` extends
    `ui/list.html`.
    """
    keeps = keeping(request)
    partial = bool(request.htmx) and request.htmx.request_type != "full"  # type: ignore[attr-defined]
    if not request.GET and not partial and keeps.usual and keeps.usual.query:
        return redirect(f"{request.path}?{keeps.usual.query}")
    filters = filterset(request.GET, queryset=queryset, request=request) if filterset else None
    rows = filters.qs if filters else queryset
    seen = _seen(request) if arrivals else None
    arrived = 0
    if seen and SEEN in request.GET:
        arrived = rows.filter(created_at__gt=seen).count()
        rows = rows.filter(created_at__lte=seen)
    bound = table(rows, order_by=_requested_order(request, table), **(table_kwargs or {}))
    bound.request = request  # given to the table itself, it would page and count all rows once more
    if "rows_template" not in (context or {}):
        keeps.choose(bound)
    if exports and request.GET.get(FILE) in TYPES:
        return _file(request, bound, request.GET[FILE], list_id)
    many = bool(filters) and count_limit is not None and getattr(filters, "many", False)
    page = _page(request, _stable(bound.data.data), count_limit, many=many)
    query = _clean(request.GET)
    held = [(SEEN, clock.wire(seen) or "")] if seen else []
    form = filters.form if filters else None
    chips = list(_chips(form, query)) if form else []
    saved = keeps.marked(query)
    data = {
        "list_id": list_id,
        "caption": caption,
        "table": bound,
        "headings": [(heading, _replace(query, sort=heading.sort)) for heading in bound.headings],
        "rows": bound.lean_rows(page.object_list),
        "page": page,
        "pages": [
            (number, _replace(query, page=number)) if isinstance(number, int) else (None, "")
            for number in page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
        ],
        "previous_query": _replace(query, page=page.number - 1) if page.has_previous() else "",
        "next_query": _replace(query, page=page.number + 1) if page.has_next() else "",
        "sizes": [(size, _replace(query, per_page=size)) for size in PAGE_SIZES],
        "per_page": page.paginator.per_page,
        "filter_form": form,
        "search_field": form["q"] if form and "q" in form.fields else None,
        "filter_fields": [field for field in form if field.name != "q" and not field.is_hidden] if form else [],
        "chips": chips,
        "filtered": any(key not in STATE for key in query),
        "state": [(key, query[key]) for key in ("sort", "per_page") if key in query],
        "query": query.urlencode(),
        "empty": empty or Empty(),
        "exports": exports,
        "files": ["xlsx", "csv"] if exports else [],
        "keeps": keeps,
        "saved": saved,
        "may_keep_all": bool(saved) and request.user.has_permission("organization.edit"),  # type: ignore[union-attr]
        "can_save": _worth(keeps, query, form) and not any(now for _r, now in saved),
        "bare": f"{request.path}?{PLAIN}=1" if keeps.usual else request.path,
        "deleted_url": restoring.address(deleted, request.user) if deleted else "",  # type: ignore[arg-type]
        "live_query": urlencode([*((key, value) for key, values in query.lists() for value in values), *held]),
        "arrived": arrivals(arrived) if arrivals and arrived else "",
        "live": ", ".join(f"marsad:{event} from:body throttle:1s" for event in live),
        **(context or {}),
    }
    response = render(request, "ui/results.html" if partial else template, data)
    patch_vary_headers(response, ["HX-Request"])
    if partial:
        _push_address(request, response, query, bare=data["bare"])
    return response


def _worth(keeps: Keeping, query: QueryDict, form: forms.Form | None) -> bool:
    """Whether the filter in force is one to keep."""
    return bool(keeps.place and plain(query)) and not (form and form.errors)


def _file(request: HttpRequest, table: Table, kind: str, name: str) -> HttpResponse:
    """The rows that the filters leave, in their order, as the page words them; noted in the audit log."""
    rows = table.data.data[: FILE_ROWS + 1]
    if len(rows) > FILE_ROWS:
        messages.error(
            request,
            _("More than %(count)d rows: set a filter, or choose an export of all columns.") % {"count": FILE_ROWS},
        )
        return redirect(f"{request.path}?{_without(request.GET, FILE)}")
    columns = [str(heading.text) for heading in table.headings]
    lines = ([_words(cell) for cell in row.cells] for row in table.lean_rows(rows))
    named = [at for at, column in enumerate(columns) if column.strip()]
    file, count, digest = sheet(kind, [columns[at] for at in named], ([line[at] for at in named] for line in lines))
    said = {"format": kind, "filters": _without(request.GET, FILE), "rows": count, "sha256": digest}
    entity = getattr(rows.model, "audit_entity", rows.model._meta.model_name)
    record(Event(Action.EXPORT, entity, "", said, label=f"{name}.{kind}"))
    with file:
        response = HttpResponse(file.read(), content_type=TYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response


def _words(cell: str) -> str:
    text = " ".join(unescape(strip_tags(cell)).split())
    return "" if text == "\N{EM DASH}" else text


def _without(params: QueryDict, key: str) -> str:
    other = params.copy()
    other.pop(key, None)
    return other.urlencode()


def _seen(request: HttpRequest) -> datetime:
    return clock.parse_moment(request.GET.get(SEEN)) or clock.now()


def _requested_order(request: HttpRequest, table: type[Table]) -> tuple[str, ...]:
    names = [name for name in request.GET.get("sort", "").split(",") if name.lstrip("-") in table.base_columns]
    return tuple(names) or tuple(table._meta.order_by or ())


def _stable[M: Model](rows: QuerySet[M]) -> QuerySet[M]:
    """Append the primary key, so that equal rows do not move between pages."""
    order = rows.query.order_by or (() if rows.query.extra_order_by else tuple(rows.model._meta.ordering or ()))
    if any(isinstance(part, str) and part.lstrip("-") in {"pk", rows.model._meta.pk.name} for part in order):
        return rows
    return rows.order_by(*order, "pk")


def _page(request: HttpRequest, rows: QuerySet[Any], count_limit: int | None, *, many: bool) -> Page[Any]:
    try:
        size = int(request.GET.get("per_page", ""))
    except ValueError:
        size = PAGE_SIZES[0]
    size = size if size in PAGE_SIZES else PAGE_SIZES[0]
    return CappedPaginator(rows, size, count_limit=count_limit, many=many).get_page(request.GET.get("page"))


def _clean(params: QueryDict) -> QueryDict:
    """The query string without empty values and without page 1."""
    clean = QueryDict(mutable=True)
    for key, values in params.lists():
        kept = [value for value in values if value.strip()]
        if kept and key not in (SEEN, FILE) and not (key == "page" and kept == ["1"]):
            clean.setlist(key, kept)
    return clean


def _replace(query: QueryDict, **changes: object) -> str:
    """The query string with other values; a change of order or size goes back to page 1. Never empty."""
    other = query.copy()
    other.pop("page", None)
    for key, value in changes.items():
        if value in ("", None) or (key == "page" and value == 1):
            other.pop(key, None)
        else:
            other[key] = str(value)
    return "?" + other.urlencode()


def _chips(form: forms.Form, query: QueryDict) -> Iterator[Chip]:
    form.is_valid()
    for name, field in form.fields.items():
        parts = [name, *(f"{name}_{suffix}" for suffix in ("min", "max"))]
        present = [part for part in parts if part in query]
        if name == "q" or not present:
            continue
        rest = query.copy()
        for part in ("page", *present):
            rest.pop(part, None)
        shown = _shown(field, form.cleaned_data.get(name), query, present)
        yield Chip(str(field.label or name), shown, rest.urlencode())


def _shown(field: forms.Field, value: Any, query: QueryDict, present: list[str]) -> str:
    """The chosen value as the person knows it: the label of a choice, the name of an object."""
    if isinstance(value, Model):
        return str(value)
    if isinstance(value, QuerySet):
        return ", ".join(str(item) for item in value)
    raw = [item for part in present for item in query.getlist(part)]
    choices = getattr(field, "choices", None)
    if choices is not None and not isinstance(field, forms.ModelChoiceField):
        labels = {str(key): str(label) for key, label in choices}
        return ", ".join(labels.get(item, item) for item in raw)
    return " \N{EN DASH} ".join(raw)


def _push_address(request: HttpRequest, response: HttpResponse, query: QueryDict, *, bare: str) -> None:
    """Keep the address in step: a new entry in the history, or none where only the search text grew."""
    encoded = query.urlencode()
    address = f"{request.path}?{encoded}" if encoded else bare
    current = urlsplit(request.htmx.current_url_abs_path or "")  # type: ignore[attr-defined]
    if current.path != request.path:  # the list is embedded in another page
        return
    before = dict(parse_qsl(current.query))
    after = dict(parse_qsl(encoded))
    if urlencode(before) == urlencode(after):
        return
    before_search, after_search = before.pop("q", ""), after.pop("q", "")
    typing = before == after and before_search and after_search
    response.headers["HX-Replace-Url" if typing else "HX-Push-Url"] = address
