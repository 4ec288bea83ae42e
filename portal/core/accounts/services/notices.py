"""Letters about the own account, so that a change by somebody else does not stay unseen (ASVS 2.2.3, 2.5.5)."""

from portal.core.accounts import jobs
from portal.core.accounts.models import User
from portal.core.jobs.tasks import defer_platform


def tell_changed(user: User, change: str, *, to: str = "") -> None:
    """Mail the person, if and when the transaction commits; `change` is a word of `mail.CHANGES`, `to` an address that
    is not theirs any more."""
    defer_platform(jobs.sign_in_changed, user=str(user.pk), to=to or user.email, change=change)
