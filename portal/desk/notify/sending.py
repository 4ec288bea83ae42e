"""Writing a message: who, what, when, then a look at it, then it leaves."""

from http import HTTPStatus

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError
from portal.core.notifications import services
from portal.core.notifications.models import Channel
from portal.desk.notify.forms import ComposeForm
from portal.desk.notify.lists import level_badge
from portal.ui.people import person


@require_http_methods(["GET", "POST"])
@policy("notifications.manage")
def compose(request: HttpRequest) -> HttpResponse:
    """The first POST shows what would be sent and to how many, the second one (`confirmed`) sends it."""
    form = ComposeForm(request.POST or None)
    draft = None
    if form.is_valid():
        try:
            if "confirmed" in request.POST:
                message = services.message_send(values=form.values(), by=person(request))
                messages.success(request, _("The message is on its way."))
                return redirect("notify:message", message.pk)
            with transaction.atomic():  # made to be looked at: every rule of sending has been asked, nothing is kept
                draft = services.message_send(values=form.values(), by=person(request))
                transaction.set_rollback(True)
        except DomainError as refusal:
            form.refuse(refusal)
    looking = draft is not None and "edit" not in request.POST
    context = {
        "form": form,
        "draft": draft,
        "looking": looking,
        "level": level_badge(draft.level) if draft else "",
        "channels": [Channel(channel).label for channel in draft.channels] if draft else [],
        "sent_fields": [(name, value) for name, values in request.POST.lists() for value in values if name != "edit"],
        "tab": "compose",
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound and draft is None else HTTPStatus.OK
    return render(request, "desk/notify/compose.html", context, status=status)
