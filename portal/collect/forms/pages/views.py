"""Pages of forms: list, new, overview, settings, publishing, versions, workbooks."""

import re
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.collect.forms import selectors, services, workbooks
from portal.collect.forms.models import Form
from portal.collect.forms.pages.forms import FormForm, SettingsForm
from portal.collect.forms.pages.lists import FormFilter, FormTable, badge, with_figures
from portal.collect.forms.pages.palette import PALETTE
from portal.collect.language import Schema, read_schema
from portal.collect.language.xlsform import Problem
from portal.collect.submissions import selectors as submissions
from portal.core.accounts.models import User
from portal.core.accounts.policy import policy
from portal.core.common.errors import Conflict, DomainError, Invalid, NotFound
from portal.core.common.sheets import TYPES
from portal.core.tenancy import scope
from portal.ui.lists import Empty, list_page
from portal.ui.panels import project_frame
from portal.ui.people import may, person
from portal.ui.restoring import undo_deletion

COUNT_LIMIT: Final = 10_000
EVENTS: Final = ("submission.created", "submission.bulk")


def schema_of(form: Form) -> Schema:
    """The published schema, of a form that was never published its draft."""
    return selectors.compiled(form.pk, form.version) if form.published else read_schema(form.draft)


def _empty(request: HttpRequest, project: UUID | None = None) -> Empty:
    designs = may(request, "forms.edit")
    url = reverse("collect:form_create") + (f"?project={project}" if project else "")
    return Empty(
        title=gettext_lazy("No forms yet"),
        text=gettext_lazy("A form says what people record in the field: questions, choices, places, photos.")
        if designs
        else gettext_lazy("Forms of your projects appear here when they are published."),
        icon="forms",
        action_label=gettext_lazy("New form") if designs else "",
        action_url=url if designs else "",
    )


@require_GET
@policy("forms.view")
def form_list(request: HttpRequest) -> HttpResponse:
    return list_page(
        request,
        queryset=with_figures(selectors.forms_seen(person(request))),
        table=FormTable,
        filterset=FormFilter,
        template="collect/forms/list.html",
        list_id="forms",
        deleted="form",
        caption=gettext_lazy("Forms"),
        empty=_empty(request),
        live=EVENTS,
        count_limit=COUNT_LIMIT,
        context={"may_design": may(request, "forms.edit")},
    )


