"""Words with variables: `{{ name }}` in the texts of kinds and templates. No logic, no filters, nothing evaluated."""

import re
from collections.abc import Iterable, Mapping
from datetime import tzinfo
from typing import Any, Final

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.core.common import clock
from portal.core.common.errors import FieldError

TYPES: Final = ("text", "number", "date", "datetime", "boolean")
_VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]{0,49})\s*\}\}")
_BRACES: Final = re.compile(r"\{\{|\}\}")
LONGEST_VALUE: Final = 2000


def names_in(text: str) -> set[str]:
    """The variables that a text uses."""
    return set(_VARIABLE.findall(text))


def broken(text: str) -> bool:
    """Whether braces are left that name no variable."""
    return _BRACES.search(_VARIABLE.sub("", text)) is not None


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables filled in; one that has no value stays as it is written."""
    return _VARIABLE.sub(lambda found: values.get(found.group(1), found.group(0)), text)


def data_errors(variables: Iterable[Mapping[str, Any]], data: Mapping[str, Any]) -> list[FieldError]:
    """What does not fit the schema: unknown names, missing ones, values of another type."""
    schema = {entry["name"]: entry for entry in variables}
    errors = [FieldError(f"data.{name}", _("There is no such variable.")) for name in data if name not in schema]
    for name, entry in schema.items():
        if data.get(name) in (None, ""):
            if entry.get("required", True):
                errors.append(FieldError(f"data.{name}", _("This field is required.")))
        elif not _fits(data[name], entry.get("type", "text")):
            errors.append(FieldError(f"data.{name}", _("Must be: %(type)s.") % {"type": entry.get("type", "text")}))
    return errors


def _fits(value: Any, kind: str) -> bool:
    match kind:
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return clock.parse_date(value) is not None
        case "datetime":
            return clock.parse_moment(value) is not None
    return isinstance(value, str | int | float) and len(str(value)) <= LONGEST_VALUE


def shown(variables: Iterable[Mapping[str, Any]], data: Mapping[str, Any], *, zone: tzinfo) -> dict[str, str]:
    """The values as people read them, in the language in force and `zone`."""
    types = {entry["name"]: entry.get("type", "text") for entry in variables}
    return {name: _show(value, types.get(name, "text"), zone) for name, value in data.items()}


def _show(value: Any, kind: str, zone: tzinfo) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if kind == "datetime" and (moment := clock.parse_moment(value)):
        return date_format(moment.astimezone(zone), "SHORT_DATETIME_FORMAT")
    if kind == "date" and (day := clock.parse_date(value)):
        return date_format(day, "SHORT_DATE_FORMAT")
    return str(value)
