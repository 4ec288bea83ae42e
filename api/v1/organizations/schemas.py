"""Shapes of organisations (003; the tenant of 002, the laboratory of 001)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from api.kit import In, Listing, Out

Kind = Literal["lab", "agency", "company"]


class OrganizationPatch(In):
    name: str | None = Field(None, max_length=200, examples=["East Africa Wildlife Foundation"])
    kind: Kind | None = None
    description: str | None = Field(None, max_length=5000)
    address: str | None = Field(None, max_length=300)
    city: str | None = Field(None, max_length=100, examples=["Nairobi"])
    country: str | None = Field(None, max_length=100, examples=["Kenya"])
    phone: str | None = Field(None, max_length=50)
    email: str | None = Field(None, max_length=254)
    website: str | None = Field(None, max_length=200)
    logo_url: str | None = Field(None, max_length=200)
    domain: str | None = Field(None, max_length=253)
    time_zone: str | None = Field(None, max_length=64, examples=["Africa/Nairobi"])
    language: Literal["ar", "fr", "en"] | None = None
    settings: dict[str, Any] | None = Field(
        None,
        description="Merged; a null removes a key. accessTokenSeconds (300 to 86400), passwordMinLength (6 to 128),"
        " passwordBreachList (true refuses the most common passwords)",
    )
    is_active: bool | None = Field(None, description="SuperAdmin only")
    version: int | None = Field(None, description="Optimistic lock: stale is 409")

    def values(self) -> dict[str, Any]:
        sent = self.changes
        sent.pop("version", None)
        if sent.get("is_active", True) is None:
            del sent["is_active"]
        return sent


class OrganizationIn(OrganizationPatch):
    name: str = Field(min_length=1, max_length=200, examples=["East Africa Wildlife Foundation"])


class OrganizationOut(Out):
    id: UUID
    name: str
    kind: Kind
    description: str | None
    address: str | None
    city: str | None
    country: str | None
    phone: str | None
    email: str | None
    website: str | None
    logo_url: str | None
    domain: str | None
    time_zone: str
    language: str
    settings: dict[str, Any]
    is_active: bool
    created_at: datetime
    updated_at: datetime
    version: int


class OrganizationsQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {
        "name": "name",
        "createdAt": "created_at",
        "country": "country",
        "isActive": "is_active",
    }
    descending: ClassVar[bool] = False

    search: str = Field("", max_length=100, description="Words of name, city, country or domain")
    is_active: bool | None = None
    kind: Literal["", "lab", "agency", "company"] = ""


class StatusIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"active": "is_active"}

    is_active: bool | None = Field(default=None, description="Absent: toggles")


class AdminIn(In):
    email: str = Field(min_length=3, max_length=254, examples=["admin@example.com"])
