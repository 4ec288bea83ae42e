"""Pages of tasks: list, exports, own ones, form, record with comments and history, bulk changes."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.models import User
from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError
from portal.core.common.ids import parse_uuid
from portal.core.projects import access, selectors, services
from portal.core.projects.models import Task
from portal.core.tenancy import scope
from portal.fieldwork import exports
from portal.fieldwork.pages import answers
from portal.fieldwork.pages.forms import BulkForm, TaskForm, WorkForm, ways
from portal.fieldwork.pages.lists import TaskFilter, TaskTable
from portal.fieldwork.pages.projects import COUNT_LIMIT, _exports, _ordered
from portal.ui.filters import midnight
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person
from portal.ui.restoring import undo_deletion

DONE_DAYS = 7


@require_GET
@policy("tasks.view")
def task_list(request: HttpRequest) -> HttpResponse:
    may_create, may_edit = may(request, "tasks.work"), may(request, "tasks.edit")
    empty = Empty(
        title=gettext_lazy("No tasks yet"),
        text=gettext_lazy("Give people something to do: the task reaches their device and this page shows how it goes.")
        if may_edit
        else gettext_lazy("Tasks that are given to you appear here and on your device."),
        icon="checklist",
        action_label=gettext_lazy("New task") if may_create else "",
        action_url=reverse("fieldwork:task_create") if may_create else "",
    )
    return list_page(
        request,
        queryset=selectors.task_list(user=person(request)).select_related("project", "assigned_to"),
        table=TaskTable,
        table_kwargs={"bulk": may_edit},
        filterset=TaskFilter,
        template="fieldwork/tasks/list.html",
        list_id="tasks",
        deleted="task",
        caption=gettext_lazy("Tasks"),
        empty=empty,
        exports=_exports("fieldwork:task_export") if may(request, "tasks.export") else (),
        live=["tasks.changed", "task.assigned", "task.updated"],
        count_limit=COUNT_LIMIT,
        context={"may_create": may_create, "view": "list", "bulk": BulkForm() if may_edit else None},
    )


@require_GET
@policy("tasks.export")
def task_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The tasks of the list with the same query string, in the same order."""
    filters = TaskFilter(request.GET, queryset=Task.objects.none(), request=request)
    if not filters.form.is_valid():
        return HttpResponse(filters.form.errors.as_text(), status=400, content_type="text/plain")
    rows = _ordered(TaskTable(filters.qs, order_by=request.GET.get("sort") or TaskTable._meta.order_by))
    return answers.export(request, kind, rows, exports.TASKS, entity="task", title=_("Tasks"))


@require_GET
@policy("tasks.work")
def task_mine(request: HttpRequest) -> HttpResponse:
    """What the person has to do, by when; each task with the next steps it can take."""
    context = mine_context(person(request))
    return render(request, "fieldwork/tasks/mine.html", context | {"view": "mine", "may_create": True})


def mine_context(user: User) -> dict[str, Any]:
    """Own open tasks in groups, and what was finished in the last days."""
    today = timezone.localdate()
    tomorrow, week = midnight(today + timedelta(days=1)), midnight(today + timedelta(days=8))
    groups: dict[str, tuple[Any, list[Task]]] = {
        "late": (_("Overdue"), []),
        "today": (_("Today"), []),
        "week": (_("Within seven days"), []),
        "later": (_("Later"), []),
        "open": (_("Without a due date"), []),
    }
    for task in selectors.my_tasks(user):
        due = task.due_date
        key = (
            "open" if due is None
            else "late" if task.overdue
            else "today" if due < tomorrow
            else "week" if due < week
            else "later"
        )  # fmt: skip
        task.steps = [w for w in ways(task, office=False) if w[0] not in (task.status, "assigned")]  # type: ignore[attr-defined]
        groups[key][1].append(task)
    since = midnight(today - timedelta(days=DONE_DAYS))
    done = access.tasks_seen(user).filter(
        assigned_to=user, status__in=("completed", "submitted"), updated_at__gte=since
    )
    return {
        "groups": [(key, title, tasks) for key, (title, tasks) in groups.items() if tasks],
        "done": done.select_related("project").order_by("-updated_at", "-id")[:20],
    }


@require_http_methods(["GET", "POST"])
@policy("tasks.work")
def task_create(request: HttpRequest) -> HttpResponse:
    user, project = person(request), None
    if (wanted := parse_uuid(request.GET.get("project"))) is not None:
        project = access.project_for(user, wanted)
    form = TaskForm(request.POST or None, user=user, project=project)
    if form.is_valid():
        try:
            row, _created = services.task_create(data=form.wire(), by=user)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("fieldwork:task_detail", row["id"])
    url = reverse("fieldwork:project_tasks", args=[project.pk]) if project else reverse("fieldwork:task_list")
    context = {"form": form, "task": None, "back": url}
    return render(request, "fieldwork/tasks/form.html", context, status=answers.form_status(form))


