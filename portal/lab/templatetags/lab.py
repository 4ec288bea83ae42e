"""Template tags of the laboratory's pages."""

from functools import lru_cache

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from portal.lab.certificates.selectors import certificate_list
from portal.lab.certificates.services import may_be_issued
from portal.lab.models import Sample
from portal.ui.templatetags.marsad import VERDICTS, icon

register = template.Library()


@register.simple_tag
def standard_badge(standard: str, verdict: str) -> SafeString:
    """A standard's key with its verdict as colour and icon; the word is there for screen readers and as a tip."""
    return _badge(standard, verdict, get_language() or "")


@register.simple_tag(takes_context=True)
def certificate_link(context: template.Context, sample: Sample) -> SafeString:
    """A button to the certificate in force of a sample, or to the form that issues one; nothing where neither goes."""
    user = context["request"].user
    if not user.has_permission("certificates.view"):
        return SafeString()
    held = certificate_list(sample=sample.pk).filter(amended_by__isnull=True).first()
    if held is not None:
        address, words = reverse("lab:certificate_detail", args=[held.pk]), gettext("Certificate")
    elif user.has_permission("certificates.issue") and may_be_issued(sample):
        address, words = reverse("lab:certificate_create", args=[sample.pk]), gettext("Issue a certificate")
    else:
        return SafeString()
    return format_html('<a class="btn" href="{}">{}{}</a>', address, icon("rubber-stamp"), words)


@lru_cache(maxsize=256)
def _badge(standard: str, verdict: str, language: str) -> SafeString:
    colour, name, word = VERDICTS.get(verdict, ("secondary", "circle-dashed", verdict))
    return format_html(
        '<span class="badge bg-{}-lt verdict" title="{}">{}<bdi dir="ltr">{}</bdi>'
        '<span class="visually-hidden">: {}</span></span>',
        colour,
        word,
        icon(name),
        standard,
        word,
    )
