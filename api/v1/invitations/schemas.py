"""Shapes of invitations (C30)."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from api.kit import In, Listing, Out


class InvitationIn(In):
    email: str = Field(min_length=3, max_length=254, examples=["agent@example.com"])
    role: str = Field("Agent", max_length=100, description="Name, key or id of a role", examples=["Agent"])
    project_ids: list[UUID] | None = Field(None, max_length=1000, description="Absent or empty: all projects")
    organization_id: UUID | None = Field(None, description="SuperAdmin only")


class InvitationOut(Out):
    id: UUID
    organization_id: UUID
    email: str
    role: str
    role_name: str
    status: Literal["Pending", "Accepted", "Expired", "Cancelled"]
    expires_at: datetime
    sent_by_user_id: UUID
    project_ids: list[UUID]
    all_projects: bool
    created_at: datetime
    accepted_at: datetime | None
    accepted_by_user_id: UUID | None


class InvitationMadeOut(InvitationOut):
    token: str = Field(description="Shown this once: share it with the person who is invited")


class InvitationsQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {
        "createdAt": "created_at",
        "email": "email",
        "expiresAt": "expires_at",
        "status": "status",
    }

    status: Literal["", "Pending", "Accepted", "Expired", "Cancelled"] = ""
    search: str = Field("", max_length=100, description="Part of the e-mail address")


class PreviewOut(Out):
    email: str
    role: str
    role_name: str
    organization_name: str
    language: str
    expires_at: datetime
    status: Literal["Pending"]
    password_min_length: int


class AcceptIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"fullName": "name"}

    token: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=1000, description="At least 6 characters")
    name: str = Field("", max_length=150)
    language: Literal["", "ar", "fr", "en"] = ""


class AcceptOut(Out):
    message: str
    email: str
    role: str
