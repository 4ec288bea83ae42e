"""The own account: profile, language, password, devices and signed-in apps."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts import services
from portal.core.accounts.policy import signed_in
from portal.core.common.errors import DomainError
from portal.desk import selectors
from portal.desk.me.forms import OwnForm, PasswordForm, ProfileForm
from portal.ui.people import person


@require_http_methods(["GET", "POST"])
@signed_in
def profile(request: HttpRequest) -> HttpResponse:
    user = person(request)
    form = ProfileForm(request.POST or None, user=user)
    if form.is_valid():
        changes = dict(form.cleaned_data)
        version = changes.pop("version")
        try:
            services.profile_update(user=user, changes=changes, version=version)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            with translation.override(changes["language"] or translation.get_language()):
                messages.success(request, _("Your profile has been saved."))
            return redirect("me:profile")
    return _render(request, "desk/me/profile.html", "profile", form)


@require_http_methods(["GET", "POST"])
@signed_in
def password(request: HttpRequest) -> HttpResponse:
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
            return redirect("me:password")
    return _render(request, "desk/me/password.html", "password", form)


@require_GET
@signed_in
def devices(request: HttpRequest) -> HttpResponse:
    user = person(request)
    own = selectors.own_devices(user=user) if user.organization_id else []
    context = {"devices": own, "sessions": selectors.own_sessions(user=user), "tab": "devices"}
    return render(request, "desk/me/devices.html", context)


@require_POST
@signed_in
def sign_out_apps(request: HttpRequest) -> HttpResponse:
    services.end_sessions(user=person(request))
    messages.success(request, _("Every app has been signed out."))
    return redirect("me:devices")


def _render(request: HttpRequest, template: str, tab: str, form: OwnForm) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "tab": tab}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, template, context, status=status)
