"""Sampling points on a map, each with its worst verdict in a period; many of them as groups on a grid.

Nothing of the map grows with the number of points: those that would lie on each other come as one group. From zoom
`SINGLE` on each point is on its own.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from portal.core.common.clock import wire
from portal.core.common.text import normalise
from portal.core.tenancy import scope

CELL_PIXELS: Final = 44
SINGLE: Final = 16
WORLD: Final = (-180.0, -90.0, 180.0, 90.0)
# Worst first; PENDING: nothing to judge yet, NONE: no sample in the period.
STATES: Final = ("FAIL", "INDETERMINATE", "INVESTIGATE", "WARNING", "PASS", "PENDING", "NONE")
_RANK: Final = (
    "coalesce(array_position(ARRAY['FAIL', 'INDETERMINATE', 'INVESTIGATE', 'WARNING', 'PASS', 'PENDING'],"
    " upper({value})), 6)"
)
_UNDER: Final = (
    "(SELECT v->>'verdict' FROM jsonb_array_elements({row}.verdicts) v WHERE v->>'standard' = %(standard)s"
    " ORDER BY array_position(ARRAY['FAIL', 'INDETERMINATE', 'INVESTIGATE', 'WARNING', 'PASS'], v->>'verdict') LIMIT 1)"
)
_SQL: Final = """
WITH place AS MATERIALIZED (
    SELECT id, code, name, type, city, latitude, longitude FROM lab_samplingpoint
    WHERE organization_id = %(organization)s AND is_active AND latitude IS NOT NULL
      AND longitude BETWEEN %(west)s AND %(east)s AND latitude BETWEEN %(south)s AND %(north)s
      AND (%(type)s = '' OR type = %(type)s)
      AND (%(search)s = '' OR strpos(search_text, %(search)s) > 0)
), judged AS (
    SELECT s.sampling_point_id AS id, count(DISTINCT s.id) AS samples, max(s.collection_date) AS last,
           min({rank}) AS worst, count(*) FILTER (WHERE {rank} = 1) AS failing
    FROM lab_sample s {results}
    WHERE s.organization_id = %(organization)s AND s.deleted_at IS NULL AND s.status <> 'rejected'
      AND s.sampling_point_id IN (SELECT id FROM place)
      AND (%(since)s::timestamptz IS NULL OR s.collection_date >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR s.collection_date < %(until)s)
    GROUP BY 1
), found AS (
    SELECT p.*, coalesce(j.samples, 0) AS samples, j.last, coalesce(j.worst, 7) AS worst,
           coalesce(j.failing, 0) AS failing
    FROM place p LEFT JOIN judged j USING (id)
    WHERE %(states)s::int[] IS NULL OR coalesce(j.worst, 7) = ANY(%(states)s)
)
"""
_RESULTS: Final = """JOIN lab_result r ON r.sample_id = s.id AND r.organization_id = %(organization)s
    AND r.deleted_at IS NULL AND r.parameter_id = %(parameter)s
    AND NOT EXISTS (SELECT FROM lab_result n WHERE n.organization_id = %(organization)s AND n.sample_id = s.id
                    AND n.replaces_id = r.id AND n.deleted_at IS NULL)"""
_GRID: Final = """
SELECT count(*), avg(longitude), avg(latitude), min(longitude), min(latitude),
       max(longitude), max(latitude), min(worst),
       (SELECT jsonb_object_agg(w, n)::text
        FROM (SELECT w, count(*) AS n FROM unnest(array_agg(worst)) w GROUP BY w) x),
       (array_agg(id))[1], min(code), min(name), min(type), min(samples), max(last), min(failing)
