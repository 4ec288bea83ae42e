"""The timeline that customers, sales, tickets and contracts share: `activity.record(…)` beside every change."""

from portal.crm.activity.services import Source, record, record_many, register_source, sources

__all__ = ["Source", "record", "record_many", "register_source", "sources"]
