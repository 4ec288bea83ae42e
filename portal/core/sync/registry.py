"""Which records are synced. A room registers its collections when it loads; the engine knows nothing else of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q
from django.utils.functional import Promise

from portal.core.sync.models import SyncedModel

if TYPE_CHECKING:
    from portal.core.sync.engine import Batch, Change

Row = dict[str, Any]  # column -> Python value, every concrete column of the table


@dataclass(frozen=True, slots=True)
class Collection:
    """One synced model: how its items are checked, written and shown.

    `validate(batch, changes)` fills each change's `row` (the whole row as it would be written) or its `error`; it is
    set-based, runs before the clock is locked and may run again. `derive(batch)` runs once for the room after all
    decisions, under the lock: it fills computed columns and may add rows of its own. `wire(rows)` gives the resource
    as clients see it. `visible(user id)` narrows the feed to the person's scope.
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
    visible: Callable[[UUID | None], Q] = field(default=lambda user: Q())

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(str(column.column) for column in self.model._meta.concrete_fields)

    def rows(self, ids: Iterable[UUID]) -> dict[UUID, Row]:
        """The rows with these ids in the organisation in force, deleted ones too."""
        found = self.model.objects.filter(pk__in=list(ids)).values(
            *(f.attname for f in self.model._meta.concrete_fields)
        )
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
