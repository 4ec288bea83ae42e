"""The portal's sign-in through django-allauth: no sign-up, the same lockout as the APIs."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from portal.core.accounts.models import User


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        user: User | None = super().authenticate(request, **credentials)
        refusal = getattr(request, "login_refusal", None)
        if user is None and refusal is not None and refusal.code != "INVALID_CREDENTIALS":
            raise ValidationError(str(refusal.message), code=refusal.code)
        return user
