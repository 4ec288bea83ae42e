"""Refusals of the domain: a stable code, a message for people, and the field that is at fault."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    """`exact`: the name is one of the person's own (the id of a question), which no surface writes in another way."""

    field: str
    message: str
    rule: str = ""
    exact: bool = False


class DomainError(Exception):
    """Raised by services; the surfaces turn it into their error body.

    `code` is never translated (`contract-decisions.md` section 5), `status` is the HTTP status, `meta` goes
    into the error's details.
    """

    status = 400
    code = "VALIDATION_ERROR"

    def __init__(
        self,
        message: object = "",
        *,
        code: str | None = None,
        status: int | None = None,
        errors: Sequence[FieldError] = (),
        meta: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(str(message))
        self.message = message
        self.code = code or self.code
        self.status = status or self.status
        self.errors = list(errors)
        self.meta = meta or {}


class Invalid(DomainError):
    """400 with one entry per field."""

    @classmethod
    def field(cls, name: str, message: object, rule: str = "") -> "Invalid":
        return cls(message, errors=[FieldError(name, str(message), rule)])


class Denied(DomainError):
    """`aftermath` keeps a record of the refusal: whoever rolls the refused transaction back calls it afterwards, in a
    transaction of its own inside the same organisation."""

    status = 403
    code = "PERMISSION_DENIED"

    def __init__(self, message: object = "", *, aftermath: Callable[[], object] | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.aftermath = aftermath


class NotFound(DomainError):
    status = 404
    code = "RESOURCE_NOT_FOUND"


class Conflict(DomainError):
    status = 409
    code = "VERSION_CONFLICT"


class IllegalTransition(DomainError):
    status = 422
    code = "ILLEGAL_TRANSITION"


class TooLarge(DomainError):
    status = 413
    code = "PAYLOAD_TOO_LARGE"


@dataclass(slots=True)
class Errors:
    """Collects field errors and raises them together."""

    items: list[FieldError] = field(default_factory=list)

    def add(self, name: str, message: object, rule: str = "", *, exact: bool = False) -> None:
        self.items.append(FieldError(name, str(message), rule, exact))

    def raise_any(self) -> None:
        if self.items:
            raise Invalid(self.items[0].message, errors=self.items)
