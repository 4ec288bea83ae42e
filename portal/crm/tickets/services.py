"""Writing tickets: one status machine for pages, API, bulk changes and the clock.

`data` is the wire's: camelCase, absent fields stay as they are, null clears.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, DomainError, Errors, IllegalTransition, Invalid, NotFound, TooLarge
from portal.core.common.ids import parse_uuid
from portal.core.common.text import normalise
from portal.core.notifications.events import publish
from portal.core.notifications.services import notify
from portal.core.sync.records import to_restore
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.core.tenancy.services import next_numbers
from portal.crm import activity
from portal.crm.customers.access import customer_living
from portal.crm.customers.models import Customer, CustomerTag, Tag
from portal.crm.sla import rules
from portal.crm.sla.models import SlaPolicy
from portal.crm.sla.services import Clocks, policies
from portal.crm.tickets import access, seeding
from portal.crm.tickets.choices import (
    CHANGES,
    CLOSE_DAYS,
    PAUSING,
    REOPEN_DAYS,
    Channel,
    TicketPriority,
    TicketStatus,
)
from portal.crm.tickets.models import Ticket, TicketAttachment, TicketCategory, TicketComment

BULK: Final = 200
MERGED: Final = 50
_TAGS: Final = 30
_TEXT: Final = {"title": 200, "description": 20_000, "requesterName": 200}
_COLUMNS: Final = {"requesterName": "requester_name"}
_PRIORITIES: Final = {"medium": "normal", "critical": "urgent"}  # other words for them
SLA: Final = ("policy", "sla_state", "sla_due_at", "sla_warn_at")
_MENTION: Final = re.compile(r"(?<![\w@])@([\w.+-]+@[\w-]+(?:\.[\w-]+)+|\w[\w.-]*)")


@dataclass(frozen=True, slots=True)
class BulkResult:
    id: str
    error: DomainError | None


# --- create and change ------------------------------------------------------------------------------
@transaction.atomic
def ticket_create(*, data: Mapping[str, Any], by: User | None, origin: str = "") -> Ticket:
    """A new ticket with its clocks running. `by` None: a rule of this program. `status` other than `new` is a first
    step under the usual rules. Raises Denied, Invalid."""
    if by is not None:
        access.may(by, "tickets.work")
    known = policies()
    if not known:
        seeding.seed_organization(scope.organization_id())
        known = policies()
    ticket = Ticket(organization_id=scope.organization_id(), created_by=by, origin=origin)
    fill(ticket, data, by, new=True)
    if "assignedTo" not in data and ticket.category is not None:
        ticket.assigned_to = default_assignee(ticket.category)
    [ticket.number] = next_numbers("ticket")
    ticket.policy = choose_policy(ticket, known)
    ticket.search_text = search_text(ticket)
    ticket.save(force_insert=True)
    clocks = Clocks(ticket, ticket.created_at, fresh=True)
    clocks.begin(ticket.policy)
    clocks.save()
    ticket.save(update_fields=SLA)
    _note(ticket, "ticket.created", by)
    publish(
        "ticket.created", entity="ticket", id=ticket.pk, data={"number": ticket.number, "priority": ticket.priority}
    )
    tell_assigned(ticket, None, by)
    if (status := data.get("status")) not in (None, "", TicketStatus.NEW):
        _step(ticket, str(status), data, by)
    return ticket


@transaction.atomic
def ticket_update(
    *, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None, quiet: bool = False
) -> Ticket:
    """Raises Invalid, Denied, NotFound, VERSION_CONFLICT, and ILLEGAL_TRANSITION (422) for a `status` that cannot
    follow."""
    ticket = access.ticket_to_work_on(by, id)
    _same_version(ticket, version)
    held = ticket.assigned_to_id
    before = ticket.priority, ticket.category_id, ticket.customer_id, ticket.channel
    changed = fill(ticket, data, by)
    status = data.get("status")
    if changed:
        if before != (ticket.priority, ticket.category_id, ticket.customer_id, ticket.channel):
            select_anew(ticket)
        ticket.search_text = search_text(ticket)
        save(ticket, *changed, "search_text", *SLA)
        if held != ticket.assigned_to_id:
            tell_assigned(ticket, held, by)
    if status not in (None, "", ticket.status):
        _step(ticket, str(status), data, by)
    elif changed:
        _note(ticket, "ticket.updated", by)
    if not quiet and (changed or status not in (None, "")):
        _tell(ticket)
    return ticket


@transaction.atomic
def ticket_status(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> Ticket:
    """`{status, note?, reason?}`: `resolved` needs a note, `on_hold` a reason. The status that it has already is
    refused, too. Raises Invalid, Denied, NotFound, VERSION_CONFLICT, ILLEGAL_TRANSITION (422) with `meta.allowed`."""
    ticket = access.ticket_to_work_on(by, id)
    _same_version(ticket, version)
    _step(ticket, str(data.get("status") or ""), data, by)
    _tell(ticket)
    return ticket


@transaction.atomic
def ticket_assign(*, id: UUID, person: Any, by: User) -> Ticket:
    """To an active member who works on tickets; None to nobody. Raises Invalid, Denied, NotFound."""
    return ticket_update(id=id, data={"assignedTo": person}, by=by)


def tickets_change(*, ids: Sequence[Any], data: Mapping[str, Any], by: User) -> list[BulkResult]:
    """The same change for many, each for itself under the same rules: `status` (with `note`, `reason`), `priority`,
    `assignedTo`, `category`, `tags` (with `tagsMode` set, add or remove). At most 200."""
    access.may(by, "tickets.work")
    if len(ids) > BULK:
        raise TooLarge(_("Send at most %(limit)d ids at a time.") % {"limit": BULK}, meta={"limit": BULK})
    allowed = {"status", "note", "reason", "priority", "assignedTo", "category", "tags", "tagsMode"}
    data = {name: value for name, value in data.items() if name in allowed}
    if not set(data) & {"status", "priority", "assignedTo", "category", "tags"}:
        raise Invalid.field("changes", _("Say what is to be changed."))
    results: dict[str, BulkResult] = {}
    for said in dict.fromkeys(map(str, ids)):
        try:
            if (id := parse_uuid(said)) is None:
                raise NotFound(_("There is no such ticket."))
            with transaction.atomic():
                ticket_update(id=id, data=data, by=by, quiet=True)
            results[said] = BulkResult(said, None)
        except DomainError as refusal:
            results[said] = BulkResult(said, refusal)
    done = [id for id, result in results.items() if result.error is None]
    if done:
        publish("ticket.updated", entity="ticket", id=None, data={"ids": done[:50], "count": len(done)})
    return list(results.values())


@transaction.atomic
def ticket_delete(*, id: UUID, by: User, version: int | None = None) -> None:
    """Soft: its clocks end and count for nothing. Raises Denied, NotFound, VERSION_CONFLICT."""
    access.may(by, "tickets.delete")
    ticket = access.ticket_to_work_on(by, id)
    _same_version(ticket, version)
    now = clock.now()
    clocks = Clocks(ticket, now)
    clocks.cancelled()
    clocks.save()
    ticket.deleted_at, ticket.deleted_by = now, by
    save(ticket, "deleted_at", "deleted_by", *SLA)
    _tell(ticket)


@transaction.atomic
def ticket_restore(*, id: UUID, by: User) -> Ticket:
    """Bring a deleted ticket back; the clocks that ended with it run on, and wait where its status makes them. Raises
    Denied, NotFound, and Conflict while its customer is deleted."""
    rows = Ticket.objects.filter(access.within(by, "tickets.work"))
    ticket = to_restore(rows, id=id, by=by, right="tickets.delete")
    if ticket.deleted_at is None:
        return ticket
    if ticket.customer_id:
        customer_living(ticket.customer_id)
    clocks = Clocks(ticket, clock.now())
    clocks.restored(ticket.deleted_at)
    if ticket.status in PAUSING:
        clocks.pause(ticket.status, ticket.hold_reason)
    clocks.save()
    ticket.deleted_at = ticket.deleted_by = None
    save(ticket, "deleted_at", "deleted_by", *SLA)
    _tell(ticket)
    return ticket


@transaction.atomic
def ticket_merge(*, id: UUID, sources: Sequence[Any], by: User) -> Ticket:
    """Comments and files of the sources move to the target, who asked there gets copies; the sources are closed, point
    to the target and count in no figure. Raises Invalid, Denied, NotFound, ILLEGAL_TRANSITION."""
    wanted = [parse_uuid(said) for said in sources] if isinstance(sources, list) else []
    if not wanted or None in wanted or len(wanted) > MERGED or id in wanted:
        raise Invalid.field("sources", _("Name other tickets, at most %(limit)d.") % {"limit": MERGED})
    target = access.ticket_to_work_on(by, id)
    if target.merged_into_id or target.status in (TicketStatus.CLOSED, TicketStatus.SPAM):
        raise IllegalTransition(_("Tickets are merged into one that is not closed."), meta={"allowed": []})
    now, copies = clock.now(), {entry["email"]: entry for entry in target.cc}
    for pk in sorted(set(filter(None, wanted))):
        source = access.ticket_to_work_on(by, pk)
        if source.merged_into_id:
            raise IllegalTransition(
                _("Ticket %(number)d has been merged already.") % {"number": source.number}, meta={"allowed": []}
            )
        TicketComment.objects.filter(ticket=source).update(ticket=target, updated_at=now)
        _move_files(source, target)
        for entry in [{"name": source.requester_name, "email": source.requester_email}, *source.cc]:
            if entry["email"] and entry["email"] != target.requester_email:
                copies.setdefault(entry["email"], entry)
        clocks = Clocks(source, now)
        clocks.cancelled()
        clocks.save()
        source.status, source.merged_into, source.closed_at = TicketStatus.CLOSED, target, now
        save(source, "status", "merged_into", "closed_at", *SLA)
        _note(source, "ticket.merged", by, into=target.number)
        _tell(source)
    target.cc = list(copies.values())
    save(target, "cc")
    _tell(target)
    return target


def _move_files(source: Ticket, target: Ticket) -> None:
    from portal.core.files.models import FileLink

    TicketAttachment.objects.filter(ticket=source).update(ticket=target, updated_at=clock.now())
    FileLink.objects.filter(kind__in=("ticket", "ticket_internal"), record_id=source.pk).update(record_id=target.pk)


# --- status -----------------------------------------------------------------------------------------
def allowed(ticket: Ticket, by: User | None, at: datetime | None = None) -> list[str]:
    """Where a ticket can go from here, for this person."""
    if ticket.merged_into_id:
        return []
    if ticket.status == TicketStatus.CLOSED:
        fresh = ticket.closed_at is not None and ticket.closed_at > (at or clock.now()) - timedelta(days=REOPEN_DAYS)
        return ["open"] if fresh and (by is None or by.has_permission("tickets.reopen")) else []
    return list(CHANGES[ticket.status])


def _step(ticket: Ticket, status: str, data: Mapping[str, Any], by: User | None) -> None:
    """Go to another status, or say where it may go instead."""
    if status not in TicketStatus.values:
        raise Invalid.field("status", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(TicketStatus.values)})
    ways = allowed(ticket, by)
    if status not in ways:
        message = (
            _("From %(status)s a ticket goes to: %(allowed)s.") % {"status": ticket.status, "allowed": ", ".join(ways)}
            if ways
            else _("This ticket stays %(status)s.") % {"status": ticket.status}
        )
        raise IllegalTransition(message, meta={"allowed": ways})
    note, reason = (str(data.get(name) or "").strip() for name in ("note", "reason"))
    if status == TicketStatus.RESOLVED and not note:
        raise Invalid.field("note", _("Say how it was resolved."))
    if status == TicketStatus.ON_HOLD and not reason:
        raise Invalid.field("reason", _("Say why it has to wait."))
    _go(ticket, status, by, note=note[:5000], reason=reason[:500])


def _go(ticket: Ticket, status: str, by: User | None, *, note: str = "", reason: str = "") -> None:
    """The step itself, with its clocks."""
    now, before = clock.now(), ticket.status
    clocks = Clocks(ticket, now)
    if status in PAUSING:
        clocks.pause(status, reason or note)
    elif status == TicketStatus.RESOLVED:
        clocks.resolved()
        ticket.resolved_at, ticket.resolution = now, note
    elif status == TicketStatus.CLOSED:
        ticket.closed_at = now
    elif status == TicketStatus.SPAM:
        clocks.cancelled()
    elif before in (TicketStatus.RESOLVED, TicketStatus.CLOSED):
        clocks.reopened(ticket.resolved_at)
        ticket.reopen_count += 1
        ticket.resolved_at = ticket.closed_at = None
    elif before == TicketStatus.SPAM:
        clocks.reselect(ticket.policy)
    else:
        clocks.resume()
    clocks.save()
    ticket.status, ticket.hold_reason = status, reason if status == TicketStatus.ON_HOLD else ""
    save(ticket, "status", "hold_reason", "resolution", "resolved_at", "closed_at", "reopen_count", *SLA)
    _note(ticket, "ticket.status", by, status=status, before=before)


def close_resolved() -> int:
    """Close the tickets of the organisation in force that have been resolved for long enough: setting
    `ticketCloseDays`, 7 by default."""
    settings = Organization.objects.values_list("settings", flat=True).get(pk=scope.organization_id())
    days = settings.get("ticketCloseDays", CLOSE_DAYS)
    before = clock.now() - timedelta(days=days)
    due = Ticket.objects.filter(status=TicketStatus.RESOLVED, resolved_at__lt=before, deleted_at=None)
    rows = list(due.select_for_update(no_key=True, skip_locked=True).order_by("resolved_at")[:BULK])
    for ticket in rows:
        _go(ticket, TicketStatus.CLOSED, None)
    if rows:
        publish("ticket.updated", entity="ticket", id=None, data={"count": len(rows)})
    return len(rows)


# --- comments ---------------------------------------------------------------------------------------
@transaction.atomic
def comment_add(
    *,
    ticket: UUID,
    content: Any,
    by: User,
    is_internal: bool = False,
    from_customer: bool = False,
    author_name: str = "",
    automatic: bool = False,
    mentions: Iterable[Any] = (),
) -> TicketComment:
    """Say something in a ticket, also what a customer said (`from_customer`). A public answer opens a new ticket and
    stops the clocks of the reply; a customer's word opens one that waited or was resolved, and asks for the next reply.
    On a ticket that was closed for more than 14 days it makes a new ticket that follows it: the comment is found there.
    Automatic ones change nothing of it. Raises Invalid, Denied, NotFound."""
    from portal.crm.tickets.talk import clean

    row = access.ticket_to_work_on(by, ticket)
    text = clean(content)
    if row.merged_into_id:
        raise IllegalTransition(_("This ticket has been merged: write in the other one."), meta={"allowed": []})
    if from_customer and is_internal:
        raise Invalid.field("isInternal", _("What a customer says is never internal."))
    if from_customer and row.status == TicketStatus.CLOSED and not automatic and not allowed(row, None):
        row = _follow(row, by)
    comment = TicketComment(
        organization_id=row.organization_id,
        ticket=row,
        author=None if from_customer else by,
        author_name=(author_name.strip()[:200] or row.requester_name) if from_customer else by.name,
        content=text,
        is_internal=is_internal,
        from_customer=from_customer,
        automatic=automatic,
        mentions=[] if from_customer else [str(person.pk) for person in _mentioned(text, mentions)],
    )
    comment.save(force_insert=True)
    if not automatic and not is_internal:
        _answered(row, comment, by)
    _tell_comment(row, comment, by)
    return comment


def _answered(ticket: Ticket, comment: TicketComment, by: User) -> None:
    """What a public comment does to the status and the clocks."""
    if comment.from_customer:
        if ticket.status in (TicketStatus.WAITING, TicketStatus.RESOLVED, TicketStatus.CLOSED):
            _go(ticket, TicketStatus.OPEN, by)
        clocks = Clocks(ticket, comment.created_at)
        clocks.asked(ticket.policy)
        clocks.save()
        save(ticket, *SLA)
    elif by.email.lower() != ticket.requester_email.lower():
        clocks = Clocks(ticket, comment.created_at)
        clocks.replied()
        clocks.save()
        ticket.first_response_at = ticket.first_response_at or comment.created_at
        ticket.reply_count += 1
        save(ticket, "first_response_at", "reply_count", *SLA)
        if ticket.status == TicketStatus.NEW:
            _go(ticket, TicketStatus.OPEN, by)


def _follow(ticket: Ticket, by: User) -> Ticket:
    """A new ticket for a matter that was closed long ago."""
    return ticket_create(
        data={
            "title": ticket.title,
            "description": ticket.description,
            "customerId": str(ticket.customer_id) if ticket.customer_id else None,
            "requesterName": ticket.requester_name,
            "requesterEmail": ticket.requester_email or None,
            "channel": ticket.channel,
            "category": str(ticket.category_id) if ticket.category_id else None,
            "priority": ticket.priority,
            "tags": ticket.tags,
            "followsId": str(ticket.pk),
        },
        by=by,
    )


def _mentioned(text: str, ids: Iterable[Any]) -> list[User]:
    """The people of the organisation named by id, or in the text as @username or @e-mail, who may read the comment."""
    names = [found.lower().rstrip(".-") for found in _MENTION.findall(text)][:20]
    wanted = [id for id in map(parse_uuid, ids) if id is not None][:20]
    if not names and not wanted:
        return []
    named = Q(pk__in=wanted)
    for name in names:
        named |= Q(username__iexact=name) | Q(email__iexact=name)
    rows = User.objects.select_related("role").filter(
        named, organization_id=scope.organization_id(), is_active=True, deleted_at=None
    )
    return [person for person in rows if person.has_permission("tickets.internal")]


# --- filling ----------------------------------------------------------------------------------------
def fill(ticket: Ticket, data: Mapping[str, Any], by: User | None, *, new: bool = False) -> list[str]:
    """Put the wire's fields into the ticket; the columns that changed. Raises Invalid with an entry per field."""
    errors, before = Errors(), {f.attname: getattr(ticket, f.attname) for f in ticket._meta.concrete_fields}
    _fill_texts(ticket, data, errors, new=new)
    _choice(ticket, data, "priority", TicketPriority.values, errors)
    _choice(ticket, data, "channel", Channel.values, errors)
    if "customerId" in data:
        ticket.customer = _customer(data["customerId"], by, errors)
        if new and ticket.customer and not data.get("requesterEmail"):
            ticket.requester_email = ticket.customer.email
            ticket.requester_name = ticket.requester_name or ticket.customer.contact_name
    if "category" in data or "categoryId" in data:
        ticket.category = category_of(data.get("categoryId", data.get("category")), errors)
    if "assignedTo" in data:
        ticket.assigned_to = assignee(data["assignedTo"], errors)
    if "dueDate" in data:
        ticket.due_date = _due(data["dueDate"], errors)
    if "tags" in data:
        ticket.tags = tags_of(data["tags"], str(data.get("tagsMode") or "set"), ticket.tags, errors)
    _fill_rest(ticket, data, by, errors, new=new)
    errors.raise_any()
    return [f.name for f in ticket._meta.concrete_fields if before[f.attname] != getattr(ticket, f.attname)]


