"""Taking submissions in, one or two hundred at a time: each exactly once, the good ones kept (C40 to C46).

The unique key of organisation and `localSyncId` decides who came first: `INSERT … ON CONFLICT DO NOTHING` waits for a
twin that is on its way, and whoever comes second is answered with the stored one. Items go in in the order of their
ids, so that two batches with the same items cannot wait for each other.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
from django.db import connection
from django.utils.translation import gettext as _

from portal.collect.forms.models import FormVersion
from portal.collect.forms.selectors import compiled
from portal.collect.forms.services import document
from portal.collect.language import Schema
from portal.collect.submissions import checks, wire
from portal.collect.submissions.choices import Flag, ReviewState
from portal.collect.submissions.models import Submission
from portal.collect.submissions.targets import Wanted, targets
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, DomainError, Errors, Invalid, NotFound, TooLarge
from portal.core.common.ids import parse_uuid, uuid7
from portal.core.common.text import normalise
from portal.core.notifications.events import publish
from portal.core.projects import access
from portal.core.projects.choices import OPEN_PROJECT
from portal.core.sync.records import may
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization

BULK: Final = 200
AHEAD: Final = timedelta(minutes=5)  # how far a device's clock may run before ours
METRE: Final = 0.00001  # degrees of latitude, about
SEARCHED: Final = 2000  # characters of answers that a search looks through
_SAID: Final = ("formId", "projectId", "formVersion", "answers", "createdAt", "capturedAt", "startedAt", "latitude", "longitude", "metadata")  # fmt: skip  # noqa: E501
_COLUMNS: Final = tuple(str(column.column) for column in Submission._meta.concrete_fields)
_INSERT: Final = (
    f"INSERT INTO collect_submission ({', '.join(_COLUMNS)})"  # noqa: S608
    f" SELECT {', '.join(f'r.{name}' for name in _COLUMNS)}"
    " FROM jsonb_populate_recordset(NULL::collect_submission, %s::jsonb) r ORDER BY r.local_sync_id"
    " ON CONFLICT (organization_id, local_sync_id) DO NOTHING RETURNING id"
)


# Living and published ones: what `forms_seen` says, but for the projects that the person sees.
_FORMS: Final = (
    "SELECT f.id, f.version, f.is_active, f.mapping, f.settings, f.statistics,"
    " p.id, p.status, p.start_date, p.end_date, EXISTS (SELECT FROM collect_webhook w"
    " WHERE w.organization_id = f.organization_id AND w.form_id = f.id AND w.is_active)"
    " FROM collect_form f JOIN projects_project p ON p.id = f.project_id AND p.deleted_at IS NULL"
    " WHERE f.organization_id = %s AND f.id = ANY(%s) AND f.deleted_at IS NULL AND f.version > 0"
)


@dataclass(slots=True)
class _Form:
    """What of a form and its project decides about a submission."""

    pk: UUID
    version: int
    is_active: bool
    mapping: Any
    settings: Any
    statistics: Any
    project: UUID
    project_status: str
    start_date: datetime | None
    end_date: datetime | None
    hooked: bool

    def __post_init__(self) -> None:
        self.mapping, self.settings, self.statistics = map(orjson.loads, (self.mapping, self.settings, self.statistics))


@dataclass(slots=True)
class Item:
    """One submission of a call: what was sent, then what became of it."""

    data: Mapping[str, Any]
    local: UUID | None = None
    fingerprint: str = ""
    form: "_Form | None" = None
    row: dict[str, Any] | None = None
    stored: dict[str, Any] | None = None  # on the wire
    created: bool = False
    error: DomainError | None = None

    @property
    def open(self) -> bool:
        return self.stored is None and self.error is None


@dataclass(slots=True)
class _Context:
    by: User
    now: datetime
    zone: str
    forms: dict[UUID, _Form] = field(default_factory=dict)
    versions: set[tuple[UUID, int]] = field(default_factory=set)


def submission_create(*, data: Mapping[str, Any], by: User) -> tuple[dict[str, Any], bool]:
    """The stored submission on the wire, and False where it was there already. Raises what was wrong with it: Invalid,
    NotFound, PROJECT_CLOSED, OUTSIDE_SUBMISSION_WINDOW, LOCAL_SYNC_CONFLICT."""
    (item,) = _receive([data], by)
    if item.error is not None:
        raise item.error
    assert item.stored is not None
    if item.created:
        publish(
            "submission.created",
            entity="submission",
            id=item.stored["id"],
            data={"formId": str(item.stored["formId"]), "projectId": str(item.stored["projectId"])},
            project=item.stored["projectId"],
        )
    return item.stored, item.created


def submissions_create(*, items: Any, by: User) -> list[Item]:
    """One result each, in order; the good ones are kept. Raises Invalid for no list, TooLarge above 200."""
    if not isinstance(items, list):
        raise Invalid.field("submissions", _("Must be a list."))
    if len(items) > BULK:
        raise TooLarge(_("Send at most %(limit)d submissions at a time.") % {"limit": BULK}, meta={"limit": BULK})
    done = _receive(items, by)
    made: dict[UUID, list[dict[str, Any]]] = {}
    for item in done:
        if item.created and item.stored is not None:
            made.setdefault(item.stored["projectId"], []).append(item.stored)
    for project, rows in made.items():
        data = {
            "count": len(rows),
            "projectId": str(project),
            "formIds": sorted({str(row["formId"]) for row in rows}),
            "ids": [str(row["id"]) for row in rows[:50]],
        }
        publish("submission.bulk", entity="submission", id=None, data=data, project=project)
    return done


def _receive(items: Sequence[Any], by: User) -> list[Item]:
    may(by, "submissions.create")
    done = [Item(data if isinstance(data, dict) else {}) for data in items]
    for item in done:
        _identify(item)
    _answer_known(done, by)
    fresh = [item for item in done if item.open]
    if not fresh:
        return done
    context = _Context(by, clock.now(), zone_of(by))
    _find_forms(fresh, context)
    for item in fresh:
        try:
            _read(item, context)
        except DomainError as refusal:
            item.error = refusal
    good = [item for item in fresh if item.error is None]
    _flag_places([item for item in good if item.row])
    _insert(_one_each(good))
    _answer_known(good, by)  # of another transaction, or of a twin in this call
    made = [item for item in good if item.created]
    _create_targets(made, by)
    _notify([item for item in made if item.form and item.form.hooked])
    return done


def _identify(item: Item) -> None:
    said = item.data.get("localSyncId")
    item.local = uuid4() if said is None or said == "" else parse_uuid(said)
    if item.local is None:
        item.error = Invalid.field("localSyncId", _("Must be a UUID."))
        return
    content = {name: item.data[name] for name in _SAID if item.data.get(name) is not None}
    for name in ("formId", "projectId"):
        if isinstance(content.get(name), str):
            content[name] = content[name].lower()
    try:
        plain = orjson.dumps(content, default=float, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number beyond 64 bits, or more than 250 levels
        item.error = unstorable()
        return
    item.fingerprint = hashlib.sha256(plain).hexdigest()


def unstorable() -> Invalid:
    return Invalid.field("answers", _("A number is too large, or the answers are nested too deeply."))


def _answer_known(items: Iterable[Item], by: User) -> None:
    """Answer the items whose id is stored: with the stored one where it says the same, else with a conflict."""
    asked: dict[UUID, list[Item]] = {}
    for item in items:
        if item.open and item.local is not None:
            asked.setdefault(item.local, []).append(item)
    if not asked:
        return
    with connection.cursor() as cursor:  # past the ORM, which takes longer than the database: most ids are new
        cursor.execute(
            "SELECT id FROM collect_submission WHERE organization_id = %s AND local_sync_id = ANY(%s)",
            [scope.organization_id(), list(asked)],
        )
        known = [id for (id,) in cursor.fetchall()]
    for row in wire.plain(Submission.objects.filter(pk__in=known)) if known else ():
        for item in asked[row["local_sync_id"]]:
            _meet(item, row, by)


def _meet(item: Item, row: dict[str, Any], by: User) -> None:
    if row["deleted_at"] is not None:
        item.error = Conflict(_("A deleted record has this id."), code="DUPLICATE")
    elif row["fingerprint"] == item.fingerprint and row["submitted_by_id"] == by.pk:
        item.stored = wire.submission(row)
    else:
        mine = row["submitted_by_id"] == by.pk
        item.error = Conflict(
            _("A submission with other content has this id."),
            code="LOCAL_SYNC_CONFLICT",
            meta={
                "id": row["id"] if mine else None,
                "storedFingerprint": row["fingerprint"] if mine else None,
                "sentFingerprint": item.fingerprint,
            },
        )


def _find_forms(items: Sequence[Item], context: _Context) -> None:
    """The forms that the items name and the person sees, with their projects, in one query."""
    wanted = [id for item in items if (id := parse_uuid(item.data.get("formId")))]
    with connection.cursor() as cursor:  # past the ORM, which took half of the time of a submission
        cursor.execute(_FORMS, [scope.organization_id(), wanted])
        found = [_Form(*row) for row in cursor.fetchall()]
    seen = access.visible_projects(context.by, {form.project for form in found})
    context.forms = {form.pk: form for form in found if form.project in seen}


def _read(item: Item, context: _Context) -> None:
    """Fill `row`; raises what is wrong."""
    data, now = item.data, context.now
    item.form = form = _form(data, context)
    named = data.get("projectId")
    if named is not None and parse_uuid(named) != form.project:
        _refuse_project(named, context)
    errors = Errors()
    created = _moment(data, "createdAt" if data.get("createdAt") is not None else "capturedAt", now, errors) or now
    started = _moment(data, "startedAt", now, errors)
    latitude = _degrees(data, "latitude", 90, errors)
    longitude = _degrees(data, "longitude", 180, errors)
    metadata = document(data.get("metadata"), "metadata", errors)
    version = _version(data, form, context, errors)
    answers = data.get("answers")
    if not isinstance(answers, dict):
        errors.add("answers", _("Must be a JSON object."))
    errors.raise_any()
    assert isinstance(answers, dict)
    _refuse_closed(form, created)
    schema = compiled(form.pk, version)
    answers = checked(schema, answers, now=now, zone=context.zone)
    if latitude is None or longitude is None:
        latitude, longitude = _place(schema, answers)
    said = form.settings.get("minSeconds")
    item.row = {
        "id": uuid7(),
        "organization_id": scope.organization_id(),
        "form_id": form.pk,
        "project_id": form.project,
        "form_version": version,
        "answers": answers,
        "submitted_by_id": context.by.pk,
        "device": scope.actor().device[:200],
        "created_at": created,
        "started_at": started,
        "synced_at": now,
        "updated_at": now,
        "local_sync_id": item.local,
        "fingerprint": item.fingerprint,
        "latitude": latitude,
        "longitude": longitude,
        "metadata": metadata,
        "review_state": ReviewState.RECEIVED.value,
        "review_note": "",
        "reviewed_by_id": None,
        "reviewed_at": None,
        "flags": checks.flags(
            form=form.pk,
            version=version,
            answers=answers,
            started=started,
            captured=created,
            statistics=form.statistics,
            least_seconds=said if isinstance(said, int) else None,
        ),
        "version": 1,
        "target_kind": "",
        "target_id": None,
        "search_text": search_text(answers),
        "deleted_at": None,
        "deleted_by_id": None,
    }


def checked(schema: Schema, answers: dict[str, Any], *, now: datetime, zone: str) -> dict[str, Any]:
    """The answers as they are kept: as sent, with the server's own calculations. Raises Invalid by field and rule."""
    outcome, errors = schema.evaluate(answers, now=now, time_zone=zone), Errors()
    for fault in outcome.faults:
        errors.add(fault.field, fault.message, fault.rule, exact=True)
    errors.raise_any()
    return outcome.answers if any(item.calculation for item in schema.fields()) else answers


