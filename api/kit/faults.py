"""Any exception as a refusal with a stable code; the texts of pydantic in our three languages."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as ModelInvalid
from django.db import DataError, IntegrityError
from django.http import Http404, HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext_lazy as _
from ninja.errors import HttpError, ValidationError

from portal.core.common.errors import Conflict, Denied, DomainError, FieldError, Invalid, NotFound, TooLarge
from portal.core.common.outages import outage

logger = logging.getLogger("marsad.api")

_INTEGER = _("Enter a whole number.")
_NUMBER = _("Enter a number.")
_TEXT = _("Enter a text.")
_UUID = _("This is not a UUID.")
_MOMENT = _("Enter a date and time with offset or Z, like 2026-11-20T09:15:00Z.")
_DATE = _("Enter a date like 2026-11-20.")
_CHOICE = _("Choose one of: %(allowed)s.")
_MESSAGES: Final[dict[str, Any]] = {
    "missing": _("This field is required."),
    "string_type": _TEXT,
    "string_too_short": _("Enter at least %(min_length)s characters."),
    "string_too_long": _("Enter at most %(max_length)s characters."),
    "string_pattern_mismatch": _("This text does not have the expected form."),
    "int_type": _INTEGER,
    "int_parsing": _INTEGER,
    "int_parsing_size": _INTEGER,
    "int_from_float": _INTEGER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": _("Enter true or false."),
    "bool_parsing": _("Enter true or false."),
    "uuid_type": _UUID,
    "uuid_parsing": _UUID,
    "uuid_version": _UUID,
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "timezone_aware": _MOMENT,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "greater_than": _("Enter more than %(gt)s."),
    "greater_than_equal": _("Enter at least %(ge)s."),
    "less_than": _("Enter less than %(lt)s."),
    "less_than_equal": _("Enter at most %(le)s."),
    "literal_error": _CHOICE,
    "enum": _CHOICE,
    "choice": _CHOICE,
    "list_type": _("Enter a list."),
    "too_long": _("Enter at most %(max_length)s entries."),
    "too_short": _("Enter at least %(min_length)s entries."),
    "dict_type": _("Enter an object."),
    "model_type": _("Enter an object."),
    "model_attributes_type": _("Enter an object."),
}


def _message(kind: str, context: Mapping[str, Any]) -> str:
    values = {"allowed": context.get("expected", ""), **context}
    return str(_MESSAGES.get(kind, _("This value is not valid."))) % values


def _fields(errors: Iterable[Mapping[str, Any]]) -> list[FieldError]:
    """One entry per field. `loc` is source, parameter, path (the parameter of a query or path is the field itself)."""
    found: dict[str, FieldError] = {}
    for error in errors:
        source, *path = error["loc"]
        if source in ("body", "query") and path and (source == "body" or len(path) > 1):
            path = path[1:]
        name = ".".join(str(part) for part in path) or ("body" if source == "body" else "")
        found.setdefault(name, FieldError(name, _message(error["type"], error.get("ctx") or {}), error["type"]))
    return list(found.values())


def refusal(request: HttpRequest, error: Exception) -> DomainError:
    """The refusal that an exception stands for; unexpected ones are logged and say nothing of the inside."""
    match error:
        case DomainError():
            return error
        case ValidationError():
            return Invalid(_("Please check the marked fields."), errors=_fields(error.errors))
        case ModelInvalid():
            texts = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
            return Invalid(
                _("Please check the marked fields."),
                errors=[FieldError(name, text) for name, several in texts.items() for text in several],
            )
        case Http404():
            return NotFound(_("Not found."))
        case PermissionDenied():
            return Denied(_("You do not have the right to do this."))
        case RequestDataTooBig():
            return TooLarge(_("The request body is too large."))
        case MultiPartParserError():
            return Invalid(_("The request body is not a valid form."))
        case UnreadablePostError():
            return Invalid(_("The request body is incomplete."))
        case HttpError(__cause__=DomainError() as cause):  # ninja wraps what the parser raises
            return cause
        case HttpError(status_code=status) if status < 500:
            return DomainError(error.message, status=status)
        case DataError():
            return Invalid(_("A value is outside what can be stored."))
        case IntegrityError() if getattr(error.__cause__, "sqlstate", "") == "23505":
            return Conflict(_("A record with these values exists already."), code="DUPLICATE")
    if (lacking := outage(error)) is not None:
        logger.error("%s, request %s: %s", lacking.code, getattr(request, "request_id", ""), error)
        return lacking
    logger.error("request %s failed", getattr(request, "request_id", ""), exc_info=error)
    return DomainError(_("Something went wrong on our side."), status=500, code="SERVER_ERROR")
