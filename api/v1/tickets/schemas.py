"""Shapes of tickets, their comments and files, and of promises (specification 002; `docs/api.md`)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from api.kit import Declared, In, Listing, Out
from api.v1.projects.schemas import SERVER, some_of
from portal.crm.sla.models import Kind, State
from portal.crm.tickets.choices import Channel, TicketPriority, TicketStatus

_TICKET = "01941f50-0000-7000-8000-000000000001"
_PERSON = "01941f00-1111-7000-8000-000000000007"
_WEEK = {"mon": [["08:00", "12:00"], ["13:30", "18:00"]], "tue": [["08:00", "12:00"], ["13:30", "18:00"]]}
_TARGETS: dict[str, Any] = {
    "high": {"firstResponseSeconds": 14400, "nextResponseSeconds": 14400, "resolutionSeconds": 86400},
}
type SlaFilter = Literal["", "overdue", "at_risk", "paused", "met", "missed"]


class TicketFilters(Listing):
    """What lists, statistics, metrics, analytics and export are narrowed by."""

    status: some_of([*TicketStatus.values, "active"]) = Field(  # type: ignore[valid-type]
        [], description="Repeatable; active: new, open, waiting_customer or on_hold"
    )
    priority: some_of(TicketPriority.values) = Field([], description="Repeatable")  # type: ignore[valid-type]
    channel: some_of(Channel.values) = Field([], description="Repeatable")  # type: ignore[valid-type]
    category: str = Field("", max_length=40, description="Key or id; with the categories below it")
    customer_id: UUID | None = None
    assigned_to: str = Field("", max_length=36, description="A person's id, `me`, or `none`")
    tags: list[str] = Field([], max_length=20, description="Repeatable: all of them")
    number: int | None = Field(None, ge=1, le=2**62)
    overdue: bool | None = Field(None, description="Over a promise or a due date, or the others")
    sla: SlaFilter = Field("", description="How the promises stand")
    date_from: str = Field("", alias="dateFrom", max_length=40, description="Created on this day or later")
    date_to: str = Field("", alias="dateTo", max_length=40, description="Created on this day or earlier")
    from_: str = Field("", alias="from", max_length=40, description="Alias of dateFrom")
    to: str = Field("", max_length=40, description="Alias of dateTo")
    due_from: str = Field("", max_length=40, description="Due date on this day or later")
    due_to: str = Field("", max_length=40, description="Due date on this day or earlier")
    search: str = Field("", max_length=300, description="Words of number, title, customer, tags or description")


class TicketQuery(TicketFilters):
    sortable: ClassVar[Mapping[str, str]] = {
        "createdAt": "created_at",
        "number": "number",
        "title": "title",
        "status": "status",
        "priority": "urgency",
        "dueDate": "due_date",
        "slaDueAt": "sla_due_at",
        "updatedAt": "updated_at",
        "resolvedAt": "resolved_at",
    }


class ExportQuery(TicketFilters):
    format: Literal["csv", "json", "xlsx"] = "csv"


class MetricsQuery(TicketFilters):
    group_by: str = Field("", max_length=20, description="priority, category, agent or policy")


class TicketIn(In):
    """What a client may write; `title` is required on create."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "title": "System Login Issue",
                "description": "User unable to login to the system",
                "priority": "high",
                "category": "technical",
                "dueDate": "2026-12-15T00:00:00Z",
                "tags": ["login", "urgent"],
            }
        }
    )
    aliases: ClassVar[Mapping[str, str]] = {
        **{
            name: name
            for name in (*SERVER, "id", "number", "sla", "tagObjects", "customerName", "assignedToName", "cc")
        },
        "subject": "title",
        "assignedToUserId": "assigned_to",
        "assigneeId": "assigned_to",
    }

    title: str = Field(max_length=200)
    description: str | None = Field(None, max_length=20_000)
    customer_id: UUID | None = Field(None, description="Of a customer that you see")
    requester_name: str | None = Field(
        None, max_length=200, description="Who asks; the customer's contact where absent"
    )
    requester_email: str | None = Field(None, max_length=254)
    channel: str | None = Field(None, description=", ".join(Channel.values))
    category: str | None = Field(None, description="Key or id")
    category_id: UUID | None = None
    priority: str | None = Field(None, description=", ".join(TicketPriority.values))
    status: str | None = Field(None, description="Obeys the same rules as PATCH …/status")
    note: str | None = Field(None, max_length=5000, description="With status resolved")
    assigned_to: UUID | None = Field(None, description="Somebody who works on tickets; absent: the category's")
    due_date: datetime | None = None
    tags: list[str] | None = Field(None, description="Names, or ids of tags")
    tags_mode: str | None = Field(None, description="set, add or remove")
    satisfaction: int | None = Field(None, ge=1, le=5)
    follows_id: UUID | None = Field(None, description="On create: the closed ticket that this one goes on with")


