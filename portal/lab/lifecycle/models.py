"""What is kept of a sample's life beside the sample: its steps, who had it, what is to be analysed, what again."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.tenancy.models import TenantModel
from portal.lab.choices import SampleStatus


class SampleStep(TenantModel):
    """One change of status, whoever or whatever made it. Added with the sample, never changed."""

    sample = models.ForeignKey("lab.Sample", models.CASCADE, related_name="steps", verbose_name=_("sample"))
    source = models.CharField(_("from"), max_length=12, choices=SampleStatus, blank=True)  # empty: it came like that
    target = models.CharField(_("to"), max_length=12, choices=SampleStatus)
    at = models.DateTimeField(_("when"))
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("by"))
    reason = models.CharField(_("reason"), max_length=1000, blank=True)
    device = models.CharField(_("device"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("step of a sample")
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["sample", "at"], name="sample_step_by_sample")]

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


class CustodyEntry(TenantModel):
    """Who had the sample, when, where, in which condition. Append-only: a mistake is answered by another entry."""

    class Kind(models.TextChoices):
        HANDED_OVER = "handed_over", _("Handed over")
        RECEIVED = "received", _("Received by the laboratory")
        STORED = "stored", _("Stored")
        DISPOSED = "disposed", _("Disposed of")
        NOTE = "note", _("Remark or correction")

    class Condition(models.TextChoices):
        INTACT = "intact", _("Intact")
        LEAKING = "leaking", _("Leaking")
        BROKEN = "broken", _("Broken")
        TOO_WARM = "too_warm", _("Too warm")
        INSUFFICIENT = "insufficient", _("Too little")
        UNLABELLED = "unlabelled", _("Without a label")
        OTHER = "other", _("Other")

    sample = models.ForeignKey("lab.Sample", models.PROTECT, related_name="custody", verbose_name=_("sample"))
    kind = models.CharField(_("what happened"), max_length=12, choices=Kind)
    at = models.DateTimeField(_("when"))
    given_by = models.CharField(_("handed over by"), max_length=150, blank=True)
    taken_by = models.CharField(_("taken over by"), max_length=150, blank=True)
    place = models.CharField(_("place"), max_length=200, blank=True)
    condition = models.CharField(_("condition"), max_length=12, choices=Condition, blank=True)
    temperature = models.DecimalField(
        _("temperature (°C)"),
        max_digits=4,
        decimal_places=1,
        null=True,
        blank=True,
        validators=[MinValueValidator(-100), MaxValueValidator(100)],
    )
    container = models.CharField(_("container"), max_length=150, blank=True)
    note = models.TextField(_("remark"), blank=True)
    recorded_by = models.ForeignKey(
        "accounts.User", models.PROTECT, related_name="+", editable=False, verbose_name=_("recorded by")
    )

    audit_entity = "custody"
    audit_label = "kind"

    class Meta:
        verbose_name = _("entry of the chain of custody")
        verbose_name_plural = _("chain of custody")
        ordering = ["at", "created_at", "id"]
        indexes = [models.Index(fields=["sample", "at"], name="custody_by_sample")]

    def __str__(self) -> str:
        return self.get_kind_display()


class Retest(TenantModel):
    """That a result is to be measured again, and why. The result that names it in `replaces` answers it."""

    result = models.ForeignKey("lab.Result", models.PROTECT, related_name="retests", verbose_name=_("result"))
    reason = models.CharField(_("reason"), max_length=500)
    requested_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+", verbose_name=_("requested by"))
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("withdrawn by")
    )

    audit_entity = "retest"
    audit_label = "reason"

    class Meta:
        verbose_name = _("retest")
        verbose_name_plural = _("retests")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["result"], condition=Q(withdrawn_at=None), name="retest_open_once")
        ]

    def __str__(self) -> str:
        return self.reason


class RequestedAnalysis(TenantModel):
    """That a parameter is to be measured in a sample: what holding times run for before there is a result."""

    sample = models.ForeignKey("lab.Sample", models.CASCADE, related_name="requests", verbose_name=_("sample"))
    parameter = models.ForeignKey("lab.Parameter", models.PROTECT, related_name="+", verbose_name=_("parameter"))
    # A culture begins a day before there is a result to enter.
    started_at = models.DateTimeField(_("begun"), null=True, blank=True)

    audit_entity = "requested_analysis"
    audit_label = "parameter_id"

    class Meta:
        verbose_name = _("requested analysis")
        verbose_name_plural = _("requested analyses")
        ordering = ["sample", "parameter", "id"]
        constraints = [models.UniqueConstraint(fields=["sample", "parameter"], name="requested_analysis_once")]

    def __str__(self) -> str:
        return str(self.parameter_id)
