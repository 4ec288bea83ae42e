"""Writing samples and results. Every function ends in the sync engine, so a rule exists once."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Conflict, Denied, DomainError, FieldError, IllegalTransition, Invalid, NotFound
from portal.core.common.ids import parse_uuid, uuid7
from portal.core.sync import engine, registry
from portal.core.sync.engine import Change
from portal.core.sync.models import FeedRecord, SyncedModel
from portal.core.sync.registry import Row
from portal.core.tenancy import scope
from portal.lab.lifecycle import guard, machine
from portal.lab.models import Parameter, Result, Sample
from portal.lab.rulebook import rulebook
from portal.lab.science.measurement import Measurement, Qualifier
from portal.lab.science.sums import CALCULATED, total
from portal.lab.science.units import convert

_STATUS = {"RESOURCE_NOT_FOUND": 404, "DUPLICATE": 409, "VERSION_CONFLICT": 409}


def sample_create(*, data: Mapping[str, Any], by: User) -> tuple[Row, bool]:
    """Register a sample from wire data (contract-lab-sync section 4). Returns the stored row, and False where `id` or
    `localSyncId` was known already: a repeated create is answered with the first one's record."""
    return _create("sample", Sample, data, by)


def result_create(*, sample: UUID, data: Mapping[str, Any], by: User) -> tuple[Row, bool]:
    """Enter a result; its verdict and the sample's are computed in the same transaction."""
    _visible("sample", sample)
    return _create("result", Result, {**data, "sampleId": str(sample)}, by)


def sample_update(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> Row:
    return _change("sample", id, "updated", data, by, version)


def result_update(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> Row:
    return _change("result", id, "updated", data, by, version)


def sample_delete(*, id: UUID, by: User, version: int | None = None) -> None:
    """Soft; its results go with it, each with a tombstone of its own."""
    _change("sample", id, "deleted", {}, by, version)


def result_delete(*, id: UUID, by: User, version: int | None = None) -> None:
    _change("result", id, "deleted", {}, by, version)


def sum_calculate(*, sample: UUID, parameter: UUID, by: User) -> Row:
    """Enter the sum of a parameter's members, as far as they were measured, as a result of its own; one that was
    calculated before is brought up to date. The organisation decides what a censored member counts, and the method says
    it. Raises Invalid where nothing can be added up."""
    _visible("sample", sample)
    rules = rulebook()
    target = rules.parameters.get(parameter)
    members = rules.members(parameter)
    if target is None or not members:
        raise Invalid.field("parameterId", _("This parameter is not a sum."))
    rows = list(Result.objects.filter(sample=sample, deleted_at=None).order_by("created_at", "id"))
    replaced = {row.replaces_id for row in rows}
    latest = {row.parameter_id: row for row in rows if row.pk not in replaced}
    text = total(
        [_in_unit(latest[id], rules.parameters[id], target.unit) for id in members if id in latest],
        censored=rules.censored,
    )
    if text is None:
        raise Invalid(_("The parts of this sum have no numbers that can be added up."))
    names = " + ".join(rules.parameters[id].code for id in members)
    data = {"value": text, "unit": target.unit, "testMethod": f"{CALCULATED} (censored: {rules.censored}): {names}"}
    held = latest.get(parameter)
    if held is not None and held.test_method.startswith(CALCULATED):
        return result_update(id=held.pk, data=data, by=by)
    return result_create(sample=sample, data=data | {"parameterId": str(parameter)}, by=by)[0]


def _in_unit(result: Result, parameter: Parameter, unit: str) -> Measurement:
    """A result as a part of a sum; what was not found counts as less than its limit of detection."""
    qualifier, bound = Qualifier(result.qualifier), result.censoring_limit
    if qualifier is Qualifier.NOT_DETECTED and bound is None and result.detection_limit is not None:
        qualifier, bound = Qualifier.LESS, result.detection_limit
    species = parameter.species or None
    number, edge = (
        None if value is None else convert(value, result.unit, unit, species=species).normalize()
        for value in (result.value, bound)
    )
    return Measurement(result.value_text, qualifier, number, edge)


def _create(entity: str, model: type[SyncedModel], data: Mapping[str, Any], by: User) -> tuple[Row, bool]:
    collection = registry.get(entity)
    _may(by, collection.edit)
    given = data.get("id")
    id = uuid7() if given is None else parse_uuid(given)
    if id is None:
        raise Invalid.field("id", _("Must be a UUID."))
    local = data.get("localSyncId") or data.get("local_sync_id")
    engine.lock_clock()  # so that of two equal creates the second one sees the first
    if isinstance(local, str) and local:
        stored = model.objects.filter(local_sync_id=local.strip()).values_list("pk", flat=True).first()
        if stored is not None:
            return _living(collection.rows([stored])[stored]), False
    if given is not None and (held := collection.rows([id]).get(id)):
        return _living(held), False
    _apply(Change(entity, id, "created", dict(data)), by)
    return collection.rows([id])[id], True


def _change(
    entity: str, id: UUID, operation: engine.Operation, data: Mapping[str, Any], by: User, version: int | None
) -> Row:
    collection = registry.get(entity)
    _may(by, collection.delete if operation == "deleted" else collection.edit)
    engine.lock_clock()
    row = _visible(entity, id)
    if version is not None:
        record = FeedRecord.objects.get(entity=entity, record_id=id)
        if record.content_seq > version:
            raise Conflict(
                _("Somebody else has changed this record in the meantime."),
                meta={"version": row["version"], "current": collection.wire([row])[0]},
            )
    reason = data.get("reason")
    with scope.acting(reason=reason if isinstance(reason, str) else scope.actor().reason):
        _apply(Change(entity, id, operation, dict(data), client_version=engine.NO_VERSION_CHECK), by)
    return collection.rows([id])[id]


def _living(row: Row) -> Row:
    if row["deleted_at"] is not None:
        raise Conflict(_("A deleted record has this id."), code="DUPLICATE")
    return row


def _visible(entity: str, id: UUID) -> Row:
    row = registry.get(entity).rows([id]).get(id)
    if row is None or row["deleted_at"] is not None:
        raise NotFound(_("There is no such record."))
    return row


def _may(by: User, permission: str) -> None:
    if not by.has_permission(permission):
        raise Denied(_("You do not have the right to do this."))


def _apply(change: Change, by: User) -> None:
    engine.apply([change], user=by.pk)
    if not change.errors:
        return
    first = change.errors[0]
    if first.code == "VALIDATION_ERROR":
        raise Invalid(first.message, errors=[FieldError(e.field or "", e.message) for e in change.errors])
    if first.code == "RESOURCE_NOT_FOUND" and first.field == "entityId":
        # An id that another organisation holds: to this one it is as good as taken and as good as unknown.
        raise NotFound(first.message)
    errors = [FieldError(e.field or "", e.message) for e in change.errors]
    if first.code == guard.DENIED:
        raise Denied(first.message, errors=errors)
    if first.code == guard.ILLEGAL and change.current is not None:
        raise illegal(first.message, status=change.current["status"], errors=errors)
    if first.code == guard.LOCKED:
        raise Conflict(first.message, code=first.code, errors=errors)
    raise DomainError(
        first.message,
        code=first.code,
        status=_STATUS.get(first.code, 400),
        errors=errors,
    )


def illegal(message: object, *, status: str, errors: list[FieldError]) -> IllegalTransition:
    """The refusal of a step; `meta.allowed` names what can follow."""
    return IllegalTransition(message, errors=errors, meta={"allowed": list(machine.following(status))})
