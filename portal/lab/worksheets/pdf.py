"""A worksheet on paper: to the bench before it is measured, to the file after it was verified."""

from django.utils.translation import get_language

from portal.core.common import clock, pdf
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab.quality.wording import badge
from portal.lab.reports.charts import COLOURS
from portal.lab.rulebook import Rulebook
from portal.lab.worksheets import showing
from portal.lab.worksheets.board import Board
from portal.lab.worksheets.models import Worksheet

WIDE = 5  # parameters beside one another on a sheet of paper


def worksheet_pdf(sheet: Worksheet, board: Board, *, rules: Rulebook) -> bytes:
    """In the language in force; more parameters than fit beside one another go into further tables."""
    parts = [board.columns[start : start + WIDE] for start in range(0, len(board.columns), WIDE)]
    language = (get_language() or "en")[:2]
    context = {
        "sheet": sheet,
        "organization": Organization.objects.get(pk=scope.organization_id()),
        "parts": [(columns, showing.rows(board, columns=columns)) for columns in parts],
        "status": badge(sheet.status, sheet.get_status_display()),
        "control": badge(sheet.control, sheet.get_control_display()),
        "printed_at": clock.now().astimezone(clock.zone(rules.zone)),
        "language": language,
        "direction": "rtl" if language == "ar" else "ltr",
    }
    return pdf.render("lab/worksheets/pdf.html", context, number=sheet.number, colours=COLOURS)
