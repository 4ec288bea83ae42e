"""Who sees which applications and sessions: the areas of the person (`areas.scope`), and of sessions the own ones where
the right is held for less. What is out of sight is answered like what does not exist."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import NotFound
from portal.survey.applications.models import Application
from portal.survey.areas.permissions import EVERYWHERE
from portal.survey.areas.scoping import Scope, scope
from portal.survey.sessions.models import SurveySession


def reach(user: User, area: Scope | None = None) -> Q:
    """Which rows of sessions a person may see; `prefix_q` for those of their items."""
    return (area or area_of(user)).q() & own_q(user)


def item_reach(user: User, area: Scope | None = None) -> Q:
    """The same for points, geometries and attachments, which carry the units of their session."""
    return (area or area_of(user)).q() & own_q(user, "session__")


def own_q(user: User, prefix: str = "") -> Q:
    held = user.grants.get("sessions.view", "")
    if held == "all" or user.is_superadmin:
        return Q()
    mine = Q(**{f"{prefix}surveyor": user})
    if held == "team" and user.department:
        mine |= Q(**{f"{prefix}surveyor__department": user.department})
    return mine if held else Q(pk__in=[])


class Everywhere:
    """The area of people whom no area binds."""

    everything, digest = True, "*"

    def q(self, prefix: str = "") -> Q:
        return Q()


def area_of(user: User) -> Any:
    return Everywhere() if user.is_superadmin or user.has_permission(EVERYWHERE) else scope(user)


def sessions_seen(user: User) -> QuerySet[SurveySession]:
    """Living sessions that the person may see."""
    rows: QuerySet[SurveySession] = SurveySession.objects.filter(reach(user), deleted_at=None)
    return rows


def session_for(user: User, id: UUID) -> SurveySession:
    """Raises NotFound for an unknown, deleted, foreign or unseen one."""
    found = sessions_seen(user).select_related("application", "surveyor", "reviewer", "task").filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such survey session."))
    return found


def applications_seen(user: User, *, deleted: bool = False) -> QuerySet[Application]:
    """Living applications within the person's areas, or the deleted ones, too."""
    rows: QuerySet[Application] = Application.objects.filter(area_of(user).q())
    return rows if deleted else rows.filter(deleted_at=None)


def application_for(user: User, id: UUID) -> Application:
    """Raises NotFound for an unknown, deleted, foreign or unseen one."""
    found = applications_seen(user).filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such application."))
    return found


def visible(model: Any, user: User, ids: Collection[UUID]) -> set[UUID]:
    """Of these sessions or items, deleted ones too, those that the person may know of."""
    if not ids:
        return set()
    seen = reach(user) if model is SurveySession else item_reach(user)
    return set(model.objects.filter(seen, pk__in=ids).values_list("pk", flat=True))


def digest(user: User) -> str:
    """What a device's place in the feed is bound to. Own sessions follow the areas by versions (`sessions.scopes`); who
    sees those of others fetches anew when the areas change."""
    held = user.grants.get("sessions.view", "")
    if held == "own" or user.is_superadmin:
        return held
    return f"{held}/{user.department if held == 'team' else ''}/{area_of(user).digest}"
