"""Reads of the people of an organisation, or of all of them in the platform scope."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import permissions
from portal.core.accounts.models import Avatar, User
from portal.core.accounts.projects import membership
from portal.core.accounts.selectors.signin import profile
from portal.core.common import clock
from portal.core.common.errors import NotFound
from portal.core.common.ids import parse_uuid
from portal.core.common.text import normalise
from portal.core.tenancy import scope
from portal.core.tenancy.scope import platform

EXPORTED = (
    "id", "name", "email", "username", "role", "department", "phone", "language", "status", "allProjects", "mfaEnabled",
    "lastLogin", "createdAt",
)  # fmt: skip


def people_list(
    *,
    search: str = "",
    role: str = "",
    active: bool | None = None,
    department: str = "",
    mfa: bool | None = None,
    project: UUID | None = None,
    ids: Sequence[UUID] = (),
) -> QuerySet[User]:
    """People of the scope in force who are not deleted. `role` is a key, a name, an alias or an id, `project` one that
    they are a member of."""
    found = User.objects.select_related("role", "organization").filter(deleted_at=None)
    if scope.current().organization:  # row-level security says the same; the planner likes to know
        found = found.filter(organization_id=scope.organization_id())
    for word in normalise(search).split():
        found = found.filter(search_text__contains=word)
    if role:
        key = permissions.role_key(role)
        found = found.filter(Q(role_id=parse_uuid(key)) if parse_uuid(key) else Q(role__key__iexact=key))
    if active is not None:
        found = found.filter(is_active=active)
    if department:
        found = found.filter(department__iexact=department)
    if mfa is not None:
        found = found.filter(mfa_enabled=mfa)
    if project is not None:
        found = found.filter(pk__in=membership().people(project))
    return found.filter(pk__in=ids) if ids else found


def person_get(*, id: UUID) -> User:
    """A person of the scope in force. Raises NotFound."""
    found = people_list(ids=[id]).first()
    if found is None:
        raise NotFound(_("There is no such person."))
    return found


def person_cards(people: Iterable[User]) -> list[dict[str, Any]]:
    """People on the wire, with their projects."""
    rows = list(people)
    projects = membership().read([user.pk for user in rows])
    return [{**profile(user), "projectIds": projects.get(user.pk, [])} for user in rows]


def person_card(user: User) -> dict[str, Any]:
    return person_cards([user])[0]


def people_rows(people: QuerySet[User]) -> Iterator[tuple[Any, ...]]:
    """Rows of an export under the names of `EXPORTED`, read 2,000 at a time."""
    columns = (
        "id", "name", "email", "username", "role__key", "department", "phone", "language", "is_active", "all_projects",
        "mfa_enabled", "last_login", "created_at",
    )  # fmt: skip
    for row in people.order_by("name", "id").values_list(*columns).iterator(chunk_size=2000):
        id, name, email, username, role, department, phone, language, active, everything, mfa, seen, made = row
        yield (
            str(id), name, email, username or "", role, department, phone, language, "active" if active else "inactive",
            everything, mfa, clock.wire(seen), clock.wire(made),
        )  # fmt: skip


def people_stats() -> dict[str, Any]:
    """Figures of the scope in force: people who are not deleted."""
    people, month = people_list(), clock.now() - timedelta(days=30)
    figures = people.aggregate(
        total=Count("pk"),
        active=Count("pk", filter=Q(is_active=True)),
        mfaEnabled=Count("pk", filter=Q(mfa_enabled=True)),
        neverSignedIn=Count("pk", filter=Q(last_login=None)),
        signedInLast30Days=Count("pk", filter=Q(last_login__gt=month)),
        createdLast30Days=Count("pk", filter=Q(created_at__gt=month)),
    )
    by_role = Counter(dict(people.order_by().values_list("role__key").annotate(n=Count("pk"))))
    return {
        **figures,
        "inactive": figures["total"] - figures["active"],
        "mfaPercent": round(100 * figures["mfaEnabled"] / figures["total"], 1) if figures["total"] else 0.0,
        "byRole": dict(sorted(by_role.items())),
    }


def rights_of(user: User) -> list[dict[str, Any]]:
    """Every right of the catalogue: whether this person has it, for which scope, and why or why not."""
    return [why(user, code) for code in permissions.catalogue()]


def why(user: User, code: str) -> dict[str, Any]:
    """Why a person has a right or lacks it: `{code, held, scope, sources: [{type, scope, role?}]}`.

    `type` is role, extra or denied; of several sources the widest scope counts, and a denial ends them all.
    Raises NotFound for a code that is not in the catalogue.
    """
    permission = permissions.catalogue().get(code)
    if permission is None:
        raise NotFound(_("There is no such right."))
    sources: list[dict[str, Any]] = []
    if code in user.role.grants:
        named = {"role": user.role_key, "roleName": str(user.role), "isSystem": user.role.is_system}
        sources.append({"type": "role", "scope": user.role.grants[code], **named})
    extra = permissions.grants(user.extra_permissions)
    if code in extra:
        sources.append({"type": "extra", "scope": extra[code]})
    if code in user.denied_permissions:
        sources.append({"type": "denied", "scope": None})
    return {
        "code": code,
        "label": permission.label,
        "group": permission.group,
        "held": user.has_permission(code),
        "scope": user.grants.get(code) if user.is_active else None,
        "active": user.is_active,
        "sources": sources,
    }


def narrow[M: Any](queryset: "QuerySet[M]", *, user: User, code: str, owner: str) -> "QuerySet[M]":
    """The rows that a person's right `code` reaches: their own (`owner` names the column), their team's, or all."""
    match user.grants.get(code):
        case "all":
            return queryset
        case "team" if user.department:
            return queryset.filter(Q(**{owner: user}) | Q(**{f"{owner}__department": user.department}))
        case "own" | "team":
            return queryset.filter(**{owner: user})
    return queryset.none()


def avatar_bytes(*, token: str, small: bool) -> bytes | None:
    """The WebP behind an avatar's address, None where it has ended."""
    with platform():
        column = "small" if small else "large"
        found = Avatar.objects.filter(token=token, user__deleted_at=None).values_list(column, flat=True).first()
    return bytes(found) if found else None
