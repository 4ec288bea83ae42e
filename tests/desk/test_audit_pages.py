"""Pages of the audit log: trails, integrity, security events, alert rules, retention, reports, public verification."""

import io
import json
import re
import zipfile
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from portal.core.audit import jobs, keys, overview, reports, retention, verification
from portal.core.audit.integrity import integrity_verify
from portal.core.audit.models import (
    Action,
    AlertRule,
    AuditEntry,
    AuditReport,
    RetentionPolicy,
    SecurityEvent,
    Verification,
)
from portal.core.audit.security import raise_event
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import Running, defer
from portal.core.tenancy.scope import tenant
from portal.lab import services
from tests.core.audit.chain import seal_all
from tests.core.people import Cast
from tests.lab.test_pages import FRAGMENT, a_sample, page

pytestmark = pytest.mark.django_db
PAGES = ["/audit", "/audit/integrity", "/audit/security", "/audit/alerts", "/audit/retention", "/audit/compliance"]
MANAGED = ["/audit/alerts/new", "/audit/retention/new", "/audit/erasure"]


@pytest.fixture
def cast() -> Cast:
    cast = Cast()
    cast.dina = cast.person("dina", "Auditor", cast.a)  # type: ignore[attr-defined]
    return cast


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.DATA_DIR = tmp_path
    cache.clear()


@pytest.fixture
def auditor(cast: Cast) -> Client:
    return page(cast.dina)  # type: ignore[attr-defined]


@pytest.fixture
def admin(cast: Cast) -> Client:
    return page(cast.alice)


def an_event(cast: Cast, **more: Any) -> SecurityEvent:
    with tenant(cast.a.pk, by=cast.bob.actor()):
        return raise_event("mass_export", **{"severity": "high", "subject": "bob", "details": {"count": 25}} | more)


def now(record: Any) -> Any:
    with tenant(record.organization_id):
        return type(record).objects.get(pk=record.pk)


def a_rule(cast: Cast, **more: Any) -> AlertRule:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        values = {"name": "Exports", "filter": {"action": ["export"]}, "threshold": 2} | more
        return AlertRule.objects.create(organization=cast.a, **values)


def the_policy(cast: Cast) -> RetentionPolicy:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        return RetentionPolicy.objects.get_or_create(organization=cast.a, resource="")[0]


def an_old_entry(cast: Cast, days: int = 4000) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        at = clock.now() - timedelta(days=days)
        AuditEntry.objects.create(
            organization_id=cast.a.pk, entity="sample", object_pk="old", object_repr="S-OLD", action=Action.UPDATE,
            changes={"notes": ["a", "b"]}, timestamp=at,
        )  # fmt: skip


def a_report(cast: Cast) -> AuditReport:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        until = clock.now() + timedelta(hours=1)
        return reports.report_issue(since=until - timedelta(days=30), until=until, language="en", by=cast.alice)


def run(cast: Cast, work: Any, **arguments: Any) -> Any:
    """The body of a job, as a worker would run it for alice."""
    with tenant(cast.a.pk, by=cast.alice.actor()):
        return work(Running(uuid4(), cast.a.pk, cast.alice.actor()), **arguments)


def newest_job(cast: Cast, kind: str) -> Job | None:
    with tenant(cast.a.pk):
        return Job.objects.filter(kind=kind).order_by("-created_at").first()


# --- who may what ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "reads", "issues", "manages"),
    [
        ("alice", 200, 200, 200),
        ("dina", 200, 200, 403),
        ("bob", 403, 403, 403),
        ("carol", 403, 403, 403),
        ("mallory", 200, 200, 200),
        ("root", 403, 403, 403),  # without a support session
    ],
)
def test_who_may_open_which_page(cast: Cast, name: str, reads: int, issues: int, manages: int) -> None:
    client = page(getattr(cast, name))
    assert {client.get(path).status_code for path in PAGES} == {reads}
    assert client.get("/audit/compliance/new").status_code == issues
    assert {client.get(path).status_code for path in MANAGED} == {manages}


