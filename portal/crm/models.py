"""Models of the crm room, from its parts."""

from portal.crm.activity.models import ActivityEvent
from portal.crm.customers.imports.models import CustomerImport, CustomerImportFile, CustomerImportRow
from portal.crm.customers.models import (
    Customer,
    CustomerLink,
    CustomerNote,
    CustomerTag,
    CustomField,
    MergeLog,
    NoteRevision,
    StatusChange,
    Tag,
)
from portal.crm.sales.models import (
    Deal,
    DealLine,
    ForecastSnapshot,
    Product,
    Quota,
    SalesActivity,
    Stage,
    Transition,
)
from portal.crm.sla.models import CalendarEdition, SlaCalendar, SlaClock, SlaPause, SlaPolicy, SlaStep
from portal.crm.tickets.models import CommentRevision, Ticket, TicketAttachment, TicketCategory, TicketComment

__all__ = [
    "ActivityEvent",
    "CalendarEdition",
    "CommentRevision",
    "CustomField",
    "Customer",
    "CustomerImport",
    "CustomerImportFile",
    "CustomerImportRow",
    "CustomerLink",
    "CustomerNote",
    "CustomerTag",
    "Deal",
    "DealLine",
    "ForecastSnapshot",
    "MergeLog",
    "NoteRevision",
    "Product",
    "Quota",
    "SalesActivity",
    "SlaCalendar",
    "SlaClock",
    "SlaPause",
    "SlaPolicy",
    "SlaStep",
    "Stage",
    "StatusChange",
    "Tag",
    "Ticket",
    "TicketAttachment",
    "TicketCategory",
    "TicketComment",
    "Transition",
]
