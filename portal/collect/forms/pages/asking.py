"""A form as a page asks it: questions with their answers, faults, options and what is hidden, for the template."""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

from django.conf.locale import LANG_INFO
from django.utils import timezone
from django.utils.translation import get_language

from portal.collect.forms.pages.answers import FILES, file_name, lines
from portal.collect.language import Fault, Field, Schema
from portal.collect.language.checking import Seen, offered
from portal.collect.language.schema import CHOOSING
from portal.collect.language.values import Context, string
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.ids import parse_uuid

FEW: Final = 8  # options that show as buttons rather than as a list
RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "ur", "he", "ku", "ps"})
_PIPED: Final = re.compile(r"\$\{\s*([A-Za-z_]\w*)\s*\}", re.ASCII)
_LOOKS: Final = {
    "number": "number", "integer": "number", "date": "date", "time": "time", "datetime": "datetime",
    "geopoint": "point", "geotrace": "line", "geoshape": "line", "photo": "file", "file": "file", "signature": "file",
    "note": "note", "calculate": "calculate", "group": "group", "repeat": "repeat", "boolean": "options",
    "barcode": "text", "text": "text", "selectMultiple": "options",
}  # fmt: skip
_SENT: Final = (
    "id", "type", "relevant", "constraint", "calculation", "choiceFilter", "min", "max", "pattern", "required",
)  # fmt: skip


@dataclasses.dataclass(slots=True)
class Option:
    value: str
    label: str
    chosen: bool
    offered: bool


@dataclasses.dataclass(slots=True)
class Entry:
    number: str
    questions: list["Question"]


@dataclasses.dataclass(slots=True)
class Question:
    """`name` is that of the input, `id` that of the element, `look` the part of the template that shows it."""

    field: Field
    name: str
    id: str
    look: str
    label: str
    wording: str  # the label as written, where it takes up answers with `${…}`
    hint: str
    value: Any
    hidden: bool
    faults: list[str]
    options: list[Option] = dataclasses.field(default_factory=list)
    questions: list["Question"] = dataclasses.field(default_factory=list)  # of a group
    entries: list[Entry] = dataclasses.field(default_factory=list)  # of a repeat
    blank: Entry | None = None  # of a repeat: what a further one is made of
    file: str = ""  # the name of a file that was taken already

    @property
    def accept(self) -> str:
        if self.field.type in ("photo", "signature"):
            return "image/*"
        return str(self.field.data.get("accept") or "")

    @property
    def required(self) -> bool:
        return self.field.required is True

    @property
    def multiline(self) -> bool:
        return self.field.type == "text" and "multiline" in str(self.field.data.get("appearance") or "").split()

    @property
    def message(self) -> str:
        return self.field.text("constraintMessage") if self.field.data.get("constraintMessage") else ""


@dataclasses.dataclass(slots=True)
class Page:
    """What the template of a form gets; `faults` as (id of the element, message)."""

    questions: list[Question]
    faults: list[tuple[str, str]]
    language: str
    languages: list[tuple[str, str]]  # code and name
    wire: dict[str, Any]

    @property
    def direction(self) -> str:
        return "rtl" if self.language.partition("-")[0] in RIGHT_TO_LEFT else "ltr"


def language_name(code: str) -> str:
    """A language as it calls itself."""
    return str(LANG_INFO.get(code, {}).get("name_local", code))


def language_for(schema: Schema, wished: str | None) -> str:
    """The language that a page shows: the wished one where the form speaks it, the reader's, the form's own."""
    spoken = [code for code in schema.languages if code != "default"]
    for code in (wished, get_language(), schema.raw.get("defaultLanguage")):
        if code and (not spoken or code in spoken):
            return str(code)
    return spoken[0] if spoken else "en"


