"""Sessions, points and geometries as synced collections: how items are checked, and what follows from them."""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.common.text import normalise
from portal.core.geo import geometry, measures
from portal.core.geo.models import GeoUnit
from portal.core.geo.units import Place
from portal.core.notifications.events import publish
from portal.core.projects.choices import TaskStatus
from portal.core.projects.models import Task
from portal.core.sync import fields, registry
from portal.core.sync.engine import Batch, Change
from portal.core.sync.registry import Collection, Row
from portal.survey import access
from portal.survey.applications.models import Application
from portal.survey.choices import SESSION_WIRE, WRITABLE, SessionStatus
from portal.survey.flags import codes, finding
from portal.survey.sessions import parcels, parsing, tiles, wire
from portal.survey.sessions.ground import (
    Ground,
    Spot,
    deny_all,
    ground,
    judge,
    late,
    mine,
    not_active,
    refuse_bounds,
    refuse_place,
    refuse_sessions,
    session_of,
)
from portal.survey.sessions.models import SurveyGeometry, SurveyPoint, SurveySession
from portal.survey.sessions.numbers import next_number

PLACED: Final = ("governorate_id", "district_id", "sub_district_id", "neighborhood_id")
NEW_ROW: Final[Row] = {
    "created_at": None,
    "updated_at": None,
    "created_by_id": None,
    "updated_by_id": None,
    "deleted_at": None,
    "deleted_by_id": None,
    "client_updated_at": None,
    "local_sync_id": None,
}
# Set at the start of a session and not to be written again.
_FIXED: Final = ("application_id", "survey_type", "start_latitude", "start_longitude", "start_accuracy", "started_at")
_START: Final = ("startLocation.lat", "startLocation.lng")


# --- sessions ---------------------------------------------------------------------------------------------------------
def validate_sessions(batch: Batch, changes: Sequence[Change]) -> None:
    known = ground(batch)
    started = []
    for change in changes:
        current = change.current
        if current is not None and not mine(known, current):
            change.refuse("RESOURCE_NOT_FOUND", _("There is no such survey session."), "entityId")
        elif current is not None and current["status"] not in WRITABLE:
            change.refuse("SESSION_NOT_ACTIVE", not_active())
        if not change.open:
            continue
        row = _session_row(change, known)
        change.row = row
        if current is None:
            started.append(change)
        else:
            _refuse_fixed(change, row)
            if change.open and "endLocation" in change.data:
                _end(batch, change)
    _start(batch, [change for change in started if change.open])


def _session_row(change: Change, known: Ground) -> Row:
    data = change.data
    for name in ("startLocation", "endLocation"):
        data = parsing.flat(data, name, change.refuse)
    said = change.data.get("status")
    shown = SESSION_WIRE[change.current["status"]][0] if change.current else "draft"
    if said is not None and said != shown:
        message = _("The status follows from submitting and reviewing; it is not written.")
        change.refuse("ILLEGAL_TRANSITION", message, "status", allowed=(shown,))
    columns = fields.read(
        data, parsing.SESSION_FIELDS, zone=known.zone, complete=change.current is None, refuse=change.refuse
    )
    if change.current is not None:
        columns.pop("local_sync_id", None)
        return change.current | columns
    return {
        "id": change.id,
        **NEW_ROW,
        "session_number": "",
        "task_id": None,
        "surveyor_id": known.user.pk if known.user else None,
        "status": SessionStatus.DRAFT.value,
        "revision": 0,
        "declared_counts": {},
        "quality_score": None,
        "quality_breakdown": {},
        "flags": [],
        "findings": [],
        "content_hash": "",
        "submitted_at": None,
        "reviewer_id": None,
        "review_started_at": None,
        "reviewed_at": None,
        "review_reason": "",
        "search_text": "",
        **dict.fromkeys(PLACED),
        **columns,
    }


def _refuse_fixed(change: Change, row: Row) -> None:
    wires = {field.column: field.wire for field in parsing.SESSION_FIELDS.all}
    for column in _FIXED:
        if change.current is not None and row[column] != change.current[column]:
            change.refuse("VALIDATION_ERROR", _("It was set when the session began and stays."), wires[column])


