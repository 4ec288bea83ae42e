"""Guesses at a secret: five failures within 15 minutes lock its owner, known or not."""

import math
from datetime import timedelta
from typing import Final

from django.db import connection
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import LoginFailure
from portal.core.common import clock
from portal.core.common.errors import DomainError

FAILURES: Final = 5
WINDOW: Final = timedelta(minutes=15)


class Locked(DomainError):
    """429 until the oldest of the last five failures is 15 minutes old; `meta.retryAfter` in seconds."""

    status = 429
    code = "ACCOUNT_LOCKED"


def failures_of(key: str) -> tuple[int, Locked | None]:
    """Recent failures of `key`, and the refusal where it is locked. Needs a transaction, in which others wait."""
    with connection.cursor() as cursor:  # guesses at one account wait for each other, else 50 at once count as none
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"login {key}"])
    now = clock.now()
    recent = LoginFailure.objects.filter(identifier=key, at__gt=now - WINDOW).order_by("-at")
    moments = list(recent.values_list("at", flat=True)[:FAILURES])
    if len(moments) < FAILURES:
        return len(moments), None
    wait = max(1, math.ceil((moments[-1] + WINDOW - now).total_seconds()))
    return FAILURES, Locked(_("Too many failed sign-ins. Try again later."), meta={"retryAfter": wait})
