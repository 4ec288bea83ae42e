"""Verdicts: one result against one limit, results against a sample (specification 001, FR-025; decision C82).

Nothing here knows a database. Numbers arrive converted into the unit of the limit, or `evaluate` converts them.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from portal.lab.science.measurement import Measurement, Qualifier
from portal.lab.science.units import convert

DecisionRule = Literal["simple_acceptance", "guard_band", "ilac_g8"]
ComplianceStatus = Literal["pass", "warning", "fail", "pending"]


class Verdict(StrEnum):
    """Worst first. NOT_EVALUATED counts for nothing."""

    FAIL = "FAIL"
    INDETERMINATE = "INDETERMINATE"
    INVESTIGATE = "INVESTIGATE"
    WARNING = "WARNING"
    PASS = "PASS"  # noqa: S105 a verdict
    NOT_EVALUATED = "NOT_EVALUATED"

    @property
    def severity(self) -> int:
        """0 is the worst."""
        return _SEVERITY[self]


_SEVERITY = {verdict: place for place, verdict in enumerate(Verdict)}


class Reason(StrEnum):
    """Why a verdict is what it is; the wire's codes."""

    WITHIN_LIMIT = "WITHIN_LIMIT"
    NEAR_LIMIT = "NEAR_LIMIT"
    ABOVE_GUIDANCE = "ABOVE_GUIDANCE"
    ABOVE_LIMIT = "ABOVE_LIMIT"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    DETECTED = "DETECTED"
    NOT_DETECTED = "NOT_DETECTED"
    CENSORED_WITHIN_LIMIT = "CENSORED_WITHIN_LIMIT"
    CENSORED_ABOVE_LIMIT = "CENSORED_ABOVE_LIMIT"
    OVER_RANGE = "OVER_RANGE"
    UNCERTAINTY_STRADDLES = "UNCERTAINTY_STRADDLES"
    SCREENING_EXCEEDED = "SCREENING_EXCEEDED"
    SUM_INCOMPLETE = "SUM_INCOMPLETE"
    NO_LIMIT = "NO_LIMIT"
    OTHER_MATRIX = "OTHER_MATRIX"
    REJECTED = "REJECTED"


class Flag(StrEnum):
    """What a reader of a result must know beside its verdicts."""

    DETECTION_LIMIT_ABOVE_CRITERION = "DETECTION_LIMIT_ABOVE_CRITERION"
    HOLDING_TIME_EXCEEDED = "HOLDING_TIME_EXCEEDED"
    SUM_INCOMPLETE = "SUM_INCOMPLETE"


# Surface water has no limits of its own: it is not drunk untreated, and no listed standard speaks of it.
SAMPLE_MATRIX: dict[str, str | None] = {
    "drinking_water": "drinking",
    "drinking_source": "drinking",
    "groundwater": "drinking",
    "bottled_water": "bottled",
    "bathing_water": "bathing",
    "pool_water": "pool",
    "waste_water": "waste_water",
    "irrigation_water": "irrigation",
    "surface_water": None,
}