def test_nobody_finds_what_belongs_to_another_organisation(cast: Cast) -> None:
    sample, event, rule, policy, report = (
        a_sample(cast.alice),
        an_event(cast),
        a_rule(cast),
        the_policy(cast),
        a_report(cast),
    )
    client = page(cast.mallory)

    for path in (
        f"/audit/resource/sample/{sample.pk}",
        f"/audit/user/{cast.alice.pk}",
        f"/audit/user/{uuid4()}",
        f"/audit/security/{event.pk}",
        f"/audit/alerts/{rule.pk}",
        f"/audit/alerts/{rule.pk}/edit",
        f"/audit/retention/{policy.pk}",
        f"/audit/retention/{policy.pk}/edit",
        f"/audit/compliance/{report.pk}",
        f"/audit/compliance/{report.pk}.pdf",
        f"/audit/compliance/{report.pk}.json",
        "/audit/integrity/checkpoints/999999.json",
        "/audit/integrity/0123456789abcdef.pub",
    ):
        assert client.get(path).status_code == 404, path
    for path in (
        f"/audit/security/{event.pk}/acknowledge",
        f"/audit/security/{event.pk}/resolve",
        f"/audit/security/{event.pk}/reopen",
        f"/audit/alerts/{rule.pk}/delete",
        f"/audit/retention/{policy.pk}/delete",
        f"/audit/retention/{policy.pk}/apply",
    ):
        assert client.post(path, {"note": "n", "resolution": "resolved"}).status_code == 404, path
    assert now(event).status == "open"
    assert now(rule).name == "Exports"


def test_an_auditor_settles_and_verifies_but_changes_no_rule(cast: Cast, auditor: Client) -> None:
    event, rule, policy = an_event(cast), a_rule(cast), the_policy(cast)

    assert auditor.post(f"/audit/security/{event.pk}/acknowledge").status_code == 302
    assert auditor.post("/audit/integrity/verify", {"mode": "full"}).status_code == 302
    for path in (f"/audit/alerts/{rule.pk}/delete", f"/audit/retention/{policy.pk}/apply", "/audit/erasure"):
        assert auditor.post(path).status_code == 403
    assert auditor.get(f"/audit/alerts/{rule.pk}").status_code == 200
    assert b"/edit" not in auditor.get(f"/audit/retention/{policy.pk}").content


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_every_page_opens_in_every_language_filled_and_filtered(cast: Cast, language: str) -> None:
    sample, event, rule, policy, report = (
        a_sample(cast.alice),
        an_event(cast),
        a_rule(cast),
        the_policy(cast),
        a_report(cast),
    )
    client = page(cast.alice, language)
    more = [
        f"/audit/resource/sample/{sample.pk}?page=7", f"/audit/user/{cast.alice.pk}", f"/audit/security/{event.pk}",
        f"/audit/alerts/{rule.pk}", f"/audit/alerts/{rule.pk}/edit", f"/audit/retention/{policy.pk}",
        f"/audit/retention/{policy.pk}/edit", f"/audit/compliance/{report.pk}", "/audit/compliance/new",
        f"/audit/erasure?user={cast.bob.pk}", "/audit/erasure?entity=sample&record=x", "/audit/erasure?entity=sample",
        "/audit?device=tablet&request=abc&q=مياه&sort=timestamp", "/audit?user=nobody&date_from=never",
        "/audit/security?status=unsettled&severity=high&type=mass_export&q=bob", "/audit/security?status=eaten&page=x",
        "/audit/compliance?q=AR&date_from=2026-01-01", "/audit/integrity?page=99&sort=-at", "/verify",
    ]  # fmt: skip
    for path in PAGES + MANAGED + more:
        shown = client.get(path)
        assert shown.status_code == 200, path
        assert f'lang="{language}"' in shown.content.decode(), path


# --- timeline and trails ---------------------------------------------------------------------------
@pytest.mark.covers("001-FR-083", "002-AUD-02")
def test_entries_are_found_by_device_request_and_arabic_spelling(cast: Cast, auditor: Client) -> None:
    with tenant(cast.a.pk, by=cast.bob.actor(device="tablet-9")):
        record(Event(Action.EXPORT, "audit", "", label="بئر أحمد"))
    with tenant(cast.a.pk):
        entry = AuditEntry.objects.get(device="tablet-9")

    def found(query: dict[str, str]) -> bool:
        return f'href="/audit/{entry.pk}"' in auditor.get("/audit", query, headers=FRAGMENT).content.decode()

    assert found({"device": "tablet-9"})
    assert not found({"device": "tablet"})
    assert found({"q": "بير احمد"})
    assert not found({"request": "no such request"})


