"""What a device does with a session: begin it, send points and shapes, submit it (specification 004; C66 to C77)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connection
from django.utils.translation import gettext as _

from portal.core.accounts.models import Device, User
from portal.core.accounts.services import device_open
from portal.core.common import clock
from portal.core.common.errors import Denied, DomainError, FieldError, Invalid, NotFound, TooLarge
from portal.core.common.ids import uuid7
from portal.core.notifications.events import publish
from portal.core.notifications.services import notify
from portal.core.projects.choices import TaskStatus
from portal.core.projects.models import Task
from portal.core.sync import engine, fields, records, registry
from portal.core.sync.engine import NO_VERSION_CHECK, Batch, Change
from portal.core.sync.fields import Field
from portal.core.sync.registry import Row
from portal.core.tenancy import scope
from portal.survey.applications.models import Dispatch
from portal.survey.areas.denials import refusal as area_refusal
from portal.survey.choices import WRITABLE, SessionStatus
from portal.survey.sessions import assessment, parsing
from portal.survey.sessions.ground import BOUNDS_RULE, ground, hold, not_active
from portal.survey.sessions.models import SurveySession

ITEMS: Final = 200  # of one batch (004-PAY-05)
_KEY_LENGTH: Final = 200
# The number of an item on the wire and the fields that a device may give it.
_KNOWN: Final = {
    "point": ("pointNumber", parsing.POINT_FIELDS),
    "geometry": ("geometryNumber", parsing.GEOMETRY_FIELDS),
}
_count = parsing.whole(0, 10_000_000)
_SUBMIT: Final = fields.fields(
    *parsing.location("endLocation", ("end_latitude", "end_longitude", "end_accuracy", "ended_at"), required=True),
    Field("qualityScore", "client_quality_score", parsing.number(0, 100)),
    Field("notes", "notes", fields.text(20_000), empty=""),
    Field("pointsCount", "points", _count, required=True),
    Field("geometriesCount", "geometries", _count, required=True),
    Field("attachmentsCount", "attachments", _count, required=True),
)


@contextmanager
def device_acting(user: User, device_id: str) -> Iterator[Device]:
    """Writes inside are the device's. Raises DEVICE_NOT_REGISTERED (401), Denied for people of the platform."""
    if user.organization_id is None:
        raise Denied(_("You do not have the right to do this."))
    device = device_open(user=user, device_id=device_id)
    with scope.acting(device=device.device_id, device_row=device.pk, via="sync"):
        yield device


def session_start(*, user: User, device_id: str, data: Mapping[str, Any]) -> Row:
    """Begin a session. Raises Invalid, GEOGRAPHIC_BOUNDS_ERROR (400), LBAC_VIOLATION (403), NotFound for an unknown
    application, DUPLICATE_REQUEST (409) while one of the same application and surveyor is open."""
    records.may(user, "sessions.capture")
    with device_acting(user, device_id) as device:
        change = Change("session", uuid7(), "created", dict(data))
        batch = engine.apply([change], user=user.pk, device=device, strategy="lww")
        raise_refusal(batch, change)
        return registry.get("session").rows([change.id])[change.id]


def raise_refusal(batch: Batch, change: Change, *, within: str = "") -> None:
    """Why an item was refused, as the refusal of a whole request; `within` stands before the fields."""
    if not change.errors:
        return
    first = change.errors[0]
    faults = [FieldError(f"{within}{e.field}", e.message, e.rule) for e in change.errors if e.field]
    meta = dict(first.details or {})
    if first.code == "LBAC_VIOLATION" and change.id in (kept := ground(batch).denied):
        raise area_refusal(*kept[change.id])
    if first.rule == BOUNDS_RULE:
        raise DomainError(first.message, code="GEOGRAPHIC_BOUNDS_ERROR", errors=faults, meta=meta)
    if first.code == "VALIDATION_ERROR":
        raise Invalid(first.message, errors=faults)
    status = {"RESOURCE_NOT_FOUND": 404, "DUPLICATE_REQUEST": 409, "ILLEGAL_TRANSITION": 422}.get(first.code, 400)
    raise DomainError(first.message, code=first.code, status=status, errors=faults, meta=meta)


@dataclass(slots=True)
class Result:
    """What became of one item of a batch: created, updated, skipped or error."""

    key: Any
    number: Any
    status: str = ""
    id: UUID | None = None
    version: int | None = None
    error: engine.ItemError | None = None
    change: Change | None = field(default=None, repr=False)


