"""All verdicts of an organisation under changed rules: counted first, then, when somebody agrees, written.

Samples are taken in the order of their ids, some hundred at a time, each step in a transaction of its own; `position`
moves with it, so that a restart goes on where the last one stopped. A second run over the same rules writes nothing.
Frozen reports are not touched: they hold copies.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from django.db import connection
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, Invalid, NotFound
from portal.core.jobs.tasks import Running, Work, defer
from portal.core.notifications.events import publish
from portal.core.sync import engine
from portal.core.sync.registry import Row
from portal.core.tenancy import scope
from portal.lab import decisions, hooks
from portal.lab.collections import judged, parameters_by_sample, summarise
from portal.lab.models import Reevaluation, Result
from portal.lab.rulebook import Proposal, Rulebook, proposed, rulebook

CHUNK: Final = 500  # samples in one transaction
AT_ONCE: Final = 1000  # results up to which a request counts by itself
EXAMPLES: Final = 20

_SAMPLE: Final = ("id", "code", "type", "location", "collection_date", "status", "compliance_status", "verdicts")
_RESULT: Final = (
    "id", "sample_id", "parameter_id", "value_text", "qualifier", "value", "censoring_limit", "unit", "detection_limit",
    "uncertainty", "test_date", "test_method", "replaces_id", "deleted_at", "compliance_status", "verdicts", "flags",
)  # fmt: skip


@dataclass(slots=True)
class Figures:
    """What changed, or would. Transitions are texts like `PASS>FAIL`; of a standard that had no verdict the first part
    is empty."""

    results: int = 0
    changed: int = 0
    samples: int = 0
    statuses: Counter[str] = field(default_factory=Counter)  # of samples
    verdicts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # by standard
    examples: list[dict[str, str]] = field(default_factory=list)  # samples whose status changes

    def note_result(self, old: Mapping[str, Row], new: Mapping[str, Row]) -> None:
        self.changed += 1
        for standard in {**old, **new}:
            words = [held[standard]["verdict"] if standard in held else "" for held in (old, new)]
            if words[0] != words[1]:
                self.verdicts[standard][">".join(words)] += 1

    def note_sample(self, row: Row, status: str) -> None:
        self.samples += 1
        if row["compliance_status"] != status:
            self.statuses[f"{row['compliance_status']}>{status}"] += 1
            if len(self.examples) < EXAMPLES:
                shown = {"id": str(row["id"]), "code": row["code"], "location": row["location"]}
                self.examples.append(shown | {"from": row["compliance_status"], "to": status})

    def as_json(self) -> dict[str, Any]:
        return {
            "results": self.results,
            "changed": self.changed,
            "samples": self.samples,
            "statuses": dict(self.statuses),
            "verdicts": {standard: dict(moves) for standard, moves in self.verdicts.items()},
            "examples": self.examples,
        }

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> "Figures":
        figures = cls(held.get("results", 0), held.get("changed", 0), held.get("samples", 0))
        figures.statuses.update(held.get("statuses", {}))
        for standard, moves in held.get("verdicts", {}).items():
            figures.verdicts[standard].update(moves)
        figures.examples = list(held.get("examples", ()))
        return figures


@dataclass(slots=True)
class Chunk:
    """Some samples with their living results, and what the rules make of them."""

    last: UUID
    results: int
    clock: int  # the organisation's sequence number before the rows were read
    stamp: str  # of the rules
    rows: list[tuple[Row, Row]]  # result as stored, what is new of it
    samples: list[tuple[Row, Row]]
    seen: list[UUID]

    def note(self, figures: Figures) -> None:
        figures.results += self.results
        for row, fresh in self.rows:
            figures.note_result(_by_standard(row["verdicts"]), _by_standard(fresh["verdicts"]))
        for row, fresh in self.samples:
            figures.note_sample(row, fresh["compliance_status"])


def reevaluation_propose(*, proposal: Proposal, reason: str, by: User, count: Work) -> Reevaluation:
    """Count what `proposal` (nothing: the rules in force) would change. A few results are counted at once, more by the
    job `count`. Raises Denied without the right to change what is proposed, Invalid without a reason."""
    _may(by, proposal)
    if not reason.strip():
        raise Invalid.field("reason", _("Say why: it stands in the audit log beside every verdict that changes."))
    total = Result.objects.filter(deleted_at=None, sample__deleted_at=None).count()
    row = Reevaluation.objects.create(
        organization_id=scope.organization_id(),
        reason=reason.strip()[:500],
        proposal=decisions.checked(proposal),
        total=total,
        created_by=by,
    )
    if total <= AT_ONCE:
        reevaluation_count(id=row.pk, progress=lambda done, total: None)
        row.refresh_from_db()
    else:
        row.job = defer(count, reevaluation=row.pk).pk
        row.save(update_fields=["job", "updated_at"])
    return row


def reevaluation_count(*, id: UUID, progress: Callable[[int, int], object]) -> None:
    """The dry run: everything is judged, nothing is written."""
    row = Reevaluation.objects.get(pk=id)
    rules, figures = proposed(row.proposal), Figures()
    position: UUID | None = None
    while (chunk := _judge(rules, position)) is not None:
        chunk.note(figures)
        position = chunk.last
        progress(figures.results, row.total)
    row.expected, row.stamp, row.state = figures.as_json(), rules.stamp, Reevaluation.State.READY
    row.save(update_fields=["expected", "stamp", "state", "updated_at"])


def reevaluation_confirm(*, id: UUID, by: User, run: Work) -> Reevaluation:
    """Put the proposed rules in force and have the verdicts written by the job `run`. Raises Conflict where the rules
    have changed since they were counted, or where a re-evaluation is under way."""
    engine.lock_clock()  # whoever writes after this judges by the new rules, and everybody before has committed
    row = reevaluation_get(id=id)
    _may(by, row.proposal)
    if row.state != Reevaluation.State.READY:
        raise Conflict(_("This re-evaluation does not wait for a decision."), code="NOT_READY")
    if rulebook().stamp != row.stamp:
        raise Conflict(_("The rules have changed since this was counted. Count again."), code="OUTDATED")
    if Reevaluation.objects.filter(state=Reevaluation.State.RUNNING).exists():
        raise Conflict(_("Another re-evaluation is under way. Wait until it is done."), code="BUSY")
    with scope.acting(reason=row.reason):
        decisions.put(row.proposal)
        row.state = Reevaluation.State.RUNNING
        row.save(update_fields=["state", "updated_at"])
        row.job = defer(run, reevaluation=row.pk).pk
        row.save(update_fields=["job", "updated_at"])
    return row


def reevaluation_resume(*, id: UUID, by: User, run: Work) -> Reevaluation:
    """Go on with one whose job has failed for good."""
    row = reevaluation_get(id=id)
    _may(by, row.proposal)
    if row.state != Reevaluation.State.RUNNING:
        raise Conflict(_("This re-evaluation is not under way."), code="NOT_RUNNING")
    row.job = defer(run, reevaluation=row.pk).pk
    row.save(update_fields=["job", "updated_at"])
    return row


def reevaluation_cancel(*, id: UUID, by: User) -> None:
    """Leave rules and verdicts as they are."""
    row = reevaluation_get(id=id)
    _may(by, row.proposal)
    if row.state not in (Reevaluation.State.COUNTING, Reevaluation.State.READY):
        raise Conflict(_("This re-evaluation does not wait for a decision."), code="NOT_READY")
    row.state = Reevaluation.State.CANCELLED
    row.save(update_fields=["state", "updated_at"])


def reevaluation_run(*, id: UUID, running: Running) -> dict[str, int]:
    """Write what changes, step by step, until nothing is left; called again, it goes on. While the database writes one
    step, the next one is judged."""
    row = reevaluation_get(id=id)
    if row.state == Reevaluation.State.RUNNING:
        chunk = _judge(rulebook(), row.position)
        with ThreadPoolExecutor(1) as writer:
            while chunk is not None:
                writing = writer.submit(running.apart, partial(reevaluation_step, id=id, chunk=chunk))
                chunk = _judge(rulebook(), chunk.last)
                running.progress(writing.result(), row.total)
        running.apart(partial(_finish, id))
        row.refresh_from_db()
    return {name: row.figures.get(name, 0) for name in ("results", "changed", "samples")}


def reevaluation_step(*, id: UUID, chunk: Chunk) -> int:
    """Write a chunk that was judged without a lock, in the transaction in force; returns how many results are done.
    Where somebody wrote one of its records, or a rule, in the meantime, it is judged again under the lock."""
    row = Reevaluation.objects.select_for_update().get(pk=id)
    if row.position is not None and row.position >= chunk.last:
        return Figures.of(row.figures).results  # an overtaken start wrote it before it noticed
    if chunk.rows or chunk.samples:
        stale = engine.lock_clock() != chunk.clock and _moved(chunk)
        if (rules := rulebook()).stamp != chunk.stamp or stale:
            chunk = _judge(rules, row.position, until=chunk.last) or chunk
        with scope.acting(reason=row.reason):
            engine.restate("result", [{"id": old["id"], **fresh} for old, fresh in chunk.rows])
            engine.restate("sample", [{"id": old["id"], **fresh} for old, fresh in chunk.samples])
            name = "compliance_status"
            hooks.tell_fail([old["id"] for old, fresh in chunk.samples if fresh[name] == "fail" != old[name]])
    figures = Figures.of(row.figures)
    chunk.note(figures)
    row.figures, row.position = figures.as_json(), chunk.last
    row.save(update_fields=["figures", "position", "updated_at"])
    return figures.results


def _finish(id: UUID) -> None:
    row = Reevaluation.objects.get(pk=id)
    row.state, row.finished_at = Reevaluation.State.DONE, clock.now()
    row.save(update_fields=["state", "finished_at", "updated_at"])
    publish("compliance.changed", entity="reevaluation", id=row.pk, data={"changed": row.figures.get("changed", 0)})


def reevaluation_get(*, id: UUID) -> Reevaluation:
    """Raises NotFound for an unknown or foreign one."""
    found: Reevaluation | None = Reevaluation.objects.filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such record."))
    return found


def _may(by: User, proposal: Proposal) -> None:
    if not by.has_permission("parameters.manage" if proposal else "standards.edit"):
        raise Denied(_("You do not have the right to do this."))


def _judge(rules: Rulebook, position: UUID | None, *, until: UUID | None = None) -> Chunk | None:
    """What the rules make of the next samples after `position`, or of all up to `until`; None where there are none."""
    organization, zone = scope.organization_id(), ZoneInfo(rules.zone)
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM sync_clock WHERE organization_id = %s", [organization])
        (seq,) = cursor.fetchone()
    after, last = position or UUID(int=0), until or UUID(int=2**128 - 1)
    where = "deleted_at IS NULL AND id > %s AND id <= %s ORDER BY id LIMIT %s"
    samples = list(_read("lab_sample", _SAMPLE, where, [after, last, None if until else CHUNK]))
    if not samples:
        return None
    by_id = {row["id"]: row for row in samples}
    results = list(_read("lab_result", _RESULT, "sample_id = ANY(%s) AND deleted_at IS NULL", [list(by_id)]))
    measured = parameters_by_sample(results)
    chunk = Chunk(samples[-1]["id"], len(results), seq, rules.stamp, [], [], list(by_id))
    current: dict[UUID, list[Row]] = defaultdict(list)
    for row in results:
        fresh = judged(row, by_id[row["sample_id"]], rules, zone, measured[row["sample_id"]])
        changed = fresh["flags"] != row["flags"] or _by_standard(fresh["verdicts"]) != _by_standard(row["verdicts"])
        if changed:
            chunk.rows.append((row, fresh))
        current[row["sample_id"]].append(row | fresh if changed else row)
    touched = {row["sample_id"] for row, _fresh in chunk.rows}
    for id in touched:
        figures, row = summarise(current[id]), by_id[id]
        old, new = (sorted(held["verdicts"], key=_edition) for held in (row, figures))
        if figures["compliance_status"] != row["compliance_status"] or old != new:
            chunk.samples.append((row, figures))
    return chunk


def _moved(chunk: Chunk) -> bool:
    """Whether a record of these samples was written after it was read; under the clock's lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM lab_sample WHERE id = ANY(%(ids)s) AND version > %(seq)s)"
            " OR EXISTS (SELECT FROM lab_result WHERE organization_id = %(organization)s AND sample_id = ANY(%(ids)s)"
            " AND version > %(seq)s)",
            {"ids": chunk.seen, "seq": chunk.clock, "organization": scope.organization_id()},
        )
        return bool(cursor.fetchone()[0])


def _by_standard(verdicts: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Verdicts whatever their order: another order on reports changes no verdict."""
    return {entry["standard"]: entry for entry in verdicts}


def _edition(entry: dict[str, Any]) -> tuple[str, str]:
    return entry["standard"], entry["edition"]


def _read(table: str, columns: tuple[str, ...], where: str, values: list[Any]) -> Iterator[Row]:
    """Rows of the organisation in force past the ORM; documents are read by orjson."""
    documents = [name for name in ("verdicts", "flags") if name in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} FROM {table} WHERE organization_id = %s AND {where}",  # noqa: S608  names
            [scope.organization_id(), *values],
        )
        for record in cursor.fetchall():
            row = dict(zip(columns, record, strict=True))
            for name in documents:
                row[name] = orjson.loads(row[name])
            yield row
