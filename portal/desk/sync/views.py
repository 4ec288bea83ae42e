"""Pages of synchronisation (`pages.md`: /sync, /devices): who is connected, what arrives, which versions met."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.models import Device
from portal.core.accounts.policy import policy
from portal.core.accounts.services import device_allow, device_block, device_revoke
from portal.core.common.errors import Conflict as ConflictError
from portal.core.common.errors import Invalid, NotFound
from portal.core.sync import selectors, services
from portal.core.sync.models import Conflict, Upload
from portal.desk.sync.compare import comparison, decision
from portal.desk.sync.lists import (
    ConflictFilter,
    ConflictTable,
    DeviceFilter,
    DeviceTable,
    TransferFilter,
    TransferTable,
)
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person
from portal.ui.trail import entity_name

COUNT_LIMIT = 10_000
LATEST = 5


@require_GET
@policy("devices.view")
def transfer_list(request: HttpRequest) -> HttpResponse:
    rows: QuerySet[Upload] = Upload.objects.select_related("device__user")
    return list_page(
        request,
        queryset=rows,
        table=TransferTable,
        filterset=TransferFilter,
        template="desk/sync/transfers.html",
        list_id="transfers",
        caption=gettext_lazy("Transfers"),
        empty=Empty(
            title=gettext_lazy("No transfer yet"),
            text=gettext_lazy(
                "When an app sends much at once, it sends it in parts: here you see how far each transfer has come."
            ),
            icon="cloud-upload",
        ),
        live=["sync.progress"],
        count_limit=COUNT_LIMIT,
        context=_figures(request),
    )


@require_GET
@policy("devices.view")
def figures(request: HttpRequest) -> HttpResponse:
    """What stands above the transfers, asked again while devices push."""
    return render(request, "desk/sync/transfers.html#figures", _figures(request))


def _figures(request: HttpRequest) -> dict[str, Any]:
    return {"figures": selectors.figures(), "may_resolve": may(request, "sync.resolve")}


@require_GET
@policy("devices.view")
def device_list(request: HttpRequest) -> HttpResponse:
    return list_page(
        request,
        queryset=selectors.device_states(user=person(request)),
        table=DeviceTable,
        filterset=DeviceFilter,
        template="desk/sync/devices.html",
        list_id="devices",
        caption=gettext_lazy("Devices"),
        empty=Empty(
            title=gettext_lazy("No device yet"),
            text=gettext_lazy("A phone or a computer appears here when somebody signs in on it or synchronises."),
            icon="device-mobile",
        ),
        live=["sync.progress"],
        count_limit=COUNT_LIMIT,
    )


def _device(request: HttpRequest, device_id: UUID) -> Device:
    found = selectors.device_states(user=person(request)).filter(pk=device_id).first()
    if found is None:
        raise NotFound(_("There is no such device."))
    return found


@require_GET
@policy("devices.view")
def device_detail(request: HttpRequest, device_id: UUID) -> HttpResponse:
    device = _device(request, device_id)
    uploads = Upload.objects.filter(device=device).order_by("-created_at")[:LATEST]
    context = {
        "device": device,
        "state": getattr(device, "sync_state", None),
        "uploads": [selectors.upload_card(upload) | {"begun": upload.created_at} for upload in uploads],
        "conflicts": selectors.conflict_list().filter(device=device)[:LATEST],
        "may_revoke": may(request, "devices.revoke"),
        "may_resolve": may(request, "sync.resolve"),
    }
    return render(request, "desk/sync/device.html", context)


@require_POST
@policy("devices.revoke")
def device_status(request: HttpRequest, device_id: UUID) -> HttpResponse:
    device = _device(request, device_id)
    match request.POST.get("status"):
        case Device.Status.REVOKED:
            device_revoke(device=device)
            messages.success(request, _("The device is signed out. Its person can sign in on it again."))
        case Device.Status.BLOCKED:
            device_block(device=device)
            messages.success(request, _("The device is blocked."))
        case Device.Status.ACTIVE:
            device_allow(device=device)
            messages.success(request, _("The device may be used again."))
        case _other:
            messages.error(request, _("Nothing was changed."))
    return redirect("sync:device_detail", device.pk)


@require_GET
@policy("sync.resolve")
def conflict_list(request: HttpRequest) -> HttpResponse:
    return list_page(
        request,
        queryset=selectors.conflict_list(),
        table=ConflictTable,
        filterset=ConflictFilter,
        template="desk/sync/conflicts.html",
        list_id="conflicts",
        caption=gettext_lazy("Conflicts"),
        empty=Empty(
            title=gettext_lazy("No conflict"),
            text=gettext_lazy(
                "When two people change one record without knowing of each other, both versions are kept here."
            ),
            icon="git-compare",
        ),
        live=["sync.conflict"],
        count_limit=COUNT_LIMIT,
    )


@require_http_methods(["GET", "POST"])
@policy("sync.resolve")
def conflict_detail(request: HttpRequest, conflict_id: UUID) -> HttpResponse:
    conflict = selectors.conflict_list().filter(pk=conflict_id).first()
    if conflict is None:
        raise NotFound(_("There is no such conflict."))
    found = comparison(conflict)
    errors: list[str] = []
    reason = request.POST.get("reason", "")
    if request.method == "POST":
        if request.POST.get("version") != str(found.version):
            errors = [_("The record has been changed in the meantime. Look again before you decide.")]
        else:
            errors = _decide(request, conflict, reason)
            if not errors:
                messages.success(request, _("The decision is kept; every device receives it."))
                return redirect(f"{reverse('sync:conflict_list')}?status=open")
        found = comparison(conflict)
    context = {
        "conflict": conflict,
        "entity": entity_name(conflict.entity),
        "found": found,
        "errors": errors,
        "reason": reason,
    }
    status = 422 if errors else 200
    return render(request, "desk/sync/conflict.html", context, status=status)


def _decide(request: HttpRequest, conflict: Conflict, reason: str) -> list[str]:
    picked: dict[str, Any] = {key.removeprefix("pick."): value for key, value in request.POST.items()}
    choice, data = decision(conflict, comparison(conflict), picked)
    try:
        services.conflict_resolve(user=person(request), id=conflict.pk, choice=choice, reason=reason, data=data)
    except Invalid as error:
        return [entry.message for entry in error.errors] or [str(error.message)]
    except ConflictError as error:
        return [str(error.message)]
    return []
