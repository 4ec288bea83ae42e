"""Home by role, and the choice of its blocks."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from portal.core.accounts.policy import own_account, signed_in
from portal.desk.home.blocks import BLOCKS, Block, blocks_of
from portal.desk.home.layout import chosen, layout_keep, moved
from portal.ui.people import may, person


@require_GET
@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """The page, or with `block` one of its blocks for its own renewal."""
    user = person(request)
    if key := request.GET.get("block"):
        if key not in blocks_of(user):
            raise Http404
        response = HttpResponse(_drawn(request, BLOCKS[key]))
    else:
        shown, _hidden = chosen(user, blocks_of(user))
        context: dict[str, Any] = {
            "first_name": user.name.split()[0] if user.name.strip() else "",
            "blocks": [_drawn(request, BLOCKS[one]) for one in shown],
            "has_charts": any(BLOCKS[one].drawn for one in shown),
            "may_create": user.organization_id is not None and may(request, "samples.edit"),
            "may_issue": user.organization_id is not None and may(request, "reports.create"),
        }
        response = render(request, "desk/home/page.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _drawn(request: HttpRequest, block: Block) -> str:
    return render_to_string("desk/home/block.html", {"block": block, **block.build(request)}, request=request)


@require_http_methods(["GET", "POST"])
@own_account
def layout(request: HttpRequest) -> HttpResponse:
    """Which blocks there are, in which order. A step is kept at once."""
    user = person(request)
    shown, hidden = chosen(user, blocks_of(user))
    if request.method == "POST":
        step, _colon, key = request.POST.get("step", "").partition(":")
        if step == "reset":
            layout_keep(user=user, shown=[], hidden=[])
            messages.success(request, _("Your home page is that of your role again."))
        else:
            order, away = moved(shown, hidden, key, step)
            layout_keep(user=user, shown=order, hidden=away)
        return redirect("desk:home_layout")
    context = {"shown": [BLOCKS[key] for key in shown], "hidden": [BLOCKS[key] for key in hidden]}
    return render(request, "desk/home/layout.html", context)
