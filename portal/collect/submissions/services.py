"""Changing what was received: corrections, reviews, comments, deletion. Each leaves an entry in the history."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import transaction
from django.utils.translation import gettext as _

from portal.collect.forms.selectors import compiled
from portal.collect.submissions import checks, selectors
from portal.collect.submissions.choices import Change, ReviewState
from portal.collect.submissions.models import Submission, SubmissionChange, SubmissionComment
from portal.collect.submissions.receiving import BULK, checked, search_text, unstorable, zone_of
from portal.collect.submissions.webhooks import enqueue
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import (
    Conflict,
    Denied,
    DomainError,
    IllegalTransition,
    Invalid,
    NotFound,
    TooLarge,
)
from portal.core.common.ids import parse_uuid
from portal.core.notifications.events import publish
from portal.core.sync.records import may
from portal.core.tenancy import scope

NOTED: Final = frozenset({ReviewState.REJECTED, ReviewState.HAS_ISSUES})  # states that need a note
_LENGTH: Final = 10_000


@transaction.atomic
def submission_edit(*, id: UUID, answers: Any, by: User, version: int | None = None, reason: str = "") -> Submission:
    """Correct answers: absent fields stay, null clears. Checked against the version of the form that was filled
    in.

    Whoever holds `submissions.edit` for their own alone corrects those. Raises Invalid, Denied, VERSION_CONFLICT,
    NotFound.
    """
    row = _held(id, by, "submissions.edit", version)
    if by.grants.get("submissions.edit") == "own" and row.submitted_by_id != by.pk:
        raise Denied(_("You do not have the right to do this."), meta={"permission": "submissions.edit"})
    if not isinstance(answers, dict):
        raise Invalid.field("answers", _("Must be a JSON object."))
    merged = {name: value for name, value in {**row.answers, **answers}.items() if value is not None}
    try:
        merged = orjson.loads(orjson.dumps(merged, default=float))
    except TypeError:
        raise unstorable() from None
    merged = checked(compiled(row.form_id, row.form_version), merged, now=clock.now(), zone=zone_of(by))
    changes = list(_differences(row.answers, merged))
    if not changes:
        return row
    said = row.form.settings.get("minSeconds")
    kept = [flag for flag in row.flags if flag["code"] in ("SAME_PLACE", "NOT_CREATED")]
    row.flags = kept + checks.flags(
        form=row.form_id,
        version=row.form_version,
        answers=merged,
        started=row.started_at,
        captured=row.created_at,
        statistics=row.form.statistics,
        least_seconds=said if isinstance(said, int) else None,
    )
    row.answers, row.search_text = merged, search_text(merged)
    row.review_state = ReviewState.EDITED
    _keep(row, Change.ANSWERS, changes, by, reason)
    return row


@transaction.atomic
def submission_review(*, id: UUID, state: Any, note: Any = "", by: User, version: int | None = None) -> Submission:
    """Say what a reviewer thinks. Raises Invalid for an unknown state or a missing note, ILLEGAL_TRANSITION (422) where
    it is in this state already, VERSION_CONFLICT, NotFound."""
    row = _held(id, by, "submissions.review", version)
    state, note = _review(state, note)
    if state == row.review_state and note == row.review_note:
        allowed = [value for value in ReviewState.values if value != state]
        raise IllegalTransition(_("The submission is in this state already."), meta={"allowed": allowed})
    changes = [{"field": "reviewState", "old": row.review_state, "new": state}]
    row.review_state, row.review_note = state, note
    row.reviewed_by, row.reviewed_at = by, clock.now()
    _keep(row, Change.REVIEW, changes, by, note)
    return row


@dataclass(frozen=True, slots=True)
class BulkResult:
    id: str
    error: DomainError | None


def submissions_review(*, ids: Any, state: Any, note: Any = "", by: User) -> list[BulkResult]:
    """Review many alike, each for itself. At most 200."""
    may(by, "submissions.review")
    if not isinstance(ids, list):
        raise Invalid.field("ids", _("Must be a list of UUIDs."))
    if len(ids) > BULK:
        raise TooLarge(_("Send at most %(limit)d ids at a time.") % {"limit": BULK}, meta={"limit": BULK})
    state, note = _review(state, note)
    wanted = sorted({id for said in ids if (id := parse_uuid(said))})
    with transaction.atomic():
        seen = set(selectors.submissions_seen(by).filter(pk__in=wanted).values_list("pk", flat=True))
        rows = list(Submission.objects.select_for_update(no_key=True).filter(pk__in=seen).order_by("pk"))
        now = clock.now()
        changed = [row for row in rows if row.review_state != state or row.review_note != note]
        entries = [
            SubmissionChange(
                organization_id=row.organization_id,
                submission=row,
                kind=Change.REVIEW,
                version=row.version + 1,
                by=by,
                changes=[{"field": "reviewState", "old": row.review_state, "new": state}],
                reason=note,
            )
            for row in changed
        ]
        for row in changed:
            row.review_state, row.review_note, row.version = state, note, row.version + 1
            row.reviewed_by, row.reviewed_at, row.updated_at = by, now, now
        fields = ["review_state", "review_note", "version", "reviewed_by", "reviewed_at", "updated_at"]
        Submission.objects.bulk_update(changed, fields)
        SubmissionChange.objects.bulk_create(entries)
        enqueue(event="submission.reviewed", submissions=[row.pk for row in changed])
        for project in {row.project_id for row in changed}:
            data = {"projectId": str(project), "count": sum(row.project_id == project for row in changed)}
            publish("submission.changed", entity="submission", id=None, data=data, project=project)
    return [
        BulkResult(str(said), None if parse_uuid(said) in seen else NotFound(_("There is no such submission.")))
        for said in ids
    ]


@transaction.atomic
def submission_delete(*, id: UUID, by: User, version: int | None = None) -> None:
    """Soft: its id on the device stays taken, so that a late repeat does not bring it back."""
    row = _held(id, by, "submissions.delete", version)
    row.deleted_at, row.deleted_by, row.version = clock.now(), by, row.version + 1
    row.save(update_fields=["deleted_at", "deleted_by", "version", "updated_at"])
    _tell(row)


@transaction.atomic
def comment_add(*, id: UUID, content: Any, by: User) -> SubmissionComment:
    """Raises Invalid for an empty or too long one, NotFound for a submission out of sight."""
    may(by, "submissions.create")
    row = selectors.submission_for(by, id)
    text = content.strip() if isinstance(content, str) else ""
    if not text or "\x00" in text:
        raise Invalid.field("content", _("This field is required."))
    if len(text) > _LENGTH:
        raise Invalid.field("content", _("Must have at most %(limit)d characters.") % {"limit": _LENGTH})
    comment = SubmissionComment(organization_id=scope.organization_id(), submission=row, author=by, content=text)
    comment.save()
    _tell(row)
    return comment


def reconcile(*, ids: Any, by: User) -> dict[str, Any]:
    """Which of these ids of a device are stored, for a client that lost an answer. At most 1,000."""
    may(by, "submissions.create")
    if not isinstance(ids, list) or any(parse_uuid(said) is None for said in ids):
        raise Invalid.field("localSyncIds", _("Must be a list of UUIDs."))
    if len(ids) > 1000:
        raise TooLarge(_("Send at most %(limit)d ids at a time.") % {"limit": 1000}, meta={"limit": 1000})
    wanted = {parse_uuid(said): said for said in ids}
    rows = selectors.submissions_seen(by).filter(local_sync_id__in=list(wanted))
    known = {
        row["local_sync_id"]: {
            "localSyncId": row["local_sync_id"],
            "id": row["id"],
            "version": row["version"],
            "fingerprint": row["fingerprint"],
        }
        for row in rows.values("id", "local_sync_id", "version", "fingerprint")
    }
    return {"known": list(known.values()), "unknown": [said for id, said in wanted.items() if id not in known]}


def _review(state: Any, note: Any) -> tuple[str, str]:
    if state not in ReviewState.values:
        message = _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(ReviewState.values)}
        raise Invalid.field("state", message)
    text = note.strip() if isinstance(note, str) else ""
    if state in NOTED and not text:
        raise Invalid.field("note", _("Say why in a note."))
    if len(text) > _LENGTH:
        raise Invalid.field("note", _("Must have at most %(limit)d characters.") % {"limit": _LENGTH})
    return state, text


def _held(id: UUID, by: User, right: str, version: int | None) -> Submission:
    """The submission, locked, for whoever may change it."""
    may(by, right)
    selectors.submission_for(by, id)
    row = Submission.objects.select_for_update(no_key=True, of=("self",)).select_related("form").get(pk=id)
    if version is not None and version != row.version:
        raise Conflict(_("Somebody else has changed this record in the meantime."), meta={"version": row.version})
    return row


def _keep(row: Submission, kind: Change, changes: list[dict[str, Any]], by: User, reason: str) -> None:
    row.version += 1
    row.save()
    SubmissionChange.objects.create(
        organization_id=row.organization_id,
        submission=row,
        kind=kind,
        version=row.version,
        by=by,
        changes=changes,
        reason=reason[:_LENGTH],
    )
    enqueue(event="submission.edited" if kind == Change.ANSWERS else "submission.reviewed", submissions=[row.pk])
    _tell(row)


def _tell(row: Submission) -> None:
    data = {"formId": str(row.form_id), "projectId": str(row.project_id), "reviewState": row.review_state}
    publish("submission.changed", entity="submission", id=row.pk, data=data, project=row.project_id)


def _differences(old: Any, new: Any, path: str = "") -> Iterator[dict[str, Any]]:
    """What differs, field by field: `wells[2].depth` inside of repeats (as the faults name them)."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in {**old, **new}:
            yield from _differences(old.get(name), new.get(name), f"{path}.{name}" if path else name)
    elif _rows(old) and _rows(new):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else None
            after = new[index] if index < len(new) else None
            yield from _differences(before, after, f"{path}[{index}]")
    elif old != new:
        yield {"field": path, "old": old, "new": new}


def _rows(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(x, Mapping) for x in value)