@pytest.mark.covers("002-AUD-03")
def test_the_trail_of_a_deleted_record_stays(cast: Cast, auditor: Client) -> None:
    sample = a_sample(cast.alice)
    with tenant(cast.a.pk, by=cast.alice.actor(reason="taken twice")):
        services.sample_delete(id=sample.pk, by=cast.alice)

    shown = auditor.get(f"/audit/resource/sample/{sample.pk}").content.decode()

    assert sample.code in shown
    assert "Deleted" in shown
    assert f'href="/samples/{sample.pk}"' not in shown


@pytest.mark.django_db(transaction=True)
def test_an_entry_shows_its_hash_its_place_and_its_checkpoint(cast: Cast, auditor: Client) -> None:
    a_sample(cast.alice)
    seal_all()
    with tenant(cast.a.pk):
        entry = AuditEntry.objects.select_related("seal").filter(entity="sample")[0]

    shown = auditor.get(f"/audit/{entry.pk}").content.decode()

    assert bytes(entry.seal.leaf).hex() in shown
    assert bytes(entry.seal.previous).hex() in shown
    assert "signed within the hour" in shown


def test_a_fresh_entry_waits_for_its_seal(cast: Cast, auditor: Client) -> None:
    a_sample(cast.alice)  # in the test's own transaction, which never ends
    with tenant(cast.a.pk):
        entry = AuditEntry.objects.filter(entity="sample")[0]
    assert "waits for its seal" in auditor.get(f"/audit/{entry.pk}").content.decode()


def test_records_lead_to_their_trail_for_whoever_may_read_it(cast: Cast, admin: Client) -> None:
    sample = a_sample(cast.alice)
    link = f'href="/audit/resource/sample/{sample.pk}"'
    assert link in admin.get(f"/samples/{sample.pk}").content.decode()
    assert link not in page(cast.carol).get(f"/samples/{sample.pk}").content.decode()
    assert "Changes to this person" in admin.get(f"/audit/user/{cast.bob.pk}").content.decode()


def test_the_list_is_taken_away_as_csv_json_lines_and_bundle(cast: Cast, auditor: Client) -> None:
    a_sample(cast.alice)
    lines = b"".join(auditor.get("/audit.jsonl?entity=sample").streaming_content).splitlines()  # type: ignore[attr-defined]
    assert {json.loads(line)["entityType"] for line in lines} == {"sample"}
    answer = auditor.get("/audit.zip?entity=sample")
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {"manifest.json", "entries.jsonl", "checkpoints.jsonl"} <= set(archive.namelist())
    assert answer.headers["X-Audit-Manifest"]
    assert page(cast.carol).get("/audit.zip").status_code == 403


