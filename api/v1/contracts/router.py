"""Contracts (002, E002-058 to E002-074), with types, templates, amendments and revocation beside."""

from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from ninja import Query

from api.kit import LARGE, Listing, Page, Reply, Router, expected_version, paginate, uploads
from api.kit.files import described, download
from api.v1.contracts import schemas
from portal.core.accounts.models import User
from portal.core.common.errors import Invalid
from portal.core.files.models import StoredFile
from portal.crm.contracts import (
    access,
    documents,
    exports,
    papers,
    renewals,
    selectors,
    services,
    templates,
    templating,
    terms,
    types,
    wire,
)
from portal.crm.contracts.choices import LANGUAGES
from portal.crm.contracts.models import Contract

router = Router(tags=["contracts"])
_LIMIT: Final = max(settings.FILE_LIMITS.values()) + uploads.SLACK
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            uploads.MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "kind": {"type": "string", "enum": ["draft", "signed", "annex", "notice"]},
                        "description": {"type": "string"},
                        "signedOn": {"type": "string", "format": "date", "description": "Today where it is absent"},
                    },
                }
            }
        },
    }
}
_PDF: Final[dict[str, Any]] = {
    "responses": {200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}}
}


def _me(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined, no-any-return]


def _record(contract: Contract, *, status: int = 200, message: Any = None) -> Reply:
    """A single contract, its version as the ETag that `If-Match` takes."""
    row = Contract.objects.select_related("customer", "type", "template_version").get(pk=contract.pk)
    [card] = wire.contracts([row], access.today())
    return Reply(card, status=status, message=message, headers={"ETag": f'"{row.version}"'})


# --- figures and lists: literal addresses before those with an id ------------------------------------
@router.get("/contracts", policy="contracts.view", response=list[schemas.ContractOut], summary="Contracts")
def contract_list(request: HttpRequest, query: Query[schemas.ContractFilter]) -> Page:
    """Those that you see, newest first. Filters of every field, `search` in number, title and customer."""
    found = selectors.contract_list(user=_me(request), filters=query.filters())
    page = paginate(found, query, lambda row: row)
    page.items = wire.contracts(page.items, access.today())
    return page


@router.post(
    "/contracts",
    policy="contracts.edit",
    response=schemas.ContractOut,
    status=201,
    limit=LARGE,
    summary="Create a contract",
)
def contract_create(request: HttpRequest, payload: schemas.ContractIn) -> Reply:
    """A draft, or with `status` further on. `active` needs a first day and a value; with a first day to come it is
    `active_pending`. With lines, `value` is their sum: another one is 400."""
    return _record(services.contract_create(data=payload.wanted, by=_me(request)), status=201)


@router.get("/contracts/types", policy="contracts.view", response=list[schemas.TypeOut], summary="Contract types")
def type_list(request: HttpRequest, query: Query[schemas.TypeFilter]) -> Page:
    """In the organisation's order."""
    return paginate(selectors.type_list(every=query.every), query, wire.type_card)


@router.post(
    "/contracts/types", policy="contracts.settings", response=schemas.TypeOut, status=201, summary="Define a type"
)
def type_create(request: HttpRequest, payload: schemas.TypeIn) -> Reply:
    """409 `DUPLICATE` for a key or prefix that another type has."""
    return Reply(wire.type_card(types.type_save(data=payload.changes, by=_me(request))), status=201)


@router.update(
    "/contracts/types/{id:contract_type_id}",
    policy="contracts.settings",
    response=schemas.TypeOut,
    summary="Change a type",
)
def type_update(request: HttpRequest, contract_type_id: UUID, payload: schemas.TypeChange) -> dict[str, Any]:
    """Its key stays. Contracts keep what they began with."""
    return wire.type_card(types.type_save(id=contract_type_id, data=payload.changes, by=_me(request)))


@router.delete(
    "/contracts/types/{id:contract_type_id}", policy="contracts.settings", response=None, summary="Delete a type"
)
def type_delete(request: HttpRequest, contract_type_id: UUID) -> Reply:
    """409 `IN_USE` while contracts or templates are of this type."""
    types.type_delete(id=contract_type_id, by=_me(request))
    return Reply(message=_("Type deleted successfully."))


