"""Global search: rooms register in `AppConfig.ready` what can be found, the page and the box of Ctrl-K ask all of them.

A kind finds through the selectors of its own list, so that tenancy, own/team/all and soft deletion hold here as there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise

from portal.core.accounts.models import User

type Text = str | Promise

EACH: Final = 5  # hits of a kind before its list takes over
SHORTEST: Final = 2  # characters; fewer would find nearly everything
LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """A record as the results show it; `note` is its second line (a number, a customer, a day)."""

    title: str
    url: str
    note: Sequence[Any] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchKind:
    """`find(user, text, limit)` gives the first hits in the order of the kind's list, with one statement. `list_url`
    names the list that takes `q` (and `list_query` beside it); `platform`: also for who belongs to no organisation."""

    key: str
    label: Text
    icon: str
    permission: str
    find: Callable[[User, str, int], Sequence[Hit]]
    list_url: str = ""
    list_query: str = ""
    platform: bool = False
    order: int = 100


@dataclass(frozen=True, slots=True)
class Group:
    """The hits of a kind; `more` is the address of all of them, '' where these are all."""

    kind: SearchKind
    hits: Sequence[Hit]
    more: str


_kinds: dict[str, SearchKind] = {}


def register(*kinds: SearchKind) -> None:
    """A second registration under the same key replaces the first."""
    _kinds.update({kind.key: kind for kind in kinds})


def find(user: User, text: str) -> list[Group]:
    """What a person may see that has these words, by kind; nothing for less than two characters."""
    if len(text) < SHORTEST:
        return []
    groups = []
    for kind in sorted(_kinds.values(), key=lambda one: (one.order, one.key)):
        if not _open(kind, user):
            continue
        hits = kind.find(user, text, EACH + 1)
        if hits:
            groups.append(Group(kind, hits[:EACH], _all(kind, text) if len(hits) > EACH else ""))
    return groups


def hits[M: Any](rows: "QuerySet[M]", limit: int, url: str, tell: Callable[[M], tuple[Any, ...]]) -> list[Hit]:
    """The first rows as hits: `tell` gives the title and the parts of the note, `url` names the page of a record."""
    found = []
    for row in rows[:limit]:
        title, *note = tell(row)
        found.append(Hit(str(title), reverse(url, args=[row.pk]), [part for part in note if part not in ("", None)]))
    return found


def _open(kind: SearchKind, user: User) -> bool:
    if kind.permission and not user.has_permission(kind.permission):
        return False
    return kind.platform or user.organization_id is not None


def _all(kind: SearchKind, text: str) -> str:
    if not kind.list_url:
        return ""
    return f"{reverse(kind.list_url)}?{urlencode({'q': text})}" + (f"&{kind.list_query}" if kind.list_query else "")
