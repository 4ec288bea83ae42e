"""People of an organisation, their roles and rights (000, 001 FR-040 to FR-044, 002, 003; C29 to C36)."""

from typing import Any
from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Body, File, Query, UploadedFile

from api.kit import Page, Policy, Reply, Router, expected_version, paginate
from api.kit.files import described, download
from api.kit.periods import period
from api.v1.audit.schemas import AuditOut
from api.v1.auth.schemas import DeviceOut, DevicesQuery, SessionOut
from api.v1.users import schemas
from portal.core.accounts.models import User
from portal.core.accounts.selectors import assignable_people, people, permission_words, roles, sessions
from portal.core.accounts.services import avatars, passwords
from portal.core.accounts.services import people as services
from portal.core.accounts.services import roles as role_services
from portal.core.accounts.services import sessions as session_services
from portal.core.accounts.services.mfa import mfa_reset
from portal.core.accounts.services.roles import may_touch
from portal.core.accounts.services.signin import end_sessions
from portal.core.audit import selectors as audit
from portal.core.audit.models import Action
from portal.core.common.errors import Invalid, NotFound

router = Router(tags=["users"])
PICTURE = "multipart/form-data"


def _me(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined, no-any-return]


# --- roles and rights: literal addresses before those with an id --------------------


@router.get("/roles", policy="users.view", reach="span", response=list[schemas.RoleOut], summary="Roles")
@router.get("/users/roles", policy="users.view", reach="span", response=list[schemas.RoleOut], summary="Roles")
def role_list(request: HttpRequest, query: Query[schemas.RolesQuery]) -> Page:
    """Built-in roles and the organisation's own, with how many people have each."""
    return paginate(roles.role_list(search=query.search), query, roles.role_card)


@router.post("/roles", policy="roles.manage", response=schemas.RoleOut, status=201, summary="Define a role")
@router.post("/users/roles", policy="roles.manage", response=schemas.RoleOut, status=201, summary="Define a role")
def role_create(request: HttpRequest, payload: schemas.RoleIn) -> dict[str, Any]:
    """Of rights that you hold yourself. 409 `DUPLICATE` for a key in use."""
    role = role_services.role_create(
        name=payload.name,
        key=payload.key,
        description=payload.description,
        codes=payload.permissions,
        by=_me(request),
    )
    return roles.role_card(role)


@router.get("/roles/{id:role_id}", policy="users.view", reach="span", response=schemas.RoleOut, summary="One role")
@router.get(
    "/users/roles/{id:role_id}", policy="users.view", reach="span", response=schemas.RoleOut, summary="One role"
)
def role_detail(request: HttpRequest, role_id: UUID) -> dict[str, Any]:
    """With its rights."""
    found = roles.role_list().filter(pk=role_id).first()
    if found is None:
        raise NotFound(_("There is no such role."))
    return roles.role_card(found)


@router.update("/roles/{id:role_id}", policy="roles.manage", response=schemas.RoleOut, summary="Change a role")
@router.update("/users/roles/{id:role_id}", policy="roles.manage", response=schemas.RoleOut, summary="Change a role")
def role_update(request: HttpRequest, role_id: UUID, payload: schemas.RolePatch) -> dict[str, Any]:
    """Takes effect on the next request of everybody who has it. Built-in roles: 403 `ROLE_LOCKED`."""
    role = role_services.role_get(id=role_id)
    return roles.role_card(role_services.role_update(role=role, changes=payload.changes, by=_me(request)))


@router.delete("/roles/{id:role_id}", policy="roles.manage", response=None, summary="Remove a role")
@router.delete("/users/roles/{id:role_id}", policy="roles.manage", response=None, summary="Remove a role")
def role_delete(request: HttpRequest, role_id: UUID, query: Query[schemas.RoleDeleteQuery]) -> Reply:
    """409 `IN_USE` while people have it, unless `reassignTo` names the role that they get instead."""
    me, role = _me(request), role_services.role_get(id=role_id)
    heir = role_services.role_named(query.reassign_to, by=me, field="reassignTo") if query.reassign_to else None
    role_services.role_delete(role=role, by=me, reassign_to=heir)
    return Reply(message=_("Role deleted successfully."))


