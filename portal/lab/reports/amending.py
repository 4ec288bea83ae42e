"""What reports and certificates share when one of them is amended."""

from django.utils.translation import gettext as _

from portal.core.common.errors import Conflict, Invalid
from portal.lab.certificates.models import Certificate
from portal.lab.models import ComplianceReport

MAX_REASON = 500


def read_reason(reason: object) -> str:
    """Why something is amended. Raises Invalid where nothing is said."""
    if not isinstance(reason, str) or not reason.strip() or len(reason) > MAX_REASON or "\0" in reason:
        message = _("A reason of at most %(limit)s characters is needed.") % {"limit": MAX_REASON}
        raise Invalid.field("reason", message, "required")
    return reason.strip()


def refuse_amended(old: Certificate | ComplianceReport) -> None:
    """Raises Conflict where `old` has been amended: only the newest of a chain may be."""
    kind: type[Certificate | ComplianceReport] = type(old)
    number = kind.objects.filter(amends=old.pk).values_list("number", flat=True).first()
    if number is not None:
        raise Conflict(_("%(number)s replaces it already.") % {"number": number}, code="ALREADY_AMENDED")
