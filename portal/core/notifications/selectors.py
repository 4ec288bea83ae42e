"""What managers of messages look at: the queue, a message's state, figures, suppressed addresses."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.db.models.functions import Now, TruncDate

from portal.core.common import clock
from portal.core.notifications.models import Channel, Copy, Delivery, Notification, Suppression
from portal.core.notifications.services import BROKEN, WAITING

Status = Delivery.Status
REACHED = (Status.SENT, Status.DELIVERED, Status.DIGESTED)


def delivery_list(
    *,
    statuses: Iterable[str] = (),
    channel: str = "",
    category: str = "",
    notification: UUID | None = None,
    search: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Delivery]:
    """Deliveries of the organisation, the latest first; `until` is exclusive, `search` finds titles and people."""
    found = Delivery.objects.select_related("notification", "user", "copy").order_by("-created_at", "-id")
    if wanted := list(statuses):
        found = found.filter(status__in=wanted)
    if channel:
        found = found.filter(channel=channel)
    if category:
        found = found.filter(notification__category=category)
    if notification:
        found = found.filter(notification=notification)
    if search:
        found = found.filter(
            Q(notification__title__icontains=search)
            | Q(user__name__icontains=search)
            | Q(user__email__icontains=search)
        )
    if since:
        found = found.filter(created_at__gte=since)
    if until:
        found = found.filter(created_at__lt=until)
    return found


def delivery_card(row: Delivery) -> dict[str, Any]:
    return {
        "id": row.pk,
        "notificationId": row.notification_id,
        "title": row.notification.title,
        "category": row.notification.category,
        "recipientId": row.user_id,
        "recipientName": row.user.name,
        "channel": row.channel,
        "status": row.status,
        "attempts": row.attempts,
        "scheduledAt": row.due_at,
        "sentAt": row.sent_at,
        "reason": row.reason or None,
        "lastError": row.error or None,
        "providerId": row.provider_id or None,
        "createdAt": row.created_at,
    }


def message_status(message: Notification, counts: dict[str, int]) -> str:
    """One word for a message from its deliveries: cancelled, scheduled, queued, failed, partial or sent."""
    waiting, broken = sum(counts.get(s, 0) for s in WAITING), sum(counts.get(s, 0) for s in BROKEN)
    reached = sum(counts.get(s, 0) for s in REACHED)
    if message.cancelled_at and not waiting:
        return "cancelled"
    if message.scheduled_at and message.scheduled_at > clock.now():
        return "scheduled"
    if waiting or counts.get(Status.SENDING) or not counts:
        return "queued" if not reached or waiting or counts.get(Status.SENDING) else "sent"
    if broken:
        return "partial" if reached else "failed"
    return "sent"


def message_card(message: Notification) -> dict[str, Any]:
    rows = Delivery.objects.filter(notification=message).order_by()
    counts = dict(rows.values_list("status").annotate(count=Count("pk")))
    return {
        "id": message.pk,
        "title": message.title,
        "message": message.message,
        "type": message.level,
        "category": message.category,
        "kind": message.kind or None,
        "priority": message.priority,
        "data": message.data,
        "channels": message.channels,
        "templateId": message.template_id,
        "scheduledAt": message.scheduled_at,
        "status": message_status(message, counts),
        "recipients": message.people,
        "deliveries": counts,
        "createdAt": message.created_at,
        "createdBy": message.created_by_id,
    }


def queue_figures() -> dict[str, Any]:
    """Deliveries by state, and since when the oldest that is due has been waiting."""
    rows = Delivery.objects.order_by()
    counts = dict(rows.values_list("status").annotate(count=Count("pk")))
    oldest = rows.filter(status__in=WAITING, due_at__lte=Now()).aggregate(at=Min("due_at"))["at"]
    age = round((clock.now() - oldest).total_seconds()) if oldest else 0
    return {"byStatus": {status: counts.get(status, 0) for status in Status.values}, "oldestAgeSeconds": age}


def figures(*, since: datetime, until: datetime) -> dict[str, Any]:
    """Deliveries from `since` to `until` by channel, state, category and day (in the time zone in force); shares in
    percent of what was to leave; the median time to read in seconds."""
    rows = Delivery.objects.filter(created_at__gte=since, created_at__lt=until).order_by()
    by_status, by_channel = _count(rows, "status"), _count(rows, "channel")
    reached, failed = sum(by_status.get(s, 0) for s in REACHED), sum(by_status.get(s, 0) for s in BROKEN)
    per_channel = {
        channel: {
            "total": by_channel.get(channel, 0),
            **rows.filter(channel=channel).aggregate(
                reached=Count("pk", filter=Q(status__in=REACHED)), failed=Count("pk", filter=Q(status__in=BROKEN))
            ),
        }
        for channel in Channel.values
    }
    copies = Copy.objects.filter(created_at__gte=since, created_at__lt=until, in_app=True).order_by()
    seen = copies.aggregate(total=Count("pk"), read=Count("pk", filter=Q(read_at__isnull=False)))
    days = rows.annotate(day=TruncDate("created_at")).values("day")
    by_template = rows.values(key=F("notification__kind")).annotate(
        total=Count("pk"), reached=Count("pk", filter=Q(status__in=REACHED)), latest=Max("created_at")
    )
    return {
        "total": sum(by_status.values()),
        "messages": Notification.objects.filter(created_at__gte=since, created_at__lt=until).count(),
        "unread": seen["total"] - seen["read"],
        "byStatus": by_status,
        "byChannel": per_channel,
        "byCategory": _count(rows, "notification__category"),
        "byTemplate": [
            {"key": row["key"] or None, "total": row["total"], "reached": row["reached"], "latest": row["latest"]}
            for row in by_template.order_by("-total", "key")
        ],
        "byDay": [
            {"day": row["day"], "total": row["total"], "failed": row["failed"]}
            for row in days.annotate(total=Count("pk"), failed=Count("pk", filter=Q(status__in=BROKEN))).order_by("day")
        ],
        "deliveryRate": _share(reached, reached + failed),
        "readRate": _share(seen["read"], seen["total"]),
        "medianSecondsToRead": _median(copies),
    }


def _count(rows: QuerySet[Delivery], name: str) -> dict[str, int]:
    return dict(rows.values_list(name).annotate(count=Count("pk")))


def _share(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def _median(copies: QuerySet[Copy]) -> float | None:
    """The middle time from a notification's appearance to its reading; a mean beside it would be one lazy reader's."""
    waits = copies.filter(read_at__isnull=False).annotate(wait=F("read_at") - F("visible_at")).order_by("wait")
    found = list(waits.values_list("wait", flat=True)[(middle := waits.count() // 2) : middle + 1])
    return round(found[0].total_seconds(), 1) if found else None


# --- addresses that get nothing ------------------------------------------------------------------
def suppression_list(*, channel: str = "", search: str = "") -> QuerySet[Suppression]:
    found = Suppression.objects.order_by("-created_at", "-id")
    if channel:
        found = found.filter(channel=channel)
    return found.filter(address__icontains=search) if search else found
