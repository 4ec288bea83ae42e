"""Write, change, approve, amend and delete contracts; their documents."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, DomainError, Errors, IllegalTransition, Invalid, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.common.text import normalise
from portal.core.sync.records import to_restore
from portal.core.tenancy import scope
from portal.core.tenancy.services import next_numbers
from portal.crm.access import seen
from portal.crm.contracts import access, history, terms, wire
from portal.crm.contracts.choices import IN_FORCE, OPEN, STEPS, Party, Status
from portal.crm.contracts.documents import attachments_set
from portal.crm.contracts.models import Amendment, Contract, ContractLine, ContractType
from portal.crm.customers.access import customer_living
from portal.crm.customers.models import Customer
from portal.crm.money import base_currency, resolve

LINES: Final = 200
BULK: Final = 200
# What a contract in force changes by amendment alone.
AMENDABLE: Final = frozenset(
    {
        "value", "currency", "fx_rate", "billing", "start_date", "end_date", "term_months", "notice_days",
        "auto_renew", "terms", "lines",
    }
)  # fmt: skip
LOCKED: Final = AMENDABLE | {"customer_id", "type"}
_PLAIN: Final = ("title", "billing", "term_months", "notice_days", "auto_renew", "terms", "start_date", "end_date")
_CHECKED: Final = frozenset(
    {"title", "billing", "value", "fx_rate", "start_date", "end_date", "term_months", "notice_days"}
)
_FREE: Final = ("signed_on", "notice_given_on")
_NAMES: Final = {column: name for name, column in wire.COLUMNS.items()} | {"lines": "lines"}


# --- create and change ------------------------------------------------------------------------------
@transaction.atomic
def contract_create(*, data: Mapping[str, Any], by: User) -> Contract:
    """A draft, or with `status` further on where the rules of that state hold; numbered without gaps.

    `data` has column names, and `customer_id`, `type` (key or id), `lines`, `attachments` (ids of files). What is not
    given comes from the type. Raises Denied, Invalid, NotFound for a customer out of sight.
    """
    access.may(by, "contracts.edit")
    kind = type_named(data.get("type"))
    contract = Contract(
        organization_id=scope.organization_id(),
        customer=customer_named(data.get("customer_id"), by),
        type=kind,
        term_months=kind.term_months,
        notice_days=kind.notice_days,
        auto_renew=kind.auto_renew,
        currency=base_currency(),
        owner=by,
        created_by=by,
    )
    lines = fill(contract, {key: value for key, value in data.items() if key not in ("customer_id", "type")}, by)
    store(contract, lines)
    history.log(contract, "created", new=wire.facts(contract, lines or []))
    attachments_set(contract=contract, ids=data.get("attachments") or (), by=by)
    status = data.get("status") or Status.DRAFT
    if status != Status.DRAFT:
        if status not in (*OPEN, *IN_FORCE):
            raise Invalid.field(
                "status", _("A new contract is %(allowed)s.") % {"allowed": ", ".join((*OPEN, "active"))}
            )
        if status in IN_FORCE:
            missing(contract).raise_any()
        if contract.type.approver_role and status != Status.PENDING:
            raise _illegal(contract, status, by)
        move(contract, status, note="")
    return contract


def number_contract(contract: Contract) -> None:
    """The next number of its type and year, taken in the same transaction, so that none is left out."""
    year = access.today().year
    key = f"{contract.type.prefix}-{year}"
    contract.number = f"{key}-{next_numbers(f'contract {key}')[0]:04d}"


def store(contract: Contract, lines: Sequence[ContractLine] | None) -> None:
    if not contract.number:
        number_contract(contract)
    else:
        contract.version += 1
    contract.search_text = normalise(f"{contract.number} {contract.title} {contract.customer.name}")
    contract.save()
    if lines is not None:
        ContractLine.objects.filter(contract=contract).delete()
        ContractLine.objects.bulk_create(lines)


@transaction.atomic
def contract_update(
    *, id: UUID, changes: Mapping[str, Any], by: User, version: int | None = None, note: str = ""
) -> Contract:
    """Change the given fields; `status` takes the step that PATCH takes. Raises Denied, Invalid, VERSION_CONFLICT, and
    CONTRACT_LOCKED (422) for money, dates or terms of one in force."""
    contract = locked(id, by, version)
    before = wire.facts(contract)
    held = list(contract.lines.all())
    lines = fill(contract, changes, by)
    after = wire.facts(contract, held if lines is None else lines)
    old, new = history.differences(before, after)
    if contract.status not in OPEN:
        held_fast = sorted(_NAMES[name] for name in LOCKED if _NAMES[name] in new)
        if held_fast:
            message = _("A contract that is %(status)s changes by amendment alone: %(fields)s.")
            named = {"status": contract.get_status_display(), "fields": ", ".join(held_fast)}
            raise DomainError(message % named, code="CONTRACT_LOCKED", status=422, meta={"locked": held_fast})
    if new:
        store(contract, lines if "lines" in new else None)
        history.log(contract, "updated", old=old, new=new)
    if "attachments" in changes:
        attachments_set(contract=contract, ids=changes["attachments"] or (), by=by)
    status = changes.get("status")
    if status and status != contract.status:
        _step(contract, status, note, by)
    return contract


def contracts_update(
    *, ids: Sequence[Any], changes: Mapping[str, Any], by: User
) -> list[tuple[Any, DomainError | None]]:
    """The same changes to several contracts, each for itself; what became of each. At most 200."""
    access.may(by, "contracts.edit")
    done: list[tuple[Any, DomainError | None]] = []
    for said in list(dict.fromkeys(ids))[:BULK]:
        try:
            id = parse_uuid(said)
            if id is None:
                raise NotFound(_("There is no such contract."))
            with transaction.atomic():
                contract_update(id=id, changes=changes, by=by)
            done.append((said, None))
        except DomainError as refusal:
            done.append((said, refusal))
    return done


def locked(id: UUID, by: User, version: int | None = None, right: str = "contracts.edit") -> Contract:
    contract = access.contract_for(by, id, right, lock=True)
    if version is not None and version != contract.version:
        raise Conflict(_("This record has been changed in the meantime."), meta={"currentVersion": contract.version})
    return contract


def type_named(value: Any) -> ContractType:
    rows = ContractType.objects.filter(is_active=True)
    id = parse_uuid(value)
    found = (rows.filter(pk=id) if id else rows.filter(key=str(value or "").lower())).first()
    if found is None:
        known = ", ".join(rows.values_list("key", flat=True))
        raise Invalid.field("type", _("Choose one of: %(allowed)s.") % {"allowed": known}, "choice")
    return found


def customer_named(value: Any, by: User) -> Customer:
    if not value:
        raise Invalid.field("customer_id", _("This field is required."), "required")
    rows: Any = Customer.objects.filter(deleted_at=None, pk__in=filter(None, [parse_uuid(value)]))
    found: Customer | None = seen(by, "customers.view", rows).first()
    if found is None:
        raise NotFound(_("There is no such customer."))
    return found


def _owner(value: Any) -> User | None:
    if value is None:
        return None
    found = User.objects.filter(
        pk__in=filter(None, [parse_uuid(value)]),
        organization_id=scope.organization_id(),
        is_active=True,
        deleted_at=None,
    ).first()
    if found is None or not found.has_permission("contracts.view"):
        raise Invalid.field("owner_id", _("Choose somebody who may see contracts."), "choice")
    return found


def fill(contract: Contract, data: Mapping[str, Any], by: User) -> list[ContractLine] | None:
    """Take values over and check them together; the lines, unsaved, where they are given."""
    errors = Errors()
    if "customer_id" in data and parse_uuid(data["customer_id"]) != contract.customer_id:
        contract.customer = customer_named(data["customer_id"], by)
    if "type" in data and data["type"] not in (contract.type.key, str(contract.type_id), contract.type_id):
        contract.type = type_named(data["type"])
    if "owner_id" in data:
        contract.owner = _owner(data["owner_id"])
    for name in (*_PLAIN, *_FREE):
        if name in data:
            field: Any = contract._meta.get_field(name)
            setattr(contract, name, field.get_default() if data[name] is None else data[name])
    if contract._state.adding or "currency" in data or "fx_rate" in data:
        said = data.get("currency") or contract.currency or None
        rate = data.get("fx_rate") or (contract.fx_rate if said == contract.currency else None)
        try:
            contract.currency, contract.fx_rate = resolve(said, None if said == base_currency() else rate)
        except Invalid as refusal:
            errors.items += refusal.errors
    if "signatories" in data:
        contract.signatories = _signatories(data["signatories"] or [], errors)
    contract.title = " ".join((contract.title or "").split())
    lines = _lines(contract, data["lines"] or [], errors) if "lines" in data else None
    _money(contract, data, lines, errors)
    if contract.start_date and contract.end_date and contract.end_date < contract.start_date:
        errors.add("end_date", _("The last day is not before the first."))
    try:
        contract.clean_fields(exclude={field.name for field in Contract._meta.fields} - _CHECKED)
    except ValidationError as refused:
        for name, texts in refused.message_dict.items():
            errors.add(name, " ".join(texts))
    errors.raise_any()
    return lines


def _money(contract: Contract, data: Mapping[str, Any], lines: Sequence[ContractLine] | None, errors: Errors) -> None:
    if data.get("value") is not None:
        contract.value = terms.money(Decimal(data["value"]))
    if contract.value < 0:
        errors.add("value", _("Enter at least %(ge)s.") % {"ge": 0})
    if lines is None and "value" in data and contract.pk and not contract._state.adding:
        lines = list(contract.lines.all())
    if lines:
        total = sum((wire.line_total(row) for row in lines), Decimal(0))
        if data.get("value") is not None and contract.value != total:
            message = _("The lines come to %(total)s.") % {"total": f"{total:.2f}"}
            errors.add("value", message, "lines")
        contract.value = total


def _signatories(said: Any, errors: Errors) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for row in (said if isinstance(said, list) else [None])[:20]:
        given: Mapping[str, Any] = {"name": row} if isinstance(row, str) else row if isinstance(row, Mapping) else {}
        name, party = str(given.get("name") or "").strip(), str(given.get("party") or Party.CUSTOMER)
        if not name or len(name) > 150 or party not in Party.values:
            errors.add("signatories", _("A signatory has a name and a party: us or customer."))
            break
        found.append({"name": name, "role": str(given.get("role") or "").strip()[:150], "party": party})
    return found


def _lines(contract: Contract, said: Sequence[Mapping[str, Any]], errors: Errors) -> list[ContractLine]:
    if len(said) > LINES:
        errors.add("lines", _("Enter at most %(max_length)s entries.") % {"max_length": LINES})
        return []
    made = []
    for place, row in enumerate(said, 1):
        line = ContractLine(
            organization_id=contract.organization_id,
            contract=contract,
            position=place,
            description=" ".join(str(row.get("description") or "").split()),
            quantity=Decimal(str(row.get("quantity", 1) or 0)),
            unit_price=Decimal(str(row.get("unit_price") or 0)),
            discount=Decimal(str(row.get("discount") or 0)),
        )
        where = f"lines.{place - 1}"
        if not line.description:
            errors.add(f"{where}.description", _("This field is required."), "required")
        if line.quantity <= 0:
            errors.add(f"{where}.quantity", _("Enter more than %(gt)s.") % {"gt": 0})
        if line.unit_price < 0:
            errors.add(f"{where}.unit_price", _("Enter at least %(ge)s.") % {"ge": 0})
        if not 0 <= line.discount <= 100:
            errors.add(f"{where}.discount", _("Enter a number from 0 to 100."))
        try:
            line.clean_fields(exclude=["contract", "description"])
        except ValidationError as refused:
            for name, texts in refused.message_dict.items():
                errors.add(f"{where}.{name}", " ".join(texts))
        made.append(line)
    return made


# --- states -----------------------------------------------------------------------------------------
def missing(contract: Contract) -> Errors:
    """What a contract lacks to come into force."""
    errors = Errors()
    if contract.start_date is None:
        errors.add("start_date", _("A contract in force has a first day."), "required")
    if contract.value <= 0:
        errors.add("value", _("A contract in force has a value."), "required")
    if not contract.title:
        errors.add("title", _("This field is required."), "required")
    return errors


def steps(contract: Contract, by: User) -> list[str]:
    """The states to which the person may take a contract now."""
    ways = list(STEPS[contract.status])
    approver = contract.type.approver_role
    if approver and contract.status == Status.DRAFT:
        ways = [Status.PENDING, Status.CANCELLED]
    if approver and contract.status == Status.PENDING and by.role_key not in (approver, "Admin"):
        ways = [Status.DRAFT]
    if contract.status == Status.ACTIVE and contract.end_date and contract.end_date < access.today():
        ways.append(Status.EXPIRED)
    if contract.termination_date and Status.TERMINATED in ways:
        ways.remove(Status.TERMINATED)
    return [str(way) for way in ways]


def _illegal(contract: Contract, status: str, by: User) -> IllegalTransition:
    ways = steps(contract, by)
    message = _("A contract that is %(from)s cannot become %(to)s. Possible: %(allowed)s.")
    named = {"from": contract.status, "to": status, "allowed": ", ".join(ways) or "\N{EN DASH}"}
    return IllegalTransition(message % named, meta={"from": contract.status, "allowed": ways})


@transaction.atomic
def contract_status(*, id: UUID, status: str, note: str = "", by: User, version: int | None = None) -> Contract:
    """Take a contract to another state. Raises ILLEGAL_TRANSITION with `meta.allowed`."""
    contract = locked(id, by, version)
    _step(contract, status, note, by)
    return contract


def _step(contract: Contract, status: str, note: str, by: User) -> None:
    from portal.crm.contracts.renewals import terminate

    if status not in Status.values:
        raise Invalid.field(
            "status", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(Status.values)}, "choice"
        )
    wanted = Status.ACTIVE if status == Status.UPCOMING else status
    if wanted not in steps(contract, by):
        raise _illegal(contract, status, by)
    if wanted == Status.TERMINATED:
        terminate(contract, reason=note, by=by, field="note")
        return
    if wanted == Status.ACTIVE and (lacks := missing(contract).items):
        raise DomainError(lacks[0].message, code="CONTRACT_INCOMPLETE", status=422, errors=lacks)
    move(contract, wanted, note=note)


def move(contract: Contract, status: str, *, note: str) -> None:
    """Write the new state; in force from the first day on, and then the contract that it renews is renewed."""
    was, day = contract.status, access.today()
    if status in IN_FORCE:
        upcoming = contract.start_date is not None and contract.start_date > day
        status = Status.UPCOMING if upcoming else Status.ACTIVE
    contract.status = status
    if status == Status.ACTIVE:
        contract.activated_at = clock.now()
    if status in (Status.EXPIRED, Status.TERMINATED):
        contract.ended_on = contract.last_day
    if status == Status.CANCELLED:
        contract.ended_on = day
    contract.version += 1
    contract.save()
    history.log(contract, "status", old={"status": was}, new={"status": str(status)}, note=note)
    if status == Status.ACTIVE and contract.predecessor_id:
        _renewed(contract)


def _renewed(successor: Contract) -> None:
    old = (
        Contract.objects.select_for_update(of=("self",))
        .filter(successors=successor.pk, status__in=(Status.ACTIVE, Status.EXPIRED), deleted_at=None)
        .first()
    )
    if old is not None:
        was, old.status, old.ended_on = old.status, Status.RENEWED, old.last_day
        old.version += 1
        old.save()
        history.log(old, "renewed", old={"status": was}, new={"status": "renewed", "successorId": str(successor.pk)})


@transaction.atomic
def contract_delete(*, id: UUID, by: User, version: int | None = None) -> None:
    """Take a contract out of sight; the audit log and the history keep it. Raises Denied, NotFound."""
    access.may(by, "contracts.delete")
    contract = locked(id, by, version, "contracts.view")
    contract.deleted_at, contract.deleted_by = clock.now(), by
    contract.version += 1
    contract.save()
    history.log(contract, "deleted", old={"status": contract.status})


@transaction.atomic
def contract_restore(*, id: UUID, by: User) -> Contract:
    """Bring a deleted contract back. Raises Denied, NotFound, and Conflict while its customer is deleted and where
    another contract renews the same one by now (`DUPLICATE`)."""
    rows = seen(by, "contracts.view", Contract.objects.all(), owner="owner")
    contract: Contract = to_restore(rows, id=id, by=by, right="contracts.delete")
    if contract.deleted_at is None:
        return contract
    customer_living(contract.customer_id)
    if contract.predecessor_id and contract.status != Status.CANCELLED:
        Contract.objects.select_for_update(no_key=True).get(pk=contract.predecessor_id)  # two renewals cannot both win
        if wire.successors([contract.predecessor_id]):
            raise Conflict(_("Another contract renews the same contract already."), code="DUPLICATE")
    contract.deleted_at = contract.deleted_by = None
    contract.version += 1
    contract.save()
    history.log(contract, "restored", new={"status": contract.status})
    return contract


# --- amendments -------------------------------------------------------------------------------------
@transaction.atomic
def contract_amend(*, id: UUID, changes: Mapping[str, Any], reason: str, by: User) -> Amendment:
    """Change money, dates or terms of a contract in force under the next number of an amendment.

    Raises ILLEGAL_TRANSITION where the contract is not in force, Invalid for other fields, without a reason or without
    a change, and where the new end would overlap the contract that renews this one.
    """
    contract = locked(id, by)
    if contract.status not in IN_FORCE:
        raise IllegalTransition(
            _("Only a contract in force is amended."), meta={"allowed": steps(contract, by), "from": contract.status}
        )
    if not reason.strip():
        raise Invalid.field("reason", _("This field is required."), "required")
    if other := sorted(set(changes) - AMENDABLE):
        names = ", ".join(_NAMES.get(name, name) for name in other)
        raise Invalid.field("changes", _("An amendment does not change: %(names)s.") % {"names": names})
    before = wire.facts(contract)
    held = list(contract.lines.all())
    lines = fill(contract, changes, by)
    old, new = history.differences(before, wire.facts(contract, held if lines is None else lines))
    if not new:
        raise Invalid.field("changes", _("Nothing would change."))
    missing(contract).raise_any()
    successor = wire.successors([contract.pk]).get(contract.pk)
    if successor and "endDate" in new:
        begins = Contract.objects.values_list("start_date", flat=True).get(pk=successor)
        if contract.end_date is None or (begins and contract.end_date >= begins):
            raise Invalid.field("end_date", _("The contract that renews this one begins on %(day)s.") % {"day": begins})
    store(contract, lines if "lines" in new else None)
    last = Amendment.objects.filter(contract=contract).aggregate(last=Max("number"))["last"] or 0
    amendment = Amendment.objects.create(
        organization_id=contract.organization_id,
        contract=contract,
        number=last + 1,
        reason=reason.strip(),
        changes={name: [old[name], new[name]] for name in new},
        created_by=by,
    )
    history.log(contract, "amended", old=old, new=new | {"amendment": amendment.number}, note=amendment.reason)
    return amendment
