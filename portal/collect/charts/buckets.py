"""Stretches of time on the wall clock of an organisation: their labels, and every one from the first to the last.

A bucket is the local moment at which it begins, without a zone, as `date_trunc` gives it. The hour that a zone repeats
when its clocks go back is one bucket, the hour that it leaves out is none.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from portal.collect.charts.choices import Bucket


def label(moment: datetime, bucket: Bucket) -> str:
    """`2026-02-14T10:00`, `2026-02-14`, a week's Monday, `2026-02`, `2026-Q1`, `2026`."""
    match bucket:
        case Bucket.HOUR:
            return moment.isoformat(timespec="minutes")
        case Bucket.DAY | Bucket.WEEK:
            return moment.date().isoformat()
        case Bucket.MONTH:
            return moment.date().isoformat()[:7]
        case Bucket.QUARTER:
            return f"{moment.year:04}-Q{(moment.month + 2) // 3}"
    return f"{moment.year:04}"


def every(first: datetime, last: datetime, bucket: Bucket, zone: str) -> Iterator[datetime]:
    """From `first` to `last`, both included."""
    if bucket == Bucket.HOUR:
        yield from _hours(first, last, zone)
        return
    at = first
    while at < last:
        yield at
        at = _next(at, bucket)
    yield at


def _next(at: datetime, bucket: Bucket) -> datetime:
    if bucket in (Bucket.DAY, Bucket.WEEK):
        return at + timedelta(days=7 if bucket == Bucket.WEEK else 1)
    months = {Bucket.MONTH: 1, Bucket.QUARTER: 3, Bucket.YEAR: 12}[bucket]
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1)


def _hours(first: datetime, last: datetime, zone: str) -> Iterator[datetime]:
    place = ZoneInfo(zone)
    at = first
    while at <= last:
        # where the clocks go forward, some hours are on no clock
        if at in (first, last) or any(_exists(at + timedelta(minutes=half), place) for half in (0, 30)):
            yield at
        at += timedelta(hours=1)


def _exists(at: datetime, place: ZoneInfo) -> bool:
    there = at.replace(tzinfo=place).timestamp()
    return datetime.fromtimestamp(there, place).replace(tzinfo=None) == at


def count(first: datetime, last: datetime, bucket: Bucket) -> int:
    """How many there are at most, without walking them."""
    days = (last - first).days + 1
    per = {Bucket.HOUR: 1 / 24, Bucket.DAY: 1, Bucket.WEEK: 7, Bucket.MONTH: 28, Bucket.QUARTER: 90, Bucket.YEAR: 365}
    return int(days / per[bucket]) + 1
