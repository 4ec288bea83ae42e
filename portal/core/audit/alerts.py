"""Alert rules: so many entries of a kind within so many minutes raise a security event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.audit.models import AlertRule, AuditEntry, Outcome, SecurityEvent
from portal.core.audit.security import TYPES, Severity, raise_event
from portal.core.audit.selectors import WIRE_ACTIONS
from portal.core.common import clock
from portal.core.common.errors import Denied, Errors, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.jobs.tasks import defer
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization

CHANNELS: Final = ("in_app", "email")
LONGEST: Final = 43_200  # minutes: 30 days
DRY_RUN_DAYS: Final = 30
_GROUPS: Final = {"": "''", "userId": "actor_id::text", "ip": "host(remote_addr)", "resource": "entity"}


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is counted, how often within how long, per whom, and what comes of it."""

    type: str
    severity: str
    matches: Q
    threshold: int
    minutes: int
    group: str = ""
    throttle: int = 60
    rule: UUID | None = None
    name: str = ""
    delivery: Mapping[str, Any] = field(default_factory=dict)


# What is watched in every organisation, whatever rules it has itself.
WATCHED: Final = (
    Pattern("brute_force", Severity.HIGH, Q(action=WIRE_ACTIONS["login_failed"]), 20, 15, "ip"),
    Pattern("mass_export", Severity.HIGH, Q(action=WIRE_ACTIONS["export"]), 20, 60, "userId"),
    Pattern("mass_delete", Severity.HIGH, Q(action=WIRE_ACTIONS["delete"]), 100, 10, "userId"),
    Pattern(
        "privilege_change",
        Severity.MEDIUM,
        Q(entity="user", action=WIRE_ACTIONS["update"], changes__has_key="role_id")
        | Q(entity="role", action__in=[WIRE_ACTIONS["create"], WIRE_ACTIONS["update"]]),
        1,
        5,
        "userId",
    ),
    Pattern(
        "policy_change",
        Severity.LOW,
        Q(entity__in=["alert_rule", "retention_policy"], action=WIRE_ACTIONS["update"]),
        1,
        5,
        "userId",
    ),
)


def matching(conditions: Mapping[str, Any]) -> Q:
    """The entries that a rule's filter takes, all of them where it is empty."""
    wanted = Q()
    for name, column in {"resource": "entity", "userId": "actor_id", "outcome": "outcome", "ip": "remote_addr"}.items():
        if conditions.get(name):
            wanted &= Q(**{column: conditions[name]})
    actions = conditions.get("action") or []
    if actions:
        listed = [actions] if isinstance(actions, str) else actions
        wanted &= Q(action__in=[WIRE_ACTIONS[word] for word in listed])
    return wanted


def pattern_of(rule: AlertRule) -> Pattern:
    return Pattern(
        "alert",
        rule.severity,
        matching(rule.filter),
        rule.threshold,
        rule.window_minutes,
        rule.group_by,
        rule.throttle_minutes,
        rule.pk,
        rule.name,
        {"channels": rule.channels, "recipients": rule.recipients},
    )


@dataclass(frozen=True, slots=True)
class Firing:
    at: datetime
    group: str
    count: int


def firings(pattern: Pattern, *, since: datetime, until: datetime) -> tuple[int, list[Firing]]:
    """How many entries match from `since` to `until`, and when the pattern would have fired, throttled."""
    found = AuditEntry.objects.filter(
        pattern.matches, timestamp__gte=since - timedelta(minutes=pattern.minutes), timestamp__lt=until
    ).order_by()
    if (organization := scope.current().organization) is not None:
        found = found.filter(organization_id=organization)
    columns = found.extra(select={"grouped": f"coalesce({_GROUPS[pattern.group]}, '')"}).values("grouped", "timestamp")  # noqa: S610
    inner, values = columns.query.sql_with_params()
    sql = (
        f"SELECT timestamp, grouped, counted FROM (SELECT timestamp, grouped, count(*) OVER (PARTITION BY grouped"  # noqa: S608
        f" ORDER BY timestamp RANGE BETWEEN %s::interval PRECEDING AND CURRENT ROW) AS counted FROM ({inner}) m) c"
        " WHERE counted >= %s AND timestamp >= %s ORDER BY timestamp"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [f"{pattern.minutes} minutes", *values, pattern.threshold, since])
        rows = cursor.fetchall()
    fired: list[Firing] = []
    quiet: dict[str, datetime] = {}
    for at, group, count in rows:
        if group not in quiet or at >= quiet[group]:
            fired.append(Firing(at, group, count))
            quiet[group] = at + timedelta(minutes=pattern.throttle)
    return found.filter(timestamp__gte=since).count(), fired


