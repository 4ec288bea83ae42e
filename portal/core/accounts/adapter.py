"""The portal's sign-in through django-allauth: no sign-up, the same lockout as the APIs, encrypted secrets."""

from base64 import urlsafe_b64encode
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

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


def vault() -> MultiFernet:
    """Encrypts secrets that have to be read again, with a key that the program's secret key gives; reads what older
    secret keys encrypted, too."""
    return MultiFernet(
        Fernet(urlsafe_b64encode(salted_hmac("marsad.mfa", "key", secret=secret, algorithm="sha256").digest()))
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )


class MFAAdapter(DefaultMFAAdapter):
    """Secrets of authenticators are encrypted in the database."""

    def encrypt(self, text: str) -> str:
        return vault().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return vault().decrypt(encrypted_text.encode()).decode()
