"""Definitions of reports with their versions, runs, and schedules."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.common.models import SoftDeleted
from portal.core.tenancy.models import TenantModel
from portal.desk.reports.choices import Format, Frequency, RunStatus, Skipped

_LIVING = Q(deleted_at=None)
_LANGUAGES = [("ar", _("Arabic")), ("fr", _("French")), ("en", _("English"))]


class CustomReport(TenantModel, SoftDeleted):
    """A saved question to one source. `definition` is what `definitions.read` takes; it is read again at each use, with
    the rights of whoever uses it. `builtin` names one that every organisation has: its words are the catalogue's."""

    name = models.CharField(_("name"), max_length=200)
    description = models.CharField(_("description"), max_length=1000, blank=True)
    source = models.CharField(_("about"), max_length=30)
    definition = models.JSONField(_("definition"))
    shared = models.BooleanField(_("shared"), default=False)
    builtin = models.CharField(max_length=40, default="", blank=True, editable=False)
    owner = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("owner")
    )
    version = models.BigIntegerField(default=1, editable=False)
    search_text = models.TextField(default="", editable=False)

    audit_entity = "custom_report"

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ["-updated_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "builtin"], condition=~Q(builtin=""), name="custom_report_builtin_once"
            ),
            models.CheckConstraint(condition=Q(builtin="") | Q(shared=True), name="custom_report_builtin_is_shared"),
        ]
        indexes = [
            models.Index(fields=["organization", "-updated_at", "-id"], condition=_LIVING, name="custom_report_newest"),
        ]

    def __str__(self) -> str:
        return self.name


class ReportVersion(TenantModel):
    """What a report asked for when it had this version."""

    report = models.ForeignKey(CustomReport, models.CASCADE, db_index=False, related_name="versions")
    number = models.BigIntegerField(_("version"))
    name = models.CharField(_("name"), max_length=200)
    definition = models.JSONField(_("definition"))
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", verbose_name=_("changed by")
    )

    class Meta:
        verbose_name = _("version")
        verbose_name_plural = _("versions")
        ordering = ["-number", "-id"]
        constraints = [models.UniqueConstraint(fields=["report", "number"], name="report_version_once")]

    def __str__(self) -> str:
        return str(self.number)


class ReportSchedule(TenantModel):
    """When a report is sent, and to whom. `hour` and `minute` are of the organisation's clock; `weekday` 0 is Monday;
    `month_day` 31 is the last day of shorter months. Each recipient gets the report drawn with their own rights and in
    their own language. `next_at`: None while it is paused."""

    report = models.ForeignKey(CustomReport, models.CASCADE, related_name="schedules", verbose_name=_("report"))
    frequency = models.CharField(_("how often"), max_length=10, choices=Frequency)
    weekday = models.SmallIntegerField(_("day of the week"), default=0)
    month_day = models.SmallIntegerField(_("day of the month"), default=1)
    hour = models.SmallIntegerField(_("hour"), default=7)
    minute = models.SmallIntegerField(_("minute"), default=0)
    format = models.CharField(_("format"), max_length=4, choices=Format, default=Format.PDF)
    roles = models.JSONField(_("roles"), default=list, blank=True)  # keys
    people = models.JSONField(_("people"), default=list, blank=True)  # ids as text
    is_active = models.BooleanField(_("active"), default=True)
    next_at = models.DateTimeField(_("next run"), null=True)
    last_at = models.DateTimeField(_("last run"), null=True)
    created_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("created by")
    )
    version = models.BigIntegerField(default=1, editable=False)

    audit_entity = "report_schedule"
    audit_label = "frequency"
    audit_ignored = ("next_at", "last_at")

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    weekday__range=(0, 6), month_day__range=(1, 31), hour__range=(0, 23), minute__range=(0, 59)
                ),
                name="report_schedule_of_the_clock",
            ),
        ]
        indexes = [models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="report_schedule_due")]

    def __str__(self) -> str:
        return self.frequency


class ReportRun(TenantModel):
    """A report drawn for one person: what was asked (`definition`, `version`), what came of it. Of a schedule each
    recipient has one run an `occurrence`, also whoever got nothing (`skipped`)."""

    report = models.ForeignKey(CustomReport, models.CASCADE, db_index=False, related_name="runs")
    version = models.BigIntegerField(_("version"))
    definition = models.JSONField(_("definition"))
    format = models.CharField(_("format"), max_length=4, choices=Format)
    language = models.CharField(_("language"), max_length=2, choices=_LANGUAGES)
    person = models.ForeignKey(
        "accounts.User", models.PROTECT, db_index=False, related_name="+", verbose_name=_("person")
    )
    schedule = models.ForeignKey(ReportSchedule, models.SET_NULL, null=True, related_name="runs")
    occurrence = models.DateTimeField(_("due"), null=True)
    status = models.CharField(_("status"), max_length=9, choices=RunStatus, default=RunStatus.QUEUED)
    skipped = models.CharField(_("reason"), max_length=10, choices=Skipped, blank=True)
    error = models.TextField(_("error"), blank=True)
    rows = models.IntegerField(_("rows"), null=True)
    shown = models.IntegerField(_("rows in the file"), null=True)
    job = models.ForeignKey("jobs.Job", models.SET_NULL, null=True, related_name="+")
    file = models.ForeignKey("files.StoredFile", models.SET_NULL, null=True, related_name="+", verbose_name=_("file"))
    finished_at = models.DateTimeField(_("finished"), null=True)
    expires_at = models.DateTimeField(_("kept until"), null=True)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["schedule", "occurrence", "person"], name="report_run_once_an_occurrence"),
        ]
        indexes = [
            models.Index(fields=["organization", "report", "-created_at", "-id"], name="report_run_newest"),
            models.Index(fields=["organization", "person", "-created_at", "-id"], name="report_run_of_person"),
            models.Index(fields=["expires_at"], condition=Q(file__isnull=False), name="report_run_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.report_id} {self.format}"
