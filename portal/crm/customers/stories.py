"""The sentences of the timeline about customers themselves."""

from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.crm.activity.services import Text
from portal.crm.customers.choices import Status
from portal.crm.customers.fields import LABELS


def _updated(data: dict[str, Any]) -> str:
    fields = data.get("fields", {})
    if set(fields) <= {"status", "statusReason"} and (step := fields.get("status")):
        old, new = (Status(value).label for value in step)
        return _("Status changed from %(old)s to %(new)s") % {"old": old, "new": new}
    names = ", ".join(str(LABELS[name]) for name in fields if name in LABELS)
    return _("Changed: %(fields)s") % {"fields": names}


TEXTS: Final[dict[str, Text]] = {
    "customer.created": gettext_lazy("Customer created"),
    "customer.updated": _updated,
    "customer.called": gettext_lazy("Telephone call"),
    "customer.deleted": gettext_lazy("Customer deleted"),
    "customer.merged": gettext_lazy("%(names)s merged into this customer"),
    "customer.merged_into": gettext_lazy("Merged into another customer"),
    "customer.split": gettext_lazy("The merge with %(names)s was split"),
    "customer.restored": gettext_lazy("Customer restored"),
}
NOTE_TEXTS: Final[dict[str, Text]] = {
    "note.added": gettext_lazy("Note: %(excerpt)s"),
    "note.updated": gettext_lazy("Note changed: %(excerpt)s"),
    "note.deleted": gettext_lazy("Note deleted"),
    "note.restored": gettext_lazy("Note restored"),
}
