"""Tags of records of the office (C93): ids or names in, objects out. A name that nobody used yet becomes a tag."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.common.errors import Conflict, Errors, Invalid, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.common.text import normalise
from portal.core.tenancy import scope
from portal.crm.customers.models import CustomerTag, Tag

SCOPE: Final = "customer"
MOST: Final = 50  # tags of one record
_COLOR: Final = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})")
# Colours that new names get in turn: dark enough for white text.
PALETTE: Final = ("#0f766e", "#b45309", "#1d4ed8", "#7c3aed", "#be123c", "#15803d", "#0369a1", "#6b7280")


def tag_list() -> QuerySet[Tag]:
    """By name, each with `usage`: how many living customers have it."""
    living = Count("customers", filter=Q(customers__deleted_at=None))
    rows: QuerySet[Tag] = Tag.objects.filter(scope=SCOPE).annotate(usage=living)
    return rows.order_by("name", "id")


def tag_get(*, id: UUID) -> Tag:
    found = Tag.objects.filter(scope=SCOPE, pk=id).first()
    if found is None:
        raise NotFound(_("There is no such tag."))
    return found


def tag_create(*, name: str, color: str = "") -> Tag:
    """Raises Invalid; Conflict (`DUPLICATE`) for a name that is there in any spelling of case, accents and hamza."""
    name = _name(name)
    if Tag.objects.filter(scope=SCOPE, name_key=normalise(name)).exists():
        raise Conflict(_("There is a tag of this name."), code="DUPLICATE")
    return _make([name], color=_color(color) if color else "")[0]


@transaction.atomic
def tag_update(*, id: UUID, name: str | None = None, color: str | None = None) -> Tag:
    """Raises Invalid, NotFound, Conflict."""
    row = tag_get(id=id)
    if name is not None:
        row.name = _name(name)
        row.name_key = normalise(row.name)
        if Tag.objects.filter(scope=SCOPE, name_key=row.name_key).exclude(pk=id).exists():
            raise Conflict(_("There is a tag of this name."), code="DUPLICATE")
    if color is not None:
        row.color = _color(color)
    row.save()
    return row


@transaction.atomic
def tag_delete(*, id: UUID) -> int:
    """Takes it from all customers; how many those were."""
    row = tag_get(id=id)
    used, _by_model = CustomerTag.objects.filter(tag=row).delete()
    row.delete()
    return used


@transaction.atomic
def tags_merge(*, target: UUID, sources: Sequence[UUID]) -> int:
    """Customers with one of the sources get the target; the sources go. How many customers got it. Raises Invalid,
    NotFound."""
    into = tag_get(id=target)
    gone = [tag_get(id=id) for id in dict.fromkeys(sources)]
    if not gone or into in gone:
        raise Invalid.field("sources", _("Choose tags other than the one that stays."))
    having = CustomerTag.objects.filter(tag__in=gone).values_list("customer_id", flat=True).distinct()
    without = set(having) - set(CustomerTag.objects.filter(tag=into).values_list("customer_id", flat=True))
    link({customer: {into.pk} for customer in without})
    CustomerTag.objects.filter(tag__in=gone).delete()
    for row in gone:
        row.delete()
    return len(without)


def resolve(said: Any, errors: Errors, *, create: bool = True, field: str = "tags") -> list[Tag]:
    """The tags that ids and names mean, each once; unknown names are made (`create`), unknown ids refused."""
    if said is None:
        return []
    if not isinstance(said, list | tuple) or not all(isinstance(one, str | UUID | Mapping) for one in said):
        errors.add(field, _("Send a list of ids or names of tags."))
        return []
    texts = [str(one.get("id") or one.get("name") or "") if isinstance(one, Mapping) else str(one) for one in said]
    texts = [text.strip() for text in texts if text.strip()]
    if len(texts) > MOST or any(len(text) > 50 for text in texts):
        errors.add(field, _("At most %(limit)d tags of at most 50 characters.") % {"limit": MOST})
        return []
    return resolve_many([texts], errors, create=create, field=field)[0]


def resolve_many(
    lists: Sequence[Iterable[str]], errors: Errors, *, create: bool = True, field: str = "tags"
) -> list[list[Tag]]:
    """`resolve` for many records in two statements."""
    lists = [list(texts) for texts in lists]
    wanted = {text for texts in lists for text in texts}
    if not wanted:
        return [[] for _texts in lists]
    ids = {text: id for text in wanted if (id := parse_uuid(text))}
    keys = {text: normalise(text)[:50] for text in wanted if text not in ids}
    held = Tag.objects.filter(scope=SCOPE).filter(Q(pk__in=ids.values()) | Q(name_key__in=keys.values()))
    rows = list(held)
    by_id, by_key = {row.pk: row for row in rows}, {row.name_key: row for row in rows}
    fresh = {key: text for text, key in keys.items() if key not in by_key}
    if fresh and create:
        made = _make(list(fresh.values()))
        by_key |= {row.name_key: row for row in made}
    found: dict[str, Tag] = {}
    for text in wanted:
        row = by_id.get(ids[text]) if text in ids else by_key.get(keys[text])
        if row is None:
            errors.add(field, _("There is no such tag: %(tag)s.") % {"tag": text})
        else:
            found[text] = row
    return [list(dict.fromkeys(found[text] for text in texts if text in found)) for texts in lists]


def link(wanted: Mapping[UUID, Iterable[UUID]]) -> int:
    """Tags of customers that are not there yet; how many were added."""
    rows = [
        CustomerTag(organization_id=scope.organization_id(), customer_id=customer, tag_id=tag)
        for customer, tags in wanted.items()
        for tag in tags
    ]
    return len(CustomerTag.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)) if rows else 0


def of_customers(customers: Iterable[UUID]) -> dict[UUID, list[Tag]]:
    """Each customer's tags by name, in one query."""
    held: dict[UUID, list[Tag]] = {}
    rows = CustomerTag.objects.filter(customer__in=list(customers)).select_related("tag").order_by("tag__name", "tag")
    for row in rows:
        held.setdefault(row.customer_id, []).append(row.tag)
    return held


def _make(names: Sequence[str], color: str = "") -> list[Tag]:
    count = Tag.objects.filter(scope=SCOPE).count()
    rows = [
        Tag(
            organization_id=scope.organization_id(),
            scope=SCOPE,
            name=_name(name),
            name_key=normalise(name)[:50],
            color=color or PALETTE[(count + place) % len(PALETTE)],
        )
        for place, name in enumerate(names)
    ]
    Tag.objects.bulk_create(rows, ignore_conflicts=True)  # two people may name the same one at the same time
    return list(Tag.objects.filter(scope=SCOPE, name_key__in=[row.name_key for row in rows]))


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > 50:
        raise Invalid.field("name", _("Give the tag a name of at most 50 characters."))
    return name


def _color(text: str) -> str:
    color = text.strip().lower()
    if not _COLOR.fullmatch(color):
        raise Invalid.field("color", _("Enter a colour such as #0f766e."))
    return color if len(color) == 7 else "#" + "".join(digit * 2 for digit in color[1:])
