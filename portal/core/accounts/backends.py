"""Sign-in by e-mail address or user name."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest

from portal.core.accounts import services
from portal.core.accounts.models import User
from portal.core.accounts.policy import request_actor
from portal.core.common.errors import DomainError
from portal.core.tenancy.scope import Actor, platform


class EmailBackend:
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **more: Any
    ) -> User | None:
        """None where refused; `request.login_refusal` then holds the reason (locked, inactive, wrong)."""
        identifier = username or more.get("email") or ""
        if not identifier or password is None:
            return None
        by = request_actor(request) if request is not None else Actor()
        try:
            return services.verify_password(identifier=identifier, password=password, by=by)
        except DomainError as refusal:
            if request is not None:
                request.login_refusal = refusal  # type: ignore[attr-defined]
            return None

    def get_user(self, user_id: UUID | str) -> User | None:
        with platform():
            return (
                User.objects.select_related("role", "organization")
                .filter(pk=user_id, is_active=True, deleted_at=None)
                .exclude(organization__is_active=False)
                .first()
            )
