"""The page on which a second person decides on a session, item by item and as a whole."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.core.accounts.models import User
from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError
from portal.survey.access import session_for
from portal.survey.choices import WITH_OFFICE
from portal.survey.models import ReviewRemark, SurveyAttachment, SurveyGeometry, SurveyPoint, SurveySession
from portal.survey.pages import wording
from portal.survey.pages.forms import ReviewForm
from portal.survey.pages.sessions import frame, overview
from portal.survey.review import services
from portal.ui.people import person

LISTED: Final = 500  # points that are listed beside all those with flags


@require_http_methods(["GET", "POST"])
@policy("sessions.review")
def session_review(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Begin the review, note what is said of single items, decide. One's own work, and a session that is decided or
    still in the field, is shown with the reason why it cannot be decided here."""
    by = person(request)
    session = session_for(by, session_id)
    barred = _barred(session, by.pk)
    form = ReviewForm(request.POST or None)
    items, cut = _items(session)
    if request.method == "POST":
        _take(items, request)
        if barred:
            form.add_error(None, barred)
        elif form.is_valid():
            try:
                _write(form, session_id, items, by)
            except DomainError as refusal:
                form.refuse(refusal)
            else:
                messages.success(request, _("What you decided has been recorded."))
                here = form.cleaned_data["decision"] in ("start", "save")
                return redirect("survey:session_review" if here else "survey:session_detail", session_id)
    context = frame(request, session, "review") | overview(session)
    context |= {"items": items, "cut": cut, "form": form, "barred": barred, "blocks": services.obstacles(session)}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "survey/sessions/review.html", context, status=status)


def _write(form: ReviewForm, id: UUID, items: list[dict[str, Any]], by: User) -> None:
    decision, said = form.cleaned_data["decision"], [_wire(item) for item in items if item["decision"]]
    if decision == "start":
        services.review_start(id=id, by=by)
    elif decision == "save":
        services.items_review(id=id, items=said, by=by)
    else:
        services.session_review(id=id, decision=decision, reason=form.cleaned_data["reason"], items=said, by=by)


def _barred(session: SurveySession, by: UUID) -> str:
    if session.surveyor_id == by:
        return _("You surveyed this yourself: somebody else has to review it.")
    if session.status not in WITH_OFFICE:
        return _("This session is not waiting for a review: %(status)s.") % {"status": session.get_status_display()}
    return ""


def _items(session: SurveySession) -> tuple[list[dict[str, Any]], int]:
    """Shapes, points and media to decide on, those with flags first, and how many points are not listed."""
    points = SurveyPoint.objects.filter(session=session, deleted_at=None).order_by("number", "id")
    flagged, plain = list(points.exclude(flags=[])), list(points.filter(flags=[])[: LISTED + 1])
    cut = points.filter(flags=[]).count() - LISTED if len(plain) > LISTED else 0
    shapes = SurveyGeometry.objects.filter(session=session, deleted_at=None).order_by("number", "id")
    media = SurveyAttachment.objects.filter(session=session, deleted_at=None).order_by("created_at", "id")
    found = [*_shapes(list(shapes)), *_points([*flagged, *plain[:LISTED]]), *_media(list(media))]
    said = {
        (remark.entity, str(remark.entity_id)): remark
        for remark in ReviewRemark.objects.filter(session=session).order_by("revision", "created_at")
    }
    for item in found:
        if remark := said.get((item["entity"], item["id"])):
            if remark.revision == session.revision:
                item |= {"decision": remark.decision, "remark": remark.remark}
            else:  # what was said before the surveyor went out again
                item["former"] = remark
    return sorted(found, key=lambda item: not item["flags"]), cut


def _item(entity: str, row: Any, icon: str, name: str, facts: list[str]) -> dict[str, Any]:
    return {"entity": entity, "id": str(row.pk), "icon": icon, "name": name, "flags": row.flags,
            "facts": [fact for fact in facts if fact], "decision": "", "remark": "", "former": None}  # fmt: skip


def _shapes(rows: list[SurveyGeometry]) -> Iterator[dict[str, Any]]:
    for row in rows:
        facts = [str(row.get_feature_type_display()), wording.square_metres(row.area, row.area_uncertainty)]
        facts += [wording.metres(row.length), wording.apart(row.area, row.client_area)]
        yield _item("geometry", row, "polygon", _("Shape %(number)s") % {"number": row.number}, facts)


def _points(rows: list[SurveyPoint]) -> Iterator[dict[str, Any]]:
    for row in rows:
        accuracy = row.horizontal_accuracy
        facts = [str(row.get_point_type_display()), row.feature_code, str(row.get_gps_source_display())]
        facts.append("" if accuracy is None else f"\N{PLUS-MINUS SIGN} {wording.metres(accuracy)}")
        yield _item("point", row, "map-pin", _("Point %(number)s") % {"number": row.number}, facts)


def _media(rows: list[SurveyAttachment]) -> Iterator[dict[str, Any]]:
    for row in rows:
        facts = [str(row.get_attachment_type_display()), str(row.get_status_display())]
        yield _item("attachment", row, "photo", row.filename, facts)


def _take(items: list[dict[str, Any]], request: HttpRequest) -> None:
    """What the person chose for each item."""
    for item in items:
        chosen = request.POST.get(f"d-{item['entity']}-{item['id']}", "")
        item["decision"] = chosen if chosen in ("accept", "return") else ""
        item["remark"] = request.POST.get(f"r-{item['id']}", "").strip()[:2000] if chosen == "return" else ""


def _wire(item: dict[str, Any]) -> dict[str, Any]:
    return {"entity": item["entity"], "entityId": item["id"], "decision": item["decision"], "remark": item["remark"]}
