"""Reading tables out of files as people have them: CSV in any usual encoding and delimiter, and XLSX.

Nothing in a file is trusted: sizes are bounded before anything is unpacked, every fault is an `Invalid` with a sentence
that says what to do, and rows are streamed.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from lzma import LZMAError
from typing import IO, Any, Final

import openpyxl
from django.utils.translation import gettext as _
from openpyxl.utils.exceptions import InvalidFileException

from portal.core.common.errors import Invalid
from portal.core.common.text import normalise

MAX_BYTES: Final = 50 * 1024 * 1024
MAX_UNPACKED: Final = 400 * 1024 * 1024
MAX_STRINGS: Final = 100 * 1024 * 1024  # held in memory as a whole
MAX_ROWS: Final = 200_000
MAX_COLUMNS: Final = 400
MAX_CELL: Final = 10_000
PROBE_ROWS: Final = 40  # among which the heading stands
ENCODINGS: Final = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "windows-1256", "windows-1252")
DELIMITERS: Final = (",", ";", "\t", "|")

# What a workbook can make zipfile, the XML parser and openpyxl raise; they declare nothing.
DAMAGED: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    InvalidFileException,
    LookupError,
    LZMAError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
)
_ARABIC_RUN = re.compile("[\u0621-\u064a]{2,}")
_FIXED_DECIMALS = re.compile(r"#?,?#*0\.(0+)")
_GUARDED = re.compile(r"'[=+\-@]")  # a text that an export kept from becoming a formula
_FORMULA = re.compile(rb"<f[ >/]")
_FORMULA_WITHOUT_VALUE = re.compile(rb"<f[ >][^<]*</f>\s*(?:<v>\s*</v>|<v\s*/>)?\s*</c>|<f[^>]*/>\s*</c>")


@dataclass(slots=True)
class Format:
    """How a file is to be read; `header` counts from 1. Empty `delimiter`: a workbook."""

    encoding: str = "utf-8"
    delimiter: str = ","
    sheet: str = ""
    header: int = 1

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Table:
    """The beginning of a file: its unique headings, the first rows with their line numbers, and what looks odd."""

    format: Format
    headings: list[str]
    rows: list[tuple[int, list[str]]]
    sheets: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def inspect(
    file: IO[bytes],
    *,
    known: frozenset[str],
    spell: Callable[[str], str] = normalise,
    chosen: Format | None = None,
    rows: int = 200,
) -> Table:
    """Look at a file: find out how it is written, unless `chosen` says so, and read its first `rows`.

    `known` are headings, as `spell` writes them, that tell the heading row from what stands above it. Raises Invalid.
    """
    file.seek(0)
    start = file.read(64 * 1024)
    if not start.strip():
        raise Invalid(_("The file is empty."))
    if start[:4] == b"PK\x03\x04":
        return _inspect_workbook(file, known=known, spell=spell, chosen=chosen, rows=rows)
    _refuse_other_kinds(start)
    written = chosen or Format()
    if chosen is None:
        written.encoding = _encoding(start)
        written.delimiter = _delimiter(_decoded(start, written.encoding))
    lines = list(islice(_text_lines(file, written), PROBE_ROWS + rows))
    if not lines:
        raise Invalid(_("The file is empty."))
    if chosen is None:
        written.header = _header(lines, known, spell)
    return _table(written, lines)


def table_rows(file: IO[bytes], format: Format) -> Iterator[tuple[int, list[str]]]:  # noqa: A002
    """The rows below the heading with their line numbers, as text; empty ones are left out. Raises Invalid."""
    file.seek(0)
    lines = _text_lines(file, format) if format.delimiter else _sheet_lines(file, format)
    for count, (number, cells) in enumerate(lines):
        if count > MAX_ROWS:
            raise Invalid(_("The file has more than %(limit)s rows: split it.") % {"limit": f"{MAX_ROWS:,}"})
        if number > format.header:
            yield number, cells


def headings_of(cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """Unique headings, and those that stood there more than once."""
    seen: dict[str, int] = {}
    names, twice = [], []
    for number, cell in enumerate(cells, 1):
        name = " ".join(cell.split())[:200] or f"[{number}]"
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            twice.append(name)
            name = f"{name} ({seen[name]})"
        names.append(name)
    return names, list(dict.fromkeys(twice))


def _table(format: Format, lines: list[tuple[int, list[str]]]) -> Table:  # noqa: A002
    heading = next((cells for number, cells in lines if number == format.header), None)
    if heading is None or not any(heading):
        raise Invalid(_("Row %(row)d holds no headings.") % {"row": format.header})
    while heading and not heading[-1]:
        heading = heading[:-1]
    if len(heading) > MAX_COLUMNS:
        raise Invalid(_("The file has more than %(limit)d columns.") % {"limit": MAX_COLUMNS})
    names, twice = headings_of(heading)
    warnings = []
    if twice:
        warnings.append(
            _("These headings stand there more than once and were numbered: %(names)s.") % {"names": ", ".join(twice)}
        )
    rows = [(number, cells[: len(names)]) for number, cells in lines if number > format.header]
    if not rows:
        raise Invalid(_("There is no row below the headings."))
    return Table(format, names, rows, warnings=warnings)


def _refuse_other_kinds(start: bytes) -> None:
    if start[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise Invalid(_("This is an old Excel file (.xls) or a protected one: save it as .xlsx or CSV."))
    if start[:2] == b"\x1f\x8b":
        raise Invalid(_("The file is packed: unpack it first."))
    if start[:2] not in (b"\xff\xfe", b"\xfe\xff") and b"\x00" in start and not _wide(start):
        raise Invalid(_("This is no table: only CSV and XLSX files can be read."))
    if start[:5] == b"%PDF-" or start.lstrip()[:1] == b"<":
        raise Invalid(_("This is no table: only CSV and XLSX files can be read."))


def _wide(start: bytes) -> str:
    """UTF-16 without a mark: every other byte of Latin text is zero. Returns the encoding or ''."""
    even, odd = start[0:4096:2], start[1:4096:2]
    if not odd:
        return ""
    zeros = even.count(0) / len(even), odd.count(0) / len(odd)
    if zeros[1] > 0.2 and zeros[0] < 0.02:
        return "utf-16-le"
    return "utf-16-be" if zeros[0] > 0.2 and zeros[1] < 0.02 else ""


def _encoding(start: bytes) -> str:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if wide := _wide(start):
        return wide
    try:
        start[: start.rfind(b"\n") + 1 or len(start)].decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        pass
    # Both old code pages know é and à; only letters of Arabic stand together in words.
    words = _ARABIC_RUN.findall(start.decode("windows-1256", errors="replace"))
    high = sum(byte > 127 for byte in start)
    return "windows-1256" if sum(map(len, words)) * 2 > high else "windows-1252"


def _decoded(start: bytes, encoding: str) -> str:
    return start.decode(encoding, errors="replace").lstrip("\ufeff")


def _delimiter(text: str) -> str:
    """The sign that cuts most lines into the same number of cells, more than one."""
    lines = [line for line in text.splitlines()[:PROBE_ROWS] if line.strip()][:-1] or text.splitlines()[:1]
    best, score = ",", 0
    for sign in DELIMITERS:
        counts = [len(cells) for cells in csv.reader(lines, delimiter=sign)]
        usual = max(set(counts), key=lambda count: (counts.count(count) * (count > 1), count), default=1)
        points = counts.count(usual) * usual if usual > 1 else 0
        if points > score:
            best, score = sign, points
    return best


def _header(lines: list[tuple[int, list[str]]], known: frozenset[str], spell: Callable[[str], str]) -> int:
    """The row whose cells are headings that we know; else the first one that is as wide as the table."""
    best, score = 0, 0
    for number, cells in lines[:PROBE_ROWS]:
        points = sum(spell(cell.split("(")[0].split("[")[0]) in known for cell in cells if cell)
        if points > score:
            best, score = number, points
    if best:
        return best
    width = max(sum(map(bool, cells)) for _number, cells in lines[:PROBE_ROWS])
    return next(number for number, cells in lines if sum(map(bool, cells)) == width)


def _text_lines(file: IO[bytes], format: Format) -> Iterator[tuple[int, list[str]]]:  # noqa: A002
    file.seek(0)
    encoding = "utf-8-sig" if format.encoding == "utf-8" else format.encoding
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        for number, cells in enumerate(csv.reader(text, delimiter=format.delimiter or ","), 1):
            if any(cells):
                if len(cells) > MAX_COLUMNS and any(cells[MAX_COLUMNS:]):
                    raise Invalid(_("The file has more than %(limit)d columns.") % {"limit": MAX_COLUMNS})
                yield number, [_clean(cell) for cell in cells]
    except UnicodeError:
        message = _("The file is not written in %(encoding)s: choose another encoding.")
        raise Invalid(message % {"encoding": format.encoding}) from None
    except csv.Error as error:
        raise Invalid(_("The file cannot be read: %(reason)s.") % {"reason": error}) from None
    finally:
        text.detach()


def _clean(cell: str) -> str:
    text = cell.replace("\x00", "").strip("\ufeff \t\r\n\u00a0")[:MAX_CELL]
    return text[1:] if _GUARDED.match(text) else text


def _inspect_workbook(
    file: IO[bytes], *, known: frozenset[str], spell: Callable[[str], str], chosen: Format | None, rows: int
) -> Table:
    _refuse_unsafe(file)
    book = _open(file)
    try:
        sheets = [sheet.title for sheet in book.worksheets]
    finally:
        book.close()
    if not sheets:
        raise Invalid(_("The workbook has no sheet."))
    found: Table | None = None
    # The first sheet often is a cover: the one with the most headings that we know counts.
    points = -1
    for name in [chosen.sheet] if chosen else sheets[:20]:
        lines = list(islice(_sheet_lines(file, Format("", "", name)), PROBE_ROWS + rows))
        if len(lines) < 2 and not chosen:
            continue
        table = _table(chosen or Format("", "", name, _header(lines, known, spell)), lines)
        score = sum(spell(heading.split("(")[0]) in known for heading in table.headings)
        if score > points:
            found, points = table, score
    if found is None:
        raise Invalid(_("The workbook has no sheet with a heading and a row below it."))
    found.sheets = sheets
    return found


def _refuse_unsafe(file: IO[bytes]) -> None:
    """Sizes before anything is unpacked, and formulas whose value nobody stored."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as package:
            members = package.infolist()
            names = {member.filename for member in members}
            if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
                raise Invalid(_("This is no table: only CSV and XLSX files can be read."))
            strings = sum(member.file_size for member in members if "sharedStrings" in member.filename)
            whole = sum(member.file_size for member in members)
            if whole > MAX_UNPACKED or strings > MAX_STRINGS or len(members) > 5000:
                raise Invalid(_("The workbook is too large when unpacked: split it, or save it as CSV."))
            for member in members:
                if member.filename.startswith("xl/worksheets/"):
                    _refuse_formulas(package, member)
    except DAMAGED:
        raise Invalid(_("The workbook is damaged or protected and cannot be read.")) from None


