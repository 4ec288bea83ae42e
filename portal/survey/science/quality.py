"""How good the points of a session are, and the session as a whole: 0 to 100, with its breakdown.

Published with every figure (`domain-survey.md` section 9): what a client claims stands beside it, never in its place.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

type Source = Literal["device", "external_receiver", "manual"]

# Accuracies in metres that are worth 1 and 0.
_BEST_WORST: Final[dict[str, tuple[float, float]]] = {"external_receiver": (0.05, 1.0), "device": (3.0, 20.0)}
HDOP_METRES: Final = 4.7  # accuracy that one unit of HDOP stands for, where a device says nothing else
UNKNOWN, MANUAL = 0.3, 0.2
OLD_SECONDS, OLD_FACTOR, MOCK_FACTOR = 30.0, 0.8, 0.7
WEIGHTS: Final = {"accuracy": 0.45, "geometry": 0.20, "completeness": 0.15, "media": 0.10, "authenticity": 0.10}
CAP: Final = 59  # with a flag of the level error


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What a device says of one position. Metres, seconds; `mocked`: from the phone's mock provider, which is how
    external receivers reach Android and therefore counts against a `device` alone."""

    source: str = "device"
    accuracy: float | None = None
    hdop: float | None = None
    age: float | None = None
    mocked: bool = False


@dataclass(frozen=True, slots=True)
class Quality:
    """`score` 0 to 100 with one decimal; `breakdown`: part -> share between 0 and 1, before its weight; `capped`: an
    error holds the score at 59."""

    score: float
    breakdown: dict[str, float]
    capped: bool


def point_score(fix: Fix) -> float:
    """0 to 1: 1 at the accuracy that the source is capable of, 0 where it is useless, by the logarithm between."""
    if fix.source == "manual":
        return MANUAL
    best, worst = _BEST_WORST.get(fix.source, _BEST_WORST["device"])
    accuracy = fix.accuracy
    if accuracy is None and fix.hdop is not None and fix.hdop > 0:
        accuracy = fix.hdop * HDOP_METRES
    if accuracy is None or not math.isfinite(accuracy) or accuracy <= 0:
        score = UNKNOWN
    else:
        score = min(max(1 - math.log10(accuracy / best) / math.log10(worst / best), 0.0), 1.0)
    if fix.age is not None and fix.age > OLD_SECONDS:
        score *= OLD_FACTOR
    if fix.mocked and fix.source == "device":
        score *= MOCK_FACTOR
    return score


def session_quality(
    points: Sequence[float], *, geometry: float, completeness: float, media: float, spoof: float, errors: bool
) -> Quality:
    """The score of a session from the scores of its points and shares between 0 and 1: valid geometries, what was
    asked for and is there, media that fit, and `spoof` (`spoof.Signals.score`, 0: no sign).

    Without points their part is 0.
    """
    breakdown = {
        "accuracy": sum(points) / len(points) if points else 0.0,
        "geometry": geometry,
        "completeness": completeness,
        "media": media,
        "authenticity": 1 - spoof,
    }
    if not all(0 <= share <= 1 for share in breakdown.values()):
        raise ValueError(f"shares lie between 0 and 1: {breakdown}")
    score = 100 * sum(WEIGHTS[part] * share for part, share in breakdown.items())
    capped = errors and score > CAP
    shown = {part: round(share, 4) for part, share in breakdown.items()}
    return Quality(round(min(score, CAP) if errors else score, 1), shown, capped)
