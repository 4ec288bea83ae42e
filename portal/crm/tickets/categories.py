"""Writing categories of tickets."""

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Conflict, Errors, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.tenancy import scope
from portal.crm.tickets import access, services
from portal.crm.tickets.models import Ticket, TicketCategory

_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_COLUMNS: Final = {
    "name": "name", "nameAr": "name_ar", "nameFr": "name_fr", "color": "color", "order": "order",
    "isActive": "is_active",
}  # fmt: skip


def category_get(*, id: UUID) -> TicketCategory:
    """Raises NotFound."""
    found = TicketCategory.objects.filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such category."))
    return found


@transaction.atomic
def category_save(*, data: Mapping[str, Any], by: User, category: TicketCategory | None = None) -> TicketCategory:
    """`key` (of a new one), `name, nameAr, nameFr, color, order, isActive, parentId, defaultAssignee`; absent fields
    stay. Raises Denied, Invalid, KEY_TAKEN."""
    access.may(by, "tickets.manage")
    row = category or TicketCategory(organization_id=scope.organization_id())
    errors = Errors()
    if category is None:
        row.key = str(data.get("key") or "").strip().lower()
        if not _KEY.fullmatch(row.key):
            errors.add("key", _("Use small letters, digits, hyphens and underscores."))
    for name, column in _COLUMNS.items():
        if name in data:
            setattr(row, column, data[name].strip() if isinstance(data[name], str) else data[name])
    if "parentId" in data:
        row.parent = _parent(row, data["parentId"], errors)
    if "defaultAssignee" in data:
        row.default_assignee = services.assignee(data["defaultAssignee"], errors, field="defaultAssignee")
    try:
        row.clean_fields(exclude=["key", "parent", "default_assignee"])
    except ValidationError as refused:
        names = {column: name for name, column in _COLUMNS.items()}
        for column, texts in refused.message_dict.items():
            errors.add(names.get(column, column), " ".join(texts))
    errors.raise_any()
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Conflict(_("There is one with this key already."), code="KEY_TAKEN") from None
    return row


def _parent(row: TicketCategory, said: Any, errors: Errors) -> TicketCategory | None:
    if said in (None, ""):
        return None
    id = parse_uuid(said)
    found = TicketCategory.objects.filter(pk=id).first() if id else None
    if found is None:
        errors.add("parentId", _("There is no such category."))
    elif row.pk in services.lineage(found.pk, dict(TicketCategory.objects.values_list("pk", "parent"))):
        errors.add("parentId", _("A category is not part of itself."))
    return found


@transaction.atomic
def category_delete(*, category: TicketCategory, by: User) -> None:
    """Raises Denied, and IN_USE where tickets or other categories need it: it can be put out of use instead."""
    access.may(by, "tickets.manage")
    if Ticket.objects.filter(category=category).exists() or category.children.exists():
        raise Conflict(_("Tickets or other categories need this one: put it out of use instead."), code="IN_USE")
    category.delete()
