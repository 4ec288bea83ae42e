"""Tables and filters of the audit log, its checkpoints, security events, alert rules and reports."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import django_filters
import django_tables2
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.accounts.selectors import assignable_people
from portal.core.audit import overview, security, selectors
from portal.core.audit.models import Action, AlertRule, AuditEntry, AuditReport, Checkpoint, Outcome, SecurityEvent
from portal.ui.filters import DateFrom, DateTo, day_after, midnight
from portal.ui.tables import DateTimeColumn, LtrColumn, NumberColumn, Table, TextColumn
from portal.ui.templatetags.marsad import EMPTY, icon, localdate, ltr
from portal.ui.trail import action_badge, door, entity_choices, entity_name, record_name

_ALL = gettext_lazy("All")
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_ACTIONS = [(action.wire, action.label) for action in Action if action is not Action.ACCESS]
# Colour and icon beside the word.
_SEVERITIES = {
    "low": ("secondary", "info-circle"),
    "medium": ("yellow", "alert-circle"),
    "high": ("orange", "alert-triangle"),
    "critical": ("red", "alert-triangle"),
}
_STATES = {
    "open": ("red", "flag"),
    "acknowledged": ("yellow", "eye"),
    "resolved": ("green", "circle-check"),
    "false_positive": ("secondary", "circle-minus"),
}


def _badge(look: tuple[str, str], word: str | Promise) -> SafeString:
    colour, name = look
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(name), capfirst(str(word)))


def severity_badge(event: SecurityEvent | AlertRule) -> SafeString:
    return _badge(_SEVERITIES[event.severity], event.get_severity_display())


def status_badge(event: SecurityEvent) -> SafeString:
    return _badge(_STATES[event.status], event.get_status_display())


def signature_badge(good: bool) -> SafeString:
    return _badge(("green", "circle-check"), _("valid")) if good else _badge(("red", "circle-x"), _("wrong"))


def type_name(event: SecurityEvent) -> str:
    return capfirst(str(security.TYPES.get(event.type, event.type)))


def concerns(*, type: str, subject: str, person: str = "") -> str:
    """Whom or what an event is about: the ids in its subject give way to the person's name."""
    if type == "integrity_failure":  # its subject is the organisation itself
        return ""
    return _ID.sub(person, subject).strip()


