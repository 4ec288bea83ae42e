"""Pages of runs and schedules."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from portal.core.accounts.models import Role, User
from portal.core.accounts.policy import policy
from portal.core.common.errors import Denied, DomainError, IllegalTransition
from portal.core.files import serving
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.desk.reports import schedules, selectors, services
from portal.desk.reports.builtin import name_of
from portal.desk.reports.choices import Format, Frequency, RunStatus
from portal.desk.reports.forms import RunForm, ScheduleForm
from portal.desk.reports.frame import frame
from portal.desk.reports.lists import RunFilter, RunTable, downloadable, status_badge
from portal.desk.reports.models import CustomReport, ReportRun, ReportSchedule
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person

LIVE = ["report_run.changed"]


def _no_runs() -> Empty:
    return Empty(
        title=gettext_lazy("No runs yet"),
        text=gettext_lazy("Whenever a report is drawn as a file, it stands here, and the file is kept for seven days."),
        icon="history",
    )


@require_GET
@policy("custom_reports.view")
def run_list(request: HttpRequest) -> HttpResponse:
    """Of all reports: one's own, and those of schedules that one looks after."""
    return list_page(
        request,
        queryset=selectors.run_list(user=person(request)),
        table=RunTable,
        filterset=RunFilter,
        template="desk/reports/runs.html",
        list_id="runs",
        caption=gettext_lazy("Runs of reports"),
        empty=_no_runs(),
        live=LIVE,
        count_limit=10_000,
    )


@require_GET
@policy("custom_reports.view")
def report_runs(request: HttpRequest, custom_report_id: UUID) -> HttpResponse:
    report = selectors.report_for(person(request), custom_report_id)

    class OfReport(RunFilter):
        q = None

    return list_page(
        request,
        queryset=selectors.run_list(user=person(request), report=report.pk),
        table=RunTable,
        table_kwargs={"exclude": ("report",)},
        filterset=OfReport,
        template="desk/reports/report_runs.html",
        list_id="runs",
        caption=gettext_lazy("Runs of reports"),
        empty=_no_runs(),
        live=LIVE,
        count_limit=10_000,
        context=frame(request, report, "runs"),
    )


@require_POST
@policy("custom_reports.view")
def run_start(request: HttpRequest, custom_report_id: UUID) -> HttpResponse:
    report = selectors.report_for(person(request), custom_report_id)
    form = RunForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a format and a language."))
        return redirect("custom_reports:detail", report.pk)
    said = form.cleaned_data
    try:
        asked = services.run_ask(
            report=report, by=person(request), kind=Format(said["format"]), language=said["language"]
        )
    except Denied:
        raise
    except DomainError as refusal:
        messages.error(request, refusal.errors[0].message if refusal.errors else str(refusal.message))
        return redirect("custom_reports:detail", report.pk)
    return redirect("custom_reports:run", asked.run.pk)


@require_GET
@policy("custom_reports.view")
def run_detail(request: HttpRequest, report_run_id: UUID) -> HttpResponse:
    run = selectors.run_for(person(request), report_run_id)
    return render(request, "desk/reports/run.html", _run(request, run))


@require_GET
@policy("custom_reports.view")
def run_live(request: HttpRequest, report_run_id: UUID) -> HttpResponse:
    run = selectors.run_for(person(request), report_run_id)
    return render(request, "desk/reports/run.html#run-state", _run(request, run))


@require_safe
@policy("custom_reports.view")
def run_file(request: HttpRequest, report_run_id: UUID) -> HttpResponseBase:
    run = selectors.run_for(person(request), report_run_id)
    try:
        file = services.run_file(run, person(request))
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
        return redirect("custom_reports:run", run.pk)
    assert file.current is not None
    return serving.respond(
        request, blob=file.current.blob, filename=file.filename, content_type=file.current.content_type
    )


@require_POST
@policy("custom_reports.view")
def run_retry(request: HttpRequest, report_run_id: UUID) -> HttpResponse:
    try:
        services.run_retry(id=report_run_id, by=person(request))
    except Denied:
        raise
    except IllegalTransition as refusal:
        messages.error(request, str(refusal.message))
    return redirect("custom_reports:run", report_run_id)


def _run(request: HttpRequest, run: ReportRun) -> dict[str, Any]:
    return {
        "run": run,
        "name": name_of(run.report),
        "badge": status_badge(run),
        "moving": run.status in (RunStatus.QUEUED, RunStatus.RUNNING),
        "file": downloadable(run, request),
        "mine": run.person_id == person(request).pk,
        "cut": run.shown is not None and run.rows is not None and run.shown < run.rows,
    }


