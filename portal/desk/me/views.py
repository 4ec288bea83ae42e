"""The own account: profile, portrait, preferences and devices."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts import services
from portal.core.accounts.models import Device
from portal.core.accounts.policy import own_account
from portal.core.accounts.services.avatars import avatar_clear, avatar_set
from portal.core.accounts.services.sessions import device_end
from portal.core.common.errors import DomainError, NotFound
from portal.desk import selectors
from portal.desk.me.forms import PortraitForm, PreferencesForm, ProfileForm
from portal.desk.notify.inbox import preference_context
from portal.ui.context import THEME_COOKIE
from portal.ui.forms import ServiceForm
from portal.ui.people import person
from portal.ui.views import ONE_YEAR


@require_http_methods(["GET", "POST"])
@own_account
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
            messages.success(request, _("Your profile has been saved."))
            return redirect("me:profile")
    return show(request, "desk/me/profile.html", "profile", form, portrait=PortraitForm())


@require_POST
@own_account
def portrait(request: HttpRequest) -> HttpResponse:
    form = PortraitForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            avatar_set(user=person(request), file=file, size=file.size)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("Your portrait has been saved."))
            return redirect("me:profile")
    context = {"form": ProfileForm(user=person(request)), "portrait": form, "tab": "profile"}
    return render(request, "desk/me/profile.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
@own_account
def portrait_remove(request: HttpRequest) -> HttpResponse:
    avatar_clear(user=person(request))
    messages.success(request, _("Your portrait has been removed."))
    return redirect("me:profile")


@require_http_methods(["GET", "POST"])
@own_account
def preferences(request: HttpRequest) -> HttpResponse:
    user = person(request)
    chosen = request.COOKIES.get(THEME_COOKIE, "auto")
    form = PreferencesForm(request.POST or None, initial={"language": user.language, "theme": chosen})
    if form.is_valid():
        language = form.cleaned_data["language"]
        services.profile_update(user=user, changes={"language": language})
        with translation.override(language or translation.get_language()):
            messages.success(request, _("Your preferences have been saved."))
        response = redirect("me:preferences")
        if form.cleaned_data["theme"] == "auto":
            response.delete_cookie(THEME_COOKIE, samesite="Lax")
        else:  # the page's own switch writes this cookie too
            response.set_cookie(
                THEME_COOKIE,
                form.cleaned_data["theme"],
                max_age=ONE_YEAR,
                secure=settings.SESSION_COOKIE_SECURE,
                samesite="Lax",
            )
        if not language:  # a language that this browser chose while nobody was signed in would win otherwise
            response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, samesite="Lax")
        return response
    return show(request, "desk/me/preferences.html", "preferences", form, **preference_context(user))


@require_GET
@own_account
def devices(request: HttpRequest) -> HttpResponse:
    user = person(request)
    own = selectors.own_devices(user=user)
    return render(request, "desk/me/devices.html", {"devices": own, "tab": "devices"})


@require_POST
@own_account
def device_revoke(request: HttpRequest, device_id: UUID) -> HttpResponse:
    user = person(request)
    device = selectors.own_devices(user=user).filter(pk=device_id).first()
    if device is None or device.status != Device.Status.ACTIVE:  # one that was blocked must not become merely revoked
        raise NotFound(_("There is no such device."))
    device_end(user=user, id=device_id, by=user)
    messages.success(request, _("The device is signed out. You can sign in on it again."))
    return redirect("me:devices")


def show(request: HttpRequest, template: str, tab: str, form: ServiceForm, **more: Any) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, template, {"form": form, "tab": tab, **more}, status=status)
