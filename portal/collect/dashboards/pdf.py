"""The PDF of a dashboard: every view with its drawing, its legend and its table."""

from collections.abc import Callable
from typing import Any, Final

from django.utils import timezone, translation

from portal.collect.charts.drawing import draw, swatch
from portal.collect.dashboards import selectors
from portal.collect.dashboards.models import Dashboard
from portal.collect.dashboards.tiles import tiles
from portal.core.accounts.models import User
from portal.core.common import clock, pdf
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization

LISTED: Final = 60  # lines of a view's table; all of them are in its CSV


def render(
    dashboard: Dashboard, *, user: User, language: str, progress: Callable[[int, int], None] | None = None
) -> bytes:
    """As `user` sees it now, in `language`. `progress` is told the views that are drawn and how many there are."""
    organization = Organization.objects.get(pk=scope.organization_id())
    zone = organization.time_zone
    with translation.override(language), timezone.override(zone):
        mirrored = language == "ar"
        found = tiles(selectors.widget_list(dashboard=dashboard), user)
        parts: list[dict[str, Any]] = []
        for place, tile in enumerate(found):
            if progress is not None:
                progress(place, len(found) + 2)
            parts.append(tile | _part(tile, mirrored=mirrored))
        now = timezone.localtime(clock.now())
        context = {
            "dashboard": dashboard,
            "organization": organization,
            "parts": parts,
            "language": language,
            "rtl": mirrored,
            "at": f"{now:%Y-%m-%d %H:%M}",
            "zone": zone,
            "by": user.name,
        }
        style = "collect/dashboards/pdf.css"
        return pdf.render("collect/dashboards/pdf.html", context, number=f"{now:%Y-%m-%d %H:%M}", style=style)


def _part(tile: dict[str, Any], *, mirrored: bool) -> dict[str, Any]:
    picture = tile["picture"]
    if picture is None:
        return {"image": "", "legend": [], "lines": []}
    slices = picture.kind in ("pie", "donut")
    legend = picture.labels if slices else picture.names if len(picture.names) > 1 else []
    return {
        "image": draw(picture, mirrored=mirrored),
        "wide": not slices,
        "legend": [(swatch(place), place + 1 if slices else "", name) for place, name in enumerate(legend)],
        "lines": [(place + 1, label, figures) for place, (label, figures) in enumerate(picture.lines[:LISTED])],
        "cut": max(0, len(picture.lines) - LISTED),
    }
