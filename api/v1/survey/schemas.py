"""Shapes of survey sessions for the office (contract of the rooms, section 2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from api.kit import In, Listing, Out
from api.v1.projects.schemas import some_of
from portal.survey.choices import SurveyType


class SessionQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {
        "startTime": "started_at",
        "sessionNumber": "session_number",
        "submittedAt": "submitted_at",
        "qualityScore": "quality_score",
        "updatedAt": "updated_at",
    }

    search: str = Field("", max_length=300, description="Words of the number, the application or the applicant")
    status: some_of(["draft", "submitted", "approved", "rejected"]) = Field(  # type: ignore[valid-type]
        [], description="Repeatable"
    )
    status_detail: Literal["", "active", "returned", "under_review", "abandoned", "superseded"] = ""
    survey_type: SurveyType | None = None
    surveyor_id: UUID | None = None
    application_id: UUID | None = None
    flag: str = Field("", max_length=40, description="A code")
    governorate_id: UUID | None = None
    district_id: UUID | None = None
    sub_district_id: UUID | None = None
    date_from: str = Field("", max_length=40, description="Begun on this day or later")
    date_to: str = Field("", max_length=40, description="Begun on this day or earlier")


class ItemQuery(Listing):
    flag: str = Field("", max_length=40, description="A code")


class Counts(Out):
    points: int
    geometries: int
    attachments: int


class SessionCard(Out):
    id: UUID
    session_number: str
    application_id: UUID
    task_id: UUID | None
    surveyor_id: UUID
    surveyor_name: str | None
    survey_type: SurveyType
    status: Literal["draft", "submitted", "approved", "rejected"]
    status_detail: str | None = Field(description="active, returned, under_review, abandoned, superseded")
    revision: int
    start_time: datetime
    counts: Counts
    declared_counts: dict[str, int]
    quality_score: float | None = Field(description="0 to 100, the server's")
    client_quality_score: float | None
    quality_breakdown: dict[str, Any]
    flags: list[str]
    findings: list[dict[str, Any]]
    content_hash: str | None = Field(description="SHA-256 of all items and media as they were submitted")
    submitted_at: datetime | None
    reviewed_at: datetime | None
    reviewer_id: UUID | None
    review_reason: str
    remarks: list[dict[str, Any]]
    version: int


class ReviewItem(In):
    entity: Literal["point", "geometry", "attachment"]
    entity_id: UUID
    decision: Literal["accept", "return"]
    remark: str | None = Field(None, max_length=4000, description="Needed for return")


class ReviewIn(In):
    model_config = ConfigDict(
        json_schema_extra={"example": {"decision": "return", "reason": "Corner 4 is missing.", "items": []}}
    )

    decision: Literal["approve", "return", "reject"]
    reason: str | None = Field(None, max_length=4000, description="Needed for return and reject")
    items: list[ReviewItem] | None = None


class ItemsIn(In):
    items: list[ReviewItem]


class CloseIn(In):
    status: Literal["abandoned", "superseded"]
    reason: str = Field(max_length=4000)
