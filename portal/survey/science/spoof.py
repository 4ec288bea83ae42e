"""Signs that positions were made up (`domain-survey.md` section 10): a score for a reviewer, never a proof."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from portal.core.geo.regions import GEOD

WALKING: Final = 150.0  # km/h between two fixes of a session on foot; cars are as fast
CONSTANT: Final = 20  # fixes in a row with the same accuracy to the digit
CLOCK: Final = timedelta(minutes=5)
PHOTO_METRES: Final = 50.0
ZIG_ZAG_METRES: Final = 30.0
SAME_METRES: Final = 0.1
WEIGHTS: Final = {
    "MOCK_LOCATION": 0.5,
    "IMPOSSIBLE_SPEED": 0.4,
    "CONSTANT_ACCURACY": 0.3,
    "REPEATED_COORDINATES": 0.3,
    "ZERO_ACCURACY": 0.3,
    "ZERO_ALTITUDE": 0.15,
    "TIME_NOT_MONOTONIC": 0.2,
    "TIME_IN_FUTURE": 0.3,
    "CLOCK_DIFFERENCE": 0.2,
    "OTHER_COUNTRY": 0.15,
    "PHOTO_AWAY": 0.4,
    "PHOTO_REUSED": 0.4,
    "ZIG_ZAG": 0.2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One position in the order of capture. `gnss_at` is the satellites' time, `device_at` that of the phone."""

    lon: float
    lat: float
    at: datetime
    accuracy: float | None = None
    altitude: float | None = None
    mocked: bool = False
    source: str = "device"
    gnss_at: datetime | None = None
    device_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signals:
    """`found`: sign -> places of the fixes that show it. `score` 0 (none) to 1, signs adding up as independent ones."""

    found: dict[str, list[int]] = field(default_factory=dict)

    @property
    def score(self) -> float:
        clear = 1.0
        for sign in self.found:
            clear *= 1 - WEIGHTS[sign]
        return round(1 - clear, 4)


def signals(
    fixes: Sequence[Fix],
    *,
    received: datetime,
    country: str = "",
    photo_distances: Sequence[tuple[float, float]] = (),
    photos_reused: int = 0,
) -> Signals:
    """The signs in the fixes of one session. `received`: when the server got them; `country`: ISO code of the address
    they came from; `photo_distances`: metres between a photograph's own position and its claim, with what both
    accuracies allow."""
    found: dict[str, list[int]] = {}

    def note(sign: str, places: Any) -> None:
        if len(places):
            found[sign] = [int(place) for place in places]

    if fixes:
        _positions(fixes, received, note)
    note("OTHER_COUNTRY", [0] if country and country.upper() != "YE" else [])
    note("PHOTO_AWAY", [at for at, (away, allowed) in enumerate(photo_distances) if away > PHOTO_METRES + allowed])
    note("PHOTO_REUSED", list(range(photos_reused)))
    return Signals(found)


def _positions(fixes: Sequence[Fix], received: datetime, note: Any) -> None:
    lons, lats = np.array([fix.lon for fix in fixes]), np.array([fix.lat for fix in fixes])
    times = np.array([fix.at.timestamp() for fix in fixes])
    accuracies = np.array([np.nan if fix.accuracy is None else fix.accuracy for fix in fixes])
    altitudes = np.array([np.nan if fix.altitude is None else fix.altitude for fix in fixes])
    # external receivers feed Android through the mock provider: of them the mark says nothing
    note("MOCK_LOCATION", [at for at, fix in enumerate(fixes) if fix.mocked and fix.source == "device"])
    note("ZERO_ACCURACY", np.flatnonzero(accuracies == 0))
    note("TIME_IN_FUTURE", np.flatnonzero(times > (received + CLOCK).timestamp()))
    clocks = [(at, fix.gnss_at, fix.device_at) for at, fix in enumerate(fixes)]
    note("CLOCK_DIFFERENCE", [at for at, true, own in clocks if true and own and abs(true - own) > CLOCK])
    known = ~np.isnan(altitudes)
    if known.sum() >= 5 and not altitudes[known].any():
        note("ZERO_ALTITUDE", np.flatnonzero(known))
    note("CONSTANT_ACCURACY", _runs(accuracies))
    if len(fixes) < 2:
        return
    steps = np.asarray(GEOD.inv(lons[:-1], lats[:-1], lons[1:], lats[1:])[2])
    seconds = np.diff(times)
    note("TIME_NOT_MONOTONIC", np.flatnonzero(seconds < 0) + 1)
    # a jump within both accuracies is noise, whatever the clock says
    free = np.maximum(steps - np.nan_to_num(accuracies[:-1]) - np.nan_to_num(accuracies[1:]), 0)
    note("IMPOSSIBLE_SPEED", np.flatnonzero(free * 3.6 > WALKING * np.maximum(np.abs(seconds), 1)) + 1)
    _unique, first, counts = np.unique(np.column_stack([lons, lats]), axis=0, return_index=True, return_counts=True)
    # one place measured twice may be two corners of neighbours; three times to the digit is no measurement
    note("REPEATED_COORDINATES", sorted(first[counts >= 3].tolist()))
    note("ZIG_ZAG", _zig_zag(lons, lats, steps))


def _runs(accuracies: Any) -> list[int]:
    """The first places of runs of more than 20 equal accuracies."""
    if len(accuracies) <= CONSTANT:
        return []
    edges = np.flatnonzero(np.append(True, accuracies[1:] != accuracies[:-1]))
    lengths = np.diff(np.append(edges, len(accuracies)))
    return [int(at) for at in edges[lengths > CONSTANT]]


def _zig_zag(lons: Any, lats: Any, steps: Any) -> list[int]:
    """Middles of five fixes that go forth and back three times by more than 30 m each."""
    if len(lons) < 5:
        return []
    east, north = np.diff(lons) * np.cos(np.radians(lats[:-1])), np.diff(lats)
    turns = (east[:-1] * east[1:] + north[:-1] * north[1:]) < -0.5 * np.hypot(east[:-1], north[:-1]) * np.hypot(
        east[1:], north[1:]
    )
    wide = (steps[:-1] > ZIG_ZAG_METRES) & (steps[1:] > ZIG_ZAG_METRES) & turns
    return [at + 2 for at in range(len(wide) - 2) if wide[at : at + 3].all()]
