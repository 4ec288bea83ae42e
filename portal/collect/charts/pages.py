"""Pages of chart views (`pages.md`: /views/builder)."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.collect.charts import selectors, services
from portal.collect.charts.display import Picture, picture
from portal.collect.charts.events import MOVING
from portal.collect.charts.figures import view_data
from portal.collect.charts.forms import ChartForm, ViewFilter, ViewTable
from portal.collect.charts.models import View
from portal.collect.forms.models import Form
from portal.collect.forms.selectors import forms_seen
from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError, Invalid
from portal.core.common.ids import parse_uuid
from portal.core.common.sheets import TYPES, sheet
from portal.core.common.text import normalise
from portal.ui.lists import Empty, list_page
from portal.ui.panels import project_frame
from portal.ui.people import may, person
from portal.ui.restoring import undo_deletion

LIVE = ", ".join(f"marsad:{event} from:body throttle:2s" for event in MOVING)
COUNT_LIMIT = 10_000


def no_views(request: HttpRequest, query: str = "") -> Empty:
    may_edit = may(request, "views.edit")
    return Empty(
        title=gettext_lazy("No views yet"),
        text=gettext_lazy(
            "A view turns the submissions of a form into a number or a chart that keeps itself up to date."
        ),
        icon="chart-bar",
        action_label=gettext_lazy("New view") if may_edit else "",
        action_url=reverse("collect:view_builder") + query if may_edit else "",
    )


@require_GET
@policy("views.view")
def view_list(request: HttpRequest) -> HttpResponse:
    return list_page(
        request,
        queryset=selectors.view_list(user=person(request)).select_related("form", "project"),
        table=ViewTable,
        filterset=ViewFilter,
        template="collect/views/list.html",
        list_id="views",
        deleted="view",
        caption=gettext_lazy("Chart views"),
        empty=no_views(request),
        live=["view.changed"],
        count_limit=COUNT_LIMIT,
        context={"may_edit": may(request, "views.edit")},
    )


@require_GET
@policy("views.view")
def project_views(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """The project's tab."""
    context = project_frame(request, project_id, "views")

    class OfProject(ViewFilter):
        project = None

        def chosen(self) -> dict[str, Any]:
            return super().chosen() | {"project": project_id}

    rows = selectors.view_list(user=person(request), project=project_id)
    return list_page(
        request,
        queryset=rows.select_related("form", "project"),
        table=ViewTable,
        table_kwargs={"exclude": ("project",)},
        filterset=OfProject,
        template="collect/views/project.html",
        list_id="views",
        caption=gettext_lazy("Chart views"),
        empty=no_views(request, f"?project={project_id}"),
        live=["view.changed"],
        count_limit=COUNT_LIMIT,
        context=context | {"may_edit_views": may(request, "views.edit")},
    )


@require_http_methods(["GET", "POST"])
@policy("views.edit")
def view_builder(request: HttpRequest) -> HttpResponse:
    """A new view; `?form=` or `?project=` chooses its form."""
    form = ChartForm(request.POST or None, user=person(request), form=_first_form(request))
    if form.is_valid() and (made := _saved(form, None, request)):
        return redirect("collect:view_detail", made.pk)
    return _builder(request, form, None)


@require_http_methods(["GET", "POST"])
@policy("views.edit")
def view_edit(request: HttpRequest, view_id: UUID) -> HttpResponse:
    view = selectors.view_for(person(request), view_id)
    form = ChartForm(request.POST or None, user=person(request), view=view)
    if form.is_valid() and _saved(form, view, request):
        return redirect("collect:view_detail", view_id)
    return _builder(request, form, view)


@require_POST
@policy("views.edit")
def view_preview(request: HttpRequest) -> HttpResponse:
    """The builder as it stands, with its choices and its figures; nothing is stored."""
    id = parse_uuid(request.GET.get("view"))
    view = selectors.view_for(person(request), id) if id else None
    form = ChartForm(request.POST, user=person(request), view=view)
    form.is_valid()
    form.errors.pop("name", None)
    return render(request, "collect/views/builder.html#builder-body", _context(request, form, view))


