"""Housekeeping of the keys that make a retry harmless; after 72 hours content and versions alone do."""

from datetime import timedelta

from django.db.models import Max

from portal.core.common import clock
from portal.core.jobs.tasks import periodic
from portal.core.sync.engine import lock_clock
from portal.core.sync.models import Clock, FeedRecord, IdempotencyKey, ItemKey, Upload
from portal.core.sync.selectors import TOMBSTONES
from portal.core.sync.services import UPLOAD_LIFE
from portal.core.tenancy import scope

KEPT = timedelta(hours=72)


@periodic(cron="15 * * * *", name="sync.purge_keys")
def purge_keys() -> None:
    for model in (IdempotencyKey, ItemKey):
        model.objects.filter(created_at__lt=clock.now() - KEPT).delete()


@periodic(cron="45 3 * * *", name="sync.purge_tombstones")
def purge_tombstones() -> None:
    """Forget deletions older than 90 days; the clock's floor says up to which version (C62)."""
    due = (
        FeedRecord.objects.filter(deleted_at__lt=clock.now() - TOMBSTONES)
        .values("organization_id")
        .annotate(last=Max("seq"))
        .values_list("organization_id", "last")
    )
    for organization, last in list(due):
        with scope.tenant(organization, by=scope.actor()):
            lock_clock()
            FeedRecord.objects.filter(deleted_at__lt=clock.now() - TOMBSTONES, seq__lte=last).delete()
            Clock.objects.filter(floor__lt=last).update(floor=last)


@periodic(cron="30 3 * * *", name="sync.purge_uploads")
def purge_uploads() -> None:
    """Forget uploads a week after they ran out; what they brought stays."""
    Upload.objects.filter(expires_at__lt=clock.now() - UPLOAD_LIFE).delete()
