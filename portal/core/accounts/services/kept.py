"""What people keep for themselves: filters of lists under a name, and how they like a list."""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from portal.core.accounts.models import KeptSetting, SavedFilter, User
from portal.core.common.errors import Invalid, NotFound
from portal.core.tenancy import scope

MOST: Final = 30  # filters of one person in one list
_QUERY: Final = 2000


def setting(*, user: User, place: str) -> dict[str, Any]:
    """What the person keeps for a place, {} where nothing."""
    return KeptSetting.objects.filter(user=user, place=place).values_list("value", flat=True).first() or {}


def setting_keep(*, user: User, place: str, **changes: Any) -> None:
    """Change some keys; a value of None forgets the key."""
    with transaction.atomic():
        row, _made = KeptSetting.objects.get_or_create(
            organization_id=scope.organization_id(), user=user, place=place[:80]
        )
        row = KeptSetting.objects.select_for_update(no_key=True).get(pk=row.pk)
        row.value = {key: value for key, value in {**row.value, **changes}.items() if value is not None}
        row.save(update_fields=["value", "updated_at"])


def filters_of(*, user: User, place: str) -> list[SavedFilter]:
    """A person's own of a list and those that are shared, by name."""
    return list(SavedFilter.objects.filter(Q(user=user) | Q(shared=True), place=place))


def filter_save(*, user: User, place: str, name: str, query: str, shared: bool, usual: bool) -> SavedFilter:
    """Keep a query string under a name; under a name that the person has, it takes the place of the old one. Raises
    Invalid for an empty or long name, a query that is too long, and for more than 30 in one list."""
    name = _name(name)
    if len(query) > _QUERY:
        raise Invalid(_("This filter is too long to be saved."))
    own = SavedFilter.objects.filter(user=user, place=place)
    with transaction.atomic():
        if own.exclude(name=name).count() >= MOST:
            raise Invalid(_("There are 30 saved filters of yours in this list. Delete one first."))
        row, _made = SavedFilter.objects.update_or_create(
            organization_id=scope.organization_id(),
            user=user,
            place=place[:80],
            name=name,
            defaults={"query": query, "shared": shared},
        )
        _usual(user, row, usual)
    return row


def filter_edit(*, user: User, id: UUID, name: str, shared: bool, usual: bool) -> SavedFilter:
    """Rename, share or make it the filter that the list opens with. Of somebody else's only the last is one's own
    matter; the rest stays as it is. Raises NotFound, Invalid for a name that is taken."""
    with transaction.atomic():
        row = _get(user, id)
        if row.user_id == user.pk:
            taken = SavedFilter.objects.filter(user=user, place=row.place, name=_name(name)).exclude(pk=row.pk)
            if taken.exists():
                raise Invalid.field("name", _("You have a filter of that name in this list."), "unique")
            row.name, row.shared = _name(name), shared
            row.save(update_fields=["name", "shared", "updated_at"])
        _usual(user, row, usual)
    return row


def filter_delete(*, user: User, id: UUID) -> SavedFilter:
    """One's own, or a shared one for whoever may edit the organisation. Raises NotFound."""
    row = _get(user, id)
    if row.user_id != user.pk and not user.has_permission("organization.edit"):
        raise NotFound(_("There is no such filter."))
    SavedFilter.objects.filter(pk=row.pk).delete()
    return row


def _get(user: User, id: UUID) -> SavedFilter:
    row: SavedFilter | None = SavedFilter.objects.filter(Q(user=user) | Q(shared=True), pk=id).first()
    if row is None:
        raise NotFound(_("There is no such filter."))
    return row


def _usual(user: User, row: SavedFilter, usual: bool) -> None:
    held = setting(user=user, place=row.place).get("usual")
    if usual or held == str(row.pk):
        setting_keep(user=user, place=row.place, usual=str(row.pk) if usual else None)


def _name(said: str) -> str:
    name = " ".join(said.split())
    if not 0 < len(name) <= 60:
        raise Invalid.field("name", _("Give the filter a name of at most 60 characters."), "required")
    return name
