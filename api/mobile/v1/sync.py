"""Delta synchronisation of field apps (specification 004; C60 to C69)."""

from typing import Annotated, Any
from uuid import uuid4

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import SIGNED_IN, Declared, Router
from api.mobile.v1 import schemas
from api.mobile.v1.surface import MOBILE
from portal.core.common import clock
from portal.core.common.errors import Invalid
from portal.core.sync import engine, registry, selectors, services
from portal.core.sync.engine import Change

router = Router(surface=MOBILE, tags=["sync"])
ITEMS = 200


@router.get(
    "/sync/changes",
    policy=SIGNED_IN,
    bucket="m.sync",
    response=schemas.ChangesOut,
    summary="Pull changes",
)
def changes(request: HttpRequest, query: Query[schemas.FeedQuery]) -> dict[str, Any]:
    """What changed since the cursor, ascending by version, deletions included; never writes.

    409 `SYNC_CONFLICT` with `details.fullResyncRequired`: drop the cursor and fetch everything.
    """
    page, device = services.pull(
        user=request.auth,  # type: ignore[attr-defined]
        device_id=request.claims.device,  # type: ignore[attr-defined]
        cursor=query.cursor,
        entities=query.entity,
        limit=query.limit,
    )
    return {
        "changes": [_shown(entry) for entry in page.entries],
        "pagination": {"hasMore": page.more, "nextCursor": page.cursor},
        "syncMetadata": {
            "serverTimestamp": clock.now(),
            "syncCursor": page.cursor,
            "conflictsCount": selectors.open_conflicts(device),
        },
    }


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    """Tasks in the words of this surface: a cancelled one is gone, one that nobody has is assigned (C56)."""
    if entry["entity"] != "task" or entry["operation"] == "deleted":
        return entry
    data = entry["data"]
    if data["status"] == "cancelled":
        gone = {"id": data["id"], "deletedAt": data["updatedAt"], "deletedBy": data["updatedByUserId"]}
        return {**entry, "operation": "deleted", "data": gone}
    return {**entry, "data": {**data, "status": "assigned" if data["status"] == "pending" else data["status"]}}


@router.post(
    "/sync/apply",
    policy=SIGNED_IN,
    bucket="m.sync",
    keyed=True,
    response=schemas.ApplyOut,
    summary="Push changes",
)
def apply(request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(schemas.ApplyIn)]]) -> dict[str, Any]:
    """Every item stands alone: it is accepted, or it comes back under `conflicts`.

    `version_conflict`: the record has other content since `clientVersion`; nothing was overwritten, `serverData` is
    what is in force. To have your change win, send it again with `serverVersion`. The answer's cursor is the one that
    was sent: what others changed comes with `GET /sync/changes`.
    """
    cursor = payload.get("syncCursor")
    if cursor is not None and not isinstance(cursor, str):
        raise Invalid.field("syncCursor", _("Must be text."))
    user, device_id = request.auth, request.claims.device  # type: ignore[attr-defined]
    place = selectors.standing(user=user, device_id=device_id, cursor=cursor or "")
    pushed = services.push(
        user=user, device_id=device_id, items=payload.get("changes", []), strategy="refuse", limit=ITEMS
    )
    said, name = payload.get("changes", []), selectors.change_names(selectors.epoch())
    accepted, conflicts = [], []
    for change in pushed.changes:
        item = said[change.index] if isinstance(said[change.index], dict) else {}
        named = {
            "entity": change.entity or item.get("entity"),
            "entityId": item.get("entityId"),
            "idempotencyKey": item.get("idempotencyKey"),
        }
        if change.status in ("error", "conflict"):
            conflicts.append({**_refused(change), **named})
        else:
            accepted.append(
                {
                    "changeId": name(change.version or 0),
                    "serverVersion": change.version,
                    "serverTimestamp": clock.wire(pushed.batch.received),
                    **named,
                }
            )
    return {"accepted": accepted, "conflicts": conflicts, "syncCursor": place}


def _refused(change: Change) -> dict[str, Any]:
    if change.conflict is not None:
        return {
            "changeId": change.conflict.id,
            "reason": "version_conflict",
            "serverVersion": change.conflict.server_version,
            "serverData": engine.shown(registry.get(change.entity), change.conflict.server),
            "error": None,
        }
    fault = change.errors[0]
    return {
        "changeId": uuid4(),
        "reason": "lbac_violation" if fault.code == "LBAC_VIOLATION" else "validation_error",
        "serverVersion": None,
        "serverData": None,
        "error": {"code": fault.code, "message": fault.message, "field": fault.field},
    }
