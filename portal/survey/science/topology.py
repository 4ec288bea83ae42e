"""What parcels do to their neighbours: overlaps, slivers, gaps, doubles, buildings outside, district lines crossed.

All are flags for a reviewer with the shape to draw; whoever calls brings the candidates (those whose boxes meet). Areas
and widths are metres in a plane laid around the parcel, right to 0.01 % within 10 km; shapes go in and out in WGS 84.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely

LEAST_AREA: Final = 1.0  # m²
NOTHING: Final = 0.01  # m²: less is rounding
SAME: Final = 0.95  # intersection over union
GAP_METRES: Final = 0.5
_MITRE: Final = {"join_style": "mitre", "cap_style": "flat"}

OVERLAP, SLIVER, GAP, DOUBLE = "OVERLAP", "SLIVER_OVERLAP", "GAP", "DUPLICATE"
OUTSIDE, CROSSES = "BUILDING_OUTSIDE_PARCEL", "CROSSES_DISTRICT_LINE"


@dataclass(frozen=True, slots=True)
class Parcel:
    """`accuracy`: standard uncertainty of a corner in metres; `area_uncertainty` as of `measures`, in m²."""

    id: object
    shape: Any
    accuracy: float = 0.0
    area_uncertainty: float = 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """`other` is the neighbour's id (None for a gap); `area` m², `width` metres (twice the area over the perimeter);
    `shape` what to draw."""

    code: str
    other: object
    area: float
    width: float
    shape: Any


class _Plane:
    """Metres east and north of a point, by the ellipsoid's radii there."""

    def __init__(self, lon: float, lat: float) -> None:
        sine = math.sin(math.radians(lat))
        bend = 1 - 0.00669437999014 * sine * sine
        normal = 6378137.0 / math.sqrt(bend)
        self.middle = np.array([lon, lat])
        self.scale = np.radians([normal * math.cos(math.radians(lat)), normal * (1 - 0.00669437999014) / bend])

    def flat(self, shapes: Any) -> Any:
        return shapely.transform(shapes, lambda points: (points - self.middle) * self.scale)

    def back(self, shape: Any) -> Any:
        return shapely.transform(shape, lambda points: points / self.scale + self.middle)


def neighbours(parcel: Parcel, others: Sequence[Parcel]) -> list[Finding]:
    """Overlaps, doubles, slivers and gaps between a parcel and those around it.

    OVERLAP: more than 1 m² and than the uncertainty of the area, and wider than both positions are uncertain; less is a
    SLIVER_OVERLAP. DUPLICATE: 95 % in common. GAP: a strip narrower than a metre between the parcel and a neighbour.
    """
    others = [other for other in others if other.id != parcel.id]
    if not others:
        return []
    plane = _plane(parcel.shape)
    mine = plane.flat(parcel.shape)
    theirs = plane.flat(np.array([other.shape for other in others], dtype=object))
    near = shapely.dwithin(mine, theirs, 2 * GAP_METRES)
    if not near.any():
        return []
    others = [other for other, close in zip(others, near.tolist(), strict=True) if close]
    theirs = theirs[near]
    shared = shapely.intersection(mine, theirs)
    areas, edges = shapely.area(shared), shapely.length(shared)
    wholes = shapely.area(mine) + shapely.area(theirs) - areas
    found = []
    for at in np.flatnonzero(areas > NOTHING).tolist():
        area, width = float(areas[at]), float(2 * areas[at] / edges[at])
        unsure = math.hypot(parcel.accuracy, others[at].accuracy)
        if area / wholes[at] > SAME:
            code = DOUBLE
        elif area > max(LEAST_AREA, parcel.area_uncertainty) and width > unsure:
            code = OVERLAP
        else:
            code = SLIVER
        found.append(Finding(code, others[at].id, area, width, plane.back(shared[at])))
    return [*found, *_gaps(plane, mine, theirs)]


def building_outside(building: Any, parcel: Parcel, *, accuracy: float = 0.0) -> Finding | None:
    """What of a building lies outside of its parcel, beyond what both positions are uncertain."""
    plane = _plane(parcel.shape)
    out = shapely.difference(plane.flat(building), plane.flat(parcel.shape))
    area, edge = float(out.area), float(out.length)
    width = 2 * area / edge if edge else 0.0
    if area <= NOTHING or width <= math.hypot(parcel.accuracy, accuracy):
        return None
    return Finding(OUTSIDE, parcel.id, area, width, plane.back(out))


def crossing(parcel: Parcel, districts: Mapping[object, Any]) -> list[Finding]:
    """The parts of a parcel in each district but the one that holds most of it; the same measure as for overlaps."""
    if len(districts) < 2:
        return []
    plane = _plane(parcel.shape)
    mine, names = plane.flat(parcel.shape), list(districts)
    parts = shapely.intersection(mine, plane.flat(np.array([districts[name] for name in names], dtype=object)))
    areas, edges = shapely.area(parts), shapely.length(parts)
    found = []
    for at in np.argsort(areas)[::-1][1:].tolist():
        area = float(areas[at])
        width = 2 * area / float(edges[at]) if edges[at] else 0.0
        if area > max(LEAST_AREA, parcel.area_uncertainty) and width > parcel.accuracy:
            found.append(Finding(CROSSES, names[at], area, width, plane.back(parts[at])))
    return found


def candidates(shapes: Sequence[Any]) -> Callable[[Any], list[int]]:
    """For an audit of many parcels: the places of those whose boxes meet that of a shape or come within a metre."""
    tree = shapely.STRtree(shapes)
    return lambda shape: sorted(tree.query(shapely.box(*(np.array(shapely.bounds(shape)) + _AROUND))).tolist())


_AROUND: Final = np.array([-1e-5, -1e-5, 1e-5, 1e-5])  # degrees


def _gaps(plane: _Plane, mine: Any, theirs: Any) -> list[Finding]:
    """What closing (grow by half a metre, shrink again) fills between the parcel and its neighbours."""
    whole = shapely.union_all([mine, *theirs])
    closed = shapely.buffer(shapely.buffer(whole, GAP_METRES, **_MITRE), -GAP_METRES, **_MITRE)
    parts = [part for part in shapely.get_parts(closed.difference(whole)) if part.area > 10 * NOTHING]
    found = []
    for part in parts:
        width = 2 * part.area / part.length
        if shapely.dwithin(part, mine, 0.001) and shapely.dwithin(part, theirs, 0.001).any() and width > 0.01:
            found.append(Finding(GAP, None, float(part.area), float(width), plane.back(part)))
    return found


def _plane(shape: Any) -> _Plane:
    west, south, east, north = shapely.bounds(shape)
    return _Plane((west + east) / 2, (south + north) / 2)
