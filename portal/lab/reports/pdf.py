"""The PDF of a frozen report."""

from django.utils import translation

from portal.core.common import pdf
from portal.lab.models import ComplianceReport
from portal.lab.reports.charts import COLOURS
from portal.lab.reports.wording import Wording


def render(report: ComplianceReport, language: str) -> bytes:
    """Draw `report` in `language`."""
    with translation.override(language):
        words = Wording(report, language)
        context = {"words": words, "report": report, "qr": pdf.qr(words.verify_url)}
        return pdf.render("lab/reports/pdf.html", context, number=report.number, colours=COLOURS)
