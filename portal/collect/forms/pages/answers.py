"""Answers out of the fields of a posted page. What cannot be read stays as it was typed; the schema's check says so.

The field of an answer is named `a.<id>`, in a repeat `a.<repeat>.<n>.<id>`; `a.<repeat>.#` lists the entries in order.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Final
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from portal.collect.language import Field
from portal.collect.language.values import settled
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import DomainError, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.common.text import latin_digits
from portal.core.files import selectors as files
from portal.core.files.services import file_create

FILES: Final = frozenset({"photo", "file", "signature"})
MOST_ENTRIES: Final = 200
_ONLY: Final = {"photo": "image", "signature": "image"}
_PAIR: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*[,;\s]\s*(-?\d+(?:\.\d+)?)\s*")


@dataclass(slots=True)
class Posted:
    """Reads one request. `refusals`: of files, by the name of their field. `asked`: `add` or `remove` of an entry."""

    data: QueryDict
    uploads: "MultiValueDict[str, UploadedFile[Any]]"
    zone: tzinfo
    by: User
    keep: bool = True  # files are stored; not so in a test of a draft
    refusals: dict[str, str] = field(default_factory=dict)

    def read(self, fields: Sequence[Field], prefix: str = "a.") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for item in fields:
            if item.type == "group":
                found |= self.read(item.children, prefix)
            elif item.type == "repeat":
                if entries := [self.read(item.children, f"{prefix}{item.id}.{n}.") for n in self.entries(item, prefix)]:
                    found[item.id] = entries
            elif item.answers and item.type != "calculate":
                value = self.answer(item, f"{prefix}{item.id}")
                if value is not None and value != "" and value != []:
                    found[item.id] = value
        return found

    def entries(self, item: Field, prefix: str) -> list[str]:
        name = f"{prefix}{item.id}"
        removed = self.data.get("remove", "")
        kept = [n for n in self.data.getlist(f"{name}.#") if n.isdecimal() and len(n) < 9 and f"{name}.{n}" != removed][
            :MOST_ENTRIES
        ]
        if self.data.get("add") == name:
            kept.append(str(max((int(n) for n in kept), default=-1) + 1))
        return kept

    def answer(self, item: Field, name: str) -> Any:
        if item.type in FILES:
            return self.file(item, name)
        if item.type == "selectMultiple":
            return list(dict.fromkeys(value for value in self.data.getlist(name) if value))
        if item.type == "geopoint":
            return self.point(name)
        text = self.data.get(name, "").replace("\r\n", "\n").replace("\0", "").strip()
        read = _READERS.get(item.type)
        if not text or read is None:
            return text
        value = read(text, self.zone)
        return text if value is None else value

    def point(self, name: str) -> Any:
        parts = {key: self.data.get(f"{name}.{key}", "").strip() for key in ("lat", "lng", "accuracy", "altitude")}
        said = {key: text for key, text in parts.items() if text}
        return {key: text if (n := number(text)) is None else n for key, text in said.items()} or None

    def file(self, item: Field, name: str) -> str | None:
        upload = self.uploads.get(f"{name}.file")
        if upload is not None and upload.size:
            if not self.keep:
                return upload.name or "file"
            try:
                stored = file_create(
                    stream=upload.chunks(),
                    filename=upload.name or f"{item.id}.png",
                    content_type=upload.content_type or "",
                    by=self.by,
                    only=_ONLY.get(item.type, ""),
                    right="submissions.create",
                )
            except DomainError as refusal:
                self.refusals[name] = refusal.errors[0].message if refusal.errors else str(refusal.message)
                return None
            return str(stored.pk)
        kept = self.data.get(name, "")
        if self.data.get(f"{name}.remove") or not kept:
            return None
        if not self.keep:
            return kept[:255]
        id = parse_uuid(kept)
        return str(id) if id and file_name(id, self.by) else None


def file_name(id: UUID, by: User) -> str:
    """The name of a file that the person sees, else ''."""
    try:
        return files.file_get(id=id, user=by).filename
    except NotFound:
        return ""


def number(text: str) -> int | float | None:
    """With the digits and the decimal sign of any keyboard; None for what is no number."""
    text = latin_digits(text.strip()).replace(",", ".")
    if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", text) or len(text) > 40:
        return None
    found: int | float | None = settled(float(text)) if "." in text else int(text)
    return found


def _line(text: str) -> list[list[float]] | None:
    """Lines of latitude and longitude as GeoJSON's longitude and latitude; None where one is neither."""
    found = []
    for line in latin_digits(text).splitlines():
        if line.strip():
            if not (match := _PAIR.fullmatch(line)):
                return None
            found.append([float(match[2]), float(match[1])])
    return found


def _trace(text: str, _zone: tzinfo) -> Any:
    line = _line(text)
    return {"type": "LineString", "coordinates": line} if line else None


def _shape(text: str, _zone: tzinfo) -> Any:
    line = _line(text)
    if not line:
        return None
    ring = line if line[0] == line[-1] and len(line) > 1 else [*line, line[0]]
    return {"type": "Polygon", "coordinates": [ring]}


def _moment(text: str, zone: tzinfo) -> str | None:
    """A time of the wall clock that the page shows, on the wire."""
    if clock.parse_moment(text):
        return text
    try:
        return clock.wire(datetime.fromisoformat(text).replace(tzinfo=zone))
    except ValueError:
        return None


_READERS: Final[Mapping[str, Callable[[str, tzinfo], Any]]] = {
    "number": lambda text, zone: number(text),
    "integer": lambda text, zone: number(text),
    "boolean": lambda text, zone: {"true": True, "false": False}.get(text),
    "datetime": _moment,
    "geotrace": _trace,
    "geoshape": _shape,
}


def lines(value: Any) -> str:
    """A line or the outer ring of an area, one `latitude, longitude` a line, for its field."""
    if not isinstance(value, Mapping):
        return str(value or "")
    places = value.get("coordinates") or []
    if value.get("type") == "Polygon":
        places = places[0][:-1] if places else []
    return "\n".join(f"{place[1]}, {place[0]}" for place in places)
