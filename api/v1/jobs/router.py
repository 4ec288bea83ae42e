"""Work in the background: what an answer 202 points to."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query

from api.kit import SIGNED_IN, Page, Router, paginate
from api.v1.jobs.schemas import JobOut, JobQuery
from api.v1.projects.router import me
from portal.core.common.errors import NotFound
from portal.core.jobs import overview
from portal.core.jobs.tasks import job_as_wire

router = Router(tags=["jobs"])


@router.get("/jobs", policy=SIGNED_IN, response=list[JobOut], summary="Jobs")
def job_list(request: HttpRequest, query: Query[JobQuery]) -> Page:
    """Those that you started, and with the right organization.edit all of the organisation. Newest first."""
    rows = overview.jobs_seen(me(request))
    return paginate(overview.job_filter(rows, statuses=list(query.status), kind=query.kind), query, job_as_wire)


@router.get("/jobs/{id:job_id}", policy=SIGNED_IN, response=JobOut, summary="One job")
def job_detail(request: HttpRequest, job_id: UUID) -> dict[str, Any]:
    """Ask again while `status` is queued or running, at most every second or as `Retry-After` said."""
    job = overview.jobs_seen(me(request)).filter(pk=job_id).first()
    if job is None:
        raise NotFound(_("There is no such job."))
    return job_as_wire(job)
