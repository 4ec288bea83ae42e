"""How people come in: a forgotten password, an invitation, the second step of signing in."""

from http import HTTPStatus
from typing import Any

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.stagekit import clear_login
from allauth.mfa.stages import AuthenticateStage
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

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


@login_stage_required(stage=AuthenticateStage.key, redirect_urlname="login")  # type: ignore[untyped-decorator]
def _second_step(request: HttpRequest) -> HttpResponse:
    stage: Any = request.__dict__["_login_stage"]  # allauth's decorator puts it there
    if "cancel" in request.POST or stage.login.user is None:
        clear_login(request)
        return redirect("login")
    form = CodeForm(request.POST or None)
    if form.is_valid():
        try:
            mfa.verify(user=stage.login.user, code=form.cleaned_data["code"], by=request_actor(request))
        except DomainError as refusal:
            form.add_error("code", str(refusal.message))
        else:
            done: HttpResponse = stage.exit()
            return done
    return _form(request, "desk/entry/second_step.html", form)


def _form(request: HttpRequest, template: str, form: ServiceForm, **more: Any) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, template, {"form": form, **more}, status=status)


def _refused(request: HttpRequest, message: str, *, forgotten: bool = False) -> HttpResponse:
    context = {"message": message, "forgotten": forgotten}
    return render(request, "desk/entry/refused.html", context, status=HTTPStatus.NOT_FOUND)
