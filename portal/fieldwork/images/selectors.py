"""Reads of images: who sees which, lists, what maps draw, and images on the wire."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.common.errors import NotFound
from portal.core.common.text import normalise
from portal.core.files import selectors as files
from portal.core.files.links import LinkKind
from portal.core.files.media import Flag
from portal.core.files.models import FileVersion
from portal.core.projects.access import projects_of, sees_all_projects, tasks_seen
from portal.fieldwork.images.models import Image

NO_FLAG: Final = "none"
FLAGS: Final = (*Flag.values, NO_FLAG)
MAPPED: Final = 1000  # the most images that one map shows


def images_seen(user: User) -> QuerySet[Image]:
    """Living images of living projects that the person sees: those of their projects, of their tasks, and their own."""
    rows: QuerySet[Image] = Image.objects.filter(deleted_at=None, project__deleted_at=None)
    if not user.has_permission("images.view"):
        return rows.none()
    if sees_all_projects(user):
        return rows
    mine = Q(project__in=projects_of(user)) | Q(task__in=tasks_seen(user).order_by().values("pk")) | Q(uploaded_by=user)
    return rows.filter(mine)


def image_list(
    *,
    user: User,
    project: UUID | None = None,
    task: UUID | None = None,
    flags: Collection[str] = (),
    status: str = "",
    uploaded_by: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    located: bool | None = None,
    search: str = "",
) -> QuerySet[Image]:
    """Images that a person sees, newest upload first, with what a row shows fetched along.

    Any of `flags` matches; `none` stands for images without one. `since` and `until` (excluded) bound `taken_at`.
    `search` looks in the names of files. `task_open` says of each whether the person sees its task, too.
    """
    found = images_seen(user).select_related("file", "original", "uploaded_by", "project", "task", "thumbnail", "job")
    if flags:
        wanted = Q(flags=[]) if NO_FLAG in flags else Q(pk=None)
        for flag in flags:
            wanted |= Q(flags__contains=[flag])
        found = found.filter(wanted)
    for word in normalise(search).split():
        found = found.filter(file__search_text__contains=word)
    exact = {
        "project": project,
        "task": task,
        "status": status or None,
        "uploaded_by": uploaded_by,
        "taken_at__gte": since,
        "taken_at__lt": until,
        "latitude__isnull": None if located is None else not located,
    }
    found = found.annotate(task_open=Exists(tasks_seen(user).filter(pk=OuterRef("task")).order_by()))
    return found.filter(**{name: value for name, value in exact.items() if value is not None})


def image_get(*, id: UUID, user: User) -> Image:
    """Raises NotFound."""
    found = image_list(user=user).select_related("rendition").filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such image."))
    return found


def neighbours(*, image: Image, rows: QuerySet[Image]) -> tuple[UUID | None, UUID | None]:
    """The images before and after one in a list that shows the newest first."""
    newer = rows.filter(Q(created_at__gt=image.created_at) | Q(created_at=image.created_at, pk__gt=image.pk))
    older = rows.filter(Q(created_at__lt=image.created_at) | Q(created_at=image.created_at, pk__lt=image.pk))
    before = newer.order_by("created_at", "pk").values_list("pk", flat=True).first()
    after = older.order_by("-created_at", "-pk").values_list("pk", flat=True).first()
    return before, after


def may_delete(*, image: Image, user: User) -> bool:
    reach = user.grants.get("images.delete", "")
    if reach == "team" and user.department and image.uploaded_by:
        return image.uploaded_by.department == user.department
    return reach == "all" or (bool(reach) and image.uploaded_by_id == user.pk)


def why_not(*, image: Image, user: User) -> str:
    """Why neither the image nor its copies may be looked at now, '' where they may: the virus scan decides."""
    return files.why_not(version=FileVersion(blob=image.original), user=user) if image.original else ""


def original_guard(version: FileVersion, user: User | None) -> str:
    """Why the file of an image is not this person's to download, whatever door they come through."""
    if version.file_id is None or (user and user.has_permission("files.original")):
        return ""
    if not Image.objects.filter(file=version.file_id, deleted_at=None).exists():
        return ""
    return _("It is the original of an image, with its place and camera: that needs a right of its own.")


