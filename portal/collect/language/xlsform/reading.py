"""An XLSForm workbook to a schema. Every fault is named with sheet, row and column; what is left out is named too."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import IO, Any, Final

import openpyxl
import orjson
from django.utils.translation import gettext as _
from openpyxl.utils import get_column_letter

from portal.collect.language.schema import MOST_CHOICES, MOST_FIELDS, read_schema
from portal.collect.language.xlsform.cells import Lists, field_of, kind_of, words_of
from portal.collect.language.xlsform.columns import (
    ALIASES,
    OURS_SCHEMA,
    PLAIN,
    RECORDED,
    WORDS,
    YES,
    language_of,
)
from portal.core.common.errors import FieldError, Invalid
from portal.core.common.spreadsheets import DAMAGED

LARGEST: Final = 5 * 1024 * 1024  # bytes of the workbook
_UNPACKED: Final = 60 * 1024 * 1024
_MOST_COLUMNS: Final = 200
_MOST_PROBLEMS: Final = 100
_MOST_ROWS: Final = {"survey": 3 * MOST_FIELDS, "choices": MOST_CHOICES + 1000, "settings": 20}
_PLACE = re.compile(r"schema\.((?:fields\[\d+\]\.?)+)(\w*)")
_KEYS: Final = {"choiceFilter": "choice_filter", "id": "name", "choices": "type", "options": "type", "fields": "type"}
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    sheet: str
    row: int
    column: str  # its heading
    message: str

    def __str__(self) -> str:
        said = {"sheet": self.sheet, "row": self.row, "column": self.column, "message": self.message}
        if not self.row:
            return _("Sheet %(sheet)s: %(message)s") % said
        if not self.column:
            return _("Sheet %(sheet)s, row %(row)s: %(message)s") % said
        return _("Sheet %(sheet)s, row %(row)s, column %(column)s: %(message)s") % said


@dataclass(frozen=True, slots=True)
class Imported:
    title: str  # empty where the workbook gives none
    schema: dict[str, Any]
    left_out: list[Problem]


@dataclass(slots=True)
class _Row:
    sheet: str
    number: int
    cells: dict[str, str]  # normalised heading -> text; absent where empty
    headings: dict[str, str]  # normalised heading -> as it is written


@dataclass(slots=True)
class _Import:
    faults: list[Problem] = field(default_factory=list)
    left_out: list[Problem] = field(default_factory=list)
    rows: dict[int, _Row] = field(default_factory=dict)  # id() of a field -> its row

    def refuse(self, row: _Row, column: str, message: str) -> None:
        self.faults.append(Problem(row.sheet, row.number, row.headings.get(column, column), message))

    def leave(self, row: _Row, column: str, message: str) -> None:
        if len(self.left_out) < _MOST_PROBLEMS:
            self.left_out.append(Problem(row.sheet, row.number, row.headings.get(column, column), message))

    def raise_any(self) -> None:
        if self.faults:
            errors = [
                FieldError(f"{problem.sheet}.{problem.row}.{problem.column}", str(problem), "XLSFORM")
                for problem in self.faults[:_MOST_PROBLEMS]
            ]
            raise Invalid(errors[0].message, errors=errors)


def read_workbook(file: IO[bytes]) -> Imported:
    """Raises Invalid, one error per fault, `field` as `survey.5.relevant`."""
    sheets = _sheets(file)
    work = _Import()
    if "survey" not in sheets:
        raise Invalid.field("file", _("The workbook has no sheet “survey”: this is no XLSForm."), "XLSFORM")
    for name in sheets.keys() - {"survey", "choices", "settings"}:
        work.left_out.append(Problem(name, 0, "", _("This sheet is not supported.")))
    settings = next(iter(sheets.get("settings", [])), None)
    lists = _lists(sheets.get("choices", []), work)
    schema: dict[str, Any] = {"fields": _survey(sheets["survey"], lists, work)}
    title = _settings(settings, schema, work) if settings else ""
    work.raise_any()
    try:
        read_schema(schema)
    except Invalid as refused:
        _locate(refused, schema, work)
    return Imported(title, schema, work.left_out)


def _locate(refused: Invalid, schema: dict[str, Any], work: _Import) -> None:
    """Say of each fault of the schema in which cell it lies."""
    for error in refused.errors:
        match = _PLACE.match(error.field)
        item: Any = schema
        for index in re.findall(r"\[(\d+)\]", match[1] if match else ""):
            item = item["fields"][int(index)]
        row = work.rows.get(id(item))
        if match is None or row is None:
            work.faults.append(Problem("survey", 0, "", error.message))
        else:
            work.refuse(row, _KEYS.get(match[2], match[2]), error.message)
    work.raise_any()


def _survey(rows: list[_Row], lists: Lists, work: _Import) -> list[dict[str, Any]]:
    top: list[dict[str, Any]] = []
    open_: list[tuple[str, list[dict[str, Any]], _Row]] = [("", top, _Row("survey", 0, {}, {}))]
    for row in rows:
        head, _rest = kind_of(row.cells.get("type", ""))
        if not head:
            if row.cells:
                work.refuse(row, "type", _("The row has no type."))
            continue
        if row.cells.get("disabled", "").lower() in YES:
            work.leave(row, "disabled", _("The row is disabled."))
        elif head in RECORDED:
            work.leave(row, "type", _("“%(type)s” needs no question: every submission carries it.") % {"type": head})
        elif head.startswith("end_"):
            kind = head.removeprefix("end_").replace("lgroup", "repeat")
            if open_[-1][0] != kind:
                work.refuse(row, "type", _("“%(type)s” ends nothing that is open here.") % {"type": row.cells["type"]})
            else:
                open_.pop()
        else:
            _question(row, head, open_, lists, work)
    for kind, _fields, row in open_[1:]:
        work.refuse(row, "type", _("The end_%(kind)s of this row is missing.") % {"kind": kind})
    return top


def _question(
    row: _Row, head: str, open_: list[tuple[str, list[dict[str, Any]], _Row]], lists: Lists, work: _Import
) -> None:
    if head == "note" and not row.cells.get("name"):
        row.cells["name"] = f"note_{row.number}"
    made = field_of(
        row.cells,
        lists,
        lambda column, message: work.refuse(row, column, message),
        lambda column, message: work.leave(row, column, message),
    )
    for column in row.cells:
        if column not in PLAIN and column.partition("::")[0] not in WORDS:
            work.leave(row, column, _("This column is not supported."))
    if made is None:
        made = {}  # so that the end of a group finds its beginning; the workbook is refused anyhow
    work.rows[id(made)] = row
    open_[-1][1].append(made)
    if head.startswith("begin_"):
        made["fields"] = []
        open_.append((str(made.get("type", head.removeprefix("begin_"))), made["fields"], row))


def _lists(rows: list[_Row], work: _Import) -> Lists:
    found = Lists()
    for row in rows:
        listed, value = row.cells.get("list_name"), row.cells.get("name")
        if not listed and not value:
            continue
        if not listed or not value:
            work.refuse(row, "name" if listed else "list_name", _("A choice needs list_name and name."))
            continue
        label = words_of(row.cells, "label")
        columns = {}
        for column, text in row.cells.items():
            base = column.partition("::")[0]
            if base in ("list_name", "name", "label"):
                continue
            if base in ("media", "image", "audio", "video", "big-image") or not _NAME.fullmatch(column):
                work.leave(row, column, _("This column is not supported."))
            else:
                columns[column] = text
        into = found.choices.setdefault(listed, [])
        if columns:
            found.filtered.add(listed)
        if label in (None, value) and not columns:
            into.append(value)
        else:
            into.append(
                {"value": value, "label": value if label is None else label} | ({"filter": columns} if columns else {})
            )
    for listed, choices in found.choices.items():
        if any(isinstance(item, dict) for item in choices):
            found.choices[listed] = [
                {"value": item, "label": item} if isinstance(item, str) else item for item in choices
            ]
    return found


def _settings(row: _Row, schema: dict[str, Any], work: _Import) -> str:
    cells = dict(row.cells)
    title = cells.pop("form_title", "") or cells.pop("title", "")
    if default := cells.pop("default_language", ""):
        code = language_of(default)
        if code is None:
            work.refuse(row, "default_language", _no_code(default))
        else:
            schema["defaultLanguage"] = code
    if ours := cells.pop(OURS_SCHEMA, ""):
        try:
            schema |= {key: value for key, value in orjson.loads(ours).items() if key != "fields"}
        except (ValueError, AttributeError):
            work.refuse(row, OURS_SCHEMA, _("The cell was changed and cannot be read: empty it."))
    if cells.get("namespaces") and "marsad=" in cells["namespaces"]:
        del cells["namespaces"]
    if cells:
        schema["settings"] = cells
    return title


def _no_code(name: str) -> str:
    return _("The language “%(name)s” needs a code: write “Name (xx)”.") % {"name": name}


def _sheets(file: IO[bytes]) -> dict[str, list[_Row]]:
    _refuse_unsafe(file)
    broken = Invalid.field("file", _("The workbook is damaged or protected and cannot be read."), "XLSFORM")
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except DAMAGED:
        raise broken from None
    try:
        found = {}
        for sheet in book.worksheets:
            name = sheet.title.strip().lower()
            if name in _MOST_ROWS or any(_filled(sheet)):
                found[name] = _rows(sheet, name) if name in _MOST_ROWS else []
        return found
    except DAMAGED:
        raise broken from None
    finally:
        book.close()


def _filled(sheet: Any) -> Iterator[bool]:
    sheet.reset_dimensions()
    return (value is not None for line in sheet.iter_rows(max_row=5, max_col=20, values_only=True) for value in line)


def _rows(sheet: Any, name: str) -> list[_Row]:
    sheet.reset_dimensions()  # a file may claim a million empty columns
    lines = sheet.iter_rows(max_col=_MOST_COLUMNS, values_only=True)
    headings: list[str] = []
    written: dict[str, str] = {}
    for place, value in enumerate(next(lines, ()), 1):
        text = _text(value)
        key = _heading(text, name) if text and not text.startswith("#") else ""
        if key is None:
            raise Invalid.field(
                f"{name}.1.{text}", str(Problem(name, 1, text, _no_code(text.rpartition(":")[2]))), "XLSFORM"
            )
        if key and key in headings:
            message = _("Columns %(other)s and this one have the same name.") % {
                "other": get_column_letter(headings.index(key) + 1)
            }
            raise Invalid.field(f"{name}.1.{text}", str(Problem(name, 1, text, message)), "XLSFORM")
        headings.append(key)
        if key:
            written[key] = text
        assert place == len(headings)
    found = []
    for number, line in enumerate(lines, 2):
        cells = {key: text for key, value in zip(headings, line, strict=False) if key and (text := _text(value))}
        if cells:
            found.append(_Row(name, number, cells, written))
        if len(found) > _MOST_ROWS[name]:
            message = str(Problem(name, number, "", _("The sheet has too many rows.")))
            raise Invalid.field("file", message, "XLSFORM")
    return found


def _heading(text: str, sheet: str) -> str | None:
    """`Label::Arabic (ar)` as `label::ar`; None for a language that nobody can tell."""
    base, mark, rest = text.partition("::") if "::" in text else text.partition(":")
    lower = text.lower().strip()
    if sheet != "settings" and mark and (key := ALIASES.get(base.lower().strip(), base.lower().strip())) in WORDS:
        code = language_of(rest.strip(": "))
        return None if code is None else f"{key}::{code}"
    if sheet == "choices" and lower not in ("list name", "list-name", "list_name", "name", "value", "label", "caption"):
        return text.strip()
    if sheet == "settings":
        return {"set_form_title": "form_title", "title": "form_title", "set_form_id": "form_id"}.get(lower, lower)
    return ALIASES.get(lower, lower)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return str(value).replace("\xa0", " ").strip()


def _refuse_unsafe(file: IO[bytes]) -> None:
    """Sizes, before anything is unpacked."""
    file.seek(0, 2)
    if file.tell() > LARGEST:
        raise Invalid.field("file", _("The workbook is larger than %(limit)s bytes.") % {"limit": LARGEST}, "XLSFORM")
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as package:
            members = package.infolist()
    except DAMAGED:
        raise Invalid.field("file", _("This is no XLSX workbook."), "XLSFORM") from None
    if sum(member.file_size for member in members) > _UNPACKED or len(members) > 1000:
        raise Invalid.field("file", _("The workbook is too large when unpacked."), "XLSFORM")
    file.seek(0)
