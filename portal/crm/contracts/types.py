"""Types of contracts."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from portal.core.accounts.models import Role, User
from portal.core.common.errors import Conflict, Errors
from portal.core.tenancy import scope
from portal.crm.contracts import access
from portal.crm.contracts.models import Contract, ContractTemplate, ContractType

_FIELDS = (
    "name", "name_ar", "name_fr", "prefix", "term_months", "notice_days", "auto_renew", "reminders", "window_days",
    "uplift", "approver_role", "is_active", "order",
)  # fmt: skip


@transaction.atomic
def type_save(*, data: Mapping[str, Any], by: User, id: UUID | None = None) -> ContractType:
    """Define a type, or change one; its key stays. The prefix comes from the key where none is given. Raises Denied,
    Invalid, NotFound, and DUPLICATE (409) for a key or prefix that another type has."""
    access.may(by, "contracts.settings")
    row = access.type_for(id) if id else ContractType(organization_id=scope.organization_id())
    errors = Errors()
    if not id:
        row.key = slugify(str(data.get("key") or data.get("name") or "")).replace("-", "_")[:40]
        letters = "".join(letter for letter in row.key.upper() if "A" <= letter <= "Z")
        row.prefix = letters[:3] or "CON"
        row.order = ContractType.objects.count() + 1
    for name in _FIELDS:
        if data.get(name) is not None:
            setattr(row, name, data[name])
    row.name = " ".join((row.name or "").split())
    reminders = row.reminders
    if not isinstance(reminders, list) or not all(
        isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= 730 for n in reminders
    ):
        errors.add("reminders", _("Enter days before the end, from 0 to 730."))
    else:
        row.reminders = sorted(set(reminders), reverse=True)[:10]
    if row.approver_role and not Role.objects.filter(key=row.approver_role).exists():
        errors.add("approver_role", _("There is no such role."))
    try:
        row.clean_fields()
    except ValidationError as refused:
        for name, texts in refused.message_dict.items():
            errors.add(name, " ".join(texts))
    errors.raise_any()
    for column in ("key", "prefix"):
        if ContractType.objects.filter(**{column: getattr(row, column)}).exclude(pk=row.pk).exists():
            message = _("Another type has this: %(value)s.") % {"value": getattr(row, column)}
            raise Conflict(message, code="DUPLICATE", meta={"field": column})
    row.save()
    return row


@transaction.atomic
def type_delete(*, id: UUID, by: User) -> None:
    """Remove a type that nothing uses. Raises Denied, NotFound, IN_USE (409)."""
    access.may(by, "contracts.settings")
    row = access.type_for(id)
    used = Contract.objects.filter(type=row).count() + ContractTemplate.objects.filter(type=row).count()
    if used:
        raise Conflict(_("Contracts or templates are of this type; switch it off instead."), code="IN_USE")
    row.delete()
