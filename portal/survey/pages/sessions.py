"""Pages of survey sessions: list, record with its map, points, media, history, files, report."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from portal.core.accounts.policy import policy
from portal.core.common.errors import NotFound
from portal.core.files.exports import AT_ONCE
from portal.core.jobs.tasks import defer
from portal.survey.access import session_for, sessions_seen
from portal.survey.applications.selectors import unit_names
from portal.survey.choices import WITH_OFFICE, AttachmentStatus
from portal.survey.exports import features, jobs, writers
from portal.survey.flags import label_of
from portal.survey.models import ReviewRemark, SurveyAttachment, SurveyGeometry, SurveyPoint, SurveySession
from portal.survey.pages import media, report, selectors, wording
from portal.survey.pages.lists import PointFilter, PointTable, SessionFilter, SessionTable
from portal.survey.sessions import assessment
from portal.ui.answers import history
from portal.ui.lists import Empty, Export, list_page
from portal.ui.people import may, person

COUNT_LIMIT = 10_000
DRAWN = 5000  # points of a session that its map shows
LIVE = ("session.started", "session.submitted", "session.decided", "points.uploaded", "geometries.uploaded")
FORMATS = (
    ("geojson", gettext_lazy("GeoJSON"), "map"),
    ("gpkg", gettext_lazy("GeoPackage"), "database"),
    ("shp", gettext_lazy("Shapefile (zip)"), "stack-2"),
    ("dxf", gettext_lazy("DXF drawing"), "ruler-measure"),
    ("kml", gettext_lazy("KML"), "world"),
    ("csv", gettext_lazy("CSV with UTM"), "file-text"),
)


def _links(name: str, *args: Any) -> list[Export]:
    return [Export(label=label, url=reverse(name, args=[*args, kind]), icon=icon) for kind, label, icon in FORMATS]


def tabs(request: HttpRequest) -> dict[str, bool]:
    """Which of the room's lists the person may open."""
    return {
        "perms_applications": may(request, "applications.view"),
        "perms_dispatch": may(request, "applications.edit"),
        "perms_sessions": may(request, "sessions.view"),
    }


@require_GET
@policy("sessions.view")
def session_list(request: HttpRequest) -> HttpResponse:
    empty = Empty(
        title=gettext_lazy("No survey sessions yet"),
        text=gettext_lazy(
            "A surveyor begins a session in the field, at the place of an application. It shows here at once."
        ),
        icon="ruler-measure",
        action_label=gettext_lazy("Give out tasks") if may(request, "applications.edit") else "",
        action_url=reverse("survey:dispatch") if may(request, "applications.edit") else "",
    )
    return list_page(
        request,
        queryset=sessions_seen(person(request)),
        table=SessionTable,
        filterset=SessionFilter,
        template="survey/sessions/list.html",
        list_id="sessions",
        caption=gettext_lazy("Survey sessions"),
        empty=empty,
        exports=_links("survey:session_list_export") if may(request, "sessions.export") else (),
        live=LIVE,
        count_limit=COUNT_LIMIT,
        context={"view": "sessions", **tabs(request)},
    )


@require_GET
@policy("sessions.export")
def session_list_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What the listed sessions hold, as one file; a large one is made by a job and waits among the person's files."""
    filters = SessionFilter(request.GET, queryset=SurveySession.objects.none(), request=request)
    if not filters.form.is_valid():
        return HttpResponse(filters.form.errors.as_text(), status=HTTPStatus.BAD_REQUEST, content_type="text/plain")
    return _export(request, kind, filters.chosen(), back=reverse("survey:session_list"), name="survey")


@require_GET
@policy("sessions.export")
def session_export(request: HttpRequest, session_id: UUID, kind: str) -> HttpResponseBase:
    session = session_for(person(request), session_id)
    back = reverse("survey:session_detail", args=[session_id])
    return _export(request, kind, {"ids": [str(session.pk)]}, back=back, name=session.session_number)


def _export(request: HttpRequest, kind: str, chosen: dict[str, Any], *, back: str, name: str) -> HttpResponseBase:
    if kind not in writers.TYPES:
        raise NotFound(_("There is no such format."))
    rows = selectors.session_list(user=person(request), **chosen)
    said = selectors.as_text(chosen)
    features.noted(kind=kind, filters=said)
    if features.count(rows, most=AT_ONCE) > AT_ONCE:
        defer(jobs.export, kind=kind, filters=said)
        messages.info(request, _("The file is being made. You find it among your files in a minute."))
        return redirect(back)
    file, _count = features.survey_file(rows, kind=kind)
    return FileResponse(
        file, as_attachment=True, filename=f"{name}.{features.suffix(kind)}", content_type=writers.TYPES[kind]
    )


