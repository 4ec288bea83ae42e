"""Times on the wire: ISO 8601 in UTC with `Z`."""

import re
from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|z|[+-]\d{2}:?\d{2})$")


def now() -> datetime:
    return datetime.now(UTC)


def wire(moment: datetime | None) -> str | None:
    """`2026-11-20T09:15:00Z`, with milliseconds or microseconds only where there are any."""
    if moment is None:
        return None
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat()[:-6] + "Z"


def parse_moment(text: object) -> datetime | None:
    """A date-time with offset or `Z`; None for anything else (a time without offset has no meaning)."""
    if not isinstance(text, str) or not _STAMP.match(text):
        return None
    try:
        return datetime.fromisoformat(text.replace(",", ".").upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_date(text: object) -> date | None:
    if not isinstance(text, str) or len(text) != 10:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def zone(name: str) -> tzinfo:
    return ZoneInfo(name)


def day_start(day: date, zone_name: str) -> datetime:
    """Midnight of a bare date in the organisation's zone, in UTC."""
    return datetime.combine(day, time.min, ZoneInfo(zone_name)).astimezone(UTC)
