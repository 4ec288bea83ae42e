"""Submissions as CSV, XLSX, GeoJSON and JSON lines, written row by row: their length costs no memory.

With one form chosen each of its questions has a column, of all its versions; what a repeat holds stands in a sheet of
its own (XLSX) or comes as the file of that repeat (CSV, `sheet`). Texts that a spreadsheet could take for a formula are
made harmless.
"""

import csv
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import IO, Any, Final
from uuid import UUID

import orjson
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.collect.forms.models import Form
from portal.collect.forms.selectors import compiled, form_versions
from portal.collect.language import Field
from portal.collect.submissions import wire
from portal.collect.submissions.choices import Flag, ReviewState
from portal.collect.submissions.models import Submission
from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common.clock import wire as stamp
from portal.core.common.text import harmless
from portal.core.common.workbook import Cell, Sheet, write_book
from portal.core.files.models import FileLink
from portal.core.files.storage import opened
from portal.core.tenancy import scope
from portal.core.tenancy.scope import Actor, tenant

CHUNK: Final = 2000
TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "geojson": "application/geo+json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}
# Column of the table, name on the wire, heading for people, width.
_FIXED: Final[tuple[tuple[str, str, str | Promise, int], ...]] = (
    ("id", "id", gettext_lazy("Identifier"), 38),
    ("form__name", "formName", gettext_lazy("Form"), 28),
    ("form_version", "formVersion", gettext_lazy("Version"), 9),
    ("project__name", "projectName", gettext_lazy("Project"), 28),
    ("submitted_by__name", "submittedBy", gettext_lazy("Submitted by"), 22),
    ("created_at", "createdAt", gettext_lazy("Captured"), 17),
    ("synced_at", "syncedAt", gettext_lazy("Arrived"), 17),
    ("review_state", "reviewState", gettext_lazy("Review"), 14),
    ("flags", "flags", gettext_lazy("Remarks"), 24),
    ("latitude", "latitude", gettext_lazy("Latitude"), 11),
    ("longitude", "longitude", gettext_lazy("Longitude"), 11),
    ("local_sync_id", "localSyncId", gettext_lazy("Id on the device"), 38),
)
_NAMES: Final = tuple(name for name, *_rest in _FIXED)


@dataclass(slots=True)
class Columns:
    """The questions of a form: of the main sheet, and of each repeat by its id."""

    main: list[Field] = field(default_factory=list)
    repeats: dict[str, tuple[Field, list[Field]]] = field(default_factory=dict)


class _Echo:
    def write(self, line: str) -> str:
        return line


def noted(*, kind: str, filters: Mapping[str, Any]) -> None:
    """Put into the audit log that the person in force took these submissions away."""
    details = {"format": kind, "filters": {name: value for name, value in filters.items() if value}}
    record(Event(Action.EXPORT, "submission", "", details, label=f"submissions.{kind}"))


def columns_of(form: Form | None) -> Columns:
    """Newest version first; a question that an older one had comes after them."""
    found = Columns()
    if form is None:
        return found
    seen: set[str] = set()
    for version in form_versions(form=form).values_list("version", flat=True):
        for item in compiled(form.pk, version).fields():
            if item.id in seen:
                continue
            seen.add(item.id)
            if item.type == "repeat":
                found.repeats[item.id] = (item, [])
            elif item.answers and item.repeat is None:
                found.main.append(item)
            elif item.answers and item.repeat in found.repeats:
                found.repeats[item.repeat][1].append(item)
    return found


def _heading(item: Field, *, labels: bool) -> str:
    return item.text() if labels else item.id


def cell_of(value: Any) -> Cell:
    """An answer as one cell: several choices with `; ` between, a point as `lat lng`, other shapes as JSON."""
    if value is None or isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int | float):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "; ".join(value)
    if isinstance(value, dict) and "lat" in value and "lng" in value:
        return f"{value['lat']} {value['lng']}"
    return orjson.dumps(value).decode()


