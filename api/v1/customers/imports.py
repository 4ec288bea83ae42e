"""Imports of customers: upload with options, check, run, errors, revert (contract of the rooms, section 3)."""

from typing import Any
from uuid import UUID

import orjson
from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext as _

from api.kit import Reply, Router, uploads
from api.kit.files import described, download
from api.v1.customers import schemas
from portal.core.accounts.models import User
from portal.core.common.errors import Invalid
from portal.core.common.sheets import sheet
from portal.core.jobs.tasks import job_as_wire
from portal.crm.customers.imports import services
from portal.crm.customers.imports.files import MAX_BYTES
from portal.crm.customers.imports.models import CustomerImport

router = Router(tags=["customers"])
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            uploads.MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "CSV, XLSX or JSON, 20 MB",
                        },
                        "options": {
                            "type": "string",
                            "description": "JSON: {mapping: {column: field}, mode: create|update|upsert,"
                            " matchBy: [externalId|email|phone|taxNumber|id], onDuplicate: skip|update|create,"
                            " emptyCells: keep|clear, dryRun, phoneCountry, dateFormat, decimalMark, defaults,"
                            " encoding, delimiter, sheet}",
                        },
                    },
                }
            }
        },
    }
}


@router.post(
    "/customers/import",
    also=(202,),
    policy="customers.import",
    response=schemas.ImportOut,
    media=(uploads.MULTIPART,),
    limit=MAX_BYTES + uploads.SLACK,
    upload=True,
    openapi_extra=_FORM,
    summary="Import customers",
)
def customer_import(request: HttpRequest) -> Reply:
    """Columns are recognised by their headings where `mapping` is absent. To 5,000 rows the answer has the result,
    above it is 202 with a job. `dryRun` writes nothing; `POST …/run` then imports the same file."""
    got = uploads.received(request)
    said = _options(got.fields)
    with got.file.path.open("rb") as file:
        run = services.import_upload(file=file, name=got.filename, said=said, by=me(request))
    run = services.import_begin(run=run, dry_run=said.get("dryRun") is True, by=me(request), at_once=True)
    return _answer(run, dry_run=said.get("dryRun") is True)


@router.get(
    "/customers/imports/{id:import_id}", policy="customers.import", response=schemas.ImportOut, summary="One import"
)
def import_detail(request: HttpRequest, import_id: UUID) -> dict[str, Any]:
    """Its state and counts."""
    return services.import_card(services.import_get(id=import_id, user=me(request)))


@router.get(
    "/customers/imports/{id:import_id}/errors",
    policy="customers.import",
    response=None,
    openapi_extra=described("csv"),
    summary="Rows that were refused",
)
def import_errors(request: HttpRequest, import_id: UUID) -> FileResponse:
    """The columns as they came, with number and reason: mend them and import the file."""
    head, rows = services.error_rows(services.import_get(id=import_id, user=me(request)))
    file, _count, _digest = sheet("csv", head, rows)
    return download(file, "errors", "csv")


@router.post(
    "/customers/imports/{id:import_id}/run",
    also=(202,),
    policy="customers.import",
    response=schemas.ImportOut,
    summary="Run an import",
)
def import_run(request: HttpRequest, import_id: UUID) -> Reply:
    """After a check, or again after it broke off: it goes on with the row where it stopped."""
    run = services.import_get(id=import_id, user=me(request))
    if run.broken:
        return _answer(services.import_resume(run=run, by=me(request)), dry_run=None)
    return _answer(services.import_begin(run=run, dry_run=False, by=me(request), at_once=True), dry_run=False)


@router.post(
    "/customers/imports/{id:import_id}/revert",
    also=(202,),
    policy="customers.import",
    response=schemas.ImportOut,
    summary="Revert an import",
)
def import_revert(request: HttpRequest, import_id: UUID) -> Reply:
    """Within seven days. `left` names what somebody changed since; it stays."""
    run = services.import_get(id=import_id, user=me(request))
    return _answer(services.import_revert(run=run, by=me(request), at_once=True), dry_run=False)


def me(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined, no-any-return]


def _answer(run: CustomerImport, *, dry_run: bool | None) -> Reply:
    card = services.import_card(run, dry_run=dry_run)
    if run.busy and run.job:
        return Reply(card | {"jobId": run.job.pk, "jobStatus": job_as_wire(run.job)["status"]}, status=202)
    return Reply(card)


def _options(fields: Any) -> dict[str, Any]:
    """The part `options`, or its members as parts of their own."""
    try:
        said = orjson.loads(fields.get("options") or "{}")
        for name in ("mapping", "defaults", "matchBy"):
            if fields.get(name):
                said[name] = orjson.loads(fields[name]) if fields[name][:1] in "[{" else [fields[name]]
    except (orjson.JSONDecodeError, TypeError):
        raise Invalid.field("options", _("Send the options as JSON.")) from None
    if not isinstance(said, dict):
        raise Invalid.field("options", _("Send the options as JSON."))
    for name in (
        "mode",
        "onDuplicate",
        "emptyCells",
        "phoneCountry",
        "dateFormat",
        "decimalMark",
        "encoding",
        "delimiter",
    ):
        if fields.get(name):
            said[name] = fields[name]
    if "dryRun" in fields:
        said["dryRun"] = fields["dryRun"].lower() in ("1", "true")
    return said
