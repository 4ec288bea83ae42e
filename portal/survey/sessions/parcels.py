"""Parcels and their neighbours, areas against claims, the quality of points and sessions: rows in, findings out.

The rules are those of `portal.survey.science`; here the rows that they need are fetched, once for a batch.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
import orjson
import shapely
import shapely.geometry
from django.db import connection
from django.db.models import Avg
from shapely.errors import GEOSException

from portal.core.common import clock
from portal.core.geo import units
from portal.core.sync.registry import Row
from portal.core.tenancy import scope
from portal.survey.flags import codes, finding, level_of
from portal.survey.science import quality as marks
from portal.survey.science import spoof, topology
from portal.survey.science.topology import Parcel
from portal.survey.sessions import tiles
from portal.survey.sessions.models import SurveyPoint

_SLIGHT: Final = 0.01  # of the server's area
_MUCH: Final = 0.05
_SQUARE_METRE: Final = 1.0
_TOPOLOGY: Final = frozenset(
    {
        "OVERLAP",
        "SLIVER_OVERLAP",
        "GAP",
        "DUPLICATE",
        "BUILDING_OUTSIDE_PARCEL",
        "CROSSES_DISTRICT_LINE",
        "NEIGHBOURS_UNKNOWN",
    }
)
_AROUND: Final = 1e-5  # degrees: neighbours within a metre count
_WHO: Final = "boundary"  # the kind of feature that is a parcel
# Sessions whose parcels nobody is held against.
_CLOSED: Final = ["rejected", "abandoned", "superseded"]


def area_findings(row: Row) -> list[dict[str, Any]]:
    """The device's area against the server's (`domain-survey.md` section 4)."""
    said, made = row["client_area"], row["area"]
    if said is None or made is None:
        return []
    off = abs(said - made)
    share = off / max(made, 1e-9)
    if off <= _SQUARE_METRE or share <= _SLIGHT:
        return []
    code = "AREA_MISMATCH" if share <= _MUCH else "AREA_MISMATCH_MAJOR"
    return [finding(code, clientArea=said, area=round(made, 3), percent=round(100 * share, 2))]


def accuracies(sessions: set[UUID]) -> dict[UUID, float]:
    """The mean accuracy of the measured points of each session, for the corners of its shapes (metres)."""
    rows = SurveyPoint.objects.filter(session__in=sessions, deleted_at=None, horizontal_accuracy__isnull=False)
    return dict(rows.order_by().values_list("session_id").annotate(mean=Avg("horizontal_accuracy")))


# --- neighbours -------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Around:
    """The parcels near those of a batch, its own among them, and a tree over their boxes."""

    parcels: list[Parcel]
    tree: Any

    def of(self, shape: Any) -> list[Parcel]:
        west, south, east, north = shapely.bounds(shape)
        box = shapely.box(west - _AROUND, south - _AROUND, east + _AROUND, north + _AROUND)
        return [self.parcels[at] for at in sorted(self.tree.query(box).tolist())]


def topology_of(rows: Mapping[UUID, Row], shapes: Mapping[UUID, Any], found: dict[UUID, list[dict[str, Any]]]) -> None:
    """Add what the polygons among `rows` do to their neighbours, in the session, in the batch and everywhere else."""
    polygons = {id: shape for id, shape in shapes.items() if id in rows and shape.geom_type.endswith("Polygon")}
    wanted = {id: shape for id, shape in polygons.items() if rows[id]["feature_type"] in (_WHO, "building")}
    if not wanted:
        return
    around = _around(rows, wanted)
    for id, shape in wanted.items():
        row, near = rows[id], around.of(shape)
        parcel = _parcel(row, shape)
        try:
            if row["feature_type"] == _WHO:
                seen = topology.neighbours(parcel, near)
            else:
                seen = _outside(shape, parcel.accuracy, near)
            found[id] += [_told(entry) for entry in seen]
        except GEOSException:  # shapes that the library cannot overlay are kept all the same
            found[id].append(finding("NEIGHBOURS_UNKNOWN"))
    _crossings({id: shape for id, shape in wanted.items() if rows[id]["feature_type"] == _WHO}, rows, found)


def _parcel(row: Row, shape: Any) -> Parcel:
    return Parcel(row["id"], shape, row["accuracy"] or 0.0, row["area_uncertainty"] or 0.0)


def _around(rows: Mapping[UUID, Row], wanted: Mapping[UUID, Any]) -> _Around:
    own = {id: _parcel(rows[id], shape) for id, shape in wanted.items() if rows[id]["feature_type"] == _WHO}
    wider = shapely.bounds(list(wanted.values())) + np.array([-_AROUND, -_AROUND, _AROUND, _AROUND])
    stored = [parcel for parcel in _stored([tuple(box) for box in wider.tolist()]) if parcel.id not in rows]
    parcels = [*own.values(), *stored]
    return _Around(parcels, shapely.STRtree([parcel.shape for parcel in parcels]))


_NEAR: Final = """
SELECT g.id, g.west, g.south, g.east, g.north
FROM unnest(%s::bigint[], %s::bigint[]) t (low, high)
JOIN survey_surveygeometry g ON g.organization_id = %s AND g.cell BETWEEN t.low AND t.high AND g.deleted_at IS NULL
WHERE g.feature_type = %s AND g.geometry_type IN ('Polygon', 'MultiPolygon') AND g.is_complete
"""
_SHAPES: Final = """
SELECT g.id, g.geometry_type, g.coordinates::text, coalesce(g.accuracy, 0), coalesce(g.area_uncertainty, 0)
FROM survey_surveygeometry g JOIN survey_surveysession s ON s.id = g.session_id
WHERE g.organization_id = %s AND g.id = ANY(%s) AND s.deleted_at IS NULL AND NOT s.status = ANY(%s)
"""


def _stored(boxes: Sequence[tiles.Box]) -> list[Parcel]:
    """The stored parcels whose boxes meet one of `boxes`. Two statements, whatever the number of boxes."""
    low, high = zip(*tiles.ranges(boxes), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, [list(low), list(high), scope.organization_id(), _WHO])
        near = {id: box for id, *box in cursor.fetchall()}
        if not near:
            return []
        ids = list(near)
        tree = shapely.STRtree(shapely.box(*np.array(boxes).T))
        hits = np.unique(tree.query(shapely.box(*np.array([near[id] for id in ids]).T))[0])
        cursor.execute(_SHAPES, [scope.organization_id(), [ids[at] for at in hits.tolist()], _CLOSED])
        return [
            Parcel(id, _shape(kind, orjson.loads(text)), accuracy, unsure)
            for id, kind, text, accuracy, unsure in cursor.fetchall()
        ]


def _shape(kind: str, coordinates: Any) -> Any:
    if kind == "Polygon":
        return shapely.Polygon(coordinates[0], coordinates[1:])
    return shapely.geometry.shape({"type": kind, "coordinates": coordinates})


def _outside(building: Any, accuracy: float, near: Sequence[Parcel]) -> list[topology.Finding]:
    """A building belongs to the parcel that holds most of it; on no parcel at all there is nothing to say."""
    shared = [(float(shapely.area(shapely.intersection(building, parcel.shape))), at) for at, parcel in enumerate(near)]
    most, at = max(shared, default=(0.0, 0))
    seen = topology.building_outside(building, near[at], accuracy=accuracy) if most > 0 else None
    return [seen] if seen else []


def _crossings(parcels: Mapping[UUID, Any], rows: Mapping[UUID, Row], found: dict[UUID, list[dict[str, Any]]]) -> None:
    """Parcels over the line between two districts: those whose corners lie in several."""
    if not parcels:
        return
    corners, of = shapely.get_coordinates(list(parcels.values()), return_index=True)
    places = units.locate(corners[:, 0], corners[:, 1])
    districts: dict[int, set[UUID]] = defaultdict(set)
    for place, at in zip(places, of.tolist(), strict=True):
        if place.district:
            districts[at].add(place.district)
    for at, (id, shape) in enumerate(parcels.items()):
        if len(districts[at]) > 1:
            regions: dict[object, Any] = {unit: units.unit_shape(unit) for unit in sorted(districts[at])}
            found[id] += [_told(entry) for entry in topology.crossing(_parcel(rows[id], shape), regions)]


def _told(entry: topology.Finding) -> dict[str, Any]:
    drawn = shapely.geometry.mapping(shapely.transform(entry.shape, lambda points: np.round(points, 8)))
    return finding(
        entry.code,
        other=str(entry.other) if entry.other else None,
        area=round(entry.area, 3),
        width=round(entry.width, 3),
        shape={"type": drawn["type"], "coordinates": drawn.get("coordinates", [])},
    )


def reviewed(rows: Iterable[Row]) -> list[Row]:
    """Those of a session's shapes whose findings about their neighbours are other ones by now, with the new ones."""
    known = {row["id"]: row for row in rows if row["is_complete"] and row["geometry_type"].endswith("Polygon")}
    shapes = {id: _shape(row["geometry_type"], row["coordinates"]) for id, row in known.items()}
    found: dict[UUID, list[dict[str, Any]]] = {
        id: [entry for entry in row["findings"] if entry["code"] not in _TOPOLOGY] for id, row in known.items()
    }
    topology_of(known, shapes, found)
    changed = []
    for id, row in known.items():
        now = orjson.loads(orjson.dumps(found[id]))
        if now != row["findings"]:
            row |= {"findings": now, "flags": codes(now)}
            changed.append(row)
    return changed


