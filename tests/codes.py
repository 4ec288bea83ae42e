"""Codes of an authenticator app."""

from types import SimpleNamespace

import pytest
from allauth.mfa.totp.internal import auth


def stand_still(patch: pytest.MonkeyPatch) -> None:
    """App and server read one clock that stands still, or a step of 30 seconds ends between their two readings."""
    now = auth.time.time()
    patch.setattr(auth, "time", SimpleNamespace(time=lambda: now))


def totp(secret: str, *, steps: int = 0) -> str:
    """The code that an authenticator app shows now, or some steps of 30 seconds later."""
    now = list(auth.yield_hotp_counters_from_time())[auth.app_settings.TOTP_TOLERANCE]
    return str(auth.format_hotp_value(auth.hotp_value(secret, now + steps)))
