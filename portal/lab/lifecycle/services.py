"""Steps in the life of samples, one or many at once; custody, retests, requested analyses, the rule of approval.

Steps are written by the sync engine like any other change of a sample, with version, feed and audit entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, DomainError, FieldError, IllegalTransition, Invalid, NotFound
from portal.core.notifications.events import publish
from portal.core.sync import engine, registry
from portal.core.sync.engine import Change
from portal.core.sync.models import FeedRecord
from portal.core.sync.registry import Row
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab import selectors
from portal.lab.choices import SampleStatus
from portal.lab.lifecycle import guard, machine
from portal.lab.lifecycle.models import CustodyEntry, RequestedAnalysis, Retest
from portal.lab.models import Parameter, Result, Sample

AT_ONCE: Final = 200  # samples of one call
_STATUS: Final = {guard.LOCKED: 409, guard.ILLEGAL: 422, guard.DENIED: 403, "RESOURCE_NOT_FOUND": 404}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one sample of a call; `code` of the error is '' where it was taken."""

    id: UUID
    sample: str
    status: str
    code: str = ""
    message: str = ""

    @property
    def label(self) -> str:
        return str(SampleStatus(self.status).label) if self.status else ""


@dataclass(frozen=True, slots=True)
class Papers:
    """What is noted when a sample changes hands: a receipt or a disposal. `temperature` in °C."""

    at: datetime | None = None
    given_by: str = ""
    taken_by: str = ""
    place: str = ""
    condition: str = ""
    temperature: Decimal | None = None
    container: str = ""
    note: str = ""

    @property
    def said(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name != "at"}


_NOTHING: Final = Papers()
_KINDS: Final = {SampleStatus.RECEIVED: CustodyEntry.Kind.RECEIVED, SampleStatus.DISPOSED: CustodyEntry.Kind.DISPOSED}


def sample_transition(
    *, id: UUID, to: str, by: User, reason: str = "", papers: Papers = _NOTHING, version: int | None = None
) -> Row:
    """Take one sample a step on and return its row. Raises NotFound, Invalid, Denied (403), IllegalTransition (422 with
    `meta.allowed`) and, where `version` is not that of the content in force, Conflict."""
    engine.lock_clock()
    held = selectors.sample_get(id=id)
    if version is not None and FeedRecord.objects.get(entity="sample", record_id=id).content_seq > version:
        current = registry.get("sample").rows([id])
        raise Conflict(
            _("Somebody else has changed this record in the meantime."),
            meta={"version": held.version, "current": registry.get("sample").wire(list(current.values()))[0]},
        )
    (done,) = samples_transition(ids=[id], to=to, by=by, reason=reason, papers=papers)
    if done.code == guard.DENIED:
        raise Denied(done.message)
    if done.code == guard.ILLEGAL:
        faults = [FieldError("to", done.message)]
        raise IllegalTransition(done.message, errors=faults, meta={"allowed": list(machine.following(held.status))})
    if done.code == "VALIDATION_ERROR":
        raise Invalid.field("reason", done.message)
    if done.code:
        raise DomainError(done.message, code=done.code, status=_STATUS.get(done.code, 400))
    return registry.get("sample").rows([id])[id]


def samples_transition(
    *, ids: Sequence[UUID], to: str, by: User, reason: str = "", papers: Papers = _NOTHING
) -> list[Outcome]:
    """Take up to 200 samples a step on, each for itself; what is refused says why and holds nobody else up.

    Raises Invalid for an unknown status, more samples than that, or papers that cannot be.
    """
    if to not in SampleStatus.values:
        raise Invalid.field("to", _("Must be one of: %(allowed)s.") % {"allowed": ", ".join(SampleStatus.values)})
    if len(ids) > AT_ONCE:
        raise Invalid.field("ids", _("At most %(limit)d samples at once.") % {"limit": AT_ONCE})
    now = clock.now()
    kind = _KINDS.get(SampleStatus(to))
    if kind:
        _checked(CustodyEntry(kind=kind, at=papers.at or now, **papers.said))
    engine.lock_clock()
    held = {sample.pk: sample for sample in Sample.objects.filter(pk__in=list(ids), deleted_at=None)}
    found: dict[UUID, Outcome] = {}
    changes: dict[UUID, Change] = {}
    for id in ids:
        sample = held.get(id)
        if sample is None:
            found[id] = Outcome(id, "", "", "RESOURCE_NOT_FOUND", _("There is no such record."))
        elif refusal := _refused(sample, to, by):
            found[id] = Outcome(id, sample.code, sample.status, *refusal)
        else:
            data: dict[str, Any] = {"status": to}
            if to == SampleStatus.RECEIVED:
                data["receivedAt"] = clock.wire(papers.at or now)
            if reason.strip():
                data["reason"] = reason.strip()[:1000]
            changes[id] = Change("sample", id, "updated", data, client_version=engine.NO_VERSION_CHECK)
    with scope.acting(reason=reason.strip()[:1000] or scope.actor().reason):
        engine.apply(list(changes.values()), user=by.pk)
    entries = []
    for id, change in changes.items():
        sample = held[id]
        if change.errors:
            first = change.errors[0]
            found[id] = Outcome(id, sample.code, sample.status, first.code, first.message)
            continue
        found[id] = Outcome(id, sample.code, to)
        if kind:
            entries.append(_entry(sample, kind, papers, by, now))
    CustodyEntry.objects.bulk_create(entries)
    return [found[id] for id in dict.fromkeys(ids)]


