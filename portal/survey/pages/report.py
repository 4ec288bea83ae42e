"""The report of a session as a PDF: map, figures with their uncertainty, review, content hash.

The map is an SVG of our own: no tile server learns where people survey. North is up.
"""

import math
from collections.abc import Iterable
from typing import Any, Final

import shapely
from django.utils.translation import get_language

from portal.core.common import pdf
from portal.core.common.svg import number, picture, round_step
from portal.core.geo.measures import utm_zone
from portal.core.tenancy.models import Organization
from portal.survey.applications.selectors import unit_names
from portal.survey.exports import features, writers
from portal.survey.models import ReviewRemark, SurveyGeometry, SurveyPoint, SurveySession
from portal.survey.pages import selectors

COLOURS: Final = {"pass": "#2f9e5b", "warning": "#e0a21b", "fail": "#c92a2a", "pending": "#b8c2cc"}  # of ui/pdf.css
LISTED: Final = 500  # points in the report's table; the rest is for the data files
DRAWN: Final = 5000
_INK, _SERVER, _FLAGGED = "#53656b", "#0b6e75", "#b3211f"
_WIDTH, _HEIGHT, _EDGE = 640.0, 380.0, 30.0


def render(session: SurveySession, figures: dict[str, Any], remarks: Iterable[ReviewRemark]) -> bytes:
    """In the language in force."""
    points = list(SurveyPoint.objects.filter(session=session, deleted_at=None).order_by("number", "id")[:DRAWN])
    zone = utm_zone(session.start_longitude)
    metres = writers.to_metres(shapely.get_coordinates([shapely.Point(p.longitude, p.latitude) for p in points]), zone)
    drawn, bar = site_map(session, points)
    names = unit_names([session])
    language = get_language() or "en"
    context = figures | {
        "session": session,
        "organization": Organization.objects.get(pk=session.organization_id),
        "place": selectors.place_words(session, names),
        "language": language,
        "rtl": language == "ar",
        "map": drawn,
        "bar": f"{bar:g}",
        "zone": f"{zone}N",
        "epsg": 32600 + zone,
        "points": [
            {"row": point, "east": f"{east:.3f}", "north": f"{north:.3f}"}
            for point, (east, north) in zip(points[:LISTED], metres[:LISTED], strict=True)
        ],
        "left_out": max(0, len(points) - LISTED),
        "remarks": list(remarks),
    }
    return pdf.render(
        "survey/report.html", context, number=session.session_number, colours=COLOURS, style="survey/report.css"
    )


def site_map(session: SurveySession, points: list[SurveyPoint]) -> tuple[str, float]:
    """A `data:` address of the session's map, and how many metres its scale bar is long."""
    shapes = [
        (row, shape)
        for row in SurveyGeometry.objects.filter(session=session, deleted_at=None).order_by("number", "id")[:DRAWN]
        if (shape := features.shape_of(row.geometry_type, row.coordinates)) is not None
    ]
    spots = [shapely.Point(point.longitude, point.latitude) for point in points]
    everything = [shape for _row, shape in shapes] + spots
    everything = everything or [shapely.Point(session.start_longitude, session.start_latitude)]
    west, south, east, north = shapely.total_bounds(everything)
    squeeze = 111_320 * math.cos(math.radians((south + north) / 2))
    wide, tall = max((east - west) * squeeze, 10.0), max((north - south) * 110_600, 10.0)
    scale = min((_WIDTH - 2 * _EDGE) / wide, (_HEIGHT - 2 * _EDGE) / tall)
    centre, middle = (west + east) / 2, (south + north) / 2

    def place(longitude: float, latitude: float) -> tuple[float, float]:
        right = (longitude - centre) * squeeze * scale
        return _WIDTH / 2 + right, _HEIGHT / 2 - (latitude - middle) * 110_600 * scale

    def path(line: Any, end: str) -> str:
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (place(*at) for at in shapely.get_coordinates(line))) + end

    drawn = f'<rect width="{_WIDTH:.0f}" height="{_HEIGHT:.0f}" fill="#f6f9f9"/>'
    step = round_step(max(_WIDTH, _HEIGHT) / scale / 6) * scale
    for n in range(1, int(_WIDTH / step) + 1):
        drawn += f'<path d="M{n * step:.1f} 0V{_HEIGHT:.0f}" stroke="#dde8ea" stroke-width="1"/>'
    for n in range(1, int(_HEIGHT / step) + 1):
        drawn += f'<path d="M0 {n * step:.1f}H{_WIDTH:.0f}" stroke="#dde8ea" stroke-width="1"/>'
    for row, shape in shapes:
        ink = _FLAGGED if row.flags else _SERVER
        dash = ' stroke-dasharray="6 4"' if row.flags else ""
        for part in getattr(shape, "geoms", [shape]):
            if part.geom_type == "Polygon":
                rings = "".join(path(ring, "Z") for ring in (part.exterior, *part.interiors))
                fill = f'fill="{ink}" fill-opacity="0.1" fill-rule="evenodd"'
                drawn += f'<path d="{rings}" {fill} stroke="{ink}" stroke-width="2"{dash}/>'
            elif part.geom_type == "LineString":
                drawn += f'<path d="{path(part, "")}" fill="none" stroke="{ink}" stroke-width="2"{dash}/>'
    taken: list[tuple[float, float]] = []
    for point in points:
        x, y = place(point.longitude, point.latitude)
        ink = _FLAGGED if point.flags else _SERVER
        if point.horizontal_accuracy and 3 < point.horizontal_accuracy * scale < _WIDTH:
            radius = point.horizontal_accuracy * scale
            drawn += (
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="none" stroke="{ink}" stroke-opacity="0.35"/>'
            )
        drawn += f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{ink}" stroke="#fff"/>'
        if all(abs(x - left) > 26 or abs(y - top) > 11 for left, top in taken):  # no number over another one
            drawn += number(str(point.number), x + 7, y - 4)
            taken.append((x, y))
    metres = round_step(_WIDTH / scale / 5)
    pen = f'fill="none" stroke="{_INK}" stroke-width="1.6"'
    drawn += (
        f'<path d="M12 {_HEIGHT - 18:.0f}v6H{12 + metres * scale:.1f}v-6" {pen}/>'
        f'<path d="M{_WIDTH - 16:.0f} 32V10l-4 7m4-7l4 7" {pen}/>'
    )
    return picture(drawn, round(_WIDTH), round(_HEIGHT)), metres
