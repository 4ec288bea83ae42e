"""Live events: what changed, for whom, sent when the transaction commits.

The envelope is `{type, entity, id, organizationId, data, at}` (`api.md` section 3). It carries ids, not bodies:
whoever is interested fetches, with their own rights.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.utils import translation

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.ids import uuid7
from portal.core.notifications.layer import PG_CHANNEL, MessageTooLarge, notify_redis, pack
from portal.core.tenancy import scope
from portal.core.tenancy.scope import Actor

KEPT: Final = timedelta(hours=24)
# Has the sockets of `users` look again at who they are and what they may see: deactivation, another role or password.
REVOKED: Final = "user.revoked"
REPLAY_LIMIT: Final = 500

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of event. `organization` and `platform` say which common sockets get it, `permission` who may see it.

    Named people (`publish(users=…)`) and members of a project get it besides; the permission binds them too.
    """

    type: str
    permission: str = ""
    organization: bool = False
    platform: bool = False


_types: dict[str, EventType] = {}
_drawn: dict[str, tuple[Callable[[Sequence[User]], Mapping[UUID, Any]], Callable[[Any], str]]] = {}


def register(types: Iterable[EventType]) -> None:
    for kind in types:
        if _types.setdefault(kind.type, kind) != kind:
            raise ValueError(f"event {kind.type} is declared twice")


def draw(kind: str, figures: Callable[[Sequence[User]], Mapping[UUID, Any]], fragment: Callable[[Any], str]) -> None:
    """Give sockets that ask for HTML (`?format=html`) a fragment with this event. `figures(people)` is asked once for
    all who listen, across organisations; `fragment(figure)` is drawn in each language in which a figure is needed. Its
    elements replace those of the page that have their ids."""
    _drawn[kind] = (figures, fragment)


def has_fragment(text: str) -> bool:
    return orjson.loads(text)["type"] in _drawn


def drawn(text: str, *, readers: Collection[tuple[User, str]]) -> dict[tuple[UUID, str], str]:
    """The envelope with the fragment of its type as `html`, by person and language; empty where none is registered."""
    body = orjson.loads(text)
    if body["type"] not in _drawn:
        return {}
    figures, fragment = _drawn[body["type"]]
    with scope.platform(by=Actor(via="socket")):
        found = figures(list({user.pk: user for user, _language in readers}.values()))
    texts: dict[tuple[Any, str], str] = {}
    for user, language in readers:
        key = (found[user.pk], language)
        if key not in texts:
            with translation.override(language):
                texts[key] = orjson.dumps({**body, "html": fragment(found[user.pk])}).decode()
    return {(user.pk, language): texts[found[user.pk], language] for user, language in readers}


