"""Files of laboratory data that people bring in: how each source writes, and what became of each file."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.core.jobs.models import Job
from portal.core.tenancy.models import TenantModel


class Layout(models.TextChoices):
    LONG = "long", _("One result in each row")
    WIDE = "wide", _("One sample in each row, a column for each parameter")
    WQX = "wqx", _("WQX (Water Quality Portal)")
    INSTRUMENT = "instrument", _("Instrument: results of samples that are registered")


class ImportSource(TenantModel):
    """Where files of one shape come from. `mapping` is `imports.mapping.Mapping` as JSON."""

    name = models.CharField(_("name"), max_length=100)
    layout = models.CharField(_("layout"), max_length=12, choices=Layout)
    mapping = models.JSONField(_("mapping"), default=dict)

    audit_entity = "import_source"

    class Meta:
        verbose_name = _("import source")
        verbose_name_plural = _("import sources")
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="import_source_name_once")]

    def __str__(self) -> str:
        return self.name


class ImportRun(TenantModel):
    """One file and its way: uploaded, checked (nothing written), imported, perhaps reverted.

    `position` is the next sample of the file that the present step takes: a step that was killed goes on from there.
    """

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("Uploaded")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Checked")
        IMPORTING = "importing", _("Being imported")
        IMPORTED = "imported", _("Imported")
        REVERTING = "reverting", _("Being reverted")
        REVERTED = "reverted", _("Reverted")

    source = models.ForeignKey(
        ImportSource, models.PROTECT, null=True, related_name="runs", verbose_name=_("import source")
    )
    layout = models.CharField(_("layout"), max_length=12, choices=Layout)
    mapping = models.JSONField(_("mapping"), default=dict)
    headings = models.JSONField(default=list)
    filename = models.CharField(_("file"), max_length=200)
    size = models.BigIntegerField(_("size"))
    sha256 = models.CharField(max_length=64)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.UPLOADED)
    rows = models.IntegerField(_("rows"), default=0)
    samples = models.IntegerField(_("samples"), default=0)
    position = models.IntegerField(default=0)
    checked = models.JSONField(default=dict)  # counts of the dry run, `sample.created`, `result.refused`, `row.skipped`
    counts = models.JSONField(default=dict)  # the same of the import
    left = models.JSONField(default=list)  # what a revert did not delete, and why
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("imported by")
    )
    finished_at = models.DateTimeField(_("finished"), null=True)

    audit_entity = "import_run"
    audit_label = "filename"
    audit_ignored = ("position", "job_id", "headings", "checked", "counts", "left")

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["organization", "-created_at"], name="import_run_recent")]

    def __str__(self) -> str:
        return self.filename

    @property
    def busy(self) -> bool:
        return self.status in (self.Status.CHECKING, self.Status.IMPORTING, self.Status.REVERTING)

    @property
    def broken(self) -> bool:
        """Its work ended with an error, or is no longer known: it may be taken up again."""
        return self.busy and (self.job is None or self.job.status == Job.Status.FAILED)

    @property
    def percent(self) -> int:
        return min(99, 100 * self.position // self.samples) if self.samples else 0


class ImportPart(TenantModel):
    """A megabyte of a run's file: any worker on any host can read it."""

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="parts")
    number = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="import_part_once")]


class ImportRow(TenantModel):
    """One row of the file with what became of it; rows of one sample share `sample_no`, and are taken together."""

    class Outcome(models.TextChoices):
        WAITING = "", _("Not looked at yet")
        CREATED = "created", _("New")
        UPDATED = "updated", _("Changed")
        UNCHANGED = "unchanged", _("Unchanged")
        CONFLICT = "conflict", _("Kept as it is")
        REFUSED = "refused", _("Refused")
        PARTLY = "partly", _("Partly refused")
        SKIPPED = "skipped", _("Left out")

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="lines")
    line = models.IntegerField(_("row"))
    sample_no = models.IntegerField()
    label = models.CharField(_("sample"), max_length=200, blank=True)
    cells = models.JSONField(default=list)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, blank=True, default=Outcome.WAITING)
    reasons = models.JSONField(default=list)  # [{"column": …, "message": …}]

    class Meta:
        ordering = ["line", "id"]
        constraints = [models.UniqueConstraint(fields=["run", "line"], name="import_row_once")]
        indexes = [
            models.Index(fields=["run", "sample_no", "line"], name="import_row_by_sample"),
            models.Index(fields=["run", "outcome", "line"], name="import_row_by_outcome"),
        ]


class ImportRecord(TenantModel):
    """A sample or result that a run wrote, and the version which that gave it.

    A record whose content has a later version was changed by somebody since: neither a later file nor a revert touches
    it.
    """

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="records")
    entity = models.CharField(max_length=10)
    record_id = models.UUIDField()
    version = models.BigIntegerField()
    created = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "entity", "record_id"], name="import_record_once")]
        indexes = [models.Index(fields=["organization", "record_id", "-version"], name="import_record_newest")]
