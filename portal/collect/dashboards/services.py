"""Writing dashboards and their widgets.

`data` is the wire's: camelCase, absent fields stay as they are, null clears. A change of a widget is one of its
dashboard: it moves its version.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.collect.charts import selectors as charts
from portal.collect.charts.services import held, read_words
from portal.collect.dashboards import selectors
from portal.collect.dashboards.layout import Place, free_place, read_place, settled
from portal.collect.dashboards.models import Dashboard, DashboardWidget
from portal.collect.forms.services import document
from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.errors import Errors, Invalid
from portal.core.common.ids import parse_uuid
from portal.core.notifications.events import publish
from portal.core.projects import access
from portal.core.sync.records import may, to_restore
from portal.core.tenancy import scope

MOST_WIDGETS: Final = 50


@transaction.atomic
def dashboard_create(*, data: Mapping[str, Any], by: User) -> Dashboard:
    """With its `widgets`, where they are given. Raises Invalid, NotFound for a project out of sight."""
    may(by, "views.edit")
    dashboard = Dashboard(organization_id=scope.organization_id(), created_by=by)
    if "name" not in data:
        raise Invalid.field("name", _("This field is required."))
    _take(dashboard, data, by)
    dashboard.save(force_insert=True)
    if data.get("widgets") is not None:
        _replace(dashboard, data["widgets"], by)
    _tell(dashboard)
    return dashboard


@transaction.atomic
def dashboard_update(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> Dashboard:
    """`widgets` replaces all of them; one with the `id` of a present one stays it. Raises Invalid, VERSION_CONFLICT,
    NotFound."""
    dashboard = _held(id, by, version)
    _take(dashboard, data, by)
    if data.get("widgets") is not None:
        _replace(dashboard, data["widgets"], by)
    _moved(dashboard)
    return dashboard


@transaction.atomic
def dashboard_delete(*, id: UUID, by: User, version: int | None = None) -> None:
    """Soft; the views stay. Raises VERSION_CONFLICT, NotFound."""
    may(by, "views.delete")
    dashboard = held(selectors.dashboard_for(by, id), version)
    dashboard.deleted_at, dashboard.deleted_by = clock.now(), by
    _moved(dashboard)


@transaction.atomic
def dashboard_restore(*, id: UUID, by: User) -> Dashboard:
    """With its widgets. Raises Denied, NotFound."""
    dashboard = to_restore(selectors.dashboards_seen(by, deleted=True), id=id, by=by, right="views.delete")
    if dashboard.deleted_at is not None:
        dashboard.deleted_at = dashboard.deleted_by = None
        _moved(dashboard)
    return dashboard


@transaction.atomic
def widget_add(*, dashboard: UUID, data: Mapping[str, Any], by: User) -> DashboardWidget:
    """At `position`, or at the first free place. Raises Invalid naming `viewId` or the position, NotFound."""
    row = _held(dashboard, by, None)
    errors = Errors()
    present = list(row.widgets.all())
    if len(present) >= MOST_WIDGETS:
        raise Invalid.field("widgets", _("At most %(count)s widgets.") % {"count": MOST_WIDGETS})
    widget = _read(row, data, DashboardWidget(organization_id=row.organization_id, dashboard=row), by, "", errors)
    if not isinstance(data.get("position"), Mapping):
        widget.x, widget.y, widget.w, widget.h = free_place(_place(other) for other in present)
    errors.raise_any()
    widget.save(force_insert=True)
    _moved(row)
    return widget


@transaction.atomic
def widget_change(*, dashboard: UUID, id: UUID, data: Mapping[str, Any], by: User) -> DashboardWidget:
    """Raises Invalid, NotFound."""
    row = _held(dashboard, by, None)
    errors = Errors()
    widget = _read(row, data, selectors.widget_for(by, dashboard, id), by, "", errors)
    errors.raise_any()
    widget.save()
    _moved(row)
    return widget


@transaction.atomic
def widget_remove(*, dashboard: UUID, id: UUID, by: User) -> None:
    """The view stays. Raises NotFound."""
    row = _held(dashboard, by, None)
    selectors.widget_for(by, dashboard, id).delete()
    _moved(row)


@transaction.atomic
def layout_save(*, dashboard: UUID, places: Mapping[str, Any], by: User) -> list[DashboardWidget]:
    """Move widgets, `places` by their ids; who is in another one's way moves down. Raises Invalid, NotFound."""
    row = _held(dashboard, by, None)
    errors, widgets = Errors(), list(row.widgets.select_for_update())
    wanted = [
        read_place(places.get(str(widget.pk), {}), _place(widget), f"places.{widget.pk}", errors) for widget in widgets
    ]
    errors.raise_any()
    moved = []
    for widget, place in zip(widgets, settled(wanted), strict=True):
        if place != _place(widget):
            widget.x, widget.y, widget.w, widget.h = place
            widget.updated_at = clock.now()
            moved.append(widget)
    if moved:
        DashboardWidget.objects.bulk_update(moved, ["x", "y", "w", "h", "updated_at"])
        _moved(row)
    return widgets