FROM found GROUP BY floor(longitude / %(cell)s), floor(latitude / %(cell)s), CASE WHEN %(single)s THEN id END
ORDER BY 8, 11 LIMIT 4000
"""
_ROWS: Final = """
SELECT id, code, name, type, city, latitude, longitude, samples, last, worst, failing, count(*) OVER () AS total
FROM found ORDER BY worst, failing DESC, name, id LIMIT %(limit)s OFFSET %(offset)s
"""
_COUNTS: Final = """
SELECT count(*), min(longitude), min(latitude), max(longitude), max(latitude),
       (SELECT jsonb_object_agg(worst, n)::text FROM (SELECT worst, count(*) AS n FROM found GROUP BY worst) x)
FROM found
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the points are judged by: the samples from `since` on and before `until`; under one standard, else by the
    compliance status; by one parameter, else by whole samples. `states` keeps points whose worst verdict is one of
    these."""

    since: datetime | None = None
    until: datetime | None = None
    standard: str = ""
    parameter: UUID | None = None
    type: str = ""
    search: str = ""
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    id: UUID
    code: str
    name: str
    type: str
    city: str
    latitude: float
    longitude: float
    samples: int
    last: datetime | None
    state: str
    failing: int  # samples or, by one parameter, results


@dataclass(frozen=True, slots=True)
class Overview:
    total: int
    box: tuple[float, float, float, float] | None  # west, south, east, north of all points
    states: dict[str, int]


def features(wanted: Wanted, *, box: tuple[float, float, float, float] = WORLD, zoom: int = 5) -> dict[str, Any]:
    """GeoJSON of what is in sight: points, and groups with `count` and `states` where several share a cell."""
    rows = _run(_GRID, wanted, box, cell=360 * CELL_PIXELS / (256 * 2**zoom), single=zoom >= SINGLE)
    made: list[dict[str, Any]] = []
    for count, x, y, west, south, east, north, worst, states, id, code, name, type, samples, last, failing in rows:
        about: dict[str, Any] = {"state": STATES[worst - 1]}
        if count == 1:
            about |= {"id": str(id), "code": code, "name": name, "type": type, "samples": samples, "failing": failing}
            about["last"] = wire(last)
        else:
            about |= {"count": count, "box": [west, south, east, north], "states": _named(states)}
        where = {"type": "Point", "coordinates": [round(x, 6), round(y, 6)]}
        made.append({"type": "Feature", "geometry": where, "properties": about})
    return {"type": "FeatureCollection", "features": made}


def place_list(wanted: Wanted, *, limit: int, offset: int = 0) -> tuple[list[Place], int]:
    """The points with the worst first, and how many there are."""
    rows = _run(_ROWS, wanted, WORLD, limit=limit, offset=offset)
    places = [Place(*(*row[:9], STATES[row[9] - 1], row[10])) for row in rows]
    return places, rows[0][-1] if rows else 0


def overview(wanted: Wanted) -> Overview:
    total, west, south, east, north, states = _run(_COUNTS, wanted, WORLD)[0]
    return Overview(total, (west, south, east, north) if total else None, _named(states))


def _named(counts: str | None) -> dict[str, int]:
    """Counts by rank as counts by state, worst first."""
    found = {int(rank): count for rank, count in json.loads(counts or "{}").items()}
    return {state: found[rank] for rank, state in enumerate(STATES, 1) if rank in found}


def _run(tail: str, wanted: Wanted, box: Iterable[float], **more: Any) -> list[tuple[Any, ...]]:
    row = "r" if wanted.parameter else "s"
    value = _UNDER.format(row=row) if wanted.standard else f"{row}.compliance_status"
    sql = _SQL.format(rank=_RANK.format(value=value), results=_RESULTS if wanted.parameter else "")
    west, south, east, north = box
    values: dict[str, Any] = {
        "organization": scope.organization_id(),
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "since": wanted.since,
        "until": wanted.until,
        "standard": wanted.standard,
        "parameter": wanted.parameter,
        "type": wanted.type,
        "search": normalise(wanted.search),
        "states": [STATES.index(state) + 1 for state in wanted.states] or None,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql + tail, values | more)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