class EntryFilter(django_filters.FilterSet):
    """The filters of FR-083; `entry_list` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    date_from = DateFrom(field_name="timestamp", label=gettext_lazy("From"))
    date_to = DateTo(field_name="timestamp", label=gettext_lazy("Until"))
    user = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Person"), queryset=lambda request: assignable_people(), empty_label=_ALL
    )
    entity = django_filters.ChoiceFilter(label=gettext_lazy("Kind of record"), choices=entity_choices, empty_label=_ALL)
    action = django_filters.MultipleChoiceFilter(label=gettext_lazy("Action"), choices=_ACTIONS)
    outcome = django_filters.ChoiceFilter(label=gettext_lazy("Outcome"), choices=Outcome.choices, empty_label=_ALL)
    device = django_filters.CharFilter(label=gettext_lazy("Device"))
    request = django_filters.CharFilter(label=gettext_lazy("Request id"))
    record = django_filters.CharFilter(label=gettext_lazy("Record id"))

    def filter_queryset(self, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        chosen = {name: value for name, value in self.form.cleaned_data.items() if value}
        person: User | None = chosen.get("user")
        found = selectors.entry_list(
            search=chosen.get("q", ""),
            since=midnight(chosen["date_from"]) if "date_from" in chosen else None,
            until=day_after(chosen["date_to"]) if "date_to" in chosen else None,
            user=person.pk if person else None,
            entity=chosen.get("entity", ""),
            actions=[selectors.WIRE_ACTIONS[name] for name in chosen.get("action", [])],
            outcome=chosen.get("outcome", ""),
            record=chosen.get("record", "").strip(),
        )
        exact = {
            column: chosen[name].strip()
            for name, column in (("device", "device"), ("request", "cid"))
            if name in chosen
        }
        return found.filter(**exact)


class EntryTable(Table):
    timestamp = DateTimeColumn(linkify=("audit:entry_detail", {"entry_id": django_tables2.A("pk")}))
    action = django_tables2.Column(orderable=False)
    entity = django_tables2.Column(orderable=False, verbose_name=gettext_lazy("Record"))
    actor_name = django_tables2.Column(orderable=False, verbose_name=gettext_lazy("Person"), empty_values=())
    remote_addr = LtrColumn(orderable=False, verbose_name=gettext_lazy("Address"))
    outcome = django_tables2.Column(orderable=False)

    class Meta:
        model = AuditEntry
        fields = ("timestamp", "action", "entity", "actor_name", "remote_addr", "outcome")
        order_by = ("-timestamp",)

    def render_action(self, record: AuditEntry) -> SafeString:
        return action_badge(Action(record.action))

    def render_entity(self, record: AuditEntry) -> SafeString:
        return format_html(
            '<span>{} <bdi translate="no">{}</bdi></span>', entity_name(record.entity), record_name(record)
        )

    def render_actor_name(self, value: str, record: AuditEntry) -> SafeString:
        return format_html(
            '<span><span dir="auto">{}</span> <small class="text-secondary">{}</small></span>',
            doer(record),
            door(record.via),
        )

    def render_outcome(self, record: AuditEntry) -> SafeString | str:
        word = capfirst(str(Outcome(record.outcome).label))
        if record.outcome == Outcome.SUCCESS:
            return word
        return format_html('<span class="badge bg-orange-lt">{}</span>', word)


def doer(entry: AuditEntry) -> str:
    """Who did it: a name, the system, or somebody whose data was erased."""
    return entry.actor_name or (_("Erased") if entry.actor_erased_by else _("System"))


class CheckpointTable(Table):
    count = NumberColumn(verbose_name=gettext_lazy("Entries"))
    at = DateTimeColumn()
    cause = django_tables2.Column(orderable=False)
    head = django_tables2.Column(verbose_name=gettext_lazy("Head of the chain"), orderable=False)
    signature = django_tables2.Column(verbose_name=gettext_lazy("Signature"), orderable=False)
    copy = django_tables2.Column(
        verbose_name=gettext_lazy("Copy outside"), accessor="count", orderable=False, empty_values=()
    )
    download = django_tables2.Column(
        verbose_name="",
        accessor="count",
        orderable=False,
        linkify=("audit:checkpoint", {"count": django_tables2.A("count")}),
    )

    class Meta:
        model = Checkpoint
        fields = ("count", "at", "cause", "head", "signature", "copy", "download")
        order_by = ("-count",)
        row_attrs = {"id": lambda record: f"checkpoint-{record.count}"}

    def __init__(self, *args: Any, copies: set[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.copies = copies

    def render_head(self, value: bytes) -> SafeString:
        digest = bytes(value).hex()
        return format_html('<code dir="ltr" title="{}">{}…</code>', digest, digest[:16])

    def render_cause(self, record: Checkpoint) -> str:
        return capfirst(str(record.get_cause_display()))

    def render_signature(self, record: Checkpoint) -> SafeString:
        return signature_badge(overview.signature_ok(record))

    def render_copy(self, record: Checkpoint) -> SafeString:
        if record.count in self.copies:
            return _badge(("green", "circle-check"), _("there"))
        return _badge(("red", "circle-x"), _("missing"))

    def render_download(self, record: Checkpoint) -> SafeString:
        name = _("Download the checkpoint at %(count)s") % {"count": record.count}
        return format_html('{}<span class="visually-hidden">{}</span>', icon("download"), name)


class EventFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"), method="search")
    status = django_filters.ChoiceFilter(
        label=gettext_lazy("Status"),
        choices=[("unsettled", gettext_lazy("not settled")), *SecurityEvent.Status.choices],
        empty_label=_ALL,
        method="state",
    )
    severity = django_filters.ChoiceFilter(
        label=gettext_lazy("Severity"), choices=SecurityEvent.Severity.choices, empty_label=_ALL
    )
    type = django_filters.ChoiceFilter(
        label=gettext_lazy("Kind"), choices=list(security.TYPES.items()), empty_label=_ALL
    )
    date_from = DateFrom(field_name="last_at", label=gettext_lazy("From"))
    date_to = DateTo(field_name="last_at", label=gettext_lazy("Until"))

    def search(self, rows: QuerySet[SecurityEvent], name: str, value: str) -> QuerySet[SecurityEvent]:
        for word in value.split():
            rows = rows.filter(Q(subject__icontains=word) | Q(note__icontains=word))
        return rows

    def state(self, rows: QuerySet[SecurityEvent], name: str, value: str) -> QuerySet[SecurityEvent]:
        return rows.filter(status__in=security.UNSETTLED if value == "unsettled" else [value])


class EventTable(Table):
    type = django_tables2.Column(linkify=("audit:event_detail", {"event_id": django_tables2.A("pk")}))
    severity = django_tables2.Column(orderable=False)
    status = django_tables2.Column(orderable=False)
    subject = TextColumn(orderable=False, empty_values=())
    count = NumberColumn()
    first_at = DateTimeColumn()
    last_at = DateTimeColumn()

    class Meta:
        model = SecurityEvent
        fields = ("type", "severity", "status", "subject", "count", "first_at", "last_at")
        order_by = ("-last_at",)

    def render_type(self, record: SecurityEvent) -> str:
        return type_name(record)

    def render_subject(self, record: SecurityEvent) -> SafeString:
        person = getattr(record, "actor_name", None) or ""
        about = concerns(type=record.type, subject=record.subject, person=person)
        return format_html('<span dir="auto">{}</span>', about) if about else EMPTY

    def render_severity(self, record: SecurityEvent) -> SafeString:
        return severity_badge(record)

    def render_status(self, record: SecurityEvent) -> SafeString:
        return status_badge(record)


class RuleTable(Table):
    name = TextColumn(linkify=("audit:rule_detail", {"rule_id": django_tables2.A("pk")}))
    watches = django_tables2.Column(
        accessor="filter", verbose_name=gettext_lazy("Watches"), orderable=False, empty_values=()
    )
    threshold = django_tables2.Column(verbose_name=gettext_lazy("Fires at"))
    severity = django_tables2.Column(orderable=False)
    is_active = django_tables2.Column(orderable=False)

    class Meta:
        model = AlertRule
        fields = ("name", "watches", "threshold", "severity", "is_active")
        order_by = ("name",)

    def __init__(self, *args: Any, people: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = people

    def render_watches(self, record: AlertRule) -> SafeString | str:
        return watched(record.filter, self.people)

    def render_threshold(self, record: AlertRule) -> str:
        return fires_at(record)

    def render_severity(self, record: AlertRule) -> SafeString:
        return severity_badge(record)

    def render_is_active(self, record: AlertRule) -> SafeString:
        if record.is_active:
            return _badge(("green", "circle-check"), _("on"))
        return _badge(("secondary", "circle-minus"), _("off"))


def people_of(rules: Iterable[AlertRule]) -> dict[str, str]:
    """The names of the people whom rules watch, by id."""
    wanted = [rule.filter["userId"] for rule in rules if rule.filter.get("userId")]
    return {str(pk): name for pk, name in User.objects.filter(pk__in=wanted).values_list("pk", "name")}


def watched(chosen: Mapping[str, Any], people: Mapping[str, str]) -> SafeString | str:
    """What a rule counts, in words."""
    actions = chosen.get("action") or []
    parts: list[SafeString | str] = [
        capfirst(str(selectors.WIRE_ACTIONS[word].label))
        for word in ([actions] if isinstance(actions, str) else actions)
        if word in selectors.WIRE_ACTIONS
    ]
    if chosen.get("resource"):
        parts.append(entity_name(chosen["resource"]))
    if chosen.get("outcome"):
        parts.append(capfirst(str(Outcome(chosen["outcome"]).label)))
    if chosen.get("userId"):
        parts.append(format_html("<bdi>{}</bdi>", people.get(chosen["userId"], chosen["userId"])))
    if chosen.get("ip"):
        parts.append(ltr(chosen["ip"]))
    return format_html_join(" · ", "{}", ((part,) for part in parts)) if parts else _("Every entry")


def fires_at(rule: AlertRule) -> str:
    return _("%(count)s in %(minutes)s min") % {"count": rule.threshold, "minutes": rule.window_minutes}


class ReportTable(Table):
    number = LtrColumn(linkify=("audit:report_detail", {"report_id": django_tables2.A("pk")}))
    period = django_tables2.Column(accessor="since", verbose_name=gettext_lazy("Period"), orderable=False)
    generated_at = DateTimeColumn()
    generated_by = TextColumn(accessor="generated_by__name", verbose_name=gettext_lazy("Issued by"), orderable=False)

    class Meta:
        model = AuditReport
        fields = ("number", "period", "generated_at", "generated_by")
        order_by = ("-generated_at",)

    def render_period(self, record: AuditReport) -> SafeString:
        return format_html("<span>{} – {}</span>", *days(record))


def days(report: AuditReport) -> tuple[SafeString, SafeString]:
    """The first and the last day of its period, in the active time zone."""
    return localdate(report.since), localdate(report.until - timedelta(microseconds=1))


class ReportFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"), field_name="number", lookup_expr="icontains")
    date_from = DateFrom(field_name="generated_at", label=gettext_lazy("Issued from"))
    date_to = DateTo(field_name="generated_at", label=gettext_lazy("Issued until"))
