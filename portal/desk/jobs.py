"""Background work that the portal's own pages start."""

from portal.core.accounts.models import User
from portal.core.audit import reports
from portal.core.common import clock
from portal.core.jobs.tasks import Running, job


@job(name="desk.audit_report", retry=1, queue="reports")
def issue_audit_report(running: Running, *, since: str, until: str, language: str) -> dict[str, str]:
    """Verify the log, freeze the figures of a period, and make the PDF in every language."""
    steps = 1 + len(reports.LANGUAGES)
    start, end = clock.parse_moment(since), clock.parse_moment(until)
    if running.by.user is None or start is None or end is None:
        raise ValueError("a report is issued by a person, over a period")
    by = User.objects.select_related("role", "organization").get(pk=running.by.user)
    report = reports.report_issue(since=start, until=end, language=language, by=by)
    running.progress(1, steps)
    for done, each in enumerate(reports.LANGUAGES, 2):
        reports.report_render(report=report, language=each)
        running.progress(done, steps)
    return {"reportId": str(report.pk), "number": report.number}
