"""Audit entries in the reader's words: translated field names, old beside new, records and people by name."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.core.audit.models import Action, AuditEntry
from portal.core.audit.security import TYPES
from portal.core.audit.selectors import wire_name
from portal.ui.templatetags.marsad import EMPTY, icon, localdate, localdatetime, ltr

_LONG = 200  # characters
# Written by the machinery beside the change itself; a reader of a diff finds them under "technical fields".
_NOTHING: tuple[Any, ...] = (None, "", [], {})
TECHNICAL = frozenset(
    {"created_by_id", "updated_by_id", "client_updated_at", "local_sync_id", "deleted_at", "deleted_by_id", "verdicts"}
    | {"normalized_value", "normalized_unit", "value", "censoring_limit", "sample_id"}
)
# Entities whose entries no model's triggers write.
_ENTITIES: dict[str, str | Promise] = {"audit": gettext_lazy("Audit log"), "export": gettext_lazy("Export")}
_FIELDS: dict[str, str | Promise] = {
    "format": gettext_lazy("format"),
    "rows": gettext_lazy("rows"),
    "filters": gettext_lazy("filters"),
    "value": gettext_lazy("value as a number"),
    "censoring_limit": gettext_lazy("censoring limit"),
    "normalized_value": gettext_lazy("normalised value"),
    "normalized_unit": gettext_lazy("normalised unit"),
    "compliance_status": gettext_lazy("compliance"),
    "verdicts": gettext_lazy("verdicts"),
    "organization_id": gettext_lazy("organisation"),
    "mode": gettext_lazy("mode"),
    "checked": gettext_lazy("checked"),
    "entries": gettext_lazy("entries"),
    "keepDays": gettext_lazy("keep (days)"),
    "policy": gettext_lazy("retention policy"),
    "subject": gettext_lazy("concerns"),
    "part": gettext_lazy("what was erased"),
    "digest": gettext_lazy("digest of the entries"),
    "archive": gettext_lazy("archive"),
    "accepted_by_id": gettext_lazy("accepted by"),
    "acknowledged_at": gettext_lazy("Acknowledged"),
    "acknowledged_by_id": gettext_lazy("acknowledged by"),
    "generated_by_id": gettext_lazy("Issued by"),
    "latitude": gettext_lazy("latitude"),
    "link": gettext_lazy("Link"),
    "longitude": gettext_lazy("longitude"),
    "password": gettext_lazy("Password"),
    "resolved_at": gettext_lazy("resolved at"),
    "resolved_by_id": gettext_lazy("resolved by"),
    "sent_at": gettext_lazy("Sent"),
    "user_name": gettext_lazy("person"),
}
# The doors that changes come through.
_DOORS: dict[str, str | Promise] = {
    "portal": gettext_lazy("portal"),
    "api": gettext_lazy("API"),
    "sync": gettext_lazy("synchronisation"),
    "system": gettext_lazy("system"),
    "job": gettext_lazy("background work"),
    "demo": gettext_lazy("demonstration data"),
    "socket": gettext_lazy("live connection"),
}
# Action -> (Tabler colour, icon). The word stands beside it.
_LOOKS = {
    Action.CREATE: ("green", "plus"),
    Action.RESTORE: ("green", "arrow-back-up"),
    Action.UPDATE: ("secondary", "pencil"),
    Action.DELETE: ("red", "trash"),
    Action.ERASE: ("red", "trash"),
    Action.LOGIN_FAILED: ("orange", "lock"),
    Action.DENIED: ("orange", "lock"),
    Action.EXPORT: ("yellow", "download"),
    Action.DOWNLOAD: ("yellow", "download"),
    Action.LOGIN: ("secondary", "login"),
    Action.LOGOUT: ("secondary", "logout"),
    Action.CONFLICT_LOST: ("orange", "git-compare"),
    Action.CONFLICT_RESOLVED: ("orange", "git-merge"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    label: str
    old: SafeString
    new: SafeString
    technical: bool


@dataclass(frozen=True, slots=True)
class Told:
    """An entry with its differences, ready for a template."""

    entry: AuditEntry
    action: str
    colour: str
    icon: str
    entity: str
    label: str
    via: str
    differences: list[Difference]

    @property
    def plain(self) -> list[Difference]:
        return [difference for difference in self.differences if not difference.technical]

    @property
    def technical(self) -> list[Difference]:
        return [difference for difference in self.differences if difference.technical]


@lru_cache(maxsize=1)
def audited() -> dict[str, list[type[models.Model]]]:
    """The models behind each entity name, the one that gives the entity its name first."""
    found: dict[str, list[type[models.Model]]] = defaultdict(list)
    for model in apps.get_models():
        if hasattr(model, "audit_entity"):
            found[model.audit_entity].append(model)
    for entity, group in found.items():
        group.sort(key=lambda model: model._meta.model_name != entity)
    return dict(found)


def entity_name(entity: str) -> str:
    group = audited().get(entity)
    model = group[0] if group else _by_name().get(entity)
    return capfirst(str(model._meta.verbose_name if model else _ENTITIES.get(entity, entity)))


@lru_cache(maxsize=1)
def _by_name() -> dict[str, type[models.Model]]:
    """Every model by its plain name: a list of any of them can be exported."""
    return {str(model._meta.model_name): model for model in apps.get_models()}


def record_name(entry: AuditEntry) -> str:
    """What the log calls the record; a conflict is called by the kind of record it is about, an event by its type."""
    if entry.entity == "conflict":
        return entity_name(entry.object_repr)
    return (
        str(TYPES.get(entry.object_repr, entry.object_repr)) if entry.entity == "security_event" else entry.object_repr
    )


def action_badge(action: Action) -> SafeString:
    colour, name = _LOOKS.get(action, ("secondary", "history"))
    return format_html(
        '<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(name), capfirst(str(action.label))
    )


def door(via: str) -> str:
    """The name of the way that a change came in."""
    return str(_DOORS.get(via, via))


def entity_choices() -> list[tuple[str, str]]:
    return sorted(((entity, entity_name(entity)) for entity in audited()), key=lambda pair: pair[1])


def field_name(model: type[models.Model] | None, column: str) -> str:
    """The translated name of a column, else its name on the wire."""
    if column in _FIELDS:
        return capfirst(str(_FIELDS[column]))
    field = _field(model, column)
    if field is None or _nameless(field):
        return wire_name(column)
    named = field.related_model._meta if _made_up(field) else field  # what has no name of its own is called by its kind
    return capfirst(str(named.verbose_name))


def _made_up(field: Any) -> bool:
    """Whether Django made the name from that of the column: then it is English and means little to people."""
    return isinstance(field.verbose_name, str) and field.verbose_name == field.name.replace("_", " ")


def _nameless(field: Any) -> bool:
    return _made_up(field) and isinstance(getattr(field.related_model, "_meta", field).verbose_name, str)


def tell(entries: Iterable[AuditEntry], *, labels: Mapping[str, str] | None = None) -> list[Told]:
    """Describe a page of entries; records that they refer to are named with one query per model. `labels` gives
    records a better name than the log keeps, by their id."""
    entries = list(entries)
    pairs = [(_model(entry), _pairs(entry)) for entry in entries]
    names = _names(pairs)
    told = []
    for entry, (model, changes) in zip(entries, pairs, strict=True):
        action = Action(entry.action)
        colour, picture = _LOOKS.get(action, ("secondary", "history"))
        differences = [
            _difference(model, column, old, new, names)
            for column, (old, new) in changes.items()
            if not (old in _NOTHING and new in _NOTHING)
        ]
        label = (labels or {}).get(entry.object_pk) or record_name(entry)
        told.append(
            Told(
                entry=entry,
                action=capfirst(str(action.label)),
                colour=colour,
                icon=picture,
                entity=entity_name(entry.entity),
                label=label,
                via=door(entry.via),
                differences=differences,
            )
        )
    return told


def compare(model: type[models.Model], pairs: Mapping[str, tuple[Any, Any]]) -> dict[str, Difference]:
    """Two versions of a record in the reader's words, by column."""
    names = _names([(model, pairs)])
    return {column: _difference(model, column, old, new, names) for column, (old, new) in pairs.items()}