def _fill_texts(ticket: Ticket, data: Mapping[str, Any], errors: Errors, *, new: bool) -> None:
    for name, limit in _TEXT.items():
        if name in data or (new and name == "title"):
            said = data.get(name)
            text = said.strip() if isinstance(said, str) else ""
            if (said is not None and not isinstance(said, str)) or "\x00" in text:
                errors.add(name, _("Must be a text."))
            elif len(text) > limit:
                errors.add(name, _("Must have at most %(limit)d characters.") % {"limit": limit})
            elif name == "title" and not text:
                errors.add(name, _("This field is required."))
            setattr(ticket, _COLUMNS.get(name, name), text)
    if "requesterEmail" in data:
        ticket.requester_email = str(data["requesterEmail"] or "").strip().lower()
        try:
            if ticket.requester_email:
                validate_email(ticket.requester_email)
        except ValidationError:
            errors.add("requesterEmail", _("This is not an e-mail address."))


def _fill_rest(ticket: Ticket, data: Mapping[str, Any], by: User | None, errors: Errors, *, new: bool) -> None:
    if "satisfaction" in data:
        said = data["satisfaction"]
        if said is not None and (isinstance(said, bool) or not isinstance(said, int) or not 1 <= said <= 5):
            errors.add("satisfaction", _("Enter a whole number from %(low)d to %(high)d.") % {"low": 1, "high": 5})
        else:
            ticket.satisfaction = said
    if new and data.get("followsId"):
        id = parse_uuid(data["followsId"])
        seen = Ticket.objects.filter(deleted_at=None) if by is None else access.tickets_seen(by)
        ticket.follows = seen.filter(pk=id).first() if id else None
        if ticket.follows is None:
            errors.add("followsId", _("There is no such ticket."))


