"""The page of a form's webhooks with what each was sent."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from portal.collect.forms.pages.views import frame
from portal.collect.forms.selectors import form_for
from portal.collect.submissions import webhooks
from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError
from portal.ui.people import person

SHOWN = 20
_EVENTS = [
    ("submission.created", gettext_lazy("A submission arrives")),
    ("submission.edited", gettext_lazy("A submission is corrected")),
    ("submission.reviewed", gettext_lazy("A submission is reviewed")),
]


class WebhookForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"dir": "ltr", "placeholder": "https://"}),
        help_text=gettext_lazy("Public addresses that begin with https://. Each message is signed with the secret."),
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("When"), choices=_EVENTS, widget=forms.CheckboxSelectMultiple, initial=["submission.created"]
    )


@require_http_methods(["GET", "POST"])
@policy("forms.webhooks")
def webhook_list(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """The webhooks with their newest messages; new ones are added here."""
    target = form_for(person(request), form_id)
    entry = WebhookForm(request.POST or None)
    if entry.is_valid():
        try:
            webhooks.webhook_create(form=target, data=entry.cleaned_data, by=person(request))
        except DomainError as refusal:
            for fault in refusal.errors:
                entry.add_error(fault.field if fault.field in entry.fields else None, fault.message)
        else:
            messages.success(request, _("The webhook has been added."))
            return redirect("collect:webhook_list", form_id)
    hooks: list[dict[str, Any]] = [
        {
            "hook": hook,
            "deliveries": hook.newest,  # type: ignore[attr-defined]
            "events": [str(word) for code, word in _EVENTS if code in hook.events],
        }
        for hook in webhooks.webhook_list(form=target, shown=SHOWN)
    ]
    context = frame(request, target, "webhooks") | {"hooks": hooks, "entry": entry}
    return render(request, "collect/submissions/webhooks.html", context, status=422 if entry.errors else 200)


@require_POST
@policy("forms.webhooks")
def webhook_switch(request: HttpRequest, form_id: UUID, webhook_id: UUID) -> HttpResponse:
    hook = webhooks.webhook_for(form=form_for(person(request), form_id), id=webhook_id)
    webhooks.webhook_update(hook=hook, data={"isActive": not hook.is_active}, by=person(request))
    return redirect("collect:webhook_list", form_id)


@require_POST
@policy("forms.webhooks")
def webhook_delete(request: HttpRequest, form_id: UUID, webhook_id: UUID) -> HttpResponse:
    hook = webhooks.webhook_for(form=form_for(person(request), form_id), id=webhook_id)
    webhooks.webhook_delete(hook=hook, by=person(request))
    messages.success(request, _("Webhook deleted successfully."))
    return redirect("collect:webhook_list", form_id)


@require_POST
@policy("forms.webhooks")
def delivery_retry(request: HttpRequest, form_id: UUID, webhook_id: UUID, webhook_delivery_id: UUID) -> HttpResponse:
    hook = webhooks.webhook_for(form=form_for(person(request), form_id), id=webhook_id)
    webhooks.delivery_retry(hook=hook, id=webhook_delivery_id, by=person(request))
    messages.success(request, _("The message is sent again."))
    return redirect("collect:webhook_list", form_id)
