"""Reads of quality control, for pages and API."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from portal.core.common import clock
from portal.core.common.clock import wire as stamp
from portal.core.common.errors import NotFound
from portal.lab import wire
from portal.lab.quality.book import NEWEST, Point, point_of, statistics_of
from portal.lab.quality.choices import Kind, Verdict
from portal.lab.quality.models import AcceptanceCriterion, ControlMaterial, ControlTarget, QcResult
from portal.lab.quality.westgard import REJECTING, Rule, Statistics, violations, z_score
from portal.lab.rulebook import rulebook

# Worksheet and parameter -> its controls with their z-scores, of all materials.
type Runs = dict[tuple[UUID, UUID], list[tuple[Point, Decimal]]]
SHOWN = 100  # points of a chart without a chosen period


def material_list() -> QuerySet[ControlMaterial]:
    """With the number of parameters and the moment of the last control."""
    rows: QuerySet[ControlMaterial] = ControlMaterial.objects.annotate(
        target_count=Count("targets", distinct=True), last_used=Max("results__measured_at")
    )
    return rows


def material_get(*, id: UUID) -> ControlMaterial:
    return _get(material_list(), id)


def material_usable(*, on: date) -> QuerySet[ControlMaterial]:
    """In use and not expired."""
    rows: QuerySet[ControlMaterial] = ControlMaterial.objects.filter(is_active=True)
    return rows.filter(Q(expires_on=None) | Q(expires_on__gte=on))


def target_list(*, material: ControlMaterial) -> QuerySet[ControlTarget]:
    rows: QuerySet[ControlTarget] = ControlTarget.objects.filter(material=material).select_related("parameter")
    return rows


def target_get(*, id: UUID) -> ControlTarget:
    return _get(ControlTarget.objects.select_related("parameter", "material"), id)


def target_of(*, material: UUID, parameter: UUID) -> ControlTarget:
    """What the chart of a material and a parameter is drawn with."""
    rows: QuerySet[ControlTarget] = ControlTarget.objects.filter(material=material, parameter=parameter)
    found = rows.select_related("parameter", "material").first()
    if found is None:
        raise NotFound(_("There is no such record."))
    return found


def criterion_list() -> QuerySet[AcceptanceCriterion]:
    rows: QuerySet[AcceptanceCriterion] = AcceptanceCriterion.objects.select_related("parameter")
    return rows


def criterion_get(*, id: UUID) -> AcceptanceCriterion:
    return _get(criterion_list(), id)


def result_list(
    *, kinds: Collection[str] = (), verdicts: Collection[str] = (), material: UUID | None = None,
    parameter: UUID | None = None, worksheet: UUID | None = None,
) -> QuerySet[QcResult]:  # fmt: skip
    """Newest first."""
    rows: QuerySet[QcResult] = QcResult.objects.select_related("parameter", "material", "item__worksheet")
    if kinds:
        rows = rows.filter(kind__in=kinds)
    if verdicts:
        rows = rows.filter(verdict__in=verdicts)
    for name, value in (("material", material), ("parameter", parameter), ("item__worksheet", worksheet)):
        if value is not None:
            rows = rows.filter(**{name: value})
    return rows


def result_get(*, id: UUID) -> QcResult:
    return _get(result_list(), id)


@dataclass(frozen=True, slots=True)
class ChartPoint:
    row: QcResult
    score: Decimal | None
    rules: tuple[Rule, ...]

    @property
    def verdict(self) -> Verdict:
        if self.row.repeated:
            return Verdict.NOT_EVALUATED
        if REJECTING.intersection(self.rules):
            return Verdict.FAIL
        return Verdict.WARNING if self.rules else Verdict.PASS


@dataclass(frozen=True, slots=True)
class Chart:
    """A Levey-Jennings chart: the points from the oldest to the newest, and the lines at mean and mean ± 1, 2, 3 SD."""

    target: ControlTarget
    statistics: Statistics | None
    points: list[ChartPoint]

    @property
    def violations(self) -> list[ChartPoint]:
        return [point for point in self.points if point.rules]

    def line(self, deviations: int) -> Decimal | None:
        known = self.statistics
        return None if known is None else known.mean + deviations * known.sd


def chart(*, target: ControlTarget, since: datetime | None = None, until: datetime | None = None) -> Chart:
    """The points from `since` up to and without `until`, without them the last 100. The rules look back beyond the
    first point; values of a rejected run stand on the chart and count for none."""
    rows = _charted(target.material_id).filter(parameter=target.parameter_id)
    if until is not None:
        rows = rows.filter(measured_at__lt=until)
    if since is None:
        found = list(rows[: SHOWN + 10])
        first = len(found) - SHOWN
    else:
        shown = list(rows.filter(measured_at__gte=since))
        before = list(rows.filter(measured_at__lt=since, repeated=False)[:10])
        found, first = shown + before, len(before)
    known = statistics_of([target]).get((target.material_id, target.parameter_id))
    return _chart(target, found, first, known, _runs(found))


def charts(*, material: ControlMaterial) -> list[Chart]:
    """The last 100 points of each assigned value of a material, whatever the number of values, in three queries."""
    targets = list(target_list(material=material))
    known, found = statistics_of(targets), defaultdict[UUID, list[QcResult]](list)
    place = Window(RowNumber(), partition_by="parameter", order_by=NEWEST)
    for row in _charted(material.pk).annotate(place=place).filter(place__lte=SHOWN + 10):
        found[row.parameter_id].append(row)
    runs = _runs([row for rows in found.values() for row in rows])
    made = []
    for target in targets:
        rows = found[target.parameter_id]
        made.append(_chart(target, rows, len(rows) - SHOWN, known.get((material.pk, target.parameter_id)), runs))
    return made


def _runs(rows: Sequence[QcResult]) -> Runs:
    """The z-scores of all controls of the worksheets on which these were measured, whatever their material."""
    sheets = {row.item.worksheet_id for row in rows if row.item}
    runs: Runs = defaultdict(list)
    if not sheets:
        return runs
    found = list(
        QcResult.objects.filter(
            kind=Kind.CONTROL, item__worksheet__in=sheets, repeated=False, chart_value__isnull=False
        ).select_related("item")
    )
    charts = {(row.material_id, row.parameter_id) for row in found}
    targets = ControlTarget.objects.filter(material__in={material for material, _parameter in charts})
    known = statistics_of(target for target in targets if (target.material_id, target.parameter_id) in charts)
    for row in found:
        assert row.item is not None
        assert row.material_id is not None
        assert row.chart_value is not None
        if line := known.get((row.material_id, row.parameter_id)):
            score = z_score(row.chart_value, mean=line.mean, sd=line.sd)
            runs[row.item.worksheet_id, row.parameter_id].append((point_of(row, row.chart_value), score))
    return runs


def _charted(material: UUID) -> QuerySet[QcResult]:
    rows: QuerySet[QcResult] = QcResult.objects.filter(kind=Kind.CONTROL, material=material, chart_value__isnull=False)
    return rows.select_related("item__worksheet").order_by(*NEWEST)


def _before(row: QcResult, runs: Runs) -> list[Decimal]:
    """The z-scores of the controls that were measured before one in its run."""
    if row.item is None:
        return []
    here = point_of(row, Decimal()).place
    return [score for point, score in runs[row.item.worksheet_id, row.parameter_id] if point.place < here]


def _chart(target: ControlTarget, found: list[QcResult], first: int, known: Statistics | None, runs: Runs) -> Chart:
    """Of the rows, the newest first; those before `first` of the oldest are for the rules alone."""
    found.reverse()
    counted = [row for row in found if not row.repeated]
    scores: dict[UUID, Decimal] = {}
    broken: dict[UUID, tuple[Rule, ...]] = {}
    if known is not None:
        values = [z_score(row.chart_value or Decimal(), mean=known.mean, sd=known.sd) for row in counted]
        scores = dict(zip((row.pk for row in counted), values, strict=True))
        broken = dict(zip(scores, violations(values, [_before(row, runs) for row in counted]), strict=True))
    points = [ChartPoint(row, scores.get(row.pk), broken.get(row.pk, ())) for row in found]
    return Chart(target, known, points[max(0, first) :])


def period(first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """The moments at which days begin and end in the organisation's time zone."""
    zone = rulebook().zone
    since = clock.day_start(first, zone) if first else None
    until = clock.day_start(last + timedelta(days=1), zone) if last else None
    return since, until