def map_points(rows: QuerySet[Image]) -> tuple[list[dict[str, Any]], int]:
    """What a map draws of `rows`, at most `MAPPED`, newest first, and how many have a place. Two queries."""
    placed = rows.filter(latitude__isnull=False, longitude__isnull=False)
    found = placed.select_related(None).order_by("-created_at", "-pk")
    values = found.values("pk", "latitude", "longitude", "flags", "taken_at", "file__filename", "status")[:MAPPED]
    return [dict(point) for point in values], placed.order_by().count()


# --- on the wire ----------------------------------------------------------------------------------
def image_cards(images: Iterable[Image]) -> list[dict[str, Any]]:
    return [image_card(image) for image in images]


def image_card(image: Image) -> dict[str, Any]:
    """An image under the names of 000, the merged file and the EXIF of section 11 (contract-decisions, section 2)."""
    blob = image.original
    return {
        "id": image.pk,
        "fileId": image.file_id,
        "organizationId": image.organization_id,
        "projectId": image.project_id,
        "taskId": image.task_id,
        "localSyncId": image.local_sync_id,
        "filename": image.file.filename,
        "contentType": image.file.content_type,
        "fileType": image.file.content_type,
        "size": image.file.size,
        "fileSize": image.file.size,
        "checksumSha256": image.sha256,
        "category": image.file.category,
        "description": image.file.description,
        "isPublic": False,
        "gpsLatitude": image.gps_latitude,
        "gpsLongitude": image.gps_longitude,
        "gpsAccuracy": image.gps_accuracy,
        "captureTimestamp": image.captured_at,
        "capturedAt": image.captured_at,
        "exifJsonPayload": image.exif,
        "exif": image.exif,
        "camera": camera_card(image.camera),
        "latitude": image.latitude,
        "longitude": image.longitude,
        "takenAt": image.taken_at,
        "flags": image.flags,
        "distanceMeters": image.apart,
        "width": image.width,
        "height": image.height,
        "status": image.status,
        "progress": progress(image),
        "failureReason": image.failure or None,
        "scanStatus": blob.scan_status if blob else None,
        "uploaderId": image.uploaded_by_id,
        "uploadedBy": image.uploaded_by_id,
        "uploadedByName": image.uploaded_by.name if image.uploaded_by else None,
        "thumbnailUrl": f"/api/v1/images/{image.pk}/thumbnail" if image.thumbnail_id else None,
        "version": image.version,
        "createdAt": image.created_at,
        "updatedAt": image.updated_at,
    }


def progress(image: Image) -> int:
    """Percent of the preparation: its job's, 100 when nothing is left to do."""
    if image.status != Image.Status.PROCESSING:
        return 100
    return image.job.progress if image.job else 0


def camera_card(camera: dict[str, Any]) -> dict[str, Any]:
    """`media.Exif.as_json` in camelCase; every name always present."""
    place = camera.get("position") or {}
    return {
        "latitude": place.get("latitude"),
        "longitude": place.get("longitude"),
        "accuracy": place.get("accuracy"),
        "hemisphereMissing": camera.get("hemisphere_missing", False),
        "altitude": camera.get("altitude"),
        "direction": camera.get("direction"),
        "magneticNorth": camera.get("magnetic", False),
        "takenAt": camera.get("taken_at"),
        "assumedOffset": camera.get("zone_assumed"),
        "gpsTime": camera.get("gps_at"),
        "orientation": camera.get("orientation"),
        "make": camera.get("make"),
        "model": camera.get("model"),
        "software": camera.get("software"),
        "unreadable": camera.get("unreadable", []),
    }


def thumbnails(found: Sequence[Any]) -> dict[UUID, str]:
    """Addresses of small pictures for the stored files among `found` that are images. One query."""
    rows = Image.objects.filter(file__in=[file.pk for file in found], deleted_at=None, thumbnail__isnull=False)
    return {file: f"/api/v1/images/{pk}/thumbnail" for file, pk in rows.values_list("file", "pk")}


def held(images: Collection[UUID]) -> str:
    """Why the file of these images must not be deleted by itself."""
    there = Image.objects.filter(pk__in=images, deleted_at=None).exists()
    return _("It is the original of an image: delete the image.") if there else ""


def _attachable(user: User) -> QuerySet[Image]:
    return Image.objects.none()  # an image has one file, for good


LINK: Final = LinkKind(
    kind="image",
    label_plural=gettext_lazy("Images"),
    visible=images_seen,
    editable=_attachable,
    url=lambda id: reverse("images:detail", args=[id]),
    held=held,
)
