"""The chain of the audit log: sealed without hindering anybody, and every damage found and named."""

import threading
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from portal.core.audit import canon, keys, sealing
from portal.core.audit.integrity import integrity_card
from portal.core.audit.models import Action, AuditEntry, AuditLeaf, Checkpoint, SecurityEvent
from portal.core.audit.services import Event, record
from portal.core.tenancy.scope import platform, tenant
from tests.core.audit.chain import seal_all, sealed, superuser, verified, write
from tests.core.people import Cast

pytestmark = pytest.mark.django_db(transaction=True)


def first_finding(cast: Cast, mode: str = "full") -> tuple[str, Any, Any, Any]:
    result = verified(cast, mode)
    finding = result.findings[0]
    return result.status, finding["kind"], finding["id"], finding["seq"]


def test_leaves_follow_each_other_from_the_first_entry() -> None:
    cast = Cast()

    leaves = sealed(cast, 5)

    before = canon.genesis(cast.a.pk)
    for place, leaf in enumerate(leaves, 1):
        assert (leaf.seq, bytes(leaf.previous)) == (place, before)
        before = canon.hashlib.sha256(b"\x01" + before + bytes(leaf.leaf)).digest()
        assert bytes(leaf.chain) == before
    with platform():
        assert not AuditEntry.objects.filter(seal=None, timestamp__lt=leaves[0].entry.timestamp).exists()


def test_an_entry_of_a_running_transaction_is_not_passed_by() -> None:
    """What commits late is sealed late: it never appears before a leaf that was there already."""
    cast = Cast()
    wrote, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        with tenant(cast.a.pk):
            record(Event(Action.UPDATE, "sample", "slow"))
            wrote.set()
            may_commit.wait(10)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    wrote.wait(10)
    write(cast, 3)
    with platform():
        sealing.seal()
        unsealed = AuditEntry.objects.filter(seal=None, entity="sample").order_by("id")
        waiting = list(unsealed.values_list("object_pk", flat=True))
    may_commit.set()
    thread.join()
    seal_all()

    assert waiting == ["id-0", "id-1", "id-2"]  # younger than the transaction that still ran
    with tenant(cast.a.pk):
        assert not AuditEntry.objects.filter(seal=None).exists()
        assert verified(cast).status == "ok"


def test_a_backlog_is_sealed_in_shares_and_no_leaf_is_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """By lookups: a plan that was made while there were few leaves compared each entry with all of them."""
    cast = Cast()
    seal_all()
    write(cast, 30)
    monkeypatch.setattr(sealing, "BATCH", 5)
    read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'audit_auditleaf'"

    with platform():
        assert sealing.seal(batches=2) == 10
        assert AuditEntry.objects.filter(seal=None).count() == 20
        with connection.cursor() as cursor:
            cursor.execute(read)
            first = cursor.fetchone()[0]
            assert sealing.seal() == 20
            cursor.execute(read)
            assert cursor.fetchone()[0] - first <= 4  # the last leaf of the chain, once for each share
    with tenant(cast.a.pk):
        assert verified(cast).status == "ok"


def test_writers_and_sealers_at_once_lose_nothing() -> None:
    cast = Cast()
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for _round in range(10):
                if number % 4:
                    write(cast, 1)
                else:
                    with platform():
                        sealing.seal()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    result = verified(cast)
    assert failures == []
    assert result.status == "ok"
    with tenant(cast.a.pk):
        assert AuditLeaf.objects.filter(entry__entity="sample").count() == 90


def test_a_checkpoint_is_signed_by_a_key_outside_of_the_database_and_copied() -> None:
    cast = Cast()
    leaves = sealed(cast, 3)

    with tenant(cast.a.pk):
        made = Checkpoint.objects.get(count=leaves[-1].seq)
        again = sealing.checkpoint(cause=Checkpoint.Cause.REGULAR)

    wire = sealing.as_wire(made)
    assert again is not None
    assert bytes(made.head) == bytes(leaves[-1].chain)
    assert bytes(made.root) == canon.merkle_root([bytes(leaf.leaf) for leaf in leaves])
    assert keys.verified(made.key_id, bytes(made.signature), canon.checkpoint_text(wire))
    assert not keys.verified(made.key_id, bytes(made.signature), canon.checkpoint_text({**wire, "count": 1}))
    assert wire in list(sealing.exported(cast.a.pk))
    assert (keys.folder() / f"{made.key_id}.pem").stat().st_mode & 0o077 == 0


