"""Areas and lengths on the ellipsoid, how sure an area is, and the projections of Yemen's maps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import shapely
from pyproj import Transformer

from portal.core.geo.regions import GEOD

# Zone -> EPSG code of WGS 84 / UTM north.
UTM: Final = {38: 32638, 39: 32639, 40: 32640}
DEVICE_DECIMALS: Final = 7  # 1.1 cm
RECEIVER_DECIMALS: Final = 8


@dataclass(frozen=True, slots=True)
class Measures:
    """Square metres and metres; None where the kind of geometry has none."""

    area: float | None = None
    perimeter: float | None = None
    length: float | None = None


def measure(shape: Any) -> Measures:
    """Area and perimeter of polygons (holes taken off, their edges counted), length of lines; geodesic on WGS 84."""
    match shape.geom_type:
        case "LineString" | "MultiLineString":
            return Measures(length=abs(GEOD.geometry_length(shape)))
        case "Polygon" | "MultiPolygon":
            whole, edge = 0.0, 0.0
            for part in getattr(shape, "geoms", [shape]):
                for hole, ring in enumerate([part.exterior, *part.interiors]):
                    area, around = GEOD.polygon_area_perimeter(*shapely.get_coordinates(ring).T)
                    whole += -abs(area) if hole else abs(area)
                    edge += around
            return Measures(area=whole, perimeter=edge)
    return Measures()


def area_uncertainty(shape: Any, accuracy: float | Sequence[float]) -> float:
    """Standard uncertainty of the area in m², from the standard uncertainty of each corner's position in metres (one
    for all, or one for each corner in order, the closing one left out).

    Corners are taken as independent: `0.5 * sqrt(sum(s_i² * d_i²))`, d_i the distance between a corner's neighbours.
    """
    rings = [ring for part in getattr(shape, "geoms", [shape]) for ring in (part.exterior, *part.interiors)]
    spans = np.concatenate([_spans(shapely.get_coordinates(ring)[:-1]) for ring in rings])
    errors = np.broadcast_to(np.asarray(accuracy, dtype=float), spans.shape)
    return float(0.5 * np.sqrt(np.sum((errors * spans) ** 2)))


def _spans(corners: Any) -> Any:
    before, after = np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0)
    return np.asarray(GEOD.inv(before[:, 0], before[:, 1], after[:, 0], after[:, 1])[2])


def utm_zone(lon: float) -> int:
    """The zone of Yemen's maps for a longitude: 38 (to 48°E), 39 (to 54°E), 40 (Socotra's east)."""
    return min(max(math.floor((lon + 180) / 6) + 1, 38), 40)


@cache
def to_utm(zone: int) -> Transformer:
    """From WGS 84 longitude, latitude to metres east and north in zone 38, 39 or 40; raises KeyError for another."""
    return Transformer.from_crs("EPSG:4326", f"EPSG:{UTM[zone]}", always_xy=True)


def project(shape: Any, zone: int | None = None) -> Any:
    """A geometry in metres of a UTM zone, that of its middle unless one is named."""
    west, _south, east, _north = shapely.bounds(shape)
    plane = to_utm(utm_zone((west + east) / 2) if zone is None else zone)

    def move(points: Any) -> Any:
        return np.column_stack(plane.transform(*points.T))

    return shapely.transform(shape, move)
