"""The PDF of a frozen certificate."""

from django.utils import translation

from portal.core.common import pdf
from portal.lab.certificates.models import Certificate
from portal.lab.certificates.wording import CertificateWording
from portal.lab.reports.charts import COLOURS


def render(certificate: Certificate, language: str) -> bytes:
    """Draw `certificate` in `language`."""
    with translation.override(language):
        words = CertificateWording(certificate, language)
        context = {"words": words, "certificate": certificate, "qr": pdf.qr(words.verify_url)}
        return pdf.render("lab/certificates/pdf.html", context, number=certificate.number, colours=COLOURS)
