"""Background work of contracts: what the calendar asks for, in every organisation, every hour."""

from django.utils.translation import gettext_lazy

from portal.core.jobs.tasks import Running, defer, job, pending, periodic
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import tenant
from portal.crm.contracts import access, renewals


@job(name="contracts.calendar", title=gettext_lazy("Contracts that begin, renew or end today"), retry=3)
def calendar(running: Running) -> dict[str, int]:
    """Activate, renew, terminate, expire and remind of what is due today in the organisation's zone."""
    return renewals.run(access.today(), progress=running.progress)


@periodic(cron="7 * * * *", name="contracts.hourly")
def hourly() -> None:
    """Queue the work of every organisation in which something is due: midnight comes at another hour in each zone."""
    for organization in Organization.objects.filter(deleted_at=None, is_active=True):
        with tenant(organization.pk):
            if renewals.due(access.today(organization.time_zone)) and pending(calendar) is None:
                defer(calendar)
