"""An import step by step: upload, mapping, check (nothing stays), run, revert.

Each step goes through the rows in batches of 500, a transaction each; one that was killed goes on where it stopped.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from io import BytesIO
from itertools import chain, islice
from typing import IO, Any, Final
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, DomainError, IllegalTransition, Invalid, NotFound, TooLarge
from portal.core.common.ids import uuid7
from portal.core.common.spreadsheets import Format, Table
from portal.core.jobs.tasks import defer
from portal.core.notifications.services import notify
from portal.core.tenancy import scope
from portal.crm.customers import registry
from portal.crm.customers.fields import Rules
from portal.crm.customers.imports import files
from portal.crm.customers.imports.batch import Line, Reader, values_of, write
from portal.crm.customers.imports.models import CustomerImport, CustomerImportFile, CustomerImportRow
from portal.crm.customers.imports.options import Options, known_headings
from portal.crm.customers.models import Customer, Tag
from portal.crm.customers.services import Change, bury, save

BATCH: Final = 500
AT_ONCE: Final = 5000  # rows up to which an answer waits for its import
STAGED: Final = 5000
NAMED: Final = 200  # rows that a revert names, errors that an answer lists
REVERTIBLE: Final = timedelta(days=7)
FORGOTTEN: Final = timedelta(days=7)
KEPT: Final = timedelta(days=30)
_S: Final = CustomerImport.Status
_O: Final = CustomerImportRow.Outcome


def import_get(*, id: UUID, user: User) -> CustomerImport:
    """Raises NotFound."""
    _may(user)
    found = CustomerImport.objects.select_related("job", "created_by").filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such import."))
    return found


@transaction.atomic
def import_upload(*, file: IO[bytes], name: str, said: Mapping[str, Any], by: User) -> CustomerImport:
    """Keep a file, find out how it is written and which columns are which fields. Raises Denied, Invalid, TooLarge."""
    _may(by)
    options = Options.from_wire(said)
    file.seek(0)
    content = file.read(files.MAX_BYTES + 1)
    if len(content) > files.MAX_BYTES:
        raise TooLarge(_("The file is larger than %(limit)d MB: split it.") % {"limit": files.MAX_BYTES >> 20})
    table = _table(BytesIO(content), options)
    if not options.mapping:
        options.guess(table.headings)
    options.format = table.format.as_json()
    run = CustomerImport.objects.create(
        organization_id=scope.organization_id(),
        filename=name[-200:] or "customers",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        options=options.as_json(),
        headings=table.headings,
        status=_S.UPLOADED,
        created_by=by,
    )
    CustomerImportFile.objects.create(organization_id=run.organization_id, run=run, content=content)
    return run


@transaction.atomic
def import_map(*, run: CustomerImport, said: Mapping[str, Any], by: User) -> CustomerImport:
    """Other options for a file that was not imported yet. Raises Denied, Conflict, Invalid."""
    _may(by)
    run = _locked(run)
    if run.status not in (_S.UPLOADED, _S.MAPPED, _S.VALIDATED, _S.FAILED):
        raise Conflict(_("This file is imported already, or just now."))
    options = Options.from_wire(said)
    table = _table(content_of(run), options)
    options.format = table.format.as_json()
    options.check(table.headings)
    run.options, run.headings, run.status = options.as_json(), table.headings, _S.MAPPED
    run.total = run.position = 0
    run.checked = {}
    run.save()
    return run


@transaction.atomic
def import_begin(*, run: CustomerImport, dry_run: bool, by: User, at_once: bool = False) -> CustomerImport:
    """Check (`dry_run`) or import the file. To 5,000 rows with `at_once` it is done when this returns, else a job does
    it. Raises Denied, Conflict, Invalid."""
    _may(by)
    run = _locked(run)
    if run.status not in (_S.UPLOADED, _S.MAPPED, _S.VALIDATED, _S.FAILED):
        raise Conflict(_("This file is imported already, or just now."))
    Options.from_json(run.options).check(run.headings)
    run.status = _S.VALIDATING if dry_run else _S.RUNNING
    run.position, run.finished_at, run.left = 0, None, []
    run.checked, run.counts = ({} if dry_run else run.checked), {}
    if at_once and run.total <= AT_ONCE and _few(run):
        run.save()
        while (state := step(run_id=run.pk, by=by)) is not None and state.busy:
            pass
        return CustomerImport.objects.get(pk=run.pk)
    return _queue(run)


@transaction.atomic
def import_revert(*, run: CustomerImport, by: User, at_once: bool = False) -> CustomerImport:
    """Within 7 days: what it created and nobody touched is deleted, what it changed and nobody changed since is as it
    was; the rest is named. Raises Denied, IllegalTransition."""
    _may(by)
    if not by.has_permission("customers.delete"):
        raise Denied(_("You do not have the right to do this."))
    run = _locked(run)
    if run.status != _S.DONE or run.finished_at is None or clock.now() - run.finished_at > REVERTIBLE:
        raise IllegalTransition(_("An import can be reverted once, within seven days."), meta={"allowed": []})
    run.status, run.position, run.left = _S.REVERTING, 0, []
    if at_once and run.total <= AT_ONCE:
        run.save()
        while (state := step(run_id=run.pk, by=by)) is not None and state.busy:
            pass
        return CustomerImport.objects.get(pk=run.pk)
    return _queue(run)


def import_resume(*, run: CustomerImport, by: User) -> CustomerImport:
    """Take a broken step up again where it stopped. Raises Denied, Conflict."""
    _may(by)
    if not run.broken:
        raise Conflict(_("This import is under way."))
    return _queue(run)


@transaction.atomic
def import_cancel(*, run: CustomerImport, by: User) -> CustomerImport:
    """Stop: what is imported stays and can be reverted; a file that nothing came from yet is forgotten. Raises Denied,
    Conflict."""
    _may(by)
    run = _locked(run)
    if run.status not in (_S.UPLOADED, _S.MAPPED, _S.VALIDATING, _S.VALIDATED, _S.RUNNING, _S.FAILED):
        raise Conflict(_("There is nothing to cancel."))
    imported = run.status == _S.RUNNING and run.counts
    run.status, run.finished_at = (_S.DONE if imported else _S.CANCELLED), clock.now()
    run.save()
    return run


# --- the steps ---------------------------------------------------------------------------------------------------
def step(*, run_id: UUID, by: User) -> CustomerImport | None:
    """One batch of the step in force, in the caller's transaction; None when there is nothing left to do."""
    run = CustomerImport.objects.select_for_update().filter(pk=run_id).first()
    if run is None or not run.busy:
        return None
    with scope.acting(via="import"):
        if run.status == _S.REVERTING:
            _revert_batch(run, by)
        elif not run.total:
            _stage(run)
        else:
            _batch(run, by)
    run.save()
    return run