def _start(batch: Batch, changes: Sequence[Change]) -> None:
    """New sessions: of an application within the areas, begun at a place within them, one open at a time."""
    known = ground(batch)
    if known.user is None:  # the program, or somebody of the platform: neither surveys
        for change in changes:
            change.refuse("PERMISSION_DENIED", _("You do not have the right to do this."))
        return
    if not changes:
        return
    wanted = {change.row["application_id"] for change in changes if change.row}
    applications = {row.pk: row for row in Application.objects.filter(pk__in=wanted, deleted_at=None)}
    _hold_openings(known.user.pk, wanted)
    opened: dict[UUID, UUID] = dict(
        SurveySession.objects.filter(
            application__in=wanted, surveyor=known.user, status__in=WRITABLE, deleted_at=None
        ).values_list("application_id", "pk")
    )
    for change in changes:
        row = change.row
        assert row is not None
        application = applications.get(row["application_id"])
        if application is None:
            change.refuse("RESOURCE_NOT_FOUND", _("There is no such application."), "applicationId")
            continue
        row |= {name: getattr(application, name) for name in PLACED}
        if not _begins_here(batch, change, application):
            continue
        if (there := opened.get(application.pk)) not in (None, change.id):
            change.refuse(
                "DUPLICATE_REQUEST",
                _("You have an open survey session for this application already."),
                "applicationId",
                details={"sessionId": str(there)},
            )
        opened[application.pk] = change.id


def _hold_openings(user: UUID, applications: Iterable[UUID]) -> None:
    keys = sorted(f"survey.open {user} {id}" for id in applications)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(k, 0)) FROM unnest(%s::text[]) k", [keys])


def _begins_here(batch: Batch, change: Change, application: Application) -> bool:
    """Bounds first (C68), then the areas (C67)."""
    known, row = ground(batch), change.row
    assert row is not None
    lon, lat = row["start_longitude"], row["start_latitude"]
    found = known.boundaries.bounds(lon, lat)
    if not found.accepted:
        refuse_bounds(change, found.message, "startLocation")
        return False
    flagged = [finding("OUTSIDE_BORDER", metres=round(found.distance))] if found.where == "border" else []
    if not known.area.everything:
        decision = known.area.start(
            lon,
            lat,
            row["start_accuracy"],
            target=application,
            parcel=(application.longitude, application.latitude),
        )
        if not decision.allowed:
            spot = Spot(change, lon, lat, row["start_accuracy"], row["started_at"])
            at = "applicationId" if decision.rule == "APPLICATION_AREA" else "startLocation"
            refuse_place(batch, spot, decision, at)
            return False
        flagged += [finding(code, metres=round(decision.distance_outside_m or 0)) for code in decision.flags]
    flagged += late(known, row["started_at"])
    row["findings"], row["flags"] = [{**entry, "at": "start"} for entry in flagged], codes(flagged)
    return True


def _end(batch: Batch, change: Change) -> None:
    """`endLocation` is checked like `startLocation`."""
    row = change.row
    if row is None or row["end_latitude"] is None or row["end_longitude"] is None:
        return
    known = ground(batch)
    found = known.boundaries.bounds(row["end_longitude"], row["end_latitude"])
    if not found.accepted:
        refuse_bounds(change, found.message, "endLocation")
        return
    spot = Spot(change, row["end_longitude"], row["end_latitude"], row["end_accuracy"], row["ended_at"])
    judge(batch, [spot], bounds=False)


# --- points -----------------------------------------------------------------------------------------------------------
def validate_points(batch: Batch, changes: Sequence[Change]) -> None:
    known = ground(batch)
    refuse_sessions(batch, changes)
    for change in changes:
        if change.open:
            change.row = _item_row(batch, change, parsing.POINT_FIELDS, {"raw": "", "quality": None})
    _refuse_numbers(SurveyPoint, "pointNumber", changes)
    ready = [change for change in changes if change.open]
    rows = [change.row for change in ready if change.row]
    found = judge(
        batch,
        [
            Spot(change, row["longitude"], row["latitude"], row["horizontal_accuracy"], row["captured_at"])
            for change, row in zip(ready, rows, strict=True)
        ],
    )
    for change, row in zip(ready, rows, strict=True):
        digits = 8 if row["gps_source"] == "external_receiver" else 7
        if "latitude" in change.data or "longitude" in change.data:
            row["raw"] = ",".join(str(change.data.get(name, row[name])) for name in ("latitude", "longitude"))[:100]
        row["latitude"], row["longitude"] = round(row["latitude"], digits), round(row["longitude"], digits)
        findings = [*found[change.id], *late(known, row["captured_at"]), *parcels.point_findings(row)]
        row["findings"], row["flags"] = findings, codes(findings)
        row["quality"] = parcels.point_quality(row)


