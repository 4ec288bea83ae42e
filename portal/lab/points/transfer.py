"""Sampling points as CSV: read with every fault named, written so that the file reads again without loss."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common.errors import Denied, Invalid
from portal.core.common.text import harmless
from portal.core.tenancy import scope
from portal.lab.choices import SampleType
from portal.lab.models import SamplingPoint
from portal.lab.points import services

COLUMNS: Final = ("code", "name", "type", "city", "latitude", "longitude", "population", "notes", "active")
MOST_ROWS: Final = 20_000
MOST_BYTES: Final = 4 * 1024 * 1024
_DIGITS = str.maketrans({chr(base + n): str(n) for base in (0x0660, 0x06F0) for n in range(10)} | {"٫": "."})
_NO: Final = frozenset({"0", "no", "false", "non", "لا"})


@dataclass(slots=True)
class Read:
    """What a file says: rows that are new or changed, how many are as they were, and faults as (line, column, why)."""

    made: list[SamplingPoint] = field(default_factory=list)
    changed: list[SamplingPoint] = field(default_factory=list)
    unchanged: int = 0
    faults: list[tuple[int, str, str]] = field(default_factory=list)


def points_csv(rows: Any) -> Iterator[str]:
    """Lines with CRLF, under the names of COLUMNS; the first begins with a byte order mark."""
    record(Event(Action.EXPORT, "sampling_point", "", {"format": "csv"}, label="sampling-points.csv"))
    out = io.StringIO()
    writer = csv.writer(out)
    out.write("\ufeff")
    writer.writerow(COLUMNS)
    for point in rows.iterator(chunk_size=2000):
        values = [getattr(point, name) for name in COLUMNS[:-1]]
        writer.writerow(
            [*("" if value is None else harmless(value) for value in values), "yes" if point.is_active else "no"]
        )
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


def read_csv(content: bytes) -> Read:
    """Check a file against the organisation's points; nothing is written. A known code is a change of that point, empty
    cells and missing columns leave it as it is. Raises Invalid where the file as a whole cannot be read."""
    if len(content) > MOST_BYTES:
        raise Invalid.field("file", _("The file is larger than %(count)d MB.") % {"count": MOST_BYTES // 1024**2})
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid.field("file", _("Save the file as CSV in UTF-8.")) from None
    try:
        dialect: Any = csv.Sniffer().sniff(text[:4096].partition("\n")[0], delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel
    rows = csv.reader(io.StringIO(text, newline=""), dialect)
    try:
        headings = [name.strip().lower() for name in next(rows, [])]
        if "code" not in headings:
            message = _("The first row names the columns: %(names)s.") % {"names": ", ".join(COLUMNS)}
            raise Invalid.field("file", message)
        lines = [(rows.line_num, dict(zip(headings, cells, strict=False))) for cells in rows if any(cells)]
    except csv.Error as error:
        raise Invalid.field("file", str(error)) from None
    if len(lines) > MOST_ROWS:
        raise Invalid.field("file", _("The file has more than %(count)d rows.") % {"count": MOST_ROWS})
    return _read(lines)


def _read(lines: list[tuple[int, dict[str, str]]]) -> Read:
    held = {point.code: point for point in SamplingPoint.objects.all()}
    read = Read()
    seen: set[str] = set()
    for line, cells in lines:
        code = cells.get("code", "").strip()
        point = held.get(code)
        before = {name: getattr(point, name) for name in services.POINT_FIELDS} if point else None
        row = point or SamplingPoint(organization_id=scope.organization_id(), code=code, type=SampleType.DRINKING_WATER)
        faults = _take(row, cells)
        if code in seen:
            faults.append(("code", _("This code stands in the file twice.")))
        seen.add(code)
        if not faults:
            try:
                services.check_point(row)
            except Invalid as refusal:
                faults = [(error.field, error.message) for error in refusal.errors]
        if faults:
            read.faults += [(line, name, why) for name, why in faults]
        elif before is None:
            read.made.append(row)
        elif any(before[name] != getattr(row, name) for name in services.POINT_FIELDS):
            read.changed.append(row)
        else:
            read.unchanged += 1
    return read


def _take(row: SamplingPoint, cells: dict[str, str]) -> list[tuple[str, str]]:
    """Fill the row from its cells; what could not be read."""
    faults: list[tuple[str, str]] = []
    words = {str(label).casefold(): value for value, label in SampleType.choices}
    for name in COLUMNS[1:]:
        text = cells.get(name, "").strip()
        if text.startswith("'") and text[1:2] in "=+-@":  # what `harmless` put before a text
            text = text[1:]
        if not text:
            continue
        match name:
            case "latitude" | "longitude" | "population":
                plain = text.translate(_DIGITS).replace(",", ".").replace("\N{MINUS SIGN}", "-")
                try:
                    setattr(row, name, int(plain) if name == "population" else float(plain))
                except ValueError:
                    faults.append((name, _("Enter a number.")))
            case "type":
                row.type = words.get(text.casefold(), text)
            case "active":
                row.is_active = text.casefold() not in _NO
            case _:
                setattr(row, name, text)
    return faults


def points_import(*, content: bytes, by: User) -> Read:
    """Write a file, all of it or nothing. Raises Denied; Invalid where a row has a fault."""
    if not by.has_permission(services.RIGHT):
        raise Denied(_("You do not have the right to do this."))
    read = read_csv(content)
    if read.faults:
        line, name, why = read.faults[0]
        message = _("Row %(line)d, %(name)s: %(why)s") % {"line": line, "name": name, "why": why}
        raise Invalid.field("file", message)
    for point in (*read.made, *read.changed):
        point.search_text = services.search_text(point)
    SamplingPoint.objects.bulk_create(read.made, batch_size=1000)
    fields = [*services.POINT_FIELDS, "search_text"]
    SamplingPoint.objects.bulk_update(read.changed, fields, batch_size=1000)
    return read
