"""Writing customers. `data` is the wire's: camelCase, absent fields stay as they are, null clears.

Every writer, one record or many, goes through `insert` and `save`, so that history, tags and timeline cannot be missed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, Errors, IllegalTransition
from portal.core.notifications.events import publish
from portal.core.notifications.services import notify
from portal.core.sync.records import to_restore
from portal.core.tenancy import scope
from portal.crm import activity
from portal.crm.access import seen
from portal.crm.customers import duplicates, fields, registry, tags
from portal.crm.customers.access import customer_get, customers_seen
from portal.crm.customers.choices import STATUS_CHANGES, Status
from portal.crm.customers.fields import DERIVED, Rules
from portal.crm.customers.models import Customer, CustomerTag, StatusChange, Tag

_QUIET: Final = frozenset(
    {"status_reason", "notes", "custom_fields"}
)  # long or inner values that a timeline only names


@dataclass(slots=True)
class Change:
    """What is to become of a customer: columns, and the whole set of tags (None: as they are)."""

    row: Customer
    values: dict[str, Any]
    tags: list[Tag] | None = None


@transaction.atomic
def customer_create(*, data: Mapping[str, Any], by: User, force: bool = False) -> Customer:
    """A new customer, a lead unless said otherwise. Without an owner, it is theirs who may see their own alone.

    Raises Denied, Invalid, and Conflict `DUPLICATE_SUSPECTED` with `meta.candidates` unless `force`.
    """
    if not by.has_permission("customers.edit"):
        raise Denied(_("You do not have the right to do this."))
    errors, rules = Errors(), Rules.load()
    values = fields.clean(data, rules=rules, errors=errors)
    chosen = tags.resolve(data.get("tags"), errors)
    row = draft(values, by=by)
    _named(row, errors)
    errors.raise_any()
    if row.assigned_to_id is None and by.grants["customers.view"] != "all":
        row.assigned_to_id = by.pk
    _external(row)
    if not force:
        duplicates.refuse(row, by=by)
    insert([(row, chosen)], by=by)
    return row


@transaction.atomic
def customer_update(
    *, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None, force: bool = False
) -> Customer:
    """Raises Denied, Invalid, NotFound, IllegalTransition, Conflict (`VERSION_CONFLICT` with `meta.current`;
    `DUPLICATE_SUSPECTED` where a changed name, address or number is another customer's, unless `force`)."""
    row = locked(by=by, id=id, right="customers.edit")
    if version is not None and version != row.version:
        from portal.crm.customers import wire

        raise Conflict(
            _("Somebody changed this customer in the meantime."),
            meta={"version": row.version, "current": wire.customer(row)},
        )
    errors = Errors()
    values = fields.clean(data, rules=Rules.load(), errors=errors)
    chosen = tags.resolve(data["tags"], errors) if "tags" in data else None
    before = {name: getattr(row, name) for name in fields.IDENTITY | {"external_id"}}
    errors.raise_any()
    check_status(Change(row, values, chosen))
    for name, value in values.items():
        setattr(row, name, value)
    _named(row, errors)
    errors.raise_any()
    if row.external_id != before["external_id"]:
        _external(row)
    if not force and any(getattr(row, name) != before[name] for name in fields.IDENTITY):
        fields.derive(row)
        duplicates.refuse(row, by=by)
    save([Change(Customer.objects.get(pk=row.pk), values, chosen)], by=by)
    return Customer.objects.get(pk=row.pk)


@transaction.atomic
def customer_delete(*, id: UUID, by: User, cascade: str = "", version: int | None = None) -> None:
    """Soft. Raises Conflict `IN_USE` naming open deals, tickets and active contracts; with `cascade="archive"` those
    are put away with the customer."""
    row = locked(by=by, id=id, right="customers.delete")
    if version is not None and version != row.version:
        raise Conflict(_("Somebody changed this customer in the meantime."), meta={"version": row.version})
    if cascade == "archive":
        registry.archive(id, by)
    elif used := registry.in_use([id]).get(id):
        raise in_use_refusal(used)
    bury([row], by=by)


@transaction.atomic
def customer_restore(*, id: UUID, by: User) -> Customer:
    """Bring a deleted customer back; what `cascade` put away stays away. Raises Denied, NotFound, and Conflict for one
    that was merged (its merge can be split) and where its number in another system is taken by now (`DUPLICATE`)."""
    row: Customer = to_restore(
        seen(by, "customers.delete", Customer.objects.all()), id=id, by=by, right="customers.delete"
    )
    if row.deleted_at is None:
        return row
    if row.merged_into_id:
        raise Conflict(_("This customer was merged into another one: split the merge to bring it back."))
    _external(row)
    row.deleted_at = row.deleted_by = None
    row.version += 1
    row.save(update_fields=["deleted_at", "deleted_by", "version", "updated_at"])
    activity.record(customer_id=row.pk, type="customer.restored", actor=by)
    _changed([row.pk])
    return row


def in_use_refusal(used: Sequence[str]) -> Conflict:
    names = ", ".join(used[:5])
    return Conflict(_("Still in use: %(names)s.") % {"names": names}, code="IN_USE", meta={"inUse": list(used)})


# --- what all writers share ---------------------------------------------------------------------------
def draft(values: Mapping[str, Any], *, by: User | None) -> Customer:
    """A customer that is not stored yet."""
    row = Customer(organization_id=scope.organization_id(), created_by=by, **values)
    row.status = row.status or Status.LEAD
    fields.derive(row)
    return row


def insert(drafts: Sequence[tuple[Customer, Iterable[Tag]]], *, by: User | None, at: datetime | None = None) -> None:
    """Store customers with their tags, first status and first line of the timeline; four statements for any number."""
    at = at or clock.now()
    for row, _tags in drafts:
        row.status_changed_at = row.last_activity_at = at
    Customer.objects.bulk_create([row for row, _tags in drafts], batch_size=500)
    tags.link({row.pk: [tag.pk for tag in chosen] for row, chosen in drafts})
    StatusChange.objects.bulk_create(
        [_step(row, "", row.status, row.status_reason, at, by) for row, _tags in drafts], batch_size=1000
    )
    activity.record_many(
        [(row.pk, {"name": row.name, "status": row.status}) for row, _tags in drafts],
        type="customer.created",
        actor=by,
        at=at,
    )
    _tell([row for row, _tags in drafts if row.assigned_to_id], by)
    _changed(row.pk for row, _tags in drafts)


def check_status(change: Change) -> None:
    """Raises IllegalTransition with `meta.allowed`."""
    old, new = change.row.status, change.values.get("status")
    if new is None or new == old:
        return
    if new not in STATUS_CHANGES[old]:
        allowed = list(STATUS_CHANGES[old])
        raise IllegalTransition(
            _("From %(status)s a customer can become: %(allowed)s.")
            % {"status": Status(old).label, "allowed": ", ".join(str(Status(one).label) for one in allowed)},
            meta={"allowed": allowed},
        )
    change.values.setdefault("status_reason", "")


def save(changes: Sequence[Change], *, by: User | None, at: datetime | None = None) -> int:
    """Store what differs, each with a new version, its steps of status and its line in the timeline; how many customers
    that were. The rows are as they stand in the database, and locked."""
    at = at or clock.now()
    held = tags.of_customers([change.row.pk for change in changes if change.tags is not None])
    written: set[str] = set()
    done: list[tuple[Customer, dict[str, list[Any]]]] = []
    steps, owners = [], []
    added: dict[UUID, set[UUID]] = {}
    for change in changes:
        row = change.row
        seen = {name: value for name, value in change.values.items() if getattr(row, name) != value}
        story = {
            fields.COLUMNS[name]: [] if name in _QUIET else [_shown(getattr(row, name)), _shown(value)]
            for name, value in seen.items()
        }
        if change.tags is not None:
            old, new = {tag.pk: tag for tag in held.get(row.pk, [])}, {tag.pk: tag for tag in change.tags}
            if old.keys() != new.keys():
                story["tags"] = [sorted(tag.name for tag in old.values()), sorted(tag.name for tag in new.values())]
                added[row.pk] = new.keys() - old.keys()
                if gone := old.keys() - new.keys():
                    CustomerTag.objects.filter(customer=row.pk, tag__in=gone).delete()
        if not story:
            continue
        if "status" in seen:
            steps.append(_step(row, row.status, seen["status"], change.values.get("status_reason", ""), at, by))
            row.status_changed_at = at
        if seen.get("assigned_to_id"):
            owners.append(row)
        for name, value in seen.items():
            setattr(row, name, value)
        fields.derive(row)
        row.version += 1
        row.updated_at = at
        written |= seen.keys()
        done.append((row, story))
    if not done:
        return 0
    tags.link(added)
    columns = {name.removesuffix("_id") if name == "assigned_to_id" else name for name in written}
    columns |= {*DERIVED, "version", "updated_at", "status_changed_at"}
    Customer.objects.bulk_update([row for row, _story in done], sorted(columns), batch_size=250)
    StatusChange.objects.bulk_create(steps, batch_size=1000)
    activity.record_many([(row.pk, {"fields": story}) for row, story in done], type="customer.updated", actor=by, at=at)
    _tell(owners, by)
    _changed(row.pk for row, _story in done)
    return len(done)


def bury(rows: Sequence[Customer], *, by: User | None, at: datetime | None = None, into: UUID | None = None) -> None:
    """Delete softly; `into` says with whom they were merged."""
    at = at or clock.now()
    for row in rows:
        row.deleted_at, row.deleted_by, row.merged_into_id = at, by, into
        row.version += 1
        row.updated_at = at
    names = ["deleted_at", "deleted_by", "merged_into", "version", "updated_at"]
    Customer.objects.bulk_update(rows, names, batch_size=250)
    activity.record_many(
        [(row.pk, {"name": row.name}) for row in rows],
        type="customer.merged_into" if into else "customer.deleted",
        actor=by,
        at=at,
    )
    _changed(row.pk for row in rows)


def locked(*, by: User, id: UUID, right: str) -> Customer:
    """The living customer, held until the transaction ends. Raises NotFound out of sight, Denied without the right."""
    row = customers_seen(by, right).select_for_update().filter(pk=id).first()
    if row is None:
        customer_get(user=by, id=id)
        raise Denied(_("You do not have the right to do this."))
    return row


def _named(row: Customer, errors: Errors) -> None:
    if not (row.company_name or row.contact_name):
        errors.add("companyName", _("Enter the company or the contact person."), "required")


def _external(row: Customer) -> None:
    """The number in another system is unique, whatever `force` says."""
    if row.external_id and Customer.objects.filter(deleted_at=None, external_id=row.external_id).exclude(pk=row.pk):
        raise Conflict(_("Another customer has this number in the other system."), code="DUPLICATE")


def _step(row: Customer, old: str, new: str, reason: str, at: datetime, by: User | None) -> StatusChange:
    return StatusChange(
        organization_id=row.organization_id,
        customer_id=row.pk,
        from_status=old,
        to_status=new,
        reason=reason,
        changed_at=at,
        changed_by=by,
    )


def _shown(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _tell(rows: Sequence[Customer], by: User | None) -> None:
    """One message for each person who got customers, however many."""
    people: dict[UUID, list[Customer]] = {}
    for row in rows:
        if row.assigned_to_id and (by is None or row.assigned_to_id != by.pk):
            people.setdefault(row.assigned_to_id, []).append(row)
    for person, theirs in people.items():
        first, times = theirs[0], len(theirs)
        notify(
            "customer.assigned",
            recipients=[person],
            data={"name": first.name},
            subject=("customer", first.pk),
            times=times,
        )


def _changed(ids: Iterable[UUID]) -> None:
    found = list(ids)
    if found:
        publish("customers.changed", entity="customer", id=found[0], data={"count": len(found)})