def envelope(
    kind: str,
    *,
    entity: str = "",
    id: object = None,
    organization: UUID | None = None,
    data: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    return {
        "type": kind,
        "entity": entity,
        "id": None if id is None else str(id),
        "organizationId": None if organization is None else str(organization),
        "data": dict(data or {}),
        "at": clock.wire(at or clock.now()),
    }


def publish(
    type: str,
    *,
    entity: str,
    id: object,
    organization: UUID | None = None,
    data: Mapping[str, Any] | None = None,
    users: Iterable[UUID] = (),
    project: UUID | None = None,
) -> None:
    """Tell the sockets that something changed, if and when the transaction in force commits.

    `organization` defaults to the scope in force; `users` and `project` add the people whom the event type does not
    reach by itself. Costs one statement. A mistake (unknown type, another organisation, no JSON) is logged and
    nothing is sent; data too large for a message is left out, so the reader has to fetch. Never raises.
    """
    try:
        _publish(_types[type], entity, id, organization, dict(data or {}), list(users), project)
    except Exception:  # a live event is a courtesy: it never undoes the work it tells about
        logger.exception("the event %s of %s %s was not published", type, entity, id)


def _publish(
    kind: EventType,
    entity: str,
    record: object,
    organization: UUID | None,
    data: dict[str, Any],
    users: list[UUID],
    project: UUID | None,
) -> None:
    in_force = scope.current().organization
    organization = organization or in_force
    if in_force is not None and organization != in_force:
        raise ValueError(f"organisation {organization} is not the one in force")
    reaches = "auth" if kind.type == REVOKED else "user"  # every socket of a person listens to the first
    groups = [f"{reaches}.{user}" for user in users]
    if project is not None:
        groups.append(f"project.{project}")
    if kind.organization and organization is not None:
        groups.append(f"org.{organization}")
    if kind.platform:
        groups.append("platform")
    if not groups:
        raise ValueError("an event for nobody")
    event_id, at = uuid7(), clock.now()
    try:
        text, payload = _message(kind, event_id, groups, entity, record, organization, data, at)
    except MessageTooLarge as error:
        logger.warning("event %s is sent without its data: %s", kind.type, error)
        text, payload = _message(kind, event_id, groups, entity, record, organization, {}, at)
    values = [event_id, organization, kind.type, kind.permission, orjson.dumps(groups).decode(), text, at]
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH kept AS (INSERT INTO notifications_event"
            " (id, organization_id, type, permission, groups, text, at, xid, seen)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, pg_current_xact_id()::text::bigint, pg_current_snapshot()::text)"
            " RETURNING id) SELECT CASE WHEN %s THEN pg_notify(%s, %s) END FROM kept",
            [*values, not settings.REDIS_URL, PG_CHANNEL, payload],
        )
    if settings.REDIS_URL:
        transaction.on_commit(lambda: notify_redis(payload), robust=True)


def _message(
    kind: EventType,
    event_id: UUID,
    groups: list[str],
    entity: str,
    record: object,
    organization: UUID | None,
    data: dict[str, Any],
    at: datetime,
) -> tuple[str, str]:
    """The envelope as text, made once for all sockets, and the payload that carries it to all processes."""
    body = envelope(kind.type, entity=entity, id=record, organization=organization, data=data, at=at)
    text = orjson.dumps(body).decode()
    what = "live.recheck" if kind.type == REVOKED else "live.event"
    message = {"type": what, "event": str(event_id), "permission": kind.permission, "text": text}
    return text, pack(groups, message)


def missed(*, user: User, groups: Iterable[str], since: datetime) -> list[tuple[UUID, str]] | None:
    """Ids and envelopes of the events of `groups` that `user` may see and that committed after the one of `since`.

    Oldest first. None when `since` is older than what is kept, or too much was missed: then the client has to fetch
    everything again.
    """
    if since < clock.now() - KEPT:
        return None
    by = user.actor(via="socket")
    with (
        scope.tenant(user.organization_id, by=by) if user.organization_id else scope.platform(by=by),
        connection.cursor() as cursor,
    ):
        # Committed after that event means: its transaction could not see it. Where there is no such event (the time
        # of another clock) the times decide. No transaction lasts for an hour.
        cursor.execute(
            "WITH last AS (SELECT xid, seen::pg_snapshot AS seen FROM notifications_event"
            "              WHERE at = %(since)s ORDER BY xid LIMIT 1)"
            " SELECT e.id, e.text FROM notifications_event e LEFT JOIN last ON true"
            " WHERE e.at > %(since)s - interval '1 hour' AND e.groups ?| %(groups)s"
            " AND (e.permission = '' OR e.permission = ANY(%(codes)s))"
            " AND CASE WHEN last.xid IS NULL OR e.xid = last.xid THEN e.at > %(since)s"
            "          ELSE NOT pg_visible_in_snapshot(e.xid::text::xid8, last.seen) END"
            " ORDER BY e.at, e.id LIMIT %(limit)s",
            {
                "since": since,
                "groups": list(groups),
                "codes": list(user.permission_codes),
                "limit": REPLAY_LIMIT + 1,
            },
        )
        found = cursor.fetchall()
    return found if len(found) <= REPLAY_LIMIT else None
