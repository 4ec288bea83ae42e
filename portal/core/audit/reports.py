"""The compliance report of the audit log over a period: computed, issued under a number, printed on a checkpoint."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from procrastinate.contrib.django.models import ProcrastinateJob

from portal.core.accounts.models import User
from portal.core.audit import canon, keys, sealing, security, selectors, verification
from portal.core.audit.integrity import integrity_card, integrity_verify, known_damage
from portal.core.audit.models import (
    Action,
    AuditEntry,
    AuditLeaf,
    AuditReport,
    AuditReportFile,
    Checkpoint,
    RetentionPolicy,
    SecurityEvent,
    Verification,
)
from portal.core.audit.retention import policy_card, policy_list
from portal.core.audit.services import Event, record
from portal.core.common import clock, pdf
from portal.core.common.errors import Denied, Invalid, NotFound
from portal.core.common.frozen import snapshot_hash
from portal.core.jobs.tasks import defer
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.core.tenancy.services import next_numbers

LANGUAGES: Final = ("ar", "fr", "en")
LISTED: Final = 50
USUAL: Final = timedelta(days=30)
# What the report counts, by the entries it counts.
COUNTED: Final[dict[str, Q]] = {
    "accessChanges": Q(entity__in=["role", "invitation"], action__in=[Action.CREATE, Action.UPDATE, Action.DELETE])
    | Q(entity="user", action__in=[Action.CREATE, Action.DELETE, Action.RESTORE])
    | Q(entity="user", action=Action.UPDATE, changes__has_any_keys=["role_id", "is_active", "email"])
    | Q(action=Action.PERMISSION),
    "privilegedActs": Q(action__in=[Action.SETTINGS, Action.SUPPORT_ACCESS])
    | Q(entity__in=["organization", "alert_rule", "retention_policy"]),
    "failedLogins": Q(action=Action.LOGIN_FAILED),
    "denials": Q(action=Action.DENIED),
    "exports": Q(action__in=[Action.EXPORT, Action.DOWNLOAD]),
    "erasures": Q(action=Action.ERASE),
    "retentionRuns": Q(action=Action.RETENTION),
    "verifications": Q(action=Action.VERIFY),
}
LABELS: Final[dict[str, str | Promise]] = {
    "accessChanges": gettext_lazy("Changes of access"),
    "privilegedActs": gettext_lazy("Privileged acts"),
    "failedLogins": gettext_lazy("Failed sign-ins"),
    "denials": gettext_lazy("Refusals"),
    "exports": gettext_lazy("Exports and downloads"),
    "erasures": gettext_lazy("Erasures"),
    "retentionRuns": gettext_lazy("Retention runs"),
    "verifications": gettext_lazy("Verifications"),
}
# Requirement of a standard -> the part of this report that answers it.
CONTROLS: Final = (
    ("ISO/IEC 17025:2017 7.11.3", ("accessChanges", "integrity")),
    ("ISO/IEC 17025:2017 8.4.2", ("retention", "retentionRuns")),
    ("ISO/IEC 27001:2022 A.8.15", ("integrity", "verifications")),
    ("ISO/IEC 27001:2022 A.8.16", ("securityEvents", "failedLogins")),
    ("ISO/IEC 27001:2022 A.5.18", ("accessChanges", "privilegedActs")),
    ("GDPR art. 17", ("erasures",)),
    ("GDPR art. 30", ("exports", "retention")),
)


def compliance(
    *, since: datetime, until: datetime, progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """The figures of a period of the organisation in force, and the checkpoint they stand on. Verifies the chain.

    Raises VALIDATION_ERROR where the period is empty.
    """
    if since >= until:
        raise Invalid.field("date_to", _("The period ends before it begins."))
    checked = integrity_verify(mode=Verification.Mode.INCREMENTAL, noted=False, progress=progress)
    checked = known_damage(checked.organization_id) or checked
    stands_on = sealing.checkpoint(cause=Checkpoint.Cause.REPORT)
    entries = AuditEntry.objects.filter(
        organization_id=scope.organization_id(), timestamp__gte=since, timestamp__lt=until
    ).order_by()
    totals = entries.aggregate(total=Count("pk"), **{name: Count("pk", filter=q) for name, q in COUNTED.items()})
    events = SecurityEvent.objects.filter(first_at__lt=until, last_at__gte=since)
    unsettled = events.filter(status__in=security.UNSETTLED)
    organization = Organization.objects.get(pk=scope.organization_id())
    return {
        "organizationId": str(organization.pk),
        "organization": organization.name,
        "timeZone": organization.time_zone,
        "period": {"from": clock.wire(since), "to": clock.wire(until)},
        "coverage": totals,
        "byAction": selectors.statistics(since=since, until=until)["byAction"],
        "privileged": [_line(entry) for entry in _privileged(entries)],
        "securityEvents": {
            "total": events.count(),
            "open": unsettled.count(),
            "bySeverity": dict(events.order_by().values_list("severity").annotate(Count("pk"))),
            "unsettled": [
                {
                    "type": event.type,
                    "severity": event.severity,
                    "status": event.status,
                    "subject": event.subject,
                    "count": event.count,
                    "lastAt": clock.wire(event.last_at),
                }
                for event in unsettled[:LISTED]
            ],
        },
        "integrity": {**integrity_card(checked), "at": clock.wire(checked.at), "last": checked.last},
        "retention": [{**policy_card(policy), "id": str(policy.pk)} for policy in policy_list()],
        "controls": [{"control": control, "sections": list(parts)} for control, parts in CONTROLS],
        "checkpoint": sealing.as_wire(stands_on) if stands_on else None,
    }


def _privileged(entries: QuerySet[AuditEntry]) -> Iterable[AuditEntry]:
    wanted = COUNTED["accessChanges"] | COUNTED["privilegedActs"] | COUNTED["erasures"] | COUNTED["retentionRuns"]
    return entries.filter(wanted).order_by("-timestamp", "-id")[:LISTED]


def _line(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "at": clock.wire(entry.timestamp),
        "action": Action(entry.action).wire,
        "resource": entry.entity,
        "label": entry.object_repr,
        "userName": entry.actor_name,
        "reason": entry.reason,
    }


@transaction.atomic
def report_issue(
    *,
    since: datetime,
    until: datetime,
    language: str | None = None,
    by: User,
    progress: Callable[[int, int], None] | None = None,
) -> AuditReport:
    """Freeze the figures of a period under the next number `AR-<year>-<6 digits>`.

    Raises Denied without the right `audit.export`, Invalid for an unknown language or an empty period.
    """
    if not by.has_permission("audit.export"):
        raise Denied(_("You may not issue reports of the audit log."))
    language = language or (translation.get_language() or "en")[:2]
    _known(language)
    content = json.loads(json.dumps(compliance(since=since, until=until, progress=progress), default=str))
    now = clock.now()
    year = now.astimezone(ZoneInfo(content["timeZone"])).year
    content |= {"issuedBy": by.name, "issuedAt": clock.wire(now), "number": ""}
    content["number"] = f"AR-{year}-{next_numbers(f'AR-{year}')[0]:06d}"
    stands_on = content["checkpoint"]
    return AuditReport.objects.create(
        organization_id=scope.organization_id(),
        number=content["number"],
        language=language,
        since=since,
        until=until,
        content=content,
        snapshot_hash=snapshot_hash(content),
        checkpoint=stands_on and Checkpoint.objects.filter(signature=bytes.fromhex(stands_on["signature"])).first(),
        generated_at=now,
        generated_by=by,
    )


def _known(language: str) -> None:
    if language not in LANGUAGES:
        raise Invalid.field("language", _("The language is ar, fr or en."), "unknown")


def report_list() -> QuerySet[AuditReport]:
    return AuditReport.objects.defer("content").order_by("-generated_at", "-id")


def report_get(*, id: UUID | str) -> AuditReport:
    """Raises NotFound."""
    found = AuditReport.objects.filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such report."))
    return found


def report_head(report: AuditReport) -> dict[str, Any]:
    return {
        "id": report.pk,
        "number": report.number,
        "dateFrom": report.since,
        "dateTo": report.until,
        "language": report.language,
        "generatedAt": report.generated_at,
        "generatedBy": report.generated_by_id,
        "snapshotHash": report.snapshot_hash,
        "verifyUrl": verify_url(report),
    }


def verify_url(report: AuditReport) -> str:
    return f"{settings.PUBLIC_URL}/verify/audit/{report.number}?h={report.snapshot_hash.removeprefix('sha256:')}"


def report_check(report: AuditReport) -> dict[str, bool]:
    """Whether the report is what was issued, whether its checkpoint is signed, and whether the log still contains it.

    The first two hold whatever happens to the log afterwards; the third fails when the log was rewritten or cut.
    """
    stands_on = report.content["checkpoint"]
    if not stands_on:
        return {"report": snapshot_hash(report.content) == report.snapshot_hash, "signature": True, "log": True}
    signed = keys.verified(stands_on["keyId"], bytes.fromhex(stands_on["signature"]), canon.checkpoint_text(stands_on))
    at = AuditLeaf.objects.filter(organization_id=report.organization_id, seq=stands_on["count"]).first()
    return {
        "report": snapshot_hash(report.content) == report.snapshot_hash,
        "signature": signed,
        "log": at is not None and bytes(at.chain).hex() == stands_on["head"],
    }


def report_confirm(*, number: str, digest: str) -> tuple[AuditReport, dict[str, bool]] | None:
    """For anybody who holds the paper: the report with this number and hash, and what still holds of it."""
    with scope.platform():
        found = AuditReport.objects.select_related("organization").filter(
            number=number[:20], snapshot_hash=f"sha256:{digest[:64]}"
        )
        report = found.first()
        return (report, report_check(report)) if report else None


def report_file(*, report: AuditReport, language: str) -> AuditReportFile | None:
    """The PDF in one language; None while a worker makes it. Raises Invalid for an unknown language."""
    from portal.core.audit.jobs import report_pdf

    _known(language)
    kept = AuditReportFile.objects.filter(report=report, language=language).first()
    if kept is None:
        arguments = {"report": str(report.pk), "language": language}
        waiting = ProcrastinateJob.objects.filter(
            task_name=report_pdf.name, status__in=["todo", "doing"], args__arguments=arguments
        )
        if not waiting.exists():  # whoever polls does not queue it again
            defer(report_pdf, **arguments)
    return kept


def report_render(*, report: AuditReport, language: str) -> AuditReportFile:
    """Render and keep the PDF; whoever comes second gets the first one's file."""
    kept = AuditReportFile.objects.filter(report=report, language=language).first()
    if kept:
        return kept
    with translation.override(language):
        address = verify_url(report)
        context = {"report": report, "words": Wording(report, language), "qr": pdf.qr(address), "verify_url": address}
        content = pdf.render("audit/report_pdf.html", context, number=report.number)
    file, _made = AuditReportFile.objects.get_or_create(
        report=report, language=language, defaults={"organization_id": report.organization_id, "content": content}
    )
    return file


