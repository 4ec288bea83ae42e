"""Terms that are not obvious, as the pages explain them: `{% help "loq" %}` beside a term, all of them on /help.

The words are those of docs/glossary.md.
"""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TERMS: Final[dict[str, tuple[Promise, Promise]]] = {
    "verdict": (
        _("Verdict"),
        _(
            "The answer for one result under one standard. Each verdict keeps the edition, the limit and the rule that"
            " it was worked out with; “Why this verdict?” shows them."
        ),
    ),
    "compliance": (
        _("Compliance"),
        _("The answer for the whole sample: the worst verdict among its results under the standards that bind."),
    ),
    "indeterminate": (
        _("Indeterminate"),
        _("The value cannot decide: a result such as <10 against a limit of 5, or one whose uncertainty reaches over."),
    ),
    "loq": (
        _("Limit of quantification (LOQ)"),
        _("The smallest amount that the method can state as a number. Below it a result is written with the sign <."),
    ),
    "lod": (
        _("Limit of detection (LOD)"),
        _("The smallest amount that the method can tell from nothing; it is below the limit of quantification."),
    ),
    "uncertainty": (
        _("Expanded uncertainty"),
        _(
            "The range around the value in which the true one lies with a confidence of about 95 %, coverage factor"
            " k = 2."
        ),
    ),
    "holding_time": (
        _("Holding time"),
        _(
            "How long a sample may wait between sampling and analysis before a parameter changes in the bottle."
            " Afterwards the result carries a remark."
        ),
    ),
    "qc": (
        _("Quality control"),
        _("Blanks, duplicates, spikes and controls that are measured with the samples and show that a run holds."),
    ),
    "conflict": (
        _("Conflict"),
        _(
            "Two devices changed the same content, and neither knew of the other. Nothing is lost: you choose what"
            " stands, and the other version stays in the history."
        ),
    ),
    "sla": (
        _("Service level (SLA)"),
        _(
            "By when a ticket has to be answered and solved. The clock runs in business hours and stands still while we"
            " wait for the customer."
        ),
    ),
    "weighted": (
        _("Weighted value"),
        _("The value of a deal times its probability: what deals of this kind bring on average."),
    ),
    "mrr": (
        _("Recurring revenue a month (MRR)"),
        _("The value of each active recurring contract, spread evenly over the months that it pays for."),
    ),
    "notice": (
        _("Notice"),
        _("Said in time, a contract that renews itself ends at the end of its term."),
    ),
}
