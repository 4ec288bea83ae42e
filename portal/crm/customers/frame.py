"""The frame of a customer's pages. Other parts register tabs (`panels.Tab(place="customer", …)`) and boxes on the
overview (`panels.Panel(place="customer", …)`); a tab's view takes its context from here and its template extends
`crm/customers/frame.html`, filling the block `tab_content`."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest

from portal.crm.access import seen
from portal.crm.customers import tags
from portal.crm.customers.access import customer_get
from portal.crm.customers.choices import STATUS_CHANGES
from portal.crm.customers.models import Customer
from portal.ui import panels
from portal.ui.people import may, person

PLACE = "customer"


def customer_frame(request: HttpRequest, customer_id: UUID, tab: str) -> dict[str, Any]:
    """The context of a page inside a customer, `customer` among it. Raises NotFound for one out of sight."""
    user = person(request)
    customer = customer_get(user=user, id=customer_id)
    one = Customer.objects.filter(pk=customer_id)
    return {
        "customer": customer,
        "marked": tags.of_customers([customer.pk]).get(customer.pk, []),
        "tab": tab,
        "tabs": panels.tabs(request, PLACE),
        "ways": STATUS_CHANGES[customer.status],
        "may_edit": seen(user, "customers.edit", one).exists(),
        "may_delete": seen(user, "customers.delete", one).exists(),
        "may_merge": may(request, "customers.merge"),
    }
