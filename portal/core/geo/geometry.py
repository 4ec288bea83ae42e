"""Whether GeoJSON of a client is a geometry that can be kept (RFC 7946, `domain-survey.md` section 5), check by check.

Nothing is repaired in silence: a ring that is closed within the accuracy, corners that are dropped as doubles and other
harmless things are flagged, and a polygon that crosses itself is refused with a repaired one as a suggestion.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import numpy as np
import shapely
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from portal.core.geo.measures import DEVICE_DECIMALS
from portal.core.geo.regions import apart
from portal.core.geo.units import Index, index

DEPTHS: Final = {"Point": 0, "LineString": 1, "Polygon": 2, "MultiPolygon": 3}
MOST_VERTICES: Final = 10_000
INVALID: Final = "INVALID_GEOJSON"
BOUNDS: Final = "GEOGRAPHIC_BOUNDS_ERROR"
_DOUBLE_METRES: Final = 0.01
_SPIKE: Final = math.radians(1)
_HUGE: Final = 10**9
_LEAST_GAP: Final = 1.0  # metres
_WHERE: Final = re.compile(r"\[\s*([-+0-9.eE]+)[ ,]+([-+0-9.eE]+)")

type Ring = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fault:
    """`code` INVALID_GEOJSON or GEOGRAPHIC_BOUNDS_ERROR; `at` is [longitude, latitude] to zoom to, where there is one;
    `path` the place in the coordinates that were sent (`coordinates[0][3]`)."""

    code: str
    message: str
    at: list[float] | None = None
    path: str = ""


@dataclass(slots=True)
class Checked:
    """`shape` and `coordinates` are what to keep (None and [] with errors): closed, oriented and rounded. Without
    completeness asked for, `shape` is None. `suggestion` is a repaired polygon as GeoJSON, never used unasked."""

    shape: Any = None
    coordinates: Any = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    errors: list[Fault] = field(default_factory=list)
    suggestion: dict[str, Any] | None = None


class _Refused(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault


def check(
    geometry_type: object,
    coordinates: object,
    *,
    is_closed: bool = True,
    is_complete: bool = True,
    accuracy: float | None = None,
    decimals: int = DEVICE_DECIMALS,
    boundaries: Index | None = None,
) -> Checked:
    """Check what a client sent, in the order of the specification; the first failing check decides.

    `accuracy` in metres says how wide a ring's gap may be that is closed for the client. An incomplete geometry is
    checked for form, size and place only. `boundaries`: those in force; fetch them once for a batch.
    """
    result = Checked()
    try:
        kind = _kind(geometry_type)
        kept = _numbers(coordinates, DEPTHS[kind])
        _bounds(kept, boundaries or index(), result)
        if is_complete:
            kept = _shaped(kind, kept, is_closed, accuracy, result)
            result.shape = _valid(kind, kept, decimals, result)
            kept = _parts(result.shape)
        result.coordinates = _listed(kept)
    except _Refused as refusal:
        result.errors.append(refusal.fault)
    return result


def _kind(given: object) -> str:
    if isinstance(given, str) and given in DEPTHS:
        return given
    allowed = ", ".join(DEPTHS)
    raise _Refused(Fault(INVALID, _("The type must be one of: %(allowed)s.") % {"allowed": allowed}))


def _numbers(given: object, depth: int) -> Any:
    """The coordinates with the innermost list of positions (or the one position) as an array of longitude and latitude;
    never deeper than the type says."""
    count = 0

    def refuse(said: str, path: str) -> _Refused:
        return _Refused(Fault(INVALID, said, path=path))

    def walk(value: object, left: int, path: str) -> Any:
        nonlocal count
        if not isinstance(value, list | tuple):
            raise refuse(_("Longitude and latitude must stand in lists, nested as the type says."), path)
        if not left:
            return _position(value, path)
        if not value:
            raise refuse(_("There are no coordinates."), path)
        if left > 1:
            return [walk(part, left - 1, f"{path}[{at}]") for at, part in enumerate(value)]
        count += len(value)
        if count > MOST_VERTICES:
            said = _("At most %(most)d corners are taken; this one has more.") % {"most": MOST_VERTICES}
            raise refuse(said, path)
        if _plain(value):
            found = np.array([position[:2] for position in value], dtype=float)
            if np.isfinite(found).all() and all(len(p) == 2 or math.isfinite(p[2]) for p in value):
                return found
        return np.array([walk(position, 0, f"{path}[{at}]") for at, position in enumerate(value)])

    return walk(given, depth, "coordinates")


def _plain(positions: Any) -> bool:
    """Whether all are lists of two or three numbers, none of them an integer beyond all measure: the usual case."""
    return (
        set(map(type, positions)) <= {list, tuple}
        and set(map(len, positions)) <= {2, 3}
        and all(type(n) is float or (type(n) is int and abs(n) < _HUGE) for n in chain.from_iterable(positions))
    )


def _position(value: Any, path: str) -> NDArray[np.float64]:
    if len(value) not in (2, 3):
        said = _("A position is longitude, latitude and, if you like, height.")
        raise _Refused(Fault(INVALID, said, path=path))
    if not _plain([value]) or not all(map(math.isfinite, value)):
        said = _("A position consists of numbers: no texts, no true or false, no NaN.")
        raise _Refused(Fault(INVALID, said, path=path))
    return np.array(value[:2], dtype=float)


def _positions(kept: Any, path: str = "coordinates") -> Iterator[tuple[list[float], str]]:
    if isinstance(kept, np.ndarray) and kept.ndim == 1:
        yield kept.tolist(), path
        return
    for at, part in enumerate(kept):
        yield from _positions(part, f"{path}[{at}]")


def _bounds(kept: Any, boundaries: Index, result: Checked) -> None:
    arrays = list(_arrays(kept))
    if all(boundaries.land.covers(array[:, 0], array[:, 1]).all() for array in arrays):
        return
    border = False
    for position, path in _positions(kept):
        found = boundaries.bounds(*position)
        if not found.accepted:
            raise _Refused(Fault(BOUNDS, found.message, position, path))
        border |= found.where == "border"
    if border:
        result.flags.append("OUTSIDE_BORDER")


def _arrays(kept: Any) -> Iterator[NDArray[np.float64]]:
    if isinstance(kept, np.ndarray):
        yield kept.reshape(-1, 2)
    else:
        for part in kept:
            yield from _arrays(part)


def _shaped(kind: str, kept: Any, is_closed: bool, accuracy: float | None, result: Checked) -> Any:
    """Enough distinct corners, closed rings, no doubles."""
    match kind:
        case "LineString":
            line = _distinct(kept, result)
            if len(line) < 2:
                said = _("A line needs two different positions.")
                raise _Refused(Fault(INVALID, said, kept[0].tolist(), "coordinates"))
            _spikes(line, False, result)
            return line
        case "Polygon":
            return [_ring(ring, f"coordinates[{at}]", is_closed, accuracy, result) for at, ring in enumerate(kept)]
        case "MultiPolygon":
            return [
                [_ring(ring, f"coordinates[{n}][{at}]", is_closed, accuracy, result) for at, ring in enumerate(part)]
                for n, part in enumerate(kept)
            ]
    return kept


def _ring(ring: Ring, path: str, is_closed: bool, accuracy: float | None, result: Checked) -> Ring:
    first, last = ring[0].tolist(), ring[-1].tolist()
    if first != last:
        gap = apart(first, last)
        if not is_closed or gap >= max(2 * (accuracy or 0.0), _LEAST_GAP):
            said = _("The ring is open: its last position must be its first. They are %(gap)s m apart.")
            raise _Refused(Fault(INVALID, said % {"gap": f"{gap:.1f}"}, last, f"{path}[{len(ring) - 1}]"))
        _flag(result, "RING_AUTOCLOSED")
        # an end that lies where the ring began is the same corner measured twice; in a triangle it may be a corner
        ring = np.vstack([ring[:-1] if gap < _LEAST_GAP and len(ring) > 3 else ring, ring[:1]])
    kept = _distinct(ring, result)
    if len(kept) > 1:
        kept[-1] = kept[0]
    if len(set(map(tuple, kept.tolist()))) < 3:
        raise _Refused(Fault(INVALID, _("A ring needs three different corners."), first, path))
    _spikes(kept, True, result)
    return kept


def _distinct(line: Ring, result: Checked) -> Ring:
    """Without positions that repeat the one before within a centimetre."""
    # an upper bound first: a centimetre is nowhere more than 1e-7 of a degree of latitude
    close = np.abs(np.diff(line, axis=0)).max(axis=1, initial=0) < 2e-7
    if not close.any():
        return line
    kept = [0]
    for at, near in enumerate(close.tolist(), 1):
        if near and apart(line[kept[-1]], line[at]) < _DOUBLE_METRES:
            _flag(result, "DUPLICATES_REMOVED")
        else:
            kept.append(at)
    return line[kept]


def _spikes(line: Ring, closed: bool, result: Checked) -> None:
    """Flag corners of less than a degree: most are a slip of the finger."""
    points = np.vstack([line, line[1]]) if closed else line
    if len(points) < 3:
        return
    steps = np.diff(points, axis=0) * [math.cos(math.radians(float(points[0, 1]))), 1.0]
    back, on = -steps[:-1], steps[1:]
    cross = back[:, 0] * on[:, 1] - back[:, 1] * on[:, 0]
    if (np.abs(np.arctan2(cross, (back * on).sum(axis=1))) < _SPIKE).any():
        _flag(result, "SPIKE")


def _valid(kind: str, kept: Any, decimals: int, result: Checked) -> Any:
    match kind:
        case "Point":
            shape = shapely.points(np.round(kept, decimals))
        case "LineString":
            shape = shapely.linestrings(np.round(kept, decimals))
        case "Polygon":
            shape = _polygon(kept, decimals)
        case _:
            shape = shapely.multipolygons([_polygon(part, decimals) for part in kept])
    if "Polygon" in kind:
        if not shape.is_valid:
            said = shapely.is_valid_reason(shape)
            found = _WHERE.search(said)
            at = [float(found[1]), float(found[2])] if found else None
            result.suggestion = _repaired(shape)
            raise _Refused(Fault(INVALID, _reason(said, at), at))
        oriented = shapely.orient_polygons(shape)  # exterior counter-clockwise
        if not shapely.equals_identical(shape, oriented):
            _flag(result, "REORIENTED")
        shape = oriented
    return shape


def _polygon(rings: list[Ring], decimals: int) -> Any:
    made = [shapely.linearrings(np.round(ring, decimals)) for ring in rings]
    return shapely.polygons(made[0], made[1:] or None)


def _parts(shape: Any) -> Any:
    """The coordinates of a geometry, nested as in GeoJSON."""
    match shape.geom_type:
        case "Polygon":
            return [shapely.get_coordinates(ring) for ring in (shape.exterior, *shape.interiors)]
        case "MultiPolygon":
            return [_parts(part) for part in shape.geoms]
        case "Point":
            return shapely.get_coordinates(shape)[0]
    return shapely.get_coordinates(shape)


def _reason(said: str, at: list[float] | None) -> str:
    where = f"{at[0]:.7g}, {at[1]:.7g}" if at else ""
    if "intersection" in said or "touch" in said.lower():
        return _("The boundary crosses or touches itself at %(at)s.") % {"at": where}
    if said.startswith("Hole"):
        return _("A hole lies outside of its polygon, at %(at)s.") % {"at": where}
    if "ested" in said:
        return _("Polygons or holes lie inside of each other, at %(at)s.") % {"at": where}
    return _("The geometry is not valid: %(reason)s") % {"reason": said}


def _repaired(shape: Any) -> dict[str, Any] | None:
    """What the polygon would be without its fault; None where nothing with an area is left."""
    made = shapely.make_valid(shape, method="structure")
    parts = [part for part in shapely.get_parts(made) if part.geom_type == "Polygon" and part.area]
    if not parts:
        return None
    kept = shapely.orient_polygons(parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts))
    return {"type": kept.geom_type, "coordinates": _listed(_parts(kept))}


def _listed(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else [_listed(part) for part in value]


def _flag(result: Checked, flag: str) -> None:
    if flag not in result.flags:
        result.flags.append(flag)
