"""Which records of the office a person sees: their own, those of their team, or all (`Permission.scoped`)."""

from typing import Any

from django.db.models import Model, Q, QuerySet

from portal.core.accounts.models import User


def reach(user: User, right: str, owner: str = "assigned_to") -> Q | None:
    """The condition on rows for a right; None where the person does not hold it.

    `own`: rows whose `owner` is the person; `team`: or somebody of the person's department.
    """
    if not user.has_permission(right):
        return None
    held = user.grants[right]
    if held == "all":
        return Q()
    mine = Q(**{owner: user.pk})
    if held == "team" and user.department:
        mine |= Q(**{f"{owner}__department": user.department, f"{owner}__organization": user.organization_id})
    return mine


def seen[M: Model](user: User, right: str, rows: QuerySet[M, Any], owner: str = "assigned_to") -> QuerySet[M, Any]:
    """Of `rows`, those that the person holds `right` for; none without the right. One rule for lists, search,
    statistics, export, timeline and every door of a single record."""
    condition = reach(user, right, owner)
    return rows.none() if condition is None else rows.filter(condition)