@router.get(
    "/users/permissions", policy="users.view", reach="span", response=list[schemas.CatalogueOut], summary="Catalogue"
)
def permission_catalogue(request: HttpRequest) -> Reply:
    """Every right with its group, labels in the language of the request. `meta.groups` has the same by group."""
    cards = roles.catalogue_cards(held=_me(request).grants)
    return Reply(
        cards,
        meta={
            "page": 1,
            "limit": len(cards),
            "total": len(cards),
            "totalPages": 1,
            "groups": [
                {"group": group["group"], "codes": [card["code"] for card in group["permissions"]]}
                for group in roles.catalogue_groups(cards)
            ],
        },
    )


# --- people --------------------------------------------------------------------------


@router.get("/users", policy="users.view", reach="span", response=list[schemas.PersonOut], summary="People")
def user_list(request: HttpRequest, query: Query[schemas.PeopleQuery]) -> Page:
    """Without the deleted ones. A SuperAdmin sees all organisations, or the one in `X-Tenant-ID`."""
    page = paginate(people.people_list(**query.filters()), query, lambda user: user)
    page.items = people.person_cards(page.items)
    return page


@router.post("/auth/register", policy="users.manage", response=schemas.PersonOut, status=201, summary="Create a person")
@router.post("/users", policy="users.manage", response=schemas.PersonOut, status=201, summary="Create a person")
def user_create(request: HttpRequest, payload: schemas.PersonIn) -> dict[str, Any]:
    """Without `password` the person gets a mail to choose one. 409 `DUPLICATE` names the field that is taken."""
    values = payload.values()
    user = services.user_create(values=values, password=values.pop("password", None), by=_me(request))
    return people.person_card(user)


@router.get("/users/stats", policy="users.view", reach="span", response=schemas.StatsOut, summary="Figures")
def user_stats(request: HttpRequest) -> dict[str, Any]:
    """Of the organisation; of all of them for a SuperAdmin without `X-Tenant-ID`."""
    return people.people_stats()


@router.get(
    "/users/export",
    policy="users.export",
    reach="span",
    response=None,
    openapi_extra=described("csv", "json", "xlsx"),
    summary="Export people",
)
def user_export(request: HttpRequest, query: Query[schemas.ExportQuery]) -> FileResponse:
    """All people that the filters of the list leave, as a file. The audit log notes filters, rows and hash."""
    chosen = query.filters()
    file = services.people_export(
        people=people.people_list(**chosen),
        kind=query.format,
        filters={k: str(v) if isinstance(v, UUID) else v for k, v in chosen.items() if v},
    )
    return download(file, "users", query.format)


@router.post("/users/bulk-update", policy="users.manage", response=schemas.BulkOut, summary="Change many people")
def user_bulk(request: HttpRequest, payload: schemas.BulkIn) -> dict[str, Any]:
    """At most 200 ids, each for itself: one that is refused does not stop the others."""
    wrong = sorted(payload.wanted.model_fields_set - {"role", "is_active", "status", "department", "all_projects"})
    if wrong:
        raise Invalid.field(f"changes.{wrong[0]}", _("This field cannot be changed for many people at once."))
    changes = payload.wanted.values()
    if "projects" in changes:
        changes["all_projects"] = changes.pop("projects") is None
    results = services.users_bulk_update(ids=payload.ids, changes=changes, by=_me(request))
    succeeded = sum(result["success"] for result in results)
    return {"succeeded": succeeded, "failed": len(results) - succeeded, "results": results}


@router.get(
    "/users/assignable", policy="users.assignable", response=list[schemas.AssignableOut], summary="Assignable people"
)
def user_assignable(request: HttpRequest, query: Query[schemas.AssignableQuery]) -> Page:
    """Active people of the organisation, for whoever may assign work."""
    found = assignable_people(search=query.search)
    return paginate(found, query, lambda user: {"id": user.pk, "name": user.name, "role": user.role_key})


@router.get("/users/{id:user_id}", policy="users.view", reach="span", response=schemas.PersonOut, summary="One person")
def user_detail(request: HttpRequest, user_id: UUID) -> dict[str, Any]:
    """With rights and projects."""
    return people.person_card(people.person_get(id=user_id))


