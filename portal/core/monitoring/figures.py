"""What the page of the platform's traffic shows: the last hour, day or week, from the table of minutes."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, Final

from django.db import connection

from portal.core.common import clock
from portal.core.monitoring import sql
from portal.core.monitoring.counters import BOUNDS, KINDS

# Period: how far back, and the step of its charts.
PERIODS: Final[Mapping[str, tuple[timedelta, timedelta]]] = {
    "hour": (timedelta(hours=1), timedelta(minutes=1)),
    "day": (timedelta(days=1), timedelta(minutes=30)),
    "week": (timedelta(days=7), timedelta(hours=3)),
}
SURFACES: Final = ("portal", "v1", "mobile", "machine")
TREND: Final = ("logins", "devices", "geo_denials")  # kinds with a chart over time


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Requests of one route. `refused` had a 4xx status, `failed` a 5xx; times in milliseconds."""

    surface: str
    method: str
    route: str
    count: int
    refused: int
    failed: int
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Share:
    """`good` of `all`; `percent` is None where there were none."""

    good: int
    all: int

    @property
    def percent(self) -> float | None:
        return round(100 * self.good / self.all, 1) if self.all else None


@dataclass(slots=True)
class Step:
    """A step of the charts, `minutes` long (the running one as long as it lasts)."""

    start: datetime
    minutes: float
    requests: int = 0
    failed: int = 0
    p50: float | None = None
    p95: float | None = None
    counts: dict[str, int] = field(default_factory=dict)  # of TREND, sign-ins apart as `logins` and `refused_logins`


@dataclass(frozen=True, slots=True)
class Traffic:
    since: datetime
    at: datetime
    requests: int
    per_minute: float
    p50: float
    p95: float
    failed: int
    steps: list[Step]
    endpoints: list[Endpoint]
    errors: list[tuple[str, int]]  # codes, the most frequent first
    logins: Share
    sync: Share
    uploads: Share
    counts: Mapping[str, list[tuple[tuple[str, ...], int]]]  # every other kind by labels
    jobs: list[tuple[str, int, int, float]]  # task, ran, failed, p95


def quantile(buckets: Sequence[int], share: float) -> float:
    """The duration that `share` of the requests stayed within, interpolated inside of its bucket; 0 for none."""
    total = sum(buckets)
    if not total:
        return 0.0
    sums = list(accumulate(buckets))
    place = bisect_left(sums, share * total)
    low = BOUNDS[place - 1] if place else 0
    high = BOUNDS[min(place, len(BOUNDS) - 1)]
    before = sums[place - 1] if place else 0
    return round(low + (high - low) * (share * total - before) / buckets[place], 1)


def traffic(*, period: str = "hour", surface: str = "", now: datetime | None = None) -> Traffic:
    """Figures of one of PERIODS, of all surfaces that people use or of one of SURFACES.

    Kinds that know no surface are shown whole. Percentiles are estimated from buckets.
    """
    length, step = PERIODS[period]
    now = now or clock.now()
    since = _floor(now - length, step) + step
    endpoints, times = _endpoints(since, surface), _by_labels("requests", since, surface)
    everything = _added(row[3] for row in times)
    count = sum(row[1] for row in times)
    minutes = (now - since).total_seconds() / 60
    counts = {
        kind: [(labels, int(n)) for labels, n, _ms, _buckets in _by_labels(kind, since, surface)]
        for kind, what in KINDS.items()
        if not what.timed
    }
    return Traffic(
        since=since,
        at=now,
        requests=count,
        per_minute=round(count / minutes, 1),
        p50=quantile(everything, 0.5),
        p95=quantile(everything, 0.95),
        failed=sum(one.failed for one in endpoints),
        steps=_steps(since, now, step, surface),
        endpoints=endpoints,
        errors=sorted(_sums(counts["errors"], 1).items(), key=lambda item: (-item[1], item[0])),
        logins=_share(_sums(counts["logins"], 1), "success"),
        sync=_calls(one for one in endpoints if "/sync" in one.route),
        uploads=_share(_sums(counts["uploads"], 1), "stored"),
        counts=counts,
        jobs=_jobs(since),
    )


