"""Who sees and works on which tickets: one rule for lists, search, figures, exports, files and single ones."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Denied, NotFound
from portal.crm import access
from portal.crm.tickets.models import Ticket


def tickets_seen(user: User, right: str = "tickets.view") -> QuerySet[Ticket]:
    """Living tickets that the person holds `right` for."""
    rows: QuerySet[Ticket] = Ticket.objects.filter(deleted_at=None)
    return rows.filter(within(user, right))


def within(user: User, right: str) -> Q:
    has, made = access.reach(user, right, "assigned_to"), access.reach(user, right, "created_by")
    if has is None or made is None:
        return Q(pk__in=[])
    return has | made if has else Q()


def ticket_for(user: User, id: UUID) -> Ticket:
    """Raises NotFound for an unknown, deleted, foreign or unseen one."""
    rows = tickets_seen(user).select_related("customer", "category", "assigned_to", "created_by", "policy")
    found = rows.filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such ticket."))
    return found


def ticket_to_work_on(user: User, id: UUID) -> Ticket:
    """The ticket, locked. Raises NotFound for one out of sight, Denied for one that the person may only read."""
    found = tickets_seen(user).select_for_update(no_key=True).filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such ticket."))
    may(user, "tickets.work")
    if not tickets_seen(user, "tickets.work").filter(pk=id).exists():
        raise Denied(_("You may read this ticket, not work on it."), meta={"permission": "tickets.work"})
    return found


def may(user: User, right: str) -> None:
    if not user.has_permission(right):
        raise Denied(_("You do not have the right to do this."), meta={"permission": right})
