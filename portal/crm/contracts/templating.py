"""The language of contract templates: `{{ customer.companyName }}`, `{{ contract.value|money }}`, a loop over the
lines and conditions, over a typed catalogue of fields. Nothing is looked up by attribute: a field is a key of the
catalogue or it is refused when the template is saved. What is printed is escaped.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.common.errors import Invalid
from portal.crm.contracts.choices import ValueType
from portal.crm.contracts.terms import hijri

BODY_LENGTH: Final = 100_000
_TOKEN: Final = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}", re.DOTALL)
_OUT: Final = re.compile(r"([a-z]+(?:\.[A-Za-z][A-Za-z0-9_]*)?)(?:\s*\|\s*([a-z]+))?")
_STRAY: Final = re.compile(r"\{\{|\}\}|\{%|%\}")
KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
BOOL: Final = "bool"
_T, _N, _M, _D = ValueType.TEXT, ValueType.NUMBER, ValueType.MONEY, ValueType.DATE

# Path -> (type, label): all that a template can say, beside its own `values.<key>`.
CATALOGUE: Final[dict[str, tuple[str, Any]]] = {
    "customer.companyName": (_T, gettext_lazy("Company of the customer")),
    "customer.contactName": (_T, gettext_lazy("Contact of the customer")),
    "customer.email": (_T, gettext_lazy("E-mail of the customer")),
    "customer.phone": (_T, gettext_lazy("Telephone of the customer")),
    "customer.address": (_T, gettext_lazy("Address of the customer")),
    "customer.city": (_T, gettext_lazy("City of the customer")),
    "customer.country": (_T, gettext_lazy("Country of the customer")),
    "contract.number": (_T, gettext_lazy("Number of the contract")),
    "contract.title": (_T, gettext_lazy("Title of the contract")),
    "contract.type": (_T, gettext_lazy("Type of the contract")),
    "contract.value": (_M, gettext_lazy("Value of the contract")),
    "contract.currency": (_T, gettext_lazy("Currency")),
    "contract.billing": (_T, gettext_lazy("Billing")),
    "contract.startDate": (_D, gettext_lazy("First day")),
    "contract.endDate": (_D, gettext_lazy("Last day")),
    "contract.termMonths": (_N, gettext_lazy("Term in months")),
    "contract.noticeDays": (_N, gettext_lazy("Notice in days")),
    "contract.autoRenew": (BOOL, gettext_lazy("Renews itself")),
    "tenant.name": (_T, gettext_lazy("Name of our organisation")),
    "tenant.address": (_T, gettext_lazy("Address of our organisation")),
    "tenant.city": (_T, gettext_lazy("City of our organisation")),
    "tenant.country": (_T, gettext_lazy("Country of our organisation")),
    "tenant.phone": (_T, gettext_lazy("Telephone of our organisation")),
    "tenant.email": (_T, gettext_lazy("E-mail of our organisation")),
    "user.name": (_T, gettext_lazy("Person in charge")),
    "user.email": (_T, gettext_lazy("E-mail of the person in charge")),
    "today": (_D, gettext_lazy("Today")),
}
LINE: Final[dict[str, tuple[str, Any]]] = {
    "line.position": (_N, gettext_lazy("Number of the line")),
    "line.description": (_T, gettext_lazy("Description of the line")),
    "line.quantity": (_N, gettext_lazy("Quantity")),
    "line.unitPrice": (_M, gettext_lazy("Unit price")),
    "line.discount": (_N, gettext_lazy("Discount in percent")),
    "line.total": (_M, gettext_lazy("Total of the line")),
}
FILTERS: Final[dict[str, tuple[str, ...]]] = {"date": (_D,), "hijri": (_D,), "money": (_M, _N)}
MONTHS_HIJRI: Final = [
    gettext_lazy("Muharram"), gettext_lazy("Safar"), gettext_lazy("Rabi I"), gettext_lazy("Rabi II"),
    gettext_lazy("Jumada I"), gettext_lazy("Jumada II"), gettext_lazy("Rajab"), gettext_lazy("Shaban"),
    gettext_lazy("Ramadan"), gettext_lazy("Shawwal"), gettext_lazy("Dhu al-Qada"), gettext_lazy("Dhu al-Hijja"),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Out:
    path: str
    filter: str


@dataclass(frozen=True, slots=True)
class Block:
    """A condition on `path`, or with `loop` what is said of each line."""

    path: str
    loop: bool = False
    body: list["Node"] = field(default_factory=list)
    otherwise: list["Node"] = field(default_factory=list)


type Node = str | Out | Block


def parse(body: str, declared: Mapping[str, str]) -> list[Node]:
    """The template as nodes; `declared` holds the template's own values, key -> type. Raises Invalid naming `body`."""
    root: list[Node] = []
    stack: list[tuple[str, list[Node], Block | None]] = [("", root, None)]
    end = 0
    for token in _TOKEN.finditer(body):
        stack[-1][1].append(_text(body[end : token.start()]))
        end = token.end()
        inside = any(kind == "for" for kind, _nodes, _block in stack)
        if token.group(1) is not None:
            stack[-1][1].append(_out(token.group(1).strip(), declared, inside))
        else:
            _tag(token.group(2).split(), stack, declared, inside)
    stack[-1][1].append(_text(body[end:]))
    if len(stack) > 1:
        raise _refused(_("A block is not closed: %(tag)s.") % {"tag": stack[-1][0]})
    return root