def _due(said: Any, errors: Errors) -> datetime | None:
    """A moment, or a day: its end in the organisation's zone."""
    found = clock.parse_moment(said)
    if found is None and (day := clock.parse_date(said)) is not None and day.year < 9000:
        zone = Organization.objects.values_list("time_zone", flat=True).get(pk=scope.organization_id())
        found = clock.day_start(day + timedelta(days=1), zone) - timedelta(seconds=1)
    if said not in (None, "") and found is None:
        errors.add("dueDate", _("Give a date and time with its offset, like 2026-11-20T09:15:00Z."))
    return found


def _choice(ticket: Ticket, data: Mapping[str, Any], name: str, values: Sequence[str], errors: Errors) -> None:
    if name not in data:
        return
    said = str(data[name] or "").strip().lower()
    said = _PRIORITIES.get(said, said)
    if said not in values:
        errors.add(name, _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(values)})
    else:
        setattr(ticket, name, said)


def _customer(said: Any, by: User | None, errors: Errors) -> Customer | None:
    if said in (None, ""):
        return None
    from portal.crm.access import seen

    id = parse_uuid(said)
    rows: QuerySet[Customer, Any] = Customer.objects.filter(deleted_at=None)
    if by is not None:
        rows = seen(by, "customers.view", rows)
    found = rows.filter(pk=id).first() if id else None
    if found is None:
        errors.add("customerId", _("There is no such customer."))
    return found


