"""Notifications (specification 002): one's own, and for managers messages, templates, queue and figures."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query

from api.kit import SIGNED_IN, Page, Reply, Router, expected_version, paginate
from api.kit.periods import period
from api.v1.notifications.schemas import (
    BulkIn,
    BulkOut,
    DeliveryOut,
    InboxQuery,
    MessageOut,
    NotificationIn,
    NotificationOut,
    PreferencesIn,
    PreferencesOut,
    PushEndIn,
    PushIn,
    PushOut,
    QueueQuery,
    SendIn,
    SentOut,
    StatsOut,
    StatsQuery,
    SuppressionIn,
    SuppressionOut,
    SuppressionQuery,
    TemplateIn,
    TemplateOut,
    Updated,
)
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.notifications import addresses, delivery, inbox, preferences, selectors, services, templates
from portal.core.notifications.channels import vapid_public_key
from portal.core.notifications.models import Suppression

router = Router(tags=["notifications"])
MANAGE = "notifications.manage"
STATS_DAYS = 30


def me(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined, no-any-return]


# --- one's own ---------------------------------------------------------------------
@router.get("/notifications", policy=SIGNED_IN, reach="self", response=list[NotificationOut], summary="Your own")
def inbox_list(request: HttpRequest, query: Query[InboxQuery]) -> Reply:
    """The latest first; `meta.unread` counts all that you have not read."""
    since, until = period(request, query.date_from, query.date_to)
    found = inbox.copy_list(
        user=me(request),
        unread=None if query.is_read is None else not query.is_read,
        category=query.category,
        level=query.type or "",
        search=query.search,
        since=since,
        until=until,
    )
    return Reply(paginate(found, query, inbox.copy_card), meta={"unread": inbox.unread_count(me(request))})


@router.operation(
    ["PATCH"],
    "/notifications/{id:notification_id}/read",
    policy=SIGNED_IN,
    reach="self",
    response=NotificationOut,
    summary="Mark as read",
)
def inbox_read(request: HttpRequest, notification_id: UUID) -> dict[str, Any]:
    """Yours alone; other recipients' copies stay unread."""
    return inbox.copy_card(inbox.copy_read(id=notification_id, by=me(request)))


@router.operation(
    ["PATCH"],
    "/notifications/read-all",
    policy=SIGNED_IN,
    reach="self",
    response=Updated,
    summary="Mark all as read",
)
def inbox_read_all(request: HttpRequest) -> dict[str, int]:
    """How many were unread."""
    return {"updated": inbox.read_all(by=me(request))}


@router.delete(
    "/notifications/{id:notification_id}", policy=SIGNED_IN, reach="self", response=None, summary="Delete your copy"
)
def inbox_delete(request: HttpRequest, notification_id: UUID) -> Reply:
    """Other recipients keep theirs."""
    inbox.copy_delete(id=notification_id, by=me(request))
    return Reply(message=_("Notification deleted successfully."))


@router.get(
    "/notifications/preferences", policy=SIGNED_IN, reach="self", response=PreferencesOut, summary="Your preferences"
)
def preferences_detail(request: HttpRequest) -> dict[str, Any]:
    """By category and channel, with quiet hours and digest."""
    return preferences.preference_card(preferences.preference_of(me(request)))


@router.update(
    "/notifications/preferences",
    policy=SIGNED_IN,
    reach="self",
    response=PreferencesOut,
    summary="Change your preferences",
)
def preferences_update(request: HttpRequest, payload: PreferencesIn) -> dict[str, Any]:
    """Messages about security cannot be switched off, nor do they wait for the end of quiet hours."""
    names = {"matrix": "matrix", "quiet_hours": "quietHours", "time_zone": "timeZone", "digest": "digest"}
    changes = {names[name]: value for name, value in payload.changes.items()}
    return preferences.preference_card(preferences.preference_change(user=me(request), changes=changes))


