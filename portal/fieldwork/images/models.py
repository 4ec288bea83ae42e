"""Photographs of field work: a stored file with what the client says of it and what the camera wrote into it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.common.models import SoftDeleted
from portal.core.files.media import Failure
from portal.core.files.models import DOWNLOADABLE, ScanStatus
from portal.core.jobs.models import Job
from portal.core.tenancy.models import TenantModel


class Image(TenantModel, SoftDeleted):
    """One photograph of a project, perhaps of one of its tasks (000: ImageMetadata).

    `gps_…`, `captured_at` and `exif` are the client's claim, `camera` is `media.Exif` as JSON, read by the server.
    `latitude`, `longitude` and `taken_at` are the claim where there is one, else the camera's: what maps and lists
    show. `apart` is the distance between claim and camera in metres. `original` never changes, whatever newer version
    the file may get; people look at the copies. A deleted image holds none of the three any more.
    """

    class Status(models.TextChoices):
        PROCESSING = "processing", _("Being prepared")
        AVAILABLE = "available", _("Available")
        FAILED = "failed", _("Cannot be shown")

    file = models.ForeignKey("files.StoredFile", models.PROTECT, related_name="images", verbose_name=_("file"))
    original = models.ForeignKey("files.Blob", models.PROTECT, null=True, editable=False, related_name="+")
    project = models.ForeignKey("projects.Project", models.PROTECT, related_name="images", verbose_name=_("project"))
    task = models.ForeignKey(
        "projects.Task", models.PROTECT, null=True, blank=True, related_name="images", verbose_name=_("task")
    )
    uploaded_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("uploaded by")
    )
    sha256 = models.CharField(max_length=64)
    local_sync_id = models.CharField(_("id on the device"), max_length=64, null=True, blank=True, editable=False)
    gps_latitude = models.FloatField(_("latitude"), null=True, blank=True)
    gps_longitude = models.FloatField(_("longitude"), null=True, blank=True)
    gps_accuracy = models.FloatField(_("accuracy (m)"), null=True, blank=True)
    captured_at = models.DateTimeField(_("taken (as stated)"), null=True, blank=True)
    exif = models.JSONField(_("metadata as sent"), default=dict, blank=True)
    camera = models.JSONField(_("metadata in the file"), default=dict, editable=False)
    latitude = models.FloatField(null=True, editable=False)
    longitude = models.FloatField(null=True, editable=False)
    taken_at = models.DateTimeField(_("taken"), null=True, editable=False)
    flags = models.JSONField(_("differences"), default=list, editable=False)  # media.Flag
    apart = models.FloatField(_("distance (m)"), null=True, editable=False)
    width = models.IntegerField(_("width"), null=True, editable=False)
    height = models.IntegerField(_("height"), null=True, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PROCESSING)
    failure = models.CharField(_("reason"), max_length=16, choices=Failure, blank=True)
    rendition = models.ForeignKey("files.Blob", models.PROTECT, null=True, editable=False, related_name="+")
    thumbnail = models.ForeignKey("files.Blob", models.PROTECT, null=True, editable=False, related_name="+")
    job = models.ForeignKey(Job, models.SET_NULL, null=True, editable=False, related_name="+")
    version = models.BigIntegerField(default=1, editable=False)

    audit_entity = "image"
    audit_label = "sha256"
    audit_ignored = ("job_id",)

    class Meta:
        verbose_name = _("image")
        verbose_name_plural = _("images")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "local_sync_id"], name="image_local_id_once"),
            models.UniqueConstraint(
                fields=["project", "task", "sha256"],
                condition=Q(deleted_at=None),
                nulls_distinct=False,
                name="image_once",
            ),
            models.UniqueConstraint(fields=["file"], condition=Q(deleted_at=None), name="image_of_file_once"),
            models.CheckConstraint(
                condition=Q(gps_latitude=None, gps_longitude=None)
                | Q(gps_latitude__range=(-90, 90), gps_longitude__range=(-180, 180)),
                name="image_place",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-created_at", "-id"], condition=Q(deleted_at=None), name="image_newest"
            ),
            models.Index(
                fields=["project", "-created_at", "-id"], condition=Q(deleted_at=None), name="image_of_project"
            ),
            models.Index(fields=["task", "-created_at", "-id"], condition=Q(deleted_at=None), name="image_of_task"),
        ]

    def __str__(self) -> str:
        return self.sha256[:12]

    @property
    def broken(self) -> bool:
        """Its preparation ended with an error of ours, or is no longer known: it may be tried again."""
        stopped = self.job is None or self.job.status == Job.Status.FAILED
        return self.status == self.Status.PROCESSING and stopped

    @property
    def viewable(self) -> bool:
        """Whether the virus scan lets everybody look at it."""
        status = self.original.scan_status if self.original else ""
        return status in DOWNLOADABLE and not (settings.CLAMD and status == ScanStatus.NOT_SCANNED)
