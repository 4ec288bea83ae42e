"""Assigned areas, refusals because of them, and the columns by which records say where they lie."""

from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.core.common import clock
from portal.core.common.models import SoftDeleted
from portal.core.geo.models import GeoUnit
from portal.core.geo.units import Place
from portal.core.tenancy.models import TenantModel

LEVELS = ("governorate", "district", "sub_district", "neighborhood")


def _unit(label: Any, **more: Any) -> Any:
    return models.ForeignKey(GeoUnit, models.PROTECT, related_name="+", verbose_name=label, **more)


class GeoAssignment(TenantModel, SoftDeleted):
    """A person may work in one unit and all its parts, from `valid_from` until before `valid_to`.

    A null level means all of the level above. A deleted assignment ended at `deleted_at`; it stays, because what was
    captured before is judged by it.
    """

    user = models.ForeignKey(
        "accounts.User", models.PROTECT, related_name="geographic_assignments", verbose_name=_("person")
    )
    governorate = _unit(_("governorate"))
    district = _unit(_("district"), null=True, blank=True)
    sub_district = _unit(_("sub-district"), null=True, blank=True)
    neighborhood = _unit(_("neighbourhood"), null=True, blank=True)
    code = models.CharField(_("code"), max_length=40, editable=False)  # of the narrowest of the four
    valid_from = models.DateTimeField(_("from"), default=clock.now)
    valid_to = models.DateTimeField(_("until"), null=True, blank=True)
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("assigned by")
    )

    audit_entity = "geo_assignment"
    audit_label = "code"

    class Meta:
        verbose_name = _("assigned area")
        verbose_name_plural = _("assigned areas")
        ordering = ["user__name", "code", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_from__lt=F("valid_to")),
                name="geoassignment_period_ordered",
            ),
            models.CheckConstraint(
                condition=(Q(sub_district__isnull=True) | Q(district__isnull=False))
                & (Q(neighborhood__isnull=True) | Q(sub_district__isnull=False)),
                name="geoassignment_levels_nested",
            ),
            models.UniqueConstraint(
                fields=["organization", "user", "code"],
                condition=Q(deleted_at=None, valid_to=None),
                name="geoassignment_open_once",
            ),
        ]
        indexes = [models.Index(fields=["organization", "user"], name="geoassignment_by_user")]

    def __str__(self) -> str:
        return self.code

    @property
    def unit_id(self) -> UUID:
        """The narrowest of the four."""
        found: UUID = self.neighborhood_id or self.sub_district_id or self.district_id or self.governorate_id
        return found

    @property
    def unit(self) -> GeoUnit:
        found: GeoUnit = self.neighborhood or self.sub_district or self.district or self.governorate
        return found

    @property
    def ends(self) -> Any:
        """When it ends or ended: the earlier of `valid_to` and its deletion; None for an open one."""
        return min((moment for moment in (self.valid_to, self.deleted_at) if moment), default=None)


class GeoDecision(TenantModel):
    """A refusal because of the place: what was asked, by whom, and what the boundaries of that moment said.

    `allowed` names the units (codes) that the person had then. Never judged anew when boundaries change.
    """

    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="+", verbose_name=_("person"))
    device = models.CharField(_("device"), max_length=200, blank=True)
    session_id = models.UUIDField(null=True)
    application_id = models.UUIDField(null=True)
    rule = models.CharField(_("rule"), max_length=30)
    latitude = models.FloatField(_("latitude"), null=True)
    longitude = models.FloatField(_("longitude"), null=True)
    accuracy = models.FloatField(_("accuracy (m)"), null=True)
    margin = models.FloatField(_("margin (m)"), default=0)
    distance_outside_m = models.FloatField(_("outside by (m)"), null=True)
    nearest_unit = _unit(_("nearest area"), null=True)
    allowed = models.JSONField(default=list)
    dataset_id = models.UUIDField(null=True)
    dataset_version = models.CharField(_("boundaries"), max_length=60, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    captured_at = models.DateTimeField(_("captured"), null=True)

    class Meta:
        verbose_name = _("refusal because of the area")
        verbose_name_plural = _("refusals because of the area")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["organization", "-created_at"], name="geodecision_recent"),
            models.Index(fields=["organization", "user", "-created_at"], name="geodecision_by_user"),
        ]

    def __str__(self) -> str:
        return self.rule


class Located(models.Model):
    """Columns of a record that lies somewhere: the units it lies in, written with it by `put`, read by `Scope.q`.

    Add indexes (organization, governorate), (organization, district), (organization, sub_district) in the model.
    """

    governorate = _unit(_("governorate"), null=True, db_index=False)
    district = _unit(_("district"), null=True, db_index=False)
    sub_district = _unit(_("sub-district"), null=True, db_index=False)

    class Meta:
        abstract = True

    def put(self, place: Place) -> None:
        """Take over the units of `units.locate`."""
        self.governorate_id, self.district_id = place.governorate, place.district
        self.sub_district_id = place.sub_district
