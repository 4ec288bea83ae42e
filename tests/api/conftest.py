"""The cast: alice (admin of A), bob (technician of A), carol (viewer of A), mallory (admin of B), root (superadmin)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from portal.core.accounts import tokens
from portal.core.accounts.models import Role, User
from portal.core.audit.models import AuditEntry
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform

PASSWORD = "secret1"


@dataclass(slots=True)
class Person:
    """A client of the JSON API signed in as `user`; every call answers Django's response."""

    user: User
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sends = method not in ("get", "head")
        options: dict[str, Any] = (
            {"data": "" if body is None else body, "content_type": "application/json"} if sends else {}
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(Client(), method)(f"/api/v1{path}", headers={**self.headers, **named}, **options)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("get", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("post", path, {} if body is None else body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.call("patch", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.call("put", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.call("delete", path, **headers)


@dataclass(frozen=True, slots=True)
class Cast:
    alice: Person
    bob: Person
    carol: Person
    mallory: Person
    root: Person
    a: Organization
    b: Organization


@pytest.fixture
def cast(db: None) -> Cast:
    return new_cast()


def new_cast() -> Cast:
    cache.clear()
    with platform():
        a, b = (Organization.objects.create(name=name, time_zone="Africa/Casablanca") for name in ("A", "B"))
        roles = {role.key: role for role in Role.objects.filter(organization=None)}
        people = {}
        for name, organization, role in (
            ("alice", a, "Admin"),
            ("bob", a, "Technician"),
            ("carol", a, "Viewer"),
            ("mallory", b, "Admin"),
            ("root", None, "SuperAdmin"),
        ):
            user = User(email=f"{name}@example.test", username=name, name=name.title(), organization=organization)
            user.role = roles[role]
            user.set_password(PASSWORD)
            user.save()
            people[name] = Person(user, {"Authorization": f"Bearer {tokens.issue(user)[0]}"})
    return Cast(a=a, b=b, **people)


@pytest.fixture
def nobody() -> Person:
    return Person(User())


@pytest.fixture
def trail(cast: Cast) -> Callable[..., list[AuditEntry]]:
    """The audit entries of one action, oldest first."""

    def read(action: int, **filters: Any) -> list[AuditEntry]:
        with platform():
            return list(AuditEntry.objects.filter(action=action, **filters).order_by("id"))

    return read
