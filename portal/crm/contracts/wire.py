"""Contracts as the API and the history show them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from portal.core.common import clock
from portal.core.files.models import FileLink
from portal.crm.contracts import terms
from portal.crm.contracts.choices import Status
from portal.crm.contracts.models import (
    Amendment,
    Contract,
    ContractEvent,
    ContractLine,
    ContractTemplate,
    ContractType,
    TemplateVersion,
)

# Wire name -> column: what a person may write, and what the history tells of.
COLUMNS: Final = {
    "title": "title",
    "customerId": "customer_id",
    "type": "type",
    "status": "status",
    "value": "value",
    "currency": "currency",
    "fxRate": "fx_rate",
    "billing": "billing",
    "startDate": "start_date",
    "endDate": "end_date",
    "termMonths": "term_months",
    "noticeDays": "notice_days",
    "autoRenew": "auto_renew",
    "terms": "terms",
    "ownerId": "owner_id",
    "signatories": "signatories",
    "signedOn": "signed_on",
    "noticeGivenOn": "notice_given_on",
    "terminationDate": "termination_date",
}


def plain(value: Any) -> Any:
    """A column's value as JSON; money as a number."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, ContractType):
        return value.key
    return float(value) if hasattr(value, "quantize") else value


def facts(contract: Contract, lines: Sequence[ContractLine] | None = None) -> dict[str, Any]:
    """What the history compares."""
    found = {name: plain(getattr(contract, column)) for name, column in COLUMNS.items()}
    return found | {"lines": [line_card(row) for row in (contract.lines.all() if lines is None else lines)]}


def line_total(row: ContractLine) -> Any:
    return terms.money(row.quantity * row.unit_price * (100 - row.discount) / 100)


def line_card(row: ContractLine) -> dict[str, Any]:
    return {
        "description": row.description,
        "quantity": float(row.quantity),
        "unitPrice": float(row.unit_price),
        "discount": float(row.discount),
        "total": float(line_total(row)),
    }


def successors(ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Contract -> the living one that renews it."""
    rows = Contract.objects.filter(predecessor__in=ids, deleted_at=None).exclude(status=Status.CANCELLED)
    return {old: new for old, new in rows.values_list("predecessor", "pk") if old}


def contracts(rows: Iterable[Contract], today: date) -> list[dict[str, Any]]:
    """Cards of contracts with their customer, type and template version at hand; three queries more."""
    held = list(rows)
    ids = [row.pk for row in held]
    lines: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for line in ContractLine.objects.filter(contract__in=ids).order_by("contract", "position"):
        lines[line.contract_id].append(line_card(line))
    files: dict[UUID, list[str]] = defaultdict(list)
    linked = FileLink.objects.filter(kind="contract", record_id__in=ids, file__deleted_at=None)
    for record, file in linked.order_by("created_at", "id").values_list("record_id", "file"):
        files[record].append(str(file))
    renewed = successors(ids)
    return [_card(row, lines[row.pk], files[row.pk], renewed.get(row.pk), today) for row in held]


def _card(
    row: Contract, lines: list[dict[str, Any]], files: list[str], successor: UUID | None, today: date
) -> dict[str, Any]:
    end, active = row.last_day, row.status == Status.ACTIVE
    left = terms.days_left(end, today) if end and row.in_force else None
    return {
        "id": str(row.pk),
        "number": row.number,
        "title": row.title,
        "customerId": str(row.customer_id),
        "customerName": row.customer.name,
        "type": row.type.key,
        "typeName": row.type.label,
        "status": row.status,
        "isExpiring": bool(active and left is not None and 0 <= left <= row.type.window_days),
        "daysLeft": left,
        "noticeDeadline": plain(terms.notice_deadline(row.end_date, row.notice_days)),
        "value": float(row.value),
        "currency": row.currency,
        "fxRate": float(row.fx_rate),
        "billing": row.billing,
        "startDate": plain(row.start_date),
        "endDate": plain(row.end_date),
        "termMonths": row.term_months,
        "noticeDays": row.notice_days,
        "autoRenew": row.auto_renew,
        "terms": row.terms,
        "attachments": files,
        "lines": lines,
        "ownerId": plain(row.owner_id),
        "signatories": row.signatories,
        "signedOn": plain(row.signed_on),
        "noticeGivenOn": plain(row.notice_given_on),
        "templateId": plain(row.template_version.template_id) if row.template_version else None,
        "templateVersion": row.template_version.number if row.template_version else None,
        "values": row.template_values,
        "predecessorId": plain(row.predecessor_id),
        "successorId": plain(successor),
        "terminationDate": plain(row.termination_date),
        "termination": {
            "effectiveDate": plain(row.termination_date),
            "reason": row.termination_reason,
            "by": row.termination_party or None,
            "note": row.termination_note,
            "fee": plain(row.termination_fee),
            "lateNotice": row.notice_late,
            "scheduled": row.in_force,
        }
        if row.termination_date
        else None,
        "activatedAt": clock.wire(row.activated_at),
        "endedOn": plain(row.ended_on),
        "createdAt": clock.wire(row.created_at),
        "updatedAt": clock.wire(row.updated_at),
        "version": row.version,
    }


def type_card(row: ContractType) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "key": row.key,
        "name": row.name,
        "nameAr": row.name_ar,
        "nameFr": row.name_fr,
        "label": row.label,
        "prefix": row.prefix,
        "termMonths": row.term_months,
        "noticeDays": row.notice_days,
        "autoRenew": row.auto_renew,
        "reminders": row.reminders,
        "windowDays": row.window_days,
        "uplift": float(row.uplift),
        "approverRole": row.approver_role or None,
        "isActive": row.is_active,
        "order": row.order,
    }


def template_cards(rows: Iterable[ContractTemplate]) -> list[dict[str, Any]]:
    """With the newest text of each."""
    held = list(rows)
    newest = Q(pk__in=())
    for row in held:
        newest |= Q(template=row.pk, number=row.version)
    texts = {text.template_id: text for text in TemplateVersion.objects.filter(newest)} if held else {}
    return [
        {
            "id": str(row.pk),
            "name": row.name,
            "type": row.type.key,
            "language": row.language,
            "body": texts[row.pk].body,
            "terms": texts[row.pk].body,
            "values": texts[row.pk].values,
            "variables": [value["key"] for value in texts[row.pk].values],
            "version": row.version,
            "createdAt": clock.wire(row.created_at),
            "updatedAt": clock.wire(row.updated_at),
        }
        for row in held
    ]


def amendment_card(row: Amendment) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "number": row.number,
        "reason": row.reason,
        "changes": {name: {"old": old, "new": new} for name, (old, new) in row.changes.items()},
        "userId": plain(row.created_by_id),
        "createdAt": clock.wire(row.created_at),
    }


def event_card(row: ContractEvent) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "action": row.action,
        "oldValues": row.old_values,
        "newValues": row.new_values,
        "note": row.note,
        "userId": plain(row.user_id),
        "createdAt": clock.wire(row.created_at),
    }
