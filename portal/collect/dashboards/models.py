"""Dashboards and what stands on them."""

from typing import Final

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.collect.charts.models import View
from portal.core.common.models import SoftDeleted
from portal.core.tenancy.models import TenantModel

COLUMNS: Final = 12
MOST_ROWS: Final = 500


class Dashboard(TenantModel, SoftDeleted):
    """Chart views on a grid of 12 columns, of one project or of none. `metadata` may say `theme` (light, dark) and
    `refreshInterval` (seconds). Written by `services` alone."""

    project = models.ForeignKey(
        "projects.Project", models.PROTECT, null=True, blank=True, related_name="dashboards", verbose_name=_("project")
    )
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    metadata = models.TextField(_("further details"), null=True, blank=True)  # JSON as text; null: none
    version = models.BigIntegerField(default=1, editable=False)
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("created by")
    )
    search_text = models.TextField(default="", editable=False)

    audit_entity = "dashboard"

    class Meta:
        verbose_name = _("dashboard")
        verbose_name_plural = _("dashboards")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["organization", "-created_at", "-id"], condition=Q(deleted_at=None), name="dashboard_newest"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DashboardWidget(TenantModel):
    """A view at a place: `x` counts columns from the side at which reading begins, `y` rows from the top."""

    dashboard = models.ForeignKey(Dashboard, models.CASCADE, related_name="widgets", verbose_name=_("dashboard"))
    view = models.ForeignKey(View, models.CASCADE, related_name="widgets", verbose_name=_("view"))
    x = models.SmallIntegerField(_("column"), default=0)
    y = models.SmallIntegerField(_("row"), default=0)
    w = models.SmallIntegerField(_("width"), default=6)
    h = models.SmallIntegerField(_("height"), default=4)
    metadata = models.TextField(_("further details"), null=True, blank=True)  # JSON as text; null: none

    audit_entity = "dashboard_widget"
    audit_label = "view_id"

    class Meta:
        verbose_name = _("widget")
        verbose_name_plural = _("widgets")
        ordering = ["y", "x", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(x__gte=0, w__gte=1, x__lte=COLUMNS - F("w")), name="dashboard_widget_in_columns"
            ),
            models.CheckConstraint(
                condition=Q(y__gte=0, h__gte=1, h__lte=COLUMNS, y__lte=MOST_ROWS), name="dashboard_widget_in_rows"
            ),
        ]
        indexes = [models.Index(fields=["organization", "dashboard", "y", "x"], name="dashboard_widget_order")]

    def __str__(self) -> str:
        return f"{self.x}, {self.y}"
