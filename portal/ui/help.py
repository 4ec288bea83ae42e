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
    "amendment": (
        _("Amendment"),
        _("A numbered change to a contract in force. What was agreed before stays in its history."),
    ),
    "slipped": (
        _("Slipped"),
        _("Open deals whose expected close has passed. Give them a new date, or close them."),
    ),
    "transfer": (
        _("Transfer"),
        _("What a device sends or fetches in one go. One that breaks off goes on later where it stood."),
    ),
    "seal": (
        _("Seal"),
        _(
            "Every entry of the audit log is bound to the one before it by a checksum. Whoever changes or removes one"
            " breaks the chain, and the check tells where."
        ),
    ),
    "retention": (
        _("Retention"),
        _("How long records of a kind are kept. What is older leaves by the rule, and the log says so."),
    ),
    "reach": (
        _("Reach"),
        _("Over which records a right counts: all of the organisation, those of the own team, or only one’s own."),
    ),
    "support": (
        _("Support session"),
        _(
            "A platform administrator works inside an organisation for a limited time. Its administrators are told, and"
            " every change carries the name and the reason."
        ),
    ),
    "suppressed": (
        _("Suppressed address"),
        _("Nothing is sent there: its mail came back, or the person asked for it."),
    ),
    "quiet": (
        _("Quiet hours"),
        _("In these hours nothing leaves but what is urgent; the rest arrives afterwards."),
    ),
    "recovery": (
        _("Recovery codes"),
        _("Each takes the place of a code of the app once. Keep them where you find them without your telephone."),
    ),
    "share_link": (
        _("Share link"),
        _("Whoever has it opens this one file without an account, until it expires or you revoke it."),
    ),
}
