"""Samples and results with verdicts, as the laboratory's services would have left them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from portal.core.accounts.models import User
from portal.core.tenancy.scope import platform
from portal.lab.collections import search_text
from portal.lab.models import Parameter, Result, Sample, Standard

LOCATIONS = ["Anfa, tap 4", "بئر الحي الصناعي رقم 7", "Réservoir (B-3)", "=HYPERLINK(1)", "-3.5 m"]
PARAMETERS = {"NO3": ("Nitrate", "Nitrates", "النترات"), "PB": ("Lead", "Plomb", "الرصاص"), "PH": ("Acidity", "", "")}
STANDARDS = {"MA": ("2020", "legal"), "WHO": ("2022", "guideline"), "EU": ("2020", "information")}
VERDICTS = ["PASS", "PASS", "PASS", "WARNING", "FAIL", "INDETERMINATE", "INVESTIGATE", "NOT_EVALUATED"]


def catalogue() -> dict[str, Parameter]:
    """The shared parameters and standards of these tests, beside those that the seeds made."""
    with platform():
        for code, (en, fr, ar) in PARAMETERS.items():
            names = {"name_en": en, "name_fr": fr, "name_ar": ar, "unit": "mg/L"}
            Parameter.objects.update_or_create(organization=None, code=code, defaults=names)
        for key, (edition, role) in STANDARDS.items():
            values = {"reference": f"{key} reference", "name_en": key, "role": role}
            Standard.objects.update_or_create(organization=None, key=key, edition=edition, defaults=values)
        return {row.code: row for row in Parameter.objects.filter(organization=None, code__in=PARAMETERS)}


def verdict(standard: str, word: str, *, compared: Any = 60, **more: Any) -> dict[str, Any]:
    edition, role = STANDARDS[standard]
    return {
        "standard": standard, "edition": edition, "role": role, "provisional": False, "verdict": word,
        "reason": {"FAIL": "ABOVE_LIMIT", "PASS": "WITHIN_LIMIT"}.get(word, "NEAR_LIMIT"), "kind": "maximum",
        "lower": None, "upper": 50, "guidance": None, "comparedValue": compared, "unit": "mg/L",
        "decisionRule": "simple_acceptance",
    } | more  # fmt: skip


def sample(user: User, number: int, *, at: datetime, location: str = "Anfa, tap 4", **more: Any) -> Sample:
    one = Sample(
        organization=user.organization,
        code=f"S-2026-{number:06d}",
        location=location,
        collection_date=at,
        collector_name="Amina",
        **{"type": "drinking_water", "compliance_status": "pass"} | more,
    )
    one.search_text = search_text(vars(one))
    one.save()
    return one


def result(of: Sample, parameter: Parameter, *, text: str = "60", **more: Any) -> Result:
    qualifier = "<" if text.startswith("<") else "="
    return Result.objects.create(
        organization=of.organization,
        sample=of,
        parameter=parameter,
        value_text=text,
        qualifier=qualifier,
        value=None if qualifier == "<" else Decimal(text),
        unit="mg/L",
        normalized_unit="mg/L",
        **more,
    )


def fill(user: User, *, samples: int, seed: int = 7) -> None:
    """Samples with three results each: rejected, replaced, deleted and censored ones among them."""
    parameters, rng = catalogue(), Random(seed)
    for number in range(samples):
        at = datetime(2026, 1, 31, 22, 30, tzinfo=UTC) + timedelta(hours=rng.randrange(3000))
        one = sample(
            user,
            number,
            at=at,
            location=rng.choice(LOCATIONS),
            type=rng.choice(["drinking_water", "groundwater"]),
            compliance_status=rng.choice(["pass", "warning", "fail", "pending"]),
            deleted_at=at if rng.random() < 0.1 else None,
        )
        for parameter in parameters.values():
            verdicts = [
                verdict(key, rng.choice(VERDICTS), compared=rng.randrange(1, 900) / 10, provisional=rng.random() < 0.3)
                for key in STANDARDS
            ]
            if rng.random() < 0.08:
                verdicts = [entry | {"verdict": "NOT_EVALUATED", "reason": "REJECTED"} for entry in verdicts]
            first = result(
                one,
                parameter,
                text=rng.choice(["12.50", "<0.01", "60", "-3.5"]),
                verdicts=verdicts,
                deleted_at=at if rng.random() < 0.1 else None,
            )
            if rng.random() < 0.1:
                result(one, parameter, text="7.20", verdicts=verdicts, replaces=first)
