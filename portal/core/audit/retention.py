"""Taking personal data out of the log while the chain stays whole: retention policies, and the erasure of a person."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min, Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.audit import bundles, sealing
from portal.core.audit.models import Action, AuditEntry, Checkpoint, RetentionPolicy
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, Errors, IllegalTransition, Invalid, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization

BATCH: Final = 50_000
LEAST_DAYS: Final = 365
SHORTEST: Final = 6  # a telephone number of fewer characters would be found everywhere
_RECORDS: Final = [Action.ERASE, Action.RETENTION]


def policy_list() -> QuerySet[RetentionPolicy]:
    return RetentionPolicy.objects.order_by("resource", "id")


def policy_get(*, id: UUID | str) -> RetentionPolicy:
    """Raises NotFound."""
    found = RetentionPolicy.objects.filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such retention policy."))
    return found


def _allowed(by: User) -> None:
    if not by.has_permission("audit.manage"):
        raise Denied(_("You may not change the rules of the audit log."))


def _checked(data: Mapping[str, Any], policy: RetentionPolicy) -> None:
    errors = Errors()
    for name, value in data.items():
        setattr(policy, name, value)
    if not isinstance(policy.keep_days, int) or not LEAST_DAYS <= policy.keep_days <= 36_500:
        text = _("Enter a whole number from %(low)s to %(high)s.")
        errors.add("keep_days", text % {"low": LEAST_DAYS, "high": 36_500})
    if policy.action not in RetentionPolicy.Action.values:
        allowed = ", ".join(RetentionPolicy.Action.values)
        errors.add("action", _("Choose one of: %(allowed)s.") % {"allowed": allowed})
    if not isinstance(policy.resource, str) or len(policy.resource) > 40:
        errors.add("resource", _("Enter the kind of record, or nothing for all kinds."))
    errors.raise_any()
    if policy_list().filter(resource=policy.resource).exclude(pk=policy.pk).exists():
        raise Conflict(_("There is a policy for this kind of record already."), code="DUPLICATE")


@transaction.atomic
def policy_create(*, data: Mapping[str, Any], by: User) -> RetentionPolicy:
    _allowed(by)
    policy = RetentionPolicy(organization_id=scope.organization_id())
    _checked(data, policy)
    policy.save(force_insert=True)
    return policy


@transaction.atomic
def policy_update(*, id: UUID, data: Mapping[str, Any], by: User) -> RetentionPolicy:
    _allowed(by)
    policy = policy_get(id=id)
    _checked(data, policy)
    policy.save()
    return policy


@transaction.atomic
def policy_delete(*, id: UUID, by: User) -> None:
    """Raises ILLEGAL_TRANSITION for a policy under legal hold."""
    _allowed(by)
    policy = policy_get(id=id)
    if policy.legal_hold:
        raise IllegalTransition(_("A legal hold stands against this."), code="LEGAL_HOLD")
    policy.delete()


def seed_policies() -> None:
    """Every organisation starts with one policy for all kinds of record, switched off; in the platform scope."""
    without = Organization.objects.exclude(pk__in=RetentionPolicy.objects.values("organization"))
    RetentionPolicy.objects.bulk_create(RetentionPolicy(organization=one) for one in without)


def policy_card(policy: RetentionPolicy) -> dict[str, Any]:
    return {
        "id": policy.pk,
        "resource": policy.resource,
        "keepDays": policy.keep_days,
        "retentionDays": policy.keep_days,
        "action": policy.action,
        "legalHold": policy.legal_hold,
        "isActive": policy.is_active,
    }


def _due(policy: RetentionPolicy) -> QuerySet[AuditEntry]:
    """Sealed entries of the policy's kind beyond its term. A policy for all kinds takes those that have none."""
    found: QuerySet[AuditEntry] = AuditEntry.objects.filter(
        Q(erased_by=None) | Q(actor_erased_by=None),
        organization_id=policy.organization_id,
        seal__isnull=False,
        timestamp__lt=clock.now() - timedelta(days=policy.keep_days),
    ).exclude(action__in=_RECORDS)
    if policy.resource:
        return found.filter(entity=policy.resource)
    return found.exclude(entity__in=policy_list().exclude(resource="").values("resource"))


def policy_apply(*, policy: RetentionPolicy, dry_run: bool = True) -> dict[str, Any]:
    """Apply a policy to what is older than its term; by default only say what would happen.

    Archives first where the policy says so (a signed bundle in `$MARSAD_DATA/audit/archive/`), then takes payload,
    people and salts out of the entries, tells of it in the log, and signs a checkpoint. Raises LEGAL_HOLD (422).
    """
    due = _due(policy)
    affected, oldest = due.count(), due.aggregate(at=Min("timestamp"))["at"]
    held = affected if policy.legal_hold or policy_list().filter(legal_hold=True, resource="").exists() else 0
    answer = {
        "dryRun": dry_run,
        "affected": 0 if held else affected,
        "oldest": oldest,
        "held": held,
        "archived": 0,
        "deleted": 0,
    }
    if dry_run:
        return answer
    if held:
        raise IllegalTransition(_("A legal hold stands against this."), code="LEGAL_HOLD")
    detail = {"policy": str(policy.pk), "keepDays": policy.keep_days, "action": policy.action}
    if affected and policy.action == RetentionPolicy.Action.ARCHIVE:
        name, digest = _archive(policy, due)
        detail |= {"archive": name, "sha256": digest}
        answer["archived"] = affected
    for ids in _batches(due):
        _erase(ids, subject=f"{policy.resource or 'audit'} ", kind=Action.RETENTION, detail=detail, reason="")
    answer["deleted"] = affected
    answer["oldest"] = oldest and clock.wire(oldest)
    if affected:
        sealing.checkpoint(cause=Checkpoint.Cause.RETENTION)
    return answer


