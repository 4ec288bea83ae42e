"""Lists of contracts as files."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import IO, Any, Final
from uuid import UUID

from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common.clock import wire
from portal.core.common.sheets import sheet
from portal.crm.contracts import selectors

COLUMNS: Final = {
    "number": "number",
    "title": "title",
    "customerName": "customer__name",
    "type": "type__key",
    "status": "status",
    "value": "value",
    "currency": "currency",
    "fxRate": "fx_rate",
    "billing": "billing",
    "startDate": "start_date",
    "endDate": "end_date",
    "termMonths": "term_months",
    "noticeDays": "notice_days",
    "autoRenew": "auto_renew",
    "terminationDate": "termination_date",
    "endedOn": "ended_on",
    "signedOn": "signed_on",
    "ownerName": "owner__name",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "id": "id",
}


def contracts_export(*, user: User, kind: str, filters: Mapping[str, Any]) -> IO[bytes]:
    """What the list shows as an open file of `kind` (csv, json, xlsx), noted in the audit log with its hash."""
    rows = selectors.contract_list(user=user, filters=filters).order_by("-created_at", "-pk")
    values = rows.values_list(*COLUMNS.values()).iterator(chunk_size=2000)
    file, count, digest = sheet(kind, list(COLUMNS), _plain(values))
    said = {name: _cell(value) for name, value in filters.items() if value not in (None, "", [])}
    changes = {"format": kind, "filters": said, "rows": count, "sha256": digest}
    record(Event(Action.EXPORT, "contract", "", changes, label=f"contracts.{kind}"))
    return file


def _plain(rows: Any) -> Iterator[list[Any]]:
    for row in rows:
        yield [_cell(value) for value in row]


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return wire(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return float(value) if hasattr(value, "quantize") else value
