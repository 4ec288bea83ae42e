"""Watching over the log: integrity, security events, alert rules, retention, erasure and compliance reports."""

from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from ninja import Query
from pydantic import BaseModel, Field

from api.kit import Page, Reply, Router, paginate
from api.kit.periods import period
from api.v1.audit.router import dates
from api.v1.audit.schemas import (
    Applied,
    ApplyIn,
    Dated,
    DryRun,
    DryRunIn,
    Erased,
    ErasureIn,
    PolicyIn,
    PolicyOut,
    ReportHead,
    ReportIn,
    ResolveIn,
    RuleIn,
    RuleOut,
    SecurityEventOut,
    SecurityQuery,
    TrailQuery,
    Verified,
    VerifyIn,
)
from portal.core.accounts.models import User
from portal.core.audit import alerts, integrity, jobs, reports, retention, sealing, security
from portal.core.audit.models import Verification
from portal.core.common import clock
from portal.core.common.errors import Invalid
from portal.core.jobs.tasks import defer, job_as_wire

router = Router(tags=["audit"])
PDF: Final = "application/pdf"
RETRY_SECONDS: Final = 5


def _user(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined,no-any-return]


# --- integrity ---------------------------------------------------------------------
@router.post(
    "/audit/logs/verify-integrity", also=(202,), policy="audit.verify", response=Verified, summary="Verify the chain"
)
def verify_integrity(request: HttpRequest, payload: VerifyIn) -> dict[str, Any] | Reply:
    """Every entry against its hashes, their order, the signatures and the copies outside of the database. Names the
    first bad entry and the kind of damage. 202 and a job where more than 100,000 entries are to be read."""
    since, until = period(request, payload.from_, payload.to)
    sealing.seal()
    if integrity.work_ahead(payload.mode, sealing.chain_in_force(), since, until) > integrity.AT_ONCE:
        job = defer(jobs.verify_chain, mode=payload.mode, since=clock.wire(since), until=clock.wire(until))
        headers = {"Retry-After": str(RETRY_SECONDS), "Location": f"/api/v1/jobs/{job.pk}"}
        return Reply(job_as_wire(job), message=_("The log is being verified."), status=202, headers=headers)
    return integrity.integrity_card(integrity.integrity_verify(mode=payload.mode, since=since, until=until))


# --- security events ---------------------------------------------------------------
@router.get(
    "/audit/logs/security-events",
    policy="audit.view",
    reach="span",
    response=list[SecurityEventOut],
    summary="Security events",
)
def security_list(request: HttpRequest, query: Query[SecurityQuery]) -> Page:
    """The last seen first."""
    since, until = dates(request, query)
    statuses = [str(status) for status in query.status]
    if query.resolved is not None and not statuses:
        open_ones = [str(status) for status in security.UNSETTLED]
        statuses = [s for s in security.Status.values if (s not in open_ones) is query.resolved]
    found = security.event_list(severity=query.severity, statuses=statuses, type=query.type, since=since, until=until)
    return paginate(found, query, security.event_card)


@router.get(
    "/audit/logs/security-events/{id:event_id}",
    policy="audit.view",
    reach="span",
    response=SecurityEventOut,
    summary="One security event",
)
def security_detail(request: HttpRequest, event_id: UUID) -> dict[str, Any]:
    """With what it is about and how it was settled."""
    return security.event_card(security.event_get(id=event_id))


@router.post(
    "/audit/logs/security-events/{id:event_id}/acknowledge",
    policy="audit.resolve",
    response=SecurityEventOut,
    summary="Look into it",
)
def security_acknowledge(request: HttpRequest, event_id: UUID) -> dict[str, Any]:
    """From open to acknowledged."""
    return security.event_card(security.event_acknowledge(id=event_id, by=_user(request)))


@router.post(
    "/audit/logs/security-events/{id:event_id}/resolve",
    policy="audit.resolve",
    response=SecurityEventOut,
    summary="Settle it",
)
def security_resolve(request: HttpRequest, event_id: UUID, payload: ResolveIn) -> dict[str, Any]:
    """As resolved or as a false alarm; the note is required."""
    event = security.event_resolve(id=event_id, resolution=payload.resolution, note=payload.note, by=_user(request))
    return security.event_card(event)


@router.post(
    "/audit/logs/security-events/{id:event_id}/reopen",
    policy="audit.resolve",
    response=SecurityEventOut,
    summary="Open it again",
)
def security_reopen(request: HttpRequest, event_id: UUID) -> dict[str, Any]:
    """From resolved or false alarm back to open."""
    return security.event_card(security.event_reopen(id=event_id, by=_user(request)))


