"""Retention policies, and the erasure of a person (`pages.md`: /audit/retention)."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.models import User
from portal.core.accounts.policy import policy
from portal.core.audit import jobs, overview, retention
from portal.core.audit.models import RetentionPolicy
from portal.core.common.errors import Denied, DomainError, NotFound
from portal.core.jobs.tasks import defer
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.desk.audit.forms import ErasureForm, PersonForm, PolicyForm, ServiceForm, TypedForm
from portal.desk.audit.progress import is_running, newest_job, progress, worth_showing
from portal.desk.audit.records import trail
from portal.ui.people import may, person
from portal.ui.trail import entity_name


def _kind(policy_: RetentionPolicy) -> str:
    return entity_name(policy_.resource) if policy_.resource else _("All other kinds")


def _organization_name() -> str:
    return Organization.objects.get(pk=scope.organization_id()).name


@require_GET
@policy("audit.view")
def policy_list(request: HttpRequest) -> HttpResponse:
    rows = [(one, _kind(one), retention.policy_apply(policy=one)) for one in retention.policy_list()]
    context = {
        "tab": "retention",
        "rows": rows,
        "may_manage": may(request, "audit.manage"),
        **trail(request, overview.erasure_list()),
    }
    return render(request, "audit/retention.html", context)


@require_GET
@policy("audit.view")
def policy_detail(request: HttpRequest, policy_id: UUID) -> HttpResponse:
    return _page(request, retention.policy_get(id=policy_id))


def _page(request: HttpRequest, found: RetentionPolicy, form: TypedForm | None = None) -> HttpResponse:
    """The policy with its dry run, and the form that applies it."""
    job = newest_job(jobs.apply_policy.name)
    context = {
        "tab": "retention",
        "policy": found,
        "kind": _kind(found),
        "trial": retention.policy_apply(policy=found),
        "form": form or TypedForm(word=_organization_name()),
        "job": worth_showing(job, since=None),
        "job_url": reverse("audit:policy_progress"),
        "may_manage": may(request, "audit.manage"),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form else HTTPStatus.OK
    return render(request, "audit/policy.html", context, status=status)


@require_http_methods(["GET", "POST"])
@policy("audit.manage")
def policy_create(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
@policy("audit.manage")
def policy_edit(request: HttpRequest, policy_id: UUID) -> HttpResponse:
    return _edit(request, retention.policy_get(id=policy_id))


def _edit(request: HttpRequest, found: RetentionPolicy | None) -> HttpResponse:
    form = PolicyForm(request.POST or None, policy=found)
    if form.is_valid():
        data, by = form.cleaned_data, person(request)
        try:
            saved = (
                retention.policy_update(id=found.pk, data=data, by=by)
                if found
                else retention.policy_create(data=data, by=by)
            )
        except DomainError as refusal:
            _refuse(form, refusal)
        else:
            messages.success(request, _("The retention policy is saved."))
            return redirect("audit:policy_detail", saved.pk)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "audit/policy_form.html", {"tab": "retention", "form": form, "policy": found}, status=status)


def _refuse(form: ServiceForm, refusal: DomainError) -> None:
    if isinstance(refusal, Denied | NotFound):
        raise refusal
    form.refuse(refusal)


@require_POST
@policy("audit.manage")
def policy_delete(request: HttpRequest, policy_id: UUID) -> HttpResponse:
    try:
        retention.policy_delete(id=policy_id, by=person(request))
    except DomainError as refusal:
        if isinstance(refusal, Denied | NotFound):
            raise
        messages.error(request, str(refusal.message))
        return redirect("audit:policy_detail", policy_id)
    messages.success(request, _("The retention policy is deleted."))
    return redirect("audit:policy_list")


@require_POST
@policy("audit.manage")
def policy_apply(request: HttpRequest, policy_id: UUID) -> HttpResponse:
    """Erase or archive for good, after the name of the organisation was typed."""
    found = retention.policy_get(id=policy_id)
    form = TypedForm(request.POST, word=_organization_name())
    if not form.is_valid():
        return _page(request, found, form)
    trial = retention.policy_apply(policy=found)
    job = newest_job(jobs.apply_policy.name)
    if trial["held"]:
        messages.error(request, _("A legal hold stands against this."))
    elif job and is_running(job):
        messages.info(request, _("A retention policy is being applied already."))
    elif not trial["affected"]:
        messages.info(request, _("There is nothing to erase."))
    else:
        defer(jobs.apply_policy, policy=str(found.pk))
    return redirect("audit:policy_detail", found.pk)


@require_GET
@policy("audit.view")
def policy_progress(request: HttpRequest) -> HttpResponse:
    return progress(request, newest_job(jobs.apply_policy.name), url_name="audit:policy_progress")


# --- erasure of a person --------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
@policy("audit.manage")
def erasure(request: HttpRequest) -> HttpResponse:
    """Choose a person, see what would go, type the confirmation; the record of it is the page that follows."""
    chooser = PersonForm(request.GET or None)
    subject = chooser.subject
    context: dict[str, Any] = {"tab": "retention", "chooser": chooser, "preview": None, "status": HTTPStatus.OK}
    if subject:
        entity, record = subject
        name = _name(entity, record)
        form = ErasureForm(request.POST or None, word=name or record)
        if request.method == "POST" and form.is_valid():
            try:
                made = retention.erase_person(
                    resource=entity, id=record, reason=form.cleaned_data["reason"], by=person(request)
                )
            except NotFound as refusal:
                form.refuse(refusal)
            except DomainError as refusal:
                _refuse(form, refusal)
            else:
                messages.success(request, _("The person has been erased from the audit log. This is the record of it."))
                return redirect("audit:entry_detail", made["records"][0])
        context |= {
            "entity": entity,
            "record": record,
            "kind": entity_name(entity),
            "name": name,
            "preview": overview.erasure_preview(resource=entity, id=record),
            "form": form,
        }
        context["status"] = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "audit/erasure.html", context, status=context["status"])


def _name(entity: str, record: str) -> str:
    found = User.objects.filter(pk=record).first() if entity == "user" else None
    if found:
        return found.email or found.name
    preview = overview.erasure_preview(resource=entity, id=record)
    return preview.names[0] if preview.names else ""
