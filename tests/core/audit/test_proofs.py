"""What an auditor takes away proves itself; what is erased is gone, and the chain still holds."""

import json
import subprocess
import sys
import zipfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections

from portal.core.audit import bundles, integrity, keys, reports, retention, sealing, selectors
from portal.core.audit.models import Action, AuditEntry, RetentionPolicy
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.tenancy.management.commands import bootstrap
from portal.core.tenancy.scope import tenant
from tests.core.audit.chain import seal_all, sealed, superuser, verified, write
from tests.core.people import Cast

pytestmark = pytest.mark.django_db(transaction=True)
VERIFIER = Path(settings.BASE_DIR) / "docs" / "verify" / "verify_audit.py"


def check(bundle: Path) -> tuple[int, str]:
    """The verifier as an auditor runs it: another process, nothing of ours to import."""
    key = keys.folder() / f"{keys.ensure()}.pub"
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(bundle), str(key)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def packed(cast: Cast, path: Path, **filters: Any) -> dict[str, Any]:
    seal_all()
    with tenant(cast.a.pk):
        made = bundles.bundle(selectors.entry_list(**filters), filters={}, format="csv")
        made.keep(path)
    return made.manifest


def changed(source: Path, target: Path, name: str, change: Any) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for each in old.namelist():
            content = old.read(each)
            new.writestr(each, change(content) if each == name else content)


@pytest.mark.covers("E002-148", "002-AUD-05")
def test_a_bundle_is_verified_with_python_and_the_public_key_alone(tmp_path: Path) -> None:
    cast = Cast()
    sealed(cast, 5)
    write(cast, 4, reason='أُعيد التحليل \x1f "quoted" \\ \u2028')
    everything, some = tmp_path / "all.zip", tmp_path / "some.zip"

    manifest = packed(cast, everything)
    packed(cast, some, record="id-3")

    assert manifest["complete"]
    code, said = check(everything)
    assert (code, said.split(",")[0]) == (0, f"OK {manifest['count']} entries without a gap")
    code, said = check(some)
    assert (code, said.split(",")[0]) == (0, "OK 2 entries chosen by filters")
    with zipfile.ZipFile(everything) as archive:
        assert archive.read("entries.csv").count(b"\r\n") == manifest["count"] + 1


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("entries.jsonl", b"7.20", b"7.19", "altered since"),
        ("entries.csv", b"7.20", b"7.19", "altered since"),
        ("checkpoints.jsonl", b"head", b"haed", "altered since"),
        ("manifest.json", b'"count": ', b'"count": 1', "manifest: signature wrong"),
    ],
)
def test_a_tampered_bundle_is_refused(tmp_path: Path, name: str, old: bytes, new: bytes, fault: str) -> None:
    cast = Cast()
    sealed(cast, 3)
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    packed(cast, good)

    changed(good, bad, name, lambda content: content.replace(old, new, 1))

    code, said = check(bad)
    assert code == 1
    assert fault in said


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda line: line["payload"].update(label="forged"), "payload altered"),
        (lambda line: line["actor"].update(userName="forged"), "actor altered"),
        (lambda line: line["meta"].update(action="99"), "time, action or record altered"),
        (lambda line: line["path"].append("L" + "00" * 32), "not under its signed checkpoint"),
    ],
)
def test_a_bundle_that_the_operator_signed_over_a_forgery_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any, fault: str
) -> None:
    cast = Cast()
    sealed(cast, 3)
    honest = bundles._evidence

    def forged(ids: list[int]) -> Any:
        for at, line in enumerate(honest(ids)):
            if at == 2:
                change(line)
            yield line

    monkeypatch.setattr(bundles, "_evidence", forged)
    packed(cast, tmp_path / "forged.zip")

    code, said = check(tmp_path / "forged.zip")
    assert code == 1
    assert fault in said


def test_a_gap_in_what_claims_to_be_complete_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cast = Cast()
    sealed(cast, 5)
    honest = bundles._manifest
    monkeypatch.setattr(
        bundles, "_evidence", lambda ids, take=bundles._evidence: (x for at, x in enumerate(take(ids)) if at != 3)
    )

    def claims(summary: Any, *rest: Any) -> Any:
        summary.last -= 1
        return honest(summary, *rest)

    monkeypatch.setattr(bundles, "_manifest", claims)
    packed(cast, tmp_path / "gap.zip")

    code, said = check(tmp_path / "gap.zip")
    assert code == 1
    assert "does not follow the one before" in said