@pytest.mark.covers("E002-157", "002-AUD-05")
@pytest.mark.parametrize(
    ("statement", "status", "kind"),
    [
        ("UPDATE audit_auditentry SET changes = '[9]' WHERE id = {id}", "tampered", "payload_altered"),
        ("UPDATE audit_auditentry SET object_repr = 'S-9' WHERE id = {id}", "tampered", "payload_altered"),
        ("UPDATE audit_auditentry SET actor_name = 'mallory' WHERE id = {id}", "tampered", "actor_altered"),
        ("UPDATE audit_auditentry SET remote_addr = '192.0.2.9' WHERE id = {id}", "tampered", "actor_altered"),
        ("UPDATE audit_auditentry SET timestamp = now() WHERE id = {id}", "tampered", "metadata_altered"),
        ("UPDATE audit_auditentry SET action = 0 WHERE id = {id}", "tampered", "metadata_altered"),
        ("UPDATE audit_auditentry SET actor_role = 'Viewer' WHERE id = {id}", "tampered", "metadata_altered"),
        ("DELETE FROM audit_auditentry WHERE id = {id}", "missing", "entry_missing"),
        ("UPDATE audit_auditleaf SET leaf = sha256('x') WHERE entry_id = {id}", "tampered", "chain_broken"),
        (("UPDATE audit_auditentry SET changes = NULL, object_repr = '', reason = '' WHERE id = {id};"
         "UPDATE audit_auditleaf SET salt = NULL WHERE entry_id = {id}"), "tampered", "erased_unrecorded"),
    ],
)  # fmt: skip
def test_one_altered_entry_is_found_and_named(statement: str, status: str, kind: str) -> None:
    cast = Cast()
    victim = sealed(cast)[7]

    superuser(statement.format(id=victim.entry_id))

    assert first_finding(cast) == (status, kind, victim.entry_id, victim.seq)
    with tenant(cast.a.pk):
        event = SecurityEvent.objects.get()
        assert (event.type, event.severity, event.details["kind"]) == ("integrity_failure", "critical", kind)


def test_two_swapped_entries_are_found() -> None:
    cast = Cast()
    one, two = sealed(cast)[6:8]

    superuser(
        "UPDATE audit_auditleaf SET entry_id = -1 WHERE entry_id = %(one)s",
        "UPDATE audit_auditleaf SET entry_id = %(one)s WHERE entry_id = %(two)s",
        "UPDATE audit_auditleaf SET entry_id = %(two)s WHERE entry_id = -1",
        one=one.entry_id,
        two=two.entry_id,
    )
    assert first_finding(cast) == ("tampered", "metadata_altered", two.entry_id, one.seq)

    superuser(
        "UPDATE audit_auditleaf SET seq = -1 WHERE entry_id = %(one)s",
        "UPDATE audit_auditleaf SET seq = %(first)s WHERE entry_id = %(two)s",
        "UPDATE audit_auditleaf SET seq = %(second)s WHERE entry_id = %(one)s",
        one=one.entry_id,
        two=two.entry_id,
        first=one.seq,
        second=two.seq,
    )
    assert first_finding(cast)[1] in {"chain_broken", "metadata_altered"}


def test_an_entry_removed_with_its_place_is_found() -> None:
    cast = Cast()
    victim = sealed(cast)[5]

    superuser(
        "DELETE FROM audit_auditentry WHERE id = %(id)s", "DELETE FROM audit_auditleaf WHERE entry_id = %(id)s",
        id=victim.entry_id,
    )  # fmt: skip

    result = verified(cast)
    assert result.status == "missing"
    assert {"kind": "leaf_missing", "id": None, "seq": victim.seq} in result.findings


@pytest.mark.parametrize("with_checkpoint", [False, True])
def test_a_truncated_tail_is_found(with_checkpoint: bool) -> None:
    """Even where the checkpoint went with it: its copy lies outside of the database."""
    cast = Cast()
    leaves = sealed(cast)
    cut = leaves[-3].seq

    superuser(
        "DELETE FROM audit_auditentry WHERE id IN (SELECT entry_id FROM audit_auditleaf"
        " WHERE organization_id = %(chain)s AND seq >= %(cut)s)",
        "DELETE FROM audit_auditleaf WHERE organization_id = %(chain)s AND seq >= %(cut)s",
        *(["DELETE FROM audit_checkpoint"] if with_checkpoint else []),
        chain=cast.a.pk,
        cut=cut,
    )

    status, kind, _entry, seq = first_finding(cast)
    assert (status, kind) == ("missing", "tail_truncated")
    assert cut <= seq <= leaves[-1].seq


