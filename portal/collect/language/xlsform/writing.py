"""A schema as an XLSForm workbook. Bounds and patterns become part of the constraint, as other tools know it; a column
of ours keeps what XLSForm has no word for, so that the workbook reads again as the same schema."""

import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson
from openpyxl import Workbook

from portal.collect.language.schema import Schema
from portal.collect.language.xlsform.cells import Lists, field_of
from portal.collect.language.xlsform.columns import (
    NAMESPACES,
    OURS,
    OURS_SCHEMA,
    TEXTS,
    WORDS,
    WRITTEN,
    YES_NO,
    language_name,
)
from portal.core.common.errors import Invalid
from portal.core.common.sheets import text_cell

_LONGEST_CELL: Final = 32_767
_FIRST: Final = ["type", "name"]
_MEASURE: Final = {"number": ".", "integer": ".", "text": "string-length(.)", "barcode": "string-length(.)",
                   "selectMultiple": "count-selected(.)"}  # fmt: skip


def write_workbook(schema: Schema, *, title: str) -> bytes:
    """An .xlsx file with the sheets survey, choices and settings."""
    writer = _Writer()
    writer.fields(schema.raw["fields"])
    book = Workbook(write_only=True)
    _sheet(book, "survey", _FIRST, writer.survey)
    _sheet(book, "choices", ["list_name", "name"], writer.choices)
    _sheet(book, "settings", ["form_title"], [_settings(schema.raw, title)])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _settings(raw: Mapping[str, Any], title: str) -> dict[str, str]:
    settings = raw.get("settings")
    cells = {"form_title": title}
    rest = {key: value for key, value in raw.items() if key not in ("fields", "settings", "defaultLanguage")}
    if isinstance(settings, Mapping) and all(isinstance(text, str) for text in settings.values()):
        cells |= {key: text for key, text in settings.items() if key not in ("form_title", "namespaces")}
    if isinstance(default := raw.get("defaultLanguage"), str):
        cells["default_language"] = language_name(default)
    if rest:
        cells[OURS_SCHEMA] = orjson.dumps(rest, default=float).decode()
    return cells | {"namespaces": NAMESPACES}


class _Writer:
    def __init__(self) -> None:
        self.survey: list[dict[str, str]] = []
        self.choices: list[dict[str, str]] = []
        self.lists = Lists()

    def fields(self, fields: list[Mapping[str, Any]]) -> None:
        for raw in fields:
            cells = self.cells(raw)
            # Read back what was just written: what differs has no word in XLSForm and goes into a column of ours.
            again = field_of(cells, self.lists, _never, _never) or {}
            own = {key: value for key, value in raw.items() if key != "fields"}
            keys = [key for key in {*own, *again} if own.get(key) != again.get(key) or (key in own) != (key in again)]
            if keys:
                said = {
                    "was": {key: again[key] for key in keys if key in again},
                    "is": {key: own[key] for key in keys if key in own},
                }
                cells[OURS] = orjson.dumps(said, option=orjson.OPT_SORT_KEYS, default=float).decode()
                if len(cells[OURS]) > _LONGEST_CELL:
                    raise Invalid.field(
                        f"schema.{raw['id']}", f"{raw['id']}: {len(cells[OURS])} > {_LONGEST_CELL}", "LIMIT"
                    )
            self.survey.append(cells)
            if raw["type"] in ("group", "repeat"):
                self.fields(raw["fields"])
                self.survey.append({"type": f"end_{raw['type']}"})

    def cells(self, raw: Mapping[str, Any]) -> dict[str, str]:
        kind = raw["type"]
        cells = {"type": self.type_cell(raw), "name": raw["id"]}
        for column, key in WORDS.items():
            cells |= _words(column, raw.get(key))
        if not any(key.startswith("label") for key in cells) and kind not in ("calculate", "group", "repeat"):
            cells["label"] = raw["id"]
        for column, key in TEXTS.items():
            if isinstance(raw.get(key), str) and raw[key]:
                cells[column] = raw[key]
        if kind == "signature" and "signature" not in cells.get("appearance", "").split():
            cells["appearance"] = f"{cells.get('appearance', '')} signature".strip()
        if constraint := " and ".join(_conditions(raw)):
            cells["constraint"] = constraint
        required = raw.get("required")
        if required:
            cells["required"] = "yes" if required is True else required
        if raw.get("readOnly"):
            cells["readonly"] = "yes"
        if (default := _default(raw)) is not None:
            cells["default"] = default
        # XLSForm knows an exact count of repeats and no range of counts.
        if kind == "repeat" and raw.get("min") is not None and raw.get("min") == raw.get("max"):
            cells["repeat_count"] = str(raw["min"])
        return cells

    def type_cell(self, raw: Mapping[str, Any]) -> str:
        kind = raw["type"]
        if kind in ("select", "selectMultiple"):
            name = raw.get("listName") or raw["id"]
            self.list_of(name, raw["options"] if raw.get("choices") is None else raw["choices"])
            return f"{'select_one' if kind == 'select' else 'select_multiple'} {name}"
        if kind == "boolean":
            if raw.get("xlsformType") == "acknowledge":
                return "acknowledge"
            self.list_of(
                YES_NO,
                [
                    {"value": "true", "label": {"ar": "نعم", "fr": "Oui", "en": "Yes"}},
                    {"value": "false", "label": {"ar": "لا", "fr": "Non", "en": "No"}},
                ],
            )
            return f"select_one {YES_NO}"
        if raw.get("xlsformType") == "range" and kind in ("number", "integer") and raw.get("parameters"):
            return "range"
        if kind == "file" and raw.get("accept") in ("audio/*", "video/*"):
            return str(raw["accept"])[:5]
        return WRITTEN[kind]

    def list_of(self, name: str, choices: list[Any]) -> None:
        if name in self.lists.choices:
            return
        made: list[Any] = []
        for item in choices:
            value = item if isinstance(item, str) else item["value"]
            label = None if isinstance(item, str) else item.get("label")
            condition = None if isinstance(item, str) else item.get("filter")
            columns = {key: str(text) for key, text in condition.items()} if isinstance(condition, Mapping) else {}
            columns = {key: text for key, text in columns.items() if key not in ("list_name", "name", "label")}
            self.choices.append({"list_name": name, "name": value} | _words("label", label or value) | columns)
            if columns:
                self.lists.filtered.add(name)
            made.append({"value": value, "label": label or value} | ({"filter": columns} if columns else {}))
        if all(item["label"] == item["value"] and "filter" not in item for item in made):
            made = [item["value"] for item in made]
        self.lists.choices[name] = made


