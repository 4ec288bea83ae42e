"""Contract templates: versions of their text, preview, contracts from them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Errors
from portal.core.tenancy import scope
from portal.crm.contracts import access, markup, services, templating, terms, wire
from portal.crm.contracts.choices import LANGUAGES, Billing, ValueType
from portal.crm.contracts.models import Contract, ContractLine, ContractTemplate, ContractType, TemplateVersion
from portal.crm.customers.models import Customer
from portal.crm.money import base_currency

VALUES = 60


@transaction.atomic
def template_save(
    *, data: Mapping[str, Any], by: User, id: UUID | None = None, version: int | None = None
) -> ContractTemplate:
    """A new template, or a change of one; another text or other fields make the next version. `data`: `name`, `type`,
    `language`, `body`, `values`. Raises Denied, Invalid naming the field that the catalogue lacks, VERSION_CONFLICT."""
    access.may(by, "contracts.settings")
    if id:
        ContractTemplate.objects.select_for_update().filter(pk=id).first()
    row = access.template_for(id) if id else ContractTemplate(organization_id=scope.organization_id())
    if version is not None and id and version != row.version:
        raise Conflict(_("This record has been changed in the meantime."), meta={"currentVersion": row.version})
    held = newest(row) if id else None
    errors = Errors()
    row.name = " ".join(str(data.get("name", row.name) or "").split())
    if not row.name or len(row.name) > 200:
        errors.add("name", _("A text of at most %(limit)s characters is expected.") % {"limit": 200}, "length")
    if not id or data.get("type") is not None:
        row.type = services.type_named(data.get("type"))
    row.language = str(data.get("language") or row.language or "en")
    if row.language not in dict(LANGUAGES):
        errors.add("language", _("The language is ar, fr or en."), "unknown")
    body = str(data.get("body", held.body if held else "") or "")
    values = _declared(data.get("values", held.values if held else []) or [], errors)
    if not body.strip() or len(body) > templating.BODY_LENGTH:
        limit = {"limit": templating.BODY_LENGTH}
        errors.add("body", _("A text of at most %(limit)s characters is expected.") % limit, "length")
    errors.raise_any()
    templating.parse(body, {value["key"]: value["type"] for value in values})
    if held is None or held.body != body or held.values != values:
        row.version = row.version + 1 if held else 1
        row.save()
        TemplateVersion.objects.create(
            organization_id=row.organization_id,
            template=row,
            number=row.version,
            body=body,
            values=values,
            created_by=by,
        )
    else:
        row.save()
    return row


def newest(template: ContractTemplate) -> TemplateVersion:
    return TemplateVersion.objects.get(template=template, number=template.version)


@transaction.atomic
def template_delete(*, id: UUID, by: User) -> None:
    """Out of the list; contracts made from it keep its text."""
    access.may(by, "contracts.settings")
    row = access.template_for(id)
    row.deleted_at, row.deleted_by = clock.now(), by
    row.save()


def _declared(said: Any, errors: Errors) -> list[dict[str, Any]]:
    """`[{key, type, required, label}]`, checked."""
    if not isinstance(said, list) or len(said) > VALUES:
        errors.add("values", _("Enter at most %(max_length)s entries.") % {"max_length": VALUES})
        return []
    found: list[dict[str, Any]] = []
    for place, value in enumerate(said):
        key = str(value.get("key") or "") if isinstance(value, Mapping) else ""
        kind = str(value.get("type") or ValueType.TEXT) if isinstance(value, Mapping) else ""
        if not templating.KEY.fullmatch(key) or key in {held["key"] for held in found}:
            errors.add(f"values.{place}.key", _("Each field has a name of its own, of Latin letters and digits."))
        elif kind not in ValueType.values:
            allowed = ", ".join(ValueType.values)
            errors.add(f"values.{place}.type", _("Choose one of: %(allowed)s.") % {"allowed": allowed})
        else:
            label = " ".join(str(value.get("label") or key).split())[:100]
            found.append({"key": key, "type": kind, "required": bool(value.get("required")), "label": label})
    return found


# --- rendering --------------------------------------------------------------------------------------
def read_values(
    declared: Sequence[Mapping[str, Any]], said: Mapping[str, Any], *, lenient: bool = False
) -> dict[str, Any]:
    """Values under their keys, typed. Raises Invalid with one entry per missing or malformed one; `lenient` prints
    dashes instead."""
    errors, found = Errors(), cast(dict[str, Any], {})
    for field in declared:
        key, value = field["key"], said.get(field["key"])
        if value in (None, ""):
            if field["required"]:
                errors.add(f"values.{key}", _("%(label)s is missing.") % {"label": field["label"]}, "required")
            found[key] = None
            continue
        reader, message = templating.READERS[field["type"]]
        found[key] = reader(value)
        if found[key] is None:
            errors.add(f"values.{key}", message, "type")
    if not lenient:
        errors.raise_any()
    return found


def facts_of(contract: Contract, values: Mapping[str, Any], by: User) -> dict[str, Any]:
    """Every path of the catalogue for a contract, and its values, in the language in force."""
    organization, customer, owner = access.organization(), contract.customer, contract.owner or by
    return {
        "customer.companyName": customer.company_name or customer.name,
        "customer.contactName": customer.contact_name,
        "customer.email": customer.email,
        "customer.phone": customer.phone,
        "customer.address": customer.address,
        "customer.city": customer.city,
        "customer.country": customer.country,
        "contract.number": contract.number,
        "contract.title": contract.title,
        "contract.type": contract.type.label,
        "contract.value": contract.value,
        "contract.currency": contract.currency,
        "contract.billing": str(Billing(contract.billing).label),
        "contract.startDate": contract.start_date,
        "contract.endDate": contract.end_date,
        "contract.termMonths": contract.term_months,
        "contract.noticeDays": contract.notice_days,
        "contract.autoRenew": contract.auto_renew,
        "tenant.name": organization.name,
        "tenant.address": organization.address,
        "tenant.city": organization.city,
        "tenant.country": organization.country,
        "tenant.phone": organization.phone,
        "tenant.email": organization.email,
        "user.name": owner.name,
        "user.email": owner.email,
        "today": access.today(organization.time_zone),
        **{f"values.{key}": value for key, value in values.items()},
    }


def line_facts(rows: Sequence[ContractLine]) -> list[dict[str, Any]]:
    return [
        {
            "line.position": row.position,
            "line.description": row.description,
            "line.quantity": row.quantity,
            "line.unitPrice": row.unit_price,
            "line.discount": row.discount,
            "line.total": wire.line_total(row),
        }
        for row in rows
    ]


def rendered(
    *, body: str, values: Sequence[Mapping[str, Any]], language: str, contract: Contract,
    lines: Sequence[ContractLine], said: Mapping[str, Any], by: User, lenient: bool = False,
) -> str:  # fmt: skip
    """The text of a contract from a template, as clean HTML. Raises Invalid."""
    nodes = templating.parse(body, {value["key"]: value["type"] for value in values})
    with translation.override(language):
        facts = facts_of(contract, read_values(values, said, lenient=lenient), by)
        return markup.clean(templating.render(nodes, facts, line_facts(lines)))


def sample_contract(kind: ContractType, by: User, customer: Customer | None = None) -> Contract:
    """A contract that is not stored, to show a template with."""
    day = access.today()
    customer = customer or Customer(
        company_name=_("Example customer"), name=_("Example customer"), city="Rabat", country="MA"
    )
    return Contract(
        organization_id=scope.organization_id(),
        number=f"{kind.prefix}-{day.year}-0000",
        title=str(kind.label),
        customer=customer,
        type=kind,
        value=Decimal(24000),
        currency=base_currency(),
        start_date=day,
        end_date=terms.term_end(day, kind.term_months),
        term_months=kind.term_months,
        notice_days=kind.notice_days,
        auto_renew=kind.auto_renew,
        owner=by,
    )


def sample_lines(contract: Contract) -> list[ContractLine]:
    return [
        ContractLine(
            contract=contract, position=place, description=_("Line %(number)s") % {"number": place},
            quantity=Decimal(place), unit_price=Decimal(8000), discount=Decimal(0),
        )
        for place in (1, 2)
    ]  # fmt: skip


def preview(
    *, template: ContractTemplate, data: Mapping[str, Any], by: User, language: str = "", body: str | None = None,
    values: Any = None,
) -> str:  # fmt: skip
    """The template's text, or `body` in its place, with the values given and made-up ones for the rest; nothing is
    stored. `data` may hold `customer_id`, `values` and fields of the contract (`overrides`). Raises Invalid."""
    held = None if template._state.adding else newest(template)
    errors = Errors()
    declared = _declared(values, errors) if values is not None else held.values if held else []
    errors.raise_any()
    customer = services.customer_named(data["customer_id"], by) if data.get("customer_id") else None
    contract = sample_contract(template.type, by, customer)
    overrides = dict(data.get("overrides") or {})
    lines = services.fill(contract, overrides, by)
    return rendered(
        body=body if body is not None else held.body if held else "",
        values=declared,
        language=language or template.language,
        contract=contract,
        lines=lines if lines is not None else sample_lines(contract),
        said=data.get("values") or {},
        by=by,
        lenient=True,
    )


@transaction.atomic
def template_create(*, id: UUID, data: Mapping[str, Any], by: User) -> Contract:
    """A draft with the template's text as its terms: `{customer_id, values, overrides}`; `overrides` are fields of the
    contract. Raises Denied, NotFound, and Invalid listing every value that is missing."""
    access.may(by, "contracts.edit")
    template = access.template_for(id)
    text = newest(template)
    values = read_values(text.values, data.get("values") or {})
    overrides = dict(data.get("overrides") or {})
    start = overrides.get("start_date") or access.today()
    months = overrides.get("term_months") or template.type.term_months
    contract = services.contract_create(
        data={
            "title": f"{template.type.label}",
            "start_date": start,
            "end_date": terms.term_end(start, months),
            **overrides,
            "customer_id": data.get("customer_id"),
            "type": template.type.key,
            "terms": "",
            "status": None,
        },
        by=by,
    )
    contract.terms = rendered(
        body=text.body,
        values=text.values,
        language=template.language,
        contract=contract,
        lines=list(contract.lines.all()),
        said=data.get("values") or {},
        by=by,
    )
    contract.template_version = text
    contract.template_values = {key: wire.plain(value) for key, value in values.items()}
    contract.save(update_fields=["terms", "template_version", "template_values", "updated_at"])
    return contract
