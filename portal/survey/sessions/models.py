"""Survey sessions with their points and geometries, which devices hold too."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.sync.models import SyncedModel
from portal.survey.applications.models import Application, Placed
from portal.survey.choices import FeatureType, GeometryType, GpsSource, PointType, SessionStatus, SurveyType


def _placed(name: str) -> list[models.Index]:
    """The rows of an area, by each level of it."""
    return [
        models.Index(fields=["organization", f"{level}_id", "id"], name=f"{name}_in_{level}")
        for level in ("governorate", "district", "sub_district")
    ]


class SurveySession(SyncedModel, Placed):
    """One survey of one application by one surveyor. Coordinates are WGS 84, accuracies metres; `client_…` and
    `declared_counts` are the device's claims, `quality_…`, `flags`, `findings` and `content_hash` the server's.

    `content_hash` is the SHA-256 of all items and media as they were submitted; the audit log keeps it.
    """

    session_number = models.CharField(_("number"), max_length=40, editable=False)
    application = models.ForeignKey(Application, models.PROTECT, related_name="sessions", verbose_name=_("application"))
    task = models.ForeignKey(
        "projects.Task", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("task")
    )
    surveyor = models.ForeignKey("accounts.User", models.PROTECT, related_name="+", verbose_name=_("surveyor"))
    survey_type = models.CharField(_("kind of survey"), max_length=20, choices=SurveyType)
    status = models.CharField(_("status"), max_length=12, choices=SessionStatus, default=SessionStatus.DRAFT)
    revision = models.IntegerField(_("revision"), default=0)  # how often it was returned
    started_at = models.DateTimeField(_("started"))
    start_latitude = models.FloatField(_("latitude of the start"))
    start_longitude = models.FloatField(_("longitude of the start"))
    start_accuracy = models.FloatField(_("accuracy of the start (m)"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end_latitude = models.FloatField(_("latitude of the end"), null=True, blank=True)
    end_longitude = models.FloatField(_("longitude of the end"), null=True, blank=True)
    end_accuracy = models.FloatField(_("accuracy of the end (m)"), null=True, blank=True)
    weather_conditions = models.CharField(_("weather"), max_length=200, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    client_metadata = models.JSONField(_("device"), default=dict, blank=True)
    client_quality_score = models.FloatField(_("quality (device)"), null=True, blank=True)
    declared_counts = models.JSONField(_("declared"), default=dict, blank=True)  # points, geometries, attachments
    quality_score = models.FloatField(_("quality"), null=True, editable=False)
    quality_breakdown = models.JSONField(_("quality in parts"), default=dict, editable=False)
    flags = models.JSONField(_("flags"), default=list, editable=False)  # codes
    findings = models.JSONField(default=list, editable=False)  # {code, level, …} of each flag
    content_hash = models.CharField(_("content hash"), max_length=64, blank=True, editable=False)
    submitted_at = models.DateTimeField(_("submitted"), null=True, editable=False)
    reviewer = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("reviewer")
    )
    review_started_at = models.DateTimeField(_("review begun"), null=True, editable=False)
    reviewed_at = models.DateTimeField(_("decided"), null=True, editable=False)
    review_reason = models.TextField(_("reason"), blank=True, editable=False)
    search_text = models.TextField(default="", editable=False)

    audit_entity = "session"
    audit_label = "session_number"
    sync_derived = (
        "session_number", "task_id", "surveyor_id", "status", "revision", "declared_counts", "quality_score",
        "quality_breakdown", "flags", "findings", "content_hash", "submitted_at", "reviewer_id", "review_started_at",
        "reviewed_at", "review_reason", "governorate_id", "district_id", "sub_district_id", "neighborhood_id",
    )  # fmt: skip

    class Meta:
        verbose_name = _("survey session")
        verbose_name_plural = _("survey sessions")
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "session_number"], name="session_number_once"),
            models.UniqueConstraint(
                fields=["organization", "application", "surveyor"],
                condition=Q(deleted_at=None, status__in=("draft", "active", "returned")),
                name="session_open_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-started_at", "-id"], condition=Q(deleted_at=None), name="session_newest"
            ),
            models.Index(
                fields=["organization", "status", "-started_at", "-id"],
                condition=Q(deleted_at=None),
                name="session_by_status",
            ),
            models.Index(
                fields=["organization", "surveyor", "-started_at", "-id"],
                condition=Q(deleted_at=None),
                name="session_of_surveyor",
            ),
            *_placed("session"),
        ]

    def __str__(self) -> str:
        return self.session_number


class Item(SyncedModel, Placed):
    """What points, geometries and attachments of a session share. `item_key` is the device's key for the row, kept as
    long as the row lives; `former_keys` are those whose data it took the place of (C73)."""

    item_key = models.CharField(max_length=200, blank=True, editable=False)
    former_keys = models.JSONField(default=list, editable=False)
    flags = models.JSONField(_("flags"), default=list, editable=False)  # codes
    findings = models.JSONField(default=list, editable=False)  # {code, level, …} of each flag

    class Meta:
        abstract = True


class SurveyPoint(Item):
    """A measured point: WGS 84 degrees, heights and accuracies in metres. `quality_flags` and `is_verified` are the
    device's claims; `receiver` is what else it says of the fix (isMocked, hdop, fixAge …); `raw` keeps latitude and
    longitude as they were written."""

    session = models.ForeignKey(SurveySession, models.PROTECT, related_name="points", verbose_name=_("session"))
    number = models.IntegerField(_("number"))
    latitude = models.FloatField(_("latitude"))
    longitude = models.FloatField(_("longitude"))
    raw = models.CharField(max_length=100, blank=True, editable=False)
    elevation = models.FloatField(_("height (m)"), null=True, blank=True)
    height_reference = models.CharField(_("height reference"), max_length=40, blank=True)
    horizontal_accuracy = models.FloatField(_("horizontal accuracy (m)"), null=True, blank=True)
    vertical_accuracy = models.FloatField(_("vertical accuracy (m)"), null=True, blank=True)
    gps_source = models.CharField(_("source"), max_length=20, choices=GpsSource)
    point_type = models.CharField(_("kind of point"), max_length=10, choices=PointType)
    feature_code = models.CharField(_("feature code"), max_length=60, blank=True)
    description = models.TextField(_("description"), blank=True)
    captured_at = models.DateTimeField(_("measured"))
    quality_flags = models.JSONField(_("flags (device)"), default=list, blank=True)
    is_verified = models.BooleanField(_("verified (device)"), default=False)
    receiver = models.JSONField(_("receiver"), default=dict, blank=True)
    quality = models.FloatField(_("quality"), null=True, editable=False)  # 0 to 1

    audit_entity = "point"
    audit_label = "number"
    sync_derived = (
        "session_id", "item_key", "former_keys", "flags", "findings", "raw", "quality", "governorate_id",
        "district_id", "sub_district_id", "neighborhood_id",
    )  # fmt: skip

    class Meta:
        verbose_name = _("survey point")
        verbose_name_plural = _("survey points")
        ordering = ["session", "number", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "session", "number"], condition=Q(deleted_at=None), name="point_number_once"
            ),
            models.UniqueConstraint(
                fields=["organization", "session", "item_key"], condition=~Q(item_key=""), name="point_key_once"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "latitude", "longitude"], name="point_by_place"),
            models.Index(fields=["organization", "captured_at"], name="point_by_time"),
            *_placed("point"),
        ]

    def __str__(self) -> str:
        return str(self.number)


class SurveyGeometry(Item):
    """A shape in WGS 84, its coordinates as GeoJSON has them (longitude first, outer rings counter-clockwise).

    `area` (m²), `perimeter`, `length` (m) and `area_uncertainty` (m²) are the server's geodesic measures, `client_…`
    the device's. `west` … `north` is the bounding box and `cell` the tile it is filed under: see `sessions.tiles`.
    """

    session = models.ForeignKey(SurveySession, models.PROTECT, related_name="geometries", verbose_name=_("session"))
    number = models.IntegerField(_("number"))
    geometry_type = models.CharField(_("kind of shape"), max_length=12, choices=GeometryType)
    coordinates = models.JSONField(_("coordinates"))
    properties = models.JSONField(_("properties"), default=dict, blank=True)
    feature_type = models.CharField(_("kind of feature"), max_length=10, choices=FeatureType)
    feature_code = models.CharField(_("feature code"), max_length=60, blank=True)
    description = models.TextField(_("description"), blank=True)
    client_area = models.FloatField(_("area (device, m²)"), null=True, blank=True)
    client_perimeter = models.FloatField(_("perimeter (device, m)"), null=True, blank=True)
    client_length = models.FloatField(_("length (device, m)"), null=True, blank=True)
    accuracy = models.FloatField(_("accuracy of the corners (m)"), null=True, blank=True)
    is_complete = models.BooleanField(_("complete"), default=True)
    is_closed = models.BooleanField(_("closed"), default=False)
    client_quality_score = models.FloatField(_("quality (device)"), null=True, blank=True)
    validation_flags = models.JSONField(_("flags (device)"), default=list, blank=True)
    started_at = models.DateTimeField(_("begun"), null=True, blank=True)
    completed_at = models.DateTimeField(_("finished"), null=True, blank=True)
    area = models.FloatField(_("area (m²)"), null=True, editable=False)
    perimeter = models.FloatField(_("perimeter (m)"), null=True, editable=False)
    length = models.FloatField(_("length (m)"), null=True, editable=False)
    area_uncertainty = models.FloatField(_("area uncertainty (m²)"), null=True, editable=False)
    west = models.FloatField(null=True, editable=False)
    south = models.FloatField(null=True, editable=False)
    east = models.FloatField(null=True, editable=False)
    north = models.FloatField(null=True, editable=False)
    cell = models.BigIntegerField(null=True, editable=False)

    audit_entity = "geometry"
    audit_label = "number"
    sync_derived = (
        "session_id", "item_key", "former_keys", "flags", "findings", "area", "perimeter", "length",
        "area_uncertainty", "west", "south", "east", "north", "cell", "governorate_id", "district_id",
        "sub_district_id", "neighborhood_id",
    )  # fmt: skip

    class Meta:
        verbose_name = _("survey geometry")
        verbose_name_plural = _("survey geometries")
        ordering = ["session", "number", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "session", "number"], condition=Q(deleted_at=None), name="geometry_number_once"
            ),
            models.UniqueConstraint(
                fields=["organization", "session", "item_key"], condition=~Q(item_key=""), name="geometry_key_once"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "cell"], condition=Q(deleted_at=None), name="geometry_by_cell"),
            *_placed("geometry"),
        ]

    def __str__(self) -> str:
        return str(self.number)
