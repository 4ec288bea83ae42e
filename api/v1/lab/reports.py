"""Compliance reports (specification 001, FR-050 to FR-053; C85)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Body, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.kit import Declared, In, Listing, Out, Page, Reply, Router, paginate
from portal.core.accounts.middleware import browser_language
from portal.core.accounts.models import User
from portal.core.common.errors import Denied, Invalid
from portal.lab.choices import StandardRole
from portal.lab.models import ComplianceReport, ReportFile
from portal.lab.reports import exports, selectors, services
from portal.lab.reports.amending import MAX_REASON
from portal.lab.reports.filters import LANGUAGES, MAX_TITLE
from portal.lab.reports.wording import report_head, report_json
from portal.lab.science.verdicts import Verdict

router = Router(tags=["compliance reports"])
RETRY_SECONDS = 5
PDF = "application/pdf"
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ReportIn(In):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "dateFrom": "2026-11-01",
                "dateTo": "2026-11-30",
                "type": "drinking_water",
                "complianceStatus": ["fail", "warning"],
                "standards": ["MA", "WHO"],
                "language": "ar",
                "title": "November 2026",
            }
        }
    )

    date_from: str | None = Field(None, description="Inclusive: a date in the organisation's zone, or a date-time")
    date_to: str | None = Field(None, description="Inclusive")
    type: str | None = Field(None, description="Kind of water, as of a sample")
    location: str | None = Field(None, max_length=300, description="Contained in the location")
    compliance_status: str | list[str] | None = Field(None, description="pass, warning, fail, pending; one or a list")
    standards: str | list[str] | None = Field(None, description="Keys; all standards in use where absent")
    language: Literal["ar", "fr", "en"] | None = Field(None, description="Of the report; else that of the request")
    title: str | None = Field(None, max_length=MAX_TITLE)


class ReportAmendmentIn(In):
    model_config = ConfigDict(json_schema_extra={"example": {"reason": "Late results of two samples."}})

    reason: str = Field(max_length=MAX_REASON, description="Printed on the new report")
    language: Literal["ar", "fr", "en"] | None = Field(None, description="Of the new report; else that of the old one")
    title: str | None = Field(None, max_length=MAX_TITLE, description="Else that of the old one")


class Summary(Out):
    samples: int
    results: int
    pass_: int = Field(alias="pass", description="Samples; so are the next three")
    warning: int
    fail: int
    pending: int
    percent_conforming: float | None = Field(description="100 (pass + warning) / (pass + warning + fail)")


class ReportHead(Out):
    id: UUID
    number: str = Field(examples=["CR-2026-000017"])
    title: str
    generated_at: datetime
    generated_by: UUID | None
    language: str
    filters: dict[str, Any]
    summary: Summary
    status: Literal["current", "superseded"]
    amends: UUID | None = Field(description="The report that this one replaces")
    amended_by: str | None = Field(description="The number of the report that replaces this one")
    reason: str = Field(description="Why this one was issued in the other's place")
    snapshot_hash: str = Field(description="sha256 of the frozen content", examples=["sha256:5b1c…"])
    verify_url: str = Field(description="Public page that confirms number and hash")


class StandardFigures(Out):
    standard: str
    edition: str
    role: StandardRole
    evaluated: int = Field(description="Results; so are all of these")
    pass_: int = Field(alias="pass")
    warning: int
    fail: int
    indeterminate: int
    investigate: int
    not_evaluated: int
    censored: int
    provisional: int


class Worst(Out):
    parameter_code: str
    value_text: str
    unit: str
    collection_date: datetime
    standard: str
    verdict: Verdict


class Site(Out):
    location: str
    planned: int | None
    taken: int
    evaluated: int
    censored: int
    indeterminate: int
    exceedances: int
    percent_conforming: float | None
    worst: Worst | None
    pass_: int = Field(alias="pass", description="Samples; so are the next two")
    warning: int
    fail: int
    latitude: float | None = Field(description="Mean of the samples' coordinates")
    longitude: float | None


class Exceedance(Out):
    result_id: UUID
    sample_id: UUID
    sample_code: str
    location: str
    collection_date: datetime
    parameter_code: str
    parameter_name: str
    value_text: str
    unit: str
    standard: str
    edition: str
    role: StandardRole
    limit: float | None
    limit_unit: str
    compared_value: float | None
    verdict: Verdict
    reason: str
    provisional: bool


class Excluded(Out):
    result_id: UUID
    sample_code: str
    parameter_code: str
    value_text: str
    unit: str
    reason: Literal["REJECTED", "REPLACED"]


class TrendPoint(Out):
    at: datetime
    value: float = Field(description="As compared, in the unit of the limit; the bound of a censored value")
    censored: bool
    verdict: Verdict


class Trend(Out):
    location: str
    parameter_code: str
    standard: str
    unit: str
    lower: float | None
    upper: float | None
    points: list[TrendPoint]


class AmendmentLine(Out):
    what: str
    about: str
    from_: str = Field(alias="from")
    to: str


class ReportAmendment(Out):
    number: str
    issued_at: datetime
    reason: str
    lines: list[AmendmentLine]
    more: int = Field(description="Changes that are not listed")


class ReportOut(ReportHead):
    standards: list[StandardFigures]
    sites: list[Site]
    exceedances: list[Exceedance]
    excluded: list[Excluded]
    months: list[dict[str, Any]]
    period: dict[str, datetime | None] = Field(description="First and last collection date")
    time_zone: str
    decision_rules: list[str]
    trends: list[Trend] = Field(description="Sites and parameters with the most breaches, over time")
    amendment: ReportAmendment | None


class ReportQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"generatedAt": "generated_at", "number": "number"}

    sort: str | None = Field(None, description="generatedAt (default, newest first) or number")
    search: str = Field("", max_length=200, description="Contained in number or title")
    status: Literal["current", "superseded"] | None = None


class Wanted(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    format: Literal["json", "pdf"] = Field("json", description="pdf: the file itself; so does Accept: application/pdf")


class InLanguage(BaseModel):
    language: str = Field("", description="ar, fr or en; else Accept-Language, else the report's own")


def file_answer(kind: str, *, later: bool = False) -> dict[str, Any]:
    """What the documentation says of an answer that is a file, and that a worker may have to make first."""
    answers: dict[int, Any] = {200: {"content": {kind.partition(";")[0]: {"schema": {"type": "string"}}}}}
    return {"responses": answers | ({202: {"content": {}}} if later else {})}


@router.post(
    "/reports/compliance",
    also=(202,),
    policy="reports.create",
    response=ReportOut,
    summary="Issue a compliance report",
    openapi_extra=file_answer(PDF, later=True),
)
def report_issue(
    request: HttpRequest, query: Query[Wanted], payload: Body[Annotated[dict[str, Any], Declared(ReportIn)]]
) -> Reply | HttpResponse:
    """Freezes the figures of the samples that match under the next number; they never change, a correction is a new
    report. Send `Idempotency-Key`: a repeat then gets the same report. With `Accept: application/pdf` or `?format=pdf`
    the answer is the PDF, or 202 while a worker makes it."""
    as_pdf = query.format == "pdf" or PDF in request.headers.get("Accept", "")
    if as_pdf and not _user(request).has_permission("reports.export"):
        raise Denied(_("You do not have the right to do this."), meta={"permission": "reports.export"})
    report = services.report_issue(
        filters=payload, language=payload.get("language"), title=payload.get("title"), by=_user(request)
    )
    return _file(report, report.language, ReportFile.Kind.PDF) if as_pdf else Reply(report_json(report))


@router.get("/reports/compliance", policy="reports.view", response=list[ReportHead], summary="Compliance reports")
def report_list(request: HttpRequest, query: Query[ReportQuery]) -> Page:
    """What was issued, newest first, without the tables."""
    rows = selectors.report_list()
    if query.search:
        rows = rows.filter(Q(number__icontains=query.search) | Q(title__icontains=query.search))
    if query.status:
        rows = rows.filter(amended_by__isnull=query.status == "current")
    return paginate(rows, query, lambda row: report_head(row, summary=row.summary))


@router.get(
    "/reports/compliance/{id:report_id}", policy="reports.view", response=ReportOut, summary="One compliance report"
)
def report_detail(request: HttpRequest, report_id: UUID, query: Query[InLanguage]) -> dict[str, Any]:
    """The frozen figures; names and default title in the language asked for."""
    report = selectors.report_get(id=report_id)
    return report_json(report, language=_language(request, query, report))


@router.post(
    "/reports/compliance/{id:report_id}/amendments",
    policy="reports.create",
    response=ReportOut,
    status=201,
    summary="Amend a compliance report",
)
def report_amend(
    request: HttpRequest, report_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(ReportAmendmentIn)]]
) -> Reply:
    """A new number with the same filters over what is known now; it names the old one, the reason and what changed. The
    old one is kept and superseded; 409 `ALREADY_AMENDED` for one that is."""
    made = services.report_amend(
        report=selectors.report_get(id=report_id),
        reason=payload.get("reason"),
        language=payload.get("language"),
        title=payload.get("title"),
        by=_user(request),
    )
    return Reply(report_json(made), status=201)


@router.get(
    "/reports/compliance/{id:report_id}/pdf",
    also=(202,),
    policy="reports.export",
    response=None,
    summary="Report as PDF",
    openapi_extra=file_answer(PDF, later=True),
)
def report_pdf(request: HttpRequest, report_id: UUID, query: Query[InLanguage]) -> Reply | HttpResponse:
    """202 with `Retry-After` while a worker makes it; ask again then. Figures, number and hash are the same in every
    language."""
    report = selectors.report_get(id=report_id)
    return _file(report, _language(request, query, report), ReportFile.Kind.PDF)


@router.get(
    "/reports/compliance/{id:report_id}/csv",
    policy="reports.export",
    response=None,
    summary="Exceedances as CSV",
    openapi_extra=file_answer(CSV),
)
def report_csv(request: HttpRequest, report_id: UUID, query: Query[InLanguage]) -> HttpResponse:
    """One line per exceedance and per excluded result, under wire names; UTF-8 with a byte order mark."""
    report = selectors.report_get(id=report_id)
    content = exports.report_csv(report, language=_language(request, query, report))
    return _download(report, content, kind=CSV, extension="csv")


@router.get(
    "/reports/compliance/{id:report_id}/xlsx",
    also=(202,),
    policy="reports.export",
    response=None,
    summary="Report as XLSX",
    openapi_extra=file_answer(XLSX, later=True),
)
def report_xlsx(request: HttpRequest, report_id: UUID, query: Query[InLanguage]) -> Reply | HttpResponse:
    """Summary, standards, sites, exceedances and excluded results as sheets. Of more than 1,000 rows a worker makes it:
    202 with `Retry-After`; ask again then."""
    report = selectors.report_get(id=report_id)
    return _file(report, _language(request, query, report), ReportFile.Kind.XLSX)


def _user(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined,no-any-return]


def _language(request: HttpRequest, query: InLanguage, report: ComplianceReport) -> str:
    if query.language and query.language not in LANGUAGES:
        raise Invalid.field("language", _("The language is ar, fr or en."), "unknown")
    return query.language or browser_language(request.headers.get("Accept-Language", "")) or report.language


def _file(report: ComplianceReport, language: str, kind: ReportFile.Kind) -> Reply | HttpResponse:
    file = services.report_file(report=report, language=language, kind=kind)
    pdf = kind == ReportFile.Kind.PDF
    if file is None:
        path = f"/api/v1/reports/compliance/{report.pk}/{kind.value}?language={language}"
        headers = {"Retry-After": str(RETRY_SECONDS), "Location": path}
        said = _("The PDF is being made.") if pdf else _("The workbook is being made.")
        return Reply(report_head(report), message=said, status=202, headers=headers)
    content = bytes(file.content)
    if not pdf:
        return _download(report, content, kind=XLSX, extension="xlsx")
    return _download(report, content, kind=PDF, extension="pdf", noted=f"pdf-{language}", suffix=f"-{language}")


def _download(
    report: ComplianceReport, content: bytes, *, kind: str, extension: str, noted: str = "", suffix: str = ""
) -> HttpResponse:
    services.export_noted(report=report, format=noted or extension)
    headers = {"Content-Disposition": f'attachment; filename="{report.number}{suffix}.{extension}"'}
    return HttpResponse(content, content_type=kind, headers=headers)
