"""Pages of dashboards (`pages.md`: /dashboards)."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.collect.charts.pages import LIVE
from portal.collect.dashboards import jobs, selectors, services
from portal.collect.dashboards.forms import DashboardFilter, DashboardForm, DashboardTable, WidgetForm, details
from portal.collect.dashboards.tiles import tiles
from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError, NotFound
from portal.core.jobs.tasks import defer, job_get
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person
from portal.ui.restoring import undo_deletion

COUNT_LIMIT = 10_000
SHORTEST = 10  # seconds between refreshes


@require_GET
@policy("views.view")
def dashboard_list(request: HttpRequest) -> HttpResponse:
    may_edit = may(request, "views.edit")
    empty = Empty(
        title=gettext_lazy("No dashboards yet"),
        text=gettext_lazy("A dashboard shows several views side by side, moves with the data and becomes a PDF."),
        icon="layout-dashboard",
        action_label=gettext_lazy("New dashboard") if may_edit else "",
        action_url=reverse("collect:dashboard_create") if may_edit else "",
    )
    return list_page(
        request,
        queryset=selectors.dashboard_list(user=person(request)).select_related("project"),
        table=DashboardTable,
        filterset=DashboardFilter,
        template="collect/dashboards/list.html",
        list_id="dashboards",
        deleted="dashboard",
        caption=gettext_lazy("Dashboards"),
        empty=empty,
        live=["dashboard.changed"],
        count_limit=COUNT_LIMIT,
        context={"may_edit": may_edit},
    )


@require_http_methods(["GET", "POST"])
@policy("views.edit")
def dashboard_create(request: HttpRequest) -> HttpResponse:
    form = DashboardForm(request.POST or None, user=person(request))
    if form.is_valid():
        try:
            made = services.dashboard_create(data=form.wire(), by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("collect:dashboard_detail", made.pk)
    context = {"form": form, "dashboard": None, "back": reverse("collect:dashboard_list")}
    return render(request, "collect/dashboards/form.html", context, status=_status(form))


@require_http_methods(["GET", "POST"])
@policy("views.edit")
def dashboard_edit(request: HttpRequest, dashboard_id: UUID) -> HttpResponse:
    dashboard = selectors.dashboard_for(person(request), dashboard_id)
    form = DashboardForm(request.POST or None, user=person(request), dashboard=dashboard)
    if form.is_valid():
        version = form.cleaned_data["version"]
        try:
            services.dashboard_update(id=dashboard_id, data=form.wire(), by=person(request), version=version)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("collect:dashboard_detail", dashboard_id)
    context = {
        "form": form,
        "dashboard": dashboard,
        "back": reverse("collect:dashboard_detail", args=[dashboard_id]),
    }
    return render(request, "collect/dashboards/form.html", context, status=_status(form))


@require_http_methods(["GET", "POST"])
@policy("views.delete")
def dashboard_delete(request: HttpRequest, dashboard_id: UUID) -> HttpResponse:
    dashboard = selectors.dashboard_for(person(request), dashboard_id)
    if request.method == "POST":
        services.dashboard_delete(id=dashboard_id, by=person(request))
        undo_deletion(request, _("The dashboard has been deleted."), "dashboard", dashboard_id)
        return redirect("collect:dashboard_list")
    return render(request, "collect/dashboards/delete.html", {"dashboard": dashboard})


@require_GET
@policy("views.view")
def dashboard_detail(request: HttpRequest, dashboard_id: UUID) -> HttpResponse:
    """The grid; `?part=figures` its figures alone, which are swapped when data arrives."""
    dashboard = selectors.dashboard_for(person(request), dashboard_id)
    said = details(dashboard.metadata)
    every = said.get("refreshInterval")
    timed = isinstance(every, int) and not isinstance(every, bool) and every >= SHORTEST
    widgets = selectors.widget_list(dashboard=dashboard)
    context = {
        "dashboard": dashboard,
        "board_theme": said.get("theme") if said.get("theme") in ("light", "dark") else "",
        "live": f"{LIVE}, every {every}s" if timed else LIVE,
        "tiles": tiles(widgets, person(request)),
        "may_edit": may(request, "views.edit"),
        "may_delete": may(request, "views.delete"),
        "may_export": may(request, "views.export"),
    }
    template = "collect/dashboards/detail.html"
    return render(request, f"{template}#figures" if request.GET.get("part") == "figures" else template, context)


@require_POST
@policy("views.edit")
def layout_save(request: HttpRequest, dashboard_id: UUID) -> JsonResponse:
    """Where the widgets stand now: `layout` is `{id: {x, y, w, h}}` as JSON."""
    try:
        places = orjson.loads(request.POST.get("layout", ""))
        widgets = services.layout_save(
            dashboard=dashboard_id, places=places if isinstance(places, dict) else {}, by=person(request)
        )
    except ValueError:
        return JsonResponse({"message": _("This is not valid JSON.")}, status=HTTPStatus.BAD_REQUEST)
    except NotFound:
        raise
    except DomainError as refusal:
        return JsonResponse({"message": str(refusal.message)}, status=refusal.status)
    return JsonResponse({str(row.pk): {"x": row.x, "y": row.y, "w": row.w, "h": row.h} for row in widgets})


@require_http_methods(["GET", "POST"])
@policy("views.edit")
def widget_add(request: HttpRequest, dashboard_id: UUID) -> HttpResponse:
    dashboard = selectors.dashboard_for(person(request), dashboard_id)
    form = WidgetForm(request.POST or None, user=person(request), dashboard=dashboard)
    if form.is_valid():
        try:
            services.widget_add(dashboard=dashboard_id, data=form.wire(), by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect(f"{reverse('collect:dashboard_detail', args=[dashboard_id])}#edit")
    context = {"form": form, "dashboard": dashboard, "widget": None}
    return render(request, "collect/dashboards/widget.html", context, status=_status(form))


@require_http_methods(["GET", "POST"])
@policy("views.edit")
def widget_edit(request: HttpRequest, dashboard_id: UUID, widget_id: UUID) -> HttpResponse:
    by = person(request)
    dashboard, widget = selectors.dashboard_for(by, dashboard_id), selectors.widget_for(by, dashboard_id, widget_id)
    form = WidgetForm(request.POST or None, user=by, dashboard=dashboard, widget=widget)
    if form.is_valid():
        try:
            services.widget_change(dashboard=dashboard_id, id=widget_id, data=form.wire(), by=by)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("collect:dashboard_detail", dashboard_id)
    context = {"form": form, "dashboard": dashboard, "widget": widget}
    return render(request, "collect/dashboards/widget.html", context, status=_status(form))


@require_POST
@policy("views.edit")
def widget_remove(request: HttpRequest, dashboard_id: UUID, widget_id: UUID) -> HttpResponse:
    services.widget_remove(dashboard=dashboard_id, id=widget_id, by=person(request))
    messages.success(request, _("The view was taken off; it still exists."))
    return redirect(f"{reverse('collect:dashboard_detail', args=[dashboard_id])}#edit")


@require_POST
@policy("views.export")
def pdf_order(request: HttpRequest, dashboard_id: UUID) -> HttpResponse:
    """Have a worker draw the PDF, in the language of the page."""
    dashboard = selectors.dashboard_for(person(request), dashboard_id)
    services.exported(dashboard, kind="pdf")
    language = translation.get_language() or "en"
    job = defer(jobs.dashboard_pdf, dashboard=str(dashboard.pk), language=language)
    return redirect("collect:dashboard_pdf", dashboard_id, job.pk)


@require_GET
@policy("views.export")
def pdf_wait(request: HttpRequest, dashboard_id: UUID, job_id: UUID) -> HttpResponse:
    """How far the PDF is, and then the way to it."""
    dashboard = selectors.dashboard_for(person(request), dashboard_id)
    job = job_get(id=job_id, user=person(request).pk)
    context = {"dashboard": dashboard, "job": job, "job_url": request.path}
    part = bool(request.htmx) and request.htmx.request_type != "full"  # type: ignore[attr-defined]
    template = "collect/dashboards/pdf_wait.html"
    return render(request, f"{template}#pdf-state" if part else template, context)


def _status(form: Any) -> HTTPStatus:
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
