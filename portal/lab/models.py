"""Samples, results, parameters, standards and their limits, compliance reports (specification 001)."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portal.core.common.models import Record
from portal.core.sync.models import SyncedModel
from portal.core.tenancy.models import Organization, TenantModel
from portal.lab.choices import Compliance, LimitKind, Matrix, SampleStatus, SampleType, StandardRole

LANGUAGES = [("ar", _("Arabic")), ("fr", _("French")), ("en", _("English"))]


def _named(row: "Parameter | Standard") -> str:
    """The name in the language of the page, else English."""
    return str(getattr(row, f"name_{(get_language() or 'en')[:2]}", "") or row.name_en)


class SharedModel(Record):
    """Rows of the platform (no organisation) that all may read, beside an organisation's own."""

    organization = models.ForeignKey(
        Organization, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )

    class Meta:
        abstract = True


class Parameter(SharedModel):
    """An analyte or property. `minimum` and `maximum` are plausibility in `unit`: outside, input is refused."""

    code = models.CharField(_("code"), max_length=30)
    cas = models.CharField(_("CAS number"), max_length=20, blank=True)
    group = models.CharField(_("group"), max_length=40, blank=True)
    name_en = models.CharField(_("English name"), max_length=200)
    name_fr = models.CharField(_("French name"), max_length=200, blank=True)
    name_ar = models.CharField(_("Arabic name"), max_length=200, blank=True)
    aliases = models.JSONField(_("other names"), default=list, blank=True)
    unit = models.CharField(_("unit"), max_length=30)
    species = models.CharField(_("expressed as"), max_length=20, blank=True)
    decimals = models.SmallIntegerField(_("decimals"), null=True, blank=True)
    minimum = models.DecimalField(_("lowest plausible value"), max_digits=30, decimal_places=12, null=True, blank=True)
    maximum = models.DecimalField(_("highest plausible value"), max_digits=30, decimal_places=12, null=True, blank=True)
    typical_loq = models.CharField(_("usual limit of quantification"), max_length=60, blank=True)
    methods = models.TextField(_("methods"), blank=True)
    # From sampling to the start of the analysis; later is flagged.
    holding_hours = models.SmallIntegerField(_("holding time (h)"), null=True, blank=True)
    members = models.JSONField(_("members of the sum"), default=list, blank=True)  # codes of what a sum adds up
    is_active = models.BooleanField(_("in use"), default=True)

    audit_entity = "parameter"
    audit_label = "code"

    class Meta:
        verbose_name = _("parameter")
        verbose_name_plural = _("parameters")
        ordering = ["code", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="parameter_code_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return _named(self)


class Standard(SharedModel):
    """One edition of a norm. A new edition is a new row; old verdicts keep the one they used."""

    key = models.CharField(_("key"), max_length=20)
    edition = models.CharField(_("edition"), max_length=40)
    reference = models.CharField(_("reference"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=200)
    name_fr = models.CharField(_("French name"), max_length=200, blank=True)
    name_ar = models.CharField(_("Arabic name"), max_length=200, blank=True)
    role = models.CharField(_("role"), max_length=12, choices=StandardRole)
    position = models.SmallIntegerField(default=0)
    effective_from = models.DateField(_("in force from"), null=True, blank=True)
    effective_to = models.DateField(_("in force until"), null=True, blank=True)  # the first day without it

    audit_entity = "standard"
    audit_label = "reference"

    class Meta:
        verbose_name = _("standard")
        verbose_name_plural = _("standards")
        ordering = ["position", "key", "edition", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "key", "edition"], name="standard_edition_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(effective_to__isnull=True) | Q(effective_from__lt=F("effective_to")),
                name="standard_period_ordered",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def name(self) -> str:
        return _named(self)


class Limit(SharedModel):
    """What a standard says of a parameter in one kind of water, in `unit`, during its effective dates."""

    standard = models.ForeignKey(Standard, models.CASCADE, related_name="limits")
    parameter = models.ForeignKey(Parameter, models.CASCADE, related_name="limits")
    matrix = models.CharField(_("kind of water"), max_length=20, choices=Matrix, default=Matrix.DRINKING)
    kind = models.CharField(_("kind"), max_length=16, choices=LimitKind)
    lower = models.DecimalField(_("lower limit"), max_digits=30, decimal_places=12, null=True, blank=True)
    upper = models.DecimalField(_("upper limit"), max_digits=30, decimal_places=12, null=True, blank=True)
    guidance = models.DecimalField(_("guidance value"), max_digits=30, decimal_places=12, null=True, blank=True)
    unit = models.CharField(_("unit"), max_length=30)
    strict = models.BooleanField(_("strict"), default=False)  # the limit itself already fails
    provisional = models.BooleanField(_("provisional"), default=False)
    confidence = models.CharField(_("source"), max_length=1, blank=True)  # P primary, S secondary, O older, M memory
    note = models.TextField(_("note"), blank=True)
    clause = models.CharField(_("clause"), max_length=120, blank=True)
    effective_from = models.DateField(_("in force from"), null=True, blank=True)
    effective_to = models.DateField(_("in force until"), null=True, blank=True)

    audit_entity = "standard"
    audit_label = "kind"

    class Meta:
        verbose_name = _("limit")
        ordering = ["standard", "parameter", "matrix", "effective_from", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "standard", "parameter", "matrix", "effective_from"],
                name="limit_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(lower__isnull=True) | Q(upper__isnull=True) | Q(lower__lte=F("upper")), name="limit_ordered"
            ),
            models.CheckConstraint(
                condition=Q(effective_to__isnull=True)
                | Q(effective_from__isnull=True)
                | Q(effective_from__lt=F("effective_to")),
                name="limit_period_ordered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.lower or ''}..{self.upper or ''} {self.unit}"


class LimitConfirmation(TenantModel):
    """That somebody of the organisation has compared a provisional limit with the text of the standard."""

    limit = models.ForeignKey(Limit, models.CASCADE, related_name="confirmations", verbose_name=_("limit"))
    clause = models.CharField(_("clause"), max_length=120)
    note = models.TextField(_("note"), blank=True)
    confirmed_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+", verbose_name=_("confirmed by"))

    audit_entity = "standard"
    audit_label = "clause"

    class Meta:
        verbose_name = _("confirmation of a limit")
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["organization", "limit"], name="limit_confirmed_once")]

    def __str__(self) -> str:
        return self.clause