# --- one session ------------------------------------------------------------------------------------
def frame(request: HttpRequest, session: SurveySession, tab: str) -> dict[str, Any]:
    """What stands on every page of a session."""
    user = person(request)
    return {
        "session": session,
        "tab": tab,
        "place": selectors.place_words(session, unit_names([session])),
        "may_review": may(request, "sessions.review") and session.status in WITH_OFFICE,
        "is_own": session.surveyor_id == user.pk,
        "formats": _links("survey:session_export", session.pk) if may(request, "sessions.export") else (),
        "map": {"tiles": settings.TILES, "credit": settings.TILES_CREDIT},
    }


@require_GET
@policy("sessions.view")
def session_detail(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Map, the device's figures beside the server's, flags, quality, what happened when."""
    session = session_for(person(request), session_id)
    context = frame(request, session, "detail") | overview(session)
    return render(request, "survey/sessions/detail.html", context)


def overview(session: SurveySession) -> dict[str, Any]:
    """The figures of a session; page, review and report show the same."""
    stored, _pending = assessment.counts(session.pk)
    declared = session.declared_counts or {}
    labels = {"points": _("Points"), "geometries": _("Shapes"), "attachments": _("Media")}
    geometries = list(SurveyGeometry.objects.filter(session=session, deleted_at=None).order_by("number", "id")[:200])
    return {
        "counts": [{"label": labels[name], "declared": declared.get(name), "stored": stored[name]} for name in stored],
        "geometries": [
            {
                "row": row,
                "area": wording.square_metres(row.area, row.area_uncertainty),
                "client_area": wording.square_metres(row.client_area),
                "apart": wording.apart(row.area, row.client_area),
                "around": wording.metres(row.perimeter if row.perimeter is not None else row.length),
                "client_around": wording.metres(
                    row.client_perimeter if row.client_perimeter is not None else row.client_length
                ),
            }
            for row in geometries
        ],
        "parts": [part | {"word": wording.PARTS[part["key"]]} for part in selectors.quality_parts(session)],
        "findings": selectors.findings(session),
        "timeline": _timeline(session),
        "conflicts": selectors.open_conflicts(session),
    }


def _timeline(session: SurveySession) -> list[tuple[Any, str, str, str]]:
    """Moment, icon, word, who; in order."""
    told = [
        (session.started_at, "player-play", _("Begun"), session.surveyor.name),
        (session.ended_at, "flag", _("Ended in the field"), session.surveyor.name),
        (session.submitted_at, "send", _("Submitted"), session.surveyor.name),
        (session.review_started_at, "eye", _("Review begun"), session.reviewer.name if session.reviewer else ""),
    ]
    if session.reviewed_at:
        _colour, icon, word = wording.look_of(wording.SESSIONS, session.status)
        told.append((session.reviewed_at, icon, str(word), session.reviewer.name if session.reviewer else ""))
    return sorted((row for row in told if row[0]), key=lambda row: row[0])


@require_GET
@policy("sessions.view")
def session_features(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """GeoJSON of what the map draws, with its words."""
    session = session_for(person(request), session_id)
    found = [*_places(session), *_shapes(session), *_points(session), *_media(session)]
    answer = {"type": "FeatureCollection", "features": found}
    return JsonResponse(answer, content_type="application/geo+json", headers={"Cache-Control": "private, no-store"})


def _feature(longitude: float, latitude: float, **about: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
        "properties": about,
    }


def _places(session: SurveySession) -> list[dict[str, Any]]:
    place = session.application
    found = [
        _feature(place.longitude, place.latitude, layer="places", kind="application",
                 name=_("Application %(number)s") % {"number": place.application_number}),
        _feature(session.start_longitude, session.start_latitude, layer="places", kind="start", name=_("Begun here")),
    ]  # fmt: skip
    if session.end_latitude is not None and session.end_longitude is not None:
        found.append(
            _feature(session.end_longitude, session.end_latitude, layer="places", kind="end", name=_("Ended here"))
        )
    return found


def _points(session: SurveySession) -> list[dict[str, Any]]:
    rows = SurveyPoint.objects.filter(session=session, deleted_at=None).order_by("number", "id")[:DRAWN]
    return [
        _feature(
            row.longitude, row.latitude, layer="points", id=str(row.pk), flagged=bool(row.flags),
            accuracy=row.horizontal_accuracy, name=_("Point %(number)s") % {"number": row.number},
            lines=wording.point_lines(row),
        )
        for row in rows
    ]  # fmt: skip


def _shapes(session: SurveySession) -> list[dict[str, Any]]:
    found = []
    for row in SurveyGeometry.objects.filter(session=session, deleted_at=None).order_by("number", "id")[:DRAWN]:
        shape = features.shape_of(row.geometry_type, row.coordinates)
        about = {"layer": "shapes", "id": str(row.pk), "flagged": bool(row.flags), "lines": wording.geometry_lines(row),
                 "name": _("Shape %(number)s") % {"number": row.number}}  # fmt: skip
        if shape is not None:
            drawn = {"type": row.geometry_type, "coordinates": row.coordinates}
            found.append({"type": "Feature", "geometry": drawn, "properties": about})
        found += [
            {"type": "Feature", "geometry": finding["shape"], "properties": {
                "layer": "flags", "flagged": True, "name": label_of(finding.get("code", "")),
                "lines": [about["name"]]}}
            for finding in row.findings
            if finding.get("shape", {}).get("coordinates")
        ]  # fmt: skip
    return found


def _media(session: SurveySession) -> list[dict[str, Any]]:
    rows = SurveyAttachment.objects.filter(session=session, deleted_at=None, capture_latitude__isnull=False)
    return [
        _feature(
            row.capture_longitude or 0.0, row.capture_latitude or 0.0, layer="media", id=str(row.pk),
            flagged=bool(row.flags), accuracy=row.capture_accuracy, name=row.filename,
            lines=wording.flag_words(row.flags),
            thumbnail=reverse("survey:attachment_copy", args=[session.pk, row.pk, "thumbnail"])
            if row.thumbnail_id else "",
        )
        for row in rows.order_by("created_at", "id")[:500]
    ]  # fmt: skip


@require_GET
@policy("sessions.view")
def session_points(request: HttpRequest, session_id: UUID) -> HttpResponse:
    session = session_for(person(request), session_id)
    return list_page(
        request,
        queryset=SurveyPoint.objects.filter(session=session, deleted_at=None),
        table=PointTable,
        filterset=PointFilter,
        template="survey/sessions/points.html",
        list_id="points",
        caption=gettext_lazy("Points"),
        empty=Empty(title=gettext_lazy("No points yet"), icon="map-pin"),
        live=LIVE,
        count_limit=COUNT_LIMIT,
        context=frame(request, session, "points"),
    )


@require_GET
@policy("sessions.view")
def session_media(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The gallery: copies without metadata, and what the server read in the files."""
    session = session_for(person(request), session_id)
    rows = SurveyAttachment.objects.filter(session=session, deleted_at=None).select_related(
        "related_point", "related_geometry", "thumbnail"
    )
    kind = request.GET.get("kind", "")
    shown = rows.filter(attachment_type=kind) if kind else rows
    context = frame(request, session, "media") | {
        "media": [
            {"row": row, "why_not": media.why_not(row, person(request))}
            for row in shown.order_by("created_at", "id")[:500]
        ],
        "kinds": selectors.media_kinds(session),
        "kind": kind,
        "may_original": may(request, "files.original"),
        "pending": rows.filter(status__in=(AttachmentStatus.PENDING, AttachmentStatus.PROCESSING)).exists(),
    }
    return render(request, "survey/sessions/media.html", context)


@require_GET
@policy("sessions.view")
def attachment_copy(request: HttpRequest, session_id: UUID, attachment_id: UUID, size: str) -> HttpResponseBase:
    """A copy without metadata, for this person's browser to keep: `thumbnail` or `view`."""
    attachment = selectors.attachment_get(session=session_id, id=attachment_id, user=person(request))
    return media.answer(request, attachment=attachment, size=size, by=person(request))


@require_GET
@policy("files.original")
def attachment_original(request: HttpRequest, session_id: UUID, attachment_id: UUID) -> HttpResponseBase:
    """The file as it came; recorded."""
    attachment = selectors.attachment_get(session=session_id, id=attachment_id, user=person(request))
    return redirect(media.original_url(attachment=attachment, by=person(request)).url)


@require_GET
@policy("sessions.view")
def session_history(request: HttpRequest, session_id: UUID) -> HttpResponse:
    session = session_for(person(request), session_id)
    context = frame(request, session, "history") | history(request, selectors.session_history(session))
    return render(request, "survey/sessions/history.html", context)


@require_GET
@policy("sessions.view")
def session_report(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The session as a PDF in the language of the page."""
    session = session_for(person(request), session_id)
    language = get_language() or "en"
    features.noted(kind=f"pdf-{language}", session=session, filters={})
    name = f"{session.session_number}-{language}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    content = report.render(session, overview(session), ReviewRemark.objects.filter(session=session))
    return HttpResponse(content, content_type="application/pdf", headers=headers)