@dataclasses.dataclass(slots=True)
class Asker:
    """Builds the questions of a form for answers that may be incomplete or wrong."""

    schema: Schema
    language: str
    zone: tzinfo
    by: User
    faults: Iterable[Fault] = ()
    refusals: Mapping[str, str] = dataclasses.field(default_factory=dict)  # by name of the input
    told: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    shown: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    context: Context = dataclasses.field(init=False)

    def page(self, answers: Mapping[str, Any]) -> Page:
        self.context = Context(clock.now(), self.zone)
        for fault in self.faults:
            self.told.setdefault(fault.field, []).append(fault.message)
        seen = self.schema.program.look(answers, self.context)
        questions = self.ask(self.schema.top, answers, seen, "a.", "")
        loose = [("", message) for messages in self.told.values() for message in messages]
        spoken = [(code, language_name(code)) for code in self.schema.languages if code != "default"]
        now = {"now": self.context.moment(), "zone": str(self.zone)}
        wire = {"fields": [_wire(item) for item in self.schema.top], **now}
        return Page(questions, [*self.shown, *loose], self.language, spoken, wire)

    def ask(
        self, fields: Sequence[Field], answers: Mapping[str, Any], seen: Seen, prefix: str, path: str
    ) -> list[Question]:
        return [self.question(item, answers, seen, prefix, path) for item in fields]

    def question(self, item: Field, answers: Mapping[str, Any], seen: Seen, prefix: str, path: str) -> Question:
        name = f"{prefix}{item.id}"
        wording = item.text("label", self.language)
        made = Question(
            field=item,
            name=name,
            id="q-" + name.replace(".", "-"),
            look=_LOOKS.get(item.type, "text"),
            label=_PIPED.sub(lambda match: string(seen.values.get(match[1])), wording),
            wording=wording if _PIPED.search(wording) else "",
            hint=item.text("hint", self.language),
            value=self.value(item, answers.get(item.id), seen),
            hidden=item.id in seen.hidden,
            faults=self.told.pop(f"{path}{item.id}", []),
        )
        if name in self.refusals:
            made.faults.append(self.refusals[name])
        self.shown += [(made.id, message) for message in made.faults]
        if item.type in FILES and (id := parse_uuid(answers.get(item.id))):
            made.file = file_name(id, self.by)
        if item.type in CHOOSING:
            self.options(made, answers.get(item.id), seen)
        elif item.type == "group":
            made.questions = self.ask(item.children, answers, seen, prefix, path)
        elif item.type == "repeat":
            self.entries(made, answers.get(item.id) or [], seen, path)
        return made

    def options(self, made: Question, answer: Any, seen: Seen) -> None:
        chosen = answer if isinstance(answer, list) else [answer]
        made.options = [
            Option(
                choice.value,
                choice.text(self.language),
                choice.value in chosen,
                offered(made.field, choice, seen.values, self.context),
            )
            for choice in made.field.choices
        ]
        minimal = "minimal" in str(made.field.data.get("appearance") or "").split()
        if made.field.type == "select":
            made.look = "list" if minimal or len(made.options) > FEW else "options"

    def entries(self, made: Question, entries: Sequence[Mapping[str, Any]], seen: Seen, path: str) -> None:
        item, inner = made.field, seen.entries.get(made.field.id, [])
        for n, (entry, look) in enumerate(zip(entries, inner, strict=True)):
            questions = self.ask(item.children, entry, look, f"{made.name}.{n}.", f"{path}{item.id}[{n}].")
            made.entries.append(Entry(str(n), questions))
        depth = f"__{made.name.count('__') // 2}__"  # replaced by the script when an entry is added
        empty = Seen(seen.values, set(), {child.id: [] for child in _repeats(item)})
        silent = Asker(self.schema, self.language, self.zone, self.by)
        silent.context = self.context
        made.blank = Entry(depth, silent.ask(item.children, {}, empty, f"{made.name}.{depth}.", ""))

    def value(self, item: Field, answer: Any, seen: Seen) -> Any:
        """The answer as its input shows it."""
        if item.type == "calculate":
            return string(seen.values.get(item.id))
        if item.type in ("geotrace", "geoshape"):
            return lines(answer)
        if item.type == "boolean":
            return "" if answer is None else string(answer)
        if item.type in ("number", "integer"):
            return string(answer)
        if item.type == "datetime" and (moment := clock.parse_moment(answer)):
            return moment.astimezone(self.zone).strftime("%Y-%m-%dT%H:%M")
        return answer if answer is not None else ""


def _repeats(item: Field) -> list[Field]:
    """The repeats on the level of an entry."""
    found = []
    for child in item.children:
        if child.type == "repeat":
            found.append(child)
        elif child.type == "group":
            found += _repeats(child)
    return found


def _wire(item: Field) -> dict[str, Any]:
    """What the script needs of a field."""
    made = {
        key: item.data[key] for key in _SENT if item.data.get(key) not in (None, "") and item.data[key] is not False
    }
    if item.cascading:
        made["choices"] = {
            choice.value: choice.offered.source if choice.offered else dict(choice.columns) for choice in item.choices
        }
    if item.type in ("group", "repeat"):
        made["fields"] = [_wire(child) for child in item.children]
    return made


def starting(fields: Sequence[Field], zone: tzinfo) -> dict[str, Any]:
    """The answers that a new page begins with: defaults, and as many entries of a repeat as it needs at least."""
    now = timezone.localtime(clock.now(), zone)
    moments = {"date": now.date().isoformat(), "time": now.strftime("%H:%M"), "datetime": clock.wire(clock.now())}
    found: dict[str, Any] = {}
    for item in fields:
        default = item.data.get("default")
        if item.type == "group":
            found |= starting(item.children, zone)
        elif item.type == "repeat":
            least = item.minimum if item.minimum is not None else 1 if item.required is True else 0
            if least:
                found[item.id] = [starting(item.children, zone) for _entry in range(min(least, 20))]
        elif default not in (None, ""):
            found[item.id] = moments[item.type] if default in ("today()", "now()") else default
    return found
