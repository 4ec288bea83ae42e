"""Chart views, and what tells how often the submissions of a form have changed."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.collect.charts.choices import ChartType
from portal.collect.forms.models import Form
from portal.core.common.models import SoftDeleted
from portal.core.tenancy.models import TenantModel


class View(TenantModel, SoftDeleted):
    """A saved question to the submissions of one form. `config` is what a client sent, `formId` among it; it is checked
    against the form whenever figures are asked for. Written by `services` alone."""

    project = models.ForeignKey("projects.Project", models.PROTECT, related_name="views", verbose_name=_("project"))
    form = models.ForeignKey(Form, models.PROTECT, db_index=False, related_name="views", verbose_name=_("form"))
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    chart_type = models.CharField(_("kind"), max_length=10, choices=ChartType)
    config = models.JSONField(_("definition"))
    metadata = models.TextField(_("further details"), null=True, blank=True)  # JSON as text; null: none
    version = models.BigIntegerField(default=1, editable=False)
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("created by")
    )
    search_text = models.TextField(default="", editable=False)

    audit_entity = "view"

    class Meta:
        verbose_name = _("view")
        verbose_name_plural = _("views")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["organization", "project", "-created_at", "-id"],
                condition=Q(deleted_at=None),
                name="view_of_project",
            ),
            models.Index(
                fields=["organization", "-created_at", "-id"], condition=Q(deleted_at=None), name="view_newest"
            ),
            models.Index(fields=["organization", "form"], condition=Q(deleted_at=None), name="view_of_form"),
        ]

    def __str__(self) -> str:
        return self.name


class SubmissionTally(TenantModel):
    """Changes of a form's submissions, counted by a trigger on their table; the sum over `shard` is the data version.

    Each connection has a shard of its own (nearly), so that no writer waits for another one.
    """

    form = models.ForeignKey(Form, models.CASCADE, db_index=False, related_name="+")
    shard = models.SmallIntegerField()
    changes = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "form", "shard"], name="submission_tally_once")]

    def __str__(self) -> str:
        return f"{self.form_id} {self.shard}"
