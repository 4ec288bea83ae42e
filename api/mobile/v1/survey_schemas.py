"""Shapes of specification 004 for tasks, sessions, points, geometries and attachments. The services check the bodies
themselves: a wrong type inside a batch is the error of its item."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.kit import In, Out
from portal.survey.choices import (
    AttachmentType,
    FeatureType,
    GeometryType,
    GpsSource,
    PointType,
    ServiceType,
    SurveyType,
)


class TaskQuery(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    status: list[str] = Field([], description="assigned, in_progress, completed, submitted; repeatable")
    assigned_after: str = Field("", max_length=40, description="Date and time with offset, or a date")
    limit: int = Field(20, ge=1, le=100)
    cursor: str = Field("", max_length=500)


class Spot(Out):
    lat: float = Field(description="WGS 84")
    lng: float
    accuracy: float | None = Field(description="Metres")


class Whereabouts(Out):
    governorate: str
    district: str
    sub_district: str
    neighborhood: str
    plot_number: str


class TaskFile(Out):
    id: UUID
    filename: str
    file_type: str
    download_url: str | None = Field(description="For five minutes")


class TaskCard(Out):
    task_id: UUID
    application_id: UUID
    application_number: str
    applicant_name: str
    applicant_phone: str
    service_type: ServiceType
    priority: Literal["low", "medium", "high", "urgent"]
    assigned_at: datetime
    due_date: datetime | None
    is_overdue: bool
    estimated_duration: int | None = Field(description="Minutes")
    location: Whereabouts
    coordinates: Spot
    attachments: list[TaskFile]
    instructions: str
    requirements: list[str]
    status: Literal["assigned", "in_progress", "completed", "submitted"]
    status_detail: Literal["under_review", "approved", "returned", "rejected"] | None
    remarks: list[dict[str, Any]] = Field(description="Of the last return, per item")
    last_updated: datetime


class TaskPages(Out):
    has_more: bool
    next_cursor: str
    total_count: int


class TaskSync(Out):
    server_timestamp: datetime
    sync_cursor: str


class TasksOut(Out):
    tasks: list[TaskCard]
    pagination: TaskPages
    sync_metadata: TaskSync


class Location(In):
    lat: float = Field(ge=-90, le=90, description="WGS 84", examples=[15.3547])
    lng: float = Field(ge=-180, le=180, examples=[44.2067])
    accuracy: float | None = Field(None, description="Metres", examples=[4.2])
    timestamp: datetime


class SessionIn(In):
    application_id: UUID
    survey_type: SurveyType
    start_location: Location
    weather_conditions: str | None = None
    notes: str | None = None
    client_metadata: dict[str, Any] | None = Field(None, description="appVersion, deviceModel, batteryLevel")


class SessionOut(Out):
    session_id: UUID
    session_number: str = Field(examples=["SA-2026-BP-000123-K"])
    status: Literal["draft"]
    start_time: datetime
    sync_cursor: str


class SubmitIn(In):
    end_location: Location
    quality_score: float | None = Field(None, ge=0, le=100, description="The device's own claim")
    notes: str | None = None
    points_count: int
    geometries_count: int
    attachments_count: int
    idempotency_keys: dict[str, list[str]] | None = Field(
        None, description="points, geometries, attachments: on a mismatch the answer names those that are missing"
    )


class SubmitOut(Out):
    session_id: UUID
    status: Literal["submitted"]
    submitted_at: datetime
    sync_cursor: str


class PointIn(In):
    idempotency_key: str
    point_number: int
    latitude: float = Field(description="WGS 84")
    longitude: float
    elevation: float | None = Field(None, description="Metres")
    horizontal_accuracy: float | None = Field(None, description="Metres")
    vertical_accuracy: float | None = None
    gps_source: GpsSource
    point_type: PointType
    feature_code: str | None = None
    description: str | None = None
    captured_at: datetime
    quality_flags: list[str] = []
    is_verified: bool = False
    height_reference: str | None = Field(None, description="What the height is above")
    receiver: dict[str, Any] | None = Field(None, description="isMocked, hdop, fixAge (s), gnssTime, deviceTime")


class PointsIn(In):
    points: list[PointIn] = Field(description="At most 200")


class GeometryIn(In):
    idempotency_key: str
    geometry_number: int
    geometry_type: GeometryType
    coordinates: list[Any] = Field(description="GeoJSON, longitude first, WGS 84")
    properties: dict[str, Any] | None = None
    feature_type: FeatureType
    feature_code: str | None = None
    description: str | None = None
    area: float | None = Field(None, description="m²")
    perimeter: float | None = Field(None, description="m")
    length: float | None = Field(None, description="m")
    accuracy: float | None = Field(None, description="Of the corners, m")
    is_complete: bool = True
    is_closed: bool = False
    quality_score: float | None = None
    validation_flags: list[str] = []
    started_at: datetime | None = None
    completed_at: datetime | None = None


class GeometriesIn(In):
    geometries: list[GeometryIn] = Field(description="At most 200")


class ItemError(Out):
    message: str
    code: Literal["VALIDATION_ERROR", "DUPLICATE", "LBAC_VIOLATION", "INVALID_GEOJSON", "SESSION_NOT_ACTIVE"]
    field: str | None
    details: dict[str, Any] | None = Field(description="rule, at, suggestion")


class ItemOut(Out):
    idempotency_key: str | None
    status: Literal["created", "updated", "skipped", "error"]
    server_id: UUID | None
    server_version: int | None
    error: ItemError | None = Field(None, description="Only where status is error")


class PointOut(ItemOut):
    point_number: Any


class GeometryOut(ItemOut):
    geometry_number: Any


class UploadedOut(Out):
    uploaded_count: int = Field(description="created and updated")
    skipped_count: int
    sync_cursor: str


class PointsOut(UploadedOut):
    results: list[PointOut]


class GeometriesOut(UploadedOut):
    results: list[GeometryOut]


class AttachmentIn(In):
    filename: str
    file_type: Literal["image/jpeg", "image/png", "image/heic", "video/mp4", "application/pdf"]
    file_size: int = Field(description="Bytes")
    attachment_type: AttachmentType
    related_point_id: UUID | None = None
    related_geometry_id: UUID | None = None
    capture_location: Spot | None = None
    captured_at: datetime | None = None
    metadata: dict[str, Any] | None = Field(None, description="cameraDirection, deviceOrientation, compressionQuality")
    checksum_sha256: str | None = Field(None, description="Announced again, the same file gets the same attachment")
    idempotency_key: str | None = Field(None, description="Likewise")


class AttachmentsIn(In):
    attachments: list[AttachmentIn] = Field(description="At most 200")


class UploadUrl(Out):
    attachment_id: UUID
    upload_url: str = Field(description="PUT the bytes here")
    expires_at: datetime
    max_file_size: int
    required_headers: dict[str, str]


class UploadUrls(Out):
    upload_urls: list[UploadUrl]


class ConfirmIn(In):
    upload_success: bool
    file_size: int
    checksum_sha256: str


class ConfirmOut(Out):
    attachment_id: UUID
    status: Literal["pending", "uploaded", "processing", "available", "failed"]
    download_url: str | None = Field(description="For five minutes, once it is available")
    thumbnail_url: str | None
    failure: str | None
