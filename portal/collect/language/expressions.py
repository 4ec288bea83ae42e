"""XLSForm's expressions, the part that `contract-rooms.md` section 1 lists: text to tree to Python closures, no eval.

`${id}` and `.` (the answer itself), texts in quotes, numbers, `= != < <= > >= and or + - * div mod`, brackets and the
functions of FUNCTIONS. In a choice filter a bare name is a column of the choice. Anything else is an ExpressionError
with its position. `static/js/form-language.js` is the same language; `tests/collect/vectors.json` holds both to it.
"""

import math
import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import re2
from django.utils.translation import gettext as _

from portal.collect.language.values import Context, blank, boolean, equal, number, settled, string

LONGEST: Final = 4000
DEEPEST: Final = 40  # brackets within brackets
_TALLEST: Final = 120  # of the tree, so that no evaluation comes near Python's own limit
_LONGEST_PATTERN: Final = 500

type Evaluate = Callable[[Mapping[str, Any], Context], Any]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<ref>\$\{\s*[A-Za-z_]\w*\s*\})
    | (?P<number>\d+(?:\.\d+)?|\.\d+)
    | (?P<text>'[^']*'|"[^"]*")
    | (?P<name>[A-Za-z_][\w-]*)
    | (?P<op>!=|<=|>=|[=<>+\-*(),.])
    )""",
    re.VERBOSE | re.ASCII,
)


class ExpressionError(ValueError):
    """What is wrong, in the reader's language, and at which character (from 1)."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message, self.position = message, position


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class Node(NamedTuple):
    kind: str  # number text ref this column call op
    value: Any
    parts: tuple["Node", ...] = ()
    height: int = 1


@dataclass(frozen=True, slots=True)
class Expression:
    source: str
    tree: Node
    references: frozenset[str]  # ids of the answers it reads
    uses_this: bool
    run: Evaluate

    def true(self, answers: Mapping[str, Any], context: Context) -> bool:
        return boolean(self.run(answers, context))


def compile_expression(source: str, *, columns: Container[str] = ()) -> Expression:
    """Raises ExpressionError. `columns`: the names that a choice filter may use bare."""
    if len(source) > LONGEST:
        raise ExpressionError(_("An expression has at most %(limit)s characters.") % {"limit": LONGEST}, LONGEST)
    parser = _Parser(_tokens(source), columns)
    tree = parser.whole()
    return Expression(source, tree, frozenset(parser.references), parser.uses_this, _closure(tree))


def compile_pattern(source: str, position: int = 1) -> Any:
    """A pattern for whole texts, matched in linear time. Raises ExpressionError for what RE2 or browsers cannot do."""
    if len(source) > _LONGEST_PATTERN:
        raise ExpressionError(_("A pattern has at most %(limit)s characters.") % {"limit": _LONGEST_PATTERN}, position)
    if found := _FOREIGN.search(source):
        message = _("The pattern part “%(part)s” is not supported.") % {"part": found[0]}
        raise ExpressionError(message, position)
    try:
        return re2.compile(source, _OPTIONS)
    except re2.error:
        raise ExpressionError(_("“%(pattern)s” is not a valid pattern.") % {"pattern": source}, position) from None


_FOREIGN = re.compile(r"\(\?(?!:)|\[\[:|\\[AzQECpP]|\\x\{")  # RE2 or JavaScript alone knows these
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 1 << 20


def _tokens(source: str) -> list[_Token]:
    found, at = [], 0
    end = len(source.rstrip())
    while at < end:
        match = _TOKEN.match(source, at)
        if match is None:
            at += len(source[at:]) - len(source[at:].lstrip())
            raise ExpressionError(_unread(source, at), at + 1)
        kind = str(match.lastgroup)
        found.append(_Token(kind, match[kind], match.start(kind) + 1))
        at = match.end()
    found.append(_Token("end", "", len(source) + 1))
    return found


def _unread(source: str, at: int) -> str:
    sign, place = source[at], {"sign": source[at], "position": at + 1}
    if sign in "‘’“”«»":
        return _("Write texts in straight quotes, not in %(sign)s (position %(position)s).") % place
    if sign in "'\"":
        return _("A text begins at position %(position)s and does not end.") % place
    return _("“%(sign)s” at position %(position)s cannot be read.") % place