def _refused(sample: Sample, to: str, by: User) -> tuple[str, str] | None:
    """What is known before the engine is asked: the step is none, or the person lacks the right for it."""
    step = machine.TRANSITIONS.get((sample.status, to))
    if step is None:
        names = {"status": sample.get_status_display(), "wanted": str(SampleStatus(to).label)}
        return guard.ILLEGAL, _("The sample is “%(status)s”: “%(wanted)s” cannot follow.") % names
    if not machine.holds(step, by.permission_codes):
        return guard.DENIED, _("You do not have the right to do this.")
    return None


def _entry(sample: Sample, kind: str, papers: Papers, by: User, now: datetime) -> CustodyEntry:
    said = papers.said
    if kind == CustodyEntry.Kind.RECEIVED:
        said["given_by"] = papers.given_by or sample.collector_name
        said["taken_by"] = papers.taken_by or by.name
    return CustodyEntry(
        organization_id=scope.organization_id(), sample=sample, kind=kind, at=papers.at or now, recorded_by=by, **said
    )


def custody_add(*, sample: UUID, kind: str, by: User, papers: Papers) -> CustodyEntry:
    """Add to a sample's chain of custody; nothing of it can be changed later. Raises NotFound, Invalid, Denied."""
    _may(by, machine.RECEIVE)
    held = selectors.sample_get(id=sample)
    if kind == CustodyEntry.Kind.HANDED_OVER and not papers.taken_by:
        raise Invalid.field("to", _("Say who took the sample over."))
    if kind == CustodyEntry.Kind.NOTE and not papers.note:
        raise Invalid.field("note", _("This field is required."))
    entry = CustodyEntry(
        organization_id=scope.organization_id(),
        sample=held,
        kind=kind,
        at=papers.at or clock.now(),
        recorded_by=by,
        **papers.said,
    )
    _checked(entry)
    entry.save()
    publish("sample.changed", entity="sample", id=held.pk, data={"changed": 1, "ids": [str(held.pk)]})
    return entry


_WIRE: Final = {"given_by": "from", "taken_by": "to"}


def _checked(entry: CustodyEntry) -> None:
    if entry.at > clock.now():
        raise Invalid.field("at", _("This lies in the future."))
    try:
        entry.clean_fields(exclude=["organization", "sample", "recorded_by", "id"])
    except ValidationError as error:
        faults = [
            FieldError(_WIRE.get(name, name), text) for name, texts in error.message_dict.items() for text in texts
        ]
        raise Invalid(faults[0].message, errors=faults) from None


def retest_request(*, result: UUID, reason: str, by: User) -> Retest:
    """Have a result measured again; a completed sample goes back to work. The result stays in force until the new one
    names it in `replacesId`. Raises NotFound, Invalid, Denied, Conflict (409 DUPLICATE, SAMPLE_LOCKED)."""
    _may(by, "results.edit")
    engine.lock_clock()
    held = selectors.result_get(id=result)
    reason = reason.strip()[:500]
    if not reason:
        raise Invalid.field("reason", _("Say why."))
    if held.sample.status in machine.LOCKED:
        message = _("The sample is validated: its results are locked. Reopen it first, with a reason.")
        raise Conflict(message, code=guard.LOCKED)
    if Result.objects.filter(replaces=held, deleted_at=None).exists():
        raise Conflict(_("A later result has replaced this one already."), code="DUPLICATE")
    if Retest.objects.filter(result=held, withdrawn_at=None).exists():
        raise Conflict(_("A retest of this result is asked for already."), code="DUPLICATE")
    retest = Retest.objects.create(organization_id=scope.organization_id(), result=held, reason=reason, requested_by=by)
    if held.sample.status == SampleStatus.COMPLETED:
        data = {"status": SampleStatus.IN_PROGRESS.value, "reason": reason}
        engine.apply([Change("sample", held.sample_id, "updated", data, engine.NO_VERSION_CHECK)], user=by.pk)
    publish("result.changed", entity="result", id=held.pk, data={"changed": 1, "ids": [str(held.pk)]})
    return retest


