"""Shapes of projects and their members (specifications 000 and 003)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.kit import In, Listing, Out
from portal.core.projects.choices import CLOSED, CLOSED_ALIAS, ProjectStatus

_PROJECT = "01941f40-0000-7000-8000-000000000001"
_ORGANIZATION = "01941f00-2222-7000-8000-00000000000a"
_PERSON = "01941f00-1111-7000-8000-000000000007"
# Fields of an answer that a client may send back: they change nothing, and nobody is told so.
SERVER = (
    "organizationId", "tenantId", "labId", "createdAt", "createdByUserId", "updatedAt", "updatedByUserId", "version",
    "reason",
)  # fmt: skip


def some_of(values: Iterable[str]) -> Any:
    """A repeatable filter: one of `values` in any case, each."""
    known = {value.lower(): value for value in values}

    def check(found: list[str]) -> list[str]:
        named = [known.get(value.lower()) for value in found if value]
        if None in named:
            raise PydanticCustomError("choice", "choice", {"allowed": ", ".join(known.values())})
        return [value for value in named if value]

    shape = {"type": "array", "items": {"type": "string", "enum": list(known.values())}}
    return Annotated[list[str], AfterValidator(check), WithJsonSchema(shape)]


class ProjectQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {
        "createdAt": "created_at",
        "name": "name",
        "status": "status",
        "startDate": "start_date",
        "endDate": "end_date",
        "updatedAt": "updated_at",
    }

    status: some_of([*ProjectStatus.values, "Closed"]) = Field(  # type: ignore[valid-type]
        [], description="Repeatable; Closed means Completed or Archived"
    )
    search: str = Field("", max_length=300, description="Words of name or description; accents and hamza do not matter")
    member_id: UUID | None = Field(None, description="Projects that this person is a member of")
    created_by_user_id: UUID | None = None
    date_from: str = Field(
        "", max_length=40, description="The window reaches this day or later", examples=["2026-02-01"]
    )
    date_to: str = Field("", max_length=40, description="The window begins on this day or earlier")

    @property
    def statuses(self) -> list[str]:
        found = {value for value in self.status if value.lower() != CLOSED_ALIAS}
        return sorted(found | (CLOSED if len(found) < len(set(self.status)) else set()))


class ProjectIn(In):
    """What a client may write; `name` is required on create."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Project Name",
                "description": "Project description",
                "startDate": "2026-02-01T00:00:00Z",
                "endDate": "2026-12-31T23:59:59Z",
            }
        }
    )
    aliases: ClassVar[Mapping[str, str]] = {name: name for name in (*SERVER, "metadataObject")}

    name: str = Field(max_length=200)
    description: str | None = Field(None, max_length=20_000)
    start_date: datetime | None = Field(None, description="First moment in which the project takes data; null: open")
    end_date: datetime | None = Field(None, description="After startDate; null: open")
    status: str | None = Field(None, description="Draft, Active, Completed, Archived; Closed writes Completed")
    metadata: dict[str, Any] | str | None = Field(None, description="Any JSON object, or one as text")
    member_ids: list[UUID] | None = Field(None, description="Makes these people the members")
    id: UUID | None = Field(None, description="Your own UUID for it, on create; it stays the record's id")
    local_sync_id: str | None = Field(None, max_length=64, description="On create: a repeat answers 200")


class ProjectChange(ProjectIn):
    """Absent fields stay as they are, null clears."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "Active", "version": 4713}})

    name: str | None = Field(None, max_length=200)  # type: ignore[assignment]
    version: int | None = Field(None, description="The version that you changed; a stale one is 409 VERSION_CONFLICT")
    reason: str | None = Field(None, max_length=1000, description="Why, for the audit log")


class ProjectOut(Out):
    id: UUID = Field(examples=[_PROJECT])
    organization_id: UUID = Field(examples=[_ORGANIZATION])
    name: str
    description: str
    start_date: datetime | None
    end_date: datetime | None
    status: str = Field(examples=["Draft"])
    created_by_user_id: UUID | None = Field(examples=[_PERSON])
    member_ids: list[UUID]
    metadata: str = Field(description="JSON as text")
    metadata_object: dict[str, Any] = Field(description="The same, parsed")
    local_sync_id: str | None
    created_at: datetime
    updated_at: datetime
    updated_by_user_id: UUID | None
    version: int = Field(description="Of its last change; send it back as version or If-Match")


class MemberQuery(Listing):
    pass


class MemberIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"role": "role_in_project"}

    user_id: UUID
    role_in_project: str = Field("", max_length=100, examples=["Team leader"])


class MemberChange(In):
    aliases: ClassVar[Mapping[str, str]] = {"role": "role_in_project"}

    role_in_project: str = Field(max_length=100)


class MemberOut(Out):
    id: UUID
    project_id: UUID
    user_id: UUID
    user_name: str
    role: str = Field(description="Of the person in the organisation")
    role_in_project: str
    assigned_at: datetime