_LEVELS: Final = (("or",), ("and",), ("=", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "div", "mod"))


class _Parser:
    def __init__(self, tokens: Sequence[_Token], columns: Container[str]) -> None:
        self.tokens, self.columns, self.next, self.depth = tokens, columns, 0, 0
        self.references: set[str] = set()
        self.uses_this = False

    @property
    def token(self) -> _Token:
        return self.tokens[self.next]

    def whole(self) -> Node:
        if self.token.kind == "end":
            raise ExpressionError(_("The expression is empty."), 1)
        tree = self.level(0)
        if self.token.kind != "end":
            raise self.unexpected()
        return tree

    def unexpected(self) -> ExpressionError:
        token = self.token
        if token.kind == "end":
            return ExpressionError(_("The expression ends too early (position %(position)s).") % _at(token), token.at)
        message = _("“%(text)s” at position %(position)s is not expected here.")
        return ExpressionError(message % _at(token), token.at)

    def take(self, text: str) -> bool:
        if self.token.kind == "op" and self.token.text == text:
            self.next += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise self.unexpected()

    def level(self, index: int) -> Node:
        if index == len(_LEVELS):
            return self.unary()
        parts, names = [self.level(index + 1)], _LEVELS[index]
        while self.token.kind in ("op", "name") and self.token.text in names:
            operator = self.token.text
            self.next += 1
            parts.append(self.level(index + 1))
            if index > 1:  # `or` and `and` take a whole chain as one node
                parts = [self.node("op", operator, *parts)]
        return parts[0] if len(parts) == 1 else self.node("op", names[0], *parts)

    def node(self, kind: str, value: str, *parts: Node) -> Node:
        height = 1 + max((part.height for part in parts), default=0)
        if height > _TALLEST:
            raise self.deep()
        return Node(kind, value, parts, height)

    def deep(self) -> ExpressionError:
        return ExpressionError(
            _("The expression is nested too deeply (position %(position)s).") % _at(self.token), self.token.at
        )

    def unary(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.deep()
        try:
            if self.take("-"):
                return self.node("op", "negative", self.unary())
            return self.primary()
        finally:
            self.depth -= 1

    def primary(self) -> Node:
        token = self.token
        if token.kind == "number":
            self.next += 1
            return Node("number", float(token.text))
        if token.kind == "text":
            self.next += 1
            return Node("text", token.text[1:-1])
        if token.kind == "ref":
            self.next += 1
            name = token.text[2:-1].strip()
            self.references.add(name)
            return Node("ref", name)
        if token.kind == "name":
            return self.named(token)
        if self.take("."):
            self.uses_this = True
            return Node("this", None)
        if self.take("("):
            inner = self.level(0)
            self.expect(")")
            return inner
        raise self.unexpected()

    def named(self, token: _Token) -> Node:
        self.next += 1
        if not self.take("("):
            if token.text in self.columns:
                return Node("column", token.text)
            message = _("“%(text)s” at position %(position)s is unknown. Write an answer as ${%(text)s}.")
            raise ExpressionError(message % _at(token), token.at)
        if token.text not in FUNCTIONS:
            message = _("The function %(text)s() at position %(position)s is not supported.")
            raise ExpressionError(message % _at(token), token.at)
        parts: list[Node] = []
        if not self.take(")"):
            parts.append(self.level(0))
            while self.take(","):
                parts.append(self.level(0))
            self.expect(")")
        least, most = FUNCTIONS[token.text]
        if not least <= len(parts) <= most:
            message = _("The function %(text)s() at position %(position)s has the wrong number of arguments.")
            raise ExpressionError(message % _at(token), token.at)
        if token.text == "regex":
            if parts[1].kind != "text":
                message = _("The pattern of regex() at position %(position)s must be a text in quotes.")
                raise ExpressionError(message % _at(token), token.at)
            compile_pattern(parts[1].value, token.at)
        return self.node("call", token.text, *parts)


def _at(token: _Token) -> dict[str, Any]:
    return {"text": token.text, "position": token.at}


# name -> fewest and most arguments
FUNCTIONS: Final[Mapping[str, tuple[int, int]]] = {
    "not": (1, 1), "selected": (2, 2), "count-selected": (1, 1), "if": (3, 3), "coalesce": (2, 9),
    "string-length": (1, 1), "regex": (2, 2), "round": (1, 2), "int": (1, 1), "number": (1, 1), "true": (0, 0),
    "false": (0, 0), "today": (0, 0), "now": (0, 0),
}  # fmt: skip


def _closure(node: Node) -> Evaluate:
    kind, value = node.kind, node.value
    if kind in ("number", "text"):
        return lambda answers, context: value
    if kind == "ref":
        return lambda answers, context: answers.get(value)
    if kind == "this":
        return lambda answers, context: context.this
    if kind == "column":
        return lambda answers, context: context.row.get(value)
    parts = [_closure(part) for part in node.parts]
    if kind == "op":
        return _operator(value, parts)
    return _call(value, parts, node)


def _operator(name: str, parts: list[Evaluate]) -> Evaluate:
    if name == "and":
        return lambda answers, context: all(boolean(part(answers, context)) for part in parts)
    if name == "or":
        return lambda answers, context: any(boolean(part(answers, context)) for part in parts)
    first = parts[0]
    if name == "negative":
        return lambda answers, context: -number(first(answers, context), context)
    second = parts[1]
    if name == "=":
        return lambda answers, context: equal(first(answers, context), second(answers, context), context)
    if name == "!=":
        return lambda answers, context: not equal(first(answers, context), second(answers, context), context)
    sum_of = _ARITHMETIC[name]
    return lambda answers, context: sum_of(
        number(first(answers, context), context), number(second(answers, context), context)
    )


def _div(left: float, right: float) -> float:
    if right:
        return left / right
    if left == 0 or math.isnan(left) or math.isnan(right):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1, right)


