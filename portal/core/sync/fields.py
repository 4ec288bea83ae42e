"""Reading wire fields into columns, fast enough for a thousand items a request.

Messages are made only when something is wrong. A parser returns the column's value or raises `Refused`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from portal.core.common import clock
from portal.core.common.ids import parse_uuid

Parser = Callable[[Any, str], Any]  # value, the organisation's time zone


class Refused(ValueError):
    """The message says what is expected."""


@dataclass(frozen=True, slots=True)
class Field:
    """`wire` name (with `aliases`), `column`, parser; `required` on create; `empty` stands for null and absence."""

    wire: str
    column: str
    parse: Parser
    required: bool = False
    empty: Any = None
    aliases: tuple[str, ...] = ()


def text(limit: int) -> Parser:
    def parse(value: Any, zone: str) -> str:
        if not isinstance(value, str):
            raise Refused(_("Must be text."))
        value = value.strip()
        if "\x00" in value:
            raise Refused(_("Must not contain the NUL character."))
        if len(value) > limit:
            raise Refused(_("Must have at most %(limit)d characters.") % {"limit": limit})
        return str(value)

    return parse


def choice(values: Iterable[str]) -> Parser:
    allowed = frozenset(values)

    def parse(value: Any, zone: str) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise Refused(_("Must be one of: %(allowed)s.") % {"allowed": ", ".join(sorted(allowed))})
        return value

    return parse


def moment(value: Any, zone: str) -> datetime:
    """A date-time with offset; a bare date is midnight in the organisation's zone."""
    parsed = clock.parse_moment(value)
    if parsed is None:
        day = clock.parse_date(value)
        if day is None:
            raise Refused(_("Must be a date, or a date and time with its offset (2026-11-20T09:15:00Z)."))
        parsed = clock.day_start(day, zone)
    if not 1900 <= parsed.year <= 2200:
        raise Refused(_("Must lie between the years 1900 and 2200."))
    return parsed


def degrees(limit: int) -> Parser:
    def parse(value: Any, zone: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not -limit <= value <= limit:
            raise Refused(
                _("Must be a number of degrees between %(low)d and %(high)d.") % {"low": -limit, "high": limit}
            )
        return float(value)

    return parse


def decimal(*, positive: bool = False) -> Parser:
    def parse(value: Any, zone: str) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > 40:
            raise Refused(_("Must be a number."))
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            raise Refused(_("Must be a number.")) from None
        if not number.is_finite() or abs(number.adjusted()) > 12:
            raise Refused(_("Must be a number of usual size."))
        if number < 0 or (positive and number == 0):
            raise Refused(_("Must be greater than zero.") if positive else _("Must not be negative."))
        return number

    return parse


def reference(value: Any, zone: str) -> UUID:
    parsed = parse_uuid(value)
    if parsed is None:
        raise Refused(_("Must be a UUID."))
    return parsed


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a resource: by every accepted name, and those that a new record must have."""

    all: tuple[Field, ...]
    named: Mapping[str, Field]


def fields(*given: Field) -> Fields:
    return Fields(given, {name: field for field in given for name in (*field.aliases, field.wire)})


def read(
    data: Mapping[str, Any],
    known: Fields,
    *,
    zone: str,
    complete: bool,
    refuse: Callable[[str, str, str], None],
) -> dict[str, Any]:
    """Columns from wire data. `complete`: a create, where required fields must be there. Unknown names are ignored."""
    columns: dict[str, Any] = {}
    for name, value in data.items():
        field = known.named.get(name)
        if field is None or (name != field.wire and field.wire in data):
            continue
        if value is None or value == "":
            if field.required:
                refuse("VALIDATION_ERROR", _("This field is required."), field.wire)
            else:
                columns[field.column] = field.empty
            continue
        try:
            columns[field.column] = field.parse(value, zone)
        except Refused as error:
            refuse("VALIDATION_ERROR", str(error), field.wire)
    if complete:
        for field in known.all:
            if field.required and not any(name in data for name in (field.wire, *field.aliases)):
                refuse("VALIDATION_ERROR", _("This field is required."), field.wire)
            columns.setdefault(field.column, field.empty)
    return columns
