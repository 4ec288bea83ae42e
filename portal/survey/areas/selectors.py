"""Reads of administrative units, assigned areas and refusals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
import shapely
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import NotFound
from portal.core.common.text import normalise
from portal.core.geo import units
from portal.core.geo.models import GeoDataset, GeoUnit
from portal.core.tenancy import scope
from portal.survey.areas import scoping
from portal.survey.areas.models import LEVELS, GeoAssignment, GeoDecision
from portal.survey.areas.permissions import EVERYWHERE

type State = Literal["active", "upcoming", "ended"]
STATES: tuple[State, ...] = ("active", "upcoming", "ended")


@dataclass(frozen=True, slots=True)
class Count:
    """What a room counts of a surveyor's reach: `count(scope)` and where to see it."""

    label: str | Promise
    count: Callable[[scoping.Scope], int]
    url_name: str = ""


_counts: list[Count] = []


def register_count(count: Count) -> None:
    """Show a figure on the page of what a surveyor sees; called when apps load."""
    _counts.append(count)


def counts(area: scoping.Scope) -> list[tuple[Count, int]]:
    return [(one, one.count(area)) for one in _counts]


def dataset_list() -> QuerySet[GeoDataset]:
    return GeoDataset.objects.all()


def dataset_get(*, id: UUID) -> GeoDataset:
    """Raises NotFound."""
    found = GeoDataset.objects.filter(pk=id).first()
    if found is None:
        raise NotFound(_("There are no such boundaries."))
    return found


def unit_list(
    *,
    level: str = "",
    parent: UUID | None = None,
    search: str = "",
    has_boundary: bool | None = None,
    dataset: UUID | None = None,
) -> QuerySet[GeoUnit]:
    """Units without their boundaries, of the dataset in force or another one, with their `dataset`."""
    of = GeoDataset.objects.filter(pk=dataset) if dataset else GeoDataset.objects.filter(active=True)
    found = GeoUnit.objects.filter(dataset__in=of).defer("boundary").select_related("dataset")
    if level:
        found = found.filter(level=level)
    if parent:
        found = found.filter(parent=parent)
    if has_boundary is not None:
        found = found.filter(has_boundary=has_boundary)
    for word in normalise(search).split():
        found = found.filter(search_text__contains=word)
    return found


def unit_get(*, id: UUID) -> GeoUnit:
    """Of any dataset, with its ancestors. Raises NotFound."""
    found = (
        GeoUnit.objects.defer("boundary")
        .select_related("dataset", "parent", "parent__parent", "parent__parent__parent")
        .defer("boundary", "parent__boundary", "parent__parent__boundary", "parent__parent__parent__boundary")
        .filter(pk=id)
        .first()
    )
    if found is None:
        raise NotFound(_("There is no such administrative unit."))
    return found


def boundary(id: UUID) -> dict[str, Any] | None:
    """A unit's boundary as GeoJSON; None for one without."""
    shape = units.unit_shape(id)
    return None if shape is None else orjson.loads(shapely.to_geojson(shape))


def outlines(rows: Mapping[UUID, str] | list[UUID], *, tolerance: float | None = None) -> list[dict[str, Any]]:
    """GeoJSON features of units for a map, simplified together so that common lines stay common; those without a
    boundary are left out. `tolerance` in degrees: a 400th of what they cover where absent."""
    ids = list(rows)
    shown = [(id, region.shape) for id, region in zip(ids, units.regions(ids), strict=True) if region]
    if not shown:
        return []
    shapes = [shape for _id, shape in shown]
    west, south, east, north = shapely.total_bounds(shapes)
    step = max(east - west, north - south) / 400 if tolerance is None else tolerance
    apart = shapely.coverage_is_valid(shapes)  # units of several levels may lie on each other
    simple = shapely.coverage_simplify(shapes, step) if apart else shapely.simplify(shapes, step)
    made = []
    for (id, whole), shape in zip(shown, simple, strict=True):
        kept = whole if shape.is_empty else shapely.set_precision(shape, 1e-5, mode="pointwise")
        about = {"id": str(id)} | ({"name": rows[id]} if isinstance(rows, Mapping) else {})
        made.append({"type": "Feature", "geometry": orjson.loads(shapely.to_geojson(kept)), "properties": about})
    return made


