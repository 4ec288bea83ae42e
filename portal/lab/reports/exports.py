"""The tables of a frozen report as CSV (for programs: wire names) and XLSX (for people: words of a language)."""

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Font

from portal.core.common.sheets import text_cell
from portal.core.common.text import harmless
from portal.lab.models import ComplianceReport
from portal.lab.reports.wording import Wording, report_json

STEP = 500  # rows between two words of progress
CSV_COLUMNS = (
    "sampleCode", "collectionDate", "location", "parameterCode", "parameterName", "valueText", "unit", "comparedValue",
    "limit", "limitUnit", "standard", "edition", "role", "verdict", "reason", "provisional", "sampleId", "resultId",
)  # fmt: skip


def report_csv(report: ComplianceReport, *, language: str | None = None) -> bytes:
    """One line per exceedance (result and standard) and one per excluded result, whose verdict is EXCLUDED.

    UTF-8 with a byte order mark, commas, CRLF. Parameter names are in `language`, else the report's.
    """
    data = report_json(report, language=language)
    file = io.StringIO()
    writer = csv.DictWriter(file, ("reportNumber", *CSV_COLUMNS), extrasaction="ignore", restval="")
    writer.writeheader()
    excluded = [{**row, "verdict": "EXCLUDED"} for row in data["excluded"]]
    for row in [*data["exceedances"], *excluded]:
        writer.writerow({name: harmless(value) for name, value in {**row, "reportNumber": report.number}.items()})
    return b"\xef\xbb\xbf" + file.getvalue().encode()


def report_xlsx(
    report: ComplianceReport, language: str, *, progress: Callable[[int, int], None] | None = None
) -> bytes:
    """A workbook with the sheets summary, standards, sites, exceedances and excluded results; figures as numbers,
    measured values as the text that the laboratory wrote. `progress` counts the rows of the long sheets."""
    book = Workbook(write_only=True)
    total = sum(len(report.content["figures"][name]) for name in ("sites", "exceedances", "excluded"))
    count = itertools.count(1)

    def told[T](rows: Iterable[T]) -> Iterator[T]:
        for row in rows:
            done = next(count)
            if progress and done % STEP == 0:
                progress(done, total)
            yield row

    with translation.override(language):
        words = Wording(report, language)
        f = words.figures
        s = f["summary"]
        first, last = words.period
        _sheet(book, words, _("Summary"), (_("Figure"), _("Value")), [
            (_("Organisation"), words.names["organization"]["name"]), (_("Title"), words.title),
            (_("Number"), report.number), (_("Period"), f"{first} – {last}"),
            *((label, value) for label, value, _typed in words.chosen),
            (_("Issued"), f"{words.generated_at} {f['timeZone']}"), (_("Issued by"), words.names["generatedBy"]),
            (_("Samples"), s["samples"]), (_("Results"), s["results"]), (_("Conforming"), s["pass"]),
            (_("Warning"), s["warning"]), (_("Failing"), s["fail"]), (_("Pending"), s["pending"]),
            (_("Conforming share"), s["percentConforming"]), (_("Snapshot hash"), report.snapshot_hash),
            (_("Verification"), words.verify_url),
        ])  # fmt: skip
        _sheet(book, words, _("Standards"), (
            _("Standard"), _("Edition"), _("Reference"), _("Name"), _("Role"), _("Evaluated"), _("Pass"), _("Warning"),
            _("Fail"), _("Indeterminate"), _("Investigate"), _("Not evaluated"), _("Censored"), _("Provisional"),
        ), (
            (r["standard"], r["edition"], r["reference"], r["name"], str(r["roleName"]), r["evaluated"], r["pass"],
             r["warning"], r["fail"], r["indeterminate"], r["investigate"], r["notEvaluated"], r["censored"],
             r["provisional"])
            for r in words.standards
        ))  # fmt: skip
        _sheet(book, words, _("Sites"), (
            _("Location"), _("Samples"), _("Evaluated"), _("Censored"), _("Indeterminate"), _("Exceedances"),
            _("Conforming share"), _("Worst parameter"), _("Worst value"), _("Unit"), _("Date"),
        ), (
            (r["location"], r["taken"], r["evaluated"], r["censored"], r["indeterminate"], r["exceedances"],
             r["percentConforming"],
             *((w["parameterName"], w["valueText"], w["unit"], w["day"]) if (w := r["worst"]) else ()))
            for r in told(words.sites)
        ))  # fmt: skip
        _sheet(book, words, _("Exceedances"), (
            _("Sample"), _("Date"), _("Location"), _("Parameter"), _("Value"), _("Unit"), _("Compared value"),
            _("Limit"), _("Unit of the limit"), _("Standard"), _("Edition"), _("Provisional"),
        ), (
            (r["sampleCode"], words.day(r["collectionDate"]), r["location"], words.parameter_name(r["parameterCode"]),
             r["valueText"], r["unit"], r["comparedValue"], r["limit"], r["limitUnit"], r["standard"], r["edition"],
             _("provisional") if r["provisional"] else "")
            for r in told(f["exceedances"])
        ))  # fmt: skip
        _sheet(book, words, _("Excluded results"), (_("Sample"), _("Parameter"), _("Value"), _("Unit"), _("Reason")), (
            (r["sampleCode"], r["parameterName"], r["valueText"], r["unit"], str(r["why"]))
            for r in told(words.excluded)
        ))  # fmt: skip
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _sheet(book: Any, words: Wording, title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    sheet = book.create_sheet(title)
    sheet.sheet_view.rightToLeft = words.rtl
    sheet.freeze_panes = "A2"
    for column in "ABCDEFGHIJKLMN"[: len(head)]:
        sheet.column_dimensions[column].width = 22
    bold = [text_cell(sheet, text) for text in head]
    for cell in bold:
        cell.font = Font(bold=True)
    sheet.append(bold)
    for row in rows:
        sheet.append([text_cell(sheet, value) for value in row])