@router.get("/contracts/analytics", policy="contracts.view", response=schemas.AnalyticsOut, summary="Figures")
def contract_analytics(request: HttpRequest, query: Query[schemas.PeriodFilter]) -> dict[str, Any]:
    """Over the contracts that you see and the filters of the list leave. `dateFrom` and `dateTo` (the last twelve
    months) bound what came due: renewed, expired and terminated ones."""
    if query.date_from and query.date_to and query.date_to < query.date_from:
        raise Invalid.field("date_to", _("The last day is not before the first."))
    figures = selectors.analytics(user=_me(request), first=query.date_from, last=query.date_to, filters=query.filters())
    return selectors.analytics_card(figures)


@router.get(
    "/contracts/expiring", policy="contracts.view", response=list[schemas.ExpiringOut], summary="Expiring contracts"
)
def contract_expiring(request: HttpRequest, query: Query[schemas.WindowFilter]) -> Page:
    """Active ones that end within `days` (30) and that nothing renews, the next end first."""
    found = selectors.expiring(user=_me(request), days=query.days, filters=query.filters())
    page = paginate(found, query, lambda row: row)
    page.items = [
        card | {"bucket": terms.bucket(card["daysLeft"])} for card in wire.contracts(page.items, access.today())
    ]
    return page


@router.get("/contracts/renewals", policy="contracts.view", response=list[schemas.RenewalOut], summary="What to renew")
def contract_renewals(request: HttpRequest, query: Query[schemas.RenewalFilter]) -> Page:
    """In their notice window, ending within `days` (90), or expired in the last 90 days; nothing renews them.
    `proposedValue` holds the increase that the type proposes."""
    found = selectors.renewals(user=_me(request), days=query.days, filters=query.filters())
    page = paginate(found, query, lambda row: row)
    day = access.today()
    page.items = [
        {
            "contract": card,
            "daysLeft": terms.days_left(row.end_date, day) if row.end_date else 0,
            "proposedValue": float(selectors.proposed_value(row)),
            "risk": {"overdueTickets": row.late_tickets},
        }
        for row, card in zip(page.items, wire.contracts(page.items, day), strict=True)
    ]
    return page


@router.get(
    "/contracts/export",
    policy="contracts.export",
    response=None,
    openapi_extra=described("csv", "json", "xlsx"),
    summary="Export contracts",
)
def contract_export(request: HttpRequest, query: Query[schemas.ExportFilter]) -> FileResponse:
    """All that the filters of the list leave, as a file. The audit log notes filters, rows and hash."""
    file = exports.contracts_export(user=_me(request), kind=query.format, filters=query.filters())
    return download(file, "contracts", query.format)


# --- templates --------------------------------------------------------------------------------------
@router.get("/contracts/templates", policy="contracts.view", response=list[schemas.TemplateOut], summary="Templates")
def template_list(request: HttpRequest, query: Query[schemas.TemplateFilter]) -> Page:
    """With the newest version of their text."""
    found = selectors.template_list(search=query.search, kind=query.type, language=query.language)
    page = paginate(found, query, lambda row: row)
    page.items = wire.template_cards(page.items)
    return page


@router.post(
    "/contracts/templates",
    policy="contracts.settings",
    response=schemas.TemplateOut,
    status=201,
    summary="Write a template",
)
def template_create(request: HttpRequest, payload: schemas.TemplateIn) -> Reply:
    """HTML with `{{ fields }}` of the catalogue, filters `date`, `money`, `hijri`, `{% if field %}` and
    `{% for line in lines %}`. A field that there is not: 400."""
    row = templates.template_save(data=payload.wanted, by=_me(request))
    return Reply(wire.template_cards([row])[0], status=201)


