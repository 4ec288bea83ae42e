"""Housekeeping of the keys that make a retry harmless; after 72 hours content and versions alone do."""

from datetime import timedelta

from portal.core.common import clock
from portal.core.jobs.tasks import periodic
from portal.core.sync.models import IdempotencyKey, ItemKey

KEPT = timedelta(hours=72)


@periodic(cron="15 * * * *", name="sync.purge_keys")
def purge_keys() -> None:
    for model in (IdempotencyKey, ItemKey):
        model.objects.filter(created_at__lt=clock.now() - KEPT).delete()
