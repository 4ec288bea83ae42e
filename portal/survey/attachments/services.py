"""Media of a session: announced, put at a signed address, confirmed, looked at (`domain-survey.md` section 11)."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import DomainError, Errors, FieldError, IllegalTransition, Invalid, NotFound, TooLarge
from portal.core.common.ids import uuid7
from portal.core.files import blobs, kinds, media, storage, uploads
from portal.core.files.media import Claim, Position, Unreadable
from portal.core.files.models import Blob, FileLink, ScanStatus, StoredFile, Upload
from portal.core.files.serving import Link, signed_url
from portal.core.files.staging import staged
from portal.core.jobs.tasks import defer
from portal.core.sync import engine, records
from portal.core.sync.engine import Change
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.survey.attachments.collections import UPLOAD
from portal.survey.attachments.models import SurveyAttachment
from portal.survey.choices import AttachmentStatus, SessionStatus
from portal.survey.flags import codes, finding
from portal.survey.sessions.ground import hold
from portal.survey.sessions.services import ITEMS, device_acting, own_session, raise_refusal

LINK_SECONDS: Final = 300
MEDIA: Final = ("image/jpeg", "image/png", "image/heic", "video/mp4", "application/pdf")
_FITTING: Final[dict[str, tuple[str, ...]]] = {
    "photo": ("image/jpeg", "image/png", "image/heic"),
    "video": ("video/mp4",),
    "document": ("application/pdf", "image/jpeg", "image/png"),
    "signature": ("image/png",),
}
SIGNATURE_BYTES: Final = 1024 * 1024
MOST: Final = 2000  # attachments of one session
UNCONFIRMED: Final = timedelta(hours=24)
AGAIN: Final = timedelta(minutes=5)  # a preparation that takes longer broke off, or waits for the scanner
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_S = AttachmentStatus
_CLOSED: Final = frozenset(
    {SessionStatus.APPROVED, SessionStatus.REJECTED, SessionStatus.ABANDONED, SessionStatus.SUPERSEDED}
)


class Offer(NamedTuple):
    """Where and how the device puts a file."""

    attachment: UUID
    url: str
    headers: Mapping[str, str]
    expires_at: datetime
    limit: int  # bytes


class _Media(NamedTuple):
    """A file that is announced: its clean name, its type, its size and the most bytes that its kind may have."""

    filename: str
    content_type: str
    size: int
    limit: int
    sha256: str


# --- announce ---------------------------------------------------------------------------------------------------------
def upload_urls(*, user: User, device_id: str, session: UUID, items: Any) -> list[Offer]:
    """Announce files of a session; an address for each, for 15 minutes. All of them, or none.

    The same `idempotencyKey` or `checksumSha256` gives the attachment that is there, as long as it waits for its file.
    Raises Invalid, TooLarge (413), UNSUPPORTED_MEDIA_TYPE (415), LBAC_VIOLATION (403), NotFound, SESSION_NOT_ACTIVE.
    """
    records.may(user, "sessions.capture")
    if not isinstance(items, list) or not items:
        raise Invalid.field("attachments", _("Must be a list."))
    if len(items) > ITEMS:
        message = _("Send at most %(limit)d items at a time.") % {"limit": ITEMS}
        raise TooLarge(message, meta={"limit": ITEMS, "unit": "items"})
    with device_acting(user, device_id) as device:
        own_session(user, session, lock=True)
        files = [_announced(index, item) for index, item in enumerate(items)]
        known = _known(session, files, items)
        if SurveyAttachment.objects.filter(session=session, deleted_at=None).count() + len(items) > MOST:
            raise Invalid.field("attachments", _("A session holds at most %(limit)d files.") % {"limit": MOST})
        made = [_upload(file, user) for file, there in zip(files, known, strict=True) if there is None]
        Upload.objects.bulk_create(made)
        queue, changes = iter(made), []
        for index, (item, there) in enumerate(zip(items, known, strict=True)):
            if there is None:
                data = {**item, UPLOAD: next(queue), "sessionId": str(session)}
                changes.append(Change("attachment", uuid7(), "created", data, index=index))
        batch = engine.apply(changes, user=user.pk, device=device, strategy="lww")
        for change in changes:
            raise_refusal(batch, change, within=f"attachments.{change.index}.")
        born = {change.index: (change.id, change.data[UPLOAD]) for change in changes}
        waiting = {index: (there.pk, there.upload) for index, there in enumerate(known) if there and there.upload}
        return [_offer(*(born | waiting)[index], limit=file.limit) for index, file in enumerate(files)]


def _announced(index: int, item: Any) -> _Media:
    """What can be refused before the bytes come: name, type, size. Raises Invalid, UnsupportedType, TooLarge."""
    at = f"attachments.{index}"
    if not isinstance(item, dict):
        raise Invalid.field(at, _("Must be an object."))
    errors = Errors()
    name, said, size = item.get("filename"), item.get("fileType"), item.get("fileSize")
    if not isinstance(name, str) or not name.strip():
        errors.add(f"{at}.filename", _("This field is required."))
    if not isinstance(said, str):
        errors.add(f"{at}.fileType", _("This field is required."))
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        errors.add(f"{at}.fileSize", _("Enter a whole number."))
    sha256 = item.get("checksumSha256") or ""
    if not isinstance(sha256, str) or (sha256 and not _SHA256.fullmatch(sha256)):
        errors.add(f"{at}.checksumSha256", _("Enter 64 hexadecimal digits."))
    errors.raise_any()
    assert isinstance(name, str)
    assert isinstance(size, int)
    kind_of_use = item.get("attachmentType")
    allowed = _FITTING.get(kind_of_use, MEDIA) if isinstance(kind_of_use, str) else MEDIA
    if said not in allowed:
        raise kinds.UnsupportedType(
            _("Only files of these kinds are taken here: %(allowed)s.") % {"allowed": ", ".join(allowed)},
            errors=[FieldError(f"{at}.fileType", str(said))],
            meta={"allowed": list(allowed)},
        )
    name = kinds.clean_name(name)
    kind = kinds.kind_of(name)
    kinds.declared(kind, said)
    limit = SIGNATURE_BYTES if kind_of_use == "signature" else kinds.limit_of(kind)
    if size > limit:
        message = _("The file is larger than %(limit)s MB.") % {"limit": f"{limit / 1024 / 1024:g}"}
        raise TooLarge(message, errors=[FieldError(f"{at}.fileSize", message)], meta={"limit": limit, "unit": "bytes"})
    return _Media(name, kind.mime, size, limit, sha256.lower())


def _known(session: UUID, files: Sequence[_Media], items: Sequence[Mapping[str, Any]]) -> list[SurveyAttachment | None]:
    """For each file the attachment that was announced for it before and still waits."""
    keys = {key for item in items if isinstance(key := item.get("idempotencyKey"), str) and key}
    hashes = {file.sha256 for file in files if file.sha256}
    if not keys and not hashes:
        return [None] * len(files)
    waiting = SurveyAttachment.objects.filter(session=session, deleted_at=None).select_related("upload")
    rows = [row for row in waiting if row.upload and (row.item_key in keys or row.upload.sha256 in hashes)]
    for row in rows:
        if row.item_key in keys and row.status != _S.PENDING:
            raise DomainError(
                _("The file of this attachment has arrived already."),
                code="DUPLICATE_REQUEST",
                status=409,
                meta={"attachmentId": str(row.pk), "status": row.status},
            )
    found: list[SurveyAttachment | None] = []
    for file, item in zip(files, items, strict=True):
        key = item.get("idempotencyKey")
        same = (
            row
            for row in rows
            if row.status == _S.PENDING
            and row.upload is not None
            and (row.item_key == key if key else row.upload.sha256 == file.sha256 != "")
            and row.file_size == file.size
        )
        found.append(next(same, None))
    return found


def _upload(file: _Media, user: User) -> Upload:
    return Upload(
        organization_id=scope.organization_id(),
        mode=Upload.Mode.DIRECT,
        filename=file.filename,
        content_type=file.content_type,
        size=file.size,
        sha256=file.sha256,
        part_size=file.size,
        details={"category": "evidence", "only": "", "right": "sessions.capture"},
        created_by=user,
        expires_at=clock.now() + uploads.OPEN,
    )


def _offer(id: UUID, upload: Upload, *, limit: int) -> Offer:
    asked = uploads.address(upload)
    url = asked.url if "://" in asked.url else f"{settings.PUBLIC_URL}{asked.url}"
    until = clock.now() + timedelta(seconds=uploads.SIGNED_SECONDS)
    return Offer(id, url, asked.headers, min(until, upload.expires_at), limit)


# --- confirm ----------------------------------------------------------------------------------------------------------
def confirm(*, user: User, device_id: str, id: UUID, data: Mapping[str, Any]) -> SurveyAttachment:
    """Take the file in that the device has put: its bytes are counted and hashed anew. Said twice it answers the same.

    Bytes that are not those that were announced end the attachment as `failed`, and a new address is to be asked for.
    Raises Invalid where nothing has arrived yet or the size is not the announced one, NotFound, SESSION_NOT_ACTIVE.
    """
    records.may(user, "sessions.capture")
    with device_acting(user, device_id):
        row = _own(user, id)
        if row.status != _S.PENDING:
            return row
        said = _said(data)
        if not said["ok"]:
            return _failed(row, _("The device could not upload the file."), "UPLOAD_FAILED")
        if said["size"] != row.file_size:
            message = _("%(said)s bytes were announced and %(came)s came.")
            text = message % {"said": row.file_size, "came": said["size"]}
            meta = {"declared": row.file_size, "confirmed": said["size"]}
            raise Invalid(text, errors=[FieldError("fileSize", text)], meta=meta)
        if row.upload is None:
            return _failed(row, _("This upload took too long: begin again."), "EXPIRED")
        try:
            file, _row = uploads.upload_finish(upload=row.upload, by=user, size=said["size"], sha256=said["sha256"])
        except (IllegalTransition, DomainError) as refusal:
            if refusal.code in ("PARTS_MISSING", "QUOTA_EXCEEDED"):
                raise
            return _failed(row, str(refusal.message), refusal.code)
        return _taken(row, file)


def _own(user: User, id: UUID) -> SurveyAttachment:
    found = SurveyAttachment.objects.filter(pk=id, session__surveyor=user, deleted_at=None)
    session = found.values_list("session_id", flat=True).first()
    if session is None:
        raise NotFound(_("There is no such attachment."))
    hold([session])
    row = found.select_related("session", "upload", "original", "rendition", "thumbnail").get()
    if row.session.status in _CLOSED:
        raise DomainError(_("This survey session was closed: it takes no more data."), code="SESSION_NOT_ACTIVE")
    return row


def _said(data: Mapping[str, Any]) -> dict[str, Any]:
    errors = Errors()
    ok, size, sha256 = data.get("uploadSuccess"), data.get("fileSize"), data.get("checksumSha256")
    if not isinstance(ok, bool):
        errors.add("uploadSuccess", _("Enter true or false."))
    if ok is not False:
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            errors.add("fileSize", _("Enter a whole number."))
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            errors.add("checksumSha256", _("Enter 64 hexadecimal digits."))
    errors.raise_any()
    return {"ok": ok, "size": size, "sha256": sha256.lower() if isinstance(sha256, str) else ""}


def _failed(row: SurveyAttachment, reason: str, code: str) -> SurveyAttachment:
    """`CHECKSUM_MISMATCH: …`; what arrived is removed."""
    if row.upload is not None:
        uploads.upload_fail(upload=row.upload, reason=reason)
    _set(row, status=_S.FAILED.value, failure=f"{code}: {reason}"[:300])
    return row


def _taken(row: SurveyAttachment, file: StoredFile) -> SurveyAttachment:
    version = file.current
    assert version is not None  # a stored file has one
    FileLink.objects.create(
        organization_id=file.organization_id, file=file, kind="survey_session", record_id=row.session_id
    )
    elsewhere = SurveyAttachment.objects.filter(sha256=version.blob.sha256, deleted_at=None).exclude(
        session=row.session_id
    )
    findings = list(row.findings)
    if other := elsewhere.values_list("session_id", flat=True).first():
        findings.append(finding("PHOTO_REUSED", at="file", sessionId=str(other)))
    _set(
        row,
        status=_S.PROCESSING.value,
        sha256=version.blob.sha256,
        confirmed_at=clock.now(),
        file_id=file.pk,
        original_id=blobs.again(version.blob).pk,
        findings=findings,
        flags=codes(findings),
    )
    _prepare(row)
    return row


def _prepare(row: SurveyAttachment) -> None:
    from portal.survey.jobs import attachment_prepare

    defer(attachment_prepare, attachment=str(row.pk))


def _set(row: SurveyAttachment, **values: Any) -> None:
    """Write computed columns, with version, feed and audit, and have the row show them."""
    engine.restate("attachment", [{"id": row.pk, **values}])
    row.refresh_from_db()


# --- look at it -------------------------------------------------------------------------------------------------------
def attachment_process(*, id: UUID) -> None:
    """Compare a file with what was said of it and make the copies that people look at. While a configured scanner has
    not found it clean it stays `processing`."""
    row = (
        SurveyAttachment.objects.select_related("original", "session")
        .filter(pk=id, status=_S.PROCESSING, deleted_at=None)
        .first()
    )
    if row is None or row.original is None or not _scanned(row):
        return
    if not row.file_type.startswith("image/"):
        _set(row, status=_S.AVAILABLE.value)
        return
    zone = Organization.objects.values_list("time_zone", flat=True).get(pk=row.organization_id)
    try:
        with storage.opened(row.original.key) as opened:
            seen = media.inspect(opened, zone=clock.zone(zone))
            rendition, thumbnail = media.renditions(opened, (media.RENDITION, media.THUMBNAIL))
    except Unreadable as refusal:
        _set(row, status=_S.FAILED.value, failure=f"{refusal.reason.value}: {refusal.reason.label}"[:300])
        return
    claim = _claim(row)
    differing = media.flags(claim=claim, exif=seen.exif) if row.attachment_type == "photo" else []
    findings = [*row.findings, *(finding(code, at="file") for code in differing)]
    apart = media.apart(claim=claim, exif=seen.exif)
    _set(
        row,
        status=_S.AVAILABLE.value,
        rendition_id=_keep(rendition).pk,
        thumbnail_id=_keep(thumbnail).pk,
        camera=seen.exif.as_json(),
        apart=None if apart is None else round(apart, 1),
        width=seen.width,
        height=seen.height,
        findings=findings,
        flags=codes(findings),
    )


def _scanned(row: SurveyAttachment) -> bool:
    assert row.original is not None
    status = row.original.scan_status
    if status in (ScanStatus.INFECTED, ScanStatus.UNSCANNABLE, ScanStatus.FAILED):
        _set(row, status=_S.FAILED.value, failure=f"SCAN: {row.original.get_scan_status_display()}"[:300])
        return False
    return status == ScanStatus.CLEAN or not settings.CLAMD


def _claim(row: SurveyAttachment) -> Claim:
    place = None
    if row.capture_latitude is not None and row.capture_longitude is not None:
        place = Position(row.capture_latitude, row.capture_longitude, row.capture_accuracy)
    return Claim(place, row.captured_at)


def _keep(content: bytes) -> Blob:
    with staged([content], limit=len(content)) as file:
        return blobs.take(file)


def links(row: SurveyAttachment) -> tuple[Link | None, Link | None]:
    """Addresses of what people may look at and of the small picture, for five minutes; None while there is none.

    Of a picture that is the copy without metadata; the original needs a right of its own (files.original).
    """
    if row.status != _S.AVAILABLE or row.original is None:
        return None, None
    if row.rendition is None:
        return _link(row.original, row.filename, row.file_type), None
    stem = row.filename.rpartition(".")[0] or row.filename
    full = _link(row.rendition, f"{stem}.jpg", "image/jpeg")
    return full, _link(row.thumbnail, f"{stem}.small.jpg", "image/jpeg") if row.thumbnail else None


def _link(blob: Blob, filename: str, content_type: str) -> Link:
    return signed_url(blob=blob, filename=filename, content_type=content_type, seconds=LINK_SECONDS)


def sweep() -> int:
    """Forget what was announced a day ago and never confirmed, of the organisation in force; how many (C80)."""
    due = SurveyAttachment.objects.filter(
        status=_S.PENDING, deleted_at=None, created_at__lt=clock.now() - UNCONFIRMED
    ).select_related("upload")[:500]
    rows = list(due)
    with transaction.atomic():
        for row in rows:
            if row.upload is not None:
                uploads.upload_fail(upload=row.upload, reason="not confirmed within a day")
        now = clock.now()
        SurveyAttachment.objects.filter(pk__in=[row.pk for row in rows]).update(deleted_at=now, updated_at=now)
    return len(rows)
