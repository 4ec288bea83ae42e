"""Models of the crm room, from its parts."""

from portal.crm.activity.models import ActivityEvent
from portal.crm.contracts.models import (
    Amendment,
    Contract,
    ContractEvent,
    ContractLine,
    ContractPaper,
    ContractPaperFile,
    ContractReminder,
    ContractTemplate,
    ContractType,
    TemplateVersion,
)
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

__all__ = [
    "ActivityEvent",
    "Amendment",
    "Contract",
    "ContractEvent",
    "ContractLine",
    "ContractPaper",
    "ContractPaperFile",
    "ContractReminder",
    "ContractTemplate",
    "ContractType",
    "CustomField",
    "Customer",
    "CustomerImport",
    "CustomerImportFile",
    "CustomerImportRow",
    "CustomerLink",
    "CustomerNote",
    "CustomerTag",
    "MergeLog",
    "NoteRevision",
    "StatusChange",
    "Tag",
    "TemplateVersion",
]
