"""Whether GeoJSON of a client is a geometry that can be kept (RFC 7946, `domain-survey.md` section 5), check by check.

Nothing is repaired in silence: a ring that is closed within the accuracy, corners that are dropped as doubles and other
harmless things are flagged, and a polygon that crosses itself is refused with a repaired one as a suggestion.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import shapely
import shapely.geometry
from django.utils.translation import gettext as _

from portal.core.geo.measures import DEVICE_DECIMALS
from portal.core.geo.regions import apart
from portal.core.geo.units import Index, index

DEPTHS: Final = {"Point": 0, "LineString": 1, "Polygon": 2, "MultiPolygon": 3}
MOST_VERTICES: Final = 10_000
INVALID: Final = "INVALID_GEOJSON"
BOUNDS: Final = "GEOGRAPHIC_BOUNDS_ERROR"
_DOUBLE_METRES: Final = 0.01
_SPIKE_DEGREES: Final = 1.0
_LEAST_GAP: Final = 1.0  # metres
_WHERE: Final = re.compile(r"\[\s*([-+0-9.eE]+)[ ,]+([-+0-9.eE]+)")

type Ring = list[list[float]]


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
        _bounds(kept, DEPTHS[kind], boundaries or index(), result)
        if is_complete:
            kept = _shaped(kind, kept, is_closed, accuracy, result)
            result.shape = _valid(kind, kept, decimals, result)
            kept = shapely.geometry.mapping(result.shape)["coordinates"]
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
    """The coordinates as lists of floats with their height dropped; never deeper than the type says."""
    count = 0

    def walk(value: object, left: int, path: str) -> Any:
        nonlocal count
        if not isinstance(value, list | tuple):
            said = _("Longitude and latitude must stand in lists, nested as the type says.")
            raise _Refused(Fault(INVALID, said, path=path))
        if left:
            if not value:
                raise _Refused(Fault(INVALID, _("There are no coordinates."), path=path))
            return [walk(part, left - 1, f"{path}[{at}]") for at, part in enumerate(value)]
        count += 1
        if count > MOST_VERTICES:
            said = _("At most %(most)d corners are taken; this one has more.") % {"most": MOST_VERTICES}
            raise _Refused(Fault(INVALID, said, path=path))
        if len(value) not in (2, 3):
            said = _("A position is longitude, latitude and, if you like, height.")
            raise _Refused(Fault(INVALID, said, path=path))
        if not all(_is_number(number) for number in value):
            said = _("A position consists of numbers: no texts, no true or false, no NaN.")
            raise _Refused(Fault(INVALID, said, path=path))
        return [float(value[0]), float(value[1])]

    return walk(given, depth, "coordinates")


def _is_number(value: object) -> bool:
    if type(value) is int:
        return abs(value) < 10**9
    return type(value) is float and math.isfinite(value)


def _positions(kept: Any, depth: int, path: str = "coordinates") -> Iterator[tuple[list[float], str]]:
    if not depth:
        yield kept, path
        return
    for at, part in enumerate(kept):
        yield from _positions(part, depth - 1, f"{path}[{at}]")


def _bounds(kept: Any, depth: int, boundaries: Index, result: Checked) -> None:
    positions = [position for position, _path in _positions(kept, depth)]
    if boundaries.land.covers(*zip(*positions, strict=True)).all():
        return
    border = False
    for position, path in _positions(kept, depth):
        found = boundaries.bounds(*position)
        if not found.accepted:
            raise _Refused(Fault(BOUNDS, found.message, position, path))
        border |= found.where == "border"
    if border:
        result.flags.append("OUTSIDE_BORDER")


def _shaped(kind: str, kept: Any, is_closed: bool, accuracy: float | None, result: Checked) -> Any:
    """Enough distinct corners, closed rings, no doubles."""
    match kind:
        case "LineString":
            line = _distinct(kept, result)
            if len(line) < 2:
                raise _Refused(Fault(INVALID, _("A line needs two different positions."), kept[0], "coordinates"))
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
    if ring[0] != ring[-1]:
        gap = apart(ring[0], ring[-1])
        if not is_closed or gap >= max(2 * (accuracy or 0.0), _LEAST_GAP):
            said = _("The ring is open: its last position must be its first. They are %(gap)s m apart.")
            raise _Refused(Fault(INVALID, said % {"gap": f"{gap:.1f}"}, ring[-1], f"{path}[{len(ring) - 1}]"))
        _flag(result, "RING_AUTOCLOSED")
        # an end that lies where the ring began is the same corner measured twice; in a triangle it may be a corner
        ring = [*(ring[:-1] if gap < _LEAST_GAP and len(ring) > 3 else ring), ring[0]]
    kept = _distinct(ring, result)
    if len(kept) > 1 and kept[0] != kept[-1]:
        kept[-1] = kept[0]
    if len({tuple(position) for position in kept}) < 3:
        raise _Refused(Fault(INVALID, _("A ring needs three different corners."), ring[0], path))
    _spikes(kept, True, result)
    return kept


def _distinct(line: Ring, result: Checked) -> Ring:
    """Without positions that repeat the one before within a centimetre."""
    points = np.asarray(line)
    # an upper bound first: a centimetre is nowhere more than 1e-7 of a degree of latitude
    close = np.abs(np.diff(points, axis=0)).max(axis=1) < 2e-7
    if not close.any():
        return line
    kept = [line[0]]
    for at, near in enumerate(close.tolist(), 1):
        if near and apart(kept[-1], line[at]) < _DOUBLE_METRES:
            _flag(result, "DUPLICATES_REMOVED")
        else:
            kept.append(line[at])
    return kept


def _spikes(line: Ring, closed: bool, result: Checked) -> None:
    """Flag corners of less than a degree: most are a slip of the finger."""
    points = np.asarray(line)
    if closed:
        points = np.vstack([points, points[1]])
    if len(points) < 3:
        return
    steps = np.diff(points, axis=0) * [math.cos(math.radians(float(points[0, 1]))), 1.0]
    back, on = -steps[:-1], steps[1:]
    cross = back[:, 0] * on[:, 1] - back[:, 1] * on[:, 0]
    if (np.degrees(np.abs(np.arctan2(cross, (back * on).sum(axis=1)))) < _SPIKE_DEGREES).any():
        _flag(result, "SPIKE")


def _valid(kind: str, kept: Any, decimals: int, result: Checked) -> Any:
    match kind:
        case "Point":
            shape = shapely.Point(kept)
        case "LineString":
            shape = shapely.LineString(kept)
        case "Polygon":
            shape = shapely.Polygon(kept[0], kept[1:])
        case _:
            shape = shapely.MultiPolygon([(part[0], part[1:]) for part in kept])
    shape = shapely.transform(shape, lambda points: np.round(points, decimals))
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
    found = shapely.geometry.mapping(kept)
    return {"type": found["type"], "coordinates": _listed(found["coordinates"])}


def _listed(value: Any) -> Any:
    return [_listed(part) for part in value] if isinstance(value, list | tuple) else value


def _flag(result: Checked, flag: str) -> None:
    if flag not in result.flags:
        result.flags.append(flag)
