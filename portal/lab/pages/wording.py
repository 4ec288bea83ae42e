"""Verdicts, limits and parameters in the words of the laboratory's pages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.lab.choices import LimitKind, Matrix, StandardRole
from portal.lab.lifecycle.models import Retest
from portal.lab.models import Limit, Result
from portal.lab.reports.wording import plain

GROUPS: dict[str, str | Promise] = {
    "microbiological": gettext_lazy("Microbiological"),
    "physical_organoleptic": gettext_lazy("Physical and organoleptic"),
    "ions_inorganic": gettext_lazy("Ions and inorganic substances"),
    "metals": gettext_lazy("Metals"),
    "disinfection": gettext_lazy("Disinfection"),
    "organic": gettext_lazy("Organic substances"),
    "pesticide": gettext_lazy("Pesticides"),
    "radiological": gettext_lazy("Radiological"),
}
MATRICES: dict[str, str | Promise] = dict(Matrix.choices)
CONFIDENCE: dict[str, str | Promise] = {
    "P": gettext_lazy("Primary source"),
    "S": gettext_lazy("Secondary source"),
    "O": gettext_lazy("Older edition"),
    "M": gettext_lazy("Not confirmed yet"),
    "W": gettext_lazy("Own"),
}
QUALIFIERS: dict[str, str | Promise] = {
    "=": gettext_lazy("= equal to"),
    "<": gettext_lazy("< less than"),
    ">": gettext_lazy("> greater than"),
    "~": gettext_lazy("~ approximately"),
    "present": gettext_lazy("present"),
    "absent": gettext_lazy("absent"),
    "not_detected": gettext_lazy("not detected"),
    "too_numerous": gettext_lazy("too numerous to count"),
}
RULES: dict[str, str | Promise] = {
    "simple_acceptance": gettext_lazy("simple acceptance: the uncertainty does not enter the decision"),
    "guard_band": gettext_lazy("guard band: undecided where the interval of the expanded uncertainty holds the limit"),
    "ilac_g8": gettext_lazy(
        "ILAC-G8: conditional pass or fail where the interval of the expanded uncertainty holds the limit"
    ),
}
REASONS: dict[str, str | Promise] = {
    "WITHIN_LIMIT": gettext_lazy("The value respects the limit."),
    "NEAR_LIMIT": gettext_lazy("The value respects the limit, but reaches the warning share of it."),
    "ABOVE_GUIDANCE": gettext_lazy("The value passes the guidance value, which is not binding."),
    "ABOVE_LIMIT": gettext_lazy("The value is above the limit."),
    "BELOW_MINIMUM": gettext_lazy("The value is below the lower limit."),
    "DETECTED": gettext_lazy("Something was found that must be absent."),
    "NOT_DETECTED": gettext_lazy("Nothing was found."),
    "CENSORED_WITHIN_LIMIT": gettext_lazy("The bound of the value respects the limit, so every smaller value does."),
    "CENSORED_ABOVE_LIMIT": gettext_lazy("The bound of the value lies beyond the limit: the true value is not known."),
    "OVER_RANGE": gettext_lazy("The value is above the measuring range and the limit lies higher: dilute and repeat."),
    "UNCERTAINTY_STRADDLES": gettext_lazy("The interval of the expanded uncertainty contains the limit."),
    "SCREENING_EXCEEDED": gettext_lazy("An action or screening level is passed; that calls for an investigation."),
    "SUM_INCOMPLETE": gettext_lazy("A part of the sum was not measured, so it cannot be said to conform."),
    "NO_LIMIT": gettext_lazy("The standard sets no limit for this parameter."),
    "OTHER_MATRIX": gettext_lazy("The standard has no limit for this kind of water."),
    "REJECTED": gettext_lazy("The sample was rejected; its results are not judged."),
}
FLAGS: dict[str, str | Promise] = {
    "DETECTION_LIMIT_ABOVE_CRITERION": gettext_lazy("The detection limit lies above the limit value"),
    "HOLDING_TIME_EXCEEDED": gettext_lazy("Analysed after the holding time"),
    "SUM_INCOMPLETE": gettext_lazy("Not every part of the sum was measured"),
}


def group_name(group: str) -> str:
    return str(GROUPS.get(group, group))


def bounds(kind: str, lower: Any, upper: Any, *, strict: bool = False) -> str:
    """A limit as a laboratory writes it: `≤ 50`, `6.5 – 8.5`, `0`."""
    low, high = plain(lower), plain(upper)
    if kind == LimitKind.RANGE and low and high:
        return f"{low} – {high}"
    if kind in (LimitKind.ABSENCE, LimitKind.PERCENTAGE) and high:
        return high
    if kind == LimitKind.MINIMUM and low:
        return f"≥ {low}"
    if high:
        return f"{'<' if strict else '≤'} {high}"
    return f"≥ {low}" if low else ""


@dataclass(frozen=True, slots=True)
class Why:
    """One verdict with what is needed to understand it; numbers are texts in the unit of the limit."""

    standard: str
    edition: str
    role: str
    verdict: str
    reason: str
    kind: str
    limit: str
    guidance: str
    unit: str
    compared: str
    rule: str
    provisional: bool


def explain(entries: Iterable[Mapping[str, Any]]) -> list[Why]:
    """The `verdicts` of a result, as stored with the edition and the numbers that were used."""
    return [
        Why(
            standard=entry["standard"],
            edition=entry["edition"],
            role=str(StandardRole(entry["role"]).label),
            verdict=entry["verdict"],
            reason=str(REASONS.get(entry["reason"], entry["reason"])),
            kind=str(LimitKind(entry["kind"]).label),
            limit=bounds(entry["kind"], entry["lower"], entry["upper"]),
            guidance=plain(entry["guidance"]),
            unit=entry["unit"],
            # The limit of a percentage is a share of samples, in which one result is not expressed.
            compared="" if entry["kind"] == LimitKind.PERCENTAGE else _compared(entry["comparedValue"]),
            rule=str(RULES.get(entry["decisionRule"], entry["decisionRule"])),
            provisional=entry["provisional"],
        )
        for entry in entries
    ]


def _compared(number: float | None) -> str:
    """To six significant digits: a converted number carries no more truth than that."""
    return "" if number is None else plain(Decimal(f"{number:.6g}"))


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A result as the page shows it; `replaced`: a later analysis counts in its place; `retest`: one was asked for."""

    result: Result
    replaced: bool = False
    retest: Retest | None = None

    @property
    def why(self) -> list[Why]:
        return explain(self.result.verdicts)

    @property
    def judged(self) -> list[Why]:
        return [why for why in self.why if why.verdict != "NOT_EVALUATED"]

    @property
    def flags(self) -> list[str]:
        return [str(FLAGS.get(flag, flag)) for flag in self.result.flags]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The measurement's own data, as label and text."""
        result = self.result
        numbers = ("detection_limit", "quantification_limit", "uncertainty")
        found = [
            (name, f"{plain(value)} {result.unit}") for name in numbers if (value := getattr(result, name)) is not None
        ]
        if result.dilution_factor != 1:
            found.append(("dilution_factor", plain(result.dilution_factor)))
        found += [(name, value) for name in ("instrument", "notes") if (value := getattr(result, name))]
        labels = {field.name: str(field.verbose_name) for field in result._meta.concrete_fields}
        facts = [(labels[name], value) for name, value in found]
        if result.normalized_value is not None and result.unit != result.normalized_unit:
            facts.append(
                (_("in the parameter's unit"), f"{_compared(float(result.normalized_value))} {result.normalized_unit}")
            )
        return facts


def limit_text(limit: Limit) -> str:
    return f"{bounds(limit.kind, limit.lower, limit.upper, strict=limit.strict)} {limit.unit}".strip()
