"""Rights over messages to people. One's own notifications need none."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import ADMIN, OFFICE, Permission

_GROUP = _("Messages")

PERMISSIONS = [
    Permission(
        "notifications.manage", _("Send messages, write their templates, see the queue"), _GROUP, OFFICE, verb="manage"
    ),
    Permission("notifications.delete", _("Delete message templates"), _GROUP, frozenset({ADMIN}), verb="delete"),
]
