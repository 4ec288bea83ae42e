"""Background work of the office, from its parts."""

from portal.crm.customers import jobs as customers
from portal.crm.sales import jobs as sales

__all__ = ["customers", "sales"]
