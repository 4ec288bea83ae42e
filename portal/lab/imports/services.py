"""An import step by step: upload, mapping, check (nothing is written), import, revert.

The steps run in jobs, a batch to a transaction, and a step that was killed goes on where it stopped.
"""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import IO, Any, Final
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock, spreadsheets
from portal.core.common.errors import Conflict, Denied, Invalid
from portal.core.common.ids import uuid7
from portal.core.common.spreadsheets import Table
from portal.core.jobs.tasks import defer
from portal.core.notifications.services import notify
from portal.core.sync import engine
from portal.core.sync.engine import Change
from portal.core.sync.models import FeedRecord
from portal.core.tenancy import scope
from portal.lab.imports.batch import Done, Written, import_batch
from portal.lab.imports.mapping import Columns, guess, known_headings
from portal.lab.imports.models import ImportPart, ImportRecord, ImportRow, ImportRun, ImportSource, Layout
from portal.lab.imports.reading import Reader, Reason
from portal.lab.models import Result, Sample, SamplingPoint
from portal.lab.rulebook import rulebook
from portal.lab.science.names import normalise_name

BATCH: Final = 1000  # rows in a transaction; a sample is never cut
STAGED: Final = 5000  # rows in one statement
PART: Final = 1024 * 1024
PREVIEWED: Final = 8
NAMED: Final = 200  # records that a revert names
FORGOTTEN: Final = timedelta(days=7)
KEPT: Final = timedelta(days=90)
RUN_RIGHT: Final = "samples.import"
_S = ImportRun.Status


