"""Standards and limits of an organisation: its own, new editions, its corrections of shared ones, confirmations.

Nothing here touches a verdict: results that come are judged by what is in force, those that are there keep what they
have until somebody agrees to a re-evaluation.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.audit.models import AuditEntry
from portal.core.common.errors import Conflict, Denied, Invalid
from portal.core.tenancy import scope
from portal.lab import selectors
from portal.lab.choices import LimitKind
from portal.lab.models import Limit, LimitConfirmation, Parameter, Result, Sample, Standard
from portal.lab.science.units import UnitError, canonical_unit, convert

OWN: Final = "W"  # confidence of what the organisation wrote itself
_LIMIT: Final = (
    "matrix", "kind", "lower", "upper", "guidance", "unit", "strict", "provisional", "note", "clause",
    "effective_from", "effective_to",
)  # fmt: skip
# What each kind must say, and what it cannot.
_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    LimitKind.MAXIMUM: ("upper",),
    LimitKind.MINIMUM: ("lower",),
    LimitKind.RANGE: ("lower", "upper"),
    LimitKind.PERCENTAGE: ("upper",),
    LimitKind.ACTION_LEVEL: ("upper",),
    LimitKind.SCREENING_LEVEL: ("upper",),
}


def standard_create(*, data: Mapping[str, Any], by: User) -> Standard:
    """An own standard. Raises Invalid where the key belongs to another one."""
    _may(by)
    key = data["key"].strip()
    if selectors.standard_list().filter(key__iexact=key).exists():
        raise Invalid.field("key", _("Another standard has this key. Add an edition to that one."), "taken")
    return Standard.objects.create(organization_id=scope.organization_id(), position=100, **_standard(data), key=key)


def standard_update(*, standard: Standard, data: Mapping[str, Any], by: User) -> Standard:
    """Names, reference and period of an own one; key and edition stand in verdicts and stay."""
    _may(by)
    _own(standard)
    values = _standard(data)
    for name in ("key", "edition", "role"):
        values.pop(name, None)
    for name, value in values.items():
        setattr(standard, name, value)
    standard.save(update_fields=[*values, "updated_at"])
    return standard


def standard_delete(*, standard: Standard, by: User) -> None:
    """An own edition with its limits. Raises Conflict where a verdict names it: end its period instead."""
    _may(by)
    _own(standard)
    named = [{"standard": standard.key, "edition": standard.edition}]
    if (
        Sample.objects.filter(verdicts__contains=named).exists()
        or Result.objects.filter(verdicts__contains=named).exists()
    ):
        raise Conflict(_("Verdicts refer to this edition, so it stays. Say until when it is in force."), code="IN_USE")
    standard.delete()


def edition_create(*, standard: Standard, data: Mapping[str, Any], by: User) -> Standard:
    """A later edition of any standard as the organisation's own, with a copy of every limit of `standard`.

    It judges samples taken from its first day on. Raises Invalid where that day is not after every older edition's.
    """
    _may(by)
    editions = selectors.standard_list().filter(key=standard.key)
    since: date = data["effective_from"]
    if editions.filter(edition__iexact=data["edition"].strip()).exists():
        raise Invalid.field("edition", _("There is such an edition already."), "taken")
    if any(since <= row.effective_from for row in editions if row.effective_from):
        raise Invalid.field("effectiveFrom", _("A new edition comes into force after all older ones."), "order")
    made = Standard.objects.create(
        organization_id=scope.organization_id(),
        key=standard.key,
        edition=data["edition"].strip(),
        reference=data["reference"].strip(),
        name_en=standard.name_en,
        name_fr=standard.name_fr,
        name_ar=standard.name_ar,
        role=standard.role,
        position=standard.position,
        effective_from=since,
    )
    held = selectors.limit_list(standard=standard.pk)
    limits = [row for row in held if not row.effective_to or row.effective_to > since]
    later: dict[tuple[UUID, str], Limit] = {}
    future = []
    for row in sorted(limits, key=lambda row: row.effective_from or date.min):
        if row.effective_from and row.effective_from > since:
            future.append(row)
        else:
            later[row.parameter_id, row.matrix] = row  # of several past periods the last one
    Limit.objects.bulk_create(
        Limit(
            organization_id=scope.organization_id(),
            standard=made,
            parameter_id=row.parameter_id,
            confidence=row.confidence,
            **{name: getattr(row, name) for name in _LIMIT}
            | {"effective_from": max(since, row.effective_from or since), "provisional": _open(row)},
        )
        for row in [*later.values(), *future]
    )
    return made


def limit_save(
    *, standard: Standard, parameter: Parameter, data: Mapping[str, Any], by: User, limit: Limit | None = None
) -> Limit:
    """Add a limit to a standard, or change `limit`. A shared one is not changed: the organisation's own row stands in
    for it. Raises Invalid where numbers, kind, unit or period do not fit."""
    _may(by)
    values = {name: data[name] for name in _LIMIT}
    _check(values, parameter)
    own = limit is not None and limit.organization_id is not None
    row = limit if own else Limit(organization_id=scope.organization_id(), standard=standard, parameter=parameter)
    assert row is not None
    if limit is not None and not own:
        values |= {"effective_from": limit.effective_from, "matrix": limit.matrix}  # else it would stand beside
    for name, value in values.items():
        setattr(row, name, value)
    row.confidence = OWN
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if "limit_once" not in str(error):
            raise
        message = _("There is a limit for this parameter and kind of water from that day on.")
        raise Invalid.field("effectiveFrom", message, "taken") from error
    if limit is not None and own:
        LimitConfirmation.objects.filter(limit=row).delete()  # what was confirmed is no longer what stands here
    return row


def limit_delete(*, limit: Limit, by: User) -> None:
    """Take an own limit away; where it stood in for a shared one, that one counts again."""
    _may(by)
    _own(limit)
    limit.delete()


def limit_confirm(*, limit: Limit, clause: str, note: str, by: User) -> LimitConfirmation:
    """Say that the number stands so in the text of the standard, and where."""
    _may(by)
    if not clause.strip():
        raise Invalid.field("clause", _("Name the clause, table or page where it stands."))
    if not limit.provisional:
        raise Conflict(_("This limit is not provisional."), code="NOT_PROVISIONAL")
    try:
        with transaction.atomic():
            return LimitConfirmation.objects.create(
                organization_id=scope.organization_id(),
                limit=limit,
                clause=clause.strip()[:120],
                note=note.strip(),
                confirmed_by=by,
            )
    except IntegrityError as error:
        raise Conflict(_("This limit is confirmed already."), code="CONFIRMED") from error


def limit_withdraw(*, limit: Limit, by: User) -> None:
    """Make a confirmed limit provisional again; who had confirmed it stays in the audit log."""
    _may(by)
    if not LimitConfirmation.objects.filter(limit=limit).delete()[0]:
        raise Conflict(_("This limit is not confirmed."), code="NOT_CONFIRMED")


def limit_history(*, limit: Limit) -> list[AuditEntry]:
    """What became of a limit and of its confirmations here, newest first."""
    rows = AuditEntry.objects.filter(entity="standard")
    ids = [str(limit.pk), *rows.filter(changes__limit_id=str(limit.pk)).values_list("object_pk", flat=True)]
    return list(rows.filter(object_pk__in=ids).order_by("-timestamp", "-id"))


def _check(values: dict[str, Any], parameter: Parameter) -> None:
    kind = values["kind"]
    if kind == LimitKind.ABSENCE:
        values |= {"lower": None, "upper": 0, "guidance": None}
    for name in _NEEDS.get(kind, ()):
        if values[name] is None:
            raise Invalid.field(name, _("This kind of limit needs this number."), "required")
    lower, upper, guidance = values["lower"], values["upper"], values["guidance"]
    if lower is not None and upper is not None and lower > upper:
        raise Invalid.field("lower", _("The lower limit lies above the upper one."), "order")
    if guidance is not None and (
        (upper is not None and guidance > upper) or (kind == LimitKind.MINIMUM and guidance < lower)
    ):
        raise Invalid.field("guidance", _("The guidance value lies inside the limit."), "order")
    if kind == LimitKind.PERCENTAGE:
        values["unit"] = "%"
    else:
        try:
            values["unit"] = canonical_unit(values["unit"])
            convert(Decimal(upper or lower or 0), values["unit"], parameter.unit, species=parameter.species or None)
        except UnitError as error:
            raise Invalid.field("unit", str(error), "unit") from error
    since, until = values["effective_from"], values["effective_to"]
    if since and until and until <= since:
        raise Invalid.field("effectiveTo", _("The period ends before it begins."), "order")


def _standard(data: Mapping[str, Any]) -> dict[str, Any]:
    if data["effective_from"] and data["effective_to"] and data["effective_to"] <= data["effective_from"]:
        raise Invalid.field("effectiveTo", _("The period ends before it begins."), "order")
    names = ("edition", "reference", "name_en", "name_fr", "name_ar", "role", "effective_from", "effective_to")
    return {name: data[name].strip() if isinstance(data[name], str) else data[name] for name in names if name in data}


def _open(limit: Limit) -> bool:
    return bool(getattr(limit, "open"))  # noqa: B009  (an annotation of `limit_list`)


def _may(by: User) -> None:
    if not by.has_permission("standards.edit"):
        raise Denied(_("You do not have the right to do this."))


def _own(row: Standard | Limit) -> None:
    if row.organization_id != scope.organization_id():
        raise Denied(_("This one is shared by all organisations."))
