"""Shapes of files (C95 to C97; `contract-platform.md` section 4)."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.kit import In, Listing, Out
from api.v1.audit.schemas import Dated

Status = Literal["not_scanned", "pending", "clean", "infected", "failed", "unscannable"]


class ScanOut(Out):
    status: Status
    engine: str | None = Field(description="Scanner and edition of its signatures")
    threat: str | None
    scanned_at: datetime | None


class FileOut(Out):
    id: UUID
    organization_id: UUID
    tenant_id: UUID = Field(description="Same as organizationId")
    filename: str
    name: str = Field(description="Same as filename")
    content_type: str
    file_type: str = Field(description="Same as contentType")
    kind: Literal["image", "video", "document"]
    size: int = Field(description="Bytes")
    file_size: int = Field(description="Same as size")
    checksum_sha256: str | None
    category: str
    description: str
    tags: list[str]
    metadata: dict[str, Any]
    is_public: bool = Field(description="A share link without password works")
    status: Literal["available", "processing", "failed"]
    scan_status: Status | None
    scan: ScanOut | None
    version: int = Field(description="Of the record, for If-Match")
    version_number: int = Field(description="Of the contents")
    uploaded_by: UUID | None
    uploader_id: UUID | None = Field(description="Same as uploadedBy")
    uploaded_by_name: str | None
    thumbnail_url: str | None
    download_url: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class LinkOut(Out):
    entity_type: str
    entity_id: UUID
    label: str


class FileDetail(FileOut):
    links: list[LinkOut]
    share: dict[str, Any] | None = Field(None, description="After an upload with X-File-Public: the link, told once")


class FileQuery(Dated, Listing):
    sortable: ClassVar = {
        "createdAt": "created_at",
        "filename": "filename",
        "name": "filename",
        "size": "size",
        "category": "category",
        "contentType": "content_type",
        "updatedAt": "updated_at",
    }

    search: str = Field("", max_length=100, description="Words of name, description and tags")
    q: str = Field("", max_length=100, description="Alias of search")
    category: str = Field("", max_length=40)
    kind: Literal["", "image", "video", "document"] = ""
    content_type: str = Field("", max_length=100)
    file_type: str = Field("", max_length=100, description="Alias of contentType")
    scan_status: Status | Literal[""] = ""
    tags: list[str] = Field([], description="Repeatable; all have to match")
    uploaded_by: UUID | None = None
    entity_type: str = Field("", max_length=40, description="Files of such records")
    entity_id: UUID | None = Field(None, description="Files of this record")
    is_public: bool | None = None
    min_size: int | None = Field(None, ge=0, description="Bytes")
    max_size: int | None = Field(None, ge=0, description="Bytes")


class FileIn(In):
    aliases: ClassVar = {"name": "filename"}

    filename: str | None = Field(None, max_length=500, description="Its ending stays")
    category: str | None = Field(None, max_length=40)
    description: str | None = Field(None, max_length=4000)
    tags: list[str] | None = Field(None, max_length=30)
    metadata: dict[str, Any] | None = Field(None, description="Merged; null removes a key")
    is_public: bool | None = Field(None, description="Makes or ends a link without password")
    version: int | None = None


class CategoryOut(Out):
    id: UUID | None
    key: str
    name: str
    max_bytes: int | None
    extensions: list[str]
    is_active: bool


class CategoryIn(In):
    name: str | None = Field(None, max_length=100)
    max_bytes: int | None = None
    extensions: list[str] | None = Field(None, max_length=100)
    is_active: bool | None = None


class BulkIn(In):
    ids: list[UUID] = Field(min_length=1, max_length=500)


class BulkItem(Out):
    id: UUID
    success: bool
    error: dict[str, Any] | None


class BulkOut(Out):
    succeeded: int
    failed: int
    results: list[BulkItem]


class StatsOut(Out):
    total_files: int
    total_size: int = Field(description="Bytes of the newest versions")
    versions: int
    versions_size: int
    trash: dict[str, int]
    by_category: list[dict[str, Any]]
    by_type: list[dict[str, Any]]
    by_kind: list[dict[str, Any]]
    by_scan_status: list[dict[str, Any]]
    by_user: list[dict[str, Any]]
    storage: dict[str, Any] = Field(description="stored, logical, saved, quota, free: bytes; equal contents count once")


class LinkIn(In):
    aliases: ClassVar = {"resource": "entity_type", "kind": "entity_type"}

    entity_type: str = Field(max_length=40)
    entity_id: UUID


class UrlOut(Out):
    url: str
    expires_at: datetime


class ShareIn(In):
    aliases: ClassVar = {"expiresIn": "expires_in_hours"}

    expires_at: datetime | None = None
    expires_in_hours: float | None = Field(None, gt=0, le=2160)
    password: str | None = Field(None, max_length=128)
    max_downloads: int | None = Field(None, ge=1)
    pinned_version: int | None = Field(None, ge=1, description="Number of a version; without it the newest")
    note: str = Field("", max_length=200)


class ShareOut(Out):
    id: UUID
    note: str
    expires_at: datetime
    max_downloads: int | None
    downloads: int
    has_password: bool
    pinned_version: int | None
    revoked_at: datetime | None
    is_active: bool
    created_by: UUID | None
    created_at: datetime


class ShareMade(ShareOut):
    token: str = Field(description="Told once")
    url: str


class AccessOut(Out):
    id: UUID
    share_id: UUID
    outcome: str
    version_number: int | None
    ip_address: str | None
    user_agent: str | None
    at: datetime


class RevokeQuery(BaseModel):
    share_id: str = Field("", alias="shareId", description="Without it all links of the file")


class Revoked(Out):
    revoked: int


class PublicShare(Out):
    filename: str
    content_type: str
    size: int
    version_number: int
    needs_password: bool
    expires_at: datetime
    max_downloads: int | None
    downloads: int
    downloads_left: int | None


class VersionOut(Out):
    id: UUID
    version_number: int
    filename: str
    content_type: str
    size: int
    checksum_sha256: str
    comment: str
    restored_from: int | None
    scan_status: Status
    scan: ScanOut
    uploaded_by: UUID | None
    uploaded_by_name: str | None
    created_at: datetime


class UploadIn(In):
    aliases: ClassVar = {"fileName": "filename", "fileType": "content_type", "fileSize": "size"}

    filename: str = Field(min_length=1, max_length=500)
    size: int = Field(ge=1, description="Bytes")
    content_type: str = Field("", max_length=100)
    sha256: str = Field("", max_length=64, description="Refused at the end where the bytes differ")
    direct: bool = Field(False, description="By one PUT to a signed address, else in parts")
    file_id: UUID | None = Field(None, description="Becomes a new version of this file")
    category: str = Field("", max_length=40)
    description: str = Field("", max_length=4000)
    tags: list[str] = Field([], max_length=30)
    metadata: dict[str, Any] = {}
    entity_type: str = Field("", max_length=40, description="Kind of a record it belongs to")
    entity_id: UUID | None = None
    comment: str = Field("", max_length=500, description="Of a new version")


class UploadOut(Out):
    id: UUID
    status: Literal["open", "done", "failed"]
    mode: Literal["parts", "direct"]
    filename: str
    content_type: str
    size: int
    part_size: int
    parts: int
    received: list[int] = Field(description="Numbers of the parts that are here")
    received_bytes: int
    file_id: UUID | None
    reason: str | None
    expires_at: datetime
    upload: dict[str, Any] | None = Field(None, description="Direct: method, url and headers of the PUT, and its end")


class FinishIn(In):
    aliases: ClassVar = {"checksumSha256": "sha256", "fileSize": "size"}

    size: int | None = None
    sha256: str = Field("", max_length=64)


class PartOut(Out):
    number: int
    size: int
    sha256: str
