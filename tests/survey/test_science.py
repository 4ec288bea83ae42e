"""Quality, topology and signs of false positions against figures worked out by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import shapely

from portal.survey.science import quality, spoof
from portal.survey.science.topology import Parcel, building_outside, candidates, crossing, neighbours

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
# One metre east and north at 44°E 15°N, by the ellipsoid's radii there.
EAST, NORTH = 1 / 107550.5, 1 / 110648.8


def block(x: float, y: float, wide: float, high: float) -> Any:
    """A rectangle in metres from 44°E 15°N."""
    return shapely.box(44 + x * EAST, 15 + y * NORTH, 44 + (x + wide) * EAST, 15 + (y + high) * NORTH)


@pytest.mark.parametrize(
    ("fix", "score"),
    [
        (quality.Fix(accuracy=3), 1),
        (quality.Fix(accuracy=20), 0),
        (quality.Fix(accuracy=60**0.5), 0.5),  # the geometric mean of 3 and 20
        (quality.Fix(accuracy=0.05, source="external_receiver"), 1),
        (quality.Fix(accuracy=1, source="external_receiver"), 0),
        (quality.Fix(accuracy=0.05**0.5, source="external_receiver", mocked=True), 0.5),
        (quality.Fix(accuracy=3, mocked=True), 0.7),
        (quality.Fix(accuracy=3, age=31), 0.8),
        (quality.Fix(), 0.3),
        (quality.Fix(accuracy=0), 0.3),
        (quality.Fix(source="manual", accuracy=0.01), 0.2),
    ],
)
def test_a_point_is_worth_what_its_accuracy_is(fix: quality.Fix, score: float) -> None:
    assert quality.point_score(fix) == pytest.approx(score)


def test_hdop_stands_in_for_a_missing_accuracy() -> None:
    assert quality.point_score(quality.Fix(hdop=1.2)) == quality.point_score(quality.Fix(accuracy=1.2 * 4.7))


def test_a_session_is_the_weighted_sum_of_its_parts_and_an_error_caps_it() -> None:
    parts = {"geometry": 1.0, "completeness": 0.5, "media": 1.0, "spoof": 0.2}

    whole = quality.session_quality([1.0, 0.8], errors=False, **parts)

    assert whole.score == pytest.approx(100 * (0.45 * 0.9 + 0.2 + 0.15 * 0.5 + 0.1 + 0.1 * 0.8))
    assert whole.breakdown["authenticity"] == 0.8
    capped = quality.session_quality([1.0, 0.8], errors=True, **parts)
    assert (capped.score, capped.capped) == (59, True)
    assert quality.session_quality([], geometry=0, completeness=0, media=0, spoof=1, errors=True).score == 0
    with pytest.raises(ValueError, match="between 0 and 1"):
        quality.session_quality([], geometry=2, completeness=0, media=0, spoof=0, errors=False)


@pytest.mark.parametrize(
    ("x", "accuracy", "codes"),
    [
        (18, 0.03, ["OVERLAP"]),  # 50 m², 1.85 m wide
        (18, 3.0, ["SLIVER_OVERLAP"]),  # no wider than the positions are uncertain
        (19.98, 0.03, ["SLIVER_OVERLAP"]),  # half a square metre
        (20, 0.03, []),
        (20.3, 0.03, ["GAP"]),
        (21.5, 0.03, []),
        (0.1, 0.03, ["DUPLICATE"]),
    ],
)
def test_neighbours_are_told_apart_by_what_they_share(x: float, accuracy: float, codes: list[str]) -> None:
    mine = Parcel("a", block(0, 0, 20, 25), accuracy)

    found = neighbours(mine, [mine, Parcel("b", block(x, 0, 20, 25), accuracy)])

    assert [finding.code for finding in found] == codes
    if codes == ["OVERLAP"]:
        assert found[0].area == pytest.approx(50, rel=1e-3)
        assert found[0].width == pytest.approx(2 * 50 / 54, rel=1e-3)
        assert found[0].shape.symmetric_difference(block(18, 0, 2, 25)).area < 1e-13  # square degrees
    if codes == ["GAP"]:
        assert found[0].area == pytest.approx(7.5, rel=2e-3)


def test_an_overlap_within_the_uncertainty_of_the_area_is_a_sliver() -> None:
    mine = Parcel("a", block(0, 0, 20, 25), 0.03, area_uncertainty=60)
    assert [one.code for one in neighbours(mine, [Parcel("b", block(18, 0, 20, 25), 0.03)])] == ["SLIVER_OVERLAP"]


def test_buildings_and_districts() -> None:
    parcel = Parcel("a", block(0, 0, 20, 25), 0.5)
    assert building_outside(block(1, 1, 8, 8), parcel) is None
    assert building_outside(block(12.3, 1, 8, 8), parcel) is None  # 0.3 m: within the accuracy
    outside = building_outside(block(15, 0, 8, 8), parcel)
    assert outside is not None
    assert outside.area == pytest.approx(24, rel=1e-3)

    west, east = block(-200, -200, 212, 500), block(12, -200, 300, 500)
    (cut,) = crossing(parcel, {"west": west, "east": east})
    assert (cut.code, cut.other) == ("CROSSES_DISTRICT_LINE", "east")
    assert cut.area == pytest.approx(200, rel=1e-3)
    assert crossing(parcel, {"west": west}) == []
    assert crossing(Parcel("a", block(0, 0, 12.3, 25), 0.5), {"west": west, "east": east}) == []


def test_candidates_are_those_whose_boxes_meet() -> None:
    shapes = [block(22 * i, 0, 20, 25) for i in range(50)]
    assert candidates(shapes)(block(21, 0, 2, 2)) == [0, 1]


def test_the_track_of_a_walk_shows_no_sign() -> None:
    noise = np.random.default_rng(4)
    walk = [
        spoof.Fix(
            lon=44 + i * 9e-5 + noise.normal(0, 1e-6),
            lat=15 + noise.normal(0, 1e-6),
            at=NOW + timedelta(seconds=10 * i),
            accuracy=round(3.5 + noise.random(), 2),
            altitude=2200 + noise.random(),
        )
        for i in range(60)
    ]
    told = spoof.signals(walk, received=NOW + timedelta(hours=1), country="YE", photo_distances=[(30, 5)])
    assert (told.found, told.score) == ({}, 0)


def test_each_sign_of_a_false_position_is_seen() -> None:
    def fix(second: float, east: float = 0, **more: Any) -> spoof.Fix:
        at = NOW + timedelta(seconds=second)
        return spoof.Fix(**{"lon": 44 + east * EAST, "lat": 15, "at": at, "accuracy": 4 + second / 7} | more)

    def found(*fixes: spoof.Fix, **more: Any) -> dict[str, list[int]]:
        return spoof.signals(fixes, received=NOW + timedelta(hours=1), **more).found

    assert found(fix(0, mocked=True), fix(9, 9)) == {"MOCK_LOCATION": [0]}
    assert found(fix(0, mocked=True, source="external_receiver"), fix(9, 9)) == {}
    assert found(fix(0), fix(10, 500)) == {"IMPOSSIBLE_SPEED": [1]}
    assert found(fix(0), fix(10, 400)) == {}  # 150 km/h would be 417 m
    assert found(*(fix(i * 9, i * 9, accuracy=5.0) for i in range(21))) == {"CONSTANT_ACCURACY": [0]}
    assert found(*(fix(i * 9, i * 9, accuracy=5.0) for i in range(20))) == {}
    assert found(fix(0), fix(9), fix(18)) == {"REPEATED_COORDINATES": [0]}
    assert found(fix(0, accuracy=0), fix(9, 9)) == {"ZERO_ACCURACY": [0]}
    assert found(*(fix(i * 9, i * 9, altitude=0) for i in range(5))) == {"ZERO_ALTITUDE": [0, 1, 2, 3, 4]}
    assert found(fix(9), fix(0, 9)) == {"TIME_NOT_MONOTONIC": [1]}
    assert found(fix(4000), fix(4010, 9)) == {"TIME_IN_FUTURE": [0, 1]}
    late = {"gnss_at": NOW, "device_at": NOW + timedelta(minutes=6)}
    assert found(fix(0, **late), fix(9, 9)) == {"CLOCK_DIFFERENCE": [0]}
    assert found(country="FR", photo_distances=[(70, 10), (55, 10)], photos_reused=1) == {
        "OTHER_COUNTRY": [0],
        "PHOTO_AWAY": [0],
        "PHOTO_REUSED": [0],
    }
    assert found(*(fix(i * 60, 80 * (i % 2)) for i in range(5)))["ZIG_ZAG"] == [2]

    both = spoof.signals([fix(0, mocked=True), fix(10, 500)], received=NOW)
    assert both.score == pytest.approx(1 - 0.5 * 0.6)
