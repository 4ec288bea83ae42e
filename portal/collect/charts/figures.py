"""The data of a view: one statement, brought into the shape of `contract-rooms.md` section 1, kept by data version."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson
from django.core.cache import cache
from django.db import connection
from django.utils.translation import gettext as _

from portal.collect.charts import buckets
from portal.collect.charts.axes import Axis
from portal.collect.charts.choices import Aggregation
from portal.collect.charts.definitions import Definition
from portal.collect.charts.query import Cell, Key, cells
from portal.collect.forms.models import Form
from portal.collect.language.schema import words
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Invalid
from portal.core.tenancy import scope

MOST_CELLS: Final = 5000  # of one view: labels times series
_KEPT: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Figures:
    """Keys are raw values, None for "no answer"; `series` has None where bars are not divided. `rows` counts the
    submissions that the filters let through."""

    keys: list[Key]
    labels: list[str | None]
    series: list[tuple[Key, list[float | int | None]]]
    value: float | int | None
    rows: int
    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Versions:
    """How often the submissions of each form have changed, deletions too: every transaction that commits moves it.
    `committed` is False where the transaction in force has written something: nobody else may see what it sees."""

    of: dict[UUID, int]
    committed: bool
    zone: str  # of the organisation


def view_data(
    *, definition: Definition, form: Form, view: UUID | None = None, versions: Versions | None = None
) -> dict[str, Any]:
    """The answer of `GET /views/{id}/data`, with `keys` (the raw values behind `labels`) beside it. `versions`: what
    `data_versions` said, where the caller has asked for several forms at once. Raises Invalid for more than
    `MOST_CELLS` figures."""
    versions = versions or data_versions([form.pk])
    found = figures(definition=definition, form=form, versions=versions)
    names = _names(definition, found)
    return {
        "viewId": view,
        "chartType": definition.chart.value,
        "aggregation": definition.aggregation.value,
        "groupBy": definition.group_by,
        "value": found.value,
        "keys": [_wire(key) for key in found.keys],
        "labels": [
            said if definition.bucket else _label(definition.along, key, names)
            for key, said in zip(found.keys, found.labels, strict=True)
        ],
        "series": [
            {"key": _wire(key), "label": _label(definition.stack, key, names), "values": values}
            if definition.stack is not None
            else {"key": definition.value and definition.value.id, "label": value_name(definition), "values": values}
            for key, values in found.series
        ],
        "rows": found.rows,
        "timeZone": versions.zone,
        "dataVersion": found.version,
        "generatedAt": clock.wire(found.at),
    }


def etag(data: Mapping[str, Any]) -> str:
    """Changes with every figure and every word, not with the time of the question."""
    said = orjson.dumps({**data, "generatedAt": None}, default=str, option=orjson.OPT_SORT_KEYS)
    return f'"{hashlib.sha256(said).hexdigest()[:32]}"'


def data_versions(forms: Iterable[UUID]) -> Versions:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.form, coalesce((SELECT sum(t.changes) FROM collect_submissiontally t"
            " WHERE t.organization_id = %s AND t.form_id = f.form), 0)::bigint,"
            " pg_current_xact_id_if_assigned() IS NULL, o.time_zone FROM tenancy_organization o"
            " LEFT JOIN unnest(%s::uuid[]) f (form) ON true WHERE o.id = %s",
            [scope.organization_id(), list(set(forms)), scope.organization_id()],
        )
        found = cursor.fetchall()
    return Versions({form: version for form, version, _clean, _zone in found}, found[0][2], found[0][3])


def figures(*, definition: Definition, form: Form, versions: Versions) -> Figures:
    """The version is read before the rows: a change in between is taken in, and asked for again."""
    version, zone = versions.of[form.pk], versions.zone
    organization = scope.organization_id()
    said = hashlib.sha256(repr((definition, zone)).encode()).hexdigest()
    key = f"collect.view:{organization}:{form.pk}:{version}:{said}"
    held: Figures | None = cache.get(key) if versions.committed else None
    if held is None:
        found = cells(definition, organization=organization, form=form.pk, zone=zone, most=MOST_CELLS)
        held = replace(shape(definition, found, zone=zone), version=version, at=clock.now())
        if versions.committed:
            cache.set(key, held, _KEPT)
    return held


def shape(definition: Definition, found: Sequence[Cell], *, zone: str) -> Figures:
    """Put the cells in order and fill what is empty: 0 for counts and sums, else None."""
    rows, now = sum(cell.rows for cell in found), datetime.min.replace(tzinfo=UTC)
    if definition.along is None:
        return Figures([], [], [], _number(found[0].figure), rows, 0, now)
    if len(found) > MOST_CELLS:
        raise _too_many(definition)
    if definition.bucket is not None:
        found = [cell for cell in found if cell.along is not None]
        keys, labels = _timeline(definition, found, zone)
    else:
        keys = ordered({cell.along for cell in found}, definition.along)
        labels = [None] * len(keys)
    stacks: list[Key] = ordered({cell.stack for cell in found}, definition.stack) if definition.stack else [None]
    if len(keys) * len(stacks) > MOST_CELLS:
        raise _too_many(definition)
    empty = 0 if definition.aggregation in (Aggregation.COUNT, Aggregation.SUM) else None
    held = {(cell.along, cell.stack): _number(cell.figure) for cell in found}
    series = [(stack, [held.get((key, stack), empty) for key in keys]) for stack in stacks]
    return Figures(keys, labels, series, None, rows, 0, now)


def _timeline(definition: Definition, found: Sequence[Cell], zone: str) -> tuple[list[Key], list[str | None]]:
    bucket = definition.bucket
    assert bucket is not None
    held = sorted({cell.along for cell in found if isinstance(cell.along, datetime)})
    if not held:
        return [], []
    if buckets.count(held[0], held[-1], bucket) > MOST_CELLS:
        raise _too_many(definition)
    line = list(buckets.every(held[0], held[-1], bucket, zone))
    return [*line], [buckets.label(at, bucket) for at in line]


def _too_many(definition: Definition) -> Invalid:
    if definition.bucket is not None:
        message = _("More than %(count)s figures: group by a longer stretch of time, or filter.")
    else:
        message = _("More than %(count)s different values: group by another field, or filter.")
    return Invalid.field("config.groupBy", message % {"count": MOST_CELLS})


def ordered(keys: set[Key], axis: Axis) -> list[Key]:
    """Options in the form's order (others after them), yes before no, everything else by size; no answer last. People
    stand by their ids: their names may change without a change of data."""
    places = {value: place for place, (value, _label) in enumerate(axis.options)}

    def place(key: Any) -> tuple[Any, ...]:
        if isinstance(key, bool):
            return (not key,)
        return (places.get(key, len(places)), key)

    return [*sorted((key for key in keys if key is not None), key=place), *([None] if None in keys else [])]


def value_name(definition: Definition) -> str:
    """`Sum of Herd size`, in the reader's language."""
    word = str(definition.aggregation.label)
    if definition.value is None:
        return word
    if definition.aggregation == Aggregation.COUNT:
        return _("Answers to %(field)s") % {"field": definition.value.name}
    return _("%(figure)s of %(field)s") % {"figure": word, "field": definition.value.name}


def _names(definition: Definition, found: Figures) -> dict[UUID, str]:
    held = {key for key in (*found.keys, *(key for key, _values in found.series)) if isinstance(key, UUID)}
    return dict(User.objects.filter(pk__in=held).values_list("pk", "name")) if held else {}


def _label(axis: Axis | None, key: Key, names: Mapping[UUID, str]) -> str | None:
    if isinstance(key, UUID):
        return names.get(key, str(key))
    if axis is not None and key is not None:
        for value, label in axis.options:
            if value == key:
                return words(label)
    said = _wire(key)
    if isinstance(said, bool):
        return "true" if said else "false"
    return None if said is None else str(said)


def _wire(key: Key) -> Any:
    if isinstance(key, Decimal):
        return _number(key)
    return (
        key if key is None or isinstance(key, (str, bool)) else str(key) if isinstance(key, UUID) else key.isoformat()
    )


def _number(figure: Decimal | int | None) -> float | int | None:
    """A whole number as one; others to the 15 digits that JSON readers keep."""
    if figure is None:
        return None
    whole = int(figure)
    return whole if whole == figure and abs(whole) < 1 << 53 else float(figure)