# --- quality ----------------------------------------------------------------------------------------------------------
def _mocked(row: Row) -> bool:
    return row["receiver"].get("isMocked") is True


def _number(row: Row, name: str) -> float | None:
    value = row["receiver"].get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def point_quality(row: Row) -> float:
    fix = marks.Fix(
        source=row["gps_source"],
        accuracy=row["horizontal_accuracy"],
        hdop=_number(row, "hdop"),
        age=_number(row, "fixAge"),
        mocked=_mocked(row),
    )
    return round(marks.point_score(fix), 4)


def point_findings(row: Row) -> list[dict[str, Any]]:
    """What one point says of itself. External receivers feed phones through the mock provider: of them it is usual."""
    found = []
    if _mocked(row) and row["gps_source"] == "device":
        found.append(finding("MOCK_LOCATION"))
    if row["horizontal_accuracy"] == 0:
        found.append(finding("ZERO_ACCURACY"))
    return found


@dataclass(frozen=True, slots=True)
class Judged:
    score: float
    breakdown: dict[str, Any]
    findings: list[dict[str, Any]] = field(default_factory=list)


def session_quality(
    session: Row, points: Sequence[Row], shapes: Sequence[Row], media: Sequence[Row], *, needed: int
) -> Judged:
    """The score of a session, its parts, and what is to be said of it as a whole. `needed`: how many things the
    application asks for."""
    signs = spoof.signals(
        [_fix(row) for row in sorted(points, key=lambda row: (row["captured_at"], row["number"]))],
        received=clock.now(),
        photo_distances=[(row["apart"], row["capture_accuracy"] or 0.0) for row in media if row["apart"] is not None],
        photos_reused=sum("PHOTO_REUSED" in row["flags"] for row in media),
    )
    found = [finding(code, count=len(places), places=places[:50]) for code, places in signs.found.items()]
    for row in (*points, *shapes, *media):
        found += [{"code": code, "level": level_of(code)} for code in row["flags"] if level_of(code) == "major"]
    found = list({entry["code"]: entry for entry in reversed(found)}.values())[::-1]
    if session["survey_type"] == "cadastral_survey" and (unsure := _uncertain(shapes)):
        found.append(finding("AREA_UNCERTAIN", percent=unsure))
    made = marks.session_quality(
        [row["quality"] or 0.0 for row in points],
        geometry=_share(shapes, lambda row: not any(level_of(code) == "major" for code in row["flags"]), 1.0),
        completeness=_completeness(points, shapes, media, needed),
        media=_share(media, lambda row: row["status"] == "available" and not _differs(row), 1.0),
        spoof=signs.score,
        errors=any(entry["level"] == "major" for entry in found),
    )
    breakdown: dict[str, Any] = {
        name: {"share": share, "weight": marks.WEIGHTS[name], "points": round(100 * share * marks.WEIGHTS[name], 2)}
        for name, share in made.breakdown.items()
    }
    claimed = session["client_quality_score"]
    breakdown |= {"capped": made.capped, "difference": None if claimed is None else round(made.score - claimed, 1)}
    return Judged(made.score, breakdown, found)


