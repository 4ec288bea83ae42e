"""What a client, a page and a file may write of a customer, read into the columns: one reading for all doors."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.common.errors import Errors
from portal.core.common.text import latin_digits, normalise
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.crm.customers import names
from portal.crm.customers.choices import FieldKind, Size, Status
from portal.crm.customers.models import Customer, CustomField

# Wire name -> column, of the texts that are taken as they are (without blanks around).
TEXTS: Final = {
    "companyName": "company_name",
    "contactName": "contact_name",
    "address": "address",
    "city": "city",
    "industry": "industry",
    "notes": "notes",
    "externalId": "external_id",
    "taxNumber": "tax_number",
}
WIRE: Final = TEXTS | {
    "email": "email",
    "phone": "phone",
    "country": "country",
    "size": "size",
    "status": "status",
    "statusReason": "status_reason",
    "assignedTo": "assigned_to_id",
    "customFields": "custom_fields",
}
COLUMNS: Final = {column: wire for wire, column in WIRE.items()}
LABELS: Final[dict[str, Promise]] = {
    "companyName": gettext_lazy("Company"),
    "contactName": gettext_lazy("Contact person"),
    "email": gettext_lazy("E-mail"),
    "phone": gettext_lazy("Phone"),
    "address": gettext_lazy("Postal address"),
    "city": gettext_lazy("City"),
    "country": gettext_lazy("Country"),
    "industry": gettext_lazy("Industry"),
    "size": gettext_lazy("Size"),
    "status": gettext_lazy("Status"),
    "statusReason": gettext_lazy("Reason of the status"),
    "assignedTo": gettext_lazy("Assigned to"),
    "tags": gettext_lazy("Tags"),
    "notes": gettext_lazy("Summary"),
    "externalId": gettext_lazy("Number in another system"),
    "taxNumber": gettext_lazy("Tax number"),
    "customFields": gettext_lazy("Further fields"),
}
IDENTITY: Final = frozenset({"company_name", "email", "phone", "country", "tax_number"})  # what duplicates are found by
_NOTES: Final = 20_000
_CUSTOM: Final = 50
_DEFAULT_REGION: Final = "MA"
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(slots=True)
class Rules:
    """What of the organisation decides whether a value is good, read once for any number of customers."""

    region: str
    custom: dict[str, CustomField]
    _people: dict[str, UUID] | None = field(default=None, repr=False)

    @classmethod
    def load(cls, *, region: str = "") -> "Rules":
        if not region:
            country = Organization.objects.values_list("country", flat=True).get(pk=scope.organization_id())
            region = names.country_code(country) or _DEFAULT_REGION
        return cls(region, {row.key: row for row in CustomField.objects.all()})

    def person(self, said: str) -> UUID | None:
        """An active member by id, e-mail or name."""
        if self._people is None:
            self._people = {}
            for id, email, name in members().values_list("pk", "email", "name"):
                self._people |= {str(id): id, normalise(email): id}
                self._people.setdefault(normalise(name), id)
        return self._people.get(normalise(said))


def members() -> "QuerySet[User]":
    """Active people of the organisation in force: whom a customer can be assigned to."""
    return User.objects.filter(organization=scope.organization_id(), is_active=True, deleted_at=None)


def clean(data: Mapping[str, Any], *, rules: Rules, errors: Errors) -> dict[str, Any]:
    """The columns that `data` (wire names) sets; absent names stay out, null and "" clear. What is wrong goes into
    `errors`. Tags are not columns: `tags.resolve` reads them."""
    values: dict[str, Any] = {}
    for wire, column in TEXTS.items():
        if wire in data:
            values[column] = _text(data[wire], wire, column, errors)
    for wire, read in (("email", _email), ("size", _size), ("status", _status), ("country", _country)):
        if wire in data:
            values[wire] = read(data[wire], errors)
    if "phone" in data:
        values["phone"] = _phone(data["phone"], rules, errors)
    if "statusReason" in data:
        values["status_reason"] = _text(data["statusReason"], "statusReason", "status_reason", errors)
    if "assignedTo" in data:
        values["assigned_to_id"] = _person(data["assignedTo"], rules, errors)
    if "customFields" in data:
        values["custom_fields"] = _custom(data["customFields"], rules, errors)
    return values


def derive(row: Customer) -> None:
    """Set the columns that follow from others."""
    row.name = row.company_name or row.contact_name
    row.name_key = names.company_key(row.company_name)
    row.tax_key = names.tax_key(row.tax_number)
    parts = (row.company_name, row.contact_name, row.email, row.phone, row.city, row.external_id, row.tax_number)
    row.search_text = normalise("\n".join(part for part in parts if part))


DERIVED: Final = ("name", "name_key", "tax_key", "search_text")


def _text(said: Any, wire: str, column: str, errors: Errors) -> str:
    if said is None:
        return ""
    if not isinstance(said, str):
        errors.add(wire, _("Enter a text."))
        return ""
    text = said.strip().replace("\x00", "")
    limit = getattr(Customer._meta.get_field(column), "max_length", None) or _NOTES
    if len(text) > limit:
        errors.add(wire, _("At most %(limit)d characters.") % {"limit": limit})
    return text if column == "notes" else " ".join(text.split())


def _email(said: Any, errors: Errors) -> str:
    text = _text(said, "email", "email", errors).lower()
    if text:
        try:
            validate_email(text)
        except ValidationError:
            errors.add("email", _("Enter a valid e-mail address."))
    return text


def _phone(said: Any, rules: Rules, errors: Errors) -> str:
    text = str(said) if isinstance(said, int) and not isinstance(said, bool) else _text(said, "phone", "notes", errors)
    if not text:
        return ""
    number = names.phone_e164(text, rules.region)
    if number is None:
        errors.add("phone", _("Enter a telephone number, with its country code where it is of another country."))
        return ""
    return number


def _size(said: Any, errors: Errors) -> str:
    text = normalise(_text(said, "size", "size", errors))
    return _choice(text, Size.choices, "size", errors) if text else ""


def _status(said: Any, errors: Errors) -> str:
    return _choice(normalise(_text(said, "status", "status", errors)), Status.choices, "status", errors)


def _choice(text: str, choices: Iterable[tuple[Any, Any]], wire: str, errors: Errors) -> str:
    """By key, or by the word of the screen."""
    known = {str(key): str(key) for key, _label in choices}
    for key, label in choices:
        known.setdefault(normalise(str(label)), str(key))
    if text not in known:
        allowed = ", ".join(str(key) for key, _label in choices)
        errors.add(wire, _("Choose one of: %(allowed)s.") % {"allowed": allowed})
        return ""
    return known[text]


def _country(said: Any, errors: Errors) -> str:
    text = _text(said, "country", "city", errors)
    code = names.country_code(text) if text else ""
    if code is None:
        errors.add("country", _("Enter a country: its two letters, or its name in Arabic, French or English."))
    return code or ""


def _person(said: Any, rules: Rules, errors: Errors) -> UUID | None:
    if said in (None, ""):
        return None
    found = rules.person(str(said))
    if found is None:
        errors.add("assignedTo", _("There is no such active person in your organisation."))
    return found


def _custom(said: Any, rules: Rules, errors: Errors) -> dict[str, Any]:
    if said is None:
        return {}
    if not isinstance(said, Mapping) or len(said) > _CUSTOM:
        errors.add("customFields", _("Send an object of at most %(limit)d fields.") % {"limit": _CUSTOM})
        return {}
    values = {}
    for key, value in said.items():
        name = f"customFields.{key}"
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            errors.add("customFields", _("A key has at most 40 letters, digits, _ and -."))
        elif not rules.custom:
            values[key] = _free(value, name, errors)
        elif key in rules.custom:
            values[key] = _typed(value, rules.custom[key], name, errors)
        else:
            errors.add(name, _("There is no such field."), "unknown")
    return {key: value for key, value in values.items() if value is not None}


def _free(value: Any, name: str, errors: Errors) -> Any:
    if not isinstance(value, str | int | float | bool | None):
        errors.add(name, _("Enter a text, a number, true or false."))
        return None
    return value[:1000] if isinstance(value, str) else value


def _typed(value: Any, rule: CustomField, name: str, errors: Errors) -> Any:
    if value in (None, ""):
        return None
    text = latin_digits(str(value)).strip()
    match rule.kind:
        case FieldKind.NUMBER:
            try:
                number = Decimal(text)
            except InvalidOperation:
                number = Decimal("NaN")
            if not number.is_finite():
                errors.add(name, _("Enter a number."))
                return None
            return int(number) if number == number.to_integral_value() else float(number)
        case FieldKind.DATE:
            try:
                return date.fromisoformat(text).isoformat()
            except ValueError:
                errors.add(name, _("Enter a date as YYYY-MM-DD."))
                return None
        case FieldKind.BOOLEAN:
            known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
            if text.lower() not in known:
                errors.add(name, _("Enter true or false."))
            return known.get(text.lower())
        case FieldKind.CHOICE:
            if value not in rule.options:
                errors.add(name, _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(rule.options)})
                return None
            return value
    return str(value)[:1000]
