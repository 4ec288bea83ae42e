"""What an answer of each type looks like as JSON (`contract-rooms.md` section 1)."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from portal.collect.language.values import parse_time
from portal.core.common.clock import parse_date, parse_moment

_MOST_POSITIONS = 10_000
_LONGEST = 100_000  # characters of a text
_FILE = 255


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= 1.7e308  # NaN and infinity are not


def _integer(value: Any) -> bool:
    return _number(value) and value == math.trunc(value)


def _boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _many(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value) and len(set(value)) == len(value)


def _date(value: Any) -> bool:
    return parse_date(value) is not None


def _moment(value: Any) -> bool:
    return parse_moment(value) is not None


def _time(value: Any) -> bool:
    return parse_time(value) is not None


def _degrees(value: Any, limit: int) -> bool:
    return _number(value) and -limit <= value <= limit


def _point(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and not value.keys() - {"lat", "lng", "accuracy", "altitude"}
        and _degrees(value.get("lat"), 90)
        and _degrees(value.get("lng"), 180)
        and all(value.get(key) is None or _number(value[key]) for key in ("accuracy", "altitude"))
    )


def _positions(value: Any, least: int) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and least <= len(value) <= _MOST_POSITIONS
        and all(
            isinstance(place, Sequence)
            and 2 <= len(place) <= 3
            and _degrees(place[0], 180)
            and _degrees(place[1], 90)
            and (len(place) == 2 or _number(place[2]))
            for place in value
        )
    )


def _trace(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("type") == "LineString" and _positions(value.get("coordinates"), 2)


def _shape(value: Any) -> bool:
    rings = value.get("coordinates") if isinstance(value, Mapping) and value.get("type") == "Polygon" else None
    return (
        isinstance(rings, list)
        and 1 <= len(rings) <= 100
        and all(_positions(ring, 4) and list(ring[0]) == list(ring[-1]) for ring in rings)
    )


def _file(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _FILE


def _scalar(value: Any) -> bool:
    return isinstance(value, (bool, str)) or _number(value)


def _list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) for item in value)


def _none(value: Any) -> bool:
    return False


# type -> whether a value that is not blank is an answer to it; files are named by their id
KINDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "text": _text,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "select": _text,
    "selectMultiple": _many,
    "date": _date,
    "time": _time,
    "datetime": _moment,
    "geopoint": _point,
    "geotrace": _trace,
    "geoshape": _shape,
    "photo": _file,
    "file": _file,
    "signature": _file,
    "barcode": _text,
    "calculate": _scalar,
    "note": _none,
    "group": _none,
    "repeat": _list,
}


def _as_number(value: Any) -> Any:
    return value if _number(value) else None


def _as_length(value: Any) -> Any:
    return value if _integer(value) and value >= 0 else None


# type -> reads a bound of the schema into what answers are compared with; None where it is no bound
BOUND_BY: Final[Mapping[str, Callable[[Any], Any]]] = {
    "number": _as_number,
    "integer": _as_number,
    "text": _as_length,
    "barcode": _as_length,
    "selectMultiple": _as_length,
    "repeat": _as_length,
    "date": parse_date,
    "time": parse_time,
    "datetime": parse_moment,
}

# type -> what of an answer is compared with its bounds
MEASURED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "number": lambda value: value,
    "integer": lambda value: value,
    "text": len,
    "barcode": len,
    "selectMultiple": len,
    "repeat": len,
    "date": parse_date,
    "time": parse_time,
    "datetime": parse_moment,
}
