"""What a session holds, and what the server makes of it as a whole: counts, hash, quality, signs of false positions."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from django.db.models import Count, Q

from portal.core.sync import engine, registry
from portal.core.sync.registry import Row
from portal.survey.applications.models import Application
from portal.survey.attachments.models import SurveyAttachment
from portal.survey.choices import AttachmentStatus
from portal.survey.flags import codes, finding
from portal.survey.sessions import parcels
from portal.survey.sessions.models import SurveyGeometry, SurveyPoint, SurveySession

_KEPT: Final = ("points", "geometries", "attachments")
_ENTITY: Final = {"points": "point", "geometries": "geometry", "attachments": "attachment"}
_ORDER: Final = {"points": "number", "geometries": "number", "attachments": "id"}


@dataclass(frozen=True, slots=True)
class Assessment:
    """`score` 0 to 100 with its parts in `breakdown` (`domain-survey.md` section 9)."""

    score: float
    breakdown: dict[str, Any]
    findings: list[dict[str, Any]]

    @property
    def flags(self) -> list[str]:
        return codes(self.findings)


def counts(session: UUID) -> tuple[dict[str, int], int]:
    """Living points, geometries and confirmed attachments; and attachments that wait for their file."""
    waiting = Q(status=AttachmentStatus.PENDING)
    lost = Q(status=AttachmentStatus.FAILED)
    media = SurveyAttachment.objects.filter(session=session, deleted_at=None).aggregate(
        kept=Count("pk", filter=~waiting & ~lost), pending=Count("pk", filter=waiting)
    )
    found = {
        "points": SurveyPoint.objects.filter(session=session, deleted_at=None).count(),
        "geometries": SurveyGeometry.objects.filter(session=session, deleted_at=None).count(),
        "attachments": media["kept"],
    }
    return found, media["pending"]


def missing_keys(session: UUID, said: dict[str, Any]) -> dict[str, list[str]]:
    """Of the keys that a device says it has sent, those that are not here."""
    found = {}
    for name in _KEPT:
        keys = [key for key in said.get(name) or () if isinstance(key, str)] if isinstance(said.get(name), list) else []
        model: Any = registry.get(_ENTITY[name]).model
        rows = model.objects.filter(session=session, deleted_at=None).values_list("item_key", "former_keys")
        here = {key for item, former in rows for key in (item, *former)} if keys else set()
        if lost := [key for key in keys if key not in here]:
            found[name] = lost
    return found


def living(session: UUID, name: str) -> list[Row]:
    """The rows of `points`, `geometries` or `attachments` of a session, in the order of their numbers."""
    collection = registry.get(_ENTITY[name])
    rows = collection.rows([session], by="session_id").values()
    return sorted((row for row in rows if row["deleted_at"] is None), key=lambda row: row[_ORDER[name]])


def content_hash(session: UUID) -> str:
    """SHA-256 over what devices said, in order of number, and the checksums of the media."""
    made = hashlib.sha256()
    for name in _KEPT:
        collection = registry.get(_ENTITY[name])
        for row in living(session, name):
            said = [row["id"], *(row[column] for column in collection.content), row.get("sha256")]
            made.update(orjson.dumps(said, option=orjson.OPT_SORT_KEYS, default=str))
    return made.hexdigest()


def assess(session: UUID, *, stored: bool = False) -> Assessment:
    """Judge a session as it is now. With `stored` what changed about its parcels is written (neighbours may have come
    since they were sent). Needs the session locked for that."""
    row = registry.get("session").rows([session])[session]
    points, shapes, media = (living(session, name) for name in _KEPT)
    if stored:
        _again(shapes)
    asked = Application.objects.values_list("requirements", flat=True).get(pk=row["application_id"])
    made = parcels.session_quality(row, points, shapes, media, needed=len(asked))
    kept = [entry for entry in row["findings"] if entry.get("at") == "start"]
    pending = [finding("MEDIA_PENDING")] if any(m["status"] == AttachmentStatus.PENDING for m in media) else []
    return Assessment(made.score, made.breakdown, [*kept, *made.findings, *pending])


def _again(shapes: list[Row]) -> None:
    """Hold the parcels of a session against their neighbours anew, and write the flags that changed."""
    changed = [{name: row[name] for name in ("id", "flags", "findings")} for row in parcels.reviewed(shapes)]
    if changed:
        engine.restate("geometry", changed)


def quality_refresh(session: SurveySession) -> Assessment:
    """Judge a session anew and write it, on demand. The session's lock has to be held."""
    made = assess(session.pk, stored=True)
    engine.restate(
        "session",
        [
            {
                "id": session.pk,
                "quality_score": made.score,
                "quality_breakdown": made.breakdown,
                "flags": made.flags,
                "findings": made.findings,
            }
        ],
    )
    return made
