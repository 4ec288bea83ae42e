"""Which records are synced. A room registers its collections when it loads; the engine knows nothing else of it."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Collection as Ids
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import JSONField
from django.utils.functional import Promise

from portal.core.sync.models import SyncedModel
from portal.core.tenancy import scope

if TYPE_CHECKING:
    from portal.core.accounts.models import User
    from portal.core.sync.engine import Batch, Change

Row = dict[str, Any]  # column -> Python value, every concrete column of the table


@dataclass(frozen=True, slots=True)
class Collection:
    """One synced model: how its items are checked, written and shown.

    `validate(batch, changes)` fills each change's `row` (the whole row as it would be written) or its `error`; it is
    set-based, runs before the clock is locked and may run again. `derive(batch)` runs once for the room after all
    decisions, under the lock: it fills computed columns and may add rows of its own. `wire(rows)` gives the resource
    as clients see it. `visible(user, ids)` says which of these records, deleted ones too, a person may see, and
    `reach(user)` is a text that differs where that as a whole differs, so that the person's devices fetch anew.
    """

    entity: str
    plural: str
    label: Promise | str
    model: type[SyncedModel]
    order: int  # parents before children
    view: str
    edit: str
    delete: str
    content: tuple[str, ...]  # columns a client can write
    validate: "Callable[[Batch, Sequence[Change]], None]"
    derive: "Callable[[Batch], None]"
    wire: Callable[[Sequence[Row]], list[dict[str, Any]]]
    announce: "Callable[[Batch], None]"
    visible: "Callable[[User, Ids[UUID]], set[UUID]] | None" = None  # None: whoever has the right sees all
    reach: "Callable[[User], str]" = field(default=lambda user: "")
    # like `validate`, for deletions: refuses those that this person may not make
    validate_deletions: "Callable[[Batch, Sequence[Change]], None] | None" = None
    passes_json: bool = False  # `wire` hands JSON columns on without looking into them

    def seen(self, user: "User", ids: Ids[UUID]) -> set[UUID]:
        return set(ids) if self.visible is None else self.visible(user, ids)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(str(column.column) for column in self.model._meta.concrete_fields)

    def rows(self, ids: Iterable[UUID], *, by: str = "id", shown: bool = False) -> dict[UUID, Row]:
        """The rows with these ids (in the column `by`) in the organisation in force, deleted ones too.

        Past the ORM, whose `values()` takes three times the time for a thousand rows (29 against 10 ms). `shown`: for
        the wire alone, so that JSON columns may stay the text that they are.
        """
        read = orjson.Fragment if shown and self.passes_json else orjson.loads
        names = self.columns
        documents = [field.attname for field in self.model._meta.concrete_fields if isinstance(field, JSONField)]
        columns, table = ", ".join(f'"{name}"' for name in names), self.model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(
                f'SELECT {columns} FROM "{table}" WHERE organization_id = %s AND "{by}" = ANY(%s)',
                [scope.organization_id(), list(ids)],
            )
            found = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
        for row in found:
            for name in documents:
                row[name] = read(row[name])
        return {row["id"]: row for row in found}


_collections: dict[str, Collection] = {}


def register(collection: Collection) -> None:
    _collections[collection.entity] = collection


def get(entity: str) -> Collection:
    """The collection of an entity; raises KeyError for one that no room registered."""
    return _collections[entity]


def named(text: str) -> Collection | None:
    """By entity name in the singular or the plural (C64)."""
    return _collections.get(text) or next((c for c in _collections.values() if c.plural == text), None)


def in_order() -> list[Collection]:
    return sorted(_collections.values(), key=lambda collection: collection.order)


@dataclass(frozen=True, slots=True)
class Tombstone:
    id: UUID
    deleted_at: datetime
    deleted_by: UUID | None