def _form(data: Mapping[str, Any], context: _Context) -> _Form:
    id = parse_uuid(data.get("formId"))
    if id is None:
        raise Invalid.field("formId", _("Must be a UUID."))
    form = context.forms.get(id)
    if form is None:
        raise NotFound(_("There is no such form."))
    if not form.is_active:
        raise Invalid.field("formId", _("This form takes no more submissions."))
    return form


def _refuse_project(named: object, context: _Context) -> None:
    id = parse_uuid(named)
    if id is None:
        raise Invalid.field("projectId", _("Must be a UUID."))
    access.project_for(context.by, id)
    raise Invalid.field("projectId", _("This form belongs to another project."))


def _refuse_closed(form: _Form, captured: datetime) -> None:
    """C40, C43, C44: drafts and active projects take data that was captured inside of their window."""
    if form.project_status not in OPEN_PROJECT:
        raise DomainError(_("The project is closed and takes no more submissions."), code="PROJECT_CLOSED")
    if (form.start_date and captured < form.start_date) or (form.end_date and captured > form.end_date):
        raise DomainError(
            _("The project takes submissions from %(start)s to %(end)s.")
            % {"start": clock.wire(form.start_date) or "…", "end": clock.wire(form.end_date) or "…"},
            code="OUTSIDE_SUBMISSION_WINDOW",
            meta={"startDate": clock.wire(form.start_date), "endDate": clock.wire(form.end_date)},
        )


