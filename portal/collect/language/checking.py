"""Answers against a schema: relevance, calculations in their order, then every rule of every field.

A field that is not relevant, and all within a group that is not, counts as unanswered in every expression. Calculations
that the client sent are not looked at: the server's own result counts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _

from portal.collect.language.expressions import Expression
from portal.collect.language.kinds import KINDS, MEASURED
from portal.collect.language.schema import CHOOSING, Choice, Field, Schema, expressions
from portal.collect.language.values import Context, blank, equal, settled
from portal.core.common.clock import zone
from portal.core.common.errors import Invalid

MOST_ENTRIES: Final = 1000  # of a repeat
MOST_FAULTS: Final = 200


class Fault(NamedTuple):
    """`field` is the id of the field, `wells[2].depth` in a repeat (entries count from 0); `rule` one of REQUIRED TYPE
    OPTION MIN MAX PATTERN CONSTRAINT NOT_RELEVANT UNKNOWN_FIELD; `message` is in the reader's language."""

    field: str
    rule: str
    message: str
    value: Any = None


@dataclass(slots=True)
class Checked:
    faults: list[Fault]
    answers: dict[str, Any]  # with calculations, without what is blank or not relevant


class Cycle(ValueError):
    """Fields whose relevance or calculation needs each other, in their order."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(" → ".join(names))
        self.names = names

    def refusal(self, schema: Schema) -> Invalid:
        item = schema.by_id[self.names[0]]
        key = "calculation" if item.calculation else "relevant"
        message = _("These fields wait for each other: %(fields)s.") % {"fields": " → ".join(self.names)}
        return Invalid.field(f"schema.{item.place}.{key}", message, "CYCLE")


class _Level:
    """The fields of one level: of the form, or of a repeat's entry. Groups are on the level around them."""

    def __init__(self, schema: Schema, fields: tuple[Field, ...]) -> None:
        self.all = list(_flat(fields))
        self.answering = [item for item in self.all if item.answers]
        self.known = {item.id for item in self.answering}
        self.order = _ordered(self.all, schema)
        self.plain = not any(item.relevant or item.calculation for item in self.all)
        self.nested = {item.id: _Level(schema, item.children) for item in self.all if item.type == "repeat"}


def _flat(fields: tuple[Field, ...]) -> Iterator[Field]:
    for item in fields:
        yield item
        if item.type == "group":
            yield from _flat(item.children)


def _ordered(fields: list[Field], schema: Schema) -> list[Field]:
    """So that each comes after what its value depends on; otherwise as in the form. Raises Cycle.

    A repeat depends on what its own fields read of this level.
    """
    here = {item.id: item for item in fields}
    needs = {item.id: sorted(_needs(item, schema) & here.keys(), key=list(here).index) for item in fields}
    done: dict[str, Field] = {}
    trail: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        if name in trail:
            raise Cycle([*trail[trail.index(name) :], name])
        trail.append(name)
        for other in needs[name]:
            visit(other)
        trail.pop()
        done[name] = here[name]

    for name in here:
        visit(name)
    return list(done.values())


def _needs(item: Field, schema: Schema) -> set[str]:
    found = {item.group} if item.group else set()
    for key, expression in expressions(item):
        if key in ("relevant", "calculation"):
            found |= expression.references
    if item.type == "repeat":
        found |= {name for child in _within(item) for name in _needs(child, schema) if name != item.id}
    return {name for name in found if name}


def _within(item: Field) -> Iterator[Field]:
    for child in item.children:
        yield child
        yield from _within(child)


