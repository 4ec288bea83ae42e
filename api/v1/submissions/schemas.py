"""Shapes of submissions (specification 003, `contract-rooms.md` section 1)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from api.kit import In, Listing, Out
from api.v1.projects.schemas import some_of
from portal.collect.submissions.choices import Flag, ReviewState
from portal.collect.submissions.selectors import ANSWERS

_FORM = "01941f40-0000-7000-8000-0000000000f1"
_LOCAL = "550e8400-e29b-41d4-a716-446655440000"


class _Query(Listing):
    """Besides these: `answers.<id of a question>=<value>`, repeatable for one of several values."""

    sortable: ClassVar[Mapping[str, str]] = {
        "createdAt": "created_at",
        "syncedAt": "synced_at",
        "updatedAt": "updated_at",
        "reviewState": "review_state",
    }

    submitted_by_user_id: UUID | None = None
    review_state: some_of(ReviewState.values) = Field([], description="Repeatable")  # type: ignore[valid-type]
    flag: Literal["", "any", "none", *Flag.values] = Field(  # type: ignore[valid-type]
        "", description="A remark of the automatic checks; any, none"
    )
    search: str = Field("", max_length=300, description="Words of the answers; accents and hamza do not matter")
    date_from: str = Field("", max_length=40, description="Captured on this day or later", examples=["2026-11-01"])
    date_to: str = Field("", max_length=40, description="Captured on this day or earlier")
    sort: str | None = Field(None, description="createdAt, syncedAt, updatedAt, reviewState or answers.<id>")

    @field_validator("sort")
    @classmethod
    def _sortable(cls, value: str | None) -> str | None:
        if value and value not in cls.sortable and not value.startswith(ANSWERS):
            raise PydanticCustomError("choice", "choice", {"allowed": ", ".join([*cls.sortable, f"{ANSWERS}<id>"])})
        return value

    @property
    def order_by(self) -> str:
        """What `selectors.ordered` takes."""
        name = self.sortable.get(self.sort or "", self.sort or "")
        return f"-{name}" if name and self.order == "desc" else name


class SubmissionQuery(_Query):
    form_id: UUID | None = None
    project_id: UUID | None = None


class InsideQuery(_Query):
    pass


class ExportQuery(SubmissionQuery):
    format: Literal["csv", "xlsx", "geojson", "jsonl", "zip"] = Field("csv", description="zip: the media")
    labels: bool = Field(False, description="Questions as headings instead of their ids (CSV)")
    sheet: str = Field("", max_length=100, description="Id of a repeat: its entries instead of the submissions (CSV)")


class SubmissionIn(In):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "formId": _FORM,
                "projectId": "01941f40-0000-7000-8000-000000000001",
                "answers": {"location": "-2.6522, 37.2606", "herd_size": 12, "behavior": "Feeding"},
                "localSyncId": _LOCAL,
            }
        }
    )
    aliases: ClassVar[Mapping[str, str]] = {
        name: name
        for name in (
            "capturedAt", "id", "organizationId", "tenantId", "submittedByUserId", "syncedAt", "updatedAt", "synced",
            "version", "deviceId", "metadataObject",
        )
    }  # fmt: skip

    form_id: UUID
    project_id: UUID | None = Field(None, description="The form's project, if you say it")
    answers: dict[str, Any] = Field(description="By the ids of the questions; a repeat is a list of objects")
    local_sync_id: UUID | None = Field(None, description="Your own UUID for it: a repeat answers 200")
    form_version: int | None = Field(None, description="The version that was filled in; absent: the current one")
    created_at: datetime | None = Field(None, description="When it was captured (alias capturedAt); absent: now")
    started_at: datetime | None = Field(None, description="When filling in began")
    latitude: float | None = None
    longitude: float | None = None
    metadata: Any = Field(None, description="Any JSON, or one as text")


class BulkIn(In):
    submissions: list[Any] = Field(description="At most 200")


class ReconcileIn(In):
    model_config = ConfigDict(json_schema_extra={"example": {"localSyncIds": [_LOCAL]}})

    local_sync_ids: list[Any] = Field(description="At most 1,000")


class SubmissionChange(In):
    model_config = ConfigDict(json_schema_extra={"example": {"answers": {"herd_size": 13}, "version": 1}})

    answers: dict[str, Any] = Field(description="Absent questions stay as they are, null clears")
    version: int | None = Field(None, description="The version that you changed; a stale one is 409 VERSION_CONFLICT")
    reason: str | None = Field(None, max_length=1000)


class ReviewIn(In):
    model_config = ConfigDict(json_schema_extra={"example": {"state": "rejected", "note": "Wrong well"}})

    state: str = Field(description=", ".join(ReviewState.values))
    note: str | None = Field(None, max_length=10_000, description="Required for rejected and hasIssues")
    version: int | None = None


class BulkReviewIn(ReviewIn):
    ids: list[Any] = Field(description="At most 200")


class CommentIn(In):
    content: str = Field(max_length=10_000)


class SubmissionOut(Out):
    id: UUID
    organization_id: UUID
    project_id: UUID
    form_id: UUID
    form_version: int
    submitted_by_user_id: UUID | None
    answers: dict[str, Any]
    local_sync_id: UUID
    device_id: str | None
    fingerprint: str = Field(description="SHA-256 of what was sent")
    latitude: float | None
    longitude: float | None
    metadata: str | None
    metadata_object: Any
    review_state: str = Field(examples=["received"])
    review_note: str
    reviewed_by_user_id: UUID | None
    reviewed_at: datetime | None
    flags: list[dict[str, Any]] = Field(description="Remarks of the automatic checks: code, field, value")
    linked: dict[str, Any] | None = Field(description="What it created: type and id")
    version: int
    started_at: datetime | None
    created_at: datetime = Field(description="When it was captured")
    synced_at: datetime = Field(description="When it arrived")
    updated_at: datetime


class BulkItemOut(Out):
    local_sync_id: str | None
    success: bool
    submission: SubmissionOut | None
    error: dict[str, Any] | None = None
    errors: list[dict[str, Any]] = []


class BulkOut(Out):
    successful: int
    failed: int
    results: list[BulkItemOut]


class ReviewedOut(Out):
    succeeded: int
    failed: int
    results: list[dict[str, Any]]


class ReconcileOut(Out):
    known: list[dict[str, Any]]
    unknown: list[str]


class CommentOut(Out):
    id: UUID
    submission_id: UUID
    content: str
    user_id: UUID
    user_name: str
    created_at: datetime


class HistoryOut(Out):
    id: UUID
    kind: str = Field(examples=["answers"])
    version: int
    user_id: UUID | None
    user_name: str | None
    changes: list[dict[str, Any]] = Field(description="field, old, new")
    reason: str
    created_at: datetime


class PlainQuery(Listing):
    pass
