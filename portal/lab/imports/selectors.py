"""Reads of imports for the pages."""

import csv
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max, QuerySet
from django.utils.translation import gettext as _

from portal.core.common.errors import NotFound
from portal.core.common.text import harmless
from portal.core.tenancy.scope import Actor, tenant
from portal.lab.imports.models import ImportRow, ImportRun, ImportSource

CHUNK = 2000


def run_list() -> QuerySet[ImportRun]:
    return ImportRun.objects.select_related("source", "created_by", "job")


def run_get(*, id: UUID) -> ImportRun:
    """Raises NotFound."""
    run = run_list().filter(pk=id).first()
    if run is None:
        raise NotFound(_("There is no such import."))
    return run


def source_list() -> QuerySet[ImportSource]:
    return ImportSource.objects.annotate(run_count=Count("runs"), last_run=Max("runs__created_at"))


def source_get(*, id: UUID) -> ImportSource:
    """Raises NotFound."""
    source = ImportSource.objects.filter(pk=id).first()
    if source is None:
        raise NotFound(_("There is no such record."))
    return source


def row_list(*, run: ImportRun) -> QuerySet[ImportRow]:
    return ImportRow.objects.filter(run=run)


def reason_list(*, run: ImportRun, limit: int = 30) -> list[dict[str, Any]]:
    """Why rows were refused or left out, the most frequent reason first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w->>'column', w->>'message', r.outcome = 'skipped', count(*) FROM lab_importrow r,"
            " jsonb_array_elements(r.reasons) w WHERE r.run_id = %s GROUP BY 1, 2, 3 ORDER BY 4 DESC, 2 LIMIT %s",
            [run.pk, limit],
        )
        names = ("column", "message", "skipped", "count")
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


class _Echo:
    """A file for `csv.writer` that hands each line back."""

    def write(self, line: str) -> str:
        return line


def refused_csv(*, run: ImportRun, by: Actor, skipped: bool) -> Iterator[bytes]:
    """The rows that were not (wholly) taken as they stand in the file, each with its row number and reasons first.

    UTF-8 with a byte order mark, commas, CRLF. Corrected, it can be imported again: the headings are the file's own.
    Reads in a scope of its own: the answer is sent after the page's has ended.
    """
    outcomes = [ImportRow.Outcome.REFUSED, ImportRow.Outcome.PARTLY, ImportRow.Outcome.CONFLICT]
    outcomes += [ImportRow.Outcome.SKIPPED] if skipped else []
    writer = csv.writer(_Echo())
    head = [_("Row of the file"), _("Column at fault"), _("Reason")]
    yield b"\xef\xbb\xbf" + writer.writerow([harmless(cell) for cell in (*head, *run.headings)]).encode()
    with tenant(run.organization_id, by=by):
        lines: list[str] = []
        found = ImportRow.objects.filter(run=run, outcome__in=outcomes).order_by("line")
        for line, reasons, cells in found.values_list("line", "reasons", "cells").iterator(chunk_size=CHUNK):
            columns = "; ".join(dict.fromkeys(reason["column"] for reason in reasons if reason["column"]))
            messages = "; ".join(dict.fromkeys(reason["message"] for reason in reasons))
            padded = cells + [""] * (len(run.headings) - len(cells))
            lines.append(writer.writerow([harmless(cell) for cell in (line, columns, messages, *padded)]))
            if len(lines) == CHUNK:
                yield "".join(lines).encode()
                lines = []
        yield "".join(lines).encode()
