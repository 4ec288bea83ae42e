"""Reads of people, roles, invitations, devices and tokens. What every request needs stands here."""

from portal.core.accounts.selectors.signin import (
    assignable_people,
    device_get,
    permission_words,
    profile,
    tenant_card,
    token_holder,
    user_for_access_token,
)

__all__ = [
    "assignable_people",
    "device_get",
    "permission_words",
    "profile",
    "tenant_card",
    "token_holder",
    "user_for_access_token",
]
