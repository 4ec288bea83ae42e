"""Issue compliance reports and keep their PDFs (`contract-lab-sync.md` section 5)."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.errors import Denied, Invalid
from portal.core.common.frozen import snapshot_hash
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import defer, pending
from portal.core.notifications.events import publish
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.core.tenancy.services import next_numbers
from portal.lab.jobs import report_pdf, report_xlsx
from portal.lab.models import ComplianceReport, Parameter, ReportFile, Standard
from portal.lab.reports import exports, figures, pdf
from portal.lab.reports.amending import read_reason, refuse_amended
from portal.lab.reports.changes import changes
from portal.lab.reports.filters import LANGUAGES, MAX_TITLE, read_filters

Kind = ReportFile.Kind
# A report with more table rows than this is made by a worker: 1,000 rows of a PDF take some seconds.
ROWS_AT_ONCE = 200
LINES_AT_ONCE = 1000  # the same of a workbook, of which 1,000 take 0.2 s
JOBS: Final = {Kind.PDF: report_pdf, Kind.XLSX: report_xlsx}


@transaction.atomic
def report_issue(
    *, filters: Mapping[str, Any], language: str | None = None, title: str | None = None, by: User
) -> ComplianceReport:
    """Draw up a report over the organisation in force and freeze it under the next number `CR-<year>-<6 digits>`.

    `filters` holds wire values (`dateFrom`, `dateTo`, `type`, `location`, `complianceStatus`, `standards`); other
    keys are ignored. `language` (ar, fr, en) defaults to the active one, `title` to a translated one. Raises Denied
    without the right `reports.create` and Invalid with one entry per field at fault.
    """
    _may_issue(by)
    return _issue(filters=filters, language=language, title=title, by=by)


@transaction.atomic
def report_amend(
    *, report: ComplianceReport, reason: object, language: str | None = None, title: str | None = None, by: User
) -> ComplianceReport:
    """A new report with the filters of `report` over what is known now, that names it, why, and what changed.

    `report` stays as it is and is superseded. Raises as `report_issue`, and Conflict where it was amended already.
    """
    _may_issue(by)
    why = read_reason(reason)
    old = ComplianceReport.objects.select_for_update().get(pk=report.pk)
    refuse_amended(old)
    title = old.title if title is None else title
    return _issue(filters=old.filters, language=language or old.language, title=title, by=by, old=old, why=why)


def _may_issue(by: User) -> None:
    if not by.has_permission("reports.create"):
        raise Denied(_("You may not issue compliance reports."))


def _issue(
    *,
    filters: Mapping[str, Any],
    language: str | None,
    title: str | None,
    by: User,
    old: ComplianceReport | None = None,
    why: str = "",
) -> ComplianceReport:
    if language in (None, ""):
        language = (translation.get_language() or "en")[:2]
    if language not in LANGUAGES:
        raise Invalid.field("language", _("The language is ar, fr or en."), "unknown")
    if title is not None and (not isinstance(title, str) or len(title) > MAX_TITLE or "\0" in title):
        raise Invalid.field("title", _("A title has at most %(limit)s characters.") % {"limit": MAX_TITLE}, "length")
    organization = Organization.objects.get(pk=scope.organization_id())
    chosen = read_filters(filters, time_zone=organization.time_zone)
    facts = {
        "organizationId": str(organization.pk),
        "timeZone": organization.time_zone,
        "filters": chosen.wire(),
        **figures.compute(chosen, time_zone=organization.time_zone),
    }
    now = clock.now()
    year = now.astimezone(clock.zone(organization.time_zone)).year
    number = f"CR-{year}-{next_numbers(f'CR-{year}')[0]:06d}"
    title = (title or "").strip()
    content = {
        "document": {"number": number, "title": title, "issuedAt": clock.wire(now)},
        "figures": facts,
        "names": _names(facts, organization=organization, by=by),
        "amendment": old and _amendment(old, facts, why),
    }
    report = ComplianceReport.objects.create(
        organization=organization,
        number=number,
        title=title,
        language=language,
        filters=facts["filters"],
        content=content,
        snapshot_hash=snapshot_hash(content),
        generated_at=now,
        generated_by=by,
        amends=old,
        reason=why,
    )
    publish("report.ready", entity="report", id=report.pk, data={"number": report.number}, users=[by.pk])
    return report


def _amendment(old: ComplianceReport, facts: dict[str, Any], why: str) -> dict[str, Any]:
    found = changes(old.content["figures"], facts)
    return {"number": old.number, "issuedAt": clock.wire(old.generated_at), "reason": why, **found}


def report_check(report: ComplianceReport) -> bool:
    """Whether the report is what was issued: its content has the hash, and its columns say what the content says."""
    document = report.content.get("document", {})
    said = [document.get(name) for name in ("number", "title", "issuedAt")]
    columns = [report.number, report.title, clock.wire(report.generated_at)]
    return snapshot_hash(report.content) == report.snapshot_hash and said == columns


def report_file(*, report: ComplianceReport, language: str, kind: Kind = Kind.PDF) -> ReportFile | None:
    """The PDF or the workbook in one language, made now where the report is small; None while a worker makes it.

    Raises Invalid for an unknown language.
    """
    if language not in LANGUAGES:
        raise Invalid.field("language", _("The language is ar, fr or en."), "unknown")
    kept = ReportFile.objects.filter(report=report, language=language, kind=kind).first()
    if kept:
        return kept
    content = report.content["figures"]
    limit = ROWS_AT_ONCE if kind == Kind.PDF else LINES_AT_ONCE
    if sum(len(content[name]) for name in ("exceedances", "sites", "excluded")) <= limit:
        return report_render(report=report, language=language, kind=kind)
    if report_job(report=report, language=language, kind=kind) is None:  # whoever polls does not queue it again
        defer(JOBS[kind], report=str(report.pk), language=language)
    return None


def report_job(*, report: ComplianceReport, language: str, kind: Kind = Kind.PDF) -> Job | None:
    """The job that makes the file of one language, while it waits or runs."""
    return pending(JOBS[kind], report=str(report.pk), language=language)


def report_render(
    *,
    report: ComplianceReport,
    language: str,
    kind: Kind = Kind.PDF,
    progress: Callable[[int, int], None] | None = None,
) -> ReportFile:
    """Make and keep the file; whoever comes second gets the first one's."""
    kept = ReportFile.objects.filter(report=report, language=language, kind=kind).first()
    if kept:
        return kept
    make = {Kind.PDF: pdf.render, Kind.XLSX: exports.report_xlsx}[kind]
    content = make(report, language, progress=progress)
    file, _made = ReportFile.objects.get_or_create(
        report=report,
        language=language,
        kind=kind,
        defaults={
            "organization_id": report.organization_id,
            "content": content,
            "sha256": hashlib.sha256(content).hexdigest(),
        },
    )
    return file


