"""Forms and every schema that they were published with (specification 003, C47, C52)."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.common.models import SoftDeleted
from portal.core.tenancy.models import TenantModel


class Form(TenantModel, SoftDeleted):
    """What people are asked in a project. `version` counts its published schemas; 0 was never published.

    `schema_text` is the published schema as it was sent, `schema` the same parsed, `draft` one that is being worked on
    (empty: none). Written by `services` alone.
    """

    project = models.ForeignKey("projects.Project", models.PROTECT, related_name="forms", verbose_name=_("project"))
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    version = models.IntegerField(_("version"), default=1, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    schema = models.JSONField(_("schema"), default=dict, editable=False)
    schema_text = models.TextField(default="", editable=False)
    draft = models.TextField(_("draft"), default="", blank=True, editable=False)
    published_at = models.DateTimeField(_("published"), null=True, editable=False)
    metadata = models.TextField(_("further details"), null=True, blank=True)  # JSON as text; null: none
    languages = models.JSONField(_("languages"), default=list, blank=True)
    # `{"target": "sample" | "task", "fields": {target's field: form's field}}`; empty: creates nothing.
    mapping = models.JSONField(_("mapping"), default=dict, blank=True)
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    # Of numeric answers, for the outlier check: `{field: [count, mean, standard deviation]}`; refreshed by a job.
    statistics = models.JSONField(default=dict, editable=False)
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("created by")
    )
    search_text = models.TextField(default="", editable=False)

    audit_entity = "form"
    audit_ignored = ("schema_text", "statistics")

    class Meta:
        verbose_name = _("form")
        verbose_name_plural = _("forms")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["organization", "project", "-created_at", "-id"],
                condition=Q(deleted_at=None),
                name="form_of_project",
            ),
            models.Index(
                fields=["organization", "-created_at", "-id"], condition=Q(deleted_at=None), name="form_newest"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def published(self) -> bool:
        return self.version > 0


class FormVersion(TenantModel):
    """A schema as it was published. Answers that were checked against it stay readable by it."""

    form = models.ForeignKey(Form, models.CASCADE, related_name="versions", verbose_name=_("form"))
    version = models.IntegerField(_("version"))
    schema = models.JSONField(_("schema"))
    schema_text = models.TextField()
    mapping = models.JSONField(_("mapping"), default=dict)
    published_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("published by")
    )

    class Meta:
        verbose_name = _("version of a form")
        verbose_name_plural = _("versions of forms")
        ordering = ["-version", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "form", "version"], name="form_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.form_id} {self.version}"

    @property
    def fields(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.schema.get("fields", [])
        return found
