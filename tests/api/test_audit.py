"""The audit log over the API (001 FR-080 to FR-083, 002 audit; C86 to C90)."""

import base64
import csv
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.audit import alerts, integrity, jobs, reports, retention
from portal.core.audit.models import Action, AuditEntry, SecurityEvent
from portal.core.audit.security import raise_event
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import Running
from portal.core.tenancy.scope import platform, tenant
from tests.api.conftest import Cast, Person
from tests.api.test_lab import sample
from tests.core.audit.chain import seal_all

pytestmark = pytest.mark.django_db(transaction=True)  # what is not committed cannot be sealed


def data(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.content
    return response.json()["data"]


def streamed(response: Any) -> bytes:
    assert response.status_code == 200, response.content
    return b"".join(response)


def refusal(response: Any, status: int, code: str) -> dict[str, Any]:
    body = response.json()
    assert (response.status_code, body["errors"][0]["code"]) == (status, code), body
    return dict(body)


@pytest.fixture
def noted(cast: Cast) -> dict[str, Any]:
    """A sample of bob's, changed by alice and deleted; its card."""
    made = sample(cast.bob, location="محطة أحمد")
    patched = cast.alice.patch(f"/samples/{made['id']}", {"location": "Résidence El Fath"}, X_Request_ID="req-77")
    assert patched.status_code == 200, patched.content
    assert cast.alice.delete(f"/samples/{made['id']}").status_code == 200
    return made


# --- reading ------------------------------------------------------------------------
@pytest.mark.covers("E001-019", "E002-145", "001-FR-081", "001-ENT-05", "C86", "C87", "002-AUD-01")
def test_both_paths_show_the_same_entries(cast: Cast, noted: dict[str, Any]) -> None:
    query = f"?entityType=sample&entityId={noted['id']}"
    rows = data(cast.alice.get(f"/audit/logs{query}"))

    assert data(cast.alice.get(f"/audit-logs{query}")) == rows
    assert [row["action"] for row in rows] == ["delete", "update", "create"]
    assert (rows[1]["userId"], rows[1]["userName"], rows[1]["userRole"]) == (str(cast.alice.user.pk), "Alice", "Admin")
    assert rows[1]["changes"]["location"] == {"old": "محطة أحمد", "new": "Résidence El Fath"}
    assert (rows[1]["requestId"], rows[1]["via"], rows[1]["outcome"]) == ("req-77", "api", "success")
    assert rows[2]["newValues"]["location"] == "محطة أحمد"
    assert rows[0]["oldValues"]["location"] == "Résidence El Fath"


@pytest.mark.covers("001-FR-082", "C86")
@pytest.mark.parametrize(
    "path",
    [
        "/audit/logs", "/audit-logs", "/audit/search", "/audit/export", "/audit/logs/stats", "/audit/checkpoints",
        "/audit/logs/resource/sample/x", "/audit/logs/compliance", "/audit/logs/security-events",
        "/audit/logs/retention-policies", "/audit/logs/alerts", "/audit/public-key",
    ],
)  # fmt: skip
def test_the_log_is_for_guardians_of_their_own_organisation(cast: Cast, nobody: Person, path: str) -> None:
    assert nobody.get(path).status_code == 401
    for person in (cast.bob, cast.carol):
        refusal(person.get(path), 403, "PERMISSION_DENIED")
    assert cast.alice.get(path).status_code == 200


@pytest.mark.covers("E002-146")
def test_one_entry_and_its_hashes(cast: Cast, noted: dict[str, Any]) -> None:
    (newest, *_rest) = data(cast.alice.get(f"/audit/logs?entityId={noted['id']}"))
    assert newest["hash"] is None
    seal_all()

    row = data(cast.alice.get(f"/audit/logs/{newest['id']}"))

    assert re.fullmatch("[0-9a-f]{64}", row["hash"])
    assert re.fullmatch("[0-9a-f]{64}", row["previousHash"])
    refusal(cast.mallory.get(f"/audit/logs/{newest['id']}"), 404, "RESOURCE_NOT_FOUND")
    refusal(cast.alice.get("/audit/logs/999999999"), 404, "RESOURCE_NOT_FOUND")


@pytest.mark.covers("001-FR-083", "001-US3-AS4", "C87")
@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("entityType=sample", 3), ("resource=sample", 3), ("resource=result", 0), ("action=update", 1),
        ("action=create&action=delete", 2), ("outcome=denied", 0), ("dateFrom=2020-01-01&dateTo=2099-01-01", 3),
        ("dateTo=2020-01-01", 0), ("from=2099-01-01", 0), ("userId={bob}", 1), ("user={alice}", 2),
    ],
)  # fmt: skip
def test_filters(cast: Cast, noted: dict[str, Any], query: str, count: int) -> None:
    query = query.format(bob=cast.bob.user.pk, alice=cast.alice.user.pk)

    assert len(data(cast.alice.get(f"/audit/logs?entityId={noted['id']}&{query}"))) == count