@require_GET
@policy("forms.view")
def project_forms(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """The tab of a project."""
    context = project_frame(request, project_id, "forms")

    class OfProject(FormFilter):
        project = None

    return list_page(
        request,
        queryset=with_figures(selectors.forms_seen(person(request)).filter(project=project_id)),
        table=FormTable,
        table_kwargs={"inside": True},
        filterset=OfProject,
        template="collect/forms/project.html",
        list_id="forms",
        caption=gettext_lazy("Forms"),
        empty=_empty(request, project_id),
        live=EVENTS,
        count_limit=COUNT_LIMIT,
        context=context | {"may_design": may(request, "forms.edit")},
    )


@require_http_methods(["GET", "POST"])
@policy("forms.edit")
def form_create(request: HttpRequest) -> HttpResponse:
    """A draft: empty, or what a workbook says. What the workbook has and a form cannot, is shown in the builder."""
    form = FormForm(
        request.POST or None,
        request.FILES or None,
        user=person(request),
        initial={"project": request.GET.get("project")},
    )
    faults: list[str] = []
    if form.is_valid():
        said = form.cleaned_data
        try:
            row, left_out = _made(said, person(request))
        except Invalid as refusal:
            if said["file"] and all(error.rule == "XLSFORM" for error in refusal.errors):
                faults = [error.message for error in refusal.errors]
                form.add_error("file", _("The workbook was not taken."))
            else:
                form.refuse(refusal)
        except NotFound:
            raise
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            for problem in left_out[:20]:
                messages.warning(request, _("Left out: %(problem)s") % {"problem": problem})
            return redirect("collect:form_builder", row.pk)
    return render(
        request, "collect/forms/new.html", {"form": form, "faults": faults}, status=422 if form.is_bound else 200
    )


def _made(said: dict[str, Any], by: User) -> tuple[Form, list[Problem]]:
    file, project = said["file"], str(said["project"].pk)
    if file:
        return workbooks.workbook_import(
            file=file,
            filename=file.name,
            project=project,
            by=by,
            name=said["name"],
            description=said["description"],
            publish=False,
        )
    data = {"projectId": project, "name": said["name"], "description": said["description"], "schema": {"fields": []}}
    return services.form_create(data=data | {"publish": False}, by=by), []


def frame(request: HttpRequest, form: Form, tab: str) -> dict[str, Any]:
    """What every page of one form needs."""
    return {
        "form": form,
        "tab": tab,
        "badge": badge(form),
        "may_design": may(request, "forms.edit"),
        "may_webhooks": may(request, "forms.webhooks"),
        "may_delete": may(request, "forms.delete"),
        "may_fill": may(request, "submissions.create") and form.published and form.is_active,
        "may_submissions": may(request, "submissions.view"),
    }


@require_GET
@policy("forms.view")
def form_detail(request: HttpRequest, form_id: UUID) -> HttpResponse:
    form = selectors.form_for(person(request), form_id)
    context = frame(request, form, "detail")
    context |= {"schema": schema_of(form), "rows": list(_outline(schema_of(form)))}
    if context["may_submissions"]:
        rows = submissions.submissions_seen(person(request)).filter(form=form)
        context["submission_total"] = rows.count()
        context["by_state"] = [
            (state, n) for state, n in rows.order_by().values_list("review_state").annotate(n=Count("*"))
        ]
        context["newest"] = rows.order_by("-synced_at").values_list("synced_at", flat=True).first()
    return render(request, "collect/forms/detail.html", context)


def _outline(schema: Schema) -> Any:
    depth = {None: 0}
    for item in schema.fields():
        depth[item.id] = depth[item.group] + 1  # type: ignore[index]
        yield item, item.text(), PALETTE[item.type][0], depth[item.group]  # type: ignore[index]


@require_http_methods(["GET", "POST"])
@policy("forms.edit")
def form_edit(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """Name, description, and what each submission creates."""
    row = selectors.form_for(person(request), form_id)
    form = SettingsForm(request.POST or None, form=row, schema=schema_of(row))
    if form.is_valid():
        try:
            services.form_update(id=form_id, data=form.wire(), by=person(request))
        except NotFound:
            raise
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The form has been changed."))
            return redirect("collect:form_detail", form_id)
    context = frame(request, row, "edit") | {"settings": form, "row": row}
    return render(request, "collect/forms/settings.html", context, status=422 if form.is_bound else 200)


def _do(request: HttpRequest, work: Callable[[], object], done: str, url: str, *args: UUID) -> HttpResponse:
    try:
        work()
    except NotFound:
        raise
    except DomainError as refusal:
        messages.error(request, refusal.errors[0].message if refusal.errors else str(refusal.message))
    else:
        messages.success(request, done)
    return redirect(url, *args)


@require_POST
@policy("forms.edit")
def form_active(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """Whether the form takes submissions."""
    wanted = request.POST.get("active") == "1"
    done = _("The form takes submissions.") if wanted else _("The form takes no more submissions.")
    work = lambda: services.form_update(id=form_id, data={"isActive": wanted}, by=person(request))  # noqa: E731
    return _do(request, work, done, "collect:form_detail", form_id)


@require_POST
@policy("forms.edit")
def form_copy(request: HttpRequest, form_id: UUID) -> HttpResponse:
    copy = services.form_copy(id=form_id, by=person(request))
    messages.success(request, _("This is a copy, as a draft."))
    return redirect("collect:form_detail", copy.pk)


@require_http_methods(["GET", "POST"])
@policy("forms.delete")
def form_delete(request: HttpRequest, form_id: UUID) -> HttpResponse:
    form = selectors.form_for(person(request), form_id)
    if request.method == "POST":
        with scope.acting(reason=request.POST.get("reason", "").strip()[:500]):
            services.form_delete(id=form_id, by=person(request))
        undo_deletion(request, _("The form has been deleted."), "form", form_id)
        return redirect("collect:form_list")
    total = submissions.submissions_seen(person(request)).filter(form=form).count()
    return render(request, "collect/forms/delete.html", {"form": form, "total": total})


@require_http_methods(["GET", "POST"])
@policy("forms.edit")
def form_publish(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """What the draft changes and what stored submissions would say to it; then the next version."""
    form = selectors.form_for(person(request), form_id)
    if not form.draft:
        return redirect("collect:form_builder", form_id)
    draft = read_schema(form.draft)
    context = frame(request, form, "builder")
    if request.method == "POST":
        try:
            services.form_publish(id=form_id, by=person(request), confirm="confirm" in request.POST)
        except Conflict as refusal:
            context["refusal"] = str(refusal.message)
        else:
            messages.success(request, _("The form has been published."))
            return redirect("collect:form_detail", form_id)
    if form.published:
        before = schema_of(form)
        context["diff"] = _told(before, draft)
        context["breaking"] = [_name(before, id) for id in before.diff(draft).breaking]
        context["verdict"] = _verdict(services.form_check(form=form, schema=form.draft), draft, before)
    context |= {"draft": draft, "count": sum(1 for item in draft.fields() if item.answers)}
    return render(request, "collect/forms/publish.html", context, status=409 if "refusal" in context else 200)


RULES: Final = {
    "REQUIRED": gettext_lazy("needs an answer"),
    "TYPE": gettext_lazy("is of another type"),
    "OPTION": gettext_lazy("is not among the options"),
    "MIN": gettext_lazy("is below the least"),
    "MAX": gettext_lazy("is above the most"),
    "PATTERN": gettext_lazy("does not have the wanted form"),
    "CONSTRAINT": gettext_lazy("does not meet the condition"),
    "NOT_RELEVANT": gettext_lazy("would not be asked"),
    "UNKNOWN_FIELD": gettext_lazy("would have no question"),
}


def _verdict(found: dict[str, Any], draft: Schema, before: Schema) -> dict[str, Any]:
    """The same fault in several entries of a repeat as one line."""
    lines: dict[tuple[str, str], int] = {}
    for one in found["byField"]:
        id = re.sub(r"\[\d+\]", "", one["field"]).rpartition(".")[2]
        key = (id, one["rule"])
        lines[key] = max(lines.get(key, 0), one["count"])
    told = [
        {"count": count, "name": _name(draft if draft.field(id) else before, id), "rule": RULES.get(rule, rule)}
        for (id, rule), count in lines.items()
    ]
    return {"total": found["wouldFail"], "lines": told}


def _name(schema: Schema, id: str) -> str:
    item = schema.field(id)
    return f"{item.text()} ({id})" if item and item.text() != id else id


@require_GET
@policy("forms.view")
def form_versions(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """Every published schema, and what one changed against another."""
    form = selectors.form_for(person(request), form_id)
    rows = list(selectors.form_versions(form=form).select_related("published_by").defer("schema_text"))
    context = frame(request, form, "versions") | {"versions": rows}
    numbers = [row.version for row in rows]
    new = _chosen(request.GET.get("new"), numbers, numbers[0] if numbers else 0)
    old = _chosen(request.GET.get("old"), numbers, next((n for n in numbers if n < new), 0))
    if old and new:
        context |= {"old": old, "new": new}
        context["diff"] = _told(selectors.compiled(form.pk, old), selectors.compiled(form.pk, new))
    return render(request, "collect/forms/versions.html", context)


def _chosen(text: str | None, numbers: list[int], otherwise: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 9 and int(text) in numbers else otherwise


KEYS: Final = {
    "label": gettext_lazy("Question"),
    "hint": gettext_lazy("Hint"),
    "required": gettext_lazy("Must be answered"),
    "options": gettext_lazy("Options"),
    "choices": gettext_lazy("Options"),
    "min": gettext_lazy("Least"),
    "max": gettext_lazy("Most"),
    "pattern": gettext_lazy("Pattern"),
    "relevant": gettext_lazy("Asked when"),
    "constraint": gettext_lazy("Accepted when"),
    "constraintMessage": gettext_lazy("Message"),
    "requiredMessage": gettext_lazy("Message"),
    "calculation": gettext_lazy("Calculation"),
    "choiceFilter": gettext_lazy("Filter of options"),
    "default": gettext_lazy("Default"),
    "appearance": gettext_lazy("Appearance"),
    "readOnly": gettext_lazy("Read only"),
}


def _told(old: Schema, new: Schema) -> list[tuple[str, str, str, list[tuple[Any, str, str]]]]:
    """Lines of a difference: kind (added, removed, retyped, changed, moved), name, type, [(what, before, after)]."""
    diff = old.diff(new)
    lines: list[tuple[str, str, str, list[tuple[Any, str, str]]]] = [
        *(("added", _name(new, item.id), item.type, []) for item in diff.added),
        *(("removed", _name(old, item.id), item.type, []) for item in diff.removed),
        *(("retyped", _name(new, b.id), b.type, [(_("Type"), a.type, b.type)]) for a, b in diff.retyped),
    ]
    for id, keys in diff.changed.items():
        said = []
        for key, pair in keys.items():
            before, after = _differing(*pair)
            said.append((KEYS.get(key, key), _plain(before), _plain(after)))
        lines.append(("changed", _name(new, id), new.by_id[id].type, said))
    if diff.moved:
        lines.append(("moved", "", "", []))
    return lines


def _differing(before: Any, after: Any) -> tuple[Any, Any]:
    """Of texts in several languages those that differ."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return before, after
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name, "—") for name in names}, {name: after.get(name, "—") for name in names}


def _plain(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, dict):
        return " · ".join(str(text) for text in value.values())
    if isinstance(value, list):
        shown = [
            _plain(item.get("label") or item.get("value")) if isinstance(item, dict) else str(item) for item in value
        ]
        return ", ".join(shown[:30]) + (" …" if len(shown) > 30 else "")
    return str(value)


@require_GET
@policy("forms.view")
def form_xlsform(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """The form as an XLSForm workbook; with `draft=1` the draft, for whoever designs forms."""
    form = selectors.form_for(person(request), form_id)
    drafted = bool(request.GET.get("draft") and form.draft and may(request, "forms.edit"))
    name, content = workbooks.workbook_export(form=form, draft=drafted)
    headers = {
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "attachment",
        "Cache-Control": "private, no-store",
    }
    return HttpResponse(content, content_type=TYPES["xlsx"], headers=headers)
