"""Figures of the whole platform (003 `/admin/dashboard/stats`); all of it needs the platform scope."""

from collections import Counter
from typing import Any, Final

from django.db.models import Count, Q

from portal.core.accounts import figures, permissions
from portal.core.accounts.models import Invitation, User
from portal.core.common import clock
from portal.core.tenancy.models import Organization

TOP: Final = 10


def platform_stats() -> dict[str, Any]:
    """Exactly the figures that 003 defines, under its names.

    Organisations and people who are deleted do not count. An organisation is active with a submission in the last 30
    days, else dormant. `acceptanceRate` is that of the invitations that neither expired nor were cancelled, in percent.
    """
    now = clock.now()
    sent = figures.submissions(now)
    living = Organization.objects.filter(deleted_at=None)
    organizations = living.count()
    names = dict(living.filter(pk__in=sent).values_list("pk", "name"))
    active = sum(1 for one in names if sent[one].last30)
    counted = _people()
    projects = figures.projects()
    submissions = sum(one.total for one in sent.values())
    ranked = sorted(names, key=lambda one: (-sent[one].total, names[one], str(one)))
    return {
        "organizations": {
            "total": organizations,
            "active": active,
            "createdThisMonth": living.filter(
                created_at__gte=now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            ).count(),
            "dormant": organizations - active,
        },
        "users": {**counted, "averagePerOrganization": _ratio(counted["total"], organizations)},
        "projects": {
            "total": sum(projects),
            "byStatus": {
                "draft": projects.draft,
                "active": projects.active,
                "closed": projects.completed + projects.archived,
                "completed": projects.completed,
                "archived": projects.archived,
            },
            "averagePerOrganization": _ratio(sum(projects), organizations),
        },
        "submissions": {
            "total": submissions,
            "last7Days": sum(one.last7 for one in sent.values()),
            "last30Days": sum(one.last30 for one in sent.values()),
            "averagePerProject": _ratio(submissions, sum(projects)),
            "topOrganizationsBySubmissions": [
                {"organizationId": one, "organizationName": names[one], "submissionCount": sent[one].total}
                for one in ranked[:TOP]
                if sent[one].total
            ],
        },
        "invitations": _invitations(now),
        "generatedAt": now,
    }


def _people() -> dict[str, Any]:
    people = User.objects.filter(deleted_at=None)
    figures = people.aggregate(total=Count("pk"), active=Count("pk", filter=Q(is_active=True)))
    held = Counter(dict(people.filter(role__organization=None).values_list("role__key").annotate(Count("pk"))))
    by_role = {key[0].lower() + key[1:]: held[key] for key in permissions.BUILTIN_ROLES}
    by_role["custom"] = figures["total"] - sum(by_role.values())
    return {**figures, "byRole": by_role, "inactive": figures["total"] - figures["active"]}


def _invitations(now: Any) -> dict[str, Any]:
    Status, over = Invitation.Status, Q(expires_at__lte=now)  # noqa: N806 a class
    pending = Q(status=Status.PENDING)
    found = Invitation.objects.aggregate(
        total=Count("pk"),
        pending=Count("pk", filter=pending & ~over),
        accepted=Count("pk", filter=Q(status=Status.ACCEPTED)),
        expired=Count("pk", filter=Q(status=Status.EXPIRED) | (pending & over)),
        cancelled=Count("pk", filter=Q(status=Status.CANCELLED)),
    )
    open_or_accepted = found["total"] - found["expired"] - found["cancelled"]
    return {**found, "acceptanceRate": _ratio(100 * found["accepted"], open_or_accepted)}


def _ratio(count: int, by: int) -> float:
    """Two decimals; 0 where there is nothing to divide by."""
    return round(count / by, 2) if by else 0.0


def organization_figures(organization: Organization) -> dict[str, int]:
    """What a platform administrator looks for first in one organisation."""
    people = User.objects.filter(organization=organization, deleted_at=None)
    return people.aggregate(
        users=Count("pk"),
        activeUsers=Count("pk", filter=Q(is_active=True)),
        admins=Count("pk", filter=Q(is_active=True, role__organization=None, role__key=permissions.ADMIN)),
    )
