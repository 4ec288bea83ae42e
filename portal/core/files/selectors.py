"""Reads of files: who sees which, lists, figures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Denied, Invalid, NotFound
from portal.core.common.text import normalise
from portal.core.files import blobs, links
from portal.core.files.models import (
    Blob,
    FileCategory,
    FileLink,
    FileVersion,
    ScanStatus,
    ShareAccess,
    ShareLink,
    StoredFile,
)
from portal.core.tenancy import scope

TRASH: Final = timedelta(days=30)
DEFAULTS: Final[dict[str, Promise]] = {
    "document": gettext_lazy("Document"),
    "image": gettext_lazy("Image"),
    "report": gettext_lazy("Report"),
    "contract": gettext_lazy("Contract"),
    "evidence": gettext_lazy("Evidence"),
    "other": gettext_lazy("Other"),
}
# Filled by the app that makes renditions: addresses of small pictures for the files of one page.
thumbnails: list[Callable[[Sequence[StoredFile]], Mapping[UUID, str]]] = []
# Filled by rooms whose files need a right of their own: why these bytes are not this person's (None: anybody's), or ''.
guards: list[Callable[[FileVersion, User | None], str]] = []


# --- categories -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Category:
    key: str
    name: str
    max_bytes: int | None = None
    extensions: tuple[str, ...] = ()
    is_active: bool = True
    id: UUID | None = None  # of the organisation's own row; None: built in


def category_list(*, all: bool = False) -> list[Category]:  # noqa: A002
    """The organisation's categories, built-in ones first; switched-off ones with `all` only."""
    found = {key: Category(key, str(name)) for key, name in DEFAULTS.items()}
    for row in FileCategory.objects.all():
        found[row.key] = Category(row.key, row.name, row.max_bytes, tuple(row.extensions), row.is_active, row.pk)
    return [category for category in found.values() if all or category.is_active]


def category_named(key: str) -> Category:
    """Raises Invalid naming `category`."""
    for category in category_list():
        if category.key == key:
            return category
    allowed = ", ".join(category.key for category in category_list())
    raise Invalid.field("category", _("Choose one of: %(allowed)s.") % {"allowed": allowed})


# --- access ---------------------------------------------------------------------------------------
def _own_or_all(user: User, code: str) -> Q:
    held = user.grants.get(code, "")
    if held == "all":
        return Q()
    mine = Q(uploaded_by=user)
    if held == "team" and user.department:
        mine |= Q(uploaded_by__department=user.department)
    return mine if held else Q(pk=None)


def visible(user: User) -> Q:
    """Which files a person may see: those they uploaded, those of records that they may see, and of the files that
    belong to no record those that the scope of `files.view` reaches."""
    linked = FileLink.objects.filter(file=OuterRef("pk"))
    seen: Any = Q(uploaded_by=user) | (~Exists(linked) & _own_or_all(user, "files.view"))
    for kind in links.kinds().values():
        seen |= Exists(linked.filter(kind=kind.kind, record_id__in=kind.visible(user).order_by().values("pk")))
    return seen if user.has_permission("files.view") else Q(pk=None)


def _rows(user: User, *, trash: bool) -> QuerySet[StoredFile]:
    live = ShareLink.objects.filter(file=OuterRef("pk"), password="", **live_share())
    return (
        StoredFile.objects.filter(visible(user), deleted_at__isnull=not trash, current__isnull=False)
        .select_related("uploaded_by", "current__blob")
        .annotate(is_public=ExpressionWrapper(Exists(live), BooleanField()))
    )


def live_share() -> dict[str, Any]:
    """Filters of links that still work; those that are used up stay in."""
    return {"revoked_at": None, "expires_at__gt": clock.now()}


def file_list(
    *,
    user: User,
    trash: bool = False,
    search: str = "",
    category: str = "",
    kind: str = "",
    content_type: str = "",
    scan_status: str = "",
    tags: Iterable[str] = (),
    uploaded_by: UUID | None = None,
    linked_kind: str = "",
    linked_id: UUID | None = None,
    public: bool | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    smallest: int | None = None,
    largest: int | None = None,
) -> QuerySet[StoredFile]:
    """Files that a person may see, newest first; those in the trash with `trash`. Several `tags` all have to match.

    `uploaded_by` of the rows is fetched, `current.blob` too; `is_public` says whether a link without password works.
    """
    found = _rows(user, trash=trash)
    for word in normalise(search).split():
        found = found.filter(search_text__contains=word)
    for tag in tags:
        found = found.filter(tags__contains=[tag])
    if linked_kind or linked_id:
        linked = FileLink.objects.filter(file=OuterRef("pk"))
        linked = linked.filter(kind=linked_kind) if linked_kind else linked
        found = found.filter(Exists(linked.filter(record_id=linked_id) if linked_id else linked))
    wanted = {
        "category": category or None,
        "kind": kind or None,
        "content_type": content_type or None,
        "current__blob__scan_status": scan_status or None,
        "uploaded_by": uploaded_by,
        "is_public": public,
        "created_at__gte": since,
        "created_at__lt": until,
        "size__gte": smallest,
        "size__lte": largest,
    }
    return found.filter(**{name: value for name, value in wanted.items() if value is not None})