class TicketChange(TicketIn):
    """Absent fields stay as they are, null clears."""

    model_config = ConfigDict(json_schema_extra={"example": {"priority": "urgent", "version": 3}})

    title: str | None = Field(None, max_length=200)  # type: ignore[assignment]
    version: int | None = Field(None, description="The version that you changed; a stale one is 409 VERSION_CONFLICT")
    reason: str | None = Field(None, max_length=500, description="With status on_hold")


class StatusIn(In):
    model_config = ConfigDict(json_schema_extra={"example": {"status": "resolved", "note": "Password was reset."}})

    status: str = Field(max_length=20, description=", ".join(TicketStatus.values))
    note: str | None = Field(None, max_length=5000, description="How it was resolved; needed for resolved")
    reason: str | None = Field(None, max_length=500, description="Why it waits; needed for on_hold")
    version: int | None = None


class AssignIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"userId": "assigned_to", "assigneeId": "assigned_to"}

    assigned_to: UUID | None = Field(description="Null takes the ticket away", examples=[_PERSON])


class MergeIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"sourceIds": "sources", "ids": "sources"}

    sources: list[str] = Field(min_length=1, max_length=50, examples=[[_TICKET]])


class ClockOut(Out):
    kind: Kind
    state: State
    target_seconds: int
    started_at: datetime
    due_at: datetime | None = Field(description="Null while it is paused")
    paused_at: datetime | None
    remaining_seconds: int | None = Field(description="Of a paused one, business seconds")
    stopped_at: datetime | None
    elapsed_seconds: int | None = Field(description="Business seconds, once it has stopped")
    breached_at: datetime | None = Field(description="When it was due, whenever that was noticed")


class SlaOut(Out):
    policy_id: UUID | None
    calendar_id: UUID | None = Field(description="Null: around the clock")
    state: Literal["running", "breached", "paused", "met", "missed"] | None
    due_at: datetime | None = Field(description="The next moment at which a clock runs out")
    warn_at: datetime | None
    clocks: list[ClockOut]


class TagOut(Out):
    id: UUID | None
    name: str
    color: str | None


class TicketOut(Out):
    id: UUID = Field(examples=[_TICKET])
    number: int
    title: str
    description: str
    status: TicketStatus
    priority: TicketPriority
    category: str | None = Field(description="Its key")
    category_id: UUID | None
    channel: Channel
    customer_id: UUID | None
    customer_name: str | None
    requester_name: str
    requester_email: str
    cc: list[dict[str, str]]
    assigned_to: UUID | None
    assigned_to_name: str | None
    due_date: datetime | None
    tags: list[str]
    tag_objects: list[TagOut]
    hold_reason: str
    resolution: str
    merged_into: UUID | None
    follows_id: UUID | None
    reopen_count: int
    satisfaction: int | None
    first_response_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    sla: SlaOut
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    version: int
    organization_id: UUID
    tenant_id: UUID


class BulkIn(In):
    model_config = ConfigDict(
        json_schema_extra={"example": {"ids": [_TICKET], "changes": {"priority": "high", "assignedTo": _PERSON}}}
    )
    aliases: ClassVar[Mapping[str, str]] = {"ticketIds": "ids", "updates": "wanted", "changes": "wanted"}

    ids: list[str]
    wanted: Annotated[dict[str, Any], Declared(TicketChange)] = Field(alias="changes")