def short_number(number: Decimal | None) -> int | float | None:
    """Return the JSON number with the shortest text: 50 rather than 50.0."""
    if number is None:
        return None
    whole = int(number)
    return whole if whole == number else float(number)


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of one edition of a standard.

    `kind` is maximum, minimum, range, absence, percentage (of the samples of a period), action_level or
    screening_level. `lower`, `upper` and `guidance` are in `unit`; a maximum may carry a `lower` as advice, whose
    breach is a warning (residual chlorine). `strict`: the limit itself already fails. `warning_share`: the part of a
    maximum from which a result is near it. Without `lower` and `upper` the standard sets no limit.
    """

    standard: str
    edition: str
    role: str
    kind: str
    lower: Decimal | None
    upper: Decimal | None
    guidance: Decimal | None
    unit: str
    matrix: str
    provisional: bool
    strict: bool = False
    warning_share: Decimal = Decimal("0.9")
    near: Decimal | None = field(init=False, repr=False, compare=False)
    wire: dict[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        band = self.kind == "maximum" and self.upper is not None and self.upper > 0 and self.guidance is None
        object.__setattr__(self, "near", self.upper * self.warning_share if band and self.upper else None)
        object.__setattr__(
            self,
            "wire",
            {
                "standard": self.standard,
                "edition": self.edition,
                "role": self.role,
                "provisional": self.provisional,
                "verdict": "",
                "reason": "",
                "kind": self.kind,
                "lower": short_number(self.lower),
                "upper": short_number(self.upper),
                "guidance": short_number(self.guidance),
                "comparedValue": None,
                "unit": self.unit,
                "decisionRule": "",
            },
        )

    @classmethod
    def none(cls, standard: str, edition: str, role: str, unit: str = "", matrix: str = "") -> "Limit":
        """A standard that says nothing about the parameter: judged NOT_EVALUATED, NO_LIMIT."""
        return cls(standard, edition, role, "maximum", None, None, None, unit, matrix, provisional=False)


_UNLIMITED = Limit.none("", "", "information")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with everything needed to defend it. `compared_value` is the number, or the bound of a censored one,
    in the unit of the limit."""

    limit: Limit
    verdict: Verdict
    reason: Reason
    compared_value: Decimal | None
    decision_rule: DecisionRule

    @property
    def standard(self) -> str:
        return self.limit.standard

    @property
    def edition(self) -> str:
        return self.limit.edition

    @property
    def role(self) -> str:
        return self.limit.role

    @property
    def provisional(self) -> bool:
        return self.limit.provisional

    def as_json(self) -> dict[str, Any]:
        """Return the entry of `verdicts[]` in the laboratory's wire contract."""
        entry = self.limit.wire.copy()
        entry["verdict"] = self.verdict.value
        entry["reason"] = self.reason.value
        entry["comparedValue"] = short_number(self.compared_value)
        entry["decisionRule"] = self.decision_rule
        return entry


def judge(
    measurement: Measurement,
    *,
    number: Decimal | None,
    bound: Decimal | None,
    uncertainty: Decimal | None = None,
    limit: Limit | None,
    matrix: str | None,
    rule: DecisionRule = "simple_acceptance",
    rejected: bool = False,
    incomplete: bool = False,
) -> Judgement:
    """Judge one result against one limit.

    `number`, `bound` and the expanded `uncertainty` (k = 2) are in the unit of the limit. Simple acceptance ignores
    the uncertainty; the guard band leaves a result undecided whose interval holds the limit; ILAC-G8 with four outcomes
    makes of such a result a conditional pass (WARNING) on the right side of the limit and a conditional fail
    (INDETERMINATE) on the wrong one. `rejected`: the result was withdrawn. `incomplete`: a sum with members missing,
    which can fail but not pass.
    """
    if limit is None:
        limit = _UNLIMITED
    if rejected:
        verdict, reason = Verdict.NOT_EVALUATED, Reason.REJECTED
    elif limit.lower is None and limit.upper is None:
        verdict, reason = Verdict.NOT_EVALUATED, Reason.NO_LIMIT
    elif limit.matrix != matrix:
        verdict, reason = Verdict.NOT_EVALUATED, Reason.OTHER_MATRIX
    elif limit.kind == "absence" or limit.kind == "percentage":
        verdict, reason = _judge_absence(measurement.qualifier, number, bound)
        if limit.kind == "percentage" and verdict is Verdict.FAIL:
            # The limit speaks of a share of samples: one positive sample alone neither meets nor breaks it.
            verdict = Verdict.INVESTIGATE
    elif number is not None:
        verdict, reason = _judge_number(number, limit)
        if uncertainty and rule != "simple_acceptance":
            verdict, reason = _judge_interval(number, limit, uncertainty, rule, verdict, reason)
    else:
        verdict, reason = _judge_censored(measurement.qualifier, bound, limit)
    if incomplete and _SEVERITY[verdict] > _SEVERITY[Verdict.INDETERMINATE] and verdict is not Verdict.NOT_EVALUATED:
        verdict, reason = Verdict.INDETERMINATE, Reason.SUM_INCOMPLETE
    return Judgement(limit, verdict, reason, bound if number is None else number, rule)


def _judge_interval(
    number: Decimal, limit: Limit, uncertainty: Decimal, rule: DecisionRule, verdict: Verdict, reason: Reason
) -> tuple[Verdict, Reason]:
    """Take the interval of the expanded uncertainty into account where it holds an edge of the limit."""
    edges = (limit.lower if limit.kind in ("minimum", "range") else None, limit.upper)
    if not any(edge is not None and number - uncertainty <= edge < number + uncertainty for edge in edges):
        return verdict, reason
    if limit.kind in ("action_level", "screening_level"):
        return Verdict.INVESTIGATE, Reason.UNCERTAINTY_STRADDLES
    if rule == "guard_band" or verdict is Verdict.FAIL:
        return Verdict.INDETERMINATE, Reason.UNCERTAINTY_STRADDLES
    return Verdict.WARNING, Reason.UNCERTAINTY_STRADDLES


