"""Answers as files. CSV, XLSX and JSON are written row by row, so that their length costs no memory; a PDF holds at
most `PDF_ROWS` rows and says so."""

import io
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from portal.collect.charts.drawing import draw, swatch
from portal.core.common import pdf
from portal.core.common.sheets import sheet
from portal.core.common.text import grouped
from portal.core.common.workbook import Sheet, write_book
from portal.core.tenancy.models import Organization
from portal.desk.reports.choices import Format
from portal.desk.reports.display import cell, filters_in_words, left_to_right, picture, told, wire
from portal.desk.reports.query import Answer

PDF_ROWS: Final = 1000
_WIDE: Final = 6  # columns from which a PDF lies on its side
_EVERY: Final = 1000  # rows between two reports of progress

type Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands on top of a file."""

    title: str
    description: str
    organization: Organization
    language: str


@dataclass(frozen=True, slots=True)
class Written:
    """`rows` is how many lines the answer has, `shown` how many of them are in the file."""

    file: IO[bytes]
    rows: int
    shown: int


def write(answer: Answer, paper: Paper, kind: Format, *, progress: Progress) -> Written:
    """An open file at its beginning, in `paper.language`. `progress(done, total)` is told of every 1,000 rows."""
    with translation.override(paper.language), timezone.override(paper.organization.time_zone):
        total = answer.count()
        if kind == Format.PDF:
            return Written(io.BytesIO(_pdf(answer, paper, total, progress)), total, min(total, PDF_ROWS))
        if kind == Format.XLSX:
            return Written(_xlsx(answer, paper, _lines(answer, kind, total, progress)), total, total)
        names = [head.key if kind == Format.JSON else head.label for head in answer.heads]
        made, count, _digest = sheet(str(kind), names, _lines(answer, kind, total, progress))
        return Written(made, count, count)


def _lines(answer: Answer, kind: Format, total: int, progress: Progress) -> Iterator[list[Any]]:
    heads, zone = answer.heads, answer.zone
    for place, row in enumerate(answer.rows()):
        if place % _EVERY == 0:
            progress(place, total)
        if kind == Format.JSON:
            yield [wire(value, head) for value, head in zip(row, heads, strict=False)]
        else:
            yield [cell(value, head, zone) for value, head in zip(row, heads, strict=False)]


def _xlsx(answer: Answer, paper: Paper, rows: Iterator[list[Any]]) -> IO[bytes]:
    """The answer, and on a second sheet what was asked."""
    heads = answer.heads
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=settings.DATA_DIR)  # noqa: SIM115 the one who keeps it closes it
    widths = [max(12, min(40, len(head.label) + 4)) for head in heads]
    about = Sheet(_("Question")[:31], ["", ""], facts(answer, paper), [30, 70])
    write_book(
        file,
        [Sheet(_("Report")[:31], [head.label for head in heads], rows, widths), about],
        right_to_left=paper.language == "ar",
    )
    file.seek(0)
    return file


def facts(answer: Answer, paper: Paper) -> list[tuple[str, str]]:
    """What was asked, when, and by whom, in words."""
    now = timezone.localtime(answer.now)
    return [
        (_("Report"), paper.title),
        (_("Organisation"), paper.organization.name),
        (_("What it is about"), str(answer.definition.source.label)),
        *filters_in_words(answer),
        (_("Drawn"), f"{now:%Y-%m-%d %H:%M} {answer.zone}"),
        (_("For"), answer.user.name),
    ]


def _pdf(answer: Answer, paper: Paper, total: int, progress: Progress) -> bytes:
    language, heads = paper.language, answer.heads
    rows = list(answer.rows(stop=PDF_ROWS))
    progress(1, 3)
    drawn = picture(answer, rows)
    mirrored = language == "ar"
    slices = drawn is not None and drawn.kind in ("pie", "donut")
    legend = [] if drawn is None else drawn.labels if slices else drawn.names if len(drawn.names) > 1 else []
    now = timezone.localtime(answer.now)
    figures = [head for head in heads if head.figure]
    totals = [told(value, head, answer.zone) for value, head in zip(answer.totals(), figures, strict=True)]
    context = {
        "paper": paper,
        "source": answer.definition.source.label,
        "language": language,
        "rtl": mirrored,
        "filters": filters_in_words(answer),
        "at": f"{now:%Y-%m-%d %H:%M}",
        "zone": answer.zone,
        "by": answer.user.name,
        "tiles": [*([] if figures and not answer.definition.groups else [(_("Rows"), grouped(total))])]
        + [(head.label, value or "\N{EN DASH}") for head, value in zip(figures, totals, strict=True)],
        "image": draw(drawn, mirrored=mirrored) if drawn else "",
        "round": slices,
        "what": drawn.what if drawn else "",
        "legend": [(swatch(place), place + 1 if slices else "", name) for place, name in enumerate(legend)],
        "marks": [] if drawn is None or slices else list(enumerate(drawn.labels, 1)),
        "heads": [(head.label, head.kind == "number" and not head.words) for head in heads],
        "rows": [
            [
                (told(value, head, answer.zone), left_to_right(head), head.kind == "number" and not head.words)
                for value, head in zip(row, heads, strict=False)
            ]
            for row in rows
        ]
        if answer.definition.groups or not answer.definition.grouped
        else [],
        "total": total,
        "cut": total > PDF_ROWS,
        "most": PDF_ROWS,
        "wide": len(heads) > _WIDE,
    }
    return pdf.render("desk/reports/pdf.html", context, number=f"{now:%Y-%m-%d %H:%M}", style="desk/reports/pdf.css")
