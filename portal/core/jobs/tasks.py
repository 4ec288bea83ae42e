"""Background work: declared in a room's `jobs.py`, deferred by services, run by `manage.py procrastinate worker`.

    @job(name="lab.report", title=gettext_lazy("Compliance report"), retry=2, queue="reports")
    def issue(running: Running, *, report: str) -> dict[str, str]:
        running.progress(1, 3)
        ...
        return {"fileId": ...}

    defer(issue, report=report.pk)

A job runs at least once and takes effect once: its work and its success commit together, a start that was overtaken
by a later one cannot commit, and a failed or killed one leaves nothing behind.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from procrastinate import JobContext, RetryDecision
from procrastinate import jobs as queue_jobs
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy

from portal.core.common import clock
from portal.core.common.errors import DomainError, NotFound
from portal.core.jobs.models import Job
from portal.core.tenancy import scope
from portal.core.tenancy.scope import Actor, platform, tenant

MAX_STARTS: Final = 8  # retries and killed workers together; more often than that the job itself kills them
PROGRESS_SECONDS: Final = 0.5
_HOUSEKEEPER: Final = Actor(via="job")

TITLES: Final[dict[str, str | Promise]] = {}  # of the jobs of organisations, by name

logger = logging.getLogger(__name__)
_listeners: list[Callable[[Job], object]] = []


class Overtaken(Exception):
    """Another start of the same job has taken over; this one must not commit."""


class Backoff(BaseRetryStrategy):
    """Try again after 5, 15, 45 … seconds, `retries` times; what the domain refuses is refused for good."""

    def __init__(self, retries: int) -> None:
        self.retries = retries

    def get_retry_decision(self, *, exception: BaseException, job: queue_jobs.Job) -> RetryDecision | None:
        if isinstance(exception, DomainError | Overtaken) or job.attempts >= self.retries:
            return None
        return RetryDecision(retry_in={"seconds": 5 * 3**job.attempts})


@dataclass(frozen=True, slots=True)
class Work:
    """A declared job: what `defer` takes. Calling it runs the body."""

    name: str
    queue: str
    body: Callable[..., Any]

    def __call__(self, running: "Running", **arguments: Any) -> Any:
        return self.body(running, **arguments)


@dataclass(slots=True)
class Running:
    """The start of a job that is under way."""

    job: UUID
    organization: UUID
    by: Actor
    attempt: int = 0
    _percent: int = 0
    _reported: float = 0.0

    def progress(self, done: int, total: int) -> None:
        """Show how far the work is, twice a second at most. Commits on a connection of its own, so it shows at once."""
        percent = min(99, max(0, 100 * done // total)) if total > 0 else 0
        if percent == self._percent or time.monotonic() - self._reported < PROGRESS_SECONDS:
            return
        self._percent, self._reported = percent, time.monotonic()
        with ThreadPoolExecutor(1) as thread:
            thread.submit(self._progress_apart).result()

    def _progress_apart(self) -> None:
        try:
            with tenant(self.organization, by=self.by):
                self.change(progress=self._percent)
        finally:
            connection.close()

    def apart[T](self, step: Callable[[], T]) -> T:
        """Run `step` in the organisation, in a transaction of its own that commits at once: for long work that holds no
        lock throughout and that a restart takes up where it stopped. Raises Overtaken, and leaves nothing of the step,
        where a later start has taken the job over."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(self._apart, step).result()

    def _apart[T](self, step: Callable[[], T]) -> T:
        try:
            with tenant(self.organization, by=self.by):
                made = step()
                mine = Job.objects.filter(pk=self.job, attempt=self.attempt, status=Job.Status.RUNNING)
                if not mine.select_for_update().exists():
                    raise Overtaken(f"job {self.job}, start {self.attempt}")
                return made
        finally:
            connection.close()

    def change(self, **values: Any) -> bool:
        """Change the job's row unless a later start has taken over; needs the scope. True when it was changed."""
        mine = Job.objects.filter(pk=self.job, attempt=self.attempt, status=Job.Status.RUNNING)
        changed = mine.update(updated_at=clock.now(), **values) == 1
        if changed:
            _tell(self.job)
        return changed

    def start(self) -> bool:
        """Take the job over; False when it is done already or has been started too often."""
        with tenant(self.organization, by=self.by):
            found = Job.objects.filter(pk=self.job, status__in=[Job.Status.QUEUED, Job.Status.RUNNING])
            now = clock.now()
            if not found.update(
                status=Job.Status.RUNNING,
                attempt=F("attempt") + 1,
                started_at=Coalesce("started_at", now),
                progress=0,
                updated_at=now,
            ):
                return False
            self.attempt = Job.objects.get(pk=self.job).attempt
            if self.attempt > MAX_STARTS:
                self.change(status=Job.Status.FAILED, error=_broken(self.job), finished_at=now)
                return False
            _tell(self.job)
            return True

    def succeed(self, result: Any) -> None:
        """Inside the transaction of the work."""
        if not self.change(status=Job.Status.SUCCEEDED, progress=100, result=result, finished_at=clock.now()):
            raise Overtaken(f"job {self.job}, start {self.attempt}")

    def fail(self, error: Exception, *, again: bool) -> None:
        with tenant(self.organization, by=self.by):
            if again:
                self.change(status=Job.Status.QUEUED, progress=0)
            else:
                reason = str(error.message) if isinstance(error, DomainError) else _broken(self.job)
                self.change(status=Job.Status.FAILED, error=reason, finished_at=clock.now())


