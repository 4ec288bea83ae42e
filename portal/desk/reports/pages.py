"""Pages of custom reports (`pages.md`: /reports): list, builder, one report, its versions."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common.errors import Conflict, DomainError, Invalid
from portal.core.common.ids import parse_uuid
from portal.desk.reports import builder, definitions, selectors, services
from portal.desk.reports.builder import Draft
from portal.desk.reports.display import filters_in_words, left_to_right, picture, told
from portal.desk.reports.forms import RunForm
from portal.desk.reports.frame import frame
from portal.desk.reports.lists import ReportFilter, ReportTable
from portal.desk.reports.models import CustomReport
from portal.desk.reports.query import Answer
from portal.desk.reports.services import COUNTED, PREVIEW
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person


@require_GET
@policy("custom_reports.view")
def report_list(request: HttpRequest) -> HttpResponse:
    may_edit = may(request, "custom_reports.edit")
    empty = Empty(
        title=gettext_lazy("No reports yet"),
        text=gettext_lazy("A report asks one question of your records and answers it again whenever you like."),
        icon="report",
        action_label=gettext_lazy("New report") if may_edit else "",
        action_url=reverse("custom_reports:create") if may_edit else "",
    )
    return list_page(
        request,
        queryset=selectors.report_list(user=person(request)),
        table=ReportTable,
        filterset=ReportFilter,
        template="desk/reports/list.html",
        list_id="reports",
        caption=gettext_lazy("Reports"),
        empty=empty,
        live=["custom_report.changed"],
        context={"may_edit": may_edit},
    )


@require_http_methods(["GET", "POST"])
@policy("custom_reports.edit")
def report_create(request: HttpRequest) -> HttpResponse:
    """A new report; `?from=` copies one, `?source=` says what it is about."""
    draft = _draft(request, None)
    if request.method == "POST" and not _pressed(request) and (made := _saved(draft, None, request)):
        messages.success(request, _("The report has been saved."))
        return redirect("custom_reports:detail", made.pk)
    return _builder(request, draft, None)


@require_http_methods(["GET", "POST"])
@policy("custom_reports.edit")
def report_edit(request: HttpRequest, custom_report_id: UUID) -> HttpResponse:
    report = selectors.report_for(person(request), custom_report_id)
    if report.builtin:
        return redirect(f"{reverse('custom_reports:create')}?from={report.pk}")
    draft = _draft(request, report)
    if request.method == "POST" and not _pressed(request) and _saved(draft, report, request):
        messages.success(request, _("The report has been saved."))
        return redirect("custom_reports:detail", report.pk)
    return _builder(request, draft, report)


@require_POST
@policy("custom_reports.edit")
def report_preview(request: HttpRequest) -> HttpResponse:
    """The builder as it stands, with its choices and the first 50 rows; nothing is stored."""
    id = parse_uuid(request.GET.get("report"))
    report = selectors.report_for(person(request), id) if id else None
    draft = builder.of_form(person(request), request.POST)
    return render(request, "desk/reports/builder.html#builder-body", _context(request, draft, report))


@require_GET
@policy("custom_reports.view")
def report_detail(request: HttpRequest, custom_report_id: UUID) -> HttpResponse:
    user = person(request)
    report = selectors.report_for(user, custom_report_id)
    said = request.GET.get("page", "")
    page = min(int(said[:6]), COUNTED // PREVIEW) if said.isascii() and said.isdigit() and int(said[:6]) > 0 else 1
    context = frame(request, report, "report")
    initial = {"format": "pdf", "language": translation.get_language() or "en"}
    context |= {"run_form": RunForm(initial=initial), "fault": ""}
    try:
        definition = definitions.read(report.definition, user=user)
    except Invalid as refusal:
        context["fault"] = refusal.errors[0].message if refusal.errors else str(refusal.message)
    else:
        context |= shown(services.answer_of(definition, user=user), page=page)
    template = "desk/reports/detail.html"
    return render(request, f"{template}#answer" if request.GET.get("part") == "answer" else template, context)


@require_http_methods(["GET", "POST"])
@policy("custom_reports.edit")
def report_delete(request: HttpRequest, custom_report_id: UUID) -> HttpResponse:
    report = selectors.report_for(person(request), custom_report_id)
    if request.method == "POST":
        try:
            services.report_delete(id=report.pk, by=person(request))
        except DomainError as refusal:
            messages.error(request, str(refusal.message))
            return redirect("custom_reports:detail", report.pk)
        messages.success(request, _("The report has been deleted."))
        return redirect("custom_reports:list")
    context = frame(request, report, "report") | {"schedules": report.schedules.filter(is_active=True).count()}
    return render(request, "desk/reports/delete.html", context)


@require_GET
@policy("custom_reports.view")
def version_list(request: HttpRequest, custom_report_id: UUID) -> HttpResponse:
    user = person(request)
    report = selectors.report_for(user, custom_report_id)
    versions = []
    for row in selectors.version_list(report=report)[:100]:
        try:
            answer = services.answer_of(definitions.read(row.definition, user=user), user=user)
            said = {
                "source": answer.definition.source.label,
                "heads": answer.heads,
                "filters": filters_in_words(answer),
            }
        except Invalid as refusal:
            said = {"fault": refusal.errors[0].message if refusal.errors else str(refusal.message)}
        versions.append({"row": row, "newest": row.number == report.version, **said})
    return render(request, "desk/reports/versions.html", frame(request, report, "versions") | {"versions": versions})


@require_POST
@policy("custom_reports.edit")
def version_restore(request: HttpRequest, custom_report_id: UUID, number: int) -> HttpResponse:
    try:
        services.report_restore(id=custom_report_id, number=number, by=person(request))
        messages.success(request, _("Version %(number)s is in force again.") % {"number": number})
    except (Invalid, Conflict) as refusal:
        messages.error(request, str(refusal.message))
    return redirect("custom_reports:versions", custom_report_id)


def shown(answer: Answer, *, page: int = 1) -> dict[str, Any]:
    """A page of an answer as the templates draw it; the chart is of its first rows, `MOST_MARKS` at most."""
    heads, source = answer.heads, answer.definition.source
    start = (page - 1) * PREVIEW
    total = answer.count(most=COUNTED + 1)
    rows = list(answer.rows(start=start, stop=start + PREVIEW)) if total else []
    drawn = None
    if answer.definition.groups and answer.definition.chart != "none" and total:
        drawn = picture(answer, list(answer.rows(stop=COUNTED)))
    figures = [head for head in heads if head.figure]
    totals = answer.totals() if figures else []
    return {
        "heads": [(head.label, head.kind == "number" and not head.words) for head in heads],
        "rows": [
            (
                reverse(source.page, args=[row[-1]]) if source.page and row[-1] else "",
                [
                    (told(value, head, answer.zone), left_to_right(head), head.kind == "number" and not head.words)
                    for value, head in zip(row, heads, strict=False)
                ],
            )
            for row in rows
        ],
        "tiles": [(head.label, told(v, head, answer.zone)) for head, v in zip(figures, totals, strict=True)],
        "listed": bool(answer.definition.groups) or not answer.definition.grouped,
        "picture": drawn,
        "total": min(total, COUNTED),
        "more": total > COUNTED,
        "filters": filters_in_words(answer),
        "page": page,
        "previous": page - 1,
        "next": page + 1 if start + PREVIEW < min(total, COUNTED) else 0,
        "first": start + 1,
        "last": start + len(rows),
    }


def _draft(request: HttpRequest, report: CustomReport | None) -> Draft:
    user = person(request)
    if request.method == "POST":
        return builder.of_form(user, request.POST)
    if report is not None:
        said = {"name": report.name, "description": report.description, "shared": report.shared}
        return builder.of_definition(user, {**report.definition, **said, "version": report.version})
    if id := parse_uuid(request.GET.get("from")):
        return builder.of_definition(user, services.copy_of(selectors.report_for(user, id)))
    return builder.of_definition(user, {"source": request.GET.get("source", "")})


def _pressed(request: HttpRequest) -> bool:
    """A button of the builder, not the one that saves."""
    return "action" in request.POST


def _saved(draft: Draft, report: CustomReport | None, request: HttpRequest) -> CustomReport | None:
    by = person(request)
    data = {**draft.wire(), "name": draft.name, "description": draft.description}
    if may(request, "custom_reports.share"):
        data["shared"] = draft.shared
    try:
        if report is None:
            return services.report_create(data=data, by=by)
        version = int(draft.version) if draft.version.isascii() and draft.version.isdigit() else None
        return services.report_update(id=report.pk, data=data, by=by, version=version)
    except DomainError as refusal:
        draft.refuse(refusal)
        return None


def _builder(request: HttpRequest, draft: Draft, report: CustomReport | None) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if draft.errors else HTTPStatus.OK
    return render(request, "desk/reports/builder.html", _context(request, draft, report), status=status)


def _context(request: HttpRequest, draft: Draft, report: CustomReport | None) -> dict[str, Any]:
    context: dict[str, Any] = {
        "draft": draft,
        "report": report,
        "may_share": may(request, "custom_reports.share"),
        "drawn": False,
    }
    try:
        definition = definitions.read(draft.wire(complete=True), user=draft.user)
    except Invalid as refusal:
        if not draft.errors:
            draft.refuse(refusal)
        return context
    return context | shown(services.answer_of(definition, user=draft.user)) | {"drawn": True}