def category_of(said: Any, errors: Errors) -> TicketCategory | None:
    """By id or key. One that is no longer in use is refused."""
    if said in (None, ""):
        return None
    id = parse_uuid(said)
    named = Q(pk=id) if id else Q(key=str(said).strip().lower())
    found = TicketCategory.objects.filter(named, is_active=True).first()
    if found is None:
        errors.add("category", _("There is no such category."))
    return found


def default_assignee(category: TicketCategory) -> User | None:
    """The category's, or that of the nearest one above it that has one who still works on tickets."""
    parents = dict(TicketCategory.objects.values_list("pk", "parent"))
    held = dict(TicketCategory.objects.exclude(default_assignee=None).values_list("pk", "default_assignee"))
    for pk in lineage(category.pk, parents):
        if pk in held and (person := _worker(held[pk])) is not None:
            return person
    return None


def lineage(category: UUID | None, parents: Mapping[UUID, UUID | None]) -> list[UUID]:
    """A category and those above it, from the inside."""
    found: list[UUID] = []
    while category is not None and category not in found:
        found.append(category)
        category = parents.get(category)
    return found


def _worker(id: UUID | None) -> User | None:
    rows = User.objects.select_related("role").filter(organization_id=scope.organization_id(), deleted_at=None)
    person = rows.filter(pk=id).first() if id else None
    return person if person is not None and person.has_permission("tickets.work") else None


