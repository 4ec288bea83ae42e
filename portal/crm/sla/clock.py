"""Business time: how much of it lies between two moments, and when a target of it is reached.

business(a, b) is the measure of the calendar's open time in [a, b) without the pauses; a deadline is the earliest t
with business(start, t) = target (specification of the domain, "SLA engine"). All moments are aware, all measures are
seconds of real time: an hour that a clock change repeats counts twice, one that it skips does not count. Days are
walked, never minutes; a day's opening hours become UTC by the offsets that hold on that day, each for its own part of
it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HORIZON: Final = 3660  # days: a target that ten years do not hold is never reached
_DAY: Final = timedelta(days=1)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_NIL: Final = timedelta()

type Span = tuple[datetime, datetime]  # half open
type Hours = tuple[tuple[timedelta, timedelta], ...]  # of one day, from its midnight on the wall clock
type Week = tuple[Hours, ...]  # from Monday
type Pause = tuple[datetime, datetime | None]  # None: has not ended


class NeverOpen(ValueError):
    """The calendar does not open long enough within ten years."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When work is done. `seasons` (first day, last day, week) replace the week on their days, the first one wins;
    a holiday closes its day, in a season too."""

    zone: str
    week: Week
    holidays: frozenset[date] = frozenset()
    yearly: frozenset[tuple[int, int]] = frozenset()  # (month, day)
    seasons: tuple[tuple[date, date, Week], ...] = ()

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Self:
        """From `{timeZone, week: {"mon": [["08:00", "12:00"]]}, holidays: [{date, recurring}], seasons: [{from, to,
        week}]}`, checked before (`calendars.check`)."""
        days = [(date.fromisoformat(entry["date"]), entry.get("recurring", False)) for entry in said["holidays"]]
        return cls(
            zone=said["timeZone"],
            week=read_week(said["week"]),
            holidays=frozenset(day for day, recurring in days if not recurring),
            yearly=frozenset((day.month, day.day) for day, recurring in days if recurring),
            seasons=tuple(
                (date.fromisoformat(one["from"]), date.fromisoformat(one["to"]), read_week(one["week"]))
                for one in said["seasons"]
            ),
        )

    def hours(self, day: date) -> Hours:
        """The opening hours of a day, on the wall clock."""
        if day in self.holidays or (day.month, day.day) in self.yearly:
            return ()
        week = next((week for first, last, week in self.seasons if first <= day <= last), self.week)
        return week[day.weekday()]

    def open_on(self, day: date) -> list[Span]:
        """The same in UTC, in order."""
        hours = self.hours(day)
        if not hours:
            return []
        midnight, found = datetime(day.year, day.month, day.day, tzinfo=UTC), []
        for since, until, offset in _offsets(self.zone, day):
            for opens, closes in hours:
                span = max(midnight + opens - offset, since), min(midnight + closes - offset, until)
                if span[0] < span[1]:
                    found.append(span)
        return sorted(found)


ALWAYS: Final = Calendar("UTC", (((_NIL, _DAY),),) * 7)


def read_week(said: Mapping[str, Sequence[Sequence[str]]]) -> Week:
    return tuple(tuple((_time(opens), _time(closes)) for opens, closes in said.get(day, ())) for day in DAYS)


def elapsed(calendar: Calendar, start: datetime, end: datetime, pauses: Iterable[Pause] = ()) -> timedelta:
    """The business time in [start, end) without the pauses; nothing where `end` is not after `start`."""
    total, stops = _NIL, merged(pauses)
    for opens, closes in _open_from(calendar, start):
        if opens >= end:
            break
        for since, until in _without((opens, min(closes, end)), stops):
            total += until - since
    return total


def deadline(calendar: Calendar, start: datetime, target: timedelta, pauses: Iterable[Pause] = ()) -> datetime:
    """When `target` of business time has passed since `start`, in UTC. Raises NeverOpen."""
    left, stops = target, merged(pauses)
    if left <= _NIL:
        return start.astimezone(UTC)
    for span in _open_from(calendar, start):
        for since, until in _without(span, stops):
            if until - since >= left:
                return since + left
            left -= until - since
    raise NeverOpen(f"{target} is not reached within {HORIZON} days of {start}")


def merged(pauses: Iterable[Pause]) -> list[Span]:
    """In order, without overlaps; one that has not ended lasts for ever."""
    found: list[Span] = []
    for since, until in sorted((since, until or _NEVER) for since, until in pauses):
        if found and since <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], until)
        elif since < until:
            found.append((since, until))
    return found


def _open_from(calendar: Calendar, start: datetime) -> Iterator[Span]:
    first = start.astimezone(ZoneInfo(calendar.zone)).date() - _DAY
    for ahead in range(HORIZON):
        for opens, closes in calendar.open_on(first + timedelta(days=ahead)):
            if closes > start:
                yield max(opens, start.astimezone(UTC)), closes


def _without(span: Span, pauses: Sequence[Span]) -> Iterator[Span]:
    since, until = span
    for stops, resumes in pauses:
        if stops >= until:
            break
        if stops > since:
            yield since, stops
        since = max(since, resumes)
        if since >= until:
            return
    yield since, until


@lru_cache(maxsize=4096)
def _offsets(zone: str, day: date) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """The offsets from UTC that hold around a day, each with the UTC moments between which it does: one, or two where
    the clocks are changed."""
    place, midnight = ZoneInfo(zone), datetime(day.year, day.month, day.day, tzinfo=UTC)

    def at(moment: datetime) -> timedelta:
        return moment.astimezone(place).utcoffset() or _NIL

    early, late = midnight - timedelta(hours=15), midnight + timedelta(hours=39)
    before, after = at(early), at(late)
    start, end = midnight - 3 * _DAY, midnight + 4 * _DAY
    if before == after:
        return ((start, end, before),)
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if at(middle) == before:
            early = middle
        else:
            late = middle
    return (start, late, before), (late, end, after)


def _time(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))
