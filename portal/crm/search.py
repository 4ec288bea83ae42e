"""What the global search finds of the office."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.crm.contracts.selectors import contract_list
from portal.crm.customers.access import customers_seen
from portal.crm.customers.selectors import Filters, narrow
from portal.crm.sales import selectors as sales
from portal.crm.tickets.selectors import ticket_list
from portal.ui.search import Hit, SearchKind, hits, register


def _customers(user: User, text: str, limit: int) -> list[Hit]:
    rows = narrow(customers_seen(user), Filters(search=text), user=user)
    return hits(rows, limit, "crm:customer_detail", lambda row: (row.name, row.contact_name, row.city))


def _deals(user: User, text: str, limit: int) -> list[Hit]:
    rows = sales.deal_list(user=user, today=timezone.localdate(), filters=sales.Filters(search=text))
    rows = rows.select_related("customer", "stage")
    return hits(rows, limit, "crm:sale_detail", lambda row: (row.title, row.customer.name, row.stage))


def _tickets(user: User, text: str, limit: int) -> list[Hit]:
    rows = ticket_list(user=user, search=text).select_related("customer").defer("description", "search_text")
    return hits(
        rows,
        limit,
        "crm:ticket_detail",
        lambda row: (row.title, f"#{row.number}", row.customer and row.customer.name, row.get_status_display()),
    )


def _contracts(user: User, text: str, limit: int) -> list[Hit]:
    rows = contract_list(user=user, filters={"search": text})
    return hits(
        rows,
        limit,
        "crm:contract_detail",
        lambda row: (row.title, row.number, row.customer.name, row.get_status_display()),
    )


def fill() -> None:
    for order, (key, label, icon, find, url) in enumerate(_KINDS, 40):
        register(
            SearchKind(
                key=key,
                label=label,
                icon=icon,
                permission=f"{key}.view",
                find=find,
                list_url=url,
                # the queue opens with what is open, the search looks at all
                list_query="show=all" if key == "tickets" else "",
                order=order,
            )
        )


_KINDS = (
    ("customers", _("Customers"), "building", _customers, "crm:customer_list"),
    ("sales", _("Deals"), "coin", _deals, "crm:sale_list"),
    ("tickets", _("Tickets"), "ticket", _tickets, "crm:ticket_list"),
    ("contracts", _("Contracts"), "file-text", _contracts, "crm:contract_list"),
)
