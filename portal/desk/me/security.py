"""The own password, two-step sign-in, passkeys and sign-ins."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

import segno
from allauth.mfa import signals
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.core.accounts import services
from portal.core.accounts.models import User
from portal.core.accounts.policy import own_account, request_actor
from portal.core.accounts.selectors.sessions import session_cards
from portal.core.accounts.services import mfa, sessions
from portal.core.accounts.services.notices import tell_changed
from portal.core.accounts.services.signin import trace
from portal.core.common.errors import DomainError, NotFound
from portal.desk.entry.views import answered, options_of
from portal.desk.me.forms import PasskeyForm, PasswordForm, ProofForm, SetupForm
from portal.ui.people import person


@require_http_methods(["GET", "POST"])
@own_account
def overview(request: HttpRequest) -> HttpResponse:
    form = PasswordForm(request.POST or None)
    if form.is_valid():
        changes = {name: form.cleaned_data[name] for name in ("current_password", "new_password")}
        try:
            user = services.profile_update(user=person(request), changes=changes)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            update_session_auth_hash(request, user)
            messages.success(request, _("Your password has been changed."))
            return redirect("me:security")
    return _overview(request, form)


def _overview(request: HttpRequest, form: PasswordForm, proof: ProofForm | None = None) -> HttpResponse:
    user = person(request)
    context = {
        "tab": "security",
        "form": form,
        "proof": proof or ProofForm(),
        "codes_left": mfa.recovery_codes_left(user=user),
        "passkeys": [(key, key.wrap().name) for key in passkeys(user)],
        "sessions": session_cards(user=user),
    }
    bound = form.is_bound or (proof is not None)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if bound else HTTPStatus.OK
    return render(request, "desk/me/security.html", context, status=status)


# --- the second step ---------------------------------------------------------------------
@never_cache
@require_POST
@own_account
def setup(request: HttpRequest) -> HttpResponse:
    """Without a code: a new secret to put into an app. With one: switch it on, and show the recovery codes once."""
    user = person(request)
    try:
        if "code" not in request.POST:
            return _setup(request, user, SetupForm(initial={"secret": mfa.mfa_setup(user=user)["secret"]}))
        form = SetupForm(request.POST)
        if form.is_valid():
            try:
                codes = mfa.mfa_enable(user=user, code=form.cleaned_data["code"])
            except DomainError as refusal:
                if not refusal.errors:
                    raise
                form.refuse(refusal)
            else:
                return _codes(request, codes, fresh=True)
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
        return redirect("me:security")
    return _setup(request, user, form) if "secret" in form.cleaned_data else redirect("me:security")


def _setup(request: HttpRequest, user: User, form: SetupForm) -> HttpResponse:
    secret: str = form["secret"].value()
    context = {
        "tab": "security",
        "form": form,
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "picture": _qr(get_adapter().build_totp_url(user, secret)),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "desk/me/setup.html", context, status=status)


def _qr(text: str) -> SafeString:
    """A QR code as inline SVG, dark on white whatever the theme is: cameras read it so."""
    drawn = segno.make(text, error="m").svg_inline(border=3, dark="#000", light="#fff", omitsize=True, svgclass="qr")
    return mark_safe(drawn)  # noqa: S308  segno draws squares; the text is not in it


def _codes(request: HttpRequest, codes: list[str], *, fresh: bool) -> HttpResponse:
    return render(request, "desk/me/codes.html", {"tab": "security", "codes": codes, "fresh": fresh})


def _proven(request: HttpRequest, act: Any) -> tuple[Any, HttpResponse | None]:
    """Run `act(code)`, or show the page again with what was wrong."""
    form = ProofForm(request.POST)
    if form.is_valid():
        try:
            return act(form.cleaned_data["code"]), None
        except DomainError as refusal:
            form.add_error("code", str(refusal.message))
    return None, _overview(request, PasswordForm(), form)


@never_cache
@require_POST
@own_account
def renew(request: HttpRequest) -> HttpResponse:
    by = request_actor(request, user=person(request))
    codes, refused = _proven(request, lambda code: mfa.recovery_codes_renew(user=person(request), code=code, by=by))
    return refused or _codes(request, codes, fresh=False)


@require_POST
@own_account
def switch_off(request: HttpRequest) -> HttpResponse:
    by = request_actor(request, user=person(request))
    _none, refused = _proven(request, lambda code: mfa.mfa_disable(user=person(request), code=code, by=by))
    if refused is None:
        messages.success(request, _("Two-step sign-in is off."))
    return refused or redirect("me:security")


# --- passkeys: for people who have codes of an app too, which field apps ask for -----------------
@never_cache
@require_http_methods(["GET", "POST"])
@own_account
def passkey_add(request: HttpRequest) -> HttpResponse:
    user = person(request)
    if not user.mfa_enabled:
        messages.error(request, _("Switch two-step sign-in on first: field apps ask for its codes."))
        return redirect("me:security")
    form = PasskeyForm(request.POST or None, user=user, initial={"name": _("Passkey")})
    if answered(form):
        key = WebAuthn.add(user, form.cleaned_data["name"], form.cleaned_data["credential"]).instance
        signals.authenticator_added.send(sender=Authenticator, request=request, user=user, authenticator=key)
        trace("settings", user, reason="PASSKEY_ADDED")
        tell_changed(user, "passkey_added")
        messages.success(request, _("The passkey has been added. You can sign in with it alone."))
        return redirect("me:security")
    options = options_of(webauthn.begin_registration(user, passwordless=True))
    context = {"tab": "security", "form": form, "options": options}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "desk/me/passkey.html", context, status=status)


@require_POST
@own_account
def passkey_remove(request: HttpRequest, passkey_id: int) -> HttpResponse:
    user = person(request)
    key = passkeys(user).filter(pk=passkey_id).first()
    if key is None:
        raise NotFound(_("There is no such passkey."))
    key.delete()
    signals.authenticator_removed.send(sender=Authenticator, request=request, user=user, authenticator=key)
    trace("settings", user, reason="PASSKEY_REMOVED")
    tell_changed(user, "passkey_removed")
    messages.success(request, _("The passkey has been removed."))
    return redirect("me:security")


def passkeys(user: User) -> "QuerySet[Authenticator]":
    keys: QuerySet[Authenticator] = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)
    return keys.order_by("created_at", "pk")


# --- sign-ins ----------------------------------------------------------------------------
@require_POST
@own_account
def session_end(request: HttpRequest, session_id: UUID) -> HttpResponse:
    sessions.session_end(user=person(request), id=session_id)
    messages.success(request, _("The app has been signed out."))
    return redirect("me:security")


@require_POST
@own_account
def sessions_end(request: HttpRequest) -> HttpResponse:
    """Everywhere but in this browser."""
    user = person(request)
    sessions.sessions_end(user=user, by=user)
    update_session_auth_hash(request, user)
    messages.success(request, _("Every app and every other browser has been signed out."))
    return redirect("me:security")
