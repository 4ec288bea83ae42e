"""The office's decisions on sessions: begin a review, accept or return item by item, approve, return, reject, close.

A second person decides: never the surveyor. Every decision is a new version that the surveyor's devices receive.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Denied, Errors, IllegalTransition, Invalid, TooLarge
from portal.core.common.ids import parse_uuid
from portal.core.notifications.events import publish
from portal.core.notifications.services import notify
from portal.core.projects.choices import TaskStatus
from portal.core.sync import engine, records, registry
from portal.core.tenancy import scope
from portal.survey import access
from portal.survey.choices import (
    SESSION_CHANGES,
    WITH_OFFICE,
    AttachmentStatus,
    ItemDecision,
    SessionStatus,
    SurveyType,
)
from portal.survey.flags import blocking, label_of
from portal.survey.review.models import ReviewRemark
from portal.survey.sessions import assessment, wire
from portal.survey.sessions.ground import hold
from portal.survey.sessions.models import SurveySession
from portal.survey.sessions.services import detail_set, task_step

DECISIONS: Final = {
    "approve": SessionStatus.APPROVED.value,
    "return": SessionStatus.RETURNED.value,
    "reject": SessionStatus.REJECTED.value,
}
CLOSINGS: Final = (SessionStatus.ABANDONED.value, SessionStatus.SUPERSEDED.value)
_ITEMS: Final = 10_000
_TEXT: Final = 4000
_KINDS: Final = ("point", "geometry", "attachment")


@transaction.atomic
def review_start(*, id: UUID, by: User) -> SurveySession:
    """Say that a review has begun. Raises Denied for one's own work, ILLEGAL_TRANSITION (422)."""
    session = _session(id, by)
    _step(session, SessionStatus.UNDER_REVIEW.value)
    _write(session, status=SessionStatus.UNDER_REVIEW.value, reviewer_id=by.pk, review_started_at=clock.now())
    detail_set(session, "under_review")
    _tell(session, "under_review")
    return access.session_for(by, id)


@transaction.atomic
def items_review(*, id: UUID, items: Any, by: User) -> list[ReviewRemark]:
    """Accept or return single items while the session is with the office: `{entity, entityId, decision, remark}`.

    A remark is needed for what is returned. Said again for an item, the later word counts.
    """
    session = _session(id, by)
    if session.status not in WITH_OFFICE:
        raise _refused(session)
    return _remark(session, items, by)


@transaction.atomic
def session_review(*, id: UUID, decision: Any, by: User, reason: Any = "", items: Any = ()) -> SurveySession:
    """Decide: `approve`, `return` (the surveyor goes on, revision + 1) or `reject`; with what is said of single items.

    Raises Denied (403) for one's own work, Invalid without a reason for return and reject, ILLEGAL_TRANSITION (422)
    with the allowed values where the state forbids it, or with `blocking` where something stands against an approval.
    """
    session = _session(id, by)
    errors = Errors()
    if not isinstance(decision, str) or decision not in DECISIONS:
        errors.add("decision", _("Must be one of: %(allowed)s.") % {"allowed": ", ".join(DECISIONS)})
    text = reason.strip() if isinstance(reason, str) else ""
    if reason is not None and not isinstance(reason, str):
        errors.add("reason", _("Must be text."))
    elif len(text) > _TEXT:
        errors.add("reason", _("Must have at most %(limit)d characters.") % {"limit": _TEXT})
    elif decision in ("return", "reject") and not text:
        errors.add("reason", _("Give the reason: the surveyor has to know what to do."))
    errors.raise_any()
    _step(session, DECISIONS[decision])
    remarks = _remark(session, items, by)
    if decision == "approve":
        _refuse_obstacles(session)
    with scope.acting(reason=text):
        _decide(session, decision, text, by)
    _follow(session, decision, text, by, remarks)
    return access.session_for(by, id)


