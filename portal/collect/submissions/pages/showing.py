"""Answers as a reader of the page's language sees them, by the version of the form that was filled in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.collect.language import Field, Schema
from portal.core.common import clock
from portal.ui.templatetags.marsad import EMPTY, localdate, localdatetime, ltr


@dataclass(slots=True)
class Line:
    """A question with its answer; a heading where `entries` and `answer` are empty; a repeat has `entries`."""

    id: str
    label: str
    answer: SafeString = EMPTY
    heading: bool = False
    flagged: bool = False
    entries: list[list["Line"]] = field(default_factory=list)


def lines(
    schema: Schema, answers: Mapping[str, Any], *, flags: Sequence[Mapping[str, Any]] = (), files: Mapping[str, UUID]
) -> list[Line]:
    """`files`: names of the files that belong to the submission."""
    marked = {flag["field"] for flag in flags}
    made = list(_lines(schema.top, answers, marked, files))
    known = {item.id for item in schema.fields()}
    unknown = [name for name in answers if name not in known]
    return made + [Line(name, name, _text(answers[name])) for name in unknown]


def _lines(
    fields: Sequence[Field], answers: Mapping[str, Any], marked: set[Any], files: Mapping[str, UUID]
) -> Iterator[Line]:
    for item in fields:
        if item.type == "group":
            inner = list(_lines(item.children, answers, marked, files))
            if inner:
                yield Line(item.id, item.text(), heading=True)
                yield from inner
        elif item.type == "repeat":
            entries = answers.get(item.id)
            held = entries if isinstance(entries, list) else []
            shown = [list(_lines(item.children, entry, set(), files)) for entry in held if isinstance(entry, dict)]
            yield Line(item.id, item.text(), entries=shown)
        elif item.answers and item.type != "note":
            said = shown_answer(item, answers.get(item.id), files)
            yield Line(item.id, item.text(), said, flagged=item.id in marked)


def shown_answer(item: Field, value: Any, files: Mapping[str, UUID] | None = None) -> SafeString:
    """One answer in words: labels of choices, moments in the organisation's zone, degrees in their order."""
    if value is None or value == "" or value == []:
        return EMPTY
    if item.type == "select" or (item.type == "selectMultiple" and isinstance(value, list)):
        chosen = value if isinstance(value, list) else [value]
        named = (choice.text() if (choice := item.choice(one)) else str(one) for one in chosen)
        return format_html_join(", ", "<bdi>{}</bdi>", ((name,) for name in named))
    if isinstance(value, bool):
        return format_html("{}", _("Yes") if value else _("No"))
    if item.type == "datetime" and (moment := clock.parse_moment(value)):
        return localdatetime(moment)
    if item.type == "date" and (day := clock.parse_date(value)):
        return localdate(day)
    if item.type == "geopoint" and isinstance(value, dict):
        return ltr(f"{value['lat']:.5f}, {value['lng']:.5f}")
    if item.type in ("photo", "file", "signature") and files and str(value) in files:
        address = reverse("files:file_detail", args=[files[str(value)]])
        return format_html('<a href="{}"><bdi>{}</bdi></a>', address, value)
    return _text(value)


def _text(value: Any) -> SafeString:
    if isinstance(value, str):
        return format_html('<span class="text-pre" dir="auto">{}</span>', value)
    if isinstance(value, (dict, list)):
        return format_html('<code dir="ltr">{}</code>', orjson.dumps(value).decode()[:500])
    return ltr(value)