def test_a_chain_rewritten_after_its_checkpoint_is_found() -> None:
    """Every hash made anew, so that all fits together: but for the signature."""
    cast = Cast()
    leaves = sealed(cast)
    victim = leaves[4]

    superuser(
        "UPDATE audit_auditentry SET object_repr = 'forged' WHERE id = %(id)s",
        f"UPDATE audit_auditleaf l SET payload_hash = {canon.sql_hash(canon.PAYLOAD, 'e', 'l.salt')}"
        " FROM audit_auditentry e WHERE e.id = l.entry_id AND e.id = %(id)s",
        f"UPDATE audit_auditleaf l SET leaf = {canon.sql_leaf('l', canon.sql_meta('e'))}"
        " FROM audit_auditentry e WHERE e.id = l.entry_id AND e.id = %(id)s",
        """DO $$ DECLARE one record; before bytea; BEGIN
           FOR one IN SELECT * FROM audit_auditleaf WHERE organization_id = (SELECT organization_id FROM audit_auditleaf
               ORDER BY entry_id DESC LIMIT 1) ORDER BY seq LOOP
             UPDATE audit_auditleaf SET previous = coalesce(before, previous),
               chain = sha256('\\x01'::bytea || coalesce(before, previous) || leaf) WHERE entry_id = one.entry_id
               RETURNING chain INTO before;
           END LOOP; END $$""",
        id=victim.entry_id,
    )

    result = verified(cast)
    assert result.status == "tampered"
    assert [finding["kind"] for finding in result.findings] == ["rewritten"]
    assert result.signature_ok

    superuser(
        "UPDATE audit_checkpoint c SET head = l.chain FROM audit_auditleaf l"
        " WHERE l.organization_id = c.organization_id AND l.seq = c.count"
    )
    result = verified(cast)
    assert result.findings[0]["kind"] == "bad_signature"
    assert not result.signature_ok


def test_a_removed_checkpoint_and_a_scribbled_copy_are_found() -> None:
    cast = Cast()
    sealed(cast, 3)
    sealed(cast, 3)
    with tenant(cast.a.pk):
        first = Checkpoint.objects.order_by("count")[0]

    superuser("DELETE FROM audit_checkpoint WHERE count = %(count)s", count=first.count)
    assert first_finding(cast)[1] == "checkpoint_missing"

    path = sealing.copies(cast.a.pk)
    path.write_text(path.read_text() + '{"count": 99')
    assert "bad_signature" in {finding["kind"] for finding in verified(cast).findings}


def test_an_incremental_verification_goes_on_from_the_last_good_one() -> None:
    cast = Cast()
    leaves = sealed(cast, 4)
    write(cast, 2)

    result = verified(cast, "incremental")
    sample = verified(cast, "sample")

    assert (result.first, result.status) == (leaves[-1].seq + 1, "ok")
    assert result.checked == result.last - leaves[-1].seq == 3  # two entries, and that of the first verification
    assert sample.status == "ok"
    assert integrity_card(result)["valid"]


def test_the_command_names_the_damage_and_fails(capsys: Any) -> None:
    cast = Cast()
    victim = sealed(cast)[3]
    call_command("audit_verify")
    superuser("DELETE FROM audit_auditentry WHERE id = %(id)s", id=victim.entry_id)

    with pytest.raises(CommandError, match="1 of"):
        call_command("audit_verify")

    assert f"entry {victim.entry_id} at place {victim.seq}: the entry has been removed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditentry SET reason = 'forged'",
        "DELETE FROM audit_auditentry",
        "UPDATE audit_auditleaf SET chain = leaf",
        "INSERT INTO audit_auditleaf VALUES (1, gen_random_uuid(), 1, 'x', 'x', 'x')",
        "DELETE FROM audit_auditleaf",
        "TRUNCATE audit_auditleaf",
        "UPDATE audit_checkpoint SET head = root",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_sealer SET sealed_below = '0'",
        "UPDATE audit_verification SET status = 'ok'",
        "DELETE FROM audit_auditwords",
        "ALTER TABLE audit_auditleaf DISABLE TRIGGER ALL",
        "CREATE OR REPLACE FUNCTION marsad_audit_refuse() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
        "SELECT marsad_audit_erase('{other}', ARRAY[1], 'payload', 14, 'sample 1', '{{}}', '')",
        "SELECT marsad_audit_erase('{own}', ARRAY[1], 'payload', 0, 'sample 1', '{{}}', '')",
        "SET ROLE marsad_audit",
    ],
)
def test_the_application_is_refused(statement: str) -> None:
    cast = Cast()
    sealed(cast, 2)

    with pytest.raises(DatabaseError), tenant(cast.a.pk), connection.cursor() as cursor:
        cursor.execute(statement.format(own=cast.a.pk, other=cast.b.pk))

    assert verified(cast).status == "ok"


def test_one_organisation_sees_nothing_of_anothers_chain() -> None:
    cast = Cast()
    sealed(cast, 2)

    def owners(table: str) -> set[Any]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT DISTINCT organization_id FROM {table}")
            return {owner for (owner,) in cursor.fetchall()}

    for table in ("audit_auditleaf", "audit_auditwords", "audit_checkpoint", "audit_verification"):
        with tenant(cast.b.pk):
            assert cast.a.pk not in owners(table)
        with tenant(cast.a.pk):
            assert owners(table) == {cast.a.pk}
        with transaction.atomic():
            assert owners(table) == set()
    with tenant(cast.b.pk):
        assert sealing.chain_in_force() == cast.b.pk


def test_what_rolls_back_leaves_no_place() -> None:
    cast = Cast()
    with tenant(cast.a.pk):
        record(Event(Action.UPDATE, "sample", "gone"))
        transaction.set_rollback(True)

    leaves = sealed(cast, 2)

    assert [leaf.seq for leaf in leaves] == list(range(1, len(leaves) + 1))
