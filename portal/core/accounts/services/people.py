"""People of an organisation: create, change, switch off, remove (001 FR-040 to FR-044, C29, C31, C35, C36)."""

from collections.abc import Mapping, Sequence
from typing import IO, Any, Final, NamedTuple
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import permissions, signals, trail
from portal.core.accounts.models import Device, Role, User
from portal.core.accounts.projects import membership
from portal.core.accounts.selectors.people import EXPORTED, people_rows
from portal.core.accounts.services import passwords
from portal.core.accounts.services.notices import tell_changed
from portal.core.accounts.services.roles import checked_codes, may_assign, may_grant, may_touch, role_named
from portal.core.accounts.services.signin import (
    avatar_errors,
    device_revoke,
    end_sessions,
    password_errors,
    tell_security,
    trace,
)
from portal.core.common import clock
from portal.core.common.errors import Conflict, DomainError, Errors, Invalid
from portal.core.common.sheets import sheet
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization

BULK_LIMIT: Final = 200
BULK_FIELDS: Final = frozenset({"role", "is_active", "department", "all_projects"})
_TEXTS = ("name", "email", "username", "department", "phone", "language", "avatar")
_UNIQUE = {
    "user_email_once": ("email", _("Somebody has this e-mail address already.")),
    "user_username_once": ("username", _("Somebody has this user name already.")),
}


def user_create(
    *, values: Mapping[str, Any], by: User | None, password: str | None = None, hashed: str | None = None
) -> User:
    """A new person of the organisation in force.

    `values` are fields of `User` with `role` (key, name or id, default Viewer), `permissions` (rights beside the role)
    and `projects` (None: all of them). Without a password the person gets a mail to choose one; `hashed` is one that
    was chosen and hashed already, `by` None where the role was granted before. Raises Invalid per field, Denied, and
    Conflict DUPLICATE.
    """
    organization = Organization.objects.get(pk=scope.organization_id())
    wished = {**values}
    role = wished.pop("role", None)
    extra = checked_codes(wished.pop("permissions", None) or [], "permissions")
    if not isinstance(role, Role):
        assert by is not None
        role = role_named(role or permissions.VIEWER, by=by)
    if role.is_system and role.key == permissions.SUPERADMIN:
        raise Invalid.field("role", _("A platform administrator belongs to no organisation."))
    if by is not None:
        may_assign(by, role)
        may_grant(by, permissions.grants(extra))
    projects = wished.pop("projects", None)
    user = User(organization=organization, role=role, extra_permissions=extra, token_epoch=0)
    _fill(user, {"all_projects": projects is None, **wished})
    errors = _field_errors(user)
    if password is not None:
        password_errors(errors, "password", password, organization, user)
    _project_errors(errors, projects)
    errors.raise_any()
    user.password = hashed or make_password(password)  # make_password(None) is one that nothing matches
    _save(user)
    if projects:
        membership().write(user, projects)
    if password is None and hashed is None:
        passwords.reset_request(identifier=user.email)
    return user


