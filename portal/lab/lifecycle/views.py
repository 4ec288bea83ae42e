"""Pages of a sample's life: steps, timeline, custody, analyses asked for, retests, labels, rule of approval."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common.errors import Denied, DomainError, IllegalTransition, NotFound
from portal.core.common.ids import parse_uuid
from portal.lab import selectors as lab
from portal.lab.choices import SampleStatus
from portal.lab.lifecycle import guard, labels, machine, papers, selectors, services
from portal.lab.lifecycle.forms import ApprovalForm, CustodyForm, LabelForm, RequestsForm, RetestForm, StepForm
from portal.lab.lifecycle.tables import DueFilter, DueTable, time_left
from portal.lab.lifecycle.wording import VERBS, asks, stages
from portal.lab.models import Sample
from portal.lab.pages.samples import BULK, head_context
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person


@require_GET
@policy("samples.view")
def life(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    return _life(request, lab.sample_get(id=sample_id))


def _life(request: HttpRequest, sample: Sample, *, status: int = HTTPStatus.OK, **forms: Any) -> HttpResponse:
    custody = list(selectors.custody_list(sample=sample.pk))
    asked = [(row, time_left(row.due_at) if row.due_at and not row.started_at else "") for row in _asked(sample)]
    chosen = {"parameters": [str(row.parameter_id) for row, _left in asked]}
    context = head_context(request, sample) | {
        "tab": "life",
        "stages": stages(sample.status),
        "timeline": selectors.timeline(sample=sample),
        "custody": custody,
        "holder": selectors.holder(custody),
        "asked": asked,
        "retests": list(selectors.retest_list(sample=sample.pk)),
        "may_keep": may(request, machine.RECEIVE),
        "may_ask": may(request, machine.EDIT),
        "custody_form": CustodyForm(initial={"given_by": selectors.holder(custody)}),
        "requests_form": RequestsForm(initial=chosen),
    }
    return render(request, "lab/lifecycle/life.html", context | forms, status=status)


def _asked(sample: Sample) -> list[Any]:
    return list(selectors.request_list(sample=sample.pk))


@require_http_methods(["GET", "POST"])
@policy("samples.view")
def step(request: HttpRequest, sample_id: UUID, target: str) -> HttpResponse:
    """One step of one sample: at once where nothing is asked, else by a form."""
    sample = lab.sample_get(id=sample_id)
    way = machine.TRANSITIONS.get((sample.status, target))
    back = reverse("lab:sample_detail", args=[sample.pk])
    if way is None:
        messages.error(request, _("The sample has moved on in the meantime."))
        return redirect(back)
    if not machine.holds(way, person(request).permission_codes):
        raise Denied(_("You do not have the right to do this."))
    initial = {"given_by": sample.collector_name, "taken_by": person(request).name}
    form = StepForm(request.POST or None, target=target, reason=way.reason, initial=initial)
    if request.method == "POST" and (form.is_valid() or not asks(target, reason=way.reason)):
        try:
            services.sample_transition(
                id=sample.pk,
                to=target,
                by=person(request),
                reason=form.cleaned_data.get("reason", "") if form.is_bound else "",
                papers=form.papers(),
            )
        except (Denied, IllegalTransition) as refusal:
            messages.error(request, str(refusal.message))
            return redirect(back)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            name = SampleStatus(target).label
            messages.success(request, _("Sample %(code)s: %(status)s.") % {"code": sample.code, "status": name})
            return redirect(back)
    verb, icon = VERBS[target]
    context = {"sample": sample, "form": form, "verb": verb, "step_icon": icon, "way": way, "back": back}
    code = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "lab/lifecycle/step.html", context, status=code)


@require_POST
@policy("samples.view")
def bulk(request: HttpRequest) -> HttpResponse:
    """Many samples a step on: first what is asked of them, then what became of each."""
    samples = _chosen(request.POST.getlist("ids"))
    target = request.POST.get("action", "")
    if not samples:
        messages.error(request, _("Tick at least one sample."))
        return redirect("lab:sample_list")
    if target == "labels":
        ids = "&".join(f"id={sample.pk}" for sample in samples)
        return HttpResponseRedirect(f"{reverse('lab:labels')}?{ids}")
    if target not in BULK:
        messages.error(request, _("Choose what to do."))
        return redirect("lab:sample_list")
    sure = "sure" in request.POST
    initial = {"taken_by": person(request).name}
    form = StepForm(request.POST if sure else None, target=target, reason=False, initial=initial)
    verb, icon = VERBS[target]
    context: dict[str, Any] = {"samples": samples, "form": form, "verb": verb, "step_icon": icon, "target": target}
    if sure and (form.is_valid() or not form.fields):
        try:
            outcomes = services.samples_transition(
                ids=[sample.pk for sample in samples], to=target, by=person(request), papers=form.papers()
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            done = sum(not outcome.code for outcome in outcomes)
            return render(request, "lab/lifecycle/outcomes.html", context | {"outcomes": outcomes, "done": done})
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "lab/lifecycle/bulk.html", context, status=status)


def _chosen(texts: Sequence[str]) -> list[Sample]:
    ids = list(dict.fromkeys(id for text in texts if (id := parse_uuid(text))))[: services.AT_ONCE]
    return list(Sample.objects.filter(pk__in=ids, deleted_at=None).order_by("code", "id"))


@require_POST
@policy("samples.receive")
def custody_add(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    sample = lab.sample_get(id=sample_id)
    form = CustodyForm(request.POST)
    if form.is_valid():
        try:
            services.custody_add(
                sample=sample.pk, kind=form.cleaned_data["kind"], by=person(request), papers=form.papers()
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("Added to the chain of custody."))
            return redirect(reverse("lab:sample_life", args=[sample.pk]) + "#custody")
    return _life(request, sample, status=HTTPStatus.UNPROCESSABLE_ENTITY, custody_form=form)


@require_GET
@policy("samples.view")
def custody_pdf(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    sample = lab.sample_get(id=sample_id)
    return _file(papers.custody_pdf(sample=sample), f"custody-{sample.pk}")


@require_POST
@policy("samples.edit")
def analyses(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    sample = lab.sample_get(id=sample_id)
    form = RequestsForm(request.POST)
    if form.is_valid():
        services.analyses_request(sample=sample.pk, parameters=form.ids(), by=person(request))
        return redirect(reverse("lab:sample_life", args=[sample.pk]) + "#analyses")
    return _life(request, sample, status=HTTPStatus.UNPROCESSABLE_ENTITY, requests_form=form)


@require_POST
@policy("results.edit")
def analysis_start(request: HttpRequest, sample_id: UUID, parameter_id: UUID) -> HttpResponse:
    try:
        services.analysis_start(sample=sample_id, parameter=parameter_id, by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    return redirect(reverse("lab:sample_life", args=[sample_id]) + "#analyses")


@require_http_methods(["GET", "POST"])
@policy("results.edit")
def retest(request: HttpRequest, result_id: UUID) -> HttpResponse:
    result = lab.result_get(id=result_id)
    form = RetestForm(request.POST or None)
    back = reverse("lab:sample_detail", args=[result.sample_id])
    if form.is_valid():
        try:
            services.retest_request(result=result.pk, reason=form.cleaned_data["reason"], by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The retest is asked for. Enter its result with “Repeat the analysis”."))
            return redirect(back)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "lab/lifecycle/retest.html", {"result": result, "form": form, "back": back}, status=status)


@require_POST
@policy("results.edit")
def retest_withdraw(request: HttpRequest, retest_id: UUID) -> HttpResponse:
    try:
        row = services.retest_withdraw(id=retest_id, by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
        return redirect("lab:sample_list")
    return redirect("lab:sample_life", row.result.sample_id)


@require_GET
@policy("samples.view")
def due_list(request: HttpRequest) -> HttpResponse:
    return list_page(
        request,
        queryset=selectors.due_list(),
        table=DueTable,
        filterset=DueFilter,
        template="lab/lifecycle/due.html",
        list_id="due",
        caption=gettext_lazy("Holding times"),
        empty=Empty(
            title=gettext_lazy("No holding time is running"),
            text=gettext_lazy(
                "Say on a sample's page which analyses are asked for. Those with a holding time wait here until their"
                " result is entered, the most urgent one first."
            ),
            icon="clock",
        ),
        live=["sample.changed", "result.changed"],
    )


@require_GET
@policy("samples.view")
def label_page(request: HttpRequest) -> HttpResponse:
    """Which sheet, from which place, how many; `id` names the samples."""
    samples = _chosen(request.GET.getlist("id"))
    if not samples:
        raise NotFound(_("There is no such record."))
    form = LabelForm(request.GET if "sheet" in request.GET else None)
    if form.is_valid():
        try:
            content = labels.labels_pdf(samples, **form.cleaned_data)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return _file(content, "labels")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    many = ngettext("%(count)d sample", "%(count)d samples", len(samples)) % {"count": len(samples)}
    return render(
        request, "lab/lifecycle/label_form.html", {"samples": samples, "form": form, "many": many}, status=status
    )


@require_http_methods(["GET", "POST"])
@policy("parameters.manage")
def approval(request: HttpRequest) -> HttpResponse:
    form = ApprovalForm(request.POST or None, initial={"rule": guard.approval_rule()})
    if form.is_valid():
        services.approval_set(rule=form.cleaned_data["rule"], by=person(request))
        messages.success(request, _("Saved."))
        return redirect("lab:approval")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "lab/lifecycle/approval.html", {"form": form}, status=status)


def _file(content: bytes, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "private, no-store"}
    return HttpResponse(content, content_type="application/pdf", headers=headers)
