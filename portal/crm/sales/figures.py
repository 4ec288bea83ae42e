"""What became of deals: analytics of a period and the leaderboard. Values in base currency, times in days."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import (
    Aggregate,
    Avg,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    FloatField,
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.functions import Greatest, TruncMonth

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.tenancy import scope
from portal.crm.money import half_up
from portal.crm.sales.choices import Kind
from portal.crm.sales.forecast import months
from portal.crm.sales.models import Deal, Quota, SalesActivity, Transition
from portal.crm.sales.selectors import stages

LEAST_CLOSED: Final = 5  # deals from which on a win rate is a rank
_ZERO: Final = Decimal(0)
_DAY: Final = Decimal(86_400)


class Median(Aggregate):
    function = "percentile_cont"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    name = "Median"


def rate(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """Percent, two decimals; None of nothing."""
    return half_up(Decimal(100) * part / whole) if whole else None


def days(span: timedelta | None) -> Decimal | None:
    return None if span is None else half_up(Decimal(span / timedelta(microseconds=1)) / 10**6 / _DAY)


@dataclass(slots=True)
class Analytics:
    """`by_stage`: deals that entered the stage in the period, how many of them came further, the median of the days in
    it, and what stands in it now. `cycle` is the mean, `median_cycle` the median of creation to closing of won deals.
    `velocity`: value won per day at this pace = open deals * win rate * mean won value / mean cycle."""

    won: int
    lost: int
    won_value: Decimal
    lost_value: Decimal
    cycle: Decimal | None
    median_cycle: Decimal | None
    open_count: int
    by_stage: list[dict[str, Any]]
    by_month: list[dict[str, Any]]
    lost_reasons: list[dict[str, Any]]

    @property
    def win_rate(self) -> Decimal | None:
        return rate(self.won, self.won + self.lost)

    @property
    def win_rate_by_value(self) -> Decimal | None:
        return rate(self.won_value, self.won_value + self.lost_value)

    @property
    def average(self) -> Decimal | None:
        return half_up(self.won_value / self.won) if self.won else None

    @property
    def velocity(self) -> Decimal | None:
        if not self.won or not self.cycle:
            return None
        share = Decimal(self.won) / (self.won + self.lost)
        return half_up(self.open_count * share * (self.won_value / self.won) / self.cycle)


def _closed(rows: QuerySet[Deal], since: datetime, until: datetime) -> QuerySet[Deal]:
    return rows.exclude(status=Kind.OPEN).filter(closed_at__gte=since, closed_at__lt=until).order_by()


def _counts(rows: QuerySet[Any, Any]) -> Any:
    won, lost = Q(status=Kind.WON), Q(status=Kind.LOST)
    return rows.annotate(
        won=Count("pk", filter=won),
        lost=Count("pk", filter=lost),
        won_value=Sum("base_value", filter=won, default=_ZERO),
        lost_value=Sum("base_value", filter=lost, default=_ZERO),
    )


def analytics(rows: QuerySet[Deal], *, first: date, last: date, zone: str) -> Analytics:
    """Of the deals of `rows` that were closed between two days of the zone, both included."""
    since, until = clock.day_start(first, zone), clock.day_start(last + timedelta(days=1), zone)
    closed = _closed(rows, since, until)
    span = ExpressionWrapper(F("closed_at") - F("created_at"), output_field=DurationField())
    cycle = Greatest(span, Value(timedelta(0)), output_field=DurationField())
    found = closed.filter(status=Kind.WON).aggregate(
        mean=Avg(cycle), median=Median(cycle, output_field=DurationField())
    )
    nothing = {"won": 0, "lost": 0, "won_value": _ZERO, "lost_value": _ZERO}
    by_month: dict[date, dict[str, Any]] = {month: {"month": month, **nothing} for month in months(first, last)}
    for row in _counts(closed.values(month=TruncMonth("closed_at", tzinfo=clock.zone(zone)))):
        by_month[row["month"].date()] = row | {"month": row["month"].date()}
    line = list(by_month.values())
    for row in line:
        row["win_rate"] = rate(row["won"], row["won"] + row["lost"])
    lost = closed.filter(status=Kind.LOST).values("lost_reason")
    reasons: Any = lost.annotate(count=Count("pk"), value=Sum("base_value"))
    return Analytics(
        won=sum(row["won"] for row in line),
        lost=sum(row["lost"] for row in line),
        won_value=sum((row["won_value"] for row in line), _ZERO),
        lost_value=sum((row["lost_value"] for row in line), _ZERO),
        cycle=days(found["mean"]),
        median_cycle=days(found["median"]),
        open_count=rows.filter(status=Kind.OPEN).order_by().count(),
        by_stage=_by_stage(rows, since, until),
        by_month=line,
        lost_reasons=sorted(reasons, key=lambda row: (-row["count"], row["lost_reason"])),
    )


def _by_stage(rows: QuerySet[Deal], since: datetime, until: datetime) -> list[dict[str, Any]]:
    steps = Transition.objects.filter(deal__in=rows.order_by().values("pk"), at__gte=since, at__lt=until)
    entered = _entered(rows, since, until)
    stayed = dict(
        steps.exclude(from_stage=None)
        .values_list("from_stage")
        .annotate(median=Median("seconds_in_from", output_field=FloatField()))
    )
    held = {
        row["stage"]: row
        for row in rows.order_by().values("stage").annotate(count=Count("pk"), value=Sum("base_value"))
    }
    told = []
    for stage in stages():
        came, further = entered.get(stage.pk, (0, 0))
        now: Any = held.get(stage.pk, {})
        is_open = stage.kind == Kind.OPEN
        told.append(
            {
                "stage": stage,
                "count": now.get("count", 0),
                "value": now.get("value", _ZERO),
                "entered": came,
                "advanced": further if is_open else None,
                "conversion": rate(further, came) if is_open else None,
                "median_days": half_up(Decimal(stayed[stage.pk]) / _DAY) if stage.pk in stayed else None,
            }
        )
    return told


def _entered(rows: QuerySet[Deal], since: datetime, until: datetime) -> dict[UUID, tuple[int, int]]:
    """By stage, how many deals entered it in the period, and how many of them were won or came to a later open stage
    at any time after that. The steps of a deal are read once: `ahead` is the farthest place that it came to later."""
    sql, params = rows.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""  -- the set of deals comes from the ORM, with its parameters
SELECT stage, count(*), count(*) FILTER (WHERE further) FROM (
    SELECT stage, deal_id, bool_or(coalesce(ahead > place, false)) AS further FROM (
        SELECT t.to_stage_id AS stage, t.deal_id, t.at, s.position AS place,
            max(CASE s.kind WHEN 'won' THEN 2147483647 WHEN 'open' THEN s.position END) OVER (
                PARTITION BY t.deal_id ORDER BY t.at DESC GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ahead
        FROM crm_transition t JOIN crm_stage s ON s.id = t.to_stage_id
        WHERE t.organization_id = %s AND t.at >= %s AND t.deal_id IN ({sql})) steps
    WHERE at < %s GROUP BY stage, deal_id) entries
GROUP BY stage""",  # noqa: S608
            [scope.organization_id(), since, *params, until],
        )
        return {stage: (came, further) for stage, came, further in cursor.fetchall()}


