"""Where widgets stand on the grid: pure functions on positions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _

from portal.collect.dashboards.models import COLUMNS, MOST_ROWS
from portal.core.common.errors import Errors


class Place(NamedTuple):
    """`x` columns from the side at which reading begins, `y` rows from the top, `w` and `h` how many of both."""

    x: int
    y: int
    w: int
    h: int

    def wire(self) -> dict[str, int]:
        return self._asdict()

    def meets(self, other: "Place") -> bool:
        return (
            self.x < other.x + other.w
            and other.x < self.x + self.w
            and self.y < other.y + other.h
            and other.y < self.y + self.h
        )


USUAL: Final = Place(0, 0, 6, 4)


def read_place(said: Any, held: Place, name: str, errors: Errors) -> Place:
    """A client's `{x, y, w, h}`, absent ones as in `held`."""
    if not isinstance(said, Mapping):
        errors.add(name, _("An object with x, y, w and h."))
        return held
    found = {}
    for key, least, most in (("w", 1, COLUMNS), ("h", 1, COLUMNS), ("x", 0, COLUMNS - 1), ("y", 0, MOST_ROWS)):
        value = said.get(key, getattr(held, key))
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            message = _("A whole number from %(least)s to %(most)s.") % {"least": least, "most": most}
            errors.add(f"{name}.{key}", message)
            value = getattr(held, key)
        found[key] = value
    if found["x"] + found["w"] > COLUMNS:
        errors.add(f"{name}.w", _("Column and width together are at most %(count)s.") % {"count": COLUMNS})
    return Place(**found)


def free_place(taken: Iterable[Place], wanted: Place = USUAL) -> Place:
    """The first place of that size, row by row, that is free."""
    taken = list(taken)
    lowest = max((place.y + place.h for place in taken), default=0)
    for y in range(lowest + 1):
        for x in range(COLUMNS - wanted.w + 1):
            place = wanted._replace(x=x, y=y)
            if not any(place.meets(other) for other in taken):
                return place
    return wanted._replace(x=0, y=lowest)


def settled(places: Sequence[Place]) -> list[Place]:
    """The same places, in the same order, none over another: who stands in the way of an earlier one moves down."""
    order = sorted(range(len(places)), key=lambda index: (places[index].y, places[index].x, index))
    found: dict[int, Place] = {}
    for index in order:
        place = places[index]
        while in_the_way := [other for other in found.values() if place.meets(other)]:
            place = place._replace(y=max(other.y + other.h for other in in_the_way))
        found[index] = place
    return [found[index] for index in range(len(places))]
