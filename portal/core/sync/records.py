"""Writing one synced record from a page or a REST call: create with repeats, edit with a version, delete.

What a batch of a device says item by item is said here by an exception.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Conflict, Denied, DomainError, FieldError, IllegalTransition, Invalid, NotFound
from portal.core.common.ids import parse_uuid, uuid7
from portal.core.sync import engine, registry
from portal.core.sync.engine import Change
from portal.core.sync.models import FeedRecord
from portal.core.sync.registry import Row
from portal.core.tenancy import scope

_CONFLICTS: Final = frozenset({"DUPLICATE", "VERSION_CONFLICT", "SAMPLE_LOCKED"})


def create(entity: str, data: Mapping[str, Any], by: User) -> tuple[Row, bool]:
    """The stored row, and False where `id` or `localSyncId` was known already: a repeated create is answered with the
    first one's record."""
    collection = registry.get(entity)
    may(by, collection.edit)
    given = data.get("id")
    id = uuid7() if given is None else parse_uuid(given)
    if id is None:
        raise Invalid.field("id", _("Must be a UUID."))
    local = data.get("localSyncId") or data.get("local_sync_id")
    engine.lock_clock()  # so that of two equal creates the second one sees the first
    if isinstance(local, str) and local:
        stored = collection.model.objects.filter(local_sync_id=local.strip()).values_list("pk", flat=True).first()
        if stored is not None:
            return _again(entity, collection.rows([stored])[stored], by), False
    if given is not None and (held := collection.rows([id]).get(id)):
        return _again(entity, held, by), False
    apply([Change(entity, id, "created", dict(data))], by)
    return collection.rows([id])[id], True


def change(
    entity: str, id: UUID, operation: engine.Operation, data: Mapping[str, Any], by: User, version: int | None = None
) -> Row:
    """Edit or delete. Raises NotFound for a record that the person does not see, VERSION_CONFLICT with the current one
    where its content changed since `version`."""
    collection = registry.get(entity)
    may(by, collection.delete if operation == "deleted" else collection.edit)
    engine.lock_clock()
    row = visible(entity, id, by)
    if version is not None and FeedRecord.objects.get(entity=entity, record_id=id).content_seq > version:
        raise Conflict(
            _("Somebody else has changed this record in the meantime."),
            meta={"version": row["version"], "current": collection.wire([row])[0]},
        )
    reason = data.get("reason")
    with scope.acting(reason=reason if isinstance(reason, str) else scope.actor().reason):
        apply([Change(entity, id, operation, dict(data), client_version=engine.NO_VERSION_CHECK)], by)
    return collection.rows([id])[id]


def restore(entity: str, id: UUID, by: User) -> Row:
    """Bring a deleted record back, with what went with it; one that lives is answered as it is. Who may delete may.
    Raises Denied, NotFound, and what the room says against it (a code that another record has got)."""
    collection = registry.get(entity)
    may(by, collection.delete)
    engine.lock_clock()
    row = collection.rows([id]).get(id)
    if row is None or id not in collection.seen(by, [id]):
        raise NotFound(_("There is no such record."))
    if row["deleted_at"] is not None:
        apply([Change(entity, id, "updated", {}, client_version=engine.NO_VERSION_CHECK)], by)
    return collection.rows([id])[id]


def to_restore[M: models.Model](rows: QuerySet[M], *, id: UUID, by: User, right: str) -> M:
    """For records that are not synced: the one to bring back, locked. `rows`: all in the person's sight, deleted ones
    too. Raises Denied, NotFound."""
    may(by, right)
    found = rows.select_for_update(no_key=True, of=("self",)).filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such record."))
    return found


def visible(entity: str, id: UUID, by: User) -> Row:
    """A living row that the person may see; raises NotFound."""
    collection = registry.get(entity)
    row = collection.rows([id]).get(id)
    if row is None or row["deleted_at"] is not None or id not in collection.seen(by, [id]):
        raise NotFound(_("There is no such record."))
    return row


def may(by: User, permission: str) -> None:
    if not by.has_permission(permission):
        raise Denied(_("You do not have the right to do this."), meta={"permission": permission})


def apply(changes: Sequence[Change], by: User) -> None:
    """The changes together, or none: raises for the first one that was refused."""
    engine.apply(changes, user=by.pk)
    for item in changes:
        if item.errors:
            raise refusal(item)


def refusal(item: Change) -> DomainError:
    """Why an item was refused, as the exception that a single call raises."""
    first = item.errors[0]
    faults = [FieldError(e.field or "", e.message) for e in item.errors]
    if first.code == "VALIDATION_ERROR":
        return Invalid(first.message, errors=faults)
    if first.code == "ILLEGAL_TRANSITION":
        return IllegalTransition(first.message, errors=faults, meta={"allowed": list(first.allowed)})
    if first.code == "RESOURCE_NOT_FOUND" and first.field == "entityId":
        # An id that another organisation holds: to this one it is as good as taken and as good as unknown.
        return NotFound(first.message)
    if first.code in _CONFLICTS:
        return Conflict(first.message, code=first.code, errors=faults)
    if first.code == "PERMISSION_DENIED":
        return Denied(first.message, errors=faults)
    status = {"RESOURCE_NOT_FOUND": 404, "LBAC_VIOLATION": 422}.get(first.code, 400)
    return DomainError(first.message, code=first.code, status=status, errors=faults)


def _again(entity: str, row: Row, by: User) -> Row:
    if row["deleted_at"] is not None or row["id"] not in registry.get(entity).seen(by, [row["id"]]):
        raise Conflict(_("A deleted record has this id."), code="DUPLICATE")
    return row
