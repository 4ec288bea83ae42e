"""How a file of customers is to be taken: which column is which field, and what of what is there already."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from django.utils.translation import gettext as _

from portal.core.common.errors import Errors, Invalid
from portal.core.common.spreadsheets import DELIMITERS, ENCODINGS, Format
from portal.core.common.text import normalise
from portal.crm.customers import names
from portal.crm.customers.fields import LABELS

MODES: Final = ("create", "update", "upsert")
ON_DUPLICATE: Final = ("skip", "update", "create")
EMPTY: Final = ("keep", "clear")
MATCH: Final = {"externalId": "external_id", "email": "email", "phone": "phone", "taxNumber": "tax_key", "id": "id"}
FIELDS: Final = (*LABELS, "id")
CUSTOM: Final = "customFields."

# Headings that people write, beside the wire's names and the screen's words.
_KNOWN: Final = {
    "companyName": "company;company name;name;customer;organisation;organization;account;société;societe;entreprise;"
    "raison sociale;client;nom de la société;الشركة;اسم الشركة;المؤسسة;العميل;الزبون",
    "contactName": "contact;contact name;contact person;full name;personne de contact;interlocuteur;nom;جهة الاتصال;"
    "اسم جهة الاتصال;الاسم;المسؤول",
    "email": "e-mail;mail;email address;courriel;adresse e-mail;البريد;البريد الإلكتروني",
    "phone": "telephone;tel;mobile;phone number;gsm;téléphone;portable;الهاتف;رقم الهاتف;الجوال",
    "address": "street;adresse;rue;العنوان",
    "city": "town;ville;المدينة",
    "country": "pays;الدولة;البلد",
    "industry": "sector;secteur;branche;activité;القطاع;النشاط",
    "size": "company size;taille;effectif;الحجم",
    "status": "state;statut;état;الحالة",
    "assignedTo": "owner;assigned to;assignee;responsable;commercial;المكلف;المسؤول عن الحساب",
    "tags": "labels;étiquettes;mots clés;الوسوم",
    "notes": "note;remarks;comment;comments;remarques;commentaire;ملاحظات",
    "externalId": "external id;code;customer code;reference;ref;code client;référence;الرمز;المرجع",
    "taxNumber": "tax number;tax id;vat;vat number;ice;identifiant fiscal;if;الرقم الضريبي",
}


def known_headings() -> dict[str, str]:
    """Normalised heading -> field."""
    found = {normalise(heading): name for name, headings in _KNOWN.items() for heading in headings.split(";")}
    for name, label in LABELS.items():
        found[normalise(str(label))] = name
        found[normalise(name)] = name
    return found | {"id": "id"}


@dataclass(slots=True)
class Options:
    """`mapping` is column -> field (`customFields.key` for further ones); columns that it does not name are left out.
    `match_by` are the fields by which a row is a customer that is there; the first that finds one decides."""

    mapping: dict[str, str] = field(default_factory=dict)
    mode: str = "create"
    match_by: list[str] = field(default_factory=lambda: ["externalId", "email", "phone"])
    on_duplicate: str = "skip"
    empty_cells: str = "keep"
    phone_country: str = ""
    date_format: str = ""
    decimal_mark: str = ""
    defaults: dict[str, Any] = field(default_factory=dict)
    format: dict[str, Any] = field(default_factory=dict)  # how the file is written; found out where it says nothing

    @classmethod
    def from_wire(cls, said: Mapping[str, Any]) -> Self:
        """Raises Invalid naming what is wrong."""
        errors, made = Errors(), cls()
        mapping = said.get("mapping") or {}
        if not isinstance(mapping, Mapping) or not all(
            isinstance(one, str) for pair in mapping.items() for one in pair
        ):
            errors.add("mapping", _("Send an object: column, field."))
        else:
            made.mapping = {column: name for column, name in mapping.items() if name}
            for column, name in made.mapping.items():
                if name not in FIELDS and not name.startswith(CUSTOM):
                    errors.add(f"mapping.{column}", _("There is no field %(name)s.") % {"name": name})
        for wire, attribute, allowed in (
            ("mode", "mode", MODES),
            ("onDuplicate", "on_duplicate", ON_DUPLICATE),
            ("emptyCells", "empty_cells", EMPTY),
            ("decimalMark", "decimal_mark", (".", ",", "")),
        ):
            value = said.get(wire)
            if value is None:
                continue
            if value not in allowed:
                errors.add(wire, _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(allowed)})
            setattr(made, attribute, value)
        match = said.get("matchBy", made.match_by)
        match = [match] if isinstance(match, str) else match
        if not isinstance(match, Sequence) or not match or any(one not in MATCH for one in match):
            errors.add("matchBy", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(MATCH)})
        else:
            made.match_by = list(match)
        region = said.get("phoneCountry") or ""
        if region and names.country_code(str(region)) is None:
            errors.add("phoneCountry", _("Enter a country: its two letters, or its name in Arabic, French or English."))
        made.phone_country = names.country_code(str(region)) or "" if region else ""
        made.date_format = str(said.get("dateFormat") or "")[:20]
        defaults = said.get("defaults") or {}
        if not isinstance(defaults, Mapping) or any(name not in FIELDS for name in defaults):
            errors.add("defaults", _("Send an object: field, value."))
        else:
            made.defaults = dict(defaults)
        made.format = _format(said, errors)
        errors.raise_any()
        return made

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        return cls(**said)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def guess(self, headings: Sequence[str]) -> None:
        """Map what can be known by its heading, where nobody said anything."""
        known, taken = known_headings(), set(self.mapping.values())
        for heading in headings:
            name = known.get(normalise(heading)) or (heading if heading.startswith(CUSTOM) else "")
            if name and name not in taken and heading not in self.mapping:
                self.mapping[heading] = name
                taken.add(name)

    def check(self, headings: Sequence[str]) -> None:
        """Raises Invalid for columns that the file does not have, and where nothing is mapped."""
        if missing := [column for column in self.mapping if column not in headings]:
            raise Invalid.field("mapping", _("The file has no column “%(name)s”.") % {"name": missing[0]})
        mapped = set(self.mapping.values())
        if not mapped:
            raise Invalid.field("mapping", _("Say which column is which field."))
        if self.mode != "update" and not mapped & {"companyName", "contactName"}:
            raise Invalid.field("mapping", _("Map a column to the company or the contact person."))
        if self.mode == "update" and not mapped & set(self.match_by):
            raise Invalid.field("matchBy", _("Map a column by which customers are found."))


def _format(said: Mapping[str, Any], errors: Errors) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, allowed in (("encoding", ENCODINGS), ("delimiter", DELIMITERS)):
        if value := said.get(name):
            if value not in allowed:
                errors.add(name, _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(allowed)})
            found[name] = value
    if sheet := said.get("sheet"):
        found["sheet"] = str(sheet)
    return found


def format_of(said: Mapping[str, Any], found: Format) -> Format:
    return Format(**{**found.as_json(), **said})
