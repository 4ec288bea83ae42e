"""Tables out of the files that customers come in: CSV, XLSX, and JSON (a list of objects)."""

from collections.abc import Iterator
from typing import IO, Any, Final

import orjson
from django.utils.translation import gettext as _

from portal.core.common import spreadsheets
from portal.core.common.errors import Invalid
from portal.core.common.spreadsheets import Format, Table

MAX_BYTES: Final = 20 * 1024 * 1024
MAX_ROWS: Final = 50_000
_JSON: Final = "json"


def inspect(file: IO[bytes], *, known: frozenset[str], chosen: dict[str, Any], rows: int = 20) -> Table:
    """Headings and first rows, found out as far as `chosen` does not say. Raises Invalid."""
    objects = _objects(file)
    if objects is not None:
        return Table(Format("utf-8", _JSON), _headings(objects), list(_json_rows(objects))[:rows])
    table = spreadsheets.inspect(file, known=known, rows=rows)
    if chosen and any(table.format.as_json()[name] != value for name, value in chosen.items()):
        table = spreadsheets.inspect(
            file, known=known, chosen=Format(**{**table.format.as_json(), **chosen}), rows=rows
        )
    return table


def read(file: IO[bytes], format: Format) -> Iterator[list[str]]:  # noqa: A002
    """The rows below the headings; more than 50,000 are refused. Raises Invalid."""
    objects = _objects(file) if format.delimiter == _JSON else None
    found = _json_rows(objects) if objects is not None else spreadsheets.table_rows(file, format)
    for count, (_line, cells) in enumerate(found, 1):
        if count > MAX_ROWS:
            raise Invalid(_("The file has more than %(limit)s rows: split it.") % {"limit": f"{MAX_ROWS:,}"})
        yield cells


def _objects(file: IO[bytes]) -> list[dict[str, Any]] | None:
    """None for a file that is no JSON."""
    file.seek(0)
    if file.read(200).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"[", b"{"):
        return None
    file.seek(0)
    try:
        said = orjson.loads(file.read().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        raise Invalid.field("file", _("The file is not valid JSON.")) from None
    if isinstance(said, dict):
        said = next((value for key in ("customers", "data", "items") if isinstance(value := said.get(key), list)), said)
    if not isinstance(said, list) or not said or not all(isinstance(one, dict) for one in said):
        raise Invalid.field("file", _("The JSON must be a list of objects."))
    return said


def _headings(objects: list[dict[str, Any]]) -> list[str]:
    names: dict[str, None] = {}
    for one in objects:
        for key, value in one.items():
            if key == "customFields" and isinstance(value, dict):
                names.update(dict.fromkeys(f"customFields.{name}" for name in value))
            else:
                names[key] = None
    return list(names)


def _json_rows(objects: list[dict[str, Any]]) -> Iterator[tuple[int, list[str]]]:
    headings = _headings(objects)
    for number, one in enumerate(objects, 1):
        custom = one.get("customFields")
        flat = one | (
            {f"customFields.{key}": value for key, value in custom.items()} if isinstance(custom, dict) else {}
        )
        yield number, [_cell(flat.get(heading)) for heading in headings]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(str(one.get("name", "")) if isinstance(one, dict) else str(one) for one in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[: spreadsheets.MAX_CELL]
