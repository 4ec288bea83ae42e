"""What is won and what may still be won, by month, quarter or owner; snapshots, and how good they were.

All figures are in base currency. An open deal counts in the period of its expected close with `value * p / 100`, p
being its own probability or its stage's; a won one in the period in which it was closed; a lost one never. Slipped
deals (open, expected before today) and undated ones are told apart and stand in no period; deals of category `omit`
nowhere.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

from django.db import connection
from django.db.models import Count, DecimalField, ExpressionWrapper, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncMonth
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Invalid
from portal.core.common.ids import uuid7
from portal.core.tenancy import scope
from portal.crm.money import half_up
from portal.crm.sales.choices import Category, Kind
from portal.crm.sales.models import Deal, ForecastSnapshot, Quota

Group = Literal["month", "quarter", "owner"]
LONGEST: Final = 120  # months
_ZERO: Final = Decimal(0)
_MONEY: Final = DecimalField(max_digits=30, decimal_places=6)
_CHANCE: Final = Coalesce(F("probability"), F("stage__probability"))
_WEIGHTED: Final = ExpressionWrapper(F("base_value") * _CHANCE / Decimal(100), output_field=_MONEY)


@dataclass(slots=True)
class Figures:
    """Of one period. `pipeline` is unweighted, `count` the number of open deals in it."""

    won: Decimal = _ZERO
    weighted: Decimal = _ZERO
    pipeline: Decimal = _ZERO
    commit: Decimal = _ZERO
    best: Decimal = _ZERO
    count: int = 0

    @property
    def forecast(self) -> Decimal:
        return half_up(self.won + self.weighted)

    def add(self, other: "Figures") -> None:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


@dataclass(slots=True)
class Bucket:
    """Deals that stand in no period."""

    count: int = 0
    value: Decimal = _ZERO
    weighted: Decimal = _ZERO


@dataclass(slots=True)
class Forecast:
    """`periods` in their order, every one present; `labels` names owners."""

    periods: dict[str, Figures]
    labels: dict[str, str]
    totals: Figures
    slipped: Bucket
    undated: Bucket
    current: str = ""  # the period of today, which shows the slipped ones
    quotas: dict[str, Decimal] = field(default_factory=dict)
    quota: Decimal | None = None

    @property
    def coverage(self) -> Decimal | None:
        """Open pipeline per amount still to be won; None without a quota or when it is met."""
        missing = (self.quota or _ZERO) - self.totals.won
        return half_up(self.totals.pipeline / missing) if missing > 0 else None


def months(first: date, last: date) -> Iterator[date]:
    """The first days of the months that a span touches."""
    day = first.replace(day=1)
    while day <= last:
        yield day
        day = (day + timedelta(days=32)).replace(day=1)


def quarter(day: date) -> str:
    return f"{day.year}-Q{(day.month + 2) // 3}"


_NAME: Final[dict[str, Callable[[date], str]]] = {"month": lambda day: f"{day:%Y-%m}", "quarter": quarter}


def forecast(rows: QuerySet[Deal], *, first: date, last: date, zone: str, group: Group = "month") -> Forecast:
    """`rows` are the deals that the reader sees; `first` and `last` are days of the zone, both included; 4 statements.

    Raises Invalid where `last` is before `first` or more than ten years later.
    """
    if last < first or (last - first).days > LONGEST * 31:
        raise Invalid.field("date_to", _("The period must end after its beginning, and within ten years."))
    today = clock.now().astimezone(clock.zone(zone)).date()
    open_rows = rows.filter(status=Kind.OPEN).exclude(category=Category.OMIT).order_by()
    since, until = clock.day_start(first, zone), clock.day_start(last + timedelta(days=1), zone)
    won_rows = rows.filter(status=Kind.WON, closed_at__gte=since, closed_at__lt=until).order_by()
    expected = open_rows.filter(expected_close_date__gte=max(first, today), expected_close_date__lte=last)
    if group == "owner":
        found, labels = _by_owner(expected, won_rows)
    else:
        found, labels = _by_time(expected, won_rows, zone, group, list(months(first, last))), {}
    totals = Figures()
    for figures in found.values():
        totals.add(figures)
    for figures in (*found.values(), totals):
        figures.weighted = half_up(figures.weighted)
    current = _NAME[group](today) if group != "owner" and first <= today <= last else ""
    return Forecast(
        found,
        labels,
        totals,
        _bucket(open_rows.filter(expected_close_date__lt=today)),
        _bucket(open_rows.filter(expected_close_date=None)),
        current,
    )


def _open_figures(rows: QuerySet[Any, Any]) -> Any:
    return rows.annotate(
        weighted=Sum(_WEIGHTED),
        pipeline=Sum("base_value"),
        commit=Sum("base_value", filter=Q(category=Category.COMMIT)),
        best=Sum("base_value", filter=Q(category=Category.BEST)),
        count=Count("pk"),
    )


def _figures(row: dict[str, Any]) -> Figures:
    held: dict[str, Any] = {one.name: row[one.name] or 0 for one in fields(Figures) if one.name in row}
    return Figures(**held)


def _by_time(
    expected: QuerySet[Deal], won: QuerySet[Deal], zone: str, group: str, touched: list[date]
) -> dict[str, Figures]:
    name = _NAME[group]
    found = {name(month): Figures() for month in touched}
    for row in _open_figures(expected.values(month=TruncMonth("expected_close_date"))):
        found[name(row["month"])].add(_figures(row))
    by_month: Any = won.values(month=TruncMonth("closed_at", tzinfo=clock.zone(zone))).annotate(won=Sum("base_value"))
    for row in by_month:
        found[name(row["month"])].add(_figures(row))
    return found


def _by_owner(expected: QuerySet[Deal], won: QuerySet[Deal]) -> tuple[dict[str, Figures], dict[str, str]]:
    found: dict[str, Figures] = {}
    sources: tuple[tuple[str, Any], ...] = (
        ("assigned_to", _open_figures(expected.values("assigned_to"))),
        ("owner_at_close", won.values("owner_at_close").annotate(won=Sum("base_value"))),
    )
    for key, rows in sources:
        for row in rows:
            found.setdefault(str(row[key] or ""), Figures()).add(_figures(row))
    people = User.objects.filter(pk__in=[id for id in found if id])
    labels = {str(pk): name for pk, name in people.values_list("pk", "name")}
    labels |= {id: "" for id in found if id not in labels}
    return {id: found[id] for id in sorted(found, key=lambda id: (not id, labels[id]))}, labels


def _bucket(rows: QuerySet[Deal]) -> Bucket:
    row = rows.aggregate(count=Count("pk"), value=Sum("base_value"), weighted=Sum(_WEIGHTED))
    return Bucket(row["count"], row["value"] or _ZERO, half_up(row["weighted"] or _ZERO))


def add_quotas(made: Forecast, *, first: date, last: date, group: Group, owners: list[UUID] | None) -> None:
    """Targets of the months that the span touches. `owners` None: the whole organisation, whose own target counts for a
    month where it has one, else the sum of its people's; otherwise the targets of those people."""
    rows = Quota.objects.filter(month__gte=first.replace(day=1), month__lte=last)
    if owners is not None:
        rows = rows.filter(owner__in=owners)
    whole: dict[date, Decimal] = {}
    parts: dict[date, Decimal] = {}
    for quota in rows:
        if group == "owner" and quota.owner_id:
            key = str(quota.owner_id)
            made.quotas[key] = made.quotas.get(key, _ZERO) + quota.amount
        held = parts if quota.owner_id else whole
        held[quota.month] = held.get(quota.month, _ZERO) + quota.amount
    by_month = parts | whole
    if group != "owner":
        for month, amount in by_month.items():
            key = _NAME[group](month)
            made.quotas[key] = made.quotas.get(key, _ZERO) + amount
    made.quota = sum(by_month.values(), _ZERO) if by_month else None