# --- alert rules -------------------------------------------------------------------
@router.get("/audit/logs/alerts", policy="audit.view", response=list[RuleOut], summary="Alert rules")
def rule_list(request: HttpRequest, query: Query[TrailQuery]) -> Page:
    """By name."""
    return paginate(alerts.rule_list(), query, alerts.rule_card)


@router.post("/audit/logs/alerts", policy="audit.manage", response=RuleOut, status=201, summary="New alert rule")
def rule_create(request: HttpRequest, payload: RuleIn) -> dict[str, Any]:
    """So many entries of a kind within so many minutes raise a security event, at most once per throttle."""
    return alerts.rule_card(alerts.rule_create(data=payload.changes, by=_user(request)))


@router.get("/audit/logs/alerts/{id:rule_id}", policy="audit.view", response=RuleOut, summary="One alert rule")
def rule_detail(request: HttpRequest, rule_id: UUID) -> dict[str, Any]:
    """What it counts, within how long, and whom it tells."""
    return alerts.rule_card(alerts.rule_get(id=rule_id))


@router.update("/audit/logs/alerts/{id:rule_id}", policy="audit.manage", response=RuleOut, summary="Change a rule")
def rule_update(request: HttpRequest, rule_id: UUID, payload: RuleIn) -> dict[str, Any]:
    """All of it (PUT) or some fields (PATCH)."""
    return alerts.rule_card(alerts.rule_update(id=rule_id, data=payload.changes, by=_user(request)))


@router.delete("/audit/logs/alerts/{id:rule_id}", policy="audit.manage", summary="Remove a rule")
def rule_delete(request: HttpRequest, rule_id: UUID) -> Reply:
    """Events that it raised stay."""
    alerts.rule_delete(id=rule_id, by=_user(request))
    return Reply(message=_("Alert rule deleted."))


@router.post("/audit/logs/alerts/{id:rule_id}/dry-run", policy="audit.manage", response=DryRun, summary="Try a rule")
def rule_dry_run(request: HttpRequest, rule_id: UUID, payload: DryRunIn) -> dict[str, Any]:
    """What the rule would have done over the last days, at most 30; nothing is raised."""
    return alerts.rule_dry_run(rule=alerts.rule_get(id=rule_id), days=payload.days)


# --- retention and erasure -----------------------------------------------------------
@router.get(
    "/audit/logs/retention-policies", policy="audit.view", response=list[PolicyOut], summary="Retention policies"
)
def policy_list(request: HttpRequest, query: Query[TrailQuery]) -> Page:
    """By kind of record; the one without a kind is for all that have none of their own."""
    return paginate(retention.policy_list(), query, retention.policy_card)


@router.post(
    "/audit/logs/retention-policies",
    policy="audit.manage",
    response=PolicyOut,
    status=201,
    summary="New retention policy",
)
def policy_create(request: HttpRequest, payload: PolicyIn) -> dict[str, Any]:
    """One per kind of record. Nothing happens until it is applied, or active at night."""
    return retention.policy_card(retention.policy_create(data=payload.changes, by=_user(request)))


@router.update(
    "/audit/logs/retention-policies/{id:policy_id}",
    policy="audit.manage",
    response=PolicyOut,
    summary="Change a retention policy",
)
def policy_update(request: HttpRequest, policy_id: UUID, payload: PolicyIn) -> dict[str, Any]:
    """All of it (PUT) or some fields (PATCH)."""
    return retention.policy_card(retention.policy_update(id=policy_id, data=payload.changes, by=_user(request)))


@router.delete(
    "/audit/logs/retention-policies/{id:policy_id}",
    policy="audit.manage",
    summary="Remove a retention policy",
)
def policy_delete(request: HttpRequest, policy_id: UUID) -> Reply:
    """Refused under legal hold (422 `LEGAL_HOLD`)."""
    retention.policy_delete(id=policy_id, by=_user(request))
    return Reply(message=_("Retention policy deleted."))


@router.post(
    "/audit/logs/retention-policies/{id:policy_id}/apply",
    also=(202,),
    policy="audit.manage",
    response=Applied,
    summary="Apply a retention policy",
)
def policy_apply(request: HttpRequest, policy_id: UUID, payload: ApplyIn | None = None) -> dict[str, Any] | Reply:
    """By default a dry run. Content goes, hashes and chain stay. 202 and a job above 50,000 entries. A legal hold
    refuses it (422 `LEGAL_HOLD`)."""
    policy, dry_run = retention.policy_get(id=policy_id), payload is None or payload.dry_run
    if not dry_run and retention.policy_apply(policy=policy)["affected"] > retention.BATCH:
        job = defer(jobs.apply_policy, policy=str(policy.pk))
        headers = {"Retry-After": str(RETRY_SECONDS), "Location": f"/api/v1/jobs/{job.pk}"}
        return Reply(job_as_wire(job), message=_("The policy is being applied."), status=202, headers=headers)
    return retention.policy_apply(policy=policy, dry_run=dry_run)


