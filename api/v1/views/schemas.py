"""Shapes of chart views and their figures (specification 003, C47 to C50; `contract-rooms.md` section 1)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field

from api.kit import In, Listing, Out
from api.v1.projects.schemas import some_of
from portal.collect.charts.choices import ChartType

_VIEW = "01941f40-0000-7000-8000-0000000000c1"
_PROJECT = "01941f40-0000-7000-8000-000000000001"
_FORM = "01941f40-0000-7000-8000-0000000000f1"
# Fields of an answer that a client may send back: they change nothing, and nobody is told so.
SERVER = ("id", "organizationId", "tenantId", "createdAt", "createdByUserId", "updatedAt", "metadataObject")


class ViewQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"createdAt": "created_at", "name": "name", "updatedAt": "updated_at"}

    project_id: UUID | None = None
    form_id: UUID | None = None
    chart_type: some_of(ChartType.values) = Field([], description="Repeatable")  # type: ignore[valid-type]
    search: str = Field("", max_length=300, description="Words of name or description; accents and hamza do not matter")


class ProjectViewQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = ViewQuery.sortable


class ViewIn(In):
    """`config`: `formId`, `aggregation` (count, sum, average, min, max, median; absent: count), `field` or `yAxis`,
    `groupBy` (a field, or hour, day, week, month, quarter, year of `xAxis`), `xAxis`, `stackBy`, `filters`
    (`[{field, op: eq|ne|lt|lte|gt|gte|in|isnull, value}]`). Axes are field ids, `createdAt`, `syncedAt`,
    `submittedByUserId`, `reviewState`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "projectId": _PROJECT,
                "name": "Total Elephant Count",
                "description": "Sum of all elephants sighted",
                "chartType": "number",
                "config": {"formId": _FORM, "aggregation": "sum", "field": "herd_size"},
                "metadata": {"width": 300, "height": 200, "displayFormat": "large-number", "refreshInterval": 300},
            }
        }
    )
    aliases: ClassVar[Mapping[str, str]] = {
        name: name for name in (*SERVER, "formId", "definition", "definitionObject")
    }

    project_id: UUID
    name: str = Field(max_length=200)
    description: str | None = Field(None, max_length=20_000)
    chart_type: str = Field(description="number, pie, donut, line, bar, stackedBar")
    config: dict[str, Any] | str = Field(description="An object, or one as text")
    metadata: Any = Field(None, description="Any JSON, or some as text; null clears")


class ViewChange(ViewIn):
    """Absent fields stay as they are. The project stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Updated View Name", "chartType": "bar"}})

    project_id: UUID | None = None  # type: ignore[assignment]
    name: str | None = Field(None, max_length=200)  # type: ignore[assignment]
    chart_type: str | None = None  # type: ignore[assignment]
    config: dict[str, Any] | str | None = None  # type: ignore[assignment]
    version: int | None = Field(None, description="The version that you changed; a stale one is 409 VERSION_CONFLICT")
    reason: str | None = Field(None, max_length=1000, description="Why, for the audit log")


class PreviewIn(In):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "projectId": _PROJECT,
                "chartType": "bar",
                "config": {"formId": _FORM, "xAxis": "createdAt", "groupBy": "day", "aggregation": "count"},
            }
        }
    )
    aliases: ClassVar[Mapping[str, str]] = {name: name for name in ("name", "description", "metadata")}

    project_id: UUID
    chart_type: str
    config: dict[str, Any] | str


class ViewOut(Out):
    id: UUID = Field(examples=[_VIEW])
    organization_id: UUID
    project_id: UUID
    form_id: UUID
    name: str
    description: str
    chart_type: str
    config: dict[str, Any]
    definition: str = Field(description="description, chartType and config as text")
    definition_object: dict[str, Any] = Field(description="The same, parsed")
    metadata: str | None = Field(description="JSON as text")
    metadata_object: Any = Field(description="The same, parsed")
    created_by_user_id: UUID | None
    created_at: datetime
    updated_at: datetime
    version: int


class SeriesOut(Out):
    key: Any = Field(description="The raw value of stackBy; with one series the field that is aggregated, or null")
    label: str | None
    values: list[float | None] = Field(description="One for each label; empty ones are 0 for count and sum, else null")


class DataOut(Out):
    view_id: UUID | None
    chart_type: str
    aggregation: str
    group_by: str | None
    value: float | None = Field(description="Of a number; null for the other kinds")
    keys: list[Any] = Field(description="The raw values behind the labels")
    labels: list[str | None] = Field(description="null: no answer")
    series: list[SeriesOut]
    rows: int = Field(description="Submissions that the filters let through")
    time_zone: str
    data_version: int = Field(description="Moves with every change of the form's submissions")
    generated_at: datetime