def items_upload(*, entity: str, user: User, device_id: str, session: UUID, items: Any) -> list[Result]:
    """Store the points or geometries of a batch, each for itself, and say what became of each, in order (C73, C74).

    Raises for what is wrong with the request alone: Invalid, PAYLOAD_TOO_LARGE (413) above 200 items, NotFound for a
    session of somebody else, SESSION_NOT_ACTIVE (400).
    """
    records.may(user, "sessions.capture")
    name, known = _KNOWN[entity]
    wire_name = registry.get(entity).plural
    if not isinstance(items, list):
        raise Invalid.field(wire_name, _("Must be a list."))
    if len(items) > ITEMS:
        message = _("Send at most %(limit)d items at a time.") % {"limit": ITEMS}
        raise TooLarge(message, meta={"limit": ITEMS, "unit": "items"})
    with device_acting(user, device_id) as device:
        own_session(user, session, lock=True)
        results = [_read(item, name) for item in items]
        changes = _matched(entity, session, results, items, known)
        engine.apply(changes, user=user.pk, device=device, strategy="lww")
        for result in results:
            _settle(result)
        return results


def own_session(user: User, id: UUID, *, lock: bool = False) -> SurveySession:
    """A session of the person's own that takes data, locked until the end of the transaction. Raises NotFound,
    SESSION_NOT_ACTIVE (400)."""
    if lock:
        hold([id])
    found = SurveySession.objects.filter(pk=id, surveyor=user, deleted_at=None).first()
    if found is None:
        raise NotFound(_("There is no such survey session."))
    if found.status not in WRITABLE:
        raise DomainError(not_active(), code="SESSION_NOT_ACTIVE", meta={"status": found.status})
    return found


def _read(item: Any, name: str) -> Result:
    """An item's key and number, or why it has none."""
    if not isinstance(item, dict):
        error = engine.ItemError("VALIDATION_ERROR", _("An item is an object."))
        return Result(None, None, "error", error=error)
    key, number = item.get("idempotencyKey"), item.get(name)
    result = Result(key if isinstance(key, str) else None, number)
    if not isinstance(key, str) or not key.strip() or len(key) > _KEY_LENGTH or "\x00" in key:
        message = _("Must be text of at most %(limit)d characters.") % {"limit": _KEY_LENGTH}
        result.status, result.error = "error", engine.ItemError("VALIDATION_ERROR", message, "idempotencyKey")
    return result


def _matched(
    entity: str, session: UUID, results: Sequence[Result], items: Sequence[Any], known: fields.Fields
) -> list[Change]:
    """The changes to make: a known key is skipped, a known number updated, the second of two in the batch refused."""
    keys = {result.key for result in results if not result.status}
    numbers = {r.number for r in results if not r.status and type(r.number) is int and 0 <= r.number < 2**31}
    by_key, by_number = _stored(entity, session, keys, numbers)
    changes: list[Change] = []
    seen: set[tuple[str, Any]] = set()
    for result, item in zip(results, items, strict=True):
        if result.status:
            continue
        marks = {("key", result.key)}
        if type(result.number) is int:
            marks.add(("number", result.number))
        if marks & seen:
            message = _("This key or number stands twice in the batch; the first one counts.")
            result.status, result.error = "error", engine.ItemError("DUPLICATE", message)
            continue
        seen |= marks
        if result.key in by_key:
            result.status = "skipped"
            result.id, result.version = by_key[result.key]
            continue
        there = by_number.get(result.number) if type(result.number) is int else None
        data = {**dict.fromkeys(f.wire for f in known.all), **item} if there else dict(item)
        data |= {"sessionId": str(session), "idempotencyKey": result.key}
        result.change = Change(
            entity,
            there or uuid7(),
            "updated" if there else "created",
            data,
            client_version=NO_VERSION_CHECK,
            index=len(changes),
            forced=there is not None,  # a new key is a new version (C73)
        )
        changes.append(result.change)
    return changes


def _stored(
    entity: str, session: UUID, keys: set[Any], numbers: set[int]
) -> tuple[dict[str, tuple[UUID, int]], dict[int, UUID]]:
    """What the session holds under these keys (with deleted items: a repeat never brings one back) and numbers."""
    table = registry.get(entity).model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT id, version, number, item_key, former_keys, deleted_at IS NULL FROM "{table}"'
            " WHERE organization_id = %s AND session_id = %s"
            " AND (item_key = ANY(%s) OR number = ANY(%s) OR former_keys ?| %s)",
            [scope.organization_id(), session, list(keys), list(numbers), list(keys)],
        )
        rows = cursor.fetchall()
    by_key: dict[str, tuple[UUID, int]] = {}
    by_number: dict[int, UUID] = {}
    for id, version, number, key, former, living in rows:
        for name in (key, *orjson.loads(former)):
            if name:
                by_key[name] = (id, version)
        if living:
            by_number[number] = id
    return by_key, by_number


def _settle(result: Result) -> None:
    change = result.change
    if change is None:
        return
    if change.errors:
        result.status, result.error = "error", change.errors[0]
        return
    result.status = "skipped" if change.status == "unchanged" else change.status
    result.id, result.version = change.id, change.version