def obstacles(session: SurveySession) -> list[str]:
    """What stands against an approval, for people; empty where nothing does."""
    found = []
    counts, pending = assessment.counts(session.pk)
    declared = session.declared_counts.get("attachments", 0)
    if pending or counts["attachments"] < declared:
        missing = max(pending, declared - counts["attachments"])
        found.append(_("Files that were announced have not arrived: %(count)d.") % {"count": missing})
    returned = ReviewRemark.objects.filter(
        session=session, revision=session.revision, decision=ItemDecision.RETURN
    ).count()
    if returned:
        found.append(_("Items are marked to be returned: %(count)d.") % {"count": returned})
    if session.survey_type == SurveyType.CADASTRAL_SURVEY and (codes := blocking(_flags(session))):
        said = ", ".join(label_of(code) for code in codes)
        found.append(_("A cadastral survey is not approved with: %(flags)s.") % {"flags": said})
    processing = session.attachments.filter(deleted_at=None, status=AttachmentStatus.PROCESSING).count()
    if processing:
        found.append(_("Files are still being prepared: %(count)d.") % {"count": processing})
    return found


def _flags(session: SurveySession) -> set[str]:
    found = set(session.flags)
    for rows in (session.points, session.geometries, session.attachments):
        for flags in rows.filter(deleted_at=None).exclude(flags=[]).values_list("flags", flat=True):
            found |= set(flags)
    return found


@transaction.atomic
def session_close(*, id: UUID, kind: str, reason: Any, by: User) -> SurveySession:
    """Close a session that nobody goes on with: `abandoned`, or `superseded` by another one. Raises as above."""
    session = _session(id, by)
    if kind not in CLOSINGS:
        raise Invalid.field("status", _("Must be one of: %(allowed)s.") % {"allowed": ", ".join(CLOSINGS)})
    if not isinstance(reason, str) or not reason.strip():
        raise Invalid.field("reason", _("Say why: the reason is kept with the decision."))
    _step(session, kind)
    with scope.acting(reason=reason.strip()[:1000]):
        _write(session, status=kind, reviewer_id=by.pk, reviewed_at=clock.now(), review_reason=reason.strip()[:_TEXT])
    _tell(session, kind)
    return access.session_for(by, id)


@transaction.atomic
def quality_again(*, id: UUID, by: User) -> SurveySession:
    """Work out score, flags and findings anew; neighbours may have been surveyed since."""
    records.may(by, "sessions.review")
    session = access.session_for(by, id)
    hold([session.pk])
    assessment.quality_refresh(session)
    return access.session_for(by, id)


# --- steps ------------------------------------------------------------------------------------------------------------
def _session(id: UUID, by: User) -> SurveySession:
    records.may(by, "sessions.review")
    access.session_for(by, id)
    hold([id])
    session = access.session_for(by, id)
    if session.surveyor_id == by.pk:
        raise Denied(_("You surveyed this yourself: somebody else has to review it."), meta={"rule": "OWN_WORK"})
    return session


def _step(session: SurveySession, status: str) -> None:
    if status not in SESSION_CHANGES[session.status]:
        raise _refused(session)


def _refused(session: SurveySession) -> IllegalTransition:
    ways = SESSION_CHANGES[session.status]
    said = {
        "before": session.status,
        "allowed": ", ".join(ways) or "-",
    }
    message = _("From %(before)s the status can change to: %(allowed)s.") % said
    decisions = [name for name, status in DECISIONS.items() if status in ways]
    return IllegalTransition(message, meta={"allowed": list(ways), "decisions": decisions, "status": session.status})


def _refuse_obstacles(session: SurveySession) -> None:
    if found := obstacles(session):
        codes = blocking(_flags(session)) if session.survey_type == SurveyType.CADASTRAL_SURVEY else []
        meta = {"allowed": ["return", "reject"], "blocking": found, "flags": codes}
        raise IllegalTransition(" ".join(found), meta=meta)


def _decide(session: SurveySession, decision: str, reason: str, by: User) -> None:
    returned = decision == "return"
    _write(
        session,
        status=DECISIONS[decision],
        revision=session.revision + returned,
        reviewer_id=by.pk,
        reviewed_at=clock.now(),
        review_reason=reason,
    )


