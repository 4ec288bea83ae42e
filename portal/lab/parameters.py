"""An organisation's own parameters, and its own plausible ranges and holding times of shared ones."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Conflict, Denied, Errors, Invalid
from portal.core.tenancy import scope
from portal.lab import selectors
from portal.lab.models import Parameter, Result
from portal.lab.points.models import ParameterRange
from portal.lab.science.names import normalise_name
from portal.lab.science.units import UnitError, canonical_unit

RIGHT: Final = "parameters.manage"
FIELDS: Final = (
    "code", "cas", "group", "name_en", "name_fr", "name_ar", "aliases", "unit", "species", "decimals", "minimum",
    "maximum", "typical_loq", "methods", "holding_hours", "members",
)  # fmt: skip
_FIXED: Final = ("code", "unit", "species")  # results were converted with them


def parameter_create(*, data: Mapping[str, Any], by: User) -> Parameter:
    """`data` under column names (FIELDS). Raises Denied, Invalid."""
    _may(by)
    return _save(Parameter(organization_id=scope.organization_id()), data)


def parameter_update(*, parameter: Parameter, data: Mapping[str, Any], by: User) -> Parameter:
    """An own one; absent fields stay. Raises Denied, Invalid; Conflict where results fix its code or unit."""
    _may(by)
    _own(parameter)
    if any(name in data and data[name] != getattr(parameter, name) for name in _FIXED) and _measured(parameter):
        raise Conflict(_("Results of this parameter fix its code and unit. Make a new parameter."), code="IN_USE")
    return _save(parameter, data)


def parameter_activate(*, parameter: Parameter, active: bool, by: User) -> Parameter:
    """Take an own one out of use, or into it again. Its results and their verdicts stay."""
    _may(by)
    _own(parameter)
    parameter.is_active = active
    parameter.save(update_fields=["is_active", "updated_at"])
    return parameter


def range_save(
    *,
    parameter: Parameter,
    minimum: Decimal | None,
    maximum: Decimal | None,
    holding_hours: int | None,
    by: User,
    note: str = "",
) -> None:
    """Say what is plausible here, in the parameter's unit, and how long a sample keeps; `note`: why. What the shared
    parameter says already needs no row of its own. Raises Denied, Invalid."""
    _may(by)
    values = {"minimum": minimum, "maximum": maximum, "holding_hours": holding_hours}
    _check_range(values)
    if parameter.organization_id is not None:
        _save(parameter, values)
    elif all(getattr(parameter, name) == value for name, value in values.items()):
        ParameterRange.objects.filter(parameter=parameter).delete()
    else:
        ParameterRange.objects.update_or_create(
            organization_id=scope.organization_id(), parameter=parameter, defaults=values | {"note": note}
        )


def _save(parameter: Parameter, data: Mapping[str, Any]) -> Parameter:
    for name in FIELDS:
        if name in data:
            value = data[name]
            setattr(parameter, name, value.strip() if isinstance(value, str) else value)
    errors = Errors()
    for name in ("code", "name_en", "unit"):
        if not getattr(parameter, name):
            errors.add(name, _("This field is required."), "required")
    try:
        parameter.unit = canonical_unit(parameter.unit)
    except UnitError as error:
        errors.add("unit", str(error), "unknown")
    others = [row for active in (True, False) for row in selectors.parameter_list(active=active) if row != parameter]
    taken = {normalise_name(row.code): row for row in others}
    if parameter.code and normalise_name(parameter.code) in taken:
        errors.add("code", _("Another parameter has this code."), "taken")
    known = {row.code for row in others}
    if unknown := [code for code in parameter.members if code not in known]:
        errors.add("members", _("%(value)s is not known.") % {"value": ", ".join(unknown)}, "unknown")
    errors.raise_any()
    _check_range({name: getattr(parameter, name) for name in ("minimum", "maximum", "holding_hours")})
    parameter.save()
    return parameter


def _check_range(values: Mapping[str, Any]) -> None:
    low, high, hours = values["minimum"], values["maximum"], values["holding_hours"]
    if low is not None and high is not None and low >= high:
        raise Invalid.field("maximum", _("The highest value lies below the lowest."), "order")
    if hours is not None and not 1 <= hours <= 9999:
        raise Invalid.field("holding_hours", _("Must lie between %(low)d and %(high)d.") % {"low": 1, "high": 9999})


def _measured(parameter: Parameter) -> bool:
    return bool(Result.objects.filter(parameter=parameter).exists())


def _own(parameter: Parameter) -> None:
    if parameter.organization_id is None:
        raise Denied(_("Shared parameters are the platform's. Set your own range, or make a parameter of your own."))


def _may(by: User) -> None:
    if not by.has_permission(RIGHT):
        raise Denied(_("You do not have the right to do this."))
