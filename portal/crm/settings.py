"""The settings of the office: each part registers its section, a page of its own inside `crm/settings/frame.html`."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from portal.core.accounts.policy import policy
from portal.core.common.errors import NotFound
from portal.ui.people import may


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A page of the settings; its view calls `settings_frame(request, key)` for its context and its template fills the
    block `section`."""

    key: str
    label: Promise | str
    icon: str
    url_name: str
    permission: str = "crm.settings"
    order: int = 100


_sections: dict[str, Section] = {}


def register(*sections: Section) -> None:
    """A second registration under the same key replaces the first."""
    for section in sections:
        _sections[section.key] = section


def settings_frame(request: HttpRequest, key: str) -> dict[str, Any]:
    shown = [section for section in _sections.values() if may(request, section.permission)]
    return {"section": key, "sections": sorted(shown, key=lambda section: (section.order, section.key))}


@require_GET
@policy("crm.settings")
def settings_index(request: HttpRequest) -> HttpResponse:
    """The first section that the person may open."""
    sections = settings_frame(request, "")["sections"]
    if not sections:
        raise NotFound(_("There is nothing at this address."))
    return redirect(sections[0].url_name)