def _rows(rows: QuerySet[Submission]) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Fixed columns and answers, as they come."""
    texts = rows.annotate(said=Cast("answers", TextField())).values_list(*_NAMES, "said")
    for *values, said in texts.iterator(chunk_size=CHUNK):
        yield values, orjson.loads(said)


def csv_lines(
    rows: QuerySet[Submission],
    *,
    form: Form | None,
    by: Actor,
    organization: UUID,
    labels: bool = False,
    sheet: str = "",
) -> Iterator[bytes]:
    """UTF-8 with a byte order mark, commas, CRLF. `sheet`: the entries of this repeat, a line each.

    Reads in a scope of its own: the answer is sent after the request's has ended.
    """
    writer = csv.writer(_Echo())
    with tenant(organization, by=by):
        columns = columns_of(form)
        head, lines = _table(rows, form=form, columns=columns, labels=labels, sheet=sheet, plain=True)
        yield b"\xef\xbb\xbf" + writer.writerow(head).encode()
        kept: list[str] = []
        write, keep = writer.writerow, kept.append
        for line in lines:
            keep(write([harmless(value) if value.__class__ is str else value for value in line]))
            if len(kept) == CHUNK:
                yield "".join(kept).encode()
                kept.clear()
        yield "".join(kept).encode()


def _table(
    rows: QuerySet[Submission], *, form: Form | None, columns: Columns, labels: bool, sheet: str, plain: bool
) -> tuple[list[str], Iterator[list[Cell]]]:
    """Heading and lines of the main table or of a repeat's. `plain`: for programs, with codes and UTC."""
    show: Callable[[list[Any]], list[Cell]] = _codes if plain else _words()
    if sheet:
        _repeat, items = columns.repeats[sheet]
        head = ["submissionId" if plain else str(_("Submission")), "#"]
        return [*head, *(_heading(item, labels=labels) for item in items)], _entries(rows, sheet, items)
    fixed = [name if plain else str(heading) for _column, name, heading, _width in _FIXED]
    if form is None:
        return [*fixed, "answers"], ([*show(values), orjson.dumps(said).decode()] for values, said in _rows(rows))
    named = [_heading(item, labels=labels) for item in (*columns.main, *(r for r, _items in columns.repeats.values()))]
    return [*fixed, *named], _main(rows, columns, show)


def _main(
    rows: QuerySet[Submission], columns: Columns, show: Callable[[list[Any]], list[Cell]]
) -> Iterator[list[Cell]]:
    ids, repeats = [item.id for item in columns.main], list(columns.repeats)
    for values, said in _rows(rows):
        line = show(values)
        get = said.get
        for name in ids:
            value = get(name)
            line.append(value if value is None or value.__class__ is str else cell_of(value))
        for name in repeats:
            entries = get(name)
            line.append(len(entries) if isinstance(entries, list) else 0)
        yield line


def _entries(rows: QuerySet[Submission], sheet: str, items: Sequence[Field]) -> Iterator[list[Cell]]:
    for values, said in _rows(rows):
        for number, entry in enumerate(said.get(sheet) or (), 1):
            yield [str(values[0]), number, *(cell_of(entry.get(item.id)) for item in items)]


def _codes(values: list[Any]) -> list[Cell]:
    id, name, version, project, person, created, synced, state, flags, latitude, longitude, local = values
    remarks = "; ".join(flag["code"] for flag in flags) if flags else ""
    return [
        str(id), name, version, project, person, stamp(created), stamp(synced), state, remarks, latitude, longitude,
        str(local),
    ]  # fmt: skip


def _words() -> Callable[[list[Any]], list[Cell]]:
    states = {key: str(word) for key, word in ReviewState.choices}
    flags = {key: str(word) for key, word in Flag.choices}

    def show(values: list[Any]) -> list[Cell]:
        line = _codes(values)
        line[5], line[6], line[7] = _local(values[5]), _local(values[6]), states[values[7]]
        line[8] = "; ".join(flags.get(flag["code"], flag["code"]) for flag in values[8])
        return line

    return show


