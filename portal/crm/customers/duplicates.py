"""Customers that are probably the same: by e-mail, telephone number, tax number, or company and country; names that are
alike are suggested."""

from typing import Any, Final

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Conflict
from portal.core.tenancy import scope, words
from portal.crm.customers.access import customers_seen
from portal.crm.customers.models import Customer
from portal.crm.customers.names import similarity

ALIKE: Final = 0.6
SHOWN: Final = 10
_LOOKED_AT: Final = 500  # customers that share a word of the name


def refuse(row: Customer, *, by: User) -> None:
    """Raises Conflict `DUPLICATE_SUSPECTED`. `row` is derived (`fields.derive`), stored or not. Makes others of the
    organisation wait until the transaction ends: two people who make the same one at once must not both find none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"customers {scope.organization_id()}"]
        )
    found = same(row)
    if found:
        alike = similar(row, by=by)
        raise Conflict(
            _("This customer seems to be there already."),
            code="DUPLICATE_SUSPECTED",
            meta={"candidates": candidates(row, found, by=by) + [c for c in alike if c["id"] not in _ids(found)]},
        )


def same(row: Customer) -> list[Customer]:
    """Living customers of the organisation that are `row` by one of the four signs."""
    signs = Q()
    for sign in ("email", "phone", "tax_key"):
        if value := getattr(row, sign):
            signs |= Q(**{sign: value})
    if row.name_key:
        signs |= Q(name_key=row.name_key, country=row.country)
    if not signs:
        return []
    return list(Customer.objects.filter(signs, deleted_at=None).exclude(pk=row.pk).order_by("created_at", "id")[:SHOWN])


def candidates(row: Customer, found: list[Customer], *, by: User) -> list[dict[str, Any]]:
    """What a client is told of them; of one out of sight only that it is there."""
    visible = set(customers_seen(by).filter(pk__in=[one.pk for one in found]).values_list("pk", flat=True))
    return [
        _card(one, _why(row, one), 1.0) if one.pk in visible else {"id": None, "match": _why(row, one)} for one in found
    ]


def similar(row: Customer, *, by: User) -> list[dict[str, Any]]:
    """Customers in sight whose company is called alike (0.6 of the trigrams), the most similar first."""
    found: set[Any] = set()
    for word in sorted(row.name_key.split(), key=len)[-3:]:
        ids = words.found(words.finder_of("crm_customer"), word[:6], _LOOKED_AT)
        found |= set(ids if isinstance(ids, list) else ())
    rows = customers_seen(by).filter(pk__in=found).exclude(pk=row.pk)
    rated = [(similarity(row.name_key, one.name_key), one) for one in rows]
    alike = sorted((pair for pair in rated if pair[0] >= ALIKE), key=lambda pair: (-pair[0], pair[1].name))
    return [_card(one, ["name"], score) for score, one in alike[:SHOWN]]


def _why(row: Customer, one: Customer) -> list[str]:
    signs = {"email": "email", "phone": "phone", "taxNumber": "tax_key"}
    why = [name for name, sign in signs.items() if getattr(row, sign) and getattr(row, sign) == getattr(one, sign)]
    return [*why, "name"] if row.name_key and row.name_key == one.name_key else why


def _card(one: Customer, why: list[str], score: float) -> dict[str, Any]:
    return {
        "id": str(one.pk),
        "companyName": one.company_name,
        "contactName": one.contact_name,
        "email": one.email,
        "phone": one.phone,
        "city": one.city,
        "country": one.country,
        "match": why,
        "score": round(score, 2),
    }


def _ids(found: list[Customer]) -> set[str]:
    return {str(one.pk) for one in found}