def _mod(left: float, right: float) -> float:
    return math.nan if not right or math.isinf(left) or math.isnan(right) else math.fmod(left, right)


_ARITHMETIC: Final[Mapping[str, Callable[[float, float], Any]]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "div": _div,
    "mod": _mod,
}


def _call(name: str, parts: list[Evaluate], node: Node) -> Evaluate:
    match name:
        case "true":
            return lambda answers, context: True
        case "false":
            return lambda answers, context: False
        case "today":
            return lambda answers, context: context.today()
        case "now":
            return lambda answers, context: context.moment()
        case "if":
            when, then, other = parts
            return lambda answers, context: (then if boolean(when(answers, context)) else other)(answers, context)
        case "coalesce":
            return lambda answers, context: _first(parts, answers, context)
        case "regex":
            matches = compile_pattern(node.parts[1].value).fullmatch
            text = parts[0]
            return lambda answers, context: matches(string(text(answers, context))) is not None
        case "round":
            return lambda answers, context: _round(*(number(part(answers, context), context) for part in parts))
    apply = _SIMPLE[name]
    return lambda answers, context: apply(context, *(part(answers, context) for part in parts))


def _first(parts: list[Evaluate], answers: Mapping[str, Any], context: Context) -> Any:
    for part in parts:
        if not blank(value := part(answers, context)):
            return value
    return None


def _round(value: float, places: float = 0.0) -> float:
    """Halves go up, as in XPath."""
    if not math.isfinite(value) or not math.isfinite(places):
        return math.nan
    if abs(value) >= 1e15:
        return value
    factor = float(f"1e{max(-15, min(15, math.trunc(places)))}")
    scaled = value * factor + 0.5
    return math.floor(scaled) / factor


def _selected(_context: Context, value: Any, wanted: Any) -> bool:
    word = string(wanted)
    if isinstance(value, list):
        return word in [string(item) for item in value]
    text = string(value)
    return bool(word) and (text == word or word in text.split())


def _count(_context: Context, value: Any) -> float:
    return float(len(value) if isinstance(value, list) else len(string(value).split()))


def _int(context: Context, value: Any) -> float:
    taken = number(value, context)
    return float(math.trunc(taken)) if math.isfinite(taken) else math.nan


_SIMPLE: Final[Mapping[str, Callable[..., Any]]] = {
    "not": lambda context, value: not boolean(value),
    "selected": _selected,
    "count-selected": _count,
    "string-length": lambda context, value: float(len(string(value))),
    "int": _int,
    "number": lambda context, value: number(value, context),
}

__all__ = ["Expression", "ExpressionError", "compile_expression", "compile_pattern", "settled"]
