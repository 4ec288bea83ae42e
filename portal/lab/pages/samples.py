"""Pages of samples: list, exports, form, record with its results, history."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Func, Max, QuerySet, TextField, Value
from django.db.models.functions import Cast
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods

from portal.core.accounts.policy import policy, request_actor
from portal.core.common.errors import Conflict, DomainError
from portal.core.common.text import normalise
from portal.core.projects.access import projects_seen
from portal.core.tenancy import scope
from portal.lab import selectors, services
from portal.lab.choices import Compliance, SampleStatus, StandardRole
from portal.lab.imports.export import wqx_csv
from portal.lab.lifecycle import machine
from portal.lab.lifecycle import selectors as lives
from portal.lab.lifecycle.wording import VERBS, buttons
from portal.lab.models import Result, Sample
from portal.lab.pages import exports
from portal.lab.pages.forms import ResultForm, SampleForm, to_minute
from portal.lab.pages.lists import SampleFilter, SampleTable
from portal.lab.pages.wording import ResultRow
from portal.ui.filters import used
from portal.ui.lists import SEEN, Empty, Export, list_page
from portal.ui.people import may, person
from portal.ui.restoring import undo_deletion
from portal.ui.trail import tell

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
COUNT_LIMIT = 2000
HISTORY_PAGE = 50


@require_GET
@policy("samples.view")
def sample_list(request: HttpRequest) -> HttpResponse:
    if (code := request.GET.get("q", "").strip()) and SEEN not in request.GET and (scanned := _scanned(code)):
        return _open(request, reverse("lab:sample_detail", args=[scanned]))
    may_create = may(request, "samples.edit")
    empty = Empty(
        title=gettext_lazy("No samples yet"),
        text=gettext_lazy(
            "Register the first one here, or let a device in the field synchronise: its samples appear on this page"
            " by themselves, with their verdicts."
        ),
        icon="flask",
        action_label=gettext_lazy("New sample") if may_create else "",
        action_url=reverse("lab:sample_create") if may_create else "",
    )
    formats: list[tuple[str | Promise, str, str]] = [
        ("CSV", "lab:sample_csv", "file-text"),
        ("XLSX", "lab:sample_xlsx", "file-spreadsheet"),
        (gettext_lazy("CSV with results (WQX)"), "lab:sample_wqx", "test-pipe"),
    ]
    return list_page(
        request,
        queryset=selectors.sample_list(),
        table=SampleTable,
        filterset=SampleFilter,
        template="lab/samples/list.html",
        list_id="samples",
        deleted="sample",
        caption=gettext_lazy("Samples"),
        empty=empty,
        exports=[Export(label=label, url=reverse(name), icon=icon) for label, name, icon in formats]
        if may(request, "samples.export")
        else (),
        live=["sample.changed"],
        arrivals=_arrived,
        count_limit=COUNT_LIMIT,
        table_kwargs={"bulk": True},
        context={
            "may_create": may_create,
            "may_import": may(request, "samples.import"),
            "bulk": [(target, VERBS[target][0]) for target in BULK if may(request, BULK[target])],
        },
    )


# What the bar above the list offers to do with the samples that are ticked, and the right for it.
BULK = {
    SampleStatus.RECEIVED: machine.RECEIVE,
    SampleStatus.COMPLETED: machine.EDIT,
    SampleStatus.VALIDATED: machine.VALIDATE,
    SampleStatus.APPROVED: machine.APPROVE,
}


def _scanned(code: str) -> UUID | None:
    """The sample with exactly this code, where the search finds no other by its words: what a scanner typed. A short
    code stands in many an id."""
    words = Func("search_text", Cast("pk", TextField()), Value(""), function="replace", output_field=TextField())
    rows = selectors.sample_list(search=code).order_by().alias(words=words).filter(words__contains=normalise(code))
    found = list(rows.values_list("pk", "code")[:2])
    return found[0][0] if len(found) == 1 and found[0][1] == code else None


def _open(request: HttpRequest, address: str) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": address})
    return redirect(address)


def _arrived(count: int) -> str:
    return ngettext("%(count)d new sample has arrived.", "%(count)d new samples have arrived.", count) % {
        "count": count
    }


@require_GET
@policy("samples.export")
def sample_csv(request: HttpRequest) -> HttpResponseBase:
    rows = _chosen(request, "csv")
    by = request_actor(request, user=person(request))
    content = exports.samples_csv(rows, by=by, organization=scope.organization_id(), standards=exports.standard_keys())
    return StreamingHttpResponse(content, content_type="text/csv; charset=utf-8", headers=_download("samples.csv"))


@require_GET
@policy("samples.export")
def sample_xlsx(request: HttpRequest) -> HttpResponseBase:
    file = exports.samples_xlsx(_chosen(request, "xlsx"), standards=exports.standard_keys())
    return FileResponse(file, content_type=XLSX, headers=_download("samples.xlsx"))


@require_GET
@policy("samples.export")
def sample_wqx(request: HttpRequest) -> HttpResponseBase:
    """The samples with their results in the shape of WQX; the file imports again without loss."""
    rows = _chosen(request, "wqx.csv")
    by = request_actor(request, user=person(request))
    content = wqx_csv(rows, by=by, organization=scope.organization_id())
    return StreamingHttpResponse(content, content_type="text/csv; charset=utf-8", headers=_download("samples-wqx.csv"))


def _chosen(request: HttpRequest, extension: str) -> QuerySet[Sample]:
    """The samples of the list with the same query string, in the same order."""
    filters = SampleFilter(request.GET, queryset=selectors.sample_list(), request=request)
    rows = SampleTable(filters.qs, order_by=request.GET.get("sort") or SampleTable._meta.order_by).data.data
    noted = {name: value for name, value in used(request.GET).items() if name in filters.form.fields}
    exports.export_noted(format=extension, filters=noted)
    return rows.order_by(*rows.query.order_by, "pk")  # type: ignore[no-any-return]


def _download(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}


@require_http_methods(["GET", "POST"])
@policy("samples.edit")
def sample_create(request: HttpRequest) -> HttpResponse:
    initial = {"collection_date": to_minute(timezone.now()), "collector_name": person(request).name}
    form = SampleForm(request.POST or None, initial=initial, projects=projects_seen(person(request)))
    if form.is_valid():
        try:
            row, _created = services.sample_create(data=form.wire(), by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect(reverse("lab:sample_detail", args=[row["id"]]) + "#result-entry")
    context = {"form": form, "sample": None, "back": reverse("lab:sample_list")}
    return render(request, "lab/samples/form.html", context, status=_status(form))


@require_http_methods(["GET", "POST"])
@policy("samples.edit")
def sample_edit(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    sample = selectors.sample_get(id=sample_id)
    form = SampleForm(request.POST or None, sample=sample, projects=projects_seen(person(request)))
    back = reverse("lab:sample_detail", args=[sample_id])
    context: dict[str, Any] = {"form": form, "sample": sample, "back": back}
    if form.is_valid():
        version = form.cleaned_data["version"]
        try:
            services.sample_update(id=sample_id, data=form.wire(only_changed=True), by=person(request), version=version)
        except Conflict as conflict:
            if "current" not in conflict.meta:
                form.refuse(conflict)
            else:
                form.accept(conflict.meta["version"])
                context |= {"conflict": conflict, "clashes": form.clashes(conflict.meta["current"])}
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect(back)
    return render(request, "lab/samples/form.html", context, status=_status(form))


@require_http_methods(["GET", "POST"])
@policy("samples.delete")
def sample_delete(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    sample = selectors.sample_get(id=sample_id)
    if request.method == "POST":
        try:
            with scope.acting(reason=request.POST.get("reason", "").strip()[:500]):
                services.sample_delete(id=sample_id, by=person(request))
        except Conflict as refusal:
            messages.error(request, str(refusal.message))
            return redirect("lab:sample_detail", sample_id)
        undo_deletion(request, _("The sample has been deleted."), "sample", sample_id)
        return redirect("lab:sample_list")
    return render(request, "lab/samples/delete.html", {"sample": sample})


@require_GET
@policy("samples.view")
def sample_detail(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    sample = selectors.sample_get(id=sample_id)
    return render(request, "lab/samples/detail.html", detail_context(request, sample))


@require_GET
@policy("samples.view")
def sample_live(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    """What an open page shows anew after a change, or 204 where it shows the newest state already (`stamp`)."""
    sample = selectors.sample_get(id=sample_id)
    context = detail_context(request, sample)
    if request.GET.get("stamp") == str(context["stamp"]):
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return render(request, "lab/samples/parts.html#live", context | {"oob": True})


@require_GET
@policy("samples.view")
def sample_history(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    sample = selectors.sample_get(id=sample_id)
    page = Paginator(selectors.sample_history(sample=sample_id), HISTORY_PAGE).get_page(request.GET.get("page"))
    results = Result.objects.filter(sample=sample).select_related("parameter")
    labels = {str(result.pk): f"{result.parameter.name} {result.value_text} {result.unit}" for result in results}
    told = tell(page.object_list, labels=labels)
    context = head_context(request, sample) | {"page": page, "told": told, "tab": "history"}
    return render(request, "lab/samples/history.html", context)


def head_context(request: HttpRequest, sample: Sample) -> dict[str, Any]:
    """The head of a sample's page, and up to which version it is current."""
    newest = Result.objects.filter(sample=sample).aggregate(newest=Max("version"))["newest"]
    roles: dict[tuple[str, str], str] = {}
    for standard in selectors.standard_list():
        role = getattr(standard, "role_here")  # noqa: B009  (an annotation, unknown to the type checker)
        roles[standard.key, standard.edition] = str(StandardRole(role).label) if role else ""
    locked = sample.status in machine.LOCKED
    badges = [{**entry, "role": roles.get((entry["standard"], entry["edition"]), "")} for entry in sample.verdicts]
    return {
        "sample": sample,
        "badges": badges,
        "stamp": max(sample.version, newest or 0),
        "locked": locked,
        "buttons": buttons(sample.status, lives.following(sample=sample, by=person(request))),
        "alarm": locked and sample.compliance_status == Compliance.FAIL,
        "may_edit": may(request, "samples.edit"),
        "may_delete": may(request, "samples.delete") and not locked,
        "may_enter": may(request, "results.edit") and not locked,
        "may_remove": may(request, "results.delete") and not locked,
    }


def detail_context(request: HttpRequest, sample: Sample) -> dict[str, Any]:
    results = list(selectors.result_list(sample=sample.pk))
    replaced = {result.replaces_id for result in results if result.replaces_id}
    retests = {row.result_id: row for row in lives.retest_list(sample=sample.pk) if row.withdrawn_at is None}
    context = head_context(request, sample) | {
        "rows": [ResultRow(result, result.pk in replaced, retests.get(result.pk)) for result in results],
        "tab": "results",
    }
    if context["may_enter"]:
        context["sums"] = selectors.sum_list(results)
        context["form"] = entry_form(request)
        context["form"].ask_units(reverse("lab:result_entry", args=[sample.pk]), "#result-entry")
    return context


def entry_form(request: HttpRequest, *args: Any, **initial: Any) -> ResultForm:
    """An empty form of the next result; analyst and date are those of most entries."""
    usual = {"technician_name": person(request).name, "test_date": to_minute(timezone.now())}
    return ResultForm(*args, initial=usual | initial)


def _status(form: SampleForm) -> HTTPStatus:
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
