"""Administrative units, shared by all organisations and never changed: new boundaries are a new dataset.

Rows of the platform: everybody reads them, a platform scope alone writes them (row-level security of the migration).
"""

from typing import Any

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portal.core.common.models import Record


class Level(models.TextChoices):
    """From the widest to the narrowest."""

    GOVERNORATE = "governorate", _("Governorate")
    DISTRICT = "district", _("District")
    SUB_DISTRICT = "sub_district", _("Sub-district")
    NEIGHBORHOOD = "neighborhood", _("Neighbourhood")


class GeoDataset(Record):
    """One edition of boundaries. Decisions name the one they were made with; one at a time is in force."""

    class Status(models.TextChoices):
        LOADING = "loading", _("Being loaded")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    name = models.CharField(_("name"), max_length=120)
    version = models.CharField(_("edition"), max_length=60, db_column="edition")  # the log takes `version` for a number
    active = models.BooleanField(_("in force"), default=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.LOADING)
    credit = models.CharField(_("source and licence"), max_length=300, blank=True)
    progress = models.SmallIntegerField(_("progress (%)"), default=0)
    counts = models.JSONField(_("units"), default=dict)  # level -> {"units": n, "boundaries": n}
    faults = models.JSONField(_("errors"), default=list)  # [{"file", "feature", "message"}]

    audit_entity = "geo_dataset"
    audit_ignored = ("progress", "counts", "faults", "status")

    class Meta:
        verbose_name = _("boundary dataset")
        verbose_name_plural = _("boundary datasets")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="geodataset_edition_once"),
            models.UniqueConstraint(fields=["active"], condition=models.Q(active=True), name="geodataset_one_in_force"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class GeoUnit(Record):
    """A governorate or a part of one, under its P-code. The same place has the same code in every dataset.

    `boundary` is WKB in WGS 84 (degrees); of a unit whose parts have boundaries it is their union, so that levels never
    disagree. Neighbourhoods usually have a name alone.
    """

    dataset = models.ForeignKey(GeoDataset, models.PROTECT, related_name="units", db_index=False)
    level = models.CharField(_("level"), max_length=12, choices=Level)
    code = models.CharField(_("code"), max_length=40)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="parts", verbose_name=_("part of"))
    name_en = models.CharField(_("English name"), max_length=200)
    name_ar = models.CharField(_("Arabic name"), max_length=200, blank=True)
    search_text = models.TextField(editable=False)
    iso_code = models.CharField(_("ISO 3166-2 code"), max_length=6, blank=True)
    boundary = models.BinaryField(null=True)
    has_boundary = models.BooleanField(_("has a boundary"), default=False)
    west = models.FloatField(null=True)
    south = models.FloatField(null=True)
    east = models.FloatField(null=True)
    north = models.FloatField(null=True)

    class Meta:
        verbose_name = _("administrative unit")
        verbose_name_plural = _("administrative units")
        ordering = ["code", "id"]
        constraints = [models.UniqueConstraint(fields=["dataset", "code"], name="geounit_code_once")]
        indexes = [
            models.Index(fields=["dataset", "level", "name_en"], name="geounit_by_level"),
            models.Index(fields=["code"], name="geounit_by_code"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """In the language of the page, else English."""
        return str((self.name_ar if (get_language() or "en").startswith("ar") else "") or self.name_en)

    @property
    def bbox(self) -> list[float] | None:
        """West, south, east, north in degrees."""
        box: list[Any] = [self.west, self.south, self.east, self.north]
        return None if None in box else box
