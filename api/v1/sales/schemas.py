"""Shapes of sales, stages, products and their figures (specification 002; `contract-rooms` section 4)."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field

from api.kit import In, Listing, Out
from api.v1.projects.schemas import some_of
from portal.core.common import clock
from portal.crm.sales.choices import METRICS, REQUIRABLE, ActivityType, Category, Kind

Money = Annotated[Decimal, Field(ge=0, le=Decimal("999999999999.99"), max_digits=14, decimal_places=2)]
Percent = Annotated[int, Field(ge=0, le=100)]


def _day_or_moment(value: Any) -> Any:
    return clock.parse_date(value) or value


class Dated(Listing):
    """`dateFrom` and `dateTo` with their aliases."""

    date_from: str = Field("", max_length=40, examples=["2026-01-01"])
    date_to: str = Field("", max_length=40, description="Included")
    from_: str = Field("", alias="from", max_length=40, description="Alias of dateFrom")
    to: str = Field("", max_length=40, description="Alias of dateTo")


class SaleFilter(Dated):
    """Every scalar field of a deal; dateFrom and dateTo are those of its creation where nothing else is said."""

    search: str = Field("", max_length=300, description="Words of title, customer, description or note on the loss")
    title: str = Field("", max_length=200)
    stage: list[str] = Field([], description="Key or id; repeatable")
    status: some_of(Kind.values) = Field([], description="Repeatable")  # type: ignore[valid-type]
    category: some_of(Category.values) = Field([], description="Repeatable")  # type: ignore[valid-type]
    customer_id: UUID | None = None
    product_id: UUID | None = None
    assigned_to: str = Field("", max_length=36, description="A person's id, `me`, or `none`")
    team: str = Field("", max_length=100, description="Department of the person")
    currency: str = Field("", max_length=3)
    lost_reason: str = Field("", max_length=100)
    value: Decimal | None = None
    min_value: Decimal | None = None
    max_value: Decimal | None = None
    probability: int | None = Field(None, description="Effective")
    expected_close_date: date | None = None
    expected_from: date | None = None
    expected_to: date | None = None
    closed_from: str = Field("", max_length=40)
    closed_to: str = Field("", max_length=40)
    slipped: bool | None = Field(None, description="Open, expected before today")


class SaleQuery(SaleFilter):
    sortable: ClassVar[Mapping[str, str]] = {
        "createdAt": "created_at",
        "updatedAt": "updated_at",
        "title": "title",
        "value": "base_value",
        "stage": "stage__position",
        "status": "status",
        "expectedCloseDate": "expected_close_date",
        "closedAt": "closed_at",
        "probability": "probability",
        "customer": "customer__name",
        "assignedTo": "assigned_to__name",
    }


class ExportQuery(SaleQuery):
    format: Literal["csv", "json", "xlsx"] = "csv"


class ForecastQuery(SaleFilter):
    group_by: Literal["month", "quarter", "owner"] = "month"
    months: int | None = Field(None, ge=1, le=120, description="From this month on, instead of dates; 6 without either")


class BoardQuery(Dated):
    metric: Literal[tuple(METRICS)] = "wonValue"  # type: ignore[valid-type]
    team: str = Field("", max_length=100)


class LineIn(In):
    product_id: UUID | None = None
    name: str | None = Field(None, max_length=200, description="Without productId")
    quantity: Decimal = Field(Decimal(1), description="Above 0, three decimals")
    unit_price: Decimal | None = Field(None, description="In the deal's currency; the product's where absent")
    discount: Decimal | None = Field(None, description="Percent, 0 to 100")


class SaleChange(In):
    """Absent fields stay as they are, null clears."""

    model_config = ConfigDict(json_schema_extra={"example": {"value": 52000, "version": 3}})
    aliases: ClassVar[Mapping[str, str]] = {
        "assignedToUserId": "assigned_to",
        "assigneeId": "assigned_to",
        "lines": "products",
        "reason": "lost_reason",
    }

    title: str | None = Field(None, max_length=200)
    customer_id: UUID | None = None
    value: Money | None = Field(None, description="That of the lines where there are any; another one is 400")
    currency: str | None = Field(None, min_length=3, max_length=3, description="ISO 4217; the organisation's if absent")
    fx_rate: Decimal | None = Field(None, gt=0, lt=10**6, description="Base currency for one unit of `currency`")
    stage: str | None = Field(None, max_length=100, description="Key or id; the rules of PATCH …/stage")
    status: Literal["open", "won", "lost"] | None = None
    probability: Percent | None = Field(None, description="Instead of the stage's; null takes the stage's again")
    category: Literal["pipeline", "best", "commit", "omit"] | None = None
    expected_close_date: date | None = None
    description: str | None = Field(None, max_length=20_000)
    assigned_to: UUID | None = None
    products: list[LineIn] | None = Field(None, max_length=200)
    lost_reason: str | None = Field(None, max_length=100)
    lost_note: str | None = Field(None, max_length=2000)
    close_date: Annotated[date | AwareDatetime | None, BeforeValidator(_day_or_moment)] = None
    version: int | None = Field(None, description="The version that you changed; a stale one is 409 VERSION_CONFLICT")

    @property
    def data(self) -> dict[str, Any]:
        """What the services take."""
        found = {name: value for name, value in self.changes.items() if name != "version"}
        if self.products is not None:
            found["products"] = [line.changes for line in self.products]
        return found


class SaleIn(SaleChange):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "title": "Enterprise Software License",
                "customerId": "01941f70-0000-7000-8000-000000000001",
                "value": 50000,
                "probability": 75,
                "stage": "negotiation",
                "expectedCloseDate": "2026-12-31",
                "description": "Annual software license renewal",
                "assignedTo": "01941f00-1111-7000-8000-000000000007",
                "products": [{"productId": "01941f71-0000-7000-8000-000000000001", "quantity": 1, "unitPrice": 50000}],
            }
        }
    )

    title: str = Field(max_length=200)
    customer_id: UUID


class StageMove(In):
    model_config = ConfigDict(json_schema_extra={"example": {"stage": "lost", "lostReason": "price", "version": 4}})
    aliases: ClassVar[Mapping[str, str]] = {"stageId": "stage", "reason": "lost_reason", "note": "lost_note"}

    stage: str = Field(max_length=100, description="Key or id")
    probability: Percent | None = None
    lost_reason: str | None = Field(None, max_length=100)
    lost_note: str | None = Field(None, max_length=2000)
    close_date: Annotated[date | AwareDatetime | None, BeforeValidator(_day_or_moment)] = Field(
        None, description="When it was won or lost; now where absent"
    )
    position: int | None = Field(None, ge=0, le=1_000_000, description="Index among the cards of the stage")
    version: int | None = None


class LineOut(Out):
    product_id: UUID | None
    name: str
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal = Field(description="Percent")
    amount: Decimal


class SaleCustomer(Out):
    id: UUID
    company_name: str
    contact_name: str
    email: str


class SaleUser(Out):
    id: UUID
    name: str
    email: str


class SaleOut(Out):
    id: UUID
    organization_id: UUID
    tenant_id: UUID
    title: str
    customer_id: UUID
    customer: SaleCustomer
    value: Decimal
    currency: str
    fx_rate: Decimal
    base_value: Decimal = Field(description="In the organisation's currency")
    stage: str = Field(description="Its key")
    stage_id: UUID
    stage_name: str
    stage_since: datetime
    status: Literal["open", "won", "lost"]
    probability: int = Field(description="Effective, in percent")
    probability_override: int | None
    weighted_value: Decimal = Field(description="baseValue * probability / 100")
    category: Literal["pipeline", "best", "commit", "omit"]
    expected_close_date: date | None
    description: str
    assigned_to: UUID | None
    assigned_user: SaleUser | None
    products: list[LineOut]
    closed_at: datetime | None
    lost_reason: str | None
    lost_note: str | None
    owner_at_close: UUID | None
    owner_at_close_name: str | None
    next_activity_at: datetime | None
    cloned_from: UUID | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    version: int


class StageChange(In):
    aliases: ClassVar[Mapping[str, str]] = {"position": "order"}

    key: str | None = Field(None, max_length=50, pattern=r"^[-a-zA-Z0-9_]+$")
    name: str | None = Field(None, max_length=100)
    name_fr: str | None = Field(None, max_length=100)
    name_ar: str | None = Field(None, max_length=100)
    order: int | None = Field(None, ge=0, le=1000, description="Place from 0; the others make room")
    probability: Percent | None = None
    kind: Literal["open", "won", "lost"] | None = None
    rotting_days: int | None = Field(None, ge=1, le=3650)
    required_fields: list[Literal[tuple(REQUIRABLE)]] | None = None  # type: ignore[valid-type]


class StageIn(StageChange):
    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "Tender", "nameFr": "Appel d'offres", "nameAr": "مناقصة", "order": 3}}
    )

    name: str = Field(min_length=1, max_length=100)


class StageDelete(In):
    move_to: str | None = None


class StageDeleteQuery(Listing):
    move_to: str = Field("", max_length=100, description="Key or id of the stage that takes its deals")


class StageOut(Out):
    id: UUID
    key: str
    name: str = Field(description="In the language of the request")
    names: dict[str, str]
    order: int
    probability: int
    kind: Literal["open", "won", "lost"]
    is_won: bool
    is_lost: bool
    rotting_days: int | None
    required_fields: list[str]


class ProductQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {
        "name": "name",
        "sku": "sku",
        "unitPrice": "unit_price",
        "createdAt": "created_at",
    }
    descending: ClassVar[bool] = False

    search: str = Field("", max_length=200)
    is_active: bool | None = None


class ProductChange(In):
    aliases: ClassVar[Mapping[str, str]] = {"price": "unit_price"}

    sku: str | None = Field(None, max_length=50)
    name: str | None = Field(None, max_length=200)
    description: str | None = Field(None, max_length=20_000)
    unit_price: Money | None = None
    is_active: bool | None = None


class ProductIn(ProductChange):
    model_config = ConfigDict(
        json_schema_extra={"example": {"sku": "AN-01", "name": "Full analysis of drinking water", "unitPrice": 1850}}
    )

    sku: str = Field(min_length=1, max_length=50)
    name: str = Field(min_length=1, max_length=200)


class ProductOut(Out):
    id: UUID
    sku: str
    name: str
    description: str
    unit_price: Decimal
    is_active: bool
    created_at: datetime
    updated_at: datetime


class ActivityQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"createdAt": "created_at", "dueAt": "due_at", "doneAt": "done_at"}


class ActivityChange(In):
    aliases: ClassVar[Mapping[str, str]] = {"content": "description", "notes": "description"}

    type: Literal[tuple(ActivityType.values)] | None = None  # type: ignore[valid-type]
    description: str | None = Field(None, max_length=20_000)
    due_at: AwareDatetime | None = None
    done_at: AwareDatetime | None = None
    occurred_at: AwareDatetime | None = Field(None, description="Alias of doneAt")
    outcome: str | None = Field(None, max_length=300)
    duration: int | None = Field(None, ge=0, le=100_000, description="Minutes")


class ActivityIn(ActivityChange):
    model_config = ConfigDict(
        json_schema_extra={"example": {"type": "call", "description": "Asked for the offer", "outcome": "interested"}}
    )

    description: str = Field(min_length=1, max_length=20_000)


class ActivityOut(Out):
    id: UUID
    sale_id: UUID
    type: str
    description: str
    due_at: datetime | None
    done_at: datetime | None
    occurred_at: datetime
    is_overdue: bool
    outcome: str | None
    duration: int | None
    user_id: UUID | None
    user_name: str | None
    created_at: datetime


class ColumnOut(Out):
    stage: str
    name: str
    probability: int
    count: int
    value: Decimal
    weighted_value: Decimal
    avg_age_days: Decimal | None
    rotting: int = Field(description="Longer in the stage than its rottingDays")
    deals: list[SaleOut]


class PipelineTotals(Out):
    count: int
    value: Decimal
    weighted_value: Decimal
    rotting: int


class PipelineOut(Out):
    currency: str
    stages: list[ColumnOut]
    totals: PipelineTotals


class Bucket(Out):
    count: int
    value: Decimal
    weighted: Decimal


class FiguresOut(Out):
    won: Decimal
    weighted: Decimal
    forecast: Decimal = Field(description="won + weighted")
    pipeline: Decimal = Field(description="Open, unweighted")
    commit: Decimal
    best: Decimal
    count: int = Field(description="Open deals")


class PeriodOut(FiguresOut):
    period: str = Field(examples=["2026-11", "2026-Q4"])
    quota: Decimal | None
    slipped: Bucket | None = Field(None, description="In the period of today alone; part of none of its figures")


class ReviewOut(Out):
    taken_on: date
    start: Decimal
    steps: dict[str, Decimal]
    end: Decimal
    won: Decimal
    accuracy: Decimal | None = Field(description="100 * (1 - |start - won| / won)")


class ForecastOut(Out):
    currency: str
    periods: list[PeriodOut]
    totals: FiguresOut
    slipped: Bucket
    undated: Bucket
    quota: Decimal | None
    coverage: Decimal | None = Field(
        description="Open pipeline / (quota - won); null without a quota or when it is met"
    )
    review: ReviewOut | None = Field(description="The forecast of the period's first night beside what came")


class StageFigures(Out):
    stage: str
    name: str
    count: int
    value: Decimal
    entered: int
    advanced: int | None
    conversion: Decimal | None = Field(description="Percent of those that entered and came further")
    median_days: Decimal | None


class MonthFigures(Out):
    month: str
    won: int
    lost: int
    won_value: Decimal
    lost_value: Decimal
    win_rate: Decimal | None


class LostReason(Out):
    reason: str
    name: str
    count: int
    value: Decimal


class AnalyticsOut(Out):
    currency: str
    won: int
    lost: int
    won_value: Decimal
    lost_value: Decimal
    win_rate: Decimal | None
    win_rate_by_value: Decimal | None
    avg_deal_size: Decimal | None
    avg_cycle_days: Decimal | None
    median_cycle_days: Decimal | None
    velocity: Decimal | None = Field(description="Value won per day at this pace")
    open: int
    by_stage: list[StageFigures]
    by_month: list[MonthFigures]
    lost_reasons: list[LostReason]


class PlaceOut(Out):
    rank: int | None
    prior_rank: int | None
    user_id: UUID
    name: str
    deals_won: int
    deals_lost: int
    value: Decimal
    win_rate: Decimal | None
    activities: int
    quota: Decimal | None
    quota_percent: Decimal | None
