"""Lists of projects and tasks as CSV (for programs: wire names) and XLSX (for people: words of the page's language).

Both are written row by row: their length costs no memory.
"""

import csv
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common.clock import wire
from portal.core.common.text import harmless
from portal.core.common.workbook import Cell, write_sheet
from portal.core.projects.choices import ProjectStatus, TaskPriority, TaskStatus
from portal.core.tenancy.scope import Actor, tenant

CHUNK: Final = 2000


@dataclass(frozen=True, slots=True)
class Column:
    """Where it comes from, its name on the wire, its heading for people, its width in a sheet."""

    path: str
    wire: str
    heading: str | Promise
    width: int


PROJECTS: Final = (
    Column("name", "name", _("Name"), 36),
    Column("status", "status", _("Status"), 14),
    Column("start_date", "startDate", _("Start"), 17),
    Column("end_date", "endDate", _("End"), 17),
    Column("task_total", "taskCount", _("Tasks"), 9),
    Column("task_done", "taskDoneCount", _("Tasks done"), 9),
    Column("task_overdue", "taskOverdueCount", _("Overdue"), 9),
    Column("member_total", "memberCount", _("Members"), 9),
    Column("description", "description", _("Description"), 40),
    Column("created_by__name", "createdByName", _("Created by"), 22),
    Column("created_at", "createdAt", _("Created"), 17),
    Column("updated_at", "updatedAt", _("Changed"), 17),
    Column("id", "id", _("Identifier"), 38),
)
TASKS: Final = (
    Column("title", "title", _("Title"), 36),
    Column("status", "status", _("Status"), 14),
    Column("priority", "priority", _("Priority"), 12),
    Column("assigned_to__name", "assignedToName", _("Assigned to"), 22),
    Column("due_date", "dueDate", _("Due"), 17),
    Column("project__name", "projectName", _("Project"), 30),
    Column("estimated_duration", "estimatedDuration", _("Estimated duration (minutes)"), 12),
    Column("description", "description", _("Description"), 40),
    Column("notes", "notes", _("Notes"), 30),
    Column("created_by__name", "createdByName", _("Created by"), 22),
    Column("created_at", "createdAt", _("Created"), 17),
    Column("updated_at", "updatedAt", _("Changed"), 17),
    Column("id", "id", _("Identifier"), 38),
)
_WORDS: Final = {
    "status": dict([*ProjectStatus.choices, *TaskStatus.choices]),
    "priority": dict(TaskPriority.choices),
}


def noted(*, entity: str, kind: str, filters: dict[str, Any]) -> None:
    """Put into the audit log that the person in force took the rows away that match `filters`."""
    record(Event(Action.EXPORT, entity, "", {"format": kind, "filters": filters}, label=f"{entity}s.{kind}"))


class _Echo:
    """A file for `csv.writer` that hands each line back."""

    def write(self, line: str) -> str:
        return line


def as_csv(rows: QuerySet[Any], columns: Sequence[Column], *, by: Actor, organization: UUID) -> Iterator[bytes]:
    """UTF-8 with a byte order mark, commas, CRLF. In a scope of its own: the answer is sent after the page's ended."""
    writer = csv.writer(_Echo())
    yield b"\xef\xbb\xbf" + writer.writerow([column.wire for column in columns]).encode()
    with tenant(organization, by=by):
        lines: list[str] = []
        for values in rows.values_list(*(column.path for column in columns)).iterator(chunk_size=CHUNK):
            lines.append(
                writer.writerow([wire(value) if isinstance(value, datetime) else harmless(value) for value in values])
            )
            if len(lines) == CHUNK:
                yield "".join(lines).encode()
                lines = []
        yield "".join(lines).encode()


def as_xlsx(rows: QuerySet[Any], columns: Sequence[Column], *, title: str) -> IO[bytes]:
    """A workbook in a temporary file, at its beginning."""
    words = {name: {key: str(word) for key, word in choices.items()} for name, choices in _WORDS.items()}

    def lines() -> Iterator[list[Cell]]:
        for values in rows.values_list(*(column.path for column in columns)).iterator(chunk_size=CHUNK):
            yield [
                words[column.path][value] if column.path in words else _cell(value)
                for column, value in zip(columns, values, strict=True)
            ]

    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=settings.DATA_DIR)  # noqa: SIM115  (the answer closes it)
    write_sheet(
        file,
        title=title,
        head=[str(column.heading) for column in columns],
        rows=lines(),
        widths=[column.width for column in columns],
        right_to_left=translation.get_language_bidi(),
    )
    file.seek(0)
    return file


def _cell(value: object) -> Cell:
    """Numbers as they are, moments in the organisation's time zone, everything else as text."""
    if value is None or isinstance(value, int | float):
        return value
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else str(value)
