"""Customers as CSV, JSON and XLSX: the rows of the list in force, of any number."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from django.db.models import QuerySet

from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common.clock import wire
from portal.core.common.sheets import sheet
from portal.core.common.workbook import write_sheet
from portal.core.files.exports import AT_ONCE, export_keep
from portal.crm.customers import tags
from portal.crm.customers.models import Customer

__all__ = ["AT_ONCE", "COLUMNS", "KINDS", "customers_file", "keep"]

KINDS: Final = ("csv", "json", "xlsx")
_CHUNK: Final = 1000
_MEMORY: Final = 2 * 1024 * 1024
COLUMNS: Final = {
    "id": "pk",
    "companyName": "company_name",
    "contactName": "contact_name",
    "email": "email",
    "phone": "phone",
    "address": "address",
    "city": "city",
    "country": "country",
    "industry": "industry",
    "size": "size",
    "status": "status",
    "assignedTo": "assigned_to__email",
    "assignedToName": "assigned_to__name",
    "tags": "",
    "notes": "notes",
    "externalId": "external_id",
    "taxNumber": "tax_number",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "lastActivityAt": "last_activity_at",
}
_TAGS: Final = list(COLUMNS).index("tags")


def customers_file(
    *, rows: QuerySet[Customer], kind: str, filters: Mapping[str, Any], total: int = 0, progress: Any = None
) -> tuple[IO[bytes], int]:
    """An open file of `kind` at its beginning and its number of rows, noted in the audit log with filters, rows and
    hash. The columns are those that an import reads: what went out comes back in."""
    lines = _lines(rows, total, progress)
    if kind == "xlsx":
        file, count, digest = _workbook(lines)
    else:
        file, count, digest = sheet(kind, list(COLUMNS), lines)
    said = {"format": kind, "filters": dict(filters), "rows": count, "sha256": digest}
    record(Event(Action.EXPORT, "customer", "", said, label=f"customers.{kind}"))
    return file, count


def _workbook(lines: Iterable[list[Any]]) -> tuple[IO[bytes], int, str]:
    count = 0

    def counted() -> Iterator[list[Any]]:
        nonlocal count
        for line in lines:
            count += 1
            yield line

    file: IO[bytes] = SpooledTemporaryFile(_MEMORY)  # noqa: SIM115  (the one who sends it closes it)
    widths = [38 if name == "id" else 22 for name in COLUMNS]
    write_sheet(file, title="customers", head=list(COLUMNS), rows=counted(), widths=widths, right_to_left=False)
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    return file, count, digest


def _lines(rows: QuerySet[Customer], total: int, progress: Any) -> Iterator[list[Any]]:
    """A thousand at a time: their tags come in one query, and any number costs no memory."""
    names = [name for name in COLUMNS.values() if name]
    done = 0
    batch: list[tuple[Any, ...]] = []
    for values in rows.values_list(*names).iterator(chunk_size=_CHUNK):
        batch.append(values)
        if len(batch) == _CHUNK:
            yield from _written(batch)
            done += len(batch)
            batch = []
            if progress:
                progress(done, total)
    yield from _written(batch)


def _written(batch: list[tuple[Any, ...]]) -> Iterator[list[Any]]:
    marked = tags.of_customers([values[0] for values in batch])
    for id, *values in batch:
        line = [str(id), *(wire(value) if hasattr(value, "tzinfo") else value or "" for value in values)]
        line.insert(_TAGS, "; ".join(tag.name for tag in marked.get(id, [])))
        yield line


def keep(*, rows: QuerySet[Customer], kind: str, filters: Mapping[str, Any], by: User, progress: Any) -> dict[str, Any]:
    """Put the file among the person's own, for a day. What the job answers."""
    file, count = customers_file(rows=rows, kind=kind, filters=filters, total=rows.count(), progress=progress)
    with file:
        return export_keep(file=file, filename=f"customers.{kind}", by=by, right="customers.export", rows=count)
