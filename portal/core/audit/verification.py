"""Check a chain against its entries, its signatures and the copies outside of the database."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Max
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.core.audit import canon, keys, sealing
from portal.core.audit.models import PLATFORM_CHAIN, AuditLeaf, Checkpoint, Verification
from portal.core.common import clock
from portal.core.tenancy import scope

CHUNK: Final = 250_000
SAMPLE: Final = 1_000
SHOWN: Final = 20
LAG: Final = "5 minutes"
KINDS: Final[dict[str, str | Promise]] = {
    "payload_altered": _("what was recorded has been altered"),
    "actor_altered": _("who did it has been altered"),
    "metadata_altered": _("time, action or record has been altered"),
    "entry_missing": _("the entry has been removed"),
    "leaf_missing": _("a place in the chain has been removed"),
    "chain_broken": _("the order of the chain has been altered"),
    "erased_unrecorded": _("erased without a record of it"),
    "rewritten": _("the chain has been rewritten since it was signed"),
    "tail_truncated": _("the newest entries have been cut off"),
    "bad_signature": _("a signature is wrong"),
    "checkpoint_missing": _("a signed checkpoint has been removed"),
    "unsealed": _("an entry waits too long for its seal"),
}
_MISSING = {"entry_missing", "leaf_missing", "tail_truncated", "checkpoint_missing"}

# Two questions, so that PostgreSQL answers the costly one with all its processes: is each entry what its leaf says …
_KIND = f"""
CASE WHEN l.chain <> sha256('\\x01'::bytea || l.previous || l.leaf) THEN 'chain_broken'
     WHEN e.id IS NULL THEN 'entry_missing'
     WHEN l.leaf <> {canon.sql_leaf("l", canon.sql_meta("e"))} THEN 'metadata_altered'
     WHEN CASE WHEN l.salt IS NULL THEN e.changes IS NOT NULL OR e.object_repr <> '' OR e.reason <> ''
          ELSE l.payload_hash <> {canon.sql_hash(canon.PAYLOAD, "e", "l.salt")} END THEN 'payload_altered'
     WHEN CASE WHEN l.actor_salt IS NULL THEN e.actor_id IS NOT NULL OR e.actor_name <> ''
          ELSE l.actor_hash <> {canon.sql_hash(canon.ACTOR, "e", "l.actor_salt")} END THEN 'actor_altered'
     WHEN (l.salt IS NULL) <> (e.erased_by IS NOT NULL)
          OR (l.actor_salt IS NULL) <> (e.actor_erased_by IS NOT NULL) THEN 'erased_unrecorded' END
"""
_ENTRIES = """
SELECT {wanted} FROM audit_auditleaf l LEFT JOIN audit_auditentry e ON e.id = l.entry_id
WHERE l.organization_id = %(chain)s AND l.seq BETWEEN %(first)s AND %(last)s {some}
"""
_COUNTS = f"count(*), count(*) FILTER (WHERE l.salt IS NULL OR l.actor_salt IS NULL), count({_KIND})"
_NAMED = f"l.seq, l.entry_id, {_KIND} AS kind"
# … and does each leaf follow the one before?
_ORDER = f"""
SELECT seq, entry_id, seq_before FROM (
    SELECT seq, entry_id, previous, lag(seq) OVER w AS seq_before, lag(chain) OVER w AS chain_before
    FROM audit_auditleaf WHERE organization_id = %(chain)s AND seq BETWEEN %(first)s - 1 AND %(last)s
    WINDOW w AS (ORDER BY seq)
) l
WHERE seq >= %(first)s AND (seq <> coalesce(seq_before, 0) + 1 OR previous <> coalesce(chain_before, %(genesis)s))
ORDER BY seq LIMIT {SHOWN}
"""  # noqa: S608 our own constants
# An erasure names the entries it took by a digest; its own entry is in the chain like any other.
_ERASURES = """
SELECT min(took.first) FROM (
    SELECT {column} AS record, min(id) AS first,
           encode(sha256(convert_to(string_agg(id::text, ',' ORDER BY id), 'UTF8')), 'hex') AS digest
    FROM audit_auditentry WHERE coalesce(organization_id, %(platform)s) = %(chain)s AND {column} IS NOT NULL GROUP BY 1
) took LEFT JOIN audit_auditentry r ON r.id = took.record AND r.action IN (14, 15)
WHERE r.changes->>'digest' IS DISTINCT FROM took.digest
"""
_UNSEALED = f"""
SELECT min(e.id) FROM audit_auditentry e
WHERE e.xid >= (SELECT sealed_below FROM audit_sealer) AND e.timestamp < now() - interval '{LAG}'
  AND e.xid < pg_snapshot_xmin(pg_current_snapshot()) AND coalesce(e.organization_id, %(platform)s) = %(chain)s
  AND NOT EXISTS (SELECT FROM audit_auditleaf l WHERE l.entry_id = e.id)
