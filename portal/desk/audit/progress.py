"""Long work of the audit pages: its progress lives in the database, so it survives a reload and shows to everybody."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from portal.core.common import clock
from portal.core.jobs.models import Job

# A job that nobody has touched for so long has died with its worker, and does not keep others out.
ALIVE: Final = timedelta(hours=1)


def newest_job(kind: str) -> Job | None:
    """The organisation's newest job of a kind, whoever started it."""
    return Job.objects.filter(kind=kind).order_by("-created_at", "-id").first()


def is_running(job: Job) -> bool:
    return job.status in (Job.Status.QUEUED, Job.Status.RUNNING) and job.updated_at > clock.now() - ALIVE


def worth_showing(job: Job | None, *, since: datetime | None) -> Job | None:
    """The job as long as it runs, or where it failed and nothing has succeeded after it."""
    if job is None or is_running(job):
        return job
    return job if job.status == Job.Status.FAILED and (since is None or job.created_at > since) else None


def progress(request: HttpRequest, job: Job | None, *, url_name: str) -> HttpResponse:
    """The bar of a running job as a fragment; at its end the page is loaded again, which shows what came of it."""
    if job is None or not is_running(job):
        return HttpResponse(status=HTTPStatus.OK, headers={"HX-Refresh": "true"})
    return render(request, "audit/job.html", {"job": job, "job_url": reverse(url_name)})
