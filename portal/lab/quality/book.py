"""Criteria, assigned values and the last points of the charts, read once for many QC results."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db.models import Avg, Count, F, Q, StdDev, Window
from django.db.models.functions import Coalesce, RowNumber

from portal.core.common import clock
from portal.lab.models import Parameter
from portal.lab.quality import assess
from portal.lab.quality.assess import Assessment
from portal.lab.quality.choices import Basis, Kind, Reason, Verdict
from portal.lab.quality.models import AcceptanceCriterion, ControlTarget, QcResult
from portal.lab.quality.westgard import Rule, Statistics, violations, z_score
from portal.lab.rulebook import rulebook
from portal.lab.science.measurement import Measurement, Qualifier
from portal.lab.science.units import convert

LOOK_BACK = 30  # points of a chart that a rule may need: nine, and those of the same run
NEWEST = [F("measured_at").desc(), Coalesce("item__position", 0).desc(), F("id").desc()]  # the points of a chart
Key = tuple[UUID, UUID]  # material, parameter


class Point(NamedTuple):
    """A place on a chart: controls of one moment stand in the order of their positions on the worksheet (`run`)."""

    at: datetime
    position: int
    id: UUID
    value: Decimal
    run: UUID | None = None

    @property
    def place(self) -> tuple[datetime, int, UUID]:
        return self.at, self.position, self.id


def point_of(row: QcResult, value: Decimal) -> Point:
    """`row` has its `item` at hand."""
    item = row.item
    return Point(row.measured_at, item.position if item else 0, row.pk, value, item.worksheet_id if item else None)


@dataclass(frozen=True, slots=True)
class Reading:
    """A value with its unit."""

    measured: Measurement
    unit: str

    def into(self, unit: str, parameter: Parameter) -> Measurement:
        """The same in another unit. Raises UnitError."""
        number, bound = (
            None if amount is None else convert(amount, self.unit, unit, species=parameter.species or None)
            for amount in (self.measured.number, self.measured.bound)
        )
        return Measurement(self.measured.text, self.measured.qualifier, number, bound)


@dataclass(slots=True)
class Book:
    """What QC results of some materials and parameters are judged with."""

    targets: dict[Key, ControlTarget] = field(default_factory=dict)
    statistics: dict[Key, Statistics] = field(default_factory=dict)
    points: dict[Key, dict[UUID, Point]] = field(default_factory=lambda: defaultdict(dict))
    criteria: dict[tuple[UUID, str], AcceptanceCriterion] = field(default_factory=dict)

    def criterion(self, parameter: UUID, method: str) -> AcceptanceCriterion | None:
        """That of the method, else that of any method."""
        return self.criteria.get((parameter, method)) or self.criteria.get((parameter, ""))

    def judge(
        self,
        row: QcResult,
        reading: Reading,
        parameter: Parameter,
        *,
        original: Reading | None = None,
    ) -> Assessment:
        """Fill what the server computes of `row`; `original` is what a duplicate or spike is compared with. The points
        of the charts take the row along, so judge a run in the order in which it was measured."""
        rule = self.criterion(parameter.pk, row.method)
        match row.kind:
            case Kind.BLANK:
                found = self._blank(reading, parameter, rule)
            case Kind.CONTROL:
                found = self._control(row, reading, parameter, rule)
            case _ if original is None:
                found = Assessment(Verdict.NOT_EVALUATED, Reason.NO_ORIGINAL)
            case Kind.DUPLICATE:
                first = original.into(reading.unit, parameter)
                found = assess.duplicate(first, reading.measured, limit=rule.max_rpd if rule else None)
            case _ if row.added is None or row.added <= 0:
                found = Assessment(Verdict.NOT_EVALUATED, Reason.NO_ADDED)
            case _:
                found = assess.spike(
                    reading.measured,
                    original.into(reading.unit, parameter),
                    added=row.added,
                    low=rule.spike_low if rule else None,
                    high=rule.spike_high if rule else None,
                )
        row.compared = original.measured.text if original else ""
        row.verdict, row.reason, row.rules = found.verdict, found.reason, [str(rule) for rule in found.rules]
        row.figure, row.figure_to, row.score = map(_rounded, (found.figure, found.figure_to, found.score))
        return found

    def _blank(self, reading: Reading, parameter: Parameter, rule: AcceptanceCriterion | None) -> Assessment:
        limit = rule.blank_limit if rule else None
        if rule is not None and limit is not None:
            limit = convert(limit, rule.unit or parameter.unit, reading.unit, species=parameter.species or None)
        return assess.blank(reading.measured, limit=limit)

    def _control(
        self, row: QcResult, reading: Reading, parameter: Parameter, rule: AcceptanceCriterion | None
    ) -> Assessment:
        assert row.material_id is not None
        key = (row.material_id, parameter.pk)
        target = self.targets[key]
        measured = reading.into(target.unit, parameter)
        row.chart_value = measured.number
        score: Decimal | None = None
        broken: tuple[Rule, ...] = ()
        line = self.points[key]
        line.pop(row.pk, None)
        if measured.number is not None:
            here = line[row.pk] = point_of(row, measured.number)
            if known := self.statistics.get(key):
                before = [point.value for point in sorted(line.values()) if point.place <= here.place]
                scores = [z_score(value, mean=known.mean, sd=known.sd) for value in before[-10:]]
                within = [()] * (len(scores) - 1) + [self._beside(here, parameter.pk)]
                score, broken = scores[-1], violations(scores, within)[-1]
        return assess.control(
            measured,
            assigned=target.assigned,
            score=score,
            rules=broken,
            low=rule.control_low if rule else None,
            high=rule.control_high if rule else None,
        )

    def _beside(self, here: Point, parameter: UUID) -> tuple[Decimal, ...]:
        """The z-scores of the controls of a run that were measured before one of them, of all its materials."""
        if here.run is None:
            return ()
        return tuple(
            z_score(point.value, mean=known.mean, sd=known.sd)
            for (material, measured), line in self.points.items()
            if measured == parameter and (known := self.statistics.get((material, measured)))
            for point in line.values()
            if point.run == here.run and point.place < here.place
        )


def _rounded(number: Decimal | None) -> Decimal | None:
    """A figure is worth six digits after the point at most."""
    return None if number is None else round(number, 6)


def read_book(*, parameters: Iterable[UUID], materials: Iterable[UUID] = (), until: datetime | None = None) -> Book:
    """Four queries, however many. `until`: the charts' points up to then."""
    wanted, lots = set(parameters), set(materials)
    rows = AcceptanceCriterion.objects.filter(parameter__in=wanted)
    book = Book(criteria={(row.parameter_id, row.method): row for row in rows})
    if not lots:
        return book
    for target in ControlTarget.objects.filter(material__in=lots, parameter__in=wanted):
        book.targets[target.material_id, target.parameter_id] = target
    book.statistics = statistics_of(book.targets.values())
    points = QcResult.objects.filter(
        kind=Kind.CONTROL, material__in=lots, parameter__in=wanted, repeated=False, chart_value__isnull=False
    )
    if until is not None:
        points = points.filter(measured_at__lte=until)
    newest = Window(RowNumber(), partition_by=["material", "parameter"], order_by=NEWEST)
    recent = points.annotate(place=newest).filter(place__lte=LOOK_BACK)
    for row in recent.select_related("item"):
        assert row.material_id is not None
        assert row.chart_value is not None
        book.points[row.material_id, row.parameter_id][row.pk] = point_of(row, row.chart_value)
    return book


