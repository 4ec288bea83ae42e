"""What a person keeps of lists: saved filters, columns, density. `list_page` reads it, these pages write it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.core.accounts.models import SavedFilter, User
from portal.core.accounts.policy import signed_in
from portal.core.accounts.services import kept
from portal.core.common.errors import NotFound
from portal.ui.answers import refusal_text, refused
from portal.ui.people import person
from portal.ui.tables import Table
from portal.ui.undo import undoable

# Opens a list without the filter that it usually opens with.
PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    label: str
    shown: bool


@dataclass(slots=True)
class Keeping:
    """A person's way with one list. `place` is '' where nothing can be kept (no organisation, no route)."""

    place: str = ""
    value: dict[str, Any] = field(default_factory=dict)
    filters: Sequence[SavedFilter] = ()
    columns: list[Column] = field(default_factory=list)

    @property
    def compact(self) -> bool:
        return bool(self.value.get("compact"))

    @property
    def usual(self) -> SavedFilter | None:
        """The filter that the list opens with."""
        wanted = self.value.get("usual")
        return next((row for row in self.filters if str(row.pk) == wanted), None)

    def choose(self, table: Table) -> None:
        """Hide the columns that the person does not want. What has no heading (ticks, menus) and the first that has one
        stay: a row needs its name."""
        hidden = set(self.value.get("hidden", ()))
        named = [column for column in table.columns if str(column.header).strip()]
        for column in named[1:]:
            self.columns.append(Column(column.name, str(column.header), column.name not in hidden))
            if column.name in hidden:
                table.columns.hide(column.name)

    def marked(self, query: QueryDict) -> list[tuple[SavedFilter, bool]]:
        """The saved filters, and which of them is what the address says."""
        now = plain(query)
        return [(row, plain(QueryDict(row.query)) == now) for row in self.filters]


def keeping(request: HttpRequest) -> Keeping:
    """Two small statements."""
    user, match = request.user, request.resolver_match
    if not isinstance(user, User) or user.organization_id is None or match is None:
        return Keeping()
    place = match.view_name[:80]
    return Keeping(place, kept.setting(user=user, place=place), kept.filters_of(user=user, place=place))


def plain(query: QueryDict) -> list[tuple[str, list[str]]]:
    """What a filter says, in an order that does not matter: without page, rows per page and empty values."""
    left_out = {"page", "per_page", PLAIN}
    return sorted(
        (key, kept) for key, values in query.lists() if key not in left_out and (kept := [v for v in values if v])
    )


def _back(request: HttpRequest, query: str | None = None) -> HttpResponse:
    """To the list; `query` takes the place of the address's own."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    return redirect(target if query is None else f"{target.partition('?')[0]}?{query}")


def _told(request: HttpRequest, work: Callable[[], object], done: str) -> bool:
    """Whether it was done; the next page says so, or why not."""
    refusal = refused(work)
    if refusal is None:
        messages.success(request, done)
    else:
        messages.error(request, refusal_text(refusal))
    return refusal is None


@require_POST
@signed_in
def filter_save(request: HttpRequest) -> HttpResponse:
    said, user = request.POST, person(request)
    _organization(user)
    query = QueryDict(mutable=True)
    for key, values in plain(QueryDict(said.get("query", ""))):
        query.setlist(key, values)
    _told(
        request,
        lambda: kept.filter_save(
            user=user,
            place=said.get("place", ""),
            name=said.get("name", ""),
            query=query.urlencode(),
            shared="shared" in said,
            usual="usual" in said,
        ),
        _("The filter is saved."),
    )
    return _back(request)


@require_POST
@signed_in
def filter_edit(request: HttpRequest, saved_filter_id: UUID) -> HttpResponse:
    said, user = request.POST, person(request)
    _organization(user)
    _told(
        request,
        lambda: kept.filter_edit(
            user=user, id=saved_filter_id, name=said.get("name", ""), shared="shared" in said, usual="usual" in said
        ),
        _("The filter is saved."),
    )
    return _back(request)


@require_POST
@signed_in
def filter_delete(request: HttpRequest, saved_filter_id: UUID) -> HttpResponse:
    user = person(request)
    _organization(user)
    gone = kept.filter_delete(user=user, id=saved_filter_id)
    done = _("The filter is deleted.")
    if gone.user_id == user.pk:
        said = {"place": gone.place, "name": gone.name, "query": gone.query, "next": request.POST.get("next", "")}
        flags = {"shared": "on"} if gone.shared else {}
        undoable(request, done, url=reverse("kept:filter_save"), fields=[*said.items(), *flags.items()])
    else:
        messages.success(request, done)
    return _back(request)


@require_POST
@signed_in
def view_keep(request: HttpRequest) -> HttpResponse:
    """Columns and density of a list. `column`: every column that could be chosen, `shown`: those that were."""
    said, user = request.POST, person(request)
    _organization(user)
    reset = "reset" in said
    hidden = sorted(set(said.getlist("column")[:200]) - set(said.getlist("shown")))
    kept.setting_keep(
        user=user,
        place=said.get("place", ""),
        hidden=None if reset or not hidden else [name[:80] for name in hidden],
        compact=None if reset or said.get("density") != "compact" else True,
    )
    return _back(request)


def _organization(user: User) -> None:
    if user.organization_id is None:
        raise NotFound(_("Pages of an organisation need a support session."))
