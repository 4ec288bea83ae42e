"""Synchronisation of field and desktop apps (specification 001; C60 to C75)."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import LARGE, Declared, Page, Router, paginate
from api.v1.sync import schemas
from portal.core.common import clock
from portal.core.common.errors import Invalid, NotFound, TooLarge
from portal.core.sync import engine, registry, selectors, services
from portal.core.sync.engine import Change

router = Router(tags=["sync"])
PULL_LIMIT = 1000


def _device_id(request: HttpRequest, given: Any = None) -> str:
    if given is not None and not isinstance(given, str):
        raise Invalid.field("deviceId", _("Must be text."))
    return given or request.headers.get("X-Device-ID", "") or request.claims.device  # type: ignore[attr-defined]


@router.post(
    "/sync", policy="sync.push", bucket="sync", limit=LARGE, response=schemas.SyncOut, summary="Push, and pull at once"
)
def push(request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(schemas.SyncIn)]]) -> dict[str, Any]:
    """Send what was changed on the device; every item gets a result of its own, in order.

    Repeating a push is harmless: what is there already is `unchanged` or `skipped`. Large uploads go in chunks of at
    most 1,000 items under one `upload.id`; after a break `GET /sync/uploads/{id}` says where to go on. With
    `syncCursor` (null: from the start) the answer carries changes as `GET /sync/changes` does, in which the device's
    own come back too.
    """
    pushed = services.push(
        user=request.auth,  # type: ignore[attr-defined]
        device_id=_device_id(request, payload.get("deviceId")),
        items=payload.get("changes", []),
        strategy=payload.get("conflictStrategy"),
        upload=payload.get("upload"),
    )
    batch = pushed.batch
    said = payload.get("changes", [])
    answer: dict[str, Any] = {
        "results": [_result(change, said[change.index], batch) for change in pushed.changes],
        "counts": batch.counts(),
        "conflicts": [_conflict(change) for change in pushed.changes if change.conflict],
        "upload": selectors.upload_card(pushed.upload) if pushed.upload else None,
    }
    if "syncCursor" in payload:
        answer |= _pulled(
            request,
            pushed.device.device_id,
            cursor=_cursor(payload["syncCursor"]),
            entities=[],
            limit=_limit(payload.get("pullLimit")),
        )
    return answer


def _cursor(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise Invalid.field("syncCursor", _("Must be text."))
    return value or ""


def _limit(value: Any) -> int:
    if value is None:
        return 200
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= PULL_LIMIT:
        raise Invalid.field(
            "pullLimit", _("Must be a whole number from %(low)d to %(high)d.") % {"low": 1, "high": 1000}
        )
    return value


def _result(change: Change, said: Any, batch: engine.Batch) -> dict[str, Any]:
    item = said if isinstance(said, dict) else {}
    faults = [{"code": e.code, "message": e.message, "field": e.field} for e in change.errors]
    return {
        "index": change.index,
        "entity": change.entity or item.get("entity"),
        "entityId": item.get("entityId"),
        "idempotencyKey": item.get("idempotencyKey"),
        "status": change.status,
        "serverVersion": change.version,
        "serverTimestamp": None if faults else clock.wire(batch.received),
        "error": faults[0] if faults else None,
        "errors": faults,
        "conflictId": change.conflict.id if change.conflict else None,
    }


def _conflict(change: Change) -> dict[str, Any]:
    conflict = change.conflict
    assert conflict is not None
    collection = registry.get(change.entity)
    lost_by = {"userId": conflict.lost_by, "deviceId": conflict.lost_by_device or None}
    return {
        "conflictId": conflict.id,
        "index": change.index,
        "entity": change.entity,
        "entityId": change.id,
        "reason": "version_conflict",
        "resolution": conflict.resolution,
        "serverVersion": conflict.server_version,
        "serverData": engine.shown(collection, conflict.server),
        "lostData": conflict.lost,
        "lostBy": lost_by if conflict.lost is not None else None,
    }


def _pulled(request: HttpRequest, device_id: str, *, cursor: str, entities: list[str], limit: int) -> dict[str, Any]:
    page, device = services.pull(
        user=request.auth,  # type: ignore[attr-defined]
        device_id=device_id,
        cursor=cursor,
        entities=entities,
        limit=limit,
    )
    return {
        "changes": page.entries,
        "pagination": {"hasMore": page.more, "nextCursor": page.cursor},
        "syncMetadata": {
            "serverTimestamp": clock.now(),
            "syncCursor": page.cursor,
            "conflictsCount": selectors.open_conflicts(device),
        },
    }


@router.get("/sync/changes", policy="sync.pull", bucket="sync", response=schemas.ChangesOut, summary="Pull changes")
def changes(request: HttpRequest, query: Query[schemas.ChangesQuery]) -> dict[str, Any]:
    """What changed since the cursor, ascending by version, one entry per record, deletions included.

    Go on with `nextCursor` until `hasMore` is false, and keep it for the next time. 409 `SYNC_CONFLICT` with
    `meta.fullResyncRequired`: drop the cursor and fetch everything.
    """
    device_id = _device_id(request, query.device_id)
    return _pulled(request, device_id, cursor=query.cursor, entities=query.entity, limit=query.limit)


@router.get("/sync/status", policy="sync.pull", bucket="sync", response=Any, summary="Where devices stand")
def status(request: HttpRequest, query: Query[schemas.StatusQuery]) -> Any:
    """`DeviceOut` of one device (`never` for one that the server does not know), or the list of your own devices;
    administrators and managers see all."""
    user = request.auth  # type: ignore[attr-defined]
    devices = list(selectors.device_states(user=user, device_id=query.device_id))
    cards = selectors.device_cards(devices)
    if not query.device_id:
        return cards
    own = [card for card in cards if card["userId"] == user.pk]
    return (own or cards or [selectors.unknown_device(user, query.device_id)])[0]


@router.get(
    "/sync/uploads/{id:upload_id}", policy="sync.push", response=schemas.UploadOut, summary="Where an upload stands"
)
def upload(request: HttpRequest, upload_id: str) -> dict[str, Any]:
    """Which chunks have arrived; go on with `nextChunk`."""
    return selectors.upload_card(selectors.upload_get(user=request.auth, id=UUID(upload_id)))  # type: ignore[attr-defined]


@router.post("/sync/reconcile", policy="sync.pull", bucket="sync", response=schemas.ReconcileOut, summary="Compare ids")
def reconcile(request: HttpRequest, payload: schemas.ReconcileIn) -> dict[str, Any]:
    """Which of these ids the server holds, with version and deletion, and which it misses."""
    if len(payload.ids) > services.ITEMS:
        message = _("Ask for at most %(limit)d ids at a time.") % {"limit": services.ITEMS}
        raise TooLarge(message, meta={"limit": services.ITEMS, "unit": "items"})
    held, missing = selectors.held(user=request.auth, entity=payload.entity, ids=payload.ids)  # type: ignore[attr-defined]
    return {"held": held, "missing": missing}


@router.get("/sync/conflicts", policy="sync.resolve", response=list[schemas.InboxEntry], summary="Conflict inbox")
def conflicts(request: HttpRequest, query: Query[schemas.InboxQuery]) -> Page:
    """Newest first, with both versions."""
    found = selectors.conflict_list(status=query.status, entity=query.entity, record=query.entity_id)
    return paginate(found, query, selectors.conflict_card)


@router.get(
    "/sync/conflicts/{id:conflict_id}", policy="sync.resolve", response=schemas.InboxEntry, summary="One conflict"
)
def conflict(request: HttpRequest, conflict_id: str) -> dict[str, Any]:
    """Both versions of one conflict."""
    found = selectors.conflict_list().filter(pk=conflict_id).first()
    if found is None:
        raise NotFound(_("There is no such conflict."))
    return selectors.conflict_card(found)


@router.post(
    "/sync/conflicts/{id:conflict_id}/resolve",
    policy="sync.resolve",
    response=schemas.ResolvedOut,
    summary="Decide a conflict",
)
def resolve(request: HttpRequest, conflict_id: str, payload: schemas.ResolveIn) -> dict[str, Any]:
    """`client` writes the device's version, `server` keeps the server's, `merge` writes `data`; the record gets a new
    version that every device receives. A second decision is 409."""
    decided = services.conflict_resolve(
        user=request.auth,  # type: ignore[attr-defined]
        id=UUID(conflict_id),
        choice=payload.choice,
        reason=payload.reason,
        data=payload.data,
    )
    collection = registry.get(decided.entity)
    row = collection.rows([decided.record_id])[decided.record_id]
    return {"conflict": selectors.conflict_card(decided), "record": engine.shown(collection, row)}
