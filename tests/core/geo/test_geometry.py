"""What clients send as GeoJSON, check by check (domain-survey section 5), and what it measures."""

import math
from typing import Any

import numpy as np
import pytest
import shapely
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from portal.core.geo import geometry, measures
from portal.core.geo.units import Index

pytestmark = pytest.mark.django_db
X, Y = 44.1, 15.3
SQUARE = [[X, Y], [X + 0.001, Y], [X + 0.001, Y + 0.001], [X, Y + 0.001], [X, Y]]


def deep(depth: int) -> Any:
    found: Any = [X, Y]
    for _level in range(depth):
        found = [found]
    return found


@pytest.mark.covers("004-VAL-01", "004-VAL-02", "004-VAL-04", "004-VAL-05", "C68", "C77")
@pytest.mark.parametrize(
    ("kind", "coordinates", "code", "word"),
    [
        ("Circle", [X, Y], "INVALID_GEOJSON", "Polygon"),
        (None, [X, Y], "INVALID_GEOJSON", "Polygon"),
        ("Point", None, "INVALID_GEOJSON", "lists"),
        ("Point", {"lat": X}, "INVALID_GEOJSON", "lists"),
        ("Point", [X], "INVALID_GEOJSON", "position"),
        ("Point", [X, Y, 3, 4], "INVALID_GEOJSON", "position"),
        ("Point", [[X, Y]], "INVALID_GEOJSON", "position"),
        ("Polygon", [X, Y], "INVALID_GEOJSON", "lists"),
        ("Polygon", [], "INVALID_GEOJSON", "no coordinates"),
        ("Polygon", [[]], "INVALID_GEOJSON", "no coordinates"),
        ("Point", ["44.1", "15.3"], "INVALID_GEOJSON", "numbers"),
        ("Point", [True, False], "INVALID_GEOJSON", "numbers"),
        ("Point", [float("nan"), Y], "INVALID_GEOJSON", "numbers"),
        ("Point", [float("inf"), Y], "INVALID_GEOJSON", "numbers"),
        ("Point", [10**400, Y], "INVALID_GEOJSON", "numbers"),
        ("Point", [X, Y, None], "INVALID_GEOJSON", "numbers"),
        ("Polygon", deep(5000), "INVALID_GEOJSON", "position"),
        ("MultiPolygon", deep(50), "INVALID_GEOJSON", "position"),
        ("LineString", [[X, Y]] * 10_001, "INVALID_GEOJSON", "10000"),
        ("Point", [0, 0], "GEOGRAPHIC_BOUNDS_ERROR", "no fix"),
        ("Point", [Y, X], "GEOGRAPHIC_BOUNDS_ERROR", "swapped"),
        ("Polygon", [[[y, x] for x, y in SQUARE]], "GEOGRAPHIC_BOUNDS_ERROR", "swapped"),
        ("Point", [2.35, 48.85], "GEOGRAPHIC_BOUNDS_ERROR", "outside of Yemen"),
        ("LineString", [[X, Y], [45.0, 12.2]], "GEOGRAPHIC_BOUNDS_ERROR", "outside of Yemen"),
        ("LineString", [[X, Y], [X, Y]], "INVALID_GEOJSON", "two different"),
        ("Polygon", [SQUARE[:4]], "INVALID_GEOJSON", "open"),
        ("Polygon", [[[X, Y], [X + 0.001, Y], [X, Y]]], "INVALID_GEOJSON", "three different"),
        ("Polygon", [[SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]], "INVALID_GEOJSON", "crosses"),
        ("Polygon", [SQUARE, [[x + 0.01, y] for x, y in SQUARE]], "INVALID_GEOJSON", "hole"),
        ("MultiPolygon", [[SQUARE], [SQUARE]], "INVALID_GEOJSON", ""),
    ],
)
def test_what_is_wrong_is_said_in_the_right_words(
    demo: Index, kind: Any, coordinates: Any, code: str, word: str
) -> None:
    found = geometry.check(kind, coordinates, boundaries=demo)

    (fault,) = found.errors
    assert (found.shape, found.coordinates, fault.code) == (None, [], code)
    assert word in fault.message
    if code == "GEOGRAPHIC_BOUNDS_ERROR":
        assert fault.at is not None


def test_messages_are_lazy_to_the_language(demo: Index) -> None:
    with translation.override("ar"):
        said = geometry.check("Point", [Y, X], boundaries=demo).errors[0].message
    assert said


def test_a_crossing_is_located_and_a_repair_is_offered_but_not_used(demo: Index) -> None:
    tie = [[X, Y], [X + 0.002, Y + 0.002], [X + 0.002, Y], [X, Y + 0.002], [X, Y]]

    found = geometry.check("Polygon", [tie], boundaries=demo)

    assert found.shape is None
    assert found.errors[0].at == pytest.approx([X + 0.001, Y + 0.001])
    assert found.suggestion is not None
    repaired = shapely.geometry.shape(found.suggestion)
    assert repaired.is_valid
    assert repaired.area == pytest.approx(2e-6, rel=1e-6)