def test_filters_that_are_wrong_are_named(cast: Cast) -> None:
    for query, field in (("action=hide", "action"), ("dateFrom=soon", "dateFrom"), ("userId=x", "userId")):
        answer = refusal(cast.alice.get(f"/audit/logs?{query}"), 400, "VALIDATION_ERROR")
        assert [error["field"] for error in answer["errors"]] == [field]


@pytest.mark.covers("E002-147")
@pytest.mark.parametrize("sealed", [False, True])
def test_search_takes_any_spelling(cast: Cast, noted: dict[str, Any], sealed: bool) -> None:
    if sealed:
        seal_all()

    for words, count in {
        "احمد": 2,
        "محطه": 2,
        "residence fath": 2,
        "RÉSID": 2,
        "bob": 1,
        "req-77": 1,
        "nobody": 0,
    }.items():
        for path in (f"/audit/search?q={words}", f"/audit/logs?search={words}"):
            assert len(data(cast.alice.get(f"{path}&entityId={noted['id']}"))) == count, path
    assert len(data(cast.alice.get(f"/audit/search?q={noted['id']}"))) == 3


@pytest.mark.covers("E002-150", "002-DB-02")
def test_the_trail_of_a_deleted_record(cast: Cast, noted: dict[str, Any]) -> None:
    path = f"/audit/logs/resource/sample/{noted['id']}"

    assert [row["action"] for row in data(cast.alice.get(path))] == ["delete", "update", "create"]
    assert data(cast.mallory.get(path)) == []


@pytest.mark.covers("E002-151")
def test_the_trail_of_a_person(cast: Cast, noted: dict[str, Any]) -> None:
    response = cast.alice.get(f"/audit/logs/user/{cast.bob.user.pk}?limit=1")

    assert [row["entityType"] for row in data(response)] == ["sample"]
    assert response.json()["meta"]["total"] == len(data(cast.alice.get(f"/audit/logs?userId={cast.bob.user.pk}")))
    assert data(cast.mallory.get(f"/audit/logs/user/{cast.bob.user.pk}")) == []


@pytest.mark.covers("E002-149")
def test_statistics(cast: Cast, noted: dict[str, Any]) -> None:
    with tenant(cast.a.pk, by=cast.bob.user.actor(via="api")):
        record(Event(Action.DENIED, "sample", "x", outcome="denied"))  # type: ignore[arg-type]

    stats = data(cast.alice.get("/audit/logs/stats"))

    assert stats["total"] == sum(stats["byAction"].values()) == sum(day["count"] for day in stats["byDay"])
    assert stats["byOutcome"]["denied"] == 1
    assert stats["byResource"]["sample"] == 4
    assert {"userId": str(cast.bob.user.pk), "userName": "Bob", "count": 2} in stats["byUser"]
    assert data(cast.alice.get("/audit/logs/stats?dateTo=2020-01-01"))["total"] == 0


