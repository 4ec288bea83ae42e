"""Reads of tickets. `user` is who asks: nobody reads past their own sight (`access`)."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from portal.core.accounts.models import User
from portal.core.audit.models import AuditEntry
from portal.core.common import clock
from portal.core.common.text import normalise
from portal.core.tenancy import scope, words
from portal.crm.counting import MOST
from portal.crm.sla.models import SlaClock, SlaPause
from portal.crm.tickets import access
from portal.crm.tickets.choices import OPEN, WEIGHTS
from portal.crm.tickets.models import Ticket, TicketAttachment, TicketCategory, TicketComment


def ticket_list(
    *,
    user: User,
    search: str = "",
    statuses: Collection[str] = (),
    open_only: bool = False,
    priorities: Collection[str] = (),
    channels: Collection[str] = (),
    category: str = "",
    customer: UUID | None = None,
    assignee: UUID | None = None,
    unassigned: bool = False,
    tags: Collection[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    due_from: datetime | None = None,
    due_to: datetime | None = None,
    late: bool | None = None,
    sla: str = "",
    number: int | None = None,
) -> QuerySet[Ticket]:
    """Newest first. `since` and `until` (exclusive) bound the creation, `due_from` and `due_to` the due date.
    `category`: key or id, with those below it. `tags`: all of them. `late`: over a due date or a promise. `sla`:
    `overdue`, `at_risk`, `paused`, `met` or `missed`. `search` is contained in number, title, customer, who asked, tags
    or description."""
    rows = access.tickets_seen(user)
    if text := normalise(search.strip().removeprefix("#")):
        rows = words.containing(rows, text, most=MOST)
    exact: dict[str, Any] = {
        "status__in": statuses,
        "priority__in": priorities,
        "channel__in": channels,
        "customer": customer,
        "assigned_to": assignee,
        "tags__contains": list(tags),
        "created_at__gte": since,
        "created_at__lt": until,
        "due_date__gte": due_from,
        "due_date__lt": due_to,
        "number": number,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value not in (None, [], ())})
    if open_only:
        rows = rows.filter(status__in=OPEN)
    if category:
        rows = rows.filter(category__in=below(category))
    if unassigned:
        rows = rows.filter(assigned_to=None)
    if late is not None:
        rows = rows.filter(is_late() if late else ~is_late())
    if sla:
        rows = rows.filter(SLA[sla]())
    return rows


def is_late() -> Q:
    """Over a promise, or open after its due date."""
    return over() | Q(status__in=OPEN, due_date__lt=clock.now())


def over() -> Q:
    """A clock that runs is over its time, whether somebody noticed or not."""
    return Q(sla_due_at__lt=clock.now())


def at_risk() -> Q:
    now = clock.now()
    return Q(sla_due_at__gte=now, sla_warn_at__lte=now)


SLA: Final[dict[str, Callable[[], Q]]] = {
    "overdue": over,
    "at_risk": at_risk,
    "paused": lambda: Q(sla_state="paused"),
    "met": lambda: Q(sla_state="met"),
    "missed": lambda: Q(sla_state="missed"),
}


def below(category: str) -> list[UUID]:
    """A category, by key or id, and all that are part of it; none for an unknown one."""
    rows = list(TicketCategory.objects.values_list("pk", "key", "parent"))
    found = {pk for pk, key, _parent in rows if category.lower() in (key, str(pk))}
    while more := {pk for pk, _key, parent in rows if parent in found} - found:
        found |= more
    return list(found)


def urgency() -> Case:
    """0 for the lowest priority."""
    order = [When(priority=name, then=Value(weight)) for name, weight in WEIGHTS.items()]
    return Case(*order, default=Value(0), output_field=IntegerField())


def category_list(*, active: bool = False) -> list[TicketCategory]:
    """The tree from above, `depth` on each: children behind their parent."""
    rows = TicketCategory.objects.filter(is_active=True) if active else TicketCategory.objects.all()
    children: dict[UUID | None, list[TicketCategory]] = {}
    for row in rows.select_related("default_assignee"):
        children.setdefault(row.parent_id, []).append(row)
    found: list[TicketCategory] = []

    def walk(parent: UUID | None, depth: int) -> None:
        for row in children.get(parent, []):
            row.depth = depth  # type: ignore[attr-defined]
            found.append(row)
            walk(row.pk, depth + 1)

    walk(None, 0)
    return found


def workers() -> list[User]:
    """The people to whom tickets can be given, by name."""
    people = User.objects.select_related("role").filter(
        organization_id=scope.organization_id(), is_active=True, deleted_at=None
    )
    return [person for person in people.order_by("name", "id") if person.has_permission("tickets.work")]


def ticket_clocks(*, ticket: UUID) -> list[SlaClock]:
    return list(SlaClock.objects.filter(ticket=ticket).exclude(state="cancelled").order_by("started_at", "kind", "id"))


def ticket_pauses(*, ticket: UUID) -> QuerySet[SlaPause]:
    rows: QuerySet[SlaPause] = SlaPause.objects.filter(ticket=ticket).order_by("starts_at", "id")
    return rows


def ticket_history(*, ticket: UUID, user: User) -> QuerySet[AuditEntry]:
    """Everything that happened to a ticket, its comments and files, newest first; internal ones for whoever may read
    them."""
    held = {"is_internal__in": [True, False] if user.has_permission("tickets.internal") else [False]}
    comments = TicketComment.objects.filter(ticket=ticket, **held).values_list("pk", flat=True)
    files = TicketAttachment.objects.filter(ticket=ticket, **held).values_list("pk", flat=True)
    rows: QuerySet[AuditEntry] = AuditEntry.objects.filter(
        Q(entity="ticket", object_pk=str(ticket))
        | Q(entity="ticket_comment", object_pk__in=[str(pk) for pk in comments])
        | Q(entity="ticket_attachment", object_pk__in=[str(pk) for pk in files])
    )
    return rows.order_by("-timestamp", "-id")


def plain(rows: QuerySet[Any]) -> QuerySet[Any, dict[str, Any]]:
    """Rows as `wire` takes them."""
    return rows.values(
        *(field.attname for field in Ticket._meta.concrete_fields),
        "customer__company_name",
        "customer__contact_name",
        "assigned_to__name",
        "category__key",
    )
