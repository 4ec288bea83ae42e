"""What stands on a dashboard, for its page and its PDF."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from portal.collect.charts.display import picture
from portal.collect.charts.selectors import definition_of
from portal.collect.dashboards import selectors
from portal.collect.dashboards.layout import Place, settled
from portal.collect.dashboards.models import DashboardWidget
from portal.core.accounts.models import User
from portal.core.common.errors import NotFound


def tiles(widgets: Sequence[DashboardWidget], user: User) -> list[dict[str, Any]]:
    """Each widget with its `place`, its `picture` or its `fault`; `key` names its figures on the page."""
    places = settled([Place(row.x, row.y, row.w, row.h) for row in widgets])
    found = []
    for widget, place, one in zip(widgets, places, selectors.dashboard_data(widgets=widgets, user=user), strict=True):
        error = one["error"]
        seen = error is None or error["code"] != NotFound.code
        found.append(
            {
                "widget": widget,
                "place": place,
                "picture": picture(one["data"], definition_of(widget.view)) if one["data"] else None,
                "fault": error["message"] if error else "",
                "name": widget.view.name if seen else _("A view out of your sight"),
                "seen": seen,
                "key": f"data-{widget.pk}",
            }
        )
    return found
