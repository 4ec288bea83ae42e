"""What administrators see of the work in the background, and trying failed work again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from croniter import croniter
from django.db import connection
from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinatePeriodicDefer

from portal.core.common import clock
from portal.core.common.errors import Conflict, NotFound
from portal.core.common.text import normalise
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import TITLES


@dataclass(frozen=True, slots=True)
class Periodic:
    """Housekeeping by the clock: `last` and how it ended, `next` by the cron expression (UTC)."""

    name: str
    cron: str
    last: datetime | None
    status: str
    next: datetime


def job_list(*, statuses: list[str] | None = None, search: str = "") -> QuerySet[Job]:
    """Jobs of the scope in force, the latest first; `search` is part of the name or of the title as people read it."""
    found = Job.objects.select_related("created_by", "organization").order_by("-created_at", "-id")
    if search:
        titled = [name for name, title in TITLES.items() if normalise(search) in normalise(str(title))]
        found = found.filter(Q(kind__icontains=search) | Q(kind__in=titled))
    return job_filter(found, statuses=statuses)


def job_filter(rows: QuerySet[Job], *, statuses: Sequence[str] | None = None, kind: str = "") -> QuerySet[Job]:
    if statuses:
        rows = rows.filter(status__in=statuses)
    return rows.filter(kind__icontains=kind) if kind else rows


def jobs_seen(user: Any) -> QuerySet[Job]:
    """Of the scope in force: those that the person started, for its administrators all; the latest first."""
    rows = Job.objects.order_by("-created_at", "-id")
    return rows if user.has_permission("organization.edit") else rows.filter(created_by=user.pk)


def periodic_list() -> list[Periodic]:
    """Every task that runs by the clock, by name."""
    seen = dict(ProcrastinatePeriodicDefer.objects.values_list("task_name").annotate(at=Max("defer_timestamp")))
    states = {
        (row.task_name, row.defer_timestamp): row.job.status if row.job else "succeeded"
        for row in ProcrastinatePeriodicDefer.objects.filter(defer_timestamp__in=seen.values()).select_related("job")
    }
    now = clock.now()
    return [
        Periodic(
            name=name,
            cron=task.cron,
            last=datetime.fromtimestamp(seen[name], UTC) if name in seen else None,
            status=states.get((name, seen.get(name, 0)), ""),
            next=croniter(task.cron, now).get_next(datetime),
        )
        for (name, _id), task in sorted(app.periodic_registry.periodic_tasks.items())
    ]


def broken_list(*, limit: int = 50) -> QuerySet[ProcrastinateJob]:
    """Failed work of no organisation, such as housekeeping and mails: the latest first."""
    failed = ProcrastinateJob.objects.filter(status="failed").exclude(args__has_key="job")
    return failed.order_by("-id")[:limit]


def job_retry(*, id: UUID) -> Job:
    """Start a failed job of the scope in force once more. Raises NotFound, and Conflict where it did not fail or the
    queue has forgotten it (after three days)."""
    job = Job.objects.select_for_update().filter(pk=id).first()
    if job is None:
        raise NotFound(_("There is no such job."))
    queued = ProcrastinateJob.objects.filter(args__job=str(job.pk), status="failed").order_by("-id").first()
    if job.status != Job.Status.FAILED or queued is None:
        raise Conflict(_("This job cannot be started again."), code="NOT_FAILED")
    _again(queued.pk)
    job.status, job.error, job.progress, job.finished_at, job.attempt = Job.Status.QUEUED, "", 0, None, 0
    job.save(update_fields=["status", "error", "progress", "finished_at", "attempt", "updated_at"])
    return job


def broken_retry(*, id: int) -> None:
    """Start failed work of no organisation once more. Raises NotFound."""
    if not ProcrastinateJob.objects.filter(pk=id, status="failed").exclude(args__has_key="job").exists():
        raise NotFound(_("There is no such job."))
    _again(id)


def _again(queued: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT procrastinate_retry_job_v2(%s, now(), NULL, NULL, NULL)", [queued])