def exported(dashboard: Dashboard, *, kind: str) -> None:
    """Put into the audit log that the person in force took a dashboard away."""
    record(Event(Action.EXPORT, "dashboard", str(dashboard.pk), {"format": kind}, label=dashboard.name))


def _held(id: UUID, by: User, version: int | None) -> Dashboard:
    may(by, "views.edit")
    return held(selectors.dashboard_for(by, id), version)


def _take(dashboard: Dashboard, data: Mapping[str, Any], by: User) -> None:
    errors = Errors()
    read_words(dashboard, data, errors)
    if "projectId" in data:
        project = parse_uuid(data["projectId"])
        if data["projectId"] is not None and project is None:
            errors.add("projectId", _("Must be a UUID."))
        dashboard.project = access.project_for(by, project) if project else None
    errors.raise_any()


def _replace(dashboard: Dashboard, said: Any, by: User) -> None:
    if not isinstance(said, Sequence) or isinstance(said, str) or len(said) > MOST_WIDGETS:
        raise Invalid.field("widgets", _("A list of at most %(count)s widgets.") % {"count": MOST_WIDGETS})
    present = {row.pk: row for row in dashboard.widgets.all()}
    errors, wanted = Errors(), []
    taken: list[Place] = []
    for place, item in enumerate(said):
        name = f"widgets.{place}."
        if not isinstance(item, Mapping):
            errors.add(name[:-1], _("Enter an object."))
            continue
        id = parse_uuid(item.get("id"))
        row = present.pop(id, None) if id else None
        row = row or DashboardWidget(organization_id=dashboard.organization_id, dashboard=dashboard)
        row = _read(dashboard, item, row, by, name, errors)
        if row._state.adding and not isinstance(item.get("position"), Mapping):
            row.x, row.y, row.w, row.h = free_place(taken)
        taken.append(_place(row))
        wanted.append(row)
    errors.raise_any()
    dashboard.widgets.filter(pk__in=present).delete()
    for row in wanted:
        row.save()


def _read(
    dashboard: Dashboard, data: Mapping[str, Any], widget: DashboardWidget, by: User, name: str, errors: Errors
) -> DashboardWidget:
    if "viewId" in data or widget._state.adding:
        id = parse_uuid(data.get("viewId"))
        view = charts.views_seen(by).filter(pk=id).first() if id else None
        if view is None:
            errors.add(f"{name}viewId", _("There is no such view."))
        elif dashboard.project_id is not None and view.project_id != dashboard.project_id:
            errors.add(f"{name}viewId", _("This view is of another project."))
        else:
            widget.view = view
    if data.get("position") is not None:
        place = read_place(data["position"], _place(widget), f"{name}position", errors)
        widget.x, widget.y, widget.w, widget.h = place
    if "metadata" in data:
        widget.metadata = document(data["metadata"], f"{name}metadata", errors)
    return widget


def _place(widget: DashboardWidget) -> Place:
    return Place(widget.x, widget.y, widget.w, widget.h)


def _moved(dashboard: Dashboard) -> None:
    dashboard.version += 1
    dashboard.save()
    _tell(dashboard)


def _tell(dashboard: Dashboard) -> None:
    publish("dashboard.changed", entity="dashboard", id=dashboard.pk, data={"version": dashboard.version})
