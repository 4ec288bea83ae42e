"""Attachments as a synced collection: devices change what they say of a file; the file itself comes by `services`."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.files.models import Upload
from portal.core.notifications.events import publish
from portal.core.sync import fields, registry
from portal.core.sync.engine import Batch, Change
from portal.core.sync.registry import Collection, Row
from portal.survey import access
from portal.survey.attachments.models import SurveyAttachment
from portal.survey.flags import codes
from portal.survey.sessions import parsing, wire
from portal.survey.sessions.collections import NEW_ROW, PLACED, validate_deletions
from portal.survey.sessions.ground import Spot, ground, judge, late, refuse_sessions, session_of
from portal.survey.sessions.models import SurveyGeometry, SurveyPoint

UPLOAD: Final = "_upload"  # the Upload that `services.upload_urls` made: nothing that came as JSON is one
_COMPUTED: Final[Row] = {
    "status": "pending", "failure": "", "sha256": "", "confirmed_at": None, "file_id": None, "original_id": None,
    "rendition_id": None, "thumbnail_id": None, "camera": {}, "apart": None, "width": None, "height": None,
    "job_id": None, "former_keys": [], "flags": [], "findings": [],
}  # fmt: skip


def validate(batch: Batch, changes: Sequence[Change]) -> None:
    refuse_sessions(batch, changes)
    known = ground(batch)
    for change in changes:
        if change.open:
            change.row = _row(batch, change)
    _refuse_strangers(changes)
    ready = [change for change in changes if change.open and change.row]
    spots = [
        Spot(change, row["capture_longitude"], row["capture_latitude"], row["capture_accuracy"], row["captured_at"])
        for change in ready
        if (row := change.row) and row["capture_latitude"] is not None and row["capture_longitude"] is not None
    ]
    found = judge(batch, spots)
    for change in ready:
        row = change.row
        assert row is not None
        kept = [entry for entry in row["findings"] if entry.get("at") == "file"]
        seen = [*found.get(change.id, []), *(late(known, row["captured_at"]) if row["captured_at"] else [])]
        row["findings"] = [*kept, *seen]
        row["flags"] = codes(row["findings"])


def _row(batch: Batch, change: Change) -> Row | None:
    known = ground(batch)
    data = parsing.flat(change.data, "captureLocation", change.refuse)
    columns = fields.read(
        data, parsing.ATTACHMENT_FIELDS, zone=known.zone, complete=change.current is None, refuse=change.refuse
    )
    if change.current is not None:
        if columns.get("attachment_type", change.current["attachment_type"]) != change.current["attachment_type"]:
            change.refuse("VALIDATION_ERROR", _("It stays what it was announced as."), "attachmentType")
        return change.current | columns
    upload = change.data.get(UPLOAD)
    if not isinstance(upload, Upload):
        message = _("Ask for an address to upload the file to; that makes the attachment.")
        change.refuse("VALIDATION_ERROR", message, "operation")
        return None
    session, key = session_of(known, batch, change), change.data.get("idempotencyKey")
    return {
        "id": change.id,
        **NEW_ROW,
        **_COMPUTED,
        "session_id": session["id"],
        "item_key": key if isinstance(key, str) else "",
        "filename": upload.filename,
        "file_type": upload.content_type,
        "file_size": upload.size,
        "upload_id": upload.pk,
        **{name: session[name] for name in PLACED},
        **columns,
    }


def _refuse_strangers(changes: Sequence[Change]) -> None:
    """A point or geometry that an attachment names belongs to the same session."""
    models: tuple[tuple[str, str, Any], ...] = (
        ("related_point_id", "relatedPointId", SurveyPoint),
        ("related_geometry_id", "relatedGeometryId", SurveyGeometry),
    )
    for column, name, model in models:
        wanted: dict[UUID, list[Change]] = {}
        for change in changes:
            if change.open and change.row and change.row[column] is not None:
                wanted.setdefault(change.row[column], []).append(change)
        if not wanted:
            continue
        sessions = dict(model.objects.filter(pk__in=wanted, deleted_at=None).values_list("pk", "session_id"))
        for id, named in wanted.items():
            for change in named:
                if change.row and sessions.get(id) != change.row["session_id"]:
                    change.refuse("VALIDATION_ERROR", _("The session has no such item."), name)


def announce(batch: Batch) -> None:
    for session in {row["session_id"] for row in batch.writes.get("attachment", {}).values()}:
        publish("attachment.changed", entity="session", id=session)


def register() -> None:
    registry.register(
        Collection(
            entity="attachment",
            plural="attachments",
            label=gettext_lazy("Attachment"),
            model=SurveyAttachment,
            order=23,
            view="sessions.view",
            edit="sessions.capture",
            delete="sessions.capture",
            content=tuple(field.column for field in parsing.ATTACHMENT_FIELDS.all),
            validate=validate,
            derive=lambda batch: None,
            wire=wire.attachments,
            announce=announce,
            visible=lambda user, ids: access.visible(SurveyAttachment, user, ids),
            reach=access.digest,
            validate_deletions=validate_deletions,
        )
    )
