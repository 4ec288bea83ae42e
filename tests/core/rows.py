"""One row of any model, so that a rule can be shown to hold for every table."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.db import models

from portal.core.common import clock
from portal.core.tenancy.checks import UNLOCKED
from portal.core.tenancy.models import Organization

_VALUES: dict[type, Any] = {
    models.BinaryField: b"x",
    models.BooleanField: True,
    models.DateTimeField: clock.now,
    models.DateField: lambda: clock.now().date(),
    models.DecimalField: Decimal(1),
    models.FloatField: 1.0,
    models.GenericIPAddressField: "192.0.2.1",
    models.IntegerField: 1,
    models.JSONField: dict,
    models.UUIDField: uuid4,
}


def tenant_models() -> list[type[models.Model]]:
    """Every model whose rows belong to an organisation and whose table is locked."""
    return [
        model
        for model in apps.get_models()
        if organization_column(model) and model._meta.managed and model._meta.label not in UNLOCKED
    ]


def organization_column(model: type[models.Model]) -> str | None:
    if model is Organization:
        return "id"
    return "organization_id" if "organization_id" in {f.attname for f in model._meta.concrete_fields} else None


def row(model: type[models.Model], organization: Organization, made: dict[Any, models.Model] | None = None) -> Any:
    """An unsaved row of `organization` with all that it needs saved; call it in a platform scope."""
    made = {} if made is None else made
    if model is Organization:
        return Organization(name="C")
    values: dict[str, Any] = {}
    for column in model._meta.concrete_fields:
        if column.attname == "organization_id":
            values["organization_id"] = organization.pk
        elif isinstance(column, models.ForeignKey):
            if not column.null:
                parent = column.related_model
                if parent not in made:
                    made[parent] = row(parent, organization, made)
                    made[parent].save()
                values[column.name] = made[parent]
        elif not (column.null or column.has_default() or column.auto_created or getattr(column, "auto_now", False)):
            values[column.name] = _value(column)
    return model(**values)


def _value(column: Any) -> Any:
    if column.choices:
        return next(value for value, _ in column.flatchoices)
    for kind, value in _VALUES.items():
        if isinstance(column, kind):
            return value() if callable(value) else value
    return f"{uuid4()}"[: min(column.max_length or 30, 30)]
