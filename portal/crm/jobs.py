"""Background work of the office, from its parts."""

from portal.crm.customers import jobs as customers

__all__ = ["customers"]
