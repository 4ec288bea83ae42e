"""Drafts of samples and results through the sync engine: the checks, verdicts, versions and audit rows of the API.

Ids are made of organisation, source and the file's own content, so what is imported again creates nothing.
"""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.common import clock
from portal.core.common.ids import parse_uuid
from portal.core.sync import engine
from portal.core.sync.engine import Change
from portal.core.tenancy import scope
from portal.lab.imports.models import ImportRecord, ImportRow
from portal.lab.imports.reading import Reader, Reason, ResultDraft, RowDraft, SampleDraft
from portal.lab.models import Result, Sample

# Wire name of the engine -> target of the mapping, where they differ.
_TARGETS: Final = {
    "notes": "resultNotes",
    "parameterId": "parameter",
    "samplingPointId": "point",
    "testMethod": "method",
    "replacesId": "replaces",
}
_O = ImportRow.Outcome
_WORST: Final = (_O.REFUSED, _O.CONFLICT, _O.CREATED, _O.UPDATED, _O.UNCHANGED)


class _Undo(Exception):
    """Ends a trial."""


@dataclass(slots=True)
class Written:
    entity: str
    id: UUID
    version: int
    created: bool


@dataclass(slots=True)
class Outcome:
    """What became of one row of the file."""

    line: int
    outcome: str
    reasons: list[Reason] = field(default_factory=list)


@dataclass(slots=True)
class Done:
    """What became of a batch: its rows, counts (`sample.created`, `result.refused`, `row.skipped`) and records."""

    rows: list[Outcome] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    written: list[Written] = field(default_factory=list)


def record_id(organization: UUID, source: str, sample: str, result: str = "") -> UUID:
    """The id that a source's sample or result has in an organisation."""
    return uuid5(organization, "/".join(filter(None, (source, sample, result))))


@contextlib.contextmanager
def trial(*, undo: bool) -> Iterator[None]:
    """A part of the transaction that is taken back at its end where `undo` says so."""
    with contextlib.suppress(_Undo), transaction.atomic():
        yield
        if undo:
            raise _Undo


def import_batch(drafts: Sequence[SampleDraft], *, source: str, reader: Reader, dry_run: bool) -> Done:
    """Bring samples with their results in, each sample whole; with `dry_run` everything is checked and undone."""
    return _Batch(drafts, source, reader).run(dry_run=dry_run)


