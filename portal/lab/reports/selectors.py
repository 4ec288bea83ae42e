"""Reads of compliance reports."""

from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.fields.json import KT
from django.utils.translation import gettext as _

from portal.core.common.errors import NotFound
from portal.core.tenancy.scope import platform
from portal.lab.models import ComplianceReport


def report_list() -> QuerySet[ComplianceReport]:
    """The reports of the organisation in force, newest first, without their tables. `summary` is that of the figures;
    `samples` and `share` are texts of it."""
    rows: QuerySet[ComplianceReport] = ComplianceReport.objects.select_related("generated_by").defer("content")
    return rows.annotate(
        summary=F("content__figures__summary"),
        samples=KT("content__figures__summary__samples"),
        share=KT("content__figures__summary__percentConforming"),
    )


def report_get(*, id: UUID) -> ComplianceReport:
    """Raises NotFound for an unknown report and for another organisation's."""
    report = ComplianceReport.objects.select_related("generated_by").filter(pk=id).first()
    if report is None:
        raise NotFound(_("There is no such report."))
    return report


def report_confirm(*, number: str, digest: str) -> ComplianceReport | None:
    """The report of any organisation with this number and this SHA-256 (64 hexadecimal digits), for the public page.

    Both must agree, so that nobody learns by counting through numbers who issued what. Numbers are unique within an
    organisation only; the hash tells them apart.
    """
    with platform():
        return (
            ComplianceReport.objects.select_related("organization")
            .filter(number=number[:30], snapshot_hash=f"sha256:{digest[:64].lower()}")
            .first()
        )
