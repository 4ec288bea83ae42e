"""What an answer 202 points to: one's own work, and for administrators the organisation's."""

from portal.core.common.ids import uuid7
from portal.core.jobs.models import Job
from portal.core.tenancy.scope import tenant
from tests.api.conftest import Cast


def test_a_job_is_seen_by_who_started_it_and_by_administrators(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.bob.user.actor()):
        made = [
            Job.objects.create(organization=cast.a, kind=kind, status=status, created_by=person.user, progress=40)
            for kind, status, person in (
                ("lab.export", "running", cast.bob),
                ("lab.import", "failed", cast.bob),
                ("lab.export", "queued", cast.alice),
            )
        ]
    seen = cast.bob.get(f"/jobs/{made[0].pk}").json()["data"]
    assert seen == {
        "id": str(made[0].pk),
        "kind": "lab.export",
        "status": "running",
        "progress": 40,
        "result": None,
        "error": None,
    }
    assert {row["id"] for row in cast.bob.get("/jobs").json()["data"]} == {str(job.pk) for job in made[:2]}
    assert [row["kind"] for row in cast.bob.get("/jobs?status=failed&kind=imp").json()["data"]] == ["lab.import"]
    assert cast.alice.get("/jobs").json()["meta"]["total"] == 3
    for person, path in ((cast.bob, made[2].pk), (cast.mallory, made[0].pk), (cast.bob, uuid7())):
        assert person.get(f"/jobs/{path}").status_code == 404
    assert cast.bob.get("/jobs?status=lost").status_code == 400