def export_noted(*, report: AuditReport, format: str) -> None:  # noqa: A002
    record(Event(Action.EXPORT, "audit_report", str(report.pk), {"format": format}, label=report.number))


class Wording:
    """A report as people read it; read its properties while its language is active."""

    def __init__(self, report: AuditReport, language: str) -> None:
        self.report, self.language = report, language
        self.figures: dict[str, Any] = report.content
        self.zone = ZoneInfo(self.figures["timeZone"])
        self.rtl = language == "ar"

    def moment(self, text: str | None) -> str:
        found = clock.parse_moment(text)
        return found.astimezone(self.zone).strftime("%Y-%m-%d %H:%M") if found else ""

    @property
    def period(self) -> tuple[str, str]:
        return self.moment(self.figures["period"]["from"]), self.moment(self.figures["period"]["to"])

    @property
    def issued_at(self) -> str:
        return self.moment(self.figures["issuedAt"])

    @property
    def counts(self) -> list[tuple[str | Promise, int]]:
        return [(label, self.figures["coverage"][name]) for name, label in LABELS.items()]

    @property
    def actions(self) -> list[tuple[str, int]]:
        return [(str(Action[name.upper()].label), count) for name, count in self.figures["byAction"].items()]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [
            {
                **row,
                "typeName": security.TYPES.get(row["type"], row["type"]),
                "severityName": SecurityEvent.Severity(row["severity"]).label,
                "statusName": SecurityEvent.Status(row["status"]).label,
                "moment": self.moment(row["lastAt"]),
            }
            for row in self.figures["securityEvents"]["unsettled"]
        ]

    @property
    def privileged(self) -> list[dict[str, Any]]:
        return [
            {**row, "moment": self.moment(row["at"]), "actionName": Action[row["action"].upper()].label}
            for row in self.figures["privileged"]
        ]

    @property
    def integrity(self) -> dict[str, Any]:
        found = self.figures["integrity"]
        first = found["firstBad"]
        return {
            **found,
            "statusName": Verification.Status(found["status"]).label,
            "kindName": first and verification.KINDS[first["kind"]],
            "moment": self.moment(found["at"]),
        }

    @property
    def controls(self) -> list[tuple[str, str]]:
        names = LABELS | {
            "integrity": gettext_lazy("Integrity of the log"),
            "retention": gettext_lazy("Retention policies"),
            "securityEvents": gettext_lazy("Security events"),
        }
        return [
            (row["control"], " · ".join(str(names[part]) for part in row["sections"]))
            for row in self.figures["controls"]
        ]

    @property
    def retention(self) -> list[dict[str, Any]]:
        return [{**row, "actionName": RetentionPolicy.Action(row["action"]).label} for row in self.figures["retention"]]
