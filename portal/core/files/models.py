"""Files of an organisation: contents kept once, files with their versions, share links, scans, uploads under way."""

from typing import Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.common.models import SoftDeleted
from portal.core.tenancy.models import TenantModel


class ScanStatus(models.TextChoices):
    NOT_SCANNED = "not_scanned", _("Not scanned")
    PENDING = "pending", _("Waiting for the scan")
    CLEAN = "clean", _("Clean")
    INFECTED = "infected", _("Infected")
    FAILED = "failed", _("Scan failed")
    UNSCANNABLE = "unscannable", _("Cannot be scanned")


class Blob(TenantModel):
    """Bytes, kept once per organisation however many versions have them.

    `references` counts the versions (and whatever else took it with `blobs.take`); at 0 a job removes it.
    """

    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    key = models.CharField(max_length=200)  # where the store has it; never made of the file's name
    references = models.IntegerField(default=0)
    scan_status = models.CharField(_("virus scan"), max_length=11, choices=ScanStatus, default=ScanStatus.NOT_SCANNED)
    scan_engine = models.CharField(max_length=200, blank=True)  # with the edition of its signatures
    threat = models.CharField(max_length=200, blank=True)
    scanned_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "sha256"], name="blob_once"),
            models.CheckConstraint(condition=Q(size__gte=0), name="blob_size"),
            models.CheckConstraint(condition=Q(references__gte=0), name="blob_references"),
        ]
        indexes = [
            models.Index(fields=["updated_at"], condition=Q(references=0), name="blob_unused"),
            models.Index(fields=["organization", "scan_status"], name="blob_by_scan"),
        ]


class FileCategory(TenantModel):
    """A category of the organisation; one with the key of a built-in one (`selectors.DEFAULTS`) replaces it."""

    key = models.SlugField(_("key"), max_length=40, allow_unicode=False)
    name = models.CharField(_("name"), max_length=100)
    max_bytes = models.BigIntegerField(_("largest file (bytes)"), null=True, blank=True)
    extensions = models.JSONField(_("kinds of files"), default=list, blank=True)  # empty: all
    is_active = models.BooleanField(_("active"), default=True)

    audit_entity = "file_category"

    class Meta:
        verbose_name = _("file category")
        verbose_name_plural = _("file categories")
        ordering = ["key", "id"]
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="filecategory_once")]

    def __str__(self) -> str:
        return self.name


class StoredFile(TenantModel, SoftDeleted):
    """A file as people know it. `filename`, `content_type` and `size` are those of its newest version, `current`.

    In the trash `deleted_at` is set; `purged_at` says that its contents are gone for good and only this row remains.
    """

    filename = models.CharField(_("name"), max_length=200)
    content_type = models.CharField(_("type"), max_length=100)
    kind = models.CharField(_("kind"), max_length=10)  # kinds.FileKind.kind
    size = models.BigIntegerField(_("size"))
    category = models.CharField(_("category"), max_length=40, default="other")
    description = models.TextField(_("description"), blank=True)
    tags = models.JSONField(_("tags"), default=list, blank=True)
    metadata = models.JSONField(_("more details"), default=dict, blank=True)
    uploaded_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("uploaded by")
    )
    current = models.ForeignKey(
        "FileVersion", models.SET_NULL, null=True, editable=False, related_name="+", verbose_name=_("newest version")
    )
    purged_at = models.DateTimeField(null=True, editable=False)
    search_text = models.TextField(default="", editable=False)
    version = models.BigIntegerField(default=1, editable=False)

    audit_entity = "file"
    audit_label = "filename"

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="file_recent"),
            models.Index(fields=["organization", "uploaded_by"], name="file_by_person"),
            models.Index(fields=["deleted_at"], condition=Q(deleted_at__isnull=False), name="file_in_trash"),
        ]

    def __str__(self) -> str:
        return self.filename


class FileVersion(TenantModel):
    """One state of a file. Restoring an old one makes a new one with the same blob."""

    file = models.ForeignKey(StoredFile, models.CASCADE, related_name="versions", verbose_name=_("file"))
    number = models.IntegerField(_("version"))
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="versions")
    filename = models.CharField(_("name"), max_length=200)
    content_type = models.CharField(_("type"), max_length=100)
    size = models.BigIntegerField(_("size"))
    comment = models.CharField(_("comment"), max_length=500, blank=True)
    restored_from = models.IntegerField(null=True, editable=False)  # the number of the version it repeats
    uploaded_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("uploaded by")
    )

    audit_entity = "file_version"
    audit_label = "filename"

    class Meta:
        verbose_name = _("version")
        verbose_name_plural = _("versions")
        ordering = ["-number", "-id"]
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="fileversion_once")]

    def __str__(self) -> str:
        return f"{self.filename} ({self.number})"


