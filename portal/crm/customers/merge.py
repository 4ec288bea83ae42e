"""Two customers that are one: merge them, and split them again.

The target wins; what it lacks is filled from the sources in their order, `field_choices` says otherwise field by field.
Tags are united, every registered reference of the sources is repointed, and the log keeps what a split needs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, IllegalTransition, Invalid, NotFound, TooLarge
from portal.core.common.ids import parse_uuid
from portal.core.files.models import FileLink
from portal.core.tenancy import scope
from portal.crm import activity
from portal.crm.activity.models import ActivityEvent
from portal.crm.customers import fields, registry, tags, wire
from portal.crm.customers.access import customers_seen
from portal.crm.customers.models import Customer, MergeLog
from portal.crm.customers.services import Change, bury, save

MOST: Final = 20
FIELDS: Final = {name: column for name, column in fields.WIRE.items() if name != "statusReason"}
_FILES: Final = "files.filelink"


@dataclass(frozen=True, slots=True)
class Merged:
    """`moved` counts rows by what they are; `log` is None after a dry run, whose `target` is only a preview."""

    target: dict[str, Any]
    moved: dict[str, int]
    log: MergeLog | None


@transaction.atomic
def customers_merge(
    *,
    target: Any,
    sources: Sequence[Any],
    by: User,
    field_choices: Mapping[str, Any] | None = None,
    dry_run: bool = False,
) -> Merged:
    """`field_choices` names for a field the customer whose value stays. Raises Denied, Invalid, NotFound, TooLarge."""
    if not (by.has_permission("customers.merge") and by.has_permission("customers.edit")):
        raise Denied(_("You do not have the right to do this."))
    into, others = _rows(target, sources, by)
    values = chosen_values(into, others, field_choices or {})
    held = tags.of_customers([into.pk, *(row.pk for row in others)])
    united = list(dict.fromkeys(tag for row in (into, *others) for tag in held.get(row.pk, [])))
    moved = {row.pk: _references(row.pk) for row in others}
    counts = _counts(moved.values())
    if dry_run:
        preview = wire.customer(into) | {
            name: values.get(column, getattr(into, column)) for name, column in FIELDS.items()
        }
        return Merged(preview | {"tags": [wire.tag(tag) for tag in united]}, counts, None)
    before = {name: _json(getattr(into, column)) for name, column in FIELDS.items()}
    bury(others, by=by, into=into.pk)  # first, so that the number in another system is free
    for id, references in moved.items():
        _repoint(references, source=id, target=into.pk)
    save([Change(into, values, united)], by=by)
    into.refresh_from_db()
    log = MergeLog.objects.create(
        organization_id=scope.organization_id(),
        target=into,
        sources=[{"id": str(row.pk), "name": row.name} for row in others],
        before=before,
        after={name: _json(getattr(into, column)) for name, column in FIELDS.items()},
        tags_added=[str(tag.pk) for tag in united if tag not in held.get(into.pk, [])],
        moved={str(id): references for id, references in moved.items()},
        merged_by=by,
    )
    names = ", ".join(row.name for row in others)
    activity.record(
        customer_id=into.pk, type="customer.merged", actor=by, data={"names": names, "mergeId": str(log.pk)}
    )
    return Merged(wire.customer(into), counts, log)


@transaction.atomic
def merge_split(*, id: UUID, by: User) -> Customer:
    """Bring the sources back with what was theirs and still belongs to the target; fields and tags that the merge gave
    the target go, unless somebody changed them since. Raises Denied, NotFound, IllegalTransition for a split one,
    Conflict while the target is deleted."""
    if not (by.has_permission("customers.merge") and by.has_permission("customers.edit")):
        raise Denied(_("You do not have the right to do this."))
    log = MergeLog.objects.select_for_update().filter(pk=id).first()
    if log is None:
        raise NotFound(_("There is no such merge."))
    into = customers_seen(by).select_for_update(of=("self",)).filter(pk=log.target_id).first()
    if into is None:
        if Customer.objects.filter(pk=log.target_id, deleted_at=None).exists():
            raise NotFound(_("There is no such merge."))
        raise Conflict(_("The customer of this merge is deleted."))
    if log.split_at:
        raise IllegalTransition(_("This merge was split already."), meta={"allowed": []})
    values = {
        column: getattr(into, column)
        if _json(getattr(into, column)) != log.after[name]
        else _value(name, log.before[name])
        for name, column in FIELDS.items()
    }
    given = {UUID(tag) for tag in log.tags_added}
    kept = [tag for tag in tags.of_customers([into.pk]).get(into.pk, []) if tag.pk not in given]
    save([Change(into, values, kept)], by=by)
    rows = list(Customer.objects.select_for_update().filter(pk__in=log.moved, merged_into=into))
    for row in rows:
        row.deleted_at = row.deleted_by = row.merged_into = None
        row.version += 1
        row.updated_at = clock.now()
    Customer.objects.bulk_update(rows, ["deleted_at", "deleted_by", "merged_into", "version", "updated_at"])
    for row in rows:
        _repoint(log.moved[str(row.pk)], source=into.pk, target=row.pk)
    log.split_at = clock.now()
    log.save()
    activity.record_many([(row.pk, {}) for row in rows], type="customer.restored", actor=by)
    names = ", ".join(row.name for row in rows)
    activity.record(customer_id=into.pk, type="customer.split", actor=by, data={"names": names})
    into.refresh_from_db()
    return into


def chosen_values(into: Customer, others: Sequence[Customer], choices: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that the merge gives the target. Raises Invalid for a choice that names no field or no customer of
    the merge."""
    everyone = {row.pk: row for row in (into, *others)}
    values: dict[str, Any] = {}
    for name, said in choices.items():
        chosen = everyone.get(parse_uuid(said)) if parse_uuid(said) else None  # type: ignore[arg-type]
        if name not in FIELDS or chosen is None:
            raise Invalid.field(f"fieldChoices.{name}", _("Name for a field one of the merged customers."))
        values[FIELDS[name]] = getattr(chosen, FIELDS[name])
    for column in FIELDS.values():
        if column == "custom_fields" and column not in values:
            mixed: dict[str, Any] = {}
            for row in (*reversed(others), into):
                mixed |= row.custom_fields
            values[column] = mixed
        elif column not in values and not getattr(into, column):
            filled = next((getattr(row, column) for row in others if getattr(row, column)), None)
            if filled:
                values[column] = filled
    return values


