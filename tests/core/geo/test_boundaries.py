"""Where points lie, by the real boundaries where they lie beside the repository, else by the demo's."""

import gzip
from collections import defaultdict
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import orjson
import pyogrio
import pytest
import shapely
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from portal.core.common.errors import Conflict
from portal.core.geo import demo_set, loading, units
from portal.core.geo.models import GeoDataset, GeoUnit
from portal.core.geo.regions import GEOD
from portal.core.geo.units import Index
from portal.core.tenancy.scope import platform
from tests.lab.public_data import DATA

pytestmark = pytest.mark.django_db
FILES = ("yemen_adm1_cod2019_simplified.geojson", "yemen_adm2_cod2019_simplified.geojson")
HIGH = "yemen_adm3_cod2019_highres.geojson.gz"
EACH = 1000 if hypothesis.settings.default.max_examples >= 1000 else 50  # HYPOTHESIS_PROFILE=full


def source_files(folder: Path) -> list[tuple[str, Path]]:
    """The real boundaries, or the demo's as a file of the same layout."""
    if (DATA / HIGH).exists():
        return [(name, DATA / name) for name in (*FILES, HIGH)]
    features = [
        {
            "type": "Feature",
            "geometry": orjson.loads(shapely.to_geojson(unit.shape)),
            "properties": {"pcode": unit.code, "parent": unit.parent, "level": unit.level + 1, "name_en": unit.name_en},
        }
        for unit in demo_set.plan().units.values()
        if unit.level == 2
    ]
    path = folder / "demo.geojson"
    path.write_bytes(orjson.dumps({"type": "FeatureCollection", "features": features}))
    return [("demo.geojson", path)]


def points_over(shapes: list[Any], count: int, seed: int) -> tuple[Any, Any]:
    """Random places of the box around some shapes, the land of others and the sea included."""
    west, south, east, north = shapely.total_bounds(shapes)
    random = np.random.default_rng(seed)
    return random.uniform(west, east, count), random.uniform(south, north, count)


@pytest.mark.covers("004-VAL-02", "004-VAL-05", "004-LBAC-06")
def test_every_point_is_decided_as_the_source_decides(tmp_path: Path) -> None:
    files = source_files(tmp_path)
    with platform():
        made = loading.dataset_create(name="COD-AB", version="2019-10-02")
        loading.dataset_fill(made, loading.read(files))
        assert (made.status, made.faults) == ("ready", [])
        loading.dataset_activate(made)
    path = files[-1][1]
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    source = orjson.loads(text)["features"]
    shapes = shapely.from_geojson([orjson.dumps(one["geometry"]).decode() for one in source])
    codes = [one["properties"]["pcode"] for one in source]
    by_governorate: dict[str, list[int]] = defaultdict(list)
    for at, code in enumerate(codes):
        by_governorate[code[:4]].append(at)
    names = dict(GeoUnit.objects.filter(dataset=made).values_list("id", "code"))

    index = units.index()
    decided = wrong = 0
    for seed, (governorate, members) in enumerate(sorted(by_governorate.items())):
        x, y = points_over([shapes[at] for at in members], EACH, seed)
        said = index.locate(x, y)
        here = shapely.points(x, y)
        holds = np.zeros((len(members), EACH), dtype=bool)
        for row, at in enumerate(members):  # shapely on the source's own polygon, without any index of ours
            holds[row] = shapely.intersects(shapes[at], here)
        for column, place in enumerate(said):
            expected = {codes[members[row]] for row in np.flatnonzero(holds[:, column])}
            found = names.get(place.sub_district, "") if place.sub_district else ""
            inside = found[:4] == governorate
            decided += 1
            wrong += (found not in expected) if expected else inside
            if expected:
                assert (names[place.governorate], names[place.district]) == (governorate, found[:6])
    assert (decided, wrong) == (EACH * len(by_governorate), 0)

    whole = shapely.union_all(shapes)
    if len(shapes) > 1000:
        assert whole.symmetric_difference(index.land.shape).area < 1e-9
        assert (made.counts["sub_district"], made.counts["governorate"]["units"]) == (
            {"units": 2149, "boundaries": 2149},
            22,
        )
        assert GeoUnit.objects.get(dataset=made, code="YE11").iso_code == "YE-IB"


def test_the_country_has_a_border_of_five_kilometres_and_swapped_axes_are_told(demo: Index) -> None:
    def where(lon: float, lat: float) -> str:
        return units.bounds(lon, lat).where

    assert where(44.19, 15.36) == "inside"
    assert where(15.36, 44.19) == "swapped"
    assert where(0, 0) == "zero"
    assert where(2.35, 48.85) == "outside"  # Paris
    assert where(48.85, 2.35) == "outside"  # and swapped
    assert where(45.0, 12.2) == "outside"  # the sea south of Aden
    assert units.bounds(52.0, 19.05).where == "border"
    assert units.bounds(2.35, 48.85).distance == pytest.approx(5_050_000, rel=0.01)
    assert "swapped" in units.bounds(15.36, 44.19).message


