"""Messages with a button that takes back what they tell of: a deletion that has a way back says so at once."""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest

_UNDO: Final = "undo:"


def undoable(request: HttpRequest, text: str, *, url: str, fields: Sequence[tuple[str, str]]) -> None:
    """Say what was done, with a button that takes it back: a POST of `fields` to `url`."""
    messages.success(request, text, extra_tags=_UNDO + orjson.dumps({"url": url, "fields": fields}).decode())


def undo_of(message: Message) -> dict[str, Any] | None:
    """Address and fields of the button that takes back what a message tells of."""
    tags = message.extra_tags or ""
    if not tags.startswith(_UNDO):
        return None
    found: dict[str, Any] = orjson.loads(tags.removeprefix(_UNDO))
    return found
