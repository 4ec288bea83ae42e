"""The rows of the built-in roles; their rights come from the catalogue."""

from portal.core.accounts.models import Role
from portal.core.accounts.permissions import BUILTIN_ROLES


def seed_roles() -> None:
    there = set(Role.objects.filter(organization=None).values_list("key", flat=True))
    Role.objects.bulk_create(Role(key=key, name=key, description="") for key in BUILTIN_ROLES if key not in there)
