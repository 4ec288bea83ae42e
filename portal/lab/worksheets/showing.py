"""A worksheet as pages and print show it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.lab.quality.wording import badge, note
from portal.lab.worksheets.board import Board, Held
from portal.lab.worksheets.grid import ADDED, VALUE, Cell, outcome
from portal.lab.worksheets.models import Worksheet, WorksheetColumn, WorksheetItem
from portal.ui.templatetags.marsad import VERDICTS, icon, verdict_badge

Marks = Mapping[tuple[UUID, UUID, str], Cell]
_ICONS = {"blank": "droplet", "duplicate": "copy", "spike": "plus", "control": "gauge", "sample": "flask"}
_SAVED: str | Promise = gettext_lazy("Saved")


@dataclass(frozen=True, slots=True)
class CellView:
    """One cell. `name` is the input's, `value` what stands in it, `message` why it was refused."""

    item: WorksheetItem
    column: WorksheetColumn
    held: Held
    possible: bool
    typed: Cell | None
    typed_added: Cell | None

    @property
    def name(self) -> str:
        return f"{self.item.pk}:{self.column.parameter_id}"

    @property
    def label(self) -> str:
        return f"{title(self.item)} – {self.column.parameter.name}"

    @property
    def value(self) -> str:
        return self.typed.value if self.typed else self.held.value

    @property
    def added(self) -> str:
        if self.typed_added:
            return self.typed_added.value
        return str(self.item.added.get(str(self.column.parameter_id), ""))

    @property
    def message(self) -> str:
        return " ".join(cell.message for cell in (self.typed, self.typed_added) if cell and cell.message)

    @property
    def badge(self) -> str:
        return verdict_badge(self.held.verdict) if self.held.verdict else ""

    @property
    def verdict_word(self) -> str:
        return str(VERDICTS[self.held.verdict][2]) if self.held.verdict else ""

    @property
    def note(self) -> str:
        return note(self.held.row) if self.held.row else ""


@dataclass(frozen=True, slots=True)
class RowView:
    item: WorksheetItem
    cells: list[CellView]
    removable: bool

    @property
    def title(self) -> str:
        return title(self.item)

    @property
    def icon(self) -> SafeString:
        return icon(_ICONS[self.item.kind])


def title(item: WorksheetItem) -> str:
    """What stands at a position, in a few words."""
    name = item.sample.code if item.sample else str(item.material) if item.material else ""
    if item.kind == WorksheetItem.Kind.SAMPLE:
        return name
    return f"{item.get_kind_display()} {name}".strip()


def rows(
    board: Board, *, columns: Sequence[WorksheetColumn] | None = None, typed: Marks | None = None
) -> list[RowView]:
    """The grid; `typed` are cells that were sent and not taken."""
    marks, shown = typed or {}, columns if columns is not None else board.columns
    originals = {item.sample_id for item in board.items if item.kind in ("duplicate", "spike")}
    found = []
    for item in board.items:
        cells = [
            CellView(
                item,
                column,
                board.held(item, column.parameter_id),
                board.possible(item, column.parameter_id),
                marks.get((item.pk, column.parameter_id, VALUE)),
                marks.get((item.pk, column.parameter_id, ADDED)),
            )
            for column in shown
        ]
        used = any(cell.held.value or cell.held.former for cell in cells)
        needed = item.kind == WorksheetItem.Kind.SAMPLE and item.sample_id in originals
        found.append(RowView(item, cells, not used and not needed))
    return found


def answer(cells: Iterable[Cell], board: Board) -> dict[str, object]:
    """What the script of the grid needs: each cell sent, and how every QC sample stands now."""
    told = outcome(cells)
    for cell in told:
        verdict = cell["verdict"]
        cell["badge"] = verdict_badge(verdict) if verdict else ""
        if cell["status"] == "saved" and not verdict:
            cell["badge"] = format_html('<span class="badge bg-green-lt verdict">{}{}</span>', icon("check"), _SAVED)
    marks = [
        {"itemId": item, "parameterId": parameter, "badge": verdict_badge(row.verdict), "note": note(row)}
        for (item, parameter), row in board.qc.items()
        if row.verdict
    ]
    return {"cells": told, "qc": marks, "empty": board.empty}


def state(board: Board) -> dict[str, object]:
    """The whole grid as it stands now, for a page that lies open while others enter values."""
    control = board.state()
    return {
        "layout": layout(board),
        "control": badge(control, Worksheet.Control(control).label),
        "cells": [
            {
                "itemId": cell.item.pk,
                "parameterId": cell.column.parameter_id,
                "value": cell.value,
                "added": cell.added,
                "version": cell.held.version,
                "badge": cell.badge,
                "note": cell.note,
            }
            for row in rows(board)
            for cell in row.cells
            if cell.possible
        ],
    }


def layout(board: Board) -> str:
    """What a page was drawn for beside the values: the status, then the positions in their order."""
    return " ".join([board.worksheet.status, *(str(item.pk) for item in board.items)])


def words() -> dict[str, str]:
    """What the script says, in the language of the page."""
    return {
        "saved": _("Saved: %(count)s."),
        "errors": _("Refused: %(count)s; see the cells."),
        "conflicts": _("Changed by somebody else in the meantime: %(count)s; choose in the cell."),
        "nothing": _("Nothing to save."),
        "pasted": _("Pasted, not saved yet: %(count)s."),
        "outside": _("Beside the grid, left out: %(count)s."),
        "undone": _("The paste is undone."),
        "mine": _("Keep mine"),
        "theirs": _("Take theirs"),
        "failed": _("The server did not answer. Your input is still here: try again."),
        "unsaved": _("Not saved yet: %(count)s"),
        "news": _("Entered by others just now: %(count)s."),
        "other": _("Somebody else has entered %(value)s here."),
        "changed": _("Somebody else changed this worksheet. Save your values, then load the page again."),
        "moved": _("Now at position %(count)s."),
    }