class StandardChoice(TenantModel):
    """That an organisation gives a standard another role or place on reports than its own; `role` empty: not used."""

    key = models.CharField(_("standard"), max_length=20)
    role = models.CharField(_("role"), max_length=12, choices=StandardRole, blank=True)
    position = models.SmallIntegerField(_("place on reports"), null=True, blank=True)

    audit_entity = "standard"
    audit_label = "key"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="standard_choice_once")]


class SamplingPoint(TenantModel):
    """Where samples are taken."""

    code = models.CharField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=200)
    type = models.CharField(_("kind of water"), max_length=20, choices=SampleType)
    city = models.CharField(_("city"), max_length=100, blank=True)
    latitude = models.FloatField(_("latitude"), null=True, blank=True)
    longitude = models.FloatField(_("longitude"), null=True, blank=True)
    population = models.IntegerField(_("people served"), null=True, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    is_active = models.BooleanField(_("in use"), default=True)
    search_text = models.TextField(default="", editable=False)  # `points.services.search_text`

    audit_entity = "sampling_point"

    class Meta:
        verbose_name = _("sampling point")
        verbose_name_plural = _("sampling points")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="sampling_point_code_once"),
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(latitude__gte=-90, latitude__lte=90, longitude__gte=-180, longitude__lte=180),
                name="sampling_point_on_earth",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "longitude", "latitude"], name="sampling_point_by_place"),
        ]

    def __str__(self) -> str:
        return self.name