def _difference(
    model: type[models.Model] | None,
    column: str,
    old: Any,
    new: Any,
    names: Mapping[tuple[type[models.Model], str], str],
) -> Difference:
    field = _field(model, column)
    label = field_name(model, column)
    technical = column in TECHNICAL
    if field is not None and column not in _FIELDS and _nameless(field):
        label, technical = format_html('<code dir="ltr">{}</code>', label), True
    return Difference(label, _shown(field, old, names), _shown(field, new, names), technical)


def _model(entry: AuditEntry) -> type[models.Model] | None:
    if entry.content_type_id is not None:
        return ContentType.objects.get_for_id(entry.content_type_id).model_class()
    return next(iter(audited().get(entry.entity, [])), None)


def _pairs(entry: AuditEntry) -> dict[str, tuple[Any, Any]]:
    """Column -> (old, new); of a create only the new value is known, of a delete only the old one."""
    changes: Mapping[str, Any] = entry.changes or {}
    match Action(entry.action):
        case Action.CREATE | Action.RESTORE:
            return {column: (None, value) for column, value in changes.items()}
        case Action.DELETE | Action.CONFLICT_LOST:
            return {column: (value, None) for column, value in changes.items()}
        case Action.UPDATE:
            return {column: (value[0], value[1]) for column, value in changes.items() if isinstance(value, list)}
        case _:
            return {column: (None, value) for column, value in changes.items()}