def fail(*, run_id: UUID, refusal: DomainError) -> None:
    """A file that cannot be read to its end."""
    CustomerImport.objects.filter(pk=run_id).update(
        status=_S.FAILED, left=[{"row": None, "name": str(refusal.message)}], finished_at=clock.now()
    )


def _stage(run: CustomerImport) -> None:
    """The file's rows into the table, each told from the earlier ones by what customers are recognised by."""
    CustomerImportRow.objects.filter(run=run).delete()
    options = Options.from_json(run.options)
    reader = reader_of(run, options)
    seen: dict[tuple[str, str], int] = {}
    found = files.read(content_of(run), Format(**options.format))
    number = 0
    while batch := list(islice(found, STAGED)):
        rows = []
        for cells in batch:
            number += 1
            keys = reader.keys(cells)
            earlier = min((seen[key] for key in keys if key in seen), default=None)
            if earlier is None:
                seen.update(dict.fromkeys(keys, number))
            rows.append((number, earlier, orjson.dumps(cells[: len(run.headings)]).decode()))
        _insert(run, rows)
    if not number:
        raise Invalid.field("file", _("There is no row below the headings."))
    run.total = number


def _insert(run: CustomerImport, rows: list[tuple[int, int | None, str]]) -> None:
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_customerimportrow (id, created_at, updated_at, organization_id, run_id, outcome, errors,"
            " row_no, dup_of, cells) SELECT i, %s, %s, %s, %s, '', '[]', n, d, c::jsonb"
            " FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::text[]) t (i, n, d, c)",
            [
                now, now, run.organization_id, run.pk, [uuid7() for _row in rows], [row[0] for row in rows],
                [row[1] for row in rows], [row[2] for row in rows],
            ],
        )  # fmt: skip


