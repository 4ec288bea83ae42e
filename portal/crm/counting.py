"""How far long lists of the office are counted."""

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Model

from portal.core.accounts.models import User
from portal.core.common.text import normalise
from portal.core.tenancy import words

MOST: Final = 2000  # rows of a list that pages count and leaf through; beyond it a person narrows it


def many(user: User, right: str, model: type[Model], said: Mapping[str, Any]) -> bool:
    """Whether a list that nothing narrows but the search for a word is known to have more than `MOST` rows."""
    text = normalise(said.get("q") or "")
    alone = text and user.grants.get(right) == "all" and not any(v for name, v in said.items() if name != "q")
    return bool(alone) and words.common(model, text, most=MOST)
