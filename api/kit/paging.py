"""Pages of a queryset, and the version a client believes to change."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from api.kit.envelope import Page
from api.kit.schemas import Listing
from portal.core.common.errors import Invalid


def paginate(
    queryset: "QuerySet[Any, Any]", query: Listing, show: Callable[[Any], Any], *, total: int | None = None
) -> Page:
    """One page of `queryset` in the query's order, each row through `show`. Two queries, or one with `total` given."""
    start = (query.page - 1) * query.limit
    ordered = queryset.order_by(*query.ordering) if query.sortable else queryset
    count = queryset.order_by().count() if total is None else total
    rows: Iterable[Any] = ordered[start : start + query.limit] if start < count else ()
    return Page([show(row) for row in rows], query.page, query.limit, count)


def expected_version(request: HttpRequest, version: int | None = None) -> int | None:
    """The version in `If-Match` (`"4713"`, `W/"4713"` or bare; `*` is none), else the body's."""
    header = request.headers.get("If-Match", "").strip()
    if not header or header == "*":
        return version
    text = header.removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Invalid.field("If-Match", _("Enter a whole number."))
    return int(text)