def _batch(run: CustomerImport, by: User) -> None:
    dry_run = run.status == _S.VALIDATING
    reader = reader_of(run, Options.from_json(run.options))
    rows = list(CustomerImportRow.objects.filter(run=run, row_no__gt=run.position).order_by("row_no")[:BATCH])
    with transaction.atomic():
        lines, counts = write(rows, reader=reader, by=by)
        if dry_run:
            transaction.set_rollback(True)  # the same code as the import itself, and nothing of it stays
    counts.update(run.checked if dry_run else run.counts)
    if dry_run:
        run.checked = dict(counts)
    else:
        run.counts = dict(counts)
    _keep(run, lines, dry_run=dry_run)
    run.position = rows[-1].row_no if rows else run.total
    if run.position >= run.total:
        run.status, run.finished_at = (_S.VALIDATED if dry_run else _S.DONE), clock.now()
        if not dry_run:
            said = {"file": run.filename, **{name: counts[name] for name in ("created", "updated", "failed")}}
            notify("customers.imported", recipients=[by.pk], data=said, subject=("customer_import", run.pk))


def _keep(run: CustomerImport, lines: Iterable[Line], *, dry_run: bool) -> None:
    lines = list(lines)
    stored = [None if dry_run else line.customer for line in lines]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE crm_customerimportrow r SET outcome = t.o, errors = t.e::jsonb, customer_id = t.c,"
            " before = t.b::jsonb, version = t.v"
            " FROM unnest(%s::int[], %s::text[], %s::text[], %s::uuid[], %s::text[], %s::bigint[])"
            " t (n, o, e, c, b, v) WHERE r.run_id = %s AND r.row_no = t.n",
            [
                [line.row.row_no for line in lines],
                [line.outcome for line in lines],
                [orjson.dumps(line.errors).decode() for line in lines],
                [customer.pk if customer else None for customer in stored],
                [
                    orjson.dumps(line.before).decode() if customer and line.before else None
                    for line, customer in zip(lines, stored, strict=True)
                ],
                [customer.version if customer else None for customer in stored],
                run.pk,
            ],
        )


def _revert_batch(run: CustomerImport, by: User) -> None:
    """The last rows first, so that a customer that two rows changed goes back through both."""
    written = CustomerImportRow.objects.filter(run=run, outcome__in=[_O.CREATED, _O.UPDATED]).order_by("-row_no")
    rows = list(written[run.position : run.position + BATCH])
    ids = [row.customer_id for row in rows if row.customer_id]
    held = {row.pk: row for row in Customer.objects.select_for_update().filter(pk__in=ids, deleted_at=None)}
    used = set(chain.from_iterable(reference.rows(ids) for reference in registry.references().values()))
    counts, gone, changes = Counter(run.counts), [], []
    left = list(run.left)
    known = {str(tag.pk): tag for tag in Tag.objects.filter(scope="customer")}
    for row in rows:
        customer = held.get(row.customer_id) if row.customer_id else None
        if customer is None:
            continue
        if customer.version != row.version or (row.outcome == _O.CREATED and customer.pk in used):
            counts["kept"] += 1
            left.append({"row": row.row_no, "customer": str(customer.pk), "name": customer.name})
        elif row.outcome == _O.CREATED:
            gone.append(customer)
        else:
            before = row.before or {}
            marked = before.get("tags")
            chosen = None if marked is None else [known[tag] for tag in marked if tag in known]
            changes.append(Change(customer, values_of(before.get("values", {})), chosen))
    bury(gone, by=by)
    save(changes, by=by)
    counts["removed"] += len(gone)
    counts["restored"] += len(changes)
    run.counts, run.left = dict(counts), left[:NAMED]
    run.position += len(rows)
    if len(rows) < BATCH:
        run.status, run.finished_at = _S.REVERTED, clock.now()


