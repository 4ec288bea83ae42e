"""Writing the timeline, and the registry of those who write to it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.functional import Promise

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.tenancy import scope
from portal.crm.activity.models import ActivityEvent
from portal.crm.customers.models import Customer

type Text = Promise | str | Callable[[dict[str, Any]], str]
type Visible = Callable[[User], "QuerySet[Any, Any] | None"]


@dataclass(frozen=True, slots=True)
class Source:
    """Who writes events of a kind. `texts` are their sentences by type: with `%(name)s` of the event's data, or made of
    it by a function; `visible` gives the subjects that a reader may know of, None where all; `url` a subject's page."""

    kind: str
    texts: Mapping[str, Text] = field(default_factory=dict)
    visible: Visible | None = None
    url: Callable[[UUID], str] | None = None
    icon: str = "point"


_sources: dict[str, Source] = {}


def register_source(
    kind: str,
    *,
    visible: Visible | None = None,
    texts: Mapping[str, Text] | None = None,
    url: Callable[[UUID], str] | None = None,
    icon: str = "point",
) -> None:
    """`kind` is what stands before the dot of a type. `visible(user)` is a queryset of the subjects that the reader may
    see (`Sale.objects…`, any model with a UUID key), or None where every event of this kind is theirs to read."""
    _sources[kind] = Source(kind, texts or {}, visible, url, icon)


def sources() -> dict[str, Source]:
    return _sources


def record(
    *,
    customer_id: UUID,
    type: str,
    subject_id: UUID | None = None,
    actor: UUID | User | None = None,
    data: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> ActivityEvent:
    """One event in the transaction in force. `actor` defaults to who acts in the scope; `data` is JSON."""
    [row] = record_many([(customer_id, data or {})], type=type, subject_id=subject_id, actor=actor, at=at)
    return row


def record_many(
    events: Iterable[tuple[UUID, Mapping[str, Any]]],
    *,
    type: str,
    subject_id: UUID | None = None,
    actor: UUID | User | None = None,
    at: datetime | None = None,
) -> list[ActivityEvent]:
    """The same event of many customers, each with data of its own, in one statement; moves their `last_activity_at`."""
    at, kind = at or clock.now(), type.partition(".")[0]
    user = actor.pk if isinstance(actor, User) else actor or scope.actor().user
    rows = [
        ActivityEvent(
            organization_id=scope.organization_id(),
            customer_id=customer,
            kind=kind,
            type=type,
            subject_id=subject_id,
            user_id=user,
            data=dict(data),
            occurred_at=at,
        )
        for customer, data in events
    ]
    ActivityEvent.objects.bulk_create(rows, batch_size=1000)
    late = Customer.objects.filter(pk__in=[row.customer_id for row in rows]).exclude(last_activity_at__gte=at)
    late.update(last_activity_at=at)
    return rows
