"""Pages of projects: list, exports, form, overview, members, tasks, history."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError
from portal.core.projects import access, members, selectors, services
from portal.core.projects.choices import TaskStatus
from portal.core.projects.models import Project
from portal.core.tenancy import scope
from portal.fieldwork import exports
from portal.fieldwork.pages import answers
from portal.fieldwork.pages.forms import MemberForm, ProjectForm
from portal.fieldwork.pages.lists import ProjectFilter, ProjectTable, TaskFilter, TaskTable
from portal.ui.lists import Empty, Export, list_page
from portal.ui.panels import project_frame
from portal.ui.people import may, person
from portal.ui.restoring import undo_deletion

COUNT_LIMIT = 10_000
NEXT = 8


@require_GET
@policy("projects.view")
def project_list(request: HttpRequest) -> HttpResponse:
    may_create = may(request, "projects.edit")
    empty = Empty(
        title=gettext_lazy("No projects yet"),
        text=gettext_lazy("A project holds the people, the tasks and the data of one piece of work in the field.")
        if may_create
        else gettext_lazy("Projects that you are made a member of appear here."),
        icon="briefcase",
        action_label=gettext_lazy("New project") if may_create else "",
        action_url=reverse("fieldwork:project_create") if may_create else "",
    )
    return list_page(
        request,
        queryset=selectors.with_figures(selectors.project_list(user=person(request))),
        table=ProjectTable,
        filterset=ProjectFilter,
        template="fieldwork/projects/list.html",
        list_id="projects",
        deleted="project",
        caption=gettext_lazy("Projects"),
        empty=empty,
        exports=_exports("fieldwork:project_export") if may(request, "projects.export") else (),
        live=["projects.changed"],
        count_limit=COUNT_LIMIT,
        context={"may_create": may_create},
    )


def _exports(name: str) -> list[Export]:
    kinds = (("csv", "CSV", "file-text"), ("xlsx", "XLSX", "file-spreadsheet"))
    return [Export(label=label, url=reverse(name, args=[kind]), icon=icon) for kind, label, icon in kinds]


@require_GET
@policy("projects.export")
def project_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The projects of the list with the same query string, in the same order."""
    filters = ProjectFilter(request.GET, queryset=Project.objects.none(), request=request)
    if not filters.form.is_valid():
        return HttpResponse(filters.form.errors.as_text(), status=400, content_type="text/plain")
    rows = _ordered(ProjectTable(filters.qs, order_by=request.GET.get("sort") or ProjectTable._meta.order_by))
    return answers.export(request, kind, rows, exports.PROJECTS, entity="project", title=_("Projects"))


def _ordered(table: Any) -> QuerySet[Any]:
    rows: QuerySet[Any] = table.data.data
    return rows.order_by(*rows.query.order_by, "pk")


