"""Shapes of notifications (specification 002)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from api.kit import In, Listing, Out
from api.v1.projects.schemas import some_of
from portal.core.notifications.models import Channel, Delivery

_PERSON = "01941f00-1111-7000-8000-000000000007"
Level = Literal["info", "success", "warning", "error"]


class InboxQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"createdAt": "visible_at", "readAt": "read_at"}

    is_read: bool | None = None
    type: Level | None = None
    category: str = Field("", max_length=30, description="Such as tasks, laboratory, security")
    search: str = Field("", max_length=200, description="Words of title or message")
    date_from: str = Field("", max_length=40, examples=["2026-11-01"])
    date_to: str = Field("", max_length=40, description="Included")


class NotificationOut(Out):
    id: UUID
    title: str
    message: str
    type: Level
    category: str
    kind: str | None = Field(description="Of the event that it tells of; null for what a person wrote")
    priority: str
    count: int = Field(description="Equal events of a short while are put together")
    is_read: bool
    read_at: datetime | None
    created_at: datetime
    data: dict[str, Any]
    entity: str | None = Field(description="Wire name of the record that it is about", examples=["task"])
    entity_id: str | None
    link: str | None = Field(description="Page of the portal")


class _Content(In):
    title: str | None = Field(None, max_length=300, description="With message, or a template")
    message: str | None = Field(None, max_length=10_000)
    type: Level = "info"
    priority: Literal["normal", "urgent"] = Field("normal", description="urgent passes quiet hours and digests")
    channels: list[str] | None = Field(None, description="in_app, email, push, sms; default: in_app and email")
    scheduled_at: AwareDatetime | None = Field(None, description="In the future; one in the past is 400")
    template_id: UUID | None = None
    data: dict[str, Any] = Field({}, description="The template's variables; for other messages kept as it is")
    link: str | None = Field(None, description="A page of the portal, beginning with /")

    @property
    def values(self) -> dict[str, Any]:
        """As the service takes them."""
        said = self.model_dump(by_alias=True)
        return {name: value for name, value in said.items() if value is not None}


class NotificationIn(_Content):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "title": "New Customer Assigned",
                "message": "You have been assigned a new customer: TechCorp Solutions",
                "type": "info",
                "recipients": [_PERSON],
                "channels": ["email", "in_app"],
                "scheduledAt": "2027-01-01T12:00:00Z",
                "data": {"customerName": "TechCorp Solutions", "assignedBy": "Manager Name"},
            }
        }
    )

    recipients: list[UUID] = Field([], max_length=10_000, description="Ids of active people; each is told once")
    role: str | None = Field(None, max_length=50, description="Everybody of a role, too")


class BulkIn(_Content):
    """One message to many, chosen by ids, role, team or all; or several messages in `notifications`."""

    recipients: list[UUID] = Field([], max_length=10_000)
    role: str | None = Field(None, max_length=50)
    team: str | None = Field(None, max_length=100, description="A department")
    everyone: bool = False
    notifications: list[NotificationIn] = Field([], max_length=100)


class BulkOut(Out):
    queued: int = Field(description="Recipients that are told, copies of several messages counted each")
    failed: int
    notification_ids: list[UUID]
    results: list[dict[str, Any]] = Field(description="One per message: {id, success, error}")


class MessageOut(Out):
    id: UUID
    title: str
    message: str
    type: str
    category: str
    kind: str | None
    priority: str
    data: dict[str, Any]
    channels: list[str]
    template_id: UUID | None
    scheduled_at: datetime | None
    status: str = Field(description="scheduled, queued, sent, partial, failed or cancelled")
    recipients: int
    deliveries: dict[str, int] = Field(description="Deliveries by state")
    created_at: datetime
    created_by: UUID | None


class Updated(Out):
    updated: int


class TemplateIn(In):
    """`subject` and `body` are the text in `locale` for every channel (or for `channel` alone); `texts` takes several
    at once: `{"fr": {"*": {"subject", "body"}, "sms": {…}}}`. Variables are written `{{ name }}`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Laboratory closed",
                "key": "laboratory-closed",
                "subject": "The laboratory is closed on {{ day }}",
                "body": "Samples are taken in again on {{ next }}.",
                "locale": "en",
                "channels": ["in_app", "email"],
                "variables": [{"name": "day", "type": "date"}, {"name": "next", "type": "date"}],
            }
        }
    )

    name: str | None = Field(None, max_length=150)
    key: str | None = Field(None, max_length=60, description="Made from the name where it is absent")
    subject: str | None = Field(None, max_length=300)
    body: str | None = Field(None, max_length=10_000)
    locale: Literal["ar", "fr", "en"] | None = None
    channel: str | None = Field(None, description="Where the text is for one channel alone")
    channels: list[str] | None = None
    variables: list[str | dict[str, Any]] | None = Field(
        None, max_length=50, description="Names, or {name, type: text|number|date|datetime|boolean, required}"
    )
    texts: dict[str, dict[str, dict[str, str] | None]] | None = None
    version: int | None = Field(None, description="The version that you changed; a stale one is 409")


