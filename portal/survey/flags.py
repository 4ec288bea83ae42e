"""What the server may find about sessions, points, shapes and media. Nothing is refused for it: fieldwork is expensive.

`major` ones block the approval of a cadastral survey (`domain-survey.md` sections 4 and 8).
"""

from collections.abc import Iterable
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

INFO, WARNING, MAJOR = "info", "warning", "major"
LEVELS: Final = (INFO, WARNING, MAJOR)

FLAGS: Final[dict[str, tuple[str, Promise]]] = {
    # place and time
    "OUTSIDE_BORDER": (WARNING, _("Just outside of the country's border")),
    "AREA_MARGIN": (INFO, _("Just outside of the assigned area")),
    "SCOPE_EXPIRED": (WARNING, _("Captured before the area was taken away")),
    "NEIGHBORHOOD_WITHOUT_BOUNDARY": (INFO, _("The neighbourhood has no boundary: its sub-district counts")),
    "LOW_ACCURACY": (WARNING, _("The position is inaccurate, or its accuracy is not stated")),
    "FAR_FROM_PARCEL": (WARNING, _("Far from the place of the application")),
    "CLOCK_SKEW": (WARNING, _("The clock of the device is wrong")),
    # shapes
    "RING_AUTOCLOSED": (INFO, _("The ring was closed by the server")),
    "REORIENTED": (INFO, _("The corners were put into the order of the standard")),
    "DUPLICATES_REMOVED": (INFO, _("Corners that stood there twice were dropped")),
    "SPIKE": (WARNING, _("A corner of less than one degree")),
    "INCOMPLETE": (WARNING, _("The shape is not finished")),
    "AREA_MISMATCH": (WARNING, _("The area differs from the device's by more than 1 %")),
    "AREA_MISMATCH_MAJOR": (MAJOR, _("The area differs from the device's by more than 5 %")),
    "AREA_UNCERTAIN": (MAJOR, _("The area is too uncertain for a cadastral survey")),
    "OVERLAP": (MAJOR, _("Overlaps another parcel")),
    "SLIVER_OVERLAP": (WARNING, _("Overlaps another parcel by a sliver")),
    "GAP": (WARNING, _("A narrow gap to the neighbour")),
    "DUPLICATE": (MAJOR, _("The same parcel was surveyed before")),
    "NEIGHBOURS_UNKNOWN": (WARNING, _("It could not be held against its neighbours")),
    "BUILDING_OUTSIDE_PARCEL": (WARNING, _("The building lies outside of its parcel")),
    "CROSSES_DISTRICT_LINE": (WARNING, _("Crosses the line between two districts")),
    # signs of false positions
    "MOCK_LOCATION": (MAJOR, _("The device says that the position is simulated")),
    "IMPOSSIBLE_SPEED": (WARNING, _("Faster than a person can travel")),
    "CONSTANT_ACCURACY": (WARNING, _("The accuracy never changes")),
    "REPEATED_COORDINATES": (WARNING, _("The same position was measured several times")),
    "ZERO_ACCURACY": (WARNING, _("An accuracy of zero")),
    "ZERO_ALTITUDE": (INFO, _("All heights are zero")),
    "TIME_NOT_MONOTONIC": (WARNING, _("The times run backwards")),
    "TIME_IN_FUTURE": (WARNING, _("Captured in the future")),
    "CLOCK_DIFFERENCE": (WARNING, _("The satellites' time differs from the device's")),
    "OTHER_COUNTRY": (INFO, _("Sent from another country")),
    "ZIG_ZAG": (WARNING, _("The track goes to and fro")),
    # media
    "EXIF_LOCATION_MISMATCH": (WARNING, _("Taken elsewhere than stated")),
    "EXIF_TIME_MISMATCH": (WARNING, _("Taken at another time than stated")),
    "EXIF_ABSENT": (INFO, _("The photo does not say where it was taken")),
    "PHOTO_AWAY": (WARNING, _("A photo was taken elsewhere than stated")),
    "PHOTO_REUSED": (MAJOR, _("The same photo belongs to another session")),
    "MEDIA_PENDING": (WARNING, _("Files are still missing")),
}


def level_of(code: str) -> str:
    return FLAGS[code][0] if code in FLAGS else WARNING


def label_of(code: str) -> str:
    return str(FLAGS[code][1]) if code in FLAGS else code


def finding(code: str, **details: Any) -> dict[str, Any]:
    """One entry of a row's `findings`."""
    return {"code": code, "level": level_of(code), **details}


def codes(findings: Iterable[dict[str, Any]]) -> list[str]:
    """The codes of findings, each once, in order."""
    return list(dict.fromkeys(entry["code"] for entry in findings))


def blocking(found: Iterable[str]) -> list[str]:
    """Those of some codes that block the approval of a cadastral survey."""
    return sorted({code for code in found if level_of(code) == MAJOR})
