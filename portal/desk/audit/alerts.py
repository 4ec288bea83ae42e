"""Alert rules, tried over the last 30 days before they are saved (`pages.md`: /audit/alerts)."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.models import User
from portal.core.accounts.policy import policy
from portal.core.audit import alerts
from portal.core.audit.models import AlertRule
from portal.core.common.errors import DomainError
from portal.core.tenancy import scope
from portal.desk.audit.forms import RuleForm
from portal.desk.audit.lists import RuleTable, people_of, severity_badge, watched
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person

SHOWN = 12


@require_GET
@policy("audit.view")
def rule_list(request: HttpRequest) -> HttpResponse:
    may_manage = may(request, "audit.manage")
    return list_page(
        request,
        queryset=alerts.rule_list(),
        table=RuleTable,
        template="audit/alerts.html",
        list_id="rules",
        caption=gettext_lazy("Alert rules"),
        empty=Empty(
            title=gettext_lazy("No alert rule yet"),
            text=gettext_lazy(
                "A rule counts entries of the log: so many of a kind within so many minutes raise a security event. "
                "Guessed passwords, mass exports and mass deletions are watched without one."
            ),
            icon="bell",
            action_label=gettext_lazy("New alert rule") if may_manage else "",
            action_url=reverse("audit:rule_create") if may_manage else "",
        ),
        table_kwargs={"people": people_of(alerts.rule_list())},
        context={"tab": "alerts", "may_manage": may_manage},
    )


@require_GET
@policy("audit.view")
def rule_detail(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    rule = alerts.rule_get(id=rule_id)
    context = {
        "tab": "alerts",
        "rule": rule,
        "severity": severity_badge(rule),
        "watched": watched(rule.filter, people_of([rule])),
        "may_manage": may(request, "audit.manage"),
        **_tried(rule),
    }
    return render(request, "audit/rule.html", context)


@require_http_methods(["GET", "POST"])
@policy("audit.manage")
def rule_create(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
@policy("audit.manage")
def rule_edit(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    return _edit(request, alerts.rule_get(id=rule_id))


def _edit(request: HttpRequest, rule: AlertRule | None) -> HttpResponse:
    """A rule is saved only after its dry run was shown: `tried` names the rule that the reader saw."""
    form = RuleForm(request.POST or None, rule=rule)
    shown: dict[str, Any] = {}
    if form.is_valid():
        if "save" in request.POST and request.POST.get("tried") == form.fingerprint:
            try:
                saved = _save(rule, form, person(request))
            except DomainError as refusal:
                form.refuse(refusal)
            else:
                messages.success(request, _("The alert rule is saved."))
                return redirect("audit:rule_detail", saved.pk)
        shown = {
            **_tried(AlertRule(organization_id=scope.organization_id(), **form.data_of_rule)),
            "tried": form.fingerprint,
        }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound and form.errors else HTTPStatus.OK
    context = {"tab": "alerts", "form": form, "rule": rule, **shown}
    template = "audit/rule_form.html#dry-run" if request.htmx else "audit/rule_form.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=status)


def _save(rule: AlertRule | None, form: RuleForm, by: User) -> AlertRule:
    if rule is None:
        return alerts.rule_create(data=form.data_of_rule, by=by)
    return alerts.rule_update(id=rule.pk, data=form.data_of_rule, by=by)


def _tried(rule: AlertRule) -> dict[str, Any]:
    """What the rule would have done, with the groups by name."""
    found = alerts.rule_dry_run(rule=rule)
    firings = found["firings"][-SHOWN:][::-1]
    ids = [one["group"] for one in firings if rule.group_by == AlertRule.Group.USER and one["group"]]
    names = {str(pk): name for pk, name in User.objects.filter(pk__in=ids).values_list("pk", "name")}
    shown = [{**one, "group": names.get(one["group"], one["group"])} for one in firings]
    return {"trial": found, "firings": shown}


@require_POST
@policy("audit.manage")
def rule_delete(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    alerts.rule_delete(id=rule_id, by=person(request))
    messages.success(request, _("The alert rule is deleted."))
    return redirect("audit:rule_list")
