"""Clocks that run out, and policies that are applied anew."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy

from portal.core.jobs.tasks import Running, job, periodic
from portal.crm.sla import reapply, services


@periodic(cron="* * * * * */30", name="crm.sla")
def sweep() -> None:
    """Every thirty seconds, until nothing is due; workers share the tickets."""
    while services.sweep() == services.AT_ONCE:
        continue


@job(name="crm.sla_reapply", title=gettext_lazy("New promises for running tickets"), retry=2)
def reapply_policy(running: Running, *, policy: str) -> dict[str, Any]:
    """In steps that commit each for itself."""
    return reapply.run(policy=UUID(policy), step=running.apart, progress=running.progress)