def test_a_bundle_of_too_many_entries_is_refused_in_words(
    cast: Cast, auditor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.desk.audit.views.BUNDLE_LIMIT", 1)
    a_sample(cast.alice)
    answer = auditor.get("/audit.zip")
    assert answer.status_code == 422
    assert "shorter period" in answer.content.decode()


# --- integrity ----------------------------------------------------------------------------------------
@pytest.mark.covers("E002-145")
def test_a_verification_is_a_job_and_one_at_a_time(cast: Cast, auditor: Client) -> None:
    assert auditor.post("/audit/integrity/verify", {"mode": "eaten"}).status_code == 302
    assert newest_job(cast, "audit.verify_chain") is None

    auditor.post("/audit/integrity/verify", {"mode": "sample"})
    first = newest_job(cast, "audit.verify_chain")
    auditor.post("/audit/integrity/verify", {"mode": "full"})

    assert first
    assert newest_job(cast, "audit.verify_chain") == first
    shown = auditor.get("/audit/integrity").content.decode()
    assert 'hx-get="/audit/integrity/progress"' in shown
    assert 'name="mode"' not in shown  # nobody starts a second one
    assert 'id="job"' in page(cast.alice).get("/audit/integrity").content.decode()  # and everybody sees it
    assert "progress" in auditor.get("/audit/integrity/progress", headers=FRAGMENT).content.decode()
    with tenant(cast.a.pk):
        Job.objects.filter(pk=first.pk).update(status="succeeded", finished_at=clock.now())
    assert auditor.get("/audit/integrity/progress", headers=FRAGMENT).headers["HX-Refresh"] == "true"
    assert 'id="job"' not in page(cast.mallory).get("/audit/integrity").content.decode()


def test_a_failed_verification_says_why(cast: Cast, auditor: Client) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        job = defer(jobs.verify_chain, mode="full", since=None, until=None)
        Job.objects.filter(pk=job.pk).update(status="failed", error="the disk is full")
    shown = auditor.get("/audit/integrity").content.decode()
    assert "the disk is full" in shown
    assert 'name="mode"' in shown


@pytest.mark.parametrize("kind", verification.KINDS)
def test_damage_is_named_in_plain_words_until_a_full_verification_clears_it(
    cast: Cast, auditor: Client, kind: str
) -> None:
    values: dict[str, Any] = {"organization_id": cast.a.pk, "first": 1, "last": 9, "checked": 9, "erased": 0}
    values |= {"checkpoints": 1, "signature_ok": True, "duration_ms": 1200}

    def verified(minutes: int, mode: str, status: str, *findings: Any) -> None:
        at = clock.now() + timedelta(minutes=minutes)
        Verification.objects.create(**values, mode=mode, status=status, at=at, findings=list(findings))

    status = "unsealed_lag" if kind == "unsealed" else "tampered"
    with tenant(cast.a.pk):
        verified(1, "full", status, {"kind": kind, "id": 7, "seq": 4}, {"kind": "rewritten", "id": None, "seq": 1})

    shown = auditor.get("/audit/integrity").content.decode()
    assert str(verification.KINDS[kind]) in shown
    assert "1</bdi> more finding." in shown
    assert ("The log has been damaged" in shown) is (kind != "unsealed")
    if kind == "unsealed":
        return
    with tenant(cast.a.pk):
        verified(2, "incremental", "ok")
    assert "The log has been damaged" in auditor.get("/audit/integrity").content.decode()
    with tenant(cast.a.pk):
        verified(3, "full", "ok")
    assert "The log is intact" in auditor.get("/audit/integrity").content.decode()


@pytest.mark.django_db(transaction=True)
def test_checkpoints_and_the_key_are_taken_away(cast: Cast, auditor: Client) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        record(Event(Action.EXPORT, "audit", "", label="one"))
    seal_all()
    with tenant(cast.a.pk):
        integrity_verify(mode="full")
        newest = overview.checkpoint_list()[0]

    shown = auditor.get("/audit/integrity").content.decode()
    one = auditor.get(f"/audit/integrity/checkpoints/{newest.count}.json").json()
    many = b"".join(auditor.get("/audit/integrity/checkpoints.jsonl").streaming_content)  # type: ignore[attr-defined]

    assert f'id="checkpoint-{newest.count}"' in shown
    assert "Valid" in shown
    assert "Wrong" not in shown
    assert "Missing" not in shown
    assert json.loads(many.splitlines()[-1]) == one
    assert auditor.get(f"/audit/integrity/{one['keyId']}.pub").content.decode() == keys.public_pem(one["keyId"])
    assert b"def " in auditor.get("/audit/integrity/verify_audit.py").content
    entry = re.search(r'href="/audit/(\d+)"', auditor.get("/audit?sort=timestamp").content.decode())
    assert entry
    detail = auditor.get(f"/audit/{entry[1]}").content.decode()
    assert f"/audit/integrity/checkpoints/{newest.count}.json" in detail


# --- security events ----------------------------------------------------------------------------------
@pytest.mark.covers("E002-150", "E002-151")
def test_an_event_is_acknowledged_settled_and_opened_again(cast: Cast, auditor: Client) -> None:
    event = an_event(cast)

    auditor.post(f"/audit/security/{event.pk}/acknowledge")
    assert now(event).status == "acknowledged"
    again = auditor.post(f"/audit/security/{event.pk}/acknowledge", follow=True)
    assert "Only an open event" in again.content.decode()
    empty = auditor.post(f"/audit/security/{event.pk}/resolve", {"resolution": "resolved", "note": " "})
    wrong = auditor.post(f"/audit/security/{event.pk}/resolve", {"resolution": "eaten", "note": "n"})
    assert {empty.status_code, wrong.status_code} == {422}
    assert now(event).status == "acknowledged"
    done = auditor.post(f"/audit/security/{event.pk}/resolve", {"resolution": "false_positive", "note": "a drill"})
    assert done.status_code == 302
    assert (now(event).status, now(event).note) == ("false_positive", "a drill")
    twice = auditor.post(f"/audit/security/{event.pk}/resolve", {"resolution": "resolved", "note": "n"})
    assert twice.status_code == 422
    assert auditor.post(f"/audit/security/{event.pk}/reopen").status_code == 302
    assert now(event).status == "open"


def test_nobody_settles_a_critical_event_about_themselves(cast: Cast, admin: Client) -> None:
    event = an_event(cast, severity="critical", actor=cast.alice.pk)
    answer = admin.post(f"/audit/security/{event.pk}/resolve", {"resolution": "resolved", "note": "it was me"})
    assert answer.status_code == 422
    assert "Somebody else has to settle" in answer.content.decode()
    assert now(event).status == "open"


def test_the_list_is_live_and_names_people_instead_of_ids(cast: Cast, auditor: Client) -> None:
    an_event(cast, subject=f"Exports {cast.bob.pk}", actor=cast.bob.pk)
    shown = auditor.get("/audit/security", headers=FRAGMENT).content.decode()
    assert "marsad:security.event from:body" in shown
    assert "Exports bob" in shown
    assert str(cast.bob.pk) not in shown.partition("<tbody>")[2]


# --- alert rules ------------------------------------------------------------------------------------------
RULE = {
    "name": "Exports at night", "action": ["export"], "threshold": "2", "window_minutes": "60", "group_by": "userId",
    "throttle_minutes": "60", "severity": "high", "channels": ["in_app"], "recipients": "a@b.example، c@d.example",
    "is_active": "on",
}  # fmt: skip


def tried(client: Client, path: str, data: dict[str, Any]) -> str:
    found = re.search(r'name="tried" value="(\w+)"', client.post(path, data | {"try": "1"}).content.decode())
    assert found
    return found[1]


@pytest.mark.covers("E002-146")
def test_a_rule_is_saved_after_its_dry_run_was_seen(cast: Cast, admin: Client) -> None:
    with tenant(cast.a.pk, by=cast.bob.actor()):
        record(*(Event(Action.EXPORT, "audit", "", label=f"{number}") for number in range(3)))

    unseen = admin.post("/audit/alerts/new", RULE | {"save": "1"})
    text = unseen.content.decode()
    assert unseen.status_code == 200
    assert "3</bdi> entries match." in text
    assert "1</bdi> alert would have been raised." in text
    assert "<bdi>bob</bdi>" in text
    key = tried(admin, "/audit/alerts/new", RULE)
    changed = admin.post("/audit/alerts/new", RULE | {"threshold": "3", "tried": key, "save": "1"})
    assert changed.status_code == 200  # another rule than the one that was seen
    with tenant(cast.a.pk):
        assert not AlertRule.objects.exists()
    assert admin.post("/audit/alerts/new", RULE | {"tried": key, "save": "1"}).status_code == 302

    with tenant(cast.a.pk):
        rule = AlertRule.objects.get()
    assert (rule.filter, rule.threshold, rule.group_by) == ({"action": ["export"]}, 2, "userId")
    assert rule.recipients == ["a@b.example", "c@d.example"]
    path = f"/audit/alerts/{rule.pk}/edit"
    edited = RULE | {"name": "Quiet", "user": str(cast.bob.pk), "ip": "192.0.2.7", "outcome": "success"}
    edited.pop("is_active")
    assert admin.post(path, edited | {"tried": tried(admin, path, edited), "save": "1"}).status_code == 302
    assert not now(rule).is_active
    assert now(rule).filter["userId"] == str(cast.bob.pk)
    assert "bob" in admin.get("/audit/alerts").content.decode()
    assert admin.post(f"/audit/alerts/{rule.pk}/delete").status_code == 302
    assert "No alert rule yet" in admin.get("/audit/alerts").content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("threshold", "0"),
        ("threshold", "many"),
        ("window_minutes", "43201"),
        ("throttle_minutes", "-1"),
        ("action", ["eat"]),
        ("resource", "tables"),
        ("user", "00000000-0000-0000-0000-000000000000"),
        ("ip", "300.1.1.1"),
        ("severity", "huge"),
        ("recipients", "nobody"),
    ],
)
def test_a_bad_rule_is_refused_at_its_field(cast: Cast, admin: Client, field: str, value: Any) -> None:
    data = RULE | {field: value}
    answer = admin.post("/audit/alerts/new", data)
    if field == "recipients":  # the service says so, when it is saved
        answer = admin.post("/audit/alerts/new", data | {"tried": tried(admin, "/audit/alerts/new", data), "save": "1"})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    with tenant(cast.a.pk):
        assert not AlertRule.objects.exists()