def _floor(moment: datetime, step: timedelta) -> datetime:
    seconds = int(step.total_seconds())
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)


def _by_labels(kind: str, since: datetime, surface: str) -> list[tuple[tuple[str, ...], int, float, list[int]]]:
    known = KINDS[kind].labels[0] == "surface"
    with connection.cursor() as cursor:
        cursor.execute(sql.BY_LABELS, {"since": since, "kind": kind, "surface": surface if known else None})
        return [(tuple(labels), int(n), ms, _ints(buckets)) for labels, n, ms, buckets in cursor.fetchall()]


def _ints(buckets: Sequence[Any]) -> list[int]:
    return [int(n or 0) for n in buckets]


def _added(several: Iterable[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*several, strict=True)]


def _endpoints(since: datetime, surface: str) -> list[Endpoint]:
    grouped: dict[tuple[str, ...], list[tuple[str, int, list[int]]]] = {}
    for (*where, status), count, _ms, buckets in _by_labels("requests", since, surface):
        grouped.setdefault(tuple(where), []).append((status, count, buckets))
    found = []
    for (area, method, route), rows in grouped.items():
        buckets = _added(row[2] for row in rows)
        found.append(
            Endpoint(
                surface=area,
                method=method,
                route=route,
                count=sum(count for _status, count, _buckets in rows),
                refused=sum(count for status, count, _buckets in rows if status.startswith("4")),
                failed=sum(count for status, count, _buckets in rows if status.startswith("5")),
                p50=quantile(buckets, 0.5),
                p95=quantile(buckets, 0.95),
            )
        )
    return sorted(found, key=lambda one: (-one.count, one.route, one.method))


def _steps(since: datetime, now: datetime, step: timedelta, surface: str) -> list[Step]:
    steps: dict[datetime, Step] = {}
    start = since
    while start <= now:
        steps[start] = Step(start, max(1 / 6, min(step, now - start).total_seconds() / 60))
        start += step
    values: dict[str, Any] = {
        "since": since,
        "seconds": int(step.total_seconds()),
        "surface": surface,
        "kinds": list(TREND),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.BY_TIME, values)
        for start, count, failed, buckets in cursor.fetchall():
            if start in steps:
                one = steps[start]
                one.requests, one.failed = int(count), int(failed or 0)
                one.p50, one.p95 = quantile(_ints(buckets), 0.5), quantile(_ints(buckets), 0.95)
        cursor.execute(sql.TREND, values)
        for start, kind, labels, count in cursor.fetchall():
            if start in steps:
                name = "refused_logins" if kind == "logins" and labels[1] != "success" else kind
                steps[start].counts[name] = steps[start].counts.get(name, 0) + int(count)
    return list(steps.values())


def _sums(rows: Iterable[tuple[tuple[str, ...], int]], place: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for labels, count in rows:
        found[labels[place]] = found.get(labels[place], 0) + count
    return found


def _share(outcomes: Mapping[str, int], good: str) -> Share:
    return Share(outcomes.get(good, 0), sum(outcomes.values()))


def _calls(endpoints: Iterable[Endpoint]) -> Share:
    rows = list(endpoints)
    total = sum(one.count for one in rows)
    return Share(total - sum(one.refused + one.failed for one in rows), total)


def _jobs(since: datetime) -> list[tuple[str, int, int, float]]:
    grouped: dict[str, list[tuple[str, int, list[int]]]] = {}
    for (task, state), count, _ms, buckets in _by_labels("jobs", since, ""):
        grouped.setdefault(task, []).append((state, count, buckets))
    return sorted(
        (
            task,
            sum(count for _state, count, _buckets in rows),
            sum(count for state, count, _buckets in rows if state == "failed"),
            quantile(_added(row[2] for row in rows), 0.95),
        )
        for task, rows in grouped.items()
    )
