"""Reads of compliance reports."""

from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.fields.json import KT
from django.utils.translation import gettext as _

from portal.core.common.errors import NotFound
from portal.core.common.text import spelled
from portal.lab.models import ComplianceReport


def report_list() -> QuerySet[ComplianceReport]:
    """The reports of the organisation in force, newest first, without their tables. `summary` is that of the figures;
    `samples` and `share` are texts of it; `newer` is the number of the report that replaces it, else None."""
    rows: QuerySet[ComplianceReport] = ComplianceReport.objects.select_related("generated_by", "amends")
    return rows.defer("content", "amends__content").annotate(
        newer=F("amended_by__number"),
        summary=F("content__figures__summary"),
        samples=KT("content__figures__summary__samples"),
        share=KT("content__figures__summary__percentConforming"),
    )


def report_search(rows: QuerySet[ComplianceReport], text: str) -> QuerySet[ComplianceReport]:
    """Those whose number and title contain the words of `text`, in any spelling."""
    return spelled(rows, text, "number", "title")


def report_get(*, id: UUID) -> ComplianceReport:
    """Raises NotFound for an unknown report and for another organisation's."""
    report = report_list().defer(None).defer("amends__content").filter(pk=id).first()
    if report is None:
        raise NotFound(_("There is no such report."))
    return report