def test_a_rule_of_another_organisations_person_is_refused(cast: Cast, admin: Client) -> None:
    answer = admin.post("/audit/alerts/new", RULE | {"user": str(cast.mallory.pk)})
    assert answer.status_code == 422


# --- retention ----------------------------------------------------------------------------------------------
@pytest.mark.covers("E002-152", "E002-153")
@pytest.mark.django_db(transaction=True)
def test_a_policy_says_what_it_would_take_and_takes_it_when_the_name_is_typed(cast: Cast, admin: Client) -> None:
    policy = the_policy(cast)
    an_old_entry(cast)
    seal_all()
    path = f"/audit/retention/{policy.pk}"

    assert "1</bdi> entry would be archived" in admin.get(path).content.decode()
    assert admin.post(f"{path}/apply", {"typed": "B"}).status_code == 422
    assert admin.post(f"{path}/apply").status_code == 422
    assert newest_job(cast, "audit.apply_policy") is None
    assert admin.post(f"{path}/apply", {"typed": " a "}).status_code == 302
    job = newest_job(cast, "audit.apply_policy")
    assert job
    assert 'hx-get="/audit/retention/progress"' in admin.get(path).content.decode()
    admin.post(f"{path}/apply", {"typed": "A"})
    assert newest_job(cast, "audit.apply_policy") == job
    run(cast, jobs.apply_policy, policy=str(policy.pk))
    assert "Nothing: no entry" in admin.get(path).content.decode()
    assert "Retention" in admin.get("/audit/retention").content.decode()
    with tenant(cast.a.pk):
        assert integrity_verify(mode="full").status == "ok"
        entry = AuditEntry.objects.get(object_pk="old")
    shown = admin.get(f"/audit/{entry.pk}").content.decode()
    assert "has been erased" in shown
    assert f'href="/audit/{entry.erased_by}"' in shown


