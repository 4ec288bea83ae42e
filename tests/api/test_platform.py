"""Figures and health of the platform, and support sessions (003 admin, 002 monitoring, C32, C99)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from portal.core.accounts import figures, jobs
from portal.core.accounts.figures import Projects, Submissions
from portal.core.accounts.models import Invitation, SupportSession, User
from portal.core.audit import probe
from portal.core.audit.models import Action
from portal.core.audit.sealing import seal
from portal.core.common import clock, health
from portal.core.common.health import Finding, State
from portal.core.notifications.models import Event
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform
from tests.api.conftest import Cast, Person
from tests.api.letters import delivered

pytestmark = pytest.mark.django_db


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["code"]


# --- figures --------------------------------------------------------------------------------------------


@pytest.fixture
def busy(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """Projects and submissions as the apps that have them tell them, and a platform with every kind of row."""
    told = {cast.a.pk: Submissions(331, 50, 201), cast.b.pk: Submissions(156, 0, 0), uuid4(): Submissions(9, 9, 9)}
    monkeypatch.setattr(figures, "_projects", [lambda: Projects(draft=2, active=8, completed=1, archived=1)])
    monkeypatch.setattr(figures, "_submissions", [lambda at: told])
    with platform():
        old = Organization.objects.create(name="Old")
        Organization.objects.filter(pk=old.pk).update(created_at=datetime(2020, 1, 1, tzinfo=UTC))
        Organization.objects.create(name="Gone", deleted_at=clock.now())
        role = cast.carol.user.role
        User.objects.create(organization=cast.a, name="off", email="off@x.test", role=role, is_active=False)
        User.objects.create(organization=cast.a, name="gone", email="gone@x.test", role=role, deleted_at=clock.now())
        far, near = clock.now() + timedelta(days=3), clock.now() - timedelta(days=1)
        states = [("Accepted", near)] * 23 + [("Pending", far)] * 5 + [("Pending", near), ("Expired", near)]
        Invitation.objects.bulk_create(
            Invitation(
                organization=cast.a, email=f"{n}@x.test", role=role, status=status, expires_at=at, token_hash=str(n),
                nonce="x", sent_by=cast.alice.user,
            )
            for n, (status, at) in enumerate([*states, ("Cancelled", far)])
        )  # fmt: skip
    return cast


@pytest.mark.covers("E003-035", "003-ADM-02", "003-ADM-03", "003-ADM-04")
def test_figures_are_those_that_003_defines(busy: Cast) -> None:
    response = busy.root.get("/admin/dashboard/stats")

    assert response.status_code == 200
    data = response.json()["data"]
    assert clock.parse_moment(data.pop("generatedAt")) is not None
    assert data == {
        "organizations": {"total": 3, "active": 1, "createdThisMonth": 2, "dormant": 2},
        "users": {
            "total": 6,
            "byRole": {
                "superAdmin": 1, "admin": 2, "manager": 0, "technician": 1, "agent": 0, "salesAgent": 0,
                "supportAgent": 0, "auditor": 0, "viewer": 2, "custom": 0,
            },
            "active": 5,
            "inactive": 1,
            "averagePerOrganization": 2.0,
        },
        "projects": {
            "total": 12,
            "byStatus": {"draft": 2, "active": 8, "closed": 2, "completed": 1, "archived": 1},
            "averagePerOrganization": 4.0,
        },
        "submissions": {
            "total": 496,
            "last7Days": 59,
            "last30Days": 210,
            "averagePerProject": 41.33,
            "topOrganizationsBySubmissions": [
                {"organizationId": str(busy.a.pk), "organizationName": "A", "submissionCount": 331},
                {"organizationId": str(busy.b.pk), "organizationName": "B", "submissionCount": 156},
            ],
        },
        "invitations": {
            "total": 31, "pending": 5, "accepted": 23, "expired": 2, "cancelled": 1, "acceptanceRate": 82.14,
        },
    }  # fmt: skip


@pytest.mark.covers("E003-035")
def test_figures_of_an_empty_platform_divide_by_nothing(cast: Cast) -> None:
    data = cast.root.get("/admin/dashboard/stats").json()["data"]

    assert data["projects"]["total"] == data["submissions"]["total"] == 0
    assert data["submissions"]["averagePerProject"] == data["invitations"]["acceptanceRate"] == 0
    assert data["submissions"]["topOrganizationsBySubmissions"] == []


@pytest.mark.covers("E003-035", "E003-036", "003-ADM-01")
@pytest.mark.parametrize("path", ["/admin/dashboard/stats", "/admin/health", "/admin/support-sessions"])
@pytest.mark.parametrize("who", ["alice", "bob", "carol", "mallory"])
def test_the_platform_is_the_superadmins(cast: Cast, nobody: Person, path: str, who: str) -> None:
    response = getattr(cast, who).get(path)

    assert code(response) == (403, "PERMISSION_DENIED")
    assert response.json()["message"] == "User does not have the required role to access this resource"
    assert nobody.get(path).status_code == 401


# --- health -----------------------------------------------------------------------------------------------


@pytest.fixture
def worker() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")


@pytest.mark.covers("E003-036", "C99", "C100", "003-ADM-05", "002-MON-01", "002-MON-04")
def test_health_has_what_003_shows_and_more(cast: Cast, worker: None) -> None:
    with platform():
        seal()  # the entries of the seeds are older than this test

    response = cast.root.get("/admin/health")

    assert response.status_code == 200
    data = response.json()["data"]
    assert data["status"] == "Healthy"
    assert set(data["database"]) == {
        "status", "canConnect", "provider", "pendingMigrations", "appliedMigrations", "lastMigration"
    }  # fmt: skip
    assert (data["database"]["canConnect"], data["database"]["pendingMigrations"]) == (True, 0)
    assert data["database"]["appliedMigrations"] > 30
    assert data["backgroundJobs"]["hangfireEnabled"] is True
    assert {"status", "activeJobs", "scheduledJobs", "queueAgeSeconds"} <= set(data["backgroundJobs"])
    assert set(data["performance"]) == {"databaseResponseTimeMs", "serverUptimeFormatted", "memoryUsageMB"}
    days, clockface = data["performance"]["serverUptimeFormatted"].split(".")
    assert (days.isdigit(), len(clockface)) == (True, 8)
    assert 20 < data["performance"]["memoryUsageMB"] < 4000
    assert {data[part]["status"] for part in ("storage", "mail", "auditSealer")} == {"Healthy"}


@pytest.mark.covers("E003-036")
def test_health_tells_what_is_wrong(cast: Cast, worker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(health._probes, "scanner", lambda: Finding(State.DEGRADED, {"signatures": "old"}))
    degraded = cast.root.get("/admin/health").json()["data"]
    monkeypatch.setitem(health._probes, "scanner", lambda: 1 / 0)
    broken = cast.root.get("/admin/health").json()["data"]
    monkeypatch.delitem(health._probes, "scanner")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
    idle = cast.root.get("/admin/health").json()["data"]

    assert (degraded["status"], degraded["scanner"]) == ("Degraded", {"status": "Degraded", "signatures": "old"})
    assert (broken["status"], broken["scanner"]) == ("Unhealthy", {"status": "Unhealthy"})
    assert (idle["status"], idle["backgroundJobs"]["hangfireEnabled"]) == ("Unhealthy", False)


def test_a_job_that_waits_too_long_shows(cast: Cast, worker: None) -> None:
    cast.alice.post("/invitations", {"email": "x@example.test"})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_events SET at = now() - interval '6 minutes'")

    jobs = cast.root.get("/admin/health").json()["data"]["backgroundJobs"]

    assert (jobs["status"], jobs["scheduledJobs"]) == ("Degraded", 1)
    assert 350 < jobs["queueAgeSeconds"] < 400


def test_entries_that_wait_too_long_for_their_seal_show(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    cast.alice.patch(f"/users/{cast.bob.user.pk}", {"name": "Robert"})
    with platform():
        assert probe.sealer().facts["unsealedEntries"] > 0
        monkeypatch.setattr(probe, "LATE", -1)
        assert probe.sealer().state == State.DEGRADED


def test_an_unreachable_mail_server_degrades(settings: Any) -> None:
    settings.MARSAD_MAIL = "smtp"
    settings.MAILERS = {"default": {"BACKEND": "x", "OPTIONS": {"host": "127.0.0.1", "port": 1}}}

    assert health.mail() == Finding(State.DEGRADED, {"backend": "smtp", "reachable": False})


@pytest.mark.covers("C99")
def test_machines_ask_whether_it_lives_and_serves(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Client().get("/health/live").json() == {"status": "live"}
    assert Client().get("/health/ready").json() == {"status": "ready"}
    assert Client().post("/health/live").status_code == 405

    def down() -> Any:
        raise DatabaseError

    with monkeypatch.context() as patched:
        patched.setattr(connection, "cursor", down)
        refused = Client().get("/health/ready")
        assert Client().get("/health/live").status_code == 200
    assert (refused.status_code, refused.json(), refused["Retry-After"]) == (503, {"status": "unavailable"}, "5")


def test_a_database_without_its_migrations_is_not_ready(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health._Schema, "complete", False)
    monkeypatch.setattr(health._Schema, "pending", lambda: 2)

    assert Client().get("/health/ready").status_code == 503
    assert health.database().state == State.UNHEALTHY


# --- support sessions -------------------------------------------------------------------------------------


@pytest.mark.covers("C32", "003-TEN-05")
def test_a_support_session_is_announced_timed_and_audited(cast: Cast, trail: Any) -> None:
    body = {"organizationId": str(cast.a.pk), "reason": "Ticket 17: lost reports", "minutes": 30}

    begun = cast.root.post("/admin/support-sessions", body)

    assert begun.status_code == 201
    data = begun.json()["data"]
    left = clock.parse_moment(data["expiresAt"]) - clock.now()  # type: ignore[operator]
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    assert data["isOpen"] is True
    letters = delivered()
    assert [letter.to for letter in letters] == [["alice@example.test"]]
    assert "Ticket 17: lost reports" in letters[0].body
    seen = cast.alice.get("/organizations/support-sessions").json()["data"]
    assert [(row["userName"], row["reason"], row["isOpen"]) for row in seen] == [("Root", body["reason"], True)]
    assert cast.mallory.get("/organizations/support-sessions").json()["data"] == []
    assert code(cast.bob.get("/organizations/support-sessions")) == (403, "PERMISSION_DENIED")

    assert cast.root.delete("/admin/support-sessions/current").status_code == 200

    assert cast.alice.get("/organizations/support-sessions").json()["data"][0]["isOpen"] is False
    assert code(cast.root.delete("/admin/support-sessions/current")) == (404, "RESOURCE_NOT_FOUND")
    entries = trail(Action.CREATE, entity="support_session") + trail(Action.UPDATE, entity="support_session")
    assert [(entry.organization_id, entry.actor_id) for entry in entries] == [(cast.a.pk, cast.root.user.pk)] * 2
    with platform():
        told = Event.objects.filter(type="support.changed").order_by("at")
        assert [(event.organization_id, event.permission) for event in told] == [(cast.a.pk, "organization.edit")] * 2


@pytest.mark.covers("C32")
def test_a_new_session_ends_the_one_before_and_time_ends_every_one(cast: Cast) -> None:
    for organization in (cast.a, cast.b):
        begun = cast.root.post("/admin/support-sessions", {"organizationId": str(organization.pk), "reason": "r"})
        assert begun.status_code == 201
    rows = cast.root.get("/admin/support-sessions").json()["data"]
    assert [(row["organizationName"], row["isOpen"]) for row in rows] == [("B", True), ("A", False)]

    with platform():
        SupportSession.objects.update(expires_at=clock.now())
        assert cast.root.get("/admin/support-sessions").json()["data"][0]["isOpen"] is False
        jobs.expire()
        assert not SupportSession.objects.filter(ended_at=None).exists()


@pytest.mark.covers("C32")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"reason": " "}, 400),
        ({"reason": None}, 400),
        ({"minutes": 61}, 400),
        ({"minutes": 0}, 400),
        ({"organizationId": str(uuid4())}, 404),
        ({"organizationId": "x"}, 400),
    ],
)
def test_support_session_that_cannot_be(cast: Cast, change: dict[str, Any], expected: int) -> None:
    body = {"organizationId": str(cast.a.pk), "reason": "r", **change}

    assert cast.root.post("/admin/support-sessions", body).status_code == expected
    assert code(cast.alice.post("/admin/support-sessions", body)) == (403, "PERMISSION_DENIED")
    with platform():
        assert not SupportSession.objects.exists()
