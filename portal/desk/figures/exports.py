"""The dashboard as a file: the tiles and tables of its tabs, cell by cell what the screen shows, unrounded."""

import hashlib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from django.utils import translation
from django.utils.translation import gettext as _

from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.sheets import sheet
from portal.core.common.workbook import Cell, Sheet, write_book
from portal.desk.figures.display import Tab, Table, tab, tabs_for
from portal.desk.figures.question import Question

KINDS: Final = ("csv", "xlsx", "json")
_COLUMNS: Final = ("section", "table", "row", "figure", "value", "unit")
_MEMORY: Final = 2 * 1024 * 1024  # a longer file goes to disk
_TITLE: Final = 31  # characters of a sheet's title


def export(q: Question, kind: str, *, tabs: Sequence[str] = ()) -> IO[bytes]:
    """An open file of `kind` with the tabs that the person sees, or those of them that are named; noted in the audit
    log with its period and hash."""
    made = [tab(q, key) for key in tabs_for(q) if not tabs or key in tabs]
    if kind in ("csv", "json"):
        file, _rows, _digest = sheet(kind, _COLUMNS, _lines(q, made))
    else:
        file = SpooledTemporaryFile(_MEMORY)  # noqa: SIM115 the one who sends it closes it
        write_book(file, _sheets(q, made), right_to_left=translation.get_language_bidi())
    file.seek(0)
    digest = hashlib.sha256(file.read()).hexdigest()
    file.seek(0)
    said = {"from": q.first.isoformat(), "to": q.last.isoformat(), "scope": q.scope, "tabs": [one.key for one in made]}
    record(Event(Action.EXPORT, "export", "", {"format": kind, "filters": said, "sha256": digest}, label="dashboard"))
    return file


def _plain(value: Any) -> Cell:
    return float(value) if isinstance(value, Decimal) else value


def _lines(q: Question, made: Sequence[Tab]) -> Iterator[list[Any]]:
    """One line a figure; `unit` of money is the currency."""

    def unit(name: str) -> str:
        return {"money": q.currency, "percent": "%", "hours": "h", "count": "", "text": ""}[name]

    for one in made:
        for tile in one.tiles:
            yield [one.key, "", tile.key, tile.label, _plain(tile.value), unit(tile.unit)]
            if tile.compared:
                yield [one.key, "", tile.key, _("Growth"), _plain(tile.change), "%"]
        for table in one.tables:
            for line in table.lines:
                for (head, of), value in zip(table.heads[1:], line[1:], strict=True):
                    yield [one.key, table.key, _plain(line[0]), head, _plain(value), unit(of)]
        for event in one.events:
            yield [one.key, "", clock.wire(event.at), event.user_name, event.text, ""]


def _sheets(q: Question, made: Sequence[Tab]) -> list[Sheet]:
    sheets = []
    tiles: list[list[Cell]] = [
        [one.title, tile.label, _plain(tile.value), q.currency if tile.unit == "money" else "", _plain(tile.change)]
        for one in made
        for tile in one.tiles
    ]
    head = [_("Section"), _("Figure"), _("Value"), _("Unit"), _("Growth (%)")]
    period = f"{q.first.isoformat()} - {q.last.isoformat()}"
    lines: list[list[Cell]] = [[_("Period"), period, None, q.zone, None], *tiles]
    sheets.append(Sheet(_("Key figures")[:_TITLE], head, lines, [20, 34, 18, 14, 14]))
    for one in made:
        for table in one.tables:
            sheets.append(_sheet(table, len(sheets)))
        if one.events:
            rows = [[clock.wire(event.at), event.user_name, event.text] for event in one.events]
            sheets.append(
                Sheet(_titled(one.title, len(sheets)), [_("Time"), _("Person"), _("What")], rows, [24, 26, 90])
            )
    return sheets


def _titled(title: str, place: int) -> str:
    """A title that is its own in the workbook and has none of the characters that Excel refuses."""
    return f"{place} {''.join(c for c in title if c not in '[]:*?/' + chr(92))}"[:_TITLE]


def _sheet(table: Table, place: int) -> Sheet:
    rows = [[_plain(cell) for cell in line] for line in table.lines]
    return Sheet(
        _titled(table.title, place), [head for head, _u in table.heads], rows, [28, *[18] * (len(table.heads) - 1)]
    )
