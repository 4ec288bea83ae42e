"""Forecast, win rate, conversion, cycle and leaderboard of 300 deals, against the same figures worked out by hand."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.tenancy import seeds
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform, tenant
from portal.crm.customers.models import Customer
from portal.crm.sales import figures, forecast, selectors
from portal.crm.sales.choices import Category, Kind
from portal.crm.sales.models import Deal, ForecastSnapshot, Quota, SalesActivity, Stage, Transition
from tests.core.people import Cast

pytestmark = pytest.mark.django_db
DAYS = 500


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def percent(part: Any, whole: Any) -> Decimal | None:
    return cents(Decimal(100) * part / whole) if whole else None


def fill(zone: str) -> tuple[Organization, User, list[Deal]]:
    """300 deals over 500 days, many of them closed within an hour of a month's edge in UTC, a tenth deleted."""
    cast, random = Cast(), Random(zone)
    with platform():
        cast.a.time_zone = zone
        cast.a.save()
    seeds.run()
    people = [cast.alice, cast.person("salma", "SalesAgent", cast.a), cast.person("omar", "SalesAgent", cast.a), None]
    now = clock.now()
    today = now.astimezone(ZoneInfo(zone)).date()
    with tenant(cast.a.pk):
        firm = Customer.objects.create(organization=cast.a, company_name="س", name="س")
        stages = list(Stage.objects.order_by("position"))
        opened = [stage for stage in stages if stage.kind == Kind.OPEN]
        deals, steps, done = [], [], []
        for number in range(300):
            kind = random.choices(list(Kind), (5, 3, 3))[0]
            value = cents(Decimal(random.randrange(1, 10_000_000)) / 100)
            rate = random.choice((Decimal(1), Decimal("10.855"), Decimal("0.03371")))
            made_at = now - timedelta(minutes=random.randrange(1, DAYS * 1440))
            path = opened[: random.randint(1, 4)]
            deal = Deal(
                organization=cast.a,
                title=f"D{number}",
                customer=firm,
                currency="MAD",
                value=value,
                fx_rate=rate,
                base_value=cents(value * rate),
                stage=path[-1],
                probability=random.choice((None, None, random.randint(0, 100))),
                category=random.choice(Category.values),
                assigned_to=random.choice(people),
                status=kind,
                deleted_at=now if random.random() < 0.1 else None,
            )
            if random.random() < 0.85:
                deal.expected_close_date = today + timedelta(days=random.randint(-120, 240))
            at, before = made_at, None
            for stage in path:
                steps.append(step(deal, before, stage, at))
                at, before = at + timedelta(hours=random.randint(1, 300)), stage
            if kind != Kind.OPEN:
                edge = datetime.combine(at.date().replace(day=1), time(0), UTC) + timedelta(days=31)
                edge = edge.replace(day=1) + timedelta(minutes=random.randint(-240, 240))
                deal.closed_at = min(max(random.choice((at, edge)), at), now)
                deal.stage = next(stage for stage in stages if stage.kind == kind)
                deal.owner_at_close = random.choice(people[:3])
                deal.lost_reason = random.choice(("price", "timing", "autre raison")) if kind == Kind.LOST else ""
                steps.append(step(deal, before, deal.stage, deal.closed_at))
            deals.append(deal)
            deal.created_at = made_at
            if random.random() < 0.5:
                done.append(
                    SalesActivity(organization=cast.a, deal=deal, description="x", user=cast.alice, done_at=made_at)
                )
        Deal.objects.bulk_create(deals)
        for deal in deals:  # the clock sets it on insert
            deal.created_at = next(one.at for one in steps if one.deal is deal)
        Deal.objects.bulk_update(deals, ["created_at"])
        Transition.objects.bulk_create(steps)
        SalesActivity.objects.bulk_create(done)
    return cast.a, cast.alice, deals


def step(deal: Deal, before: Stage | None, after: Stage, at: datetime) -> Transition:
    stayed = 3600 * len(deal.title) if before else None
    return Transition(
        organization=deal.organization, deal=deal, from_stage=before, to_stage=after, at=at, seconds_in_from=stayed,
        value=deal.base_value, probability=0,
    )  # fmt: skip


def chance(deal: Deal) -> int:
    return deal.stage.probability if deal.probability is None else deal.probability


