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

__all__ = [
    "ActivityEvent",
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
    "Stage",
    "StatusChange",
    "Tag",
    "Transition",
]
