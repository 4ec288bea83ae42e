"""The job of an import: each batch commits by itself, and a start after a kill does not repeat or lose any."""

from uuid import UUID

import pytest

from portal.core.jobs.models import Job
from portal.core.jobs.tasks import Running
from portal.core.tenancy.scope import platform, tenant
from portal.lab.imports import services
from portal.lab.imports.models import ImportRun
from portal.lab.jobs import import_purge, import_step
from tests.core.people import Cast
from tests.lab.imports.test_imports import many
from tests.lab.imports.work import check, count, fresh, rows, upload

pytestmark = pytest.mark.django_db(transaction=True)


def start(run: ImportRun, cast: Cast) -> dict[str, str]:
    """What a worker does with the queued job."""
    job = fresh(run).job_id
    assert job is not None
    running = Running(job, cast.a.pk, cast.alice.actor())
    assert running.start()
    with tenant(cast.a.pk, by=running.by):
        result: dict[str, str] = import_step(running, run=str(run.pk))
        running.succeed(result)
    return result


def test_a_killed_worker_leaves_whole_batches_and_the_next_one_goes_on(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "BATCH", 10)
    run = check(upload(cast.alice, many(30)), cast.alice)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        services.run_import(run=run, by=cast.alice)
    step, done = services.step, []

    def dying(*, run_id: UUID, reason: str = "") -> ImportRun | None:
        found = step(run_id=run_id, reason=reason)
        done.append(run_id)
        if len(done) == 2:
            raise SystemExit  # within the second batch: it is undone
        return found

    monkeypatch.setattr(services, "step", dying)
    with pytest.raises(SystemExit):
        start(run, cast)
    assert count(cast.alice) == (10, 30)
    assert fresh(run).position == 10

    start(run, cast)

    assert fresh(run).status == "imported"
    assert count(cast.alice) == (30, 90)
    assert fresh(run).counts["result.created"] == 90
    assert {outcome for outcome, _why in rows(run).values()} == {"created"}
    with tenant(cast.a.pk):
        assert Job.objects.get(pk=fresh(run).job_id).status == "succeeded"


def test_a_step_that_failed_is_shown_and_taken_up_again(cast: Cast) -> None:
    run = upload(cast.alice, many(3))
    with tenant(cast.a.pk, by=cast.alice.actor()):
        services.run_check(run=run, by=cast.alice)
    with platform():
        Job.objects.filter(pk=fresh(run).job_id).update(status="failed", error="no")
    with tenant(cast.a.pk, by=cast.alice.actor()):
        broken = ImportRun.objects.select_related("job").get()
        assert broken.broken
        services.run_resume(run=broken, by=cast.alice)

    start(run, cast)

    assert fresh(run).status == "checked"


def test_the_purge_runs(cast: Cast) -> None:
    upload(cast.alice, many(3))
    with platform():
        import_purge()
    assert count(cast.alice) == (0, 0)


@pytest.fixture
def cast() -> Cast:
    return Cast()
