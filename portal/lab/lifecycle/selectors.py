"""Reads of a sample's life: what may follow, what happened, who has it, what is due."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import DateTimeField, DurationField, Exists, ExpressionWrapper, F, OuterRef, QuerySet, Value
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.text import normalise
from portal.lab.choices import SampleStatus
from portal.lab.lifecycle import guard, machine
from portal.lab.lifecycle.machine import Step
from portal.lab.lifecycle.models import CustodyEntry, RequestedAnalysis, Retest, SampleStep
from portal.lab.models import Result, Sample

_ORDER = SampleStatus.values
_BENCH = [*machine.WORKING, SampleStatus.AMENDED]


@dataclass(frozen=True, slots=True)
class Next:
    """A status that may follow now; `obstacle` says why this person cannot take the step all the same."""

    target: str
    step: Step
    obstacle: str = ""

    @property
    def label(self) -> str:
        return str(SampleStatus(self.target).label)

    @property
    def forward(self) -> bool:
        """Whether it is a step on, not one back to correct something."""
        return not self.step.reason


def following(*, sample: Sample, by: User) -> list[Next]:
    """What may follow for a person with the rights for it, in the order of the life."""
    found = []
    for target, step in machine.following(sample.status).items():
        if machine.holds(step, by.permission_codes):
            found.append(Next(target, step, guard.obstacle(sample=sample, target=target, person=by.pk)))
    return found


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline; `kind` is `taken`, `registered`, `step`, `custody` or `retest`."""

    at: datetime
    kind: str
    who: str
    step: SampleStep | None = None
    entry: CustodyEntry | None = None
    retest: Retest | None = None


def timeline(*, sample: Sample) -> list[Moment]:
    """Everything of a sample's life in the order in which it happened."""
    maker = sample.created_by.name if sample.created_by else ""
    steps = list(step_list(sample=sample.pk))
    # a device steps on before the server hears of the sample at all
    registered = max(sample.collection_date, min([sample.created_at, *(step.at for step in steps)]))
    moments = [
        Moment(sample.collection_date, "taken", sample.collector_name),
        Moment(registered, "registered", maker),
        *(Moment(step.at, "step", step.by.name if step.by else "", step=step) for step in steps),
        *(Moment(e.at, "custody", e.recorded_by.name, entry=e) for e in custody_list(sample=sample.pk)),
        *(Moment(r.created_at, "retest", r.requested_by.name, retest=r) for r in retest_list(sample=sample.pk)),
    ]
    order = {"taken": 0, "registered": 1, "custody": 2, "retest": 3, "step": 4}
    return sorted(moments, key=lambda moment: (moment.at.replace(second=0, microsecond=0), order[moment.kind]))


def step_list(*, sample: UUID) -> QuerySet[SampleStep]:
    """The changes of status, oldest first."""
    return SampleStep.objects.filter(sample=sample).select_related("by").order_by("at", "id")


def custody_list(*, sample: UUID) -> QuerySet[CustodyEntry]:
    """The chain of custody, oldest first."""
    rows: QuerySet[CustodyEntry] = CustodyEntry.objects.filter(sample=sample).select_related("recorded_by")
    return rows.order_by("at", "created_at", "id")


def holder(entries: Collection[CustodyEntry]) -> str:
    """Who has the sample by its chain of custody, '' where nobody is named."""
    return next((entry.taken_by for entry in reversed(list(entries)) if entry.taken_by), "")


def retest_list(*, sample: UUID) -> QuerySet[Retest]:
    """The requests for retests of a sample's living results, newest first. `answered`: the new result is there."""
    rows: QuerySet[Retest] = Retest.objects.filter(result__sample=sample, result__deleted_at=None).select_related(
        "result__parameter", "requested_by", "withdrawn_by"
    )
    answer = Result.objects.filter(replaces=OuterRef("result"), deleted_at=None)
    return rows.annotate(answered=Exists(answer)).order_by("-created_at", "-id")


def request_list(*, sample: UUID) -> QuerySet[RequestedAnalysis]:
    """The analyses asked for, with `measured` (a result is there) and `due_at`, see `due_list`."""
    return _due(RequestedAnalysis.objects.filter(sample=sample)).order_by("due_at", "parameter__code", "id")


