"""Tables as files for other programs: CSV, JSON and XLSX, written row by row, so that their length costs no memory."""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

import orjson
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from portal.core.common.text import harmless

TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_MEMORY: Final = 2 * 1024 * 1024  # a longer file goes to disk
_FORMULA = re.compile(r"[=+\-@\t\r\n]")


def text_cell(sheet: Any, value: object) -> Any:
    """A cell that is never a formula, whatever its text begins with."""
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
    cell.data_type = "s"
    return cell


def sheet(kind: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> tuple[IO[bytes], int, str]:
    """A file of `kind` (csv, json, xlsx), open at its start: (file, rows, SHA-256 in hexadecimal).

    CSV is UTF-8 with a byte order mark, commas and CRLF; JSON a list of objects.
    """
    file: IO[bytes] = SpooledTemporaryFile(_MEMORY)  # noqa: SIM115 the one who sends it closes it
    count = {"csv": _csv, "json": _json, "xlsx": _xlsx}[kind](file, columns, rows)
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    file.seek(0)
    return file, count, digest.hexdigest()


def _csv(file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer, count = csv.writer(text), 0
    writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(value) for value in row])
        count += 1
    text.detach()
    return count


def _json(file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    count = 0
    file.write(b"[")
    for row in rows:
        file.write((b",\n" if count else b"\n") + orjson.dumps(dict(zip(columns, row, strict=True))))
        count += 1
    file.write(b"\n]\n")
    return count


def _xlsx(file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    book = Workbook(write_only=True)
    page, count = book.create_sheet(), 0
    page.freeze_panes = "A2"
    page.append(list(columns))
    for row in rows:
        page.append([text_cell(page, value) if _FORMULA.match(str(value)) else value for value in row])
        count += 1
    book.save(file)
    return count