@require_GET
@policy("views.view")
def view_detail(request: HttpRequest, view_id: UUID) -> HttpResponse:
    view = selectors.view_for(person(request), view_id)
    context = {
        "view": view,
        "live": LIVE,
        "may_edit": may(request, "views.edit"),
        "may_delete": may(request, "views.delete"),
        "may_export": may(request, "views.export"),
        **drawn(view),
    }
    template = "collect/views/detail.html"
    return render(request, f"{template}#figures" if request.GET.get("part") == "figures" else template, context)


@require_GET
@policy("views.export")
def view_file(request: HttpRequest, view_id: UUID, kind: str) -> HttpResponseBase:
    """The table beneath the chart, as CSV or XLSX."""
    view = selectors.view_for(person(request), view_id)
    try:
        definition = selectors.definition_of(view)
        data = view_data(definition=definition, form=view.form, view=view.pk)
    except Invalid as refusal:
        messages.error(request, _refusal(refusal))
        return redirect("collect:view_detail", view_id)
    found = picture(data, definition)
    if definition.along is None:
        head, rows = [found.what], [(data["value"],)]
    else:
        head = found.heads[: 1 + len(found.names)]
        rows = list(zip(found.labels, *found.numbers, strict=True))
    services.exported(view, kind=kind)
    file, _count, _digest = sheet(kind, head, rows)
    name = "-".join(normalise(view.name).split())[:60] or "view"
    return FileResponse(file, as_attachment=True, filename=f"{name}.{kind}", content_type=TYPES[kind])


@require_http_methods(["GET", "POST"])
@policy("views.delete")
def view_delete(request: HttpRequest, view_id: UUID) -> HttpResponse:
    view = selectors.view_for(person(request), view_id)
    if request.method == "POST":
        services.view_delete(id=view_id, by=person(request))
        undo_deletion(request, _("The view has been deleted."), "view", view_id)
        return redirect("collect:view_list")
    boards = view.widgets.filter(dashboard__deleted_at=None).values("dashboard").distinct().count()
    return render(request, "collect/views/delete.html", {"view": view, "boards": boards})


def drawn(view: View) -> dict[str, Any]:
    """`picture`, or why there is none (`fault`)."""
    try:
        definition = selectors.definition_of(view)
        found: Picture | None = picture(view_data(definition=definition, form=view.form, view=view.pk), definition)
    except Invalid as refusal:
        return {"picture": None, "fault": _refusal(refusal)}
    return {"picture": found, "fault": ""}


def _refusal(refusal: DomainError) -> str:
    return refusal.errors[0].message if refusal.errors else str(refusal.message)


def _first_form(request: HttpRequest) -> Form | None:
    rows = forms_seen(person(request)).filter(version__gt=0).order_by("-created_at")
    wanted = {"pk": parse_uuid(request.GET.get("form")), "project": parse_uuid(request.GET.get("project"))}
    named = {key: value for key, value in wanted.items() if value}
    return rows.filter(**named).first() if named or rows.count() == 1 else None


def _saved(form: ChartForm, view: View | None, request: HttpRequest) -> View | None:
    data, by = form.wire(), person(request)
    try:
        if view is None:
            return services.view_create(data=data, by=by)
        return services.view_update(id=view.pk, data=data, by=by, version=form.cleaned_data["version"])
    except DomainError as refusal:
        form.refuse(refusal)
        return None


def _builder(request: HttpRequest, form: ChartForm, view: View | None) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "collect/views/builder.html", _context(request, form, view), status=status)


def _context(request: HttpRequest, form: ChartForm, view: View | None) -> dict[str, Any]:
    context: dict[str, Any] = {"form": form, "view": view, "picture": None, "fault": ""}
    if not form.is_bound:
        return context | (drawn(view) if view else {})
    needed = {"form", "chart_type", "aggregation"} - set(form.errors)
    if len(needed) < 3 or any(name.startswith(("filter_", "field", "group", "x_", "stack")) for name in form.errors):
        return context
    try:
        data, found = services.preview(data=form.wire(), by=person(request))
    except Invalid as refusal:
        form.refuse(refusal)
        return context
    return context | {"picture": picture(data, found)}
