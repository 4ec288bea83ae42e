"""The schema of a form: version 1 of specification 003 and what has grown on it (`domain-collect.md` section 1).

`{"fields": [{"id", "type", "label", …}], "allowUnknown"?, "defaultLanguage"?, "settings"?}`. Keys of a field beside
those of `contract-rooms.md` section 1: `calculation` (calculate), `choiceFilter` with the columns in
`choices[].filter`, `listName`, `appearance`, `readOnly`, `accept` (file), `requiredMessage`; others are kept and not
looked at. `required` may be an expression.

Answers lie at the top level whatever the groups; a repeat holds a list of objects. Ids are unique in the whole form.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portal.collect.language.expressions import Expression, ExpressionError, compile_expression, compile_pattern
from portal.collect.language.kinds import BOUND_BY, KINDS
from portal.core.common.errors import Errors, Invalid

if TYPE_CHECKING:
    from portal.collect.language.checking import Checked, Fault, Program
    from portal.collect.language.diff import Diff

type Words = str | Mapping[str, str]

MOST_FIELDS: Final = 1000
DEEPEST: Final = 6  # groups and repeats within one another
MOST_CHOICES: Final = 20_000  # of all fields together
LARGEST: Final = 2 * 1024 * 1024  # bytes of JSON
_LONGEST: Final = 4000  # characters of a label, a hint, an expression
_ID = re.compile(r"[a-zA-Z_]\w*", re.ASCII)
_LANGUAGE = re.compile(r"default|[a-zA-Z]{2,3}(-[a-zA-Z0-9]{1,8})*", re.ASCII)
CONTAINERS: Final = frozenset({"group", "repeat"})
CHOOSING: Final = frozenset({"select", "selectMultiple"})
SILENT: Final = frozenset({"note", "group"})  # have no answer


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: Words
    columns: Mapping[str, Any] = field(default_factory=dict)  # for choiceFilter, or id -> wanted answer
    offered: Expression | None = None  # the choice's own condition

    def text(self, language: str | None = None) -> str:
        return words(self.label, language)


@dataclass(frozen=True, slots=True)
class Field:
    id: str
    type: str
    path: str  # of its answer: `depth`, in a repeat `wells.depth`
    place: str  # where it stands in the schema: `fields[2].fields[0]`
    data: Mapping[str, Any]  # as sent
    group: str | None  # id of the group or repeat around it
    repeat: str | None  # id of the innermost repeat around it
    required: bool | Expression = False
    relevant: Expression | None = None
    constraint: Expression | None = None
    calculation: Expression | None = None
    choices: tuple[Choice, ...] = ()
    choice_filter: Expression | None = None
    minimum: Any = None  # a number, or for dates and times their text
    maximum: Any = None
    pattern: Any = None
    children: tuple["Field", ...] = ()

    def text(self, key: str = "label", language: str | None = None) -> str:
        """`label`, `hint` or another wording in `language` (absent: the reader's), else in the form's first one."""
        return words(self.data.get(key) or "", language) or (self.id if key == "label" else "")

    @property
    def answers(self) -> bool:
        return self.type not in SILENT

    @property
    def cascading(self) -> bool:
        return self.choice_filter is not None or any(c.offered or c.columns for c in self.choices)

    def choice(self, value: object) -> Choice | None:
        return next((choice for choice in self.choices if choice.value == value), None)


def words(given: Words, language: str | None = None) -> str:
    if isinstance(given, str):
        return given
    code = language or get_language() or "en"
    for wished in (code, code.partition("-")[0], "default", "en"):
        if found := given.get(wished):
            return found
    return next((text for text in given.values() if text), "")


class Schema:
    """A schema that was read without an error. Immutable; compiled once."""

    def __init__(self, raw: Mapping[str, Any], fields: tuple[Field, ...]) -> None:
        self.raw = raw
        self.top = fields
        self.allow_unknown = raw.get("allowUnknown") is True
        self.by_id: dict[str, Field] = {item.id: item for item in _walk(fields)}

    def fields(self) -> Iterator[Field]:
        """Every field in the order of the form, groups and repeats before what is in them."""
        return iter(self.by_id.values())

    def field(self, name: str) -> Field | None:
        return self.by_id.get(name)

    @cached_property
    def languages(self) -> list[str]:
        """Of labels, hints and choices, in order of appearance; empty where all are plain."""
        found: dict[str, None] = {}
        for item in self.fields():
            for given in (item.data.get("label"), item.data.get("hint"), *(c.label for c in item.choices)):
                if isinstance(given, Mapping):
                    found.update(dict.fromkeys(given))
        return list(found)

    @cached_property
    def program(self) -> "Program":
        from portal.collect.language.checking import Program

        return Program(self)

    def check(self, answers: Any, *, now: Any, time_zone: str = "UTC") -> "list[Fault]":
        """What is wrong with these answers; [] where nothing is. Faults stand in the order of the form."""
        return self.program.run(answers, now=now, time_zone=time_zone).faults

    def evaluate(self, answers: Any, *, now: Any, time_zone: str = "UTC") -> "Checked":
        """Faults, and the answers with every calculation done and without what is not relevant."""
        return self.program.run(answers, now=now, time_zone=time_zone)

    def diff(self, other: "Schema") -> "Diff":
        """What `other`, the newer one, changes."""
        from portal.collect.language.diff import compare

        return compare(self, other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(orjson.dumps(self.raw, option=orjson.OPT_SORT_KEYS, default=str))


def _walk(fields: Sequence[Field]) -> Iterator[Field]:
    for item in fields:
        yield item
        yield from _walk(item.children)


def read_schema(raw: str | bytes | Mapping[str, Any]) -> Schema:
    """Reads, checks and compiles. Raises Invalid with one error per fault: `field` the path in the schema
    (`schema.fields[2].relevant`), `rule` one of TYPE REQUIRED ID UNIQUE OPTION LIMIT RANGE PATTERN EXPRESSION REFERENCE
    CYCLE."""
    if isinstance(raw, (str, bytes)):
        try:
            raw = orjson.loads(raw)
        except ValueError:
            raise Invalid.field("schema", _("The schema is not valid JSON."), "TYPE") from None
    if not isinstance(raw, Mapping):
        raise Invalid.field("schema", _("The schema is an object with a list of fields."), "TYPE")
    return _Reader(raw).read()


class _Reader:
    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.errors = Errors()
        self.seen: dict[str, str] = {}  # id -> its place
        self.answers: dict[str, str] = {}  # id -> the path of its answer
        self.lists: dict[str, Any] = {}
        self.count = 0
        self.choices = 0

    def fault(self, path: str, rule: str, message: str, **values: object) -> None:
        if len(self.errors.items) < 100:
            self.errors.add(f"schema.{path}" if path else "schema", message % values if values else message, rule)

    def read(self) -> Schema:
        try:
            whole = orjson.dumps(self.raw, default=str)
        except TypeError:  # nested without end, or half a surrogate pair
            raise Invalid.field("schema", _("The schema is not valid JSON."), "TYPE") from None
        if b"\\u0000" in whole:
            self.fault("", "TYPE", _("The text contains a NUL character."))
        if len(whole) > LARGEST:
            self.fault("", "LIMIT", _("The schema is larger than %(limit)s bytes."), limit=LARGEST)
        self.errors.raise_any()
        if not isinstance(self.raw.get("fields"), list):
            self.fault("fields", "REQUIRED", _("The schema needs a list of fields."))
        self.kind(self.raw, "allowUnknown", "allowUnknown", bool)
        fields = self.fields(self.raw.get("fields"), "fields", None, None, 1)
        self.errors.raise_any()
        schema = Schema(self.raw, fields)
        self.references(schema)
        self.errors.raise_any()
        from portal.collect.language.checking import Cycle

        try:
            assert schema.program
        except Cycle as cycle:
            raise cycle.refusal(schema) from None
        return schema

    def fields(self, raw: Any, path: str, group: str | None, repeat: str | None, depth: int) -> tuple[Field, ...]:
        if not isinstance(raw, list):
            return ()
        if depth > DEEPEST:
            self.fault(path, "LIMIT", _("Groups are at most %(limit)s deep."), limit=DEEPEST)
            return ()
        found = []
        for index, item in enumerate(raw):
            self.count += 1
            if self.count > MOST_FIELDS:
                self.fault(path, "LIMIT", _("A form has at most %(limit)s fields."), limit=MOST_FIELDS)
                break
            where = f"{path}[{index}]"
            if not isinstance(item, Mapping):
                self.fault(where, "TYPE", _("A field is an object with id, type and label."))
                continue
            if (made := self.one(item, where, group, repeat, depth)) is not None:
                found.append(made)
        return tuple(found)

    def one(self, raw: Mapping[str, Any], path: str, group: str | None, repeat: str | None, depth: int) -> Field | None:
        name, kind = raw.get("id"), raw.get("type")
        if not isinstance(name, str) or not _ID.fullmatch(name) or len(name) > 100:
            self.fault(
                f"{path}.id",
                "ID",
                _("A field's id begins with a letter or _ and has only letters, digits and _ (at most 100)."),
            )
            return None
        if name in self.seen:
            self.fault(
                f"{path}.id", "UNIQUE", _("The id “%(id)s” is taken by %(other)s."), id=name, other=self.seen[name]
            )
            return None
        self.seen[name] = path
        self.answers[name] = answer = f"{self.answers[repeat]}.{name}" if repeat else name
        if not isinstance(kind, str) or kind not in KINDS:
            self.fault(
                f"{path}.type", "TYPE", _("The type of “%(id)s” is one of: %(types)s."), id=name, types=", ".join(KINDS)
            )
            return None
        for key in ("label", "hint", "constraintMessage", "requiredMessage"):
            self.words(raw.get(key), f"{path}.{key}")
        self.kind(raw, "readOnly", f"{path}.readOnly", bool)
        for key in ("appearance", "listName", "accept"):
            self.kind(raw, key, f"{path}.{key}", str)
        columns: frozenset[str] = frozenset()
        choices: tuple[Choice, ...] = ()
        if kind in CHOOSING:
            choices = self.options(raw, path, name)
            columns = frozenset(key for choice in choices for key in choice.columns) | {"name"}
        minimum, maximum = self.bound(raw, "min", path, kind), self.bound(raw, "max", path, kind)
        if minimum is not None and maximum is not None and minimum > maximum:
            self.fault(f"{path}.max", "RANGE", _("The largest value of “%(id)s” is below the smallest."), id=name)
        children: tuple[Field, ...] = ()
        if kind in CONTAINERS:
            if not isinstance(raw.get("fields"), list):
                self.fault(f"{path}.fields", "REQUIRED", _("“%(id)s” needs a list of fields."), id=name)
            children = self.fields(
                raw.get("fields"), f"{path}.fields", name, name if kind == "repeat" else repeat, depth + 1
            )
        if kind == "calculate" and raw.get("calculation") in (None, ""):
            self.fault(f"{path}.calculation", "REQUIRED", _("“%(id)s” needs a calculation."), id=name)
        self.default(raw, path, kind, choices)
        return Field(
            id=name, type=kind, path=answer, place=path, data=raw, group=group, repeat=repeat,
            required=self.required(raw, path),
            relevant=self.expression(raw, "relevant", path),
            constraint=self.expression(raw, "constraint", path),
            calculation=self.expression(raw, "calculation", path) if kind == "calculate" else None,
            choices=choices,
            choice_filter=self.expression(raw, "choiceFilter", path, columns) if kind in CHOOSING else None,
            minimum=minimum, maximum=maximum, pattern=self.pattern(raw, path, kind), children=children,
        )  # fmt: skip

    def kind(self, raw: Mapping[str, Any], key: str, path: str, wanted: type) -> None:
        if raw.get(key) is not None and not isinstance(raw[key], wanted):
            self.fault(path, "TYPE", _("“%(key)s” is of the wrong type."), key=key)

    def words(self, given: Any, path: str) -> None:
        if given is None:
            return
        texts = list(given.items()) if isinstance(given, Mapping) else [("en", given)]
        for language, text in texts:
            if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
                self.fault(path, "TYPE", _("“%(language)s” is not a language code."), language=language)
            elif not isinstance(text, str):
                self.fault(path, "TYPE", _("Write a text, or one text for each language."))
            elif len(text) > _LONGEST:
                self.fault(path, "LIMIT", _("A text has at most %(limit)s characters."), limit=_LONGEST)

    def required(self, raw: Mapping[str, Any], path: str) -> bool | Expression:
        given = raw.get("required")
        if given is None or isinstance(given, bool):
            return bool(given)
        return self.expression(raw, "required", path) or False

    def expression(
        self, raw: Mapping[str, Any], key: str, path: str, columns: frozenset[str] = frozenset()
    ) -> Expression | None:
        given = raw.get(key)
        if given is None or given == "":
            return None
        if not isinstance(given, str):
            self.fault(f"{path}.{key}", "TYPE", _("An expression is a text."))
            return None
        try:
            return compile_expression(given, columns=columns)
        except ExpressionError as error:
            self.fault(f"{path}.{key}", "EXPRESSION", error.message)
            return None

    def pattern(self, raw: Mapping[str, Any], path: str, kind: str) -> Any:
        given = raw.get("pattern")
        if given is None or given == "":
            return None
        if not isinstance(given, str) or kind not in ("text", "barcode"):
            self.fault(f"{path}.pattern", "TYPE", _("A pattern is a text, for a field of text."))
            return None
        try:
            return compile_pattern(given)
        except ExpressionError as error:
            self.fault(f"{path}.pattern", "PATTERN", error.message)
            return None

    def bound(self, raw: Mapping[str, Any], key: str, path: str, kind: str) -> Any:
        given = raw.get(key)
        if given is None or given == "" or kind not in BOUND_BY:
            return None
        read = BOUND_BY[kind](given)
        if read is None:
            self.fault(f"{path}.{key}", "RANGE", _("“%(value)s” cannot bound a field of this type."), value=given)
        return read

    def default(self, raw: Mapping[str, Any], path: str, kind: str, choices: Sequence[Choice]) -> None:
        given = raw.get("default")
        if given is None or given == "" or (kind in ("date", "datetime", "time") and given in ("today()", "now()")):
            return
        values = given if kind == "selectMultiple" and isinstance(given, list) else [given]
        unknown = kind in CHOOSING and any(value not in {choice.value for choice in choices} for value in values)
        if unknown or not KINDS[kind](given):
            self.fault(f"{path}.default", "TYPE", _("The default is not an answer to this field."))

    def options(self, raw: Mapping[str, Any], path: str, name: str) -> tuple[Choice, ...]:
        """`options` (texts) or `choices`; both name the list, `choices` decides."""
        key = "choices" if raw.get("choices") is not None else "options"
        given = raw.get(key)
        if not isinstance(given, list) or not given:
            self.fault(f"{path}.{key}", "REQUIRED", _("“%(id)s” needs a list of options."), id=name)
            return ()
        self.choices += len(given)
        if self.choices > MOST_CHOICES:
            self.fault(f"{path}.{key}", "LIMIT", _("A form has at most %(limit)s options."), limit=MOST_CHOICES)
            return ()
        found: dict[str, Choice] = {}
        for index, item in enumerate(given):
            where = f"{path}.{key}[{index}]"
            if (choice := self.option(item, where)) is None:
                continue
            if choice.value in found:
                self.fault(where, "UNIQUE", _("The option “%(value)s” is there twice."), value=choice.value)
            found[choice.value] = choice
        listed = raw.get("listName") or name
        if isinstance(listed, str):
            if not _ID.fullmatch(listed.replace("-", "_")):
                self.fault(f"{path}.listName", "ID", _("A list's name has letters, digits, - and _ only."))
            if self.lists.setdefault(listed, given) != given:
                self.fault(
                    f"{path}.{key}", "OPTION", _("The list “%(list)s” has other options elsewhere."), list=listed
                )
        return tuple(found.values())

    def option(self, item: Any, where: str) -> Choice | None:
        if isinstance(item, str):
            item = {"value": item, "label": item}
        value = item.get("value") if isinstance(item, Mapping) else None
        if not isinstance(value, str) or not value.strip() or len(value) > 500:
            self.fault(where, "OPTION", _("An option is a text that is not empty, or an object with a value."))
            return None
        label, condition = item.get("label"), item.get("filter")
        self.words(label, f"{where}.label")
        offered, columns = None, {}
        if isinstance(condition, str) and condition:
            offered = self.expression(item, "filter", where)
        elif isinstance(condition, Mapping):
            columns = dict(condition)
            for key in columns:
                if not isinstance(key, str) or not _ID.fullmatch(key):
                    self.fault(f"{where}.filter", "ID", _("“%(key)s” is not a column's name."), key=key)
        elif condition is not None and condition != "":
            self.fault(f"{where}.filter", "TYPE", _("A filter is an expression or an object."))
        return Choice(value, label if label not in (None, "") else value, columns, offered)

    def references(self, schema: Schema) -> None:
        """Every `${id}` names an answer that the field can see: its own repeat's, or of a level further out."""
        for item in schema.fields():
            around = set(_around(schema, item))
            for key, expression in expressions(item):
                where = f"{item.place}.{key}"
                if expression.uses_this and key != "constraint":
                    self.fault(where, "REFERENCE", _("“.” stands for the answer and belongs in a constraint."))
                for name in sorted(expression.references):
                    self.reference(schema, name, where, around)
            if item.choice_filter is None:
                for name in sorted({name for choice in item.choices for name in choice.columns}):
                    self.reference(schema, name, f"{item.place}.choices", around)

    def reference(self, schema: Schema, name: str, where: str, around: set[str]) -> None:
        other = schema.field(name)
        if other is None:
            self.fault(where, "REFERENCE", _("There is no field “%(id)s”."), id=name)
        elif not other.answers or other.type == "repeat":
            self.fault(where, "REFERENCE", _("“%(id)s” has no answer of its own."), id=name)
        elif other.repeat is not None and other.repeat not in around:
            self.fault(where, "REFERENCE", _("“%(id)s” is in a repeat and cannot be seen here."), id=name)


def _around(schema: Schema, item: Field) -> Iterator[str]:
    """The repeats around a field, from the inside."""
    name = item.repeat
    while name is not None:
        yield name
        name = schema.by_id[name].repeat


def expressions(item: Field) -> Iterator[tuple[str, Expression]]:
    """Key and expression of each that the field has; `choices[3].filter` for an option's own."""
    if isinstance(item.required, Expression):
        yield "required", item.required
    for key, found in (
        ("relevant", item.relevant),
        ("constraint", item.constraint),
        ("calculation", item.calculation),
        ("choiceFilter", item.choice_filter),
    ):
        if found is not None:
            yield key, found
    for index, choice in enumerate(item.choices):
        if choice.offered is not None:
            yield f"choices[{index}].filter", choice.offered


__all__ = ["Choice", "Field", "Schema", "expressions", "read_schema", "words"]
