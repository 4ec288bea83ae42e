"""Shapes of the dashboard's figures (specification 002; `contract-platform.md` section 6)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.kit import Out
from portal.core.accounts.permissions import SCOPES
from portal.desk.figures.display import TABS
from portal.desk.figures.exports import KINDS
from portal.desk.figures.question import COMPARISONS
from portal.desk.figures.series import INTERVALS


class FigureQuery(BaseModel):
    """The period, what it is compared with, and whose figures."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    date_from: str = Field("", max_length=40, examples=["2026-01-01"], description="The last 12 months without dates")
    date_to: str = Field("", max_length=40, description="Included")
    from_: str = Field("", alias="from", max_length=40, description="Alias of dateFrom")
    to: str = Field("", max_length=40, description="Alias of dateTo")
    compare: Literal[COMPARISONS] = Field("previous", description="Growth against as many days before, or a year ago")  # type: ignore[valid-type]
    scope: Literal[SCOPES] | None = Field(None, description="Narrows what you may see, never more")  # type: ignore[valid-type]
    assigned_to: str = Field("", max_length=36, description="A person's id, or `me`: that person's records")


class SeriesQuery(FigureQuery):
    interval: Literal[INTERVALS] | None = Field(None, description="day up to 92 days, else month")  # type: ignore[valid-type]
    group_by: Literal[INTERVALS] | None = Field(None, description="Alias of interval")  # type: ignore[valid-type]


class ActivityQuery(FigureQuery):
    limit: int = Field(20, ge=1, le=100)


class WidgetQuery(FigureQuery):
    limit: int | None = Field(None, description="Of widgets that list something")
    days: int | None = Field(None, description="Of `expiring`: from today on")


class ExportQuery(FigureQuery):
    format: Literal[KINDS] = "csv"  # type: ignore[valid-type]
    tab: list[Literal[tuple(TABS)]] = Field([], description="Repeatable; all that you see without it")  # type: ignore[valid-type]


class CustomersOut(Out):
    total: int | None
    active: int | None
    new: int | None = Field(description="Created in the period")
    growth: Decimal | None = Field(description="Percent, of `new`; null where there was none before")


class SalesOut(Out):
    total: Decimal | None = Field(description="closed + pipeline")
    closed: Decimal | None = Field(description="Value won in the period")
    pipeline: Decimal | None = Field(description="Open value now")
    growth: Decimal | None = Field(description="Percent, of `closed`")


class TicketsOut(Out):
    total: int | None = Field(description="open + resolved; spam and merged ones are left out")
    open: int | None
    resolved: int | None
    avg_resolution_time: Decimal | None = Field(description="Business hours")


class RevenueOut(Out):
    total: Decimal | None = Field(description="Won, and recurring contracts in the period")
    monthly: Decimal | None
    growth: Decimal | None = Field(description="Percent, of `total`")
    forecast: Decimal | None = Field(description="Of the coming period of equal length")


class PeriodOut(Out):
    date_from: date
    date_to: date
    compared_from: date
    compared_to: date
    time_zone: str
    currency: str
    scope: str


class MetricsOut(Out):
    """Figures of subjects that you may not see are null."""

    customers: CustomersOut
    sales: SalesOut
    tickets: TicketsOut
    revenue: RevenueOut
    period: PeriodOut


class SeriesOut(Out):
    key: str
    unit: Literal["count", "money"]
    values: list[Decimal]
    total: Decimal


class AnalyticsOut(PeriodOut):
    interval: str
    labels: list[date] = Field(description="First days; weeks begin on Monday")
    series: list[SeriesOut]


class ActivityOut(Out):
    id: str
    type: str
    entity: str
    entity_id: str | None
    description: str
    user_id: UUID | None
    user_name: str
    created_at: datetime


class PersonOut(Out):
    user_id: UUID
    name: str
    department: str
    deals_won: int
    deals_lost: int
    won_value: Decimal
    win_rate: Decimal | None
    activities: int
    open_deals: int
    pipeline: Decimal
    tickets_resolved: int
    open_tickets: int
    first_response_hours: Decimal | None = Field(description="Business hours, mean")
    sla_compliance: Decimal | None = Field(description="Percent of promises kept")
    sla_met: int
    sla_breached: int


class TeamOut(PeriodOut):
    people: list[PersonOut]


class SalesOverviewOut(PeriodOut, SalesOut):
    forecast: Decimal | None
    won: int
    lost: int
    won_value: Decimal
    lost_value: Decimal
    win_rate: Decimal | None
    win_rate_by_value: Decimal | None
    avg_deal_size: Decimal | None
    avg_cycle_days: Decimal | None
    median_cycle_days: Decimal | None
    velocity: Decimal | None
    open: int
    weighted: Decimal
    stages: list[dict[str, Any]] = Field(description="Open stages: count, value, weighted, rotting")
    by_stage: list[dict[str, Any]]
    by_month: list[dict[str, Any]]
    lost_reasons: list[dict[str, Any]]


class CustomerOverviewOut(PeriodOut, CustomersOut):
    churn: float | None = Field(description="Percent lost of those active at the start")
    inactive90d: int = Field(alias="inactive90d")
    by_status: dict[str, int]
    by_size: dict[str, int]
    by_industry: dict[str, int]
    by_country: dict[str, int]
    by_owner: dict[str, int]
    owners: dict[str, str]
    by_month: list[dict[str, Any]]


class SupportOverviewOut(PeriodOut, TicketsOut):
    unassigned: int
    overdue: int
    at_risk: int
    by_status: dict[str, int]
    by_priority: dict[str, int]
    by_agent: list[dict[str, Any]]
    by_channel: dict[str, int]
    backlog_age: dict[str, int]
    reopen_rate: float | None
    one_touch_rate: float | None
    created: int
    resolved_in_period: int
    created_by_day: list[dict[str, Any]]
    resolved_by_day: list[dict[str, Any]]
    satisfaction: dict[str, Any]
    sla: dict[str, Any]


class FinanceOverviewOut(PeriodOut, RevenueOut):
    won: Decimal | None
    recurring: Decimal | None
    pipeline: Decimal | None
    by_month: list[dict[str, Any]]
    contracts: dict[str, Any] | None


class HealthOut(Out):
    status: str = Field(description="Healthy, Degraded or Unhealthy: the worst of the parts")
    timestamp: datetime
    database: dict[str, Any]
    cache: dict[str, Any]
    queue: dict[str, Any]
    storage: dict[str, Any]
    mail: dict[str, Any]
    audit_sealer: dict[str, Any]
    integrity: dict[str, Any]
    virus_scanner: dict[str, Any]
    performance: dict[str, Any]


class WidgetOut(Out):
    type: str
    name: str
    data: Any


class WidgetKindOut(Out):
    type: str
    name: str
    permission: str
    parameters: list[dict[str, Any]]
