"""Pages of the audit log (`pages.md`: /audit)."""

from http import HTTPStatus
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from portal.core.accounts.policy import policy, request_actor
from portal.core.audit import selectors
from portal.core.audit.models import Action, AuditEntry
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.errors import NotFound
from portal.core.tenancy import scope
from portal.desk.audit import exports
from portal.desk.audit.lists import EntryFilter, EntryTable
from portal.ui.lists import Empty, Export, list_page
from portal.ui.people import person
from portal.ui.trail import tell

COUNT_LIMIT = 1000
_FORMATS = {
    "csv": (exports.entries_csv, "text/csv; charset=utf-8"),
    "json": (exports.entries_json, "application/json"),
}


@require_GET
@policy("audit.view")
def entry_list(request: HttpRequest) -> HttpResponse:
    formats = [("CSV", "audit:csv", "file-text"), ("JSON", "audit:json", "file-description")]
    return list_page(
        request,
        queryset=selectors.entry_list(),
        table=EntryTable,
        filterset=EntryFilter,
        template="audit/list.html",
        list_id="audit",
        caption=gettext_lazy("Audit log"),
        empty=Empty(
            title=gettext_lazy("Nothing recorded yet"),
            text=gettext_lazy(
                "Every change, sign-in, refusal and export is written here at the moment it happens, and stays."
            ),
            icon="shield-check",
        ),
        exports=[Export(label=label, url=reverse(name), icon=icon) for label, name, icon in formats],
        count_limit=COUNT_LIMIT,
    )


@require_GET
@policy("audit.view")
def entry_detail(request: HttpRequest, entry_id: int) -> HttpResponse:
    entry = selectors.entry_list().filter(pk=entry_id).first()
    if entry is None:
        raise NotFound(_("There is no such record."))
    return render(
        request, "audit/detail.html", {"item": tell([entry])[0], "entry": entry, "card": selectors.entry_card(entry)}
    )


@require_GET
@policy("audit.view")
def entry_export(request: HttpRequest, extension: str) -> HttpResponseBase:
    """The entries of the list with the same query string, newest first; the export itself is recorded."""
    filters = EntryFilter(request.GET, queryset=selectors.entry_list(), request=request)
    if not filters.form.is_valid():
        return HttpResponse(filters.form.errors.as_text(), status=HTTPStatus.BAD_REQUEST, content_type="text/plain")
    rows: QuerySet[AuditEntry] = filters.qs.filter(timestamp__lt=clock.now())  # without the record of this export
    used = {key: value for key, value in request.GET.items() if value and key in filters.form.fields}
    record(Event(Action.EXPORT, "audit", "", {"format": extension, "filters": used}, label=f"audit.{extension}"))
    make, kind = _FORMATS[extension]
    organization: UUID = scope.organization_id()
    content = make(rows, by=request_actor(request, user=person(request)), organization=organization)
    headers = {"Content-Disposition": f'attachment; filename="audit.{extension}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(content, content_type=kind, headers=headers)
