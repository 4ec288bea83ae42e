"""The queue's own housekeeping."""

from datetime import timedelta

from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

from portal.core.common import clock
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import periodic

KEPT = timedelta(days=30)


@app.periodic(cron="* * * * *")
@app.task(name="jobs.recover", queueing_lock="jobs.recover", pass_context=True)
async def recover(context: JobContext, timestamp: int) -> None:
    """Queue again what a worker was doing when it was killed (no heartbeat for 30 s)."""
    jobs = context.app.job_manager
    for stalled in await jobs.get_stalled_jobs():
        try:
            await jobs.retry_job(stalled)
        except UniqueViolation:  # housekeeping whose next round is queued already: that one does its work
            await jobs.finish_job(stalled, status=Status.ABORTED, delete_job=False)


@app.periodic(cron="20 3 * * *")
@app.task(name="jobs.purge_queue", queueing_lock="jobs.purge_queue", pass_context=True)
async def purge_queue(context: JobContext, timestamp: int) -> None:
    await context.app.job_manager.delete_old_jobs(nb_hours=72, include_failed=True, include_cancelled=True)


@periodic(cron="25 3 * * *", name="jobs.purge")
def purge() -> None:
    Job.objects.filter(created_at__lt=clock.now() - KEPT).delete()
