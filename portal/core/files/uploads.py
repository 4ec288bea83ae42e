"""Uploads in parts that survive a break, and uploads by a signed address straight to the store.

upload_begin -> part_put (any order, again after a break) ... upload_state -> upload_finish
upload_begin(direct) -> the client puts the bytes at the address of `address` -> upload_finish
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import IO, Any, Final
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import DomainError, IllegalTransition, Invalid, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.files import selectors, services
from portal.core.files.kinds import clean_name
from portal.core.files.models import StoredFile, Upload, UploadPart
from portal.core.files.staging import staged, too_large
from portal.core.files.storage import Missing, SignedRequest, store
from portal.core.tenancy import scope

PART: Final = 8 * 1024 * 1024
OPEN: Final = timedelta(hours=24)
SIGNED_SECONDS: Final = 900
FOLDER: Final = "uploads"
SALT: Final = "files.put"
PUT_PATH: Final = "/files/put/"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def part_key(upload: Upload, number: int) -> str:
    return f"{FOLDER}/{upload.pk}/{number}"


@transaction.atomic
def upload_begin(
    *,
    filename: str,
    size: int,
    by: User,
    content_type: str = "",
    sha256: str = "",
    direct: bool = False,
    target: StoredFile | None = None,
    category: str = "",
    details: dict[str, Any] | None = None,
    only: str = "",
    right: str = "files.upload",
) -> Upload:
    """Announce a file of `size` bytes. `target`: it becomes a new version of this file. `details` are the other
    arguments of `file_create` (description, tags, metadata, links_to; `comment` for a version).

    Everything that can be refused before the bytes come is refused here. Raises what `file_create` does.
    """
    right = "files.edit" if target else right
    services.may(by, right)
    if target:
        services.may_act(target, by, right)
        category = target.category
    category = category or "other"
    name = clean_name(filename)
    kind = services.check_kind(name=name, content_type=content_type, category=category, only=only)
    if target and kind.mime != target.content_type:
        raise services.other_kind(target)
    if size < 1:
        raise Invalid.field("size", _("Enter at least %(ge)s.") % {"ge": 1})
    if size > (limit := services.limit_of(kind, category)):
        raise too_large(limit)
    if sha256 and not _SHA256.fullmatch(sha256.lower()):
        raise Invalid.field("sha256", _("Enter 64 hexadecimal digits."))
    return Upload.objects.create(
        organization_id=scope.organization_id(),
        mode=Upload.Mode.DIRECT if direct else Upload.Mode.PARTS,
        filename=name,
        content_type=kind.mime,
        size=size,
        sha256=sha256.lower(),
        part_size=size if direct else PART,
        details={**(details or {}), "category": category, "only": only, "right": right},
        target=target,
        created_by=by,
        expires_at=clock.now() + OPEN,
    )


def upload_get(*, id: UUID, by: User) -> Upload:
    """One's own upload, whatever became of it. Raises NotFound."""
    found = Upload.objects.filter(pk=id, created_by=by).select_related("target", "file").first()
    if found is None:
        raise NotFound(_("There is no such upload."))
    return found


def received(upload: Upload) -> list[int]:
    """The numbers of the parts that are here."""
    return list(upload.parts.order_by("number").values_list("number", flat=True))


def part_length(upload: Upload, number: int) -> int:
    """How many bytes a part has. Raises Invalid for a number that the upload does not have."""
    if not 1 <= number <= upload.parts_expected:
        raise Invalid.field("number", _("This upload has parts 1 to %(last)s.") % {"last": upload.parts_expected})
    return min(upload.part_size, upload.size - (number - 1) * upload.part_size)


def part_put(
    *, upload: Upload, number: int, stream: IO[bytes] | Iterable[bytes], sha256: str = "", key: str = ""
) -> UploadPart:
    """Take one part; sent again it takes the place of the first. A part that is too short leaves nothing.

    Raises Invalid, CHECKSUM_MISMATCH, TooLarge, and ILLEGAL_TRANSITION for an upload that is done or over.
    """
    length = part_length(upload, number)
    with staged(stream, limit=length) as part, transaction.atomic():
        _open(upload)
        if part.size != length:
            raise Invalid(_("%(said)s bytes were announced and %(came)s came.") % {"said": length, "came": part.size})
        if sha256 and sha256.lower() != part.sha256:
            raise DomainError(_("The bytes that came are not those that were announced."), code="CHECKSUM_MISMATCH")
        values = {"size": part.size, "sha256": part.sha256, "organization_id": upload.organization_id}
        made, _new = UploadPart.objects.update_or_create(upload=upload, number=number, defaults=values)
        store().put(part_key(upload, number), part.path)
    return made


def _open(upload: Upload) -> Upload:
    row = Upload.objects.select_for_update().get(pk=upload.pk)
    if row.status != Upload.Status.OPEN:
        raise IllegalTransition(_("This upload is over."), meta={"status": row.status, "reason": row.reason})
    if row.expires_at <= clock.now():
        raise IllegalTransition(_("This upload took too long: begin again."), meta={"status": "expired"})
    return row


