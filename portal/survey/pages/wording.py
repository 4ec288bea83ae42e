"""Words, colours and icons of states, flags and figures of surveys."""

from collections.abc import Iterable
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.common.text import grouped
from portal.survey.choices import SessionStatus
from portal.survey.flags import label_of

type Look = tuple[str, str, str | Promise]

SESSIONS: Final[dict[str, Look]] = {
    status: (colour, icon, SessionStatus(status).label)
    for status, colour, icon in (
        ("draft", "secondary", "circle-dashed"),
        ("active", "blue", "ruler-measure"),
        ("submitted", "yellow", "send"),
        ("under_review", "purple", "eye"),
        ("approved", "green", "circle-check"),
        ("returned", "orange", "arrow-back-up"),
        ("rejected", "red", "circle-x"),
        ("abandoned", "secondary", "circle-minus"),
        ("superseded", "secondary", "archive"),
    )
}
STATES: Final[dict[str, Look]] = {
    "open": ("yellow", "circle-dashed", gettext_lazy("Without a task")),
    "assigned": ("blue", "user-check", gettext_lazy("Assigned")),
    "in_progress": ("cyan", "ruler-measure", gettext_lazy("In progress")),
    "submitted": ("purple", "send", gettext_lazy("Submitted")),
    "returned": ("orange", "arrow-back-up", gettext_lazy("Returned")),
    "approved": ("green", "circle-check", gettext_lazy("Approved")),
    "rejected": ("red", "circle-x", gettext_lazy("Rejected")),
}
DECISIONS: Final[dict[str, Look]] = {
    "accept": ("green", "check", gettext_lazy("Accepted")),
    "return": ("orange", "arrow-back-up", gettext_lazy("Returned")),
}
PARTS: Final[dict[str, str | Promise]] = {
    "accuracy": gettext_lazy("Accuracy of the points"),
    "geometry": gettext_lazy("Validity of the shapes"),
    "completeness": gettext_lazy("Completeness"),
    "media": gettext_lazy("Consistency of the media"),
    "authenticity": gettext_lazy("No signs of a false position"),
}


def flag_words(codes: Iterable[str]) -> list[str]:
    return [label_of(code) for code in codes]


def metres(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{grouped(value, digits)} m"


def square_metres(value: float | None, uncertainty: float | None = None) -> str:
    """`500.25 m² ± 48.00`: an area never stands without how sure it is."""
    if value is None:
        return ""
    unsure = "" if uncertainty is None else f" \N{PLUS-MINUS SIGN} {grouped(uncertainty, 2)}"
    return f"{grouped(value, 2)}{unsure} m²"


def apart(server: float | None, client: float | None) -> str:
    """By how many percent the device's figure differs."""
    if not server or client is None:
        return ""
    return f"{100 * (client - server) / server:+.2f} %"


def look_of(looks: dict[str, Look], key: str) -> Look:
    return looks.get(key, ("secondary", "circle-dashed", key))


def point_lines(point: Any) -> list[str]:
    """What the map says of a point."""
    lines = [str(point.get_point_type_display()), str(point.get_gps_source_display())]
    if point.horizontal_accuracy is not None:
        lines.append(_("Accuracy %(metres)s") % {"metres": metres(point.horizontal_accuracy)})
    if point.feature_code:
        lines.append(point.feature_code)
    return [*lines, *flag_words(point.flags)]


def geometry_lines(geometry: Any) -> list[str]:
    """What the map says of a shape."""
    lines = [str(geometry.get_feature_type_display())]
    if geometry.area is not None:
        lines.append(square_metres(geometry.area, geometry.area_uncertainty))
    if geometry.length is not None:
        lines.append(metres(geometry.length))
    return [*lines, *flag_words(geometry.flags)]
