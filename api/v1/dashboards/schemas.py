"""Shapes of dashboards (`contract-rooms.md` section 1)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field

from api.kit import In, Listing, Out
from api.v1.views.schemas import SERVER, DataOut

_VIEW = "01941f40-0000-7000-8000-0000000000c1"


class DashboardQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"createdAt": "created_at", "name": "name", "updatedAt": "updated_at"}

    project_id: UUID | None = None
    search: str = Field("", max_length=300, description="Words of name or description; accents and hamza do not matter")


class Position(Out):
    x: int = Field(0, description="Columns from the side at which reading begins, of 12")
    y: int = Field(0, description="Rows from the top")
    w: int = 6
    h: int = 4


class WidgetIn(In):
    model_config = ConfigDict(
        json_schema_extra={"example": {"viewId": _VIEW, "position": {"x": 0, "y": 0, "w": 6, "h": 4}}}
    )
    aliases: ClassVar[Mapping[str, str]] = {"metadataObject": "metadataObject"}

    id: UUID | None = Field(None, description="Among a dashboard's widgets: of one that is there already")
    view_id: UUID
    position: Position | None = Field(None, description="Absent: the first free place")
    metadata: Any = Field(None, description="Any JSON, or some as text; null clears")


class WidgetChange(WidgetIn):
    view_id: UUID | None = None  # type: ignore[assignment]


class DashboardIn(In):
    """`metadata` may say `theme` (light, dark) and `refreshInterval` (seconds) to the portal."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "Wells", "metadata": {"theme": "dark", "refreshInterval": 300}}}
    )
    aliases: ClassVar[Mapping[str, str]] = {name: name for name in SERVER}

    project_id: UUID | None = Field(None, description="null: of no project")
    name: str = Field(max_length=200)
    description: str | None = Field(None, max_length=20_000)
    metadata: Any = Field(None, description="Any JSON, or some as text; null clears")
    widgets: list[WidgetIn] | None = None


class DashboardChange(DashboardIn):
    """Absent fields stay as they are; `widgets` replaces all of them."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Wells of the north", "version": 3}})

    name: str | None = Field(None, max_length=200)  # type: ignore[assignment]
    version: int | None = Field(None, description="The version that you changed; a stale one is 409 VERSION_CONFLICT")
    reason: str | None = Field(None, max_length=1000, description="Why, for the audit log")


class WidgetOut(Out):
    id: UUID
    view_id: UUID
    position: Position
    metadata: str | None
    metadata_object: Any


class DashboardOut(Out):
    id: UUID
    organization_id: UUID
    project_id: UUID | None
    name: str
    description: str
    metadata: str | None = Field(description="JSON as text")
    metadata_object: Any = Field(description="The same, parsed")
    widgets: list[WidgetOut]
    created_by_user_id: UUID | None
    created_at: datetime
    updated_at: datetime
    version: int


class Fault(Out):
    code: str
    message: str
    field: str | None


class WidgetData(Out):
    id: UUID
    view_id: UUID
    data: DataOut | None
    error: Fault | None = Field(description="Why this view cannot be drawn")


class DashboardData(Out):
    widgets: list[WidgetData]
