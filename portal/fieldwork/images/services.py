"""Images from upload to deletion: taken in once, compared with what the camera wrote, copied without it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, Final
from uuid import UUID

import orjson
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, Errors, Invalid, NotFound
from portal.core.files import blobs, kinds, media, storage
from portal.core.files import selectors as file_selectors
from portal.core.files import services as files
from portal.core.files.media import Claim, Exif, Failure, Position, Unreadable
from portal.core.files.models import FileLink, StoredFile
from portal.core.files.staging import Staged, staged
from portal.core.jobs.tasks import defer
from portal.core.notifications import events
from portal.core.projects.access import project_for, task_for
from portal.core.projects.models import Project, Task
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.fieldwork.images import selectors
from portal.fieldwork.images.models import Image

EXIF_LENGTH: Final = 64 * 1024
_S = Image.Status


@dataclass(frozen=True, slots=True)
class Details:
    """What a client says of a photograph; degrees of WGS 84, metres."""

    latitude: float | None = None
    longitude: float | None = None
    accuracy: float | None = None
    captured_at: datetime | None = None
    exif: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    local_sync_id: str = ""

    def claim(self) -> Claim:
        place = None
        if self.latitude is not None and self.longitude is not None:
            place = Position(self.latitude, self.longitude, self.accuracy)
        return Claim(place, self.captured_at)

    def check(self) -> None:
        """Raises Invalid naming the wire's fields."""
        errors = Errors()
        for name, value, limit in (("gps_latitude", self.latitude, 90), ("gps_longitude", self.longitude, 180)):
            if value is not None and not -limit <= value <= limit:
                errors.add(name, _("Enter degrees between %(low)s and %(high)s.") % {"low": -limit, "high": limit})
        if (self.latitude is None) != (self.longitude is None):
            missing = "gps_latitude" if self.latitude is None else "gps_longitude"
            errors.add(missing, _("Latitude and longitude belong together."))
        if self.accuracy is not None and not 0 <= self.accuracy <= 1_000_000:
            errors.add("gps_accuracy", _("Enter metres, zero or more."))
        if len(orjson.dumps(self.exif)) > EXIF_LENGTH:
            errors.add("exif_json_payload", _("At most %(limit)s kB.") % {"limit": EXIF_LENGTH // 1024})
        if len(self.local_sync_id) > 64:
            errors.add("local_sync_id", _("Use at most %(limit)s characters.") % {"limit": 64})
        errors.raise_any()


def place_for(*, user: User, project: UUID | None, task: UUID | None) -> tuple[Project, Task | None]:
    """Where a new image goes: a project that the person sees, or the one of a task that they see (000:115).

    Raises Invalid naming `project_id` or `task_id`, NotFound for what is out of sight.
    """
    if task is not None:
        held = task_for(user, task)
        if held.project is None or project not in (None, held.project_id):
            raise Invalid.field("task_id", _("This task does not belong to that project."))
        return held.project, held
    if project is None:
        raise Invalid.field("project_id", _("Name the project, or a task of one."))
    return project_for(user, project), None


def image_upload(
    *,
    stream: IO[bytes] | Iterable[bytes] | Staged,
    filename: str,
    by: User,
    project: Project,
    task: Task | None = None,
    details: Details | None = None,
    content_type: str = "",
    size: int | None = None,
    sha256: str = "",
) -> tuple[Image, bool]:
    """Take a photograph in; the image, and whether it is new. Bytes go to disk in pieces, never whole into memory.

    The same `local_sync_id`, or the same bytes for the same task (or project, without a task), give the image that is
    there. Name, declared type and content have to agree. A picture that is damaged is kept, as FAILED; whatever is
    refused leaves nothing behind. Raises Denied, Invalid, Conflict, TooLarge (413), UNSUPPORTED_MEDIA_TYPE (415),
    CHECKSUM_MISMATCH, QUOTA_EXCEEDED (507).
    """
    _may(by, "images.upload")
    details = details or Details()
    details.check()
    with staged(stream, limit=settings.FILE_LIMITS["image"]) as file:
        name = _named(kinds.clean_name(filename), file.head)
        if there := _there(file.sha256, project=project, task=task, details=details, by=by):
            return there, False
        with file.path.open("rb") as opened:
            seen = _look(opened)
        try:
            with transaction.atomic():
                stored = files.file_create(
                    stream=file,
                    filename=name,
                    by=by,
                    content_type=content_type,
                    category="image",
                    description=details.description,
                    size=size,
                    sha256=sha256,
                    only="image",
                    right="images.upload",
                )
                return _add(stored, seen, project=project, task=task, details=details, by=by), True
        except IntegrityError:  # the same image came twice at once, and the other one was first
            there = _there(file.sha256, project=project, task=task, details=details, by=by)
            if there is None:
                raise
            return there, False


def image_of_file(
    *, file: StoredFile, by: User, project: Project, task: Task | None = None, details: Details | None = None
) -> tuple[Image, bool]:
    """Make an image of a file that has arrived by another door (in parts, by a signed address); see `image_upload`."""
    _may(by, "images.upload")
    details = details or Details()
    details.check()
    version = file.current
    assert version is not None  # a stored file has one
    if there := _there(version.blob.sha256, project=project, task=task, details=details, by=by):
        return there, False
    if file.kind != "image":
        raise kinds.UnsupportedType(_("This file is not a picture."), meta={"allowed": sorted(media.TYPES)})
    with storage.opened(version.blob.key) as opened:
        seen = _look(opened)
    try:
        with transaction.atomic():
            return _add(file, seen, project=project, task=task, details=details, by=by), True
    except IntegrityError:
        there = _there(version.blob.sha256, project=project, task=task, details=details, by=by)
        if there is None:
            raise Conflict(_("This file is an image already."), code="DUPLICATE") from None
        return there, False


def image_process(*, image: Image, progress: Any = None) -> None:
    """Make the copies of a picture: JPEG, upright, without metadata. One that cannot be decoded becomes FAILED."""
    if image.status != _S.PROCESSING or image.original is None:
        return
    try:
        with storage.opened(image.original.key) as opened:
            rendition, thumbnail = media.renditions(opened)
    except Unreadable as refusal:
        _fail(image, refusal.reason)
    else:
        if progress:
            progress(2, 3)
        image.rendition, image.thumbnail = _keep(rendition), _keep(thumbnail)
        image.status = _S.AVAILABLE
        image.version += 1
        image.save(update_fields=["rendition", "thumbnail", "status", "version", "updated_at"])
    _tell("image.changed", image, {"status": image.status})


def image_retry(*, image: Image, by: User) -> Image:
    """Prepare an image again whose preparation stopped with an error of ours. Raises Denied, Conflict."""
    _may(by, "images.upload")
    if not image.broken:
        raise Conflict(_("This image is being prepared, or already is."), code="ILLEGAL_TRANSITION", status=422)
    _defer(image)
    return image


@transaction.atomic
def image_delete(*, image: Image, by: User) -> None:
    """Take an image away; its file goes to the trash, its copies for good. Raises Denied."""
    if not selectors.may_delete(image=image, user=by):
        raise Denied(_("You may only delete images that you uploaded."))
    for blob in (image.original_id, image.rendition_id, image.thumbnail_id):
        if blob:
            blobs.release(blob)
    image.original = image.rendition = image.thumbnail = None
    image.deleted_at, image.deleted_by = clock.now(), by
    image.version += 1
    image.save()
    files.file_delete(file=image.file, by=by)
    _tell("image.changed", image, {"deleted": True})


def file_for(*, id: UUID, by: User) -> StoredFile:
    """A file that the person uploaded themselves. Raises NotFound."""
    file = file_selectors.file_get(id=id, user=by)
    if file.uploaded_by_id != by.pk:
        raise NotFound(_("There is no such file."))
    return file


# --- inside -----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Seen:
    """What a file shows of itself without decoding."""

    width: int | None = None
    height: int | None = None
    exif: Exif = field(default_factory=Exif)
    failure: Failure | None = None


def _may(by: User, right: str) -> None:
    if not by.has_permission(right):
        raise Denied(_("You do not have the right to do this."), meta={"permission": right})


def _named(name: str, head: bytes) -> str:
    """Cameras of apps send names without an ending: then the content gives it. Raises UNSUPPORTED_MEDIA_TYPE."""
    content = media.sniff(head)
    if content is None:
        raise kinds.UnsupportedType(
            _("Only JPEG, PNG, WebP and HEIC pictures are taken here."), meta={"allowed": sorted(media.TYPES)}
        )
    return name if "." in name else f"{name}.{media.TYPES[content][0]}"


def _look(file: IO[bytes]) -> _Seen:
    organization = Organization.objects.only("time_zone").get(pk=scope.organization_id())
    try:
        found = media.inspect(file, zone=clock.zone(organization.time_zone))
    except Unreadable as refusal:
        if refusal.reason == Failure.TOO_MANY_PIXELS:
            raise Invalid.field("file", refusal.reason.label, "TOO_MANY_PIXELS") from None
        if refusal.reason == Failure.NOT_A_PICTURE:
            raise kinds.UnsupportedType(refusal.reason.label, meta={"allowed": sorted(media.TYPES)}) from None
        return _Seen(failure=refusal.reason)
    return _Seen(found.width, found.height, found.exif)


def _there(sha256: str, *, project: Project, task: Task | None, details: Details, by: User) -> Image | None:
    """The image that this upload repeats. Raises Conflict where its id on the device belongs to another picture."""
    if details.local_sync_id:
        same = Image.objects.filter(local_sync_id=details.local_sync_id).first()
        if same is not None:
            if same.deleted_at is not None or same.sha256 != sha256 or same.uploaded_by_id != by.pk:
                message = _("This localSyncId was used for another image, or for one that was deleted.")
                raise Conflict(message, code="DUPLICATE")
            return selectors.image_get(id=same.pk, user=by)
    twin = Image.objects.filter(project=project, task=task, sha256=sha256, deleted_at=None).first()
    return selectors.image_get(id=twin.pk, user=by) if twin else None


def _add(file: StoredFile, seen: _Seen, *, project: Project, task: Task | None, details: Details, by: User) -> Image:
    claim, version = details.claim(), file.current
    assert version is not None  # a stored file has one
    place = claim.position or (None if seen.exif.hemisphere_missing else seen.exif.position)
    image = Image.objects.create(
        organization_id=file.organization_id,
        file=file,
        original=blobs.again(version.blob),
        project=project,
        task=task,
        uploaded_by=by,
        sha256=version.blob.sha256,
        local_sync_id=details.local_sync_id or None,
        gps_latitude=details.latitude,
        gps_longitude=details.longitude,
        gps_accuracy=details.accuracy,
        captured_at=details.captured_at,
        exif=dict(details.exif),
        camera=seen.exif.as_json(),
        latitude=place.latitude if place else None,
        longitude=place.longitude if place else None,
        taken_at=claim.taken_at or seen.exif.taken_at,
        flags=[] if seen.failure else media.flags(claim=claim, exif=seen.exif),
        apart=media.apart(claim=claim, exif=seen.exif),
        width=seen.width,
        height=seen.height,
        status=_S.FAILED if seen.failure else _S.PROCESSING,
        failure=seen.failure or "",
    )
    FileLink.objects.create(organization_id=file.organization_id, file=file, kind="image", record_id=image.pk)
    if not seen.failure:
        _defer(image)
    _tell("image.uploaded", image, {"taskId": str(task.pk) if task else None})
    return image


def _defer(image: Image) -> None:
    from portal.fieldwork.jobs import image_prepare

    image.job = defer(image_prepare, image=str(image.pk))
    Image.objects.filter(pk=image.pk).update(job=image.job)


def _keep(content: bytes) -> Any:
    with staged([content], limit=len(content)) as file:
        return blobs.take(file)


def _fail(image: Image, reason: Failure) -> None:
    image.status, image.failure = _S.FAILED, reason
    image.version += 1
    image.save(update_fields=["status", "failure", "version", "updated_at"])


def _tell(kind: str, image: Image, data: Mapping[str, Any]) -> None:
    events.publish(
        kind,
        entity="image",
        id=image.pk,
        data={"projectId": str(image.project_id), **data},
        project=image.project_id,
        users=[image.uploaded_by_id] if image.uploaded_by_id else [],
    )