def upload_finish(*, upload: Upload, by: User, size: int | None = None, sha256: str = "") -> tuple[StoredFile, Upload]:
    """Make the file, or the new version, of what arrived: its size and hash are counted anew. Done twice it answers
    the same file.

    Raises Invalid where parts are missing, CHECKSUM_MISMATCH and what `file_create` does. Where the bytes themselves
    are wrong the upload has failed and they are removed; the caller commits that (`upload_fail`).
    """
    with transaction.atomic():
        row = Upload.objects.select_for_update().get(pk=upload.pk)
        if row.status == Upload.Status.DONE:
            return selectors.file_get(id=row.file_id or UUID(int=0), user=by), row
        row = _open(row)
        if size is not None and size != row.size:
            raise Invalid.field(
                "size", _("%(said)s bytes were announced and %(came)s came.") % {"said": row.size, "came": size}
            )
        claimed = {said.lower() for said in (sha256, row.sha256) if said}
        if len(claimed) > 1:
            raise DomainError(_("The bytes that came are not those that were announced."), code="CHECKSUM_MISMATCH")
        file = _made(row, by=by, sha256=claimed.pop() if claimed else "")
        row.status, row.file = Upload.Status.DONE, file
        row.save(update_fields=["status", "file", "updated_at"])
        transaction.on_commit(lambda: _forget(row), robust=True)
    return file, row


def _made(row: Upload, *, by: User, sha256: str) -> StoredFile:
    details = dict(row.details)
    comment = details.pop("comment", "")
    if row.mode == Upload.Mode.PARTS:
        here = set(received(row))
        missing = [number for number in range(1, row.parts_expected + 1) if number not in here]
        if missing:
            raise Invalid(_("Parts are missing."), code="PARTS_MISSING", meta={"missing": missing[:1000]})
    arrived: dict[str, Any] = {
        "stream": _bytes(row),
        "size": row.size,
        "sha256": sha256,
        "content_type": row.content_type,
    }
    if row.target:
        file = selectors.file_get(id=row.target.pk, user=by)
        services.version_add(file=file, filename=row.filename, by=by, comment=comment, **arrived)
    else:
        linked = [(kind, UUID(record)) for kind, record in details.pop("links_to", ())]
        file = services.file_create(filename=row.filename, by=by, links_to=linked, **arrived, **details)
    return selectors.file_get(id=file.pk, user=by)


def _bytes(row: Upload) -> Iterator[bytes]:
    try:
        for number in range(1, row.parts_expected + 1):
            yield from store().chunks(part_key(row, number))
    except Missing:
        raise Invalid(_("The bytes have not arrived."), code="PARTS_MISSING") from None


def _forget(row: Upload) -> None:
    for number in range(1, row.parts_expected + 1):
        store().remove(part_key(row, number))


@transaction.atomic
def upload_fail(*, upload: Upload, reason: str) -> None:
    """End an upload; what arrived of it is removed."""
    row = Upload.objects.select_for_update().get(pk=upload.pk)
    if row.status == Upload.Status.OPEN:
        row.status, row.reason = Upload.Status.FAILED, reason[:300]
        row.save(update_fields=["status", "reason", "updated_at"])
        UploadPart.objects.filter(upload=row).delete()
        transaction.on_commit(lambda: _forget(row), robust=True)


def sweep() -> int:
    """Forget uploads that ended, or should have, a day ago; how many. In the platform scope."""
    rows = list(Upload.objects.filter(expires_at__lt=clock.now() - OPEN)[:500])
    for row in rows:
        _forget(row)
    Upload.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


# --- signed addresses -------------------------------------------------------------------------------
def address(upload: Upload) -> SignedRequest:
    """Where and how to put the bytes of a direct upload, for 15 minutes; may be asked for again."""
    row = store().signed_put(
        part_key(upload, 1), content_type=upload.content_type, size=upload.size, seconds=SIGNED_SECONDS
    )
    if row is not None:
        return row
    token = signing.dumps([str(upload.organization_id), str(upload.pk)], salt=SALT, compress=False)
    headers = {"Content-Type": upload.content_type, "Content-Length": str(upload.size)}
    return SignedRequest(f"{PUT_PATH}{token}", "PUT", headers)


def signed_upload(token: str) -> tuple[UUID, UUID]:
    """Organisation and upload of a signed address of ours. Raises Denied's 403 for one that is over or forged."""
    try:
        found: Sequence[str] = signing.loads(token, salt=SALT, max_age=SIGNED_SECONDS)
        organization, upload = (parse_uuid(part) for part in found)
    except (signing.BadSignature, ValueError):
        organization = upload = None
    if organization is None or upload is None:
        raise DomainError(_("This address is not valid any more."), status=403, code="SIGNATURE_INVALID")
    return organization, upload


def upload_card(upload: Upload) -> dict[str, Any]:
    here = received(upload) if upload.mode == Upload.Mode.PARTS else []
    return {
        "id": upload.pk,
        "status": upload.status,
        "mode": upload.mode,
        "filename": upload.filename,
        "contentType": upload.content_type,
        "size": upload.size,
        "partSize": upload.part_size,
        "parts": upload.parts_expected,
        "received": here,
        "receivedBytes": sum(part_length(upload, number) for number in here),
        "fileId": upload.file_id,
        "reason": upload.reason or None,
        "expiresAt": upload.expires_at,
    }
