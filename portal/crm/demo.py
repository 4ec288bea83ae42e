"""What the demo shows of the office."""

from portal.crm.customers import demo as customers


def fill() -> None:
    customers.fill()
