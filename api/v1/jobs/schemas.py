"""Shapes of background work (`contract-rooms.md` section 0)."""

from typing import Any
from uuid import UUID

from pydantic import Field

from api.kit import Listing, Out
from portal.core.jobs.models import Job


class JobQuery(Listing):
    status: list[Job.Status] = Field([], description="Repeatable")
    kind: str = Field("", max_length=60, description="Part of the kind")


class JobOut(Out):
    id: UUID
    kind: str
    status: str = Field(description="queued, running, succeeded, failed")
    progress: int = Field(description="Percent")
    result: dict[str, Any] | None = Field(description="What the work answers; of an export `fileId` and `downloadUrl`")
    error: str | None
