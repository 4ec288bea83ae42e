"""Who hears of what through which channel, and when they want their peace."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta, tzinfo
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Denied, Errors
from portal.core.notifications import kinds
from portal.core.notifications.models import Channel, Preference
from portal.core.tenancy.models import Organization, validate_time_zone

FORCED: Final = (Channel.IN_APP, Channel.EMAIL)  # for security
DIGEST_HOUR: Final = 8  # o'clock in the recipient's zone
_UNTOUCHED: Final = Preference()


def preference_of(user: User) -> Preference:
    """What the person chose; without a row the defaults."""
    return Preference.objects.filter(user=user).first() or Preference(user=user)


def preferences_of(users: Iterable[UUID]) -> dict[UUID, Preference]:
    return {row.user_id: row for row in Preference.objects.filter(user__in=list(users))}


def default(category: str, channel: str) -> bool:
    """Whether a channel is on where a person said nothing: as the kinds of the category say; push once subscribed."""
    if channel in (Channel.IN_APP, Channel.PUSH):
        return True
    if category == kinds.ANNOUNCEMENTS:
        return channel == Channel.EMAIL
    return any(channel in kind.channels for kind in kinds.every() if kind.category == category)


def wants(preference: Preference | None, *, category: str, channel: str, usual: Iterable[str]) -> bool:
    """Whether a message of `category` that usually goes through `usual` reaches the person by `channel`."""
    if category == kinds.SECURITY and channel in FORCED:
        return channel in usual
    chosen = (preference or _UNTOUCHED).matrix.get(category, {}).get(channel)
    return channel in usual or channel == Channel.PUSH if chosen is None else bool(chosen)


def zone_of(preference: Preference | None, organization: Organization) -> tzinfo:
    return clock.zone((preference and preference.time_zone) or organization.time_zone)


def quiet_until(preference: Preference | None, *, now: datetime, zone: tzinfo) -> datetime | None:
    """The end of the quiet hours that `now` falls into; they may span midnight."""
    if preference is None or preference.quiet_from is None or preference.quiet_to is None:
        return None
    begin, end, local = preference.quiet_from, preference.quiet_to, now.astimezone(zone)
    if begin == end:
        return None
    clocked = local.time().replace(tzinfo=None)
    inside = begin <= clocked < end if begin < end else clocked >= begin or clocked < end
    if not inside:
        return None
    day = local.date() + timedelta(days=1) if clocked >= end else local.date()
    return datetime.combine(day, end, zone)


def digest_at(preference: Preference, *, now: datetime, zone: tzinfo) -> datetime:
    """When the next digest leaves: at the full hour, or at eight in the morning."""
    local = now.astimezone(zone)
    if preference.digest == Preference.Digest.HOURLY:
        return (local + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    today = datetime.combine(local.date(), time(DIGEST_HOUR), zone)
    return today if local < today else datetime.combine(local.date() + timedelta(days=1), time(DIGEST_HOUR), zone)


def matrix_of(preference: Preference) -> dict[str, dict[str, bool]]:
    """The whole matrix, defaults filled in."""
    return {
        category: {
            channel: (category == kinds.SECURITY and channel in FORCED)
            or bool(preference.matrix.get(category, {}).get(channel, default(category, channel)))
            for channel in Channel.values
        }
        for category in kinds.CATEGORIES
    }


def preference_card(preference: Preference) -> dict[str, Any]:
    quiet = preference.quiet_from and preference.quiet_to
    hours = {"from": f"{preference.quiet_from:%H:%M}", "to": f"{preference.quiet_to:%H:%M}"} if quiet else None
    return {
        "matrix": matrix_of(preference),
        "quietHours": hours,
        "timeZone": preference.time_zone or None,
        "digest": preference.digest,
    }


def preference_change(*, user: User, changes: Mapping[str, Any]) -> Preference:
    """Change `matrix` (categories and channels that are named, the others stay), `quietHours`, `timeZone`, `digest`.

    Raises Invalid for unknown names, hours that are none, and for switching off what security needs.
    """
    if user.organization_id is None or user.is_superadmin:
        raise Denied(_("Platform administrators get no notifications."))
    preference, errors = preference_of(user), Errors()
    if "matrix" in changes:
        preference.matrix = _matrix(preference, changes["matrix"] or {}, errors)
    if "quietHours" in changes:
        hours = changes["quietHours"]
        preference.quiet_from, preference.quiet_to = _hours(hours, errors) if hours is not None else (None, None)
    if "timeZone" in changes:
        preference.time_zone = changes["timeZone"] or ""
        if preference.time_zone:
            try:
                validate_time_zone(preference.time_zone)
            except ValidationError as error:
                errors.add("timeZone", error.messages[0])
    if "digest" in changes:
        preference.digest = changes["digest"]
        if preference.digest not in Preference.Digest.values:
            errors.add("digest", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(Preference.Digest.values)})
    errors.raise_any()
    preference.organization_id = user.organization_id
    preference.save()
    return preference


def _matrix(preference: Preference, said: Any, errors: Errors) -> dict[str, dict[str, bool]]:
    matrix = {category: dict(row) for category, row in preference.matrix.items()}
    if not isinstance(said, dict):
        errors.add("matrix", _("Must be an object."))
        return matrix
    for category, row in said.items():
        if category not in kinds.CATEGORIES or not isinstance(row, dict):
            errors.add(f"matrix.{category}", _("There is no such category."))
            continue
        for channel, on in row.items():
            place = f"matrix.{category}.{channel}"
            if channel not in Channel.values:
                errors.add(place, _("There is no such channel."))
            elif not isinstance(on, bool):
                errors.add(place, _("Must be true or false."))
            elif category == kinds.SECURITY and channel in FORCED and not on:
                errors.add(place, _("Messages about security cannot be switched off."))
            elif on == default(category, channel):
                matrix.get(category, {}).pop(channel, None)
            else:
                matrix.setdefault(category, {})[channel] = on
    return {category: row for category, row in matrix.items() if row}


def _hours(said: Any, errors: Errors) -> tuple[time | None, time | None]:
    found: list[time | None] = []
    for name in ("from", "to"):
        try:
            found.append(time.fromisoformat(said[name]).replace(tzinfo=None))
        except (KeyError, TypeError, ValueError):
            errors.add(f"quietHours.{name}", _("Enter a time as HH:MM."))
            found.append(None)
    return found[0], found[1]


def unsubscribe(*, user: User, category: str) -> None:
    """No more e-mail of this category; security stays. As often as one likes."""
    if category != kinds.SECURITY:
        preference_change(user=user, changes={"matrix": {category: {str(Channel.EMAIL): False}}})