class CommentQuery(Listing):
    pass


class CommentIn(In):
    model_config = ConfigDict(
        json_schema_extra={"example": {"content": "We are looking into it. @salma can you check?", "isInternal": False}}
    )
    aliases: ClassVar[Mapping[str, str]] = {"text": "content", "comment": "content"}

    content: str = Field(max_length=20_000)
    is_internal: bool = Field(False, description="Never leaves the organisation")
    from_customer: bool = Field(
        False, description="What the customer said; no person of the organisation is its author"
    )
    author_name: str = Field("", max_length=200, description="With fromCustomer")
    automatic: bool = Field(False, description="An answering machine: neither clocks nor status move")
    mentions: list[UUID] = Field([], max_length=20, description="Beside @username and @e-mail in the text")


class CommentEdit(In):
    aliases: ClassVar[Mapping[str, str]] = {"text": "content", "comment": "content"}

    content: str = Field(max_length=20_000)


class CommentOut(Out):
    id: UUID
    ticket_id: UUID = Field(
        description="Another one than asked for where a closed ticket got a new one that follows it"
    )
    content: str
    is_internal: bool
    user_id: UUID | None
    user_name: str
    from_customer: bool
    automatic: bool
    mentions: list[UUID]
    edited_at: datetime | None
    created_at: datetime
    updated_at: datetime


class AttachmentOut(Out):
    id: UUID
    ticket_id: UUID
    file_id: UUID
    filename: str
    size: int | None
    content_type: str | None
    scan_status: str | None
    download_url: str | None
    is_internal: bool
    uploaded_by: UUID | None
    created_at: datetime
    deleted_at: datetime | None


class CategoryIn(In):
    model_config = ConfigDict(json_schema_extra={"example": {"key": "leak", "name": "Leak", "nameAr": "تسرب"}})
    aliases: ClassVar[Mapping[str, str]] = {"nameEn": "name"}

    key: str = Field("", max_length=40, description="Of a new one; never changes")
    name: str | None = Field(None, max_length=100)
    name_ar: str | None = Field(None, max_length=100)
    name_fr: str | None = Field(None, max_length=100)
    color: str | None = Field(None, max_length=7, examples=["#0f766e"])
    order: int | None = Field(None, ge=0, le=30_000)
    is_active: bool | None = None
    parent_id: UUID | None = None
    default_assignee: UUID | None = None


class CategoryOut(Out):
    id: UUID
    key: str
    name: str = Field(description="In the language of Accept-Language")
    name_en: str
    name_ar: str
    name_fr: str
    color: str
    order: int
    is_active: bool
    parent_id: UUID | None
    default_assignee: UUID | None


class PriorityOut(Out):
    key: TicketPriority
    name: str
    weight: int
    sla_response_minutes: int | None = Field(description="Of the default policy")
    sla_resolution_minutes: int | None


class CalendarIn(In):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Office Sana'a",
                "timeZone": "Asia/Aden",
                "week": {"sat": [["08:00", "15:00"]], "sun": [["08:00", "15:00"]]},
                "holidays": [{"date": "2026-05-22", "name": "Unity Day", "recurring": True}],
                "seasons": [{"from": "2026-02-18", "to": "2026-03-19", "week": {"sun": [["09:00", "14:00"]]}}],
            }
        }
    )

    name: str | None = Field(None, max_length=100)
    time_zone: str | None = Field(None, max_length=64, examples=["Africa/Casablanca"])
    week: dict[str, Any] | None = Field(None, description="Intervals by day, 24:00 ends a day", examples=[_WEEK])
    holidays: list[dict[str, Any]] | None = Field(None, description="{date, name, recurring, estimated}")
    seasons: list[dict[str, Any]] | None = Field(None, description="{from, to, name, week}: another week on these days")
    version: int | None = None


