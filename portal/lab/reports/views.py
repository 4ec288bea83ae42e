"""Pages of compliance reports (`pages.md`: /reports/compliance)."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError, Invalid
from portal.core.common.sheets import TYPES, sheet
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab.models import ComplianceReport, ReportFile
from portal.lab.reports import exports, selectors, services
from portal.lab.reports.filters import matching_samples, read_filters
from portal.lab.reports.forms import AmendmentForm, ReportFilter, ReportForm, ReportTable
from portal.lab.reports.wording import Wording, report_json
from portal.ui.lists import Empty, Export, list_page
from portal.ui.people import may, person

PAGE = 100
RETRY_SECONDS = 2
LISTED = (
    "number", "title", "language", "issuedAt", "issuedBy", "samples", "percentConforming", "amendedBy", "reason",
    "snapshotHash",
)  # fmt: skip
Kind = ReportFile.Kind


@require_GET
@policy("reports.view")
def report_list(request: HttpRequest) -> HttpResponse:
    may_issue = may(request, "reports.create")
    empty = Empty(
        title=_("No compliance report yet"),
        text=_("A report freezes the figures of a period under a number and a hash that anybody can verify."),
        icon="report-analytics",
        action_label=_("New report") if may_issue else "",
        action_url=reverse("reports:create") if may_issue else "",
    )
    return list_page(
        request,
        queryset=selectors.report_list(),
        table=ReportTable,
        filterset=ReportFilter,
        template="lab/reports/list.html",
        list_id="reports",
        caption=_("Compliance reports"),
        empty=empty,
        exports=[
            Export(label="CSV", url=reverse("reports:list_csv"), icon="file-text"),
            Export(label="XLSX", url=reverse("reports:list_xlsx"), icon="file-spreadsheet"),
        ]
        if may(request, "reports.export")
        else (),
        live=["report.ready"],
        context={"may_issue": may_issue},
    )


@require_GET
@policy("reports.export")
def report_list_file(request: HttpRequest, extension: str) -> HttpResponseBase:
    """The list with the same filters as a file, row by row."""
    filters = ReportFilter(request.GET, queryset=selectors.report_list(), request=request)
    names = ("number", "title", "language", "generated_at", "generated_by__name", "samples", "share", "newer", "reason")
    rows = filters.qs.values_list(*names, "snapshot_hash")
    file, _count, _digest = sheet(
        extension,
        LISTED,
        (
            (*row[:3], timezone.localtime(row[3]).strftime("%Y-%m-%d %H:%M"), *(value or "" for value in row[4:]))
            for row in rows.iterator(chunk_size=2000)
        ),
    )
    services.list_exported(format=extension)
    name = f"compliance-reports.{extension}"
    return FileResponse(file, as_attachment=True, filename=name, content_type=TYPES[extension])


@require_http_methods(["GET", "POST"])
@policy("reports.create")
def report_create(request: HttpRequest) -> HttpResponse:
    form = ReportForm(request.POST or None)
    if form.is_valid():
        data = form.cleaned_data
        try:
            report = services.report_issue(
                filters=form.filters(),
                language=data["language"],
                title=data["title"],
                by=person(request),
            )
        except Invalid as refusal:
            for error in refusal.errors:
                form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return redirect("reports:detail", report_id=report.pk)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "lab/reports/new.html", {"form": form, "matching": _matching(form)}, status=status)


@require_GET
@policy("reports.create")
def report_count(request: HttpRequest) -> HttpResponse:
    """How many samples the filters of the form match, as a fragment."""
    form = ReportForm({"language": "en", **request.GET.dict(), **_lists(request)})
    return render(request, "lab/reports/new.html#matching", {"matching": _matching(form)})


@require_GET
@policy("reports.view")
def report_detail(request: HttpRequest, report_id: UUID) -> HttpResponse:
    report = selectors.report_get(id=report_id)
    words = Wording(report, translation.get_language() or "en")
    page = Paginator(words.exceedances, PAGE).get_page(request.GET.get("page"))
    context = {
        "report": report,
        "words": words,
        "page": page,
        "rows": page.object_list,
        "may_export": may(request, "reports.export"),
        "may_amend": may(request, "reports.create") and not report.newer,  # type: ignore[attr-defined]
        "replacement": ComplianceReport.objects.filter(amends=report).defer("content").first(),
        "genuine": services.report_check(report),
    }
    return render(request, "lab/reports/detail.html", context)


@require_GET
@policy("reports.export")
def report_pdf(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """The PDF in `?language=`; while a worker makes it, a page that asks again by itself."""
    report = selectors.report_get(id=report_id)
    language = request.GET.get("language") or translation.get_language() or report.language
    return _made(request, report, language, Kind.PDF)


def _made(request: HttpRequest, report: ComplianceReport, language: str, kind: Kind) -> HttpResponse:
    """A kept file, or a page that waits for it."""
    try:
        file = services.report_file(report=report, language=language, kind=kind)
    except Invalid as refusal:
        return HttpResponse(str(refusal), status=HTTPStatus.BAD_REQUEST, content_type="text/plain; charset=utf-8")
    if file is None:
        context = {
            "report": report,
            "format": kind.label,
            "job": services.report_job(report=report, language=language, kind=kind),
            "back": reverse("reports:detail", args=[report.pk]),
        }
        response = render(request, "lab/reports/waiting.html", context, status=HTTPStatus.ACCEPTED)
        response.headers["Retry-After"] = response.headers["Refresh"] = str(RETRY_SECONDS)
        return response
    if kind == Kind.XLSX:
        services.export_noted(report=report, format="xlsx")
        return _download(bytes(file.content), TYPES["xlsx"], f"{report.number}.xlsx")
    services.export_noted(report=report, format=f"pdf-{language}")
    return _download(bytes(file.content), "application/pdf", f"{report.number}-{language}.pdf", inline=True)


@require_GET
@policy("reports.export")
def report_data(request: HttpRequest, report_id: UUID, extension: str) -> HttpResponse:
    """The report as csv, xlsx or json, in the language of the page; a long workbook is waited for."""
    report = selectors.report_get(id=report_id)
    language = translation.get_language() or report.language
    if extension == Kind.XLSX:
        return _made(request, report, language, Kind.XLSX)
    services.export_noted(report=report, format=extension)
    name = f"{report.number}.{extension}"
    if extension == "csv":
        return _download(exports.report_csv(report, language=language), "text/csv; charset=utf-8", name)
    response = JsonResponse(report_json(report, language=language), json_dumps_params={"ensure_ascii": False})
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_http_methods(["GET", "POST"])
@policy("reports.create")
def report_amend(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """A new report with the same filters over what is known now."""
    old = selectors.report_get(id=report_id)
    form = AmendmentForm(request.POST or None, initial={"title": old.title, "language": old.language})
    if form.is_valid():
        try:
            made = services.report_amend(report=old, by=person(request), **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, str(refusal.message))
        else:
            return redirect("reports:detail", report_id=made.pk)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "lab/reports/amend.html", {"form": form, "old": old}, status=status)


def _lists(request: HttpRequest) -> dict[str, Any]:
    return {name: request.GET.getlist(name) for name in ("complianceStatus", "standards")}


def _matching(form: ReportForm) -> int | None:
    """The number of samples, None where the filters are not valid yet."""
    if form.is_bound and not form.is_valid():
        return None
    zone = Organization.objects.get(pk=scope.organization_id()).time_zone
    try:
        return matching_samples(read_filters(form.filters() if form.is_bound else {}, time_zone=zone)).count()
    except Invalid:
        return None


def _download(content: bytes, kind: str, name: str, *, inline: bool = False) -> HttpResponse:
    place = "inline" if inline else "attachment"
    headers = {"Content-Disposition": f'{place}; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(content, content_type=kind, headers=headers)
