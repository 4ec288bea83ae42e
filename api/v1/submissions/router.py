"""Submissions (specification 003; C40 to C46, C54; `contract-rooms.md` section 1)."""

import tempfile
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import LARGE, Declared, Page, Reply, Router, expected_version
from api.kit.envelope import faults
from api.kit.periods import period
from api.v1.projects.router import me, record
from api.v1.submissions.schemas import (
    BulkIn,
    BulkOut,
    BulkReviewIn,
    CommentIn,
    CommentOut,
    ExportQuery,
    HistoryOut,
    InsideQuery,
    PlainQuery,
    ReconcileIn,
    ReconcileOut,
    ReviewedOut,
    ReviewIn,
    SubmissionChange,
    SubmissionIn,
    SubmissionOut,
    SubmissionQuery,
    _Query,
)
from portal.collect.forms.selectors import form_for
from portal.collect.submissions import exports, receiving, selectors, services, wire
from portal.collect.submissions.jobs import export as export_job
from portal.collect.submissions.models import Submission
from portal.core.common import clock
from portal.core.common.errors import DomainError, Invalid, NotFound
from portal.core.files.exports import AT_ONCE
from portal.core.jobs.tasks import defer, job_as_wire
from portal.core.projects import access
from portal.core.tenancy import scope

router = Router(tags=["submissions"])
_COUNTED = 2  # seconds that a client waits before it asks for a job again


@router.post(
    "/submissions",
    also=(200,),
    policy="submissions.create",
    response=SubmissionOut,
    status=201,
    summary="Submit a form",
)
def submission_create(request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(SubmissionIn)]]) -> Reply:
    """A repeat of the same content under the same `localSyncId` answers 200 with the stored one; other content is 409
    `LOCAL_SYNC_CONFLICT` with both fingerprints. Answers at fault: 400, an entry in `errors` for each, with `field` and
    `rule` (REQUIRED TYPE OPTION MIN MAX PATTERN CONSTRAINT NOT_RELEVANT UNKNOWN_FIELD)."""
    stored, created = receiving.submission_create(data=payload, by=me(request))
    return record(stored, status=201 if created else 200)


@router.post(
    "/submissions/bulk", policy="submissions.create", response=BulkOut, limit=LARGE, summary="Submit many forms"
)
def submission_bulk(request: HttpRequest, payload: BulkIn) -> dict[str, Any]:
    """At most 200, one result each, in order; the good ones are kept whatever the others are. Safe to repeat."""
    done = receiving.submissions_create(items=payload.submissions, by=me(request))
    results = [_result(item) for item in done]
    successful = sum(result["success"] for result in results)
    return {"successful": successful, "failed": len(results) - successful, "results": results}


@router.post(
    "/submissions/reconcile", policy="submissions.create", response=ReconcileOut, summary="Which of these are stored?"
)
def submission_reconcile(request: HttpRequest, payload: ReconcileIn) -> dict[str, Any]:
    """For a device that lost an answer: what is unknown is to be sent again."""
    return services.reconcile(ids=payload.local_sync_ids, by=me(request))


@router.post(
    "/submissions/review", policy="submissions.review", response=ReviewedOut, limit=LARGE, summary="Review many"
)
def submission_review_many(request: HttpRequest, payload: BulkReviewIn) -> dict[str, Any]:
    """At most 200 ids, the same state and note for each."""
    done = services.submissions_review(ids=payload.ids, state=payload.state, note=payload.note, by=me(request))
    failed = sum(result.error is not None for result in done)
    return {
        "succeeded": len(done) - failed,
        "failed": failed,
        "results": [
            {
                "id": result.id,
                "success": result.error is None,
                "error": result.error
                and {"code": result.error.code, "message": str(result.error.message), "field": None},
            }
            for result in done
        ],
    }


@router.get("/submissions", policy="submissions.view", response=list[SubmissionOut], summary="Submissions")
def submission_list(request: HttpRequest, query: Query[SubmissionQuery]) -> Page:
    """Of your projects, and your own; newest capture first. `answers.<id>=<value>` filters, `sort=answers.<id>` sorts
    by the answer to a question."""
    return _page(request, query, form=query.form_id, project=query.project_id)


