"""Background work of reports: drawing a run, sending by the clock, forgetting files."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy

from portal.core.jobs.tasks import Running, job, on_change, periodic


@job(name="reports.draw", title=gettext_lazy("File of a report"), retry=3, queue="reports")
def draw(running: Running, *, run: str) -> dict[str, Any]:
    """The file of a run: a killed worker leaves none, and its start is repeated."""
    from portal.desk.reports import services

    return services.run_draw(id=UUID(run), running=running)


@periodic(cron="* * * * *", name="reports.due")
def due() -> None:
    from portal.desk.reports import schedules

    schedules.run_due()


@periodic(cron="35 3 * * *", name="reports.forget")
def forget() -> None:
    from portal.desk.reports import services

    services.files_forget()


def _follow(row: Any) -> None:
    from portal.desk.reports import services

    services.follow(row)


on_change(_follow)