# --- on the wire -----------------------------------------------------------------------------------


def material_card(row: ControlMaterial, *, targets: bool = False) -> dict[str, Any]:
    card = {
        "id": row.pk,
        "name": row.name,
        "lot": row.lot,
        "supplier": row.supplier,
        "expiresOn": row.expires_on,
        "notes": row.notes,
        "isActive": row.is_active,
        "createdAt": stamp(row.created_at),
        "updatedAt": stamp(row.updated_at),
    }
    if targets:
        card["targets"] = [target_card(target) for target in target_list(material=row)]
    return card


def target_card(row: ControlTarget) -> dict[str, Any]:
    return {
        "id": row.pk,
        "materialId": row.material_id,
        "parameterId": row.parameter_id,
        "parameterCode": row.parameter.code,
        "unit": row.unit,
        "assigned": wire.number(row.assigned),
        "uncertainty": wire.number(row.uncertainty),
        "sd": wire.number(row.sd),
        "basis": row.basis,
        "periodFrom": row.period_from,
        "periodTo": row.period_to,
    }


def criterion_card(row: AcceptanceCriterion) -> dict[str, Any]:
    return {
        "id": row.pk,
        "parameterId": row.parameter_id,
        "parameterCode": row.parameter.code,
        "method": row.method,
        "blankLimit": wire.number(row.blank_limit),
        "unit": row.unit,
        "maxRpd": wire.number(row.max_rpd),
        "spikeLow": wire.number(row.spike_low),
        "spikeHigh": wire.number(row.spike_high),
        "controlLow": wire.number(row.control_low),
        "controlHigh": wire.number(row.control_high),
    }


