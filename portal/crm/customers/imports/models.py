"""Files of customers that people bring in, and what became of each row."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.core.jobs.models import Job
from portal.core.tenancy.models import TenantModel


class CustomerImport(TenantModel):
    """One file and its way. `options` is `options.Options` as JSON, `position` the last row that the step in force has
    done (a step that was killed goes on after it), `left` what a revert could not take back."""

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("Uploaded")
        MAPPED = "mapped", _("Mapped")
        VALIDATING = "validating", _("Being checked")
        VALIDATED = "validated", _("Checked")
        RUNNING = "running", _("Being imported")
        DONE = "done", _("Imported")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        REVERTING = "reverting", _("Being reverted")
        REVERTED = "reverted", _("Reverted")

    filename = models.CharField(_("file"), max_length=200)
    size = models.BigIntegerField(_("size"))
    sha256 = models.CharField(max_length=64)
    options = models.JSONField(_("options"), default=dict)
    headings = models.JSONField(default=list)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.UPLOADED)
    total = models.IntegerField(_("rows"), default=0)
    position = models.IntegerField(default=0)
    checked = models.JSONField(default=dict)  # counts of the dry run
    counts = models.JSONField(default=dict)  # counts of the import and its revert
    left = models.JSONField(default=list)
    finished_at = models.DateTimeField(_("finished"), null=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("imported by")
    )

    audit_entity = "customer_import"
    audit_label = "filename"
    audit_ignored = ("position", "job_id", "headings", "checked", "counts", "left")

    class Meta:
        verbose_name = _("import of customers")
        verbose_name_plural = _("imports of customers")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["organization", "-created_at"], name="customer_import_recent")]

    def __str__(self) -> str:
        return self.filename

    @property
    def busy(self) -> bool:
        return self.status in (self.Status.VALIDATING, self.Status.RUNNING, self.Status.REVERTING)

    @property
    def broken(self) -> bool:
        """Whether a step stopped and can be taken up again."""
        return self.busy and (self.job is None or self.job.status == Job.Status.FAILED)


class CustomerImportFile(TenantModel):
    """The bytes as they came, apart from the run, which changes with every batch."""

    run = models.OneToOneField(CustomerImport, models.CASCADE, related_name="file")
    content = models.BinaryField()


class CustomerImportRow(TenantModel):
    """A row of the file (1 = the first below the headings). `before` holds what an update replaced, `version` the
    customer's after it: a revert touches only what nobody changed since. `dup_of` is an earlier row with its key."""

    class Outcome(models.TextChoices):
        NONE = "", _("Not looked at yet")
        CREATED = "created", _("New")
        UPDATED = "updated", _("Changed")
        UNCHANGED = "unchanged", _("Unchanged")
        SKIPPED = "skipped", _("Left out")
        FAILED = "failed", _("Refused")

    run = models.ForeignKey(CustomerImport, models.CASCADE, related_name="rows", db_index=False)
    row_no = models.IntegerField(_("row"))
    cells = models.JSONField(default=list)
    dup_of = models.IntegerField(null=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, default="", blank=True)
    errors = models.JSONField(default=list)
    customer_id = models.UUIDField(null=True)
    before = models.JSONField(null=True)
    version = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["row_no"]
        constraints = [models.UniqueConstraint(fields=["run", "row_no"], name="customer_import_row_once")]
        indexes = [models.Index(fields=["run", "outcome", "row_no"], name="customer_import_row_outcome")]