def test_a_policy_is_made_changed_held_and_deleted(cast: Cast, admin: Client) -> None:
    data = {"resource": "sample", "keep_days": "730", "action": "erase_payload", "is_active": "on"}
    assert admin.post("/audit/retention/new", data).status_code == 302
    twice = admin.post("/audit/retention/new", data)
    short = admin.post("/audit/retention/new", data | {"resource": "result", "keep_days": "30"})
    assert (twice.status_code, short.status_code) == (422, 422)
    assert "already" in twice.content.decode()
    with tenant(cast.a.pk):
        policy = RetentionPolicy.objects.get(resource="sample")
    assert admin.post(f"/audit/retention/{policy.pk}/edit", data | {"legal_hold": "on"}).status_code == 302
    assert now(policy).legal_hold
    refused = admin.post(f"/audit/retention/{policy.pk}/delete", follow=True)
    assert "A legal hold stands against this." in refused.content.decode()
    admin.post(f"/audit/retention/{policy.pk}/edit", data)
    assert admin.post(f"/audit/retention/{policy.pk}/delete").status_code == 302
    with tenant(cast.a.pk):
        assert not RetentionPolicy.objects.filter(resource="sample").exists()


# --- erasure ----------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_person_is_erased_after_a_look_a_reason_and_the_typed_address(cast: Cast, admin: Client) -> None:
    with tenant(cast.a.pk, by=cast.bob.actor()):
        record(Event(Action.EXPORT, "audit", "", label="by bob"))
    seal_all()
    path = f"/audit/erasure?user={cast.bob.pk}"

    shown = admin.get(path)
    preview = shown.context["preview"]
    assert (preview.about, preview.acted) == (1, 1)
    for bad in ({"typed": "bob@test.invalid"}, {"reason": "asked", "typed": "bob"}, {"reason": " ", "typed": ""}):
        assert admin.post(path, bad).status_code == 422
    with tenant(cast.a.pk):
        assert AuditEntry.objects.filter(actor_id=cast.bob.pk).exists()
    done = admin.post(path, {"reason": "request 17", "typed": "BOB@test.invalid"}, follow=True)

    assert "request 17" in done.content.decode()
    with tenant(cast.a.pk):
        assert not AuditEntry.objects.filter(actor_id=cast.bob.pk).exists()
        entry = AuditEntry.objects.get(action=Action.EXPORT)
        assert integrity_verify(mode="full").status == "ok"
    assert "Erased" in admin.get(f"/audit/{entry.pk}").content.decode()
    assert "no personal data" in admin.get(path).content.decode()


