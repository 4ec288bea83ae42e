"""Calendars and policies: writing them. Holidays of countries come from the library `holidays`."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import holidays
from django.db import IntegrityError, transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.common import clock as times
from portal.core.common.errors import Conflict, Denied, Errors, Invalid, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.tenancy import scope
from portal.crm.sla import clock, rules
from portal.crm.sla.clock import NeverOpen
from portal.crm.sla.models import CalendarEdition, SlaCalendar, SlaClock, SlaPolicy
from portal.crm.tickets.choices import Channel, TicketPriority

RIGHT: Final = "tickets.manage"
COUNTRIES: Final = {"MA": gettext_lazy("Morocco"), "YE": gettext_lazy("Yemen")}
_YEARS: Final = 3
_ESTIMATED: Final = "تقديري"  # what the library adds to a name


def _may(by: User) -> None:
    if not by.has_permission(RIGHT):
        raise Denied(_("You do not have the right to do this."), meta={"permission": RIGHT})


# --- calendars --------------------------------------------------------------------------------------
def calendar_list() -> QuerySet[SlaCalendar]:
    rows: QuerySet[SlaCalendar] = SlaCalendar.objects.filter(deleted_at=None)
    return rows


def calendar_get(*, id: UUID) -> SlaCalendar:
    """Raises NotFound."""
    found = calendar_list().filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such calendar."))
    return found


@transaction.atomic
def calendar_save(
    *, data: Mapping[str, Any], by: User, calendar: SlaCalendar | None = None, version: int | None = None
) -> SlaCalendar:
    """Make or change a calendar: `name, timeZone, week, holidays, seasons`; absent fields stay. Another content is a
    new edition, which clocks that run already do not take. Raises Denied, Invalid, VERSION_CONFLICT, NAME_TAKEN."""
    _may(by)
    if calendar is None:
        row = SlaCalendar(organization_id=scope.organization_id(), version=0)
        data = {"timeZone": row_zone(), "holidays": [], "seasons": [], **data}
    else:
        row = SlaCalendar.objects.select_for_update(no_key=True).get(pk=calendar.pk)
        if version is not None and version != row.version:
            raise Conflict(_("This record has been changed in the meantime."), meta={"currentVersion": row.version})
    errors = Errors()
    if "name" in data or calendar is None:
        row.name = str(data.get("name") or "").strip()[:100]
        if not row.name:
            errors.add("name", _("This field is required."))
    before = content_of(row)
    if "timeZone" in data:
        row.time_zone = rules.check_zone(data["timeZone"], "timeZone", errors)
    if "week" in data or calendar is None:
        row.week = rules.check_week(data.get("week"), "week", errors)
    if "holidays" in data:
        row.holidays = rules.check_holidays(data["holidays"], "holidays", errors)
    if "seasons" in data:
        row.seasons = rules.check_seasons(data["seasons"], "seasons", errors)
    errors.raise_any()
    fresh = calendar is None or content_of(row) != before
    row.version += fresh
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Conflict(_("There is one with this name already."), code="NAME_TAKEN") from None
    if fresh:
        CalendarEdition.objects.create(
            organization_id=row.organization_id, calendar=row, number=row.version, content=content_of(row)
        )
    return row


def row_zone() -> str:
    """The organisation's time zone."""
    from portal.core.tenancy.models import Organization

    return Organization.objects.values_list("time_zone", flat=True).get(pk=scope.organization_id())


def content_of(row: SlaCalendar) -> dict[str, Any]:
    return {"timeZone": row.time_zone, "week": row.week, "holidays": row.holidays, "seasons": row.seasons}


@transaction.atomic
def calendar_delete(*, calendar: SlaCalendar, by: User) -> None:
    """Soft; clocks keep their editions. Raises IN_USE where a policy works by it."""
    _may(by)
    if SlaPolicy.objects.filter(calendar=calendar, deleted_at=None).exists():
        raise Conflict(_("A policy works by this calendar."), code="IN_USE")
    calendar.deleted_at, calendar.deleted_by = times.now(), by
    calendar.save(update_fields=["deleted_at", "deleted_by", "updated_at"])


