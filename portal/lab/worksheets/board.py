"""A worksheet with everything that stands in it, read in the same few queries however large it is."""

from dataclasses import dataclass, field
from uuid import UUID

from portal.core.sync.models import FeedRecord
from portal.lab.lifecycle.models import Retest
from portal.lab.models import Result
from portal.lab.quality.book import Book, read_book
from portal.lab.quality.choices import Verdict
from portal.lab.quality.models import QcResult
from portal.lab.rulebook import Rulebook, rulebook
from portal.lab.worksheets.models import Worksheet, WorksheetColumn, WorksheetEntry, WorksheetItem

Key = tuple[UUID, UUID]  # item, parameter
_CONTROL = Worksheet.Control


@dataclass(frozen=True, slots=True)
class Held:
    """What a cell shows before anybody types: a stored value with its verdict and version."""

    value: str = ""
    version: int | None = None
    verdict: str = ""
    former: str = ""  # the value that is to be measured again
    result: UUID | None = None
    row: QcResult | None = None


@dataclass(slots=True)
class Board:
    """A worksheet with everything in it."""

    worksheet: Worksheet
    items: list[WorksheetItem] = field(init=False)
    columns: list[WorksheetColumn] = field(init=False)
    results: dict[Key, Result] = field(init=False)
    contents: dict[UUID, int] = field(init=False)  # the version of each result's last change by a person
    retests: set[UUID] = field(init=False)  # results that somebody wants measured again
    entries: dict[Key, WorksheetEntry] = field(init=False)
    qc: dict[Key, QcResult] = field(init=False)
    book: Book = field(init=False)
    rules: Rulebook = field(init=False)

    def __post_init__(self) -> None:
        sheet = self.worksheet
        self.rules = rulebook()
        self.items = list(WorksheetItem.objects.filter(worksheet=sheet).select_related("sample", "material"))
        self.columns = list(WorksheetColumn.objects.filter(worksheet=sheet).select_related("parameter"))
        self.entries = {
            (entry.item_id, entry.parameter_id): entry
            for entry in WorksheetEntry.objects.filter(item__worksheet=sheet).select_related("result")
        }
        self.qc = {}
        for row in QcResult.objects.filter(item__worksheet=sheet, repeated=False).select_related("parameter", "item"):
            assert row.item_id is not None
            self.qc[row.item_id, row.parameter_id] = row
        self.book = read_book(
            parameters=[column.parameter_id for column in self.columns],
            materials=[item.material_id for item in self.items if item.material_id],
        )
        self.results = self._results()
        ids = [row.pk for row in self.results.values()]
        retests = Retest.objects.filter(result__in=ids, withdrawn_at=None)
        self.retests = set(retests.values_list("result_id", flat=True))
        feed = FeedRecord.objects.filter(entity="result", record_id__in=ids)
        self.contents = dict(feed.values_list("record_id", "content_seq"))

    def _results(self) -> dict[Key, Result]:
        """The result in force of each sample and parameter: a repeated analysis counts in the place of the first."""
        samples = {item.sample_id: item.pk for item in self.items if item.kind == WorksheetItem.Kind.SAMPLE}
        rows = Result.objects.filter(
            sample__in=list(samples), parameter__in=[c.parameter_id for c in self.columns], deleted_at=None
        ).order_by("created_at", "id")
        found = list(rows)
        replaced = {row.replaces_id for row in found}
        return {(samples[row.sample_id], row.parameter_id): row for row in found if row.pk not in replaced}

    # --- what it shows ---------------------------------------------------------------------------------
    def possible(self, item: WorksheetItem, parameter: UUID) -> bool:
        """A control is measured for what its material has an assigned value for."""
        return item.material_id is None or (item.material_id, parameter) in self.book.targets

    def held(self, item: WorksheetItem, parameter: UUID) -> Held:
        key = (item.pk, parameter)
        if item.kind != WorksheetItem.Kind.SAMPLE:
            row = self.qc.get(key)
            return Held(row.value_text, row.version, row.verdict, row=row) if row else Held()
        result = self.results.get(key)
        if result is None:
            return Held()
        if self.again(key):
            return Held(former=result.value_text, result=result.pk)
        return Held(result.value_text, result.version, result.compliance_status, result=result.pk)

    def again(self, key: Key) -> bool:
        """Whether the next value becomes a new result: the run was rejected, or a retest was asked for."""
        entry, held = self.entries.get(key), self.results.get(key)
        return (entry is not None and entry.again) or (held is not None and held.pk in self.retests)

    @property
    def filled(self) -> int:
        """Cells with a value."""
        return sum(bool(self.held(item, c.parameter_id).value) for item in self.items for c in self.columns)

    @property
    def empty(self) -> int:
        """Cells that could have a value and have none."""
        cells = ((item, c.parameter_id) for item in self.items for c in self.columns)
        return sum(self.possible(*cell) and not self.held(*cell).value for cell in cells)

    def state(self) -> str:
        """What the QC samples say together."""
        verdicts = {row.verdict for row in self.qc.values()}
        if Verdict.FAIL in verdicts:
            return _CONTROL.OUT_OF_CONTROL
        if Verdict.WARNING in verdicts:
            return _CONTROL.WARNING
        return _CONTROL.IN_CONTROL if verdicts else _CONTROL.NONE
