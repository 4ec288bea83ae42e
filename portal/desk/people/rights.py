"""The matrix of rights: as rows of a form, and what a form said of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts import permissions
from portal.core.accounts.models import User
from portal.core.accounts.selectors.people import rights_of
from portal.core.accounts.selectors.roles import catalogue_cards, catalogue_groups

SCOPES: dict[str, str | Promise] = {
    "own": gettext_lazy("own records"),
    "team": gettext_lazy("the team's records"),
    "all": gettext_lazy("all records"),
}
PREFIX = "right."


@dataclass(frozen=True, slots=True)
class Line:
    """One right: `choices` of its control (value, label), the one that is chosen, and why it is held."""

    code: str
    label: str
    choices: list[tuple[str, str]]
    chosen: str
    grantable: bool
    dangerous: bool
    held: bool = False
    scope: str = ""
    why: list[str] = field(default_factory=list)
    changed: bool = False


type Group = tuple[str, list[Line]]


def _scoped(card: Mapping[str, Any], prefix: str, word: str) -> list[tuple[str, str]]:
    """One choice for a plain right, one for each scope of a scoped one."""
    if not card["scopes"]:
        return [(prefix, word)]
    return [
        (f"{prefix}:{scope}" if prefix else scope, f"{word}: {SCOPES[scope]}" if word else str(SCOPES[scope]))
        for scope in card["scopes"]
    ]


def _grouped(line: Callable[[Mapping[str, Any]], Line], mine: permissions.Grants) -> list[Group]:
    """Without the rights that no role of an organisation holds: they are the platform's."""
    cards = [card for card in catalogue_cards(held=mine) if card["roles"]]
    return [(group["group"], [line(card) for card in group["permissions"]]) for group in catalogue_groups(cards)]


def role_matrix(*, held: permissions.Grants, mine: permissions.Grants) -> list[Group]:
    """What a role holds, by group; `mine` is what the editor may hand out."""

    def line(card: Mapping[str, Any]) -> Line:
        code = card["code"]
        chosen = (held[code] if card["scopes"] else "all") if code in held else ""
        return Line(
            code=code,
            label=str(card["label"]),
            choices=[("", _("No")), *(_scoped(card, "", "") if card["scopes"] else [("all", _("Yes"))])],
            chosen=chosen,
            grantable=card["grantable"],
            dangerous=card["dangerous"],
            held=code in held,
            scope=str(SCOPES[held[code]]) if code in held and card["scopes"] else "",
        )

    return _grouped(line, mine)


def role_entries(data: QueryDict) -> list[str]:
    """The rights that a form of `role_matrix` asks for, as services write them."""
    found = []
    for code in permissions.catalogue():
        said = data.get(f"{PREFIX}{code}", "")
        if said:
            found.append(code if said == "all" else f"{code}:{said}")
    return found


def person_matrix(*, user: User, mine: permissions.Grants) -> list[Group]:
    """Every right of a person with its reasons; `mine` is what the editor may hand out."""
    extra, denied = permissions.grants(user.extra_permissions), set(user.denied_permissions)
    known = {right["code"]: right for right in rights_of(user)}

    def line(card: Mapping[str, Any]) -> Line:
        code = card["code"]
        right = known[code]
        chosen = "deny" if code in denied else "" if code not in extra else _allowed(extra[code], card)
        return Line(
            code=code,
            label=str(card["label"]),
            choices=[("", _("as the role says")), *_scoped(card, "allow", _("allow")), ("deny", _("deny"))],
            chosen=chosen,
            grantable=card["grantable"],
            dangerous=card["dangerous"],
            held=right["held"],
            scope=str(SCOPES[right["scope"]]) if right["held"] and card["scopes"] else "",
            why=list(reasons(right, scoped=bool(card["scopes"]))),
            changed=bool(chosen),
        )

    return _grouped(line, mine)


def _allowed(scope: str, card: Mapping[str, Any]) -> str:
    return f"allow:{scope}" if card["scopes"] else "allow"


def person_entries(data: QueryDict) -> tuple[list[str], list[str]]:
    """(allowed, denied) of a form of `person_matrix`."""
    allow, deny = [], []
    for code in permissions.catalogue():
        word, _colon, scope = data.get(f"{PREFIX}{code}", "").partition(":")
        if word == "allow":
            allow.append(code if scope in ("", "all") else f"{code}:{scope}")
        elif word == "deny":
            deny.append(code)
    return allow, deny


def reasons(right: Mapping[str, Any], *, scoped: bool) -> Iterable[str]:
    """Why a person has a right or lacks it, in words."""
    if not right["sources"]:
        yield _("Neither the role nor anybody gave this right.")
    for source in right["sources"]:
        reach = f" ({SCOPES[source['scope']]})" if scoped and source["scope"] else ""
        match source["type"]:
            case "role":
                yield _("The role %(role)s holds it.") % {"role": source["roleName"]} + reach
            case "extra":
                yield _("It was given to this person.") + reach
            case _denied:
                yield _("It was taken away from this person, and that counts more.")
    if not right["active"]:
        yield _("The account is switched off, so nothing is held.")
