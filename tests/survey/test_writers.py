"""Files of surveys, read back by GDAL: coordinates, texts, counts, in every format."""

import csv
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyogrio
import pyogrio.raw
import pytest
import shapely

from portal.survey.exports import writers
from portal.survey.exports.writers import Batch, Column, Layer

POINTS, PLOTS, LINES = writers.family(
    Layer(
        "points",
        "point",
        (
            Column("id", "id"),
            Column("pointNumber", "number", "whole"),
            Column("pointType", "type"),
            Column("featureCode", "code"),
            Column("description", "descriptio"),
            Column("elevation", "elevation", "real"),
            Column("isVerified", "verified", "truth"),
            Column("capturedAt", "captured", "time"),
            Column("flags", "flags"),
        ),
        number="pointNumber",
        code="featureCode",
        group="pointType",
        height="elevation",
    ),
    Layer(
        "polygons",
        "polygon",
        (Column("id", "id"), Column("area", "area_m2", "real"), Column("description", "descriptio")),
    ),
    Layer("lines", "line", (Column("id", "id"), Column("length", "length_m", "real"))),
)
PLACES = [(44.2064712, 15.3547219), (54.0213077, 12.4613341), (45.0309917, 12.7897113)]  # Sana'a, Socotra, Aden
WORDS = "=ركن\tالقطعة الشمالي 🧭 é"
AT = datetime(2026, 11, 21, 9, 15, tzinfo=UTC)
HOLED = shapely.Polygon(
    [(44.2, 15.3), (44.2, 15.302), (44.202, 15.302), (44.202, 15.3)],
    [[(44.2005, 15.3005), (44.201, 15.3005), (44.201, 15.301), (44.2005, 15.301)]],
)


def batches(*, times: int = 1) -> Iterator[Batch]:
    for turn in range(times):
        yield Batch(
            POINTS,
            [shapely.Point(place) for place in PLACES],
            [
                (
                    f"p{turn}-{n}",
                    n,
                    "corner",
                    "علامة",
                    WORDS,
                    [2250.5, None, 3.25][n],
                    [True, False, None][n],
                    AT,
                    ["A", "B"],
                )
                for n in range(3)
            ],
        )
    many = shapely.MultiPolygon([shapely.box(44.3, 15.3, 44.301, 15.301), shapely.box(44.4, 15.3, 44.401, 15.301)])
    yield Batch(PLOTS, [HOLED, many], [("g1", 500.125, "أرض"), ("g2", None, "")])
    yield Batch(LINES, [shapely.LineString([(44.2, 15.3), (44.21, 15.31)])], [("g3", 1531.7)])


def written(kind: str, folder: Path, **options: Any) -> Path:
    path = folder / f"survey.{writers.SUFFIXES.get(kind, kind)}"
    assert writers.write(kind, path, batches(**options)) == 3 * options.get("times", 1) + 3
    return path


def read(path: Path, layer: str) -> tuple[list[Any], dict[str, Any]]:
    source = f"/vsizip/{path}" if path.suffix == ".zip" else str(path)
    meta, _fids, shapes, values = pyogrio.raw.read(source, layer=layer)
    return list(shapely.from_wkb(shapes)), dict(zip(meta["fields"], values, strict=True))


# pyogrio reads columns of moments in a way that numpy is going to refuse; the files have none but as KML's own
@pytest.mark.filterwarnings("ignore:The 'generic' unit:DeprecationWarning")
@pytest.mark.parametrize("kind", ["geojson", "kml", "gpkg", "shp"])
def test_degrees_and_texts_come_back_from_gdal(kind: str, tmp_path: Path) -> None:
    path = written(kind, tmp_path)

    if kind == "geojson":
        shapes, fields = read(path, "survey")
        found = {"points": shapes[:3], "polygons": shapes[3:5], "lines": shapes[5:]}
    else:
        found, fields = {name: read(path, name)[0] for name in ("points", "polygons", "lines")}, read(path, "points")[1]

    for (x, y), point in zip(PLACES, found["points"], strict=True):
        assert abs(point.x - x) < 1e-7
        assert abs(point.y - y) < 1e-7
    assert found["polygons"][0].equals_exact(HOLED, 1e-7, normalize=True) or shapely.equals_exact(
        shapely.MultiPolygon([HOLED]).normalize(), found["polygons"][0].normalize(), 1e-7
    )
    assert found["polygons"][1].area == pytest.approx(2e-6)
    assert len(found["polygons"][1].geoms) == 2
    assert shapely.get_coordinates(found["lines"][0]).tolist() == [[44.2, 15.3], [44.21, 15.31]]
    said = fields["descriptio" if kind == "shp" else "description"][0]
    assert said == (WORDS if kind != "kml" else said)
    assert said.split() == WORDS.split()
    if kind in ("gpkg", "shp"):
        assert fields["elevation"].tolist()[0] == 2250.5
        assert np.isnan(fields["elevation"][1])
        assert [fields["isVerified" if kind == "gpkg" else "verified"][n] for n in range(3)] == ["true", "false", None]


