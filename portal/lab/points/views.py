"""Pages of sampling points: list, map, record, form, import, export."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError, Invalid
from portal.lab.points import places, selectors, services, transfer
from portal.lab.points.forms import STATES, ImportForm, MapForm, PointForm
from portal.lab.points.tables import PointFilter, PointTable, how_often, planned_parameters, state_badge
from portal.lab.trends.selectors import period
from portal.ui.lists import Empty, Export, list_page
from portal.ui.people import may, person
from portal.ui.trail import tell

PAGE = 50
SAMPLES = 10
YEAR = timedelta(days=365)


@require_GET
@policy("samples.view")
def point_list(request: HttpRequest) -> HttpResponse:
    may_edit = may(request, services.RIGHT)
    empty = Empty(
        title=gettext_lazy("No sampling points yet"),
        text=gettext_lazy(
            "A sampling point is a place that is sampled again and again. It gives samples their place on the map, and"
            " carries the programme and the trends."
        ),
        icon="map-pin",
        action_label=gettext_lazy("New sampling point") if may_edit else "",
        action_url=reverse("lab:point_create") if may_edit else "",
    )
    return list_page(
        request,
        queryset=selectors.with_latest(selectors.point_list()),
        table=PointTable,
        filterset=PointFilter,
        template="lab/points/list.html",
        list_id="points",
        caption=gettext_lazy("Sampling points"),
        empty=empty,
        exports=[Export(label="CSV", url=reverse("lab:point_csv"), icon="file-text")]
        if may(request, "samples.export")
        else (),
        live=["sample.changed"],
        context={"may_edit": may_edit},
    )


@require_GET
@policy("samples.export")
def point_csv(request: HttpRequest) -> HttpResponseBase:
    filters = PointFilter(request.GET, queryset=selectors.point_list(), request=request)
    lines = "".join(transfer.points_csv(filters.qs.order_by("code", "pk")))
    return HttpResponse(lines, content_type="text/csv; charset=utf-8", headers=download("sampling-points.csv"))


def download(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}


@require_http_methods(["GET", "POST"])
@policy(services.RIGHT)
def point_create(request: HttpRequest) -> HttpResponse:
    initial = {name: request.GET[name] for name in ("latitude", "longitude") if name in request.GET}
    form = PointForm(request.POST or None, initial={"is_active": True} | initial)
    if form.is_valid():
        try:
            point = services.point_create(data=form.cleaned_data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("lab:point_detail", point.pk)
    return _form(request, form, None, reverse("lab:point_list"))


@require_http_methods(["GET", "POST"])
@policy(services.RIGHT)
def point_edit(request: HttpRequest, sampling_point_id: UUID) -> HttpResponse:
    point = selectors.point_get(id=sampling_point_id)
    form = PointForm(request.POST or None, point=point)
    back = reverse("lab:point_detail", args=[sampling_point_id])
    if form.is_valid():
        try:
            services.point_update(point=point, data=form.cleaned_data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect(back)
    return _form(request, form, point, back)


def _form(request: HttpRequest, form: PointForm, point: Any, back: str) -> HttpResponse:
    context = {"form": form, "point": point, "back": back, "box": _box(places.Wanted()), "map": map_settings()}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "lab/points/form.html", context, status=status)


@require_POST
@policy(services.RIGHT)
def point_use(request: HttpRequest, sampling_point_id: UUID) -> HttpResponse:
    """Take a point out of use, or into it again (`active=1`)."""
    point = selectors.point_get(id=sampling_point_id)
    services.point_update(point=point, data={"is_active": request.POST.get("active") == "1"}, by=person(request))
    return redirect("lab:point_detail", sampling_point_id)


@require_POST
@policy(services.RIGHT)
def point_delete(request: HttpRequest, sampling_point_id: UUID) -> HttpResponse:
    point = selectors.point_get(id=sampling_point_id)
    try:
        services.point_delete(point=point, by=person(request))
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
        return redirect("lab:point_detail", sampling_point_id)
    return redirect("lab:point_list")


@require_GET
@policy("samples.view")
def point_detail(request: HttpRequest, sampling_point_id: UUID) -> HttpResponse:
    """Last samples, share that conforms, what is planned and due, and the way to the trends."""
    point = selectors.point_get(id=sampling_point_id)
    counts = selectors.point_compliance(point=point.pk, since=timezone.now() - YEAR)
    decided = sum(counts.get(key, 0) for key in ("pass", "warning", "fail"))
    good = counts.get("pass", 0) + counts.get("warning", 0)
    context = _head(request, point) | {
        "samples": selectors.point_samples(point=point.pk)[:SAMPLES],
        "counts": [(key, counts[key]) for key in ("fail", "warning", "pass", "pending") if key in counts],
        "share": f"{100 * good / decided:.1f} %" if decided else "",
        "parameters": selectors.point_parameters(point=point.pk, limit=12),
        "due": [
            {"row": row, "badge": state_badge(row.state), "parameters": planned_parameters(row.group, row.codes)}
            for row in selectors.next_due(point=point.pk)
        ],
        "items": [
            {"item": item, "often": how_often(item), "parameters": planned_parameters(item.group, item.codes)}
            for item in selectors.item_list(point=point.pk)
        ],
        "map": map_settings(),
    }
    return render(request, "lab/points/detail.html", context)


@require_GET
@policy("samples.view")
def point_history(request: HttpRequest, sampling_point_id: UUID) -> HttpResponse:
    point = selectors.point_get(id=sampling_point_id)
    page = Paginator(selectors.point_history(point=point.pk), PAGE).get_page(request.GET.get("page"))
    context = _head(request, point, "history") | {"page": page, "told": tell(page.object_list)}
    return render(request, "lab/points/history.html", context)


def _head(request: HttpRequest, point: Any, tab: str = "point") -> dict[str, Any]:
    return {
        "point": point,
        "tab": tab,
        "may_edit": may(request, services.RIGHT),
        "may_register": may(request, "samples.edit"),
    }


@require_http_methods(["GET", "POST"])
@policy(services.RIGHT)
def point_import(request: HttpRequest) -> HttpResponse:
    """A CSV file: `check` says what it would do, `import` does it, all rows or none."""
    form = ImportForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"form": form, "columns": transfer.COLUMNS}
    if form.is_valid():
        content = form.cleaned_data["file"].read(transfer.MOST_BYTES + 1)
        try:
            if "import" in request.POST:
                read = transfer.points_import(content=content, by=person(request))
                count = len(read.made) + len(read.changed)
                said = ngettext("%(count)d sampling point written.", "%(count)d sampling points written.", count)
                messages.success(request, said % {"count": count})
                return redirect("lab:point_list")
            context["read"] = transfer.read_csv(content)
        except Invalid as refusal:
            form.add_error("file", str(refusal.message))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "lab/points/import.html", context, status=status)


@require_GET
@policy("samples.view")
def point_map(request: HttpRequest) -> HttpResponse:
    """The points on a map by their worst verdict, and the same as a list."""
    form = MapForm(request.GET)
    wanted = wanted_by(form)
    try:
        number = max(1, int(request.GET.get("page", "1")[:6]))
    except ValueError:
        number = 1
    rows, total = places.place_list(wanted, limit=PAGE, offset=(number - 1) * PAGE)
    query = request.GET.copy()
    query.pop("page", None)
    overview = places.overview(wanted)
    labels = dict(STATES)
    context = {
        "form": form,
        "rows": rows,
        "page": number,
        "more": number * PAGE < total,
        "total": total,
        "query": query.urlencode(),
        "box": _box(wanted, overview),
        "legend": [(state, labels[state], overview.states.get(state, 0)) for state in places.STATES],
        "map": map_settings(),
        "may_edit": may(request, services.RIGHT),
    }
    return render(request, "lab/points/map.html", context)


@require_GET
@policy("samples.view")
def point_features(request: HttpRequest) -> HttpResponse:
    """GeoJSON of what the map has in sight (`bbox` as west,south,east,north and `zoom`), with the map's filters."""
    try:
        box = read_box(request.GET.get("bbox", ""))
        zoom = min(max(int(request.GET.get("zoom", "5")), 0), 19)
    except ValueError:
        return JsonResponse({"error": _("Send bbox as west,south,east,north.")}, status=400)
    found = places.features(wanted_by(MapForm(request.GET)), box=box, zoom=zoom)
    return JsonResponse(found, content_type="application/geo+json", headers={"Cache-Control": "private, no-store"})


