"""Business time against golden cases and against a count of every minute."""

import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from portal.crm.sla import clock
from portal.crm.sla.clock import DAYS, Calendar, NeverOpen

VECTORS = json.loads((Path(__file__).parent / "sla_vectors.json").read_text())
MINUTE = timedelta(minutes=1)
CASES = 320


def _moment(text, zone):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.covers("E002-057")
@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_golden_case(case):
    calendar, zone = Calendar.read(case["calendar"]), case["tz"]
    start = _moment(case["start"], zone)
    pauses = [(_moment(a, zone), _moment(b, zone)) for a, b in case["pauses"]]
    target = timedelta(hours=case["target_h"])

    due = clock.deadline(calendar, start, target, pauses)

    assert due == datetime.fromisoformat(case["deadline_utc"])
    assert clock.elapsed(calendar, start, due, pauses) == target


def _minutes_of(said):
    return {
        day: [tuple(int(part[:2]) * 60 + int(part[3:]) for part in span) for span in said.get(day, ())] for day in DAYS
    }


class Counted:
    """The calendar read minute by minute, by nothing of the code under test."""

    def __init__(self, said):
        self.zone = ZoneInfo(said["timeZone"])
        self.week = _minutes_of(said["week"])
        self.once = {entry["date"] for entry in said["holidays"] if not entry["recurring"]}
        self.yearly = {entry["date"][5:] for entry in said["holidays"] if entry["recurring"]}
        self.seasons = [(one["from"], one["to"], _minutes_of(one["week"])) for one in said["seasons"]]

    def open(self, moment):
        wall = moment.astimezone(self.zone)
        day = wall.date().isoformat()
        if day in self.once or day[5:] in self.yearly:
            return False
        week = next((week for first, last, week in self.seasons if first <= day <= last), self.week)
        minute = wall.hour * 60 + wall.minute
        return any(opens <= minute < closes for opens, closes in week[DAYS[wall.weekday()]])


def _week(rng):
    shapes = [
        [],
        [["09:00", "17:00"]],
        [["08:00", "12:00"], ["13:30", "18:00"]],
        [["00:00", "24:00"]],
        [["22:15", "24:00"]],
        [["00:00", "02:30"], ["02:30", "03:10"], ["12:00", "24:00"]],
    ]
    week = {day: rng.choice(shapes) for day in DAYS}
    week[rng.choice(DAYS)] = shapes[1]
    return week


def test_random_calendars_agree_with_a_count_of_every_minute():
    """Windows lie around the days on which clocks change: Casablanca leaves and rejoins UTC+1 around Ramadan 2026,
    Paris changes in March and October, Aden never."""
    rng = random.Random(20261121)
    edges = [date(2026, 2, 15), date(2026, 3, 22), date(2026, 3, 29), date(2026, 10, 25), date(2026, 12, 31)]
    for number in range(CASES):
        zone = rng.choice(["Asia/Aden", "Africa/Casablanca", "Europe/Paris"])
        edge = rng.choice(edges)
        near = [(edge + timedelta(days=rng.randint(-3, 5))).isoformat() for _ in range(3)]
        said = {
            "timeZone": zone,
            "week": _week(rng),
            "holidays": [
                {"date": near[0], "name": "", "recurring": False},
                {"date": near[1].replace("2026", "2020"), "name": "", "recurring": True},
            ][: rng.randint(0, 2)],
            "seasons": [{"from": min(near), "to": max(near), "week": _week(rng)}][: rng.randint(0, 1)],
        }
        calendar, counted = Calendar.read(said), Counted(said)
        start = datetime.combine(edge, datetime.min.time(), UTC) + MINUTE * rng.randint(-4000, 1500)
        stops = [start + MINUTE * rng.randint(-300, 5000) for _ in range(rng.randint(0, 3))]
        pauses = [(stop, stop + MINUTE * rng.randint(0, 2000)) for stop in stops]
        target = rng.randint(1, 2400)

        due = clock.deadline(calendar, start, target * MINUTE, pauses)

        left, now = target, start
        while left:
            left -= counted.open(now) and not any(a <= now < b for a, b in pauses)
            now += MINUTE
        assert due == now, (number, said, start, pauses, target)
        assert clock.elapsed(calendar, start, due, pauses) == target * MINUTE
        middle = start + (due - start) // 2
        rest = target * MINUTE - clock.elapsed(calendar, start, middle, pauses)
        assert clock.deadline(calendar, middle, rest, pauses) <= due  # equal where `middle` is open


def test_a_pause_that_has_not_ended_stops_the_clock_for_ever():
    start = datetime(2026, 1, 7, 9, tzinfo=UTC)

    assert clock.elapsed(clock.ALWAYS, start, start + timedelta(hours=9), [(start + MINUTE, None)]) == MINUTE
    with pytest.raises(NeverOpen):
        clock.deadline(clock.ALWAYS, start, timedelta(hours=1), [(start + MINUTE, None)])
    assert clock.elapsed(clock.ALWAYS, start, start - MINUTE) == timedelta()
    assert clock.deadline(clock.ALWAYS, start, timedelta()) == start
