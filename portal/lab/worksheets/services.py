"""The life of a worksheet: made from open work, filled (`grid`), completed, decided where out of control, verified."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, Errors, IllegalTransition, Invalid, NotFound
from portal.core.notifications.events import publish
from portal.core.tenancy import scope
from portal.core.tenancy.services import next_numbers
from portal.lab.choices import SampleStatus
from portal.lab.models import Parameter, Sample
from portal.lab.quality.models import ControlMaterial, QcResult
from portal.lab.quality.services import check_usable, may
from portal.lab.rulebook import rulebook
from portal.lab.science.units import UnitError, canonical_unit, convert
from portal.lab.worksheets.board import Board
from portal.lab.worksheets.models import Worksheet, WorksheetColumn, WorksheetEntry, WorksheetItem

MAX_ITEMS, MAX_COLUMNS = 60, 15
OPEN_WORK = (SampleStatus.RECEIVED, SampleStatus.IN_PROGRESS)  # states in which a sample is measured
_KIND, _STATUS, _DECISION = WorksheetItem.Kind, Worksheet.Status, Worksheet.Decision
_HEAD = {"method": 150, "edition": 40, "instrument": 150, "notes": 10_000}


@dataclass(frozen=True, slots=True)
class Place:
    """A position that is asked for. `sample` of a sample, duplicate or spike, `material` of a control."""

    kind: str
    sample: UUID | None = None
    material: UUID | None = None


@transaction.atomic  # a refused position takes the begun worksheet with it
def worksheet_create(
    *,
    data: Mapping[str, Any],
    columns: Sequence[tuple[UUID, str]],
    places: Sequence[Place],
    by: User,
) -> Worksheet:
    """Begin a worksheet: `data` is method, edition, analyst (a user's id, else `by`), instrument, analysed_at, notes;
    `columns` the parameters with the unit of each ("": the parameter's own), `places` the positions in their order.
    Raises Invalid; parameters, samples and materials of somebody else do not exist."""
    may(by, "worksheets.edit")
    row = Worksheet(organization_id=scope.organization_id(), created_by=by, analyst=by)
    errors = Errors()
    _head(row, data, errors)
    made = _columns(row, columns, errors)
    errors.raise_any()
    (number,) = next_numbers(f"WS-{clock.now().year}")
    row.number = f"WS-{clock.now().year}-{number:06d}"
    row.save(force_insert=True)
    WorksheetColumn.objects.bulk_create(made)
    _add(row, places)
    tell(row)
    return row


def worksheet_update(
    *, worksheet: Worksheet, data: Mapping[str, Any], by: User, version: int | None = None
) -> Worksheet:
    """Change the head of an open worksheet; results that are there keep the method they were entered with."""
    row = lock(worksheet, by, version=version)
    must_be(row, _STATUS.OPEN)
    errors = Errors()
    _head(row, data, errors)
    errors.raise_any()
    return stored(row)


def worksheet_delete(*, worksheet: Worksheet, by: User) -> None:
    """Only one in which nothing was entered. Raises Conflict."""
    row = lock(worksheet, by)
    if _used(WorksheetItem.objects.filter(worksheet=row).values_list("pk", flat=True)):
        raise Conflict(_("Values were entered here: a worksheet that was used is kept."), code="IN_USE")
    tell(row)
    row.delete()


def items_add(*, worksheet: Worksheet, places: Sequence[Place], by: User) -> list[WorksheetItem]:
    """At the end of an open worksheet. Raises Invalid."""
    row = lock(worksheet, by)
    must_be(row, _STATUS.OPEN)
    made = _add(row, places)
    stored(row)
    return made


def item_remove(*, worksheet: Worksheet, item: UUID, by: User) -> None:
    """One without values, that no duplicate or spike was made of. Raises NotFound and Conflict."""
    row = lock(worksheet, by)
    must_be(row, _STATUS.OPEN)
    found = WorksheetItem.objects.filter(worksheet=row, pk=item).first()
    if found is None:
        raise NotFound(_("There is no such record."))
    if _used([found.pk]):
        raise Conflict(_("Values were entered at this position."), code="IN_USE")
    others = WorksheetItem.objects.filter(worksheet=row, sample=found.sample_id).exclude(pk=found.pk)
    if found.kind == _KIND.SAMPLE and others.exists():
        raise Conflict(_("A duplicate or spike was made of this sample."), code="IN_USE")
    found.delete()
    WorksheetItem.objects.filter(worksheet=row, position__gt=found.position).update(position=F("position") - 1)
    stored(row)


def worksheet_complete(*, worksheet: Worksheet, by: User, empty: bool = False, version: int | None = None) -> Worksheet:
    """All values are entered: the grid is closed. With cells left empty only if `empty` says that this is meant;
    without any value never. Raises IllegalTransition and Invalid."""
    row = lock(worksheet, by, version=version)
    must_be(row, _STATUS.OPEN)
    board = Board(row)
    if not board.filled:
        raise Invalid(_("Nothing was entered yet."))
    if board.empty and not empty:
        raise Invalid(_("There are empty cells."), meta={"empty": board.empty})
    row.status, row.completed_by, row.completed_at = _STATUS.COMPLETED, by, clock.now()
    return stored(row)


def worksheet_reopen(*, worksheet: Worksheet, by: User) -> Worksheet:
    """Back to the analyst, as long as nobody has verified it; a decision falls."""
    row = lock(worksheet, by)
    must_be(row, _STATUS.COMPLETED)
    _open_again(row)
    row.decision, row.decision_reason, row.decided_by, row.decided_at = "", "", None, None
    return stored(row)


def worksheet_decide(*, worksheet: Worksheet, decision: str, reason: str, by: User) -> Worksheet:
    """What becomes of a completed worksheet that is out of control. `accept` (right worksheets.verify): its results
    stand. `repeat`: it opens again, its QC results count no longer, and what is entered next becomes new results that
    replace the old ones. Raises IllegalTransition and Invalid."""
    row = lock(worksheet, by, permission="worksheets.verify" if decision == _DECISION.ACCEPT else "worksheets.edit")
    must_be(row, _STATUS.COMPLETED)
    if row.control != Worksheet.Control.OUT_OF_CONTROL:
        raise IllegalTransition(_("This worksheet is not out of control."))
    if decision not in _DECISION.values:
        raise Invalid.field("decision", _("The decision is accept or repeat."))
    reason = reason.strip()
    if not reason:
        raise Invalid.field("reason", _("This field is required."))
    row.decision, row.decision_reason, row.decided_by, row.decided_at = decision, reason[:500], by, clock.now()
    if decision == _DECISION.REPEAT:
        items = WorksheetItem.objects.filter(worksheet=row)
        QcResult.objects.filter(item__in=items, repeated=False).update(repeated=True, version=F("version") + 1)
        WorksheetEntry.objects.filter(item__in=items).update(again=True)
        row.control = Worksheet.Control.NONE
        _open_again(row)
    return stored(row)


def worksheet_verify(*, worksheet: Worksheet, by: User, version: int | None = None) -> Worksheet:
    """By somebody else than the analyst and whoever completed it; out of control only after it was accepted. Raises
    Denied and IllegalTransition."""
    row = lock(worksheet, by, permission="worksheets.verify", version=version)
    must_be(row, _STATUS.COMPLETED)
    if by.pk in (row.analyst_id, row.completed_by_id):
        raise Denied(_("Somebody else than the analyst verifies a worksheet."))
    if row.control == Worksheet.Control.OUT_OF_CONTROL and row.decision != _DECISION.ACCEPT:
        raise IllegalTransition(_("It is out of control: accept it or have it measured again first, with a reason."))
    row.status, row.verified_by, row.verified_at = _STATUS.VERIFIED, by, clock.now()
    return stored(row)


def lock(
    worksheet: Worksheet, by: User, *, permission: str = "worksheets.edit", version: int | None = None
) -> Worksheet:
    """The row as it is now, held until the transaction ends."""
    may(by, permission)
    row = Worksheet.objects.select_for_update().filter(pk=worksheet.pk).first()
    if row is None:
        raise NotFound(_("There is no such record."))
    if version is not None and version != row.version:
        raise Conflict(_("Somebody else has changed this record in the meantime."), meta={"version": row.version})
    return row


def must_be(row: Worksheet, status: str) -> None:
    if row.status != status:
        raise IllegalTransition(
            _("The worksheet is %(status)s.") % {"status": row.get_status_display()}, meta={"status": row.status}
        )


def _open_again(row: Worksheet) -> None:
    row.status, row.completed_by, row.completed_at = _STATUS.OPEN, None, None


def stored(row: Worksheet) -> Worksheet:
    row.version += 1
    row.save()
    tell(row)
    return row


def tell(row: Worksheet) -> None:
    """Open pages of a worksheet fetch what is new."""
    publish("worksheet.changed", entity="worksheet", id=row.pk, data={"number": row.number, "status": row.status})


def _used(items: Iterable[UUID]) -> bool:
    ids = list(items)
    entered = WorksheetEntry.objects.filter(item__in=ids).exists()
    return entered or QcResult.objects.filter(item__in=ids).exists()


def _head(row: Worksheet, data: Mapping[str, Any], errors: Errors) -> None:
    for name, length in _HEAD.items():
        if name in data:
            text = (data[name] or "").strip()
            if len(text) > length:
                errors.add(name, _("This text is too long."))
            setattr(row, name, text)
    if not row.method:
        errors.add("method", _("This field is required."))
    if "analysed_at" in data:
        row.analysed_at = data["analysed_at"]
    if analyst := data.get("analyst"):
        found = User.objects.filter(
            pk=analyst, organization=scope.organization_id(), is_active=True, deleted_at=None
        ).first()
        if found is None:
            errors.add("analystId", _("There is no such person."))
        else:
            row.analyst = found


def _columns(row: Worksheet, wanted: Sequence[tuple[UUID, str]], errors: Errors) -> list[WorksheetColumn]:
    rules, made = rulebook(), []
    if not wanted:
        errors.add("parameters", _("Choose at least one parameter."))
    if len(wanted) > MAX_COLUMNS:
        errors.add("parameters", _("A worksheet has at most %(count)d parameters.") % {"count": MAX_COLUMNS})
    if len({id for id, _unit in wanted}) < len(wanted):
        errors.add("parameters", _("A parameter stands twice."))
    for position, (id, unit) in enumerate(wanted[:MAX_COLUMNS], start=1):
        parameter = rules.parameters.get(id)
        if parameter is None:
            errors.add("parameters", _("There is no such parameter."))
            continue
        try:
            fitting = _unit_of(parameter, unit)
        except UnitError as error:
            errors.add("parameters", str(error))
            continue
        made.append(
            WorksheetColumn(
                organization_id=row.organization_id,
                worksheet=row,
                parameter=parameter,
                unit=fitting,
                position=position,
            )
        )
    return made


def _unit_of(parameter: Parameter, unit: str) -> str:
    unit = canonical_unit(unit or parameter.unit)
    convert(parameter.maximum or 1, unit, parameter.unit, species=parameter.species or None)  # type: ignore[arg-type]
    return unit


def _add(row: Worksheet, places: Sequence[Place]) -> list[WorksheetItem]:
    if not places:
        raise Invalid.field("items", _("Choose at least one sample."))
    there = WorksheetItem.objects.filter(worksheet=row)
    last = there.aggregate(last=Max("position"))["last"] or 0
    if last + len(places) > MAX_ITEMS:
        raise Invalid.field("items", _("A worksheet has at most %(count)d positions.") % {"count": MAX_ITEMS})
    samples = _samples([place.sample for place in places if place.sample])
    lots = ControlMaterial.objects.in_bulk([place.material for place in places if place.material])
    taken = set(there.filter(kind=_KIND.SAMPLE).values_list("sample_id", flat=True))
    made, errors = [], Errors()
    for offset, place in enumerate(places, start=1):
        item = WorksheetItem(
            organization_id=row.organization_id, worksheet=row, position=last + offset, kind=place.kind
        )
        if place.kind == _KIND.CONTROL:
            item.material = lots.get(place.material) if place.material else None
            if item.material is None:
                errors.add("items", _("There is no such control material."))
                continue
            check_usable(item.material, on=row.analysed_at or clock.now())
        elif place.kind != _KIND.BLANK:
            sample = samples.get(place.sample) if place.sample else None
            if sample is None:
                errors.add("items", _("There is no such sample."))
                continue
            item.sample = sample
            _fits(item, taken, errors)
        made.append(item)
    errors.raise_any()
    return WorksheetItem.objects.bulk_create(made)


def _fits(item: WorksheetItem, taken: set[UUID], errors: Errors) -> None:
    """A sample stands once; duplicates and spikes come after it."""
    assert item.sample is not None
    assert item.sample_id is not None
    named = {"code": item.sample.code}
    if item.kind != _KIND.SAMPLE:
        if item.sample_id not in taken:
            errors.add("items", _("The sample %(code)s does not stand on this worksheet before its QC sample.") % named)
        return
    if item.sample_id in taken:
        errors.add("items", _("The sample %(code)s stands on this worksheet already.") % named)
    if item.sample.status not in OPEN_WORK:
        errors.add("items", _("The sample %(code)s is not being measured.") % named)
    taken.add(item.sample_id)


def _samples(ids: Iterable[UUID]) -> dict[UUID, Sample]:
    return {row.pk: row for row in Sample.objects.filter(pk__in=list(ids), deleted_at=None)}
