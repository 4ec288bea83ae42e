"""Pages of the audit log (`pages.md`: /audit): the list, one entry, and the trails of records and people."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from portal.core.accounts.models import User
from portal.core.accounts.permissions import BUILTIN_ROLES
from portal.core.accounts.policy import policy, request_actor
from portal.core.audit import bundles, exports, overview, sealing, selectors
from portal.core.audit.models import Action, AuditEntry
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.errors import NotFound
from portal.core.tenancy import scope
from portal.desk.audit.lists import EntryFilter, EntryTable, doer
from portal.desk.audit.records import is_deleted, page_of, trail
from portal.ui.filters import used
from portal.ui.lists import Empty, Export, Text, list_page
from portal.ui.people import may, person
from portal.ui.templatetags.marsad import EMPTY
from portal.ui.trail import entity_name, record_name, tell

COUNT_LIMIT = 1000
BUNDLE_LIMIT = 100_000  # entries; a larger bundle takes longer than a browser waits
_FORMATS = {
    "csv": (exports.entries_csv, "text/csv; charset=utf-8"),
    "json": (exports.entries_json, "application/json"),
    "jsonl": (exports.entries_jsonl, "application/x-ndjson"),
}
_LINKS: list[tuple[Text, str, str]] = [
    ("CSV", "audit:csv", "file-spreadsheet"),
    ("JSON", "audit:json", "file-description"),
    ("JSON Lines", "audit:jsonl", "file-text"),
    (gettext_lazy("Bundle with proofs (ZIP)"), "audit:bundle", "shield-lock"),
]


@require_GET
@policy("audit.view")
def entry_list(request: HttpRequest) -> HttpResponse:
    links = [Export(label=label, url=reverse(name), icon=icon) for label, name, icon in _LINKS]
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
        exports=links if may(request, "audit.export") else [],
        count_limit=COUNT_LIMIT,
        context={"tab": "log"},
    )


@require_GET
@policy("audit.view")
def entry_detail(request: HttpRequest, entry_id: int) -> HttpResponse:
    sealing.seal()  # the reader of a fresh entry sees its hash
    entry = selectors.entry_list().filter(pk=entry_id).first()
    if entry is None:
        raise NotFound(_("There is no such record."))
    context = {
        "item": tell([entry])[0],
        "entry": entry,
        "who": doer(entry),
        "role": BUILTIN_ROLES.get(entry.actor_role, entry.actor_role or EMPTY),
        "card": selectors.entry_card(entry),
        "erasures": sorted({pk for pk in (entry.erased_by, entry.actor_erased_by) if pk}),
        "record_url": page_of(entry.entity, entry.object_pk),
        "impersonator": User.objects.filter(pk=entry.impersonator_id).first() if entry.impersonator_id else None,
        **_place(entry),
    }
    return render(request, "audit/detail.html", context)


def _place(entry: AuditEntry) -> dict[str, Any]:
    """Where the entry stands in the chain, and which checkpoint signs for it."""
    try:
        seq = entry.seal.seq
    except ObjectDoesNotExist:
        return {"seq": None, "checkpoint": None}
    return {"seq": seq, "checkpoint": overview.covering(seq=seq)}


@require_GET
@policy("audit.view")
def record_trail(request: HttpRequest, entity: str, record_id: str) -> HttpResponse:
    """Everything about one record, also after it was deleted."""
    entries = selectors.entry_list(entity=entity, record=record_id)
    newest = entries.first()
    if newest is None:
        raise NotFound(_("The audit log knows nothing of this record."))
    deleted = is_deleted(entries)
    named = entries.exclude(object_repr="").first() or newest
    context = {
        "entity": entity,
        "entity_name": entity_name(entity),
        "record": record_id,
        "name": record_name(named),
        "deleted": deleted,
        "record_url": "" if deleted else page_of(entity, record_id),
        "may_erase": may(request, "audit.manage"),
        **trail(request, entries),
    }
    return render(request, "audit/record.html", context)


@require_GET
@policy("audit.view")
def user_trail(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Everything one person did, also after they left."""
    entries = selectors.entry_list(user=user_id)
    found = User.objects.filter(pk=user_id, organization_id=scope.organization_id()).first()
    newest = entries.first()
    if found is None and newest is None:
        raise NotFound(_("The audit log knows nothing of this person."))
    context = {
        "person": found,
        "user_id": user_id,
        "name": found.name if found else newest and newest.actor_name,
        "email": found.email if found else newest and newest.actor_email,
        "last": newest,
        "may_erase": may(request, "audit.manage"),
        **trail(request, entries),
    }
    return render(request, "audit/user.html", context)


@require_GET
@policy("audit.export")
def entry_export(request: HttpRequest, extension: str) -> HttpResponseBase:
    """The entries of the list with the same query string, newest first; the export itself is recorded."""
    filters = EntryFilter(request.GET, queryset=selectors.entry_list(), request=request)
    if not filters.form.is_valid():
        return HttpResponse(filters.form.errors.as_text(), status=HTTPStatus.BAD_REQUEST, content_type="text/plain")
    rows: QuerySet[AuditEntry] = filters.qs.filter(timestamp__lt=clock.now())  # without the record of this export
    noted = {name: value for name, value in used(request.GET).items() if name in filters.form.fields}
    name = f"audit.{extension}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    if extension == "zip":
        if rows.order_by()[: BUNDLE_LIMIT + 1].count() > BUNDLE_LIMIT:
            return render(
                request, "audit/too_large.html", {"limit": BUNDLE_LIMIT}, status=HTTPStatus.UNPROCESSABLE_ENTITY
            )
        made = bundles.bundle(rows, filters=noted)
        headers |= {"X-Audit-Manifest": made.header, "Content-Length": str(made.size)}
        content, kind = made.chunks(), "application/zip"
    else:
        make, kind = _FORMATS[extension]
        actor = request_actor(request, user=person(request))
        content = exports.later(make(rows), by=actor, organization=scope.organization_id())
    record(Event(Action.EXPORT, "audit", "", {"format": extension, "filters": noted}, label=name))
    return StreamingHttpResponse(content, content_type=kind, headers=headers)
