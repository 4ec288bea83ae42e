"""The background work of the desk's parts."""

from portal.desk.reports import jobs as reports

__all__ = ["reports"]
