"""The planned programme of sampling points, and what an organisation says of shared parameters."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.core.tenancy.models import TenantModel


class Frequency(models.TextChoices):
    """Each is a calendar's own: weeks begin on Monday; `times_per_year` shares out the days of a year evenly."""

    DAILY = "daily", _("Daily")
    WEEKLY = "weekly", _("Weekly")
    MONTHLY = "monthly", _("Monthly")
    QUARTERLY = "quarterly", _("Quarterly")
    YEARLY = "yearly", _("Yearly")
    TIMES_PER_YEAR = "times_per_year", _("Several times a year")


class ProgrammeItem(TenantModel):
    """That a point is sampled for some parameters again and again. What falls due is derived, never stored
    (`points.selectors`)."""

    point = models.ForeignKey(
        "lab.SamplingPoint", models.PROTECT, related_name="programme", verbose_name=_("sampling point")
    )
    group = models.CharField(_("group of parameters"), max_length=40, blank=True)
    codes = models.JSONField(_("parameters"), default=list, blank=True)  # beside those of the group
    frequency = models.CharField(_("how often"), max_length=16, choices=Frequency, default=Frequency.MONTHLY)
    times = models.SmallIntegerField(_("times a year"), default=1)
    months = models.JSONField(_("months"), default=list, blank=True)  # 1 to 12; empty: the whole year
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"), null=True, blank=True)  # the last day
    assignee = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by whom")
    )
    notes = models.TextField(_("notes"), blank=True)
    is_active = models.BooleanField(_("in use"), default=True)

    audit_entity = "programme"
    audit_label = "frequency"

    class Meta:
        verbose_name = _("planned sampling")
        verbose_name_plural = _("programme")
        ordering = ["point__name", "starts_on", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(times__gte=1, times__lte=365), name="programme_times_in_a_year"),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(starts_on__lte=F("ends_on")), name="programme_period_ordered"
            ),
        ]
        indexes = [models.Index(fields=["organization", "point"], name="programme_by_point")]

    def __str__(self) -> str:
        return f"{self.get_frequency_display()} {self.group} {' '.join(self.codes)}".strip()


class ParameterRange(TenantModel):
    """What an organisation holds plausible, and how long a sample keeps, in place of a shared parameter's own."""

    parameter = models.ForeignKey("lab.Parameter", models.CASCADE, related_name="ranges", verbose_name=_("parameter"))
    minimum = models.DecimalField(_("lowest plausible value"), max_digits=30, decimal_places=12, null=True, blank=True)
    maximum = models.DecimalField(_("highest plausible value"), max_digits=30, decimal_places=12, null=True, blank=True)
    holding_hours = models.SmallIntegerField(_("holding time (h)"), null=True, blank=True)

    note = models.CharField(_("note"), max_length=200, blank=True)  # why it differs

    audit_entity = "parameter"
    audit_label = "note"

    class Meta:
        verbose_name = _("range of a parameter")
        constraints = [
            models.UniqueConstraint(fields=["organization", "parameter"], name="parameter_range_once"),
            models.CheckConstraint(
                condition=Q(minimum__isnull=True) | Q(maximum__isnull=True) | Q(minimum__lt=F("maximum")),
                name="parameter_range_ordered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.minimum} {self.maximum}"
