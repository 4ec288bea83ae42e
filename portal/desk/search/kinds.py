"""What the global search finds beside the rooms: pages of the menu, people, files, organisations."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.accounts.selectors.people import people_list
from portal.core.common.text import normalise
from portal.core.files.selectors import file_list
from portal.core.tenancy.selectors import organization_list
from portal.ui import menu
from portal.ui.search import Hit, SearchKind, hits, register
from portal.ui.templatetags.marsad import localdate


def _pages(user: User, text: str, limit: int) -> list[Hit]:
    """No statement: the menu is in memory."""
    wanted = normalise(text)
    items = (item for item in menu.items_for(user) if wanted in normalise(str(item.label)))
    return [Hit(str(item.label), reverse(item.url_name), [menu.GROUPS[item.group]]) for item in items][:limit]


def _people(user: User, text: str, limit: int) -> list[Hit]:
    rows = people_list(search=text).order_by("name", "pk")
    return hits(rows, limit, "people:detail", lambda row: (row.name, row.email, row.department))


def _files(user: User, text: str, limit: int) -> list[Hit]:
    rows = file_list(user=user, search=text).order_by("-created_at", "-pk")
    return hits(rows, limit, "files:file_detail", lambda row: (row.filename, localdate(row.created_at)))


def _organizations(user: User, text: str, limit: int) -> list[Hit]:
    return hits(organization_list(search=text), limit, "platform:organization", lambda row: (row.name, row.city))


def fill() -> None:
    register(
        SearchKind(key="pages", label=_("Pages"), icon="compass", permission="", find=_pages, platform=True, order=0),
        SearchKind(
            key="files",
            label=_("Files"),
            icon="files",
            permission="files.view",
            find=_files,
            list_url="files:file_list",
            order=80,
        ),
        SearchKind(
            key="people",
            label=_("People"),
            icon="users",
            permission="users.view",
            find=_people,
            list_url="people:list",
            order=90,
        ),
        SearchKind(
            key="organizations",
            label=_("Organisations"),
            icon="building",
            permission="platform.organizations",
            find=_organizations,
            list_url="platform:organizations",
            platform=True,
            order=95,
        ),
    )
