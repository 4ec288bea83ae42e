"""Forms as XLSForm workbooks."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from pydantic import Field

from api.kit import In, Reply, Router, uploads
from api.kit.body import SMALL
from api.kit.openapi import fields_of
from api.v1.forms.schemas import FormOut
from api.v1.projects.router import me
from portal.collect.forms import selectors, wire, workbooks
from portal.collect.language.xlsform.reading import LARGEST
from portal.core.common.sheets import TYPES

router = Router(tags=["forms"])


class ImportForm(In):
    """What stands beside the file."""

    project_id: UUID = Field(description="Where the form belongs")
    name: str | None = Field(None, max_length=200, description="Else the workbook's form_title")
    description: str | None = None
    publish: bool = Field(True, description="false: a draft")


_FILE: Any = {"type": "string", "format": "binary", "description": "An .xlsx in the XLSForm standard, at most 5 MB"}
_BODY: dict[str, Any] = {
    "type": "object",
    "properties": {"file": _FILE, **fields_of(ImportForm)},
    "required": ["file", "projectId"],
}


@router.post(
    "/forms/import",
    policy="forms.edit",
    upload=True,
    limit=LARGEST + SMALL,
    media=(uploads.MULTIPART,),
    response=FormOut,
    status=201,
    summary="Make a form of an XLSForm workbook",
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _BODY}}}},
)
def form_import(request: HttpRequest) -> Reply:
    """Every fault of the workbook is one error: `field` is `sheet.row.column`, `rule` XLSFORM, and nothing is written.
    What a form cannot have is named in `meta.leftOut`, `[{sheet, row, column, message}]`."""
    sent = uploads.received(request)
    with sent.file.path.open("rb") as file:
        form, left_out = workbooks.workbook_import(
            file=file,
            filename=sent.filename,
            project=sent.fields.get("projectId"),
            by=me(request),
            name=sent.fields.get("name", "").strip(),
            description=sent.fields.get("description", ""),
            publish=sent.fields.get("publish", "").lower() not in ("false", "0"),
        )
    told = [{"sheet": one.sheet, "row": one.row, "column": one.column, "message": one.message} for one in left_out]
    return Reply(wire.form(form), status=201, meta={"leftOut": told})


@router.get(
    "/forms/{id:form_id}/xlsform",
    policy="forms.view",
    response=None,
    summary="A form as an XLSForm workbook",
    openapi_extra={"responses": {200: {"content": {TYPES["xlsx"]: {}}}}},
)
def form_export(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """The published schema; imported again it is the same."""
    name, content = workbooks.workbook_export(form=selectors.form_for(me(request), form_id))
    headers = {"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "attachment"}
    return HttpResponse(content, content_type=TYPES["xlsx"], headers=headers)