def due_list(
    *, search: str = "", group: str = "", within: timedelta | None = None, late: bool | None = None
) -> QuerySet[RequestedAnalysis]:
    """Analyses that wait for their start while the holding time of their parameter runs, the next one first.

    `due_at` is the collection of the sample plus the holding time (h). `within`: due until then from now; `late`: only
    those whose time is over, or only the others.
    """
    rows = _due(RequestedAnalysis.objects.filter(sample__deleted_at=None, sample__status__in=_BENCH))
    rows = rows.filter(parameter__holding_hours__isnull=False, started_at=None, measured=False)
    now = clock.now()
    if within is not None:
        rows = rows.filter(due_at__lte=now + within)
    if late is not None:
        rows = rows.filter(due_at__lt=now) if late else rows.filter(due_at__gte=now)
    if group:
        rows = rows.filter(parameter__group=group)
    if text := normalise(search):
        rows = rows.filter(sample__search_text__contains=text)
    return rows.order_by("due_at", "id")


def _due(rows: QuerySet[RequestedAnalysis]) -> QuerySet[Any]:
    hour = ExpressionWrapper(
        F("parameter__holding_hours") * Value(timedelta(hours=1), output_field=DurationField()), DurationField()
    )
    there = Result.objects.filter(sample=OuterRef("sample"), parameter=OuterRef("parameter"), deleted_at=None)
    due = ExpressionWrapper(F("sample__collection_date") + hour, DateTimeField())
    return rows.select_related("sample", "parameter").annotate(measured=Exists(there), due_at=due)


def left(due: datetime | None) -> str:
    """How long a holding time still runs, or since when it is over, in words."""
    if due is None:
        return ""
    minutes = round((due - clock.now()).total_seconds() / 60)
    span = abs(minutes)
    numbers = {"hours": span // 60, "minutes": span % 60}
    text = _("%(hours)d h %(minutes)02d min") % numbers
    return _("%(time)s over") % {"time": text} if minutes < 0 else _("%(time)s left") % {"time": text}


def step_card(step: SampleStep) -> dict[str, Any]:
    return {
        "from": step.source or None,
        "to": step.target,
        "at": clock.wire(step.at),
        "by": step.by_id,
        "byName": step.by.name if step.by else None,
        "reason": step.reason or None,
        "deviceId": step.device or None,
    }


def next_card(step: Next) -> dict[str, Any]:
    return {
        "to": step.target,
        "right": step.step.right,
        "reasonRequired": step.step.reason,
        "final": step.step.final,
        "obstacle": step.obstacle or None,
    }


def custody_card(entry: CustodyEntry) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "sampleId": entry.sample_id,
        "kind": entry.kind,
        "at": clock.wire(entry.at),
        "from": entry.given_by or None,
        "to": entry.taken_by or None,
        "place": entry.place or None,
        "condition": entry.condition or None,
        "temperature": None if entry.temperature is None else float(entry.temperature),
        "container": entry.container or None,
        "note": entry.note or None,
        "recordedBy": entry.recorded_by_id,
        "recordedByName": entry.recorded_by.name,
        "createdAt": clock.wire(entry.created_at),
    }


def retest_card(retest: Retest) -> dict[str, Any]:
    answered = getattr(retest, "answered", False)
    state = "withdrawn" if retest.withdrawn_at else "done" if answered else "open"
    return {
        "id": retest.pk,
        "resultId": retest.result_id,
        "sampleId": retest.result.sample_id,
        "parameterCode": retest.result.parameter.code,
        "reason": retest.reason,
        "state": state,
        "requestedBy": retest.requested_by_id,
        "createdAt": clock.wire(retest.created_at),
        "withdrawnAt": clock.wire(retest.withdrawn_at),
    }


def request_card(row: Any) -> dict[str, Any]:
    """Of `request_list` or `due_list`."""
    return {
        "sampleId": row.sample_id,
        "sampleCode": row.sample.code,
        "parameterId": row.parameter_id,
        "parameterCode": row.parameter.code,
        "parameterName": row.parameter.name,
        "holdingHours": row.parameter.holding_hours,
        "dueAt": clock.wire(row.due_at),
        "startedAt": clock.wire(row.started_at),
        "measured": row.measured,
        "late": row.due_at is not None and not row.measured and row.due_at < (row.started_at or clock.now()),
    }
