"""Writing samples and results. Every function ends in the sync engine, so a rule exists once."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Invalid
from portal.core.sync import records
from portal.core.sync.registry import Row
from portal.lab.models import Parameter, Result
from portal.lab.rulebook import rulebook
from portal.lab.science.measurement import Measurement, Qualifier
from portal.lab.science.sums import CALCULATED, total
from portal.lab.science.units import convert


def sample_create(*, data: Mapping[str, Any], by: User) -> tuple[Row, bool]:
    """Register a sample from wire data (contract-lab-sync section 4). Returns the stored row, and False where `id` or
    `localSyncId` was known already: a repeated create is answered with the first one's record."""
    return records.create("sample", data, by)


def result_create(*, sample: UUID, data: Mapping[str, Any], by: User) -> tuple[Row, bool]:
    """Enter a result; its verdict and the sample's are computed in the same transaction."""
    records.visible("sample", sample, by)
    return records.create("result", {**data, "sampleId": str(sample)}, by)


def sample_update(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> Row:
    return records.change("sample", id, "updated", data, by, version)


def result_update(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> Row:
    return records.change("result", id, "updated", data, by, version)


def sample_delete(*, id: UUID, by: User, version: int | None = None) -> None:
    """Soft; its results go with it, each with a tombstone of its own."""
    records.change("sample", id, "deleted", {}, by, version)


def sample_restore(*, id: UUID, by: User) -> Row:
    """With the results that went with it. Raises Denied, NotFound, DUPLICATE where its code is taken by now."""
    return records.restore("sample", id, by)


def result_delete(*, id: UUID, by: User, version: int | None = None) -> None:
    records.change("result", id, "deleted", {}, by, version)


def sum_calculate(*, sample: UUID, parameter: UUID, by: User) -> Row:
    """Enter the sum of a parameter's members, as far as they were measured, as a result of its own; one that was
    calculated before is brought up to date. The organisation decides what a censored member counts, and the method says
    it. Raises Invalid where nothing can be added up."""
    records.visible("sample", sample, by)
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