def assignee(said: Any, errors: Errors, *, field: str = "assignedTo") -> User | None:
    """An active member who works on tickets."""
    if said in (None, ""):
        return None
    person = _worker(parse_uuid(said))
    if person is None:
        errors.add(field, _("Choose an active person who works on tickets."))
    return person


def tags_of(said: Any, mode: str, held: Sequence[str], errors: Errors) -> list[str]:
    """Names, or ids of tags, as names; each once, whatever its case."""
    if not isinstance(said, list | None) or not all(isinstance(tag, str) for tag in said or []):
        errors.add("tags", _("Must be a list of texts."))
        return list(held)
    if mode not in ("set", "add", "remove"):
        errors.add("tagsMode", _("Choose one of: %(allowed)s.") % {"allowed": "set, add, remove"})
    words = [" ".join(tag.split()) for tag in said or []]
    ids = {id for id in map(parse_uuid, words) if id is not None}
    if ids:
        known = {str(pk): name for pk, name in Tag.objects.filter(pk__in=ids).values_list("pk", "name")}
        if set(map(str, ids)) - set(known):
            errors.add("tags", _("There is no such tag."))
        words = [known.get(word.lower(), word) for word in words]
    if any(len(word) > 50 for word in words):
        errors.add("tags", _("Must have at most %(limit)d characters.") % {"limit": 50})
    given: dict[str, str] = {}
    for word in filter(None, words):
        given.setdefault(normalise(word), word)  # the first of several spellings
    mine = {normalise(word): word for word in held}
    found = (
        {key: word for key, word in mine.items() if key not in given} if mode == "remove"
        else mine | {key: word for key, word in given.items() if key not in mine} if mode == "add"
        else given
    )  # fmt: skip
    if len(found) > _TAGS:
        errors.add("tags", _("Enter at most %(max_length)s entries.") % {"max_length": _TAGS})
    if not errors.items and (fresh := set(found) - set(mine)):
        made = [
            Tag(organization_id=scope.organization_id(), scope="ticket", name=found[key], name_key=key[:50])
            for key in sorted(fresh - set(Tag.objects.filter(scope="ticket").values_list("name_key", flat=True)))
        ]
        Tag.objects.bulk_create(made, ignore_conflicts=True)  # two people may name the same one at the same time
    return list(found.values())