class CalendarOut(Out):
    id: UUID
    name: str
    time_zone: str
    week: dict[str, list[list[str]]]
    holidays: list[dict[str, Any]]
    seasons: list[dict[str, Any]]
    version: int = Field(description="Its edition; running clocks keep theirs")
    created_at: datetime
    updated_at: datetime


class DeadlineIn(In):
    model_config = ConfigDict(
        json_schema_extra={"example": {"start": "2026-02-13T15:00:00Z", "targetSeconds": 57600, "pauses": []}}
    )

    start: str
    target_seconds: int
    pauses: list[list[Any]] = []


class DeadlineOut(Out):
    deadline: datetime


class ElapsedIn(In):
    start: str
    end: str
    pauses: list[list[Any]] = []


class ElapsedOut(Out):
    seconds: int


class HolidaysIn(In):
    country: str = Field(max_length=2, examples=["MA", "YE"])


class PolicyIn(In):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Gold customers",
                "order": 10,
                "match": {"customerTags": ["gold"], "priorities": ["high", "urgent"]},
                "calendarId": None,
                "targets": _TARGETS,
                "warnPercent": [75, 90],
                "escalations": [{"percent": 100, "afterMinutes": 30, "action": "notify", "to": "managers"}],
            }
        }
    )

    name: str | None = Field(None, max_length=100)
    order: int | None = Field(None, ge=0, le=30_000, description="The first that applies wins")
    match: dict[str, Any] | None = Field(
        None,
        description="{categories?, priorities?, customerTags?, contractIds?, contractTypes?, channels?}: all hold",
    )
    calendar_id: UUID | None = Field(None, description="Null: around the clock")
    targets: dict[str, Any] | None = Field(None, description="By priority, in business seconds")
    warn_percent: list[int] | None = None
    escalations: list[dict[str, Any]] | None = Field(
        None, description="{percent, afterMinutes?, action: notify|raise_priority|reassign|tag, to}"
    )
    is_default: bool | None = None
    version: int | None = None


class PolicyOut(Out):
    id: UUID
    name: str
    order: int
    match: dict[str, list[str]]
    calendar_id: UUID | None
    targets: dict[str, dict[str, int]]
    warn_percent: list[int]
    escalations: list[dict[str, Any]]
    is_default: bool
    version: int
    created_at: datetime
    updated_at: datetime


class ReapplyIn(In):
    dry_run: bool = Field(False, description="Only count")


class StatsOut(Out):
    total: int
    open: int
    resolved: int
    unassigned: int
    overdue: int
    by_status: dict[str, int]
    by_priority: dict[str, int]
    by_category: dict[str, int]
    by_agent: list[dict[str, Any]]
    backlog_age: dict[str, int]
    avg_resolution_time: float | None = Field(description="Business hours")
    reopen_rate: float | None = Field(description="Percent")
    one_touch_rate: float | None
    satisfaction: float | None = Field(description="1 to 5")


class AnalyticsOut(Out):
    date_from: date
    date_to: date
    created: int
    resolved: int
    created_by_day: list[dict[str, Any]]
    resolved_by_day: list[dict[str, Any]]
    by_category: dict[str, int]
    by_priority: dict[str, int]
    by_channel: dict[str, int]
    by_agent: list[dict[str, Any]]
    heat_map: list[dict[str, int]] = Field(description="weekday 1 (Monday) to 7, hour 0 to 23")
    satisfaction: dict[str, Any]


class KeptOut(Out):
    met: int
    breached: int
    compliance: float | None = Field(description="Percent of those that are decided")
    p50_seconds: int | None
    p90_seconds: int | None


class MetricsOut(Out):
    first_response: KeptOut
    next_response: KeptOut
    resolution: KeptOut
    response_compliance: float | None
    resolution_compliance: float | None
    met: int
    breached: int
    at_risk: int
    overdue: int
    paused_share: float
    by_priority: list[dict[str, Any]]
    worst: list[dict[str, Any]]
    groups: list[dict[str, Any]] | None = Field(None, description="With groupBy")
