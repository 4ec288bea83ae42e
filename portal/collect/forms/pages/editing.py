"""Steps of the builder on a schema as it is stored: each takes the whole and changes it in place.

Whether the outcome is a schema is not decided here: `draft_save` reads it and refuses.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from django.http import QueryDict
from django.utils.translation import gettext as _

from portal.collect.forms.pages.answers import number
from portal.collect.language.schema import CHOOSING, CONTAINERS
from portal.core.common.errors import Invalid

WORDS: Final = ("label", "hint", "constraintMessage", "requiredMessage")
TEXTS: Final = ("relevant", "constraint", "calculation", "choiceFilter", "pattern", "appearance", "accept")
EXPRESSIONS: Final = ("relevant", "constraint", "calculation", "choiceFilter", "required")
LANGUAGES: Final = ("ar", "fr", "en")
_COLUMNS: Final = re.compile(r"\s*[A-Za-z_]\w*\s*=\s*[^=;'\"$]+(;\s*[A-Za-z_]\w*\s*=\s*[^=;'\"$]+)*;?\s*", re.ASCII)
_PARTS: Final = re.compile(r"\t|\|")


class Place(NamedTuple):
    siblings: list[dict[str, Any]]
    at: int
    parent: dict[str, Any] | None

    @property
    def field(self) -> dict[str, Any]:
        return self.siblings[self.at]


def walk(fields: list[dict[str, Any]], parent: dict[str, Any] | None = None) -> Iterator[Place]:
    for index, item in enumerate(fields):
        yield Place(fields, index, parent)
        if item.get("type") in CONTAINERS:
            yield from walk(item["fields"], item)


def place(raw: Mapping[str, Any], id: str) -> Place:
    """Raises Invalid where there is none, as when somebody else took it out."""
    for found in walk(raw["fields"]):
        if found.field["id"] == id:
            return found
    raise Invalid.field("field", _("There is no field “%(id)s” any more.") % {"id": id})


def languages_of(raw: Mapping[str, Any]) -> list[str]:
    """Those that the form speaks, then those of the portal."""
    found: dict[str, None] = {}
    for item in walk(raw["fields"]):
        for key in WORDS:
            if isinstance(item.field.get(key), Mapping):
                found.update(dict.fromkeys(item.field[key]))
    found.pop("default", None)
    return list(found | dict.fromkeys(LANGUAGES))


def add(raw: dict[str, Any], kind: str, after: str) -> str:
    """A new field after another one (into it where it is a group or a repeat), else at the end. Its id."""
    taken = {item.field["id"] for item in walk(raw["fields"])}
    stem = re.sub(r"(?<!^)([A-Z])", r"_\1", kind).lower()
    id = next(name for n in range(1, 2000) if (name := f"{stem}_{n}") not in taken)
    made: dict[str, Any] = {"id": id, "type": kind, "label": str(_("New question"))}
    if kind in CHOOSING:
        made["options"] = [str(_("Option %(number)s") % {"number": n}) for n in (1, 2)]
    elif kind in CONTAINERS:
        made |= {"label": str(_("New section")), "fields": []}
    elif kind == "calculate":
        made["calculation"] = "1"
    if after and (found := place(raw, after)):
        if found.field["type"] in CONTAINERS:
            found.field["fields"].append(made)
        else:
            found.siblings.insert(found.at + 1, made)
    else:
        raw["fields"].append(made)
    return id


def remove(raw: dict[str, Any], id: str) -> None:
    found = place(raw, id)
    del found.siblings[found.at]


def duplicate(raw: dict[str, Any], id: str) -> str:
    """A copy after the original, under ids of its own; what it refers to stays what it was."""
    found = place(raw, id)
    taken = {item.field["id"] for item in walk(raw["fields"])}

    def copy(item: Mapping[str, Any]) -> dict[str, Any]:
        made = dict(item)
        stem = re.sub(r"_\d+$", "", item["id"])
        made["id"] = next(name for n in range(2, 3000) if (name := f"{stem}_{n}") not in taken)
        taken.add(made["id"])
        if "fields" in item:
            made["fields"] = [copy(child) for child in item["fields"]]
        return made

    made = copy(found.field)
    found.siblings.insert(found.at + 1, made)
    return str(made["id"])


def move(raw: dict[str, Any], id: str, way: str, target: str = "") -> None:
    """`up`, `down` among its siblings, `in` to the section before it, `out` of its section; `before` or `into` another
    field."""
    found = place(raw, id)
    item = found.field
    if way in ("before", "into"):
        if target == id or any(inner.field["id"] == target for inner in walk(item.get("fields", []))):
            return
        del found.siblings[found.at]
        goal = place(raw, target)
        if way == "into" and goal.field["type"] in CONTAINERS:
            goal.field["fields"].append(item)
        else:
            goal.siblings.insert(goal.at, item)
        return
    del found.siblings[found.at]
    if way == "in" and found.at and found.siblings[found.at - 1]["type"] in CONTAINERS:
        found.siblings[found.at - 1]["fields"].append(item)
    elif way == "out" and found.parent is not None:
        around = place(raw, found.parent["id"])
        around.siblings.insert(around.at + 1, item)
    else:
        to = found.at + {"up": -1, "down": 1}.get(way, 0)
        found.siblings.insert(max(0, to), item)


def change(raw: dict[str, Any], id: str, data: QueryDict) -> str:
    """What the panel of a field says. Its id, which may be a new one: expressions follow it."""
    item = place(raw, id).field
    base = str(raw.get("defaultLanguage") or "en")
    for key in WORDS:
        _put(item, key, _words(data, key, base, item.get(key)))
    for key in TEXTS:
        if key in data:
            _put(item, key, data.get(key, "").strip())
    required = data.get("requiredIf", "").strip()
    _put(item, "required", required or ("required" in data))
    _put(item, "readOnly", "readOnly" in data)
    _put(item, "default", _default(item["type"], data.getlist("default")))
    for key in ("min", "max"):
        text = data.get(key, "").strip()
        value = text if item["type"] in ("date", "time", "datetime") else number(text)
        _put(item, key, text if value is None else value)
    if item["type"] in CHOOSING:
        _choices(item, data, base)
    new = data.get("id", id).strip()
    if new != id:
        item["id"] = new
        _rename(raw, id, new)
    return new


def _put(item: dict[str, Any], key: str, value: Any) -> None:
    if value is None or value == "" or value is False or value == {}:
        item.pop(key, None)
    else:
        item[key] = value


def _words(data: QueryDict, key: str, base: str, before: Any) -> Any:
    """A text where only the form's own language was filled and it was one before, else one for each language."""
    found = {name.partition(".")[2]: data.get(name, "").strip() for name in data if name.startswith(f"{key}.")}
    said = {language: text for language, text in found.items() if text}
    if isinstance(before, Mapping) and "default" in before:
        said["default"] = before["default"]
    return said[base] if list(said) == [base] and not isinstance(before, Mapping) else said


