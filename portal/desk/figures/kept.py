"""Figures are kept until a record behind them changes: the version of the data is part of the key."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from django.core.cache import cache
from django.utils.translation import get_language

from portal.desk.figures.question import Question

_KEPT: Final = 24 * 3600
_MINUTE: Final = 60


def kept[T](
    question: Question, name: str, subjects: Sequence[str], build: Callable[[], T], *, timed: bool = False
) -> T:
    """`build()`, or what it said for the same question and the same data. `timed`: it depends on the time of day too
    (what is overdue), so it is kept for a minute. The versions were read before the rows: a change in between
    is taken in, and asked for again."""
    if question.versions is None:
        return build()
    said = (
        name, question.zone, question.currency, question.today, question.first, question.last, question.compare,
        question.sight, question.assignee, get_language(), [question.versions[subject] for subject in subjects],
    )  # fmt: skip
    key = f"desk.figures:{question.organization}:{hashlib.sha256(repr(said).encode()).hexdigest()}"
    found: tuple[T] | None = cache.get(key)
    if found is None:
        found = (build(),)
        cache.set(key, found, _MINUTE if timed else _KEPT)
    return found[0]
