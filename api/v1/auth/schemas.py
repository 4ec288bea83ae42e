"""Shapes of sign-in and of the own profile (C15 to C28)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from api.kit import In, Listing, Out


class LoginIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"username": "email", "labId": "tenant_id", "organizationId": "tenant_id"}

    email: str = Field(
        min_length=1, max_length=254, description="E-mail address or user name", examples=["admin@demo.marsad.test"]
    )
    password: str = Field(min_length=1, max_length=1000, examples=["Marsad-demo-2026"])
    remember_me: bool = Field(False, description="Refresh tokens live 30 days instead of 6")
    tenant_id: UUID | None = Field(None, description="Checked against the account's organisation where sent")


class RefreshIn(In):
    refresh_token: str = Field(min_length=1, max_length=200, description="The newest refresh token of this sign-in")


class LogoutIn(In):
    refresh_token: str | None = Field(default=None, max_length=200, description="Ends its whole family too")


class ProfileIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"fullName": "name"}

    name: str | None = Field(None, max_length=150)
    avatar: str | None = Field(None, max_length=300)
    phone: str | None = Field(None, max_length=50)
    language: Literal["ar", "fr", "en"] | None = None
    preferences: dict[str, Any] | None = None
    current_password: str | None = Field(None, max_length=1000, description="Needed with newPassword")
    new_password: str | None = Field(None, max_length=1000, description="Ends all sessions and tokens")
    version: int | None = Field(None, description="Optimistic lock: stale is 409")


class TenantOut(Out):
    id: UUID
    name: str
    domain: str
    time_zone: str
    language: str
    settings: dict[str, Any]


class ProfileOut(Out):
    id: UUID
    organization_id: UUID | None
    tenant_id: UUID | None
    email: str
    username: str | None
    name: str
    full_name: str
    role: str = Field(description="Built-in name or the custom role's key", examples=["Technician"])
    permissions: list[str] = Field(
        description="Coarse verbs and fine codes", examples=[["read", "write", "samples.view"]]
    )
    avatar: str | None
    department: str
    phone: str
    language: str | None
    preferences: dict[str, Any]
    is_active: bool
    status: Literal["active", "inactive"]
    all_projects: bool
    mfa_enabled: bool
    last_login: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class TokensOut(Out):
    token: str = Field(description="Same as accessToken")
    access_token: str
    refresh_token: str
    expires_in: int = Field(description="Seconds", examples=[3600])
    token_type: Literal["Bearer"]


class LoginOut(TokensOut):
    user: ProfileOut
    tenant: TenantOut | None
    organization: TenantOut | None


class AssignableOut(Out):
    id: UUID
    name: str
    role: str


class PeopleQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"name": "name", "role": "role__key"}
    descending: ClassVar[bool] = False

    search: str = Field("", max_length=100, description="Part of the name")
