"""The sentences of the timeline about deals."""

from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.crm.activity.services import Text
from portal.crm.sales.choices import ActivityType


def _done(data: dict[str, Any]) -> str:
    kind = ActivityType(data["kind"]).label
    return _("%(kind)s for the deal “%(title)s”: %(text)s") % {**data, "kind": kind}


TEXTS: Final[dict[str, Text]] = {
    "sale.created": gettext_lazy("Deal “%(title)s” created (%(value)s)"),
    "sale.changed": gettext_lazy("Deal “%(title)s” is now worth %(value)s"),
    "sale.stage": gettext_lazy("Deal “%(title)s” moved from %(fromName)s to %(toName)s"),
    "sale.won": gettext_lazy("Deal “%(title)s” won (%(value)s)"),
    "sale.lost": gettext_lazy("Deal “%(title)s” lost (%(value)s)"),
    "sale.deleted": gettext_lazy("Deal “%(title)s” deleted"),
    "sale.restored": gettext_lazy("Deal “%(title)s” restored"),
    "sale.activity": _done,
}
