"""The dashboard: figures of a period in tabs, and their files."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from portal.core.accounts.models import User
from portal.core.accounts.permissions import SCOPES
from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError, Invalid
from portal.core.common.sheets import TYPES
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.desk.figures import exports
from portal.desk.figures.display import TABS, tab, tabs_for
from portal.desk.figures.question import RIGHT, Question, ask
from portal.ui.answers import refusal_text
from portal.ui.filters import DateField
from portal.ui.people import may, person

_SCOPES = {"own": _("My own"), "team": _("My team’s"), "all": _("Everybody’s")}


class PeriodForm(forms.Form):
    """The period, what it is compared with, and whose records count."""

    date_from = DateField(label=_("From"), required=False)
    date_to = DateField(label=_("Until"), required=False)
    compare = forms.ChoiceField(
        label=_("Growth against"),
        required=False,
        choices=[("previous", _("the days before")), ("year", _("a year ago"))],
    )
    scope = forms.ChoiceField(label=_("Whose records"), required=False)
    assignee: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        None, label=_("Assigned to"), required=False, empty_label=_("All")
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = user.grants[RIGHT]
        if held == "own":
            del self.fields["scope"], self.fields["assignee"]
            return
        narrower = reversed(SCOPES[: SCOPES.index(held) + 1])
        self.fields["scope"].choices = [(one, _SCOPES[one]) for one in narrower]  # type: ignore[attr-defined]
        people = User.objects.filter(organization_id=scope.organization_id(), is_active=True, deleted_at=None)
        field = self.fields["assignee"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = people.order_by("name", "id")


def _asked(request: HttpRequest, form: PeriodForm) -> Question:
    """Raises Invalid."""
    user = person(request)
    assert isinstance(user.organization, Organization)
    if not form.is_valid():
        raise Invalid(next(iter(form.errors.values()))[0])
    said = form.cleaned_data
    assignee = said.get("assignee")
    return ask(
        user=user,
        organization=user.organization,
        first=said["date_from"],
        last=said["date_to"],
        compare=said["compare"] or "previous",
        scope=said.get("scope") or "",
        assignee=assignee.pk if assignee else None,
    )


@require_GET
@policy("dashboard.view")
def dashboard(request: HttpRequest) -> HttpResponse:
    """The last twelve months, unless the person says otherwise."""
    form = PeriodForm(request.GET, user=person(request))
    context: dict[str, Any] = {"form": form, "may_export": may(request, "dashboard.export")}
    try:
        q = _asked(request, form)
    except DomainError as refusal:
        return render(request, "desk/figures/page.html", context | {"refusal": refusal_text(refusal)}, status=400)
    keys = tabs_for(q)
    chosen = request.GET.get("tab", keys[0])
    if chosen not in keys:
        raise Http404
    said = {name: value for name, value in request.GET.items() if name in form.fields and value}
    address = reverse("desk:dashboard")
    context |= {
        "question": q,
        "tab": tab(q, chosen),
        "tabs": [(key, TABS[key], f"{address}?{urlencode({**said, 'tab': key})}") for key in keys],
        "here": f"{address}?{urlencode({**said, 'tab': chosen})}",
        "exports": [
            (f"{reverse('desk:dashboard_export', args=[kind])}?{urlencode(said)}", kind.upper())
            for kind in exports.KINDS
        ],
    }
    fragment = bool(request.htmx) and request.htmx.request_type != "full"  # type: ignore[attr-defined]
    response = render(request, f"desk/figures/page.html{'#dashboard' if fragment else ''}", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_GET
@policy("dashboard.export")
def dashboard_export(request: HttpRequest, kind: str) -> FileResponse | HttpResponse:
    """All tabs that the person sees, with the filters of the page."""
    user = person(request)
    if kind not in exports.KINDS or not user.has_permission(RIGHT):
        raise Http404
    try:
        q = _asked(request, PeriodForm(request.GET, user=user))
    except DomainError as refusal:
        return HttpResponse(refusal_text(refusal), status=400, content_type="text/plain; charset=utf-8")
    file = exports.export(q, kind)
    return FileResponse(file, as_attachment=True, filename=f"dashboard.{kind}", content_type=TYPES[kind])
