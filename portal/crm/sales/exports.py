"""Deals as a file for other programs."""

from collections.abc import Iterator
from typing import IO, Any, Final

from django.db.models import QuerySet

from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.sheets import sheet
from portal.core.files.exports import AT_ONCE, export_keep
from portal.crm.sales.models import Deal
from portal.crm.sales.selectors import with_names

__all__ = ["AT_ONCE", "KINDS", "export", "keep"]

KINDS: Final = ("csv", "json", "xlsx")
COLUMNS: Final = (
    "id",
    "title",
    "customerId",
    "customerName",
    "stage",
    "status",
    "value",
    "currency",
    "fxRate",
    "baseValue",
    "probability",
    "weightedValue",
    "category",
    "expectedCloseDate",
    "assignedTo",
    "assignedToName",
    "closedAt",
    "lostReason",
    "lostNote",
    "nextActivityAt",
    "description",
    "createdAt",
    "updatedAt",
)


def export(rows: QuerySet[Deal], kind: str, *, filters: dict[str, Any]) -> IO[bytes]:
    """The deals as an open file of `kind`, in the order of `rows`; noted in the audit log with its filters, number of
    rows and SHA-256."""
    file, count, digest = sheet(kind, COLUMNS, _lines(rows))
    changes = {"format": kind, "filters": filters, "rows": count, "sha256": digest}
    record(Event(Action.EXPORT, "sale", "", changes, label=f"sales.{kind}"))
    return file


def keep(rows: QuerySet[Deal], kind: str, *, filters: dict[str, Any], by: User) -> dict[str, Any]:
    """Put the file into the person's own files for a day. What the job answers."""
    with export(rows, kind, filters=filters) as file:
        return export_keep(file=file, filename=f"sales.{kind}", by=by, right="sales.export", rows=rows.count())


def _lines(rows: QuerySet[Deal]) -> Iterator[list[Any]]:
    for deal in with_names(rows).iterator(chunk_size=2000):
        yield [
            str(deal.pk),
            deal.title,
            str(deal.customer_id),
            deal.customer.name,
            deal.stage.key,
            deal.status,
            float(deal.value),
            deal.currency,
            float(deal.fx_rate),
            float(deal.base_value),
            deal.chance,
            float(deal.weighted),
            deal.category,
            deal.expected_close_date.isoformat() if deal.expected_close_date else None,
            str(deal.assigned_to_id) if deal.assigned_to_id else None,
            deal.assigned_to.name if deal.assigned_to else None,
            clock.wire(deal.closed_at),
            deal.lost_reason or None,
            deal.lost_note or None,
            clock.wire(deal.next_activity_at),
            deal.description,
            clock.wire(deal.created_at),
            clock.wire(deal.updated_at),
        ]
