"""Sign-in by e-mail address or user name."""

from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from portal.core.accounts.models import User
from portal.core.tenancy.scope import platform


def find_person(identifier: str) -> User | None:
    with platform():
        try:
            return User.objects.get_by_natural_key(identifier)
        except User.DoesNotExist:
            return None


class EmailBackend:
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **more: Any
    ) -> User | None:
        identifier = username or more.get("email") or ""
        if not identifier or password is None:
            return None
        user = find_person(identifier)
        if user is None:
            make_password(password)  # the same work as for a known person, so that time tells nothing
            return None
        with platform():
            if not user.check_password(password):
                return None
        return user if user.is_active and (user.organization is None or user.organization.is_active) else None

    def get_user(self, user_id: UUID | str) -> User | None:
        with platform():
            return (
                User.objects.select_related("role", "organization")
                .filter(pk=user_id, is_active=True, deleted_at=None)
                .exclude(organization__is_active=False)
                .first()
            )
