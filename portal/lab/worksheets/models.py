"""Worksheets: samples and QC samples in the order in which they are measured, and the parameters measured in them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.tenancy.models import TenantModel
from portal.lab.quality.choices import Kind as QcKind
from portal.lab.quality.models import ControlMaterial

PEOPLE = "accounts.User"


class Worksheet(TenantModel):
    """One run of a method by one analyst. `control` says what its QC samples found; out of control it needs a decision
    before somebody else may verify it."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        COMPLETED = "completed", _("Completed")
        VERIFIED = "verified", _("Verified")

    class Control(models.TextChoices):
        NONE = "none", _("No QC result")
        IN_CONTROL = "in_control", _("In control")
        WARNING = "warning", _("In control with a warning")
        OUT_OF_CONTROL = "out_of_control", _("Out of control")

    class Decision(models.TextChoices):
        ACCEPT = "accept", _("Accepted nevertheless")
        REPEAT = "repeat", _("Measured again")

    number = models.CharField(_("number"), max_length=30)
    method = models.CharField(_("method"), max_length=150)
    edition = models.CharField(_("edition of the method"), max_length=40, blank=True)
    analyst = models.ForeignKey(PEOPLE, models.PROTECT, related_name="+", verbose_name=_("analyst"))
    instrument = models.CharField(_("instrument"), max_length=150, blank=True)
    analysed_at = models.DateTimeField(_("analysed"), null=True, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.OPEN)
    control = models.CharField(_("quality control"), max_length=14, choices=Control, default=Control.NONE)
    decision = models.CharField(_("decision"), max_length=6, choices=Decision, blank=True)
    decision_reason = models.CharField(_("reason of the decision"), max_length=500, blank=True)
    decided_by = models.ForeignKey(PEOPLE, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by"))
    decided_at = models.DateTimeField(_("decided"), null=True)
    completed_by = models.ForeignKey(
        PEOPLE, models.PROTECT, null=True, related_name="+", verbose_name=_("completed by")
    )
    completed_at = models.DateTimeField(_("completed"), null=True)
    verified_by = models.ForeignKey(PEOPLE, models.PROTECT, null=True, related_name="+", verbose_name=_("verified by"))
    verified_at = models.DateTimeField(_("verified"), null=True)
    created_by = models.ForeignKey(
        PEOPLE, models.PROTECT, null=True, related_name="+", editable=False, verbose_name=_("created by")
    )
    version = models.IntegerField(default=1, editable=False)

    audit_entity = "worksheet"
    audit_label = "number"

    class Meta:
        verbose_name = _("worksheet")
        verbose_name_plural = _("worksheets")
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["organization", "number"], name="worksheet_number_once")]
        indexes = [models.Index(fields=["organization", "status", "-created_at"], name="worksheet_by_status")]

    def __str__(self) -> str:
        return self.number

    @property
    def full_method(self) -> str:
        """The method as it stands at every result."""
        return f"{self.method} ({self.edition})" if self.edition else self.method


class WorksheetColumn(TenantModel):
    """A parameter of a worksheet, and the unit in which its values are written there."""

    worksheet = models.ForeignKey(Worksheet, models.CASCADE, related_name="columns")
    parameter = models.ForeignKey("lab.Parameter", models.PROTECT, related_name="+", verbose_name=_("parameter"))
    unit = models.CharField(_("unit"), max_length=30)
    position = models.SmallIntegerField(_("position"))

    audit_entity = "worksheet_column"
    audit_label = "unit"

    class Meta:
        verbose_name = _("parameter of a worksheet")
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["worksheet", "parameter"], name="worksheet_column_once")]


class WorksheetItem(TenantModel):
    """A position of a worksheet: a sample, or a QC sample. Duplicates and spikes name the sample they were made of,
    controls their material; `added` is what a spike was given, by the id of the parameter, in the column's unit."""

    class Kind(models.TextChoices):
        BLANK = QcKind.BLANK.value, QcKind.BLANK.label
        DUPLICATE = QcKind.DUPLICATE.value, QcKind.DUPLICATE.label
        SPIKE = QcKind.SPIKE.value, QcKind.SPIKE.label
        CONTROL = QcKind.CONTROL.value, QcKind.CONTROL.label
        SAMPLE = "sample", _("Sample")

    worksheet = models.ForeignKey(Worksheet, models.CASCADE, related_name="items")
    position = models.SmallIntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=9, choices=Kind)
    sample = models.ForeignKey("lab.Sample", models.PROTECT, null=True, related_name="+", verbose_name=_("sample"))
    material = models.ForeignKey(
        ControlMaterial, models.PROTECT, null=True, related_name="+", verbose_name=_("material")
    )
    added = models.JSONField(_("added amounts"), default=dict)

    audit_entity = "worksheet_item"
    audit_label = "kind"

    class Meta:
        verbose_name = _("position of a worksheet")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["worksheet", "sample"], condition=Q(kind="sample"), name="worksheet_sample_once"
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["sample", "duplicate", "spike"]) | Q(sample__isnull=False),
                name="worksheet_item_has_sample",
            ),
            models.CheckConstraint(
                condition=~Q(kind="control") | Q(material__isnull=False), name="worksheet_item_has_material"
            ),
        ]


class WorksheetEntry(TenantModel):
    """Which result was entered through a cell. `again`: the run was rejected, the next value becomes a new result that
    replaces this one."""

    item = models.ForeignKey(WorksheetItem, models.CASCADE, related_name="entries")
    parameter = models.ForeignKey("lab.Parameter", models.PROTECT, related_name="+")
    result = models.ForeignKey("lab.Result", models.PROTECT, related_name="+")
    again = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "parameter"], name="worksheet_entry_once")]