def try_out(*, calendar: SlaCalendar, data: Mapping[str, Any]) -> dict[str, Any]:
    """`{start, targetSeconds, pauses}` gives `deadline`, `{start, end, pauses}` gives `seconds`."""
    errors = Errors()

    def moment(name: str, said: Any) -> datetime:
        found = times.parse_moment(said)
        if found is None:
            errors.add(name, _("Give a date and time with its offset, like 2026-11-20T09:15:00Z."))
        return found or datetime(2000, 1, 1, tzinfo=UTC)

    start, said = moment("start", data.get("start")), data.get("pauses") or []
    if not isinstance(said, list) or not all(isinstance(one, list) and len(one) == 2 for one in said):
        errors.add("pauses", _("Give pairs of moments."))
        said = []
    pauses = [
        (moment(f"pauses.{n}.0", one[0]), moment(f"pauses.{n}.1", one[1]) if one[1] is not None else None)
        for n, one in enumerate(said)
    ]
    rules.check_zone(calendar.time_zone, "timeZone", errors)  # zones are taken out of the database of zones, too
    read = clock.Calendar.read(content_of(calendar))
    if "end" in data:
        end = moment("end", data["end"])
        if abs((end - start).days) > clock.HORIZON:
            errors.add("end", _("At most ten years."))
        errors.raise_any()
        return {"seconds": int(clock.elapsed(read, start, end, pauses).total_seconds())}
    target = data.get("targetSeconds")
    if isinstance(target, bool) or not isinstance(target, int) or not 0 <= target <= rules.LONGEST:
        errors.add("targetSeconds", _("Enter whole seconds, at most a year."))
    errors.raise_any()
    try:
        due = clock.deadline(read, start, timedelta(seconds=int(target or 0)), pauses)
    except (NeverOpen, OverflowError):
        raise Invalid.field("targetSeconds", _("The calendar is not open for so long within ten years.")) from None
    return {"deadline": times.wire(due)}


def public_holidays(*, country: str, first_year: int) -> list[dict[str, Any]]:
    """Of three years, from `first_year` on, with Arabic names; days that hang on the moon are marked as estimated,
    until an administrator confirms them."""
    if country not in COUNTRIES:
        raise Invalid.field("country", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(COUNTRIES)})
    years = range(first_year, first_year + _YEARS)
    return [
        {
            "date": day.isoformat(),
            "name": " ".join(name.replace(f" ({_ESTIMATED})", "").replace(_ESTIMATED, "").replace(" )", ")").split())[
                :100
            ],
            "recurring": False,
            "source": f"holidays:{country}",
            "estimated": _ESTIMATED in name,
        }
        for day, name in sorted(holidays.country_holidays(country, years=years, language="ar").items())
    ]


def holidays_add(*, calendar: SlaCalendar, country: str, by: User) -> SlaCalendar:
    """Put a country's holidays beside those that are there; what somebody entered or confirmed for a day stays."""
    kept = {entry["date"]: entry for entry in calendar.holidays if not entry["estimated"]}
    recurring = [entry for entry in calendar.holidays if entry["recurring"]]
    new = {entry["date"]: entry for entry in public_holidays(country=country, first_year=timezone.localdate().year)}
    merged = [*({**new, **{d: e for d, e in kept.items() if not e["recurring"]}}).values(), *recurring]
    return calendar_save(data={"holidays": merged}, by=by, calendar=calendar)


# --- policies ---------------------------------------------------------------------------------------
def policy_list() -> QuerySet[SlaPolicy]:
    rows: QuerySet[SlaPolicy] = SlaPolicy.objects.filter(deleted_at=None).select_related("calendar")
    return rows.order_by("is_default", "order", "name", "id")


def policy_get(*, id: UUID) -> SlaPolicy:
    """Raises NotFound."""
    found = policy_list().filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such policy."))
    return found