class Sample(SyncedModel):
    """A portion of water taken at a place and a time. Its compliance is computed from its results."""

    code = models.CharField(_("code"), max_length=60)
    type = models.CharField(_("kind of water"), max_length=20, choices=SampleType)
    location = models.CharField(_("location"), max_length=300)
    sampling_point = models.ForeignKey(
        SamplingPoint, models.PROTECT, null=True, blank=True, related_name="samples", verbose_name=_("sampling point")
    )
    latitude = models.FloatField(
        _("latitude"), null=True, blank=True, validators=[MinValueValidator(-90), MaxValueValidator(90)]
    )
    longitude = models.FloatField(
        _("longitude"), null=True, blank=True, validators=[MinValueValidator(-180), MaxValueValidator(180)]
    )
    collection_date = models.DateTimeField(_("taken"))
    received_at = models.DateTimeField(_("received"), null=True, blank=True)
    collector_name = models.CharField(_("taken by"), max_length=150)
    status = models.CharField(_("status"), max_length=12, choices=SampleStatus, default=SampleStatus.REGISTERED)
    notes = models.TextField(_("notes"), blank=True)
    project = models.ForeignKey(
        "projects.Project", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("project")
    )
    # Computed from the results (C82, contract section 4).
    compliance_status = models.CharField(
        _("compliance"), max_length=8, choices=Compliance, default=Compliance.PENDING, editable=False
    )
    verdicts = models.JSONField(default=list, editable=False)
    result_count = models.IntegerField(_("results"), default=0, editable=False)
    search_text = models.TextField(default="", editable=False)

    audit_entity = "sample"
    audit_label = "code"
    sync_derived = ("compliance_status", "verdicts", "result_count")

    class Meta:
        verbose_name = _("sample")
        verbose_name_plural = _("samples")
        ordering = ["-collection_date", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], condition=Q(deleted_at=None), name="sample_code_once"
            ),
            models.UniqueConstraint(fields=["organization", "local_sync_id"], name="sample_local_id_once"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-collection_date", "-id"], condition=Q(deleted_at=None), name="sample_by_date"
            ),
            models.Index(
                fields=["organization", "compliance_status", "-collection_date", "-id"],
                condition=Q(deleted_at=None),
                name="sample_by_compliance",
            ),
            # the next work of the laboratory: few among many
            models.Index(
                fields=["organization", "collection_date", "id"],
                condition=Q(deleted_at=None, result_count=0),
                name="sample_without_results",
            ),
            models.Index(
                fields=["organization", "sampling_point", "-collection_date"],
                condition=Q(deleted_at=None),
                name="sample_by_point",
            ),
            # for the filters and orders of the list that the contract names (P4)
            models.Index(
                fields=["organization", "type", "-collection_date", "-id"],
                condition=Q(deleted_at=None),
                name="sample_by_type",
            ),
            models.Index(
                fields=["organization", "status", "-collection_date", "-id"],
                condition=Q(deleted_at=None),
                name="sample_by_status",
            ),
            models.Index(
                fields=["organization", "location", "id"], condition=Q(deleted_at=None), name="sample_by_location"
            ),
            models.Index(
                fields=["organization", "created_at", "id"], condition=Q(deleted_at=None), name="sample_by_creation"
            ),
            models.Index(
                fields=["organization", "updated_at", "id"], condition=Q(deleted_at=None), name="sample_by_change"
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Result(SyncedModel):
    """One measurement as the laboratory wrote it, and what the server made of it.

    `value` is null when censored, `censoring_limit` then holds the bound; `normalized_value` is in the parameter's
    own unit. `verdicts` carries one full entry per standard, with the edition and numbers that were used.
    """

    sample = models.ForeignKey(Sample, models.PROTECT, related_name="results", verbose_name=_("sample"))
    parameter = models.ForeignKey(Parameter, models.PROTECT, related_name="+", verbose_name=_("parameter"))
    value_text = models.CharField(_("value"), max_length=64)
    qualifier = models.CharField(_("qualifier"), max_length=14, default="=")
    value = models.DecimalField(max_digits=40, decimal_places=20, null=True, editable=False)
    censoring_limit = models.DecimalField(max_digits=40, decimal_places=20, null=True, editable=False)
    unit = models.CharField(_("unit"), max_length=30)
    normalized_value = models.DecimalField(max_digits=40, decimal_places=20, null=True, editable=False)
    normalized_unit = models.CharField(max_length=30, editable=False)
    detection_limit = models.DecimalField(
        _("limit of detection"), max_digits=40, decimal_places=20, null=True, blank=True
    )
    quantification_limit = models.DecimalField(
        _("limit of quantification"), max_digits=40, decimal_places=20, null=True, blank=True
    )
    uncertainty = models.DecimalField(
        _("expanded uncertainty (k = 2)"), max_digits=40, decimal_places=20, null=True, blank=True
    )
    dilution_factor = models.DecimalField(_("dilution factor"), max_digits=20, decimal_places=6, default=1)
    test_date = models.DateTimeField(_("analysed"), null=True, blank=True)
    technician_name = models.CharField(_("analyst"), max_length=150, blank=True)
    test_method = models.CharField(_("method"), max_length=200, blank=True)
    instrument = models.CharField(_("instrument"), max_length=150, null=True, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    replaces = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    compliance_status = models.CharField(max_length=8, choices=Compliance, default=Compliance.PENDING, editable=False)
    verdicts = models.JSONField(default=list, editable=False)
    flags = models.JSONField(_("remarks"), default=list, editable=False)  # of `science.verdicts.Flag`

    audit_entity = "result"
    audit_label = "value_text"
    sync_derived = ("compliance_status", "verdicts", "flags", "normalized_value", "normalized_unit")

    class Meta:
        verbose_name = _("result")
        verbose_name_plural = _("results")
        ordering = ["sample", "parameter", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "local_sync_id"], name="result_local_id_once"),
        ]
        indexes = [
            models.Index(fields=["organization", "sample"], name="result_by_sample"),
        ]

    def __str__(self) -> str:
        return f"{self.parameter_id} {self.value_text} {self.unit}"


