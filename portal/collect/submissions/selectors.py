"""Which submissions a person sees, and their filters, those on answers among them (C54, `contract-rooms.md`)."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import BooleanField, Count, Func, Q, QuerySet, Value
from django.db.models.fields.json import KeyTransform
from django.utils.translation import gettext as _

from portal.collect.submissions.models import Submission, SubmissionChange, SubmissionComment
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Invalid, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.common.text import normalise
from portal.core.projects import access

ANSWERS: Final = "answers."
MAP_LIMIT: Final = 2000
FEW: Final = 2000  # submissions that are looked up by their ids
SORTABLE: Final = frozenset({"created_at", "synced_at", "updated_at", "review_state"})
_NAME = re.compile(r"[a-zA-Z_]\w{0,99}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?")


class _Holds(Func):
    """Whether an answer is one of these JSON texts, or a list that holds one."""

    output_field = BooleanField()
    template = "(%(expressions)s::jsonb[]))"
    arg_joiner = " @> ANY ("


def submissions_seen(user: User) -> QuerySet[Submission]:
    """Living ones of the person's projects, and their own."""
    rows: QuerySet[Submission] = Submission.objects.filter(deleted_at=None)
    if access.sees_all_projects(user):
        return rows
    return rows.filter(Q(submitted_by=user) | Q(project__in=access.projects_of(user)))


def submission_for(user: User, id: UUID) -> Submission:
    """Raises NotFound for an unknown, deleted, foreign or unseen one."""
    found = submissions_seen(user).select_related("form", "project", "submitted_by", "reviewed_by").filter(pk=id)
    row = found.first()
    if row is None:
        raise NotFound(_("There is no such submission."))
    return row


def submission_list(
    *,
    user: User,
    form: UUID | None = None,
    project: UUID | None = None,
    person: UUID | None = None,
    states: Sequence[str] = (),
    flag: str = "",
    search: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    answers: Mapping[str, Sequence[str]] | None = None,
) -> QuerySet[Submission]:
    """`answers`: field id -> texts, one of which the answer has to be (or, of several choices, to hold). `since` and
    `until` (exclusive) bound the capture. Raises Invalid for a field that cannot be one."""
    rows = submissions_seen(user)
    if form is not None:
        rows = rows.filter(form=form)
    if project is not None:
        rows = rows.filter(project=project)
    if person is not None:
        rows = rows.filter(submitted_by=person)
    if states:
        rows = rows.filter(review_state__in=states)
    if flag == "none":
        rows = rows.filter(flags=[])
    elif flag == "any":
        rows = rows.exclude(flags=[])
    elif flag:
        rows = rows.filter(flags__contains=[{"code": flag}])
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    if until is not None:
        rows = rows.filter(created_at__lt=until)
    if search.strip():
        rows = _searched(rows, search)
    if answers:
        for name, texts in answers.items():
            rows = rows.filter(_answer_is(name, texts))
        if form is not None and all(len(text) <= 200 for texts in answers.values() for text in texts):
            _total, ids = with_answers(form, answers)
            rows = rows if ids is None else rows.filter(pk__in=ids)
    return rows


def with_answers(form: UUID, answers: Mapping[str, Sequence[str]]) -> tuple[int, list[UUID] | None]:
    """How many submissions of a form have these answers, and which, where they are few: by the index of answers."""
    wished = {name: [spelt for text in texts for spelt in {text, _spelt(text)}] for name, texts in answers.items()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT total, coalesce(ids, '{}') FROM marsad_answers_with(%s, %s::jsonb, %s)",
            [form, orjson.dumps(wished).decode(), FEW],
        )
        total, ids = cursor.fetchone()
    return total, ids if total <= FEW else None


def _spelt(text: str) -> str:
    """A number as the index spells it: `7` for `7.0`."""
    return text.rstrip("0").rstrip(".") if "." in text and _NUMBER.fullmatch(text) else text


def counted(user: User, said: Mapping[str, Any], rows: QuerySet[Submission]) -> int:
    """How many there are; where a form's answers are all that is asked for, by their index."""
    others = any(said.get(name) for name in ("project", "person", "states", "flag", "search", "since", "until"))
    short = all(len(text) <= 200 for texts in (said.get("answers") or {}).values() for text in texts)
    form = parse_uuid(said.get("form"))
    if form and said.get("answers") and short and not others and access.sees_all_projects(user):
        total, ids = with_answers(form, said["answers"])
        if ids is None:
            return total
    return rows.order_by().count()


