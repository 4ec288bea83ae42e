"""The life of samples: steps, chain of custody, retests, requested analyses, labels (decision C84)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.kit import LARGE, In, Listing, Out, Page, Reply, Router, expected_version, paginate
from api.v1.lab.schemas import SampleOut
from portal.core.accounts.models import User
from portal.lab import selectors as lab
from portal.lab import wire
from portal.lab.choices import SampleStatus
from portal.lab.lifecycle import labels, papers, selectors, services
from portal.lab.lifecycle.models import CustodyEntry
from portal.lab.lifecycle.services import Papers

router = Router(tags=["life of a sample"])
_SAMPLE = "01941f29-7c00-7a1b-8c2d-3e4f5a6b7c8d"
_RESULT = "01941f2a-1b40-7c3d-9e4f-5a6b7c8d9e0f"
_PERSON = "01941f00-1111-7000-8000-000000000007"
_PDF: dict[str, Any] = {
    "responses": {200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}}
}
_STATUSES = ", ".join(SampleStatus.values)


class PapersIn(In):
    """What is noted of the sample; all of it may be absent."""

    aliases: ClassVar[Mapping[str, str]] = {"from": "given_by", "to": "taken_by"}

    at: AwareDatetime | None = Field(None, description="When it happened, with offset or Z; now where absent")
    place: str = Field("", max_length=200)
    condition: str = Field("", description=", ".join(CustodyEntry.Condition.values))
    temperature: Decimal | None = Field(None, description="°C, between -100 and 100, one decimal")
    container: str = Field("", max_length=150)
    note: str = Field("", max_length=10_000)

    def papers(self, *, given_by: str = "", taken_by: str = "") -> Papers:
        names = ("at", "place", "condition", "temperature", "container", "note")
        return Papers(given_by=given_by, taken_by=taken_by, **{name: getattr(self, name) for name in names})


class TransitionIn(PapersIn):
    aliases: ClassVar[Mapping[str, str]] = {"status": "to", "toStatus": "to", "from": "given_by"}
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"to": "received", "condition": "intact", "temperature": 4.5, "container": "500 mL, sterile",
                 "givenBy": "Amina", "place": "Reception"},
                {"to": "rejected", "reason": "The bottle arrived broken."},
                {"to": "amended", "reason": "Transposed digits in the nitrate result.", "version": 4713},
            ]
        }
    )  # fmt: skip

    to: str = Field(description=f"The next status: {_STATUSES}")
    reason: str = Field("", max_length=1000, description="Why; required for rejected, amended and taking up again")
    given_by: str = Field("", max_length=150, description="With `received`: who brought it; else the collector")
    version: int | None = Field(None, description="The version that you saw; a stale one is 409 VERSION_CONFLICT")


class BulkStepIn(PapersIn):
    aliases: ClassVar[Mapping[str, str]] = TransitionIn.aliases
    model_config = ConfigDict(
        json_schema_extra={"example": {"ids": [_SAMPLE], "to": "received", "condition": "intact", "temperature": 4.5}}
    )

    ids: list[UUID] = Field(min_length=1, max_length=services.AT_ONCE)
    to: str = Field(description=f"The next status of all of them: {_STATUSES}")
    reason: str = Field("", max_length=1000, description="Why; required for rejected, amended and taking up again")
    given_by: str = Field("", max_length=150, description="With `received`: who brought them; else the collectors")


class StepFault(Out):
    code: str
    message: str


class StepResult(Out):
    id: UUID
    code: str | None = Field(description="Of the sample; null for one that you do not see")
    status: SampleStatus | None = Field(description="The one that it has now")
    success: bool
    error: StepFault | None


class BulkStepOut(Out):
    model_config = ConfigDict(
        alias_generator=to_camel,
        json_schema_extra={
            "example": {
                "succeeded": 1, "failed": 0,
                "results": [
                    {"id": _SAMPLE, "code": "S-2026-000123", "status": "received", "success": True, "error": None}
                ],
            }
        },
    )  # fmt: skip

    succeeded: int
    failed: int
    results: list[StepResult] = Field(description="One per id, in order; an id that stands twice counts once")


class CustodyIn(PapersIn):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "handed_over", "at": "2026-11-20T14:05:00Z", "from": "Amina", "to": "Youssef",
                "place": "Casablanca, cold room 2", "condition": "intact", "temperature": 4.5, "note": "",
            }
        }
    )  # fmt: skip

    kind: Literal["handed_over", "received", "stored", "disposed", "note"] = Field(description="What happened")
    given_by: str = Field("", max_length=150, description="Who handed it over; `from` is the usual name")
    taken_by: str = Field("", max_length=150, description="Who took it over; `to` is the usual name")


class CustodyOut(Out):
    model_config = ConfigDict(
        alias_generator=to_camel,
        json_schema_extra={
            "example": {
                "id": "01941f2c-0000-7000-8000-0000000000c1", "sampleId": _SAMPLE, "kind": "handed_over",
                "at": "2026-11-20T14:05:00Z", "from": "Amina", "to": "Youssef", "place": "Casablanca, cold room 2",
                "condition": "intact", "temperature": 4.5, "container": None, "note": None, "recordedBy": _PERSON,
                "recordedByName": "Youssef", "createdAt": "2026-11-20T14:06:10Z",
            }
        },
    )  # fmt: skip

    id: UUID
    sample_id: UUID
    kind: CustodyEntry.Kind
    at: datetime
    from_: str | None = Field(alias="from")
    to: str | None
    place: str | None
    condition: str | None
    temperature: float | None = Field(description="°C")
    container: str | None
    note: str | None
    recorded_by: UUID
    recorded_by_name: str
    created_at: datetime


class Following(Out):
    to: SampleStatus
    right: str = Field(description="The right that it takes; you have it")
    reason_required: bool
    final: bool = Field(description="Nothing leads back")
    obstacle: str | None = Field(description="Why it cannot be taken now, or not by you")


class StepOut(Out):
    from_: str | None = Field(alias="from", description="null: the sample came in this status")
    to: SampleStatus
    at: datetime
    by: UUID | None
    by_name: str | None
    reason: str | None
    device_id: str | None


class LifeOut(Out):
    model_config = ConfigDict(
        alias_generator=to_camel,
        json_schema_extra={
            "example": {
                "status": "validated",
                "allowed": [
                    {"to": "approved", "right": "samples.approve", "reasonRequired": False, "final": False,
                     "obstacle": None},
                    {"to": "amended", "right": "samples.validate", "reasonRequired": True, "final": False,
                     "obstacle": None},
                ],
                "steps": [
                    {"from": "completed", "to": "validated", "at": "2026-11-22T10:00:00Z", "by": _PERSON,
                     "byName": "Youssef", "reason": None, "deviceId": None},
                ],
            }
        },
    )  # fmt: skip

    status: SampleStatus
    allowed: list[Following] = Field(description="What may follow, for you")
    steps: list[StepOut] = Field(description="Every change of status, oldest first")


class RetestIn(In):
    model_config = ConfigDict(json_schema_extra={"example": {"reason": "Duplicate differs by more than 20 %."}})

    reason: str = Field(max_length=500)


class RetestOut(Out):
    model_config = ConfigDict(
        alias_generator=to_camel,
        json_schema_extra={
            "example": {
                "id": "01941f2c-0000-7000-8000-0000000000d1", "resultId": _RESULT, "sampleId": _SAMPLE,
                "parameterCode": "NO3", "reason": "Duplicate differs by more than 20 %.", "state": "open",
                "requestedBy": _PERSON, "createdAt": "2026-11-22T10:00:00Z", "withdrawnAt": None,
            }
        },
    )  # fmt: skip

    id: UUID
    result_id: UUID
    sample_id: UUID
    parameter_code: str
    reason: str
    state: Literal["open", "done", "withdrawn"] = Field(description="done: a result names it in `replacesId`")
    requested_by: UUID
    created_at: datetime
    withdrawn_at: datetime | None


class RequestsIn(In):
    model_config = ConfigDict(json_schema_extra={"example": {"parameterIds": ["01941f00-0000-7000-8000-000000000001"]}})

    parameter_ids: list[UUID] = Field(max_length=200, description="All of them: what is absent is no longer asked for")


class RequestOut(Out):
    sample_id: UUID
    sample_code: str
    parameter_id: UUID
    parameter_code: str
    parameter_name: str
    holding_hours: int | None = Field(description="From the collection to the start of the analysis")
    due_at: datetime | None
    started_at: datetime | None
    measured: bool
    late: bool = Field(description="Not measured, and not begun within the holding time")


class StartIn(In):
    model_config = ConfigDict(json_schema_extra={"example": {"at": "2026-11-20T16:30:00Z"}})

    at: AwareDatetime | None = Field(None, description="When it began; now where absent")


class DueQuery(Listing):
    search: str = Field("", max_length=300, description="Contained in code, id, location or collector of the sample")
    group: str = Field("", max_length=40, description="Of the parameter, as in GET /parameters")
    late: bool | None = Field(None, description="Only those whose time is over, or only the others")


class LabelQuery(BaseModel):
    sheet: str = Field("a4-24", description=", ".join(labels.FORMATS))
    symbol: str = Field("qr", description="qr or code128; codes that Code 128 cannot hold are printed as QR")
    start: int = Field(1, description="Place of the first label on the first sheet, from 1")
    copies: int = Field(1, description="Of each label")
    language: Literal["", "ar", "fr", "en"] = Field("", description="Else that of the request")


class LabelsQuery(LabelQuery):
    id: list[UUID] = Field(min_length=1, max_length=200, description="Of the samples (repeatable), in this order")


@router.get("/samples/{id:sample_id}/transitions", policy="samples.view", response=LifeOut, summary="What may follow")
def life(request: HttpRequest, sample_id: UUID) -> dict[str, Any]:
    """The status, what may follow for you now, and every step so far."""
    sample = lab.sample_get(id=sample_id)
    return {
        "status": sample.status,
        "allowed": [selectors.next_card(step) for step in selectors.following(sample=sample, by=_user(request))],
        "steps": [selectors.step_card(step) for step in selectors.step_list(sample=sample.pk)],
    }


@router.post(
    "/samples/{id:sample_id}/transitions", policy="samples.view", response=SampleOut, summary="Take a sample a step on"
)
def transition(request: HttpRequest, sample_id: UUID, payload: TransitionIn) -> Reply:
    """Answers with the sample. With `received` and `disposed` the chain of custody gets its entry, too. 403 where you
    lack the right or have to leave the approval to somebody else, 422 `ILLEGAL_TRANSITION` with `meta.allowed` where
    the status forbids it, 400 where a reason is missing. After the validation results are locked: `amended`, with a
    reason, opens them again."""
    row = services.sample_transition(
        id=sample_id,
        to=payload.to,
        by=_user(request),
        reason=payload.reason,
        papers=payload.papers(given_by=payload.given_by),
        version=expected_version(request, payload.version),
    )
    card = wire.samples([row])[0]
    return Reply(card, headers={"ETag": f'"{card["version"]}"'})


@router.post(
    "/samples/bulk-transition",
    policy="samples.view",
    response=BulkStepOut,
    limit=LARGE,
    summary="Take many samples a step on",
)
def transition_bulk(request: HttpRequest, payload: BulkStepIn) -> dict[str, Any]:
    """At most 200 ids, each for itself: one that is refused says why (`RESOURCE_NOT_FOUND`, `PERMISSION_DENIED`,
    `ILLEGAL_TRANSITION`, `VALIDATION_ERROR` where a reason is missing) and holds nobody else up. A sample that has the
    status already is refused like any other step that cannot follow, so a repeated request changes nothing."""
    outcomes = services.samples_transition(
        ids=payload.ids,
        to=payload.to,
        by=_user(request),
        reason=payload.reason,
        papers=payload.papers(given_by=payload.given_by),
    )
    done = sum(not one.code for one in outcomes)
    return {
        "succeeded": done,
        "failed": len(outcomes) - done,
        "results": [
            {
                "id": one.id,
                "code": one.sample or None,
                "status": one.status or None,
                "success": not one.code,
                "error": {"code": one.code, "message": one.message} if one.code else None,
            }
            for one in outcomes
        ],
    }


@router.get(
    "/samples/{id:sample_id}/custody", policy="samples.view", response=list[CustodyOut], summary="Chain of custody"
)
def custody_list(request: HttpRequest, sample_id: UUID, query: Query[Listing]) -> Page:
    """Who had the sample, when, where, in which condition; oldest first."""
    sample = lab.sample_get(id=sample_id)
    return paginate(selectors.custody_list(sample=sample.pk), query, selectors.custody_card)


@router.post(
    "/samples/{id:sample_id}/custody",
    policy="samples.receive",
    response=CustodyOut,
    status=201,
    summary="Add to the chain of custody",
)
def custody_add(request: HttpRequest, sample_id: UUID, payload: CustodyIn) -> Reply:
    """Nothing of it can be changed or removed; a mistake is answered by an entry of kind `note`. Receipt and disposal
    come by themselves with the step of the sample."""
    entry = services.custody_add(
        sample=sample_id,
        kind=payload.kind,
        by=_user(request),
        papers=payload.papers(given_by=payload.given_by, taken_by=payload.taken_by),
    )
    return Reply(selectors.custody_card(entry), status=201)


@router.get(
    "/samples/{id:sample_id}/custody/pdf",
    policy="samples.view",
    response=None,
    summary="Chain of custody as PDF",
    openapi_extra=_PDF,
)
def custody_pdf(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    """In the language of the request, with room for signatures."""
    sample = lab.sample_get(id=sample_id)
    return _file(papers.custody_pdf(sample=sample), f"custody-{sample.pk}")


@router.get(
    "/samples/{id:sample_id}/retests", policy="samples.view", response=list[RetestOut], summary="Retests of a sample"
)
def retest_list(request: HttpRequest, sample_id: UUID, query: Query[Listing]) -> Page:
    """Newest first."""
    sample = lab.sample_get(id=sample_id)
    return paginate(selectors.retest_list(sample=sample.pk), query, selectors.retest_card)


@router.post(
    "/results/{id:result_id}/retests",
    policy="results.edit",
    response=RetestOut,
    status=201,
    summary="Ask for a retest of a result",
)
def retest_request(request: HttpRequest, result_id: UUID, payload: RetestIn) -> Reply:
    """A completed sample goes back to `in_progress`. The new result names this one in `replacesId`: from then on the
    old one stays visible and counts nowhere. 409 `SAMPLE_LOCKED` after the validation, 409 `DUPLICATE` for a second
    one."""
    retest = services.retest_request(result=result_id, reason=payload.reason, by=_user(request))
    return Reply(selectors.retest_card(retest), status=201)


@router.delete("/retests/{id:retest_id}", policy="results.edit", response=RetestOut, summary="Withdraw a retest")
def retest_withdraw(request: HttpRequest, retest_id: UUID) -> dict[str, Any]:
    """While nobody has answered it; it stays on record."""
    return selectors.retest_card(services.retest_withdraw(id=retest_id, by=_user(request)))


@router.get(
    "/samples/{id:sample_id}/analyses",
    policy="samples.view",
    response=list[RequestOut],
    summary="Analyses asked for",
)
def request_list(request: HttpRequest, sample_id: UUID, query: Query[Listing]) -> Page:
    """With the end of their holding times; the next one first."""
    sample = lab.sample_get(id=sample_id)
    return paginate(selectors.request_list(sample=sample.pk), query, selectors.request_card)


@router.update(
    "/samples/{id:sample_id}/analyses",
    policy="samples.edit",
    response=list[RequestOut],
    summary="Say what is to be measured",
)
def request_set(request: HttpRequest, sample_id: UUID, payload: RequestsIn) -> list[dict[str, Any]]:
    """Replaces the list."""
    services.analyses_request(sample=sample_id, parameters=payload.parameter_ids, by=_user(request))
    return [selectors.request_card(row) for row in selectors.request_list(sample=sample_id)]


@router.post(
    "/samples/{id:sample_id}/analyses/{id:parameter_id}/start",
    policy="results.edit",
    response=list[RequestOut],
    summary="Note that an analysis has begun",
)
def analysis_start(request: HttpRequest, sample_id: UUID, parameter_id: UUID, payload: StartIn) -> list[dict[str, Any]]:
    """Ends its holding time before there is a result, as a culture needs. Answers with the sample's list; 409
    `DUPLICATE` where it has begun already."""
    services.analysis_start(sample=sample_id, parameter=parameter_id, by=_user(request), at=payload.at)
    return [selectors.request_card(row) for row in selectors.request_list(sample=sample_id)]


@router.get("/analyses/due", policy="samples.view", response=list[RequestOut], summary="Holding times that run out")
def due_list(request: HttpRequest, query: Query[DueQuery]) -> Page:
    """Analyses that have not begun, of samples on the bench; the next one to run out first."""
    rows = selectors.due_list(search=query.search, group=query.group, late=query.late)
    return paginate(rows, query, selectors.request_card)


@router.get("/samples/{id:sample_id}/label", policy="samples.view", response=None, summary="Label", openapi_extra=_PDF)
def label(request: HttpRequest, sample_id: UUID, query: Query[LabelQuery]) -> HttpResponse:
    """One sample's label as PDF: code as QR or Code 128 and in letters, place, date, kind of water."""
    sample = lab.sample_get(id=sample_id)
    return _file(labels.labels_pdf([sample], **query.model_dump()), f"label-{sample.pk}")


@router.get("/samples/labels", policy="samples.view", response=None, summary="Sheet of labels", openapi_extra=_PDF)
def label_sheet(request: HttpRequest, query: Query[LabelsQuery]) -> HttpResponse:
    """At most 200 labels. `start` skips the places of a begun sheet that are used up."""
    samples = [lab.sample_get(id=id) for id in query.id]
    return _file(labels.labels_pdf(samples, **query.model_dump(exclude={"id"})), "labels")


def _file(content: bytes, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "private, no-store"}
    return HttpResponse(content, content_type="application/pdf", headers=headers)


def _user(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined,no-any-return]
