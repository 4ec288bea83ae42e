"""Pages of administrative units, assigned areas, refusals and boundary datasets (`pages.md`: /geo)."""

from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.models import User
from portal.core.accounts.policy import platform_policy, policy
from portal.core.common import clock
from portal.core.common.errors import DomainError, NotFound
from portal.core.files.staging import staged
from portal.core.geo.models import GeoDataset, GeoUnit, Level
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.survey.areas import loading, scoping, selectors, services, wire
from portal.survey.areas.models import LEVELS, GeoAssignment, GeoDecision
from portal.survey.areas.pages.forms import AssignmentForm, DatasetForm
from portal.survey.areas.pages.tables import (
    RULES,
    AssignmentFilter,
    AssignmentTable,
    DatasetTable,
    DenialFilter,
    DenialTable,
    load_badge,
    metres,
    state_badge,
)
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person

FOUND = 100  # units of a search
SHOWN = 10


def _map() -> dict[str, str]:
    return {"tiles": settings.TILES, "credit": settings.TILES_CREDIT}


def _frame(request: HttpRequest, tab: str) -> dict[str, Any]:
    """What the tabs need."""
    return {"tab": tab, "sees": {"areas": may(request, "geo.view"), "denials": may(request, "geo.denials")}}


def _organization() -> Organization:
    return Organization.objects.get(pk=scope.organization_id())


# --- the tree -----------------------------------------------------------------------------------
@require_GET
@policy("geo.view")
def unit_tree(request: HttpRequest, unit_id: UUID | None = None) -> HttpResponse:
    """A unit, its parts, who works there, and all of them on a map; a search over all levels."""
    unit = selectors.unit_get(id=unit_id) if unit_id else None
    search = request.GET.get("q", "").strip()[:100]
    if search:
        rows = selectors.unit_list(search=search).order_by("level", "code")[:FOUND]
    elif unit:
        rows = selectors.unit_list(parent=unit.pk, dataset=unit.dataset_id).order_by("name_en", "code")
    else:
        rows = selectors.unit_list(level=Level.GOVERNORATE).order_by("name_en", "code")
    parts = list(rows)
    people = _people_by_unit([row.pk for row in parts])
    shapes = selectors.outlines({row.pk: row.name for row in parts})
    for shape in shapes:
        shape["properties"]["url"] = reverse("survey:unit_detail", args=[shape["properties"]["id"]])
    if unit and not search:
        shapes = [*_styled(selectors.outlines({unit.pk: unit.name}), "whole"), *shapes]
    context = {
        **_frame(request, "units"),
        "unit": unit,
        "above": _above(unit),
        "parts": [(row, people.get(row.pk, 0)) for row in parts],
        "search": search,
        "most": FOUND,
        "shapes": {"type": "FeatureCollection", "features": shapes},
        "dataset": unit.dataset if unit else GeoDataset.objects.filter(active=True).first(),
        "held": _held(selectors.assignment_list(unit=unit.pk, state="active")) if unit else [],
        "may_assign": may(request, "geo.assign"),
        "map": _map(),
    }
    return render(request, "survey/areas/units.html", context)


def _above(unit: GeoUnit | None) -> list[GeoUnit]:
    found: list[GeoUnit] = []
    walk = unit.parent if unit else None
    while walk is not None:
        found.insert(0, walk)
        walk = walk.parent
    return found


def _people_by_unit(ids: list[UUID]) -> dict[UUID, int]:
    """How many people have an assignment in force in each unit or in a part of it."""
    found: dict[UUID, int] = {}
    held = GeoAssignment.objects.filter(selectors.in_state("active", clock.now()), deleted_at=None)
    for level in LEVELS:
        named = held.filter(**{f"{level}__in": ids}).order_by().values_list(f"{level}_id")
        found |= dict(named.annotate(people=Count("user", distinct=True)))
    return found


def _held(rows: QuerySet[GeoAssignment]) -> list[tuple[GeoAssignment, Any]]:
    now = clock.now()
    return [(row, state_badge(selectors.state_of(row, now))) for row in rows]


