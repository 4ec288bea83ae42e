"""Linking sampling points to customers. A point belongs to one customer at most."""

from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Conflict, Denied, Invalid, NotFound
from portal.core.tenancy import scope
from portal.crm.customers.access import customer_get
from portal.crm.customers.models import Customer, CustomerLink
from portal.desk.bridges.exceedances import POINT
from portal.lab.models import SamplingPoint
from portal.lab.points.selectors import point_list

OFFERED = 200


def points_of(customer: UUID) -> QuerySet[SamplingPoint]:
    """By name."""
    links = CustomerLink.objects.filter(kind=POINT, customer=customer)
    rows: QuerySet[SamplingPoint] = SamplingPoint.objects.filter(pk__in=links.values("target_id"))
    return rows.order_by("name", "code")


def points_free() -> QuerySet[SamplingPoint]:
    """Active ones that belong to nobody, at most `OFFERED`."""
    taken = CustomerLink.objects.filter(kind=POINT).values("target_id")
    return point_list(active=True).exclude(pk__in=taken).order_by("name", "code")[:OFFERED]


def point_link(*, customer: UUID, code: str, by: User) -> SamplingPoint:
    """Raises Denied, NotFound for a customer out of sight, Invalid for an unknown code, Conflict where it belongs to
    somebody else."""
    found = _editable(customer, by)
    row: SamplingPoint | None = SamplingPoint.objects.filter(code=code.strip()).first()
    if row is None:
        raise Invalid.field("code", _("There is no such sampling point."))
    link, made = CustomerLink.objects.get_or_create(
        organization_id=scope.organization_id(), kind=POINT, target_id=row.pk, defaults={"customer": found}
    )
    if not made and link.customer_id != found.pk:
        raise Conflict(_("This sampling point belongs to another customer."), code="DUPLICATE")
    return row


def point_unlink(*, customer: UUID, point: UUID, by: User) -> None:
    """Raises Denied, NotFound."""
    found = _editable(customer, by)
    link = CustomerLink.objects.filter(kind=POINT, customer=found, target_id=point).first()
    if link is None:
        raise NotFound(_("There is no such sampling point."))
    link.delete()


def _editable(customer: UUID, by: User) -> Customer:
    if not by.has_permission("customers.edit"):
        raise Denied(_("You do not have the right to do this."))
    return customer_get(user=by, id=customer)