def words_in(given: Any, language: str, base: str) -> str:
    """What stands in the field of a language."""
    if isinstance(given, Mapping):
        return str(given.get(language, ""))
    return str(given or "") if language == base else ""


def _default(kind: str, said: list[str]) -> Any:
    texts = [text.strip() for text in said if text.strip()]
    if kind == "selectMultiple":
        return texts
    text = texts[0] if texts else ""
    if kind in ("number", "integer"):
        return text if (value := number(text)) is None else value
    if kind == "boolean":
        return {"true": True, "false": False}.get(text) if text != "false" else None
    return text


def _choices(item: dict[str, Any], data: QueryDict, base: str) -> None:
    """The rows of the table, then the pasted lines: `value | label | label …` in the order of the languages."""
    languages = [name.removeprefix("choice.label.") for name in data if name.startswith("choice.label.")]
    labels = {code: data.getlist(f"choice.label.{code}") for code in languages}
    filters = data.getlist("choice.filter")
    rows: list[tuple[str, dict[str, str], str]] = [
        (value.strip(), {code: _at(texts, n) for code, texts in labels.items()}, _at(filters, n))
        for n, value in enumerate(data.getlist("choice.value"))
    ]
    for line in data.get("paste", "").splitlines():
        first, *others = [part.strip() for part in _PARTS.split(line)]
        rows.append((first, dict(zip(languages, others, strict=False)), ""))
    made: list[Any] = []
    for typed, said, condition in rows:
        texts = {code: text for code, text in said.items() if text}
        value = typed or next(iter(texts.values()), "")
        if not value:
            continue
        label: Any = texts[base] if list(texts) == [base] else texts or value
        made.append({"value": value, "label": label} | ({"filter": _filter(condition)} if condition else {}))
    plain = all(one["label"] == one["value"] and "filter" not in one for one in made)
    item.pop("choices", None)
    item.pop("options", None)
    item["options" if plain else "choices"] = [one["value"] for one in made] if plain else made


def _at(texts: list[str], index: int) -> str:
    return texts[index].strip() if index < len(texts) else ""


def _filter(text: str) -> Any:
    """`state = texas; zone = 2` as columns, anything else as an expression."""
    if not _COLUMNS.fullmatch(text):
        return text
    pairs = (part.split("=", 1) for part in text.split(";") if part.strip())
    return {key.strip(): value.strip() for key, value in pairs}


def filter_text(given: Any) -> str:
    if isinstance(given, Mapping):
        return "; ".join(f"{key} = {value}" for key, value in given.items())
    return str(given or "")


def _rename(raw: dict[str, Any], old: str, new: str) -> None:
    reference = re.compile(r"\$\{\s*" + re.escape(old) + r"\s*\}")
    swap: Callable[[str], str] = lambda text: reference.sub(f"${{{new}}}", text)  # noqa: E731
    for found in walk(raw["fields"]):
        for key in EXPRESSIONS:
            if isinstance(found.field.get(key), str):
                found.field[key] = swap(found.field[key])
        for choice in found.field.get("choices") or []:
            condition = choice.get("filter") if isinstance(choice, Mapping) else None
            if isinstance(condition, str):
                choice["filter"] = swap(condition)
            elif isinstance(condition, Mapping) and old in condition and not found.field.get("choiceFilter"):
                choice["filter"] = {new if key == old else key: value for key, value in condition.items()}
