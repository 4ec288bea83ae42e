"""Template filters of quality control."""

from django import template

from portal.lab.quality import wording
from portal.lab.quality.models import QcResult
from portal.lab.reports.wording import plain

register = template.Library()
register.filter("digits", wording.digits)
register.filter("plain", plain)
register.filter("rule_words", wording.rule_words)


@register.filter
def qc_note(row: QcResult) -> str:
    """Figure, z-score and rules of a QC result, or why there is none."""
    return wording.note(row)
