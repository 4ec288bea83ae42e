"""Tickets as CSV, JSON and XLSX: the rows of the list in force. Internal comments are in none of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import IO, Any, Final

from django.db.models import QuerySet

from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.sheets import TYPES, sheet
from portal.core.files.exports import AT_ONCE, export_keep
from portal.crm.tickets.models import Ticket

KINDS: Final = tuple(TYPES)
COLUMNS: Final = {
    "number": "number",
    "title": "title",
    "status": "status",
    "priority": "priority",
    "category": "category__key",
    "channel": "channel",
    "customer": "customer__company_name",
    "requesterName": "requester_name",
    "requesterEmail": "requester_email",
    "assignedTo": "assigned_to__name",
    "tags": "tags",
    "dueDate": "due_date",
    "slaState": "sla_state",
    "slaDueAt": "sla_due_at",
    "firstResponseAt": "first_response_at",
    "resolvedAt": "resolved_at",
    "closedAt": "closed_at",
    "reopenCount": "reopen_count",
    "satisfaction": "satisfaction",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "id": "pk",
}

type Progress = Callable[[int, int], object]


def tickets_file(
    *, rows: QuerySet[Ticket], kind: str, filters: Mapping[str, Any], total: int = 0, progress: Progress | None = None
) -> IO[bytes]:
    """An open file of `kind` at its beginning, noted in the audit log with filters, rows and hash."""
    file, count, digest = sheet(kind, list(COLUMNS), _lines(rows, total, progress))
    said = {"format": kind, "filters": dict(filters), "rows": count, "sha256": digest}
    record(Event(Action.EXPORT, "ticket", "", said, label=f"tickets.{kind}"))
    return file


def _lines(rows: QuerySet[Ticket], total: int, progress: Progress | None) -> Iterator[Sequence[Any]]:
    for place, values in enumerate(rows.values_list(*COLUMNS.values()).iterator(chunk_size=2000)):
        if progress and place % 2000 == 0:
            progress(place, total)
        yield [_cell(value) for value in values]


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return clock.wire(value)
    if isinstance(value, list):
        return "; ".join(value)
    return value if isinstance(value, int | None) else str(value)


def keep(
    *, rows: QuerySet[Ticket], kind: str, filters: Mapping[str, Any], by: User, progress: Progress
) -> dict[str, Any]:
    """Put the file into the person's files for a day. What the job answers."""
    total = rows.count()
    with tickets_file(rows=rows, kind=kind, filters=filters, total=total, progress=progress) as file:
        return export_keep(file=file, filename=f"tickets.{kind}", by=by, right="tickets.export", rows=total)


__all__ = ["AT_ONCE", "COLUMNS", "KINDS", "keep", "tickets_file"]
