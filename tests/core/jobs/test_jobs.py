"""Background work runs in its tenant, once, and says how it went."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections, transaction
from django.utils import translation
from django.utils.translation import gettext_lazy
from procrastinate import App
from procrastinate.contrib.django import app

from portal.core.accounts import jobs as accounts_jobs
from portal.core.accounts.models import LoginFailure, RevokedToken, User
from portal.core.common import clock
from portal.core.common.errors import DomainError, NotFound
from portal.core.jobs import jobs as housekeeping
from portal.core.jobs import tasks
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import Running, defer, job, job_as_wire, job_get
from portal.core.notifications import jobs as notifications_jobs
from portal.core.notifications.models import Event
from portal.core.sync import jobs as sync_jobs
from portal.core.sync.models import IdempotencyKey, ItemKey
from portal.core.tenancy import scope
from portal.core.tenancy.scope import platform, tenant
from tests.core.people import Cast

pytestmark = pytest.mark.django_db(transaction=True)
seen: list[Any] = []
trouble: list[Exception] = []


@job(name="tests.look", title="Look", retry=0)
def look(running: Running, *, record: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, count(*) FROM accounts_user WHERE organization_id IS NOT NULL GROUP BY 1")
        role, people = cursor.fetchone()
    who = scope.actor()
    return {
        "record": record,
        "role": role,
        "people": people,
        "user": str(who.user),
        "via": who.via,
        "language": translation.get_language(),
    }


@job(name="tests.rename", title="Rename", retry=1)
def rename(running: Running, *, to: str) -> None:
    User.objects.filter(pk=running.by.user).update(department=to)
    if trouble:
        raise trouble.pop()


@job(name="tests.count", title="Count", retry=0)
def count(running: Running) -> None:
    for done in range(4):
        running.progress(done, 4)
        seen.append(status_elsewhere(running.job))


def status_elsewhere(pk: UUID) -> int:
    """What another connection sees while the work goes on."""
    from concurrent.futures import ThreadPoolExecutor

    def look() -> int:
        try:
            with platform():
                return Job.objects.get(pk=pk).progress
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(look).result()


@pytest.fixture
def cast() -> Cast:
    seen.clear()
    trouble.clear()
    return Cast()


@pytest.fixture(autouse=True)
def short_lived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)  # the worker's threads end with it


def work() -> None:
    """One worker, until the queue is empty."""
    worker: App
    with app.replace_connector(app.connector.get_worker_connector()) as worker:  # type: ignore[attr-defined]
        worker.run_worker(wait=False, install_signal_handlers=False, listen_notify=False)


def start(cast: Cast, task: tasks.Work, **arguments: Any) -> Job:
    with tenant(cast.a.pk, by=cast.alice.actor(via="portal")):
        return defer(task, **arguments)


def now(row: Job) -> Job:
    with platform():
        return Job.objects.get(pk=row.pk)


def queued() -> list[tuple[str, str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT task_name, status::text, attempts FROM procrastinate_jobs WHERE task_name LIKE 'tests.%'"
        )
        return cursor.fetchall()


def due_at_once() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL")


def test_a_job_runs_as_the_person_in_their_tenant_and_language(cast: Cast) -> None:
    record = uuid4()
    with translation.override("ar"):
        row = start(cast, look, record=record)
    assert job_as_wire(row) == {
        "id": str(row.pk), "kind": "tests.look", "status": "queued", "progress": 0, "result": None, "error": None
    }  # fmt: skip

    work()

    wire = job_as_wire(now(row))
    assert (wire["status"], wire["progress"], wire["error"]) == ("succeeded", 100, None)
    assert wire["result"] == {
        "record": str(record),
        "role": "marsad_app",
        "people": 3,
        "user": str(cast.alice.pk),
        "via": "job",
        "language": "ar",
    }
    assert now(row).created_by_id == cast.alice.pk
    with platform():
        told = Event.objects.filter(type="job.changed")
        assert [event.groups for event in told] == [[f"user.{cast.alice.pk}"]] * 3


def test_what_rolls_back_queues_nothing(cast: Cast) -> None:
    with transaction.atomic():
        start(cast, look, record="x")
        transaction.set_rollback(True)

    assert queued() == []


def test_a_job_needs_an_organisation() -> None:
    with pytest.raises(LookupError), platform():
        defer(look, record="x")

    assert queued() == []


def test_progress_shows_while_the_work_goes_on(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PROGRESS_SECONDS", 0)
    start(cast, count)

    work()

    assert seen == [0, 25, 50, 75]


def test_a_refusal_fails_the_job_with_its_reason_and_undoes_the_work(cast: Cast) -> None:
    trouble.append(DomainError(gettext_lazy("E-mail address"), code="NO"))
    row = start(cast, rename, to="Nowhere")

    work()

    after = now(row)
    assert (after.status, after.error, after.attempt) == ("failed", "E-mail address", 1)
    assert after.finished_at is not None
    assert department(cast) == ""
    assert queued() == [("tests.rename", "failed", 1)]


def department(cast: Cast) -> str:
    with platform():
        return User.objects.get(pk=cast.alice.pk).department


def test_an_accident_is_tried_again(cast: Cast) -> None:
    trouble.append(RuntimeError("the disk fell off"))
    row = start(cast, rename, to="Water")

    work()
    assert (now(row).status, department(cast), queued()) == ("queued", "", [("tests.rename", "todo", 1)])
    due_at_once()
    work()

    assert (now(row).status, now(row).attempt, department(cast)) == ("succeeded", 2, "Water")


def test_an_accident_too_many_fails_without_showing_internals(cast: Cast) -> None:
    trouble.extend([RuntimeError("secret 1"), RuntimeError("secret 2")])
    row = start(cast, rename, to="Water")

    work()
    due_at_once()
    work()

    after = now(row)
    assert after.status == "failed"
    assert str(row.pk) in after.error
    assert "secret" not in after.error
    assert department(cast) == ""


def test_the_job_of_a_killed_worker_is_done_by_the_next_one(cast: Cast) -> None:
    with connection.cursor() as cursor:  # housekeeping that was killed too, and whose next round is queued already
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, queueing_lock, status)"
            " VALUES ('default', 'tests.tidy', '{}', 'tests.tidy', 'doing'),"
            " ('later', 'tests.tidy', '{}', 'tests.tidy', 'todo')"
        )
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 day'")
    row = start(cast, rename, to="Water")
    with connection.cursor() as cursor:  # what a worker leaves that was killed at work two minutes ago
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '2 minutes') RETURNING id"
        )
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE task_name = 'tests.rename'",
            cursor.fetchone(),
        )
    with platform():
        Job.objects.filter(pk=row.pk).update(status="running", attempt=1)

    housekeeping.recover.configure().defer(timestamp=0)
    work()
    work()

    assert (now(row).status, now(row).attempt, department(cast)) == ("succeeded", 2, "Water")
    assert sorted(queued())[1:] == [("tests.tidy", "aborted", 1), ("tests.tidy", "todo", 0)]


def test_a_start_that_was_overtaken_commits_nothing(cast: Cast) -> None:
    row = start(cast, rename, to="Water")
    slow = Running(row.pk, cast.a.pk, cast.alice.actor())
    assert slow.start()
    assert Running(row.pk, cast.a.pk, cast.alice.actor()).start()

    with pytest.raises(tasks.Overtaken), tenant(cast.a.pk, by=slow.by):
        slow.succeed(rename(slow, to="Twice"))

    assert (department(cast), now(row).status) == ("", "running")


def test_a_job_that_is_done_is_not_done_again(cast: Cast) -> None:
    row = start(cast, rename, to="Water")
    work()

    assert not Running(row.pk, cast.a.pk, cast.alice.actor()).start()

    assert (now(row).status, now(row).attempt) == ("succeeded", 1)


def test_a_job_that_kills_every_worker_is_given_up(cast: Cast) -> None:
    row = start(cast, rename, to="Water")
    with platform():
        Job.objects.filter(pk=row.pk).update(status="running", attempt=tasks.MAX_STARTS)

    work()

    assert (now(row).status, department(cast)) == ("failed", "")


def test_a_person_sees_their_own_jobs(cast: Cast) -> None:
    row = start(cast, look, record="x")

    with tenant(cast.a.pk):
        assert job_get(id=row.pk, user=cast.alice.pk) == row
        with pytest.raises(NotFound):
            job_get(id=row.pk, user=cast.bob.pk)
    with tenant(cast.b.pk), pytest.raises(NotFound):
        job_get(id=row.pk, user=cast.alice.pk)


@pytest.mark.covers("002-JOB-04", "004-IDEM-02", "004-IDEM-06")
def test_housekeeping_removes_what_is_old_and_nothing_else(cast: Cast) -> None:
    def ago(**time: int) -> Any:
        return clock.now() - timedelta(**time)

    with tenant(cast.a.pk):
        for hours in (71, 73):
            more = {"organization_id": cast.a.pk, "fingerprint": b"", "created_at": ago(hours=hours)}
            IdempotencyKey.objects.create(scope="POST", key=str(hours), **more)
            ItemKey.objects.create(device="d", key=str(hours), **more)
        for hours in (23, 25):
            Event.objects.create(
                organization_id=cast.a.pk, type=str(hours), text="{}", at=ago(hours=hours), xid=1, seen="1:1:"
            )
            failure = LoginFailure.objects.create(identifier=str(hours))
            LoginFailure.objects.filter(pk=failure.pk).update(at=ago(hours=hours))
        alive = RevokedToken.objects.create(jti=uuid4(), expires_at=clock.now() + timedelta(minutes=1))
        RevokedToken.objects.create(jti=uuid4(), expires_at=ago(minutes=1))

    with platform():
        for purge in (
            sync_jobs.purge_keys, notifications_jobs.purge_events, accounts_jobs.purge_tokens, housekeeping.purge
        ):  # fmt: skip
            purge()

    with platform():
        assert [key.key for key in IdempotencyKey.objects.all()] == ["71"]
        assert [key.key for key in ItemKey.objects.all()] == ["71"]
        assert [event.type for event in Event.objects.all()] == ["23"]
        assert [failure.identifier for failure in LoginFailure.objects.all()] == ["23"]
        assert list(RevokedToken.objects.all()) == [alive]


@pytest.mark.covers("002-JOB-04")
def test_the_clock_knows_every_housekeeper() -> None:
    assert {name for name, _ in app.periodic_registry.periodic_tasks} == {
        "accounts.expire",
        "accounts.purge_tokens",
        "audit.alerts",
        "audit.checkpoints",
        "audit.retention",
        "audit.seal",
        "audit.send_checkpoints",
        "audit.verify",
        "collect.deliver_due",
        "collect.purge",
        "collect.statistics",
        "contracts.hourly",
        "crm.close_tickets",
        "crm.customers_import_purge",
        "crm.sla",
        "files.forget_exports",
        "files.rescan",
        "files.scan_again",
        "files.sweep",
        "jobs.purge",
        "jobs.purge_queue",
        "jobs.recover",
        "lab.import_purge",
        "monitoring.roll_up",
        "notifications.deliver",
        "notifications.purge",
        "notifications.purge_events",
        "reports.due",
        "reports.forget",
        "survey.areas_by_clock",
        "survey.attachments_waiting",
        "survey.sweep_attachments",
        "sales.snapshot",
        "sync.purge_keys",
        "sync.purge_tombstones",
        "sync.purge_uploads",
    }
