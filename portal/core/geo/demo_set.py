"""The project's own boundaries: two governorates with their parts down to neighbourhoods, around Sana'a and Aden.

Made up: the lines follow nothing on the ground. Their codes begin with XY, which no country has, so that they never
stand for a real unit when real boundaries are loaded beside them.
"""

import math
from typing import Any, Final

import shapely

from portal.core.geo import loading
from portal.core.geo.loading import Plan, Unit
from portal.core.geo.models import GeoDataset

NAME: Final = "Marsad demo"
VERSION: Final = "1"
CREDIT: Final = "Made up for trying Marsad; not real boundaries"
_WAVES: Final = 8

# Code, names, ISO code, west, south, then the districts from west to east, each with its sub-districts from south to
# north; a cell is 0.2 degrees wide and high (some 21 km).
_GOVERNORATES: Final = (
    (
        "XY11", "Sana'a (demo)", "صنعاء (تجريبية)", "YE-SN", 43.9, 15.1,
        (
            ("Bani Matar", "بني مطر", (("Ayban", "عيبان"), ("Al Haymah", "الحيمة"))),
            ("Sanhan", "سنحان", (("Hizyaz", "حزيز"), ("Shu'ub", "شعوب"))),
            ("Bani Hushaysh", "بني حشيش", (("Sawan", "سعوان"), ("Arhab", "أرحب"))),
        ),
    ),
    (
        "XY24", "Aden (demo)", "عدن (تجريبية)", "YE-AD", 44.7, 12.7,
        (
            ("Al Burayqah", "البريقة", (("Salah ad Din", "صلاح الدين"), ("Bir Ahmad", "بئر أحمد"))),
            ("Dar Sa'd", "دار سعد", (("Khur Maksar", "خور مكسر"), ("Al Basatin", "البساتين"))),
        ),
    ),
)  # fmt: skip
_CELL: Final = 0.2
# A quarter of each first sub-district has a boundary of its own, the other one a name alone.
_QUARTERS: Final = (("Old town", "المدينة القديمة"), ("New town", "المدينة الجديدة"))


def seed() -> None:
    """Load the demo's boundaries once, and put them in force where none are; needs a platform scope."""
    if GeoDataset.objects.filter(name=NAME, version=VERSION).exists():
        return
    made = loading.dataset_fill(loading.dataset_create(name=NAME, version=VERSION, credit=CREDIT), plan())
    if not GeoDataset.objects.filter(active=True).exists():
        loading.dataset_activate(made)


def plan() -> Plan:
    made = Plan()

    def add(unit: Unit) -> None:
        made.units[unit.code] = unit

    for code, name, arabic, iso, west, south, districts in _GOVERNORATES:
        shapes: list[Any] = []
        for column, (district, arabic_district, parts) in enumerate(districts):
            district_code = f"{code}{column + 1:02}"
            cells = [_cell(west + column * _CELL, south + row * _CELL) for row in range(len(parts))]
            for row, (part, arabic_part) in enumerate(parts):
                part_code = f"{district_code}{row + 1:02}"
                add(Unit(part_code, 2, district_code, part, arabic_part, shape=cells[row]))
                for number, (quarter, arabic_quarter) in enumerate(_QUARTERS if not row else ()):
                    middle = cells[row].centroid
                    shape = None if number else shapely.box(middle.x - 0.04, middle.y - 0.04, middle.x, middle.y)
                    add(Unit(f"{part_code}{number + 1:02}", 3, part_code, quarter, arabic_quarter, shape=shape))
            whole = shapely.union_all(cells)
            shapes.append(whole)
            add(Unit(district_code, 1, code, district, arabic_district, shape=whole))
        add(Unit(code, 0, "", name, arabic, iso, shapely.union_all(shapes)))
    return made


def _cell(west: float, south: float) -> Any:
    east, north = west + _CELL, south + _CELL
    corners = [(west, south), (east, south), (east, north), (west, north)]
    ring = [point for at in range(4) for point in _edge(corners[at], corners[(at + 1) % 4])]
    return shapely.Polygon(ring)


def _edge(start: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]]:
    """From `start` up to before `end` in waves that the neighbour's edge repeats to the digit."""
    low, high = sorted([start, end])
    upright = high[0] - low[0] < high[1] - low[1]
    line = []
    for step in range(_WAVES + 1):
        share = step / _WAVES
        away = 0.008 * math.sin(2 * math.pi * share) * math.cos(7 * (low[0] + low[1]))
        x, y = low[0] + share * (high[0] - low[0]), low[1] + share * (high[1] - low[1])
        line.append((round(x + away * upright, 6), round(y + away * (not upright), 6)))
    return (line if (round(start[0], 6), round(start[1], 6)) == line[0] else line[::-1])[:-1]
