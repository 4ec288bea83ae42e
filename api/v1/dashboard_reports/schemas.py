"""Shapes of custom reports."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from api.kit import In, Listing, Out
from portal.desk.reports.choices import RunStatus

_EXAMPLE: dict[str, Any] = {
    "name": "Tickets by month",
    "source": "tickets",
    "filters": [{"column": "createdAt", "op": "lastMonth"}],
    "groupBy": [{"column": "createdAt", "bucket": "month"}],
    "aggregates": [{"function": "count"}],
    "chart": "bar",
    "shared": True,
}


class ReportQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"updatedAt": "updated_at", "createdAt": "created_at", "name": "name"}

    search: str = Field("", max_length=300, description="Words of name or description; accents and hamza do not matter")
    source: list[str] = Field([], description="Repeatable")
    mine: bool | None = Field(None, description="true: your own; false: those of others")
    scheduled: bool | None = Field(None, description="Whether an active schedule sends it")


class ReportIn(In):
    """What the report is about and what it shows; `GET /dashboard/reports/sources` says what can be chosen."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})
    aliases: ClassVar[Mapping[str, str]] = {"group_by": "group_by"}

    name: str = Field(max_length=200)
    description: str | None = Field(None, max_length=1000)
    source: str = Field(description="samples, results, tasks, submissions, customers, deals, tickets, contracts, …")
    form: UUID | None = Field(None, description="Of submissions: a form, whose questions become columns")
    columns: list[str] | None = Field(None, description="Of a list of records; absent: the usual ones")
    filters: list[dict[str, Any]] | None = Field(None, description="[{column, op, value}]; all of them hold")
    group_by: list[Any] | None = Field(
        None, description="At most two: [{column, bucket}]; bucket day to year of a time"
    )
    aggregates: list[dict[str, Any]] | None = Field(
        None, description="[{function, column}]: count, sum, average, min, max"
    )
    sort: list[dict[str, Any]] | None = Field(None, description="[{by, descending}]; by a column, or as sum:value")
    chart: str | None = Field(None, description="none, bar, stackedBar, line, pie, donut")
    shared: bool | None = Field(None, description="Needs custom_reports.share")


class ReportChange(ReportIn):
    """Absent fields stay as they are."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Tickets of the year", "version": 3}})

    name: str | None = Field(None, max_length=200)  # type: ignore[assignment]
    source: str | None = None  # type: ignore[assignment]
    version: int | None = Field(None, description="The version that you changed; a stale one is 409 VERSION_CONFLICT")


class CustomReportOut(Out):
    id: UUID
    organization_id: UUID
    name: str
    description: str
    type: str = Field(description="The source")
    source: str
    form: UUID | None
    columns: list[str]
    filters: list[dict[str, Any]]
    group_by: list[dict[str, Any]]
    aggregates: list[dict[str, Any]]
    sort: list[dict[str, Any]]
    chart: str
    parameters: dict[str, Any] = Field(description="What `generate` may narrow further")
    shared: bool
    builtin: str | None = Field(description="Its key, where every organisation has it")
    owner_id: UUID | None
    owner_name: str | None
    created_at: datetime
    updated_at: datetime
    version: int


class SourceOut(Out):
    key: str
    label: str
    takes_form: bool
    usual: list[str]
    columns: list[dict[str, Any]] = Field(description="[{key, label, type, operators, choices}]")


class GenerateIn(In):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "format": "json",
                "parameters": {"filters": [{"column": "createdAt", "op": "thisMonth"}]},
                "language": "fr",
            }
        }
    )

    format: Literal["json", "pdf", "csv", "xlsx"] = Field(
        "json", description="A JSON of at most 1,000 lines comes at once"
    )
    parameters: dict[str, Any] | None = Field(None, description="`filters` that narrow the report further")
    language: Literal["ar", "fr", "en"] | None = Field(None, description="Of the file; else yours")


class RunOut(Out):
    run_id: UUID
    report_id: UUID
    report_version: int
    status: str = Field(description="queued, running, succeeded, failed, skipped")
    skipped_reason: str | None = Field(
        description="Of a recipient who got nothing: left, no_right, no_source, not_shared"
    )
    error: str | None
    progress: int
    format: str
    language: str
    person_id: UUID
    person_name: str
    schedule_id: UUID | None
    occurrence: datetime | None
    job_id: UUID | None
    rows: int | None
    shown_rows: int | None = Field(description="Fewer than `rows` in a PDF of more than 1,000")
    download_url: str | None = Field(description="Your own file, kept for seven days")
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None


class GeneratedOut(RunOut):
    result: dict[str, Any] | None = Field(description="{columns, rows, totals, timeZone, generatedAt} of a short JSON")


class RunQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"createdAt": "created_at"}

    status: list[RunStatus] = Field([], description="Repeatable")


class ScheduleIn(In):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {"frequency": "monthly", "monthDay": 31, "hour": 7, "format": "pdf", "roles": ["Manager"]}
        }
    )

    frequency: Literal["daily", "weekly", "monthly"]
    weekday: int | None = Field(None, description="0 Monday to 6 Sunday, of a weekly one")
    month_day: int | None = Field(None, description="1 to 31 of a monthly one; shorter months: their last day")
    hour: int | None = Field(None, description="Of the organisation's clock, summer time included")
    minute: int | None = None
    format: Literal["pdf", "xlsx", "csv", "json"] | None = None
    roles: list[str] | None = Field(None, description="Keys: everybody who has them when it is sent")
    people: list[UUID] | None = Field(None, description="With neither roles nor people: you")
    is_active: bool | None = Field(None, description="false pauses it")


class ScheduleChange(ScheduleIn):
    """Absent fields stay as they are."""

    frequency: Literal["daily", "weekly", "monthly"] | None = None  # type: ignore[assignment]
    version: int | None = Field(None, description="A stale one is 409 VERSION_CONFLICT")


class ScheduleOut(Out):
    id: UUID
    report_id: UUID
    frequency: str
    weekday: int
    month_day: int
    hour: int
    minute: int
    format: str
    roles: list[str]
    people: list[UUID]
    is_active: bool
    next_at: datetime | None
    last_at: datetime | None
    created_by_user_id: UUID | None
    version: int
