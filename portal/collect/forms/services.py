"""Writing forms: drafts, publishing with its check against stored answers, settings.

`data` is the wire's: camelCase, absent fields stay as they are, null clears.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Func, Value
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.collect.forms import selectors
from portal.collect.forms.models import Form, FormVersion
from portal.collect.language import Field, Schema, read_schema
from portal.collect.submissions.models import Submission
from portal.collect.submissions.targets import targets
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Errors, Invalid
from portal.core.common.ids import parse_uuid
from portal.core.common.text import normalise
from portal.core.projects import access
from portal.core.sync.records import may, to_restore
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization

METADATA_LENGTH: Final = 65_536
EXAMPLES: Final = 5  # ids of submissions that a check names for each rule


@transaction.atomic
def form_create(*, data: Mapping[str, Any], by: User) -> Form:
    """A new form, published as version 1; with `publish: false` a draft. Raises Invalid naming the field, NotFound for
    a project out of sight."""
    may(by, "forms.edit")
    project = parse_uuid(data.get("projectId"))
    if project is None:
        raise Invalid.field("projectId", _("Must be a UUID."))
    form = Form(
        organization_id=scope.organization_id(), project=access.project_for(by, project), version=0, created_by=by
    )
    if "name" not in data:
        raise Invalid.field("name", _("This field is required."))
    _take(form, data)
    text, schema = _schema(data.get("schema"))
    if data.get("publish") is False:
        form.draft = text
        form.save()
        return form
    form.save(force_insert=True)
    _publish(form, text, schema, by)
    return form


@transaction.atomic
def form_update(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> Form:
    """Another `schema` or `mapping` is published as the next version. Raises Invalid, VERSION_CONFLICT,
    SCHEMA_BREAKS_DATA (without `confirm`), NotFound."""
    form = _held(id, by, version)
    _take(form, data)
    if "schema" in data:
        text, schema = _schema(data["schema"])
        if data.get("publish") is False:
            form.draft = text
        elif not form.published or orjson.loads(text) != form.schema:
            _refuse_breaking(form, schema, confirmed=data.get("confirm") is True)
            _publish(form, text, schema, by)
            return form
    if "mapping" in data and form.published:
        last = FormVersion.objects.get(form=form, version=form.version)
        if last.mapping != form.mapping:
            _publish(form, form.schema_text, selectors.compiled(form.pk, form.version), by)
            return form
    form.save()
    return form


def draft_hold(*, id: UUID, by: User) -> Form:
    """The form, locked until the transaction ends, so that each step on its draft begins with what the one before it
    left: a field that is kept while its row is moved, or two people at one form. Raises NotFound."""
    return _held(id, by, None)


@transaction.atomic
def draft_save(*, id: UUID, schema: Any, by: User) -> Form:
    """Keep a schema that is being worked on beside the published one. Raises Invalid, NotFound."""
    return form_update(id=id, data={"schema": schema, "publish": False}, by=by)


@transaction.atomic
def draft_discard(*, id: UUID, by: User) -> Form:
    form = _held(id, by, None)
    if form.published:
        form.draft = ""
        form.save(update_fields=["draft", "updated_at"])
    return form


@transaction.atomic
def form_publish(*, id: UUID, by: User, confirm: bool = False) -> Form:
    """Publish the draft as the next version. Raises Invalid where there is none, SCHEMA_BREAKS_DATA, NotFound."""
    form = _held(id, by, None)
    if not form.draft:
        raise Invalid.field("draft", _("There is no draft to publish."))
    return form_update(id=id, data={"schema": form.draft, "confirm": confirm}, by=by)


@transaction.atomic
def form_copy(*, id: UUID, by: User, project: UUID | None = None, name: str = "") -> Form:
    """A draft with the same schema. Raises NotFound."""
    may(by, "forms.edit")
    source = selectors.form_for(by, id)
    return form_create(
        data={
            "projectId": str(project or source.project_id),
            "name": (name or _("Copy of %(name)s") % {"name": source.name})[:200],
            "description": source.description,
            "schema": source.draft or source.schema_text,
            "metadata": source.metadata,
            "settings": source.settings,
            "mapping": source.mapping,
            "publish": False,
        },
        by=by,
    )


@transaction.atomic
def form_delete(*, id: UUID, by: User) -> None:
    """Soft; its submissions stay readable."""
    may(by, "forms.delete")
    form = selectors.form_for(by, id)
    form.deleted_at, form.deleted_by = clock.now(), by
    form.save(update_fields=["deleted_at", "deleted_by", "updated_at"])


@transaction.atomic
def form_restore(*, id: UUID, by: User) -> Form:
    """Raises Denied, NotFound, also while its project is deleted."""
    form = to_restore(selectors.forms_seen(by, deleted=True), id=id, by=by, right="forms.delete")
    form.deleted_at = form.deleted_by = None
    form.save(update_fields=["deleted_at", "deleted_by", "updated_at"])
    return form


def form_check(*, form: Form, schema: Any) -> dict[str, Any]:
    """What stored submissions would say to another schema: `{wouldFail, byField: [{field, rule, count, sampleIds}]}`,
    most frequent first. Reads every submission of the form. Raises Invalid for a schema that is none."""
    _text, other = _schema(schema)
    failing, found = 0, defaultdict[tuple[str, str], list[UUID]](list)
    counts = defaultdict[tuple[str, str], int](int)
    now, zone = clock.now(), _zone()
    for id, answers in _answers(form):
        faults = {(fault.field, fault.rule) for fault in other.check(answers, now=now, time_zone=zone)}
        failing += bool(faults)
        for key in faults:
            counts[key] += 1
            if len(found[key]) < EXAMPLES:
                found[key].append(id)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    by_field = [
        {"field": field, "rule": rule, "count": count, "sampleIds": found[field, rule]}
        for (field, rule), count in ordered
    ]
    return {"wouldFail": failing, "byField": by_field}


def _answers(form: Form) -> Iterator[tuple[UUID, dict[str, Any]]]:
    rows = Submission.objects.filter(form=form, deleted_at=None).order_by("-created_at", "-id")
    yield from rows.values_list("pk", "answers").iterator(chunk_size=1000)


def _held(id: UUID, by: User, version: int | None) -> Form:
    """The form, locked, for whoever may change it."""
    may(by, "forms.edit")
    seen = selectors.form_for(by, id)
    form = Form.objects.select_for_update(no_key=True).get(pk=seen.pk)
    if version is not None and version != form.version:
        raise Conflict(_("Somebody else has changed this record in the meantime."), meta={"version": form.version})
    return form


def _publish(form: Form, text: str, schema: Schema, by: User) -> None:
    form.version += 1
    form.schema, form.schema_text, form.draft = orjson.loads(text), text, ""
    form.published_at = clock.now()
    form.languages = schema.languages
    form.save()
    FormVersion.objects.create(
        organization_id=form.organization_id,
        form=form,
        version=form.version,
        schema=form.schema,
        schema_text=text,
        mapping=form.mapping,
        published_by=by,
    )


def _refuse_breaking(form: Form, schema: Schema, *, confirmed: bool) -> None:
    """A field that is gone or of another type, and was answered, needs a confirmation."""
    if confirmed or not form.published:
        return
    kept = {field.id: (field.type, field.repeat) for field in schema.fields()}
    old = selectors.compiled(form.pk, form.version)
    gone = [field for field in old.fields() if field.answers and kept.get(field.id) != (field.type, field.repeat)]
    broken = {field.id: count for field in gone if (count := _answered(form, field))}
    if broken:
        said = ", ".join(
            ngettext("%(field)s (%(count)d submission)", "%(field)s (%(count)d submissions)", count)
            % {"field": path, "count": count}
            for path, count in broken.items()
        )
        raise Conflict(
            _("Stored answers would be left without their field: %(fields)s. Send confirm to publish all the same.")
            % {"fields": said},
            code="SCHEMA_BREAKS_DATA",
            meta={"fields": [{"field": path, "count": count} for path, count in broken.items()]},
        )


def _answered(form: Form, field: Field) -> int:
    """How many submissions answer a field; a path steps into repeats by itself (lax mode of jsonpath)."""
    steps = "".join(f'."{step}"' for step in field.path.split("."))
    path = f'${steps} ? (@.type() == "object" || (@ != null && @ != ""))'
    answered = Func("answers", Value(path), template="jsonb_path_exists(%(expressions)s::jsonpath)")
    rows = Submission.objects.alias(answered=ExpressionWrapper(answered, BooleanField()))
    return rows.filter(form=form, deleted_at=None, answered=True).count()


def _take(form: Form, data: Mapping[str, Any]) -> None:
    """Everything but the schema."""
    errors = Errors()
    if "name" in data:
        name = data["name"].strip() if isinstance(data["name"], str) else ""
        if not name or len(name) > 200:
            errors.add("name", _("Enter a name of at most %(limit)d characters.") % {"limit": 200})
        form.name = name
    if "description" in data:
        form.description = str(data["description"] or "")[:20_000]
    if "isActive" in data:
        if not isinstance(data["isActive"], bool):
            errors.add("isActive", _("Must be true or false."))
        else:
            form.is_active = data["isActive"]
    if "metadata" in data:
        form.metadata = document(data["metadata"], "metadata", errors)
    if "settings" in data:
        form.settings = _settings(data["settings"] or {}, errors)
    if "mapping" in data:
        form.mapping = _mapping(data["mapping"] or {}, errors)
    errors.raise_any()
    form.search_text = normalise(f"{form.name}\n{form.description[:2000]}")


def document(value: Any, name: str, errors: Errors) -> str | None:
    """JSON as text from what a client sent: a value, or text that is JSON already; None clears."""
    if value is None:
        return None
    try:
        text = value if isinstance(value, str) else orjson.dumps(value, default=float).decode()
        orjson.loads(text)
    except (ValueError, TypeError):
        errors.add(name, _("Must be JSON."))
        return None
    if len(text) > METADATA_LENGTH:
        errors.add(name, _("Must have at most %(limit)d characters.") % {"limit": METADATA_LENGTH})
    return text


def _settings(value: Any, errors: Errors) -> dict[str, Any]:
    if not isinstance(value, dict):
        errors.add("settings", _("Must be a JSON object."))
        return {}
    seconds = value.get("minSeconds")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0):
        errors.add("settings.minSeconds", _("Enter a whole number."))
    return dict(value)


def _mapping(value: Any, errors: Errors) -> dict[str, Any]:
    """What submissions create: `{target, fields: {target's field: form's field, or "=text"}}`."""
    if value == {}:
        return {}
    if not isinstance(value, dict) or value.get("target") not in targets or not isinstance(value.get("fields"), dict):
        errors.add("mapping", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(sorted(targets))})
        return {}
    known = targets[value["target"]].fields.keys()
    for name in value["fields"].keys() - known:
        errors.add(f"mapping.fields.{name}", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(sorted(known))})
    return {"target": value["target"], "fields": {k: str(v) for k, v in value["fields"].items()}}


def _schema(value: Any) -> tuple[str, Schema]:
    """The schema as text, as it was sent, and compiled. Raises Invalid naming the field."""
    if value is None or isinstance(value, bool | int | float | list):
        raise Invalid.field("schema", _("Must be a JSON object."))
    schema = read_schema(value)
    return (value if isinstance(value, str) else orjson.dumps(value, default=float).decode()), schema


def _zone() -> str:
    return str(Organization.objects.values_list("time_zone", flat=True).get(pk=scope.organization_id()))
