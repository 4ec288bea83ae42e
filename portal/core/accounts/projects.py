"""Which projects a person may work in: asked and told by this app, kept by the one that has projects, further up."""

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from portal.core.accounts.models import User


class Membership(Protocol):
    """Both are called in the scope of the people's organisation."""

    def read(self, people: Collection[UUID]) -> dict[UUID, list[UUID]]:
        """The projects of each person; people of none may be left out."""
        ...

    def missing(self, projects: Sequence[UUID]) -> list[UUID]:
        """Those that the organisation does not have."""
        ...

    def people(self, project: UUID) -> list[UUID]:
        """The members of a project."""
        ...

    def write(self, user: User, projects: Sequence[UUID]) -> None:
        """Make these the person's projects."""
        ...


class _None:
    """An installation without projects."""

    def read(self, people: Collection[UUID]) -> dict[UUID, list[UUID]]:
        return {}

    def missing(self, projects: Sequence[UUID]) -> list[UUID]:
        return list(projects)

    def people(self, project: UUID) -> list[UUID]:
        return []

    def write(self, user: User, projects: Sequence[UUID]) -> None:
        """Nothing can be asked for that is not missing."""


_kept: list[Membership] = [_None()]


def register(membership: Membership) -> None:
    """Called once by the app that has projects."""
    _kept[:] = [membership]


def membership() -> Membership:
    return _kept[0]