@transaction.atomic
def policy_save(
    *, data: Mapping[str, Any], by: User, policy: SlaPolicy | None = None, version: int | None = None
) -> SlaPolicy:
    """Make or change a policy; absent fields stay. No running clock moves (`reapply` does that). The default one takes
    every ticket, so it has no conditions; saying `isDefault` of another one takes it from the former. Raises Denied,
    Invalid, VERSION_CONFLICT, NAME_TAKEN."""
    _may(by)
    if policy is None:
        row = SlaPolicy(organization_id=scope.organization_id(), version=0)
        data = {"warnPercent": [75], **data}
    else:
        row = SlaPolicy.objects.select_for_update(no_key=True).get(pk=policy.pk)
        if version is not None and version != row.version:
            raise Conflict(_("This record has been changed in the meantime."), meta={"currentVersion": row.version})
    errors = Errors()
    if "name" in data or policy is None:
        row.name = str(data.get("name") or "").strip()[:100]
        if not row.name:
            errors.add("name", _("This field is required."))
    row.order = _order(data, row.order, errors)
    if "targets" in data or policy is None:
        row.targets = rules.check_targets(data.get("targets"), "targets", TicketPriority.values, errors)
    if "warnPercent" in data:
        row.warn_percent = rules.check_percents(data["warnPercent"], "warnPercent", errors)
    if "escalations" in data:
        row.escalations = rules.check_steps(data["escalations"], "escalations", errors)
    if "calendarId" in data:
        row.calendar = _calendar(data["calendarId"], errors)
    if "match" in data:
        row.match = check_match(data["match"], errors)
    wanted = data.get("isDefault")
    if wanted is False and row.is_default:
        errors.add("isDefault", _("Make another policy the default one instead."))
    errors.raise_any()
    if wanted is True and not row.is_default:
        SlaPolicy.objects.filter(is_default=True, deleted_at=None).update(
            is_default=False, version=F("version") + 1, updated_at=times.now()
        )
        row.is_default = True
    if row.is_default:
        row.match = {}
    row.version += 1
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Conflict(_("There is one with this name already."), code="NAME_TAKEN") from None
    return row


def _order(data: Mapping[str, Any], held: int, errors: Errors) -> int:
    said = data.get("order", held)
    if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said <= 30_000:
        errors.add("order", _("Enter a whole number."))
        return held
    return said


def _calendar(said: Any, errors: Errors) -> SlaCalendar | None:
    if said in (None, ""):
        return None
    id = parse_uuid(said)
    found = calendar_list().filter(pk=id).first() if id else None
    if found is None:
        errors.add("calendarId", _("There is no such calendar."))
    return found


def check_match(said: Any, errors: Errors) -> dict[str, list[str]]:
    """Categories by key or id, kept as ids; tags in one spelling."""
    from portal.crm.contracts.models import ContractType
    from portal.crm.tickets.models import TicketCategory

    known = {"categories", "priorities", "customerTags", "contractIds", "contractTypes", "channels"}
    if not isinstance(said, dict) or not set(said) <= known:
        errors.add("match", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(sorted(known))})
        return {}
    found: dict[str, list[str]] = {}
    for name, values in said.items():
        if not isinstance(values, list | None) or not all(isinstance(value, str) for value in values or []):
            errors.add(f"match.{name}", _("Must be a list of texts."))
            continue
        found[name] = list(dict.fromkeys(values or []))
    choices = {"priorities": TicketPriority.values, "channels": Channel.values}
    if found.get("contractTypes"):
        choices["contractTypes"] = list(ContractType.objects.values_list("key", flat=True))
    for name, allowed in choices.items():
        if set(found.get(name, [])) - set(allowed):
            errors.add(f"match.{name}", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(allowed)})
    if categories := found.get("categories"):
        rows = TicketCategory.objects.values_list("pk", "key")
        ids = {str(pk): str(pk) for pk, _key in rows} | {key: str(pk) for pk, key in rows}
        if unknown := [value for value in categories if value not in ids]:
            errors.add("match.categories", _("Unknown: %(names)s.") % {"names": ", ".join(unknown)})
        found["categories"] = [ids[value] for value in categories if value in ids]
    found["customerTags"] = [rules.tag_key(tag) for tag in found.get("customerTags", [])]
    return {name: values for name, values in found.items() if values}


@transaction.atomic
def policy_delete(*, policy: SlaPolicy, by: User) -> None:
    """Soft; tickets that run on it keep their clocks. The default one stays. Raises Denied, IN_USE."""
    _may(by)
    if policy.is_default:
        raise Conflict(_("The default policy stays: make another one the default first."), code="IN_USE")
    policy.deleted_at, policy.deleted_by = times.now(), by
    policy.save(update_fields=["deleted_at", "deleted_by", "updated_at"])


def policy_running(policy: SlaPolicy) -> QuerySet[SlaClock]:
    """The clocks that run on a policy."""
    rows: QuerySet[SlaClock] = SlaClock.objects.filter(policy=policy, stopped_at=None).exclude(state="cancelled")
    return rows


def next_order() -> int:
    return (policy_list().filter(is_default=False).aggregate(last=Max("order"))["last"] or 0) + 10
