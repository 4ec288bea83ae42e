"""What was deleted and can come back: one list for all kinds of records, and the address behind Undo."""

from typing import Any, Final

import django_filters
import django_tables2
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from portal.core.accounts.models import User
from portal.core.accounts.policy import signed_in
from portal.core.common.errors import DomainError, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.common.text import normalise
from portal.ui import restoring
from portal.ui.answers import refusal_text
from portal.ui.filters import DateFrom, DateTo
from portal.ui.lists import Empty, list_page
from portal.ui.people import person
from portal.ui.tables import DateTimeColumn, Table, TextColumn, TickColumn

AT_ONCE: Final = 200


class DeletedFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"), method="search")
    deleted_by = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Deleted by"),
        queryset=lambda request: User.objects.filter(deleted_at=None).order_by("name", "id"),
        empty_label=gettext_lazy("All"),
    )
    date_from = DateFrom(field_name="deleted_at", label=gettext_lazy("From"))
    date_to = DateTo(field_name="deleted_at", label=gettext_lazy("Until"))

    def search(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        for word in normalise(value).split():
            rows = rows.filter(search_text__contains=word)
        return rows


class DeletedTable(Table):
    tick = TickColumn()
    name = django_tables2.Column(accessor="pk", verbose_name=gettext_lazy("Name"), orderable=False)
    deleted_by = TextColumn(accessor="deleted_by__name", verbose_name=gettext_lazy("Deleted by"))
    deleted_at = DateTimeColumn(verbose_name=gettext_lazy("Deleted"))

    class Meta:
        fields = ("tick", "name", "deleted_by", "deleted_at")
        order_by = ("-deleted_at",)

    def render_name(self, record: Any) -> SafeString:
        return format_html('<span dir="auto">{}</span>', record)


@require_GET
@signed_in
def deleted_list(request: HttpRequest, kind: str = "") -> HttpResponse:
    """The deleted records of one kind (the first one where none is named) that the person may bring back."""
    user = person(request)
    kinds = restoring.listed(user) if user.organization_id else []
    chosen = next((one for one in kinds if kind in ("", one.key)), None)
    if kind and chosen is None:
        raise NotFound(_("There is no such record."))
    rows = chosen.rows(user) if chosen and chosen.rows else User.objects.none()
    return list_page(
        request,
        queryset=rows.select_related("deleted_by"),
        table=DeletedTable,
        table_kwargs={"bulk": True},
        filterset=DeletedFilter,
        template="ui/deleted.html",
        list_id="deleted",
        caption=gettext_lazy("Deleted records"),
        empty=Empty(
            title=gettext_lazy("Nothing here was deleted"),
            text=gettext_lazy("What somebody deletes can be restored from here by whoever may delete it."),
            icon="trash",
        ),
        context={"kinds": kinds, "kind": chosen},
    )


@require_POST
@signed_in
def deleted_restore(request: HttpRequest) -> HttpResponse:
    """Bring back the records that are named, each for itself; what cannot come back is said with its reason."""
    user, kind = person(request), restoring.find(request.POST.get("kind", ""))
    parent = parse_uuid(request.POST.get("parent", ""))
    if kind is None or user.organization_id is None or (kind.parent and parent is None):
        raise NotFound(_("There is no such record."))
    ids = [id for id in map(parse_uuid, request.POST.getlist("ids")[:AT_ONCE]) if id]
    of = {kind.parent: parent} if kind.parent else {}
    done = 0
    for id in ids:
        try:
            with transaction.atomic():
                kind.restore(id=id, by=user, **of)
            done += 1
        except DomainError as refusal:
            messages.error(request, refusal_text(refusal))
    if done:
        text = ngettext("%(count)s record was restored.", "%(count)s records were restored.", done)
        messages.success(request, text % {"count": done})
    elif not ids:
        messages.info(request, _("Nothing was ticked."))
    if kind.parent and parent:
        return redirect(kind.url(parent))
    if done == 1 == len(ids):
        return redirect(kind.url(ids[0]))
    return redirect("deleted:of_kind", kind.key)
