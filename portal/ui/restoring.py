"""Which deleted records come back, and how.

Rooms register their kinds in `AppConfig.ready`; a page that deletes offers Undo with `undo_deletion`, and the list of
what was deleted (`ui/deleted.py`) shows the kinds that have `rows`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise

from portal.core.accounts.models import User
from portal.ui.undo import undoable

type Text = str | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Restorable:
    """`restore(id=…, by=…)` is the room's service: permission, sight, uniqueness and audit are its matter.

    `rows(user)`: what the person may bring back, for holders of `permission`; a kind without it comes back by Undo
    alone. `url` shows a record that is back. `parent`: the service wants the id of the record that this one belongs to,
    under that name, and `url` shows that one."""

    key: str
    restore: Callable[..., object]
    url: Callable[[UUID], str]
    permission: str = ""
    label: Text = ""
    list_url: str = ""
    rows: Callable[[User], QuerySet[Any]] | None = None
    parent: str = ""


_kinds: dict[str, Restorable] = {}


def register(*kinds: Restorable) -> None:
    for kind in kinds:
        _kinds[kind.key] = kind


def find(key: str) -> Restorable | None:
    return _kinds.get(key)


def listed(user: User) -> list[Restorable]:
    """The kinds whose deleted records the person may bring back, in the order of registration."""
    return [kind for kind in _kinds.values() if kind.rows and user.has_permission(kind.permission)]


def address(key: str, user: User) -> str:
    """Where the deleted records of a kind are listed; '' for whoever may not bring them back."""
    kind = _kinds[key]
    return reverse("deleted:of_kind", args=[key]) if user.has_permission(kind.permission) else ""


def undo_deletion(request: HttpRequest, text: str, key: str, *ids: UUID, parent: UUID | None = None) -> None:
    """Say that records were deleted, with a button that brings them back."""
    fields: Sequence[tuple[str, str]] = [("kind", key), *(("ids", str(id)) for id in ids)]
    if parent is not None:
        fields = [*fields, ("parent", str(parent))]
    undoable(request, text, url=reverse("deleted:restore"), fields=fields)
