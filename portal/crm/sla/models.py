"""Calendars of working hours, policies of targets, and the clocks that run on tickets."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.common.models import SoftDeleted
from portal.core.tenancy.models import TenantModel, validate_time_zone

if TYPE_CHECKING:
    from portal.crm.sla.clock import Calendar, Pause


class SlaCalendar(TenantModel, SoftDeleted):
    """When an organisation works. Each change makes an edition; clocks keep the one that they were started with."""

    name = models.CharField(_("name"), max_length=100)
    time_zone = models.CharField(_("time zone"), max_length=64, validators=[validate_time_zone])
    week = models.JSONField(_("week"), default=dict)  # {"mon": [["08:00", "12:00"], …]}
    holidays = models.JSONField(_("holidays"), default=list)  # [{"date", "name", "recurring", "source", "estimated"}]
    seasons = models.JSONField(_("seasons"), default=list)  # [{"from", "to", "name", "week"}]
    version = models.IntegerField(_("edition"), default=1, editable=False)

    audit_entity = "sla_calendar"

    class Meta:
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], condition=Q(deleted_at=None), name="sla_calendar_name_once"
            )
        ]

    def __str__(self) -> str:
        return self.name


class CalendarEdition(TenantModel):
    """A calendar as it stood: `content` is what `clock.Calendar.read` takes. Never changed."""

    calendar = models.ForeignKey(SlaCalendar, models.PROTECT, related_name="editions", verbose_name=_("calendar"))
    number = models.IntegerField(_("edition"))
    content = models.JSONField()

    class Meta:
        verbose_name = _("edition of a calendar")
        verbose_name_plural = _("editions of calendars")
        ordering = ["-number", "id"]
        constraints = [models.UniqueConstraint(fields=["calendar", "number"], name="sla_edition_once")]

    def __str__(self) -> str:
        return str(self.number)


class SlaPolicy(TenantModel, SoftDeleted):
    """Targets by priority for the tickets that `match`; the first in `order` wins, the default one takes the rest.

    `targets`: {"high": {"firstResponseSeconds", "nextResponseSeconds", "resolutionSeconds"}}, business seconds, a
    missing one means no clock. `warn_percent`: at which shares of a target people are told. `escalations`: see
    `rules.check_steps`.
    """

    name = models.CharField(_("name"), max_length=100)
    order = models.SmallIntegerField(_("order"), default=100)
    match = models.JSONField(_("applies to"), default=dict, blank=True)
    calendar = models.ForeignKey(
        SlaCalendar, models.PROTECT, null=True, blank=True, related_name="policies", verbose_name=_("calendar")
    )
    targets = models.JSONField(_("targets"), default=dict)
    warn_percent = models.JSONField(_("warnings at (%)"), default=list)
    escalations = models.JSONField(_("escalation"), default=list)
    is_default = models.BooleanField(_("default"), default=False)
    version = models.IntegerField(default=1, editable=False)

    audit_entity = "sla_policy"

    class Meta:
        verbose_name = _("SLA policy")
        verbose_name_plural = _("SLA policies")
        ordering = ["is_default", "order", "name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=Q(is_default=True, deleted_at=None), name="sla_policy_one_default"
            ),
            models.UniqueConstraint(
                fields=["organization", "name"], condition=Q(deleted_at=None), name="sla_policy_name_once"
            ),
            models.CheckConstraint(condition=Q(is_default=False) | Q(deleted_at=None), name="sla_policy_default_stays"),
        ]

    def __str__(self) -> str:
        return self.name


_read: "dict[UUID, Calendar]" = {}  # editions never change


class Kind(models.TextChoices):
    FIRST_RESPONSE = "first_response", _("First reply")
    NEXT_RESPONSE = "next_response", _("Next reply")
    RESOLUTION = "resolution", _("Resolution")


class State(models.TextChoices):
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    MET = "met", _("Met")
    BREACHED = "breached", _("Breached")
    CANCELLED = "cancelled", _("Cancelled")


class SlaClock(TenantModel):
    """One promise on one ticket. Target, calendar edition, warnings and steps are copies: an edit of the policy moves
    no running ticket.

    A breached clock keeps that state; `stopped_at` says whether it still runs. `breached_at` is the moment at which it
    was due, not that of its detection. `check_at`: when the sweep has to look at it next.
    """

    ticket = models.ForeignKey("crm.Ticket", models.CASCADE, related_name="clocks", verbose_name=_("ticket"))
    kind = models.CharField(_("kind"), max_length=14, choices=Kind)
    policy = models.ForeignKey(SlaPolicy, models.PROTECT, related_name="+", verbose_name=_("SLA policy"))
    edition = models.ForeignKey(CalendarEdition, models.PROTECT, null=True, related_name="+")  # None: 24x7
    target_seconds = models.IntegerField(_("target"))
    steps = models.JSONField(default=list)  # warnings and escalations, see `rules.steps_of`
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField(_("started"))
    due_at = models.DateTimeField(_("due"), null=True)
    warn_at = models.DateTimeField(null=True)
    check_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(_("paused at"), null=True)
    remaining_seconds = models.IntegerField(_("left"), null=True)
    stopped_at = models.DateTimeField(_("stopped"), null=True)
    elapsed_seconds = models.IntegerField(_("taken"), null=True)
    breached_at = models.DateTimeField(_("breached at"), null=True)

    class Meta:
        verbose_name = _("SLA clock")
        verbose_name_plural = _("SLA clocks")
        ordering = ["started_at", "kind", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "kind"],
                condition=Q(stopped_at=None) & ~Q(state="cancelled"),
                name="sla_clock_one_running",
            ),
            models.CheckConstraint(condition=Q(target_seconds__gt=0), name="sla_clock_target"),
        ]
        indexes = [
            models.Index(fields=["check_at"], condition=Q(check_at__isnull=False), name="sla_clock_to_check"),
            models.Index(fields=["organization", "started_at"], name="sla_clock_started"),
            models.Index(fields=["organization", "due_at"], condition=Q(stopped_at=None), name="sla_clock_due"),
        ]

    def __str__(self) -> str:
        return self.kind

    @property
    def running(self) -> bool:
        return self.stopped_at is None and self.state != State.CANCELLED

    @property
    def target(self) -> timedelta:
        return timedelta(seconds=self.target_seconds)

    @property
    def calendar(self) -> "Calendar":
        from portal.crm.sla import clock

        if self.edition is None:
            return clock.ALWAYS
        if self.edition.pk not in _read:
            if len(_read) > 500:
                _read.clear()
            _read[self.edition.pk] = clock.Calendar.read(self.edition.content)
        return _read[self.edition.pk]

    def late(self, at: datetime) -> bool:
        return self.due_at is not None and self.due_at < at

    def pauses(self, of_ticket: "list[Pause]") -> "list[Pause]":
        """Only the way to the resolution waits for others; a reply is owed whatever the ticket waits for."""
        return of_ticket if self.kind == Kind.RESOLUTION else []


class SlaPause(TenantModel):
    """A time in which a ticket waited for somebody else, or was resolved or deleted before it came back."""

    ticket = models.ForeignKey("crm.Ticket", models.CASCADE, related_name="pauses", verbose_name=_("ticket"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True)
    cause = models.CharField(_("cause"), max_length=16)  # the status in which it was
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("pause")
        verbose_name_plural = _("pauses")
        ordering = ["starts_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["ticket"], condition=Q(ends_at=None), name="sla_pause_one_open"),
        ]

    def __str__(self) -> str:
        return self.cause


class SlaStep(TenantModel):
    """That a warning or an escalation of a clock has been carried out: once each."""

    clock = models.ForeignKey(SlaClock, models.CASCADE, related_name="fired", verbose_name=_("SLA clock"))
    key = models.CharField(max_length=120)
    due_at = models.DateTimeField(_("due"))

    class Meta:
        verbose_name = _("escalation")
        verbose_name_plural = _("escalations")
        ordering = ["due_at", "id"]
        constraints = [models.UniqueConstraint(fields=["clock", "key"], name="sla_step_once")]

    def __str__(self) -> str:
        return self.key
