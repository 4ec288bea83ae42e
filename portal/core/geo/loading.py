"""Boundaries from files into a new dataset: GeoJSON (also gzipped) and GeoPackage.

Features name their unit by `pcode` and `parent`, or as OCHA's files do (`ADM2_PCODE`, `ADM2_EN`, `ADM2_AR`,
`ADM1_PCODE` …), and their level by `level` 1 to 4, by those names, or by the length of the code (YE11, YE1101,
YE110121). Units above that no file brings are made from the code. Nothing is written where a feature is at fault.
"""

import gzip
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import pyogrio
import shapely
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from portal.core.common import clock
from portal.core.common.errors import Conflict, Invalid
from portal.core.common.text import normalise
from portal.core.geo import country
from portal.core.geo.models import GeoDataset, GeoUnit, Level

LEVELS: Final = tuple(Level)
MOST_FAULTS: Final = 200
MOST_UNITS: Final = 100_000
MOST_BYTES: Final = 200 * 1024 * 1024
_LENGTHS: Final = {4: 0, 6: 1, 8: 2}
_BATCH: Final = 500
_LONGEST_LOAD: Final = timedelta(hours=1)

type Tell = Callable[[int, int], object]


@dataclass(slots=True)
class Unit:
    code: str
    level: int  # 0 governorate to 3 neighbourhood
    parent: str = ""
    name_en: str = ""
    name_ar: str = ""
    iso: str = ""
    shape: Any = None