@require_http_methods(["GET", "POST"])
@policy("tasks.edit")
def task_edit(request: HttpRequest, task_id: UUID) -> HttpResponse:
    user = person(request)
    task = access.task_for(user, task_id)
    form = TaskForm(request.POST or None, user=user, task=task)
    if form.is_valid():
        version, data = form.cleaned_data["version"], form.wire(only_changed=True)
        try:
            services.task_update(id=task_id, data=data, by=user, version=version)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("fieldwork:task_detail", task_id)
    context = {"form": form, "task": task, "back": reverse("fieldwork:task_detail", args=[task_id])}
    return render(request, "fieldwork/tasks/form.html", context, status=answers.form_status(form))


@require_http_methods(["GET", "POST"])
@policy("tasks.view")
def task_detail(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """A task with its comments; whoever works on it changes status and notes here."""
    task = access.task_for(person(request), task_id)
    context = _frame(request, task, "detail")
    form = None
    if context["may_work"]:
        form = WorkForm(request.POST or None, task=task, office=context["may_edit"])
        if form.is_valid():
            data, version = form.wire(only_changed=True), form.cleaned_data["version"]
            try:
                services.task_update(id=task_id, data=data, by=person(request), version=version)
            except DomainError as refusal:
                form.refuse(refusal)
            else:
                messages.success(request, _("The changes have been saved."))
                return redirect("fieldwork:task_detail", task_id)
    context |= {"form": form, "comments": selectors.comment_list(task=task_id)}
    return render(request, "fieldwork/tasks/detail.html", context, status=answers.form_status(form) if form else 200)


def _frame(request: HttpRequest, task: Task, tab: str) -> dict[str, Any]:
    user, may_edit = person(request), may(request, "tasks.edit")
    own = task.assigned_to_id == user.pk or (task.assigned_to_id is None and task.created_by_id == user.pk)
    return {
        "task": task,
        "tab": tab,
        "may_edit": may_edit,
        "may_delete": may(request, "tasks.delete"),
        "may_work": may_edit or (own and may(request, "tasks.work")),
        "may_comment": may(request, "tasks.work"),
    }


@require_GET
@policy("tasks.view")
def task_history(request: HttpRequest, task_id: UUID) -> HttpResponse:
    task = access.task_for(person(request), task_id)
    context = _frame(request, task, "history") | answers.history(request, selectors.task_history(task=task_id))
    return render(request, "fieldwork/tasks/history.html", context)


@require_http_methods(["GET", "POST"])
@policy("tasks.delete")
def task_delete(request: HttpRequest, task_id: UUID) -> HttpResponse:
    task = access.task_for(person(request), task_id)
    if request.method == "POST":
        with scope.acting(reason=request.POST.get("reason", "").strip()[:500]):
            services.task_delete(id=task_id, by=person(request))
        undo_deletion(request, _("The task has been deleted."), "task", task_id)
        return redirect("fieldwork:task_list")
    return render(request, "fieldwork/tasks/delete.html", {"task": task})


@require_POST
@policy("tasks.work")
def task_step(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """The next step of a task, from the list of own ones."""
    data, by = {"status": request.POST.get("status", "")}, person(request)
    before = access.task_for(by, task_id).status
    refused = answers.refused(lambda: services.task_update(id=task_id, data=data, by=by))
    again = before in dict(ways(access.task_for(by, task_id), office=False))
    done, undo = _("The status has been changed."), [("status", before)] if again else []
    return answers.back(request, refused, done, "fieldwork:task_mine", undo=undo)


@require_POST
@policy("tasks.work")
def comment_add(request: HttpRequest, task_id: UUID) -> HttpResponse:
    content, by = request.POST.get("content"), person(request)
    if refusal := answers.refused(lambda: services.comment_add(task=task_id, content=content, by=by)):
        messages.error(request, answers.refusal_text(refusal))
    return redirect(reverse("fieldwork:task_detail", args=[task_id]) + "#comments")


@require_POST
@policy("tasks.work")
def comment_delete(request: HttpRequest, task_id: UUID, comment_id: UUID) -> HttpResponse:
    services.comment_delete(task=task_id, id=comment_id, by=person(request))
    undo_deletion(request, _("The comment has been deleted."), "task_comment", comment_id, parent=task_id)
    return redirect(reverse("fieldwork:task_detail", args=[task_id]) + "#comments")


@require_POST
@policy("tasks.edit")
def task_bulk(request: HttpRequest) -> HttpResponse:
    """One change for many tasks, each for itself; the page says how it went for each."""
    form, ids = BulkForm(request.POST), request.POST.getlist("ids")
    changes = form.changes() if form.is_valid() else {}
    if not changes or not ids:
        messages.error(request, _("Choose what to do.") if ids else _("Tick at least one task."))
        return redirect("fieldwork:task_list")
    try:
        results = services.tasks_change(ids=ids, data=changes, by=person(request))
    except DomainError as refusal:
        messages.error(request, answers.refusal_text(refusal))
        return redirect("fieldwork:task_list")
    known = [id for id in map(parse_uuid, ids) if id is not None]
    named = {str(task.pk): task for task in access.tasks_seen(person(request)).filter(pk__in=known)}
    rows = [(named.get(result.id), result) for result in results]
    done = sum(result.error is None for result in results)
    context = {"rows": rows, "done": done, "failed": len(rows) - done}
    return render(request, "fieldwork/tasks/bulk.html", context)
