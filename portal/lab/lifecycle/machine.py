"""The life of a sample: which status may follow which, and who may say so. One table for pages, API and sync."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from portal.lab.choices import SampleStatus as S

EDIT: Final = "samples.edit"
RECEIVE: Final = "samples.receive"
VALIDATE: Final = "samples.validate"
APPROVE: Final = "samples.approve"
REJECT: Final = "samples.reject"
DISPOSE: Final = "samples.dispose"


@dataclass(frozen=True, slots=True)
class Step:
    """`right`: what the person needs; `reason`: why must be said; `final`: nothing leads back."""

    right: str
    reason: bool = False
    final: bool = False


# The bench: devices move freely between these, back too, as they always could.
WORKING: Final = (S.REGISTERED, S.RECEIVED, S.IN_PROGRESS, S.COMPLETED)
# Results, type and date of these cannot change, and they cannot be deleted, before somebody reopens them.
LOCKED: Final = frozenset({S.VALIDATED, S.APPROVED, S.REPORTED, S.DISPOSED})

TRANSITIONS: Final[dict[tuple[str, str], Step]] = {
    **{(a, b): Step(RECEIVE if b == S.RECEIVED else EDIT) for a in WORKING for b in WORKING if a != b},
    **{(a, S.REJECTED): Step(REJECT, reason=True) for a in (*WORKING, S.AMENDED)},
    (S.REJECTED, S.RECEIVED): Step(REJECT, reason=True),
    (S.COMPLETED, S.VALIDATED): Step(VALIDATE),
    (S.VALIDATED, S.APPROVED): Step(APPROVE),
    (S.APPROVED, S.REPORTED): Step(APPROVE),
    (S.VALIDATED, S.AMENDED): Step(VALIDATE, reason=True),
    (S.APPROVED, S.AMENDED): Step(APPROVE, reason=True),
    (S.REPORTED, S.AMENDED): Step(APPROVE, reason=True),
    (S.AMENDED, S.IN_PROGRESS): Step(EDIT),
    (S.AMENDED, S.COMPLETED): Step(EDIT),
    (S.AMENDED, S.VALIDATED): Step(VALIDATE),
    **{(a, S.DISPOSED): Step(DISPOSE, final=True) for a in (S.APPROVED, S.REPORTED, S.REJECTED)},
}
# What a record needs that arrives in a later status than the bench's: its life took place elsewhere.
ON_ARRIVAL: Final[dict[str, str]] = {
    S.VALIDATED: VALIDATE,
    S.APPROVED: APPROVE,
    S.REPORTED: APPROVE,
    S.AMENDED: VALIDATE,
    S.REJECTED: REJECT,
    S.DISPOSED: DISPOSE,
}


def following(status: str) -> dict[str, Step]:
    """What may follow a status, whoever asks, in the order of the life."""
    return {target: TRANSITIONS[status, target] for target in S.values if (status, target) in TRANSITIONS}


def holds(step: Step, rights: Container[str]) -> bool:
    """Whoever may edit a sample has always been able to say that it arrived."""
    return step.right in rights or (step.right == RECEIVE and EDIT in rights)