@lru_cache(maxsize=2048)
def _field(model: type[models.Model] | None, column: str) -> Any:
    if model is None:
        return None
    try:
        return model._meta.get_field(column)
    except FieldDoesNotExist:
        return next((field for field in model._meta.concrete_fields if field.attname == column), None)


def _names(
    pairs: Sequence[tuple[type[models.Model] | None, Mapping[str, tuple[Any, Any]]]],
) -> dict[tuple[type[models.Model], str], str]:
    wanted: dict[type[models.Model], set[str]] = defaultdict(set)
    for model, changes in pairs:
        for column, values in changes.items():
            field = _field(model, column)
            if isinstance(field, models.ForeignKey):
                wanted[field.related_model].update(str(value) for value in values if value)
    names = {}
    for model, keys in wanted.items():
        try:
            rows = model._base_manager.filter(pk__in=keys)  # row-level security keeps to the organisation
            names.update({(model, str(row.pk)): str(row) for row in rows})
        except (ValidationError, ValueError):  # a key that is none, in an entry written by hand
            continue
    return names


def _shown(field: Any, value: Any, names: Mapping[tuple[type[models.Model], str], str]) -> SafeString:
    if value in _NOTHING:
        return EMPTY
    if isinstance(value, bool):
        return format_html("{}", _("Yes") if value else _("No"))
    if isinstance(field, models.ForeignKey):
        name = names.get((field.related_model, str(value)))
        return format_html('<span dir="auto">{}</span>', name) if name else _short_id(str(value))
    if field is not None and getattr(field, "choices", None):
        return format_html("{}", dict(field.flatchoices).get(value, value))
    if isinstance(value, list) and not any(isinstance(one, list | dict) for one in value):
        return format_html('<span dir="auto" translate="no">{}</span>', ", ".join(map(str, value)))
    if isinstance(value, list | dict):
        return _folded(value)
    if isinstance(field, models.DateField) and isinstance(value, str):
        return _moment(field, value)
    if isinstance(value, int | float) or isinstance(field, models.DecimalField):
        return _number(value)
    return format_html('<span dir="auto" translate="no">{}</span>', value)


def _folded(value: list[Any] | dict[str, Any]) -> SafeString:
    """What has parts, as it is stored; a long one unfolds."""
    text = format_html('<code dir="ltr" class="trail-json">{}</code>', json.dumps(value, ensure_ascii=False))
    if len(text) < _LONG:
        return text
    words = ngettext("%(number)s value", "%(number)s values", len(value)) % {"number": ltr(len(value))}
    mark = icon("chevron-right", css="why-mark")
    return format_html('<details class="trail-more"><summary>{}{}</summary>{}</details>', mark, mark_safe(words), text)  # noqa: S308  a word of the catalogue around a number


def _short_id(value: str) -> SafeString:
    return format_html('<code dir="ltr" title="{}">…{}</code>', value, value[-8:])


def _moment(field: "models.DateField[Any, Any]", value: str) -> SafeString:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return ltr(value)
    return localdatetime(moment) if isinstance(field, models.DateTimeField) else localdate(moment.date())


def _number(value: Any) -> SafeString:
    """Without the zeros that a fixed scale of the column adds."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return ltr(value)
    whole = number.to_integral_value()
    return ltr(f"{whole if whole == number else number.normalize():f}")