"""  # noqa: S608 our own constants


@dataclass
class _Check:
    chain: UUID
    first: int
    last: int
    checked: int = 0
    erased: int = 0
    checkpoints: int = 0
    signature_ok: bool = True
    findings: list[dict[str, Any]] = field(default_factory=list)

    def found(self, kind: str, *, entry: int | None = None, seq: int | None = None) -> None:
        self.findings.append({"kind": kind, "id": entry, "seq": seq})

    def query(self, sql: str, **values: Any) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql, {"chain": self.chain, "platform": PLATFORM_CHAIN, **values})
            found: list[Any] = cursor.fetchall()
            return found

    def entries(self, first: int, last: int, some: list[int] | None = None) -> None:
        only = "" if some is None else "AND l.seq = ANY(%(some)s)"
        values = {"first": first, "last": last, "some": some}
        ((checked, erased, bad),) = self.query(_ENTRIES.format(wanted=_COUNTS, some=only), **values)
        self.checked += checked
        self.erased += erased
        if bad:
            named = f"SELECT * FROM ({_ENTRIES.format(wanted=_NAMED, some=only)}) x WHERE kind IS NOT NULL"  # noqa: S608
            for seq, entry, kind in self.query(f"{named} ORDER BY seq LIMIT {SHOWN}", **values):
                self.found(kind, entry=entry, seq=seq)

    def order(self, first: int, last: int) -> None:
        for seq, entry, before in self.query(_ORDER, first=first, last=last, genesis=canon.genesis(self.chain)):
            if seq != (before or 0) + 1:
                self.found("leaf_missing", seq=(before or 0) + 1)
            else:
                self.found("chain_broken", entry=entry, seq=seq)

    def erasures(self) -> None:
        for column in ("erased_by", "actor_erased_by"):
            ((entry,),) = self.query(_ERASURES.format(column=column))
            if entry is not None:
                self.found("erased_unrecorded", entry=entry)

    def signatures(self) -> None:
        kept = list(Checkpoint.objects.filter(organization_id=self.chain).order_by("count"))
        leaves = dict(
            AuditLeaf.objects.filter(organization_id=self.chain, seq__in=[row.count for row in kept]).values_list(
                "seq", "chain"
            )
        )
        self.checkpoints = len(kept)
        before: Checkpoint | None = None
        for row in kept:
            wire = sealing.as_wire(row)
            if not keys.verified(row.key_id, bytes(row.signature), canon.checkpoint_text(wire)):
                self.signature_ok = False
                self.found("bad_signature", seq=row.count)
            elif bytes(row.previous) != (bytes(before.signature) if before else b"") or row.first != (
                before.count + 1 if before else 1
            ):
                self.found("checkpoint_missing", seq=row.first)
            elif row.count not in leaves:
                self.found("tail_truncated" if row.count > self.last else "leaf_missing", seq=row.count)
            elif bytes(leaves[row.count]) != bytes(row.head):
                self.found("rewritten", seq=row.first)
            before = row
        self._copies({row.count: bytes(row.signature).hex() for row in kept})

    def _copies(self, kept: dict[int, str]) -> None:
        for wire in sealing.exported(self.chain):
            if kept.get(wire["count"]) == wire["signature"]:
                continue
            if not wire["count"] or not keys.verified(
                wire["keyId"], bytes.fromhex(wire["signature"]), canon.checkpoint_text(wire)
            ):
                self.signature_ok = False
                self.found("bad_signature", seq=wire["count"] or None)
            elif wire["count"] > self.last:
                self.found("tail_truncated", seq=self.last + 1)
            else:
                self.found("checkpoint_missing", seq=wire["count"])

    def lag(self) -> None:
        ((entry,),) = self.query(_UNSEALED)
        if entry is not None:
            self.found("unsealed", entry=entry)

    @property
    def status(self) -> Verification.Status:
        kinds = [finding["kind"] for finding in self.ordered if finding["kind"] != "unsealed"]
        if not kinds:
            return Verification.Status.UNSEALED_LAG if self.findings else Verification.Status.OK
        return Verification.Status.MISSING if kinds[0] in _MISSING else Verification.Status.TAMPERED

    @property
    def ordered(self) -> list[dict[str, Any]]:
        """By place in the chain; findings of entries name more than findings of signatures."""
        return sorted(self.findings, key=lambda one: (one["id"] is None, one["seq"] or 0, one["id"] or 0))


def size(chain: UUID) -> int:
    """The number of sealed entries, by the last place in the chain."""
    return AuditLeaf.objects.filter(organization_id=chain).aggregate(last=Max("seq"))["last"] or 0


def start_of(chain: UUID, mode: str) -> int:
    """Where an incremental verification goes on: behind the last one that found the chain intact."""
    if mode != Verification.Mode.INCREMENTAL:
        return 1
    good = Verification.objects.filter(
        organization_id=chain, status=Verification.Status.OK, mode__in=[Verification.Mode.FULL, mode]
    )
    return (good.aggregate(last=Max("last"))["last"] or 0) + 1


def verify(
    *,
    mode: str,
    chain: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Check one chain (that of the scope in force) and keep the result.

    `full`: every entry, `incremental`: those since the last good verification, `sample`: 1,000 at random; always all
    signatures, the copies of the checkpoints, and all erasures. With `since` and `until` the entries of that period.
    """
    began = time.perf_counter()
    chain = chain or sealing.chain_in_force()
    sealing.seal()
    first, last = start_of(chain, mode), size(chain)
    check = _Check(chain, first, last)
    if since or until:
        ((low, high),) = check.query(
            "SELECT min(l.seq), max(l.seq) FROM audit_auditleaf l JOIN audit_auditentry e ON e.id = l.entry_id"
            " WHERE l.organization_id = %(chain)s AND e.timestamp >= coalesce(%(since)s, '-infinity'::timestamptz)"
            " AND e.timestamp < coalesce(%(until)s, 'infinity'::timestamptz)",
            since=since,
            until=until,
        )
        first, end = max(first, low or 1), high or 0
    else:
        end = last
    check.first = first
    if mode == Verification.Mode.SAMPLE:
        places = range(first, end + 1)
        some = sorted(secrets.SystemRandom().sample(places, min(SAMPLE, len(places))))
        check.entries(first, end, some)
    else:
        for at in range(first, end + 1, CHUNK):
            check.entries(at, min(at + CHUNK - 1, end))
            check.order(at, min(at + CHUNK - 1, end))
            if progress:
                progress(at + CHUNK - first, end - first + 1)
    check.signatures()
    check.erasures()
    check.lag()
    made = Verification(
        organization_id=chain,
        mode=mode,
        status=check.status,
        at=clock.now(),
        first=first,
        last=end,
        checked=check.checked,
        erased=check.erased,
        checkpoints=check.checkpoints,
        signature_ok=check.signature_ok,
        findings=check.ordered[:SHOWN],
        duration_ms=round((time.perf_counter() - began) * 1000),
        by_name=scope.actor().name[:150],
    )
    made.save(force_insert=True)
    return made