def _item_row(batch: Batch, change: Change, known: fields.Fields, computed: Row) -> Row:
    """The row of an item as it would be written. Its units are those of its session."""
    about = ground(batch)
    columns = fields.read(change.data, known, zone=about.zone, complete=change.current is None, refuse=change.refuse)
    session = session_of(about, batch, change)
    placed = {name: session[name] for name in PLACED}
    key = change.key or change.data.get("idempotencyKey")
    if change.current is not None:
        row = change.current | columns | placed
        if isinstance(key, str) and key and key != row["item_key"] and "sessionId" in change.data:
            former = [*row["former_keys"], row["item_key"]] if row["item_key"] else row["former_keys"]
            row |= {"item_key": key, "former_keys": former[-50:]}
        return row
    return {
        "id": change.id,
        **NEW_ROW,
        "session_id": session["id"],
        "item_key": key if isinstance(key, str) else "",
        "former_keys": [],
        "flags": [],
        "findings": [],
        **computed,
        **placed,
        **columns,
    }


def _refuse_numbers(model: Any, wire_name: str, changes: Sequence[Change]) -> None:
    """A number stands once among the living items of a session, a key once among all."""
    taken: dict[tuple[UUID, int], UUID] = {}
    keyed: dict[tuple[UUID, str], UUID] = {}
    rows = [change.row for change in changes if change.open and change.row]
    if not rows:
        return
    sessions = {row["session_id"] for row in rows}
    stored = model.objects.filter(session__in=sessions)
    for session, number, id in stored.filter(deleted_at=None, number__in={row["number"] for row in rows}).values_list(
        "session_id", "number", "id"
    ):
        taken[session, number] = id
    keys = {row["item_key"] for row in rows} - {""}
    for session, key, id in stored.filter(item_key__in=keys).values_list("session_id", "item_key", "id"):
        keyed[session, key] = id
    for change in changes:
        row = change.row
        if not change.open or row is None:
            continue
        if taken.setdefault((row["session_id"], row["number"]), change.id) != change.id:
            change.refuse("DUPLICATE", _("The session has an item with this number."), wire_name)
        elif row["item_key"] and keyed.setdefault((row["session_id"], row["item_key"]), change.id) != change.id:
            change.refuse("DUPLICATE", _("The session has an item with this key."), "idempotencyKey")


# --- geometries -------------------------------------------------------------------------------------------------------
_MEASURED: Final = (
    "area", "perimeter", "length", "area_uncertainty", "west", "south", "east", "north", "cell",
)  # fmt: skip


def validate_geometries(batch: Batch, changes: Sequence[Change]) -> None:
    refuse_sessions(batch, changes)
    known = ground(batch)
    for change in changes:
        if change.open:
            change.row = _item_row(batch, change, parsing.GEOMETRY_FIELDS, dict.fromkeys(_MEASURED))
    _refuse_numbers(SurveyGeometry, "geometryNumber", changes)
    shapes: dict[UUID, Any] = {}
    found: dict[UUID, list[dict[str, Any]]] = {}
    for change in changes:
        if change.open and change.row is not None:
            _check_shape(change, change.row, known, shapes, found)
    _judge_shapes(batch, [change for change in changes if change.open], found)
    kept = [change for change in changes if change.open]
    accuracies = parcels.accuracies({c.row["session_id"] for c in kept if c.row}) if kept else {}
    for change in kept:
        row = change.row
        assert row is not None
        _measure(row, shapes.get(change.id), accuracies, found[change.id])
    parcels.topology_of({c.id: c.row for c in kept if c.row}, shapes, found)
    for change in kept:
        assert change.row is not None
        change.row["findings"], change.row["flags"] = found[change.id], codes(found[change.id])