def test_pages_cost_no_queries_per_row(cast: Cast) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert cast.alice.get("/audit/logs").status_code == 200
        return len(captured)

    sample(cast.bob)
    queries()
    few = queries()
    for _n in range(10):
        sample(cast.bob)

    assert queries() == few


# --- export -----------------------------------------------------------------------
def manifest(response: Any) -> dict[str, Any]:
    text = response["X-Audit-Manifest"]
    return dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


@pytest.mark.covers("E002-148")
def test_exports_carry_a_signed_manifest_and_are_recorded(
    cast: Cast, noted: dict[str, Any], trail: Callable[..., list[AuditEntry]]
) -> None:
    path = f"/audit/export?entityId={noted['id']}&format="
    seal_all()
    table, lines = cast.alice.get(f"{path}csv"), cast.alice.get(f"{path}jsonl")

    rows = list(csv.DictReader(io.StringIO(streamed(table).decode("utf-8-sig"))))
    cards = [json.loads(line) for line in streamed(lines).splitlines()]
    assert [row["action"] for row in rows] == [card["action"] for card in cards] == ["delete", "update", "create"]
    assert json.loads(rows[1]["newValues"])["location"] == "Résidence El Fath"
    assert {row["hash"] for row in rows} == {card["hash"] for card in cards}
    said = manifest(table)
    assert (said["count"], said["filters"], said["complete"]) == (3, {"entityId": noted["id"]}, True)
    assert (said["range"]["lastId"], len(said["signature"])) == (cards[0]["id"], 128)
    first, _second = trail(Action.EXPORT)
    assert (first.entity, first.changes["rows"], first.actor_id) == ("audit", 3, cast.alice.user.pk)
    refusal(cast.alice.get(f"{path}xml"), 400, "VALIDATION_ERROR")


def test_an_export_needs_the_right(cast: Cast, trail: Callable[..., list[AuditEntry]]) -> None:
    refusal(cast.carol.get("/audit/export"), 403, "PERMISSION_DENIED")

    assert trail(Action.EXPORT) == []


def test_checkpoints_and_the_key_are_public_to_guardians(cast: Cast, noted: dict[str, Any]) -> None:
    seal_all()
    streamed(cast.alice.get("/audit/export"))

    (newest,) = data(cast.alice.get("/audit/checkpoints"))
    key = cast.alice.get("/audit/public-key")

    assert (newest["cause"], newest["keyId"]) == ("export", key["X-Key-Id"])
    assert key.content.startswith(b"-----BEGIN PUBLIC KEY-----")


# --- integrity ------------------------------------------------------------------------
@pytest.mark.covers("E002-157", "002-AUD-05")
@pytest.mark.parametrize("mode", ["incremental", "full", "sample"])
def test_a_verification(cast: Cast, noted: dict[str, Any], trail: Callable[..., list[AuditEntry]], mode: str) -> None:
    seal_all()
    with platform():
        owned = AuditEntry.objects.filter(organization_id=cast.a.pk).count()

    found = data(cast.alice.post("/audit/logs/verify-integrity", {"mode": mode}))

    assert (found["status"], found["valid"], found["firstBad"], found["signatureOk"]) == ("ok", True, None, True)
    assert (found["checked"], found["erased"]) == (owned, 0)
    assert [entry.changes["mode"] for entry in trail(Action.VERIFY)] == [mode]
    refusal(cast.carol.post("/audit/logs/verify-integrity"), 403, "PERMISSION_DENIED")
    refusal(cast.alice.post("/audit/logs/verify-integrity", {"mode": "quick"}), 400, "VALIDATION_ERROR")


def test_a_verification_of_a_period_reads_that_period(cast: Cast, noted: dict[str, Any]) -> None:
    seal_all()
    whole = data(cast.alice.post("/audit/logs/verify-integrity", {"mode": "full", "from": "2020-01-01"}))
    none = data(cast.alice.post("/audit/logs/verify-integrity", {"mode": "full", "dateTo": "2020-01-01"}))

    assert (whole["checked"] > 3, none["checked"]) == (True, 0)


