"""Background work of dashboards: their PDFs."""

import io
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.files.exports import export_keep
from portal.core.jobs.tasks import Running, job


@job(name="collect.dashboard_pdf", title=gettext_lazy("PDF of a dashboard"), retry=2, queue="reports")
def dashboard_pdf(running: Running, *, dashboard: str, language: str) -> dict[str, Any]:
    """Draw a dashboard as the person who asked for it sees it now, and keep it among their files for a day."""
    from portal.collect.dashboards import pdf, selectors

    user = User.objects.select_related("role").get(pk=running.by.user or "")
    found = selectors.dashboard_for(user, UUID(dashboard))
    content = pdf.render(found, user=user, language=language, progress=running.progress)
    name = f"dashboard-{clock.now():%Y-%m-%d}-{language}.pdf"
    return export_keep(
        file=io.BytesIO(content), filename=name, by=user, right="views.export", rows=found.widgets.count()
    )