def retest_withdraw(*, id: UUID, by: User) -> Retest:
    """Take a request back that nobody has answered. Raises NotFound, Denied, Conflict."""
    _may(by, "results.edit")
    retest = Retest.objects.select_related("result").select_for_update(of=("self",)).filter(pk=id).first()
    if retest is None:
        raise NotFound(_("There is no such record."))
    if retest.withdrawn_at is not None or Result.objects.filter(replaces=retest.result_id, deleted_at=None).exists():
        raise Conflict(_("This retest is not open any more."), code="DUPLICATE")
    retest.withdrawn_at, retest.withdrawn_by = clock.now(), by
    retest.save(update_fields=["withdrawn_at", "withdrawn_by", "updated_at"])
    publish("result.changed", entity="result", id=retest.result_id, data={"changed": 1})
    return retest


def analyses_request(*, sample: UUID, parameters: Sequence[UUID], by: User) -> None:
    """Say which parameters are to be measured in a sample, all of them: what is not named is no longer asked for.
    Raises NotFound, Invalid, Denied."""
    _may(by, machine.EDIT)
    held = selectors.sample_get(id=sample)
    wanted = set(parameters)
    known = set(Parameter.objects.filter(pk__in=wanted, is_active=True).values_list("pk", flat=True))
    if wanted - known:
        raise Invalid.field("parameterIds", _("There is no such parameter."))
    there = RequestedAnalysis.objects.filter(sample=held)
    there.exclude(parameter__in=wanted).delete()
    new = wanted - set(there.values_list("parameter", flat=True))
    RequestedAnalysis.objects.bulk_create(
        RequestedAnalysis(organization_id=scope.organization_id(), sample=held, parameter_id=id) for id in sorted(new)
    )
    publish("sample.changed", entity="sample", id=held.pk, data={"changed": 1, "ids": [str(held.pk)]})


def analysis_start(*, sample: UUID, parameter: UUID, by: User, at: datetime | None = None) -> RequestedAnalysis:
    """Note that a requested analysis has begun: its holding time ends there, long before a culture has its result.
    Raises NotFound, Invalid, Denied, and Conflict (409 DUPLICATE) where it has begun already."""
    _may(by, "results.edit")
    held = selectors.sample_get(id=sample)
    row = RequestedAnalysis.objects.select_for_update(of=("self",)).filter(sample=held, parameter=parameter).first()
    if row is None:
        raise NotFound(_("There is no such record."))
    if row.started_at is not None:
        raise Conflict(_("This analysis has begun already."), code="DUPLICATE")
    at = at or clock.now()
    if not held.collection_date <= at <= clock.now():
        raise Invalid.field("at", _("This lies between the collection of the sample and now."))
    row.started_at = at
    row.save(update_fields=["started_at", "updated_at"])
    publish("sample.changed", entity="sample", id=held.pk, data={"changed": 1, "ids": [str(held.pk)]})
    return row


def approval_set(*, rule: str, by: User) -> None:
    """Who may approve samples in the organisation in force (`guard.approval_rule`). Raises Invalid, Denied."""
    _may(by, "parameters.manage")
    if rule not in (guard.ANYONE, guard.NOT_VALIDATOR, guard.NOT_INVOLVED):
        raise Invalid.field(guard.SETTING, _("%(value)s is not known.") % {"value": rule})
    owner = Organization.objects.select_for_update().get(pk=scope.organization_id())
    owner.settings |= {guard.SETTING: rule}
    owner.save(update_fields=["settings", "updated_at"])


def _may(by: User, permission: str) -> None:
    if not by.has_permission(permission):
        raise Denied(_("You do not have the right to do this."))
