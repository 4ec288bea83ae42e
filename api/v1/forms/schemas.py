"""Shapes of forms (specification 003)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field

from api.kit import In, Listing, Out
from api.v1.projects.schemas import SERVER

_SCHEMA: Any = {
    "fields": [
        {"id": "location", "type": "text", "label": "GPS Location", "required": True},
        {"id": "herd_size", "type": "number", "label": "Herd Size", "required": True},
        {"id": "behavior", "type": "select", "label": "Behavior", "options": ["Feeding", "Traveling", "Resting"]},
    ]
}
_ANSWERED = ("schemaObject", "metadataObject", "status", "draft", "languages", "publishedAt", "id")


class FormQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"createdAt": "created_at", "name": "name", "updatedAt": "updated_at"}

    project_id: UUID | None = None
    active_only: bool = Field(False, description="Those that take submissions")
    search: str = Field("", max_length=300, description="Words of name or description")


class ProjectFormQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = FormQuery.sortable

    active_only: bool = False
    search: str = Field("", max_length=300)


class FormIn(In):
    """`projectId`, `name` and `schema` are required on create."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "projectId": "01941f40-0000-7000-8000-000000000001",
                "name": "Daily Elephant Sighting",
                "description": "Record elephant encounters",
                "schema": _SCHEMA,
                "metadata": {"icon": "elephant", "primaryColor": "#4A90E2"},
            }
        }
    )
    aliases: ClassVar[Mapping[str, str]] = {"schema": "schema_", **{name: name for name in (*SERVER, *_ANSWERED)}}

    project_id: UUID | None = None
    name: str = Field(max_length=200)
    description: str | None = Field(None, max_length=20_000)
    schema_: dict[str, Any] | str | None = Field(None, alias="schema", description="An object, or one as JSON text")
    metadata: Any = Field(None, description="Any JSON for your user interface, or one as text; null clears")
    is_active: bool | None = None
    settings: dict[str, Any] | None = Field(None, description="minSeconds: faster submissions are remarked")
    mapping: dict[str, Any] | None = Field(
        None,
        description="What each submission creates: {target: sample or task, fields: {its field: id of a question, "
        '"=text", or "@createdAt"}}',
    )
    publish: bool | None = Field(None, description="false keeps the schema as a draft beside the published one")


class FormChange(FormIn):
    """Absent fields stay as they are, null clears."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Updated Form Name", "isActive": False}})

    name: str | None = Field(None, max_length=200)  # type: ignore[assignment]
    confirm: bool | None = Field(None, description="Publish although stored answers lose their field")
    version: int | None = Field(None, description="The version that you changed; a stale one is 409 VERSION_CONFLICT")


class CheckIn(In):
    model_config = ConfigDict(json_schema_extra={"example": {"schema": _SCHEMA}})
    aliases: ClassVar[Mapping[str, str]] = {"schema": "schema_"}

    schema_: dict[str, Any] | str = Field(alias="schema")


class FormOut(Out):
    id: UUID
    organization_id: UUID
    project_id: UUID
    name: str
    description: str
    schema_: str = Field(alias="schema", description="JSON as text, as it was sent")
    schema_object: dict[str, Any] | None
    metadata: str | None = Field(description="JSON as text")
    metadata_object: Any
    version: int = Field(description="Of the schema; 0 was never published")
    is_active: bool
    status: str = Field(examples=["published"])
    draft: str | None = Field(description="A schema that is being worked on")
    languages: list[str]
    mapping: dict[str, Any]
    settings: dict[str, Any]
    created_by_user_id: UUID | None
    published_at: datetime | None
    created_at: datetime
    updated_at: datetime


class VersionOut(Out):
    version: int
    schema_: str = Field(alias="schema")
    schema_object: dict[str, Any]
    mapping: dict[str, Any]
    published_by_user_id: UUID | None
    created_at: datetime


class BrokenOut(Out):
    field: str
    rule: str
    count: int
    sample_ids: list[UUID]


class CheckOut(Out):
    would_fail: int = Field(description="Stored submissions that the other schema would refuse")
    by_field: list[BrokenOut]


class WebhookIn(In):
    name: str = Field(max_length=100)
    url: str = Field(max_length=500, examples=["https://example.org/hooks/marsad"])
    events: list[str] | None = Field(None, examples=[["submission.created"]])
    is_active: bool | None = None


class WebhookChange(In):
    name: str | None = Field(None, max_length=100)
    url: str | None = Field(None, max_length=500)
    events: list[str] | None = None
    is_active: bool | None = None


class WebhookOut(Out):
    id: UUID
    form_id: UUID
    name: str
    url: str
    events: list[str]
    is_active: bool
    secret: str | None = Field(None, description="In the answer that creates it only: signs every message")
    created_at: datetime
    updated_at: datetime


class DeliveryQuery(Listing):
    pass


class DeliveryOut(Out):
    id: UUID
    event: str
    submission_id: UUID
    status: str = Field(examples=["delivered"])
    attempts: int
    answer_status: int | None
    error: str | None
    created_at: datetime
    due_at: datetime | None
    delivered_at: datetime | None
