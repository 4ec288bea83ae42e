"""Sending what is due, messages to many, and housekeeping."""

from datetime import timedelta
from uuid import UUID

from django.utils.translation import gettext_lazy
from procrastinate.contrib.django import app

from portal.core.common import clock
from portal.core.jobs.tasks import Running, job, periodic
from portal.core.notifications import delivery, services
from portal.core.notifications.events import KEPT
from portal.core.notifications.models import Event, Notification

KEPT_MESSAGES = timedelta(days=180)


@app.periodic(cron="*/5 * * * * *")
@app.task(name="notifications.deliver", queue="notifications", queueing_lock="notifications.deliver")
def deliver(timestamp: int) -> None:
    """Every five seconds; while one worker is at it, another one may take the next turn. Opens its own transactions:
    each delivery is marked before and after it leaves."""
    delivery.work()


@job(name="notifications.spread", title=gettext_lazy("Message to many people"), retry=4, queue="notifications")
def spread(running: Running, *, message: str, people: list[str]) -> dict[str, int]:
    """The copies of a message to more than 200 people."""
    made = services.message_expand(id=UUID(message), people=[UUID(user) for user in people], running=running)
    return {"queued": made, "failed": len(people) - made}


@periodic(cron="10 * * * *", name="notifications.purge_events")
def purge_events() -> None:
    Event.objects.filter(at__lt=clock.now() - KEPT).delete()


@periodic(cron="50 3 * * *", name="notifications.purge")
def purge() -> None:
    """Messages after half a year, with all that hangs on them."""
    Notification.objects.filter(created_at__lt=clock.now() - KEPT_MESSAGES).delete()