# --- reading -------------------------------------------------------------------------------------------------------
def import_card(run: CustomerImport, *, dry_run: bool | None = None) -> dict[str, Any]:
    """As JSON (contract of the rooms, section 3). `errors` lists those of the first rows; the CSV has all."""
    checked = run.status in (_S.VALIDATING, _S.VALIDATED) if dry_run is None else dry_run
    counts = Counter(run.checked if checked else run.counts)
    failed = CustomerImportRow.objects.filter(run=run, outcome=_O.FAILED).order_by("row_no")[:NAMED] if counts else []
    return {
        "importId": run.pk,
        "status": run.status,
        "dryRun": checked,
        "filename": run.filename,
        "jobId": run.job_id,
        "headings": run.headings,
        "mapping": run.options.get("mapping", {}),
        "total": run.total,
        "toCreate": counts["created"] if checked else run.checked.get("created", counts["created"]),
        "toUpdate": counts["updated"] if checked else run.checked.get("updated", counts["updated"]),
        "created": 0 if checked else counts["created"],
        "updated": 0 if checked else counts["updated"],
        "unchanged": counts["unchanged"],
        "skipped": counts["skipped"],
        "failed": counts["failed"],
        "imported": 0 if checked else counts["created"] + counts["updated"],
        "dupInFile": counts["dupInFile"],
        "dupInDb": counts["dupInDb"],
        "removed": counts["removed"],
        "restored": counts["restored"],
        "kept": counts["kept"],
        "left": run.left,
        "errors": [{"row": row.row_no, **error} for row in failed for error in row.errors],
        "createdAt": run.created_at,
        "finishedAt": run.finished_at,
    }


def error_rows(run: CustomerImport) -> tuple[list[str], Iterable[list[str]]]:
    """Headings and rows of the error file: the columns as they came, and why the row was refused or left out."""
    rows = CustomerImportRow.objects.filter(run=run, outcome__in=[_O.FAILED, _O.SKIPPED]).order_by("row_no")
    width = len(run.headings)
    lines = (
        [
            *(row.cells + [""] * width)[:width],
            str(row.row_no),
            " | ".join(
                f"{error['column']}: {error['message']}" if error["column"] else error["message"]
                for error in row.errors
            ),
        ]
        for row in rows.iterator(chunk_size=1000)
    )
    return [*run.headings, _("Row"), _("Reason")], lines


def preview(run: CustomerImport) -> Table:
    """The beginning of the file as its options read it."""
    return _table(content_of(run), Options.from_json(run.options))


def content_of(run: CustomerImport) -> BytesIO:
    content = CustomerImportFile.objects.filter(run=run).values_list("content", flat=True).first()
    if content is None:
        raise Conflict(_("The file of this import was removed: upload it again."))
    return BytesIO(bytes(content))


def reader_of(run: CustomerImport, options: Options) -> Reader:
    return Reader(options, run.headings, Rules.load(region=options.phone_country))


def purge() -> None:
    """In a platform scope: uploads that nobody imported within a week, files and rows of imports after 30 days."""
    now = clock.now()
    CustomerImport.objects.filter(
        status__in=[_S.UPLOADED, _S.MAPPED, _S.VALIDATED, _S.CANCELLED, _S.FAILED], updated_at__lt=now - FORGOTTEN
    ).delete()
    old = CustomerImport.objects.filter(finished_at__lt=now - KEPT)
    CustomerImportFile.objects.filter(run__in=old).delete()
    CustomerImportRow.objects.filter(run__in=old).delete()


def _table(file: IO[bytes], options: Options) -> Table:
    try:
        return files.inspect(file, known=frozenset(known_headings()), chosen=options.format)
    except Invalid as refusal:
        raise refusal if refusal.errors else Invalid.field("file", refusal.message) from None


def _few(run: CustomerImport) -> bool:
    rows = files.read(content_of(run), Format(**run.options["format"]))
    return sum(1 for _row in islice(rows, AT_ONCE + 1)) <= AT_ONCE


def _queue(run: CustomerImport) -> CustomerImport:
    from portal.crm.customers.jobs import customers_import

    run.job = defer(customers_import, run=str(run.pk))
    run.save()
    return run


def _locked(run: CustomerImport) -> CustomerImport:
    return CustomerImport.objects.select_for_update(of=("self",)).get(pk=run.pk)


def _may(by: User) -> None:
    if not (by.has_permission("customers.import") and by.has_permission("customers.edit")):
        raise Denied(_("You do not have the right to do this."))
