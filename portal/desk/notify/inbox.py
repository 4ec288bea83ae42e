"""One's own notifications: the bell of every page, the list, what one wants to hear of."""

from typing import Any
from uuid import UUID

import orjson
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.models import User
from portal.core.accounts.policy import own_account, public, signed_in
from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.notifications import inbox as own
from portal.core.notifications import preferences as wishes
from portal.core.notifications.channels import UNSUBSCRIBE_SALT
from portal.core.notifications.kinds import CATEGORIES, SECURITY
from portal.core.notifications.models import Channel, Preference
from portal.core.tenancy.scope import platform, tenant
from portal.desk.notify.forms import PreferenceForm
from portal.desk.notify.lists import InboxFilter, InboxTable
from portal.ui.lists import Empty, list_page
from portal.ui.people import person
from portal.ui.undo import undoable

IN_BELL = 8


@require_GET
@signed_in
def inbox(request: HttpRequest) -> HttpResponse:
    return list_page(
        request,
        queryset=own.copy_list(user=person(request)),
        table=InboxTable,
        filterset=InboxFilter,
        template="desk/notify/inbox.html",
        list_id="inbox",
        caption=gettext_lazy("Notifications"),
        empty=Empty(
            title=gettext_lazy("No notifications"),
            text=gettext_lazy("Tasks that you get, comments that name you, reports that are ready: they arrive here."),
            icon="bell",
        ),
        live=("notification.created", "notification.read"),
        context={"rows_template": "desk/notify/rows.html"},
    )


@never_cache
@require_GET
@signed_in
def bell(request: HttpRequest) -> HttpResponse:
    """What the drop-down shows."""
    copies = list(own.copy_list(user=person(request))[:IN_BELL])
    return render(request, "desk/notify/bell.html", {"copies": copies})


@require_POST
@signed_in
def open_one(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    """Mark as read and go where it leads."""
    copy = own.copy_read(id=notification_id, by=person(request))
    return redirect(own.link_of(copy) or "notify:inbox")


@require_POST
@signed_in
def read(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    own.copy_read(id=notification_id, by=person(request), read=request.POST.get("read") != "0")
    return _back(request)


@require_POST
@signed_in
def read_all(request: HttpRequest) -> HttpResponse:
    """`undo` is the moment at which they were marked."""
    if undo := parse_datetime(request.POST.get("undo", "")[:40]):
        own.unread_again(by=person(request), at=undo)
    else:
        at = clock.now()
        if own.read_all(by=person(request), at=at) and not request.htmx:  # type: ignore[attr-defined]
            undoable(request, _("All are marked as read."), url=request.path, fields=[("undo", at.isoformat())])
    return _back(request)


@require_POST
@signed_in
def delete(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    if "undo" in request.POST:
        own.copy_restore(id=notification_id, by=person(request))
    else:
        own.copy_delete(id=notification_id, by=person(request))
        undoable(request, _("The notification has been deleted."), url=request.path, fields=[("undo", "1")])
    return redirect("notify:inbox")


def _back(request: HttpRequest) -> HttpResponse:
    """A fragment's request wants nothing: the live event that follows reloads what is open."""
    return HttpResponse(status=204) if request.htmx else redirect("notify:inbox")  # type: ignore[attr-defined]


# --- wishes --------------------------------------------------------------------------------
def preference_context(user: User) -> dict[str, Any]:
    """What the page of preferences shows beside its own form; {} for platform administrators."""
    from portal.core.notifications.channels import vapid_public_key

    if user.organization_id is None or user.is_superadmin:
        return {}
    preference = wishes.preference_of(user)
    matrix = wishes.matrix_of(preference)
    rows = [
        (
            category,
            label,
            [
                (channel, name, matrix[category][channel], category == SECURITY and channel in wishes.FORCED)
                for channel, name in Channel.choices
            ],
        )
        for category, label in CATEGORIES.items()
    ]
    return {
        "wishes": PreferenceForm(preference=preference),
        "wish_rows": rows,
        "channels": Channel.choices,
        "vapid_key": vapid_public_key(),
    }


@require_POST
@own_account
def preferences(request: HttpRequest) -> HttpResponse:
    user = person(request)
    form = PreferenceForm(request.POST, preference=Preference(user=user))
    if form.is_valid():
        matrix = {
            category: {
                channel: f"{category}.{channel}" in request.POST
                for channel in Channel.values
                if category != SECURITY or channel not in wishes.FORCED
            }
            for category in CATEGORIES
        }
        try:
            wishes.preference_change(user=user, changes={"matrix": matrix, **form.changes()})
        except DomainError as refusal:
            messages.error(request, str(refusal.message))
        else:
            messages.success(request, _("Your preferences have been saved."))
    else:
        messages.error(request, str(next(iter(form.errors.values()))[0]))
    return redirect("me:preferences")


@require_POST
@own_account
def push(request: HttpRequest) -> HttpResponse:
    """A browser begins or ends its subscription (`static/js/push.js`)."""
    try:
        said = orjson.loads(request.body)
        if said.get("end"):
            own.push_unsubscribe(user=person(request), endpoint=str(said.get("endpoint")))
        else:
            own.push_subscribe(user=person(request), values=said, agent=request.headers.get("User-Agent", ""))
    except (orjson.JSONDecodeError, AttributeError, DomainError):
        return HttpResponse(status=422)
    return HttpResponse(status=204)


@csrf_exempt  # a mail program posts here for its reader (RFC 8058); the signed address is what allows it
@never_cache
@require_http_methods(["GET", "POST"])
@public("one click ends e-mails of a category; the signed address names the person")
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    try:
        said = signing.loads(token, salt=UNSUBSCRIBE_SALT)
        with platform():
            user = User.objects.filter(pk=said["u"], deleted_at=None).select_related("role").first()
    except (signing.BadSignature, KeyError, TypeError):
        user = None
    if user is None or user.organization_id is None or said["c"] not in CATEGORIES:
        return render(request, "desk/notify/unsubscribe.html", {"unknown": True}, status=404)
    category = said["c"]
    if request.method == "POST":
        with tenant(user.organization_id, by=user.actor(via="mail")):
            wishes.unsubscribe(user=user, category=category)
    context = {"category": CATEGORIES[category], "done": request.method == "POST", "forced": category == SECURITY}
    return render(request, "desk/notify/unsubscribe.html", context)