def search_text(ticket: Ticket) -> str:
    """What search looks through, in one spelling, a line each."""
    customer = ticket.customer.name if ticket.customer else ""
    told = [str(ticket.number), ticket.title, customer, ticket.requester_name, ticket.requester_email]
    return "\n".join(normalise(text) for text in [*told, " ".join(ticket.tags), ticket.description] if text)


def choose_policy(ticket: Ticket, known: Sequence[SlaPolicy]) -> SlaPolicy | None:
    """The first policy that applies. Asks for a customer's tags and contracts only where a policy looks at them."""
    wanted = {name for policy in known for name in policy.match}
    parents = dict(TicketCategory.objects.values_list("pk", "parent")) if "categories" in wanted else {}
    tags: Iterable[str] = ()
    if "customerTags" in wanted and ticket.customer_id:
        tags = CustomerTag.objects.filter(customer=ticket.customer_id).values_list("tag__name_key", flat=True)
    contracts = rules.contracts_of(ticket.customer_id) if wanted & {"contractIds", "contractTypes"} else ((), ())
    facts = rules.Facts(
        priority=ticket.priority,
        channel=ticket.channel,
        categories=frozenset(map(str, lineage(ticket.category_id, parents))),
        tags=frozenset(tags),
        contracts=frozenset(contracts[0]),
        contract_types=frozenset(contracts[1]),
    )
    return rules.choose(known, facts)