def job(
    *, name: str, title: str | Promise, retry: int = 3, queue: str = "default"
) -> Callable[[Callable[..., Any]], Work]:
    """Declare background work of an organisation; `title` is what its people read.

    The body gets a `Running` and the keyword arguments of `defer` as JSON values (ids come as text). It runs as the
    person who deferred it, in one transaction inside their organisation, in their language, and returns what
    `GET /jobs/{id}` shows as `result` (JSON or None). A DomainError fails the job with its message; any other
    exception is tried again `retry` times.
    """

    def declare(body: Callable[..., Any]) -> Work:
        work = Work(name, queue, body)
        TITLES[name] = title
        app.task(name=name, queue=queue, retry=Backoff(retry), pass_context=True)(partial(_perform, work))
        return work

    return declare


def defer(work: Work, **arguments: Any) -> Job:
    """Queue `work` for the organisation in force, if and when the transaction in force commits.

    Raises LookupError outside of an organisation's scope, TypeError for arguments that are not JSON.
    """
    organization, actor = scope.organization_id(), scope.actor()
    row = Job.objects.create(organization_id=organization, kind=work.name, created_by_id=actor.user)
    kwargs = {
        "job": row.pk,
        "organization": organization,
        "actor": {name: value for name, value in asdict(actor).items() if value},
        "language": translation.get_language(),
        "arguments": arguments,
    }
    _queue(work, kwargs)
    _tell(row.pk)
    return row


def pending(work: Work, **arguments: Any) -> Job | None:
    """The job of the organisation in force that waits or runs with exactly these arguments: who asks twice for the same
    work looks on instead of queueing it again."""
    waiting = ProcrastinateJob.objects.filter(
        task_name=work.name, status__in=["todo", "doing"], args__arguments=arguments
    )
    return Job.objects.filter(pk__in=[row.args["job"] for row in waiting]).order_by("-created_at", "-id").first()


def _queue(work: Work, arguments: dict[str, Any]) -> None:
    # Django's own connection, also in a worker, whose app has another one: the job belongs to this transaction.
    JobManager(DjangoConnector()).defer_job(
        queue_jobs.Job(
            id=None,
            queue=work.queue,
            lock=None,
            queueing_lock=None,
            task_name=work.name,
            task_kwargs=orjson.loads(orjson.dumps(arguments)),
        )
    )


def platform_job(*, name: str, retry: int = 3, queue: str = "default") -> Callable[[Callable[..., object]], Work]:
    """Declare background work of no organisation, such as a mail to somebody whose organisation is not known yet.

    The body gets the keyword arguments of `defer_platform` as JSON values and runs in a platform scope, in the
    language of whoever deferred it. Nobody sees its progress.
    """

    def declare(body: Callable[..., object]) -> Work:
        def run(language: str | None, arguments: dict[str, Any]) -> None:
            with translation.override(language), platform(by=_HOUSEKEEPER):
                body(**arguments)

        app.task(name=name, queue=queue, retry=Backoff(retry))(run)
        return Work(name, queue, body)

    return declare


def defer_platform(work: Work, **arguments: Any) -> None:
    """Queue work of `platform_job`, if and when the transaction in force commits."""
    _queue(work, {"language": translation.get_language(), "arguments": arguments})


def _perform(
    work: Work,
    context: JobContext,
    *,
    job: str,
    organization: str,
    actor: dict[str, Any],
    language: str | None,
    arguments: dict[str, Any],
) -> None:
    ids: dict[str, Any] = {name: UUID(actor[name]) for name in ("user", "impersonator") if name in actor}
    running = Running(UUID(job), UUID(organization), replace(Actor(**actor | ids), via="job"))
    with translation.override(language):
        if not running.start():
            return
        try:
            with tenant(running.organization, by=running.by):
                running.succeed(work.body(running, **arguments))
        except Exception as error:
            running.fail(error, again=context.task.get_retry_exception(error, context.job) is not None)
            raise


def periodic(*, cron: str, name: str) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Declare housekeeping that runs by the clock (UTC), in a platform scope, once however many workers there are."""

    def declare(body: Callable[[], object]) -> Callable[[], object]:
        def run(timestamp: int) -> None:
            with platform(by=_HOUSEKEEPER):
                body()

        app.periodic(cron=cron)(app.task(name=name, queueing_lock=name)(run))
        return body

    return declare


def on_change(listener: Callable[[Job], object]) -> None:
    """`listener(job)` is called in the transaction that changes a job."""
    _listeners.append(listener)


def job_get(*, id: UUID, user: UUID) -> Job:
    """The job that `user` started. Raises NotFound for another person's."""
    found = Job.objects.filter(pk=id, created_by=user).first()
    if found is None:
        raise NotFound(gettext("There is no such job"))
    return found


def job_as_wire(job: Job) -> dict[str, Any]:
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "status": job.status,
        "progress": job.progress,
        "result": job.result,
        "error": job.error or None,
    }


def _tell(job_id: UUID) -> None:
    row = Job.objects.get(pk=job_id)
    for listener in _listeners:
        listener(row)


def _broken(job_id: UUID) -> str:
    return gettext("The work stopped because of an error on the server. Reference: %(id)s") % {"id": job_id}
