"""Shapes of specification 004: devices and delta synchronisation."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from api.kit import In, Out

DeviceText = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]


class DeviceIn(In):
    device_id: Annotated[
        str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]+$")
    ] = Field(description="Chosen by the app, once per installation", examples=["android-7f3a"])
    device_name: DeviceText = Field("", examples=["Tablet 7"])
    device_model: DeviceText = ""
    os_version: Annotated[str, StringConstraints(max_length=100)] = ""
    app_version: Annotated[str, StringConstraints(max_length=50)] = ""


class LoginIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"email": "username"}

    username: str = Field(min_length=1, max_length=254, examples=["technician@demo.marsad.test"])
    password: str = Field(min_length=1, max_length=1000, examples=["Marsad-demo-2026"])
    mfa_code: str = Field("", max_length=20, description="Of two-step sign-in, where the person has it on")
    device_info: DeviceIn


class RefreshIn(In):
    refresh_token: str = Field(min_length=1, max_length=2000)


class AssignedArea(Out):
    """A null level means all of the level above."""

    governorate_id: UUID
    district_id: UUID | None
    sub_district_id: UUID | None
    neighborhood_id: UUID | None


class MobileUser(Out):
    id: UUID
    username: str
    full_name: str
    role: str
    department: str
    geographic_assignments: list[AssignedArea] = Field(description="In force now; none for who may work everywhere")


class DeviceCard(Out):
    device_registration_id: UUID
    status: Literal["active", "revoked", "blocked"]


class TokensOut(Out):
    access_token: str
    refresh_token: str
    expires_in: int


class LoginOut(TokensOut):
    user: MobileUser
    device: DeviceCard


class RegisteredOut(TokensOut):
    device_registration_id: UUID
    device_status: Literal["active", "revoked", "blocked"]


class FeedEntry(Out):
    entity: str
    entity_id: UUID
    operation: Literal["created", "updated", "deleted"]
    data: dict[str, Any] = Field(description="The record; of a deleted one `id`, `deletedAt`, `deletedBy`")
    version: int
    timestamp: datetime
    change_id: UUID


class Pagination(Out):
    has_more: bool
    next_cursor: str


class SyncMetadata(Out):
    server_timestamp: datetime
    sync_cursor: str
    conflicts_count: int


class ChangesOut(Out):
    changes: list[FeedEntry]
    pagination: Pagination
    sync_metadata: SyncMetadata


class FeedQuery(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    entity: list[str] = Field([], description="Kinds of record (repeatable, singular or plural); absent: all")
    cursor: str = Field("", max_length=500)
    limit: int = Field(50, ge=1, le=200)


class ItemIn(In):
    entity: str = Field(examples=["sample"])
    entity_id: UUID
    operation: Literal["created", "updated", "deleted"]
    data: dict[str, Any] = {}
    client_version: int = 0
    client_timestamp: datetime | None = None
    idempotency_key: str | None = None


class ApplyIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"changes": "items"}

    items: list[ItemIn] = Field(alias="changes", description="At most 200")
    sync_cursor: str | None = Field(None, description="The client's last known cursor")


class Accepted(Out):
    change_id: UUID
    server_version: int
    server_timestamp: datetime
    entity: str
    entity_id: UUID
    idempotency_key: str | None


class ItemFault(Out):
    code: str
    message: str
    field: str | None


class Refused(Out):
    change_id: UUID
    reason: Literal["version_conflict", "lbac_violation", "validation_error"]
    server_version: int | None
    server_data: dict[str, Any] | None = Field(description="The record in force; of a deleted one its tombstone")
    entity: str | None
    entity_id: str | None
    idempotency_key: str | None
    error: ItemFault | None


class ApplyOut(Out):
    accepted: list[Accepted]
    conflicts: list[Refused]
    sync_cursor: str
