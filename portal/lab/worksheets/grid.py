"""The grid of a worksheet: positions × parameters, read, checked and written as a whole.

One request carries any number of cells, and costs the same few queries for one as for five hundred. Values of samples
become results through the sync engine; those of QC samples stay in tables of their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Errors, IllegalTransition, Invalid, NotFound
from portal.core.common.ids import uuid7
from portal.core.sync import engine, registry
from portal.core.sync.engine import Batch, Change
from portal.core.sync.registry import Row
from portal.core.tenancy import scope
from portal.lab.collections import judged, validate_results
from portal.lab.models import Parameter, Result
from portal.lab.quality.book import Reading, stored_reading
from portal.lab.quality.choices import Kind
from portal.lab.quality.models import QcResult
from portal.lab.quality.services import may, put_value, read_value
from portal.lab.science.measurement import Measurement, MeasurementError, Qualifier, parse_measurement
from portal.lab.worksheets.board import Board, Key
from portal.lab.worksheets.models import Worksheet, WorksheetColumn, WorksheetEntry, WorksheetItem
from portal.lab.worksheets.services import lock, must_be, stored, tell

VALUE, ADDED = "value", "added"


@dataclass(slots=True)
class Cell:
    """One cell as a client sent it, then what became of it.

    `version`: that of the value which the client had before it, None where the cell was empty. `status`: saved,
    unchanged, checked (fine, nothing written), error (`message`), conflict (somebody else was quicker: `current` and
    `version` are theirs). `verdict` is the compliance of a sample's result, the verdict of a QC result.
    """

    item: UUID
    parameter: UUID
    value: str
    version: int | None = None
    field: str = VALUE
    status: str = ""
    message: str = ""
    verdict: str = ""
    current: str | None = None
    result: UUID | None = None

    @property
    def key(self) -> Key:
        return self.item, self.parameter

    def refuse(self, message: object) -> None:
        self.status, self.message = "error", str(message)


@dataclass(slots=True)
class Work:
    """The cells of one request on their way."""

    board: Board
    by: User
    changes: list[tuple[Cell, Change]] = field(default_factory=list)
    qc: list[tuple[Cell, QcResult, Reading]] = field(default_factory=list)
    fresh: dict[Key, Reading] = field(default_factory=dict)  # of samples, for duplicates and spikes
    items: dict[UUID, WorksheetItem] = field(default_factory=dict)  # with other added amounts
    amounts: list[Cell] = field(default_factory=list)

    def added(self, cell: Cell, item: WorksheetItem) -> None:
        if item.kind != WorksheetItem.Kind.SPIKE:
            cell.refuse(_("There is no such cell."))
            return
        name = str(cell.parameter)
        if cell.value:
            try:
                measured = parse_measurement(cell.value)
            except MeasurementError as error:
                cell.refuse(error)
                return
            if measured.qualifier is not Qualifier.EQUAL or measured.number is None or measured.number <= 0:
                cell.refuse(_("The added amount is a number greater than zero."))
                return
            text = f"{measured.number:f}"
        else:
            text = ""
        cell.status = "unchanged" if item.added.get(name, "") == text else "checked"
        if cell.status == "checked":
            item.added = {**item.added, name: text}
            self.items[item.pk] = item
            self.amounts.append(cell)

    def result(self, cell: Cell, item: WorksheetItem, column: WorksheetColumn) -> None:
        held = self.board.results.get(cell.key)
        again = self.board.again(cell.key)
        shown = None if again or held is None else held
        if not cell.value:
            if shown is None:
                cell.status = "unchanged"
            else:
                cell.refuse(_("A stored result is not emptied here: delete it on the sample's page, with a reason."))
            return
        if shown is not None and shown.value_text == cell.value:  # whoever was it: it is as good as saved
            self._settle(cell, "unchanged", shown)
            return
        if shown is not None and (cell.version is None or self.board.contents.get(shown.pk, 0) > cell.version):
            self._settle(cell, "conflict", shown)
            cell.message = _("Somebody else has entered %(value)s here.") % {"value": shown.value_text}
            return
        data: dict[str, Any] = {"value": cell.value, "unit": column.unit}
        if shown is None:
            sheet = self.board.worksheet
            data |= {
                "sampleId": str(item.sample_id),
                "parameterId": str(cell.parameter),
                "technicianName": sheet.analyst.name,
                "testDate": clock.wire(sheet.analysed_at or clock.now()),
                "testMethod": sheet.full_method,
                "instrument": sheet.instrument or None,
            }
            if held is not None:
                data["replacesId"] = str(held.pk)
        id = uuid7() if shown is None else shown.pk
        operation: engine.Operation = "created" if shown is None else "updated"
        change = Change("result", id, operation, data, client_version=engine.NO_VERSION_CHECK)
        self.changes.append((cell, change))

    def _settle(self, cell: Cell, status: str, result: Result) -> None:
        cell.status, cell.result, cell.version = status, result.pk, result.version
        cell.current, cell.verdict = result.value_text, result.compliance_status

    def control(self, cell: Cell, item: WorksheetItem, column: WorksheetColumn) -> None:
        row = self.board.qc.get(cell.key)
        if row is None and not cell.value:
            cell.status = "unchanged"
            return
        if row is not None and row.value_text == cell.value:
            cell.status, cell.version, cell.verdict = "unchanged", row.version, row.verdict
            return
        if row is not None and cell.version != row.version:
            cell.status, cell.version, cell.verdict = "conflict", row.version, row.verdict
            cell.current = row.value_text
            cell.message = _("Somebody else has entered %(value)s here.") % {"value": row.value_text}
            return
        if not cell.value:
            cell.refuse(_("A stored QC value is changed, never emptied."))
            return
        errors = Errors()
        reading = read_value(cell.value, column.unit, column.parameter, errors)
        if reading is None:
            cell.refuse(errors.items[0].message)
            return
        sheet = self.board.worksheet
        if row is None:
            row = QcResult(
                organization_id=scope.organization_id(),
                kind=Kind(item.kind),
                parameter=column.parameter,
                material=item.material,
                item=item,
                measured_at=sheet.analysed_at or clock.now(),
                created_by=self.by,
                version=0,
            )
        row.analyst_name, row.method, row.instrument = sheet.analyst.name, sheet.full_method, sheet.instrument
        put_value(row, reading)
        self.board.qc[cell.key] = row
        self.qc.append((cell, row, reading))

    # --- without writing -----------------------------------------------------------------------------------
    def check(self) -> None:
        """Refusals and verdicts as saving would find them; nothing is written."""
        changes = [change for _cell, change in self.changes]
        results, samples = registry.get("result"), registry.get("sample")
        if changes:
            stored = results.rows([change.id for change in changes])
            for change in changes:
                change.current = stored.get(change.id)
            validate_results(Batch(changes, clock.now(), self.by.pk, None, "lww"), changes)
        fine = [(cell, change) for cell, change in self.changes if change.open and change.row]
        parents = samples.rows({change.row["sample_id"] for _cell, change in fine if change.row})
        for cell, change in self.changes:
            if change.errors:
                cell.refuse(change.errors[0].message)
            elif change.row is not None:
                rules = self.board.rules
                found = judged(change.row, parents[change.row["sample_id"]], rules, ZoneInfo(rules.zone), set())
                cell.status, cell.verdict = "checked", found["compliance_status"]
                self._note(cell, change.row)
        self._judge()
        for cell, row, _reading in self.qc:
            cell.status, cell.verdict = "checked", row.verdict

    def _note(self, cell: Cell, row: Row) -> None:
        measured = Measurement(row["value_text"], Qualifier(row["qualifier"]), row["value"], row["censoring_limit"])
        self.fresh[cell.key] = Reading(measured, row["unit"])

    def _judge(self) -> list[QcResult]:
        """Every QC result of the worksheet anew, in the order of its positions; returns those that changed."""
        board = self.board
        typed = {(row.item_id, row.parameter_id): reading for _cell, row, reading in self.qc}
        samples = {item.sample_id: item.pk for item in board.items if item.kind == WorksheetItem.Kind.SAMPLE}
        changed = []
        for item in board.items:
            for column in board.columns:
                row = board.qc.get((item.pk, column.parameter_id))
                if row is None:
                    continue
                before = _judgement(row)
                amount = item.added.get(str(column.parameter_id))
                row.added = Decimal(amount) if amount else None
                reading = typed.get((item.pk, column.parameter_id))
                original = self._original(samples.get(item.sample_id), column.parameter_id) if item.sample_id else None
                parameter: Parameter = column.parameter
                board.book.judge(row, reading or stored_reading(row), parameter, original=original)
                if reading is not None or _judgement(row) != before:
                    changed.append(row)
        return changed

    def _original(self, item: UUID | None, parameter: UUID) -> Reading | None:
        if item is None:
            return None
        key = (item, parameter)
        if (typed := self.fresh.get(key)) is not None:
            return typed
        result = self.board.results.get(key)
        if result is None or self.board.again(key):
            return None
        return Reading(
            Measurement(result.value_text, Qualifier(result.qualifier), result.value, result.censoring_limit),
            result.unit,
        )

    # --- writing -------------------------------------------------------------------------------------------
    def save(self) -> None:
        if self.changes:
            self._save_results()
        if self.items:
            WorksheetItem.objects.bulk_update(self.items.values(), ["added"])
        for cell in self.amounts:
            cell.status = "saved"
        changed = self._judge()
        new = [row for _cell, row, _reading in self.qc if not row.version]
        for _cell, row, _reading in self.qc:
            row.version += 1
        QcResult.objects.bulk_create(new)
        if known := [row for row in changed if row not in new]:
            for row in known:
                row.updated_at = clock.now()
            QcResult.objects.bulk_update(known, _WRITTEN)
        for cell, row, _reading in self.qc:
            cell.status, cell.version, cell.verdict = "saved", row.version, row.verdict
        sheet, state = self.board.worksheet, self.board.state()
        if sheet.control != state:
            sheet.control = state
            sheet.version += 1
            sheet.save(update_fields=["control", "version", "updated_at"])

    def _save_results(self) -> None:
        batch = engine.apply([change for _cell, change in self.changes], user=self.by.pk)
        written = batch.writes.get("result", {})
        links: list[WorksheetEntry] = []
        for cell, change in self.changes:
            if change.errors:
                cell.refuse(change.errors[0].message)
                continue
            row = written.get(change.id) or change.current
            assert row is not None
            cell.status = "unchanged" if change.status == "unchanged" else "saved"
            cell.result, cell.version, cell.verdict = change.id, change.version, row["compliance_status"]
            self._note(cell, row)
            links.append(
                WorksheetEntry(
                    organization_id=scope.organization_id(),
                    item_id=cell.item,
                    parameter_id=cell.parameter,
                    result_id=change.id,
                )
            )
        WorksheetEntry.objects.bulk_create(
            links, update_conflicts=True, unique_fields=["item", "parameter"], update_fields=["result", "again"]
        )
        for link in links:
            self.board.entries[link.item_id, link.parameter_id] = link


_WRITTEN = [
    "analyst_name", "method", "instrument", "value_text", "qualifier", "value", "censoring_limit", "unit",
    "chart_value", "added", "compared", "figure", "figure_to", "score", "rules", "verdict", "reason", "version",
    "updated_at",
]  # fmt: skip


def _judgement(row: QcResult) -> tuple[Any, ...]:
    return row.verdict, row.reason, row.figure, row.figure_to, row.score, row.rules, row.added, row.compared


def _take(board: Board, cells: Sequence[Cell], *, by: User) -> Work:
    """Sort cells into results to write and QC results to write; what cannot be is refused in its cell."""
    work = Work(board, by)
    items = {item.pk: item for item in board.items}
    columns = {column.parameter_id: column for column in board.columns}
    seen: set[tuple[UUID, UUID, str]] = set()
    for cell in cells:
        item, column = items.get(cell.item), columns.get(cell.parameter)
        if item is None or column is None or not board.possible(item, cell.parameter):
            cell.refuse(_("There is no such cell."))
        elif (mark := (*cell.key, cell.field)) in seen:
            cell.refuse(_("This cell stands twice in the request."))
        else:
            seen.add(mark)
            cell.value = cell.value.strip()
            if cell.field == ADDED:
                work.added(cell, item)
            elif item.kind == WorksheetItem.Kind.SAMPLE:
                work.result(cell, item, column)
            else:
                work.control(cell, item, column)
    return work


def grid_check(*, worksheet: Worksheet, cells: Sequence[Cell], by: User) -> Board:
    """Each cell with its verdict or refusal as saving would find it. Nothing is written."""
    may(by, "worksheets.edit")
    board = Board(worksheet)
    _take(board, cells, by=by).check()
    return board


def grid_save(*, worksheet: Worksheet, cells: Sequence[Cell], by: User) -> Board:
    """Write what can be written, cell by cell: a refused one keeps nobody else's value from being stored, one that was
    changed meanwhile is left alone and says so. A repeated request changes nothing. Raises Denied, and
    IllegalTransition for a worksheet that is not open."""
    may(by, "results.edit")
    row = lock(worksheet, by)
    if row.status != Worksheet.Status.OPEN:
        raise IllegalTransition(_("The worksheet is %(status)s.") % {"status": row.get_status_display()})
    engine.lock_clock()  # so that no result changes between this look and the write
    board = Board(row)
    _take(board, cells, by=by).save()
    if any(cell.status == "saved" for cell in cells):
        tell(row)
    return board


def items_order(*, worksheet: Worksheet, ids: Sequence[UUID], by: User, version: int | None = None) -> Worksheet:
    """Put the positions of an open worksheet into another order; `ids` names all of them. QC samples are judged anew,
    since the rules of Westgard go by that order. Raises Denied, Invalid, IllegalTransition and Conflict."""
    row = lock(worksheet, by, version=version)
    must_be(row, Worksheet.Status.OPEN)
    engine.lock_clock()
    items = {item.pk: item for item in WorksheetItem.objects.filter(worksheet=row)}
    if len(ids) != len(items) or set(ids) != items.keys():
        raise Invalid.field("itemIds", _("Name every position of the worksheet once."))
    moved = [items[id] for place, id in enumerate(ids, start=1) if items[id].position != place]
    for place, id in enumerate(ids, start=1):
        items[id].position = place
    if moved:
        WorksheetItem.objects.bulk_update(moved, ["position"])
        Work(Board(row), by).save()
        stored(row)
    return row


def item_move(*, worksheet: Worksheet, item: UUID, position: int, by: User) -> Worksheet:
    """Move one position to a place counted from 1; the others make way. Raises NotFound, and as `items_order`."""
    row = lock(worksheet, by)
    ids = list(WorksheetItem.objects.filter(worksheet=row).values_list("pk", flat=True))
    if item not in ids:
        raise NotFound(_("There is no such record."))
    ids.remove(item)
    ids.insert(max(position - 1, 0), item)
    return items_order(worksheet=row, ids=ids, by=by)


def outcome(cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """Cells on the wire."""
    return [
        {
            "itemId": cell.item,
            "parameterId": cell.parameter,
            "field": cell.field,
            "status": cell.status,
            "value": cell.value,
            "current": cell.current,
            "version": cell.version,
            "verdict": cell.verdict or None,
            "message": cell.message or None,
            "resultId": cell.result,
        }
        for cell in cells
    ]