def select_anew(ticket: Ticket) -> None:
    ticket.policy = choose_policy(ticket, policies())
    if ticket.status in (TicketStatus.SPAM, TicketStatus.CLOSED, TicketStatus.RESOLVED):
        return
    clocks = Clocks(ticket, clock.now())
    clocks.reselect(ticket.policy)
    clocks.save()


def _same_version(ticket: Ticket, version: int | None) -> None:
    if version is not None and version != ticket.version:
        from portal.crm.tickets.wire import card

        raise Conflict(
            _("This record has been changed in the meantime."),
            meta={"version": ticket.version, "currentVersion": ticket.version, "current": card(ticket.pk)},
        )


def save(ticket: Ticket, *columns: str) -> None:
    ticket.version += 1
    ticket.save(update_fields=[*dict.fromkeys(columns), "version", "updated_at"])


# --- telling ----------------------------------------------------------------------------------------
def _tell(ticket: Ticket) -> None:
    data = {"number": ticket.number, "status": ticket.status, "priority": ticket.priority}
    publish("ticket.updated", entity="ticket", id=ticket.pk, data=data)


def _tell_comment(ticket: Ticket, comment: TicketComment, by: User) -> None:
    data = {"comment": str(comment.pk), "isInternal": comment.is_internal, "number": ticket.number}
    publish("ticket.comment", entity="ticket", id=ticket.pk, data=data)
    if not comment.is_internal:
        _note(ticket, "ticket.comment", None if comment.from_customer else by)
    said = {"number": ticket.number, "title": ticket.title, "person": comment.author_name or by.name}
    said["comment"] = comment.content[:500]
    named = {UUID(id) for id in comment.mentions} - {by.pk}
    notify("ticket.mentioned", recipients=named, data=said, subject=("ticket", ticket.pk))
    owner = ticket.customer.assigned_to_id if ticket.customer else None
    others = {id for id in (ticket.assigned_to_id, owner) if id and id not in named and id != by.pk}
    for person in User.objects.select_related("role").filter(pk__in=others):
        if access.tickets_seen(person).filter(pk=ticket.pk).exists() and (
            not comment.is_internal or person.has_permission("tickets.internal")
        ):
            notify("ticket.commented", recipients=[person.pk], data=said, subject=("ticket", ticket.pk))


def tell_assigned(ticket: Ticket, before: UUID | None, by: User | None) -> None:
    me, told = by.pk if by else None, {"number": ticket.number, "title": ticket.title}
    for kind, person in (("ticket.assigned", ticket.assigned_to_id), ("ticket.taken", before)):
        if person not in (None, me):
            notify(kind, recipients=[person], data=told, subject=("ticket", ticket.pk))


def _note(ticket: Ticket, kind: str, by: User | None, **more: Any) -> None:
    """Onto the customer's timeline."""
    if ticket.customer_id is not None:
        data = {"number": ticket.number, "title": ticket.title, **more}
        activity.record(customer_id=ticket.customer_id, type=kind, subject_id=ticket.pk, actor=by, data=data)
