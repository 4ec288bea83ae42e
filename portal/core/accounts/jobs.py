"""Housekeeping of sign-in: tokens that have expired anyway, and failures that no longer lock anyone out."""

from datetime import timedelta

from portal.core.accounts.models import LoginFailure, RevokedToken
from portal.core.common import clock
from portal.core.jobs.tasks import periodic


@periodic(cron="5 * * * *", name="accounts.purge_tokens")
def purge_tokens() -> None:
    RevokedToken.objects.filter(expires_at__lt=clock.now()).delete()
    LoginFailure.objects.filter(at__lt=clock.now() - timedelta(days=1)).delete()