def test_a_long_verification_is_a_job(cast: Cast, noted: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integrity, "AT_ONCE", 2)
    seen: list[tuple[int, int]] = []
    seal_all()

    response = cast.alice.post("/audit/logs/verify-integrity", {"mode": "full"})

    job = data(response, 202)
    assert response["Location"] == f"/api/v1/jobs/{job['id']}"
    with tenant(cast.a.pk):
        assert Job.objects.get(pk=job["id"]).kind == jobs.verify_chain.name
        found = integrity.integrity_verify(mode="full", progress=lambda done, total: seen.append((done, total)))
    assert found.status == "ok"
    assert seen[-1][0] >= seen[-1][1] > 3


# --- security events --------------------------------------------------------------------
@pytest.fixture
def event(cast: Cast) -> SecurityEvent:
    with tenant(cast.a.pk):
        raise_event("mass_export", severity="high", subject="Bob", details={"count": 20})
        return raise_event("mass_export", severity="critical", subject="Bob", actor=cast.bob.user.pk)


@pytest.mark.covers("E002-153")
def test_security_events(cast: Cast, event: SecurityEvent) -> None:
    (row,) = data(cast.alice.get("/audit/logs/security-events"))

    assert (row["type"], row["severity"], row["status"], row["count"]) == ("mass_export", "critical", "open", 2)
    for query, count in (
        ("severity=critical", 1), ("severity=low", 0), ("resolved=false", 1), ("resolved=true", 0), ("type=alert", 0),
        ("status=open", 1), ("dateTo=2020-01-01", 0),
    ):  # fmt: skip
        assert len(data(cast.alice.get(f"/audit/logs/security-events?{query}"))) == count, query
    assert data(cast.mallory.get("/audit/logs/security-events")) == []


@pytest.mark.covers("E002-154")
def test_a_security_event_is_acknowledged_resolved_and_reopened(
    cast: Cast, event: SecurityEvent, trail: Callable[..., list[AuditEntry]]
) -> None:
    path = f"/audit/logs/security-events/{event.pk}"
    refusal(cast.carol.post(f"{path}/acknowledge"), 403, "PERMISSION_DENIED")
    refusal(cast.mallory.post(f"{path}/acknowledge"), 404, "RESOURCE_NOT_FOUND")
    assert data(cast.alice.post(f"{path}/acknowledge"))["acknowledgedBy"] == str(cast.alice.user.pk)
    without = refusal(cast.alice.post(f"{path}/resolve", {"resolution": "resolved"}), 400, "VALIDATION_ERROR")
    assert [error["field"] for error in without["errors"]] == ["note"]

    settled = data(cast.alice.post(f"{path}/resolve", {"resolution": "false_positive", "note": "a drill"}))

    assert (settled["status"], settled["resolved"], settled["note"]) == ("false_positive", True, "a drill")
    assert settled["resolvedBy"] == str(cast.alice.user.pk)
    assert cast.alice.post(f"{path}/resolve", {"note": "again"}).status_code in (409, 422)
    assert data(cast.alice.post(f"{path}/reopen"))["status"] == "open"
    assert data(cast.alice.get(path))["resolution"] is None
    assert len(trail(Action.UPDATE, entity="security_event")) == 4  # the second occurrence, and three changes


def test_nobody_settles_a_critical_event_about_themselves(cast: Cast) -> None:
    with tenant(cast.a.pk):
        own = raise_event("mass_delete", severity="critical", actor=cast.alice.user.pk)

    refusal(cast.alice.post(f"/audit/logs/security-events/{own.pk}/resolve", {"note": "me"}), 403, "PERMISSION_DENIED")
    with tenant(cast.a.pk):
        assert SecurityEvent.objects.get(pk=own.pk).status == "open"


