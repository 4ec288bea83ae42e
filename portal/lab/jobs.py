"""Background work of the laboratory."""

from portal.core.jobs.tasks import Running, job
from portal.lab.models import ComplianceReport


@job(name="lab.report_pdf", retry=2, queue="reports")
def report_pdf(running: Running, *, report: str, language: str) -> dict[str, str]:
    """Render and keep the PDF of a report that is too long for a request."""
    from portal.lab.reports import services

    services.report_render(report=ComplianceReport.objects.get(pk=report), language=language)
    return {"reportId": report, "language": language}
