"""What somebody who is not signed in may know of the link that they hold."""

from portal.core.accounts.models import PasswordReset, User
from portal.core.accounts.services.signin import PLATFORM_RULES, hashed
from portal.core.common import clock
from portal.core.tenancy.scope import platform


def reset_holder(*, token: str) -> User | None:
    """The person who may choose a new password with this token, None where the link does not work any more."""
    with platform():
        reset = (
            PasswordReset.objects.select_related("user__organization")
            .filter(token_hash=hashed(token), used_at=None, expires_at__gt=clock.now())
            .filter(user__deleted_at=None, user__is_active=True)
            .first()
        )
    return reset.user if reset else None


def password_length(user: User) -> int:
    """How many characters the person's organisation asks for at least (C33), or the platform."""
    rules = user.organization.settings if user.organization else PLATFORM_RULES
    return max(6, int(rules.get("passwordMinLength", 6)))