def _follow(session: SurveySession, decision: str, reason: str, by: User, remarks: Sequence[ReviewRemark]) -> None:
    """Task, list of tasks, notification and live events."""
    if decision == "return" and (steps := task_step(session, TaskStatus.IN_PROGRESS)):
        engine.apply(steps, user=by.pk)
    shown = ReviewRemark.objects.filter(session=session, revision=session.revision) if decision == "return" else []
    told = [{**wire.remark(row), "entityId": str(row.entity_id)} for row in shown]
    detail_set(session, DECISIONS[decision], told)
    if decision == "return":
        notify(
            "survey.returned",
            recipients=[session.surveyor_id],
            data={"number": session.session_number, "reason": reason},
            subject=("session", session.pk),
        )
    _tell(session, DECISIONS[decision])


def _write(session: SurveySession, **values: Any) -> None:
    engine.restate("session", [{"id": session.pk, **values}])


def _tell(session: SurveySession, status: str) -> None:
    data = {"status": status, "sessionNumber": session.session_number}
    publish("session.reviewed", entity="session", id=session.pk, data=data, users=[session.surveyor_id])
    publish("session.decided", entity="session", id=session.pk, data=data)


# --- items ------------------------------------------------------------------------------------------------------------
def _remark(session: SurveySession, items: Any, by: User) -> list[ReviewRemark]:
    wanted = _read(items)
    _refuse_strangers(session, wanted)
    made = [
        ReviewRemark(
            organization_id=session.organization_id,
            session=session,
            revision=session.revision,
            entity=entity,
            entity_id=id,
            decision=said["decision"],
            remark=(said.get("remark") or "").strip(),
            reviewer=by,
        )
        for (entity, id), said in wanted.items()
    ]
    return ReviewRemark.objects.bulk_create(
        made,
        update_conflicts=True,
        unique_fields=["organization", "session", "revision", "entity", "entity_id"],
        update_fields=["decision", "remark", "reviewer", "updated_at"],
    )


def _read(items: Any) -> dict[tuple[str, UUID], Mapping[str, Any]]:
    if items is None:
        return {}
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise Invalid.field("items", _("Must be a list."))
    if len(items) > _ITEMS:
        message = _("Send at most %(limit)d items at a time.") % {"limit": _ITEMS}
        raise TooLarge(message, meta={"limit": _ITEMS, "unit": "items"})
    errors, found = Errors(), {}
    for at, item in enumerate(items):
        said = item if isinstance(item, Mapping) else {}
        entity, id, remark = said.get("entity"), parse_uuid(said.get("entityId")), said.get("remark") or ""
        collection = registry.named(entity) if isinstance(entity, str) else None
        if collection is None or collection.entity not in _KINDS:
            errors.add(f"items.{at}.entity", _("Must be one of: %(allowed)s.") % {"allowed": ", ".join(_KINDS)})
        if id is None:
            errors.add(f"items.{at}.entityId", _("Must be a UUID."))
        if said.get("decision") not in ItemDecision.values:
            allowed = ", ".join(ItemDecision.values)
            errors.add(f"items.{at}.decision", _("Must be one of: %(allowed)s.") % {"allowed": allowed})
        if not isinstance(remark, str) or len(remark) > _TEXT or "\x00" in remark:
            errors.add(f"items.{at}.remark", _("Must have at most %(limit)d characters.") % {"limit": _TEXT})
        elif said.get("decision") == "return" and not remark.strip():
            errors.add(f"items.{at}.remark", _("Say what is wrong with it."))
        if collection is not None and id is not None:
            found[collection.entity, id] = said
    errors.raise_any()
    return found


def _refuse_strangers(session: SurveySession, wanted: Mapping[tuple[str, UUID], Any]) -> None:
    for entity in _KINDS:
        ids = {id for kind, id in wanted if kind == entity}
        if not ids:
            continue
        model: Any = registry.get(entity).model
        rows = model.objects.filter(session=session, deleted_at=None, pk__in=ids)
        if ids - set(rows.values_list("pk", flat=True)):
            raise Invalid.field("items", _("The session has no such item."))