def _version(data: Mapping[str, Any], form: _Form, context: _Context, errors: Errors) -> int:
    """The version that the answers were given to: offline devices may hold an older one."""
    said = data.get("formVersion")
    if said is None or said == form.version:
        return form.version
    if isinstance(said, bool) or not isinstance(said, int) or not 1 <= said < form.version:
        errors.add("formVersion", _("This form has no such version."))
        return form.version
    if (form.pk, said) not in context.versions:
        if not FormVersion.objects.filter(form=form.pk, version=said).exists():
            errors.add("formVersion", _("This form has no such version."))
        context.versions.add((form.pk, said))
    return said


def _moment(data: Mapping[str, Any], name: str, now: datetime, errors: Errors) -> datetime | None:
    said = data.get(name)
    if said is None:
        return None
    found = clock.parse_moment(said)
    if found is None or not 1900 <= found.year <= 2200:
        errors.add(name, _("Must be a date, or a date and time with its offset (2026-11-20T09:15:00Z)."))
    elif found > now + AHEAD:
        errors.add(name, _("This time lies in the future: check the clock of the device."))
    return found


def _degrees(data: Mapping[str, Any], name: str, limit: int, errors: Errors) -> float | None:
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -limit <= value <= limit:
        message = _("Must be a number of degrees between %(low)d and %(high)d.") % {"low": -limit, "high": limit}
        errors.add(name, message)
        return None
    return float(value)


