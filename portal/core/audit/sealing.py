"""Give entries their place in the chain, and sign what the chain has come to."""

import json
import os
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from portal.core.audit import canon, keys
from portal.core.audit.models import PLATFORM_CHAIN, AuditLeaf, Checkpoint
from portal.core.common import clock
from portal.core.tenancy import scope

BATCH: Final = 10_000
type _Row = tuple[int, bytes | memoryview, bytes | memoryview]  # seq, leaf, chain
SEGMENT: Final = 10_000  # leaves under one Merkle root at most


def seal(*, batches: int | None = None) -> int:
    """Give every entry whose order is final its leaf, in any organisation, or `batches` of `BATCH` of them; the number
    of new leaves.

    Writers never wait for it, and of several sealers at once one works. Entries of transactions that began before a
    transaction that still runs stay unsealed until that one ends.
    """
    sealed = 0
    with connection.cursor() as cursor:
        for _turn in count() if batches is None else range(batches):
            cursor.execute("SELECT marsad_audit_seal(%s)", [BATCH])
            made: int = cursor.fetchone()[0]
            sealed += made
            if made < BATCH:
                break
    return sealed


def chain_in_force() -> UUID:
    return scope.current().organization or PLATFORM_CHAIN


def chains() -> list[UUID]:
    """Every chain that has leaves; needs the platform scope."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id FROM (SELECT id FROM tenancy_organization UNION SELECT %s) c"
            " WHERE EXISTS (SELECT FROM audit_auditleaf l WHERE l.organization_id = c.id)",
            [PLATFORM_CHAIN],
        )
        return [row[0] for row in cursor.fetchall()]


def unsigned(chain: UUID) -> int:
    """The number of leaves behind the newest checkpoint."""
    newest = Checkpoint.objects.filter(organization_id=chain).aggregate(count=Max("count"))["count"] or 0
    last = AuditLeaf.objects.filter(organization_id=chain).aggregate(last=Max("seq"))["last"] or 0
    return int(last - newest)


def checkpoint(*, cause: Checkpoint.Cause, chain: UUID | None = None) -> Checkpoint | None:
    """The newest checkpoint of a chain, made now where leaves came since the last; None for an empty chain.

    A segment of more than 10,000 leaves is cut into several. The file copies are written when the transaction commits.
    """
    chain = chain or chain_in_force()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"audit checkpoint {chain}"])
    newest = Checkpoint.objects.filter(organization_id=chain).order_by("-count").first()
    made = False
    while True:
        first = newest.count + 1 if newest else 1
        rows = list(
            AuditLeaf.objects.filter(organization_id=chain, seq__gte=first, seq__lt=first + SEGMENT)
            .order_by("seq")
            .values_list("seq", "leaf", "chain")
        )
        if not rows:
            break
        newest, made = _sign(chain, first, rows, cause, newest), True
        if len(rows) < SEGMENT:
            break
    if made:
        transaction.on_commit(lambda: export(chain), robust=True)
    return newest


def _sign(
    chain: UUID,
    first: int,
    rows: Sequence[_Row],
    cause: Checkpoint.Cause,
    before: Checkpoint | None,
) -> Checkpoint:
    made = Checkpoint(
        organization_id=chain,
        first=first,
        count=rows[-1][0],
        head=bytes(rows[-1][2]),
        root=canon.merkle_root([bytes(leaf) for _seq, leaf, _chain in rows]),
        at=clock.now(),
        cause=cause,
        previous=bytes(before.signature) if before else b"",
    )
    made.key_id, made.signature = keys.sign(canon.checkpoint_text(as_wire(made)))
    made.save(force_insert=True)
    return made


def as_wire(made: Checkpoint) -> dict[str, Any]:
    """A checkpoint as it is signed, exported and shown."""
    return {
        "organizationId": str(made.organization_id),
        "first": made.first,
        "count": made.count,
        "head": bytes(made.head).hex(),
        "root": bytes(made.root).hex(),
        "at": canon.moment(made.at),
        "previous": bytes(made.previous).hex(),
        "cause": str(made.cause),
        "keyId": made.key_id,
        "signature": bytes(made.signature or b"").hex(),
    }


def folder() -> Path:
    return Path(settings.DATA_DIR) / "audit" / "checkpoints"


def copies(chain: UUID | str) -> Path:
    """The file that keeps a copy of every checkpoint of a chain, one JSON object a line."""
    return folder() / f"{chain}.jsonl"


def exported(chain: UUID | str) -> Iterator[dict[str, Any]]:
    path = copies(chain)
    if path.exists():
        with path.open() as file:
            for line in file:
                try:
                    yield json.loads(line)
                except ValueError:  # a line that was cut off or scribbled on: a checkpoint that nobody signed
                    yield {"count": 0, "signature": "", "keyId": ""}


def export(chain: UUID) -> None:
    """Append to the file what the database has beyond it; call it in the scope of the chain's organisation or none."""
    path = copies(chain)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    last = max((line["count"] for line in exported(chain)), default=0)
    organization = None if chain == PLATFORM_CHAIN else chain
    with scope.tenant(organization) if organization else scope.platform():
        rows = list(Checkpoint.objects.filter(organization_id=chain, count__gt=last).order_by("count"))
    with path.open("a") as file:
        file.writelines(json.dumps(as_wire(row)) + "\n" for row in rows)
        file.flush()
        os.fsync(file.fileno())
