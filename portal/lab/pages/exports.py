"""A list of samples as CSV (for programs: wire names) and XLSX (for people: words of the page's language)."""

import csv
import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common.clock import wire
from portal.core.common.text import harmless
from portal.core.common.workbook import Cell, write_sheet
from portal.core.tenancy.scope import Actor, tenant
from portal.lab import selectors
from portal.lab.choices import Compliance, SampleStatus, SampleType
from portal.lab.models import Sample
from portal.ui.templatetags.marsad import VERDICTS

CHUNK = 2000
# Column, name on the wire, heading for people.
_COLUMNS: tuple[tuple[str, str, str | Promise], ...] = (
    ("code", "code", gettext_lazy("Code")),
    ("type", "type", gettext_lazy("Kind of water")),
    ("location", "location", gettext_lazy("Location")),
    ("latitude", "latitude", gettext_lazy("Latitude")),
    ("longitude", "longitude", gettext_lazy("Longitude")),
    ("collection_date", "collectionDate", gettext_lazy("Taken")),
    ("collector_name", "collectorName", gettext_lazy("Taken by")),
    ("received_at", "receivedAt", gettext_lazy("Received")),
    ("status", "status", gettext_lazy("Status")),
    ("compliance_status", "complianceStatus", gettext_lazy("Compliance")),
    ("result_count", "resultCount", gettext_lazy("Results")),
    ("notes", "notes", gettext_lazy("Notes")),
    ("id", "id", gettext_lazy("Identifier")),
)
_WIDTHS = (18, 18, 34, 11, 11, 17, 22, 17, 14, 14, 9, 30, 38)
_COLUMN_NAMES = [name for name, _wire, _heading in _COLUMNS]
_WORDS: dict[str, dict[str, str | Promise]] = {
    "type": dict(SampleType.choices),
    "status": dict(SampleStatus.choices),
    "compliance_status": dict(Compliance.choices),
}


def export_noted(*, format: str, filters: dict[str, Any]) -> None:  # noqa: A002
    """Put into the audit log that the person in force took the samples away that match `filters`."""
    record(Event(Action.EXPORT, "sample", "", {"format": format, "filters": filters}, label=f"samples.{format}"))


def standard_keys() -> list[str]:
    return list(dict.fromkeys(selectors.standard_list().values_list("key", flat=True)))


class _Echo:
    """A file for `csv.writer` that hands each line back."""

    def write(self, line: str) -> str:
        return line


def samples_csv(rows: QuerySet[Sample], *, by: Actor, organization: Any, standards: list[str]) -> Iterator[bytes]:
    """UTF-8 with a byte order mark, commas, CRLF; the verdict under each standard last.

    Reads in a scope of its own: the answer is sent after the page's has ended.
    """
    writer = csv.writer(_Echo())
    head = writer.writerow([*(name for _column, name, _heading in _COLUMNS), *(f"verdict{key}" for key in standards)])
    yield b"\xef\xbb\xbf" + head.encode()
    with tenant(organization, by=by):
        lines: list[str] = []
        for *values, verdicts in rows.values_list(*_COLUMN_NAMES, "verdicts").iterator(chunk_size=CHUNK):
            found = {entry["standard"]: entry["verdict"] for entry in verdicts}
            cells = [wire(value) if isinstance(value, datetime) else harmless(value) for value in values]
            lines.append(writer.writerow([*cells, *(found.get(key, "") for key in standards)]))
            if len(lines) == CHUNK:
                yield "".join(lines).encode()
                lines = []
        yield "".join(lines).encode()


def samples_xlsx(rows: QuerySet[Sample], *, standards: list[str]) -> IO[bytes]:
    """A workbook in a temporary file, at its beginning; it is written row by row, so memory does not grow with it."""
    words = {name: {key: str(word) for key, word in choices.items()} for name, choices in _WORDS.items()}
    verdicts = {key: str(word) for key, (_colour, _icon, word) in VERDICTS.items()}

    def lines() -> Iterator[list[Cell]]:
        for *values, found in rows.values_list(*_COLUMN_NAMES, "verdicts").iterator(chunk_size=CHUNK):
            under = {entry["standard"]: verdicts[entry["verdict"]] for entry in found}
            cells = [
                words[name][value] if name in words else _cell(value)
                for name, value in zip(_COLUMN_NAMES, values, strict=True)
            ]
            yield [*cells, *(under.get(key, "") for key in standards)]

    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=settings.DATA_DIR)  # noqa: SIM115  (the answer closes it)
    write_sheet(
        file,
        title=_("Samples"),
        head=[*(str(heading) for _column, _wire, heading in _COLUMNS), *standards],
        rows=lines(),
        widths=_WIDTHS,
        right_to_left=translation.get_language_bidi(),
    )
    file.seek(0)
    return file


def _cell(value: object) -> Cell:
    """Numbers as they are, moments in the organisation's time zone, everything else as text."""
    if value is None or isinstance(value, int | float):
        return value
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else str(value)
