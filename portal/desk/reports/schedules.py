"""Reports by the clock of the organisation.

An occurrence is sent once: the row of the schedule is locked while it moves on, and each recipient has one run an
occurrence by a unique key, however many workers there are. What was missed while no worker ran is sent once, not once
for each time. Each recipient's right is looked at when the occurrence comes round and again when the file is drawn, and
whoever gets nothing has a run that says why.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import Role, User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, Errors, Invalid
from portal.core.common.ids import parse_uuid
from portal.core.notifications.events import publish
from portal.core.notifications.services import people_of
from portal.core.sync.records import may
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import Actor, tenant
from portal.desk.reports import selectors, sources
from portal.desk.reports.choices import Format, Frequency, RunStatus, Skipped
from portal.desk.reports.models import CustomReport, ReportRun, ReportSchedule
from portal.desk.reports.services import begin, language_of

MOST_PEOPLE: Final = 200
MOST_SCHEDULES: Final = 10  # of one report
_CLOCKWORK: Final = Actor(name="reports", via="job")
_NUMBERS: Final = (("weekday", 0, 6), ("monthDay", 1, 31), ("hour", 0, 23), ("minute", 0, 59))


# --- the clock --------------------------------------------------------------------------------------------
def next_after(schedule: ReportSchedule, moment: datetime, zone: str) -> datetime:
    """The first time after `moment`, in UTC. A time that the clocks leave out comes when they have gone forward; one
    that they repeat comes once, the first time."""
    place = ZoneInfo(zone)
    at = time(schedule.hour, schedule.minute)
    for day in _days(schedule, moment.astimezone(place).date() - timedelta(days=1)):
        found = datetime.combine(day, at, place).astimezone(UTC)
        if found > moment:
            return found
    raise AssertionError("a calendar has no end")


def _days(schedule: ReportSchedule, day: date) -> Iterator[date]:
    """The days on which it is sent, from `day` on."""
    while True:
        match schedule.frequency:
            case Frequency.WEEKLY:
                wanted = day.weekday() == schedule.weekday
            case Frequency.MONTHLY:
                wanted = day.day == min(schedule.month_day, monthrange(day.year, day.month)[1])
            case _:
                wanted = True
        if wanted:
            yield day
        day += timedelta(days=1)


# --- writing ----------------------------------------------------------------------------------------------
@transaction.atomic
def schedule_create(*, report: CustomReport, data: Mapping[str, Any], by: User) -> ReportSchedule:
    """`{frequency, weekday, monthDay, hour, minute, format, roles, people, isActive}`. Raises Invalid, Denied."""
    _may(by, report)
    if report.schedules.count() >= MOST_SCHEDULES:
        raise Invalid.field("frequency", _("At most %(count)s schedules for one report.") % {"count": MOST_SCHEDULES})
    schedule = ReportSchedule(organization_id=scope.organization_id(), report=report, created_by=by)
    _take(schedule, data, by)
    schedule.save(force_insert=True)
    _tell(report)
    return schedule


@transaction.atomic
def schedule_update(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> ReportSchedule:
    """Also pauses (`isActive` false) and goes on. Raises Invalid, Denied, NotFound, VERSION_CONFLICT."""
    schedule = _held(by, id)
    if version is not None and version != schedule.version:
        raise Conflict(_("This record has been changed in the meantime."), meta={"version": schedule.version})
    _take(schedule, data, by)
    schedule.version += 1
    schedule.save()
    _tell(schedule.report)
    return schedule


@transaction.atomic
def schedule_delete(*, id: UUID, by: User) -> None:
    """The runs stay. Raises Denied, NotFound."""
    schedule = _held(by, id)
    _tell(schedule.report)
    schedule.delete()


def _held(by: User, id: UUID) -> ReportSchedule:
    schedule = selectors.schedule_for(by, id)
    _may(by, schedule.report)
    if schedule.created_by_id != by.pk:
        may(by, "custom_reports.share")
    fresh = ReportSchedule.objects.select_for_update(no_key=True).get(pk=schedule.pk)
    fresh.report = schedule.report
    return fresh


def _may(by: User, report: CustomReport) -> None:
    may(by, "custom_reports.edit")
    if not selectors.may_schedule(by, report):
        raise Denied(_("You do not have the right to do this."), meta={"permission": "custom_reports.share"})


def _take(schedule: ReportSchedule, data: Mapping[str, Any], by: User) -> None:
    errors = Errors()
    _take_times(schedule, data, errors)
    if "roles" in data:
        schedule.roles = _roles(data["roles"], errors)
    if "people" in data:
        schedule.people = _people(data["people"], errors)
    if not schedule.roles and not schedule.people and not errors.items:
        schedule.people = [str(by.pk)]
    errors.raise_any()
    if schedule.roles or schedule.people != [str(by.pk)]:
        may(by, "custom_reports.share")
        if not schedule.report.shared:
            raise Invalid.field("people", _("Share the report first: others cannot see a report of your own."))
    if len(recipients(schedule)) > MOST_PEOPLE:
        raise Invalid.field("roles", _("At most %(count)s people.") % {"count": MOST_PEOPLE})
    organization = Organization.objects.get(pk=scope.organization_id())
    schedule.next_at = next_after(schedule, clock.now(), organization.time_zone) if schedule.is_active else None


def _take_times(schedule: ReportSchedule, data: Mapping[str, Any], errors: Errors) -> None:
    for name, allowed in (("frequency", Frequency.values), ("format", Format.values)):
        if name in data and data[name] not in allowed:
            errors.add(name, _("One of: %(allowed)s.") % {"allowed": ", ".join(allowed)})
        elif name in data:
            setattr(schedule, name, data[name])
    if not schedule.frequency and not errors.items:
        errors.add("frequency", _("This field is required."))
    for name, low, high in _NUMBERS:
        said = data.get(name, low)
        if not isinstance(said, int) or isinstance(said, bool) or not low <= said <= high:
            errors.add(name, _("A whole number from %(low)s to %(high)s.") % {"low": low, "high": high})
        elif name in data:
            setattr(schedule, "month_day" if name == "monthDay" else name, said)
    if not isinstance(data.get("isActive", True), bool):
        errors.add("isActive", _("Enter true or false."))
    elif "isActive" in data:
        schedule.is_active = data["isActive"]


def _roles(said: Any, errors: Errors) -> list[str]:
    known = set(Role.objects.filter(deleted_at=None).values_list("key", flat=True))
    if not isinstance(said, list) or any(not isinstance(key, str) or key not in known for key in said):
        errors.add("roles", _("There is no such role."))
        return []
    return list(dict.fromkeys(said))


def _people(said: Any, errors: Errors) -> list[str]:
    ids = [parse_uuid(one) for one in said] if isinstance(said, list) else [None]
    here = {user.pk for user in people_of(scope.organization_id(), ids=[id for id in ids if id])}
    if any(id not in here for id in ids):
        errors.add("people", _("There is no such person."))
        return []
    return list(dict.fromkeys(str(id) for id in ids))


def _tell(report: CustomReport) -> None:
    publish("custom_report.changed", entity="custom_report", id=report.pk)


# --- sending ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Recipient:
    user: User
    skipped: Skipped | None


def recipients(schedule: ReportSchedule) -> list[Recipient]:
    """Everybody who is named, and the people of the roles as they are now; each with why they get nothing, if so."""
    organization, report = schedule.organization_id, schedule.report
    named = User.objects.filter(pk__in=schedule.people, organization_id=organization).select_related("role")
    people = {user.pk: user for user in named}
    for key in schedule.roles:
        people |= {user.pk: user for user in people_of(organization, role=key)}
    return [Recipient(user, _reason(user, report)) for _pk, user in sorted(people.items())]


def _reason(user: User, report: CustomReport) -> Skipped | None:
    if not user.is_active or user.deleted_at is not None:
        return Skipped.LEFT
    if not user.has_permission("custom_reports.view"):
        return Skipped.NO_RIGHT
    if report.source not in sources.seen(user):
        return Skipped.NO_SOURCE
    if not report.shared and report.owner_id != user.pk:
        return Skipped.NOT_SHARED
    return None


def run_due(*, now: datetime | None = None) -> int:
    """Start what is due, each occurrence in a transaction of its own; how many occurrences. In a platform scope."""
    now = now or clock.now()
    due = ReportSchedule.objects.filter(next_at__lte=now, report__deleted_at=None, organization__is_active=True)
    count = 0
    for schedule in list(due.order_by("next_at", "id")[:500]):
        with tenant(schedule.organization_id, by=_CLOCKWORK):
            count += _occur(schedule.pk, now)
    return count


def _occur(id: UUID, now: datetime) -> int:
    """1 where this worker is the one that sends it."""
    rows = ReportSchedule.objects.select_for_update(skip_locked=True, of=("self",)).select_related("report")
    schedule = rows.filter(pk=id, next_at__lte=now).first()
    if schedule is None or schedule.next_at is None:
        return 0
    zone = Organization.objects.values_list("time_zone", flat=True).get(pk=schedule.organization_id)
    occurrence = _latest(schedule, now, zone)
    for recipient in recipients(schedule):
        _run_for(schedule, recipient, occurrence)
    schedule.last_at, schedule.next_at = occurrence, next_after(schedule, now, zone)
    schedule.save(update_fields=["last_at", "next_at", "updated_at"])
    return 1


def _latest(schedule: ReportSchedule, now: datetime, zone: str) -> datetime:
    """Of the times that were missed, the last one."""
    assert schedule.next_at is not None
    found = schedule.next_at
    back = now - timedelta(days=32)
    at = found if found > back else next_after(schedule, back, zone)
    while at <= now:
        found, at = at, next_after(schedule, at, zone)
    return found


def _run_for(schedule: ReportSchedule, recipient: Recipient, occurrence: datetime) -> None:
    report, user = schedule.report, recipient.user
    run = ReportRun(
        organization_id=schedule.organization_id,
        report=report,
        version=report.version,
        definition=report.definition,
        format=schedule.format,
        language=language_of(user),
        person=user,
        schedule=schedule,
        occurrence=occurrence,
    )
    if recipient.skipped:
        run.status, run.skipped, run.finished_at = RunStatus.SKIPPED, recipient.skipped, clock.now()
    made = ReportRun.objects.bulk_create([run], ignore_conflicts=True)
    if not recipient.skipped and ReportRun.objects.filter(pk=made[0].pk).exists():
        begin(run)
