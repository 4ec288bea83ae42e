"""The audit log as its readers see it: filtered, newest first, under wire names."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from portal.core.audit.models import Action, AuditEntry

_UNDERSCORE = re.compile(r"_+([a-z0-9])")
WIRE_ACTIONS = {action.wire: action for action in Action if action is not Action.ACCESS}
# Shown where the sources name a thing differently from its column.
_WIRE_NAMES = {"client_updated_at": "clientTimestamp"}


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
    """Entries of the scope in force, newest first; `until` is exclusive."""
    found: QuerySet[AuditEntry] = AuditEntry.objects.order_by("-timestamp", "-id")
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
    for word in search.split():
        named = Q(object_repr__icontains=word) | Q(actor_name__icontains=word)
        wanted &= named | Q(reason__icontains=word) | Q(object_pk=word)
    return found.filter(wanted)


def old_and_new(entry: AuditEntry) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Old and new values under wire names: changed fields of an update, all fields of a create or a delete."""
    changes: Mapping[str, Any] = entry.changes or {}
    named = {wire_name(column): value for column, value in changes.items()}
    pairs = all(isinstance(value, list) and len(value) == 2 for value in named.values())
    match Action(entry.action):
        case Action.CREATE | Action.RESTORE:
            return None, named
        case Action.DELETE | Action.CONFLICT_LOST:
            return named, None
        case _ if named and pairs:
            return {name: pair[0] for name, pair in named.items()}, {name: pair[1] for name, pair in named.items()}
        case _:
            return None, named or None


def entry_card(entry: AuditEntry) -> dict[str, Any]:
    """One entry on the wire, with the names of both sources (C87). The hashes are null until it is sealed."""
    old, new = old_and_new(entry)
    before, after = old or {}, new or {}
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
        "hash": None,
        "previousHash": None,
    }