def test_a_person_is_erased_and_the_chain_holds(tmp_path: Path) -> None:
    cast = Cast()
    sealed(cast, 3)
    bob = cast.bob
    with tenant(cast.a.pk, by=bob.actor(via="portal", ip="198.51.100.4", agent="Safari")):
        bob.phone = "+212600000000"
        bob.save(update_fields=["phone"])
    seal_all()

    with pytest.raises(DomainError, match="why"), tenant(cast.a.pk):
        retention.erase_person(resource="user", id=str(bob.pk), reason=" ", by=cast.alice)
    with pytest.raises(DomainError), tenant(cast.a.pk):
        retention.erase_person(resource="user", id=str(bob.pk), reason="x", by=cast.carol)
    with tenant(cast.a.pk, by=cast.alice.actor(via="portal")):
        told = retention.erase_person(resource="user", id=str(bob.pk), reason="asked for it", by=cast.alice)

    assert verified(cast).status == "ok"
    with tenant(cast.a.pk):
        for entry in AuditEntry.objects.exclude(entity="user", action=Action.ERASE):
            text = " ".join(map(str, (entry.changes, entry.object_repr, entry.actor_name, entry.actor_email)))
            assert "bob" not in text
            assert "+212600000000" not in text
            assert entry.remote_addr != "198.51.100.4"
            assert entry.actor_id != bob.pk
        records = AuditEntry.objects.filter(action=Action.ERASE).order_by("id")
        assert [record.pk for record in records] == told["records"]
        assert {(record.reason, record.actor_name, record.object_pk) for record in records} == {
            ("asked for it", "alice", str(bob.pk))
        }
        assert not selectors.entry_list(search="bob").exists()
        assert selectors.entry_list(search="alice").exists()
    packed(cast, tmp_path / "after.zip")
    code, said = check(tmp_path / "after.zip")
    assert (code, "with erased parts" in said) == (0, True), said


def test_what_is_not_sealed_yet_is_erased_too() -> None:
    """What is younger than a transaction that runs for long goes too, and is sealed without its content."""
    cast = Cast()
    with closing(bootstrap.connect(connections.settings["owner"])) as slow:
        slow.execute("BEGIN")
        slow.execute("SELECT pg_current_xact_id()")
        with tenant(cast.a.pk, by=cast.bob.actor(via="portal")):
            record(Event(Action.UPDATE, "sample", "s-1", label="kept"))
        with tenant(cast.a.pk, by=cast.alice.actor(via="portal")):
            retention.erase_person(resource="user", id=str(cast.bob.pk), reason="asked", by=cast.alice)

    assert verified(cast).status == "ok"
    with tenant(cast.a.pk):
        entry = AuditEntry.objects.get(object_pk="s-1")
        assert (entry.actor_name, entry.object_repr, entry.seal.actor_salt) == ("", "kept", None)
        assert verified(cast).erased >= 1


def test_an_erasure_that_claims_other_entries_is_found() -> None:
    cast = Cast()
    leaves = sealed(cast, 4)
    with tenant(cast.a.pk, by=cast.alice.actor(via="portal")):
        told = retention.erase_person(resource="sample", id="id-1", reason="asked", by=cast.alice)
    assert verified(cast).status == "ok"

    superuser(
        "UPDATE audit_auditentry SET changes = NULL, object_repr = '', reason = '', erased_by = %(record)s"
        " WHERE id = %(id)s",
        "UPDATE audit_auditleaf SET salt = NULL WHERE entry_id = %(id)s",
        record=told["records"][0],
        id=leaves[-1].entry_id,
    )

    assert {finding["kind"] for finding in verified(cast).findings} == {"erased_unrecorded"}


