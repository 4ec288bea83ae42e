"""The two versions of a conflict, field by field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.core.audit.selectors import wire_name
from portal.core.sync import engine, registry
from portal.core.sync.models import Conflict
from portal.ui.trail import Difference, compare

KEEP, TAKE = "keep", "take"


@dataclass(frozen=True, slots=True)
class Side:
    """One field: what is in force, and what the other version says."""

    name: str  # on the wire
    shown: Difference
    differs: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """`kept` is the record in force now, `other` the version that is not."""

    sides: list[Side]
    kept: Mapping[str, Any]
    other: Mapping[str, Any]
    version: int

    @property
    def name(self) -> str:
        known = {**self.other, **self.kept}
        return str(known.get("code") or known.get("valueText") or "")

    @property
    def differing(self) -> list[Side]:
        return [side for side in self.sides if side.differs]

    @property
    def same(self) -> list[Side]:
        return [side for side in self.sides if not side.differs]

    @property
    def kept_deleted(self) -> bool:
        return bool(self.kept.get("deleted"))

    @property
    def other_deleted(self) -> bool:
        return bool(self.other.get("deleted"))


def comparison(conflict: Conflict) -> Comparison:
    collection = registry.get(conflict.entity)
    row = collection.rows([conflict.record_id])[conflict.record_id]
    kept = engine.plain(engine.shown(collection, row))
    other = conflict.lost_data if conflict.resolution == Conflict.Resolution.CLIENT else conflict.client_data
    other = other or {}
    columns = {column: wire_name(column) for column in collection.content}
    pairs = {column: (kept.get(name), other.get(name)) for column, name in columns.items()}
    shown = compare(collection.model, pairs)
    whole = not kept.get("deleted") and not other.get("deleted")
    sides = [Side(columns[column], shown[column], whole and pairs[column][0] != pairs[column][1]) for column in columns]
    return Comparison(sides, kept, other, row["version"])


def decision(conflict: Conflict, found: Comparison, picked: Mapping[str, str]) -> tuple[str, dict[str, Any] | None]:
    """What `services.conflict_resolve` is told: `picked` names the version per field (`keep` or `take`), or for the
    whole record under `*`."""
    other = (
        Conflict.Resolution.SERVER if conflict.resolution == Conflict.Resolution.CLIENT else Conflict.Resolution.CLIENT
    )
    names = [side.name for side in found.differing]
    taken = [name for name in names if picked.get(name) == TAKE]
    if picked.get("*") == TAKE or (names and len(taken) == len(names)):
        return other.value, None
    if taken:
        return Conflict.Resolution.MERGE.value, {name: found.other.get(name) for name in taken}
    if conflict.resolution == Conflict.Resolution.CLIENT:
        return Conflict.Resolution.MERGE.value, {}
    return Conflict.Resolution.SERVER.value, None