@router.get(
    "/contracts/templates/fields",
    policy="contracts.view",
    response=list[schemas.FieldOut],
    summary="Fields of templates",
)
def template_fields(request: HttpRequest, query: Query[Listing]) -> Page:
    """The catalogue; `line.*` inside the loop over the lines."""
    found = [
        {
            "path": path,
            "type": str(kind),
            "label": str(label),
            "filters": [name for name, kinds in templating.FILTERS.items() if kind in kinds],
        }
        for path, (kind, label) in (templating.CATALOGUE | templating.LINE).items()
    ]
    start = (query.page - 1) * query.limit
    return Page(found[start : start + query.limit], query.page, query.limit, len(found))


@router.get(
    "/contracts/templates/{id:contract_template_id}",
    policy="contracts.view",
    response=schemas.TemplateOut,
    summary="One template",
)
def template_detail(request: HttpRequest, contract_template_id: UUID) -> dict[str, Any]:
    """With the newest version of its text."""
    return wire.template_cards([access.template_for(contract_template_id)])[0]


@router.update(
    "/contracts/templates/{id:contract_template_id}",
    policy="contracts.settings",
    response=schemas.TemplateOut,
    summary="Change a template",
)
def template_update(
    request: HttpRequest, contract_template_id: UUID, payload: schemas.TemplateChange
) -> dict[str, Any]:
    """Another text or other fields make the next version; contracts keep the one they were made from."""
    version = expected_version(request, payload.version)
    row = templates.template_save(id=contract_template_id, data=payload.wanted, by=_me(request), version=version)
    return wire.template_cards([row])[0]


@router.delete(
    "/contracts/templates/{id:contract_template_id}",
    policy="contracts.settings",
    response=None,
    summary="Delete a template",
)
def template_delete(request: HttpRequest, contract_template_id: UUID) -> Reply:
    """Contracts made from it keep their text."""
    templates.template_delete(id=contract_template_id, by=_me(request))
    return Reply(message=_("Template deleted successfully."))


@router.post(
    "/contracts/templates/{id:contract_template_id}/preview",
    policy="contracts.view",
    response=schemas.PreviewOut,
    summary="Preview a template",
)
def template_preview(request: HttpRequest, contract_template_id: UUID, payload: schemas.PreviewIn) -> dict[str, Any]:
    """Clean HTML with the values given and made-up ones for the rest; nothing is stored."""
    template = access.template_for(contract_template_id)
    overrides = payload.overrides.wanted if payload.overrides else {}
    data = {"customer_id": payload.customer_id, "values": payload.values, "overrides": overrides}
    language = _language(payload.language or template.language)
    html = templates.preview(template=template, data=data, by=_me(request), language=language, body=payload.body)
    return {"html": html, "language": language}


@router.post(
    "/contracts/templates/{id:contract_template_id}/create",
    policy="contracts.edit",
    response=schemas.ContractOut,
    status=201,
    summary="Contract from a template",
)
def template_contract(request: HttpRequest, contract_template_id: UUID, payload: schemas.FromTemplateIn) -> Reply:
    """A draft whose terms are the filled text. Every missing value is named, 400. `overrides` holds fields of the
    contract; without dates it begins today and lasts the type's usual term."""
    return _record(templates.template_create(id=contract_template_id, data=payload.wanted, by=_me(request)), status=201)


# --- one contract -----------------------------------------------------------------------------------
@router.get(
    "/contracts/{id:contract_id}", policy="contracts.view", response=schemas.ContractOut, summary="One contract"
)
def contract_detail(request: HttpRequest, contract_id: UUID) -> Reply:
    """404 for one that you do not see, too."""
    return _record(access.contract_for(_me(request), contract_id))


@router.update(
    "/contracts/{id:contract_id}",
    policy="contracts.edit",
    response=schemas.ContractOut,
    limit=LARGE,
    summary="Change a contract",
)
def contract_update(request: HttpRequest, contract_id: UUID, payload: schemas.ContractChange) -> Reply:
    """Money, dates and terms of one that is not a draft any more: 422 `CONTRACT_LOCKED`; amend it. `status` takes the
    step that the PATCH of it takes."""
    version = expected_version(request, payload.version)
    made = services.contract_update(id=contract_id, changes=payload.wanted, by=_me(request), version=version)
    return _record(made)


