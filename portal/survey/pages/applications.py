"""Pages of applications: list, record, form; and giving out tasks, for one place and for many on a map."""

from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import Max, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError
from portal.core.common.ids import parse_uuid
from portal.survey.access import applications_seen, sessions_seen
from portal.survey.applications import services
from portal.survey.applications.selectors import unit_names
from portal.survey.models import Application
from portal.survey.pages import selectors, wording
from portal.survey.pages.forms import ApplicationForm, DispatchForm
from portal.survey.pages.lists import ApplicationFilter, ApplicationTable
from portal.survey.pages.sessions import tabs
from portal.ui import answers
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person
from portal.ui.restoring import undo_deletion

COUNT_LIMIT: Final = 10_000
SHOWN: Final = 500  # applications on the map of tasks
FREE: Final = ("open", "rejected")  # states in which somebody may be sent


@require_GET
@policy("applications.view")
def application_list(request: HttpRequest) -> HttpResponse:
    may_edit = may(request, "applications.edit")
    empty = Empty(
        title=gettext_lazy("No applications yet"),
        text=gettext_lazy(
            "An application is the file of a permit: who asks for what, at which place. Surveyors are sent to it."
        ),
        icon="clipboard-list",
        action_label=gettext_lazy("New application") if may_edit else "",
        action_url=reverse("survey:application_create") if may_edit else "",
    )
    return list_page(
        request,
        queryset=applications_seen(person(request)),
        table=ApplicationTable,
        filterset=ApplicationFilter,
        template="survey/applications/list.html",
        list_id="applications",
        deleted="application",
        caption=gettext_lazy("Applications"),
        empty=empty,
        live=("task.assigned", "task.updated", "session.submitted"),
        count_limit=COUNT_LIMIT,
        context={"view": "applications", "may_edit": may_edit, **tabs(request)},
    )


@require_GET
@policy("applications.view")
def application_detail(request: HttpRequest, application_id: UUID) -> HttpResponse:
    application = selectors.application_get(id=application_id, user=person(request))
    form = DispatchForm(people=_people(application)) if _may_send(request, application) else None
    return render(request, "survey/applications/detail.html", _record(request, application, form))


def _record(request: HttpRequest, application: Application, form: DispatchForm | None) -> dict[str, Any]:
    sessions = sessions_seen(person(request)).filter(application=application).select_related("surveyor")
    return {
        "application": application,
        "state": selectors.state_of(application),
        "place": selectors.place_words(application, unit_names([application])),
        "tasks": list(selectors.tasks_of(application)[:50]),
        "sessions": list(sessions.order_by("-started_at", "-id")[:50]),
        "form": form,
        "may_edit": may(request, "applications.edit"),
        "may_delete": may(request, "applications.delete"),
        "map": ground(),
    }


def ground() -> dict[str, str]:
    return {"tiles": settings.TILES, "credit": settings.TILES_CREDIT}


def _may_send(request: HttpRequest, application: Application) -> bool:
    return may(request, "applications.edit") and selectors.state_of(application) in FREE


def _people(application: Application) -> list[tuple[Any, bool]]:
    """Surveyors, those first whose areas hold the place."""
    covering = selectors.covering([application])[application.pk]
    people = [(someone, someone.pk in covering) for someone in selectors.surveyors()]
    return sorted(people, key=lambda one: not one[1])