def test_geojson_is_what_rfc_7946_wants(tmp_path: Path) -> None:
    found = orjson.loads(written("geojson", tmp_path).read_bytes())

    assert "crs" not in found
    assert found["type"] == "FeatureCollection"
    first, plot = found["features"][0], found["features"][3]
    assert first["geometry"] == {"type": "Point", "coordinates": list(PLACES[0])}
    assert first["id"] == "p0-0"
    assert first["properties"]["layer"] == "points"
    assert first["properties"]["isVerified"] is True
    assert first["properties"]["capturedAt"] == "2026-11-21T09:15:00Z"
    assert first["properties"]["flags"] == ["A", "B"]
    rings = plot["geometry"]["coordinates"]
    assert shapely.LinearRing(rings[0]).is_ccw
    assert not shapely.LinearRing(rings[1]).is_ccw


def test_csv_holds_utm_of_each_place_and_no_formula(tmp_path: Path) -> None:
    path = written("csv", tmp_path)

    assert path.read_bytes().startswith(b"\xef\xbb\xbflayer,id,pointNumber")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["utmZone"] for row in rows[:3]] == ["38N", "40N", "38N"]
    assert rows[1]["epsg"] == "32640"
    for row, place in zip(rows, PLACES, strict=False):
        east, north = writers.to_metres(np.array([place]), int(row["utmZone"][:2]))[0]
        assert abs(float(row["easting"]) - east) < 1e-3
        assert abs(float(row["northing"]) - north) < 1e-3
        assert abs(float(row["longitude"]) - place[0]) < 1e-7
        assert row["description"] == "'" + WORDS
    assert shapely.from_wkt(rows[3]["wkt"]).equals_exact(HOLED, 1e-7)
    assert rows[3]["pointNumber"] == ""


def test_dxf_has_a_layer_for_each_type_metres_and_labels(tmp_path: Path) -> None:
    path = tmp_path / "plan.dxf"
    writers.write("dxf", path, batches(), zone=38)

    shapes, fields = read(path, "entities")
    drawn = list(zip(fields["Layer"], fields["Text"], shapes, strict=True))
    points = [shape for layer, _text, shape in drawn if layer == "POINTS_CORNER"]
    for place, point in zip(PLACES, points, strict=True):
        assert np.abs(writers.to_metres(np.array([place]), 38)[0] - (point.x, point.y)).max() < 1e-3
    assert [point.z for point in points] == [2250.5, 0, 3.25]
    assert [text for layer, text, _shape in drawn if layer == "LABELS"] == ["0 علامة", "1 علامة", "2 علامة"]
    rings = [shape for layer, _text, shape in drawn if layer == "POLYGONS"]
    assert len(rings) == 4
    assert all(ring.is_ring for ring in rings)
    assert b"EPSG:32638" in path.read_bytes()[:80]


def test_a_shapefile_says_its_encoding_and_datum_and_appends(tmp_path: Path) -> None:
    path = written("shp", tmp_path, times=3)

    with zipfile.ZipFile(path) as archive:
        assert {name.partition(".")[0] for name in archive.namelist()} == {"points", "polygons", "lines"}
        assert archive.read("points.cpg") == b"UTF-8"
        assert b"WGS_1984" in archive.read("points.prj")
    shapes, fields = read(path, "points")
    assert len(shapes) == 9
    assert fields["id"].tolist()[-1] == "p2-2"
    assert all(len(name) <= 10 for name in fields)
    assert pyogrio.read_info(str(written("gpkg", tmp_path, times=3)), layer="points")["features"] == 9


@pytest.mark.parametrize("kind", writers.TYPES)
def test_nothing_surveyed_is_an_empty_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"none.{writers.SUFFIXES.get(kind, kind)}"

    assert writers.write(kind, path, [Batch(POINTS, [], [])]) == 0
    assert path.stat().st_size > 0