class Reevaluation(TenantModel):
    """All verdicts of the organisation under changed rules: first counted, then, when somebody agrees, written.

    `proposal` holds the rules that are put in force at the agreement (see `portal.lab.rulebook.Proposal`), nothing
    where they are in force already. Work stops and goes on after the sample `position`.
    """

    class State(models.TextChoices):
        COUNTING = "counting", _("Counting")
        READY = "ready", _("Waiting for your decision")
        RUNNING = "running", _("Re-evaluating")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    reason = models.CharField(_("reason"), max_length=500)
    state = models.CharField(_("status"), max_length=10, choices=State, default=State.COUNTING)
    proposal = models.JSONField(_("proposed rules"), default=dict)
    stamp = models.TextField(editable=False, default="")  # of the rules that the count was made with
    expected = models.JSONField(default=dict, editable=False)  # what the count found, `Figures.as_json()`
    figures = models.JSONField(default=dict, editable=False)  # what was written so far
    total = models.IntegerField(default=0, editable=False)  # results to look at
    position = models.UUIDField(null=True, editable=False)
    job = models.UUIDField(null=True, editable=False)
    created_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True)

    audit_entity = "reevaluation"
    audit_label = "reason"
    audit_ignored = ("stamp", "expected", "figures", "total", "position", "job")

    class Meta:
        verbose_name = _("re-evaluation")
        verbose_name_plural = _("re-evaluations")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=Q(state="running"), name="reevaluation_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return self.reason


class ComplianceReport(TenantModel):
    """A frozen report: number, figures and hash never change; a correction is a new number."""

    number = models.CharField(_("number"), max_length=30)
    title = models.CharField(_("title"), max_length=200)
    language = models.CharField(_("language"), max_length=2, choices=LANGUAGES)
    filters = models.JSONField(default=dict)
    content = models.JSONField()
    snapshot_hash = models.CharField(max_length=71)  # "sha256:" and 64 hexadecimal digits
    generated_at = models.DateTimeField(_("generated"))
    generated_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    amends = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="amended_by", verbose_name=_("amends")
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    audit_entity = "report"
    audit_label = "number"
    audit_ignored = ("content",)

    class Meta:
        verbose_name = _("compliance report")
        ordering = ["-generated_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["organization", "number"], name="compliance_report_number_once")]

    def __str__(self) -> str:
        return self.number


class ReportFile(TenantModel):
    """A report in one language as a PDF or a workbook, kept once it was made."""

    class Kind(models.TextChoices):
        PDF = "pdf", "PDF"
        XLSX = "xlsx", "XLSX"

    report = models.ForeignKey(ComplianceReport, models.CASCADE, related_name="files")
    language = models.CharField(max_length=2)
    kind = models.CharField(max_length=4, choices=Kind, default=Kind.PDF)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "language", "kind"], name="report_file_once")]


# The models of the other packages stand with them.
from portal.lab.certificates.models import Certificate, CertificateFile  # noqa: E402, F401
from portal.lab.imports.models import ImportPart, ImportRecord, ImportRow, ImportRun, ImportSource  # noqa: E402, F401
from portal.lab.lifecycle.models import CustodyEntry, RequestedAnalysis, Retest, SampleStep  # noqa: E402, F401
from portal.lab.points.models import ParameterRange, ProgrammeItem  # noqa: E402, F401
from portal.lab.quality.models import AcceptanceCriterion, ControlMaterial, ControlTarget, QcResult  # noqa: E402, F401
from portal.lab.worksheets.models import (  # noqa: E402, F401
    Worksheet,
    WorksheetColumn,
    WorksheetEntry,
    WorksheetItem,
)
