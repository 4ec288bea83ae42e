"""Whose data a piece of work may touch, and who does it.

`tenant(…)` and `platform(…)` open a transaction and tell PostgreSQL the organisation (for row-level security) and
the actor (for the audit triggers) in settings that end with that transaction. Scoped managers raise outside of them.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django_scopes import scope as _manager_scope
from django_scopes import scopes_disabled


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as the audit log records it. `via` is the door they came through.

    `device` is the client's own name of its device, `device_row` the id of our row of it: two people may give their
    devices the same name.
    """

    user: UUID | None = None
    name: str = ""
    email: str = ""
    role: str = ""
    device: str = ""
    device_row: UUID | None = None
    ip: str = ""
    agent: str = ""
    request: str = ""
    reason: str = ""
    via: str = "system"
    impersonator: UUID | None = None


SYSTEM = Actor()


@dataclass(frozen=True, slots=True)
class Scope:
    organization: UUID | None
    actor: Actor


_current: ContextVar[Scope | None] = ContextVar("marsad_scope", default=None)


def current() -> Scope:
    """The scope in force; raises LookupError outside of one."""
    value = _current.get()
    if value is None:
        raise LookupError("no tenant() or platform() scope is open")
    return value


def organization_id() -> UUID:
    """The organisation in force; raises LookupError in a platform scope."""
    value = current().organization
    if value is None:
        raise LookupError("this needs an organisation, and the platform scope has none")
    return value


def actor() -> Actor:
    value = _current.get()
    return value.actor if value else SYSTEM


def _tell_database(value: Scope | None) -> None:
    organization = str(value.organization or "") if value else ""
    kind = "" if value is None else "tenant" if value.organization else "platform"
    who = orjson.dumps({k: v for k, v in asdict(value.actor).items() if v}).decode() if value else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('marsad.organization', %s, true), set_config('marsad.scope', %s, true),"
            " set_config('marsad.actor', %s, true)",
            [organization, kind, who],
        )


@contextlib.contextmanager
def _enter(value: Scope) -> Iterator[None]:
    outer = _current.get()
    with transaction.atomic():
        token = _current.set(value)
        try:
            _tell_database(value)
            yield
        finally:
            _current.reset(token)
        if connection.savepoint_ids:  # nested: a rollback undoes the settings by itself, a released savepoint does not
            _tell_database(outer)


@contextlib.contextmanager
def tenant(organization: UUID, *, by: Actor = SYSTEM) -> Iterator[None]:
    """Work inside one organisation, in one transaction."""
    with _manager_scope(organization=organization), _enter(Scope(organization, by)):
        yield


@contextlib.contextmanager
def platform(*, by: Actor = SYSTEM) -> Iterator[None]:
    """Work across organisations: sign-in, the superadmin's pages, housekeeping jobs. Never for a tenant's user."""
    with scopes_disabled(), _enter(Scope(None, by)):
        yield


@contextlib.contextmanager
def acting(**changes: Any) -> Iterator[None]:
    """Say more of the actor for the writes inside: `reason`, `device`, `via`."""
    value = current()
    token = _current.set(replace(value, actor=replace(value.actor, **changes)))
    try:
        _tell_database(_current.get())
        yield
    finally:
        _current.reset(token)
    _tell_database(value)
