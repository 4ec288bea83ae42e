"""Pages of submissions: list, map, one submission, review, comments, exports."""

import tempfile
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from portal.collect.forms.selectors import compiled
from portal.collect.submissions import exports, selectors, services
from portal.collect.submissions.choices import Flag, ReviewState
from portal.collect.submissions.jobs import export as export_job
from portal.collect.submissions.models import Submission
from portal.collect.submissions.pages import lists, showing
from portal.collect.submissions.targets import targets
from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError, NotFound
from portal.core.files.exports import AT_ONCE
from portal.core.files.models import FileLink
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import defer, job_get
from portal.core.tenancy import scope
from portal.ui.lists import Empty, Export, list_page
from portal.ui.panels import project_frame
from portal.ui.people import may, person

COUNT_LIMIT = 10_000
LIVE = ("submission.created", "submission.bulk", "submission.changed")
FORMATS = (
    ("csv", "CSV", "file-text"),
    ("xlsx", "XLSX", "file-spreadsheet"),
    ("geojson", "GeoJSON", "map-2"),
    ("jsonl", "JSON", "database"),
    ("zip", gettext_lazy("Files (ZIP)"), "archive"),
)


@require_GET
@policy("submissions.view")
def submission_list(request: HttpRequest, project_id: UUID | None = None) -> HttpResponse:
    """All that the person sees, or those of one project."""
    context = _frame(request, project_id, "list")
    form = lists.chosen_form(request)
    bulk = project_id is None and may(request, "submissions.review")
    return list_page(
        request,
        queryset=lists.with_names(_rows(request, project_id)),
        table=lists.table(lists.questions(form)),
        table_kwargs={"bulk": bulk, "inside": project_id is not None, "one": form is not None},
        filterset=lists.filterset(form, project=project_id),
        template="collect/submissions/project.html" if project_id else "collect/submissions/list.html",
        list_id="submissions",
        caption=gettext_lazy("Submissions"),
        empty=Empty(
            title=gettext_lazy("No submissions yet"),
            text=gettext_lazy("What people send from their devices, or fill in here, appears as it arrives."),
            icon="clipboard-list",
        ),
        exports=_exports() if may(request, "submissions.export") and not project_id else (),
        live=LIVE,
        count_limit=COUNT_LIMIT,
        context=context | {"bulk": bulk, "states": ReviewState.choices, "chosen_form": form},
    )


@require_GET
@policy("submissions.view")
def submission_map(request: HttpRequest, project_id: UUID | None = None) -> HttpResponse:
    """The same submissions, with the same filters, where they were made."""
    form = lists.chosen_form(request)
    filters = lists.filterset(form, project=project_id)(
        request.GET, queryset=_rows(request, project_id), request=request
    )
    points, total = selectors.map_points(filters.qs)
    drawn = [
        {
            "lat": point["latitude"],
            "lon": point["longitude"],
            "name": f"{point['form__name']} · {point['created_at']:%Y-%m-%d}",
            "flagged": bool(point["flags"]),
            "url": reverse("collect:submission_detail", args=[point["pk"]]),
        }
        for point in points
    ]
    if total > len(drawn):
        numbers = {"shown": len(drawn), "total": total}
        counted = _("The newest %(shown)s of %(total)s submissions with a place") % numbers
    else:
        counted = ngettext("%(total)s submission with a place", "%(total)s submissions with a place", total) % {
            "total": total
        }
    context = _frame(request, project_id, "map") | {
        "points": drawn,
        "counted": counted,
        "filter_form": filters.form,
        "filtered": bool(request.GET),
        **_ground(),
    }
    return render(request, "collect/submissions/map.html", context)