class FileLink(TenantModel):
    """A record that a file belongs to; who may see the record may see the file (`links.py` knows the kinds)."""

    file = models.ForeignKey(StoredFile, models.CASCADE, related_name="links", verbose_name=_("file"))
    kind = models.CharField(_("kind of record"), max_length=40)
    record_id = models.UUIDField(_("record"))

    audit_entity = "file_link"
    audit_label = "kind"

    class Meta:
        verbose_name = _("linked record")
        ordering = ["kind", "id"]
        constraints = [models.UniqueConstraint(fields=["file", "kind", "record_id"], name="filelink_once")]
        indexes = [models.Index(fields=["organization", "kind", "record_id"], name="filelink_of_record")]


class ShareLink(TenantModel):
    """A way for people outside to download a file; only its token's hash is kept. `pinned`: always this version."""

    file = models.ForeignKey(StoredFile, models.CASCADE, related_name="shares", verbose_name=_("file"))
    pinned = models.ForeignKey(FileVersion, models.PROTECT, null=True, related_name="shares", verbose_name=_("version"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    password = models.CharField(max_length=128, blank=True, editable=False)  # argon2; empty: none needed
    expires_at = models.DateTimeField(_("expires"))
    max_downloads = models.IntegerField(_("most downloads"), null=True)
    downloads = models.IntegerField(_("downloads"), default=0, editable=False)
    failures = models.IntegerField(default=0, editable=False)  # wrong passwords in a row
    locked_until = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("shared by")
    )

    audit_entity = "share_link"
    audit_label = "note"
    audit_ignored = ("token_hash", "password", "downloads", "failures", "locked_until")

    class Meta:
        verbose_name = _("share link")
        verbose_name_plural = _("share links")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(max_downloads=None) | Q(downloads__lte=models.F("max_downloads")),
                name="sharelink_never_more",
            )
        ]


class ShareAccess(TenantModel):
    """One attempt to use a share link."""

    class Outcome(models.TextChoices):
        VIEWED = "viewed", _("Looked at")
        DOWNLOADED = "downloaded", _("Downloaded")
        WRONG_PASSWORD = "wrong_password", _("Wrong password")
        LOCKED = "locked", _("Locked")
        EXPIRED = "expired", _("Expired")
        USED_UP = "used_up", _("Used up")
        REVOKED = "revoked", _("Revoked")
        BLOCKED = "blocked", _("Held back by the virus scan")

    link = models.ForeignKey(ShareLink, models.CASCADE, related_name="accesses")
    outcome = models.CharField(_("outcome"), max_length=14, choices=Outcome)
    version_number = models.IntegerField(_("version"), null=True)
    ip = models.CharField(_("address"), max_length=45, blank=True)
    agent = models.CharField(_("program"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("use of a share link")
        ordering = ["-created_at", "-id"]


class FileScan(TenantModel):
    """One scan of a blob and what came of it; `pending` until then."""

    blob = models.ForeignKey(Blob, models.CASCADE, related_name="scans")
    status = models.CharField(_("outcome"), max_length=11, choices=ScanStatus, default=ScanStatus.PENDING)
    engine = models.CharField(_("scanner"), max_length=200, blank=True)
    threat = models.CharField(_("threat"), max_length=200, blank=True)
    attempts = models.IntegerField(default=0)
    requested_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("virus scan")
        ordering = ["-created_at", "-id"]


class Upload(TenantModel):
    """A file that arrives in pieces, or straight at the store by a signed address; unfinished it ends after a day."""

    class Mode(models.TextChoices):
        PARTS = "parts", _("in parts")
        DIRECT = "direct", _("by signed address")

    class Status(models.TextChoices):
        OPEN = "open", _("Under way")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    mode = models.CharField(max_length=6, choices=Mode)
    status = models.CharField(max_length=6, choices=Status, default=Status.OPEN)
    filename = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, blank=True)  # as the client says; empty where it does not
    part_size = models.BigIntegerField(default=0)
    details = models.JSONField(default=dict)  # category, description, tags … of the file to be
    target = models.ForeignKey(StoredFile, models.CASCADE, null=True, related_name="+")  # a new version of this
    file = models.ForeignKey(StoredFile, models.CASCADE, null=True, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    @property
    def parts_expected(self) -> int:
        return max(1, -(-self.size // self.part_size)) if self.part_size else 0


class UploadPart(TenantModel):
    """A piece that arrived; the store has it under `uploads.part_key`."""

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="parts")
    number = models.IntegerField()  # from 1
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["number", "id"]
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="uploadpart_once")]


DOWNLOADABLE: Final = (ScanStatus.NOT_SCANNED, ScanStatus.CLEAN)  # the first only where there is no scanner