# --- retention and erasure --------------------------------------------------------------
@pytest.mark.covers("E002-155", "C90", "002-AUD-02")
def test_retention_policies(cast: Cast) -> None:
    path = "/audit/logs/retention-policies"
    made = data(cast.alice.post(path, {"resource": "sample", "retentionDays": 400, "action": "erase_payload"}), 201)

    assert (made["keepDays"], made["retentionDays"], made["isActive"]) == (400, 400, False)
    assert [row["id"] for row in data(cast.alice.get(path))].count(made["id"]) == 1
    assert data(cast.alice.put(f"{path}/{made['id']}", {**made, "legalHold": True}))["legalHold"]
    refusal(cast.alice.delete(f"{path}/{made['id']}"), 422, "LEGAL_HOLD")
    assert not data(cast.alice.patch(f"{path}/{made['id']}", {"legalHold": False}))["legalHold"]
    assert cast.alice.post(path, {"resource": "sample"}).status_code == 409
    refusal(cast.alice.post(path, {"resource": "result", "keepDays": 30}), 400, "VALIDATION_ERROR")
    refusal(cast.mallory.patch(f"{path}/{made['id']}", {"keepDays": 500}), 404, "RESOURCE_NOT_FOUND")
    refusal(cast.carol.delete(f"{path}/{made['id']}"), 403, "PERMISSION_DENIED")
    assert cast.alice.delete(f"{path}/{made['id']}").status_code == 200


@pytest.mark.covers("E002-156")
def test_applying_a_policy_is_a_dry_run_unless_told_otherwise(
    cast: Cast, noted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = data(cast.alice.post("/audit/logs/retention-policies", {"resource": "sample", "keepDays": 365}), 201)
    path = f"/audit/logs/retention-policies/{made['id']}/apply"
    seal_all()
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=400))

    for body in (None, {}, {"dryRun": True}):
        dry = data(cast.alice.post(path, body))
        assert (dry["dryRun"], dry["affected"], dry["deleted"]) == (True, 3, 0)
    data(cast.alice.patch(f"/audit/logs/retention-policies/{made['id']}", {"legalHold": True}))
    assert data(cast.alice.post(path))["held"] == 3
    refusal(cast.alice.post(path, {"dryRun": False}), 422, "LEGAL_HOLD")
    data(cast.alice.patch(f"/audit/logs/retention-policies/{made['id']}", {"legalHold": False}))
    done = data(cast.alice.post(path, {"dryRun": False}))
    monkeypatch.undo()

    assert (done["archived"], done["deleted"]) == (3, 3)
    rows = data(cast.alice.get(f"/audit/logs/resource/sample/{noted['id']}"))
    assert [(row["erased"], row["newValues"], row["userName"]) for row in rows] == [(True, None, None)] * 3
    found = data(cast.alice.post("/audit/logs/verify-integrity", {"mode": "full"}))
    assert (found["status"], found["erased"]) == ("ok", 3)


def test_active_policies_are_applied_by_the_clock(
    cast: Cast, noted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"resource": "sample", "keepDays": 365, "isActive": True}
    made = data(cast.alice.post("/audit/logs/retention-policies", body), 201)
    seal_all()

    with platform():
        jobs.apply_policies()
        assert not Job.objects.filter(kind=jobs.apply_policy.name).exists()
        now = clock.now()
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=400))
        jobs.apply_policies()
        (job,) = Job.objects.filter(kind=jobs.apply_policy.name)
    with tenant(cast.a.pk):
        assert job.organization_id == cast.a.pk
        done = retention.policy_apply(policy=retention.policy_get(id=made["id"]), dry_run=False)

    assert done["deleted"] == 3


