"""Who works in which project: written here alone, asked by accounts through `accounts.projects`."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.accounts.signals import access_changed
from portal.core.common.errors import Conflict, Invalid, NotFound
from portal.core.projects import access
from portal.core.projects.models import Project, ProjectMember
from portal.core.sync import engine, records
from portal.core.sync.engine import Change
from portal.core.tenancy import scope

_ROLE_LENGTH = 100


class Members:
    """`portal.core.accounts.projects.Membership`."""

    def read(self, people: Collection[UUID]) -> dict[UUID, list[UUID]]:
        found: dict[UUID, list[UUID]] = defaultdict(list)
        rows = ProjectMember.objects.filter(user__in=list(people), project__deleted_at=None)
        for user, project in rows.values_list("user", "project"):
            found[user].append(project)
        return dict(found)

    def missing(self, projects: Sequence[UUID]) -> list[UUID]:
        known = set(Project.objects.filter(pk__in=projects, deleted_at=None).values_list("pk", flat=True))
        return [id for id in projects if id not in known]

    def people(self, project: UUID) -> list[UUID]:
        return list(ProjectMember.objects.filter(project=project).values_list("user", flat=True))

    def write(self, user: User, projects: Sequence[UUID]) -> None:
        held = set(self.read([user.pk]).get(user.pk, ()))
        wanted = set(projects)
        if held == wanted:
            return
        ProjectMember.objects.filter(user=user, project__in=held - wanted).delete()
        organization = scope.organization_id()
        ProjectMember.objects.bulk_create(
            [ProjectMember(organization_id=organization, project_id=id, user=user) for id in sorted(wanted - held)]
        )
        _moved(held ^ wanted, [user.pk])


def member_add(*, project: UUID, user: UUID, role_in_project: str = "", by: User) -> tuple[ProjectMember, bool]:
    """Take a person into a project; False where they were in it (their role in it is then changed, where one is given).

    Raises Invalid for an unknown person, NotFound for a project that `by` does not see.
    """
    records.may(by, "projects.edit")
    found = access.project_for(by, project)
    person = User.objects.filter(
        pk=user, deleted_at=None, is_active=True, organization_id=scope.organization_id()
    ).first()
    if person is None:
        raise Invalid.field("userId", _("There is no such person."))
    role = _role(role_in_project)
    engine.lock_clock()  # of two equal calls the second one sees the first
    member = ProjectMember.objects.filter(project=found, user=person).first()
    made = member is None
    if member is None:
        member = ProjectMember(organization_id=scope.organization_id(), project=found, user=person)
    if made or (role and member.role_in_project != role):
        member.role_in_project = role
        member.save()
        _moved([found.pk], [person.pk])
    return member, made


def member_change(*, project: UUID, user: UUID, role_in_project: str, by: User) -> ProjectMember:
    """Say what a member is in the project. Raises NotFound."""
    records.may(by, "projects.edit")
    member = member_get(project=project, user=user, by=by)
    member.role_in_project = _role(role_in_project)
    member.save(update_fields=["role_in_project", "updated_at"])
    _moved([member.project_id], [])
    return member


def member_remove(*, project: UUID, user: UUID, by: User) -> None:
    """Take a person out; tasks that they have stay theirs. Raises NotFound."""
    records.may(by, "projects.edit")
    member = member_get(project=project, user=user, by=by)
    if member.user_id == by.pk and not access.sees_all_projects(by):
        raise Conflict(_("You would no longer see this project: have somebody else take you out."), code="IN_USE")
    member.delete()
    _moved([project], [user])


def members_set(*, project: UUID, users: Sequence[UUID], by: User) -> None:
    """Make these the members; roles of those who stay are kept. Raises Invalid for an unknown person."""
    records.may(by, "projects.edit")
    access.project_for(by, project)
    wanted = set(users)
    people = User.objects.filter(
        pk__in=wanted, deleted_at=None, is_active=True, organization_id=scope.organization_id()
    )
    held = set(ProjectMember.objects.filter(project=project).values_list("user", flat=True))
    if (wanted - held) - set(people.values_list("pk", flat=True)):
        raise Invalid.field("memberIds", _("There is no such person."))
    if not access.sees_all_projects(by):
        wanted.add(by.pk)
    ProjectMember.objects.filter(project=project, user__in=held - wanted).delete()
    organization = scope.organization_id()
    ProjectMember.objects.bulk_create(
        [ProjectMember(organization_id=organization, project_id=project, user_id=id) for id in sorted(wanted - held)]
    )
    if held != wanted:
        _moved([project], held ^ wanted)


def member_get(*, project: UUID, user: UUID, by: User) -> ProjectMember:
    """Raises NotFound."""
    found = access.project_for(by, project)
    member = ProjectMember.objects.select_related("user__role").filter(project=found, user=user).first()
    if member is None:
        raise NotFound(_("There is no such member."))
    return member


def _role(text: str) -> str:
    text = text.strip()
    if len(text) > _ROLE_LENGTH:
        message = _("Must have at most %(limit)d characters.") % {"limit": _ROLE_LENGTH}
        raise Invalid.field("roleInProject", message)
    return text


def _moved(projects: Collection[UUID], people: Collection[UUID]) -> None:
    """Give the projects new versions, because their members are part of what devices hold, and have open sockets look
    again at what they may follow."""
    latest = engine.NO_VERSION_CHECK
    changes = [Change("project", id, "updated", {}, client_version=latest, forced=True) for id in projects]
    if changes:
        engine.apply(changes, user=scope.actor().user)
    if people:
        access_changed.send(sender=User, users=list(people))