@require_http_methods(["GET", "POST"])
@policy("applications.edit")
def application_create(request: HttpRequest) -> HttpResponse:
    form = ApplicationForm(request.POST or None)
    if form.is_valid():
        try:
            made = services.application_create(data=form.payload(), by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("survey:application_detail", made.pk)
    return _form(request, form, None, reverse("survey:application_list"))


@require_http_methods(["GET", "POST"])
@policy("applications.edit")
def application_edit(request: HttpRequest, application_id: UUID) -> HttpResponse:
    application = selectors.application_get(id=application_id, user=person(request))
    form = ApplicationForm(request.POST or None, application=application)
    back = reverse("survey:application_detail", args=[application_id])
    if form.is_valid():
        try:
            services.application_update(
                id=application_id, data=form.payload(), by=person(request), version=form.cleaned_data["version"]
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect(back)
    return _form(request, form, application, back)


def _form(request: HttpRequest, form: ApplicationForm, application: Application | None, back: str) -> HttpResponse:
    box = applications_seen(person(request)).aggregate(
        west=Min("longitude"), south=Min("latitude"), east=Max("longitude"), north=Max("latitude")
    )
    edges = "" if box["west"] is None else ",".join(f"{edge:.5f}" for edge in box.values())
    context = {
        "form": form,
        "application": application,
        "back": back,
        "box": edges or "41.7,12,54.7,19.1",
        "map": ground(),
    }
    return render(request, "survey/applications/form.html", context, status=answers.form_status(form))


@require_POST
@policy("applications.delete")
def application_delete(request: HttpRequest, application_id: UUID) -> HttpResponse:
    selectors.application_get(id=application_id, user=person(request))
    by = person(request)
    if refusal := answers.refused(lambda: services.application_delete(id=application_id, by=by)):
        messages.error(request, answers.refusal_text(refusal))
        return redirect("survey:application_detail", application_id)
    undo_deletion(request, _("The application has been deleted."), "application", application_id)
    return redirect("survey:application_list")


# --- giving out tasks -------------------------------------------------------------------------------
@require_POST
@policy("applications.edit")
def application_dispatch(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """Send a surveyor to one place."""
    application = selectors.application_get(id=application_id, user=person(request))
    form = DispatchForm(request.POST, people=_people(application))
    if form.is_valid():
        try:
            services.dispatch_create(data=form.payload() | {"applicationId": str(application_id)}, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The task has been given out."))
            return redirect("survey:application_detail", application_id)
    context = _record(request, application, form)
    return render(request, "survey/applications/detail.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_http_methods(["GET", "POST"])
@policy("applications.edit")
def dispatch(request: HttpRequest) -> HttpResponse:
    """Applications on a map, coloured by their state: tick several, and send somebody there."""
    filters = ApplicationFilter(request.GET, queryset=applications_seen(person(request)), request=request)
    rows = filters.qs.order_by("-created_at", "-id")
    people = [(someone, True) for someone in selectors.surveyors()]
    form = DispatchForm(request.POST or None, people=people)
    ids = [id for text in request.POST.getlist("ids") if (id := parse_uuid(text))]
    if form.is_valid():
        if ids:
            return _give_out(request, form, ids)
        form.add_error(None, _("Tick at least one application."))
    held = list(rows[: SHOWN + 1])
    shown = held[:SHOWN]
    names, covering = unit_names(shown), selectors.covering(shown)
    listed = [_row(row, names, ids) for row in shown]
    states = {key: sum(row["state"] == key for row in listed) for key in wording.STATES}
    context = {
        "form": form,
        "filter_form": filters.form,
        "rows": listed,
        "places": [
            {**{key: row[key] for key in ("id", "number", "state", "url")}, "name": f"{row['number']} {row['name']}",
             "lat": row["lat"], "lng": row["lng"], "word": str(wording.STATES[row["state"]][2]),
             "lines": [row["place"], str(wording.STATES[row["state"]][2])],
             "people": [str(id) for id in covering[application.pk]]}
            for row, application in zip(listed, shown, strict=True)
        ],
        "legend": [(key, number) for key, number in states.items() if number],
        "total": len(listed),
        "shown": SHOWN,
        "cut": len(held) > SHOWN,
        "view": "dispatch",
        "map": ground(),
        **tabs(request),
    }  # fmt: skip
    return render(request, "survey/dispatch.html", context, status=answers.form_status(form))


def _row(row: Application, names: dict[UUID, str], ticked: list[UUID]) -> dict[str, Any]:
    state = selectors.state_of(row)
    return {
        "id": str(row.pk),
        "number": row.application_number,
        "name": row.applicant_name,
        "lat": row.latitude,
        "lng": row.longitude,
        "state": state,
        "free": state in FREE,
        "ticked": row.pk in ticked,
        "place": selectors.place_words(row, names),
        "assignee": row.assignee_name or "",  # type: ignore[attr-defined]  # annotated
        "url": reverse("survey:application_detail", args=[row.pk]),
    }


def _give_out(request: HttpRequest, form: DispatchForm, ids: list[UUID]) -> HttpResponse:
    """A task for each place, each for itself; the page says how it went for each."""
    wire, by = form.payload(), person(request)
    results = []
    for application in applications_seen(by).filter(pk__in=ids[:SHOWN]).order_by("application_number", "id"):
        data = wire | {"applicationId": str(application.pk)}
        refusal = answers.refused(lambda data=data: services.dispatch_create(data=data, by=by))  # type: ignore[misc]
        results.append((application, answers.refusal_text(refusal) if refusal else ""))
    done = sum(not fault for _application, fault in results)
    context = {"results": results, "done": done, "failed": len(results) - done}
    return render(request, "survey/dispatched.html", context)
