"""Background work of dashboards: their PDFs."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from portal.collect.dashboards.models import DashboardPdf
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.jobs.tasks import Running, job, periodic
from portal.core.notifications.events import publish

_KEPT: Final = timedelta(days=1)


@job(name="collect.dashboard_pdf", retry=2, queue="reports")
def dashboard_pdf(running: Running, *, dashboard: str, language: str) -> dict[str, str]:
    """Draw a dashboard as the person who asked for it sees it now."""
    from portal.collect.dashboards import pdf, selectors

    user = User.objects.select_related("role").get(pk=running.by.user or "")
    found = selectors.dashboard_for(user, UUID(dashboard))
    content = pdf.render(found, user=user, language=language, progress=running.progress)
    made = DashboardPdf.objects.create(
        organization_id=found.organization_id, dashboard=found, language=language, content=content, created_by=user
    )
    publish("dashboard.exported", entity="dashboard", id=found.pk, data={"pdfId": str(made.pk)}, users=[user.pk])
    return {"pdfId": str(made.pk), "url": f"/dashboards/pdf/{made.pk}"}


@periodic(cron="25 3 * * *", name="collect.dashboard_pdf_purge")
def purge() -> None:
    """After a day."""
    DashboardPdf.objects.filter(created_at__lt=clock.now() - _KEPT).delete()