def test_what_is_harmless_is_flagged(demo: Index) -> None:
    def flags(ring: Any, **more: Any) -> list[str]:
        found = geometry.check("Polygon", [ring], boundaries=demo, **more)
        assert found.errors == []
        assert found.shape.is_valid
        assert found.coordinates[0][0] == found.coordinates[0][-1]
        return found.flags

    near = [X + 2e-6, Y]  # 0.2 m from the beginning
    assert flags(SQUARE) == []
    assert flags(SQUARE[::-1]) == ["REORIENTED"]
    assert flags([*SQUARE[:4], near]) == ["RING_AUTOCLOSED"]
    assert len(geometry.check("Polygon", [[*SQUARE[:4], near]], boundaries=demo).coordinates[0]) == 5
    assert flags(SQUARE[:4], accuracy=60) == ["RING_AUTOCLOSED"]  # 110 m, but each end is 60 m uncertain
    assert geometry.check("Polygon", [SQUARE[:4]], accuracy=60, is_closed=False, boundaries=demo).errors
    assert flags([SQUARE[0], [X + 1e-9, Y], *SQUARE[1:]]) == ["DUPLICATES_REMOVED"]
    spike = [*SQUARE[:2], [X + 0.001, Y + 0.0005], [X + 0.002, Y + 0.0005], [X + 0.001, Y + 0.000501], *SQUARE[2:]]
    assert flags(spike) == ["SPIKE"]
    north = [[52.0, 19.031], [52.001, 19.031], [52.001, 19.04], [52.0, 19.04], [52.0, 19.031]]
    assert flags(north) == ["OUTSIDE_BORDER"]


def test_an_unfinished_geometry_needs_form_and_place_alone(demo: Index) -> None:
    open_ring = geometry.check("Polygon", [SQUARE[:3]], is_complete=False, boundaries=demo)
    assert (open_ring.errors, open_ring.coordinates, open_ring.shape) == ([], [SQUARE[:3]], None)
    assert geometry.check("Polygon", [[[Y, X]]], is_complete=False, boundaries=demo).errors


def test_positions_are_rounded_to_a_centimetre_or_a_millimetre(demo: Index) -> None:
    at = [44.123456789, 15.123456789, 2250.5]
    assert geometry.check("Point", at, boundaries=demo).coordinates == [44.1234568, 15.1234568]
    assert geometry.check("Point", at, decimals=8, boundaries=demo).coordinates == [44.12345679, 15.12345679]


@given(
    kind=st.sampled_from(sorted(geometry.DEPTHS)),
    value=st.recursive(st.sampled_from([None, True, "44.1", 10**400]) | st.floats(), st.lists, max_leaves=10),
)
def test_nothing_that_is_sent_breaks_the_check(kind: str, value: Any) -> None:
    class Everywhere:
        def covers(self, lons: Any, lats: Any) -> Any:
            return np.ones(len(lons), dtype=bool)

    class Land:
        land = Everywhere()

    found = geometry.check(kind, value, boundaries=Land())  # type: ignore[arg-type]
    assert bool(found.errors) != bool(found.coordinates)
    assert found.shape is None or found.shape.is_valid


# --- measures ------------------------------------------------------------------------------
def test_measures_are_those_of_the_ellipsoid() -> None:
    """The band of the ellipsoid between two parallels has a closed form, which a fine polygon approaches."""
    a, f = 6378137.0, 1 / 298.257223563
    e = math.sqrt(f * (2 - f))

    def band(lat: float) -> float:  # from the equator, for one radian of longitude
        s = math.sin(math.radians(lat))
        return a * a * (1 - e * e) / 2 * (s / (1 - (e * s) ** 2) + math.atanh(e * s) / e)

    south, north, wide = 15.0, 15.1, 0.1
    exact = math.radians(wide) * (band(north) - band(south))
    steps = np.linspace(0, wide, 2001)
    ring = [*((44 + x, south) for x in steps), *((44 + x, north) for x in steps[::-1])]

    found = measures.measure(shapely.Polygon(ring))

    assert found.area == pytest.approx(exact, rel=1e-9)
    assert found.length is None
    hole = shapely.box(44.02, 15.02, 44.04, 15.04)
    pierced = measures.measure(shapely.Polygon(ring, [hole.exterior.coords[::-1]]))
    assert pierced.area == pytest.approx(found.area - measures.measure(hole).area, rel=1e-12)
    # a degree of the meridian at 15° is 110 649 m, of the parallel 107 550 m
    line = measures.measure(shapely.LineString([(44, 14.5), (44, 15.5)]))
    assert line.length == pytest.approx(110_649, abs=2)
    assert measures.measure(shapely.Point(44, 15)) == measures.Measures()


@pytest.mark.parametrize("accuracy", [0.03, 0.5, 1.5])
def test_the_uncertainty_of_an_area_agrees_with_monte_carlo(accuracy: float) -> None:
    east, north = 1 / 107550.5, 1 / 110648.8
    corners = np.array([[0, 0], [20, 0], [22, 12], [20, 25], [0, 25]]) * [east, north] + [44, 15]
    random = np.random.default_rng(7)
    runs = corners + random.normal(0, accuracy, (20_000, 5, 2)) * [east, north]
    plane = (runs - [44, 15]) / [east, north]
    x, y = plane[..., 0], plane[..., 1]
    areas = np.abs((x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1)) / 2

    said = measures.area_uncertainty(shapely.Polygon(corners), accuracy)

    assert said == pytest.approx(areas.std(), rel=0.04)


def test_the_published_figures_of_a_plot() -> None:
    plot = shapely.box(44, 15, 44 + 20 / 107550.5, 15 + 25 / 110648.8)
    area = measures.measure(plot).area
    assert area == pytest.approx(500, rel=1e-4)
    for accuracy, percent in ((0.03, 0.2), (0.5, 3.2), (1.5, 9.5), (5, 32)):
        assert 100 * measures.area_uncertainty(plot, accuracy) / area == pytest.approx(percent, rel=0.06)


def test_zones_of_the_maps() -> None:
    assert [measures.utm_zone(lon) for lon in (42, 47.99, 48, 53.9, 54, 54.5)] == [38, 38, 39, 39, 40, 40]
    east, north = shapely.get_coordinates(measures.project(shapely.Point(45, 15)))[0]
    assert (round(east), round(north)) == (500000, 1658326)
