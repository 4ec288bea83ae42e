"""Shapes of the audit log (C86, C87)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AliasChoices, Field

from api.kit import Listing, Out


class AuditQuery(Listing):
    entity_type: str = Field("", max_length=40, examples=["sample"], description="Kind of record; alias resource")
    resource: str = Field("", max_length=40, description="Alias of entityType")
    entity_id: str = Field("", max_length=255)
    user_id: UUID | None = Field(None, description="Who acted; alias user")
    user: UUID | None = Field(None, description="Alias of userId")
    action: list[str] = Field(
        [], description="create, update, delete, restore, login, denied, conflict_lost … (repeatable)"
    )
    outcome: str = Field("", description="success, denied or failed")
    date_from: str = Field("", description="Date (in the organisation's zone) or date-time; alias from")
    date_to: str = Field("", description="Inclusive; alias to")
    from_: str = Field("", validation_alias=AliasChoices("from"), alias="from", description="Alias of dateFrom")
    to: str = Field("", description="Alias of dateTo")
    search: str = Field("", max_length=100, description="Words of label, person or reason")


class AuditOut(Out):
    id: int
    organization_id: UUID | None
    user_id: UUID | None
    user_name: str | None
    user_email: str | None
    user_role: str | None
    action: str
    entity_type: str
    resource: str = Field(description="Same as entityType")
    entity_id: str
    resource_id: str = Field(description="Same as entityId")
    label: str
    old_values: dict[str, Any] | None = Field(description="Before: changed fields of an update, all of a delete")
    new_values: dict[str, Any] | None = Field(description="After: changed fields of an update, all of a create")
    changes: dict[str, Any]
    reason: str | None
    outcome: str
    ip_address: str | None
    user_agent: str | None
    device_id: str | None
    via: str
    request_id: str | None
    latitude: float | None
    longitude: float | None
    timestamp: datetime
    created_at: datetime
    hash: str | None = Field(description="Leaf; null until sealed")
    previous_hash: str | None
