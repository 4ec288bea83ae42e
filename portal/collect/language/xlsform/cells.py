"""One row of the survey sheet to one field: for reading, and to see in writing what the cells cannot say."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.utils.translation import gettext as _

from portal.collect.language.xlsform.columns import NO, OURS, TEXTS, TYPES, WORDS, YES

type Say = Callable[[str, str], None]  # column, what is wrong
type Cells = Mapping[str, str]

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_SPACES = re.compile(r"\s+")
_STRAIGHT = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"'})
_CHOOSING = {"select_one": "select", "select_multiple": "selectMultiple"}


@dataclass(slots=True)
class Lists:
    """The choices of each list as the schema has them, and which of them carry columns for a filter."""

    choices: dict[str, list[Any]] = field(default_factory=dict)
    filtered: set[str] = field(default_factory=set)


def kind_of(cell: str) -> tuple[str, str]:
    """`select_one  fruit` as (`select_one`, `fruit`); old spellings too."""
    words = _SPACES.sub(" ", cell.strip())
    lower = words.lower()
    for old, new in (
        ("select all that apply from ", "select_multiple "), ("select one from ", "select_one "),
        ("select1 ", "select_one "),
        ("select one ", "select_one "), ("select multiple ", "select_multiple "),
    ):  # fmt: skip
        if lower.startswith(old):
            words = new + words[len(old) :]
    for word in ("begin", "end"):
        if lower.startswith(f"{word} "):
            words = f"{word}_{lower[len(word) + 1 :].replace(' ', '_')}"
    head, _space, rest = words.partition(" ")
    return head.lower(), rest


def field_of(cells: Cells, lists: Lists, refuse: Say, leave: Say) -> dict[str, Any] | None:
    """The field that a row describes; None after `refuse`. `leave` names what was left out."""
    head, rest = kind_of(cells.get("type", ""))
    made: dict[str, Any] = {"id": cells.get("name", "")}
    if head in ("begin_group", "begin_repeat", "begin_lgroup"):
        made["type"] = "group" if head == "begin_group" else "repeat"
    elif head in _CHOOSING:
        if not _choosing(made, head, rest, cells, lists, refuse, leave):
            return None
    elif head in TYPES and not rest:
        _typed(made, head, cells)
    else:
        refuse("type", _("The type “%(type)s” is not supported.") % {"type": cells.get("type", "")})
        return None
    for column, key in WORDS.items():
        if (words := _words(cells, column)) is not None:
            made[key] = words
    for column, key in TEXTS.items():
        if text := cells.get(column):
            expression = column in ("relevant", "constraint", "calculation", "choice_filter")
            made[key] = text.translate(_STRAIGHT) if expression else text
    _flags(made, cells)
    _default(made, cells, leave)
    _count(made, cells, leave)
    if "randomize" in cells.get("parameters", ""):
        leave("parameters", _("The order of choices is not changed: randomize is not supported."))
    return _ours(made, cells.get(OURS), refuse)


def _choosing(made: dict[str, Any], head: str, rest: str, cells: Cells, lists: Lists, refuse: Say, leave: Say) -> bool:
    name, _space, other = rest.partition(" ")
    made["type"] = _CHOOSING[head]
    if other:
        leave("type", _("“%(part)s” is not supported: add the option to the list.") % {"part": other})
    if name not in lists.choices:
        refuse("type", _("The choices sheet has no list “%(list)s”.") % {"list": name})
        return False
    found = lists.choices[name]
    made["options" if all(isinstance(item, str) for item in found) else "choices"] = found
    if name != made["id"]:
        made["listName"] = name
    if name in lists.filtered and not cells.get("choice_filter"):
        made["choiceFilter"] = "true()"  # its columns belong to another question's filter
    return True


def _typed(made: dict[str, Any], head: str, cells: Cells) -> None:
    made["type"] = TYPES[head]
    if head == "range":
        given = dict(part.split("=", 1) for part in cells.get("parameters", "").split() if "=" in part)
        numbers = {key: _number(given.get(key, "")) for key in ("start", "end", "step")}
        if all(isinstance(value, int) or value is None for value in numbers.values()):
            made["type"] = "integer"
        made |= {key: numbers[name] for key, name in (("min", "start"), ("max", "end")) if numbers[name] is not None}
        made["xlsformType"] = head
    elif head in ("acknowledge", "trigger"):
        made["xlsformType"] = "acknowledge"
    elif head in ("audio", "video"):
        made["accept"] = f"{head}/*"
    elif head in ("image", "photo") and "signature" in cells.get("appearance", "").split():
        made["type"] = "signature"


def _number(text: str) -> int | float | None:
    if not _NUMBER.fullmatch(text.strip()):
        return None
    return int(text) if text.strip().lstrip("-").isdigit() else float(text)


def _words(cells: Cells, column: str) -> Any:
    """A plain text, or one for each language; the column without a language is `default` beside others."""
    found = {
        key.partition("::")[2] or "default": text
        for key, text in cells.items()
        if text and (key == column or key.startswith(f"{column}::"))
    }
    if not found:
        return None
    return found["default"] if list(found) == ["default"] else found


def words_of(cells: Cells, column: str) -> Any:
    return _words(cells, column)


def _flags(made: dict[str, Any], cells: Cells) -> None:
    if required := cells.get("required"):
        lower = required.lower()
        if lower not in NO:
            made["required"] = True if lower in YES else required.translate(_STRAIGHT)
    if (read_only := cells.get("readonly", "").lower()) and read_only not in NO:
        made["readOnly"] = True


def _default(made: dict[str, Any], cells: Cells, leave: Say) -> None:
    if not (text := cells.get("default")):
        return
    kind = made["type"]
    if kind in ("date", "datetime", "time") and text in ("today()", "now()"):
        made["default"] = text
    elif "${" in text or re.search(r"\w\(.*\)", text):
        leave("default", _("A default that is computed is not supported."))
    elif kind in ("integer", "number"):
        number = _number(text)
        made["default"] = text if number is None else number
    elif kind == "boolean":
        made["default"] = text.lower() in YES | {"ok"}
    elif kind == "selectMultiple":
        made["default"] = text.split()
    elif kind == "geopoint":
        numbers = [_number(part) for part in text.split()]
        if len(numbers) >= 2 and None not in numbers:
            made["default"] = dict(zip(("lat", "lng", "altitude", "accuracy"), numbers, strict=False))
    else:
        made["default"] = text


def _count(made: dict[str, Any], cells: Cells, leave: Say) -> None:
    if not (count := cells.get("repeat_count")):
        return
    if made["type"] == "repeat" and count.isdigit():
        made["min"] = made["max"] = int(count)
    else:
        leave("repeat_count", _("Only a whole number can be the count of a repeat."))


def _ours(made: dict[str, Any], cell: str | None, refuse: Say) -> dict[str, Any]:
    """What the other cells cannot say, where they still say what they said when the workbook was written."""
    if not cell:
        return made
    try:
        said = orjson.loads(cell)
        before, after = dict(said["was"]), dict(said["is"])
    except (ValueError, TypeError, KeyError):
        refuse(OURS, _("The cell was changed and cannot be read: empty it."))
        return made
    for key in {*before, *after}:
        if made.get(key) == before.get(key):
            if key in after:
                made[key] = after[key]
            else:
                made.pop(key, None)
    return made