def _refused(message: str) -> Invalid:
    return Invalid.field("body", message, "template")


def _text(text: str) -> str:
    if stray := _STRAY.search(text):
        raise _refused(_("Braces that belong to nothing: %(text)s.") % {"text": stray.group()})
    return text


def _tag(
    words: list[str],
    stack: list[tuple[str, list[Node], Block | None]],
    declared: Mapping[str, str],
    inside: bool,
) -> None:
    kind, _nodes, block = stack[-1]
    match words:
        case ["for", "line", "in", "lines"] if not inside:
            made = Block("lines", loop=True)
            stack[-1][1].append(made)
            stack.append(("for", made.body, made))
        case ["if", path]:
            _type(path, declared, inside)
            made = Block(path)
            stack[-1][1].append(made)
            stack.append(("if", made.body, made))
        case ["else"] if kind == "if" and block is not None:
            stack[-1] = ("else", block.otherwise, block)
        case ["endfor"] if kind == "for":
            stack.pop()
        case ["endif"] if kind in ("if", "else"):
            stack.pop()
        case _:
            raise _refused(_("This tag is not known here: %(tag)s.") % {"tag": " ".join(words)})


def _out(text: str, declared: Mapping[str, str], inside: bool) -> Out:
    match = _OUT.fullmatch(text)
    if match is None:
        raise _refused(_("This is not a field: %(text)s.") % {"text": text[:80]})
    path, name = match.group(1), match.group(2) or ""
    kind = _type(path, declared, inside)
    if name and name not in FILTERS:
        raise _refused(
            _("There is no filter %(name)s; there are: %(allowed)s.") % {"name": name, "allowed": ", ".join(FILTERS)}
        )
    if name and kind not in FILTERS[name]:
        raise _refused(_("The filter %(name)s does not go with %(path)s.") % {"name": name, "path": path})
    return Out(path, name)


def _type(path: str, declared: Mapping[str, str], inside: bool) -> str:
    known = CATALOGUE.get(path) or (LINE.get(path) if inside else None)
    if known:
        return known[0]
    if path == "lines":
        return BOOL
    group, _dot, key = path.partition(".")
    if group == "values" and key in declared:
        return declared[key]
    raise _refused(_("There is no field %(path)s.") % {"path": path})


def render(nodes: Sequence[Node], facts: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> str:
    """HTML in the language in force. `facts` holds every path of the catalogue and of the values; a missing one prints
    a dash. Days print as 2026-11-20 and amounts with two decimals in every language, so that the figures agree."""
    return "".join(_rendered(node, facts, lines) for node in nodes)


def _rendered(node: Node, facts: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> str:
    if isinstance(node, str):
        return node
    if isinstance(node, Out):
        return show(facts.get(node.path), node.filter, str(facts.get("contract.currency", "")))
    if node.loop:
        return "".join(render(node.body, {**facts, **line}, lines) for line in lines)
    chosen = node.body if (lines if node.path == "lines" else facts.get(node.path)) else node.otherwise
    return render(chosen, facts, lines)


def show(value: Any, filter: str = "", currency: str = "") -> str:  # noqa: A002
    """One field, escaped; numbers, days and amounts keep their order inside Arabic text."""
    if value is None or value == "":
        return "\N{EM DASH}"
    if isinstance(value, bool):
        return escape(_("yes") if value else _("no"))
    if filter == "hijri" and isinstance(value, date):
        year, month, day = hijri(value)
        return escape(f"{day} {MONTHS_HIJRI[month - 1]} {year}")
    if filter == "money" and isinstance(value, Decimal | int):
        return _ltr(amount(Decimal(value), currency))
    if isinstance(value, Decimal):
        return _ltr(f"{value.normalize():f}")
    if isinstance(value, date | int):
        return _ltr(str(value))
    return f'<bdi dir="auto">{escape(str(value))}</bdi>'


def amount(value: Decimal, currency: str = "") -> str:
    """`25 000.00 MAD`, the same in all languages."""
    return f"{value:,.2f} {currency}".replace(",", "\N{NO-BREAK SPACE}").strip()


def _ltr(text: str) -> str:
    return f'<bdi dir="ltr">{escape(text)}</bdi>'


# --- values -----------------------------------------------------------------------------------------
def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except ArithmeticError:
        return None
    return number if number.is_finite() and abs(number) < Decimal(10) ** 14 else None


def _day(value: Any) -> date | None:
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        return None


def _words(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and len(value) <= 5000 and "\0" not in value else None


READERS: Final[dict[str, tuple[Callable[[Any], Any], Any]]] = {
    _T: (_words, gettext_lazy("Enter a text.")),
    _N: (_number, gettext_lazy("Enter a number.")),
    _M: (_number, gettext_lazy("Enter a number.")),
    _D: (_day, gettext_lazy("Enter a date like 2026-11-20.")),
}