def assignment_list(
    *, user: UUID | None = None, state: str = "", unit: UUID | None = None, search: str = "", at: datetime | None = None
) -> QuerySet[GeoAssignment]:
    """Assignments that were not deleted, with person and units; `unit` finds those that name it on any level."""
    found = GeoAssignment.objects.filter(deleted_at=None).select_related("user", *LEVELS)
    found = found.defer(*(f"{level}__boundary" for level in LEVELS))
    if user:
        found = found.filter(user=user)
    if state:
        found = found.filter(in_state(state, at or clock.now()))
    if unit:
        named = Q()
        for level in LEVELS:
            named |= Q(**{level: unit})
        found = found.filter(named)
    for word in normalise(search).split():
        named = Q(user__search_text__contains=word) | Q(code__icontains=word)
        for level in LEVELS:
            named |= Q(**{f"{level}__search_text__contains": word})
        found = found.filter(named)
    return found


def in_state(state: str, now: datetime) -> Q:
    ended = Q(valid_to__lte=now)
    match state:
        case "ended":
            return ended
        case "upcoming":
            return Q(valid_from__gt=now) & ~ended
        case _:
            return Q(valid_from__lte=now) & (Q(valid_to=None) | Q(valid_to__gt=now))


def state_of(row: GeoAssignment, now: datetime) -> State:
    if row.valid_to and row.valid_to <= now:
        return "ended"
    return "upcoming" if row.valid_from > now else "active"


def assignment_get(*, id: UUID) -> GeoAssignment:
    """Raises NotFound."""
    found = assignment_list().filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such assignment."))
    return found


def denial_list(
    *, user: UUID | None = None, rule: str = "", since: datetime | None = None, until: datetime | None = None
) -> QuerySet[GeoDecision]:
    """Refusals, newest first; `until` is exclusive."""
    found = GeoDecision.objects.select_related("user", "nearest_unit").defer("nearest_unit__boundary")
    if user:
        found = found.filter(user=user)
    if rule:
        found = found.filter(rule=rule)
    if since:
        found = found.filter(created_at__gte=since)
    if until:
        found = found.filter(created_at__lt=until)
    return found


def denial_get(*, id: UUID) -> GeoDecision:
    """Raises NotFound."""
    found = denial_list().filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such refusal."))
    return found


def allowed_units(row: GeoDecision) -> list[GeoUnit]:
    """The units that the person had then, of the boundaries of that moment where they know them."""
    found = GeoUnit.objects.defer("boundary").filter(code__in=row.allowed).order_by("created_at", "id")
    held: dict[str, GeoUnit] = {}
    for unit in found:
        if unit.code not in held or unit.dataset_id == row.dataset_id:
            held[unit.code] = unit
    return [held[code] for code in sorted(held)]


def nearest_place(row: GeoDecision) -> tuple[float, float] | None:
    """The place of the nearest area, as longitude and latitude."""
    if row.nearest_unit_id is None or row.longitude is None or row.latitude is None:
        return None
    found = units.region(row.nearest_unit_id)
    return found.nearest(row.longitude, row.latitude) if found else None


def surveyors() -> list[User]:
    """Active people of the organisation who are bound by areas or have some, by name."""
    named = set(GeoAssignment.objects.filter(deleted_at=None).values_list("user_id", flat=True))
    people = User.objects.filter(
        organization_id=scope.organization_id(), is_active=True, deleted_at=None
    ).select_related("role")
    return [user for user in people.order_by("name", "id") if user.pk in named or not user.has_permission(EVERYWHERE)]