# --- upload and mapping -----------------------------------------------------------------------
@transaction.atomic
def run_upload(*, file: IO[bytes], name: str, source: ImportSource | None, by: User) -> ImportRun:
    """Keep a file and find out how it is written; of a known source its mapping is used.

    Raises Denied, and Invalid where the file is no table.
    """
    _may(by)
    file.seek(0, 2)
    size = file.tell()
    if size > spreadsheets.MAX_BYTES:
        most = {"limit": spreadsheets.MAX_BYTES // 1024 // 1024}
        message = _("The file is larger than %(limit)d MB: split it.") % most
        raise Invalid.field("file", message)
    held = Columns.from_json(source.mapping) if source else None
    try:
        layout, mapping = _explain(file, source, held)
    except Invalid as refusal:
        raise Invalid.field("file", refusal.message) from None
    run = ImportRun(
        organization_id=scope.organization_id(),
        source=source,
        layout=layout,
        mapping=mapping.as_json(),
        filename=name[-200:],
        size=size,
        created_by=by,
    )
    digest = hashlib.sha256()
    parts: list[ImportPart] = []
    file.seek(0)
    while piece := file.read(PART):
        digest.update(piece)
        parts.append(ImportPart(organization_id=run.organization_id, run=run, number=len(parts), content=piece))
    run.sha256 = digest.hexdigest()
    run.save()
    ImportPart.objects.bulk_create(parts, batch_size=4)
    return run


def _explain(file: IO[bytes], source: ImportSource | None, held: Columns | None) -> tuple[str, Columns]:
    rules = rulebook()
    table = spreadsheets.inspect(file, known=known_headings(rules), spell=normalise_name)
    if source is None or held is None:
        return guess(headings=table.headings, rows=table.rows, format=table.format, rules=rules)
    held.format = table.format
    return source.layout, held


def earlier_run(*, run: ImportRun) -> ImportRun | None:
    """The last import of the same bytes that is still in force."""
    same = ImportRun.objects.filter(sha256=run.sha256, status=_S.IMPORTED).exclude(pk=run.pk)
    return same.order_by("-created_at").first()


def run_table(*, run: ImportRun, format: spreadsheets.Format | None = None, rows: int = 200) -> Table:  # noqa: A002
    """The beginning of the run's file, read as its mapping (or `format`) says. Raises Invalid."""
    chosen = format or Columns.from_json(run.mapping).format
    with run_file(run) as file:
        return spreadsheets.inspect(
            file, known=known_headings(rulebook()), spell=normalise_name, chosen=chosen, rows=rows
        )


def run_file(run: ImportRun) -> IO[bytes]:
    """The kept file, as a temporary one."""
    file = tempfile.SpooledTemporaryFile(8 * PART)  # noqa: SIM115  (the caller closes it)
    parts = ImportPart.objects.filter(run=run).order_by("number").values_list("content", flat=True)
    for content in parts.iterator(chunk_size=4):
        file.write(content)
    file.seek(0)
    return file


@dataclass(frozen=True, slots=True)
class Preview:
    """How a row of the file reads: what of the sample, which results, and what would become of it."""

    line: int
    sample: dict[str, Any]
    results: list[tuple[str, str, str]]  # parameter code, value, unit
    outcome: str
    reasons: list[Reason]


def run_preview(*, run: ImportRun, mapping: Columns, table: Table) -> list[Preview]:
    """How the first rows would read under a mapping; nothing is written."""
    reader = _reader(mapping, table.headings)
    rows = list(_numbered(table.rows[:PREVIEWED], reader))
    drafts = list(reader.samples(sorted(rows, key=lambda row: (row[0], row[2]))))
    source = str(run.source_id or run.pk)
    done = import_batch(drafts, source=source, reader=reader, dry_run=True)
    outcomes = {row.line: row for row in done.rows}
    codes = {str(parameter.pk): parameter.code for parameter in reader.rules.parameters.values()}
    seen = [
        Preview(
            row.line,
            draft.data | {"key": draft.key, "taken": draft.data.get("collectionDate", "")[:16].replace("T", " ")},
            [(codes[r.data["parameterId"]], r.data["value"], r.data["unit"]) for r in row.results],
            outcomes[row.line].outcome,
            outcomes[row.line].reasons,
        )
        for draft in drafts
        for row in draft.rows
    ]
    return sorted(seen, key=lambda row: row.line)


def run_names(*, run: ImportRun, mapping: Columns, table: Table) -> list[tuple[str, int, str]]:
    """The file's own names of parameters with the number of their rows and the code that each stands for ('' where
    nobody knows): of all rows once they were read, else of the first ones."""
    heading = mapping.heading_of("parameter")
    if heading not in table.headings:
        return []
    place = table.headings.index(heading)
    if run.rows and run.headings == table.headings:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT cells->>%s, count(*) FROM lab_importrow WHERE run_id = %s GROUP BY 1", [place, run.pk]
            )
            counts = Counter({name or "": count for name, count in cursor.fetchall()})
    else:
        counts = Counter(cells[place] for _line, cells in table.rows if place < len(cells))
    reader = _reader(mapping, table.headings)
    known = ((name, count, reader.parameter(name)) for name, count in counts.most_common() if name)
    return [(name, count, mapping.parameters.get(name) or (held.code if held else "")) for name, count, held in known]


@transaction.atomic
def run_map(*, run: ImportRun, name: str, layout: str, mapping: Columns, by: User) -> ImportRun:
    """Keep the mapping with the run and, under `name`, with its source. Raises Denied, Conflict, Invalid."""
    _may(by)
    run = _locked(run)
    if run.status not in (_S.UPLOADED, _S.CHECKED) and not (run.broken and run.status == _S.CHECKING):
        raise Conflict(_("This file is imported already, or just now."))
    name = " ".join(name.split())
    if not name or len(name) > 100:
        raise Invalid.field("name", _("Give the source a name of at most 100 characters."))
    if layout not in Layout.values:
        raise Invalid.field("layout", _("Choose a layout."))
    table = run_table(run=run, format=mapping.format)
    mapping.check(table.headings, rulebook())
    source = run.source
    if source is None or source.name != name:
        source = ImportSource.objects.filter(name=name).first() or ImportSource(organization_id=run.organization_id)
    source.name, source.layout, source.mapping = name, layout, mapping.as_json()
    source.save()
    run.source, run.layout, run.mapping, run.headings = source, layout, source.mapping, table.headings
    run.status, run.samples, run.rows, run.position, run.checked = _S.UPLOADED, 0, 0, 0, {}
    run.save()
    return run


