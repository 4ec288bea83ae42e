"""The audit log: who changed what, when, from where (001 FR-080 to FR-083; 002 audit; C86, C87)."""

from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from ninja import Query

from api.kit import Page, Router, paginate
from api.kit.access import actor_of
from api.kit.periods import Period, period
from api.v1.audit.schemas import AuditOut, AuditQuery, CheckpointOut, Dated, ExportQuery, Filters, Stats, TrailQuery
from portal.core.audit import bundles, exports, keys, sealing, selectors
from portal.core.audit.models import Action, AuditEntry, Checkpoint
from portal.core.audit.services import Event, record
from portal.core.common.errors import Invalid, NotFound
from portal.core.tenancy import scope

router = Router(tags=["audit"])
ZIP: Final = "application/zip"
_FORMATS: Final[dict[str, tuple[Callable[[QuerySet[AuditEntry]], Iterator[bytes]], str]]] = {
    "csv": (exports.entries_csv, "text/csv; charset=utf-8"),
    "jsonl": (exports.entries_jsonl, "application/x-ndjson"),
    "json": (exports.entries_json, "application/json"),
}


def dates(request: HttpRequest, query: Dated) -> Period:
    return period(request, query.date_from or query.from_, query.date_to or query.to)


def entries(request: HttpRequest, query: Any) -> "QuerySet[AuditEntry]":
    """The entries that `query` (Filters and Dated) asks for."""
    since, until = dates(request, query)
    filters: Filters = query
    unknown = [word for word in filters.action if word.lower() not in selectors.WIRE_ACTIONS]
    if unknown:
        raise Invalid.field("action", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(selectors.WIRE_ACTIONS)})
    return selectors.entry_list(
        entity=filters.entity_type or filters.resource,
        record=filters.entity_id,
        user=filters.user_id or filters.user,
        actions=[selectors.WIRE_ACTIONS[word.lower()] for word in filters.action],
        outcome=filters.outcome,
        since=since,
        until=until,
        search=filters.search or filters.q,
    )


@router.get("/audit-logs", policy="audit.view", reach="span", response=list[AuditOut], summary="Audit log")
@router.get("/audit/logs", policy="audit.view", reach="span", response=list[AuditOut], summary="Audit log")
@router.get("/audit/search", policy="audit.view", reach="span", response=list[AuditOut], summary="Search the audit log")
def audit_list(request: HttpRequest, query: Query[AuditQuery]) -> Page:
    """Newest first. Values stand under the same names as in the resources. `search` finds words, in Arabic in any
    spelling, of labels, people, reasons and changed values."""
    return paginate(entries(request, query), query, selectors.entry_card)


@router.get("/audit/logs/stats", policy="audit.view", reach="span", response=Stats, summary="Counts of a period")
def audit_stats(request: HttpRequest, query: Query[Dated]) -> dict[str, Any]:
    """By action, kind of record, person, outcome and day in the organisation's zone."""
    since, until = dates(request, query)
    organization = getattr(request, "organization", None)
    return selectors.statistics(since=since, until=until, zone=organization.time_zone if organization else "UTC")


@router.get(
    "/audit/logs/resource/{resource}/{entity_id}",
    policy="audit.view",
    reach="span",
    response=list[AuditOut],
    summary="Everything about one record",
)
def audit_resource(request: HttpRequest, resource: str, entity_id: str, query: Query[TrailQuery]) -> Page:
    """Newest first; of deleted records too."""
    since, until = dates(request, query)
    found = selectors.entry_list(entity=resource, record=entity_id, since=since, until=until)
    return paginate(found, query, selectors.entry_card)


@router.get(
    "/audit/logs/user/{id:user_id}",
    policy="audit.view",
    reach="span",
    response=list[AuditOut],
    summary="Everything one person did",
)
def audit_user(request: HttpRequest, user_id: UUID, query: Query[TrailQuery]) -> Page:
    """Newest first; of deleted people too."""
    since, until = dates(request, query)
    return paginate(selectors.entry_list(user=user_id, since=since, until=until), query, selectors.entry_card)


@router.get("/audit/logs/{int:entry_id}", policy="audit.view", reach="span", response=AuditOut, summary="One entry")
def audit_detail(request: HttpRequest, entry_id: int) -> dict[str, Any]:
    """One entry by its number."""
    entry = selectors.entry_list().filter(pk=entry_id).first()
    if entry is None:
        raise NotFound(_("Not found."))
    return selectors.entry_card(entry)


@router.get(
    "/audit/export",
    policy="audit.export",
    response=None,
    summary="Export entries",
    openapi_extra={"responses": {200: {"content": {"text/csv": {}, "application/x-ndjson": {}, ZIP: {}}}}},
)
def audit_export(request: HttpRequest, query: Query[ExportQuery]) -> StreamingHttpResponse:
    """The entries that the filters choose, streamed. `bundle=zip` packs what was hashed, the proofs and a signed
    manifest, to be checked with `docs/verify/verify_audit.py` alone. `X-Audit-Manifest` holds the manifest in
    base64url. The export itself is recorded."""
    used = query.model_dump(by_alias=True, mode="json", exclude_defaults=True)
    rows = entries(request, query)
    name = f"audit.{'zip' if query.bundle else query.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if query.bundle:
        made = bundles.bundle(rows, filters=used, format=query.format)
        headers |= {"X-Audit-Manifest": made.header, "Content-Length": str(made.size)}
        content, kind, count = made.chunks(), ZIP, made.manifest["count"]
    else:
        write, kind = _FORMATS[query.format]
        manifest, rows = bundles.manifest_of(rows, filters=used)
        headers["X-Audit-Manifest"] = bundles.header(manifest)
        actor = actor_of(request, request.claims)  # type: ignore[attr-defined]
        content = exports.later(write(rows), by=actor, organization=scope.organization_id())
        count = manifest["count"]
    changes = {"format": query.format, "bundle": query.bundle, "filters": used, "rows": count}
    record(Event(Action.EXPORT, "audit", "", changes, label=name))
    return StreamingHttpResponse(content, content_type=kind, headers=headers)


@router.get(
    "/audit/checkpoints", policy="audit.view", response=list[CheckpointOut], summary="Signed states of the chain"
)
def audit_checkpoints(request: HttpRequest, query: Query[TrailQuery]) -> Page:
    """Newest first."""
    found = Checkpoint.objects.filter(organization_id=sealing.chain_in_force()).order_by("-count")
    return paginate(found, query, sealing.as_wire)


@router.get(
    "/audit/public-key",
    policy="audit.view",
    response=None,
    summary="Public key of the signatures",
    openapi_extra={"responses": {200: {"content": {"application/x-pem-file": {}}}}},
)
def audit_key(request: HttpRequest) -> HttpResponse:
    """The newest key as PEM; `X-Key-Id` is its id."""
    name = keys.ensure()
    headers = {"X-Key-Id": name, "Content-Disposition": f'attachment; filename="{name}.pub"'}
    return HttpResponse(keys.public_pem(name), content_type="application/x-pem-file", headers=headers)