@pytest.mark.covers("002-AUD-03", "C90")
def test_a_person_is_erased_everywhere_in_the_log(cast: Cast, noted: dict[str, Any]) -> None:
    with tenant(cast.a.pk, by=cast.alice.user.actor(via="api")):
        record(Event(Action.SHARE, "report", "r-1", {"to": "Bob@Example.test"}, label="CR-1"))
    body = {"resource": "user", "id": str(cast.bob.user.pk), "reason": "asked on 2026-11-20"}
    refusal(cast.carol.post("/audit/erasures", body), 403, "PERMISSION_DENIED")
    refusal(cast.mallory.post("/audit/erasures", body), 404, "RESOURCE_NOT_FOUND")
    refusal(cast.alice.post("/audit/erasures", {**body, "reason": ""}), 400, "VALIDATION_ERROR")
    seal_all()

    done = data(cast.alice.post("/audit/erasures", body))

    assert done["entries"] >= 3
    text = streamed(cast.alice.get("/audit/export?format=jsonl")).decode().lower()
    assert "bob@example.test" not in text
    assert '"username":"bob"' not in text
    assert [row["reason"] for row in data(cast.alice.get("/audit/logs?action=erase"))] == ["asked on 2026-11-20"] * 2
    assert data(cast.alice.post("/audit/logs/verify-integrity", {"mode": "full"}))["status"] == "ok"
    assert data(cast.alice.get("/audit/search?q=Fath"))  # what he did to a sample stays


# --- alert rules --------------------------------------------------------------------------
RULE = {
    "name": "Many exports", "filter": {"action": "export", "resource": "audit"}, "threshold": 2, "windowMinutes": 60,
    "groupBy": "userId", "severity": "high", "channels": ["in_app", "email"], "recipients": ["qa@example.test"],
    "throttleMinutes": 30,
}  # fmt: skip


@pytest.mark.covers("E002-158", "C94")
def test_alert_rules(cast: Cast) -> None:
    path = "/audit/logs/alerts"
    made = data(cast.alice.post(path, RULE), 201)

    assert {name: made[name] for name in RULE} == RULE
    assert [row["id"] for row in data(cast.alice.get(path))] == [made["id"]]
    assert data(cast.alice.put(f"{path}/{made['id']}", {**RULE, "threshold": 3}))["threshold"] == 3
    assert data(cast.alice.get(f"{path}/{made['id']}"))["threshold"] == 3
    refusal(cast.mallory.get(f"{path}/{made['id']}"), 404, "RESOURCE_NOT_FOUND")
    refusal(cast.carol.post(path, RULE), 403, "PERMISSION_DENIED")
    for wrong, field in (
        ({"name": " "}, "name"), ({"threshold": 0}, "threshold"), ({"windowMinutes": 99_999}, "windowMinutes"),
        ({"severity": "loud"}, "severity"), ({"channels": ["pigeon"]}, "channels"),
        ({"recipients": ["x"]}, "recipients"),
        ({"filter": {"action": "hide"}}, "filter.action"), ({"filter": {"ip": "1.2"}}, "filter.ip"),
        ({"groupBy": "moon"}, "groupBy"),
    ):  # fmt: skip
        answer = refusal(cast.alice.post(path, {**RULE, **wrong}), 400, "VALIDATION_ERROR")
        assert [error["field"] for error in answer["errors"]] == [field]
    assert cast.alice.delete(f"{path}/{made['id']}").status_code == 200
    refusal(cast.alice.get(f"{path}/{made['id']}"), 404, "RESOURCE_NOT_FOUND")


def test_a_dry_run_says_what_a_rule_would_have_done(cast: Cast) -> None:
    made = data(cast.alice.post("/audit/logs/alerts", RULE), 201)
    for _n in range(3):
        streamed(cast.alice.get("/audit/export"))

    said = data(cast.alice.post(f"/audit/logs/alerts/{made['id']}/dry-run", {"days": 7}))

    assert (said["days"], said["matched"], said["alerts"]) == (7, 3, 1)  # the third falls into the quiet half hour
    assert said["firings"][0]["group"] == str(cast.alice.user.pk)
    assert data(cast.alice.get("/audit/logs/security-events")) == []
    refusal(cast.alice.post(f"/audit/logs/alerts/{made['id']}/dry-run", {"days": 31}), 400, "VALIDATION_ERROR")


