"""The cast: alice (admin of A), bob (agent of A), carol (viewer of A), mallory (admin of B), root (superadmin)."""

from dataclasses import dataclass, field

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from portal.core.accounts.models import Role, User
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform


@dataclass
class Cast:
    a: Organization = field(default_factory=lambda: Organization(name="A"))
    b: Organization = field(default_factory=lambda: Organization(name="B"))

    def __post_init__(self) -> None:
        with platform():
            self.a.save()
            self.b.save()
        self.alice = self.person("alice", "Admin", self.a)
        self.bob = self.person("bob", "Agent", self.a)
        self.carol = self.person("carol", "Viewer", self.a)
        self.mallory = self.person("mallory", "Admin", self.b)
        self.root = self.person("root", "SuperAdmin", None)

    def person(self, name: str, role: str, organization: Organization | None) -> User:
        with platform():
            user = User(
                name=name,
                email=f"{name}@test.invalid",
                organization=organization,
                role=Role.objects.get(key=role, organization=None),
            )
            user.set_password("a password of the tests")
            user.save()
            return user


def session_of(user: User) -> str:
    """The key of a signed-in session."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "portal.core.accounts.backends.EmailBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)
