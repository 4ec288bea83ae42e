"""Who sees which customers."""

from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Conflict, NotFound
from portal.crm.access import seen
from portal.crm.customers.models import Customer


def customers_seen(user: User, right: str = "customers.view") -> QuerySet[Customer]:
    """Living customers for which the person holds the right."""
    rows: QuerySet[Customer] = Customer.objects.filter(deleted_at=None)
    return seen(user, right, rows)


def customer_living(id: UUID) -> None:
    """For a record of a customer that is to come back: holds the customer until the transaction ends. Raises Conflict
    while it is deleted."""
    customer = Customer.objects.select_for_update(no_key=True).get(pk=id)
    if customer.deleted_at is not None:
        raise Conflict(_("The customer %(name)s is deleted: restore the customer first.") % {"name": customer.name})


def customer_get(*, user: User, id: UUID) -> Customer:
    """Raises NotFound for an unknown, deleted, foreign or unseen one."""
    found = customers_seen(user).select_related("assigned_to").filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such customer."))
    return found