@require_GET
@policy("submissions.view")
def submission_detail(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """Answers by the version that was filled in, place, remarks, review, comments and history."""
    row = selectors.submission_for(person(request), submission_id)
    schema = compiled(row.form_id, row.form_version)
    links = FileLink.objects.filter(kind="submission", record_id=row.pk, file__deleted_at=None).select_related("file")
    files = {link.file.filename: link.file_id for link in links}
    seen = selectors.submissions_seen(person(request)).filter(form=row.form_id)
    newer, older = selectors.neighbours(row, seen)
    target = targets.get(row.target_kind)
    context = {
        "submission": row,
        "lines": showing.lines(schema, row.answers, flags=row.flags, files=files),
        "flags": [_flag(schema, flag) for flag in row.flags],
        "files": [{"name": name, "url": reverse("files:file_detail", args=[id])} for name, id in files.items()],
        "comments": selectors.comments(row),
        "history": [_entry(schema, entry) for entry in selectors.history(row).select_related("by")[:50]],
        "newer": newer,
        "older": older,
        "states": [choice for choice in ReviewState.choices if choice[0] not in (row.review_state, ReviewState.EDITED)],
        "target": target and {"label": target.label, "url": target.url(row.target_id)} if row.target_id else None,
        "places": _place(row),
        "may_review": may(request, "submissions.review"),
        "may_comment": may(request, "submissions.create"),
        "may_delete": may(request, "submissions.delete"),
        **_ground(),
    }
    return render(request, "collect/submissions/detail.html", context)


@require_POST
@policy("submissions.review")
def submission_review(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    state, note, by = request.POST.get("state"), request.POST.get("note"), person(request)
    _said(
        request,
        lambda: services.submission_review(id=submission_id, state=state, note=note, by=by),
        _("The review has been saved."),
    )
    return redirect("collect:submission_detail", submission_id)


@require_POST
@policy("submissions.review")
def submission_review_many(request: HttpRequest) -> HttpResponse:
    """One state for all that are ticked."""
    ids, by = request.POST.getlist("ids"), person(request)
    back = request.POST.get("back", "")
    target = back if back.startswith("?") else ""
    if not ids:
        messages.error(request, _("Tick at least one submission."))
        return redirect(reverse("collect:submission_list") + target)
    done: list[services.BulkResult] = []

    def work() -> None:
        done.extend(
            services.submissions_review(ids=ids, state=request.POST.get("state"), note=request.POST.get("note"), by=by)
        )

    reviewed = ngettext("%(count)d submission was reviewed.", "%(count)d submissions were reviewed.", len(ids))
    _said(request, work, reviewed % {"count": len(ids)})
    return redirect(reverse("collect:submission_list") + target)


@require_POST
@policy("submissions.create")
def comment_add(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    content, by = request.POST.get("content"), person(request)
    _said(request, lambda: services.comment_add(id=submission_id, content=content, by=by), "")
    return redirect(reverse("collect:submission_detail", args=[submission_id]) + "#comments")


@require_POST
@policy("submissions.delete")
def submission_delete(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    services.submission_delete(id=submission_id, by=person(request))
    messages.success(request, _("Submission deleted successfully."))
    return redirect("collect:submission_list")


@require_GET
@policy("submissions.export")
def submission_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The submissions of the list with the same query string; large workbooks and media are made by a worker."""
    if kind not in exports.TYPES:
        raise NotFound(_("There is no such format."))
    form = lists.chosen_form(request)
    filters = lists.filterset(form)(request.GET, queryset=Submission.objects.none(), request=request)
    chosen = filters.chosen()
    rows = selectors.filtered(person(request), chosen)
    exports.noted(kind=kind, filters=chosen)
    many = kind == "xlsx" and rows.order_by()[: AT_ONCE + 1].count() > AT_ONCE
    if many or kind == "zip":
        return redirect("collect:export_wait", defer(export_job, kind=kind, filters=chosen).pk)
    headers = {"Content-Disposition": f'attachment; filename="submissions.{kind}"', "Cache-Control": "no-store"}
    if kind == "xlsx":
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        file = tempfile.TemporaryFile(dir=settings.DATA_DIR)  # noqa: SIM115 the answer closes it
        exports.write_workbook(file, rows, form=form)
        file.seek(0)
        return FileResponse(file, content_type=exports.TYPES[kind], headers=headers)
    content = exports.stream(kind, rows, form=form, by=scope.actor())
    return StreamingHttpResponse(content, content_type=exports.TYPES[kind], headers=headers)


@require_GET
@policy("submissions.export")
def export_wait(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """How far a worker is with a file; then its link."""
    job = job_get(id=job_id, user=person(request).pk)
    done = job.status == Job.Status.SUCCEEDED
    made = job.result if done else None
    context = {"job": job, "made": made, "busy": not done and job.status != Job.Status.FAILED}
    return render(request, "collect/submissions/export.html", context)


def _rows(request: HttpRequest, project_id: UUID | None) -> QuerySet[Submission]:
    return selectors.submission_list(user=person(request), project=project_id)


def _frame(request: HttpRequest, project_id: UUID | None, view: str) -> dict[str, Any]:
    """What list and map share: the page around them and their two addresses with the filters in force."""
    if project_id:
        frame = project_frame(request, project_id, "submissions")
        frame |= {"frame_template": "fieldwork/projects/frame.html"}
        names = [reverse(f"collect:project_{name}", args=[project_id]) for name in ("submissions", "submission_map")]
    else:
        frame = {"frame_template": "collect/submissions/frame.html"}
        names = [reverse("collect:submission_list"), reverse("collect:submission_map")]
    query = request.GET.copy()
    for name in ("page", "per_page", "sort", "seen"):
        query.pop(name, None)
    kept = f"?{query.urlencode()}" if query else ""
    return frame | {"view": view, "list_url": names[0] + kept, "map_url": names[1] + kept}


def _exports() -> list[Export]:
    return [
        Export(label=label, url=reverse("collect:submission_export", args=[kind]), icon=icon)
        for kind, label, icon in FORMATS
    ]


def _ground() -> dict[str, str]:
    return {"tiles": settings.TILES, "credit": settings.TILES_CREDIT}


def _place(row: Submission) -> list[dict[str, Any]]:
    if row.latitude is None or row.longitude is None:
        return []
    return [{"lat": row.latitude, "lon": row.longitude, "name": row.form.name}]


def _flag(schema: Any, flag: dict[str, Any]) -> dict[str, Any]:
    item = schema.field(flag["field"]) if flag["field"] else None
    value = f"{flag['value']} s" if flag["code"] == Flag.TOO_FAST else flag["value"]
    return {**flag, "label": item.text() if item else "", "value": value}


def _entry(schema: Any, entry: Any) -> dict[str, Any]:
    """An entry of the history with the questions in words."""
    states = dict(ReviewState.choices)
    changes = []
    for change in entry.changes:
        item, old, new = schema.field(change["field"]), change["old"], change["new"]
        if change["field"] == "reviewState":
            label, old, new = _("Review"), states.get(old, ""), states.get(new, "")
        else:
            label = item.text() if item else change["field"]
            old, new = (showing.shown_answer(item, value) if item else value for value in (old, new))
        changes.append({"label": label, "old": old, "new": new})
    told = {"kind": entry.get_kind_display(), "by": entry.by, "at": entry.created_at}
    return {**told, "reason": entry.reason, "changes": changes}


def _said(request: HttpRequest, work: Callable[[], object], done: str) -> None:
    """Do it and say how it went; what does not exist for the person stays 404."""
    try:
        work()
    except NotFound:
        raise
    except DomainError as refusal:
        messages.error(request, refusal.errors[0].message if refusal.errors else str(refusal.message))
    else:
        if done:
            messages.success(request, done)