def _judge_number(number: Decimal, limit: Limit) -> tuple[Verdict, Reason]:
    lower, upper, kind = limit.lower, limit.upper, limit.kind
    if upper is not None and (number > upper or (limit.strict and number == upper)):
        if kind == "action_level" or kind == "screening_level":
            return Verdict.INVESTIGATE, Reason.SCREENING_EXCEEDED
        return Verdict.FAIL, Reason.ABOVE_LIMIT
    if lower is not None and (number < lower or (limit.strict and number == lower)):
        return Verdict.WARNING if kind == "maximum" else Verdict.FAIL, Reason.BELOW_MINIMUM
    if limit.guidance is not None and (number < limit.guidance if kind == "minimum" else number > limit.guidance):
        return Verdict.WARNING, Reason.ABOVE_GUIDANCE
    if limit.near is not None and number >= limit.near:
        return Verdict.WARNING, Reason.NEAR_LIMIT
    return Verdict.PASS, Reason.WITHIN_LIMIT


def _judge_censored(qualifier: Qualifier, bound: Decimal | None, limit: Limit) -> tuple[Verdict, Reason]:
    """A value known only to lie on one side of `bound`: decided where every value on that side agrees."""
    lower, upper, kind = limit.lower, limit.upper, limit.kind
    if kind == "maximum":
        lower = None  # its lower figure is advice, which a censored value neither follows nor breaks
    if qualifier is Qualifier.GREATER or qualifier is Qualifier.TOO_NUMEROUS:
        if bound is not None and upper is not None and bound >= upper:
            if kind == "action_level" or kind == "screening_level":
                return Verdict.INVESTIGATE, Reason.SCREENING_EXCEEDED
            return Verdict.FAIL, Reason.ABOVE_LIMIT
        if bound is not None and upper is None and lower is not None and bound >= lower:
            return Verdict.PASS, Reason.WITHIN_LIMIT
        return Verdict.INDETERMINATE, Reason.OVER_RANGE
    if qualifier is Qualifier.PRESENT:
        return Verdict.INDETERMINATE, Reason.DETECTED
    if qualifier is Qualifier.ABSENT and lower is None:
        return Verdict.PASS, Reason.NOT_DETECTED
    if bound is None:
        # Not detected, but by a method whose limit of detection nobody gave: it may lie above the limit.
        return Verdict.INDETERMINATE, Reason.NOT_DETECTED
    if lower is not None:
        if bound <= lower:
            return Verdict.FAIL, Reason.BELOW_MINIMUM
        return Verdict.INDETERMINATE, Reason.CENSORED_ABOVE_LIMIT
    if upper is not None and bound <= upper:
        return Verdict.PASS, Reason.CENSORED_WITHIN_LIMIT
    return Verdict.INDETERMINATE, Reason.CENSORED_ABOVE_LIMIT


def _judge_absence(qualifier: Qualifier, number: Decimal | None, bound: Decimal | None) -> tuple[Verdict, Reason]:
    """Absence in the volume of the limit: `<1` is absence, since a count is whole; `<10` is not known to be."""
    if number is not None:
        return (Verdict.FAIL, Reason.DETECTED) if number > 0 else (Verdict.PASS, Reason.NOT_DETECTED)
    if qualifier is Qualifier.GREATER or qualifier is Qualifier.TOO_NUMEROUS or qualifier is Qualifier.PRESENT:
        return Verdict.FAIL, Reason.DETECTED
    if qualifier is Qualifier.ABSENT or (bound is None or bound <= 1):
        return Verdict.PASS, Reason.NOT_DETECTED
    return Verdict.INDETERMINATE, Reason.CENSORED_ABOVE_LIMIT


