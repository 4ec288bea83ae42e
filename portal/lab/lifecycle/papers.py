"""The chain of custody on paper."""

from django.utils import timezone, translation

from portal.core.common import pdf
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab.lifecycle import selectors
from portal.lab.models import Sample

EMPTY_LINES = 4  # for what is written by hand on the way


def custody_pdf(*, sample: Sample) -> bytes:
    """The chain of custody of one sample in the language in force, with empty lines to sign."""
    language = translation.get_language()
    owner = Organization.objects.get(pk=scope.organization_id())
    context = {
        "sample": sample,
        "entries": list(selectors.custody_list(sample=sample.pk)),
        "lines": range(EMPTY_LINES),
        "qr": pdf.qr(sample.code),
        "language": language,
        "rtl": language == "ar",
        "printed": timezone.now(),
        "organization": owner,
    }
    with timezone.override(owner.time_zone):
        return pdf.render("lab/lifecycle/custody.html", context, number=sample.code, style="lab/lifecycle/custody.css")