# --- schedules --------------------------------------------------------------------------------------------
@require_GET
@policy("custom_reports.view")
def schedule_list(request: HttpRequest, custom_report_id: UUID) -> HttpResponse:
    report = selectors.report_for(person(request), custom_report_id)
    rows = [_told(row) for row in selectors.schedule_list(report=report)]
    context = frame(request, report, "schedules") | {"schedules": rows, "zone": _zone()}
    return render(request, "desk/reports/schedules.html", context)


@require_http_methods(["GET", "POST"])
@policy("custom_reports.edit")
def schedule_create(request: HttpRequest, custom_report_id: UUID) -> HttpResponse:
    report = selectors.report_for(person(request), custom_report_id)
    form = ScheduleForm(request.POST or None, user=person(request))
    if form.is_valid():
        try:
            schedules.schedule_create(report=report, data=form.wire(), by=person(request))
        except Denied:
            raise
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The schedule has been saved."))
            return redirect("custom_reports:schedules", report.pk)
    return _schedule_form(request, form, report, None)


@require_http_methods(["GET", "POST"])
@policy("custom_reports.edit")
def schedule_edit(request: HttpRequest, report_schedule_id: UUID) -> HttpResponse:
    schedule = selectors.schedule_for(person(request), report_schedule_id)
    form = ScheduleForm(request.POST or None, user=person(request), schedule=schedule)
    if form.is_valid():
        try:
            schedules.schedule_update(id=schedule.pk, data=form.wire(), by=person(request))
        except Denied:
            raise
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The schedule has been saved."))
            return redirect("custom_reports:schedules", schedule.report_id)
    return _schedule_form(request, form, schedule.report, schedule)


@require_POST
@policy("custom_reports.edit")
def schedule_pause(request: HttpRequest, report_schedule_id: UUID) -> HttpResponse:
    """Pause one that is active, go on with one that is paused."""
    schedule = selectors.schedule_for(person(request), report_schedule_id)
    try:
        schedules.schedule_update(id=schedule.pk, data={"isActive": not schedule.is_active}, by=person(request))
    except Denied:
        raise
    except DomainError as refusal:
        messages.error(request, refusal.errors[0].message if refusal.errors else str(refusal.message))
    return redirect("custom_reports:schedules", schedule.report_id)


@require_http_methods(["GET", "POST"])
@policy("custom_reports.edit")
def schedule_delete(request: HttpRequest, report_schedule_id: UUID) -> HttpResponse:
    schedule = selectors.schedule_for(person(request), report_schedule_id)
    if request.method == "POST":
        schedules.schedule_delete(id=schedule.pk, by=person(request))
        messages.success(request, _("The schedule has been deleted."))
        return redirect("custom_reports:schedules", schedule.report_id)
    context = frame(request, schedule.report, "schedules") | {"schedule": _told(schedule)}
    return render(request, "desk/reports/schedule_delete.html", context)


def _schedule_form(
    request: HttpRequest, form: ScheduleForm, report: CustomReport, schedule: ReportSchedule | None
) -> HttpResponse:
    context = frame(request, report, "schedules") | {
        "form": form,
        "schedule": schedule,
        "zone": _zone(),
        "may_share": may(request, "custom_reports.share"),
        "back": reverse("custom_reports:schedules", args=[report.pk]),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "desk/reports/schedule_form.html", context, status=status)


def _zone() -> str:
    return Organization.objects.values_list("time_zone", flat=True).get(pk=scope.organization_id())


def _told(schedule: ReportSchedule) -> dict[str, Any]:
    """A schedule in words."""
    at = f"\N{LEFT-TO-RIGHT ISOLATE}{schedule.hour:02}:{schedule.minute:02}\N{POP DIRECTIONAL ISOLATE}"
    match schedule.frequency:
        case Frequency.WEEKLY:
            when = _("Every week on %(day)s at %(time)s") % {"day": WEEKDAYS[schedule.weekday], "time": at}
        case Frequency.MONTHLY if schedule.month_day == 31:
            when = _("On the last day of each month at %(time)s") % {"time": at}
        case Frequency.MONTHLY:
            when = _("Every month on day %(day)s at %(time)s") % {"day": schedule.month_day, "time": at}
        case _:
            when = _("Every day at %(time)s") % {"time": at}
    roles = [str(role) for role in Role.objects.filter(key__in=schedule.roles, deleted_at=None).order_by("name", "id")]
    people = list(User.objects.filter(pk__in=schedule.people).order_by("name", "id").values_list("name", flat=True))
    found = schedules.recipients(schedule)
    return {
        "row": schedule,
        "when": when,
        "roles": roles,
        "people": people,
        "reached": sum(1 for one in found if one.skipped is None),
        "left_out": [(one.user.name, one.skipped.label) for one in found if one.skipped],
    }
