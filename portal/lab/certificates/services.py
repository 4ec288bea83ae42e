"""Issue and amend certificates of analysis, keep their PDFs, say whether one is still what was issued."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, Invalid
from portal.core.common.frozen import snapshot_hash
from portal.core.jobs.tasks import defer, pending
from portal.core.notifications.events import publish
from portal.core.sync import engine
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.core.tenancy.services import next_numbers
from portal.lab import jobs
from portal.lab.certificates import pdf
from portal.lab.certificates.content import changes, compile_content, printable_results, read_stated
from portal.lab.certificates.models import Certificate, CertificateFile
from portal.lab.choices import SampleStatus
from portal.lab.lifecycle import guard, machine
from portal.lab.lifecycle.services import sample_transition
from portal.lab.models import Result, Sample
from portal.lab.reports.amending import read_reason, refuse_amended
from portal.lab.reports.filters import LANGUAGES

# Whoever reopened a sample has to validate it again before anything leaves the house.
CERTIFIABLE: Final = (SampleStatus.VALIDATED, SampleStatus.APPROVED, SampleStatus.REPORTED)


def may_be_issued(sample: Sample) -> bool:
    """Whether a certificate may be issued over `sample`: it is validated, where the organisation wants another person's
    approval it is approved, and it has a result that may be printed."""
    approved = sample.status != SampleStatus.VALIDATED or guard.approval_rule() == guard.ANYONE
    return sample.status in CERTIFIABLE and approved and printable_results(sample).exists()


@transaction.atomic
def certificate_issue(
    *, sample: Sample, stated: Mapping[str, Any], language: str | None = None, by: User
) -> Certificate:
    """Freeze what is known of `sample` under the next number `CA-<year>-<6 digits>`; `by` authorises it. An approved
    sample is then reported.

    `stated` holds wire values (`customer`, `place`, `condition`, `samplingMethod`, `deviations`, `external`,
    `sampledByCustomer`). Raises Denied without the right `certificates.issue`, Invalid with one entry per field at
    fault, Conflict where the sample is not ready or has a certificate in force already.
    """
    _may_issue(by)
    language, checked = _language(language), read_stated(stated)
    engine.lock_clock()  # before the row, as whoever writes samples does
    Sample.objects.select_for_update().get(pk=sample.pk)
    held = Certificate.objects.filter(sample=sample, amended_by__isnull=True).first()
    if held is not None:
        raise Conflict(
            _("The certificate %(number)s is in force for this sample; amend it.") % {"number": held.number},
            code="CERTIFICATE_IN_FORCE",
        )
    return _issue(sample=sample, stated=checked, language=language, by=by)


@transaction.atomic
def certificate_amend(
    *, certificate: Certificate, reason: object, stated: Mapping[str, Any], language: str | None = None, by: User
) -> Certificate:
    """A new number over the sample as it is now, that names `certificate`, why, and what changed (7.8.8.1).

    `certificate` stays as it is and is superseded. What `stated` does not say stays as it was. Raises as
    `certificate_issue`, and Conflict where `certificate` was amended already.
    """
    _may_issue(by)
    why = read_reason(reason)
    engine.lock_clock()
    old = Certificate.objects.select_for_update().select_related("sample").get(pk=certificate.pk)
    refuse_amended(old)
    checked = read_stated(stated, usual=old.content["stated"])
    return _issue(
        sample=old.sample, stated=checked, language=_language(language or old.language), by=by, old=old, why=why
    )


def _may_issue(by: User) -> None:
    if not by.has_permission("certificates.issue"):
        raise Denied(_("You may not issue certificates of analysis."))


def _language(language: str | None) -> str:
    chosen = language or (translation.get_language() or "en")[:2]
    if chosen not in LANGUAGES:
        raise Invalid.field("language", _("The language is ar, fr or en."), "unknown")
    return chosen


def _issue(
    *,
    sample: Sample,
    stated: Mapping[str, Any],
    language: str,
    by: User,
    old: Certificate | None = None,
    why: str = "",
) -> Certificate:
    if not may_be_issued(sample):
        raise Conflict(_("Only a validated sample with results may be certified."), code="NOT_READY")
    organization, now = Organization.objects.get(pk=scope.organization_id()), clock.now()
    year = now.astimezone(clock.zone(organization.time_zone)).year
    number = f"CA-{year}-{next_numbers(f'CA-{year}')[0]:06d}"
    content = compile_content(sample=sample, stated=stated, organization=organization, by=by, number=number, at=now)
    if old is not None:
        gone = _withdrawn(old, content)
        names = content["names"]
        names["parameters"] = old.content["names"]["parameters"] | names["parameters"]  # a change may name them
        content["amendment"] = {
            "number": old.number,
            "issuedAt": old.content["issuedAt"],
            "reason": why,
            "changes": changes(old.content, content, withdrawn=gone),
        }
    certificate = Certificate.objects.create(
        organization=organization,
        number=number,
        sample=sample,
        customer=stated["customer"],
        language=language,
        content=content,
        snapshot_hash=snapshot_hash(content),
        generated_at=now,
        generated_by=by,
        amends=old,
        reason=why,
    )
    if sample.status == SampleStatus.APPROVED and by.has_permission(machine.APPROVE):
        sample_transition(id=sample.pk, to=SampleStatus.REPORTED, by=by)
    defer(jobs.certificate_pdfs, certificate=str(certificate.pk))
    publish(
        "certificate.issued",
        entity="certificate",
        id=certificate.pk,
        data={"number": number, "sampleId": str(sample.pk)},
    )
    return certificate


def _withdrawn(old: Certificate, content: Mapping[str, Any]) -> frozenset[str]:
    """The results of `old` that are not in `content` though they were not simply deleted: rejected or repeated."""
    printed = {row["resultId"] for row in old.content["results"]} - {row["resultId"] for row in content["results"]}
    held = Result.objects.filter(pk__in=printed, deleted_at=None).values_list("pk", flat=True)
    return frozenset(map(str, held))


def certificate_file(*, certificate: Certificate, language: str) -> CertificateFile | None:
    """The PDF in one language; None while a worker makes it. Raises Invalid for an unknown language."""
    kept = CertificateFile.objects.filter(certificate=certificate, language=_language(language)).first()
    if kept is None and pending(jobs.certificate_pdfs, certificate=str(certificate.pk)) is None:
        defer(jobs.certificate_pdfs, certificate=str(certificate.pk))  # a job that failed for good is tried anew
    return kept


def certificate_render(*, certificate: Certificate, language: str) -> CertificateFile:
    """Draw and keep the PDF; whoever comes second gets the first one's file."""
    kept = CertificateFile.objects.filter(certificate=certificate, language=language).first()
    if kept:
        return kept
    content = pdf.render(certificate, language)
    file, _made = CertificateFile.objects.get_or_create(
        certificate=certificate,
        language=language,
        defaults={
            "organization_id": certificate.organization_id,
            "content": content,
            "sha256": hashlib.sha256(content).hexdigest(),
        },
    )
    return file