@router.post(
    "/notifications/push/subscribe",
    policy=SIGNED_IN,
    reach="self",
    response=PushOut,
    status=201,
    summary="Get pushes here",
)
def push_subscribe(request: HttpRequest, payload: PushIn) -> dict[str, Any]:
    """Known push services alone. Signing the same browser up again changes nothing but its keys."""
    agent = request.headers.get("User-Agent", "")
    row = inbox.push_subscribe(user=me(request), values=payload.model_dump(), agent=agent)
    return {"id": row.pk, "publicKey": vapid_public_key()}


@router.post(
    "/notifications/push/unsubscribe",
    policy=SIGNED_IN,
    reach="self",
    response=None,
    summary="No more pushes here",
)
def push_unsubscribe(request: HttpRequest, payload: PushEndIn) -> Reply:
    """200 also where there were none."""
    inbox.push_unsubscribe(user=me(request), endpoint=payload.endpoint)
    return Reply(message=_("No more pushes are sent there."))


# --- messages ----------------------------------------------------------------------
@router.post("/notifications", policy=MANAGE, response=MessageOut, status=201, summary="Send a message")
def message_send(request: HttpRequest, payload: NotificationIn) -> dict[str, Any]:
    """Now, or at `scheduledAt`. Either `title` and `message`, or `templateId` with `data`."""
    return selectors.message_card(services.message_send(values=payload.values, by=me(request)))


@router.post("/notifications/bulk", policy=MANAGE, response=BulkOut, status=201, summary="Send to many")
def message_bulk(request: HttpRequest, payload: BulkIn) -> dict[str, Any]:
    """At most 10,000 people; above 200 a job makes their copies. With `notifications` each message for itself."""
    if not payload.notifications:
        message = services.message_send(values=payload.values, by=me(request))
        results = [{"id": message.pk, "success": True, "error": None}]
        return {"queued": message.people, "failed": 0, "notificationIds": [message.pk], "results": results}
    results, queued = [], 0
    for one in payload.notifications:
        try:
            message = services.message_send(values=one.values, by=me(request))
        except DomainError as refusal:
            error = {"code": refusal.code, "message": str(refusal.message)}
            results.append({"id": None, "success": False, "error": error})
        else:
            queued += message.people
            results.append({"id": message.pk, "success": True, "error": None})
    ids = [result["id"] for result in results if result["success"]]
    return {"queued": queued, "failed": len(results) - len(ids), "notificationIds": ids, "results": results}


@router.get("/notifications/queue", policy=MANAGE, response=list[DeliveryOut], summary="The queue")
def queue_list(request: HttpRequest, query: Query[QueueQuery]) -> Page:
    """Every recipient's delivery by every channel, the latest first."""
    since, until = period(request, query.date_from, query.date_to)
    found = selectors.delivery_list(
        statuses=query.status,
        channel=query.channel or "",
        category=query.category,
        notification=query.notification_id,
        search=query.search,
        since=since,
        until=until,
    )
    return paginate(found, query, selectors.delivery_card)


@router.post("/notifications/{id:notification_id}/retry", policy=MANAGE, response=MessageOut, summary="Try again")
def message_retry(request: HttpRequest, notification_id: UUID) -> dict[str, Any]:
    """What failed or was given up; 409 where nothing has."""
    services.message_retry(id=notification_id, by=me(request))
    return selectors.message_card(services.message_get(id=notification_id))


@router.post("/notifications/{id:notification_id}/cancel", policy=MANAGE, response=MessageOut, summary="Cancel")
def message_cancel(request: HttpRequest, notification_id: UUID) -> Reply:
    """What has not left yet; 409 where nothing waits. `meta` says how many were stopped, and how many were too far."""
    stopped, left = services.message_cancel(id=notification_id, by=me(request))
    card = selectors.message_card(services.message_get(id=notification_id))
    return Reply(card, meta={"cancelled": stopped, "notCancelled": left})


@router.get("/notifications/stats", policy=MANAGE, response=StatsOut, summary="Figures")
def stats(request: HttpRequest, query: Query[StatsQuery]) -> dict[str, Any]:
    """Of the organisation, by day in its time zone."""
    since, until = period(request, query.date_from, query.date_to)
    now = clock.now()
    found = selectors.figures(since=since or now - timedelta(days=STATS_DAYS), until=until or now)
    return {**found, "queue": selectors.queue_figures()}