@dataclass(slots=True)
class Place:
    """A person on the leaderboard. `rank` is dense; None where a win rate stands on fewer than five deals."""

    user: UUID
    name: str
    won: int = 0
    lost: int = 0
    value: Decimal = _ZERO
    activities: int = 0
    quota: Decimal | None = None
    rank: int | None = None
    prior: int | None = None

    @property
    def win_rate(self) -> Decimal | None:
        return rate(self.won, self.won + self.lost)

    @property
    def quota_percent(self) -> Decimal | None:
        return rate(self.value, self.quota) if self.quota else None

    def score(self, metric: str) -> Decimal | int | None:
        if metric == "winRate":
            return self.win_rate if self.won + self.lost >= LEAST_CLOSED else None
        scores: dict[str, Decimal | int] = {
            "wonValue": self.value,
            "wonCount": self.won,
            "activities": self.activities,
        }
        return scores[metric]


def leaderboard(rows: QuerySet[Deal], *, first: date, last: date, zone: str, metric: str = "wonValue") -> list[Place]:
    """Whoever owned the deal when it was closed has the credit; `prior` is the rank in as long a period before."""
    places = _places(rows, first, last, zone)
    before = _places(rows, first - (last - first) - timedelta(days=1), first - timedelta(days=1), zone)
    ranks = {place.user: place.rank for place in _ranked(before, metric)}
    for place in places:
        place.prior = ranks.get(place.user)
    quotas = Quota.objects.filter(month__gte=first.replace(day=1), month__lte=last, owner__in=[p.user for p in places])
    held = dict(quotas.order_by().values_list("owner").annotate(Sum("amount")))
    for place in places:
        place.quota = held.get(place.user)
    return _ranked(places, metric)


def _places(rows: QuerySet[Deal], first: date, last: date, zone: str) -> list[Place]:
    since, until = clock.day_start(first, zone), clock.day_start(last + timedelta(days=1), zone)
    closed = _counts(_closed(rows, since, until).exclude(owner_at_close=None).values("owner_at_close"))
    done = SalesActivity.objects.filter(
        deal__in=rows.order_by().values("pk"), done_at__gte=since, done_at__lt=until
    ).exclude(user=None)
    found: dict[UUID, Place] = {}
    for row in closed:
        place = found[row["owner_at_close"]] = Place(row["owner_at_close"], "")
        place.won, place.lost, place.value = row["won"], row["lost"], row["won_value"]
    for user, count in done.order_by().values_list("user").annotate(Count("pk")):
        found.setdefault(user, Place(user, "")).activities = count
    for pk, name in User.objects.filter(pk__in=found).values_list("pk", "name"):
        found[pk].name = name
    return list(found.values())


def _ranked(places: Iterable[Place], metric: str) -> list[Place]:
    """In the order of the metric, best first; equal ones share a rank and the next rank follows at once."""
    scored = [(place.score(metric), place) for place in places]
    steps = sorted({score for score, _place in scored if score is not None}, reverse=True)
    for score, place in scored:
        place.rank = steps.index(score) + 1 if score is not None else None
    return sorted((place for _score, place in scored), key=lambda p: (p.rank is None, p.rank or 0, p.name, str(p.user)))
