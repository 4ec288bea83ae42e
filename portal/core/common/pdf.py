"""PDF of a page: A4, tagged (PDF/UA-1), fonts embedded, nothing fetched from anywhere."""

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import segno
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import get_language, gettext

FONTS: Final = {400: "Regular", 600: "SemiBold"}
_PAGE: Final = re.compile(r"Page (\d+)")
_LRI, _PDI = "\N{LEFT-TO-RIGHT ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"


def render(
    template: str,
    context: dict[str, Any],
    *,
    number: str,
    colours: dict[str, str] | None = None,
    style: str = "",
    on_page: Callable[[int], None] | None = None,
) -> bytes:
    """Draw `template` in the language in force; `number` stands at the foot of every page. `style` names a template of
    CSS that is drawn with the same context and comes after that of all PDFs.

    About 6 ms and 0.2 MB a table row, so a long one is a worker's job: `on_page` is told how many pages are laid out.
    """
    weasyprint = _weasyprint()
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    html = render_to_string(template, context)
    css = str(render_to_string("ui/pdf.css", _style(number, colours or {})))
    css += render_to_string(style, context) if style else ""
    fetcher = weasyprint.URLFetcher(allowed_protocols=["file", "data"])
    with _pages(on_page):
        content: bytes = weasyprint.HTML(string=html, url_fetcher=fetcher).write_pdf(
            stylesheets=[weasyprint.CSS(string=css, font_config=fonts, url_fetcher=fetcher)],
            font_config=fonts,
            pdf_variant="pdf/ua-1",
        )
    return content


def _weasyprint() -> Any:
    """The library: half a second and 60 MB that most requests never need. It tells Pillow, for all of the process, to
    take damaged pictures for whole ones, which is taken back."""
    import weasyprint
    from PIL import ImageFile

    ImageFile.LOAD_TRUNCATED_IMAGES = False
    return weasyprint


class _Pages(logging.Handler):
    def __init__(self, on_page: Callable[[int], None]) -> None:
        super().__init__()
        self.on_page, self.mine = on_page, threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.mine and (found := _PAGE.search(record.getMessage())):
            self.on_page(int(found.group(1)))


@contextmanager
def _pages(on_page: Callable[[int], None] | None) -> Iterator[None]:
    """WeasyPrint tells of each page in its log and nowhere else."""
    if on_page is None:
        yield
        return
    log, handler = logging.getLogger("weasyprint.progress"), _Pages(on_page)
    log.addHandler(handler)
    held = log.level
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(held)
        log.removeHandler(handler)


def qr(address: str) -> str:
    """A `data:` address of the QR code; never a Micro QR, which telephones do not read."""
    return str(segno.make_qr(address, error="m").svg_data_uri(border=0, dark="#0f2a2e"))


def _style(number: str, colours: dict[str, str]) -> dict[str, Any]:
    folder = Path(settings.BASE_DIR) / "static" / "vendor" / "plex"
    page = gettext("Page %(page)s of %(pages)s") % {
        "page": f'{_LRI}" counter(page) "{_PDI}',
        "pages": f'{_LRI}" counter(pages) "{_PDI}',
    }
    rtl = get_language() == "ar"
    return {
        "fonts": [(weight, (folder / f"{name}.woff2").as_uri()) for weight, name in FONTS.items()],
        "number": f"{_LRI}{number}{_PDI}",
        "page": page,
        "start": "right" if rtl else "left",
        "end": "left" if rtl else "right",
        "colours": colours,
    }