# --- submit -----------------------------------------------------------------------------------------------------------
def session_submit(*, user: User, device_id: str, id: UUID, data: Mapping[str, Any]) -> Row:
    """Hand a session in: the counts have to be those that are stored, so that nothing is lost in silence.

    Media that were announced and not confirmed are let through and flagged MEDIA_PENDING; they block the approval.
    The SHA-256 of all items and media goes into the session and the audit log. Raises Invalid with `expected`,
    `stored` and, where the device sent `idempotencyKeys`, `missingIdempotencyKeys`; SESSION_NOT_ACTIVE, NotFound, and
    what `session_start` raises of the place.
    """
    records.may(user, "sessions.capture")
    said = _submission(data)
    with device_acting(user, device_id) as device:
        session = own_session(user, id, lock=True)
        _count_stored(session, said, data)
        told = {name: data[name] for name in ("endLocation", "qualityScore", "notes") if name in data}
        change = Change("session", id, "updated", told, client_version=NO_VERSION_CHECK)
        batch = engine.apply(
            [change, *task_step(session, TaskStatus.SUBMITTED)], user=user.pk, device=device, strategy="lww"
        )
        raise_refusal(batch, change)
        now = clock.now()
        made = assessment.assess(id, stored=True)
        engine.restate(
            "session",
            [
                {
                    "id": id,
                    "status": SessionStatus.SUBMITTED.value,
                    "submitted_at": now,
                    "declared_counts": {name: said[name] for name in ("points", "geometries", "attachments")},
                    "content_hash": assessment.content_hash(id),
                    "quality_score": made.score,
                    "quality_breakdown": made.breakdown,
                    "flags": made.flags,
                    "findings": made.findings,
                    "reviewer_id": None,
                    "review_started_at": None,
                    "reviewed_at": None,
                    "review_reason": "",
                }
            ],
        )
        detail_set(session, "")
        _tell_submitted(session, user)
        return registry.get("session").rows([id])[id]


def _submission(data: Mapping[str, Any]) -> dict[str, Any]:
    faults: list[FieldError] = []

    def refuse(code: str, message: str, name: str) -> None:
        faults.append(FieldError(name, message))

    said = fields.read(parsing.flat(data, "endLocation", refuse), _SUBMIT, zone="UTC", complete=True, refuse=refuse)
    if faults:
        raise Invalid(_("Please check the marked fields."), errors=faults)
    return said


def _count_stored(session: SurveySession, said: Mapping[str, int], data: Mapping[str, Any]) -> None:
    stored, pending = assessment.counts(session.pk)
    expected = {name: said[name] for name in stored}
    fits = all(stored[name] == expected[name] for name in ("points", "geometries"))
    # an address that was asked for twice leaves a second row until it is swept
    if fits and stored["attachments"] <= expected["attachments"] <= stored["attachments"] + pending:
        return
    meta: dict[str, Any] = {"expected": expected, "stored": stored | {"attachmentsPending": pending}}
    keys = data.get("idempotencyKeys")
    if isinstance(keys, dict):
        meta["missingIdempotencyKeys"] = assessment.missing_keys(session.pk, keys)
    message = _("The server does not hold what the device counts: send what is missing, then submit again.")
    raise Invalid(message, errors=[FieldError(_first_wrong(expected, stored), message)], meta=meta)


def _first_wrong(expected: Mapping[str, int], stored: Mapping[str, int]) -> str:
    return next((f"{name}Count" for name in expected if expected[name] != stored[name]), "attachmentsCount")


def task_step(session: SurveySession, status: TaskStatus) -> list[Change]:
    """The session's task goes along where it can: it may have been given to somebody else or closed since."""
    task = Task.objects.filter(
        pk=session.task_id or UUID(int=0), assigned_to=session.surveyor_id, deleted_at=None
    ).first()
    if task is None or task.status == status or task.status == TaskStatus.CANCELLED:
        return []
    step = Change("task", task.pk, "updated", {"status": status.value}, client_version=NO_VERSION_CHECK, index=1)
    return [step]


def detail_set(session: SurveySession, detail: str, remarks: Sequence[Mapping[str, Any]] = ()) -> None:
    """What the list of tasks says of the office's work."""
    for dispatch in Dispatch.objects.filter(task=session.task_id).exclude(status_detail=detail, remarks=list(remarks)):
        dispatch.status_detail, dispatch.remarks = detail, list(remarks)
        dispatch.save(update_fields=["status_detail", "remarks", "updated_at"])


def _tell_submitted(session: SurveySession, user: User) -> None:
    publish("session.submitted", entity="session", id=session.pk, data={"sessionNumber": session.session_number})
    notify(
        "survey.submitted",
        permission="sessions.review",
        data={"number": session.session_number, "surveyor": user.name},
        subject=("session", session.pk),
    )
