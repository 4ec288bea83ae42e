"""Retention of the figures."""

from datetime import timedelta
from typing import Final

from django.db import connection
from procrastinate.contrib.django import app

from portal.core.common import clock
from portal.core.monitoring import sql
from portal.core.monitoring.models import Minute

FINE: Final = timedelta(hours=26)  # what the page shows by minutes and ten minutes
KEPT: Final = timedelta(days=35)


@app.periodic(cron="35 * * * *")
@app.task(name="monitoring.roll_up", queueing_lock="monitoring.roll_up")
def roll_up(timestamp: int) -> None:
    """Minutes become hours after a day, and hours go after five weeks."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(sql.ROLL_UP, {"before": (now - FINE).replace(minute=0, second=0, microsecond=0)})
    Minute.objects.filter(minute__lt=now - KEPT).delete()