@require_http_methods(["GET", "POST"])
@policy("projects.edit")
def project_create(request: HttpRequest) -> HttpResponse:
    form = ProjectForm(request.POST or None)
    if form.is_valid():
        try:
            row, _created = services.project_create(data=form.wire(), by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("fieldwork:project_members", row["id"])
    context = {"form": form, "project": None, "back": reverse("fieldwork:project_list")}
    return render(request, "fieldwork/projects/form.html", context, status=answers.form_status(form))


@require_http_methods(["GET", "POST"])
@policy("projects.edit")
def project_edit(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = access.project_for(person(request), project_id)
    form = ProjectForm(request.POST or None, project=project)
    if form.is_valid():
        version, data = form.cleaned_data["version"], form.wire(only_changed=True)
        try:
            services.project_update(id=project_id, data=data, by=person(request), version=version)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("fieldwork:project_detail", project_id)
    context = {"form": form, "project": project, "back": reverse("fieldwork:project_detail", args=[project_id])}
    return render(request, "fieldwork/projects/form.html", context, status=answers.form_status(form))


@require_POST
@policy("projects.edit")
def project_status(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """One step of the project's life."""
    data, by = {"status": request.POST.get("status", "")}, person(request)
    refused = answers.refused(lambda: services.project_update(id=project_id, data=data, by=by))
    return answers.back(request, refused, _("The status has been changed."), "fieldwork:project_detail", project_id)


@require_http_methods(["GET", "POST"])
@policy("projects.delete")
def project_delete(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = access.project_for(person(request), project_id)
    if request.method == "POST":
        with scope.acting(reason=request.POST.get("reason", "").strip()[:500]):
            services.project_delete(id=project_id, by=person(request))
        undo_deletion(request, _("The project has been deleted."), "project", project_id)
        return redirect("fieldwork:project_list")
    tasks = project.tasks.filter(deleted_at=None).count()
    return render(request, "fieldwork/projects/delete.html", {"project": project, "tasks": tasks})


@require_GET
@policy("projects.view")
def project_detail(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """What the project is, where it stands, and what comes next."""
    context = project_frame(request, project_id, "detail")
    context["people"] = selectors.member_list(project=project_id)[:NEXT]
    context["member_total"] = selectors.member_list(project=project_id).count()
    if context["may_see_tasks"]:
        tasks = selectors.task_list(user=person(request), project=project_id)
        coming = tasks.filter(status__in=("pending", "assigned", "in_progress")).select_related("assigned_to")
        figures = selectors.task_figures(tasks)
        context |= {
            "figures": figures,
            "by_status": [(status, figures.by_status[status]) for status in TaskStatus.values],
            "coming": coming.order_by("due_date", "-created_at", "-id")[:NEXT],
        }
    return render(request, "fieldwork/projects/detail.html", context)


@require_http_methods(["GET", "POST"])
@policy("projects.view")
def project_members(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Who works in the project; whoever may change it adds people here."""
    context = project_frame(request, project_id, "members")
    form = None
    if context["may_edit"]:
        form = MemberForm(request.POST or None, project=context["project"], user=person(request))
        if form.is_valid():
            said = form.cleaned_data
            try:
                members.member_add(
                    project=project_id,
                    user=said["user"].pk,
                    role_in_project=said["role_in_project"],
                    by=person(request),
                )
            except DomainError as refusal:
                form.refuse(refusal)
            else:
                return redirect("fieldwork:project_members", project_id)
    context |= {"form": form, "people": selectors.member_list(project=project_id)}
    status = answers.form_status(form) if form else 200
    return render(request, "fieldwork/projects/members.html", context, status=status)


@require_POST
@policy("projects.edit")
def member_remove(request: HttpRequest, project_id: UUID, user_id: UUID) -> HttpResponse:
    by = person(request)
    refused = answers.refused(lambda: members.member_remove(project=project_id, user=user_id, by=by))
    return answers.back(request, refused, _("The member was taken out."), "fieldwork:project_members", project_id)


@require_GET
@policy("tasks.view")
def project_tasks(request: HttpRequest, project_id: UUID) -> HttpResponse:
    context = project_frame(request, project_id, "tasks")

    class OfProject(TaskFilter):
        project = None

        def chosen(self) -> dict[str, Any]:
            return super().chosen() | {"project": project_id}

    return list_page(
        request,
        queryset=selectors.task_list(user=person(request), project=project_id).select_related("assigned_to"),
        table=TaskTable,
        table_kwargs={"inside": True},
        filterset=OfProject,
        template="fieldwork/projects/tasks.html",
        list_id="tasks",
        caption=gettext_lazy("Tasks"),
        empty=Empty(title=gettext_lazy("No tasks in this project yet"), icon="checklist"),
        live=["task.assigned", "task.updated", "tasks.changed"],
        count_limit=COUNT_LIMIT,
        context=context,
    )


@require_GET
@policy("projects.view")
def project_history(request: HttpRequest, project_id: UUID) -> HttpResponse:
    context = project_frame(request, project_id, "history")
    context |= answers.history(request, selectors.project_history(project=project_id))
    return render(request, "fieldwork/projects/history.html", context)