def filtered(user: User, said: Mapping[str, Any]) -> QuerySet[Submission]:
    """`submission_list` from texts, as a job or an address keeps them: `form, project, person, states, flag, search,
    since, until, answers, sort`; newest first where `sort` names no other order."""
    rows = submission_list(
        user=user,
        form=parse_uuid(said.get("form")),
        project=parse_uuid(said.get("project")),
        person=parse_uuid(said.get("person")),
        states=said.get("states") or (),
        flag=said.get("flag") or "",
        search=said.get("search") or "",
        since=clock.parse_moment(said.get("since")),
        until=clock.parse_moment(said.get("until")),
        answers=said.get("answers"),
    )
    return ordered(rows, said.get("sort") or "")


def ordered(rows: QuerySet[Submission], sort: str) -> QuerySet[Submission]:
    """By `created_at`, `synced_at`, `updated_at`, `review_state` or `answers.<id>`, with `-` from the top."""
    name, down = sort.removeprefix("-"), sort.startswith("-")
    if name.startswith(ANSWERS):
        return rows.order_by(by_answer(name.removeprefix(ANSWERS), down=down), "-id" if down else "id")
    if name in SORTABLE:
        return rows.order_by(sort, "-id" if down else "id")
    return rows.order_by("-created_at", "-id")


def _searched(rows: QuerySet[Submission], search: str) -> QuerySet[Submission]:
    if id := parse_uuid(search.strip()):
        return rows.filter(Q(pk=id) | Q(local_sync_id=id))
    for word in normalise(search).split():
        rows = rows.filter(search_text__contains=word)
    return rows


def _answer_is(name: str, texts: Sequence[str]) -> Any:
    wished: list[str] = []
    for text in texts:
        wished.append(orjson.dumps(text).decode())
        if text in ("true", "false") or _NUMBER.fullmatch(text):
            wished.append(text)
    return _Holds(KeyTransform(field_id(name), "answers"), Value(wished))


def field_id(name: str) -> str:
    """Raises Invalid for what cannot be the id of a field."""
    if not _NAME.fullmatch(name):
        raise Invalid.field(ANSWERS + name, _("There is no such field."))
    return name


def by_answer(name: str, *, down: bool) -> Any:
    """An order by the answer to a field: numbers by size, texts by letter, without an answer last."""
    answer = KeyTransform(field_id(name), "answers")
    return answer.desc(nulls_last=True) if down else answer.asc(nulls_last=True)


def map_points(rows: QuerySet[Submission]) -> tuple[list[dict[str, Any]], int]:
    """The newest of those that have a place, and how many there are."""
    placed = rows.filter(latitude__isnull=False, longitude__isnull=False)
    points: Any = placed.order_by("-created_at", "-id").values(
        "pk", "latitude", "longitude", "created_at", "review_state", "flags", "form__name"
    )[:MAP_LIMIT]
    return list(points), placed.count()


def comments(submission: Submission) -> QuerySet[SubmissionComment]:
    return SubmissionComment.objects.filter(submission=submission, deleted_at=None).select_related("author")


def history(submission: Submission) -> QuerySet[SubmissionChange]:
    return SubmissionChange.objects.filter(submission=submission).order_by("-created_at", "-id")


def neighbours(submission: Submission, rows: QuerySet[Submission]) -> tuple[Submission | None, Submission | None]:
    """The ones captured just after and just before, for going through a form's submissions."""
    at = (submission.created_at, submission.pk)
    newer = rows.filter(Q(created_at__gt=at[0]) | Q(created_at=at[0], pk__gt=at[1])).order_by("created_at", "id")
    older = rows.filter(Q(created_at__lt=at[0]) | Q(created_at=at[0], pk__lt=at[1])).order_by("-created_at", "-id")
    return newer.first(), older.first()


def review_counts(rows: QuerySet[Submission]) -> dict[str, int]:
    return dict(rows.order_by().values_list("review_state").annotate(Count("pk")))
