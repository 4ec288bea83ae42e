"""Shapes of contracts (`contract-rooms.md` section 6)."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field

from api.kit import In, Listing, Out
from api.v1.projects.schemas import some_of
from portal.crm.contracts.choices import Billing, Status

_CONTRACT = "01941f50-0000-7000-8000-000000000001"
# Fields of an answer that a client may send back: they change nothing.
SERVER = {
    name: name
    for name in (
        "id", "number", "organizationId", "tenantId", "customerName", "typeName", "isExpiring", "daysLeft",
        "noticeDeadline", "predecessorId", "successorId", "terminationDate", "termination", "templateId",
        "templateVersion", "values", "activatedAt", "endedOn", "createdAt", "updatedAt", "reason",
    )
}  # fmt: skip


def _day(value: Any) -> Any:
    """A date, also out of a moment that a client sends for one."""
    return value[:10] if isinstance(value, str) and len(value) > 10 and value[10] == "T" else value


Day = Annotated[date, BeforeValidator(_day)]
Money = Annotated[Decimal, Field(ge=0, max_digits=16, decimal_places=2)]


class LineIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"total": "total", "product": "description", "qty": "quantity"}

    description: str = Field(max_length=300)
    quantity: Decimal = Field(Decimal(1), gt=0, max_digits=12, decimal_places=3)
    unit_price: Money = Decimal(0)
    discount: Decimal = Field(Decimal(0), ge=0, le=100, max_digits=5, decimal_places=2, description="Percent")


class SignatoryIn(In):
    name: str = Field(max_length=150)
    role: str = Field("", max_length=150)
    party: Literal["us", "customer"] = "customer"


class TermsIn(In):
    """What an amendment may change of a contract in force."""

    value: Money | None = Field(None, description="Of the whole term; with lines it is their sum")
    currency: str | None = Field(None, max_length=3, examples=["MAD"])
    fx_rate: Decimal | None = Field(None, gt=0, description="To the organisation's currency")
    billing: Literal["one_off", "monthly", "quarterly", "yearly"] | None = None
    start_date: Day | None = None
    end_date: Day | None = Field(None, description="null: open-ended")
    term_months: int | None = Field(None, ge=1, le=600)
    notice_days: int | None = Field(None, ge=0, le=3650)
    auto_renew: bool | None = None
    terms: str | None = Field(None, max_length=200_000, description="Text, or HTML of a few tags")
    lines: list[LineIn] | None = None

    @property
    def wanted(self) -> dict[str, Any]:
        """The fields that the client sent, lines as dictionaries."""
        found = {name: value for name, value in self.changes.items() if name not in SERVER and name != "version"}
        for name in ("lines", "signatories"):
            if found.get(name):
                found[name] = [row.model_dump() for row in found[name]]
        return found


class ContractIn(TermsIn):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "title": "Annual Support Contract",
                "customerId": "01941f40-0000-7000-8000-000000000001",
                "type": "support",
                "value": 25000,
                "startDate": "2026-01-01",
                "endDate": "2026-12-31",
                "status": "active",
                "terms": "Standard support terms and conditions",
                "attachments": [],
            }
        }
    )
    aliases: ClassVar[Mapping[str, str]] = SERVER | {"version": "version"}

    title: str = Field(max_length=200)
    customer_id: UUID
    type: str = Field("support", max_length=60, description="Key or id of a type")
    status: str | None = Field(None, max_length=30, description="draft; pending_approval, sent, active")
    attachments: list[UUID] | None = Field(None, description="Ids of files")
    owner_id: UUID | None = Field(None, description="Who is in charge; you, where it is absent")
    signatories: list[SignatoryIn] | None = None
    signed_on: Day | None = None
    notice_given_on: Day | None = None


class ContractChange(ContractIn):
    """Absent fields stay as they are, null clears."""

    model_config = ConfigDict(json_schema_extra={"example": {"title": "Annual Support Contract 2027", "version": 3}})

    title: str | None = Field(None, max_length=200)  # type: ignore[assignment]
    customer_id: UUID | None = None  # type: ignore[assignment]
    type: str | None = Field(None, max_length=60)  # type: ignore[assignment]
    version: int | None = Field(None, description="The version that you changed; a stale one is 409")


class StatusIn(In):
    status: str = Field(max_length=30, examples=["active"])
    note: str = Field("", max_length=2000)
    version: int | None = None


class AmendmentIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"changes": "terms_changed"}

    terms_changed: TermsIn = Field(alias="changes")
    reason: str = Field(max_length=1000)


class ChangeIn(In):
    percent: Decimal | None = Field(None, ge=-100, le=1000)
    amount: Decimal | None = None
    fixed: Money | None = None


class RenewIn(In):
    term_months: int | None = Field(None, ge=1, le=600)
    end_date: Day | None = None
    change: ChangeIn | None = None
    copy_lines: bool | None = Field(None, description="As before, unless the value changes by an amount")


class TerminateIn(In):
    effective_date: Day | None = Field(None, description="Today where it is absent; the last day of the contract")
    reason: str = Field(max_length=500)
    by: Literal["us", "customer"] = Field("us", description="Who terminates")
    note: str = Field("", max_length=5000)
    fee: Money | None = None


class TypeIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"id": "id", "label": "label"}

    key: str = Field("", max_length=40, description="From the name where it is absent")
    name: str = Field(max_length=100)
    name_ar: str | None = Field(None, max_length=100)
    name_fr: str | None = Field(None, max_length=100)
    prefix: str | None = Field(None, max_length=6, description="Of the numbers, capital letters")
    term_months: int | None = Field(None, ge=1, le=600)
    notice_days: int | None = Field(None, ge=0, le=3650)
    auto_renew: bool | None = None
    reminders: list[int] | None = Field(None, description="Days before the end")
    window_days: int | None = Field(None, ge=0, le=730, description="Expiring from so many days before the end")
    uplift: Decimal | None = Field(None, ge=-100, le=900, max_digits=5, decimal_places=2)
    approver_role: str | None = Field(None, max_length=50)
    is_active: bool | None = None
    order: int | None = Field(None, ge=0, le=1000)


class TypeChange(TypeIn):
    name: str | None = Field(None, max_length=100)  # type: ignore[assignment]


class ValueIn(In):
    key: str = Field(max_length=40)
    type: str = Field("text", description="text, number, money, date")
    required: bool = False
    label: str = Field("", max_length=100)


class TemplateIn(In):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Support",
                "type": "support",
                "language": "en",
                "body": "<p>{{ tenant.name }} supports {{ customer.companyName }} for {{ contract.value|money }}"
                " at {{ values.site }}.</p>",
                "values": [{"key": "site", "type": "text", "required": True, "label": "Site"}],
            }
        }
    )
    aliases: ClassVar[Mapping[str, str]] = {"terms": "body", "id": "id", "variables": "variables"}

    name: str = Field(max_length=200)
    type: str = Field(max_length=60)
    language: str = Field("en", max_length=5)
    body: str = Field(max_length=100_000)
    values: list[ValueIn] = Field(default_factory=list, max_length=60)

    @property
    def wanted(self) -> dict[str, Any]:
        found = {name: value for name, value in self.changes.items() if name != "version" and value is not None}
        if "values" in found:
            found["values"] = [row.model_dump() for row in found["values"]]
        return found


class TemplateChange(TemplateIn):
    name: str | None = Field(None, max_length=200)  # type: ignore[assignment]
    type: str | None = Field(None, max_length=60)  # type: ignore[assignment]
    language: str | None = Field(None, max_length=5)  # type: ignore[assignment]
    body: str | None = Field(None, max_length=100_000)  # type: ignore[assignment]
    values: list[ValueIn] | None = Field(None, max_length=60)  # type: ignore[assignment]
    version: int | None = None


class OverridesIn(TermsIn):
    title: str | None = Field(None, max_length=200)
    owner_id: UUID | None = None
    signatories: list[SignatoryIn] | None = None


class FromTemplateIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"variables": "values"}
    DIRECT: ClassVar = ("start_date", "end_date", "value", "title")

    customer_id: UUID
    values: dict[str, Any] = Field(default_factory=dict, description="The template's own fields by key")
    overrides: OverridesIn | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    value: Money | None = None
    title: str | None = Field(None, max_length=200)

    @property
    def wanted(self) -> dict[str, Any]:
        direct = {name: self.changes[name] for name in self.DIRECT if name in self.changes}
        more = self.overrides.wanted if self.overrides else {}
        return {"customer_id": self.customer_id, "values": self.values, "overrides": direct | more}


class PreviewIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"variables": "values"}

    customer_id: UUID | None = None
    values: dict[str, Any] = Field(default_factory=dict)
    overrides: OverridesIn | None = None
    language: str = Field("", max_length=5)
    body: str | None = Field(None, max_length=100_000, description="Instead of the stored text")


class ContractFilter(Listing):
    sortable: ClassVar[Mapping[str, str]] = {
        "createdAt": "created_at",
        "updatedAt": "updated_at",
        "number": "number",
        "title": "title",
        "status": "status",
        "value": "value",
        "startDate": "start_date",
        "endDate": "end_date",
        "customerName": "customer__name",
    }

    search: str = Field("", max_length=200, description="Words of number, title or customer")
    status: some_of(Status.values) = Field([], description="Repeatable")  # type: ignore[valid-type]
    type: list[str] = Field([], description="Key, repeatable")
    customer_id: UUID | None = None
    owner_id: UUID | None = None
    billing: Literal["", *Billing.values] = ""  # type: ignore[valid-type]
    currency: str = Field("", max_length=3)
    auto_renew: bool | None = None
    value_from: Decimal | None = None
    value_to: Decimal | None = None
    start_from: Day | None = None
    start_to: Day | None = None
    end_from: Day | None = None
    end_to: Day | None = None
    expiring_before: Day | None = Field(None, description="As endTo, of active ones")

    def filters(self) -> dict[str, Any]:
        names = {"customer_id": "customer", "owner_id": "owner"}
        said = {names.get(name, name): getattr(self, name) for name in ContractFilter.model_fields}
        for name in ("page", "limit", "page_size", "sort", "order", "expiring_before"):
            said.pop(name)
        if self.expiring_before:
            said |= {"end_to": self.expiring_before, "status": self.status or [Status.ACTIVE]}
        return said


class WindowFilter(ContractFilter):
    sortable: ClassVar[Mapping[str, str]] = {}

    days: int = Field(30, ge=0, le=730)


class RenewalFilter(WindowFilter):
    days: int = Field(90, ge=0, le=730)


class PeriodFilter(ContractFilter):
    date_from: Day | None = None
    date_to: Day | None = None


class ExportFilter(ContractFilter):
    format: Literal["csv", "json", "xlsx"] = "csv"


class TypeFilter(Listing):
    every: bool = Field(default=False, alias="all", description="Switched-off ones, too")


class TemplateFilter(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"name": "name", "createdAt": "created_at", "updatedAt": "updated_at"}
    descending: ClassVar[bool] = False

    search: str = Field("", max_length=200)
    type: str = Field("", max_length=60)
    language: str = Field("", max_length=5)


class PaperQuery(Listing):
    lang: str = Field("", max_length=5, description="ar, fr or en; the language of the request where it is absent")
    language: str = Field("", max_length=5, description="Alias of lang")
    version: int | None = Field(None, ge=0, description="As it was after this amendment; 0: as first agreed")


class LineOut(Out):
    description: str
    quantity: float
    unit_price: float
    discount: float
    total: float


class TerminationOut(Out):
    effective_date: date
    reason: str
    by: str | None
    note: str
    fee: float | None
    late_notice: bool
    scheduled: bool


class ContractOut(Out):
    id: UUID = Field(examples=[_CONTRACT])
    number: str = Field(examples=["SUP-2026-0001"])
    title: str
    customer_id: UUID
    customer_name: str
    type: str
    type_name: str
    status: str = Field(examples=["active"])
    is_expiring: bool
    days_left: int | None
    notice_deadline: date | None
    value: float
    currency: str
    fx_rate: float
    billing: str
    start_date: date | None
    end_date: date | None
    term_months: int
    notice_days: int
    auto_renew: bool
    terms: str
    attachments: list[UUID]
    lines: list[LineOut]
    owner_id: UUID | None
    signatories: list[dict[str, str]]
    signed_on: date | None
    notice_given_on: date | None
    template_id: UUID | None
    template_version: int | None
    values: dict[str, Any]
    predecessor_id: UUID | None
    successor_id: UUID | None
    termination_date: date | None
    termination: TerminationOut | None
    activated_at: datetime | None
    ended_on: date | None
    created_at: datetime
    updated_at: datetime
    version: int


class ExpiringOut(ContractOut):
    days_left: int
    bucket: int | None = Field(description="30, 60 or 90 days")


class RenewalOut(Out):
    contract: ContractOut
    days_left: int
    proposed_value: float
    risk: dict[str, int] = Field(description="{overdueTickets}: open tickets of the customer that are over a promise")


class AmendmentOut(Out):
    id: UUID
    number: int
    reason: str
    changes: dict[str, dict[str, Any]] = Field(description="Field: {old, new}")
    user_id: UUID | None
    created_at: datetime


class HistoryOut(Out):
    id: UUID
    action: str = Field(examples=["created", "updated", "status", "amended", "terminated", "document"])
    old_values: dict[str, Any]
    new_values: dict[str, Any]
    note: str
    user_id: UUID | None
    created_at: datetime


class DocumentOut(Out):
    id: UUID
    file_id: UUID
    filename: str
    content_type: str
    size: int
    kind: str = Field(examples=["signed"])
    description: str
    uploaded_by: UUID | None
    created_at: datetime


class TypeOut(Out):
    id: UUID
    key: str = Field(examples=["support"])
    name: str
    name_ar: str
    name_fr: str
    label: str = Field(description="In the language of the request")
    prefix: str
    term_months: int
    notice_days: int
    auto_renew: bool
    reminders: list[int]
    window_days: int
    uplift: float
    approver_role: str | None
    is_active: bool
    order: int


class TemplateOut(Out):
    id: UUID
    name: str
    type: str
    language: str
    body: str
    terms: str = Field(description="The same as body")
    values: list[dict[str, Any]]
    variables: list[str]
    version: int
    created_at: datetime
    updated_at: datetime


class PreviewOut(Out):
    html: str
    language: str


class FieldOut(Out):
    path: str = Field(examples=["customer.companyName"])
    type: str
    label: str
    filters: list[str]


class AnalyticsOut(Out):
    date_from: date
    date_to: date
    total: int
    active: int
    value: float = Field(description="Of active contracts")
    mrr: float = Field(description="Value over months of active recurring contracts")
    by_type: dict[str, int] = Field(description="Active ones")
    types: list[dict[str, Any]]
    by_status: dict[str, int]
    renewal_rate: float | None = Field(description="Renewed of renewed, expired and terminated, percent")
    renewal_rate_by_value: float | None
    churn_rate: float | None
    churned: int
    churned_value: float
    renewed: dict[str, Any]
    expired: dict[str, Any]
    terminated: dict[str, Any]
    avg_term_months: float | None
    expiries_by_month: list[dict[str, Any]]
    recurring_value: float = Field(description="Of recurring contracts, falling into the period")
