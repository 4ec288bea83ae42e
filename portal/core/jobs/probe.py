"""Whether somebody does the work in the background, and how long it waits."""

from typing import Final

from django.db import connection

from portal.core.common.health import Finding, State
from portal.core.monitoring.prometheus import Gauge

ALIVE: Final = 30  # seconds since a worker's last sign of life
LATE: Final = 300  # seconds that a job may wait before somebody should look


def queue() -> Finding:
    """Workers, jobs by state, and the age in seconds of the oldest job that is due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM procrastinate_workers"
            "        WHERE last_heartbeat > now() - make_interval(secs => %s)),"
            " count(*) FILTER (WHERE status = 'doing'),"
            " count(*) FILTER (WHERE status = 'todo'),"
            " count(*) FILTER (WHERE status = 'failed'),"
            " (SELECT coalesce(extract(epoch FROM now() - min(coalesce(due.scheduled_at, e.at))), 0)"
            "  FROM procrastinate_jobs due JOIN procrastinate_events e ON e.job_id = due.id AND e.type = 'deferred'"
            "  WHERE due.status = 'todo' AND coalesce(due.scheduled_at, e.at) <= now())"
            " FROM procrastinate_jobs WHERE status IN ('doing', 'todo', 'failed')",
            [ALIVE],
        )
        workers, doing, waiting, failed, age = cursor.fetchone()
    state = State.UNHEALTHY if not workers else State.DEGRADED if age > LATE else State.HEALTHY
    facts = {
        "hangfireEnabled": workers > 0,
        "workers": workers,
        "activeJobs": doing,
        "scheduledJobs": waiting,
        "failedJobs": failed,
        "queueAgeSeconds": round(float(age), 1),
    }
    return Finding(state, facts)


def gauges() -> list[Gauge]:
    """Depth of the queues by state, workers, and the age of the oldest job that is due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT queue_name, status::text, count(*) FROM procrastinate_jobs"
            " WHERE status IN ('todo', 'doing', 'failed') GROUP BY 1, 2"
        )
        depths = [((queue, status), float(count)) for queue, status, count in cursor.fetchall()]
    facts = queue().facts
    return [
        Gauge("queue_jobs", "Jobs in the queue by state", ("queue", "status"), depths),
        Gauge("queue_workers", "Workers alive", (), [((), float(facts["workers"]))]),
        Gauge("queue_age_seconds", "How long the oldest due job has waited", (), [((), facts["queueAgeSeconds"])]),
    ]
