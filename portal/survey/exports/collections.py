"""What OGC API Features serves: points and shapes of sessions, and applications, each within the person's areas."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import shapely
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.survey.access import applications_seen, item_reach
from portal.survey.exports import features, writers
from portal.survey.exports.writers import Column, Layer
from portal.survey.models import SurveyGeometry, SurveyPoint
from portal.survey.pages.selectors import within_unit

type Box = tuple[float, float, float, float]  # west, south, east, north in degrees

MOST: Final = 10_000
_APPLICATION: Final = {
    "id": Column("id", "id"),
    "application_number": Column("applicationNumber", "appl_no"),
    "applicant_name": Column("applicantName", "applicant"),
    "service_type": Column("serviceType", "service"),
    "plot_number": Column("plotNumber", "plot"),
    "accuracy": Column("accuracy", "accuracy", "real"),
    "created_at": Column("createdAt", "created", "time"),
}
_APPLICATIONS: Final = Layer("applications", "point", tuple(_APPLICATION.values()))


@dataclass(frozen=True, slots=True)
class Collection:
    """`columns`: those of the table that make the layer's; `place` the two that make the shape; `moment` is what
    `datetime` filters by."""

    id: str
    title: str | Promise
    permission: str
    layer: Layer
    columns: Mapping[str, Any]
    place: tuple[str, str]
    moment: str
    rows: Callable[[User], QuerySet[Any]]
    inside: Callable[[Box], Q]
    by_latitude: bool = False  # pages of a rectangle go from south to north, as the index of places does

    def features(self, rows: QuerySet[Any]) -> list[dict[str, Any]]:
        """GeoJSON features; of an unfinished shape without a form the geometry is null."""
        return [self._feature(row) for row in rows.values_list(*self.columns, *self.place)]

    def _feature(self, row: tuple[Any, ...]) -> dict[str, Any]:
        *values, first, second = row
        shape = features.shape_of(first, second) if self.id == "geometries" else shapely.Point(first, second)
        return writers.feature(self.layer, shape, values)


def _points(user: User) -> QuerySet[Any]:
    return SurveyPoint.objects.filter(item_reach(user), deleted_at=None, session__deleted_at=None)


def _geometries(user: User) -> QuerySet[Any]:
    return SurveyGeometry.objects.filter(item_reach(user), deleted_at=None, session__deleted_at=None)


def _around(longitude: str, latitude: str) -> Callable[[Box], Q]:
    def inside(box: Box) -> Q:
        west, south, east, north = box
        rows = Q(**{f"{latitude}__range": (south, north)})
        if west <= east:
            return rows & Q(**{f"{longitude}__range": (west, east)})
        return rows & (Q(**{f"{longitude}__gte": west}) | Q(**{f"{longitude}__lte": east}))

    return inside


def _touching(box: Box) -> Q:
    west, south, east, north = box
    rows = Q(south__lte=north, north__gte=south)
    return rows & (Q(west__lte=east, east__gte=west) if west <= east else Q(east__gte=west) | Q(west__lte=east))


COLLECTIONS: Final = {
    found.id: found
    for found in (
        Collection(
            "points", _("Survey points"), "sessions.view", features.POINTS, features.POINT_COLUMNS,
            ("longitude", "latitude"), "captured_at", _points, _around("longitude", "latitude"), True,
        ),
        Collection(
            "geometries", _("Survey shapes"), "sessions.view", features.POLYGONS, features.GEOMETRY_COLUMNS,
            ("geometry_type", "coordinates"), "completed_at", _geometries, _touching,
        ),
        Collection(
            "applications", _("Applications"), "applications.view", _APPLICATIONS, _APPLICATION,
            ("longitude", "latitude"), "created_at", applications_seen, _around("longitude", "latitude"),
        ),
    )
}  # fmt: skip


def items(
    collection: Collection,
    *,
    user: User,
    box: Box | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    unit: UUID | None = None,
    after: tuple[float | None, UUID] | None = None,
) -> QuerySet[Any]:
    """In the order of their ids, or of latitude and id (`northward`), after the one that the page before ended with;
    `until` is included."""
    rows = collection.rows(user)
    if box:
        rows = rows.filter(collection.inside(box))
    if unit:
        rows = rows.filter(within_unit(unit))
    bounds = {f"{collection.moment}__gte": since, f"{collection.moment}__lte": until}
    rows = rows.filter(**{name: value for name, value in bounds.items() if value is not None})
    if not northward(collection, box):
        return rows.filter(id__gt=after[1]).order_by("id") if after else rows.order_by("id")
    if after and after[0] is not None:
        here = Q(latitude__gt=after[0]) | Q(latitude=after[0], id__gt=after[1])
        rows = rows.filter(here, latitude__gte=after[0])
    return rows.order_by("latitude", "id")


def northward(collection: Collection, box: Box | None) -> bool:
    """Whether pages go by latitude: a walk by id would look at every point of the country for those of a rectangle."""
    return collection.by_latitude and box is not None
