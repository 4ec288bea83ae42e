"""Tasks, survey sessions, points, geometries and attachments of field apps (specification 004; C55 to C80)."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import Declared, Router
from api.mobile.v1 import survey_schemas as schemas
from api.mobile.v1.surface import MOBILE
from portal.core.common import clock
from portal.core.common.errors import Invalid
from portal.core.sync import selectors as sync
from portal.core.sync.fields import Refused, moment
from portal.survey.applications.selectors import surveyor_tasks
from portal.survey.attachments import services as attachments
from portal.survey.attachments.selectors import confirmed_card
from portal.survey.choices import SESSION_WIRE
from portal.survey.sessions import services
from portal.survey.sessions.services import Result

router = Router(surface=MOBILE, tags=["survey"])


def _me(request: HttpRequest) -> dict[str, Any]:
    return {"user": request.auth, "device_id": request.claims.device}  # type: ignore[attr-defined]


def _cursor(request: HttpRequest, body: dict[str, Any] | None = None) -> str:
    """Where the device stands in the feed: what it says, else what it came with when it pulled last. A write never
    moves it (`sync.md` section 5)."""
    said = (body or {}).get("syncCursor")
    if said is not None and not isinstance(said, str):
        raise Invalid.field("syncCursor", _("Must be text."))
    return sync.standing(**_me(request), cursor=said or sync.last_cursor(**_me(request)))


@router.get("/tasks", policy="tasks.view", bucket="m.read", response=schemas.TasksOut, summary="Assigned tasks")
def tasks(request: HttpRequest, query: Query[schemas.TaskQuery]) -> dict[str, Any]:
    """The survey tasks of the person whose token it is, within their areas, newest assignment first. Cancelled and
    reassigned ones are not among them."""
    since = None
    if query.assigned_after:
        try:
            since = moment(query.assigned_after, "Asia/Aden")
        except Refused as error:
            raise Invalid.field("assignedAfter", str(error)) from None
    statuses = [part for text in query.status for part in text.split(",") if part]
    page = surveyor_tasks(
        user=request.auth,  # type: ignore[attr-defined]
        statuses=statuses,
        since=since,
        limit=query.limit,
        cursor=query.cursor,
    )
    return {
        "tasks": page.tasks,
        "pagination": {"hasMore": page.more, "nextCursor": page.cursor, "totalCount": page.total},
        "syncMetadata": {"serverTimestamp": clock.now(), "syncCursor": _cursor(request)},
    }


@router.post(
    "/sessions",
    policy="sessions.capture",
    bucket="m.write",
    keyed=True,
    status=201,
    response=schemas.SessionOut,
    summary="Begin a survey session",
)
def session_start(
    request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(schemas.SessionIn)]]
) -> dict[str, Any]:
    """403 `LBAC_VIOLATION` where application or place lie outside of your areas, 400 `GEOGRAPHIC_BOUNDS_ERROR` outside
    of Yemen, 409 `DUPLICATE_REQUEST` while a session of yours for this application is open."""
    place = _cursor(request, payload)
    row = services.session_start(**_me(request), data=payload)
    return {
        "sessionId": row["id"],
        "sessionNumber": row["session_number"],
        "status": SESSION_WIRE[row["status"]][0],
        "startTime": clock.wire(row["started_at"]),
        "syncCursor": place,
    }


@router.operation(
    ["PUT"],
    "/sessions/{id:session_id}/submit",
    policy="sessions.capture",
    bucket="m.write",
    keyed=True,
    response=schemas.SubmitOut,
    summary="Submit a survey session",
)
def session_submit(
    request: HttpRequest, session_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(schemas.SubmitIn)]]
) -> dict[str, Any]:
    """The counts have to be those that the server holds, else 400 with `details.expected`, `details.stored` and, where
    you send `idempotencyKeys`, `details.missingIdempotencyKeys`: send what is missing and submit again."""
    place = _cursor(request, payload)
    row = services.session_submit(**_me(request), id=session_id, data=payload)
    return {
        "sessionId": row["id"],
        "status": SESSION_WIRE[row["status"]][0],
        "submittedAt": clock.wire(row["submitted_at"]),
        "syncCursor": place,
    }


@router.post(
    "/sessions/{id:session_id}/points/batch",
    policy="sessions.capture",
    bucket="m.write",
    keyed=True,
    status=201,
    response=schemas.PointsOut,
    summary="Send points",
)
def points_upload(
    request: HttpRequest, session_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(schemas.PointsIn)]]
) -> dict[str, Any]:
    """Each point stands alone. A known `idempotencyKey` is skipped with the first `serverId`, a known `pointNumber`
    under a new key is updated; the second of two in one batch is an error `DUPLICATE`."""
    return _upload(request, "point", "pointNumber", session_id, payload, "points")


@router.post(
    "/sessions/{id:session_id}/geometries/batch",
    policy="sessions.capture",
    bucket="m.write",
    keyed=True,
    status=201,
    response=schemas.GeometriesOut,
    summary="Send geometries",
)
def geometries_upload(
    request: HttpRequest, session_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(schemas.GeometriesIn)]]
) -> dict[str, Any]:
    """As points. Measures are worked out anew; `INVALID_GEOJSON` says in `details.at` where the fault lies, and in
    `details.suggestion` what a repaired shape would be."""
    return _upload(request, "geometry", "geometryNumber", session_id, payload, "geometries")


def _upload(
    request: HttpRequest, entity: str, number: str, session: UUID, payload: dict[str, Any], name: str
) -> dict[str, Any]:
    place = _cursor(request, payload)
    results = services.items_upload(entity=entity, **_me(request), session=session, items=payload.get(name))
    return {
        "uploadedCount": sum(result.status in ("created", "updated") for result in results),
        "skippedCount": sum(result.status == "skipped" for result in results),
        "results": [_result(result, number) for result in results],
        "syncCursor": place,
    }


def _result(result: Result, number: str) -> dict[str, Any]:
    card = {
        "idempotencyKey": result.key,
        number: result.number,
        "status": result.status,
        "serverId": result.id,
        "serverVersion": result.version,
    }
    if result.error is None:
        return card
    details = dict(result.error.details or {}) | ({"rule": result.error.rule} if result.error.rule else {})
    error = {
        "message": result.error.message,
        "code": result.error.code,
        "field": result.error.field,
        "details": details or None,
    }
    return {**card, "error": error}


@router.post(
    "/sessions/{id:session_id}/attachments/upload-urls",
    policy="sessions.capture",
    bucket="m.upload",
    response=schemas.UploadUrls,
    summary="Ask where to put files",
)
def upload_urls(
    request: HttpRequest, session_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(schemas.AttachmentsIn)]]
) -> dict[str, Any]:
    """An address for each file, for 15 minutes: PUT the bytes there with `requiredHeaders`, then confirm. All or none.
    What is not confirmed within a day is forgotten."""
    offers = attachments.upload_urls(**_me(request), session=session_id, items=payload.get("attachments"))
    return {
        "uploadUrls": [
            {
                "attachmentId": offer.attachment,
                "uploadUrl": offer.url,
                "expiresAt": offer.expires_at,
                "maxFileSize": offer.limit,
                "requiredHeaders": dict(offer.headers),
            }
            for offer in offers
        ]
    }


@router.post(
    "/attachments/{id:attachment_id}/confirm",
    policy="sessions.capture",
    bucket="m.upload",
    response=schemas.ConfirmOut,
    summary="Confirm an upload",
)
def confirm(
    request: HttpRequest, attachment_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(schemas.ConfirmIn)]]
) -> dict[str, Any]:
    """Size and SHA-256 are counted anew; bytes that are not the announced ones end as `failed`, and a new address is to
    be asked for. Said again it answers how far the file is."""
    return confirmed_card(attachments.confirm(**_me(request), id=attachment_id, data=payload))
