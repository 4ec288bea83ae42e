"""Organisations, and the base of every model that belongs to one."""

import zoneinfo

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from portal.core.common.models import Record, SoftDeleted


def validate_time_zone(value: str) -> None:
    if value not in zoneinfo.available_timezones():
        raise ValidationError(_("%(value)s is not a time zone"), params={"value": value})


class Organization(Record, SoftDeleted):
    """A tenant: laboratory, agency or company."""

    class Kind(models.TextChoices):
        LABORATORY = "lab", _("Laboratory")
        AGENCY = "agency", _("Agency")
        COMPANY = "company", _("Company")

    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.LABORATORY)
    description = models.TextField(_("description"), blank=True)
    address = models.CharField(_("address"), max_length=300, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=100, blank=True)
    phone = models.CharField(_("phone"), max_length=50, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    website = models.URLField(_("website"), blank=True)
    logo_url = models.URLField(_("logo"), blank=True)
    domain = models.CharField(_("domain"), max_length=253, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_time_zone])
    language = models.CharField(
        _("language"),
        max_length=2,
        default="en",
        choices=[("ar", _("Arabic")), ("fr", _("French")), ("en", _("English"))],
    )
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    version = models.BigIntegerField(default=1, editable=False)

    audit_entity = "organization"
    audit_organization_column = "id"

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class TenantModel(Record):
    """Rows of one organisation. `objects` raises outside a scope; row-level security hides the rest anyway."""

    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", editable=False, db_index=False, verbose_name=_("organisation")
    )

    objects = ScopedManager(organization="organization")

    class Meta:
        abstract = True


class Counter(TenantModel):
    """The last number given out for a kind of document, `S-2026` for samples of 2026."""

    key = models.CharField(max_length=40)
    value = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="counter_one_per_key")]
