"""The same change of many customers, each for itself: one that is refused does not stop the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Denied, DomainError, Errors, Invalid, NotFound, TooLarge
from portal.core.common.ids import parse_uuid
from portal.crm.customers import fields, registry, tags
from portal.crm.customers.access import customers_seen
from portal.crm.customers.fields import Rules
from portal.crm.customers.models import Customer, Tag
from portal.crm.customers.services import Change, bury, check_status, in_use_refusal, save

MOST: Final = 200
UPDATABLE: Final = frozenset(
    {"status", "statusReason", "industry", "size", "assignedTo", "customFields", "country", "city"}
)
MODES: Final = ("add", "remove", "set")


@dataclass(frozen=True, slots=True)
class Result:
    id: str
    error: DomainError | None = None


@transaction.atomic
def customers_update(*, ids: Sequence[Any], changes: Mapping[str, Any], by: User) -> list[Result]:
    """`changes` of status, industry, size, country, city, assignedTo, customFields (keys are added to what is there).
    Raises Denied, Invalid, TooLarge."""
    _may(by, "customers.edit")
    if not changes:
        raise Invalid.field("changes", _("Say what is to be changed."))
    if wrong := sorted(set(changes) - UPDATABLE):
        raise Invalid.field(f"changes.{wrong[0]}", _("This field cannot be changed for many customers at once."))
    errors = Errors()
    values = fields.clean(changes, rules=Rules.load(), errors=errors)
    errors.raise_any()

    def change(row: Customer) -> Change:
        mine = dict(values)
        if "custom_fields" in mine:
            mine["custom_fields"] = {**row.custom_fields, **mine["custom_fields"]}
        made = Change(row, mine)
        check_status(made)
        return made

    return _each(ids, by=by, right="customers.edit", make=change)


@transaction.atomic
def customers_assign(*, ids: Sequence[Any], assigned_to: Any, by: User) -> list[Result]:
    """To one person (null: to nobody), or to several in turn. Each of them is told once."""
    _may(by, "customers.edit")
    said = assigned_to if isinstance(assigned_to, list | tuple) else [assigned_to]
    errors, rules = Errors(), Rules.load()
    people = [fields.clean({"assignedTo": one}, rules=rules, errors=errors).get("assigned_to_id") for one in said]
    errors.raise_any()
    if not people:
        raise Invalid.field("assignedTo", _("Say to whom."))
    turn = iter(range(len(ids)))
    return _each(
        ids,
        by=by,
        right="customers.edit",
        make=lambda row: Change(row, {"assigned_to_id": people[next(turn) % len(people)]}),
    )


@transaction.atomic
def customers_tag(*, ids: Sequence[Any], said: Any, mode: str, by: User) -> list[Result]:
    """`mode`: add, remove or set the tags `said` (ids or names)."""
    _may(by, "customers.edit")
    if mode not in MODES:
        raise Invalid.field("mode", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(MODES)})
    errors = Errors()
    chosen = tags.resolve(said, errors, create=mode != "remove")
    errors.raise_any()
    if not chosen and mode != "set":
        raise Invalid.field("tags", _("Choose at least one tag."))
    held = tags.of_customers([id for id in map(parse_uuid, ids) if id])

    def change(row: Customer) -> Change:
        mine = held.get(row.pk, [])
        wanted: list[Tag] = {
            "add": [*mine, *(tag for tag in chosen if tag not in mine)],
            "remove": [tag for tag in mine if tag not in chosen],
            "set": chosen,
        }[mode]
        return Change(row, {}, wanted)

    return _each(ids, by=by, right="customers.edit", make=change)


@transaction.atomic
def customers_delete(*, ids: Sequence[Any], by: User, cascade: str = "") -> list[Result]:
    """As one deletion each: `IN_USE` for those with open deals, tickets or contracts, unless `cascade="archive"`."""
    _may(by, "customers.delete")
    rows, results = _rows(ids, by=by, right="customers.delete")
    used = {} if cascade == "archive" else registry.in_use([row.pk for row in rows.values()])
    gone = [row for row in rows.values() if row.pk not in used]
    if cascade == "archive":
        for row in gone:
            registry.archive(row.pk, by)
    bury(gone, by=by)
    return [result if result.error else Result(result.id, _refusal(used, result.id)) for result in results]


def _refusal(used: Mapping[UUID, Sequence[str]], id: str) -> DomainError | None:
    texts = used.get(UUID(id))
    return in_use_refusal(texts) if texts else None


def _each(ids: Sequence[Any], *, by: User, right: str, make: Callable[[Customer], Change]) -> list[Result]:
    rows, results = _rows(ids, by=by, right=right)
    changes, refused = [], {}
    for row in rows.values():
        try:
            changes.append(make(row))
        except DomainError as error:
            refused[str(row.pk)] = error
    save(changes, by=by)
    return [result if result.error else Result(result.id, refused.get(result.id)) for result in results]


def _rows(ids: Sequence[Any], *, by: User, right: str) -> tuple[dict[UUID, Customer], list[Result]]:
    """The customers of the ids, locked, each once, and a result for each id in order."""
    if not ids:
        raise Invalid.field("ids", _("Choose at least one customer."))
    if len(ids) > MOST:
        raise TooLarge(_("Send at most %(limit)d ids at a time.") % {"limit": MOST}, meta={"limit": MOST})
    known = {str(said): parse_uuid(said) for said in ids}
    wanted = [id for id in known.values() if id]
    found = customers_seen(by, right).select_for_update(of=("self",)).filter(pk__in=wanted).order_by("pk")
    rows = {row.pk: row for row in found}
    in_order = {id: rows[id] for id in wanted if id in rows}
    return in_order, [
        Result(str(id or said), None if id in rows else NotFound(_("There is no such customer.")))
        for said, id in known.items()
    ]


def _may(by: User, right: str) -> None:
    if not by.has_permission(right):
        raise Denied(_("You do not have the right to do this."))