class Program:
    """A schema ready to check answers."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.level = _Level(schema, schema.top)
        self.unknown = schema.allow_unknown

    def run(self, answers: Any, *, now: datetime, time_zone: str) -> Checked:
        faults: list[Fault] = []
        if not isinstance(answers, Mapping):
            faults.append(Fault("answers", "TYPE", _("Answers are an object of field id and answer.")))
            return Checked(faults, {})
        context = Context(now, zone(time_zone))
        clean = self._check(self.level, answers, {}, context, "", faults)
        return Checked(faults[:MOST_FAULTS], clean)

    def _check(
        self,
        level: _Level,
        sent: Mapping[str, Any],
        around: Mapping[str, Any],
        context: Context,
        path: str,
        faults: list[Fault],
    ) -> dict[str, Any]:
        hidden: set[str] = set()
        if level.plain and not around:
            seen: Mapping[str, Any] = sent
        else:
            seen = _values(level, sent, around, context, hidden)
        clean: dict[str, Any] = {}
        for item in level.answering:
            name = item.id
            value = sent.get(name)
            if item.calculation is not None:
                if seen.get(name) is not None:
                    clean[name] = seen[name]
                continue
            if hidden and name in hidden:
                if not blank(value):
                    faults.append(_fault(item, path, "NOT_RELEVANT", value))
                continue
            if value is None or value == "" or value == []:
                if item.required and (item.required is True or item.required.true(seen, context)):
                    faults.append(_fault(item, path, "REQUIRED", value))
                continue
            rule = _rule(item, value, seen, context)
            if rule is not None:
                faults.append(_fault(item, path, rule, value))
            elif item.type == "repeat":
                clean[name] = self._entries(level.nested[name], item, value, seen, context, path, faults)
            else:
                clean[name] = value
        for name in sent.keys() - level.known:
            if self.unknown and name not in self.schema.by_id:
                clean[name] = sent[name]
            elif not blank(sent[name]):
                message = _("The form has no field “%(id)s” here.") % {"id": str(name)[:100]}
                faults.append(Fault(f"{path}{name}", "UNKNOWN_FIELD", message, sent[name]))
        return clean

    def _entries(
        self,
        level: _Level,
        item: Field,
        entries: list[Mapping[str, Any]],
        around: Mapping[str, Any],
        context: Context,
        path: str,
        faults: list[Fault],
    ) -> list[dict[str, Any]]:
        if len(entries) > MOST_ENTRIES:
            message = _("At most %(limit)s entries.") % {"limit": MOST_ENTRIES}
            faults.append(Fault(f"{path}{item.id}", "MAX", message, len(entries)))
            return []
        return [
            self._check(level, entry, around, context, f"{path}{item.id}[{index}].", faults)
            for index, entry in enumerate(entries)
            if len(faults) <= MOST_FAULTS
        ]


def _values(
    level: _Level, sent: Mapping[str, Any], around: Mapping[str, Any], context: Context, hidden: set[str]
) -> dict[str, Any]:
    """What expressions read: the answers, with calculations done and without what is not relevant."""
    seen = dict(around)
    for item in level.order:
        name = item.id
        if (item.group is not None and item.group in hidden) or (
            item.relevant is not None and not item.relevant.true(seen, context)
        ):
            hidden.add(name)
            seen[name] = None
        elif item.calculation is not None:
            seen[name] = settled(item.calculation.run(seen, context))
        elif item.answers:
            seen[name] = sent.get(name)
    return seen


def _rule(item: Field, value: Any, seen: Mapping[str, Any], context: Context) -> str | None:
    """The first rule that the answer breaks."""
    kind = item.type
    if not KINDS[kind](value):
        return "TYPE"
    if kind in CHOOSING and not _offered(item, value, seen, context):
        return "OPTION"
    if item.minimum is not None or item.maximum is not None:
        measured = MEASURED[kind](value)
        if item.minimum is not None and measured < item.minimum:
            return "MIN"
        if item.maximum is not None and measured > item.maximum:
            return "MAX"
    if item.pattern is not None and item.pattern.fullmatch(value) is None:
        return "PATTERN"
    if item.constraint is not None:
        context.this = value
        if not item.constraint.true(seen, context):
            return "CONSTRAINT"
    return None


def _offered(item: Field, value: Any, seen: Mapping[str, Any], context: Context) -> bool:
    for wanted in value if isinstance(value, list) else (value,):
        choice = item.choice(wanted)
        if choice is None or not offered(item, choice, seen, context):
            return False
    return True


def offered(item: Field, choice: Choice, seen: Mapping[str, Any], context: Context) -> bool:
    """Whether the choice can be taken, given the other answers."""
    if choice.offered is not None and not choice.offered.true(seen, context):
        return False
    if item.choice_filter is not None:
        context.row = {**choice.columns, "name": choice.value}
        return item.choice_filter.true(seen, context)
    return all(_fits(seen.get(name), wanted, context) for name, wanted in choice.columns.items())


def _fits(answer: Any, wanted: Any, context: Context) -> bool:
    """The answer is the wanted one, or among them, or has it among its own."""
    for one in wanted if isinstance(wanted, list) else (wanted,):
        if one in answer if isinstance(answer, list) else equal(answer, one, context):
            return True
    return False


_OWN_WORDS: Final = {"CONSTRAINT": "constraintMessage", "PATTERN": "constraintMessage", "REQUIRED": "requiredMessage"}
_MESSAGES: Final[Mapping[str, Callable[[Field], str]]] = {
    "REQUIRED": lambda item: _("“%(label)s” needs an answer."),
    "TYPE": lambda item: _("“%(label)s” has an answer of the wrong type (%(type)s)."),
    "OPTION": lambda item: _("The answer to “%(label)s” is not among the options."),
    "MIN": lambda item: _("“%(label)s” must be at least %(min)s.") if _amount(item) else _at_least(item),
    "MAX": lambda item: _("“%(label)s” must be at most %(max)s.") if _amount(item) else _at_most(item),
    "PATTERN": lambda item: _("“%(label)s” does not have the wanted form."),
    "CONSTRAINT": lambda item: _("“%(label)s” does not meet its condition."),
    "NOT_RELEVANT": lambda item: _("“%(label)s” is not asked here and must stay without an answer."),
}


def _amount(item: Field) -> bool:
    return item.type in ("number", "integer", "date", "time", "datetime")


def _at_least(item: Field) -> str:
    if item.type in ("text", "barcode"):
        return _("“%(label)s” needs at least %(min)s characters.")
    return _("“%(label)s” needs at least %(min)s entries.")


def _at_most(item: Field) -> str:
    if item.type in ("text", "barcode"):
        return _("“%(label)s” has at most %(max)s characters.")
    return _("“%(label)s” has at most %(max)s entries.")


def _fault(item: Field, path: str, rule: str, value: Any) -> Fault:
    said = item.text(_OWN_WORDS[rule]) if rule in _OWN_WORDS else ""
    message = said or _MESSAGES[rule](item) % {
        "label": item.text(),
        "type": item.type,
        "min": item.data.get("min"),
        "max": item.data.get("max"),
    }
    return Fault(f"{path}{item.id}", rule, message, value)


__all__ = ["Checked", "Cycle", "Expression", "Fault", "Program", "offered"]