def _place(schema: Schema, answers: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """The first geopoint that was answered."""
    for item in schema.fields():
        if item.type == "geopoint" and isinstance(point := answers.get(item.id), dict):
            return float(point["lat"]), float(point["lng"])
    return None, None


def search_text(answers: Mapping[str, Any]) -> str:
    """The texts of the answers, one spelling for what people write in several ways."""
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(answers)
    return normalise(" ".join(found)[:SEARCHED])


def _flag_places(items: Sequence[Item]) -> None:
    """Remark submissions that lie, to a metre, where another one of their form does."""
    placed: dict[tuple[UUID, float, float], list[dict[str, Any]]] = {}
    for item in items:
        row = item.row or {}
        if row.get("latitude") is not None:
            key = (row["form_id"], round(row["latitude"], 5), round(row["longitude"], 5))
            placed.setdefault(key, []).append(row)
    if not placed:
        return
    forms, latitudes, longitudes = zip(*placed, strict=True)
    # The bounds are worked out here: an index serves comparisons under row-level security, but no arithmetic.
    bounds = [[value + side * METRE / 2 for value in values] for values in (latitudes, longitudes) for side in (-1, 1)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.form, p.lat, p.lng FROM unnest(%s::uuid[], %s::float8[], %s::float8[], %s::float8[],"
            " %s::float8[], %s::float8[], %s::float8[]) p (form, lat, lng, south, north, west, east)"
            " WHERE EXISTS (SELECT FROM collect_submission s WHERE s.organization_id = %s AND s.form_id = p.form"
            " AND s.latitude BETWEEN p.south AND p.north AND s.longitude BETWEEN p.west AND p.east"
            " AND s.latitude IS NOT NULL AND s.deleted_at IS NULL)",
            [list(forms), list(latitudes), list(longitudes), *bounds, scope.organization_id()],
        )
        taken = set(cursor.fetchall())
    for key, rows in placed.items():
        for row in rows if key in taken else rows[1:]:
            row["flags"].append({"code": Flag.SAME_PLACE.value, "field": None, "value": None})


def _one_each(items: Sequence[Item]) -> list[Item]:
    """The first item of each id; the others are answered like repeats."""
    first: dict[UUID | None, Item] = {}
    for item in items:
        first.setdefault(item.local, item)
    return list(first.values())


def _insert(items: Sequence[Item]) -> None:
    if not items:
        return
    rows = orjson.dumps([item.row for item in items], default=wire.as_json).decode()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [rows])
        kept = {id for (id,) in cursor.fetchall()}
    for item in items:
        if item.row is not None and item.row["id"] in kept:
            item.created, item.stored = True, wire.submission(item.row)


def _create_targets(items: Sequence[Item], by: User) -> None:
    """What the forms' mappings say these submissions create; a refused one leaves its submission with a remark."""
    wanted: dict[str, list[tuple[Item, Wanted]]] = {}
    mappings: dict[tuple[UUID, int], dict[str, Any]] = {}
    for item in items:
        row, form = item.row, item.form
        if row is None or form is None or not (form.mapping or row["form_version"] != form.version):
            continue
        key = (form.pk, row["form_version"])
        if key not in mappings:
            mappings[key] = (
                form.mapping
                if row["form_version"] == form.version
                else FormVersion.objects.values_list("mapping", flat=True).get(
                    form=form.pk, version=row["form_version"]
                )
            )
        mapping = mappings[key]
        if mapping and mapping["target"] in targets:
            data = {name: _filled(source, row) for name, source in mapping["fields"].items()}
            made = Wanted(row["id"], row["project_id"], row["created_at"], data, row["latitude"], row["longitude"])
            wanted.setdefault(mapping["target"], []).append((item, made))
    for kind, pairs in wanted.items():
        results = targets[kind].create([entry for _item, entry in pairs], by)
        _link(kind, [(item, result) for (item, _entry), result in zip(pairs, results, strict=True)])


def _filled(source: str, row: Mapping[str, Any]) -> Any:
    """`=text` stands for itself, `@createdAt` for the time of capture, else the answer to the field of that name."""
    if source.startswith("="):
        return source[1:]
    if source == "@createdAt":
        return clock.wire(row["created_at"])
    return row["answers"].get(source)


def _link(kind: str, made: Sequence[tuple[Item, Any]]) -> None:
    rows = []
    for item, result in made:
        assert item.row is not None
        if result.id is None:
            item.row["flags"].append({"code": Flag.NOT_CREATED.value, "field": None, "value": result.refusal[:300]})
        item.row |= {"target_kind": kind if result.id else "", "target_id": result.id}
        rows.append({name: item.row[name] for name in ("id", "target_kind", "target_id", "flags")})
        item.stored = wire.submission(item.row)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE collect_submission s SET target_kind = r.target_kind, target_id = r.target_id, flags = r.flags"
            " FROM jsonb_populate_recordset(NULL::collect_submission, %s::jsonb) r WHERE s.id = r.id",
            [orjson.dumps(rows, default=wire.as_json).decode()],
        )


def _notify(items: Sequence[Item]) -> None:
    from portal.collect.submissions.webhooks import enqueue

    if items:
        enqueue(event="submission.created", submissions=[item.row["id"] for item in items if item.row])


def zone_of(by: User) -> str:
    if by.organization_id and by.organization:
        return str(by.organization.time_zone)
    return str(Organization.objects.values_list("time_zone", flat=True).get(pk=scope.organization_id()))