def _never(_column: str, _message: str) -> None:
    """What is lost between the cells goes into the column of ours."""


def _words(column: str, given: Any) -> dict[str, str]:
    if isinstance(given, Mapping):
        return {column if code == "default" else f"{column}::{code}": text for code, text in given.items() if text}
    return {column: given} if given else {}


def _conditions(raw: Mapping[str, Any]) -> Iterator[str]:
    measure = _MEASURE.get(raw["type"])
    bounded = measure is not None and raw.get("xlsformType") != "range"
    found = []
    if bounded:
        found = [
            f"{measure} {sign} {raw[key]}"
            for key, sign in (("min", ">="), ("max", "<="))
            if raw.get(key) not in (None, "")
        ]
    if pattern := raw.get("pattern"):
        # XPath 1.0 escapes nothing in a literal: a pattern with both quotes stays in the column of ours alone.
        quote = next((sign for sign in "'\"" if sign not in pattern), None)
        if quote:
            found.append(f"regex(., {quote}{pattern}{quote})")
    own = raw.get("constraint")
    yield from found
    if own:
        yield f"({own})" if found else own


def _default(raw: Mapping[str, Any]) -> str | None:
    given, kind = raw.get("default"), raw["type"]
    if given in (None, ""):
        return None
    if kind == "selectMultiple" and isinstance(given, list):
        return " ".join(given)
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, Mapping):
        numbers = [str(given[key]) for key in ("lat", "lng", "altitude", "accuracy") if given.get(key) is not None]
        return " ".join(numbers)
    return str(given)


def _sheet(book: Any, name: str, first: list[str], rows: list[dict[str, str]]) -> None:
    page = book.create_sheet(name)
    columns = list(dict.fromkeys([*first, *(key for cells in rows for key in cells if key != OURS)]))
    if any(OURS in cells for cells in rows):
        columns.append(OURS)
    page.freeze_panes = "A2"
    page.append([_heading(column) for column in columns])
    for cells in rows:
        page.append([text_cell(page, cells.get(column)) for column in columns])


def _heading(column: str) -> str:
    base, mark, code = column.partition("::")
    return f"{base}::{language_name(code)}" if mark and base in {*WORDS, "label"} else column