def statistics_of(targets: Iterable[ControlTarget]) -> dict[Key, Statistics]:
    """Mean and SD of each chart, one query for all that compute theirs from a period."""
    found: dict[Key, Statistics] = {}
    periods = Q()
    for target in targets:
        if target.basis == Basis.FIXED:
            if target.fixed_sd:
                found[target.material_id, target.parameter_id] = Statistics(0, target.assigned, target.fixed_sd)
        elif target.period_from and target.period_to:
            zone = rulebook().zone
            first = clock.day_start(target.period_from, zone)
            after = clock.day_start(target.period_to + timedelta(days=1), zone)
            of_chart = Q(material=target.material_id, parameter=target.parameter_id)
            periods |= of_chart & Q(measured_at__gte=first, measured_at__lt=after)
    if periods:
        values = QcResult.objects.filter(periods, kind=Kind.CONTROL, repeated=False, chart_value__isnull=False)
        grouped = (
            values.order_by()
            .values("material_id", "parameter_id")
            .annotate(count=Count("id"), mean=Avg("chart_value"), sd=StdDev("chart_value", sample=True))
        )
        for row in grouped:
            if row["sd"]:
                made = Statistics(row["count"], Decimal(row["mean"]), Decimal(row["sd"]))
                found[row["material_id"], row["parameter_id"]] = made
    return found


def stored_reading(row: QcResult) -> Reading:
    return Reading(Measurement(row.value_text, Qualifier(row.qualifier), row.value, row.censoring_limit), row.unit)