@router.post("/audit/erasures", policy="audit.manage", response=Erased, summary="Erase a person from the log")
def erase(request: HttpRequest, payload: ErasureIn) -> dict[str, Any]:
    """Takes out what entries say about the person, and who and where from in what they did. The chain still verifies,
    and the erasure is on record."""
    return retention.erase_person(
        resource=payload.resource, id=payload.id.lower(), reason=payload.reason, by=_user(request)
    )


# --- compliance reports ------------------------------------------------------------------
class InLanguage(BaseModel):
    language: str = Field("", description="ar, fr or en; else that of the request")


def _language(query: InLanguage) -> str:
    return query.language or (translation.get_language() or "en")[:2]


@router.get("/audit/logs/compliance", policy="audit.view", summary="Audit compliance of a period")
def compliance(request: HttpRequest, query: Query[Dated]) -> dict[str, Any]:
    """Coverage, integrity, retention and security events of a period, and the checkpoint they stand on. Without dates
    the last 30 days."""
    since, until = _required(request, query.date_from or query.from_, query.date_to or query.to)
    return reports.compliance(since=since, until=until)


def _required(request: HttpRequest, first: str, last: str) -> tuple[Any, Any]:
    since, until = period(request, first, last)
    until = until or clock.now()
    return since or until - reports.USUAL, until


@router.post(
    "/audit/logs/compliance",
    also=(202,),
    policy="audit.export",
    response=ReportHead,
    status=201,
    summary="Issue a report",
)
def report_issue(request: HttpRequest, payload: ReportIn) -> dict[str, Any] | Reply:
    """Freezes the figures under the next number; its PDF is made by a worker. 202 and a job where more than 100,000
    entries wait for their verification."""
    since, until = _required(request, payload.date_from, payload.date_to)
    sealing.seal()
    if integrity.work_ahead(Verification.Mode.INCREMENTAL, sealing.chain_in_force()) > integrity.AT_ONCE:
        language = payload.language or _language(InLanguage(language=""))
        job = defer(jobs.issue_report, since=clock.wire(since), until=clock.wire(until), language=language)
        headers = {"Retry-After": str(RETRY_SECONDS), "Location": f"/api/v1/jobs/{job.pk}"}
        return Reply(job_as_wire(job), message=_("The report is being made."), status=202, headers=headers)
    report = reports.report_issue(since=since, until=until, language=payload.language, by=_user(request))
    return reports.report_head(report)


@router.get("/audit/logs/compliance/reports", policy="audit.view", response=list[ReportHead], summary="Issued reports")
def report_list(request: HttpRequest, query: Query[TrailQuery]) -> Page:
    """The newest first."""
    return paginate(reports.report_list(), query, reports.report_head)


@router.get("/audit/logs/compliance/{id:report_id}", policy="audit.view", summary="One issued report")
def report_detail(request: HttpRequest, report_id: UUID) -> dict[str, Any]:
    """The frozen figures, and what still holds of the report: itself, its signature, the log beneath it."""
    report = reports.report_get(id=report_id)
    return {**reports.report_head(report), **report.content, "verification": reports.report_check(report)}


@router.get(
    "/audit/logs/compliance/{id:report_id}/pdf",
    also=(202,),
    policy="audit.export",
    response=None,
    summary="Report as PDF",
    openapi_extra={"responses": {200: {"content": {PDF: {}}}, 202: {"content": {}}}},
)
def report_pdf(request: HttpRequest, report_id: UUID, query: Query[InLanguage]) -> Reply | HttpResponse:
    """202 with `Retry-After` while a worker makes it; ask again then."""
    report, language = reports.report_get(id=report_id), _language(query)
    if language not in reports.LANGUAGES:
        raise Invalid.field("language", _("The language is ar, fr or en."), "unknown")
    file = reports.report_file(report=report, language=language)
    if file is None:
        path = f"/api/v1/audit/logs/compliance/{report.pk}/pdf?language={language}"
        headers = {"Retry-After": str(RETRY_SECONDS), "Location": path}
        return Reply(reports.report_head(report), message=_("The PDF is being made."), status=202, headers=headers)
    reports.export_noted(report=report, format=f"pdf-{language}")
    headers = {"Content-Disposition": f'attachment; filename="{report.number}-{language}.pdf"'}
    return HttpResponse(bytes(file.content), content_type=PDF, headers=headers)
