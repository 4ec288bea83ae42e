"""What the audit log does by the clock, and what takes too long for a request."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.audit import alerts, integrity, outside, reports, retention, sealing, security
from portal.core.audit.models import Checkpoint, Verification
from portal.core.common import clock
from portal.core.jobs.tasks import Running, defer, job, periodic
from portal.core.tenancy import scope


@periodic(cron="* * * * * */5", name="audit.seal")
def seal() -> None:
    """Every five seconds; exports, reports, verifications and erasures seal for themselves. A long chain gets its
    checkpoints meanwhile. A sealer that is killed leaves nothing behind and the next one does the same; of a backlog
    each transaction takes a share, so that no more is lost."""
    if sealing.seal(batches=10):
        for chain in sealing.chains():
            if sealing.unsigned(chain) >= sealing.SEGMENT:
                sealing.checkpoint(cause=Checkpoint.Cause.REGULAR, chain=chain)


@periodic(cron="* * * * *", name="audit.alerts")
def evaluate_alerts() -> None:
    alerts.evaluate_all(now=clock.now())


@periodic(cron="5 * * * *", name="audit.checkpoints")
def checkpoints() -> None:
    for chain in sealing.chains():
        sealing.checkpoint(cause=Checkpoint.Cause.REGULAR, chain=chain)
        integrity.integrity_verify(mode=Verification.Mode.INCREMENTAL, chain=chain, noted=False)


@periodic(cron="*/10 * * * *", name="audit.send_checkpoints")
def send_checkpoints() -> None:
    """To the places outside that the settings name."""
    if outside.places():
        outside.send()


@periodic(cron="15 3 * * *", name="audit.retention")
def apply_policies() -> None:
    """Each active policy that has something to do, as a job of its organisation."""
    for policy in retention.policy_list().filter(is_active=True):
        with scope.tenant(policy.organization_id, by=scope.actor()):
            if retention.policy_apply(policy=policy)["affected"]:
                defer(apply_policy, policy=str(policy.pk))


@periodic(cron="40 2 * * *", name="audit.verify")
def verify_all() -> None:
    """The whole of every chain each night; entries that were found intact can be altered later."""
    for chain in sealing.chains():
        integrity.integrity_verify(mode=Verification.Mode.FULL, chain=chain, noted=False)


@job(name="audit.verify_chain", title=gettext_lazy("Verification of the audit log"), retry=1)
def verify_chain(running: Running, *, mode: str, since: str | None, until: str | None) -> dict[str, Any]:
    """A verification of more than 100,000 entries, as somebody wished."""
    result = integrity.integrity_verify(
        mode=mode, since=clock.parse_moment(since), until=clock.parse_moment(until), progress=running.progress
    )
    card = integrity.integrity_card(result)
    return {**card, "at": clock.wire(card["at"])}


@job(name="audit.issue_report", title=gettext_lazy("Compliance report of the audit log"), retry=1)
def issue_report(running: Running, *, since: str, until: str, language: str | None) -> dict[str, str]:
    """A compliance report whose verification reads more than 100,000 entries."""
    first, last = clock.parse_moment(since), clock.parse_moment(until)
    assert first is not None
    assert last is not None
    by = User.objects.get(pk=running.by.user)  # type: ignore[misc]  # only people issue reports
    made = reports.report_issue(since=first, until=last, language=language, by=by, progress=running.progress)
    return {"reportId": str(made.pk), "number": made.number}


@job(
    name="audit.report_pdf", title=gettext_lazy("PDF of a compliance report of the audit log"), retry=2, queue="reports"
)
def report_pdf(running: Running, *, report: str, language: str) -> dict[str, str]:
    reports.report_render(report=reports.report_get(id=report), language=language)
    return {"reportId": report, "language": language}


@job(name="audit.apply_policy", title=gettext_lazy("Retention of the audit log"), retry=2)
def apply_policy(running: Running, *, policy: str) -> dict[str, Any]:
    return retention.policy_apply(policy=retention.policy_get(id=policy), dry_run=False)


@job(name="audit.alert_mail", title=gettext_lazy("E-mail about a security event"), retry=3)
def alert_mail(running: Running, *, event: str, recipients: list[str]) -> None:
    alerts.mail(event=security.event_get(id=UUID(event)), recipients=recipients)
