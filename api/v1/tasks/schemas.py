"""Shapes of tasks and their comments (specification 000; C55, C56)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field

from api.kit import Declared, In, Listing, Out
from api.v1.projects.schemas import SERVER, some_of
from portal.core.projects.choices import TaskPriority, TaskStatus

_STATUSES = ", ".join(TaskStatus.values)
_PRIORITIES = ", ".join(TaskPriority.values)


class TaskQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {
        "createdAt": "created_at",
        "dueDate": "due_date",
        "title": "title",
        "status": "status",
        "updatedAt": "updated_at",
        "assignedAt": "assigned_at",
    }

    status: some_of(TaskStatus.values) = Field([], description="Repeatable")  # type: ignore[valid-type]
    priority: some_of(TaskPriority.values) = Field([], description="Repeatable")  # type: ignore[valid-type]
    assigned_to: str = Field("", max_length=36, description="A person's id, `me`, or `none`")
    overdue: bool | None = Field(None, description="Open tasks whose due date has passed, or the others")
    due_from: str = Field("", max_length=40, description="Due on this day or later", examples=["2026-11-01"])
    due_to: str = Field("", max_length=40, description="Due on this day or earlier")
    search: str = Field("", max_length=300, description="Words of title or description")


class AllTasksQuery(TaskQuery):
    project_id: UUID | None = None


class TaskIn(In):
    """What a client may write; `title` is required on create."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "title": "Photograph the well at Bab El Had",
                "priority": "high",
                "dueDate": "2026-11-27",
                "assignedTo": "01941f00-1111-7000-8000-000000000007",
                "localSyncId": "tablet-3/task-17",
            }
        }
    )
    aliases: ClassVar[Mapping[str, str]] = {
        **{name: name for name in (*SERVER, "isOverdue", "assignedAt", "assignedToName", "statusDetail")},
        "assignedToUserId": "assigned_to",
        "assigneeId": "assigned_to",
        "technicianId": "assigned_to",
    }

    title: str = Field(max_length=200)
    description: str | None = Field(None, max_length=20_000)
    instructions: str | None = Field(None, max_length=20_000)
    requirements: list[str] | None = Field(None, max_length=100)
    project_id: UUID | None = Field(None, description="Of a project that you see and that is open")
    application_id: UUID | None = Field(None, description="On create: the application that a surveyor is sent to")
    status: str | None = Field(None, description=f"{_STATUSES}; follows from assignedTo where absent")
    priority: str | None = Field(None, description=f"{_PRIORITIES}; medium where absent")
    assigned_to: UUID | None = Field(None, description="Somebody who works in the project; null takes the task away")
    due_date: datetime | None = Field(None, description="A bare date means the end of that day")
    estimated_duration: int | None = Field(None, ge=1, le=525_600, description="Minutes")
    notes: str | None = Field(None, max_length=20_000)
    id: UUID | None = Field(None, description="Your own UUID for it, on create; it stays the record's id")
    local_sync_id: str | None = Field(None, max_length=64, description="On create: a repeat answers 200")


class TaskChange(TaskIn):
    """Absent fields stay as they are, null clears."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "in_progress", "version": 4713}})

    title: str | None = Field(None, max_length=200)  # type: ignore[assignment]
    version: int | None = Field(None, description="The version that you changed; a stale one is 409 VERSION_CONFLICT")
    reason: str | None = Field(None, max_length=1000, description="Why, for the audit log")


class TaskOut(Out):
    id: UUID
    organization_id: UUID
    project_id: UUID | None
    application_id: UUID | None = Field(description="Where the task sends a surveyor")
    status_detail: str | None = Field(description="Of a survey: under_review, approved, returned, rejected")
    title: str
    description: str
    instructions: str
    requirements: list[str]
    status: TaskStatus
    priority: TaskPriority
    assigned_to: UUID | None
    assigned_to_name: str | None
    assigned_at: datetime | None
    due_date: datetime | None
    is_overdue: bool = Field(description="Open, and the due date has passed")
    estimated_duration: int | None = Field(description="Minutes")
    notes: str
    local_sync_id: str | None
    created_at: datetime
    created_by_user_id: UUID | None
    updated_at: datetime
    updated_by_user_id: UUID | None
    version: int


class TaskBulkIn(In):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "ids": ["01941f40-0000-7000-8000-000000000011"],
                "changes": {"assignedTo": "01941f00-1111-7000-8000-000000000007"},
            }
        }
    )

    aliases: ClassVar[Mapping[str, str]] = {"taskIds": "ids", "updates": "wanted", "changes": "wanted"}

    ids: list[str]
    wanted: Annotated[dict[str, Any], Declared(TaskChange)] = Field(alias="changes")


class BulkError(Out):
    code: str
    message: str
    field: str | None


class BulkItem(Out):
    id: str
    success: bool
    error: BulkError | None


class BulkOut(Out):
    succeeded: int
    failed: int
    results: list[BulkItem]


class CommentQuery(Listing):
    pass


class CommentIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"text": "content", "comment": "content"}

    content: str = Field(max_length=10_000, examples=["The key is with the guard."])


class CommentOut(Out):
    id: UUID
    task_id: UUID
    author_id: UUID
    author_name: str
    content: str
    created_at: datetime
    updated_at: datetime