def _batches(due: QuerySet[AuditEntry]) -> list[list[int]]:
    ids = list(due.order_by("id").values_list("id", flat=True))
    return [ids[at : at + BATCH] for at in range(0, len(ids), BATCH)]


def _archive(policy: RetentionPolicy, due: QuerySet[AuditEntry]) -> tuple[str, str]:
    folder = Path(settings.DATA_DIR) / "audit" / "archive" / str(policy.organization_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"{clock.now():%Y%m%dT%H%M%S%f}-{policy.resource or 'all'}.zip"
    made = bundles.bundle(due, filters={"resource": policy.resource, "archived": True})
    return name, made.keep(folder / name)


def _erase(
    ids: list[int], *, subject: str, kind: Action, detail: dict[str, Any], reason: str, parts: str = "payload actor"
) -> list[int]:
    """Blank entries through the log owner's own function; the numbers of the entries that tell of it."""
    made = []
    with connection.cursor() as cursor:
        for part in parts.split():
            cursor.execute(
                "SELECT marsad_audit_erase(%s, %s, %s, %s, %s, %s, %s)",
                [sealing.chain_in_force(), ids, part, int(kind), subject, orjson.dumps(detail).decode(), reason],
            )
            made.append(cursor.fetchone()[0])
    return made


@transaction.atomic
def erase_person(*, resource: str, id: str, reason: str, by: User) -> dict[str, Any]:
    """Take a person out of the log: what the entries about their record say, and, for a user, who and from where
    they acted, and every entry that holds an e-mail address or telephone number of theirs. What they did to other
    records stays. The chain stays whole. Frozen reports and archives keep what they hold.

    Raises VALIDATION_ERROR without a reason, RESOURCE_NOT_FOUND where the log knows nothing of them, and LEGAL_HOLD.
    """
    _allowed(by)
    if not reason.strip():
        raise Invalid.field("reason", _("Say why the data is erased."), "required")
    sealing.seal()
    about, acted = entries_of(resource=resource, id=id)
    if not about.exists() and not acted.exists():
        raise NotFound(_("The audit log knows nothing of this person."))
    if policy_list().filter(legal_hold=True, resource__in=["", resource]).exists():
        raise IllegalTransition(_("A legal hold stands against this."), code="LEGAL_HOLD")
    subject = f"{resource} {id}"
    detail = {"subject": subject}
    payloads = list(about.values_list("id", flat=True))
    people = list((acted | about.filter(actor_id=None)).values_list("id", flat=True)) if resource == "user" else []
    made = _erase(payloads, subject=subject, kind=Action.ERASE, detail=detail, reason=reason, parts="payload")
    if people:
        made += _erase(people, subject=subject, kind=Action.ERASE, detail=detail, reason=reason, parts="actor")
    sealing.checkpoint(cause=Checkpoint.Cause.RETENTION)
    return {"entries": len(set(payloads) | set(people)), "records": made}


def entries_of(*, resource: str, id: str) -> tuple[QuerySet[AuditEntry], QuerySet[AuditEntry]]:
    """What an erasure takes: entries that say something of the record, and those that the person made."""
    entries = AuditEntry.objects.filter(organization_id=scope.current().organization).exclude(action__in=_RECORDS)
    own = entries.filter(entity=resource, object_pk=id)
    person = parse_uuid(id) if resource == "user" else None
    if person is None:
        return own, entries.none()
    named = Q(entity="user", object_pk=id)
    for text in _ways_to_reach(entries, own, person):
        named |= Q(object_repr__icontains=text) | Q(reason__icontains=text) | Q(changes__icontains=text)
    return entries.filter(named), entries.filter(Q(actor_id=person) | Q(impersonator_id=person))


def _ways_to_reach(entries: QuerySet[AuditEntry], about: QuerySet[AuditEntry], person: UUID) -> set[str]:
    """E-mail addresses and telephone numbers of a user, by their record, its history and what they did."""
    found = set(entries.filter(actor_id=person).values_list("actor_email", flat=True).distinct())
    for known in User.objects.filter(pk=person).values_list("email", "phone"):
        found |= set(known)
    for changes in about.filter(changes__isnull=False).values_list("changes", flat=True):
        for name in ("email", "phone"):
            value = changes.get(name)
            found |= set(value if isinstance(value, list) else [value])
    return {text for text in found if isinstance(text, str) and len(text) >= SHORTEST}
