"""What other apps show on pages of projects, tasks and customers: tabs of a record, boxes on a page.

An app registers in `AppConfig.ready`; the page that shows it knows nothing of it. A tab is a page of its own: its view
calls `project_frame(request, project_id, "key")` for its context (of a customer: `crm.customers.frame.customer_frame`),
and its template extends `fieldwork/projects/frame.html` (`crm/customers/frame.html`) and fills the block `tab_content`.
A panel is a template that stands on the page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.functional import Promise

from portal.core.projects import access
from portal.core.projects.choices import PROJECT_CHANGES
from portal.ui.people import may, person

type Text = str | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A page of a record of `place`: `url_name` is reversed with the record's id."""

    place: str = "project"
    key: str
    label: Text
    icon: str
    url_name: str
    permission: str = "projects.view"
    order: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A box on the page of a `project`, a `task` or a `customer` (`place`). `context(request, record)` is what its
    template gets beside `record`; None leaves it out."""

    place: str
    key: str
    template: str
    context: Callable[[HttpRequest, Any], dict[str, Any] | None]
    permission: str = ""
    order: int = 100


_tabs: dict[tuple[str, str], Tab] = {}
_panels: dict[tuple[str, str], Panel] = {}


def register(*items: Tab | Panel) -> None:
    """A second registration under the same key replaces the first."""
    for item in items:
        if isinstance(item, Tab):
            _tabs[item.place, item.key] = item
        else:
            _panels[item.place, item.key] = item


def tabs(request: HttpRequest, place: str = "project") -> list[Tab]:
    shown = [tab for tab in _tabs.values() if tab.place == place and may(request, tab.permission)]
    return sorted(shown, key=lambda tab: (tab.order, tab.key))


def panels(request: HttpRequest, place: str, record: Any) -> list[tuple[str, dict[str, Any]]]:
    """The templates of a page's boxes with what they get, in their order."""
    held = [
        panel
        for panel in _panels.values()
        if panel.place == place and (not panel.permission or may(request, panel.permission))
    ]
    made = ((panel, panel.context(request, record)) for panel in sorted(held, key=lambda p: (p.order, p.key)))
    return [(panel.template, {"record": record, **more}) for panel, more in made if more is not None]


def project_frame(request: HttpRequest, project_id: UUID, tab: str) -> dict[str, Any]:
    """The context of a page inside a project, `project` among it. Raises NotFound for one out of sight."""
    project = access.project_for(person(request), project_id)
    return {
        "project": project,
        "tab": tab,
        "tabs": tabs(request),
        "ways": PROJECT_CHANGES[project.status],
        "may_edit": may(request, "projects.edit"),
        "may_delete": may(request, "projects.delete"),
        "may_see_tasks": may(request, "tasks.view"),
        "may_add_task": may(request, "tasks.work"),
    }
