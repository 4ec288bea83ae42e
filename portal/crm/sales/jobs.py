"""The forecast's own record, every night."""

from portal.core.jobs.tasks import periodic
from portal.crm.sales.forecast import take_snapshots


@periodic(cron="15 1 * * *", name="sales.snapshot")
def snapshot() -> None:
    take_snapshots()