@transaction.atomic
def run_reread(*, run: ImportRun, format: spreadsheets.Format, by: User) -> ImportRun:  # noqa: A002
    """Read the file in another format and guess its columns anew. Raises Denied, Conflict, Invalid."""
    _may(by)
    run = _locked(run)
    if run.status not in (_S.UPLOADED, _S.CHECKED):
        raise Conflict(_("This file is imported already, or just now."))
    table = run_table(run=run, format=format)
    run.layout, mapping = guess(headings=table.headings, rows=table.rows, format=format, rules=rulebook())
    run.mapping, run.status, run.rows, run.samples = mapping.as_json(), _S.UPLOADED, 0, 0
    run.save()
    return run


# --- starting a step ------------------------------------------------------------------------------
def run_check(*, run: ImportRun, by: User) -> ImportRun:
    """Read the whole file and try everything; a job does it. Raises Denied, Conflict."""
    return _begin(run, by, _S.CHECKING, {_S.UPLOADED, _S.CHECKED}, samples=0, rows=0, checked={})


def run_import(*, run: ImportRun, by: User) -> ImportRun:
    """Bring in what the check found good; a job does it. Raises Denied, Conflict."""
    return _begin(run, by, _S.IMPORTING, {_S.CHECKED}, counts={})


def run_revert(*, run: ImportRun, reason: str, by: User) -> ImportRun:
    """Delete what the run created and nobody changed since; a job does it. Raises Denied, Conflict, Invalid."""
    if not (by.has_permission("samples.delete") and by.has_permission("results.delete")):
        raise Denied(_("You do not have the right to do this."))
    reason = reason.strip()[:500]
    if not reason:
        raise Invalid.field("reason", _("Say why: it stands in the audit log."))
    total = ImportRecord.objects.filter(run=run, created=True).count()
    return _begin(run, by, _S.REVERTING, {_S.IMPORTED}, samples=total, left=[], reason=reason)


def run_resume(*, run: ImportRun, by: User) -> ImportRun:
    """Take a broken step up again where it stopped."""
    _may(by)
    if not run.broken:
        raise Conflict(_("This import is under way."))
    return _queue(run, "")


@transaction.atomic
def _begin(run: ImportRun, by: User, status: str, allowed: set[str], *, reason: str = "", **values: Any) -> ImportRun:
    _may(by)
    run = _locked(run)
    if run.status not in allowed or run.source_id is None:
        raise Conflict(_("This import has moved on: load the page again."))
    run.status, run.position, run.finished_at = status, 0, None
    for name, value in values.items():
        setattr(run, name, value)
    run.save()
    return _queue(run, reason)


def _queue(run: ImportRun, reason: str) -> ImportRun:
    from portal.lab.jobs import import_step

    run.job = defer(import_step, run=str(run.pk), reason=reason)
    run.save(update_fields=["job", "updated_at"])
    return run


# --- the steps, one batch at a time ------------------------------------------------------------------
def step(*, run_id: UUID, reason: str = "") -> ImportRun | None:
    """One batch of the step in force, in the caller's transaction; None when there is nothing left to do."""
    run = ImportRun.objects.select_for_update().filter(pk=run_id).first()
    if run is None or not run.busy:
        return None
    with scope.acting(via="import", reason=reason or scope.actor().reason):
        if run.status == _S.REVERTING:
            _revert_batch(run)
        elif run.status == _S.CHECKING and not run.rows:
            _stage(run)
        else:
            _import_batch(run)
    run.save()
    return run


def _stage(run: ImportRun) -> None:
    """Read the file into rows; those of one sample get one number, in the order in which samples appear."""
    ImportRow.objects.filter(run=run).delete()
    mapping = Columns.from_json(run.mapping)
    with run_file(run) as file:
        reader = _reader(mapping, run.headings)
        numbers: dict[str, int] = {}
        rows = _numbered(spreadsheets.table_rows(file, mapping.format), reader, numbers)
        width = len(run.headings)
        batch: list[tuple[int, str, int, Sequence[str]]] = []
        for number, key, line, cells in rows:
            batch.append((number, key, line, cells[:width]))
            if len(batch) == STAGED:
                _insert_rows(run, batch)
                batch = []
        _insert_rows(run, batch)
    run.rows = ImportRow.objects.filter(run=run).count()
    run.samples = max(numbers.values(), default=0)
    if not run.rows:
        raise Invalid(_("There is no row below the headings."))


