"""Shapes of sign-in and of the own profile (C15 to C28)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from api.kit import In, Listing, Out


class LoginIn(In):
    aliases: ClassVar[Mapping[str, str]] = {
        "username": "email",
        "mfaCode": "code",
        "labId": "tenant_id",
        "organizationId": "tenant_id",
    }

    email: str = Field(
        min_length=1, max_length=254, description="E-mail address or user name", examples=["admin@demo.marsad.test"]
    )
    password: str = Field(min_length=1, max_length=1000, examples=["Marsad-demo-2026"])
    remember_me: bool = Field(False, description="Refresh tokens live 30 days instead of 6")
    code: str = Field("", max_length=20, description="Of two-step sign-in, where it is known already")
    tenant_id: UUID | None = Field(None, description="Checked against the account's organisation where sent")


class RefreshIn(In):
    refresh_token: str = Field(min_length=1, max_length=2000, description="The newest refresh token of this sign-in")


class LogoutIn(In):
    refresh_token: str | None = Field(default=None, max_length=2000, description="Ends its whole family too")


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
    role_id: UUID
    role_name: str = Field(description="In the language of the request")
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


class LoginAnswer(Out):
    """Tokens; or, for people with two-step sign-in, a challenge to be finished with a code."""

    mfa_required: bool
    token: str | None = Field(None, description="Same as accessToken")
    access_token: str | None = None
    refresh_token: str | None = None
    expires_in: int = Field(description="Seconds that the access token, or the challenge, is good for", examples=[3600])
    token_type: Literal["Bearer"] | None = None
    user: ProfileOut | None = None
    tenant: TenantOut | None = None
    organization: TenantOut | None = None
    mfa_token: str | None = Field(None, description="For POST /auth/mfa/challenge, with mfaRequired")


class ChallengeIn(In):
    mfa_token: str = Field(min_length=1, max_length=1000, description="From the answer of login")
    code: str = Field(
        min_length=1, max_length=20, description="Six digits of the app, or a recovery code", examples=["123456"]
    )


class CodeIn(In):
    code: str = Field(
        min_length=1, max_length=20, description="Six digits of the app, or a recovery code", examples=["123456"]
    )


class MfaOut(Out):
    enabled: bool
    recovery_codes_left: int


class MfaSetupOut(Out):
    secret: str = Field(description="Base32, for typing in")
    otpauth_url: str = Field(description="For a QR code")
    expires_in: int


class RecoveryOut(Out):
    enabled: bool
    recovery_codes: list[str] = Field(description="Each works once; shown only now")


class ForgotIn(In):
    email: str = Field(min_length=1, max_length=254, examples=["user@example.com"])


class ResetIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"password": "new_password"}

    token: str = Field(min_length=1, max_length=200, description="From the mail")
    new_password: str = Field(min_length=1, max_length=1000, description="At least 6 characters")


class SessionOut(Out):
    id: UUID
    surface: Literal["v1", "mobile"]
    device_id: str | None
    device_name: str | None
    ip_address: str | None
    user_agent: str | None
    remember_me: bool
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool


class SessionsQuery(In):
    all: bool = Field(False, description="This session too")


class DeviceOut(Out):
    id: UUID
    device_registration_id: UUID
    user_id: UUID
    user_name: str
    device_id: str
    device_name: str
    device_model: str
    os_version: str
    app_version: str
    platform: str
    status: Literal["active", "revoked", "blocked"]
    last_seen_at: datetime | None
    created_at: datetime


class DevicesQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"lastSeenAt": "last_seen_at", "name": "device_name", "status": "status"}