def _local(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")


def write_workbook(
    file: IO[bytes],
    rows: QuerySet[Submission],
    *,
    form: Form | None,
    labels: bool = True,
    progress: Callable[[int], None] | None = None,
) -> int:
    """One sheet of submissions and one for each repeat; how many submissions there are. In the scope in force."""
    columns, counted = columns_of(form), 0

    def watched(lines: Iterable[list[Cell]]) -> Iterator[list[Cell]]:
        nonlocal counted
        for line in lines:
            counted += 1
            if progress and counted % CHUNK == 0:
                progress(counted)
            yield line

    head, lines = _table(rows, form=form, columns=columns, labels=labels, sheet="", plain=False)
    widths = [width for *_rest, width in _FIXED] + [20] * (len(head) - len(_FIXED))
    sheets = [Sheet(_("Submissions")[:31], head, watched(lines), widths)]
    for name in columns.repeats:
        head, lines = _table(rows, form=form, columns=columns, labels=labels, sheet=name, plain=False)
        sheets.append(Sheet(name[:31], head, lines, [38, 5] + [20] * (len(head) - 2)))
    write_book(file, sheets, right_to_left=translation.get_language_bidi())
    return counted


def json_lines(rows: QuerySet[Submission], *, by: Actor, organization: UUID) -> Iterator[bytes]:
    """One submission a line, as the API answers it."""
    with tenant(organization, by=by):
        yield from _pieces(orjson.dumps(wire.submission(row)) + b"\n" for row in _wired(rows))


def geojson(rows: QuerySet[Submission], *, by: Actor, organization: UUID) -> Iterator[bytes]:
    """A FeatureCollection; a submission without a place has no geometry."""
    yield b'{"type":"FeatureCollection","features":[\n'
    with tenant(organization, by=by):
        yield from _pieces((b",\n" if number else b"") + _feature(row) for number, row in enumerate(_wired(rows)))
    yield b"\n]}\n"


def _feature(row: dict[str, Any]) -> bytes:
    shown = wire.submission(row)
    place = None
    if row["latitude"] is not None and row["longitude"] is not None:
        place = {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]}
    left_out = {"answers", "latitude", "longitude", "metadata", "id"}
    properties = {name: value for name, value in shown.items() if name not in left_out} | {"answers": shown["answers"]}
    return orjson.dumps({"type": "Feature", "id": row["id"], "geometry": place, "properties": properties})


def _wired(rows: QuerySet[Submission]) -> Iterator[dict[str, Any]]:
    yield from wire.plain(rows).iterator(chunk_size=CHUNK)


def _pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    kept: list[bytes] = []
    for line in lines:
        kept.append(line)
        if len(kept) == CHUNK:
            yield b"".join(kept)
            kept.clear()
    yield b"".join(kept)


def stream(
    kind: str, rows: QuerySet[Submission], *, form: Form | None, by: Actor, labels: bool = False, sheet: str = ""
) -> Iterator[bytes]:
    """csv, jsonl or geojson, at any length."""
    organization = scope.organization_id()
    if kind == "csv":
        return csv_lines(rows, form=form, by=by, organization=organization, labels=labels, sheet=sheet)
    return partial(json_lines if kind == "jsonl" else geojson, rows)(by=by, organization=organization)


def write_media(file: IO[bytes], rows: QuerySet[Submission], *, user: User) -> int:
    """The files of these submissions, a folder for each; how many there are. Infected ones stay out."""
    counted, used = 0, set()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        links = FileLink.objects.filter(kind="submission", record_id__in=rows.values("pk"), file__deleted_at=None)
        for link in links.select_related("file__current__blob").order_by("record_id", "file_id").iterator(CHUNK):
            blob = link.file.current.blob if link.file.current else None
            if blob is None or blob.scan_status == "infected":
                continue
            name = f"{link.record_id}/{link.file.filename}"
            if name in used:
                name = f"{link.record_id}/{link.file_id}-{link.file.filename}"
            used.add(name)
            with opened(blob.key) as source, archive.open(name, "w", force_zip64=True) as entry:
                while piece := source.read(1 << 20):
                    entry.write(piece)
            counted += 1
    return counted