@pytest.mark.covers("E002-155", "E002-156", "002-AUD-02", "002-DB-05")
def test_retention_archives_then_takes_the_content_out(tmp_path: Path) -> None:
    cast = Cast()
    write(cast, 3)
    superuser("UPDATE audit_auditentry SET timestamp = now() - interval '400 days' WHERE entity = 'sample'")  # unsealed
    sealed(cast, 2)
    with tenant(cast.a.pk):
        policy = RetentionPolicy.objects.create(organization=cast.a, resource="sample", keep_days=365)
        dry = retention.policy_apply(policy=policy)
        assert (dry["affected"], dry["archived"], dry["dryRun"]) == (3, 0, True)

    with tenant(cast.a.pk):
        policy.legal_hold = True
        policy.save()
        assert retention.policy_apply(policy=policy)["held"] == 3
        with pytest.raises(DomainError, match="legal hold"):
            retention.policy_apply(policy=policy, dry_run=False)
        policy.legal_hold = False
        policy.save()
    seal_all()
    with tenant(cast.a.pk):
        done = retention.policy_apply(policy=policy, dry_run=False)

    assert (done["archived"], done["deleted"]) == (3, 3)
    assert verified(cast).status == "ok"
    with tenant(cast.a.pk):
        left = AuditEntry.objects.filter(entity="sample", seal__salt=None, action=Action.UPDATE)
        assert [(entry.changes, entry.object_repr, entry.actor_name) for entry in left] == [(None, "", "")] * 3
        assert retention.policy_apply(policy=policy)["affected"] == 0
    (archive,) = (Path(settings.DATA_DIR) / "audit" / "archive" / str(cast.a.pk)).glob("*.zip")
    assert check(archive)[0] == 0
    with zipfile.ZipFile(archive) as kept:
        lines = [json.loads(line) for line in kept.read("entries.jsonl").splitlines()]
    assert [line["payload"]["label"] for line in lines] == ["S-0", "S-1", "S-2"]


@pytest.mark.covers("E002-152")
def test_a_report_still_verifies_after_the_log_was_rewritten() -> None:
    cast = Cast()
    leaves = sealed(cast, 6)
    now = clock.now()
    with tenant(cast.a.pk, by=cast.alice.actor(via="portal")):
        report = reports.report_issue(since=now - timedelta(days=1), until=now, language="ar", by=cast.alice)
        assert report.content["coverage"]["total"] >= 6
        assert reports.report_check(report) == {"report": True, "signature": True, "log": True}
        pdf = bytes(reports.report_render(report=report, language="ar").content)
    digest = report.snapshot_hash.removeprefix("sha256:")
    assert pdf.startswith(b"%PDF")
    assert reports.report_confirm(number=report.number, digest="0" * 64) is None

    superuser(
        "DELETE FROM audit_auditentry WHERE id = %(id)s",
        "DELETE FROM audit_auditleaf WHERE entry_id = %(id)s",
        "UPDATE audit_auditleaf SET chain = sha256(chain) WHERE seq > 3",
        "DELETE FROM audit_checkpoint",
        id=leaves[2].entry_id,
    )

    found = reports.report_confirm(number=report.number, digest=digest)
    assert found is not None
    assert found[1] == {"report": True, "signature": True, "log": False}


def test_a_report_does_not_call_a_log_intact_whose_damage_is_known() -> None:
    cast = Cast()
    leaves = sealed(cast, 6)
    now = clock.now()
    superuser("DELETE FROM audit_auditentry WHERE id = %(id)s", id=leaves[2].entry_id)
    with tenant(cast.a.pk, by=cast.alice.actor(via="portal")):
        found = integrity.integrity_verify(mode="full")
        assert found.status not in integrity.SOUND
        assert integrity.integrity_verify(mode="incremental").status in integrity.SOUND
        said = reports.compliance(since=now - timedelta(days=1), until=now + timedelta(days=1))["integrity"]
    assert (said["valid"], said["firstBad"]) == (False, found.findings[0])


def test_search_finds_any_spelling_in_sealed_and_unsealed_entries() -> None:
    cast = Cast()
    write(cast, 1, label="مُختبر أحمد", changes={"note": ["", "Résidu élevé"]})
    seal_all()
    write(cast, 1, label="عينة أحمد")

    with tenant(cast.a.pk):
        for words, count in {"احمد": 2, "أحمد": 2, "مختبر احمد": 1, "residu": 1, "RÉSID": 1, "عينه": 1, "x": 0}.items():
            assert selectors.entry_list(search=words).filter(entity="sample").count() == count, words
        assert sealing.unsigned(cast.a.pk) >= 1