# --- templates ---------------------------------------------------------------------
@router.get("/notifications/templates", policy=MANAGE, response=list[TemplateOut], summary="Templates")
def template_list(request: HttpRequest) -> list[dict[str, Any]]:
    """Your own, then those of the events that Marsad tells of, in the words that are in force."""
    return [templates.template_card(entry) for entry in templates.template_list()]


@router.post("/notifications/templates", policy=MANAGE, response=TemplateOut, status=201, summary="Create a template")
def template_create(request: HttpRequest, payload: TemplateIn) -> dict[str, Any]:
    """Unknown variables in a text are 400."""
    return templates.template_card(templates.template_create(values=payload.changes, by=me(request)))


@router.update(
    "/notifications/templates/{id:template_id}", policy=MANAGE, response=TemplateOut, summary="Change a template"
)
def template_update(request: HttpRequest, template_id: UUID, payload: TemplateIn) -> dict[str, Any]:
    """Texts that are not named stay; an empty one gives way to the text for every channel."""
    version = expected_version(request, payload.version)
    changes = {name: value for name, value in payload.changes.items() if name != "version"}
    return templates.template_card(
        templates.template_update(id=template_id, changes=changes, by=me(request), version=version)
    )


@router.delete(
    "/notifications/templates/{id:template_id}",
    policy="notifications.delete",
    response=None,
    summary="Delete a template, or restore a shipped one",
)
def template_delete(request: HttpRequest, template_id: UUID) -> Reply:
    """Messages that were sent with it keep their words."""
    templates.template_delete(id=template_id, by=me(request))
    return Reply(message=_("Template deleted successfully."))


@router.post(
    "/notifications/templates/{id:template_id}/send",
    policy=MANAGE,
    response=SentOut,
    status=201,
    summary="Send with a template",
)
def template_send(request: HttpRequest, template_id: UUID, payload: SendIn) -> dict[str, Any]:
    """`data` must fit the template's variables: unknown and missing ones are 400."""
    said = payload.model_dump(by_alias=True)
    if said.pop("test"):
        delivery.try_out(user=me(request), template=templates.template_get(id=template_id), data=payload.data)
        return {"notificationIds": []}
    templates.template_get(id=template_id)
    values = {**{name: value for name, value in said.items() if value is not None}, "templateId": template_id}
    return {"notificationIds": [services.message_send(values=values, by=me(request)).pk]}


# --- addresses that get nothing ------------------------------------------------------------
def suppression_card(row: Suppression) -> dict[str, Any]:
    names = ("channel", "address", "reason", "note")
    return {"id": row.pk, **{name: getattr(row, name) for name in names}, "createdAt": row.created_at}


@router.get("/notifications/suppressions", policy=MANAGE, response=list[SuppressionOut], summary="Suppressed addresses")
def suppression_list(request: HttpRequest, query: Query[SuppressionQuery]) -> Page:
    """Addresses that bounced, complained or were entered by hand."""
    found = selectors.suppression_list(channel=query.channel or "", search=query.search)
    return paginate(found, query, suppression_card)


@router.post(
    "/notifications/suppressions", policy=MANAGE, response=SuppressionOut, status=201, summary="Suppress an address"
)
def suppression_add(request: HttpRequest, payload: SuppressionIn) -> dict[str, Any]:
    """Where a mail provider reports bounces and complaints."""
    return suppression_card(addresses.suppression_add(**payload.model_dump(), by=me(request)))


@router.delete(
    "/notifications/suppressions/{id:suppression_id}", policy=MANAGE, response=None, summary="Send there again"
)
def suppression_remove(request: HttpRequest, suppression_id: UUID) -> Reply:
    """409 after a complaint."""
    addresses.suppression_remove(id=suppression_id, by=me(request))
    return Reply(message=_("Messages are sent there again."))