def file_get(*, id: UUID, user: User, right: str = "", trash: bool = False) -> StoredFile:
    """A file that the person may see and, with `right`, act on. Raises NotFound, Denied.

    Who may edit a record may act on its files, for what the scope of the right does not reach.
    """
    found = _rows(user, trash=trash).filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such file."))
    if right and not may(file=found, user=user, right=right):
        raise Denied(_("You do not have the right to do this."))
    return found


def may(*, file: StoredFile, user: User, right: str) -> bool:
    """Whether a person may use a scoped right on a file that they see."""
    if not user.has_permission(right):
        return False
    if StoredFile.objects.filter(_own_or_all(user, right), pk=file.pk).exists():
        return True
    return any(
        known.editable is not None and known.editable(user).filter(pk=link.record_id).exists()
        for link in FileLink.objects.filter(file=file)
        if (known := links.kinds().get(link.kind))
    )


def guarded(*, version: FileVersion, user: User | None) -> str:
    """Why the records that a version belongs to keep it from a person (None: whoever has a link), else ''."""
    return next(filter(None, (guard(version, user) for guard in guards)), "")


def why_not(*, version: FileVersion, user: User | None) -> str:
    """Why a version may not be downloaded now, '' where it may (fail closed with a scanner, contract section 4)."""
    if reason := guarded(version=version, user=user):
        return reason
    status = version.blob.scan_status
    if status == ScanStatus.INFECTED:
        return _("This file is infected (%(threat)s): nobody may download it.") % {"threat": version.blob.threat}
    if status == ScanStatus.CLEAN or not settings.CLAMD:
        return ""
    if status in (ScanStatus.FAILED, ScanStatus.UNSCANNABLE) and user and user.has_permission("files.override"):
        return ""
    shown = version.blob.get_scan_status_display()
    return _("This file has not passed the virus scan: %(status)s.") % {"status": shown}


def version_list(*, file: StoredFile) -> QuerySet[FileVersion]:
    return FileVersion.objects.filter(file=file).select_related("blob", "uploaded_by").order_by("-number")


def version_get(*, file: StoredFile, id: UUID | None = None, number: int = 0) -> FileVersion:
    """By its id or its number. Raises NotFound."""
    rows = version_list(file=file)
    found = rows.filter(pk=id).first() if id else rows.filter(number=number).first()
    if found is None:
        raise NotFound(_("There is no such version."))
    return found


def link_list(*, file: StoredFile, user: User) -> list[tuple[FileLink, str, str]]:
    """Links to records that the person may see, with the record's name and address."""
    found = []
    for link in FileLink.objects.filter(file=file):
        known = links.kinds().get(link.kind)
        row = known.visible(user).filter(pk=link.record_id).first() if known else None
        if known and row is not None:
            found.append((link, known.label(row), known.url(link.record_id)))
    return found


def share_list(*, file: StoredFile) -> QuerySet[ShareLink]:
    return ShareLink.objects.filter(file=file).select_related("pinned", "created_by").order_by("-created_at", "-id")


def access_list(*, file: StoredFile) -> QuerySet[ShareAccess]:
    return ShareAccess.objects.filter(link__file=file).select_related("link").order_by("-created_at", "-id")


# --- figures --------------------------------------------------------------------------------------
def stats(*, user: User) -> dict[str, Any]:
    """Figures over the files that a person sees; `stored`, `quota` and `saved` are the organisation's.

    All in bytes. `logical` counts every version whole, `stored` equal contents once; `saved` is the difference.
    """
    seen = _rows(user, trash=False).order_by()
    whole = seen.aggregate(count=Count("pk"), size=Sum("size"))
    trash = _rows(user, trash=True).order_by().aggregate(count=Count("pk"), size=Sum("size"))
    versions = FileVersion.objects.filter(file__in=seen.values("pk")).aggregate(count=Count("pk"), size=Sum("size"))

    def by(column: str) -> list[dict[str, Any]]:
        rows = seen.values(key=F(column)).annotate(count=Count("pk"), size=Sum("size")).order_by("-size", "key")
        return [{"key": row["key"] or "", "count": row["count"], "size": row["size"]} for row in rows[:100]]

    people = (
        seen.values(user_id=F("uploaded_by"), name=F("uploaded_by__name"))
        .annotate(count=Count("pk"), size=Sum("size"))
        .order_by("-size", "user_id")
    )
    stored, limit = blobs.usage(), blobs.quota(scope.organization_id())
    logical = FileVersion.objects.aggregate(total=Sum("size"))["total"] or 0
    return {
        "totalFiles": whole["count"],
        "totalSize": whole["size"] or 0,
        "versions": versions["count"],
        "versionsSize": versions["size"] or 0,
        "trash": {"count": trash["count"], "size": trash["size"] or 0},
        "byCategory": by("category"),
        "byType": by("content_type"),
        "byKind": by("kind"),
        "byScanStatus": by("current__blob__scan_status"),
        "byUser": [
            {"userId": row["user_id"], "name": row["name"], "count": row["count"], "size": row["size"]}
            for row in people[:100]
        ],
        "storage": {
            "stored": stored,
            "logical": logical,
            "saved": max(0, logical - stored),
            "blobs": Blob.objects.count(),
            "quota": limit,
            "free": None if limit is None else max(0, limit - stored),
        },
    }


