"""The steps of a sample's life in words."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.lab.choices import SampleStatus as S
from portal.lab.lifecycle.selectors import Next

# Target -> verb, icon.
VERBS: dict[str, tuple[str | Promise, str]] = {
    S.RECEIVED: (_("Receive"), "download"),
    S.IN_PROGRESS: (_("Start the analyses"), "player-play"),
    S.COMPLETED: (_("All results are in"), "check"),
    S.VALIDATED: (_("Validate"), "clipboard-check"),
    S.APPROVED: (_("Approve"), "rubber-stamp"),
    S.REPORTED: (_("Mark as reported"), "report"),
    S.AMENDED: (_("Reopen"), "lock"),
    S.REJECTED: (_("Reject"), "circle-x"),
    S.DISPOSED: (_("Dispose of it"), "archive"),
}
BACK: dict[tuple[str, str], str | Promise] = {
    (S.COMPLETED, S.IN_PROGRESS): _("Back to the bench"),
    (S.AMENDED, S.IN_PROGRESS): _("Back to the bench"),
    (S.REJECTED, S.RECEIVED): _("Take up again"),
    (S.AMENDED, S.VALIDATED): _("Validate again"),
}
# What is asked before a step is taken that others build on.
QUESTIONS: dict[str, str | Promise] = {
    S.VALIDATED: _("Validate this sample? Its results are locked afterwards; a change then needs a reason."),
    S.APPROVED: _("Approve this sample? You answer for its results with your name."),
    S.REPORTED: _("Mark this sample as reported?"),
}
FINAL = _("This cannot be undone. Continue?")
# Steps that correct a status or leave one out stay with the API and devices; pages offer these.
_PAGES = {
    S.REGISTERED: (S.RECEIVED, S.REJECTED),
    S.RECEIVED: (S.IN_PROGRESS, S.COMPLETED, S.REJECTED),
    S.IN_PROGRESS: (S.COMPLETED, S.REJECTED),
    S.COMPLETED: (S.VALIDATED, S.IN_PROGRESS, S.REJECTED),
    S.AMENDED: (S.VALIDATED, S.IN_PROGRESS, S.REJECTED),
}
STAGES = (S.REGISTERED, S.RECEIVED, S.IN_PROGRESS, S.COMPLETED, S.VALIDATED, S.APPROVED, S.REPORTED)


@dataclass(frozen=True, slots=True)
class Button:
    """A step as the page offers it; `asks`: a form comes first."""

    step: Next
    verb: str | Promise
    icon: str
    question: str | Promise
    main: bool

    @property
    def asks(self) -> bool:
        return asks(self.step.target, reason=self.step.step.reason)


def asks(target: str, *, reason: bool) -> bool:
    return reason or target in (S.RECEIVED, S.DISPOSED)


def buttons(status: str, found: list[Next]) -> list[Button]:
    """What the page offers of the steps that may follow, the usual one first."""
    wanted = _PAGES.get(S(status))
    shown = sorted(
        (step for step in found if wanted is None or step.target in wanted),
        key=lambda step: wanted.index(S(step.target)) if wanted else 0,
    )
    made = []
    for place, step in enumerate(shown):
        verb, icon = VERBS[step.target]
        made.append(
            Button(
                step=step,
                verb=BACK.get((status, step.target), verb),
                icon=icon,
                question=FINAL if step.step.final else QUESTIONS.get(step.target, ""),
                main=place == 0 and not step.step.reason and step.target != S.DISPOSED,
            )
        )
    return made


@dataclass(frozen=True, slots=True)
class Stage:
    label: str
    state: str  # done, now, open


def stages(status: str) -> list[Stage]:
    """The usual way of a sample, and where this one stands; empty for one that left it."""
    here: str = {S.AMENDED: S.COMPLETED}.get(S(status), S(status))
    if here not in STAGES:
        return []
    place = STAGES.index(S(here))
    return [
        Stage(str(stage.label), "done" if number < place else "now" if number == place else "open")
        for number, stage in enumerate(STAGES)
    ]
