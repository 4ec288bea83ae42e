"""What the demo shows of the office."""

from portal.crm.contracts import demo as contracts
from portal.crm.customers import demo as customers
from portal.crm.sales import demo as sales


def fill() -> None:
    customers.fill()
    sales.fill()
    contracts.fill()