# --- on the wire ----------------------------------------------------------------------------------
def scan_card(blob: Blob) -> dict[str, Any]:
    return {
        "status": blob.scan_status,
        "engine": blob.scan_engine or None,
        "threat": blob.threat or None,
        "scannedAt": blob.scanned_at,
    }


def file_cards(files: Sequence[StoredFile]) -> list[dict[str, Any]]:
    """Files of a list on the wire."""
    small: dict[UUID, str] = {}
    for provider in thumbnails:
        small |= provider(files)
    return [file_card(file, thumbnail=small.get(file.pk)) for file in files]


def file_card(file: StoredFile, *, thumbnail: str | None = None) -> dict[str, Any]:
    blob = file.current.blob if file.current else None
    return {
        "id": file.pk,
        "organizationId": file.organization_id,
        "tenantId": file.organization_id,
        "filename": file.filename,
        "name": file.filename,
        "contentType": file.content_type,
        "fileType": file.content_type,
        "kind": file.kind,
        "size": file.size,
        "fileSize": file.size,
        "checksumSha256": blob.sha256 if blob else None,
        "category": file.category,
        "description": file.description,
        "tags": file.tags,
        "metadata": file.metadata,
        "isPublic": bool(getattr(file, "is_public", False)),
        "status": status_of(blob),
        "scanStatus": blob.scan_status if blob else None,
        "scan": scan_card(blob) if blob else None,
        "version": file.version,
        "versionNumber": file.current.number if file.current else 0,
        "uploadedBy": file.uploaded_by_id,
        "uploaderId": file.uploaded_by_id,
        "uploadedByName": file.uploaded_by.name if file.uploaded_by else None,
        "thumbnailUrl": thumbnail,
        "downloadUrl": f"/api/v1/files/download/{file.pk}",
        "createdAt": file.created_at,
        "updatedAt": file.updated_at,
        "deletedAt": file.deleted_at,
    }


def status_of(blob: Blob | None) -> str:
    """`processing` until a scanner has spoken, `failed` where it found something, else `available`."""
    if blob is None or blob.scan_status == ScanStatus.INFECTED:
        return "failed"
    waits = settings.CLAMD and blob.scan_status in (ScanStatus.PENDING, ScanStatus.NOT_SCANNED)
    return "processing" if waits else "available"


def version_card(version: FileVersion) -> dict[str, Any]:
    return {
        "id": version.pk,
        "versionNumber": version.number,
        "filename": version.filename,
        "contentType": version.content_type,
        "size": version.size,
        "checksumSha256": version.blob.sha256,
        "comment": version.comment,
        "restoredFrom": version.restored_from,
        "scanStatus": version.blob.scan_status,
        "scan": scan_card(version.blob),
        "uploadedBy": version.uploaded_by_id,
        "uploadedByName": version.uploaded_by.name if version.uploaded_by else None,
        "createdAt": version.created_at,
    }


def share_card(share: ShareLink) -> dict[str, Any]:
    now = clock.now()
    used_up = share.max_downloads is not None and share.downloads >= share.max_downloads
    return {
        "id": share.pk,
        "note": share.note,
        "expiresAt": share.expires_at,
        "maxDownloads": share.max_downloads,
        "downloads": share.downloads,
        "hasPassword": bool(share.password),
        "pinnedVersion": share.pinned.number if share.pinned else None,
        "revokedAt": share.revoked_at,
        "isActive": share.revoked_at is None and share.expires_at > now and not used_up,
        "createdBy": share.created_by_id,
        "createdAt": share.created_at,
    }


def category_card(category: Category) -> dict[str, Any]:
    return {
        "id": category.id,
        "key": category.key,
        "name": category.name,
        "maxBytes": category.max_bytes,
        "extensions": list(category.extensions),
        "isActive": category.is_active,
    }
