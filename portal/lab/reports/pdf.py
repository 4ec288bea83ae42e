"""The PDF of a frozen report."""

from collections.abc import Callable
from typing import Final

from django.utils import translation

from portal.core.common import pdf
from portal.lab.models import ComplianceReport
from portal.lab.reports.charts import COLOURS
from portal.lab.reports.wording import Wording

LISTED: Final = 1000  # rows of one table; a longer one is for CSV, XLSX and JSON
_ROWS_A_PAGE: Final = 26


def render(report: ComplianceReport, language: str, *, progress: Callable[[int, int], None] | None = None) -> bytes:
    """Draw `report` in `language`. `progress` is told the pages that are laid out and how many there may be."""
    with translation.override(language):
        words = Wording(report, language, listed=LISTED)
        figures = words.figures
        rows = sum(min(len(figures[name]), LISTED) for name in ("exceedances", "sites", "excluded"))
        pages = 3 + rows // _ROWS_A_PAGE
        context = {"words": words, "report": report, "qr": pdf.qr(words.verify_url)}

        def on_page(page: int) -> None:
            if progress is not None:
                progress(min(page, pages), pages + 2)

        return pdf.render("lab/reports/pdf.html", context, number=report.number, colours=COLOURS, on_page=on_page)
