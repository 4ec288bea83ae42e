"""What a newer schema changes: for the page of versions and for SCHEMA_BREAKS_DATA."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.collect.language.schema import Field, Schema


@dataclass(frozen=True, slots=True)
class Diff:
    added: list[Field] = field(default_factory=list)
    removed: list[Field] = field(default_factory=list)
    retyped: list[tuple[Field, Field]] = field(default_factory=list)  # old, new; or now in another repeat
    changed: dict[str, dict[str, tuple[Any, Any]]] = field(default_factory=dict)  # field id -> key -> old, new
    moved: bool = False  # fields stand in another order or group
    form: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # keys of the schema itself

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.retyped or self.changed or self.moved or self.form)

    @property
    def breaking(self) -> list[str]:
        """Ids of fields whose stored answers lose their place."""
        lost = [*self.removed, *(old for old, _new in self.retyped)]
        return [item.id for item in lost if item.answers]


def compare(old: Schema, new: Schema) -> Diff:
    before, after = old.by_id, new.by_id
    both = [name for name in before if name in after]
    retyped = [
        (before[name], after[name])
        for name in both
        if before[name].type != after[name].type or before[name].repeat != after[name].repeat
    ]
    changed = {
        name: keys for name in both if (keys := _keys(before[name].data, after[name].data, without=("fields", "type")))
    }
    places = [(name, before[name].group) for name in both]
    return Diff(
        added=[item for name, item in after.items() if name not in before],
        removed=[item for name, item in before.items() if name not in after],
        retyped=retyped,
        changed=changed,
        moved=places != [(name, after[name].group) for name in after if name in before],
        form=_keys(old.raw, new.raw, without=("fields",)),
    )


def _keys(old: Mapping[str, Any], new: Mapping[str, Any], *, without: tuple[str, ...]) -> dict[str, tuple[Any, Any]]:
    names = [*old, *(key for key in new if key not in old)]
    return {key: (old.get(key), new.get(key)) for key in names if key not in without and old.get(key) != new.get(key)}
