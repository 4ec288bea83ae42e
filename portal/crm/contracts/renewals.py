"""Renewal, termination, and what the calendar does to contracts."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Errors, IllegalTransition
from portal.core.notifications import events
from portal.core.notifications.services import notify
from portal.crm.contracts import access, history, selectors, services, terms, wire
from portal.crm.contracts.choices import IN_FORCE, Party, Status
from portal.crm.contracts.models import Contract, ContractLine, ContractReminder

_COPIED: Final = (
    "title", "customer_id", "type_id", "currency", "fx_rate", "billing", "notice_days", "auto_renew", "terms",
    "owner_id", "signatories", "template_version_id", "template_values",
)  # fmt: skip
CAUGHT_UP: Final = 50  # terms in a row that one run takes a contract through after a long standstill
# Called for a contract that begins to expire, once per contract and end; `desk/bridges` registers.
on_expiring: list[Callable[[Contract], None]] = []


# --- renew ------------------------------------------------------------------------------------------
@transaction.atomic
def contract_renew(*, id: UUID, data: Mapping[str, Any], by: User) -> Contract:
    """A draft that follows on the contract: from the day after its end, for `term_months` (as before) or to `end_date`.

    `change` is one of `{percent | amount | fixed}` on the value; `copy_lines` takes the lines over, which goes with a
    percentage or no change alone. Raises Invalid, and ILLEGAL_TRANSITION (422) unless the contract is active or
    expired, has an end, is not being terminated, and no living contract renews it yet.
    """
    old = services.locked(id, by)
    successor = wire.successors([old.pk]).get(old.pk)
    refusal = ""
    if old.status not in (Status.ACTIVE, Status.EXPIRED):
        refusal = _("Only a contract that is active or expired is renewed.")
    elif old.termination_date:
        refusal = _("This contract is being terminated.")
    elif old.end_date is None:
        refusal = _("A contract without an end is not renewed.")
    elif successor:
        refusal = _("Another contract renews this one already.")
    if refusal or old.end_date is None:
        meta: dict[str, Any] = {"from": old.status, "allowed": services.steps(old, by)}
        raise IllegalTransition(refusal, meta=meta | ({"successorId": str(successor)} if successor else {}))
    errors = Errors()
    months, end = data.get("term_months"), data.get("end_date")
    start = terms.next_start(old.end_date)
    if months is not None and end is not None:
        errors.add("term_months", _("Give a term in months or an end, not both."))
    elif months is not None and not 1 <= months <= 600:
        errors.add("term_months", _("Enter a number from 1 to 600."))
    elif end is not None and end < start:
        errors.add("end_date", _("The new term begins on %(day)s.") % {"day": start})
    change = {name: value for name, value in (data.get("change") or {}).items() if value is not None}
    copy = data.get("copy_lines")
    value = _changed(old.value, change, errors)
    if copy and ("amount" in change or "fixed" in change):
        errors.add("copy_lines", _("Lines are copied with a percentage or without a change."))
    errors.raise_any()
    lines = list(old.lines.all()) if copy or (copy is None and not {"amount", "fixed"} & set(change)) else []
    return _successor(old, end=end, months=months, value=value, lines=lines, percent=change.get("percent"), by=by)


def _changed(value: Decimal, change: Mapping[str, Any], errors: Errors) -> Decimal:
    if len(change) > 1 or set(change) - {"percent", "amount", "fixed"}:
        errors.add("change", _("Give one of: percent, amount, fixed."))
        return value
    if "percent" in change:
        value = terms.money(value * (100 + Decimal(str(change["percent"]))) / 100)
    elif "amount" in change:
        value = terms.money(value + Decimal(str(change["amount"])))
    elif "fixed" in change:
        value = terms.money(Decimal(str(change["fixed"])))
    if not 0 <= value < Decimal(10) ** 14:
        errors.add("change", _("The value is not below zero."))
    return value


def _successor(
    old: Contract, *, end: date | None, months: int | None, value: Decimal, lines: list[ContractLine],
    percent: Any, by: User | None,
) -> Contract:  # fmt: skip
    assert old.end_date is not None
    start, length = terms.next_start(old.end_date), months or old.term_months
    made = Contract(
        organization_id=old.organization_id,
        predecessor=old,
        start_date=start,
        end_date=end or terms.term_end(start, length),
        term_months=length,
        value=value,
        created_by=by,
        **{name: getattr(old, name) for name in _COPIED},
    )
    factor = (100 + Decimal(str(percent or 0))) / 100
    copies = [
        ContractLine(
            organization_id=old.organization_id, contract=made, position=row.position, description=row.description,
            quantity=row.quantity, unit_price=terms.money(row.unit_price * factor), discount=row.discount,
        )
        for row in lines
    ]  # fmt: skip
    if copies:
        made.value = sum((wire.line_total(row) for row in copies), Decimal(0))
    services.store(made, copies)
    history.log(made, "created", new=wire.facts(made, copies))
    history.log(old, "successor", new={"successorId": str(made.pk), "successorNumber": made.number})
    if old.owner_id and (by is None or by.pk != old.owner_id):
        said = {"number": old.number, "successor": made.number, "title": old.title}
        notify("contract.renewed", recipients=[old.owner_id], data=said, subject=("contract", made.pk))
    return made


# --- terminate --------------------------------------------------------------------------------------
@transaction.atomic
def contract_terminate(*, id: UUID, data: Mapping[str, Any], by: User) -> Contract:
    """End a contract early: at once where `effective_date` (today) is reached, else on that day, revocably.

    `data`: `effective_date`, `reason`, `by` (us, customer), `note`, `fee`. Notice that comes later than the contract
    asks for is taken and marked (`notice_late`). Raises Invalid, ILLEGAL_TRANSITION (422) where it is not in force or
    is being terminated already.
    """
    contract = services.locked(id, by)
    terminate(
        contract,
        effective=data.get("effective_date"),
        reason=data.get("reason") or "",
        party=data.get("by") or Party.US,
        note=data.get("note") or "",
        fee=data.get("fee"),
        by=by,
    )
    return contract


def terminate(
    contract: Contract, *, reason: str, by: User, effective: date | None = None, party: str = Party.US, note: str = "",
    fee: Decimal | None = None, field: str = "reason",
) -> None:  # fmt: skip
    if contract.status not in IN_FORCE or contract.termination_date:
        already = contract.status == Status.TERMINATED or contract.termination_date
        message = _("This contract is terminated already.") if already else _("Only a contract in force is terminated.")
        ways = services.steps(contract, by)
        raise IllegalTransition(message, meta={"from": contract.status, "allowed": ways})
    day = access.today()
    effective, errors = effective or day, Errors()
    if not reason.strip() or len(reason) > 500:
        errors.add(field, _("A reason of at most %(limit)s characters is needed.") % {"limit": 500}, "required")
    if party not in Party.values:
        errors.add("by", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(Party.values)})
    if effective < day and not by.has_permission("contracts.backdate"):
        errors.add("effective_date", _("You may not terminate a contract in the past."))
    if contract.start_date and effective < contract.start_date and contract.status == Status.ACTIVE:
        errors.add("effective_date", _("The contract begins on %(day)s.") % {"day": contract.start_date})
    if contract.end_date and effective > contract.end_date:
        errors.add("effective_date", _("The contract ends on %(day)s.") % {"day": contract.end_date})
    if fee is not None and fee < 0:
        errors.add("fee", _("Enter at least %(ge)s.") % {"ge": 0})
    errors.raise_any()
    contract.termination_date, contract.termination_reason = effective, reason.strip()
    contract.termination_party, contract.termination_note, contract.termination_fee = party, note.strip(), fee
    given = contract.notice_given_on or day
    contract.notice_late = given > effective - timedelta(days=contract.notice_days)
    contract.version += 1
    contract.save()
    new = {
        "terminationDate": effective.isoformat(),
        "reason": reason,
        "by": str(party),
        "lateNotice": contract.notice_late,
    }
    history.log(contract, "terminated", new=new, note=note)
    if effective <= day:
        services.move(contract, Status.TERMINATED, note=reason)


@transaction.atomic
def termination_revoke(*, id: UUID, by: User) -> Contract:
    """Take a termination back that has not come yet. Raises ILLEGAL_TRANSITION."""
    contract = services.locked(id, by)
    if contract.status not in IN_FORCE or contract.termination_date is None:
        message = _("There is no coming termination to revoke.")
        raise IllegalTransition(message, meta={"from": contract.status, "allowed": services.steps(contract, by)})
    old = {"terminationDate": contract.termination_date.isoformat(), "reason": contract.termination_reason}
    contract.termination_date, contract.termination_fee, contract.notice_late = None, None, False
    contract.termination_reason = contract.termination_party = contract.termination_note = ""
    contract.version += 1
    contract.save()
    history.log(contract, "termination_revoked", old=old)
    return contract


# --- the calendar -----------------------------------------------------------------------------------
def _living() -> QuerySet[Contract]:
    rows: QuerySet[Contract] = Contract.objects.filter(deleted_at=None)
    return rows.select_related("customer", "type").order_by("end_date", "pk")


def to_renew(day: date) -> QuerySet[Contract]:
    """Active ones that renew themselves, whose notice deadline has passed without notice, and that nothing renews."""
    successor = Contract.objects.filter(deleted_at=None, predecessor__isnull=False).exclude(status=Status.CANCELLED)
    rows = _living().filter(
        status=Status.ACTIVE, auto_renew=True, notice_given_on=None, termination_date=None, end_date__isnull=False
    )
    return rows.filter(end_date__lt=selectors.later(day)).exclude(pk__in=successor.values("predecessor"))


def to_activate(day: date) -> QuerySet[Contract]:
    return _living().filter(status=Status.UPCOMING, start_date__lte=day)


def to_terminate(day: date) -> QuerySet[Contract]:
    return _living().filter(status__in=IN_FORCE, termination_date__lte=day)


def to_expire(day: date) -> QuerySet[Contract]:
    return _living().filter(status=Status.ACTIVE, end_date__lt=day)


def to_remind(day: date) -> list[tuple[Contract, list[int]]]:
    """Active ones with the reminders that are due and were not given for this end."""
    rows = _living().filter(status=Status.ACTIVE, termination_date=None, end_date__gte=day)
    rows = rows.filter(end_date__lte=day + timedelta(days=730))
    given: dict[tuple[UUID, date], set[int]] = {}
    for contract, end, offset in ContractReminder.objects.filter(contract__in=rows).values_list(
        "contract", "end_date", "offset"
    ):
        given.setdefault((contract, end), set()).add(offset)
    renewed = wire.successors(list(rows.order_by().values_list("pk", flat=True)))
    found = []
    for row in rows:
        assert row.end_date is not None
        left = terms.days_left(row.end_date, day)
        due = [n for n in row.type.reminders if n >= left and n not in given.get((row.pk, row.end_date), set())]
        if due and row.pk not in renewed:
            found.append((row, due))
    return found


def due(day: date) -> bool:
    """Whether the calendar has anything to do in the organisation in force."""
    steps = (to_renew, to_activate, to_terminate, to_expire)
    return any(step(day).exists() for step in steps) or bool(to_remind(day))


def run(day: date, *, progress: Callable[[int, int], None] = lambda done, total: None) -> dict[str, int]:
    """All that is due by `day`: renew, activate, terminate, expire, remind. Each is written once per contract and
    period, so that a second run, or one after a break, finds nothing to do."""
    counts = dict.fromkeys(("renewed", "activated", "terminated", "expired", "reminded"), 0)
    for _round in range(CAUGHT_UP):
        before = sum(counts.values())
        for row in _taken(to_terminate(day)):
            services.move(row, Status.TERMINATED, note=row.termination_reason)
            counts["terminated"] += 1
        for row in _taken(to_renew(day)):
            counts["renewed"] += _renew_itself(row)
        for row in _taken(to_activate(day)):
            services.move(row, Status.ACTIVE, note="")
            counts["activated"] += 1
        progress(_round + 1, 4)
        if sum(counts.values()) == before:
            break
    for row in _taken(to_expire(day)):
        services.move(row, Status.EXPIRED, note="")
        counts["expired"] += 1
    counts["reminded"] = _remind(day)
    return counts


def _taken(rows: QuerySet[Contract]) -> list[Contract]:
    """Locked; what somebody else holds is left for the next run."""
    return list(rows.select_for_update(of=("self",), skip_locked=True))


def _renew_itself(old: Contract) -> int:
    made = _successor(old, end=None, months=None, value=old.value, lines=list(old.lines.all()), percent=None, by=None)
    made.status = Status.UPCOMING
    made.save(update_fields=["status", "updated_at"])
    history.log(made, "auto_renewed", new={"status": made.status, "predecessorId": str(old.pk)})
    return 1


def _remind(day: date) -> int:
    told = 0
    for row, offsets in to_remind(day):
        assert row.end_date is not None
        made = ContractReminder.objects.bulk_create(
            (
                ContractReminder(
                    organization_id=row.organization_id, contract=row, end_date=row.end_date, offset=offset
                )
                for offset in offsets
            ),
            ignore_conflicts=True,
        )
        told += 1
        left = terms.days_left(row.end_date, day)
        data = {"number": row.number, "daysLeft": left, "endDate": row.end_date.isoformat()}
        events.publish("contract.expiring", entity="contract", id=row.pk, data=data)
        said = {"number": row.number, "title": row.title, "day": row.end_date.isoformat()}
        notify("contract.ending", recipients=[row.owner_id], data=said, subject=("contract", row.pk))
        history.log(row, "reminder", new=data | {"offsets": [reminder.offset for reminder in made]})
        if row.deal_for != row.end_date:
            for listener in on_expiring:
                listener(row)
    return told


def mark_deal(contract: Contract, sale: UUID) -> None:
    """Remember that a deal was opened for the coming end, once per contract and period."""
    contract.deal_for = contract.end_date
    contract.save(update_fields=["deal_for", "updated_at"])
    history.log(contract, "deal_opened", new={"saleId": str(sale)})
