"""What a submission of a mapped form can create in another room. `desk/bridges` fills the registry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.functional import Promise

from portal.core.accounts.models import User


@dataclass(frozen=True, slots=True)
class Wanted:
    """One record to create: `data` is what the mapping says of it, on the wire of its room."""

    submission: UUID
    project: UUID
    captured: datetime
    data: Mapping[str, Any]
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True, slots=True)
class Made:
    """The record's id, or why it was refused."""

    id: UUID | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """`fields`: names that a mapping may fill, in words. `create` runs in the transaction of the submissions,
    set-based, never raises for one of them, and answers one `Made` each, in order. `url(id)` is the record's page,
    `label` its kind."""

    label: Promise | str
    fields: Mapping[str, Promise | str]
    create: Callable[[Sequence[Wanted], User], list[Made]]
    url: Callable[[UUID], str]


targets: dict[str, Target] = {}
