"""Photos, videos, documents and signatures of a survey session."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.jobs.models import Job
from portal.survey.choices import AttachmentStatus, AttachmentType
from portal.survey.sessions.models import Item, SurveyGeometry, SurveyPoint, SurveySession


class SurveyAttachment(Item):
    """A file that the device announces, puts at a signed address and confirms. The original is evidence and never
    changes; people look at `rendition` and `thumbnail`, which hold no metadata. `camera` is `media.Exif` as JSON, read
    by the server, `apart` its distance in metres from where the device says it was.
    """

    session = models.ForeignKey(SurveySession, models.PROTECT, related_name="attachments", verbose_name=_("session"))
    related_point = models.ForeignKey(
        SurveyPoint, models.PROTECT, null=True, blank=True, related_name="attachments", verbose_name=_("point")
    )
    related_geometry = models.ForeignKey(
        SurveyGeometry, models.PROTECT, null=True, blank=True, related_name="attachments", verbose_name=_("geometry")
    )
    attachment_type = models.CharField(_("kind"), max_length=10, choices=AttachmentType)
    filename = models.CharField(_("name"), max_length=200)
    file_type = models.CharField(_("type"), max_length=100)
    file_size = models.BigIntegerField(_("size (bytes)"))
    capture_latitude = models.FloatField(_("latitude"), null=True, blank=True)
    capture_longitude = models.FloatField(_("longitude"), null=True, blank=True)
    capture_accuracy = models.FloatField(_("accuracy (m)"), null=True, blank=True)
    captured_at = models.DateTimeField(_("taken"), null=True, blank=True)
    metadata = models.JSONField(_("further details"), default=dict, blank=True)
    status = models.CharField(
        _("status"), max_length=10, choices=AttachmentStatus, default=AttachmentStatus.PENDING, editable=False
    )
    failure = models.CharField(_("reason"), max_length=300, blank=True, editable=False)
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, editable=False)
    upload = models.ForeignKey("files.Upload", models.SET_NULL, null=True, editable=False, related_name="+")
    file = models.ForeignKey("files.StoredFile", models.PROTECT, null=True, editable=False, related_name="+")
    original = models.ForeignKey("files.Blob", models.PROTECT, null=True, editable=False, related_name="+")
    rendition = models.ForeignKey("files.Blob", models.PROTECT, null=True, editable=False, related_name="+")
    thumbnail = models.ForeignKey("files.Blob", models.PROTECT, null=True, editable=False, related_name="+")
    camera = models.JSONField(_("metadata in the file"), default=dict, editable=False)
    apart = models.FloatField(_("distance (m)"), null=True, editable=False)
    width = models.IntegerField(_("width"), null=True, editable=False)
    height = models.IntegerField(_("height"), null=True, editable=False)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, editable=False, related_name="+")

    audit_entity = "attachment"
    audit_label = "filename"
    audit_ignored = ("job_id", "upload_id")
    sync_derived = (
        "session_id", "item_key", "former_keys", "flags", "findings", "filename", "file_type", "file_size", "status",
        "failure", "sha256", "confirmed_at", "upload_id", "file_id", "original_id", "rendition_id", "thumbnail_id",
        "camera", "apart", "width", "height", "job_id", "governorate_id", "district_id", "sub_district_id",
        "neighborhood_id",
    )  # fmt: skip

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["session", "created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "session", "item_key"], condition=~Q(item_key=""), name="attachment_key_once"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "session", "created_at", "id"], name="attachment_of_session"),
            models.Index(fields=["organization", "sha256"], condition=~Q(sha256=""), name="attachment_by_hash"),
            models.Index(
                fields=["created_at"], condition=Q(status="pending", deleted_at=None), name="attachment_unconfirmed"
            ),
            *(
                models.Index(fields=["organization", f"{level}_id", "id"], name=f"attachment_in_{level}")
                for level in ("governorate", "district", "sub_district")
            ),
        ]

    def __str__(self) -> str:
        return self.filename
