"""P9: what the audit log costs a writer, how fast it is sealed, and how long its verification takes."""

import statistics
import time
from typing import Any
from uuid import uuid4

SAMPLES = (
    "INSERT INTO lab_sample (id, organization_id, created_at, updated_at, version, code, type, location,"
    " collection_date, collector_name, status, notes, compliance_status, verdicts, result_count, search_text)"
    " SELECT gen_random_uuid(), %s, now(), now(), 0, %s || n, 'drinking_water', 'Tap', now(), 'A', 'completed', '',"
    " 'pass', '[]', 0, '''' FROM generate_series(1, 200) n"
)
ENTRIES = (
    "INSERT INTO audit_auditentry (organization_id, entity, object_pk, object_repr, action, changes, changes_text,"
    " actor_id, actor_email, actor_name, actor_role, device, agent, via, reason, outcome, cid, remote_addr,"
    " timestamp, xid) SELECT %s, 'result', gen_random_uuid(), 'Nitrate', 1, jsonb_build_object('value_text',"
    " jsonb_build_array(n::text, '7.20'), 'compliance_status', jsonb_build_array('pass', 'fail')), '', %s,"
    " 'amina@example.org', 'Amina', 'Technician', 'tablet-7', 'Mozilla/5.0', 'sync', '', 'success', 'req-' || n / 1000,"
    " '192.0.2.7', now(), pg_current_xact_id() FROM generate_series(1, %s) n"
)
EMPTY = {"jsonb": "'[]'", "boolean": "false", "character varying": "''", "text": "''"}


def sealed() -> None:
    """Seal beside the program until no entry waits."""
    from portal.core.audit import sealing
    from portal.core.audit.models import AuditEntry
    from portal.core.tenancy.scope import platform

    waiting = True
    while waiting:
        with platform():
            sealing.seal()
            waiting = AuditEntry.objects.filter(seal=None).exists()
        if waiting:
            time.sleep(0.2)


class Audit:
    def __init__(self, bench: Any) -> None:
        self.bench, self.table = bench, bench.table
        self.user = bench.organization()

    def run(self) -> None:
        with self.bench.owner() as connection:
            connection.execute("SELECT set_config('marsad.organization', %s, false)", [str(self.user.organization_id)])
            self.prepare(connection)
            for many in (1, 800):
                plain, recorded = [], []
                for _ in self.bench.runs():
                    plain.append(self.write(connection, many, recorded=False))
                    recorded.append(self.write(connection, many, recorded=True))
                work = f"{many} result{'s' * (many > 1)} in a transaction, recorded (reference: not)"
                self.table.add("P9", work, recorded, "ms", reference=statistics.median(plain))
        self.seal()
        self.verify()

    def prepare(self, connection: Any) -> None:
        """The statement that writes results: each column that demands a value gets one."""
        columns = {"id": "gen_random_uuid()", "organization_id": "s.organization_id", "sample_id": "s.id"}
        columns |= {"parameter_id": "p", "value_text": "'7.20'", "value": "7.20", "unit": "'mg/L'"}
        columns |= {"compliance_status": "'pass'", "created_at": "now()", "updated_at": "now()", "test_date": "now()"}
        demanded = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = 'lab_result' AND is_nullable = 'NO'"
        )
        columns = {name: EMPTY.get(kind, "0") for name, kind in demanded} | columns
        self.insert = (
            f"INSERT INTO lab_result ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM lab_sample s,"
            " (SELECT id FROM lab_parameter LIMIT 4) k (p) WHERE s.organization_id = %s AND s.code LIKE %s LIMIT %s"
        )

    def write(self, connection: Any, many: int, *, recorded: bool) -> float:
        """Milliseconds of one transaction that adds `many` results, committed; median of twenty."""
        state, times = "ENABLE ALWAYS" if recorded else "DISABLE", []
        connection.execute(f"ALTER TABLE lab_result {state} TRIGGER audit_insert")
        for _ in range(20):
            code = uuid4().hex[:8]
            connection.execute(SAMPLES, [self.user.organization_id, code])
            began = time.perf_counter()
            connection.execute(self.insert, [self.user.organization_id, f"{code}%", many])
            times.append(1000 * (time.perf_counter() - began))
        connection.execute("ALTER TABLE lab_result ENABLE ALWAYS TRIGGER audit_insert")
        return statistics.median(times)

    def seal(self) -> None:
        """Entries of the size of a changed result, sealed per second, by whichever sealer comes first."""
        count = self.bench.options.entries
        sealed()
        with self.bench.owner() as connection:
            connection.execute(ENTRIES, [self.user.organization_id, self.user.pk, count])
            began = time.perf_counter()
            sealed()
            seconds = time.perf_counter() - began
            connection.execute("VACUUM ANALYZE audit_auditentry, audit_auditleaf")
        self.table.add("P9", f"{count:,} entries sealed in the background", [count / seconds], "entries/s")

    def verify(self) -> None:
        from portal.core.audit import verification
        from portal.core.tenancy.scope import tenant

        seconds, checked = [], 0
        for _ in self.bench.runs():
            began = time.perf_counter()
            with tenant(self.user.organization_id):
                found = verification.verify(mode="full")
            seconds.append(time.perf_counter() - began)
            assert found.status == "ok", found.findings
            checked = found.checked
        work = f"verify {checked:,} entries (reference: 15 s per million)"
        self.table.add("P9", work, seconds, "s", reference=15 * checked / 1_000_000)
