"""Customers as CSV, JSON and XLSX: the rows of the list in force, of any number."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.clock import wire
from portal.core.common.sheets import sheet
from portal.core.common.workbook import write_sheet
from portal.core.files.links import LinkKind
from portal.core.files.models import FileLink
from portal.core.files.services import file_create, file_purge
from portal.core.tenancy.scope import tenant
from portal.crm.customers import tags
from portal.crm.customers.models import Customer

KINDS: Final = ("csv", "json", "xlsx")
AT_ONCE: Final = 5000  # rows up to which the answer holds the file itself
KEPT: Final = timedelta(hours=24)
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
# What a file of an export is linked to: nobody but its maker sees it, whatever files they may see.
LINK: Final = LinkKind(
    kind="customers_export",
    label_plural=_("Exports of customers"),
    visible=lambda user: Customer.objects.none(),
)
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
    """Put the file into the person's files for a day. What the job answers."""
    file, count = customers_file(rows=rows, kind=kind, filters=filters, total=rows.count(), progress=progress)
    with file:
        stored = file_create(stream=file, filename=f"customers.{kind}", by=by, right="customers.export")
    FileLink.objects.create(organization_id=stored.organization_id, file=stored, kind=LINK.kind, record_id=stored.pk)
    return {"fileId": str(stored.pk), "downloadUrl": f"/api/v1/files/download/{stored.pk}", "rows": count}


def forget() -> None:
    """Remove exports that are older than a day. In a platform scope."""
    old = FileLink.objects.filter(kind=LINK.kind, created_at__lt=clock.now() - KEPT).select_related("file")
    for link in list(old[:100]):
        with tenant(link.organization_id):
            link.file.deleted_at = clock.now()
            link.file.save(update_fields=["deleted_at", "updated_at"])
            file_purge(file=link.file, by=None)
