"""The audit log as its readers see it: filtered, newest first, under wire names."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Count, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import TruncDate

from portal.core.audit.models import Action, AuditEntry
from portal.core.audit.triggers import search_words
from portal.core.common import clock
from portal.core.common.ids import parse_uuid
from portal.core.common.text import normalise
from portal.core.tenancy import scope

_UNDERSCORE = re.compile(r"_+([a-z0-9])")
WIRE_ACTIONS = {action.wire: action for action in Action if action is not Action.ACCESS}
# Shown where the sources name a thing differently from its column.
_WIRE_NAMES = {"client_updated_at": "clientTimestamp"}


# Sealed entries are found by the words that the sealer kept, the newest ones by reading them.
_FOUND: Final = (
    "SELECT entry_id FROM audit_auditwords WHERE words @@ to_tsquery('simple', %s)"  # noqa: S608 our own constants
    " UNION ALL SELECT e.id FROM audit_auditentry e WHERE e.xid >= (SELECT sealed_below FROM audit_sealer)"
    f" AND {search_words('e')} @@ to_tsquery('simple', %s)"
)
_ABOUT: Final = " UNION ALL SELECT id FROM audit_auditentry WHERE organization_id = %s AND object_pk = %s"
TOP: Final = 50


def wire_name(column: str) -> str:
    """`value_text` as `valueText`, `sample_id` as `sampleId`."""
    return _WIRE_NAMES.get(column) or _UNDERSCORE.sub(lambda found: found.group(1).upper(), column)


def entry_list(
    *,
    entity: str = "",
    record: str = "",
    user: UUID | None = None,
    actions: list[Action] | None = None,
    outcome: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    search: str = "",
) -> "QuerySet[AuditEntry]":
    """Entries of the scope in force, newest first; `until` is exclusive.

    `search`: every word, or the beginning of one, in names, label, reason, ids or the values of the change, in any
    spelling that `common.text.normalise` equates.
    """
    found: QuerySet[AuditEntry] = AuditEntry.objects.select_related("seal").order_by("-timestamp", "-id")
    wanted = Q()
    for name, value in {"entity": entity, "object_pk": record, "actor_id": user, "outcome": outcome}.items():
        if value:
            wanted &= Q(**{name: value})
    if actions:
        wanted &= Q(action__in=actions)
    if since:
        wanted &= Q(timestamp__gte=since)
    if until:
        wanted &= Q(timestamp__lt=until)
    if search.strip():
        wanted &= _mentions(search)
    return found.filter(wanted)


def _mentions(search: str) -> Q:
    words = re.findall(r"[^\W_]+", normalise(search))
    if not words:
        return Q(pk__in=[])
    query = f"({' & '.join(f'{word}:*' for word in words[:20])}) | {''.join(words)[:200]}:*"  # a request id is one word
    sql, values = _FOUND, [query, query]
    if parse_uuid(search.strip()) and scope.current().organization:
        sql, values = sql + _ABOUT, [*values, str(scope.organization_id()), search.strip().lower()]
    return Q(pk__in=RawSQL(sql, values))  # noqa: S611 the words are parameters


def statistics(*, since: datetime | None, until: datetime | None, zone: str = "UTC") -> dict[str, Any]:
    """Counts of a period by action, kind of record, person, outcome and day (in `zone`)."""
    found = entry_list(since=since, until=until).order_by()

    def counted(*names: str) -> list[dict[str, Any]]:
        return list(found.values(*names).annotate(n=Count("pk")).order_by("-n", *names)[:TOP])

    days = found.annotate(day=TruncDate("timestamp", tzinfo=clock.zone(zone))).values("day").annotate(n=Count("pk"))
    return {
        "total": found.count(),
        "byAction": {Action(row["action"]).wire: row["n"] for row in counted("action")},
        "byResource": {row["entity"]: row["n"] for row in counted("entity")},
        "byUser": [
            {"userId": row["actor_id"], "userName": row["actor_name"] or None, "count": row["n"]}
            for row in counted("actor_id", "actor_name")
        ],
        "byOutcome": {row["outcome"]: row["n"] for row in counted("outcome")},
        "byDay": [{"date": row["day"], "count": row["n"]} for row in days.order_by("day")],
    }


def _sealed(entry: AuditEntry) -> tuple[str | None, str | None]:
    try:
        return bytes(entry.seal.leaf).hex(), bytes(entry.seal.previous).hex()
    except ObjectDoesNotExist:
        return None, None


def old_and_new(entry: AuditEntry) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Old and new values under wire names: changed fields of an update, all fields of a create or a delete."""
    changes: Mapping[str, Any] = entry.changes or {}
    named = {wire_name(column): value for column, value in changes.items()}
    pairs = all(isinstance(value, list) and len(value) == 2 for value in named.values())
    match Action(entry.action):
        case Action.CREATE | Action.RESTORE:
            return None, named or None
        case Action.DELETE | Action.CONFLICT_LOST:
            return named or None, None
        case _ if named and pairs:
            return {name: pair[0] for name, pair in named.items()}, {name: pair[1] for name, pair in named.items()}
        case _:
            return None, named or None


def entry_card(entry: AuditEntry) -> dict[str, Any]:
    """One entry on the wire, with the names of both sources (C87). The hashes are null until it is sealed."""
    old, new = old_and_new(entry)
    before, after = old or {}, new or {}
    leaf, previous = _sealed(entry)
    return {
        "id": entry.pk,
        "organizationId": entry.organization_id,
        "userId": entry.actor_id,
        "userName": entry.actor_name or None,
        "userEmail": entry.actor_email,
        "userRole": entry.actor_role or None,
        "action": Action(entry.action).wire,
        "entityType": entry.entity,
        "resource": entry.entity,
        "entityId": entry.object_pk,
        "resourceId": entry.object_pk,
        "label": entry.object_repr,
        "oldValues": old,
        "newValues": new,
        "changes": {name: {"old": before.get(name), "new": after.get(name)} for name in before | after},
        "reason": entry.reason or None,
        "outcome": entry.outcome,
        "ipAddress": entry.remote_addr,
        "userAgent": entry.agent or None,
        "deviceId": entry.device or None,
        "via": entry.via,
        "requestId": entry.cid or None,
        "latitude": entry.latitude,
        "longitude": entry.longitude,
        "timestamp": entry.timestamp,
        "createdAt": entry.timestamp,
        "erased": entry.erased_by is not None or entry.actor_erased_by is not None,
        "hash": leaf,
        "previousHash": previous,
    }
