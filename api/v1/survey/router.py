"""Survey sessions for the office: lists, what a session holds, decisions (contract of the rooms, section 2)."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Body, Query

from api.kit import LARGE, Declared, Page, Reply, Router, paginate
from api.kit.periods import period
from api.v1.projects.router import me, record
from api.v1.survey.schemas import CloseIn, ItemQuery, ItemsIn, ReviewIn, SessionCard, SessionQuery
from portal.survey import access
from portal.survey.attachments.selectors import attachment_cards
from portal.survey.review import services
from portal.survey.sessions import selectors, wire

router = Router(tags=["survey"])
type Cards = Callable[[Any], list[dict[str, Any]]]


@router.get("/survey/sessions", policy="sessions.view", response=list[SessionCard], summary="Survey sessions")
def survey_session_list(request: HttpRequest, query: Query[SessionQuery]) -> Page:
    """Those within your areas, a surveyor's own ones; newest first."""
    window = period(request, query.date_from, query.date_to)
    rows = selectors.session_list(
        user=me(request),
        search=query.search,
        statuses=query.status,
        detail=query.status_detail,
        survey_type=query.survey_type or "",
        surveyor=query.surveyor_id,
        application=query.application_id,
        flag=query.flag,
        governorate=query.governorate_id,
        district=query.district_id,
        sub_district=query.sub_district_id,
        since=window.since,
        until=window.until,
    )
    page = paginate(rows, query, lambda row: row)
    page.items = selectors.session_cards(page.items)
    return page


@router.get(
    "/survey/sessions/{id:session_id}", policy="sessions.view", response=SessionCard, summary="One survey session"
)
def survey_session_detail(request: HttpRequest, session_id: UUID) -> Reply:
    """404 for one outside of your areas, too."""
    return _card(request, session_id)


@router.get(
    "/survey/sessions/{id:session_id}/points", policy="sessions.view", response=list[dict[str, Any]], summary="Points"
)
def survey_points(request: HttpRequest, session_id: UUID, query: Query[ItemQuery]) -> Page:
    """In the order of their numbers, as devices get them."""
    rows = selectors.point_list(user=me(request), session=session_id, flag=query.flag)
    return _page(rows, query, lambda found: wire.points(wire.plain(found)))


@router.get(
    "/survey/sessions/{id:session_id}/geometries",
    policy="sessions.view",
    response=list[dict[str, Any]],
    summary="Geometries",
)
def survey_geometries(request: HttpRequest, session_id: UUID, query: Query[ItemQuery]) -> Page:
    """With the server's measures beside the device's."""
    rows = selectors.geometry_list(user=me(request), session=session_id, flag=query.flag)
    return _page(rows, query, _shapes)


def _shapes(rows: Any) -> list[dict[str, Any]]:
    found = list(rows)
    cards = wire.geometries(wire.plain(found))
    return [{**card, "findings": row.findings} for card, row in zip(cards, found, strict=True)]


@router.get(
    "/survey/sessions/{id:session_id}/attachments",
    policy="sessions.view",
    response=list[dict[str, Any]],
    summary="Attachments",
)
def survey_attachments(request: HttpRequest, session_id: UUID, query: Query[ItemQuery]) -> Page:
    """With addresses for five minutes, of copies without metadata."""
    rows = selectors.attachment_list(user=me(request), session=session_id, flag=query.flag)
    return _page(rows, query, attachment_cards)


def _page(rows: QuerySet[Any], query: ItemQuery, cards: Cards) -> Page:
    page = paginate(rows, query, lambda row: row)
    page.items = cards(page.items)
    return page


@router.post(
    "/survey/sessions/{id:session_id}/review",
    policy="sessions.review",
    limit=LARGE,
    response=SessionCard,
    summary="Decide a survey session",
)
def survey_review(
    request: HttpRequest, session_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(ReviewIn)]]
) -> Reply:
    """approve, return (the surveyor goes on) or reject. 403 for one's own work; 422 `ILLEGAL_TRANSITION` with
    `meta.allowed`, and `meta.blocking` where something stands against an approval."""
    services.session_review(
        id=session_id,
        decision=payload.get("decision"),
        reason=payload.get("reason"),
        items=payload.get("items"),
        by=me(request),
    )
    return _card(request, session_id)


@router.post(
    "/survey/sessions/{id:session_id}/review/start",
    policy="sessions.review",
    response=SessionCard,
    summary="Begin a review",
)
def survey_review_start(request: HttpRequest, session_id: UUID) -> Reply:
    """From submitted: `statusDetail` becomes under_review."""
    services.review_start(id=session_id, by=me(request))
    return _card(request, session_id)


@router.post(
    "/survey/sessions/{id:session_id}/review/items",
    policy="sessions.review",
    limit=LARGE,
    response=list[dict[str, Any]],
    summary="Accept or return single items",
)
def survey_review_items(
    request: HttpRequest, session_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(ItemsIn)]]
) -> list[dict[str, Any]]:
    """What is returned needs a remark. Said again, the later word counts."""
    made = services.items_review(id=session_id, items=payload.get("items"), by=me(request))
    return [wire.remark(row) for row in made]


@router.post(
    "/survey/sessions/{id:session_id}/close",
    policy="sessions.review",
    response=SessionCard,
    summary="Close an open session",
)
def survey_close(request: HttpRequest, session_id: UUID, payload: CloseIn) -> Reply:
    """abandoned, or superseded by another one; what it holds stays."""
    services.session_close(id=session_id, kind=payload.status, reason=payload.reason, by=me(request))
    return _card(request, session_id)


@router.post(
    "/survey/sessions/{id:session_id}/quality",
    policy="sessions.review",
    response=SessionCard,
    summary="Work out the quality anew",
)
def survey_quality(request: HttpRequest, session_id: UUID) -> Reply:
    """Neighbours may have been surveyed since."""
    services.quality_again(id=session_id, by=me(request))
    return _card(request, session_id)


def _card(request: HttpRequest, id: UUID) -> Reply:
    return record(selectors.session_cards([access.session_for(me(request), id)])[0])