@router.get(
    "/submissions/project/{id:project_id}",
    policy="submissions.view",
    response=list[SubmissionOut],
    summary="Submissions of a project",
)
def submission_list_of_project(request: HttpRequest, project_id: UUID, query: Query[InsideQuery]) -> Page:
    """404 for a project that you do not see."""
    return _page(request, query, project=access.project_for(me(request), project_id).pk)


@router.get(
    "/submissions/form/{id:form_id}",
    policy="submissions.view",
    response=list[SubmissionOut],
    summary="Submissions of a form",
)
def submission_list_of_form(request: HttpRequest, form_id: UUID, query: Query[InsideQuery]) -> Page:
    """404 for a form that you do not see."""
    return _page(request, query, form=form_for(me(request), form_id).pk)


@router.get(
    "/submissions/export", also=(202,), policy="submissions.export", response=None, summary="Submissions as a file"
)
def submission_export(request: HttpRequest, query: Query[ExportQuery]) -> HttpResponseBase | Reply:
    """With the filters of the list. CSV, GeoJSON and JSON lines are streamed at any length. A workbook of more than
    5,000 rows, and every archive of media, is made by a worker: 202 with `{jobId, status}`; the job's result holds
    `downloadUrl`, for a day."""
    by, chosen = me(request), _filters(request, query, query.form_id, query.project_id)
    form = form_for(by, query.form_id) if query.form_id else None
    if query.sheet and (form is None or query.sheet not in exports.columns_of(form).repeats):
        raise Invalid.field("sheet", _("There is no such field."))
    rows = selectors.filtered(by, chosen)
    exports.noted(kind=query.format, filters=chosen)
    large = query.format == "xlsx" and rows.order_by()[: AT_ONCE + 1].count() > AT_ONCE
    if large or query.format == "zip":
        job = defer(export_job, kind=query.format, filters=chosen)
        headers = {"Retry-After": str(_COUNTED), "Location": f"/api/v1/jobs/{job.pk}"}
        return Reply({**job_as_wire(job), "jobId": job.pk}, status=202, headers=headers)
    headers = {"Content-Disposition": f'attachment; filename="submissions.{query.format}"', "Cache-Control": "no-store"}
    kind = exports.TYPES[query.format]
    if query.format == "xlsx":
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        file = tempfile.TemporaryFile(dir=settings.DATA_DIR)  # noqa: SIM115 the answer closes it
        exports.write_workbook(file, rows, form=form)
        file.seek(0)
        return FileResponse(file, content_type=kind, headers=headers)
    content = exports.stream(query.format, rows, form=form, by=scope.actor(), labels=query.labels, sheet=query.sheet)
    return StreamingHttpResponse(content, content_type=kind, headers=headers)


@router.get("/submissions/{id:submission_id}", policy="submissions.view", response=SubmissionOut, summary="One")
def submission_detail(request: HttpRequest, submission_id: UUID) -> Reply:
    """404 for one that is neither yours nor of a project that you see."""
    return _one(selectors.submissions_seen(me(request)), submission_id)


@router.update(
    "/submissions/{id:submission_id}", policy="submissions.edit", response=SubmissionOut, summary="Correct answers"
)
def submission_update(request: HttpRequest, submission_id: UUID, payload: SubmissionChange) -> Reply:
    """Checked against the version of the form that was filled in. Field workers correct their own."""
    version = expected_version(request, payload.version)
    row = services.submission_edit(
        id=submission_id, answers=payload.answers, by=me(request), version=version, reason=payload.reason or ""
    )
    return _one(Submission.objects.all(), row.pk)


@router.delete("/submissions/{id:submission_id}", policy="submissions.delete", response=None, summary="Delete one")
def submission_delete(request: HttpRequest, submission_id: UUID) -> Reply:
    """It stays in the audit log, and a late repeat does not bring it back."""
    services.submission_delete(id=submission_id, by=me(request), version=expected_version(request))
    return Reply(message=_("Submission deleted successfully."))


