"""Values of the expression language: XPath 1.0's conversions on JSON values, the same in `static/js/form-language.js`.

No answer is None or `""`. A date counts as days since 1970-01-01, a date-time as days on the wall clock of the form's
time zone, a time as its share of a day, so that `today() - ${born}` and `. <= now()` mean what they say.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any, Final

from portal.core.common.clock import parse_moment, wire

NAN: Final = math.nan
_NUMBER = re.compile(r"[ \t\r\n]*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?[ \t\r\n]*", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(slots=True)
class Context:
    """What an expression can see beside the answers: the moment, the zone, the answer itself, the choice's columns."""

    now: datetime
    zone: tzinfo
    this: Any = None
    row: Any = None

    def moment(self) -> str:
        return wire(self.now) or ""

    def today(self) -> str:
        return self.now.astimezone(self.zone).date().isoformat()


def blank(value: Any) -> bool:
    return value is None or value == "" or value == []


def number(value: Any, context: Context) -> float:
    """NaN for what is no number."""
    kind = type(value)
    if kind is int or kind is float or isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if kind is not str or not value:
        return NAN
    if _NUMBER.fullmatch(value):
        return float(value)
    return _days(value, context)


def _days(text: str, context: Context) -> float:
    if _DATE.fullmatch(text):
        try:
            return float(date.fromisoformat(text).toordinal() - _EPOCH)
        except ValueError:
            return NAN
    if match := TIME.fullmatch(text):
        return _seconds(*match.group(1, 2, 3, 4)) / 86400
    if (moment := parse_moment(text)) is not None:
        try:
            wall = moment.astimezone(context.zone)
        except (OverflowError, ValueError):
            return NAN
        clock = wall.hour * 3600 + wall.minute * 60 + wall.second + wall.microsecond / 1e6
        return wall.toordinal() - _EPOCH + clock / 86400
    return NAN


def _seconds(hours: str, minutes: str, seconds: str | None, fraction: str | None) -> float:
    return int(hours) * 3600 + int(minutes) * 60 + float(f"{seconds or 0}.{fraction or 0}")


def string(value: Any) -> str:
    """Numbers are written as JavaScript writes them."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _written(value)
    if isinstance(value, list):
        return " ".join(string(item) for item in value)
    if isinstance(value, dict):
        return " ".join(string(value[key]) for key in ("lat", "lng", "altitude", "accuracy") if key in value)
    return ""


def _written(value: float) -> str:
    try:
        value = float(value)
    except OverflowError:
        value = math.inf if value > 0 else -math.inf
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    mantissa, _e, exponent = text.partition("e")
    if not exponent:
        return text
    power = int(exponent)
    if -7 < power < 0:
        sign, digits = ("-", mantissa[1:]) if mantissa[0] == "-" else ("", mantissa)
        return f"{sign}0.{'0' * (-power - 1)}{digits.replace('.', '')}"
    return f"{mantissa}e{power:+d}"


def boolean(value: Any) -> bool:
    return value is True or (value is not False and not blank(value) and value != 0 and value == value)


def equal(left: Any, right: Any, context: Context) -> bool:
    """No answer equals only no answer; a boolean is compared as such (a text by its word); then numbers, then texts."""
    if blank(left) or blank(right):
        return blank(left) and blank(right)
    if isinstance(left, bool) or isinstance(right, bool):
        if isinstance(left, str) or isinstance(right, str):
            return string(left) == string(right)
        return boolean(left) is boolean(right)
    if isinstance(left, (int, float)) or isinstance(right, (int, float)):
        return number(left, context) == number(right, context)
    return string(left) == string(right)


def settled(value: Any) -> Any:
    """The result of a calculation as it is stored: no NaN, whole numbers whole, no answer as None."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value == int(value) and abs(value) < 2**53 else value
    return None if blank(value) else value


def parse_time(text: Any) -> time | None:
    """`09:15`, with seconds and offset where stated; the offset does not change the time of day."""
    match = TIME.fullmatch(text) if isinstance(text, str) else None
    return time(int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def context_at(now: datetime, zone: tzinfo = UTC) -> Context:
    return Context(now, zone)