def _fix(row: Row) -> spoof.Fix:
    return spoof.Fix(
        lon=row["longitude"],
        lat=row["latitude"],
        at=row["captured_at"],
        accuracy=row["horizontal_accuracy"],
        altitude=row["elevation"],
        mocked=_mocked(row),
        source=row["gps_source"],
        gnss_at=_moment(row, "gnssTime"),
        device_at=_moment(row, "deviceTime"),
    )


def _moment(row: Row, name: str) -> datetime | None:
    return clock.parse_moment(row["receiver"].get(name))


def _share(rows: Sequence[Row], good: Any, empty: float) -> float:
    return sum(bool(good(row)) for row in rows) / len(rows) if rows else empty


def _differs(row: Row) -> bool:
    return bool({"EXIF_LOCATION_MISMATCH", "EXIF_TIME_MISMATCH", "PHOTO_REUSED"} & set(row["flags"]))


def _completeness(points: Sequence[Row], shapes: Sequence[Row], media: Sequence[Row], needed: int) -> float:
    """Points, finished shapes, photos, and one photo or document for each requirement."""
    parts = [bool(points), bool(shapes) and all(row["is_complete"] for row in shapes), bool(media)]
    if needed:
        parts.append(min(1.0, len(media) / needed))  # type: ignore[arg-type]
    return float(sum(parts) / len(parts))


_MOST_UNCERTAIN: Final = 5.0  # percent of the area of a parcel (two standard deviations)


def _uncertain(shapes: Sequence[Row]) -> float | None:
    """The largest share (%) by which a parcel's area is uncertain, where that is too much for a cadastral survey."""
    shares = [
        200 * row["area_uncertainty"] / row["area"]
        for row in shapes
        if row["feature_type"] == _WHO and row["area"] and row["area_uncertainty"] is not None
    ]
    worst = max(shares, default=0.0)
    return round(worst, 1) if worst > _MOST_UNCERTAIN else None