@router.update("/users/{id:user_id}", policy="users.manage", response=schemas.PersonOut, summary="Change a person")
def user_update(request: HttpRequest, user_id: UUID, payload: schemas.PersonPatch) -> Reply:
    """Absent fields stay, null clears. Nobody demotes or switches off themselves (409 `SELF_CHANGE`) or the last
    administrator (409 `LAST_ADMIN`)."""
    user = services.user_update(
        user=people.person_get(id=user_id),
        changes=payload.values(),
        version=expected_version(request, payload.version),
        by=_me(request),
    )
    return Reply(people.person_card(user), message=_("Saved."))


@router.delete("/users/{id:user_id}", policy="users.manage", response=None, summary="Remove a person")
def user_delete(request: HttpRequest, user_id: UUID) -> Reply:
    """Soft: what they did keeps their name. Their tokens, sessions and devices end at once."""
    services.user_delete(user=people.person_get(id=user_id), by=_me(request))
    return Reply(message=_("User deleted successfully."))


@router.update("/users/{id:user_id}/role", policy="users.manage", response=schemas.PersonOut, summary="Give a role")
def user_role(request: HttpRequest, user_id: UUID, payload: schemas.RoleChangeIn) -> dict[str, Any]:
    """Ends the person's access tokens; the next refresh carries the new role."""
    user = services.user_update(user=people.person_get(id=user_id), changes={"role": payload.role}, by=_me(request))
    return people.person_card(user)


@router.update(
    "/users/{id:user_id}/status", policy="users.manage", response=schemas.PersonOut, summary="Switch on or off"
)
def user_status(
    request: HttpRequest,
    user_id: UUID,
    payload: Body[schemas.StatusIn] = schemas.StatusIn(),  # noqa: B008
) -> dict[str, Any]:
    """An empty body toggles (C35). Switched off, a person's tokens and sessions end at once."""
    user = services.user_set_active(
        user=people.person_get(id=user_id), active=payload.wished, reason=payload.reason, by=_me(request)
    )
    return people.person_card(user)


@router.post(
    "/users/{id:user_id}/reset-password", policy="users.manage", response=None, summary="Have a password reset"
)
def user_reset_password(request: HttpRequest, user_id: UUID) -> Reply:
    """Mails a link that is good for an hour, and ends the person's sessions. No password is ever shown."""
    user = people.person_get(id=user_id)
    may_touch(_me(request), user)
    end_sessions(user=user)
    passwords.reset_request(identifier=user.email)
    return Reply(message=_("A link to choose a new password is on its way."))


@router.get(
    "/users/{id:user_id}/activity", policy="users.view", reach="span", response=list[AuditOut], summary="Activity"
)
def user_activity(request: HttpRequest, user_id: UUID, query: Query[schemas.ActivityQuery]) -> Page:
    """What the person did, newest first, from the audit log."""
    user = people.person_get(id=user_id)
    if wrong := [word for word in query.action if word.lower() not in audit.WIRE_ACTIONS]:
        raise Invalid.field("action", _("Unknown: %(words)s") % {"words": ", ".join(wrong)[:200]})
    since, until = period(request, query.date_from, query.date_to)
    actions: list[Action] = [audit.WIRE_ACTIONS[word.lower()] for word in query.action]
    entries = audit.entry_list(user=user.pk, actions=actions, since=since, until=until)
    return paginate(entries, query, audit.entry_card)


@router.post(
    "/users/{id:user_id}/avatar",
    policy="users.manage",
    response=schemas.PersonOut,
    media=(PICTURE,),
    limit=avatars.BYTES + 65_536,
    summary="Upload a portrait",
)
def user_avatar(request: HttpRequest, user_id: UUID, file: File[UploadedFile]) -> dict[str, Any]:
    """JPEG, PNG or WebP of at most 5 MB as `file`. Kept as WebP of 64 and 256 pixels, without its metadata."""
    user = people.person_get(id=user_id)
    may_touch(_me(request), user)
    return people.person_card(avatars.avatar_set(user=user, file=file, size=file.size or 0))


@router.delete(
    "/users/{id:user_id}/avatar", policy="users.manage", response=schemas.PersonOut, summary="Remove a portrait"
)
def user_avatar_clear(request: HttpRequest, user_id: UUID) -> dict[str, Any]:
    """Its address ends at once."""
    user = people.person_get(id=user_id)
    may_touch(_me(request), user)
    return people.person_card(avatars.avatar_clear(user=user))


