"""The addresses that nothing is sent to."""

from uuid import UUID

from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Conflict, Denied, Invalid, NotFound
from portal.core.notifications.models import Channel, Suppression
from portal.core.tenancy import scope


def suppression_add(*, channel: str, address: str, reason: str, note: str = "", by: User) -> Suppression:
    """Send nothing more to an address: a bounce or a complaint that a provider told of, or by hand. Known ones stay."""
    if not by.has_permission("notifications.manage"):
        raise Denied(_("You may not change suppressed addresses."))
    address = address.strip().lower()
    if channel not in (Channel.EMAIL, Channel.SMS):
        raise Invalid.field("channel", _("Choose one of: %(allowed)s.") % {"allowed": "email, sms"})
    if reason not in Suppression.Reason.values:
        allowed = ", ".join(Suppression.Reason.values)
        raise Invalid.field("reason", _("Choose one of: %(allowed)s.") % {"allowed": allowed})
    if not address or len(address) > 254:
        raise Invalid.field("address", _("This field is required."))
    row, _made = Suppression.objects.get_or_create(
        organization_id=scope.organization_id(),
        channel=channel,
        address=address,
        defaults={"reason": reason, "note": note[:300]},
    )
    return row


def suppression_remove(*, id: UUID, by: User) -> None:
    """Send there again. Raises NotFound; Conflict for a complaint, which only its holder could take back."""
    if not by.has_permission("notifications.manage"):
        raise Denied(_("You may not change suppressed addresses."))
    row = Suppression.objects.filter(pk=id).first()
    if row is None:
        raise NotFound(_("There is no such address."))
    if row.reason == Suppression.Reason.COMPLAINT:
        raise Conflict(_("Its holder has complained: nothing may be sent there again."), code="COMPLAINT")
    row.delete()
