"""The audit log at size: a long chain is verified whole and its one forged entry named; a long export stays a stream.

Twenty thousand entries and three thousand rows; a million and a hundred thousand with HYPOTHESIS_PROFILE=full.
"""

import csv
import io
import os
import tracemalloc

import pytest
from django.db import connection

from portal.core.audit.models import AuditLeaf
from portal.core.tenancy.scope import tenant
from tests.api.conftest import Cast
from tests.core.audit.chain import seal_all, superuser
from tests.core.audit.chain import verified as verified_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
CHAIN, ROWS = (1_000_000, 100_000) if FULL else (20_000, 3_000)
FLAT = 40 * 1024 * 1024  # bytes that Python may take besides


def entries(cast: Cast, count: int) -> None:
    with tenant(cast.a.pk), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditentry (organization_id, entity, object_pk, object_repr, action, changes,"
            " changes_text, actor_name, actor_role, device, agent, via, reason, outcome, cid, timestamp)"
            " SELECT %s, 'result', gen_random_uuid(), 'Nitrate', 1, jsonb_build_object('value_text', jsonb_build_array("
            " n::text, '7.20')), '', 'Amina', 'Technician', 'tablet', 'Mozilla', 'sync', '', 'success', '', now()"
            " FROM generate_series(1, %s) n",
            [cast.a.pk, count],
        )
    seal_all()


@pytest.mark.covers("002-AUD-05", "E002-157")
def test_a_long_chain_is_verified_and_the_one_forged_entry_named(cast: Cast) -> None:
    entries(cast, CHAIN)

    whole = verified_of(cast)  # type: ignore[arg-type]  # it needs the organisation alone

    assert (whole.status, whole.checked >= CHAIN) == ("ok", True)
    print(f"{whole.checked:,} entries verified in {whole.duration_ms} ms")
    with tenant(cast.a.pk):
        victim = AuditLeaf.objects.get(seq=whole.last * 2 // 3)
    superuser("UPDATE audit_auditentry SET reason = 'forged' WHERE id = %(id)s", id=victim.entry_id)
    found = verified_of(cast)  # type: ignore[arg-type]
    assert found.findings == [{"kind": "payload_altered", "id": victim.entry_id, "seq": victim.seq}]


@pytest.mark.covers("E002-148")
def test_a_long_export_is_a_stream(cast: Cast) -> None:
    entries(cast, ROWS)
    answer = cast.alice.get("/audit/export?resource=result")
    assert answer.status_code == 200, answer.content

    tracemalloc.start()
    rows, pieces, tail = 0, 0, b""
    for piece in answer:
        pieces, tail = pieces + 1, piece
        rows += piece.count(b"\r\n")
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (rows, pieces >= ROWS // 1000) == (ROWS + 1, True)  # and the header
    assert peak < FLAT
    (last, *_more) = csv.reader(io.StringIO(tail.decode()))
    assert last[7] == "result"