@pytest.mark.covers("E002-033", "E002-034", "E002-035", "002-CRM-01", "002-JOB-05")
@pytest.mark.parametrize("zone", ["Africa/Casablanca", "Asia/Aden"])
def test_figures_equal_those_by_hand(zone: str) -> None:
    organization, alice, everything = fill(zone)
    local, deals = ZoneInfo(zone), [deal for deal in everything if deal.deleted_at is None]
    today = clock.now().astimezone(local).date()
    first, last = (today - timedelta(days=200)).replace(day=3), today + timedelta(days=150)
    with tenant(organization.pk, by=alice.actor()):
        rows = selectors.deal_list(user=alice, today=today)

        # by hand: forecast by month
        won: dict[str, Decimal] = defaultdict(Decimal)
        weighted: dict[str, Decimal] = defaultdict(Decimal)
        plain: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        slipped, undated = [], []
        for deal in deals:
            if deal.status == Kind.WON:
                day = deal.closed_at.astimezone(local).date()  # type: ignore[union-attr]
                if first <= day <= last:
                    won[f"{day:%Y-%m}"] += deal.base_value
            elif deal.status == Kind.OPEN and deal.category != Category.OMIT:
                day = deal.expected_close_date
                if day is None:
                    undated.append(deal)
                elif day < today:
                    slipped.append(deal)
                elif first <= day <= last:
                    weighted[f"{day:%Y-%m}"] += deal.base_value * chance(deal) / 100
                    plain[f"{day:%Y-%m}", "all"] += deal.base_value
                    plain[f"{day:%Y-%m}", deal.category] += deal.base_value
        made = forecast.forecast(rows, first=first, last=last, zone=zone)
        names = [f"{month:%Y-%m}" for month in forecast.months(first, last)]
        assert list(made.periods) == names
        for name, told in made.periods.items():
            assert (told.won, told.weighted) == (won[name], cents(weighted[name])), name
            assert told.forecast == cents(won[name] + cents(weighted[name]))
            assert (told.pipeline, told.commit, told.best) == (
                plain[name, "all"], plain[name, "commit"], plain[name, "best"])  # fmt: skip
        assert (made.totals.won, made.totals.weighted) == (sum(won.values()), cents(sum(weighted.values(), Decimal(0))))
        for bucket, held in ((made.slipped, slipped), (made.undated, undated)):
            assert bucket.count == len(held) > 0
            assert bucket.value == sum(deal.base_value for deal in held)
            assert bucket.weighted == cents(sum((deal.base_value * chance(deal) / 100 for deal in held), Decimal(0)))

        # the same by quarter and by owner
        for group in ("quarter", "owner"):
            other = forecast.forecast(rows, first=first, last=last, zone=zone, group=group)  # type: ignore[arg-type]
            assert (other.totals.won, other.totals.weighted) == (made.totals.won, made.totals.weighted)

        # targets: the organisation's own where there is one, else its people's
        month = today.replace(day=1)
        Quota.objects.create(organization=organization, owner=alice, month=month, amount=1000)
        forecast.add_quotas(made, first=first, last=last, group="month", owners=None)
        assert (made.quota, made.quotas) == (Decimal(1000), {f"{month:%Y-%m}": Decimal(1000)})
        assert made.coverage is None  # more than that is won
        forecast.quota_set(owner=None, month=month, amount=Decimal(10**9))
        forecast.add_quotas(made, first=first, last=last, group="month", owners=None)
        missing = 10**9 - made.totals.won
        assert made.coverage == cents(made.totals.pipeline / missing)

        # analytics
        inside = [d for d in deals if d.closed_at and first <= d.closed_at.astimezone(local).date() <= last]
        wins = [deal for deal in inside if deal.status == Kind.WON]
        losses = [deal for deal in inside if deal.status == Kind.LOST]
        found = figures.analytics(rows, first=first, last=last, zone=zone)
        assert (found.won, found.lost) == (len(wins), len(losses))
        assert found.win_rate == percent(len(wins), len(inside))
        gained, missed = sum(d.base_value for d in wins), sum(d.base_value for d in losses)
        assert (found.won_value, found.win_rate_by_value) == (gained, percent(gained, gained + missed))
        spans = [Decimal((d.closed_at - d.created_at) / timedelta(microseconds=1)) for d in wins]  # type: ignore[operator]
        day = Decimal(86_400_000_000)
        assert abs(found.cycle - sum(spans) / len(spans) / day) < Decimal("0.01")  # type: ignore[operator]
        assert abs(found.median_cycle - median(spans) / day) < Decimal("0.01")  # type: ignore[operator]
        for row in found.by_month:
            these = [d for d in inside if d.closed_at.astimezone(local).date().replace(day=1) == row["month"]]  # type: ignore[union-attr]
            assert row["won"] == sum(d.status == Kind.WON for d in these)
            assert row["lost"] == sum(d.status == Kind.LOST for d in these)
        assert {(r["lost_reason"], r["count"]) for r in found.lost_reasons} == {
            (reason, sum(d.lost_reason == reason for d in losses)) for reason in {d.lost_reason for d in losses}
        }
        steps = list(Transition.objects.filter(deal__deleted_at=None).select_related("to_stage"))
        for told_stage in found.by_stage:
            stage = told_stage["stage"]
            entries = [
                s for s in steps
                if s.to_stage_id == stage.pk and first <= s.at.astimezone(local).date() <= last
            ]  # fmt: skip
            further = {
                s.deal_id for s in entries for t in steps
                if t.deal_id == s.deal_id and t.at > s.at
                and (t.to_stage.kind == Kind.WON
                     or (t.to_stage.kind == Kind.OPEN and t.to_stage.position > stage.position))
            }  # fmt: skip
            assert told_stage["entered"] == len({s.deal_id for s in entries})
            if stage.kind == Kind.OPEN:
                assert told_stage["conversion"] == percent(len(further), told_stage["entered"])

        # leaderboard: credit to the owner at the close, dense ranks
        board = figures.leaderboard(rows, first=first, last=last, zone=zone)
        credit: dict[Any, Decimal] = defaultdict(Decimal)
        for deal in wins:
            credit[deal.owner_at_close_id] += deal.base_value
        assert {place.user: place.value for place in board if place.won} == dict(credit)
        assert [place.rank for place in board] == list(range(1, len(board) + 1))
        by_rate = figures.leaderboard(rows, first=today, last=today, zone=zone, metric="winRate")
        assert all(place.rank is None for place in by_rate if place.won + place.lost < 5)

    # tonight's snapshot: the forecast then, and what became of it
    with platform():
        kept = forecast.take_snapshots()
        assert kept == sum(d.status == Kind.OPEN and d.category != Category.OMIT for d in deals)
        assert forecast.take_snapshots() == 0
    with tenant(organization.pk, by=alice.actor()):
        held = forecast.forecast(rows, first=today, last=last, zone=zone)
        open_deals = list(rows.filter(status=Kind.OPEN, expected_close_date__gte=today, expected_close_date__lte=last)
                          .exclude(category=Category.OMIT).select_related("stage"))  # fmt: skip
        told_review = forecast.review(rows, first=today, last=last, zone=zone)
        assert told_review is not None
        assert told_review.start == held.totals.weighted
        assert told_review.end == held.totals.forecast
        leaves, changed, lost = open_deals[:3]
        Deal.objects.filter(pk=leaves.pk).update(expected_close_date=last + timedelta(days=1))
        Deal.objects.filter(pk=changed.pk).update(probability=100)
        Deal.objects.filter(pk=lost.pk).update(status=Kind.LOST, closed_at=clock.now(), lost_reason="price")
        after = forecast.review(rows, first=today, last=last, zone=zone)
        assert after is not None
        share = {deal.pk: deal.base_value * chance(deal) / 100 for deal in open_deals}
        assert after.steps["moved_out"] == cents(-share[leaves.pk])
        assert after.steps["lost"] == cents(-share[lost.pk])
        assert after.steps["changed"] == cents(changed.base_value - share[changed.pk])
        assert abs(after.start + sum(after.steps.values()) - after.end) <= Decimal("0.05")  # each step is rounded
        assert ForecastSnapshot.objects.count() == kept


def test_dense_ranks() -> None:
    places = [figures.Place(Organization().pk, name, won=won) for name, won in (("a", 3), ("b", 5), ("c", 3), ("d", 1))]
    assert [(p.name, p.rank) for p in figures._ranked(places, "wonCount")] == [("b", 1), ("a", 2), ("c", 2), ("d", 3)]


def test_months_and_quarters() -> None:
    assert list(forecast.months(date(2025, 12, 31), date(2026, 2, 1))) == [
        date(2025, 12, 1),
        date(2026, 1, 1),
        date(2026, 2, 1),
    ]
    assert [forecast.quarter(date(2026, m, 1)) for m in (1, 3, 4, 12)] == ["2026-Q1", "2026-Q1", "2026-Q2", "2026-Q4"]
