"""Reading the timeline: newest first, by cursor, without what the reader may not know of."""

import base64
from collections.abc import Collection, Iterable
from datetime import datetime
from types import FunctionType
from typing import Any, Final
from uuid import UUID

import orjson
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Invalid
from portal.crm.activity.models import ActivityEvent
from portal.crm.activity.services import sources

MOST: Final = 200


def timeline(
    *,
    user: User,
    customer: UUID,
    types: Collection[str] = (),
    actor: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str = "",
    limit: int = 50,
) -> tuple[list[ActivityEvent], str]:
    """At most `limit` events of a customer that the caller has found to be in sight, and the cursor of what follows (""
    at the end). `types` are types (`sale.stage`) or kinds (`sale`). Raises Invalid for a false cursor."""
    rows = visible(user=user).filter(customer=customer)
    if types:
        rows = rows.filter(Q(type__in=types) | Q(kind__in=types))
    if actor:
        rows = rows.filter(user=actor)
    if since:
        rows = rows.filter(occurred_at__gte=since)
    if until:
        rows = rows.filter(occurred_at__lt=until)
    if cursor:
        at, id = _opened(cursor)
        rows = rows.filter(Q(occurred_at__lt=at) | Q(occurred_at=at, pk__lt=id), occurred_at__lte=at)
    limit = min(limit, MOST)
    found = list(rows.select_related("user").order_by("-occurred_at", "-id")[: limit + 1])
    more = found[limit:]
    found = found[:limit]
    return found, _closed(found[-1]) if more else ""


def visible(*, user: User) -> "QuerySet[ActivityEvent]":
    """Events of all customers whose source the reader may see; which customers those are is the caller's to say."""
    rows: QuerySet[ActivityEvent] = ActivityEvent.objects.all()
    for source in sources().values():
        subjects = source.visible(user) if source.visible else None
        if subjects is not None:
            hidden = Q(kind=source.kind) & ~Q(subject_id=None) & ~Q(subject_id__in=subjects.order_by().values("pk"))
            rows = rows.exclude(hidden)
    return rows


def sentence(event: ActivityEvent) -> str:
    """What happened, in the language of the request; the bare type where nobody knows its words (any more)."""
    source = sources().get(event.kind)
    text = source.texts.get(event.type) if source else None
    if text is None:
        return event.type
    if isinstance(text, FunctionType):
        return str(text(event.data))
    try:
        return f"{str(text) % event.data}"
    except (KeyError, ValueError, TypeError):
        return str(text)


def events(rows: Iterable[ActivityEvent]) -> list[dict[str, Any]]:
    """As JSON (contract of the rooms, section 3)."""
    return [
        {
            "id": row.pk,
            "type": row.type,
            "description": sentence(row),
            "userId": row.user_id,
            "userName": row.user.name if row.user else "",
            "subjectId": row.subject_id,
            "createdAt": row.occurred_at,
            "data": row.data,
        }
        for row in rows
    ]


def _closed(event: ActivityEvent) -> str:
    said = orjson.dumps([event.occurred_at.isoformat(), str(event.pk)])
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def _opened(cursor: str) -> tuple[datetime, UUID]:
    try:
        at, id = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = clock.parse_moment(at)
        if moment is None:
            raise ValueError(at)
        return moment, UUID(id)
    except (ValueError, TypeError, AttributeError):
        raise Invalid.field("cursor", _("This cursor is not one of ours.")) from None
