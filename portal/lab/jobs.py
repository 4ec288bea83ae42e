"""Background work of the laboratory."""

from typing import Any
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext_lazy

from portal.core.jobs.tasks import Running, job, periodic
from portal.core.notifications.events import publish
from portal.core.notifications.services import notify
from portal.lab.certificates.models import Certificate
from portal.lab.models import LANGUAGES, ComplianceReport, ReportFile


@job(name="lab.report_pdf", title=gettext_lazy("PDF of a compliance report"), retry=2, queue="reports")
def report_pdf(running: Running, *, report: str, language: str) -> dict[str, str]:
    """Render and keep the PDF of a report that is too long for a request."""
    return _report_file(running, report, language, ReportFile.Kind.PDF)


@job(name="lab.report_xlsx", title=gettext_lazy("Workbook of a compliance report"), retry=2, queue="reports")
def report_xlsx(running: Running, *, report: str, language: str) -> dict[str, str]:
    """Write and keep the workbook of a report that is too long for a request."""
    return _report_file(running, report, language, ReportFile.Kind.XLSX)


def _report_file(running: Running, report: str, language: str, kind: ReportFile.Kind) -> dict[str, str]:
    from portal.lab.reports import services

    made = ComplianceReport.objects.get(pk=report)
    services.report_render(report=made, language=language, kind=kind, progress=running.progress)
    data = {"number": made.number, "language": language, "format": kind.value}
    publish("report.ready", entity="report", id=made.pk, data=data, users=[running.by.user] if running.by.user else [])
    notify("report.ready", recipients=[running.by.user], data={"number": made.number}, subject=("report", made.pk))
    return {"reportId": report, "language": language}


@job(name="lab.certificate_pdfs", title=gettext_lazy("PDFs of a certificate of analysis"), retry=2, queue="reports")
def certificate_pdfs(running: Running, *, certificate: str) -> dict[str, str]:
    """Draw and keep the PDFs of a certificate in the three languages."""
    from portal.lab.certificates import services

    made = Certificate.objects.get(pk=certificate)
    for number, (language, _name) in enumerate(LANGUAGES):
        running.progress(number, len(LANGUAGES))
        services.certificate_render(certificate=made, language=language)
    data = {"number": made.number, "sampleId": str(made.sample_id)}
    publish("certificate.issued", entity="certificate", id=made.pk, data=data)
    return {"certificateId": certificate}


@job(name="lab.import", title=gettext_lazy("Import of results"), retry=3, queue="imports")
def import_step(running: Running, *, run: str, reason: str = "") -> dict[str, str]:
    """Check, import or revert a file, as its state says, batch by batch: readers and devices wait for one at most, and
    a start after a kill goes on with the next one."""
    from portal.lab.imports import services

    language = translation.get_language()

    def batch() -> tuple[int, int] | None:
        with translation.override(language):  # `apart` works in a thread of its own
            state = services.step(run_id=UUID(run), reason=reason)
        return (state.position, state.samples) if state is not None and state.busy else None

    while found := running.apart(batch):
        running.progress(*found)
    return {"importId": run}


@periodic(cron="40 3 * * *", name="lab.import_purge")
def import_purge() -> None:
    """Uploads that nobody imported within a week, and the files and rows of imports after 90 days."""
    from portal.lab.imports import services

    services.purge()


@job(name="lab.reevaluation_count", title=gettext_lazy("Preview of a re-evaluation"), retry=2, queue="reports")
def reevaluation_count(running: Running, *, reevaluation: str) -> dict[str, Any]:
    """Count what other rules would change."""
    from portal.lab import reevaluation as work

    work.reevaluation_count(id=UUID(reevaluation), progress=running.progress)
    return {"reevaluationId": reevaluation}


@job(name="lab.reevaluation_run", title=gettext_lazy("Re-evaluation of results"), retry=4, queue="reports")
def reevaluation_run(running: Running, *, reevaluation: str) -> dict[str, Any]:
    """Write what the rules in force change."""
    from portal.lab import reevaluation as work

    return work.reevaluation_run(id=UUID(reevaluation), running=running)