def evaluate(
    measurement: Measurement,
    *,
    unit: str,
    species: str | None,
    limits: Iterable[Limit | None],
    matrix: str | None,
    detection_limit: Decimal | None = None,
    uncertainty: Decimal | None = None,
    rule: DecisionRule = "simple_acceptance",
    rejected: bool = False,
    incomplete: bool = False,
) -> list[Judgement]:
    """Convert a result reported in `unit` into the unit of each limit, and judge it.

    `detection_limit` (same unit) bounds a "not detected" that names no number. Raises UnknownUnit and UnitMismatch.
    """
    number, bound = measurement.number, measurement.bound
    if bound is None and measurement.qualifier is Qualifier.NOT_DETECTED:
        bound = detection_limit
    judgements = []
    for limit in limits:
        if limit is None or not limit.unit or limit.unit == unit or limit.kind == "percentage":
            values = number, bound, uncertainty
        else:
            values = (
                None if number is None else convert(number, unit, limit.unit, species=species),
                None if bound is None else convert(bound, unit, limit.unit, species=species),
                None if uncertainty is None else convert(uncertainty, unit, limit.unit, species=species),
            )
        judgements.append(
            judge(
                measurement,
                number=values[0],
                bound=values[1],
                uncertainty=values[2],
                limit=limit,
                matrix=matrix,
                rule=rule,
                rejected=rejected,
                incomplete=incomplete,
            )
        )
    return judgements


def detection_limit_above(
    judgements: Iterable[Judgement], *, detection_limit: Decimal | None, unit: str, species: str | None
) -> bool:
    """Whether the method could not have seen a breach: its limit of detection (in `unit`), or the bound of a value
    below it, lies above a limit that the result was judged by."""
    for judgement in judgements:
        limit = judgement.limit
        if judgement.reason is Reason.CENSORED_ABOVE_LIMIT and limit.lower is None:
            return True
        if judgement.verdict is Verdict.NOT_EVALUATED or limit.upper is None or detection_limit is None:
            continue
        if limit.kind not in ("absence", "percentage"):
            seen = detection_limit
            if limit.unit and limit.unit != unit:
                seen = convert(seen, unit, limit.unit, species=species)
            if seen > limit.upper:
                return True
    return False


def compliance_status(judgements: Iterable[Judgement]) -> ComplianceStatus:
    """Fold the verdicts of one result into the four values of specification 001 (FR-025, C82)."""
    legal = guideline = Verdict.NOT_EVALUATED
    for judgement in judgements:
        verdict, role = judgement.verdict, judgement.limit.role
        if role == "legal":
            if _SEVERITY[verdict] < _SEVERITY[legal]:
                legal = verdict
        elif role == "guideline" and _SEVERITY[verdict] < _SEVERITY[guideline]:
            guideline = verdict
    if legal is Verdict.FAIL:
        return "fail"
    if legal in (Verdict.INDETERMINATE, Verdict.INVESTIGATE, Verdict.WARNING):
        return "warning"
    if guideline in (Verdict.FAIL, Verdict.INDETERMINATE):
        return "warning"
    if legal is Verdict.PASS or guideline in (Verdict.PASS, Verdict.WARNING):
        return "pass"
    return "pending"


_STATUS_ORDER: tuple[ComplianceStatus, ...] = ("fail", "warning", "pass")


def sample_status(statuses: Iterable[str]) -> ComplianceStatus:
    """Return the worst status of a sample's results; a result without a verdict counts for nothing, no results is
    pending."""
    held = set(statuses)
    return next((status for status in _STATUS_ORDER if status in held), "pending")


_ROLES = {"legal": 0, "guideline": 1, "information": 2}


def worst_by_standard[Id: Hashable](results: Iterable[tuple[Id, Sequence[Judgement]]]) -> list[dict[str, Any]]:
    """Return a sample's `verdicts`: per standard and edition the worst verdict, and the results that decided it
    (none for PASS and NOT_EVALUATED). Legal standards first, then guidelines, then the rest, each in order of
    appearance."""
    worst: dict[tuple[str, str], tuple[int, Verdict, list[Id]]] = {}
    for result_id, judgements in results:
        for judgement in judgements:
            limit, verdict = judgement.limit, judgement.verdict
            key = limit.standard, limit.edition
            held = worst.get(key)
            if held is None or _SEVERITY[verdict] < _SEVERITY[held[1]]:
                worst[key] = _ROLES.get(limit.role, 2), verdict, [result_id]
            elif verdict is held[1]:
                held[2].append(result_id)
    return [
        {
            "standard": standard,
            "edition": edition,
            "verdict": verdict.value,
            "resultIds": ids if verdict.severity < Verdict.PASS.severity else [],
        }
        for (standard, edition), (_role, verdict, ids) in sorted(worst.items(), key=lambda item: item[1][0])
    ]