def _refuse_formulas(package: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    rest = b""
    with package.open(member) as part:
        while piece := part.read(1024 * 1024):
            piece = rest + piece
            if _FORMULA.search(piece) and _FORMULA_WITHOUT_VALUE.search(piece):
                raise Invalid(
                    _("The workbook holds formulas without their values: open it, save it once, or save it as CSV.")
                )
            rest = piece[-2000:]


def _open(file: IO[bytes]) -> openpyxl.Workbook:
    file.seek(0)
    try:
        return openpyxl.load_workbook(file, read_only=True, data_only=True)
    except DAMAGED:
        raise Invalid(_("The workbook is damaged or protected and cannot be read.")) from None


def _sheet_lines(file: IO[bytes], format: Format) -> Iterator[tuple[int, list[str]]]:  # noqa: A002
    book = _open(file)
    try:
        sheet: Any = next((s for s in book.worksheets if s.title == format.sheet), None)
        if sheet is None:
            raise Invalid(_("The workbook has no sheet “%(name)s”.") % {"name": format.sheet})
        sheet.reset_dimensions()  # a file may claim a million empty columns
        for number, cells in enumerate(sheet.iter_rows(), 1):
            texts = [_cell(cell) for cell in cells[: MAX_COLUMNS + 1]]
            if any(texts):
                yield number, texts
    except DAMAGED:
        raise Invalid(_("The workbook is damaged or protected and cannot be read.")) from None
    finally:
        book.close()


def _cell(cell: Any) -> str:
    """As the person reads it: 7.20 where the sheet shows two decimals, a date in ISO form."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds" if value.second else "minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int | float):
        shown = _FIXED_DECIMALS.fullmatch(cell.number_format)
        number = Decimal(repr(value))
        if shown and (rounded := round(number, len(shown[1]))) == number:
            return f"{rounded:f}"
        return f"{number.normalize():f}" if number == number.to_integral_value() else f"{number:f}"
    return str(value)
