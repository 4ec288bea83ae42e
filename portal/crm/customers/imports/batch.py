"""Rows of a file into customers, some hundreds at a time, with the same writers as every other door."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import DomainError, Errors, FieldError
from portal.core.common.ids import parse_uuid
from portal.core.common.text import latin_digits
from portal.crm.customers import fields, names, tags
from portal.crm.customers.access import customers_seen
from portal.crm.customers.choices import FieldKind
from portal.crm.customers.fields import Rules
from portal.crm.customers.imports.models import CustomerImportRow
from portal.crm.customers.imports.options import CUSTOM, MATCH, Options
from portal.crm.customers.models import Customer
from portal.crm.customers.services import Change, check_status, draft, insert, save

_O: Final = CustomerImportRow.Outcome
_SPLIT: Final = re.compile(r"[;,،؛|]")
_DAY: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_FORMATS: Final = {"YYYY": "%Y", "MM": "%m", "DD": "%d"}


@dataclass(slots=True)
class Line:
    """A row on its way: what it says, what became of it and why."""

    row: CustomerImportRow
    said: dict[str, Any]
    texts: list[str]
    values: dict[str, Any] = field(default_factory=dict)
    outcome: str = ""
    errors: list[dict[str, Any]] = field(default_factory=list)
    customer: Customer | None = None
    before: dict[str, Any] | None = None


@dataclass(slots=True)
class Reader:
    """The cells of a row as a client would have sent them."""

    options: Options
    headings: Sequence[str]
    rules: Rules
    columns: dict[str, str] = field(default_factory=dict)  # field -> column, for messages
    places: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        where = {heading: place for place, heading in enumerate(self.headings)}
        for column, name in self.options.mapping.items():
            if column in where:
                self.places.append((where[column], name))
                self.columns.setdefault(name, column)

    def cells(self, cells: Sequence[str]) -> dict[str, str]:
        return {name: cells[place].strip() if place < len(cells) else "" for place, name in self.places}

    def said(self, cells: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
        """Wire names and values, and the names of tags. Empty cells say "" where they are to clear."""
        said: dict[str, Any] = {}
        texts: list[str] = []
        for name, text in self.cells(cells).items():
            if not text and self.options.empty_cells == "keep":
                continue
            if name == "tags":
                texts = [part.strip()[:50] for part in _SPLIT.split(text) if part.strip()]
            elif name.startswith(CUSTOM):
                key = name.removeprefix(CUSTOM)
                said.setdefault("customFields", {})[key] = self._typed(key, text)
            else:
                said[name] = text
        return said, texts

    def keys(self, cells: Sequence[str]) -> list[tuple[str, str]]:
        """What the row is recognised by: (field, value in one spelling)."""
        found = self.cells(cells)
        wanted = dict.fromkeys([*self.options.match_by, "externalId"])
        pairs = ((name, self._key(name, found.get(name, ""))) for name in wanted)
        return [(name, key) for name, key in pairs if key]

    def _key(self, name: str, text: str) -> str:
        match name if text else "":
            case "email":
                return text.lower()
            case "phone":
                return names.phone_e164(text, self.rules.region) or ""
            case "taxNumber":
                return names.tax_key(text)
            case "":
                return ""
        return " ".join(text.split())

    def _typed(self, key: str, text: str) -> str:
        kind = self.rules.custom[key].kind if key in self.rules.custom else ""
        text = latin_digits(text) if kind in (FieldKind.NUMBER, FieldKind.DATE) else text
        if kind == FieldKind.NUMBER and self.options.decimal_mark == ",":
            return text.replace(".", "").replace(",", ".")
        if kind == FieldKind.DATE and text:
            return self._day(text)
        return text

    def _day(self, text: str) -> str:
        if self.options.date_format:
            pattern = self.options.date_format
            for part, code in _FORMATS.items():
                pattern = pattern.replace(part, code)
            try:
                return datetime.strptime(text, pattern).date().isoformat()  # noqa: DTZ007  a day has no zone
            except ValueError:
                return text
        if found := _DAY.fullmatch(text):
            return f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}"
        return text[:10]


def write(rows: Sequence[CustomerImportRow], *, reader: Reader, by: User) -> tuple[list[Line], Counter[str]]:
    """Write a batch in the transaction in force. What became of each row, and how many of each outcome (`created`,
    `updated`, `unchanged`, `skipped`, `failed`, `dupInFile`, `dupInDb`)."""
    lines, counts = [], Counter[str]()
    for row in rows:
        line = Line(row, *reader.said(row.cells))
        lines.append(line)
        if row.dup_of is not None:
            _refuse(line, _O.SKIPPED, "DUPLICATE_IN_FILE", _("The same as row %(row)d.") % {"row": row.dup_of})
            counts["dupInFile"] += 1
    _place([line for line in lines if not line.outcome], reader, by, counts)
    counts.update(line.outcome for line in lines)
    return lines, counts


def _place(lines: list[Line], reader: Reader, by: User, counts: Counter[str]) -> None:
    """Each row to the customer that it is, or to a new one."""
    options = reader.options
    held = _matches([key for line in lines for key in reader.keys(line.row.cells)])
    editable = set(
        customers_seen(by, "customers.edit")
        .filter(pk__in={row.pk for row in held.values()})
        .values_list("pk", flat=True)
    )
    creates: list[Line] = []
    updates: list[Line] = []
    taken: set[UUID] = set()
    for line in lines:
        keys = reader.keys(line.row.cells)
        found = next((held[key] for name in options.match_by for key in keys if key[0] == name and key in held), None)
        if found is None:
            if options.mode == "update":
                _refuse(line, _O.FAILED, "RESOURCE_NOT_FOUND", _("There is no such customer."))
            else:
                creates.append(line)
            continue
        counts["dupInDb"] += 1
        if options.mode == "create" and options.on_duplicate == "create":
            creates.append(line)
        elif found.pk in taken:
            _refuse(line, _O.SKIPPED, "DUPLICATE_IN_FILE", _("An earlier row is the same customer."))
        elif options.mode == "create" and options.on_duplicate == "skip":
            _refuse(line, _O.SKIPPED, "DUPLICATE", _("This customer is there already."))
        elif found.pk not in editable:
            _refuse(line, _O.FAILED, "PERMISSION_DENIED", _("You may not change this customer."))
        else:
            taken.add(found.pk)
            line.customer = found
            updates.append(line)
    marked = tags.resolve_many([line.texts for line in (*creates, *updates)], Errors())
    _create(creates, marked[: len(creates)], reader, by)
    _update(updates, marked[len(creates) :], reader, by)


def _matches(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Customer]:
    """Living customers by the keys, the oldest of each, locked."""
    wanted: dict[str, set[str]] = {}
    for name, value in keys:
        wanted.setdefault(name, set()).add(value)
    signs = Q()
    for name, values in wanted.items():
        if name == "id":
            signs |= Q(pk__in=[id for id in map(parse_uuid, values) if id])
        else:
            signs |= Q(**{f"{MATCH[name]}__in": values})
    if not signs:
        return {}
    held: dict[tuple[str, str], Customer] = {}
    rows = Customer.objects.select_for_update().filter(signs, deleted_at=None).order_by("created_at", "id")
    for row in rows:
        for name, values in wanted.items():
            value = str(getattr(row, MATCH[name]))
            if value in values:
                held.setdefault((name, value), row)
    return held


def _create(lines: list[Line], marked: list[list[Any]], reader: Reader, by: User) -> None:
    drafts = []
    numbers = {line.said["externalId"] for line in lines if line.said.get("externalId")}
    used = set(Customer.objects.filter(deleted_at=None, external_id__in=numbers).values_list("external_id", flat=True))
    for line, chosen in zip(lines, marked, strict=True):
        said = {
            **reader.options.defaults,
            **{name: value for name, value in line.said.items() if value not in ("", None)},
        }
        said.pop("id", None)
        errors = Errors()
        values = fields.clean(said, rules=reader.rules, errors=errors)
        row = draft(values, by=by)
        if not row.name:
            errors.add("companyName", _("Enter the company or the contact person."), "required")
        if row.external_id and row.external_id in used:
            errors.add("externalId", _("Another customer has this number in the other system."), "DUPLICATE")
        if errors.items:
            _fail(line, errors.items, reader)
            continue
        used.add(row.external_id)
        if row.assigned_to_id is None and by.grants["customers.view"] != "all":
            row.assigned_to_id = by.pk
        line.outcome, line.customer = _O.CREATED, row
        drafts.append((row, chosen))
    if drafts:
        insert(drafts, by=by)


def _update(lines: list[Line], marked: list[list[Any]], reader: Reader, by: User) -> None:
    held = tags.of_customers([line.customer.pk for line in lines if line.customer])
    changes: list[tuple[Line, Change]] = []
    for line, chosen in zip(lines, marked, strict=True):
        row = line.customer
        assert row is not None  # only matched rows come here
        errors = Errors()
        said = {
            name: value for name, value in line.said.items() if name != "id" and not (name == "status" and not value)
        }
        values = fields.clean(said, rules=reader.rules, errors=errors)
        if "custom_fields" in values:
            values["custom_fields"] = {**row.custom_fields, **values["custom_fields"]}
        if not values.get("company_name", row.company_name) and not values.get("contact_name", row.contact_name):
            errors.add("companyName", _("Enter the company or the contact person."), "required")
        mine = held.get(row.pk, [])
        change = Change(row, values, [*mine, *(tag for tag in chosen if tag not in mine)] if chosen else None)
        try:
            check_status(change)
        except DomainError as refusal:
            errors.add("status", refusal.message, refusal.code)
        if errors.items:
            _fail(line, errors.items, reader)
            continue
        line.before = {
            "version": row.version,
            "values": {
                name: _json(getattr(row, name)) for name, value in values.items() if getattr(row, name) != value
            },
            "tags": [str(tag.pk) for tag in mine] if change.tags is not None else None,
        }
        changes.append((line, change))
    save([change for _line, change in changes], by=by)
    for line, change in changes:
        changed = line.before is not None and change.row.version > line.before["version"]
        line.outcome = _O.UPDATED if changed else _O.UNCHANGED
        if not changed:
            line.before = None


def _refuse(line: Line, outcome: str, code: str, message: str) -> None:
    line.outcome = outcome
    line.errors = [{"column": None, "field": None, "code": code, "value": None, "message": message}]


def _fail(line: Line, found: Sequence[FieldError], reader: Reader) -> None:
    line.outcome, line.customer = _O.FAILED, None
    cells = reader.cells(line.row.cells)
    line.errors = [
        {
            "column": reader.columns.get(error.field),
            "field": error.field,
            "code": error.rule if error.rule.isupper() else "VALIDATION_ERROR",
            "value": cells.get(error.field),
            "message": error.message,
        }
        for error in found
    ]


def _json(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def values_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """What `before` kept of the columns, as they were."""
    return {name: UUID(value) if name == "assigned_to_id" and value else value for name, value in said.items()}