def read_box(text: str) -> tuple[float, float, float, float]:
    """`west,south,east,north` in degrees; the whole world for nothing. Raises ValueError."""
    if not text:
        return places.WORLD
    west, south, east, north = (float(part) for part in text.split(","))
    if not all(-1000 < edge < 1000 for edge in (west, south, east, north)):
        raise ValueError(text)
    return west, south, east, north


def wanted_by(form: MapForm) -> places.Wanted:
    form.is_valid()
    chosen = form.cleaned_data
    since, until = period(chosen.get("date_from"), chosen.get("date_to"))
    parameter = chosen.get("parameter")
    return places.Wanted(
        since=since,
        until=until,
        standard=chosen.get("standard") or "",
        parameter=parameter.pk if parameter else None,
        type=chosen.get("type") or "",
        search=chosen.get("q") or "",
        states=(chosen["state"],) if chosen.get("state") else (),
    )


def _box(wanted: places.Wanted, overview: places.Overview | None = None) -> str:
    """What holds all points, as `west,south,east,north`; '' without points."""
    box = (overview or places.overview(wanted)).box
    return ",".join(f"{edge:.5f}" for edge in box) if box else ""


def map_settings() -> dict[str, str]:
    return {"tiles": settings.TILES, "credit": settings.TILES_CREDIT}
