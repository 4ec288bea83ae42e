"""The PDF of a frozen report: A4, tagged (PDF/UA-1), fonts embedded, nothing fetched from anywhere."""

from pathlib import Path
from typing import Any

import segno
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

from portal.lab.models import ComplianceReport
from portal.lab.reports.charts import COLOURS
from portal.lab.reports.wording import Wording

FONTS = {400: "Regular", 600: "SemiBold"}
_LRI, _PDI = "\N{LEFT-TO-RIGHT ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"


def render(report: ComplianceReport, language: str) -> bytes:
    """Draw `report` in `language`; about 6 ms and 0.2 MB a row, so a long one is a worker's job."""
    import weasyprint  # half a second and 60 MB that most requests never need
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    with translation.override(language):
        words = Wording(report, language)
        qr = segno.make(words.verify_url, error="m").svg_data_uri(border=0, dark="#0f2a2e")
        html = render_to_string("lab/reports/pdf.html", {"words": words, "report": report, "qr": qr})
        css = render_to_string("lab/reports/pdf.css", _style(words))
    fetcher = weasyprint.URLFetcher(allowed_protocols=["file", "data"])
    content: bytes = weasyprint.HTML(string=html, url_fetcher=fetcher).write_pdf(
        stylesheets=[weasyprint.CSS(string=css, font_config=fonts, url_fetcher=fetcher)],
        font_config=fonts,
        pdf_variant="pdf/ua-1",
    )
    return content


def _style(words: Wording) -> dict[str, Any]:
    folder = Path(settings.BASE_DIR) / "static" / "vendor" / "plex"
    page = gettext("Page %(page)s of %(pages)s") % {
        "page": f'{_LRI}" counter(page) "{_PDI}',
        "pages": f'{_LRI}" counter(pages) "{_PDI}',
    }
    return {
        "fonts": [(weight, (folder / f"{name}.woff2").as_uri()) for weight, name in FONTS.items()],
        "number": f"{_LRI}{words.report.number}{_PDI}",
        "page": page,
        "start": "right" if words.rtl else "left",
        "end": "left" if words.rtl else "right",
        "colours": COLOURS,
    }