def list_exported(*, format: str) -> None:  # noqa: A002
    """Put into the audit log that the person in force took the list of reports away."""
    record(Event(Action.EXPORT, "report", "", {"format": format}, label=f"compliance-reports.{format}"))


def export_noted(*, report: ComplianceReport, format: str) -> None:  # noqa: A002
    """Put into the audit log that the person in force took `report` away as `format` (pdf-ar, csv, xlsx, json)."""
    record(Event(Action.EXPORT, "report", str(report.pk), {"format": format}, label=report.number))


def _names(facts: dict[str, Any], *, organization: Organization, by: User) -> dict[str, Any]:
    """What the report calls things, frozen with it: parameters in three languages, standards, organisation, person."""
    codes = {row["parameterCode"] for name in ("exceedances", "excluded") for row in facts[name]}
    codes |= {row["parameterCode"] for row in facts["trends"]}
    codes |= {site["worst"]["parameterCode"] for site in facts["sites"] if site["worst"]}
    # The organisation's own parameter of a code comes after the shared one, and wins.
    parameters = Parameter.objects.filter(code__in=codes).order_by(F("organization").asc(nulls_first=True))
    used = {(row["standard"], row["edition"]) for row in facts["standards"]}
    standards = Standard.objects.filter(key__in={key for key, _edition in used})
    return {
        "parameters": {p.code: {"en": p.name_en, "fr": p.name_fr, "ar": p.name_ar} for p in parameters},
        "standards": {
            f"{s.key} {s.edition}": {"reference": s.reference, "en": s.name_en, "fr": s.name_fr, "ar": s.name_ar}
            for s in standards
            if (s.key, s.edition) in used
        },
        "organization": {
            "name": organization.name,
            "address": ", ".join(filter(None, (organization.address, organization.city, organization.country))),
        },
        "generatedBy": by.name,
    }