def _fill(user: User, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name in _TEXTS:
            text = (value or "").strip()
            value = text.lower() if name == "email" else (text or None) if name == "username" else text  # noqa: PLW2901
        elif name == "preferences":
            value = value or {}  # noqa: PLW2901
        setattr(user, name, value)
    user.name = user.name or user.email.partition("@")[0]


def _field_errors(user: User) -> Errors:
    errors = Errors()
    try:
        user.clean_fields(exclude={"password", "organization", "role", "extra_permissions", "denied_permissions"})
    except ValidationError as refused:
        for name, texts in refused.message_dict.items():
            errors.add(name, " ".join(texts))
    avatar_errors(errors, user.avatar)
    return errors


def _project_errors(errors: Errors, projects: Sequence[UUID] | None) -> None:
    if projects and membership().missing(projects):
        errors.add("project_ids", _("There is no such project."))


def _save(user: User) -> None:
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
        if constraint not in _UNIQUE:
            raise
        field, message = _UNIQUE[constraint]
        refusal = Invalid.field(field, message)
        raise Conflict(message, code="DUPLICATE", errors=refusal.errors) from None


@transaction.atomic
def user_update(*, user: User, changes: Mapping[str, Any], by: User, version: int | None = None) -> User:
    """Change a person. Takes effect on their next request; a new role ends their access tokens, a new password or
    deactivation every session.

    `changes` as in `user_create`, with `password`. Raises Invalid per field, Denied, Conflict (VERSION_CONFLICT,
    DUPLICATE, SELF_CHANGE, LAST_ADMIN).
    """
    user = _locked(user)
    may_touch(by, user)
    if version is not None and version != user.version:
        raise Conflict(_("This record has been changed in the meantime."), meta={"currentVersion": user.version})
    before = _Before(user.grants, user.role_id, user.email, user.is_active)
    wished = dict(changes)
    role, password = _other_role(user, wished.pop("role", None), by), wished.pop("password", None)
    projects = wished.pop("projects", ...)
    if role is not None or wished.get("is_active", True) is False:
        _not_self(by, user)
        _not_last_admin(user)
    for given, stored, field in (
        ("permissions", "extra_permissions", "permissions"),
        ("denied_permissions", "denied_permissions", "denied"),
    ):
        if given in wished:
            wished[stored] = checked_codes(wished.pop(given) or [], field)
    if projects is not ...:
        wished["all_projects"] = projects is None
    _fill(user, wished)
    errors = _field_errors(user)
    if password is not None:
        password_errors(errors, "password", password, user.organization, user)
        user.set_password(password)
    _project_errors(errors, None if projects is ... else projects)
    errors.raise_any()
    if role is not None:
        user.role = role
    for name in ("grants", "permission_codes"):
        user.__dict__.pop(name, None)
    if user.grants != before.grants:
        _regranted(user, before, by, by_role=role is not None)
    user.version += 1
    user.updated_at = clock.now()
    _save(user)
    if projects is not ... and projects is not None:
        membership().write(user, projects)
    _end_what_ended(user, before, new_password=password is not None)
    return user


class _Before(NamedTuple):
    grants: permissions.Grants
    role: UUID
    email: str
    active: bool


def _other_role(user: User, wished: Role | str | None, by: User) -> Role | None:
    """The role that the person gets instead of theirs, None where they keep it."""
    if wished is None:
        return None
    role = wished if isinstance(wished, Role) else role_named(wished, by=by)
    if role.pk == user.role_id:
        return None
    if permissions.SUPERADMIN in (role.key, user.role_key) and (role.is_system or user.is_superadmin):
        raise Invalid.field("role", _("A platform administrator belongs to no organisation."))
    may_assign(by, role)
    return role


def _regranted(user: User, before: _Before, by: User, *, by_role: bool) -> None:
    _not_self(by, user)
    gained = {code: reach for code, reach in user.grants.items() if before.grants.get(code) != reach}
    if not by_role:
        may_grant(by, gained)
    if "users.manage" in gained:
        tell_security("privilege_change", "medium", user, role=user.role_key, by=by.name)


def _end_what_ended(user: User, before: _Before, *, new_password: bool) -> None:
    if new_password:
        trace("settings", user, reason="PASSWORD_CHANGED")
        tell_changed(user, "password")
    if user.email != before.email:
        tell_changed(user, "email", to=before.email)
    if new_password or (before.active and not user.is_active) or user.email != before.email:
        end_sessions(user=user)
    elif user.role_id != before.role:
        user.token_epoch += 1
        user.save(update_fields=["token_epoch"])
    if user.grants != before.grants:
        signals.access_changed.send(sender=User, users=[user.pk])


def user_set_active(*, user: User, active: bool | None, by: User, reason: str = "") -> User:
    """Switch a person on or off; None toggles (C35)."""
    wished = not user.is_active if active is None else active
    with scope.acting(reason=reason) if reason else scope.acting():
        return user_update(user=user, changes={"is_active": wished}, by=by)


@transaction.atomic
def user_delete(*, user: User, by: User) -> None:
    """Soft: the row stays for the audit log, the e-mail address becomes free, every token and device ends at once."""
    user = _locked(user)
    may_touch(by, user)
    _not_self(by, user)
    _not_last_admin(user)
    for device in Device.objects.filter(user=user).exclude(status=Device.Status.REVOKED):
        device_revoke(device=device)
    end_sessions(user=user)
    user.is_active, user.deleted_at, user.deleted_by = False, clock.now(), by
    user.version += 1
    user.save(update_fields=["is_active", "deleted_at", "deleted_by", "version", "updated_at"])


def users_bulk_update(*, ids: Sequence[UUID], changes: Mapping[str, Any], by: User) -> list[dict[str, Any]]:
    """The same change for many people, each for itself: `[{id, success, error: {code, message}}]` in their order.

    `changes` may hold role, is_active, department, all_projects. Raises Invalid for other fields, none at all, or
    more than 200 ids.
    """
    if len(ids) > BULK_LIMIT:
        raise Invalid.field("ids", _("At most %(limit)s at once.") % {"limit": BULK_LIMIT})
    wrong = sorted(set(changes) - BULK_FIELDS)
    if wrong or not changes:
        raise Invalid.field("changes", _("Choose from: %(allowed)s.") % {"allowed": ", ".join(sorted(BULK_FIELDS))})
    known = {user.pk: user for user in User.objects.select_related("role").filter(pk__in=ids, deleted_at=None)}
    results = []
    for id in dict.fromkeys(ids):
        refusal: dict[str, object] = {"code": "RESOURCE_NOT_FOUND", "message": _("There is no such person.")}
        try:
            if id in known:
                user_update(user=known[id], changes=changes, by=by)
                results.append({"id": id, "success": True, "error": None})
                continue
        except DomainError as refused:
            refusal = {"code": refused.code, "message": refused.message}
        results.append({"id": id, "success": False, "error": refusal})
    return results


@transaction.atomic
def permissions_set(*, user: User, allow: Sequence[str] | None, deny: Sequence[str] | None, by: User) -> User:
    """Rights beside the role, and rights taken away; None leaves a list as it is. Raises Invalid and Denied."""
    changes: dict[str, Any] = {}
    if allow is not None:
        changes["permissions"] = allow
    if deny is not None:
        changes["denied_permissions"] = [code.partition(":")[0] for code in deny]
    return user_update(user=user, changes=changes, by=by)


def _locked(user: User) -> User:
    return User.objects.select_related("role", "organization").select_for_update(of=("self",)).get(pk=user.pk)


def _not_self(by: User, user: User) -> None:
    if by.pk == user.pk:
        raise Conflict(_("You cannot do this to yourself."), code="SELF_CHANGE")


def _not_last_admin(user: User) -> None:
    """Of two administrators who demote each other at once, one fails: both wait for the organisation's row."""
    if user.role_key not in (permissions.ADMIN, permissions.SUPERADMIN) or not (user.role.is_system and user.is_active):
        return
    if user.organization_id:
        Organization.objects.select_for_update(no_key=True).get(pk=user.organization_id)
    peers = User.objects.filter(
        organization=user.organization_id, role_id=user.role_id, is_active=True, deleted_at=None
    ).exclude(pk=user.pk)
    if not peers.exists():
        raise Conflict(_("This is the last administrator."), code="LAST_ADMIN")


def people_export(*, people: QuerySet[User], kind: str, filters: Mapping[str, Any]) -> IO[bytes]:
    """People as an open file of `kind` (csv, json, xlsx), noted in the audit log with filters, rows and hash."""
    file, rows, digest = sheet(kind, EXPORTED, people_rows(people))
    said = {"format": kind, "filters": dict(filters), "rows": rows, "sha256": digest}
    trail.record(trail.Trace("export", "user", "", "users", changes=said))
    return file
