"""Parcels and their neighbours, areas against claims, the quality of points and sessions: rows in, findings out.

The rules are those of `portal.survey.science`; here the rows that they need are fetched, once for a batch.
"""

from typing import Any, Final
from uuid import UUID

from django.db.models import Avg

from portal.core.sync.registry import Row
from portal.survey.flags import finding
from portal.survey.sessions.models import SurveyPoint

_SLIGHT, _MUCH = 0.01, 0.05  # of the larger area
_SQUARE_METRE: Final = 1.0


def area_findings(row: Row) -> list[dict[str, Any]]:
    """The device's area against the server's (`domain-survey.md` section 4)."""
    said, made = row["client_area"], row["area"]
    if said is None or made is None:
        return []
    off = abs(said - made)
    share = off / max(made, 1e-9)
    if off <= _SQUARE_METRE or share <= _SLIGHT:
        return []
    code = "AREA_MISMATCH" if share <= _MUCH else "AREA_MISMATCH_MAJOR"
    return [finding(code, clientArea=said, area=round(made, 3), percent=round(100 * share, 2))]


def accuracies(sessions: set[UUID]) -> dict[UUID, float]:
    """The mean accuracy of the measured points of each session, for the corners of its shapes (metres)."""
    rows = SurveyPoint.objects.filter(session__in=sessions, deleted_at=None, horizontal_accuracy__isnull=False)
    return dict(rows.order_by().values_list("session_id").annotate(mean=Avg("horizontal_accuracy")))
