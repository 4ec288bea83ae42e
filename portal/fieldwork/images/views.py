"""Pages of images: gallery, map, one image beside what its camera wrote, upload, delete."""

from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from portal.core.accounts.policy import policy
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, DomainError, NotFound
from portal.core.files.media import Failure, Flag
from portal.core.projects.access import project_for, task_for
from portal.core.projects.models import Project, Task
from portal.fieldwork.images import copies, selectors, services
from portal.fieldwork.images.filters import ImageFilter, ImageTable, ScopedFilter, status_badge
from portal.fieldwork.images.forms import AttachForm, PlaceForm
from portal.fieldwork.images.models import Image
from portal.ui.lists import Empty, list_page
from portal.ui.panels import project_frame
from portal.ui.people import may, person

PANEL = 12
EVENTS = ("image.uploaded", "image.changed")
UNREADABLE = {  # the parts of media.Exif.unreadable in words
    "exif": _("metadata"),
    "gps": _("satellite data"),
    "position": _("place"),
    "direction": _("direction of view"),
    "altitude": _("altitude"),
    "gps_time": _("satellite time"),
    "time": _("time"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row of the panel: what the client said and what the camera wrote; `verdict` is agrees, differs or neither."""

    label: Any
    kind: str
    claim: Any
    camera: Any
    verdict: str = ""


@require_GET
@policy("images.view")
def image_list(request: HttpRequest, project_id: UUID | None = None, task_id: UUID | None = None) -> HttpResponse:
    """The gallery of everything a person sees, of one project, or of one task."""
    project, task = _where(request, project_id, task_id)
    context = _frame(request, project, task, "gallery")
    empty = Empty(
        title=_("No image yet"),
        text=_("Photos that devices send, or that you upload here, show with their place, time and camera."),
        icon="photo",
        action_label=_("Upload images") if context["upload_url"] else "",
        action_url=context["upload_url"],
    )
    return list_page(
        request,
        queryset=_rows(request, project, task),
        table=ImageTable,
        filterset=ScopedFilter if project else ImageFilter,
        template="fieldwork/images/gallery.html",
        list_id="images",
        caption=_("Images"),
        empty=empty,
        live=EVENTS,
        context=context | {"rows_template": "fieldwork/images/grid.html"},
    )


@require_GET
@policy("images.view")
def image_map(request: HttpRequest, project_id: UUID | None = None, task_id: UUID | None = None) -> HttpResponse:
    """The same images, with the same filters, where they were taken."""
    project, task = _where(request, project_id, task_id)
    rows = _rows(request, project, task)
    filters = (ScopedFilter if project else ImageFilter)(request.GET, queryset=rows, request=request)
    points, total = selectors.map_points(filters.qs)
    drawn = [
        {
            "lat": point["latitude"],
            "lon": point["longitude"],
            "name": point["file__filename"],
            "flagged": bool(point["flags"]),
            "url": reverse("images:detail", args=[point["pk"]]),
            "thumbnail": _thumbnail(point["pk"]) if point["status"] == Image.Status.AVAILABLE else "",
        }
        for point in points
    ]
    shown = len(drawn)
    if total > shown:
        counted = gettext("The newest %(shown)s of %(total)s images with a place") % {"shown": shown, "total": total}
    else:
        counted = ngettext("%(total)s image with a place", "%(total)s images with a place", total) % {"total": total}
    context = _frame(request, project, task, "map") | {
        "points": drawn,
        "counted": counted,
        "filter_form": filters.form,
        "filtered": bool(request.GET),
        **_ground(),
    }
    return render(request, "fieldwork/images/map.html", context)


@require_GET
@policy("images.view")
def image_detail(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """The rendition beside two columns: what the client said, and what the camera wrote."""
    user = person(request)
    image = selectors.image_get(id=image_id, user=user)
    rows = selectors.images_seen(user).filter(project=image.project_id)
    before, after = selectors.neighbours(image=image, rows=rows)
    context: dict[str, Any] = {
        "image": image,
        "badge": status_badge(image),
        "failure": Failure(image.failure).label if image.failure else "",
        "flags": [Flag(flag).label for flag in image.flags],
        "blocked": selectors.why_not(image=image, user=user),
        "rows": _comparison(image),
        "camera": image.camera,
        "before": before,
        "after": after,
        "may_delete": may(request, "images.delete") and selectors.may_delete(image=image, user=user),
        "may_original": may(request, "files.original"),
        "points": _places(image),
        "percent": selectors.progress(image),
        **_measures(image),
        **_ground(),
    }
    partial = request.htmx and request.htmx.request_type != "full"  # type: ignore[attr-defined]
    return render(request, f"fieldwork/images/detail.html{'#image-card' if partial else ''}", context)


@require_GET
@policy("images.view")
def image_copy(request: HttpRequest, image_id: UUID, size: str) -> HttpResponseBase:
    """A copy without metadata, for this person's browser to keep: thumbnail, rendition, or rendition as a download."""
    image = selectors.image_get(id=image_id, user=person(request))
    if size not in copies.SIZES:
        raise NotFound(_("There is no copy of this image."))
    return copies.answer(request, image=image, size=size, by=person(request))


@require_GET
@policy("files.original")
def image_original(request: HttpRequest, image_id: UUID) -> HttpResponseBase:
    """The file as it came, with place, time and camera; recorded."""
    user = person(request)
    return redirect(copies.original_url(image=selectors.image_get(id=image_id, user=user), by=user).url)


@require_POST
@policy("images.upload")
def image_retry(request: HttpRequest, image_id: UUID) -> HttpResponse:
    user = person(request)
    with suppress(Conflict):  # somebody was quicker: the page shows where it stands
        services.image_retry(image=selectors.image_get(id=image_id, user=user), by=user)
    return redirect("images:detail", image_id=image_id)


@require_POST
@policy("images.delete")
def image_delete(request: HttpRequest, image_id: UUID) -> HttpResponse:
    user = person(request)
    image = selectors.image_get(id=image_id, user=user)
    try:
        services.image_delete(image=image, by=user)
    except Denied as refusal:  # somebody else's
        messages.error(request, str(refusal.message))
        return redirect("images:detail", image_id=image_id)
    messages.success(request, _("Image deleted successfully."))
    return redirect("images:project", project_id=image.project_id)


@require_GET
@policy("images.upload")
def image_upload(request: HttpRequest) -> HttpResponse:
    """Choose project and task, then drop files: each goes up by itself, in parts."""
    form = PlaceForm(request.GET or None, user=person(request))
    said = form.cleaned_data if form.is_valid() else {}
    megabytes = settings.FILE_LIMITS["image"] // 1024 // 1024
    context = {"form": form, "project": said.get("project"), "task": said.get("task"), "megabytes": megabytes}
    return render(request, "fieldwork/images/upload.html", context)


@require_POST
@policy("images.upload")
def image_attach(request: HttpRequest) -> JsonResponse:
    """Make an image of a file that went up in parts; JSON for the uploader."""
    user = person(request)
    form = AttachForm(request.POST, user=user)
    if not form.is_valid():
        faults = [str(fault) for faults in form.errors.values() for fault in faults]
        return JsonResponse({"message": " ".join(faults)}, status=HTTPStatus.BAD_REQUEST)
    said = form.cleaned_data
    try:
        project, task = services.place_for(user=user, project=said["project"].pk, task=said["task"] and said["task"].pk)
        file = services.file_for(id=said["file"], by=user)
        image, created = services.image_of_file(file=file, by=user, project=project, task=task)
    except DomainError as refusal:
        return JsonResponse({"message": str(refusal.message)}, status=refusal.status)
    address = reverse("images:detail", args=[image.pk])
    return JsonResponse({"id": str(image.pk), "url": address, "created": created})


def task_panel(request: HttpRequest, task: Task) -> dict[str, Any] | None:
    """The newest images of a task, for the task's page; nothing for a task without a project."""
    if task.project is None:
        return None
    rows = selectors.image_list(user=person(request), task=task.pk)
    return {
        "images": rows[:PANEL],
        "count": rows.count(),
        "all_url": reverse("images:task", args=[task.pk]),
        "upload_url": _upload_url(request, task.project, task),
    }


# --- inside -----------------------------------------------------------------------------------------
def _where(request: HttpRequest, project: UUID | None, task: UUID | None) -> tuple[Project | None, Task | None]:
    if task:
        held = task_for(person(request), task)
        if held.project is None:
            raise NotFound(_("This task belongs to no project."))
        return held.project, held
    return (project_for(person(request), project) if project else None), None


def _rows(request: HttpRequest, project: Project | None, task: Task | None) -> QuerySet[Image]:
    found = selectors.image_list(user=person(request), project=project.pk if project else None)
    return found.filter(task=task) if task else found


def _frame(request: HttpRequest, project: Project | None, task: Task | None, view: str) -> dict[str, Any]:
    """What gallery and map share: the page around them, their two addresses with the filters in force, and uploads."""
    frame: dict[str, Any] = {"frame_template": "fieldwork/images/frame.html", "task": task}
    if task:
        addresses = [reverse("images:task", args=[task.pk]), reverse("images:task_map", args=[task.pk])]
    elif project:
        addresses = [reverse("images:project", args=[project.pk]), reverse("images:project_map", args=[project.pk])]
        frame = project_frame(request, project.pk, "images") | {"frame_template": "fieldwork/projects/frame.html"}
    else:
        addresses = [reverse("images:list"), reverse("images:map")]
    query = request.GET.copy()
    for name in ("page", "per_page", "sort", "seen"):
        query.pop(name, None)
    kept = f"?{query.urlencode()}" if query else ""
    return frame | {
        "inside": project is not None,
        "view": view,
        "gallery_url": addresses[0] + kept,
        "map_url": addresses[1] + kept,
        "upload_url": _upload_url(request, project, task),
    }


def _upload_url(request: HttpRequest, project: Project | None, task: Task | None) -> str:
    if not may(request, "images.upload"):
        return ""
    target = {"project": project.pk} if project else {}
    target |= {"task": task.pk} if task else {}
    return f"{reverse('images:upload')}{'?' if target else ''}{urlencode(target)}"


def _thumbnail(image: UUID) -> str:
    return reverse("images:copy", args=[image, "thumbnail"])


def _ground() -> dict[str, str]:
    return {"tiles": settings.TILES, "credit": settings.TILES_CREDIT}


def _places(image: Image) -> list[dict[str, Any]]:
    """The claimed and the recorded place, for the small map of one image."""
    found = []
    if image.gps_latitude is not None:
        stated = {"lat": image.gps_latitude, "lon": image.gps_longitude, "radius": image.gps_accuracy}
        found.append(stated | {"name": gettext("As stated")})
    place = image.camera.get("position")
    if place and not image.camera.get("hemisphere_missing"):
        there = {"lat": place["latitude"], "lon": place["longitude"], "radius": place["accuracy"]}
        found.append(there | {"name": gettext("Camera"), "flagged": Flag.LOCATION in image.flags})
    return found


def _measures(image: Image) -> dict[str, str]:
    """Numbers with their units, for `|ltr`."""
    camera, apart = image.camera, image.apart or 0
    return {
        "distance": f"{apart / 1000:.1f} km" if apart >= 1000 else f"{apart:.0f} m",
        "pixels": f"{image.width} \N{MULTIPLICATION SIGN} {image.height}",
        "direction": f"{camera.get('direction', 0):.0f}°",
        "altitude": f"{camera.get('altitude', 0):.0f} m",
        "unreadable": ", ".join(str(UNREADABLE[name]) for name in camera.get("unreadable", ())),
    }


def _comparison(image: Image) -> list[Comparison]:
    """Claim beside camera; a word says whether they agree, colour is never alone."""
    camera = image.camera
    place = camera.get("position") or {}
    stated = _spot(image.gps_latitude, image.gps_longitude)
    recorded = _spot(place.get("latitude"), place.get("longitude"))
    taken = clock.parse_moment(camera.get("taken_at"))
    places = _agree(Flag.LOCATION in image.flags, comparable=bool(stated and recorded))
    times = _agree(Flag.TIME in image.flags, comparable=bool(image.captured_at and taken))
    return [
        Comparison(_("Place"), "text", stated, recorded, places),
        Comparison(_("Accuracy (m)"), "text", image.gps_accuracy, place.get("accuracy")),
        Comparison(_("Time"), "time", image.captured_at, taken, times),
    ]


def _spot(latitude: float | None, longitude: float | None) -> str:
    return "" if latitude is None or longitude is None else f"{latitude:.6f}, {longitude:.6f}"


def _agree(differs: bool, *, comparable: bool) -> str:
    return "differs" if differs else "agrees" if comparable else ""
