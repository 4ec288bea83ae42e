"""What the demo shows of the office."""

from portal.crm.customers import demo as customers
from portal.crm.tickets import demo as tickets


def fill() -> None:
    customers.fill()
    tickets.fill()