@router.operation(
    ["POST"],
    "/submissions/{id:submission_id}/review",
    policy="submissions.review",
    response=SubmissionOut,
    summary="Review one",
)
@router.operation(
    ["PATCH"],
    "/submissions/{id:submission_id}/review",
    policy="submissions.review",
    response=SubmissionOut,
    summary="Review one",
)
def submission_review(request: HttpRequest, submission_id: UUID, payload: ReviewIn) -> Reply:
    """`rejected` and `hasIssues` need a note. The state that it has already: 422 `ILLEGAL_TRANSITION`."""
    row = services.submission_review(
        id=submission_id, state=payload.state, note=payload.note, by=me(request), version=payload.version
    )
    return _one(Submission.objects.all(), row.pk)


@router.get(
    "/submissions/{id:submission_id}/comments",
    policy="submissions.view",
    response=list[CommentOut],
    summary="Comments on a submission",
)
def submission_comments(request: HttpRequest, submission_id: UUID, query: Query[PlainQuery]) -> Page:
    """Oldest first."""
    rows = selectors.comments(selectors.submission_for(me(request), submission_id))
    page = _paged(rows, query)
    page.items = [wire.comment(row) for row in page.items]
    return page


@router.post(
    "/submissions/{id:submission_id}/comments",
    policy="submissions.create",
    response=CommentOut,
    status=201,
    summary="Comment on a submission",
)
def submission_comment(request: HttpRequest, submission_id: UUID, payload: CommentIn) -> dict[str, Any]:
    """Seen by whoever sees the submission."""
    return wire.comment(services.comment_add(id=submission_id, content=payload.content, by=me(request)))


@router.get(
    "/submissions/{id:submission_id}/history",
    policy="submissions.view",
    response=list[HistoryOut],
    summary="What was changed",
)
def submission_history(request: HttpRequest, submission_id: UUID, query: Query[PlainQuery]) -> Page:
    """Corrections field by field, and reviews; newest first."""
    page = _paged(selectors.history(selectors.submission_for(me(request), submission_id)).select_related("by"), query)
    page.items = [wire.change(row) for row in page.items]
    return page


def _page(request: HttpRequest, query: _Query, *, form: UUID | None = None, project: UUID | None = None) -> Page:
    by, chosen = me(request), _filters(request, query, form, project)
    rows = selectors.filtered(by, chosen)
    page = _paged(wire.plain(rows), query, total=selectors.counted(by, chosen, rows))
    page.items = [wire.submission(row) for row in page.items]
    return page


def _filters(request: HttpRequest, query: _Query, form: UUID | None, project: UUID | None) -> dict[str, Any]:
    window = period(request, query.date_from, query.date_to)
    answers = {
        name.removeprefix(selectors.ANSWERS): [text for text in request.GET.getlist(name) if text]
        for name in request.GET
        if name.startswith(selectors.ANSWERS)
    }
    return {
        "form": str(form) if form else None,
        "project": str(project) if project else None,
        "person": str(query.submitted_by_user_id) if query.submitted_by_user_id else None,
        "states": query.review_state,
        "flag": query.flag,
        "search": query.search,
        "since": clock.wire(window.since),
        "until": clock.wire(window.until),
        "answers": {name: texts for name, texts in answers.items() if texts},
        "sort": query.order_by,
    }


def _paged(rows: Any, query: Any, *, total: int | None = None) -> Page:
    """A page of rows that are in order already."""
    start, count = (query.page - 1) * query.limit, rows.order_by().count() if total is None else total
    found = list(rows[start : start + query.limit]) if start < count else []
    return Page(found, query.page, query.limit, count)


def _one(rows: Any, id: UUID) -> Reply:
    row = wire.plain(rows.filter(pk=id, deleted_at=None)).first()
    if row is None:
        raise NotFound(_("There is no such submission."))
    return record(wire.submission(row))


def _result(item: receiving.Item) -> dict[str, Any]:
    said = item.data.get("localSyncId")
    local = str(item.local) if item.local and said is None else said if isinstance(said, str) else None
    shown = {"localSyncId": local, "success": item.error is None, "submission": item.stored}
    return shown if item.error is None else {**shown, **_refusal(item.error)}


def _refusal(error: DomainError) -> dict[str, Any]:
    return {
        "error": {"code": error.code, "message": str(error.message), **({"meta": error.meta} if error.meta else {})},
        "errors": faults(error),
    }