def _rows(target: Any, sources: Sequence[Any], by: User) -> tuple[Customer, list[Customer]]:
    ids = list(dict.fromkeys(parse_uuid(said) for said in sources))
    first = parse_uuid(target)
    if not ids or None in ids or first is None or first in ids:
        raise Invalid.field("sources", _("Choose customers other than the one that stays."))
    if len(ids) > MOST:
        raise TooLarge(_("Send at most %(limit)d ids at a time.") % {"limit": MOST}, meta={"limit": MOST})
    wanted = [first, *(id for id in ids if id)]
    rows = customers_seen(by, "customers.edit").select_for_update(of=("self",)).filter(pk__in=wanted).order_by("pk")
    found = {row.pk: row for row in rows}
    if len(found) < len(wanted):
        raise NotFound(_("There is no such customer."))
    return found[first], [found[id] for id in ids if id]


def _references(customer: UUID) -> dict[str, list[str]]:
    """Ids of the rows of a customer by reference; its timeline and its files among them."""
    held = {label: reference.rows([customer]).get(customer, []) for label, reference in registry.references().items()}
    held["crm.activityevent.customer"] = list(
        ActivityEvent.objects.filter(customer=customer).order_by("id").values_list("pk", flat=True)
    )
    held[_FILES] = list(
        FileLink.objects.filter(kind="customer", record_id=customer).order_by("id").values_list("pk", flat=True)
    )
    return {label: [str(id) for id in ids] for label, ids in held.items() if ids}


def _repoint(references: Mapping[str, Sequence[str]], *, source: UUID, target: UUID) -> None:
    for label, texts in references.items():
        ids = [UUID(text) for text in texts]
        if label == _FILES:
            linked = FileLink.objects.filter(kind="customer", record_id=target).values("file")
            FileLink.objects.filter(pk__in=ids, record_id=source).exclude(file__in=linked).update(record_id=target)
        elif label == "crm.activityevent.customer":
            ActivityEvent.objects.filter(pk__in=ids, customer=source).update(customer=target)
        elif reference := registry.references().get(label):
            reference.repoint(ids=ids, source=source, target=target)


def _counts(moved: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for references in moved:
        for label, ids in references.items():
            name = label.split(".")[1]
            counts[name] = counts.get(name, 0) + len(ids)
    return counts


def _json(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _value(name: str, said: Any) -> Any:
    return UUID(said) if name == "assignedTo" and said else said
