"""Every job of the worker measured, with a span and log lines of its own; `settings.PROCRASTINATE_WORKER_DEFAULTS`."""

import time
from typing import Any

from portal.core.monitoring import logs, traces
from portal.core.monitoring.counters import counted


async def measure(call_next: Any, context: Any, worker: Any) -> Any:
    task, job = str(context.job.task_name), str(context.job.id)
    began, state = time.perf_counter(), "failed"
    with logs.during_job(job=job, task=task), traces.job_span(task, **{"marsad.job": job}):
        try:
            result = await call_next()
            state = "succeeded"
            return result
        finally:
            counted("jobs", ms=(time.perf_counter() - began) * 1000, task=task, state=state)
