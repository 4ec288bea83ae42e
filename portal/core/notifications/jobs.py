"""Housekeeping of live events."""

from portal.core.common import clock
from portal.core.jobs.tasks import periodic
from portal.core.notifications.events import KEPT
from portal.core.notifications.models import Event


@periodic(cron="10 * * * *", name="notifications.purge_events")
def purge_events() -> None:
    Event.objects.filter(at__lt=clock.now() - KEPT).delete()