def evaluate_all(*, now: datetime) -> None:
    """Look at every organisation in which something was recorded since the last look; in the platform scope."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.id FROM tenancy_organization o WHERE EXISTS (SELECT FROM audit_auditentry e"
            " WHERE e.organization_id = o.id AND e.timestamp > %s)",
            [now - timedelta(minutes=2)],
        )
        organizations = [row[0] for row in cursor.fetchall()]
    for organization in organizations:
        with scope.tenant(organization, by=scope.actor()):
            evaluate(now=now)


def evaluate(*, now: datetime) -> list[SecurityEvent]:
    """Raise what the watched patterns and the rules of the organisation in force find in their windows."""
    raised = []
    for pattern in WATCHED:
        raised += _raise(pattern, {}, now)
    for rule in AlertRule.objects.filter(is_active=True).select_for_update():
        fired = dict(rule.last_fired)
        raised += _raise(pattern_of(rule), fired, now)
        if fired != rule.last_fired:
            AlertRule.objects.filter(pk=rule.pk).update(last_fired=fired)
    return raised


def _raise(pattern: Pattern, fired: dict[str, str], now: datetime) -> list[SecurityEvent]:
    """`fired` holds the last time per group, which throttles; the watched patterns read it from their events."""
    raised = []
    found: QuerySet[AuditEntry] = AuditEntry.objects.filter(
        pattern.matches,
        organization_id=scope.organization_id(),
        timestamp__gt=now - timedelta(minutes=pattern.minutes),
        timestamp__lte=now,
    ).order_by()
    grouped = found.extra(select={"grouped": f"coalesce({_GROUPS[pattern.group]}, '')"})  # noqa: S610
    counts: dict[str, int] = {}
    for group in grouped.values_list("grouped", flat=True).iterator():
        counts[group] = counts.get(group, 0) + 1
    for group, count in counts.items():
        if count < pattern.threshold:
            continue
        subject = " ".join(part for part in (pattern.name, group) if part)
        last = clock.parse_moment(fired.get(group))
        if not pattern.rule:
            newest = SecurityEvent.objects.filter(type=pattern.type, subject=subject).order_by("-last_at").first()
            last = newest.last_at if newest else None
        if last and last > now - timedelta(minutes=pattern.throttle):
            continue
        fired[group] = str(clock.wire(now))
        raised.append(
            raise_event(
                pattern.type,
                severity=pattern.severity,
                subject=subject,
                details={"count": count, "windowMinutes": pattern.minutes, "group": group},
                actor=UUID(group) if pattern.group == "userId" and group else None,
                rule=pattern.rule,
                delivery=pattern.delivery,
            )
        )
    return raised


def deliver(event: SecurityEvent, delivery: Mapping[str, Any]) -> None:
    """Queue the mail of an alert rule that wants one."""
    from portal.core.audit.jobs import alert_mail

    if "email" in delivery.get("channels", ()) and delivery.get("recipients"):
        defer(alert_mail, event=str(event.pk), recipients=list(delivery["recipients"]))


def mail(*, event: SecurityEvent, recipients: Sequence[str]) -> None:
    """Write to the recipients of an alert rule, in the language of the organisation, without what was recorded."""
    organization = Organization.objects.get(pk=scope.organization_id())
    last = event.last_at.astimezone(clock.zone(organization.time_zone))
    with translation.override(organization.language):
        context = {"event": event, "organization": organization, "last": last, "link": f"{settings.PUBLIC_URL}/audit"}
        context |= {"type": TYPES.get(event.type, event.type), "severity": event.get_severity_display()}
        subject = _("%(organization)s: %(event)s") % {"organization": organization.name, "event": event.subject}
        text = render_to_string("mail/security_event.txt", context)
        EmailMessage(" ".join(subject.split()), text, to=list(recipients)).send()


def rule_list() -> QuerySet[AlertRule]:
    return AlertRule.objects.order_by("name", "id")


def rule_get(*, id: UUID) -> AlertRule:
    """Raises NotFound."""
    found = AlertRule.objects.filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such alert rule."))
    return found


def _allowed(by: User) -> None:
    if not by.has_permission("audit.manage"):
        raise Denied(_("You may not change the rules of the audit log."))


def _checked(data: Mapping[str, Any], rule: AlertRule) -> None:
    """Put wire or field names into `rule`. Raises VALIDATION_ERROR with one entry per field."""
    errors = Errors()
    for name, value in data.items():
        setattr(rule, name, value)
    if not str(rule.name or "").strip():
        errors.add("name", _("This field is required."), "required")
    for name, low, high in (
        ("threshold", 1, 1_000_000),
        ("window_minutes", 1, LONGEST),
        ("throttle_minutes", 0, LONGEST),
    ):
        value = getattr(rule, name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            errors.add(name, _("Enter a whole number from %(low)s to %(high)s.") % {"low": low, "high": high})
    for name, allowed in (("group_by", list(_GROUPS)), ("severity", Severity.values)):
        if getattr(rule, name) not in allowed:
            errors.add(name, _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(filter(None, allowed))})
    _check_filter(rule.filter, errors)
    if not isinstance(rule.channels, list) or not set(rule.channels) <= set(CHANNELS):
        errors.add("channels", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(CHANNELS)})
    try:
        for address in rule.recipients if isinstance(rule.recipients, Sequence) else [""]:
            validate_email(address)
    except ValidationError:
        errors.add("recipients", _("Enter e-mail addresses."))
    errors.raise_any()


def _check_filter(conditions: Any, errors: Errors) -> None:
    if not isinstance(conditions, dict):
        errors.add("filter", _("Enter an object."))
        return
    for name, value in conditions.items():
        match name:
            case "action":
                words = [value] if isinstance(value, str) else value
                good = isinstance(words, list) and all(isinstance(word, str) and word in WIRE_ACTIONS for word in words)
            case "resource":
                good = isinstance(value, str) and len(value) <= 40
            case "userId":
                good = isinstance(value, str) and parse_uuid(value) is not None
            case "outcome":
                good = isinstance(value, str) and value in Outcome.values
            case "ip":
                good = isinstance(value, str) and _is_address(value)
            case _:
                good = False
        if not good:
            errors.add(f"filter.{name}", _("This filter is not known, or its value is not valid."))


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


@transaction.atomic
def rule_create(*, data: Mapping[str, Any], by: User) -> AlertRule:
    _allowed(by)
    rule = AlertRule(organization_id=scope.organization_id())
    _checked(data, rule)
    rule.save(force_insert=True)
    return rule


@transaction.atomic
def rule_update(*, id: UUID, data: Mapping[str, Any], by: User) -> AlertRule:
    _allowed(by)
    rule = rule_get(id=id)
    _checked(data, rule)
    rule.save()
    return rule


@transaction.atomic
def rule_delete(*, id: UUID, by: User) -> None:
    _allowed(by)
    rule_get(id=id).delete()


def rule_dry_run(*, rule: AlertRule, days: int = DRY_RUN_DAYS) -> dict[str, Any]:
    """What the rule would have done over the last `days` (1 to 30), without doing it."""
    now = clock.now()
    matched, fired = firings(pattern_of(rule), since=now - timedelta(days=days), until=now)
    return {
        "days": days,
        "matched": matched,
        "alerts": len(fired),
        "firings": [{"at": one.at, "group": one.group, "count": one.count} for one in fired[:100]],
    }


def rule_card(rule: AlertRule) -> dict[str, Any]:
    return {
        "id": rule.pk,
        "name": rule.name,
        "filter": rule.filter,
        "threshold": rule.threshold,
        "windowMinutes": rule.window_minutes,
        "groupBy": rule.group_by,
        "severity": rule.severity,
        "channels": rule.channels,
        "recipients": rule.recipients,
        "throttleMinutes": rule.throttle_minutes,
        "isActive": rule.is_active,
        "createdAt": rule.created_at,
    }
