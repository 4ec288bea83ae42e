"""A sample that breaks a limit opens a ticket for the customer of its point, where the organisation wants it."""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from portal.core.jobs.tasks import Running, defer, job
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.crm.customers.models import CustomerLink
from portal.crm.tickets import services
from portal.crm.tickets.models import Ticket, TicketCategory
from portal.lab.models import Sample

SETTING: Final = "ticketOnExceedance"
POINT: Final = "sampling_point"
CATEGORY: Final = "water_quality"
_NOWHERE: Final = UUID(int=0)


def failed(samples: Collection[UUID]) -> None:
    """Queue the work, so that a push of many samples does not wait for it."""
    settings = Organization.objects.values_list("settings", flat=True).get(pk=scope.organization_id())
    if settings.get(SETTING) is True:
        defer(open_tickets, samples=[str(id) for id in samples])


@job(name="desk.exceedance_tickets", title=gettext_lazy("Tickets about failing samples"), retry=3)
def open_tickets(running: Running, *, samples: list[str]) -> dict[str, Any]:
    return {"tickets": tickets_open(samples=[UUID(id) for id in samples])}


def tickets_open(*, samples: Collection[UUID]) -> int:
    """One ticket for each sample that still fails and whose point is a customer's, once for ever; how many are new."""
    organization = Organization.objects.get(pk=scope.organization_id())
    rows = Sample.objects.filter(pk__in=samples, deleted_at=None, compliance_status="fail").exclude(sampling_point=None)
    links = CustomerLink.objects.filter(kind=POINT, target_id__in=rows.values("sampling_point"))
    customers = dict(links.values_list("target_id", "customer"))
    about = TicketCategory.objects.filter(key=CATEGORY, is_active=True).first()
    done = 0
    for sample in rows.select_related("sampling_point"):
        customer, origin = customers.get(sample.sampling_point_id or _NOWHERE), f"sample:{sample.pk}"
        if customer is None or Ticket.objects.filter(origin=origin).exists():
            continue
        told = {"code": sample.code, "place": sample.sampling_point}
        with override(organization.language):
            data = {
                "title": _("Sample %(code)s does not comply (%(place)s)") % told,
                "description": _(
                    "The laboratory found a value beyond a limit. Tell the customer and agree what to do."
                ),
                "customerId": str(customer),
                "category": about and about.key,
                "priority": "high",
                "channel": "laboratory",
            }
        try:
            with transaction.atomic():
                services.ticket_create(data=data, by=None, origin=origin)
        except IntegrityError:  # another worker was quicker
            continue
        done += 1
    return done
