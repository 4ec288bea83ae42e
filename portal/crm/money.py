"""Money of the office: the organisation's base currency, rates into it, rounding.

`Organization.settings` holds `currency` (ISO 4217) and `exchangeRates` (`{"EUR": 10.85}`: base units for one unit).
"""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from django.utils.translation import gettext as _

from portal.core.common.errors import Invalid
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization

# Where nobody said: the currency of the country whose time zone the organisation uses.
_BY_ZONE: Final = {"Africa/Casablanca": "MAD", "Africa/El_Aaiun": "MAD", "Asia/Aden": "YER"}
_DEFAULT: Final = "USD"
_CENT: Final = Decimal("0.01")
_RATE: Final = Decimal("0.00000001")
_CODE = re.compile(r"[A-Z]{3}$")


def half_up(amount: Decimal) -> Decimal:
    """Two decimals; a half goes away from zero, as PostgreSQL rounds."""
    return amount.quantize(_CENT, ROUND_HALF_UP)


def is_code(value: object) -> bool:
    return isinstance(value, str) and _CODE.match(value) is not None


def is_rates(value: object) -> bool:
    return isinstance(value, Mapping) and all(is_code(code) and _rate(rate) for code, rate in value.items())


def _rate(value: Any) -> Decimal | None:
    try:
        rate = Decimal(str(value))
    except InvalidOperation:
        return None
    return rate.quantize(_RATE) if rate.is_finite() and _RATE <= rate < 10**6 else None


def base_currency(organization: Organization | None = None) -> str:
    """The currency of every total of the organisation in force."""
    one = organization or Organization.objects.get(pk=scope.organization_id())
    said = one.settings.get("currency")
    return said if is_code(said) else _BY_ZONE.get(one.time_zone, _DEFAULT)


def resolve(currency: str | None, rate: Decimal | None) -> tuple[str, Decimal]:
    """Currency and rate of an amount: the rate is 1 in base currency, else the given one, else the organisation's.

    Raises Invalid naming `currency` or `fx_rate`.
    """
    organization = Organization.objects.get(pk=scope.organization_id())
    base = base_currency(organization)
    code = (currency or base).upper()
    if not is_code(code):
        raise Invalid.field("currency", _("Enter a currency of three letters, EUR for instance."))
    if code == base:
        if rate is not None and rate != 1:
            raise Invalid.field("fx_rate", _("The rate of the base currency is 1."))
        return code, Decimal(1)
    known = organization.settings.get("exchangeRates")
    found = _rate(rate if rate is not None else known.get(code) if isinstance(known, dict) else None)
    if found is None:
        message = _("Say how many %(base)s one %(currency)s is worth.") % {"base": base, "currency": code}
        raise Invalid.field("fx_rate", message)
    return code, found