def _numbered(
    rows: Any, reader: Reader, numbers: dict[str, int] | None = None
) -> Iterator[tuple[int, str, int, Sequence[str]]]:
    numbers = {} if numbers is None else numbers
    last = ""
    for line, cells in rows:
        key = reader.sample_key(cells)
        if not key and reader.mapping.fill_down:
            key = last
        last = key
        number = numbers.setdefault(key or f"\0{line}", len(numbers) + 1)
        yield number, key, line, cells


def _insert_rows(run: ImportRun, rows: Sequence[tuple[int, str, int, Sequence[str]]]) -> None:
    if not rows:
        return
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lab_importrow (id, created_at, updated_at, organization_id, run_id, outcome, reasons,"
            " sample_no, label, line, cells) SELECT i, %s, %s, %s, %s, '', '[]', n, l, r, c::jsonb"
            " FROM unnest(%s::uuid[], %s::int[], %s::text[], %s::int[], %s::text[]) t (i, n, l, r, c)",
            [
                now, now, run.organization_id, run.pk, [uuid7() for _row in rows], [row[0] for row in rows],
                [row[1][:200] for row in rows], [row[2] for row in rows],
                [orjson.dumps(row[3]).decode() for row in rows],
            ],
        )  # fmt: skip


def _import_batch(run: ImportRun) -> None:
    """The next samples with all their rows: tried and undone while the run is checked, else written."""
    dry_run = run.status == _S.CHECKING
    found = list(
        ImportRow.objects.filter(run=run, sample_no__gt=run.position)
        .order_by("sample_no", "line")
        .values_list("sample_no", "label", "line", "cells")[: BATCH + 1]
    )
    if len(found) > BATCH:  # the last sample may be cut: it waits, unless it is the only one
        last = found[-1][0]
        whole = [row for row in found if row[0] != last]
        found = whole or list(
            ImportRow.objects.filter(run=run, sample_no=last)
            .order_by("line")
            .values_list("sample_no", "label", "line", "cells")
        )  # fmt: skip
    if found:
        mapping = Columns.from_json(run.mapping)
        reader = _reader(mapping, run.headings)
        drafts = list(reader.samples(found))
        done = import_batch(drafts, source=str(run.source_id), reader=reader, dry_run=dry_run)
        _keep(run, done, dry_run=dry_run)
        run.position = found[-1][0]
    if run.position >= run.samples:
        run.status = _S.CHECKED if dry_run else _S.IMPORTED
        run.position, run.finished_at = 0, clock.now()
        if not dry_run:
            said = {"file": run.filename, "samples": run.samples}
            notify("import.finished", recipients=[scope.actor().user], data=said, subject=("import_run", run.pk))


def _keep(run: ImportRun, done: Done, *, dry_run: bool) -> None:
    counts = Counter(run.checked if dry_run else run.counts)
    counts.update(done.counts)
    if dry_run:
        run.checked = dict(counts)
    else:
        run.counts = dict(counts)
        _keep_records(run, done.written)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE lab_importrow r SET outcome = t.o, reasons = t.w::jsonb"
            " FROM unnest(%s::int[], %s::text[], %s::text[]) t (l, o, w) WHERE r.run_id = %s AND r.line = t.l",
            [
                [row.line for row in done.rows],
                [row.outcome for row in done.rows],
                [orjson.dumps([reason.as_json() for reason in row.reasons]).decode() for row in done.rows],
                run.pk,
            ],
        )


def _keep_records(run: ImportRun, written: Sequence[Written]) -> None:
    ImportRecord.objects.bulk_create(
        ImportRecord(
            organization_id=run.organization_id, run=run, entity=record.entity, record_id=record.id,
            version=record.version, created=record.created,
        )
        for record in written
    )  # fmt: skip