def test_a_rule_fires_once_per_throttle_and_writes_to_its_recipients(cast: Cast) -> None:
    made = data(cast.alice.post("/audit/logs/alerts", RULE), 201)
    streamed(cast.alice.get("/audit/export"))

    def look(later: int = 0) -> list[SecurityEvent]:
        with platform():
            alerts.evaluate_all(now=clock.now() + timedelta(minutes=later))
            return list(SecurityEvent.objects.filter(type="alert"))

    assert look() == []
    streamed(cast.alice.get("/audit/export"))
    (raised,) = look()
    assert (raised.severity, str(raised.rule_id), raised.count) == ("high", made["id"], 1)
    assert raised.subject == f"Many exports {cast.alice.user.pk}"
    assert [event.count for event in look()] == [1]
    streamed(cast.alice.get("/audit/export"))
    with tenant(cast.a.pk):
        assert Job.objects.filter(kind=jobs.alert_mail.name).count() == 1
        alerts.mail(event=raised, recipients=["qa@example.test"])
    (letter,) = mail.outbox
    assert letter.to == ["qa@example.test"]
    assert "Many exports" in letter.subject


# --- compliance reports --------------------------------------------------------------------
@pytest.mark.covers("E002-152", "C89", "002-AUD-04")
def test_compliance_of_a_period(cast: Cast, noted: dict[str, Any], event: SecurityEvent) -> None:
    seal_all()
    found = data(cast.alice.get("/audit/logs/compliance"))

    assert found["coverage"]["total"] > 3
    assert (found["integrity"]["status"], found["securityEvents"]["open"]) == ("ok", 1)
    assert found["retention"] == []
    assert {"ISO/IEC 17025:2017 8.4.2", "GDPR art. 17"} <= {row["control"] for row in found["controls"]}
    assert found["checkpoint"]["signature"]
    empty = refusal(
        cast.alice.get("/audit/logs/compliance?dateFrom=2026-05-02&dateTo=2026-05-01"), 400, "VALIDATION_ERROR"
    )
    assert empty["errors"]


def test_a_report_over_a_long_log_is_a_job(cast: Cast, noted: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seal_all()
    monkeypatch.setattr(integrity, "AT_ONCE", 2)

    job = data(cast.alice.post("/audit/logs/compliance", {"language": "ar"}), 202)

    by = cast.alice.user.actor(via="job")
    with tenant(cast.a.pk, by=by):
        now = clock.wire(clock.now())
        running = Running(job["id"], cast.a.pk, by)
        done = jobs.issue_report.body(running, since="2026-01-01T00:00:00Z", until=now, language="ar")
    assert re.fullmatch(r"AR-\d{4}-000001", done["number"])


@pytest.mark.covers("E002-152")
def test_a_report_is_issued_rendered_by_a_worker_and_confirmed(cast: Cast, noted: dict[str, Any]) -> None:
    refusal(cast.carol.post("/audit/logs/compliance"), 403, "PERMISSION_DENIED")
    made = data(cast.alice.post("/audit/logs/compliance", {"language": "fr"}), 201)
    path = f"/audit/logs/compliance/{made['id']}"

    assert re.fullmatch(r"AR-\d{4}-000001", made["number"])
    assert [row["id"] for row in data(cast.alice.get("/audit/logs/compliance/reports"))] == [made["id"]]
    detail = data(cast.alice.get(path))
    assert detail["verification"] == {"report": True, "signature": True, "log": True}
    refusal(cast.mallory.get(path), 404, "RESOURCE_NOT_FOUND")
    refusal(cast.alice.get(f"{path}/pdf?language=de"), 400, "VALIDATION_ERROR")
    for language in ("ar", "fr", "en"):
        waiting = cast.alice.get(f"{path}/pdf?language={language}")
        assert (waiting.status_code, waiting["Retry-After"]) == (202, "5")
        with tenant(cast.a.pk):
            reports.report_render(report=reports.report_get(id=made["id"]), language=language)
        ready = cast.alice.get(f"{path}/pdf?language={language}")
        assert (ready["Content-Type"], ready.content[:4]) == ("application/pdf", b"%PDF")
    assert (
        reports.report_confirm(number=made["number"], digest=made["snapshotHash"].removeprefix("sha256:")) is not None
    )
