"""Files of contracts: drafts, signed copies, annexes, notices."""

from collections.abc import Sequence
from datetime import date
from typing import IO, Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Invalid
from portal.core.common.ids import parse_uuid
from portal.core.files import services as files
from portal.core.files.models import FileLink, StoredFile
from portal.core.files.selectors import visible
from portal.core.files.staging import Staged
from portal.crm.contracts import access, history, wire
from portal.crm.contracts.choices import DocumentKind
from portal.crm.contracts.models import Contract


def document_add(
    *,
    id: UUID,
    stream: IO[bytes] | Staged,
    filename: str,
    content_type: str = "",
    kind: str = DocumentKind.ANNEX,
    description: str = "",
    by: User,
    signed_on: date | None = None,
) -> StoredFile:
    """Keep a file of a contract. A signed copy says when it was signed (today), a notice that notice was given.

    Raises what `file_create` does, Denied, NotFound.
    """
    contract = access.contract_for(by, id, "contracts.edit")
    if kind not in DocumentKind.values:
        raise Invalid.field("kind", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(DocumentKind.values)})
    with transaction.atomic():
        file = files.file_create(
            stream=stream,
            filename=filename,
            content_type=content_type,
            category="contract",
            description=description,
            metadata={"documentKind": kind},
            links_to=[("contract", contract.pk)],
            by=by,
            right="contracts.edit",
        )
        contract = access.contract_for(by, id, "contracts.edit", lock=True)
        new: dict[str, Any] = {"documentId": str(file.pk), "filename": file.filename, "kind": str(kind)}
        column = {DocumentKind.SIGNED: "signed_on", DocumentKind.NOTICE: "notice_given_on"}.get(DocumentKind(kind))
        if column and getattr(contract, column) is None:
            setattr(contract, column, signed_on or access.today())
            contract.version += 1
            contract.save()
            new["signedOn" if column == "signed_on" else "noticeGivenOn"] = wire.plain(getattr(contract, column))
        history.log(contract, "document", new=new)
    return file


def attachments_set(*, contract: Contract, ids: Sequence[Any], by: User) -> None:
    """The files of a contract are these, of those that the person sees; what is not named is taken off."""
    wanted = {id for value in ids if (id := parse_uuid(value))}
    if not all(map(parse_uuid, ids)):
        raise Invalid.field("attachments", _("This is not a UUID."))
    rows = StoredFile.objects.filter(visible(by), deleted_at=None, purged_at=None, pk__in=wanted)
    files_by_id = {file.pk: file for file in rows}
    if len(files_by_id) != len(wanted):
        raise Invalid.field("attachments", _("There is no such file."), "unknown")
    held = set(FileLink.objects.filter(kind="contract", record_id=contract.pk).values_list("file", flat=True))
    for gone in held - set(files_by_id):
        FileLink.objects.filter(kind="contract", record_id=contract.pk, file=gone).delete()
    FileLink.objects.bulk_create(
        FileLink(organization_id=contract.organization_id, file=file, kind="contract", record_id=contract.pk)
        for id, file in files_by_id.items()
        if id not in held
    )


def documents(contract: Contract) -> list[StoredFile]:
    """The files of a contract, newest first."""
    ids = FileLink.objects.filter(kind="contract", record_id=contract.pk).values("file")
    rows = StoredFile.objects.filter(pk__in=ids, deleted_at=None).select_related("uploaded_by", "current__blob")
    return list(rows.order_by("-created_at", "-id"))


def read_day(text: str) -> date:
    """The day in a form's field. Raises Invalid naming `signed_on`."""
    found = clock.parse_date(text)
    if found is None:
        raise Invalid.field("signed_on", _("Enter a date like 2026-11-20."))
    return found
