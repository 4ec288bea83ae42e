"""A shape that many points are held against: which lie in it, and how many metres the others lie outside."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod, Transformer

GEOD: Final = Geod(ellps="WGS84")
_LONGEST_EDGE: Final = 0.05  # degrees: what is straight in degrees is bent in the plane, here by less than a metre

type Degrees = Sequence[float] | NDArray[np.float64]
type Position = Sequence[float] | NDArray[np.float64]


def apart(one: Position, other: Position) -> float:
    """Metres between two positions (longitude, latitude), on the ellipsoid."""
    return float(GEOD.inv(one[0], one[1], other[0], other[1])[2])


class Region:
    """A polygon or multipolygon in WGS 84, prepared. Edges are straight in longitude and latitude, as GeoJSON says.

    Distances: the nearest place on the edge is looked for in an azimuthal equidistant plane around the shape's middle
    (off by 0.2 % at most for the whole country), the distance to that place is geodesic.
    """

    def __init__(self, shape: Any) -> None:
        self.shape = shape
        shapely.prepare(shape)

    def covers(self, lons: Degrees, lats: Degrees) -> NDArray[np.bool_]:
        """Which points lie inside or on the edge."""
        found: NDArray[np.bool_] = shapely.intersects_xy(self.shape, np.asarray(lons), np.asarray(lats))
        return found

    def distances(self, lons: Degrees, lats: Degrees) -> NDArray[np.float64]:
        """Metres outside of the shape, 0 inside."""
        x, y = np.asarray(lons, dtype=float), np.asarray(lats, dtype=float)
        found = np.zeros(x.shape)
        out = ~self.covers(x, y)
        if out.any():
            found[out] = [self._distance(lon, lat)[0] for lon, lat in zip(x[out], y[out], strict=True)]
        return found

    def nearest(self, lon: float, lat: float) -> tuple[float, float]:
        """The place of the shape that is nearest to a point, as longitude and latitude."""
        if self.covers([lon], [lat])[0]:
            return lon, lat
        return self._distance(lon, lat)[1]

    def _distance(self, lon: float, lat: float) -> tuple[float, tuple[float, float]]:
        to_plane, plane = self._plane
        here = shapely.Point(to_plane.transform(lon, lat))
        end = shapely.get_coordinates(shapely.shortest_line(here, plane))[-1]
        near = to_plane.transform(end[0], end[1], direction="INVERSE")
        return float(GEOD.inv(lon, lat, *near)[2]), (float(near[0]), float(near[1]))

    @cached_property
    def _plane(self) -> tuple[Transformer, Any]:
        west, south, east, north = shapely.bounds(self.shape)
        middle = f"+proj=aeqd +lat_0={(south + north) / 2} +lon_0={(west + east) / 2} +ellps=WGS84 +units=m"
        to_plane = Transformer.from_crs("EPSG:4326", middle, always_xy=True)
        edges = shapely.boundary(shapely.segmentize(self.shape, _LONGEST_EDGE))
        return to_plane, shapely.transform(edges, lambda points: np.column_stack(to_plane.transform(*points.T)))