class _Batch:
    def __init__(self, drafts: Sequence[SampleDraft], source: str, reader: Reader) -> None:
        self.drafts, self.source, self.reader = drafts, source, reader
        self.organization = scope.organization_id()
        self.refused: dict[int, list[Reason]] = defaultdict(list)  # by line
        self.samples: dict[UUID, SampleDraft] = {}
        self.results: dict[UUID, ResultDraft] = {}
        self.attached = 0
        self.done = Done()

    def run(self, *, dry_run: bool) -> Done:
        changes = self._changes()
        versions = _own_versions([change.id for change in changes])
        for change in changes:
            change.client_version = versions.get(change.id, 0)
        empty: set[UUID] = set()
        with trial(undo=dry_run):
            with trial(undo=False):
                _apply(changes)
                empty = _empty_samples(changes)
                if empty:
                    raise _Undo
            if empty:  # a sample whose every result is refused is not registered: once more without those
                left = [change for change in changes if _sample_of(change) not in empty]
                again = [Change(c.entity, c.id, "created", c.data, client_version=c.client_version) for c in left]
                _apply(again)
                changes = [*again, *(c for c in changes if c.entity == "result" and _sample_of(c) in empty)]
                self.done.counts["sample.refused"] += len(empty)
        self._tell(changes)
        return self.done

    # --- what the file asks for ---------------------------------------------------------------
    def _changes(self) -> list[Change]:
        codes = [draft.code for draft in self.drafts if draft.code]
        there = {
            code: (id, taken)
            for code, id, taken in Sample.objects.filter(code__in=codes, deleted_at=None).values_list(
                "code", "pk", "collection_date"
            )
        }
        ids = {id(draft): record_id(self.organization, self.source, draft.key) for draft in self.drafts}
        held = dict(Sample.objects.filter(pk__in=ids.values(), deleted_at=None).values_list("pk", "collection_date"))
        known = self._known_results()
        changes: list[Change] = []
        results: list[Change] = []
        for draft in self.drafts:
            own = ids[id(draft)]
            target, taken = there.get(draft.code, (own, held.get(own)))
            if not draft.faults and taken is not None:
                self._compare(draft, taken)
            if not draft.faults and target == own and taken is None and not self.reader.mapping.create_samples:
                heading = self.reader.mapping.heading_of("code")
                draft.faults.append(Reason(heading, _("No sample has the code “%(code)s”.") % {"code": draft.key}))
            if draft.faults:
                self.done.counts["sample.refused"] += 1
                continue
            if target == own and self.reader.mapping.create_samples:
                if not any(row.results for row in draft.rows) and any(row.faults for row in draft.rows):
                    continue  # a sample whose every row is refused is not registered empty
                self.samples[target] = draft
                changes.append(Change("sample", target, "created", draft.data))
            else:
                self.attached += 1
            results += self._result_changes(draft, target, known)
        return changes + results

    def _known_results(self) -> dict[str, UUID]:
        """Identifiers of the file that are ids of results here: an export of ours comes back."""
        named = {
            key: id
            for draft in self.drafts
            for row in draft.rows
            for result in row.results
            for key in (result.key, result.data.get("replacesKey", ""))
            if len(key) == 36 and (id := parse_uuid(key))
        }
        here = set(Result.objects.filter(pk__in=named.values()).values_list("pk", flat=True)) if named else set()
        return {key: id for key, id in named.items() if id in here}

    def _result_changes(self, draft: SampleDraft, sample: UUID, known: Mapping[str, UUID]) -> Iterator[Change]:
        keys = {result.key for row in draft.rows for result in row.results}
        for row in draft.rows:
            for result in row.results:
                data = dict(result.data)
                id = known.get(result.key) or record_id(self.organization, self.source, draft.key, result.key)
                if replaced := data.pop("replacesKey", ""):
                    other = known.get(replaced)
                    if other is None and replaced in keys:
                        other = record_id(self.organization, self.source, draft.key, replaced)
                    data["replacesId"] = str(other) if other else replaced
                if id in self.results:
                    row.faults.append(
                        Reason(result.column, _("The identifier of this result stands in another row too."))
                    )
                    continue
                self.results[id] = result
                yield Change("result", id, "created", {**data, "sampleId": str(sample)})

    def _compare(self, draft: SampleDraft, taken: datetime) -> None:
        """A code that is used again for another sample must not put results at the wrong one."""
        said = clock.parse_moment(draft.data.get("collectionDate"))
        if said is None:
            return
        zone = ZoneInfo(self.reader.mapping.time_zone)
        same = taken.astimezone(zone).date() == said.astimezone(zone).date() if draft.date_only else taken == said
        if not same:
            heading = self.reader.mapping.heading_of("code") or self.reader.mapping.heading_of("sample")
            day = taken.astimezone(zone).strftime("%Y-%m-%d %H:%M")
            message = _("The sample “%(code)s” that is registered here was taken on %(day)s.")
            draft.faults.append(Reason(heading, message % {"code": draft.key, "day": day}))

    # --- what became of it -------------------------------------------------------------------------
    def _tell(self, changes: Sequence[Change]) -> None:
        lines: dict[int, Counter[str]] = defaultdict(Counter)
        broken: dict[UUID, list[Reason]] = {}
        for change in changes:
            outcome = _outcome(change)
            self.done.counts[f"{change.entity}.{outcome}"] += 1
            reasons = self._reasons(change)
            if change.entity == "sample":
                if outcome == _O.REFUSED:
                    broken[change.id] = reasons
                elif outcome == _O.CONFLICT:
                    for row in self.samples[change.id].rows[:1]:
                        self.refused[row.line] += reasons
                        lines[row.line][outcome] += 1
            else:
                line = self.results[change.id].line
                lines[line][outcome] += 1
                self.refused[line] += reasons
            if change.version is not None and outcome in (_O.CREATED, _O.UPDATED):
                created = outcome == _O.CREATED
                self.done.written.append(Written(change.entity, change.id, change.version, created))
        by_draft = {id(self.samples[key]): reasons for key, reasons in broken.items()}  # a draft has no other key
        for draft in self.drafts:
            faults = draft.faults or by_draft.get(id(draft), [])
            for row in draft.rows:
                self._row(row, faults, lines[row.line])

    def _row(self, row: RowDraft, faults: list[Reason], found: Counter[str]) -> None:
        self.done.counts["result.refused"] += len(row.faults) if not faults else 0
        if faults:
            outcome, reasons = _O.REFUSED, [*faults, *row.faults]
        else:
            reasons = [*row.faults, *self.refused[row.line], *row.skipped]
            if row.faults:
                found[_O.REFUSED] += len(row.faults)
            if not found:
                outcome = _O.SKIPPED
            elif found[_O.REFUSED] and len(found) > 1:
                outcome = _O.PARTLY
            else:
                outcome = next(word for word in _WORST if found[word])
        self.done.counts[f"row.{outcome}"] += 1
        self.done.rows.append(Outcome(row.line, outcome, reasons))

    def _reasons(self, change: Change) -> list[Reason]:
        mapping = self.reader.mapping
        if change.status == "conflict":
            gone = change.deleted_now
            return [Reason("", _("It was deleted here since: it stays deleted.") if gone else _("Somebody changed it here since: it stays as it is."))]  # fmt: skip  # noqa: E501
        reasons = []
        for error in change.errors:
            target = _TARGETS.get(error.field or "", error.field or "")
            if change.entity == "sample" and error.field == "notes":
                target = "sampleNotes"
            heading = mapping.heading_of(target)
            if change.entity == "result":
                heading = self.results[change.id].column if target in ("value", "unit") and not heading else heading
                heading = heading or self.results[change.id].column
            reasons.append(Reason(heading, error.message))
        return reasons


def _apply(changes: Sequence[Change]) -> None:
    """A record that somebody changed since its import stays as it is; the file's words are kept as a conflict."""
    engine.apply(changes, user=scope.actor().user, strategy="refuse")


def _sample_of(change: Change) -> UUID:
    return change.id if change.entity == "sample" else UUID(change.data["sampleId"])


def _empty_samples(changes: Sequence[Change]) -> set[UUID]:
    """New samples that came with results of which none was taken."""
    new = {change.id for change in changes if change.entity == "sample" and change.status == "created"}
    results = [change for change in changes if change.entity == "result"]
    taken = {_sample_of(change) for change in results if change.status != "error"}
    return new & {_sample_of(change) for change in results} - taken


def _outcome(change: Change) -> str:
    if change.status == "updated" and change.current is not None and change.deleted_now:
        return _O.CREATED  # a record that a revert took back comes again
    words = {"created": _O.CREATED, "updated": _O.UPDATED, "unchanged": _O.UNCHANGED, "conflict": _O.CONFLICT}
    return words.get(change.status, _O.REFUSED)


def _own_versions(ids: Sequence[UUID]) -> dict[UUID, int]:
    """The version that the last import gave each record."""
    rows = ImportRecord.objects.filter(record_id__in=ids).order_by("version").values_list("record_id", "version")
    return dict(rows)