def _styled(shapes: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    for shape in shapes:
        shape["properties"]["kind"] = kind
    return shapes


# --- assignments --------------------------------------------------------------------------------
@require_GET
@policy("geo.view")
def assignment_list(request: HttpRequest) -> HttpResponse:
    may_edit = may(request, "geo.assign")
    empty = Empty(
        title=gettext_lazy("Nobody has an area yet"),
        text=gettext_lazy(
            "Surveyors see applications and send data only where an area is assigned to them. A governorate covers all"
            " of its districts."
        ),
        icon="map-2",
        action_label=gettext_lazy("Assign an area") if may_edit else "",
        action_url=reverse("survey:assignment_create") if may_edit else "",
    )
    return list_page(
        request,
        queryset=selectors.assignment_list(),
        table=AssignmentTable,
        filterset=AssignmentFilter,
        template="survey/areas/assignments.html",
        list_id="assignments",
        caption=gettext_lazy("Assigned areas"),
        empty=empty,
        table_kwargs={"may_edit": may_edit},
        context={**_frame(request, "assignments"), "may_edit": may_edit},
    )


@require_http_methods(["GET", "POST"])
@policy("geo.assign")
def assignment_create(request: HttpRequest) -> HttpResponse:
    """A change of a list reloads those below it (`GET` with what is chosen)."""
    chosen = {name: request.GET[name] for name in AssignmentForm.base_fields if name in request.GET}
    if unit := request.GET.get("unit", ""):
        chosen |= _chosen(unit)
    form = AssignmentForm(request.POST or None, organization=_organization(), chosen=chosen)
    if form.is_valid():
        try:
            row = services.assignment_create(data=form.wire(), by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The area is assigned. It is in effect already."))
            return redirect("survey:area_view", row.user_id)
    return _assignment_form(request, form, None)


@require_http_methods(["GET", "POST"])
@policy("geo.assign")
def assignment_edit(request: HttpRequest, geo_assignment_id: UUID) -> HttpResponse:
    row = selectors.assignment_get(id=geo_assignment_id)
    chosen = {name: request.GET[name] for name in AssignmentForm.base_fields if name in request.GET}
    form = AssignmentForm(request.POST or None, organization=_organization(), chosen=chosen, row=row)
    if form.is_valid():
        try:
            services.assignment_update(id=row.pk, data=form.wire(), by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The changes have been saved."))
            return redirect("survey:assignment_list")
    return _assignment_form(request, form, row)


def _chosen(unit: str) -> dict[str, str]:
    """The lists as a unit and those above it set them."""
    try:
        found = selectors.unit_get(id=UUID(unit))
    except (ValueError, NotFound):
        return {}
    return {str(row.level): str(row.pk) for row in [*_above(found), found]}


def _assignment_form(request: HttpRequest, form: AssignmentForm, row: GeoAssignment | None) -> HttpResponse:
    context = {
        "form": form,
        "row": row,
        "state": selectors.state_of(row, clock.now()) if row else "",
        "may_delete": may(request, "geo.unassign"),
        "levels": [form[level] for level in LEVELS],
        "others": [form[name] for name in ("user", "valid_from", "valid_to") if name in form.fields],
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "survey/areas/assignment.html", context, status=status)


@require_POST
@policy("geo.assign")
def assignment_end(request: HttpRequest, geo_assignment_id: UUID) -> HttpResponse:
    try:
        services.assignment_end(id=geo_assignment_id, by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    else:
        messages.success(request, _("The assignment has ended."))
    return redirect("survey:assignment_list")


@require_POST
@policy("geo.unassign")
def assignment_delete(request: HttpRequest, geo_assignment_id: UUID) -> HttpResponse:
    services.assignment_delete(id=geo_assignment_id, by=person(request))
    messages.success(request, _("The assignment has been deleted."))
    return redirect("survey:assignment_list")


# --- what a surveyor sees -------------------------------------------------------------------------
@require_GET
@policy("geo.view")
def area_view(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """What one person may reach: areas on a map, what lies in them, and what was refused."""
    user = (
        User.objects.select_related("role")
        .filter(pk=user_id, organization_id=scope.organization_id(), deleted_at=None)
        .first()
    )
    if user is None:
        raise NotFound(_("There is no such person."))
    area = scoping.scope(user)
    shown = {grant.unit: grant.code for grant in area.held}
    names = {unit.pk: unit.name for unit in GeoUnit.objects.filter(pk__in=shown).defer("boundary")}
    context = {
        **_frame(request, "assignments"),
        "surveyor": user,
        "area": area,
        "held": _held(selectors.assignment_list(user=user.pk)),
        "coarse": [grant for grant in area.held if grant.coarse],
        "counts": selectors.counts(area),
        "shapes": {"type": "FeatureCollection", "features": _styled(selectors.outlines(names), "allowed")},
        "denials": [
            (row, RULES.get(row.rule, row.rule), metres(row.distance_outside_m))
            for row in selectors.denial_list(user=user.pk).order_by("-created_at")[:SHOWN]
        ] if may(request, "geo.denials") else [],
        "may_assign": may(request, "geo.assign"),
        "map": _map(),
    }  # fmt: skip
    return render(request, "survey/areas/person.html", context)


# --- refusals ---------------------------------------------------------------------------------------
@require_GET
@policy("geo.denials")
def denial_list(request: HttpRequest) -> HttpResponse:
    empty = Empty(
        title=gettext_lazy("Nothing was refused"),
        text=gettext_lazy("What people attempt outside of their areas stands here, with the place and the reason."),
        icon="shield-check",
    )
    return list_page(
        request,
        queryset=selectors.denial_list(),
        table=DenialTable,
        filterset=DenialFilter,
        template="survey/areas/denials.html",
        list_id="denials",
        caption=gettext_lazy("Refusals because of the area"),
        empty=empty,
        live=["lbac.violation"],
        count_limit=1000,
        context=_frame(request, "denials"),
    )


@require_GET
@policy("geo.denials")
def denial_detail(request: HttpRequest, geo_decision_id: UUID) -> HttpResponse:
    """Why: the place, the areas that the person had then, the way to the nearest, and the edition of the boundaries."""
    row = selectors.denial_get(id=geo_decision_id)
    told = wire.explanation(row)
    context = {
        "row": row,
        "rule": RULES.get(row.rule, row.rule),
        "why": told["message"],
        "outside": metres(row.distance_outside_m),
        "margin": metres(row.margin),
        "accuracy": metres(row.accuracy),
        "allowed": selectors.allowed_units(row),
        "places": _places(row, told),
        "shapes": {
            "type": "FeatureCollection",
            "features": _styled(told["allowedArea"]["features"], "allowed"),
        },
        "map": _map(),
    }
    return render(request, "survey/areas/denial.html", context)


def _places(row: GeoDecision, told: dict[str, Any]) -> list[dict[str, Any]]:
    """The pins of the map: where it was, and the nearest place that was allowed."""
    found: list[dict[str, Any]] = []
    for point, name, flagged in (
        (told["point"], _("Captured here"), True),
        (told["nearestPoint"], _("Nearest place of the area"), False),
    ):
        if point:
            lon, lat = point["coordinates"]
            found.append({"lat": lat, "lon": lon, "name": name, "flagged": flagged})
    if found and row.accuracy:
        found[0]["radius"] = min(row.accuracy, 5000)
    return found


# --- boundary datasets ------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
@platform_policy("geo.datasets")
def dataset_list(request: HttpRequest) -> HttpResponse:
    form = DatasetForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        said = dict(form.cleaned_data)
        file = said.pop("file")
        try:
            with staged(file.chunks(), limit=loading.MOST_BYTES) as got:
                row = loading.dataset_upload(
                    path=Path(got.path), size=got.size, filename=file.name, activate=False, by=person(request), **said
                )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("survey:dataset_detail", row.pk)
    response = list_page(
        request,
        queryset=selectors.dataset_list(),
        table=DatasetTable,
        template="survey/areas/datasets.html",
        list_id="datasets",
        caption=gettext_lazy("Boundaries"),
        context={"form": form},
    )
    if form.is_bound:
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    return response


@require_GET
@platform_policy("geo.datasets")
def dataset_detail(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """How far the loading is; then what was found, what is wrong, a map, and the way into force."""
    row = selectors.dataset_get(id=dataset_id)
    widest = selectors.unit_list(level=Level.GOVERNORATE, dataset=row.pk)
    context = {
        "row": row,
        "badge": load_badge(row),
        "counts": [(level.label, row.counts[level.value]) for level in Level if level.value in row.counts],
        "shapes": {
            "type": "FeatureCollection",
            "features": selectors.outlines({unit.pk: unit.name for unit in widest}),
        },
        "map": _map(),
    }
    return render(request, "survey/areas/dataset.html", context)


@require_POST
@platform_policy("geo.datasets")
def dataset_activate(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    try:
        loading.dataset_activate(row=selectors.dataset_get(id=dataset_id), by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    else:
        messages.success(request, _("These boundaries are in force for all organisations."))
    return redirect("survey:dataset_detail", dataset_id)
