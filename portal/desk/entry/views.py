"""How people come in: a forgotten password, an invitation, the second step of signing in."""

import struct
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm, LoginWebAuthnForm
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from django.contrib import messages
from django.contrib.auth import login
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from fido2.utils import websafe_encode

from portal.core.accounts.models import User
from portal.core.accounts.policy import public, request_actor
from portal.core.accounts.selectors.entry import password_length, reset_holder
from portal.core.accounts.selectors.invitations import invitation_preview
from portal.core.accounts.services import mfa, passwords
from portal.core.accounts.services.invitations import invitation_accept, invitation_open
from portal.core.common.errors import DomainError
from portal.core.tenancy.scope import platform
from portal.desk.entry.forms import AcceptForm, CodeForm, ForgotForm, NewPasswordForm
from portal.ui.forms import ServiceForm

BACKEND = "portal.core.accounts.backends.EmailBackend"


@never_cache
@require_http_methods(["GET", "POST"])
@public("whoever forgot the password cannot sign in")
def forgot(request: HttpRequest) -> HttpResponse:
    """The answer is the same whether there is such an account or not."""
    form = ForgotForm(request.POST or None)
    if form.is_valid():
        passwords.reset_request(identifier=form.cleaned_data["identifier"])
        return render(request, "desk/entry/sent.html", {"identifier": form.cleaned_data["identifier"]})
    return _form(request, "desk/entry/forgot.html", form)


@never_cache
@require_http_methods(["GET", "POST"])
@public("the token of the mailed link is the proof")
def reset(request: HttpRequest, token: str) -> HttpResponse:
    user = reset_holder(token=token)
    if user is None:
        return _refused(request, _("The link is not valid any more. Ask for a new one."), forgotten=True)
    form = NewPasswordForm(request.POST or None)
    if form.is_valid():
        try:
            passwords.reset_confirm(token=token, password=form.cleaned_data["new_password"], by=request_actor(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("Your password has been changed. Sign in with it."))
            return redirect("login")
    return _form(request, "desk/entry/reset.html", form, email=user.email, length=password_length(user))


@never_cache
@require_http_methods(["GET", "POST"])
@public("the token of the invitation is the proof")
def invite(request: HttpRequest, token: str) -> HttpResponse:
    """Show who invites whom to what; with a name and a password, accept and come in."""
    try:
        with platform():
            offer = invitation_preview(invitation_open(token=token))
    except DomainError as refusal:
        return _refused(request, str(refusal.message))
    form = AcceptForm(request.POST or None, initial={"language": translation.get_language()})
    if form.is_valid():
        said = form.cleaned_data
        try:
            user = invitation_accept(
                token=token,
                password=said["new_password"],
                name=said["name"],
                language=said["language"],
                by=request_actor(request),
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            _come_in(request, user)
            with translation.override(user.language or translation.get_language()):
                messages.success(request, _("Welcome. Your account is ready."))
            return redirect("home")
    return _form(request, "desk/entry/invite.html", form, offer=offer)


def _come_in(request: HttpRequest, user: User) -> None:
    if request.user.is_authenticated:  # somebody else's session in this browser ends here
        request.session.flush()
    login(request, user, backend=BACKEND)


@never_cache
@require_http_methods(["GET", "POST"])
@public("the session remembers the password that was right; the code is the second proof")
def second_step(request: HttpRequest) -> HttpResponseBase:
    with platform(by=request_actor(request)):  # nobody is signed in yet, so the person is looked up across the platform
        response: HttpResponseBase = _second_step(request)
    return response


@never_cache
@require_http_methods(["GET", "POST"])
@public("the signature of the passkey is the proof")
def passkey(request: HttpRequest) -> HttpResponse:
    """Sign in with a passkey alone: GET asks what to sign (JSON), POST brings the signature."""
    with platform(by=request_actor(request)):
        if request.method == "GET":
            return HttpResponse(orjson.dumps(options_of(webauthn.begin_authentication())), "application/json")
        form = LoginWebAuthnForm(data=request.POST)
        if answered(form) and employed(user := form.cleaned_data["credential"].user):
            next_page = get_next_redirect_url(request)
            done: HttpResponse = perform_passwordless_login(
                request, form.cleaned_data["credential"], Login(user=user, redirect_url=next_page)
            )
            return done
    messages.error(request, _("The passkey is not known here. Sign in with your password."))
    return redirect("login")


def answered(form: Form) -> bool:
    """Whether the answer of a passkey holds; about a malformed one fido2 raises whatever it stumbles over."""
    try:
        return form.is_valid()
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, struct.error):
        form.add_error(None, _("The passkey could not be read. Try again."))
        return False


def employed(user: User) -> bool:
    """Whether the person may come in; allauth asks for `is_active` alone."""
    return user.is_active and user.deleted_at is None and (user.organization is None or user.organization.is_active)


def options_of(options: Any) -> Any:
    """What a browser is asked to sign, as plain JSON: fido2 hands out mappings of its own."""
    if isinstance(options, Mapping):
        return {name: options_of(value) for name, value in options.items() if value is not None}
    if isinstance(options, list | tuple):
        return [options_of(value) for value in options]
    return websafe_encode(options) if isinstance(options, bytes) else options


@login_stage_required(stage=AuthenticateStage.key, redirect_urlname="login")  # type: ignore[untyped-decorator]
def _second_step(request: HttpRequest) -> HttpResponse:
    stage: Any = request.__dict__["_login_stage"]  # allauth's decorator puts it there
    if "cancel" in request.POST or stage.login.user is None:
        clear_login(request)
        return redirect("login")
    if "credential" in request.POST:
        signed = AuthenticateWebAuthnForm(user=stage.login.user, data=request.POST)
        if answered(signed):
            signed.save()
            signed_in: HttpResponse = stage.exit()
            return signed_in
        messages.error(request, _("The passkey is not known here. Use a code."))
    form = CodeForm(request.POST if "code" in request.POST else None)
    if form.is_valid():
        try:
            mfa.verify(user=stage.login.user, code=form.cleaned_data["code"], by=request_actor(request))
        except DomainError as refusal:
            form.add_error("code", str(refusal.message))
        else:
            done: HttpResponse = stage.exit()
            return done
    keys = Authenticator.objects.filter(user=stage.login.user, type=Authenticator.Type.WEBAUTHN).exists()
    options = options_of(webauthn.begin_authentication(stage.login.user)) if keys else None
    return _form(request, "desk/entry/second_step.html", form, options=options)


def _form(request: HttpRequest, template: str, form: ServiceForm, **more: Any) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, template, {"form": form, **more}, status=status)


def _refused(request: HttpRequest, message: str, *, forgotten: bool = False) -> HttpResponse:
    context = {"message": message, "forgotten": forgotten}
    return render(request, "desk/entry/refused.html", context, status=HTTPStatus.NOT_FOUND)
