"""The machine at the one door of synced records: what a batch may do to the status of samples, and what is locked.

Called by the laboratory's `derive`, under the clock's lock, so that two devices cannot both take the same step.
"""

from collections.abc import Container, Mapping
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.notifications.events import publish
from portal.core.notifications.services import notify
from portal.core.sync.engine import Batch, Change
from portal.core.sync.registry import Row
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab.choices import Compliance, SampleStatus
from portal.lab.lifecycle import machine
from portal.lab.lifecycle.models import Retest, SampleStep
from portal.lab.models import Result, Sample

LOCKED: Final = "SAMPLE_LOCKED"
ILLEGAL: Final = "ILLEGAL_TRANSITION"
DENIED: Final = "PERMISSION_DENIED"
# What a validated sample cannot lose: its verdicts rest on them.
_HELD: Final = ("type", "collection_date")

ANYONE, NOT_VALIDATOR, NOT_INVOLVED = "anyone", "not_validator", "not_involved"
SETTING: Final = "approvalBy"


def approval_rule() -> str:
    """Who may approve a sample here: `anyone` with the right, nobody who validated it (`not_validator`), nor anybody
    who entered its results (`not_involved`)."""
    settings = Organization.objects.values_list("settings", flat=True).get(pk=scope.organization_id())
    rule = settings.get(SETTING, ANYONE)
    return rule if rule in (NOT_VALIDATOR, NOT_INVOLVED) else ANYONE


def legal(batch: Batch) -> None:
    """Refuse what the machine, the person's rights or a lock forbid; the rest of the batch goes on."""
    imported = scope.actor().via == "import"
    person = _Person(batch.user)
    changes = {change.id: change for change in batch.of("sample")}
    blocked = _obstacles(_going_to(batch, SampleStatus.VALIDATED), _going_to(batch, SampleStatus.APPROVED), person.id)
    for id, row in list(batch.writes["sample"].items()):
        change = changes[id]
        refusal = _refusal(change, row, batch.before["sample"].get(id), person, imported=imported) or blocked.get(id)
        if refusal:
            del batch.writes["sample"][id]
            before = batch.before["sample"].get(id)
            allowed = machine.following(before["status"]) if before and refusal[0] == ILLEGAL else ()
            change.refuse(*refusal, allowed=tuple(allowed))
    _refuse_locked_results(batch, imported=imported)


def _going_to(batch: Batch, target: str) -> dict[UUID, Row]:
    """The samples that a person takes to this status."""
    before = batch.before["sample"]
    return {
        id: row
        for id, row in batch.writes["sample"].items()
        if batch.user and row["status"] == target and id in before and before[id]["status"] != target
    }


class _Person:
    """Whoever stands behind a batch: their rights are looked up where one is asked for. None is the program itself."""

    def __init__(self, id: UUID | None) -> None:
        self.id = id

    @cached_property
    def rights(self) -> Container[str] | None:
        if self.id is None:
            return None
        user = User.objects.select_related("role").filter(pk=self.id, is_active=True).first()
        return user.permission_codes if user else ()

    def may(self, right: str) -> bool:
        return self.rights is None or right in self.rights


type _Refused = tuple[str, str, str | None]
type _Refusal = _Refused | None


def _refusal(change: Change, row: Row, before: Row | None, person: _Person, *, imported: bool) -> _Refusal:
    if before is None:
        right = machine.ON_ARRIVAL.get(row["status"])
        if right and not imported and not person.may(right):
            return DENIED, _("You do not have the right to register a sample in this status."), "status"
        return None
    if before["deleted_at"] is None and before["status"] in machine.LOCKED and not imported and person.id is not None:
        if row["deleted_at"] is not None:
            return LOCKED, _("A validated sample cannot be deleted. Reopen it first, with a reason."), None
        if row["status"] in machine.LOCKED and any(row[name] != before[name] for name in _HELD):
            return LOCKED, _("The sample is validated. Reopen it first, with a reason."), None
    if row["status"] == before["status"] or row["deleted_at"] is not None or person.id is None:
        return None
    return _step_refusal(change, row, before, person)


def _step_refusal(change: Change, row: Row, before: Row, person: _Person) -> _Refusal:
    source, target = before["status"], row["status"]
    step = machine.TRANSITIONS.get((source, target))
    if step is None:
        allowed = ", ".join(machine.following(source)) or "-"
        message = _("A sample cannot go from %(source)s to %(target)s; what can follow: %(allowed)s.")
        return ILLEGAL, message % {"source": source, "target": target, "allowed": allowed}, "status"
    # whoever got here may write samples: that has always been enough on the bench
    if step.right not in (machine.EDIT, machine.RECEIVE) and not person.may(step.right):
        return (
            DENIED,
            _("You do not have the right to take a sample from %(source)s to %(target)s.")
            % {
                "source": source,
                "target": target,
            },
            "status",
        )
    if step.reason and not _reason(change):
        return "VALIDATION_ERROR", _("Say why."), "reason"
    return None