def take_snapshots() -> int:
    """Keep tonight's open deals of all organisations, once a day; in the platform scope. How many were kept.

    Nights older than `_NIGHTS` days are dropped but for the first one of each month.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_forecastsnapshot (id, created_at, updated_at, organization_id, taken_on, deal_id,"
            " stage_id, value, probability, expected_close_date)"
            " SELECT gen_random_uuid(), now(), now(), d.organization_id, (now() AT TIME ZONE o.time_zone)::date, d.id,"
            " d.stage_id, d.base_value, coalesce(d.probability, s.probability), d.expected_close_date"
            " FROM crm_deal d JOIN crm_stage s ON s.id = d.stage_id JOIN tenancy_organization o"
            " ON o.id = d.organization_id WHERE d.status = 'open' AND d.deleted_at IS NULL AND d.category <> 'omit'"
            " AND o.deleted_at IS NULL ON CONFLICT DO NOTHING"
        )
        kept = int(cursor.rowcount)
        cursor.execute(
            "DELETE FROM crm_forecastsnapshot s USING (SELECT organization_id, date_trunc('month', taken_on) AS month,"
            " min(taken_on) AS first FROM crm_forecastsnapshot GROUP BY 1, 2) m"
            " WHERE s.organization_id = m.organization_id AND date_trunc('month', s.taken_on) = m.month"
            " AND s.taken_on > m.first AND s.taken_on < current_date - %s",
            [_NIGHTS],
        )
        return kept


_NIGHTS: Final = 40


@dataclass(slots=True)
class Review:
    """How the forecast of a period, as it stood when the period began, compares with what came.

    The steps lead from `start` (weighted then) to `end` (won + weighted now): deals that are new, whose expected close
    moved in or out, whose value or chances changed, that were won or lost. `accuracy` in percent, None without a win.
    """

    taken_on: date
    start: Decimal
    end: Decimal
    won: Decimal
    steps: dict[str, Decimal]

    @property
    def accuracy(self) -> Decimal | None:
        return half_up(100 - 100 * abs(self.start - self.won) / self.won) if self.won else None


def review(rows: QuerySet[Deal], *, first: date, last: date, zone: str) -> Review | None:
    """From the first snapshot on or after `first`; None where there is none in the period."""
    nights = ForecastSnapshot.objects.filter(taken_on__gte=first, taken_on__lte=last)
    night = nights.order_by("taken_on").values_list("taken_on", flat=True).first()
    if night is None:
        return None
    since, until = clock.day_start(first, zone), clock.day_start(last + timedelta(days=1), zone)
    # one row for each deal that was expected in the period then, or is now, or was won in it since
    sql, params = rows.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""  -- the set of deals comes from the ORM, with its parameters
WITH pairs AS (
    SELECT d.status, s.value * s.probability / 100 AS old, d.base_value AS value,
        d.base_value * coalesce(d.probability, st.probability) / 100 AS new,
        s.id IS NOT NULL AS known,
        coalesce(s.expected_close_date BETWEEN %s AND %s, false) AS was_in,
        coalesce(d.expected_close_date BETWEEN %s AND %s, false) AND d.category <> 'omit' AS is_in,
        d.status = 'won' AND d.closed_at >= %s AND d.closed_at < %s AS won
    FROM crm_deal d JOIN crm_stage st ON st.id = d.stage_id
    LEFT JOIN crm_forecastsnapshot s ON s.deal_id = d.id AND s.taken_on = %s
        AND s.organization_id = d.organization_id
    WHERE d.id IN ({sql}))
SELECT
    coalesce(sum(old) FILTER (WHERE was_in), 0),
    coalesce(sum(value) FILTER (WHERE won), 0),
    coalesce(sum(CASE WHEN won THEN value WHEN status = 'open' AND is_in THEN new END), 0),
    coalesce(sum(new) FILTER (WHERE NOT known AND status = 'open' AND is_in), 0),
    coalesce(sum(new) FILTER (WHERE known AND NOT was_in AND status = 'open' AND is_in), 0),
    coalesce(-sum(old) FILTER (WHERE was_in AND ((status = 'open' AND NOT is_in) OR (status = 'won' AND NOT won))), 0),
    coalesce(sum(new - old) FILTER (WHERE was_in AND status = 'open' AND is_in), 0),
    coalesce(sum(value - CASE WHEN was_in THEN old ELSE 0 END) FILTER (WHERE won), 0),
    coalesce(-sum(old) FILTER (WHERE was_in AND status = 'lost'), 0)
FROM pairs""",  # noqa: S608
            [first, last, first, last, since, until, night, *params],
        )
        start, won, end, *steps = map(half_up, cursor.fetchone())
    names = ("new", "moved_in", "moved_out", "changed", "won", "lost")
    return Review(night, start, end, won, dict(zip(names, steps, strict=True)))


def quota_set(*, owner: UUID | None, month: date, amount: Decimal | None) -> None:
    """Set the target of a month; None takes it away."""
    known = {"owner_id": owner, "month": month.replace(day=1)}
    if amount is None:
        Quota.objects.filter(**known).delete()
        return
    if amount <= 0 or amount >= 10**15:
        raise Invalid.field("amount", _("Enter a number above 0."))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_quota (id, created_at, updated_at, organization_id, owner_id, month, amount)"
            " VALUES (%s, now(), now(), %s, %s, %s, %s) ON CONFLICT (organization_id, month, owner_id)"
            " DO UPDATE SET amount = excluded.amount, updated_at = now()",
            [uuid7(), scope.organization_id(), owner, known["month"], half_up(amount)],
        )
