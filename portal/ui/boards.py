"""Boards of cards in columns: the form of a card that moves it without a mouse."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

_FORM: Final = (
    '<form class="board-move" method="post" action="{url}" hx-post="{url}" hx-target="#board" hx-swap="outerMorph">'
    '<input type="hidden" name="csrfmiddlewaretoken" value="{token}">'
    '<label class="visually-hidden" for="move-{pk}">{move}</label>'
    '<select class="form-select form-select-sm" id="move-{pk}" name="{name}">'
    '<option value="">{move}…</option>{options}</select>'
    '<button class="btn btn-sm no-js-only" type="submit">{apply}</button></form>'
)


class Moves:
    """Draws these forms past the template engine, whose nodes for them were half of what a board of 100 cards took.

    `to`: the view that takes a move; `name`: the field that says where to.
    """

    def __init__(self, request: HttpRequest, *, to: str, name: str) -> None:
        query = request.GET.urlencode()
        self.to, self.query = to, f"?{query}" if query else ""
        self.same = {"token": get_token(request), "name": name, "move": _("Move to"), "apply": _("Apply")}
        self.options: dict[tuple[str, ...], SafeString] = {}

    def form(self, pk: UUID, ways: Sequence[tuple[str, object]]) -> SafeString:
        """Empty for a card that can go nowhere. `ways`: value and name of each column."""
        if not ways:
            return SafeString("")
        key = tuple(value for value, _word in ways)
        if key not in self.options:
            self.options[key] = format_html_join("", '<option value="{}">{}</option>', ways)
        url = reverse(self.to, args=[pk]) + self.query
        return format_html(_FORM, url=url, pk=pk, options=self.options[key], **self.same)
