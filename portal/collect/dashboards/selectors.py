"""Which dashboards a person sees, and the figures of what stands on them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from portal.collect.charts import selectors as charts
from portal.collect.charts.figures import Versions, data_versions, view_data
from portal.collect.charts.models import View
from portal.collect.dashboards.models import Dashboard, DashboardWidget
from portal.core.accounts.models import User
from portal.core.common.errors import DomainError, NotFound
from portal.core.common.text import normalise
from portal.core.projects import access


def dashboards_seen(user: User, *, deleted: bool = False) -> QuerySet[Dashboard]:
    """Those of the projects that the person sees, and those of none; `deleted`: those dashboards, too."""
    rows: QuerySet[Dashboard] = Dashboard.objects.filter(Q(project=None) | Q(project__deleted_at=None))
    if not deleted:
        rows = rows.filter(deleted_at=None)
    if access.sees_all_projects(user):
        return rows
    return rows.filter(Q(project=None) | Q(project__in=access.projects_of(user)))


def dashboard_for(user: User, id: UUID) -> Dashboard:
    """Raises NotFound for an unknown, deleted, foreign or unseen one."""
    found = dashboards_seen(user).select_related("project").filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such dashboard."))
    return found


def dashboard_list(*, user: User, project: UUID | None = None, search: str = "") -> QuerySet[Dashboard]:
    """Newest first, with the number of their `widget_total`. Raises NotFound for a project out of sight."""
    rows = dashboards_seen(user)
    if project is not None:
        rows = rows.filter(project=access.project_for(user, project))
    for word in normalise(search).split():
        rows = rows.filter(search_text__contains=word)
    return rows.annotate(widget_total=Count("widgets")).order_by("-created_at", "-id")


def widget_list(*, dashboard: Dashboard) -> list[DashboardWidget]:
    """From the top, with their views at hand."""
    return list(dashboard.widgets.select_related("view__form", "view__project").order_by("y", "x", "id"))


def widget_for(user: User, dashboard: UUID, id: UUID) -> DashboardWidget:
    """Raises NotFound."""
    found = dashboard_for(user, dashboard).widgets.select_related("view").filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such widget."))
    return found


def dashboard_data(*, widgets: Sequence[DashboardWidget], user: User) -> list[dict[str, Any]]:
    """`[{id, viewId, data, error}]`: a view that cannot be drawn (its form has changed, its project is out of sight)
    says why and spoils no other one. One statement for all data versions, one for each view that is not kept."""
    seen = set(charts.views_seen(user).filter(pk__in=[w.view_id for w in widgets]).values_list("pk", flat=True))
    versions = data_versions(widget.view.form_id for widget in widgets if widget.view_id in seen)
    return [_drawn(widget.pk, widget.view, versions, seen=widget.view_id in seen) for widget in widgets]


def _drawn(widget: UUID, view: View, versions: Versions, *, seen: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"id": widget, "viewId": view.pk, "data": None, "error": None}
    try:
        if not seen:
            raise NotFound(_("There is no such view."))
        definition = charts.definition_of(view)
        found["data"] = view_data(definition=definition, form=view.form, view=view.pk, versions=versions)
    except DomainError as refusal:
        first = refusal.errors[0] if refusal.errors else None
        message, field = (first.message, first.field) if first else (str(refusal.message), None)
        found["error"] = {"code": refusal.code, "message": message, "field": field}
    return found