@router.get(
    "/avatars/{str:token}",
    policy=Policy(public="its address is unguessable, so that a page can show the picture"),
    response=None,
    openapi_extra={"responses": {200: {"description": "The picture", "content": {"image/webp": {}}}}},
    summary="A portrait",
)
def avatar(request: HttpRequest, token: str, size: int = 256) -> HttpResponse:
    """WebP of 256 pixels, or of 64 with `?size=64`."""
    picture = people.avatar_bytes(token=token[:64], small=size <= 64)
    if picture is None:
        raise NotFound(_("Not found."))
    headers = {"Cache-Control": "private, max-age=31536000, immutable"}
    return HttpResponse(picture, content_type="image/webp", headers=headers)


@router.get(
    "/users/{id:user_id}/permissions",
    policy="users.view",
    reach="span",
    response=schemas.PermissionsOut,
    summary="A person's rights",
)
def user_permissions(request: HttpRequest, user_id: UUID) -> dict[str, Any]:
    """Every right of the catalogue with the reasons why the person has it or lacks it."""
    return _rights(people.person_get(id=user_id))


@router.update(
    "/users/{id:user_id}/permissions",
    policy="users.manage",
    response=schemas.PermissionsOut,
    summary="Change a person's rights",
)
def user_permissions_set(request: HttpRequest, user_id: UUID, payload: schemas.PermissionsIn) -> dict[str, Any]:
    """`allow` (alias `permissions`) beside the role, `deny` against it; absent lists stay. Holds at once."""
    user = people.person_get(id=user_id)
    return _rights(services.permissions_set(user=user, allow=payload.allow, deny=payload.deny, by=_me(request)))


@router.get(
    "/users/{id:user_id}/permissions/{str:code}",
    policy="users.view",
    reach="span",
    response=schemas.RightOut,
    summary="Why a person has a right",
)
def user_permission_why(request: HttpRequest, user_id: UUID, code: str) -> dict[str, Any]:
    """The sources of one right: the role, an extra grant, a denial."""
    return people.why(people.person_get(id=user_id), code)


@router.delete("/users/{id:user_id}/mfa", policy="users.manage", response=None, summary="Reset two-step sign-in")
def user_mfa_reset(request: HttpRequest, user_id: UUID) -> Reply:
    """For somebody who lost both phone and recovery codes."""
    mfa_reset(user=people.person_get(id=user_id), by=_me(request))
    return Reply(message=_("Two-step sign-in is off for this person."))


@router.get(
    "/users/{id:user_id}/sessions",
    policy="users.view",
    reach="span",
    response=list[SessionOut],
    summary="A person's sign-ins",
)
def user_sessions(request: HttpRequest, user_id: UUID) -> list[dict[str, Any]]:
    """Those that can still be renewed."""
    return sessions.session_cards(user=people.person_get(id=user_id))


@router.delete("/users/{id:user_id}/sessions", policy="users.manage", response=None, summary="Sign a person out")
def user_sessions_end(request: HttpRequest, user_id: UUID) -> Reply:
    """Everywhere, the portal included, at once."""
    session_services.sessions_end(user=people.person_get(id=user_id), by=_me(request))
    return Reply(message=_("Signed out."))


@router.get(
    "/users/{id:user_id}/devices",
    policy="devices.view",
    reach="span",
    response=list[DeviceOut],
    summary="A person's devices",
)
def user_devices(request: HttpRequest, user_id: UUID, query: Query[DevicesQuery]) -> Page:
    """Phones and computers that the person signed in on."""
    found = sessions.device_list(user=people.person_get(id=user_id))
    return paginate(found, query, sessions.device_card)


@router.delete(
    "/users/{id:user_id}/devices/{id:device_id}", policy="devices.revoke", response=DeviceOut, summary="Revoke a device"
)
def user_device_revoke(request: HttpRequest, user_id: UUID, device_id: UUID) -> Reply:
    """Its tokens end at once."""
    device = session_services.device_end(user=people.person_get(id=user_id), id=device_id, by=_me(request))
    return Reply(sessions.device_card(device), message=_("Device revoked successfully"))


def _rights(user: User) -> dict[str, Any]:
    return {
        "role": user.role_key,
        "permissions": permission_words(user),
        "allow": user.extra_permissions,
        "deny": user.denied_permissions,
        "rights": people.rights_of(user),
    }
