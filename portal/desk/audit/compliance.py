"""Compliance reports of the audit log (`pages.md`: /audit/compliance)."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from portal.core.accounts.policy import policy
from portal.core.audit import jobs, reports
from portal.core.common import clock
from portal.core.common.errors import Invalid
from portal.core.jobs.tasks import defer
from portal.desk.audit.forms import LANGUAGE_WORDS, ReportForm
from portal.desk.audit.lists import ReportFilter, ReportTable, concerns, days
from portal.desk.audit.progress import is_running, newest_job, progress, worth_showing
from portal.ui.lists import Empty, list_page
from portal.ui.people import may
from portal.ui.trail import entity_name

RETRY_SECONDS = 5


@require_GET
@policy("audit.view")
def report_list(request: HttpRequest) -> HttpResponse:
    may_issue = may(request, "audit.export")
    newest = reports.report_list().first()
    return list_page(
        request,
        queryset=reports.report_list().select_related("generated_by"),
        table=ReportTable,
        filterset=ReportFilter,
        template="audit/reports.html",
        list_id="reports",
        caption=gettext_lazy("Compliance reports of the audit log"),
        empty=Empty(
            title=gettext_lazy("No compliance report yet"),
            text=gettext_lazy(
                "A report verifies the log, freezes the figures of a period under a number, and prints the signed "
                "checkpoint that it stands on."
            ),
            icon="report-analytics",
            action_label=gettext_lazy("New report") if may_issue else "",
            action_url=reverse("audit:report_create") if may_issue else "",
        ),
        context={
            "tab": "compliance",
            "may_issue": may_issue,
            "job": worth_showing(newest_job(jobs.issue_report.name), since=newest.generated_at if newest else None),
            "job_url": reverse("audit:report_progress"),
        },
    )


@require_http_methods(["GET", "POST"])
@policy("audit.export")
def report_create(request: HttpRequest) -> HttpResponse:
    form = ReportForm(request.POST or None)
    if form.is_valid():
        job = newest_job(jobs.issue_report.name)
        if job and is_running(job):
            messages.info(request, _("A report is being made already."))
        else:
            since, until = form.period
            language = form.cleaned_data["language"]
            defer(jobs.issue_report, since=clock.wire(since), until=clock.wire(until), language=language)
        return redirect("audit:report_list")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "audit/report_form.html", {"tab": "compliance", "form": form}, status=status)


@require_GET
@policy("audit.view")
def report_progress(request: HttpRequest) -> HttpResponse:
    return progress(request, newest_job(jobs.issue_report.name), url_name="audit:report_progress")


@require_GET
@policy("audit.view")
def report_detail(request: HttpRequest, report_id: UUID) -> HttpResponse:
    report = reports.report_get(id=report_id)
    words = reports.Wording(report, translation.get_language() or "en")
    context = {
        "tab": "compliance",
        "report": report,
        "words": words,
        "events": [{**row, "about": concerns(type=row["type"], subject=row["subject"])} for row in words.events],
        "days": days(report),
        "privileged": [{**row, "kind": entity_name(row["resource"])} for row in words.privileged],
        "check": reports.report_check(report),
        "verify_url": reports.verify_url(report),
        "pdfs": [(code, LANGUAGE_WORDS[code]) for code in reports.LANGUAGES],
        "may_export": may(request, "audit.export"),
    }
    return render(request, "audit/report.html", context)


@require_GET
@policy("audit.export")
def report_pdf(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """The PDF in `?language=`; while a worker makes it, a page that asks again by itself."""
    report = reports.report_get(id=report_id)
    language = request.GET.get("language") or report.language
    try:
        file = reports.report_file(report=report, language=language)
    except Invalid as refusal:
        return HttpResponse(str(refusal), status=HTTPStatus.BAD_REQUEST, content_type="text/plain; charset=utf-8")
    if file is None:
        response = render(request, "audit/waiting.html", {"report": report}, status=HTTPStatus.ACCEPTED)
        response.headers["Retry-After"] = response.headers["Refresh"] = str(RETRY_SECONDS)
        return response
    reports.export_noted(report=report, format=f"pdf-{language}")
    name = f"{report.number}-{language}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(bytes(file.content), content_type="application/pdf", headers=headers)


@require_GET
@policy("audit.export")
def report_json(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """What was frozen, to the letter, with the hash over it."""
    report = reports.report_get(id=report_id)
    reports.export_noted(report=report, format="json")
    content = {"number": report.number, "snapshotHash": report.snapshot_hash, "content": report.content}
    response = JsonResponse(content, json_dumps_params={"ensure_ascii": False, "indent": 2})
    response.headers["Content-Disposition"] = f'attachment; filename="{report.number}.json"'
    return response