def test_distances_are_geodesic(demo: Index) -> None:
    unit = GeoUnit.objects.get(code="XY110101", dataset=demo.id)
    shape = units.unit_shape(unit.pk)
    lon, lat = min(shape.exterior.coords)
    for metres in (3, 199, 201, 4999, 80_000):
        east, north, _back = GEOD.fwd(lon, lat, 270, metres)
        assert units.distance(unit.pk, east, north) == pytest.approx(metres, rel=2e-3, abs=0.5)
    assert units.distance(unit.pk, 44.0, 15.2) == 0
    nearest = units.region(unit.pk)
    assert nearest is not None
    assert nearest.nearest(44.0, 15.2) == (44.0, 15.2)


def test_a_newer_edition_changes_no_older_rows_and_the_platform_alone_writes(demo: Index, tmp_path: Path) -> None:
    before = list(GeoUnit.objects.filter(dataset=demo.id).order_by("pk").values())

    def load(features: list[dict[str, Any]], version: str) -> GeoDataset:
        path = tmp_path / f"{version}.geojson"
        path.write_bytes(orjson.dumps({"type": "FeatureCollection", "features": features}))
        with platform():
            made = loading.dataset_create(name="Mine", version=version)
            return loading.dataset_fill(made, loading.read([(path.name, path)]))

    def feature(code: str, west: float, south: float, **about: Any) -> dict[str, Any]:
        shape = shapely.box(west, south, west + 0.1, south + 0.1)
        geometry = about.pop("geometry", orjson.loads(shapely.to_geojson(shape)))
        return {"type": "Feature", "geometry": geometry, "properties": {"pcode": code} | about}

    made = load([feature("YE990101", 44.0, 15.2, name_ar="سَنحان"), feature("YE990102", 44.1, 15.2)], "1")
    assert made.status == "ready"
    assert made.counts["governorate"] == {"units": 1, "boundaries": 1}  # made from the codes
    with platform():
        loading.dataset_activate(made)
    place = units.locate([44.05], [15.25])[0]
    assert (place.version, GeoUnit.objects.get(pk=place.district).code) == ("1", "YE9901")
    assert GeoUnit.objects.get(code="YE990101").search_text.startswith("سنحان")
    assert list(GeoUnit.objects.filter(dataset=demo.id).order_by("pk").values()) == before
    assert units.index(demo.id).locate([44.0], [15.2])[0].governorate != place.governorate

    bowtie = {"type": "Polygon", "coordinates": [[[44, 15], [44.1, 15.1], [44.1, 15], [44, 15.1], [44, 15]]]}
    failed = load(
        [
            feature("YE980101", 44.2, 15.2),
            feature("YE980101", 44.4, 15.2),
            feature("YE980102", 15.2, 44.2),
            feature("YE980103", 2, 48),
            feature("YE980104", 44, 15, geometry=bowtie),
            feature("YE980105", 44, 15, geometry={"type": "Point", "coordinates": [44, 15]}),
            feature("", 44.6, 15.2),
        ],
        "2",
    )
    assert failed.status == "failed"
    said = [(fault["feature"], fault["message"]) for fault in failed.faults]
    assert [number for number, _message in said] == [2, 3, 4, 5, 6, 7]
    assert "swapped" in said[1][1]
    assert "Self-intersection" in said[3][1]
    assert not GeoUnit.objects.filter(dataset=failed).exists()
    with pytest.raises(Conflict), platform():
        loading.dataset_activate(failed)
    assert load([feature("YE980101", 44.2, 15.2)], "2").status == "ready"  # the corrected file
    with pytest.raises(Conflict):
        load([], "2")

    call_command("load_boundaries", str(tmp_path / "1.geojson"), name="Mine", version="2026-11-21", verbosity=0)
    assert units.index().version == "2026-11-21"
    with pytest.raises(CommandError, match="here already"):
        call_command("load_boundaries", str(tmp_path / "1.geojson"), name="Mine", version="2026-11-21")

    garbage = tmp_path / "x.gpkg"
    garbage.write_bytes(b"<OGRVRTDataSource/>")
    assert len(loading.read([("x.gpkg", garbage)]).faults) == 1

    with pytest.raises(DatabaseError), transaction.atomic():
        GeoDataset.objects.create(name="by the way", version="1")
    assert GeoUnit.objects.filter(dataset=demo.id).update(name_en="mine") == 0


def test_a_geopackage_is_read_with_all_of_its_layers(tmp_path: Path) -> None:
    path = tmp_path / "units.gpkg"
    for layer, code, shape in (
        ("adm1", "YE97", shapely.box(44, 15, 44.4, 15.4)),
        ("adm2", "YE9701", shapely.box(44, 15, 44.2, 15.4)),
    ):
        pyogrio.raw.write(
            path,
            np.array([shapely.to_wkb(shape)], dtype=object),
            [np.array([code], dtype=object), np.array(["Name"], dtype=object)],
            ["pcode", "name_en"],
            layer=layer,
            driver="GPKG",
            geometry_type="Polygon",
            crs="EPSG:4326",
            append=path.exists(),
        )

    plan = loading.read([("units.gpkg", path)])

    assert (plan.faults, sorted(plan.units)) == ([], ["YE97", "YE9701"])
    assert plan.units["YE97"].shape.area == pytest.approx(0.08)  # the union of its parts


def test_looking_up_points_takes_no_query(demo: Index, django_assert_num_queries: Any) -> None:
    random = np.random.default_rng(1)
    with django_assert_num_queries(0):
        demo.locate(random.uniform(43.9, 44.5, 200), random.uniform(15.1, 15.5, 200))
