"""How a chain stands, what its checkpoints are worth, and what an erasure would take: reads of the audit pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection
from django.db.models import QuerySet

from portal.core.audit import canon, keys, sealing
from portal.core.audit.integrity import SOUND, known_damage
from portal.core.audit.models import PLATFORM_CHAIN, Action, AuditEntry, AuditLeaf, Checkpoint, Verification
from portal.core.audit.retention import entries_of, policy_list
from portal.core.tenancy import scope

_WAITING: Final = """
SELECT count(*), min(e.timestamp) FROM audit_auditentry e
WHERE e.xid >= (SELECT sealed_below FROM audit_sealer) AND coalesce(e.organization_id, %s) = %s
  AND NOT EXISTS (SELECT FROM audit_auditleaf l WHERE l.entry_id = e.id)
"""
_RECORDS: Final = (Action.ERASE, Action.RETENTION)


@dataclass(frozen=True, slots=True)
class ChainState:
    """`sealed` entries have their place in the chain, `waiting` ones do not yet; `unsigned` ones came after the newest
    checkpoint. `standing` is the verification that counts: damage that no later full verification has refuted, else
    the newest one."""

    sealed: int
    sealed_at: datetime | None
    waiting: int
    waiting_since: datetime | None
    unsigned: int
    standing: Verification | None

    @property
    def damaged(self) -> bool:
        return self.standing is not None and self.standing.status not in SOUND


def chain_state() -> ChainState:
    chain = sealing.chain_in_force()
    last = AuditLeaf.objects.filter(organization_id=chain).order_by("-seq").first()
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [PLATFORM_CHAIN, chain])
        waiting, since = cursor.fetchone()
    return ChainState(
        sealed=last.seq if last else 0,
        sealed_at=_timestamp(last),
        waiting=waiting,
        waiting_since=since,
        unsigned=sealing.unsigned(chain),
        standing=known_damage(chain) or verification_list().first(),
    )


def _timestamp(leaf: AuditLeaf | None) -> datetime | None:
    """None where the entry behind the last leaf has been removed."""
    if leaf is None:
        return None
    entry = AuditEntry.objects.filter(pk=leaf.entry_id).first()
    return entry.timestamp if entry else None


def verification_list() -> QuerySet[Verification]:
    return Verification.objects.filter(organization_id=sealing.chain_in_force()).order_by("-at", "-id")


def checkpoint_list() -> QuerySet[Checkpoint]:
    return Checkpoint.objects.filter(organization_id=sealing.chain_in_force()).order_by("-count")


def covering(*, seq: int) -> Checkpoint | None:
    """The checkpoint that signs for the entry at place `seq`; None while it waits for one."""
    return checkpoint_list().filter(first__lte=seq, count__gte=seq).first()


def signature_ok(row: Checkpoint) -> bool:
    """Whether the checkpoint is signed by the key that it names."""
    return keys.verified(row.key_id, bytes(row.signature), canon.checkpoint_text(sealing.as_wire(row)))


def copied(rows: Iterable[Checkpoint]) -> set[int]:
    """The `count` of those whose copy outside of the database says the same."""
    kept = {row.count: bytes(row.signature).hex() for row in rows}
    found = sealing.exported(sealing.chain_in_force())
    return {line["count"] for line in found if line["count"] in kept and kept[line["count"]] == line["signature"]}


@dataclass(frozen=True, slots=True)
class Erasure:
    """What the erasure of a person would take out of the log. `names`: what the log calls the record; `held`: a legal
    hold stands against it."""

    about: int
    acted: int
    names: list[str]
    held: bool

    def __bool__(self) -> bool:
        return self.about + self.acted > 0


def erasure_preview(*, resource: str, id: str) -> Erasure:
    """What `retention.erase_person` would take, in counts."""
    about, acted = entries_of(resource=resource, id=id)
    own = AuditEntry.objects.filter(organization_id=scope.current().organization, entity=resource, object_pk=id)
    names = own.order_by("-id").exclude(object_repr="").values_list("object_repr", flat=True)[:50]
    return Erasure(
        about=about.filter(erased_by=None).count(),
        acted=acted.filter(actor_erased_by=None).count(),
        names=list(dict.fromkeys(names))[:5],
        held=policy_list().filter(legal_hold=True, resource__in=["", resource]).exists(),
    )


def erasure_list() -> QuerySet[AuditEntry]:
    """The entries that tell of erasures and retention runs, newest first."""
    found: QuerySet[AuditEntry] = AuditEntry.objects.filter(
        organization_id=scope.current().organization, action__in=_RECORDS
    )
    return found.order_by("-timestamp", "-id")