@router.delete("/contracts/{id:contract_id}", policy="contracts.delete", response=None, summary="Delete a contract")
def contract_delete(request: HttpRequest, contract_id: UUID) -> Reply:
    """Out of all lists; the audit log keeps it."""
    services.contract_delete(id=contract_id, by=_me(request), version=expected_version(request))
    return Reply(message=_("Contract deleted successfully."))


@router.post(
    "/contracts/{id:contract_id}/restore",
    policy="contracts.delete",
    response=schemas.ContractOut,
    summary="Bring a deleted contract back",
)
def contract_restore(request: HttpRequest, contract_id: UUID) -> Reply:
    """409 while its customer is deleted, 409 `DUPLICATE` where another contract renews the same one by now. One that is
    not deleted is answered as it is."""
    return _record(services.contract_restore(id=contract_id, by=_me(request)))


@router.operation(
    ["PATCH"],
    "/contracts/{id:contract_id}/status",
    policy="contracts.edit",
    response=schemas.ContractOut,
    summary="Change the status",
)
def contract_status(request: HttpRequest, contract_id: UUID, payload: schemas.StatusIn) -> Reply:
    """Another step than `meta.allowed` says: 422 `ILLEGAL_TRANSITION`."""
    version = expected_version(request, payload.version)
    made = services.contract_status(
        id=contract_id, status=payload.status, note=payload.note, by=_me(request), version=version
    )
    return _record(made)


@router.get(
    "/contracts/{id:contract_id}/amendments",
    policy="contracts.view",
    response=list[schemas.AmendmentOut],
    summary="Amendments",
)
def amendment_list(request: HttpRequest, contract_id: UUID, query: Query[Listing]) -> Page:
    """The newest first."""
    contract = access.contract_for(_me(request), contract_id)
    return paginate(contract.amendments.order_by("-number"), query, wire.amendment_card)


@router.post(
    "/contracts/{id:contract_id}/amendments",
    policy="contracts.edit",
    response=schemas.AmendmentOut,
    status=201,
    limit=LARGE,
    summary="Amend a contract",
)
def amendment_create(request: HttpRequest, contract_id: UUID, payload: schemas.AmendmentIn) -> Reply:
    """Money, dates or terms of a contract in force, with a reason, under the next number; 422 for another one."""
    row = services.contract_amend(
        id=contract_id, changes=payload.terms_changed.wanted, reason=payload.reason, by=_me(request)
    )
    return Reply(wire.amendment_card(row), status=201)


@router.post(
    "/contracts/{id:contract_id}/renew",
    policy="contracts.edit",
    response=schemas.ContractOut,
    status=201,
    summary="Renew a contract",
)
def contract_renew(request: HttpRequest, contract_id: UUID, payload: schemas.RenewIn) -> Reply:
    """A draft from the day after the end, with `predecessorId`. 422 where something renews it already or it was
    terminated."""
    data = payload.changes | {"change": payload.change.changes if payload.change else {}}
    return _record(renewals.contract_renew(id=contract_id, data=data, by=_me(request)), status=201)


@router.post(
    "/contracts/{id:contract_id}/terminate",
    policy="contracts.edit",
    response=schemas.ContractOut,
    summary="Terminate a contract",
)
def contract_terminate(request: HttpRequest, contract_id: UUID, payload: schemas.TerminateIn) -> Reply:
    """Until today: `terminated`. Later: `terminationDate`, which can be revoked. Past the end: 400. Twice: 422. Notice
    that is late is taken, and told in the message."""
    made = renewals.contract_terminate(id=contract_id, data=payload.changes, by=_me(request))
    late = _("Notice was given later than the contract asks for.") if made.notice_late else None
    return _record(made, message=late)


@router.delete(
    "/contracts/{id:contract_id}/termination",
    policy="contracts.edit",
    response=schemas.ContractOut,
    summary="Revoke a termination",
)
def termination_revoke(request: HttpRequest, contract_id: UUID) -> Reply:
    """One that has not come yet; else 422."""
    return _record(renewals.termination_revoke(id=contract_id, by=_me(request)))


