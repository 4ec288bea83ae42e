"""Which reports, runs and schedules a person sees."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import NotFound
from portal.core.common.text import normalise
from portal.desk.reports import sources
from portal.desk.reports.models import CustomReport, ReportRun, ReportSchedule, ReportVersion


def reports_seen(user: User) -> QuerySet[CustomReport]:
    """Own ones and shared ones about what the person may see."""
    rows: QuerySet[CustomReport] = CustomReport.objects.filter(deleted_at=None, source__in=list(sources.seen(user)))
    return rows.filter(Q(shared=True) | Q(owner=user))


def report_list(
    *,
    user: User,
    search: str = "",
    sources: Collection[str] = (),
    mine: bool | None = None,
    scheduled: bool | None = None,
) -> QuerySet[CustomReport]:
    """Last changed first. `mine`: one's own, or those of others."""
    rows = reports_seen(user)
    for word in normalise(search).split():
        rows = rows.filter(search_text__contains=word)
    if sources:
        rows = rows.filter(source__in=sources)
    if mine is not None:
        rows = rows.filter(owner=user) if mine else rows.exclude(owner=user)
    if scheduled is not None:
        active = Exists(ReportSchedule.objects.filter(report=OuterRef("pk"), is_active=True))
        rows = rows.filter(active if scheduled else ~active)
    return rows.select_related("owner").order_by("-updated_at", "-id")


def report_for(user: User, id: UUID) -> CustomReport:
    """Raises NotFound for an unknown, deleted, foreign or unseen one."""
    found = reports_seen(user).select_related("owner").filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such report."))
    return found


def may_change(user: User, report: CustomReport) -> bool:
    """One's own; shared ones of others with the right to share. Built-in ones are copied instead."""
    if report.builtin or not user.has_permission("custom_reports.edit"):
        return False
    return report.owner_id == user.pk or user.has_permission("custom_reports.share")


def may_schedule(user: User, report: CustomReport) -> bool:
    return user.has_permission("custom_reports.edit") and (
        report.owner_id == user.pk or bool(report.builtin) or user.has_permission("custom_reports.share")
    )


def version_list(*, report: CustomReport) -> QuerySet[ReportVersion]:
    rows: QuerySet[ReportVersion] = ReportVersion.objects.filter(report=report).select_related("created_by")
    return rows.order_by("-number", "-id")


def version_for(report: CustomReport, number: int) -> ReportVersion:
    found = ReportVersion.objects.filter(report=report, number=number).first()
    if found is None:
        raise NotFound(_("There is no such version."))
    return found


def runs_seen(user: User) -> QuerySet[ReportRun]:
    """Runs for the person, and those of the schedules that they may change: of others' runs they see what came of them,
    never the file."""
    rows: QuerySet[ReportRun] = ReportRun.objects.filter(report__in=reports_seen(user).order_by().values("pk"))
    if user.has_permission("custom_reports.share"):
        return rows.filter(Q(person=user) | Q(schedule__isnull=False))
    return rows.filter(Q(person=user) | Q(schedule__created_by=user))


def run_list(*, user: User, report: UUID | None = None, statuses: Collection[str] = ()) -> QuerySet[ReportRun]:
    """Newest first."""
    rows = runs_seen(user)
    if report is not None:
        rows = rows.filter(report=report)
    if statuses:
        rows = rows.filter(status__in=statuses)
    return rows.select_related("report", "person", "job", "file__current__blob").order_by("-created_at", "-id")


def run_for(user: User, id: UUID) -> ReportRun:
    found = run_list(user=user).filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such run."))
    return found


def schedule_list(*, report: CustomReport) -> QuerySet[ReportSchedule]:
    rows: QuerySet[ReportSchedule] = ReportSchedule.objects.filter(report=report).select_related("created_by")
    return rows.order_by("created_at", "id")


def schedule_for(user: User, id: UUID) -> ReportSchedule:
    """Of a report that the person sees."""
    rows = ReportSchedule.objects.filter(report__in=reports_seen(user).order_by().values("pk"))
    found = rows.select_related("report__owner").filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such schedule."))
    return found
