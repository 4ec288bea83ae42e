"""Messages to people. `notify` is what rooms call; what persons write goes through `message_send`.

The message, everybody's copies and their deliveries are rows of the transaction that makes the change: who rolls back
tells nobody. In-app copies are there with the commit, the other channels are the worker's (`delivery.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connection
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from portal.core.accounts import permissions as rights
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, Errors, Invalid, NotFound, TooLarge
from portal.core.common.ids import parse_uuid, uuid7
from portal.core.common.text import normalise
from portal.core.jobs.tasks import Running, defer
from portal.core.notifications import kinds, preferences, templates, wording
from portal.core.notifications.events import publish
from portal.core.notifications.kinds import NotificationKind
from portal.core.notifications.models import Channel, Copy, Delivery, Level, Notification, PushSubscription, Template
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization

MOST_PEOPLE: Final = 10_000
AT_ONCE: Final = 200  # people; more is a job
PART: Final = 500
ADDRESSED: Final = 100  # people in one live event of at most 8 kB
LINES: Final = 10
Status = Delivery.Status
WAITING: Final = (Status.SCHEDULED, Status.QUEUED)
BROKEN: Final = (Status.FAILED, Status.DEAD)


# --- who ----------------------------------------------------------------------------------
def people_of(
    organization: UUID, *, ids: Iterable[UUID] | None = None, permission: str = "", role: str = "", team: str = ""
) -> list[User]:
    """Active people of an organisation: named ones, holders of a right, of a role, of a department."""
    found = User.objects.filter(organization_id=organization, is_active=True, deleted_at=None)
    if ids is not None:
        found = found.filter(pk__in=list(ids))
    if role:
        found = found.filter(role__key=role)
    if team:
        found = found.filter(department=team)
    people = found.select_related("role").order_by("id")
    return [user for user in people if not permission or user.has_permission(permission)]


# --- what rooms call -----------------------------------------------------------------------
def notify(
    kind: str,
    *,
    recipients: Iterable[UUID | None] = (),
    permission: str = "",
    role: str = "",
    data: Mapping[str, Any] | None = None,
    subject: tuple[str, object] | None = None,
    link: str = "",
    organization: UUID | None = None,
    times: int = 1,
) -> UUID | None:
    """Tell people of an event, if the transaction in force commits. The id of the message, None where it reached nobody
    or joined copies that are a minute old at most.

    `recipients` are told whoever they are; holders of `permission` or `role` are told unless they did it themselves.
    All of them must hold the kind's own right. `data` are the variables of the kind's texts, `subject` the wire name
    and the id of the record, `link` the page to open where the kind names none, `times` how many
    events of a kind with `many` this is, the first of which `data` and `subject` describe. Raises KeyError for an
    unknown kind and ValueError for variables that are not the kind's: mistakes of the caller.
    """
    declared, said = kinds.get(kind), dict(data or {})
    if set(said) != set(declared.variables):
        raise ValueError(f"{kind} takes {declared.variables}, not {sorted(said)}")
    organization = organization or scope.organization_id()
    people = {user.pk: user for user in people_of(organization, ids={id for id in recipients if id})}
    if permission or role:
        doer = scope.actor().user
        people |= {u.pk: u for u in people_of(organization, permission=permission, role=role) if u.pk != doer}
    told = [user for user in people.values() if not declared.permission or user.has_permission(declared.permission)]
    if not told:
        return None
    said = {name: clock.wire(value) if isinstance(value, datetime) else value for name, value in said.items()}
    entity, record = subject or ("", "")
    group = f"{kind}:{'' if declared.many else record}"[:150] if declared.window else ""
    row = Template.objects.filter(organization_id=organization, key=kind, deleted_at=None).first()
    texts = row.texts if row else templates.shipped_texts(declared)
    words = Words(
        texts=texts,
        variables=[{"name": name, "type": _type(value)} for name, value in said.items()],
        data=said,
        organization=Organization.objects.get(pk=organization),
        many=declared,
    )
    if group:
        since = clock.now() - timedelta(seconds=declared.window)
        joined = _join(organization, group, told, words, since=since, times=times)
        told = [user for user in told if user.pk not in joined]
    if not told:
        return None
    address = reverse(declared.page, args=[record]) if declared.page and record else link
    shown = words.in_language(words.organization.language)
    with translation.override(words.organization.language):  # for what is a word of the program
        kept = orjson.loads(orjson.dumps(said, default=str))
    message = Notification.objects.create(
        organization_id=organization,
        kind=kind,
        category=declared.category,
        level=declared.level,
        priority=Notification.Priority.URGENT if declared.urgent else Notification.Priority.NORMAL,
        title=shown.title,
        message=shown.message,
        data=kept,
        subject_entity=entity,
        subject_id=str(record),
        link=address,
        channels=list(declared.channels),
        people=len(told),
        created_by_id=_known(scope.actor().user, organization),
    )
    delay = timedelta(seconds=0 if declared.urgent else declared.window)
    for start in range(0, len(told), PART):
        part = told[start : start + PART]
        _spread(message, part, words, group=group, due=clock.now() + delay, asked=False, times=times)
    return message.pk


def _known(user: UUID | None, organization: UUID) -> UUID | None:
    """The actor where they are a person of this organisation: others are not seen from inside it."""
    return user if user and User.objects.filter(pk=user, organization_id=organization).exists() else None


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "datetime" if isinstance(value, str) and clock.parse_moment(value) else "text"


# --- words ---------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Shown:
    title: str
    message: str
    many: str


@dataclass(slots=True)
class Words:
    """The texts of one message, filled in once for each language."""

    texts: templates.Texts
    variables: Sequence[Mapping[str, Any]]
    data: Mapping[str, Any]
    organization: Organization
    many: NotificationKind | None = None
    _done: dict[tuple[str, str], Shown] = field(default_factory=dict)

    def in_language(self, language: str, channel: str = Channel.IN_APP) -> Shown:
        if (language, channel) not in self._done:
            order = (self.organization.language, "en", *templates.LANGUAGES)
            words = templates.words_for(self.texts, language=language, channel=channel, fallback=order)
            with translation.override(language):
                values = wording.shown(self.variables, self.data, zone=clock.zone(self.organization.time_zone))
                many = wording.fill(str(self.many.many), values) if self.many and self.many.many else ""
            title, message = (wording.fill(words[name], values).strip() for name in ("subject", "body"))
            self._done[language, channel] = Shown(title[:300], message, many[:300])
        return self._done[language, channel]

    def of(self, user: User) -> tuple[str, Shown]:
        language = user.language or self.organization.language
        return language, self.in_language(language)


# --- copies and deliveries ---------------------------------------------------------------------
def _join(
    organization: UUID, group: str, people: Sequence[User], words: Words, *, since: datetime, times: int
) -> set[UUID]:
    """Add one to copies of equal events that people have not read yet and that are young enough; who had one. Older
    ones are closed: what comes next is a message of its own."""
    titles = [words.of(user)[1].title for user in people]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_copy c SET updated_at = now(),"
            " group_key = CASE WHEN c.created_at < %(since)s THEN '' ELSE c.group_key END,"
            " count = c.count + (c.created_at >= %(since)s)::int * %(times)s,"
            " lines = CASE WHEN c.created_at >= %(since)s AND jsonb_array_length(c.lines) < %(most)s"
            "              THEN c.lines || to_jsonb(t.title) ELSE c.lines END"
            " FROM unnest(%(users)s::uuid[], %(titles)s::text[]) AS t(user_id, title)"
            " WHERE c.organization_id = %(organization)s AND c.user_id = t.user_id AND c.group_key = %(group)s"
            " AND c.read_at IS NULL AND c.deleted_at IS NULL RETURNING c.user_id, c.group_key <> ''",
            {
                "since": since,
                "times": times,
                "most": LINES,
                "users": [user.pk for user in people],
                "titles": titles,
                "organization": organization,
                "group": group,
            },
        )
        return {user for user, joined in cursor.fetchall() if joined}


def _spread(
    message: Notification,
    people: Sequence[User],
    words: Words,
    *,
    group: str,
    due: datetime,
    asked: bool,
    times: int = 1,
) -> int:
    """Make copies and deliveries for `people`; who has one already gets no second. How many were made.

    `asked`: the channels were named by a person, so that one which a recipient switched off is kept as skipped.
    """
    now = clock.now()
    chosen = preferences.preferences_of(user.pk for user in people)
    subscribed = set(
        PushSubscription.objects.filter(user__in=[user.pk for user in people]).values_list("user_id", flat=True)
    )
    later = message.scheduled_at
    rows = []
    for user in people:
        language, shown = words.of(user)
        wanted = preferences.wants(
            chosen.get(user.pk), category=message.category, channel=Channel.IN_APP, usual=message.channels
        )
        rows.append((uuid7(), user.pk, language, shown.title, shown.many, shown.message, wanted))
    ids, users, languages, titles, many, bodies, in_app = (list(column) for column in zip(*rows, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO notifications_copy AS c (id, organization_id, notification_id, user_id, language, title, many,"
            " message, lines, count, group_key, in_app, visible_at, search_text, created_at, updated_at)"
            " SELECT t.id, %(organization)s, %(message)s, t.user_id, t.language, t.title, t.many, t.body,"
            " jsonb_build_array(t.title), %(times)s, %(group)s, t.in_app, %(visible)s, t.words, %(now)s, %(now)s"
            " FROM unnest(%(ids)s::uuid[], %(users)s::uuid[], %(languages)s::text[], %(titles)s::text[],"
            " %(many)s::text[], %(bodies)s::text[], %(in_app)s::bool[], %(words)s::text[])"
            " AS t(id, user_id, language, title, many, body, in_app, words) ORDER BY t.user_id"
            " ON CONFLICT DO NOTHING RETURNING c.id, c.user_id, c.in_app",
            {
                "organization": message.organization_id,
                "message": message.pk,
                "group": group,
                "visible": later or now,
                "times": times,
                "now": now,
                "ids": ids,
                "users": users,
                "languages": languages,
                "titles": titles,
                "many": many,
                "bodies": bodies,
                "in_app": in_app,
                "words": [normalise(f"{title} {body}") for title, body in zip(titles, bodies, strict=True)],
            },
        )
        made = cursor.fetchall()
    deliveries = []
    for copy, user_id, _in_app in made:
        for channel in Channel.values:
            usual = channel in message.channels
            on = preferences.wants(
                chosen.get(user_id), category=message.category, channel=channel, usual=message.channels
            ) and (channel != Channel.PUSH or user_id in subscribed or (asked and usual))
            if (asked and not usual) or not (on or asked):
                continue
            status = Status.SCHEDULED if later else Status.DELIVERED if channel == Channel.IN_APP else Status.QUEUED
            deliveries.append(
                Delivery(
                    organization_id=message.organization_id,
                    copy_id=copy,
                    notification=message,
                    user_id=user_id,
                    channel=channel,
                    status=status if on else Status.SKIPPED,
                    reason="" if on else "preference",
                    due_at=later or (now if channel == Channel.IN_APP else due),
                    sent_at=now if status == Status.DELIVERED else None,
                )
            )
    Delivery.objects.bulk_create(deliveries, batch_size=1000)
    if not later:
        announce(message.pk, [user for _copy, user, shown_in_app in made if shown_in_app], message.organization_id)
    return len(made)


def announce(message: UUID, users: Sequence[UUID], organization: UUID) -> None:
    """Tell the open pages of these people that something is there for them."""
    for start in range(0, len(users), ADDRESSED):
        publish(
            "notification.created",
            entity="notification",
            id=message,
            users=users[start : start + ADDRESSED],
            organization=organization,
        )


# --- what persons send ------------------------------------------------------------------------
def message_send(*, values: Mapping[str, Any], by: User) -> Notification:
    """Send, now or at `scheduledAt`, a `title` and `message`, or a template (`templateId`) with its `data`.

    To `recipients` (ids), everybody of a `role`, a `team` (department) or with `everyone`; each person once. More than
    200 people are told by a job. Raises Invalid (also for a time in the past), TooLarge above 10,000 people, NotFound.
    """
    _may(by)
    errors, organization = Errors(), Organization.objects.get(pk=scope.organization_id())
    people = _audience(values, errors)
    channels = list(dict.fromkeys(values.get("channels") or []))
    if any(channel not in Channel.values for channel in channels):
        errors.add("channels", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(Channel.values)})
    level = values.get("type") or Level.INFO
    if level not in Level.values:
        errors.add("type", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(Level.values)})
    priority = values.get("priority") or Notification.Priority.NORMAL
    if priority not in Notification.Priority.values:
        allowed = ", ".join(Notification.Priority.values)
        errors.add("priority", _("Choose one of: %(allowed)s.") % {"allowed": allowed})
    when = values.get("scheduledAt")
    if when is not None and when <= clock.now():
        errors.add("scheduledAt", _("This time is in the past."))
    link = str(values.get("link") or "")
    if link and (not link.startswith("/") or link.startswith("//") or len(link) > 300):
        errors.add("link", _("A page of Marsad, beginning with /."))
    words, template = _words(values, organization, errors)
    errors.raise_any()
    shown = words.in_language(organization.language)
    usual = template.row.channels if template else [Channel.IN_APP, Channel.EMAIL]
    message = Notification.objects.create(
        organization=organization,
        category=template.category if template else kinds.ANNOUNCEMENTS,
        kind=template.kind.key if template and template.kind else "",
        level=level,
        priority=priority,
        title=shown.title,
        message=shown.message,
        data=dict(words.data),
        link=link,
        channels=channels or usual,
        template=template.row if template and template.kind is None else None,
        scheduled_at=when,
        people=len(people),
        created_by_id=_known(by.pk, organization.pk),
    )
    if len(people) <= AT_ONCE:
        _spread(message, people, words, group="", due=clock.now(), asked=True)
    else:
        from portal.core.notifications.jobs import spread

        defer(spread, message=message.pk, people=[user.pk for user in people])
    return message


def _may(by: User) -> None:
    if not by.has_permission("notifications.manage"):
        raise Denied(_("You may not send messages."))


def _audience(values: Mapping[str, Any], errors: Errors) -> list[User]:
    organization = scope.organization_id()
    said = values.get("recipients") or []
    ids = [parse_uuid(id) for id in said]
    people = {user.pk: user for user in people_of(organization, ids=[id for id in ids if id])} if ids else {}
    if len(set(ids)) > len(people):
        errors.add("recipients", _("There is no such person among the active ones."))
    if role := values.get("role"):
        key = rights.role_key(role)
        people |= {user.pk: user for user in people_of(organization, role=key)}
    if team := values.get("team"):
        people |= {user.pk: user for user in people_of(organization, team=team)}
    if values.get("everyone"):
        people |= {user.pk: user for user in people_of(organization)}
    if not people and not errors.items:
        errors.add("recipients", _("Say who gets it: nobody is chosen."))
    if len(people) > MOST_PEOPLE:
        raise TooLarge(_("Send to at most %(limit)d people at a time.") % {"limit": MOST_PEOPLE})
    return list(people.values())


def _words(
    values: Mapping[str, Any], organization: Organization, errors: Errors
) -> tuple[Words, templates.Entry | None]:
    title, message = str(values.get("title") or "").strip(), str(values.get("message") or "").strip()
    data = dict(values.get("data") or {})
    if id := values.get("templateId"):
        try:
            entry = templates.template_get(id=id)
        except NotFound as missing:
            raise Invalid.field("templateId", missing.message) from missing
        if title or message:
            errors.add("title", _("A template brings its own words: leave title and message out."))
        errors.items += wording.data_errors(entry.row.variables, data)
        return Words(texts=entry.row.texts, variables=entry.row.variables, data=data, organization=organization), entry
    if not title or len(title) > templates.LONGEST_SUBJECT:
        errors.add("title", _("Enter a title of at most 300 characters."))
    if len(message) > templates.LONGEST_BODY:
        errors.add("message", _("Must have at most %(limit)d characters.") % {"limit": templates.LONGEST_BODY})
    plain = {language: {templates.ANY: {"subject": title, "body": message}} for language in templates.LANGUAGES}
    return Words(texts=plain, variables=[], data=data, organization=organization), None


def message_expand(*, id: UUID, people: Sequence[UUID], running: Running) -> int:
    """Make the copies of a message to many, part by part, each in a transaction of its own; a start after a kill goes
    over those who have theirs."""
    done = 0

    def part() -> int:
        message = Notification.objects.select_related("template").get(pk=id)
        organization = Organization.objects.get(pk=message.organization_id)
        words = words_of(message, organization)
        chosen = people_of(message.organization_id, ids=people[done : done + PART])
        return _spread(message, chosen, words, group="", due=clock.now(), asked=True) if chosen else 0

    made = 0
    while done < len(people):
        made += running.apart(part)
        done += PART
        running.progress(done, len(people))
    return made


def words_of(message: Notification, organization: Organization) -> Words:
    """The texts of a message that was stored, for copies and for channels that want words of their own."""
    if message.template is not None:
        texts, variables = message.template.texts, message.template.variables
    elif (kind := kinds.find(message.kind)) is not None:
        row = Template.objects.filter(
            organization_id=message.organization_id, key=message.kind, deleted_at=None
        ).first()
        texts = row.texts if row else templates.shipped_texts(kind)
        variables = [{"name": name, "type": _type(value)} for name, value in message.data.items()]
    else:
        texts = {
            code: {templates.ANY: {"subject": message.title, "body": message.message}} for code in templates.LANGUAGES
        }
        variables = []
    return Words(texts=texts, variables=variables, data=message.data, organization=organization)


# --- what waits -----------------------------------------------------------------------------
def message_get(*, id: UUID) -> Notification:
    """Raises NotFound."""
    found = Notification.objects.select_related("created_by", "template").filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such message."))
    return found


def message_retry(*, id: UUID, by: User, deliveries: Iterable[UUID] | None = None) -> int:
    """Queue again what failed or was given up, all of the message or the named deliveries. How many.

    Raises NotFound, and Conflict where nothing has failed.
    """
    _may(by)
    message = message_get(id=id)
    found = Delivery.objects.filter(notification=message, status__in=BROKEN)
    if deliveries is not None:
        found = found.filter(pk__in=list(deliveries))
    again = found.update(
        status=Status.QUEUED, due_at=clock.now(), attempts=0, claim=None, leased_until=None, reason="", error="",
        updated_at=clock.now(),
    )  # fmt: skip
    if not again:
        raise Conflict(_("Nothing of this message has failed."), code="NOT_FAILED")
    return again


def message_cancel(*, id: UUID, by: User) -> tuple[int, int]:
    """Stop what has not left yet: how many deliveries were stopped, and how many were too far.

    Raises NotFound, and Conflict where nothing waits.
    """
    _may(by)
    message = message_get(id=id)
    now = clock.now()
    rows = Delivery.objects.filter(notification=message)
    waiting = list(rows.select_for_update().filter(status__in=WAITING).values_list("pk", "copy_id", "channel"))
    if not waiting:
        raise Conflict(_("Nothing of this message is waiting."), code="NOT_WAITING")
    rows.filter(pk__in=[pk for pk, _copy, _channel in waiting]).update(
        status=Status.CANCELLED, claim=None, updated_at=now
    )
    hidden = [copy for _pk, copy, channel in waiting if channel == Channel.IN_APP]
    Copy.objects.filter(pk__in=hidden).update(in_app=False, updated_at=now)
    message.cancelled_at = now
    message.save(update_fields=["cancelled_at", "updated_at"])
    return len(waiting), rows.exclude(status__in=[Status.CANCELLED, Status.SKIPPED]).count()