def _revert_batch(run: ImportRun) -> None:
    """Results before samples. What somebody changed since, and samples with results of others, stay and are named."""
    open_ = ImportRecord.objects.filter(run=run, created=True)
    records = list(open_.order_by("entity", "id")[:BATCH])  # "result" before "sample"
    for entity, group in groupby(records, lambda record: record.entity):
        held = {record.record_id: record for record in group}
        _delete(run, entity, held)
    ImportRecord.objects.bulk_update(records, ["version", "created"], batch_size=BATCH)
    run.position += len(records)
    if not open_.exists():
        run.status, run.finished_at, run.position = _S.REVERTED, clock.now(), 0


def _delete(run: ImportRun, entity: str, records: Mapping[UUID, ImportRecord]) -> None:
    feed = {row.record_id: row for row in FeedRecord.objects.filter(entity=entity, record_id__in=list(records))}
    changes = []
    busy: set[UUID] = set()
    if entity == "sample":
        busy = set(Result.objects.filter(sample__in=list(records), deleted_at=None).values_list("sample_id", flat=True))
    kept: dict[UUID, str] = {}
    for id, record in records.items():
        record.created = False
        state = feed.get(id)
        if state is None or state.deleted_at is not None:
            continue
        if state.content_seq > record.version:
            kept[id] = "changed"
        elif id in busy:
            kept[id] = "results"
        else:
            changes.append(Change(entity, id, "deleted", {}, client_version=engine.NO_VERSION_CHECK))
    engine.apply(changes, user=scope.actor().user)
    counts = Counter(run.counts)
    for change in changes:
        if change.status == "deleted" and change.version is not None:
            records[change.id].version = change.version
            counts[f"{entity}.reverted"] += 1
    counts[f"{entity}.kept"] += len(kept)
    run.counts = dict(counts)
    if len(run.left) < NAMED and kept:
        run.left = [*run.left, *_named(entity, kept)][:NAMED]


def _named(entity: str, kept: Mapping[UUID, str]) -> list[dict[str, str]]:
    rows: Any
    if entity == "sample":
        rows = Sample.objects.filter(pk__in=list(kept)).values_list("pk", "pk", "code")
    else:
        rows = Result.objects.filter(pk__in=list(kept)).values_list("pk", "sample_id", "parameter__code")
    return [{"entity": entity, "sample": str(sample), "name": name, "why": kept[id]} for id, sample, name in rows]


def source_delete(*, source: ImportSource, by: User) -> None:
    """Its runs stay without a source; a file of it is mapped anew. Raises Denied; Conflict while one of its runs works
    or waits for its import."""
    _may(by)
    runs = ImportRun.objects.filter(source=source)
    if runs.exclude(status__in=[_S.UPLOADED, _S.IMPORTED, _S.REVERTED]).exists():
        raise Conflict(_("A file of this source is still being worked on."), code="IN_USE")
    runs.update(source=None)
    source.delete()


def run_forget(*, run: ImportRun, by: User) -> None:
    """Take back an upload that was never imported. Raises Denied, Conflict."""
    _may(by)
    if run.status not in (_S.UPLOADED, _S.CHECKED) or run.counts:
        raise Conflict(_("What was imported stays in the list; revert it instead."))
    run.delete()


def purge() -> None:
    """In a platform scope. What an import wrote stays known for its revert; its file and rows go."""
    now = clock.now()
    ImportRun.objects.filter(counts={}, status__in=[_S.UPLOADED, _S.CHECKED], updated_at__lt=now - FORGOTTEN).delete()
    old = ImportRun.objects.filter(finished_at__lt=now - KEPT)
    ImportPart.objects.filter(run__in=old).delete()
    ImportRow.objects.filter(run__in=old).delete()


def _reader(mapping: Columns, headings: Sequence[str]) -> Reader:
    points = {}
    if mapping.heading_of("point"):
        points = {point.code: point for point in SamplingPoint.objects.filter(is_active=True)}
    return Reader(mapping, headings, rulebook(), points)


def _locked(run: ImportRun) -> ImportRun:
    return ImportRun.objects.select_for_update().get(pk=run.pk)


def _may(by: User) -> None:
    if not by.has_permission(RUN_RIGHT):
        raise Denied(_("You do not have the right to do this."))
