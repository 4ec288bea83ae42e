"""Organisations, and numbers of their documents."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Field
from django.utils.translation import gettext_lazy as _

from portal.core.common.errors import Conflict, Errors
from portal.core.common.ids import uuid7
from portal.core.tenancy import scope, seeds
from portal.core.tenancy.models import Organization

# Settings that this program reads; apps put theirs beside them, other keys are kept as they come.
SETTINGS: Final[dict[str, tuple[Callable[[Any], bool], object]]] = {
    "accessTokenSeconds": (lambda value: _within(value, 300, 86_400), _("Enter a whole number from 300 to 86,400.")),
    "passwordMinLength": (lambda value: _within(value, 6, 128), _("Enter a whole number from 6 to 128.")),
    "passwordBreachList": (lambda value: isinstance(value, bool), _("Enter true or false.")),
}
_SETTINGS_LENGTH: Final = 16_384


def _within(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def organization_create(*, values: Mapping[str, Any]) -> Organization:
    """A new organisation, active, with what every one starts with. Only `name` is needed. Raises Invalid per field."""
    organization = _filled(Organization(), values)
    with transaction.atomic():
        organization.save()
        seeds.run()
    return organization


@transaction.atomic
def organization_update(
    *, organization: Organization, changes: Mapping[str, Any], version: int | None = None
) -> Organization:
    """Change an organisation's details. `settings` are merged: null removes a key. Raises Invalid, VERSION_CONFLICT."""
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    if version is not None and version != organization.version:
        raise Conflict(
            _("This record has been changed in the meantime."), meta={"currentVersion": organization.version}
        )
    _filled(organization, changes)
    organization.version += 1
    organization.save(update_fields=[*changes, "version", "updated_at"])
    return organization


def _default(name: str) -> Any:
    column = Organization._meta.get_field(name)
    assert isinstance(column, Field)
    return column.get_default()


def _filled(organization: Organization, values: Mapping[str, Any]) -> Organization:
    errors = Errors()
    for name, value in values.items():
        if name == "settings":
            merged = {**organization.settings, **(value or {})} if value is not None else {}
            organization.settings = {key: said for key, said in merged.items() if said is not None}
        elif isinstance(value, bool):
            setattr(organization, name, value)
        else:
            setattr(organization, name, (value or "").strip() or _default(name))
    try:
        organization.clean_fields()
    except ValidationError as refused:
        for name, texts in refused.message_dict.items():
            errors.add(name, " ".join(texts))
    for key, (holds, message) in SETTINGS.items():
        if key in organization.settings and not holds(organization.settings[key]):
            errors.add(f"settings.{key}", message)
    if len(orjson.dumps(organization.settings)) > _SETTINGS_LENGTH:
        errors.add("settings", _("These settings are too long."))
    errors.raise_any()
    return organization


def next_numbers(key: str, count: int = 1) -> range:
    """Reserve `count` consecutive numbers of the organisation in force; a rollback gives them back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tenancy_counter AS c (id, organization_id, key, value, created_at, updated_at)"
            " VALUES (%s, %s, %s, %s, now(), now())"
            " ON CONFLICT (organization_id, key) DO UPDATE SET value = c.value + excluded.value, updated_at = now()"
            " RETURNING value",
            [uuid7(), scope.organization_id(), key, count],
        )
        (last,) = cursor.fetchone()
    return range(last - count + 1, last + 1)
