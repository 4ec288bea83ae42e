"""Where a point lies: in which units of the boundaries in force, inside the country or outside of it.

Each process keeps the boundaries of the datasets it was asked about in memory (`Index`): a dataset never changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal
from uuid import UUID

import numpy as np
import shapely
from django.utils.translation import gettext as _

from portal.core.common.errors import NotFound
from portal.core.geo import country
from portal.core.geo.models import GeoDataset, GeoUnit, Level
from portal.core.geo.regions import Degrees, Region

BORDER_METRES: Final = 5000.0  # coast, islets and generalised boundaries: flagged, not refused
_WHOLE: Final = 0.8  # a dataset with this share of the country is taken as all of it
_ZERO: Final = 1e-6
_MOST_INDEXES: Final = 4
_MOST_REGIONS: Final = 1000

type Where = Literal["inside", "border", "outside", "zero", "swapped"]


@dataclass(frozen=True, slots=True)
class Place:
    """The units that a point lies in, None where it lies in none. `dataset` is the id of the boundaries asked."""

    governorate: UUID | None
    district: UUID | None
    sub_district: UUID | None
    dataset: UUID | None
    version: str = ""

    @property
    def unit(self) -> UUID | None:
        """The narrowest one."""
        return self.sub_district or self.district or self.governorate


@dataclass(frozen=True, slots=True)
class Bounds:
    """`distance` is metres outside of the country; of `zero` and `swapped` it says nothing."""

    where: Where
    distance: float = 0.0

    @property
    def accepted(self) -> bool:
        return self.where in ("inside", "border")

    @property
    def message(self) -> str:
        """For people; empty where nothing is wrong."""
        match self.where:
            case "zero":
                return _("The position is 0, 0: the device had no fix. Wait for one and capture it again.")
            case "swapped":
                return _("Longitude and latitude are swapped: the other way round it lies in Yemen.")
            case "outside":
                return _("The position lies outside of Yemen.")
        return ""


class Index:
    """The boundaries of one dataset in memory."""

    def __init__(self, dataset: GeoDataset) -> None:
        self.id, self.version = dataset.pk, dataset.version
        rows = list(
            GeoUnit.objects.filter(dataset=dataset.pk)
            .exclude(level=Level.NEIGHBORHOOD)
            .values_list("id", "level", "parent_id", "boundary")
            .order_by("code")
        )
        lines: dict[UUID, tuple[str, UUID | None]] = {id: (level, parent) for id, level, parent, _shape in rows}
        divided = {parent for _id, _level, parent, shape in rows if shape is not None}
        leaves = [(id, shape) for id, _level, _parent, shape in rows if shape is not None and id not in divided]
        self.shapes: Any = shapely.from_wkb([bytes(shape) for _id, shape in leaves])
        self.tree = shapely.STRtree(self.shapes)
        self._widest = shapely.from_wkb([bytes(shape) for _id, _level, parent, shape in rows if shape and not parent])
        self._places = [self._place(id, lines) for id, _shape in leaves]
        self._nowhere = Place(None, None, None, self.id, self.version)

    def _place(self, id: UUID, lines: dict[UUID, tuple[str, UUID | None]]) -> Place:
        above: dict[str, UUID] = {}
        walk: UUID | None = id
        while walk is not None:
            level, parent = lines[walk]
            above[level] = walk
            walk = parent
        levels = (Level.GOVERNORATE, Level.DISTRICT, Level.SUB_DISTRICT)
        governorate, district, sub_district = (above.get(level) for level in levels)
        return Place(governorate, district, sub_district, self.id, self.version)

    def locate(self, lons: Degrees, lats: Degrees) -> list[Place]:
        """The units of each point; on a common edge those of the lower code."""
        x, y = np.asarray(lons, dtype=float), np.asarray(lats, dtype=float)
        found = np.full(x.shape, len(self._places))
        if len(self._places):
            which, leaf = self.tree.query(shapely.points(x, y), predicate="intersects")
            np.minimum.at(found, which, leaf)
        return [self._places[at] if at < len(self._places) else self._nowhere for at in found.tolist()]

    @cached_property
    def land(self) -> Region:
        """The country: the union of the dataset, with the outline drawn by hand where the dataset leaves much out."""
        whole, rough = shapely.union_all(self._widest), country.outline()
        return Region(whole if whole.area >= _WHOLE * rough.area else shapely.union(whole, rough))

    def bounds(self, lon: float, lat: float) -> Bounds:
        """Whether a point lies in the country (`domain-survey.md` section 6)."""
        if abs(lon) < _ZERO and abs(lat) < _ZERO:
            return Bounds("zero")
        if not _framed(lon, lat):
            swapped = _framed(lat, lon) and self._away(lat, lon) <= BORDER_METRES
            return Bounds("swapped") if swapped else Bounds("outside", self._away(lon, lat))
        distance = self._away(lon, lat)
        if not distance:
            return Bounds("inside")
        return Bounds("border" if distance <= BORDER_METRES else "outside", distance)

    def _away(self, lon: float, lat: float) -> float:
        return float(self.land.distances([lon], [lat])[0]) if -180 <= lon <= 180 and -90 <= lat <= 90 else float("inf")


_indexes: dict[UUID, Index] = {}
_regions: dict[UUID, Region | None] = {}


def index(dataset: UUID | None = None) -> Index:
    """The boundaries in force, or those of a dataset. One query; fetch it once for a batch."""
    found = GeoDataset.objects.filter(status=GeoDataset.Status.READY)
    row = found.filter(pk=dataset).first() if dataset else found.filter(active=True).first()
    if row is None:
        raise NotFound(_("No boundaries are loaded."))
    if row.pk not in _indexes:
        if len(_indexes) >= _MOST_INDEXES:
            _indexes.clear()
        _indexes[row.pk] = Index(row)
    return _indexes[row.pk]


def locate(lons: Degrees, lats: Degrees) -> list[Place]:
    """The units of the boundaries in force that each point lies in."""
    return index().locate(lons, lats)


def bounds(lon: float, lat: float) -> Bounds:
    """Whether a point lies in the country, by the boundaries in force."""
    return index().bounds(lon, lat)


def region(unit: UUID) -> Region | None:
    """The boundary of a unit, of any dataset; None for one without. Raises NotFound."""
    return regions([unit])[0]


def regions(units: Iterable[UUID]) -> list[Region | None]:
    """The boundaries of units, with one query for those that were not asked for before."""
    wanted = list(units)
    held = {id: _regions[id] for id in wanted if id in _regions}
    missing = [id for id in wanted if id not in held]
    if missing:
        for id, shape in GeoUnit.objects.filter(pk__in=missing).values_list("id", "boundary"):
            held[id] = None if shape is None else Region(shapely.from_wkb(bytes(shape)))
        if len(_regions) + len(missing) > _MOST_REGIONS:
            _regions.clear()
        _regions.update(held)
    if not all(id in held for id in wanted):
        raise NotFound(_("There is no such administrative unit."))
    return [held[id] for id in wanted]


def unit_shape(id: UUID) -> Any:
    """The boundary of a unit as a shapely geometry in WGS 84, None for one without. Raises NotFound."""
    found = region(id)
    return found and found.shape


def distance(id: UUID, lon: float, lat: float) -> float | None:
    """Metres from a point to a unit, 0 inside; None for a unit without a boundary. `Region` says how it is measured."""
    found = region(id)
    return None if found is None else float(found.distances([lon], [lat])[0])


def _framed(lon: float, lat: float) -> bool:
    west, south, east, north = country.FRAME
    return west <= lon <= east and south <= lat <= north