class TemplateOut(Out):
    id: UUID
    key: str
    name: str
    category: str
    locale: str
    subject: str
    body: str
    channels: list[str]
    variables: list[dict[str, Any]]
    texts: dict[str, dict[str, dict[str, str]]]
    shipped: bool = Field(description="The words of an event that Marsad tells of; deleting restores them")
    changed: bool = Field(description="False while the shipped words are in force")
    version: int
    created_at: datetime | None
    updated_at: datetime | None


class SendIn(In):
    recipients: list[UUID] = Field([], max_length=10_000)
    role: str | None = Field(None, max_length=50)
    channels: list[str] | None = None
    data: dict[str, Any] = {}
    scheduled_at: AwareDatetime | None = None
    priority: Literal["normal", "urgent"] = "normal"
    test: bool = Field(False, description="Send it to yourself by e-mail, at once, and to nobody else")


class SentOut(Out):
    notification_ids: list[UUID]


class QueueQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"createdAt": "created_at", "scheduledAt": "due_at", "status": "status"}

    status: some_of(Delivery.Status.values) = Field([], description="Repeatable")  # type: ignore[valid-type]
    channel: Literal["in_app", "email", "push", "sms"] | None = None
    category: str = Field("", max_length=30)
    notification_id: UUID | None = None
    search: str = Field("", max_length=200, description="Words of the title, name or address of a recipient")
    date_from: str = Field("", max_length=40)
    date_to: str = Field("", max_length=40)


class DeliveryOut(Out):
    id: UUID
    notification_id: UUID
    title: str
    category: str
    recipient_id: UUID
    recipient_name: str
    channel: Channel
    status: str
    attempts: int
    scheduled_at: datetime = Field(description="When it is, or was, to leave")
    sent_at: datetime | None
    reason: str | None = Field(
        description="preference, quiet, digest, suppressed, no_address, no_provider, inactive, retry, refused,"
        " attempts, uncertain"
    )
    last_error: str | None
    provider_id: str | None
    created_at: datetime


class PreferencesIn(In):
    """Absent fields stay as they are; in `matrix` also absent categories and channels."""

    matrix: dict[str, Any] | None = None
    quiet_hours: dict[str, Any] | None = Field(None, description="{from, to} as HH:MM in your time zone; null: none")
    time_zone: str | None = Field(None, max_length=64, description="null: the organisation's")
    digest: str | None = Field(None, description="off, hourly or daily")


class PreferencesOut(Out):
    matrix: dict[str, dict[str, bool]] = Field(description="By category: in_app, email, push, sms")
    quiet_hours: dict[str, str] | None
    time_zone: str | None
    digest: str


class StatsQuery(Out):
    date_from: str = Field("", max_length=40, description="Default: 30 days ago")
    date_to: str = Field("", max_length=40)


class DayOut(Out):
    day: date
    total: int
    failed: int


class StatsOut(Out):
    total: int
    messages: int
    unread: int
    by_status: dict[str, int]
    by_channel: dict[str, dict[str, int]]
    by_category: dict[str, int]
    by_template: list[dict[str, Any]]
    by_day: list[DayOut]
    delivery_rate: float | None = Field(description="Percent of what was to leave")
    read_rate: float | None
    median_seconds_to_read: float | None
    queue: dict[str, Any] = Field(description="Now: deliveries by state, age of the oldest that is due")


class PushIn(In):
    """A browser's `PushSubscription` as JSON, or an app's token and platform."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "endpoint": "https://fcm.googleapis.com/fcm/send/d61c",
                "keys": {
                    "p256dh": "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
                    "auth": "tBHItJI5svbpez7KI4CCXg",
                },
            }
        }
    )

    endpoint: str | None = Field(None, max_length=2000)
    keys: dict[str, str] = {}
    token: str | None = Field(None, max_length=4096)
    platform: str | None = Field(None, max_length=20, examples=["android"])


class PushOut(Out):
    id: UUID
    public_key: str = Field(description="Ours, for applicationServerKey")


class PushEndIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"token": "endpoint"}

    endpoint: str = Field(max_length=4096, description="The browser's endpoint or the app's token")


class SuppressionQuery(Listing):
    channel: Literal["email", "sms"] | None = None
    search: str = Field("", max_length=200)


class SuppressionIn(In):
    channel: Literal["email", "sms"] = "email"
    address: str = Field(max_length=254)
    reason: Literal["bounce", "complaint", "manual"] = "manual"
    note: str = Field("", max_length=300)


class SuppressionOut(Out):
    id: UUID
    channel: str
    address: str
    reason: str
    note: str
    created_at: datetime