def certificate_check(certificate: Certificate) -> bool:
    """Whether it is what was issued: its content has the hash, and its columns say what the content says."""
    content = certificate.content
    said = (content.get("number"), content.get("issuedAt"), content.get("item", {}).get("sampleId"))
    columns = (certificate.number, clock.wire(certificate.generated_at), str(certificate.sample_id))
    return snapshot_hash(content) == certificate.snapshot_hash and said == columns


def usual_statements(*, sample: Sample) -> dict[str, Any]:
    """What the newest certificate of the same place stated about customer, sampling and place of work."""
    earlier = Certificate.objects.filter(sample__location=sample.location).order_by("-generated_at", "-pk").first()
    names = ("customer", "samplingMethod", "place", "sampledByCustomer")
    return {name: earlier.content["stated"][name] for name in names} if earlier else {}


def list_exported(*, format: str) -> None:  # noqa: A002
    """Put into the audit log that the person in force took the list of certificates away."""
    record(Event(Action.EXPORT, "certificate", "", {"format": format}, label=f"certificates.{format}"))


def export_noted(*, certificate: Certificate, format: str) -> None:  # noqa: A002
    """Put into the audit log that the person in force took `certificate` away as `format` (pdf-ar, json)."""
    record(Event(Action.EXPORT, "certificate", str(certificate.pk), {"format": format}, label=certificate.number))
