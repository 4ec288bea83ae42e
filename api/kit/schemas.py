"""Bases of the declared shapes. Names are camelCase on the wire, snake_case in the code."""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, Final, Literal, Self
from uuid import UUID

from django.utils.translation import gettext as _
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

from portal.core.common.errors import Invalid
from portal.core.common.ids import parse_uuid


class In(BaseModel):
    """A request body: camelCase, snake_case and `aliases`. Unknown fields are ignored and named in the answer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")
    aliases: ClassVar[Mapping[str, str]] = {}  # other wire name -> field

    @model_validator(mode="before")
    @classmethod
    def _names(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, dict):
            return data
        accepted, found = _accepted(cls), {}
        ignored = []
        for key, value in data.items():
            name = accepted.get(key)
            if name is None:
                ignored.append(key)
            elif name not in found or key == to_camel(name):  # the canonical name wins over its aliases
                found[name] = value if _fits(value, _kinds(cls)[name]) else _UNFIT
        _ignore(info, ignored)
        return found

    @property
    def changes(self) -> dict[str, Any]:
        """The fields that the client sent; null stands for "clear"."""
        return {name: getattr(self, name) for name in self.model_fields_set}


_UNFIT: Final = object()  # what no field takes: its own refusal is raised
_KIND: Final = {dict: "object", list: "array", bool: "boolean", int: "number", float: "number", Decimal: "number"}
_TIMES: Final = {"date": "time", "date-time": "time"}
_SECONDS: Final = re.compile(r"\s*[+-]?\d+(\.\d*)?\s*")


def _fits(value: Any, kinds: frozenset[str]) -> bool:
    """Is it of a type that the document names? Pydantic alone takes true for 1, 0 for false and 5 for a moment. Other
    texts are left to it: a number may come as one. But `20260101` is no day: it would be seconds since 1970."""
    if isinstance(value, str):
        return not (kinds and kinds <= {"time", "null"} and _SECONDS.fullmatch(value))
    kind = _KIND.get(type(value))
    return kind is None or not kinds or kind in kinds


@cache
def _kinds(schema: type[BaseModel]) -> Mapping[str, frozenset[str]]:
    """The types of JSON that each field takes, as documented, `time` for days and moments; empty for any."""
    document = schema.model_json_schema(by_alias=False)
    shapes = document.get("$defs", {})

    def of(node: Mapping[str, Any]) -> frozenset[str]:
        if "$ref" in node:
            return of(shapes[node["$ref"].rpartition("/")[2]])
        if "anyOf" in node:
            several = [of(one) for one in node["anyOf"]]
            return frozenset().union(*several) if all(several) else frozenset()
        if "enum" in node or "const" in node:
            return frozenset({_KIND.get(type(one), "") for one in node.get("enum", [node.get("const")])})
        said = _TIMES.get(node.get("format", ""), node.get("type", []))
        return frozenset("number" if one == "integer" else one for one in ([said] if isinstance(said, str) else said))

    return {name: of(node) for name, node in document.get("properties", {}).items()}


def _ignore(info: ValidationInfo, names: list[str]) -> None:
    if names and info.context and (request := info.context.get("request")):
        request.__dict__.setdefault("ignored_fields", []).extend(names)


@cache
def _accepted(schema: type[In]) -> dict[str, str]:
    names = dict(schema.aliases)
    for name in schema.model_fields:
        names[name] = name
        names[to_camel(name)] = name
    return names


class Declared:
    """`Annotated[dict[str, Any], Declared(Shape)]`: a body that a service checks itself, documented by `Shape`."""

    def __init__(self, shape: type[In]) -> None:
        self.shape = shape

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def take(value: Any, info: ValidationInfo) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise PydanticKnownError("dict_type")
            accepted = _accepted(self.shape)
            _ignore(info, [key for key in value if key not in accepted])
            return value

        return core_schema.with_info_plain_validator_function(
            take, json_schema_input_schema=handler.generate_schema(self.shape)
        )


class Out(BaseModel):
    """An answer's shape, for the documentation; the answers themselves are plain dictionaries."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Envelope[T](BaseModel):
    success: Literal[True] = True
    data: T
    message: str | None = None
    errors: list[dict[str, Any]] = []
    meta: dict[str, Any] = {}


class ListMeta(Out):
    page: int
    limit: int
    total: int
    total_pages: int


class ListEnvelope[T](BaseModel):
    success: Literal[True] = True
    data: list[T]
    message: str | None = None
    errors: list[dict[str, Any]] = []
    meta: ListMeta


class Fault(BaseModel):
    code: str = Field(description="Stable, never translated")
    message: str = Field(description="In the language of Accept-Language")
    field: str | None = Field(description="Dotted camelCase path of the field at fault")


class FaultMeta(Out):
    request_id: str
    timestamp: str


class Failure(BaseModel):
    success: Literal[False] = False
    data: None = None
    message: str
    errors: list[Fault]
    meta: FaultMeta


class Listing(BaseModel):
    """Query of every list. A subclass adds its filters and says which names may sort."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    sortable: ClassVar[Mapping[str, str]] = {}  # wire name -> column; the first is the default
    descending: ClassVar[bool] = True

    page: int = Field(1, ge=1, le=1_000_000, description="From 1")
    limit: int = Field(20, ge=1, le=200, description="Rows per page, at most 200")
    page_size: int | None = Field(None, ge=1, le=200, description="Alias of limit")
    sort: str | None = Field(None, description="Field to sort by")
    order: Literal["asc", "desc"] | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _typed(cls, value: Any, info: ValidationInfo) -> Any:
        return value if _fits(value, _kinds(cls)[str(info.field_name)]) else _UNFIT

    @field_validator("sort")
    @classmethod
    def _sortable(cls, value: str | None) -> str | None:
        if value and value not in cls.sortable:
            raise PydanticCustomError("choice", "choice", {"allowed": ", ".join(cls.sortable)})
        return value

    @model_validator(mode="after")
    def _alias(self) -> Self:
        if self.page_size is not None and "limit" not in self.model_fields_set:
            self.limit = self.page_size
        return self

    @property
    def ordering(self) -> list[str]:
        """Columns to order by, ending in the id so that pages never overlap."""
        wished = self.sort or next(iter(self.sortable), "")
        down = self.order == "desc" if self.order else self.descending if not self.sort else False
        sign = "-" if down else ""
        return [f"{sign}{name}" for name in (self.sortable.get(wished, ""), "id") if name]


def uuid_in(value: object, field: str) -> UUID:
    """A UUID that came in a query or a header; raises Invalid."""
    parsed = parse_uuid(value)
    if parsed is None:
        raise Invalid.field(field, _("This is not a UUID."))
    return parsed