def test_a_legal_hold_keeps_a_person(cast: Cast, admin: Client) -> None:
    policy = the_policy(cast)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        retention.policy_update(id=policy.pk, data={"legal_hold": True}, by=cast.alice)
    path = f"/audit/erasure?user={cast.bob.pk}"
    assert "A legal hold stands against this." in admin.get(path).content.decode()
    answer = admin.post(path, {"reason": "asked", "typed": "bob@test.invalid"})
    assert answer.status_code == 422
    missing = admin.post("/audit/erasure?entity=sample&record=nowhere", {"reason": "asked", "typed": "nowhere"})
    assert missing.status_code == 422
    assert admin.get(f"/audit/erasure?user={cast.mallory.pk}").context["chooser"].errors


# --- compliance reports ---------------------------------------------------------------------------------------------
@pytest.mark.covers("E002-149")
def test_a_report_is_issued_by_a_job_and_kept_in_three_languages(cast: Cast, auditor: Client, admin: Client) -> None:
    form = {"since": "2026-01-01", "until": "2026-12-31", "language": "fr"}
    for bad in ({"since": "2026-12-31", "until": "2026-01-01"}, {"language": "de"}, {"since": ""}):
        assert auditor.post("/audit/compliance/new", form | bad).status_code == 422
    assert newest_job(cast, "audit.issue_report") is None
    assert admin.post("/audit/compliance/new", form).status_code == 302
    admin.post("/audit/compliance/new", form)
    with tenant(cast.a.pk):
        assert Job.objects.filter(kind="audit.issue_report").count() == 1
    assert 'hx-get="/audit/compliance/progress"' in admin.get("/audit/compliance").content.decode()

    period = {"since": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"}
    made = run(cast, jobs.issue_report, language="fr", **period)

    path = f"/audit/compliance/{made['reportId']}"
    assert made["number"] in auditor.get("/audit/compliance").content.decode()
    shown = auditor.get(path).content.decode()
    assert shown.count("bg-green-lt verdict") == 3
    for language in ("ar", "fr", "en"):
        assert auditor.get(f"{path}.pdf?language={language}").status_code == 202
        run(cast, jobs.report_pdf, report=made["reportId"], language=language)
        assert auditor.get(f"{path}.pdf?language={language}").content.startswith(b"%PDF")
    assert auditor.get(f"{path}.pdf?language=de").status_code == 400
    content = auditor.get(f"{path}.json").json()
    assert reports.snapshot_hash(content["content"]) == content["snapshotHash"]


def test_a_pdf_that_is_not_there_yet_is_waited_for(cast: Cast, auditor: Client) -> None:
    waiting = auditor.get(f"/audit/compliance/{a_report(cast).pk}.pdf?language=ar")
    assert waiting.status_code == 202
    assert waiting.headers["Refresh"]


# --- the public page --------------------------------------------------------------------------------------------------
@pytest.mark.covers("002-AUD-05")
def test_anybody_verifies_a_report_by_number_and_hash(cast: Cast) -> None:
    report = a_report(cast)
    digest = report.snapshot_hash.removeprefix("sha256:")
    client = page(None)

    def shown(query: dict[str, str]) -> str:
        answer = client.get("/verify", query)
        assert answer.status_code == 200
        return answer.content.decode()

    genuine = "This report is genuine."
    assert genuine in shown({"number": report.number.lower(), "h": digest})
    assert genuine in shown({"h": f"sha256:{digest.upper()}"})
    assert genuine in shown({"number": digest})
    assert genuine in client.get(f"/verify/audit/{report.number}?h={digest}").content.decode()
    alone = shown({"number": report.number})
    assert "was issued here." in alone
    assert genuine not in alone
    assert cast.a.name + "</bdi>" not in alone  # whose it is, is not said
    assert "Not confirmed" in shown({"number": "AR-2026-999999"})
    assert "Not confirmed" in shown({"number": report.number, "h": "0" * 64})
    assert "A hash has 64 digits" in shown({"number": report.number, "h": "xyz"})


def test_the_public_page_is_rate_limited(cast: Cast) -> None:
    client = page(None)
    codes = [client.get("/verify", {"number": f"AR-2026-{number:06d}"}).status_code for number in range(45)]
    assert codes[0] == 200
    assert 429 in codes
    assert settings.MARSAD_RATE_LIMITS != "off"