def result_card(row: QcResult) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "parameterId": row.parameter_id,
        "parameterCode": row.parameter.code,
        "materialId": row.material_id,
        "worksheetId": row.item.worksheet_id if row.item else None,
        "itemId": row.item_id,
        "measuredAt": stamp(row.measured_at),
        "analystName": row.analyst_name,
        "method": row.method,
        "instrument": row.instrument,
        "valueText": row.value_text,
        "value": wire.number(row.value),
        "qualifier": row.qualifier,
        "unit": row.unit,
        "added": wire.number(row.added),
        "compared": row.compared,
        "figure": wire.number(row.figure),
        "figureTo": wire.number(row.figure_to),
        "score": wire.number(row.score),
        "rules": row.rules,
        "verdict": row.verdict,
        "reason": row.reason,
        "repeated": row.repeated,
        "version": row.version,
    }


def chart_card(made: Chart) -> dict[str, Any]:
    known = made.statistics
    return {
        "materialId": made.target.material_id,
        "parameterId": made.target.parameter_id,
        "unit": made.target.unit,
        "basis": made.target.basis,
        "assigned": wire.number(made.target.assigned),
        "mean": wire.number(known.mean) if known else None,
        "sd": wire.number(known.sd) if known else None,
        "points": [
            {
                "id": point.row.pk,
                "measuredAt": stamp(point.row.measured_at),
                "value": wire.number(point.row.chart_value),
                "score": wire.number(point.score),
                "rules": [str(rule) for rule in point.rules],
                "verdict": point.verdict.value,
                "repeated": point.row.repeated,
                "worksheetId": point.row.item.worksheet_id if point.row.item else None,
            }
            for point in made.points
        ],
    }


def _get[T: Any](rows: "QuerySet[T]", id: UUID) -> T:
    found = rows.filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such record."))
    return found
