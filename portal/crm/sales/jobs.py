"""Background work of sales: long exports, and the forecast's own record of every night."""

from typing import Any

from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.jobs.tasks import Running, job, periodic
from portal.core.tenancy.models import Organization
from portal.crm.sales import exports, selectors
from portal.crm.sales.forecast import take_snapshots
from portal.crm.sales.selectors import Filters


@job(name="crm.sales_export", title=gettext_lazy("Export of deals"), retry=2, queue="reports")
def sales_export(running: Running, *, kind: str, filters: dict[str, Any], ordering: list[str]) -> dict[str, Any]:
    """A file of more rows than an answer should hold; it waits a day for whoever asked."""
    user = User.objects.select_related("role").get(pk=running.by.user or "")
    zone = Organization.objects.values_list("time_zone", flat=True).get(pk=running.organization)
    today = clock.now().astimezone(clock.zone(zone)).date()
    rows = selectors.deal_list(user=user, today=today, filters=Filters.of(filters)).order_by(*ordering)
    return exports.keep(rows, kind, filters=filters, by=user)


@periodic(cron="15 1 * * *", name="sales.snapshot")
def snapshot() -> None:
    take_snapshots()