@dataclass(slots=True)
class Plan:
    """What files hold: the units by code, and what is wrong with them."""

    units: dict[str, Unit] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Level -> how many units, how many with a boundary."""
        found = {level.value: {"units": 0, "boundaries": 0} for level in LEVELS}
        for unit in self.units.values():
            at = found[LEVELS[unit.level].value]
            at["units"] += 1
            at["boundaries"] += unit.shape is not None
        return found

    def fault(self, file: str, feature: int | None, message: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append({"file": file, "feature": feature, "message": message})


def read(files: Iterable[tuple[str, Path]]) -> Plan:
    """Read and check files, each with the name its owner gave it. Never raises for what is wrong in them."""
    plan = Plan()
    for name, path in files:
        try:
            features = list(_features(path))
        except (ValueError, OSError, EOFError, pyogrio.errors.DataSourceError, shapely.errors.ShapelyError) as error:
            plan.fault(name, None, _("This file cannot be read: %(reason)s") % {"reason": str(error)[:200]})
            continue
        for number, (about, shape) in enumerate(features, 1):
            _take(plan, name, number, about, shape)
    _ancestors(plan)
    _unions(plan)
    if not plan.units and not plan.faults:
        plan.fault("", None, _("There are no administrative units in it."))
    return plan


def dataset_create(*, name: str, version: str, credit: str = "") -> GeoDataset:
    """An empty dataset that is being loaded, in place of one that failed or that a broken job left behind. Raises
    Conflict for one that is there; needs a platform scope."""
    if not name.strip() or not version.strip():
        raise Invalid.field("version" if name.strip() else "name", _("Give the boundaries a name and an edition."))
    broken = Q(status=GeoDataset.Status.FAILED) | Q(
        status=GeoDataset.Status.LOADING, created_at__lt=clock.now() - _LONGEST_LOAD
    )
    try:
        with transaction.atomic():
            GeoDataset.objects.filter(broken, name=name.strip(), version=version.strip()).delete()
            return GeoDataset.objects.create(name=name.strip(), version=version.strip(), credit=credit.strip())
    except IntegrityError as error:
        raise Conflict(_("These boundaries are here already: %(name)s.") % {"name": f"{name} {version}"}) from error


@transaction.atomic
def dataset_fill(dataset: GeoDataset, plan: Plan, *, tell: Tell = lambda done, total: None) -> GeoDataset:
    """Write the units of `plan`; with faults none, and the dataset is marked as failed."""
    dataset.counts, dataset.faults = plan.counts, plan.faults
    if plan.faults:
        dataset.status = GeoDataset.Status.FAILED
    else:
        _write(dataset, plan, tell)
        dataset.status, dataset.progress = GeoDataset.Status.READY, 100
    dataset.save()
    return dataset


@transaction.atomic
def dataset_activate(dataset: GeoDataset) -> GeoDataset:
    """Put a dataset in force for everybody. Older decisions keep the edition that they were made with."""
    if dataset.status != GeoDataset.Status.READY:
        raise Conflict(_("Only boundaries that were loaded whole can be put in force."), code="NOT_READY")
    GeoDataset.objects.filter(active=True).exclude(pk=dataset.pk).update(active=False)
    dataset.active = True
    dataset.save(update_fields=["active", "updated_at"])
    return dataset


def _features(path: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """Properties and geometry of each feature. The kind of file is told by its first bytes, never by its name: GDAL
    would follow the addresses in some of the formats that it knows."""
    with path.open("rb") as file:
        head = file.read(100)
    if head[:16] == b"SQLite format 3\0":
        if head[68:72] != b"GPKG":
            raise ValueError(_("it is no GeoPackage"))
        yield from _geopackage(path)
        return
    yield from _geojson(path, packed=head[:2] == b"\x1f\x8b")


def _geojson(path: Path, *, packed: bool) -> Iterator[tuple[dict[str, Any], Any]]:
    with gzip.open(path) if packed else path.open("rb") as file:
        text = file.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise ValueError(_("it is too large"))
    found = orjson.loads(text)
    features = found.get("features") if isinstance(found, dict) else None
    if not isinstance(features, list):
        raise ValueError(_("it is no GeoJSON FeatureCollection"))
    for feature in features:
        given = feature if isinstance(feature, dict) else {}
        said = given.get("properties")
        about = {"id": given.get("id"), **(said if isinstance(said, dict) else {})}
        shape = given.get("geometry")
        yield about, None if shape is None else shapely.from_geojson(orjson.dumps(shape), on_invalid="ignore")


def _geopackage(path: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    for layer, _kind in pyogrio.list_layers(f"GPKG:{path}"):
        meta, _fids, shapes, columns = pyogrio.raw.read(f"GPKG:{path}", layer=layer, force_2d=True)
        crs = str(meta.get("crs") or "")
        if crs and crs.upper() not in ("EPSG:4326", "OGC:CRS84"):
            raise ValueError(_("its layer %(layer)s is in %(crs)s instead of WGS 84") % {"layer": layer, "crs": crs})
        names = [str(name) for name in meta["fields"]]
        for row in range(len(columns[0]) if columns else 0):
            about = {name: _plain(values[row]) for name, values in zip(names, columns, strict=True)}
            yield about, None if shapes is None or shapes[row] is None else shapely.from_wkb(shapes[row])


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and value != value else value


def _take(plan: Plan, file: str, number: int, about: Mapping[str, Any], shape: Any) -> None:
    unit = _unit({str(name).lower(): value for name, value in about.items()})
    if unit is None:
        plan.fault(file, number, _("It has no code (pcode) of which the level can be told."))
        return
    if shape is not None:
        said = _fault(shape)
        if said:
            plan.fault(file, number, f"{unit.code}: {said}")
            return
        unit.shape = shapely.normalize(shape) if shape.geom_type == "Polygon" else shape
    known = plan.units.setdefault(unit.code, unit)
    if known is not unit:
        if known.level != unit.level or (known.shape is not None and unit.shape is not None):
            plan.fault(file, number, _("The code %(code)s is there twice.") % {"code": unit.code})
            return
        for name in ("parent", "name_en", "name_ar", "iso", "shape"):
            if getattr(known, name) in ("", None):
                setattr(known, name, getattr(unit, name))
    if len(plan.units) > MOST_UNITS:
        plan.fault(file, number, _("There are too many units."))


def _unit(about: Mapping[str, Any]) -> Unit | None:
    def text(*names: str) -> str:
        return next((str(about[name]).strip() for name in names if about.get(name) not in (None, "")), "")

    level = next((n for n in (4, 3, 2, 1) if text(f"adm{n}_pcode")), 0)
    if level:
        return Unit(
            text(f"adm{level}_pcode"),
            level - 1,
            text(f"adm{level - 1}_pcode") if level > 1 else "",
            text(f"adm{level}_en", f"adm{level}_ref")[:200],
            text(f"adm{level}_ar")[:200],
            text("iso_3166_2", "iso_code", "iso"),
        )
    code = text("pcode", "code", "id")
    said = text("level", "admin_level", "adm_level")
    if said.isdigit() and 1 <= int(said) <= 4:
        place = int(said) - 1
    elif said in list(Level):
        place = LEVELS.index(Level(said))
    elif len(code) in _LENGTHS:
        place = _LENGTHS[len(code)]
    else:
        return None
    names = (text("name_en", "name", "name_latin")[:200], text("name_ar", "name_arabic")[:200])
    parent = text("parent", "parent_pcode", "parent_code") if place else ""
    return Unit(code, place, parent, *names, text("iso_3166_2", "iso_code", "iso")) if 0 < len(code) <= 40 else None


def _fault(shape: Any) -> str:
    """What is wrong with a boundary; empty where nothing is."""
    if shape.geom_type not in ("Polygon", "MultiPolygon") or shape.is_empty:
        return _("A boundary is a polygon.")
    west, south, east, north = shapely.bounds(shape)
    frame = country.FRAME
    if not (frame[0] <= west and frame[1] <= south and east <= frame[2] and north <= frame[3]):
        if frame[0] <= south and frame[1] <= west and north <= frame[2] and east <= frame[3]:
            return _("Longitude and latitude are swapped.")
        return _("The boundary leaves Yemen.")
    if shape.is_valid:
        return ""
    return _("The geometry is not valid: %(reason)s") % {"reason": shapely.is_valid_reason(shape)}


def _ancestors(plan: Plan) -> None:
    """Give every unit one on the level above: the one it names, else the one that its code begins with."""
    for unit in sorted(plan.units.values(), key=lambda unit: -unit.level):
        lower = unit
        while lower.level:
            if not lower.parent:
                lower.parent = lower.code[:-2]
            upper = plan.units.get(lower.parent)
            if upper is None:
                upper = plan.units[lower.parent] = Unit(lower.parent, lower.level - 1, name_en=lower.parent)
            if upper.level != lower.level - 1 or not lower.parent:
                said = _("%(code)s lies in %(parent)s, which is not on the level above.")
                plan.fault("", None, said % {"code": lower.code, "parent": lower.parent or "?"})
                return
            lower = upper


def _unions(plan: Plan) -> None:
    """The boundary of a unit whose parts have boundaries is their union."""
    for level in (1, 0):
        parts: dict[str, list[Any]] = defaultdict(list)
        for unit in plan.units.values():
            if unit.level == level + 1 and unit.shape is not None:
                parts[unit.parent].append(unit.shape)
        for code, shapes in parts.items():
            if code in plan.units:
                plan.units[code].shape = shapely.union_all(shapes)


def _write(dataset: GeoDataset, plan: Plan, tell: Tell) -> None:
    ids: dict[str, Any] = {}
    done = 0
    for level in range(len(LEVELS)):
        units = [unit for unit in plan.units.values() if unit.level == level]
        for start in range(0, len(units), _BATCH):
            rows = [_row(dataset, unit, ids) for unit in units[start : start + _BATCH]]
            GeoUnit.objects.bulk_create(rows)
            ids |= {row.code: row.pk for row in rows}
            done += len(rows)
            tell(done, len(plan.units))


def _row(dataset: GeoDataset, unit: Unit, ids: Mapping[str, Any]) -> GeoUnit:
    box = [None] * 4 if unit.shape is None else [float(edge) for edge in shapely.bounds(unit.shape)]
    english = unit.name_en or unit.name_ar or unit.code
    return GeoUnit(
        dataset=dataset,
        level=LEVELS[unit.level],
        code=unit.code,
        parent_id=ids[unit.parent] if unit.level else None,
        name_en=english,
        name_ar=unit.name_ar,
        search_text=normalise(f"{english} {unit.name_ar} {unit.code}"),
        iso_code=unit.iso[:6],
        boundary=None if unit.shape is None else shapely.to_wkb(unit.shape),
        has_boundary=unit.shape is not None,
        west=box[0],
        south=box[1],
        east=box[2],
        north=box[3],
    )
