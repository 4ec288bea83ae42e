"""Figures of the platform that apps further up keep: they tell them here when they load (003 `/admin/dashboard/stats`).

Each is called in a platform scope.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Projects(NamedTuple):
    """Projects that are not deleted, by status; `closed` of 003 is completed and archived together (C40)."""

    draft: int = 0
    active: int = 0
    completed: int = 0
    archived: int = 0


class Submissions(NamedTuple):
    """How many an organisation has, and since when it has how many: all, of the last 7 and of the last 30 days."""

    total: int
    last7: int
    last30: int


_projects: list[Callable[[], Projects]] = []
_submissions: list[Callable[[datetime], dict[UUID, Submissions]]] = []


def register_projects(count: Callable[[], Projects]) -> None:
    """Called once by the app that has projects."""
    _projects[:] = [count]


def register_submissions(count: Callable[[datetime], dict[UUID, Submissions]]) -> None:
    """Called once by the app that has submissions: by organisation, at a moment."""
    _submissions[:] = [count]


def projects() -> Projects:
    return _projects[0]() if _projects else Projects()


def submissions(at: datetime) -> dict[UUID, Submissions]:
    return _submissions[0](at) if _submissions else {}