@router.get(
    "/contracts/{id:contract_id}/documents",
    policy="contracts.view",
    response=list[schemas.DocumentOut],
    summary="Documents",
)
def document_list(request: HttpRequest, contract_id: UUID, query: Query[Listing]) -> Page:
    """The newest first. Their bytes are at `/files/download/{id}`."""
    held = documents.documents(access.contract_for(_me(request), contract_id))
    start = (query.page - 1) * query.limit
    return Page([_document(file) for file in held[start : start + query.limit]], query.page, query.limit, len(held))


@router.post(
    "/contracts/{id:contract_id}/documents",
    policy="contracts.edit",
    response=schemas.DocumentOut,
    status=201,
    media=(uploads.MULTIPART,),
    limit=_LIMIT,
    upload=True,
    openapi_extra=_FORM,
    summary="Upload a document",
)
def document_create(request: HttpRequest, contract_id: UUID) -> Reply:
    """One file as `file`; `kind` draft, signed, annex (where it is absent) or notice. A signed copy sets `signedOn`."""
    got = uploads.received(request)
    day = got.fields.get("signedOn", "")
    file = documents.document_add(
        id=UUID(str(contract_id)),
        stream=got.file,
        filename=got.filename,
        content_type=got.content_type,
        kind=got.fields.get("kind") or "annex",
        description=got.fields.get("description", ""),
        signed_on=documents.read_day(day) if day else None,
        by=_me(request),
    )
    return Reply(_document(file), status=201)


def _document(file: StoredFile) -> dict[str, Any]:
    return {
        "id": file.pk,
        "fileId": file.pk,
        "filename": file.filename,
        "contentType": file.content_type,
        "size": file.size,
        "kind": file.metadata.get("documentKind", "annex"),
        "description": file.description,
        "uploadedBy": file.uploaded_by_id,
        "createdAt": file.created_at,
    }


@router.get(
    "/contracts/{id:contract_id}/pdf",
    policy="contracts.view",
    response=None,
    openapi_extra=_PDF,
    summary="Contract as PDF",
)
def contract_pdf(request: HttpRequest, contract_id: UUID, query: Query[schemas.PaperQuery]) -> HttpResponse:
    """In `lang` ar, fr or en, with the hash of its content and a QR code to the page that confirms it."""
    contract = access.contract_for(_me(request), contract_id)
    language = _language(query.lang or query.language)
    return _paper(papers.contract_pdf(contract=contract, language=language, by=_me(request), version=query.version))


@router.get(
    "/contracts/{id:contract_id}/amendments/{int:number}/pdf",
    policy="contracts.view",
    response=None,
    openapi_extra=_PDF,
    summary="Amendment as PDF",
)
def amendment_pdf(
    request: HttpRequest, contract_id: UUID, number: int, query: Query[schemas.PaperQuery]
) -> HttpResponse:
    """The paper of one amendment."""
    contract = access.contract_for(_me(request), contract_id)
    language = _language(query.lang or query.language)
    return _paper(papers.contract_pdf(contract=contract, language=language, by=_me(request), amendment=number))


def _language(said: str) -> str:
    language = (said or translation.get_language() or "en")[:5]
    if language not in dict(LANGUAGES):
        raise Invalid.field("lang", _("The language is ar, fr or en."), "unknown")
    return language


def _paper(file: Any) -> HttpResponse:
    headers = {
        "Content-Disposition": f'attachment; filename="{file.paper.number}-{file.language}.pdf"',
        "X-Content-SHA256": file.sha256,
        "X-Snapshot-Hash": file.paper.snapshot_hash,
    }
    return HttpResponse(bytes(file.content), content_type="application/pdf", headers=headers)


@router.get(
    "/contracts/{id:contract_id}/history", policy="contracts.view", response=list[schemas.HistoryOut], summary="History"
)
def contract_history(request: HttpRequest, contract_id: UUID, query: Query[Listing]) -> Page:
    """What became of it, with old and new values, newest first."""
    contract = access.contract_for(_me(request), contract_id)
    return paginate(selectors.history_of(contract), query, wire.event_card)
