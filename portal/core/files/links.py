"""Records that files may belong to. Rooms register theirs when they load; access to the file follows the record."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Invalid


def _nothing_held(ids: Collection[UUID]) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class LinkKind:
    """`kind` is the record's name on the wire (`sample`). All functions run in the organisation's scope.

    `visible(user)`: the records that a person may see, deleted ones left out. `editable(user)`: those to which they
    may attach and detach files; `visible` where it is None. `label(record)` and `url(id)` show one on a page.
    `held(ids)`: why a file of these records must not be deleted now (an active contract, an open ticket), else ''.
    """

    kind: str
    label_plural: Promise | str
    visible: Callable[[User], QuerySet[Any]]
    label: Callable[[Any], str] = str
    url: Callable[[UUID], str] = lambda id: ""
    editable: Callable[[User], QuerySet[Any]] | None = None
    held: Callable[[Collection[UUID]], str] = _nothing_held


_kinds: dict[str, LinkKind] = {}


def register(*kinds: LinkKind) -> None:
    for kind in kinds:
        if _kinds.setdefault(kind.kind, kind) is not kind:
            raise ValueError(f"links to {kind.kind} are declared twice")


def kinds() -> dict[str, LinkKind]:
    return _kinds


def kind_named(name: str) -> LinkKind:
    """Raises Invalid naming `links`."""
    found = _kinds.get(name)
    if found is None:
        raise Invalid.field("links", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(sorted(_kinds))})
    return found


def record(kind: str, id: UUID, user: User, *, to_edit: bool = False) -> Any:
    """The record, if the person may see it (to attach: edit it). Raises Invalid naming `links`."""
    known = kind_named(kind)
    rows = known.editable(user) if to_edit and known.editable else known.visible(user)
    found = rows.filter(pk=id).first()
    if found is None:
        raise Invalid.field("links", _("There is no such record: %(kind)s %(id)s.") % {"kind": kind, "id": id})
    return found