def _check_shape(
    change: Change, row: Row, known: Ground, shapes: dict[UUID, Any], found: dict[UUID, list[dict[str, Any]]]
) -> None:
    checked = geometry.check(
        row["geometry_type"],
        row["coordinates"],
        is_closed=row["is_closed"],
        is_complete=row["is_complete"],
        accuracy=row["accuracy"],
        boundaries=known.boundaries,
    )
    for fault in checked.errors:
        if fault.code == geometry.BOUNDS:
            refuse_bounds(change, fault.message, fault.path or "coordinates")
        else:
            details = {"at": fault.at, "suggestion": checked.suggestion}
            told = {name: value for name, value in details.items() if value is not None}
            change.refuse(fault.code, fault.message, fault.path or "coordinates", details=told or None)
    if not change.open:
        return
    row["coordinates"] = checked.coordinates
    found[change.id] = [finding(code) for code in checked.flags]
    if checked.shape is None:
        found[change.id].append(finding("INCOMPLETE"))
    else:
        shapes[change.id] = checked.shape


def _judge_shapes(batch: Batch, changes: Sequence[Change], found: dict[UUID, list[dict[str, Any]]]) -> None:
    """Every corner within the areas; a shape with several outside of them is refused once."""
    spots = []
    for change in changes:
        row = change.row
        assert row is not None
        corners = np.array(_corners(row["coordinates"]))
        west, south = corners.min(axis=0)
        east, north = corners.max(axis=0)
        row |= {"west": west.item(), "south": south.item(), "east": east.item(), "north": north.item()}
        row["cell"] = tiles.tile_of((row["west"], row["south"], row["east"], row["north"]))
        at = row["completed_at"] or row["started_at"]
        spots += [Spot(change, x, y, row["accuracy"], at) for x, y in corners.tolist()]
    for id, flagged in judge(batch, spots, bounds=False).items():
        # the accuracy of corners is told by the points: a shape without one is not flagged for it
        found[id] += [entry for entry in flagged if entry["code"] != "LOW_ACCURACY"]


def _corners(coordinates: Any) -> list[list[float]]:
    if isinstance(coordinates[0], int | float):
        return [coordinates]
    return [corner for part in coordinates for corner in _corners(part)]


def _measure(row: Row, shape: Any, accuracies: dict[UUID, float], found: list[dict[str, Any]]) -> None:
    row |= dict.fromkeys(("area", "perimeter", "length", "area_uncertainty"))
    if shape is None:
        return
    made = measures.measure(shape)
    row |= {"area": made.area, "perimeter": made.perimeter, "length": made.length}
    accuracy = row["accuracy"] if row["accuracy"] is not None else accuracies.get(row["session_id"])
    if made.area is not None and accuracy is not None:
        row["area_uncertainty"] = measures.area_uncertainty(shape, accuracy)
    found += parcels.area_findings(row)


def validate_deletions(batch: Batch, changes: Sequence[Change]) -> None:
    """Of one's own sessions while they take data; a session itself only while it is empty."""
    known = ground(batch)
    for change in changes:
        assert change.current is not None
        whole = change.entity == "session"
        session = change.current if whole else known.sessions.get(change.current["session_id"])
        if session is None or not mine(known, session):
            change.refuse("RESOURCE_NOT_FOUND", _("There is no such record."), "entityId")
        elif session["status"] not in WRITABLE:
            change.refuse("SESSION_NOT_ACTIVE", not_active(), "entityId")
        elif whole and session["status"] != SessionStatus.DRAFT:
            change.refuse("SESSION_NOT_ACTIVE", _("A session that holds data is not deleted."), "entityId")


# --- what follows -----------------------------------------------------------------------------------------------------
def derive(batch: Batch) -> None:
    """Numbers of new sessions, the state that the first item gives, the tasks; and the refusals that are kept."""
    if not any(batch.of(entity) for entity in ("session", "point", "geometry", "attachment")):
        return
    deny_all(batch)
    _number(batch)
    _activate(batch)
    _work(batch)


