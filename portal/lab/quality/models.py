"""Quality control in tables of its own: nothing here is a client's sample or result, nor enters compliance figures."""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.core.tenancy.models import TenantModel
from portal.lab.quality.choices import Basis, Kind, Reason, Verdict


def _amount(label: Any, **more: Any) -> "models.DecimalField[Decimal | None, Decimal | None]":
    return models.DecimalField(label, max_digits=40, decimal_places=20, null=True, blank=True, **more)


def _percent(label: Any) -> "models.DecimalField[Decimal | None, Decimal | None]":
    return models.DecimalField(label, max_digits=9, decimal_places=3, null=True, blank=True)


class ControlMaterial(TenantModel):
    """A reference material of one lot, measured again and again to see whether a method stays where it was."""

    name = models.CharField(_("name"), max_length=150)
    lot = models.CharField(_("lot"), max_length=60)
    supplier = models.CharField(_("supplier"), max_length=150, blank=True)
    expires_on = models.DateField(_("expires"), null=True, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    is_active = models.BooleanField(_("in use"), default=True)

    audit_entity = "control_material"

    class Meta:
        verbose_name = _("control material")
        verbose_name_plural = _("control materials")
        ordering = ["name", "lot", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name", "lot"], name="control_material_lot_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} · {self.lot}"


class ControlTarget(TenantModel):
    """What a control material holds of a parameter, in `unit`, and what its chart is drawn with.

    With basis `fixed` mean and SD are the assigned value and `sd`; with `period` both are computed from the results
    measured from `period_from` to `period_to`, both included. `uncertainty` is expanded (k = 2).
    """

    material = models.ForeignKey(ControlMaterial, models.CASCADE, related_name="targets", verbose_name=_("material"))
    parameter = models.ForeignKey("lab.Parameter", models.PROTECT, related_name="+", verbose_name=_("parameter"))
    unit = models.CharField(_("unit"), max_length=30)
    assigned = models.DecimalField(_("assigned value"), max_digits=40, decimal_places=20)
    uncertainty = _amount(_("expanded uncertainty (k = 2)"))
    sd = _amount(_("standard deviation"))
    basis = models.CharField(_("mean and SD"), max_length=6, choices=Basis, default=Basis.FIXED)
    period_from = models.DateField(_("period from"), null=True, blank=True)
    period_to = models.DateField(_("period until"), null=True, blank=True)

    audit_entity = "control_target"
    audit_label = "unit"

    class Meta:
        verbose_name = _("assigned value")
        verbose_name_plural = _("assigned values")
        ordering = ["parameter__code", "id"]
        constraints = [
            models.UniqueConstraint(fields=["material", "parameter"], name="control_target_once"),
            models.CheckConstraint(
                condition=Q(period_from__isnull=True) | Q(period_to__gte=F("period_from")),
                name="control_target_period_ordered",
            ),
            models.CheckConstraint(condition=Q(sd__isnull=True) | Q(sd__gt=0), name="control_target_sd_positive"),
        ]

    @property
    def fixed_sd(self) -> Decimal | None:
        """The standard deviation as given, else half of the expanded uncertainty."""
        if self.sd is not None:
            return self.sd
        return self.uncertainty / 2 if self.uncertainty else None


class AcceptanceCriterion(TenantModel):
    """When QC samples of a parameter are accepted, with one method or (`method` empty) with any. Percentages, but the
    limit of a blank, which is in `unit`."""

    parameter = models.ForeignKey("lab.Parameter", models.PROTECT, related_name="+", verbose_name=_("parameter"))
    method = models.CharField(_("method"), max_length=200, blank=True)
    blank_limit = _amount(_("highest blank"))
    unit = models.CharField(_("unit of the blank"), max_length=30, blank=True)
    max_rpd = _percent(_("highest relative difference (%)"))
    spike_low = _percent(_("lowest spike recovery (%)"))
    spike_high = _percent(_("highest spike recovery (%)"))
    control_low = _percent(_("lowest control recovery (%)"))
    control_high = _percent(_("highest control recovery (%)"))

    audit_entity = "acceptance_criterion"
    audit_label = "method"

    class Meta:
        verbose_name = _("acceptance criterion")
        verbose_name_plural = _("acceptance criteria")
        ordering = ["parameter__code", "method", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "parameter", "method"], name="acceptance_criterion_once"),
            models.CheckConstraint(
                condition=(Q(spike_low__isnull=True) | Q(spike_high__isnull=True) | Q(spike_low__lte=F("spike_high")))
                & (Q(control_low__isnull=True) | Q(control_high__isnull=True) | Q(control_low__lte=F("control_high"))),
                name="acceptance_criterion_ordered",
            ),
        ]


class QcResult(TenantModel):
    """One measurement of a QC sample, of a worksheet (`item`) or by itself, and what was made of it.

    `chart_value` is a control's value in the unit of its target. `added` is what a spike was given, `compared` the text
    of the value that it or a duplicate was compared with. `repeated`: the run was rejected and measured again; the
    value stays on the chart and no longer counts.
    """

    kind = models.CharField(_("kind"), max_length=9, choices=Kind)
    parameter = models.ForeignKey("lab.Parameter", models.PROTECT, related_name="+", verbose_name=_("parameter"))
    material = models.ForeignKey(
        ControlMaterial, models.PROTECT, null=True, blank=True, related_name="results", verbose_name=_("material")
    )
    item = models.ForeignKey("lab.WorksheetItem", models.PROTECT, null=True, blank=True, related_name="qc_results")
    measured_at = models.DateTimeField(_("analysed"))
    analyst_name = models.CharField(_("analyst"), max_length=150, blank=True)
    method = models.CharField(_("method"), max_length=200, blank=True)
    instrument = models.CharField(_("instrument"), max_length=150, blank=True)
    value_text = models.CharField(_("value"), max_length=64)
    qualifier = models.CharField(_("qualifier"), max_length=14, default="=")
    value = _amount(_("value as a number"), editable=False)
    censoring_limit = _amount(_("censoring limit"), editable=False)
    unit = models.CharField(_("unit"), max_length=30)
    chart_value = _amount(_("value on the chart"), editable=False)
    added = _amount(_("added amount"))
    compared = models.CharField(_("compared with"), max_length=64, blank=True)
    figure = _amount(_("figure"), editable=False)
    figure_to = _amount(_("figure up to"), editable=False)
    score = _amount(_("z-score"), editable=False)
    rules = models.JSONField(_("rules broken"), default=list, editable=False)
    verdict = models.CharField(_("verdict"), max_length=13, choices=Verdict, default=Verdict.NOT_EVALUATED)
    reason = models.CharField(_("reason"), max_length=13, choices=Reason, default=Reason.NO_CRITERION)
    repeated = models.BooleanField(_("repeated"), default=False)
    version = models.IntegerField(default=1, editable=False)
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", editable=False, verbose_name=_("entered by")
    )

    audit_entity = "qc_result"
    audit_label = "value_text"

    class Meta:
        verbose_name = _("QC result")
        verbose_name_plural = _("QC results")
        ordering = ["-measured_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["item", "parameter"], condition=Q(repeated=False), name="qc_result_once_per_cell"
            )
        ]
        indexes = [
            models.Index(fields=["organization", "-measured_at", "-id"], name="qc_result_recent"),
            models.Index(fields=["material", "parameter", "measured_at"], name="qc_result_chart"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value_text} {self.unit}"
