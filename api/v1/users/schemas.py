"""Shapes of people, their roles and rights (C25 to C36)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from api.kit import In, Listing, Out
from api.v1.auth.schemas import ProfileOut

ORGANIZATION = {"tenantId": "organization_id", "labId": "organization_id", "lab_id": "organization_id"}
ROLE = "Name, key or id of a role; Administrator, ProjectManager, FieldTechnician and others are understood"


class PersonFields(In):
    aliases: ClassVar[Mapping[str, str]] = {"fullName": "name", "is_active": "is_active", **ORGANIZATION}

    name: str | None = Field(None, max_length=150, examples=["Amina El Fassi"])
    username: str | None = Field(None, max_length=100, description="Unique on the platform; no @", examples=["amina"])
    role: str | None = Field(None, max_length=100, description=ROLE, examples=["Technician"])
    password: str | None = Field(
        None, max_length=1000, description="At least 6 characters, or what the organisation asks"
    )
    department: str | None = Field(None, max_length=100, examples=["Casablanca"])
    phone: str | None = Field(None, max_length=50)
    language: Literal["ar", "fr", "en", ""] | None = None
    avatar: str | None = Field(None, max_length=300, description="Address of a picture; better: POST …/avatar")
    preferences: dict[str, Any] | None = None
    permissions: list[str] | None = Field(
        None, max_length=500, description="Rights beside the role; coarse verbs are accepted and say nothing more"
    )
    is_active: bool | None = None
    status: Literal["active", "inactive"] | None = Field(None, description="The same as isActive")
    all_projects: bool | None = Field(None, description="Not only projectIds")
    project_ids: list[UUID] | None = Field(None, max_length=1000)
    organization_id: UUID | None = Field(None, description="SuperAdmin only: where to create; else ignored")

    def values(self) -> dict[str, Any]:
        """What the services take."""
        sent = self.changes
        for name in ("organization_id", "version"):
            sent.pop(name, None)
        if (status := sent.pop("status", None)) is not None:
            sent.setdefault("is_active", status == "active")
        if sent.get("is_active", True) is None:
            del sent["is_active"]
        everything, projects = sent.pop("all_projects", None), sent.pop("project_ids", None)
        if projects is not None or everything is not None:
            sent["projects"] = projects if projects is not None else None if everything else []
        return sent


class PersonIn(PersonFields):
    email: str = Field(min_length=3, max_length=254, examples=["amina@example.org"])


class PersonPatch(PersonFields):
    email: str | None = Field(None, max_length=254)
    version: int | None = Field(None, description="Optimistic lock: stale is 409")


class PersonOut(ProfileOut):
    project_ids: list[UUID]


class PeopleQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {
        "name": "name",
        "email": "email",
        "role": "role__key",
        "department": "department",
        "status": "is_active",
        "createdAt": "created_at",
        "lastLogin": "last_login",
    }
    descending: ClassVar[bool] = False

    search: str = Field("", max_length=100, description="Words of name, e-mail, user name or department; any spelling")
    role: str = Field("", max_length=100, description=ROLE)
    status: Literal["", "active", "inactive"] = ""
    is_active: bool | None = Field(None, description="The same as status")
    department: str = Field("", max_length=100)
    mfa_enabled: bool | None = None
    project_id: UUID | None = Field(None, description="Members of this project")

    def filters(self) -> dict[str, Any]:
        active = self.is_active if self.is_active is not None else self.status == "active" if self.status else None
        return {
            "search": self.search,
            "role": self.role,
            "active": active,
            "department": self.department,
            "mfa": self.mfa_enabled,
            "project": self.project_id,
        }


class ExportQuery(PeopleQuery):
    format: Literal["csv", "json", "xlsx"] = "csv"


class RoleChangeIn(In):
    role: str = Field(min_length=1, max_length=100, description=ROLE, examples=["Admin"])


class StatusIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"active": "is_active"}

    is_active: bool | None = Field(default=None, description="Absent: toggles")
    status: Literal["active", "inactive"] | None = None
    reason: str = Field(default="", max_length=300, description="Goes into the audit log")

    @property
    def wished(self) -> bool | None:
        return self.is_active if self.is_active is not None else self.status == "active" if self.status else None


class BulkIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"userIds": "ids", "updates": "wanted", "changes": "wanted"}

    ids: list[UUID] = Field(min_length=1, max_length=200)
    wanted: PersonPatch = Field(
        alias="changes", description="Of these: role, isActive (or status), department, allProjects"
    )


class BulkResult(Out):
    id: UUID
    success: bool
    error: dict[str, str] | None


class BulkOut(Out):
    succeeded: int
    failed: int
    results: list[BulkResult]


class StatsOut(Out):
    total: int
    active: int
    inactive: int
    mfa_enabled: int
    mfa_percent: float
    never_signed_in: int
    signed_in_last_30_days: int = Field(alias="signedInLast30Days")
    created_last_30_days: int = Field(alias="createdLast30Days")
    by_role: dict[str, int] = Field(examples=[{"Admin": 2, "Technician": 9}])


class SourceOut(Out):
    type: Literal["role", "extra", "denied"]
    scope: str | None
    role: str | None = None


class RightOut(Out):
    code: str
    label: str
    group: str
    held: bool
    scope: Literal["own", "team", "all"] | None
    active: bool = Field(description="False for a person who is switched off, and then holds nothing")
    sources: list[SourceOut] = Field(description="Every reason for and against; a denial ends the others")


class PermissionsOut(Out):
    role: str
    permissions: list[str] = Field(description="What holds in the end: coarse verbs and fine codes")
    allow: list[str] = Field(description="Beside the role")
    deny: list[str] = Field(description="Taken away")
    rights: list[RightOut]


class PermissionsIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"permissions": "allow", "denied": "deny"}

    allow: list[str] | None = Field(
        None, max_length=500, description="Rights beside the role", examples=[["audit.view"]]
    )
    deny: list[str] | None = Field(None, max_length=500, description="Rights taken away")


class CatalogueOut(Out):
    code: str
    label: str
    group: str
    verb: str
    scopes: list[str] = Field(description="own, team, all where the right has them: written code:own")
    dangerous: bool
    roles: list[str] = Field(description="Built-in roles that hold it")
    grantable: bool = Field(description="Whether you may hand it out")


class RoleIn(In):
    name: str = Field(min_length=1, max_length=100, examples=["Sampler"])
    key: str = Field("", max_length=50, description="From the name where absent", examples=["sampler"])
    description: str = Field("", max_length=300)
    permissions: list[str] = Field([], max_length=500, examples=[["samples.view", "samples.edit"]])


class RolePatch(In):
    name: str | None = Field(None, max_length=100)
    description: str | None = Field(None, max_length=300)
    permissions: list[str] | None = Field(None, max_length=500)


class RoleDeleteQuery(In):
    reassign_to: str = Field("", max_length=100, description="Role that its people get instead")


class RoleOut(Out):
    id: UUID
    key: str
    name: str
    description: str
    permissions: list[str]
    is_system: bool
    organization_id: UUID | None
    user_count: int | None
    created_at: datetime
    updated_at: datetime


class RolesQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"name": "name", "key": "key", "createdAt": "created_at"}
    descending: ClassVar[bool] = False

    search: str = Field("", max_length=100)


class ActivityQuery(Listing):
    action: list[str] = Field([], description="create, update, login … (repeatable)")
    date_from: str = Field("", description="Date or date-time")
    date_to: str = Field("", description="Inclusive")


class AssignableOut(Out):
    id: UUID
    name: str
    role: str


class AssignableQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"name": "name", "role": "role__key"}
    descending: ClassVar[bool] = False

    search: str = Field("", max_length=100, description="Part of the name")
