"""Who else points to customers: what a merge repoints, what keeps a customer from being deleted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, Model
from django.utils.functional import Promise

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.tenancy.models import TenantModel

# Per customer, what is open: texts that name the records ("Deal Water network 2026").
type InUse = Callable[[Sequence[UUID]], Mapping[UUID, Sequence[str]]]
type Archive = Callable[[UUID, User], None]


@dataclass(frozen=True, slots=True)
class Reference:
    """A model whose rows belong to a customer. `in_use(customer ids)` names what is still open of each;
    `archive(customer id, by)` closes or puts away what a deletion with `cascade=archive` leaves behind. `what` names
    the rows in a merge's preview ("Deals")."""

    model: type[TenantModel]
    field: str
    what: Promise | str = ""
    in_use: InUse | None = None
    archive: Archive | None = None

    @property
    def label(self) -> str:
        return f"{self.model._meta.label_lower}.{self.field}"

    def rows(self, customers: Sequence[UUID]) -> dict[UUID, list[UUID]]:
        """Ids by customer."""
        column = f"{self.field}_id"
        held: dict[UUID, list[UUID]] = {}
        found = self.model.objects.filter(**{f"{self.field}__in": customers}).order_by("id").values_list(column, "pk")
        for customer, pk in found:
            held.setdefault(customer, []).append(pk)
        return held

    def repoint(self, *, ids: Sequence[UUID], source: UUID, target: UUID) -> int:
        """Rows that still belong to `source`; each gets a new version where its model counts them."""
        values: dict[str, Any] = {self.field: target}
        if _has(self.model, "version"):
            values["version"] = F("version") + 1
        if _has(self.model, "updated_at"):
            values["updated_at"] = clock.now()
        return self.model.objects.filter(pk__in=ids, **{self.field: source}).update(**values)


_references: dict[str, Reference] = {}


def register_reference(
    model: type[TenantModel],
    field: str,
    *,
    what: Promise | str = "",
    in_use: InUse | None = None,
    archive: Archive | None = None,
) -> None:
    """Called in a part's `register()`; a second registration of the same field replaces the first."""
    reference = Reference(model, field, what, in_use, archive)
    _references[reference.label] = reference


def references() -> dict[str, Reference]:
    return _references


def in_use(customers: Sequence[UUID]) -> dict[UUID, list[str]]:
    """What keeps each of the customers from being deleted; nothing for those that are free."""
    found: dict[UUID, list[str]] = {}
    for reference in _references.values():
        for customer, texts in (reference.in_use(customers) if reference.in_use else {}).items():
            found.setdefault(customer, []).extend(texts)
    return {customer: texts for customer, texts in found.items() if texts}


def archive(customer: UUID, by: User) -> None:
    for reference in _references.values():
        if reference.archive:
            reference.archive(customer, by)


def _has(model: type[Model], name: str) -> bool:
    return any(field.name == name for field in model._meta.concrete_fields)