def _number(batch: Batch) -> None:
    new = [row for id, row in batch.writes["session"].items() if id not in batch.before["session"]]
    if not new:
        return
    wanted = {row["governorate_id"] for row in new} - {None}
    letters = dict(GeoUnit.objects.filter(pk__in=wanted).values_list("pk", "iso_code"))
    names = dict(
        Application.objects.filter(pk__in={row["application_id"] for row in new}).values_list("pk", "search_text")
    )
    for row in new:
        row["session_number"] = next_number(
            governorate=letters.get(row["governorate_id"], ""), survey_type=row["survey_type"], at=batch.received
        )
        number = row["session_number"]
        words = (normalise(number), number.replace("-", "").lower(), names[row["application_id"]])
        row["search_text"] = "\n".join(words)


def _activate(batch: Batch) -> None:
    """The first accepted item makes a draft active."""
    filled = {
        row["session_id"]
        for entity in ("point", "geometry", "attachment")
        for id, row in batch.writes[entity].items()
        if id not in batch.before[entity]
    }
    known = ground(batch)
    for id in filled:
        planned = batch.writes["session"].get(id)
        row = planned or dict(known.sessions[id])
        if row["status"] == SessionStatus.DRAFT:
            row["status"] = SessionStatus.ACTIVE.value
            if planned is None:
                batch.write("session", row, known.sessions[id])


def _work(batch: Batch) -> None:
    """A new session puts the surveyor's task of its application to work."""
    new = [row for id, row in batch.writes["session"].items() if id not in batch.before["session"]]
    if not new:
        return
    rows = Task.objects.filter(
        dispatch__application__in={row["application_id"] for row in new},
        assigned_to__in={row["surveyor_id"] for row in new},
        deleted_at=None,
    ).exclude(status=TaskStatus.CANCELLED)
    of = {
        (application, person): id
        for application, person, id in rows.order_by("created_at", "id").values_list(
            "dispatch__application_id", "assigned_to_id", "pk"
        )
    }
    for row in new:
        row["task_id"] = of.get((row["application_id"], row["surveyor_id"]))
    stored = registry.get("task").rows({row["task_id"] for row in new} - {None})
    for id, task in stored.items():
        if task["status"] in (TaskStatus.PENDING, TaskStatus.ASSIGNED) and id not in batch.writes["task"]:
            batch.write("task", task | {"status": TaskStatus.IN_PROGRESS.value}, task)


def announce(batch: Batch) -> None:
    """Live events, one per kind and session."""
    for id, row in batch.writes.get("session", {}).items():
        if id not in batch.before["session"]:
            data = {"sessionNumber": row["session_number"], "surveyorId": str(row["surveyor_id"])}
            publish("session.started", entity="session", id=id, data=data)
    for entity, kind in (("point", "points.uploaded"), ("geometry", "geometries.uploaded")):
        counts: dict[UUID, int] = {}
        for row in batch.writes.get(entity, {}).values():
            counts[row["session_id"]] = counts.get(row["session_id"], 0) + 1
        for session, count in counts.items():
            publish(kind, entity="session", id=session, data={"count": count})


def place_of(row: Row) -> Place:
    return Place(row["governorate_id"], row["district_id"], row["sub_district_id"], None)


def _register(entity: str, plural: str, label: Any, model: Any, order: int, known: fields.Fields, **more: Any) -> None:
    registry.register(
        Collection(
            entity=entity,
            plural=plural,
            label=label,
            model=model,
            order=order,
            view="sessions.view",
            edit="sessions.capture",
            delete="sessions.capture",
            content=tuple(field.column for field in known.all if field.column != "local_sync_id"),
            visible=lambda user, ids: access.visible(model, user, ids),
            reach=access.digest,
            validate_deletions=validate_deletions,
            **more,
        )
    )


def register() -> None:
    nothing: Any = lambda batch: None  # noqa: E731
    _register(
        "session", "sessions", gettext_lazy("Survey session"), SurveySession, 20, parsing.SESSION_FIELDS,
        validate=validate_sessions, derive=derive, wire=wire.sessions, announce=announce,
    )  # fmt: skip
    _register(
        "point", "points", gettext_lazy("Survey point"), SurveyPoint, 21, parsing.POINT_FIELDS,
        validate=validate_points, derive=nothing, wire=wire.points, announce=nothing,
    )  # fmt: skip
    _register(
        "geometry", "geometries", gettext_lazy("Survey geometry"), SurveyGeometry, 22, parsing.GEOMETRY_FIELDS,
        validate=validate_geometries, derive=nothing, wire=wire.geometries, announce=nothing,
    )  # fmt: skip
