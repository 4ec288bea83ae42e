"""Sign-in, tokens and the own profile."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import SIGNED_IN, Page, Policy, Reply, Router, expected_version, paginate
from api.kit.envelope import dumps
from api.v1.auth import schemas
from portal.core.accounts import selectors, services, tokens
from portal.core.accounts.policy import request_actor

router = Router(tags=["auth"])
ENTRY = Policy(public="people have no token before they sign in")


def _tokens(handed: services.SignIn) -> dict[str, Any]:
    return {
        "token": handed.access,
        "accessToken": handed.access,
        "refreshToken": handed.refresh,
        "expiresIn": handed.seconds,
        "tokenType": "Bearer",
    }


@router.post("/auth/login", policy=ENTRY, bucket="login", response=schemas.LoginOut, summary="Sign in")
def login(request: HttpRequest, payload: schemas.LoginIn) -> dict[str, Any]:
    """Send `email` and `password`; call everything else with `Authorization: Bearer <accessToken>`.

    Five failures within 15 minutes lock the identifier (429 `ACCOUNT_LOCKED`, see `Retry-After`). Wrong e-mail
    address or password: 401 `INVALID_CREDENTIALS`. Right password of a switched-off account: 403 `ACCOUNT_INACTIVE`.
    """
    handed = services.login(
        identifier=payload.email,
        password=payload.password,
        tenant_id=payload.tenant_id,
        remember=payload.remember_me,
        by=request_actor(request, via="api"),
    )
    tenant = selectors.tenant_card(handed.user)
    return {**_tokens(handed), "user": selectors.profile(handed.user), "tenant": tenant, "organization": tenant}


@router.post(
    "/auth/refresh-token", policy=ENTRY, bucket="login", response=schemas.TokensOut, summary="Renew the tokens"
)
@router.post("/auth/refresh", policy=ENTRY, bucket="login", response=schemas.TokensOut, summary="Renew the tokens")
def refresh(request: HttpRequest, payload: schemas.RefreshIn) -> dict[str, Any]:
    """Trade the refresh token for a new pair. Each refresh token works once: keep the new one.

    A spent token that is sent again ends the whole sign-in (401 `REFRESH_TOKEN_INVALID`).
    """
    return _tokens(services.refresh(token=payload.refresh_token, by=request_actor(request, via="api")))


@router.post("/auth/logout", policy=SIGNED_IN, reach="self", response=None, summary="Sign out")
def logout(request: HttpRequest, payload: Body[schemas.LogoutIn] = schemas.LogoutIn()) -> Reply:  # noqa: B008
    """The access token ends at once (401 `TOKEN_REVOKED` from then on), and its refresh family with it."""
    services.logout(user=request.auth, claims=request.claims, refresh_token=payload.refresh_token)  # type: ignore[attr-defined]
    return Reply(message=_("Signed out."))


@router.get("/auth/profile", policy=SIGNED_IN, reach="self", response=schemas.ProfileOut, summary="Own profile")
@router.get("/auth/me", policy=SIGNED_IN, reach="self", response=schemas.ProfileOut, summary="Own profile")
@router.get(
    "/users/me", policy=SIGNED_IN, reach="self", response=schemas.ProfileOut, tags=["users"], summary="Own profile"
)
def profile(request: HttpRequest) -> dict[str, Any]:
    """Who the token belongs to, with the organisation and all rights."""
    return selectors.profile(request.auth)  # type: ignore[attr-defined]


@router.update(
    "/auth/profile", policy=SIGNED_IN, reach="self", response=schemas.ProfileOut, summary="Change own profile"
)
def profile_update(request: HttpRequest, payload: schemas.ProfileIn) -> Reply:
    """Absent fields stay, null clears. A new password needs the current one and ends every session and token."""
    changes = payload.changes
    version = expected_version(request, changes.pop("version", None))
    user = services.profile_update(user=request.auth, changes=changes, version=version)  # type: ignore[attr-defined]
    return Reply(selectors.profile(user), message=_("Profile saved."))


@router.get("/auth/permissions", policy=SIGNED_IN, reach="self", response=list[str], summary="Own rights")
def permissions(request: HttpRequest) -> list[str]:
    """Coarse verbs and fine codes in one flat list."""
    return selectors.permission_words(request.auth)  # type: ignore[attr-defined]


@router.get("/auth/jwks", policy=Policy(public="public keys, made to be fetched by anybody"), summary="Signing keys")
def jwks(request: HttpRequest) -> HttpResponse:
    """The public keys of the access tokens: bare RFC 7517, not in the envelope."""
    return HttpResponse(
        dumps(tokens.jwks()), content_type="application/json", headers={"Cache-Control": "public, max-age=300"}
    )


@router.get(
    "/users/assignable",
    policy="users.assignable",
    response=list[schemas.AssignableOut],
    tags=["users"],
    summary="Assignable people",
)
def assignable(request: HttpRequest, query: Query[schemas.PeopleQuery]) -> Page:
    """Active people of the organisation, for whoever may assign work."""
    people = selectors.assignable_people()
    if query.search:
        people = people.filter(name__icontains=query.search)
    return paginate(people, query, lambda user: {"id": user.pk, "name": user.name, "role": user.role_key})
