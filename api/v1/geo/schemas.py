"""Shapes of administrative units, assigned areas and refusals (`contract-rooms.md` section 2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from api.kit import In, Listing, Out
from portal.core.geo.models import Level

_UNIT = "01941f66-0000-7000-8000-000000000001"
_PERSON = "01941f00-1111-7000-8000-000000000007"


class UnitQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"code": "code", "nameEn": "name_en", "nameAr": "name_ar"}
    descending: ClassVar[bool] = False

    level: Level | None = None
    parent_id: UUID | None = None
    search: str = Field("", max_length=200, description="Words of the names or the code; tashkeel does not matter")
    has_boundary: bool | None = None
    dataset_id: UUID | None = Field(None, description="The boundaries in force where absent")


class UnitOut(Out):
    id: UUID = Field(examples=[_UNIT])
    level: Level
    code: str = Field(examples=["YE1101"], description="P-code, the same in every dataset")
    parent_id: UUID | None
    name_en: str
    name_ar: str
    iso_code: str | None = Field(description="ISO 3166-2, of governorates")
    bbox: list[float] | None = Field(description="West, south, east, north in degrees (WGS 84)")
    has_boundary: bool
    dataset_id: UUID
    dataset_version: str


class UnitDetail(UnitOut):
    boundary: dict[str, Any] | None = Field(description="GeoJSON Polygon or MultiPolygon")


class DatasetOut(Out):
    id: UUID
    name: str
    version: str
    is_active: bool
    status: Literal["loading", "ready", "failed"]
    progress: int = Field(description="Percent")
    counts: dict[str, dict[str, int]] = Field(description="Level -> units and boundaries")
    errors: list[dict[str, Any]] = Field(description="At most 200: file, feature (from 1), message")
    credit: str
    created_at: datetime


class DatasetQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"createdAt": "created_at", "name": "name"}


class AssignmentQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {
        "createdAt": "created_at",
        "userName": "user__name",
        "validFrom": "valid_from",
        "unitCode": "code",
    }

    user_id: UUID | None = None
    unit_id: UUID | None = Field(None, description="Assignments that name this unit on any level")
    governorate_id: UUID | None = None
    status: Literal["", "active", "upcoming", "ended"] = ""
    search: str = Field("", max_length=200, description="Person, name or code of a unit")


class AssignmentIn(In):
    """A null level means all of the level above."""

    model_config = ConfigDict(json_schema_extra={"example": {"userId": _PERSON, "governorateId": _UNIT}})

    user_id: UUID
    governorate_id: UUID
    district_id: UUID | None = None
    sub_district_id: UUID | None = None
    neighborhood_id: UUID | None = None
    valid_from: datetime | None = Field(None, description="Now where absent")
    valid_to: datetime | None = Field(None, description="The first moment without it; null: open")


class AssignmentChange(AssignmentIn):
    """Absent fields stay as they are, null clears."""

    model_config = ConfigDict(json_schema_extra={"example": {"validTo": "2026-12-31T21:00:00Z"}})

    user_id: UUID | None = None  # type: ignore[assignment]
    governorate_id: UUID | None = None  # type: ignore[assignment]


class AssignmentOut(Out):
    id: UUID
    user_id: UUID
    user_name: str
    governorate_id: UUID
    district_id: UUID | None
    sub_district_id: UUID | None
    neighborhood_id: UUID | None
    level: Level
    unit_code: str
    unit_name_en: str
    unit_name_ar: str
    valid_from: datetime
    valid_to: datetime | None
    status: Literal["active", "upcoming", "ended"]
    created_at: datetime
    updated_at: datetime


class DenialQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"createdAt": "created_at"}

    user_id: UUID | None = None
    rule: str = Field("", max_length=30)
    date_from: str = Field("", max_length=40)
    date_to: str = Field("", max_length=40)


class DenialOut(Out):
    id: UUID
    user_id: UUID
    user_name: str
    device_id: str | None
    session_id: UUID | None
    application_id: UUID | None
    rule: str = Field(description="OUTSIDE_AREA, NO_ASSIGNMENT, SCOPE_EXPIRED or APPLICATION_AREA")
    lat: float | None
    lng: float | None
    accuracy: float | None = Field(description="Metres, as claimed")
    margin_m: float = Field(description="What would have been let pass, accuracy included")
    distance_outside_m: float | None
    nearest_unit_id: UUID | None
    dataset_version: str
    request_id: str
    captured_at: datetime | None
    created_at: datetime


class ExplanationOut(DenialOut):
    message: str
    point: dict[str, Any] | None = Field(description="GeoJSON")
    nearest_point: dict[str, Any] | None = Field(description="GeoJSON: the nearest place that was allowed")
    allowed_units: list[dict[str, Any]] = Field(description="What the person had then")
    allowed_area: dict[str, Any] = Field(description="GeoJSON FeatureCollection, simplified for drawing")