def obstacle(*, sample: Sample, target: str, person: UUID) -> str:
    """Why a step that a person has the right for cannot be taken yet, or not by them; '' where it can."""
    row = {sample.pk: {"result_count": sample.result_count}}
    validated, approved = (row if target == step else {} for step in (SampleStatus.VALIDATED, SampleStatus.APPROVED))
    refusal = _obstacles(validated, approved, person).get(sample.pk)
    return refusal[1] if refusal else ""


def _obstacles(
    validated: Mapping[UUID, Row], approved: Mapping[UUID, Row], person: UUID | None
) -> dict[UUID, _Refused]:
    """Which samples cannot be validated or approved yet, or not by this person: the same few queries for any number."""
    found: dict[UUID, _Refused] = {}
    if validated:
        waiting = Retest.objects.filter(result__sample__in=validated, result__deleted_at=None, withdrawn_at=None)
        waiting = waiting.exclude(result__in=replaced_ids(*validated))
        said = _("A retest is still to be done. Enter its result or withdraw it first.")
        found |= dict.fromkeys(waiting.values_list("result__sample", flat=True), (ILLEGAL, said, "status"))
        said = _("There is no result to validate yet.")
        found |= {id: (ILLEGAL, said, "status") for id, row in validated.items() if not row["result_count"]}
    rule = approval_rule() if approved and person else ANYONE
    if rule == NOT_INVOLVED:
        said = _("Somebody else than the people who entered the results has to approve the sample.")
        entered = Result.objects.filter(
            Q(created_by=person) | Q(updated_by=person), sample__in=approved, deleted_at=None
        )
        found |= dict.fromkeys(entered.values_list("sample", flat=True), (DENIED, said, "status"))
    if rule != ANYONE:
        said = _("Somebody else than the person who validated the sample has to approve it.")
        steps = SampleStep.objects.filter(sample__in=approved, target=SampleStatus.VALIDATED)
        last = dict(steps.order_by("at", "id").values_list("sample", "by"))
        found |= {id: (DENIED, said, "status") for id, by in last.items() if by == person}
    return found


def replaced_ids(*samples: UUID) -> Any:
    """The results of samples in whose place a later one counts."""
    return Result.objects.filter(sample__in=samples, deleted_at=None, replaces__isnull=False).values("replaces")


def _refuse_locked_results(batch: Batch, *, imported: bool) -> None:
    written, old = batch.writes["result"], batch.before["result"]
    if not written or batch.user is None:
        return
    samples = batch.writes["sample"]
    parents = {row["sample_id"] for row in written.values()} | {row["sample_id"] for row in old.values()}
    locked = set(Sample.objects.filter(pk__in=parents, status__in=machine.LOCKED).values_list("pk", flat=True))
    # reopened in this very batch, or taken away as a whole by the import that brought it
    locked -= {id for id in locked & set(samples) if samples[id]["status"] not in machine.LOCKED}
    if not locked:
        return
    for change in batch.of("result"):
        row = written.get(change.id)
        if row is None or (imported and row["deleted_at"] is not None):
            continue
        before = old.get(change.id)
        if row["sample_id"] in locked or (before is not None and before["sample_id"] in locked):
            del written[change.id]
            change.refuse(LOCKED, _("The sample is validated: its results are locked. Reopen it first, with a reason."))


def _reason(change: Change) -> str:
    said = change.data.get("reason")
    return (said.strip() if isinstance(said, str) else "") or scope.actor().reason.strip()


def keep_steps(batch: Batch) -> None:
    """Write down each change of status, whatever door it came through; tell of legal limits broken in what was
    validated just now."""
    steps = []
    for change in batch.of("sample"):
        row = batch.writes["sample"].get(change.id)
        if row is None or change.status not in ("created", "updated"):
            continue
        before = batch.before["sample"].get(change.id)
        source = before["status"] if before else ""
        if row["status"] == (source or SampleStatus.REGISTERED):
            continue
        steps.append(
            SampleStep(
                organization_id=scope.organization_id(),
                sample_id=change.id,
                source=source,
                target=row["status"],
                at=row["client_updated_at"],
                by_id=batch.user,
                reason=_reason(change)[:1000],
                device=batch.device.device_id if batch.device else "",
            )
        )
        if row["status"] == SampleStatus.VALIDATED and row["compliance_status"] == Compliance.FAIL:
            broken = [entry for entry in row["verdicts"] if entry["verdict"] == "FAIL"]
            publish(
                "compliance.changed",
                entity="sample",
                id=change.id,
                data={"code": row["code"], "status": row["status"], "complianceStatus": "fail", "verdicts": broken},
            )
    SampleStep.objects.bulk_create(steps)
    if rejected := [step for step in steps if step.target == SampleStatus.REJECTED]:
        first = rejected[0]
        notify(
            "sample.rejected",
            permission="samples.validate",
            data={"code": batch.writes["sample"][first.sample_id]["code"], "reason": first.reason},
            subject=("sample", first.sample_id),
            times=len(rejected),
        )
