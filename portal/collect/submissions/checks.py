"""Automatic remarks on a submission: they flag it for the reviewer and never refuse anything (`Flag`)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from portal.collect.forms.selectors import compiled
from portal.collect.language import Schema
from portal.collect.submissions.choices import Flag

OUTLYING: Final = 3.0  # standard deviations from the mean
LEAST_KNOWN: Final = 30  # numbers that a mean is taken of
STRAIGHT: Final = 5  # questions with the same options, all answered alike
SECONDS_A_QUESTION: Final = 0.5  # faster than that nobody reads them; a form's `minSeconds` says otherwise
NUMERIC: Final = frozenset({"number", "integer"})
PHOTOS: Final = frozenset({"photo", "signature"})


@lru_cache(maxsize=512)
def _plan(form: UUID, version: int) -> tuple[list[str], list[str], list[list[str]], int]:
    """Of a form's version: numeric fields, photo fields, groups of fields with the same options, number of questions.
    Outside of repeats."""
    schema: Schema = compiled(form, version)
    asked = [field for field in schema.fields() if field.answers and field.repeat is None]
    alike: dict[tuple[str, ...], list[str]] = {}
    for field in asked:
        if field.type == "select":
            alike.setdefault(tuple(choice.value for choice in field.choices), []).append(field.id)
    return (
        [field.id for field in asked if field.type in NUMERIC],
        [field.id for field in asked if field.type in PHOTOS and field.relevant is None],
        [ids for ids in alike.values() if len(ids) >= STRAIGHT],
        len(asked),
    )


def numeric_fields(form: UUID, version: int) -> list[str]:
    return _plan(form, version)[0]


def flags(
    *,
    form: UUID,
    version: int,
    answers: Mapping[str, Any],
    started: datetime | None,
    captured: datetime,
    statistics: Mapping[str, Any],
    least_seconds: int | None,
) -> list[dict[str, Any]]:
    """`[{code, field, value}]`; places are compared by `receiving`, which asks for all of a batch at once."""
    return list(_flags(form, version, answers, started, captured, statistics, least_seconds))


def _flags(
    form: UUID,
    version: int,
    answers: Mapping[str, Any],
    started: datetime | None,
    captured: datetime,
    statistics: Mapping[str, Any],
    least_seconds: int | None,
) -> Iterator[dict[str, Any]]:
    numbers, photos, alike, questions = _plan(form, version)
    for name in numbers:
        value, known = answers.get(name), statistics.get(name)
        if value is None or not known or known[0] < LEAST_KNOWN or not isinstance(value, int | float):
            continue
        _count, mean, deviation = known
        if deviation and abs(value - mean) > OUTLYING * deviation:
            yield {"code": Flag.OUTLIER, "field": name, "value": float(value)}
    if started is not None:
        took = (captured - started).total_seconds()
        if took < (questions * SECONDS_A_QUESTION if least_seconds is None else least_seconds):
            yield {"code": Flag.TOO_FAST, "field": None, "value": round(took, 1)}
    for ids in alike:
        said = [answers.get(name) for name in ids]
        if None not in said and len(set(map(str, said))) == 1:
            yield {"code": Flag.STRAIGHT_LINE, "field": ids[0], "value": len(ids)}
    for name in photos:
        if not answers.get(name):
            yield {"code": Flag.MISSING_PHOTO, "field": name, "value": None}
