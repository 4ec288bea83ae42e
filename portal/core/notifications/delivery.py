"""The worker's side: what is due leaves once.

A worker leases rows (`SKIP LOCKED`), marks each one `sending` in a transaction of its own just before it hands it over,
and `sent` after. Who was killed before the mark has handed nothing over: the lease ends and another worker takes the
row. Who was killed after it may have: a provider that knows our key is asked again, an e-mail is marked as failed with
the reason `uncertain`, for people to decide (its Message-ID stays the same). Nothing is ever sent twice by itself.
"""

import logging
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import Count
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.monitoring.counters import counted
from portal.core.monitoring.prometheus import Gauge
from portal.core.notifications import channels, preferences, services, templates
from portal.core.notifications.channels import Letter, Permanent
from portal.core.notifications.events import publish
from portal.core.notifications.kinds import CATEGORIES, SECURITY
from portal.core.notifications.models import Channel, Copy, Delivery, Notification, Preference, Suppression
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import Actor, platform

BATCH: Final = 50
LEASE: Final = timedelta(seconds=30)
UNCERTAIN_AFTER: Final = timedelta(seconds=60)  # a provider has at most ten seconds to answer
BACKOFF: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
DIGEST_LINES: Final = 100
Status = Delivery.Status
_WORKER: Final = Actor(name="notifications", via="job")

logger = logging.getLogger(__name__)


def gauges() -> list[Gauge]:
    """Deliveries that wait or are under way."""
    with _apart():
        found = Delivery.objects.filter(status__in=[*services.WAITING, Status.SENDING]).order_by()
        rows = found.values_list("channel", "status").annotate(count=Count("id"))
        counts = [((channel, status), float(count)) for channel, status, count in rows]
    return [Gauge("deliveries_waiting", "Deliveries that wait or are under way", ("channel", "status"), counts)]


def _apart() -> AbstractContextManager[None]:
    """A short transaction across organisations."""
    return platform(by=_WORKER)


def work(*, seconds: float = 30.0, batch: int = BATCH) -> int:
    """Send what is due, for `seconds` at most; how many deliveries were settled."""
    settled, end = 0, time.monotonic() + seconds
    recover()
    while time.monotonic() < end:
        claim = uuid4()
        taken = _lease(claim, batch)
        if not taken:
            break
        settled += _settle(taken, claim)
    return settled


def recover() -> int:
    """Look after what a killed worker had under way; how many there were."""
    now = clock.now()
    with _apart():
        lost = Delivery.objects.filter(status=Status.SENDING, handed_at__lt=now - UNCERTAIN_AFTER)
        again = lost.filter(channel__in=channels.IDEMPOTENT).update(
            status=Status.QUEUED, due_at=now, claim=None, leased_until=None, updated_at=now
        )
        return again + lost.update(status=Status.FAILED, reason="uncertain", updated_at=now)


def _lease(claim: UUID, batch: int) -> list[Delivery]:
    now = clock.now()
    with _apart():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE notifications_delivery SET claim = %(claim)s,"
                " leased_until = %(until)s WHERE id IN"
                " (SELECT id FROM notifications_delivery WHERE status IN ('scheduled', 'queued') AND due_at <= %(now)s"
                "  AND (leased_until IS NULL OR leased_until < %(now)s)"
                "  ORDER BY due_at, id LIMIT %(batch)s FOR UPDATE SKIP LOCKED)",
                {"claim": claim, "now": now, "until": now + LEASE, "batch": batch},
            )
            if not cursor.rowcount:
                return []
        rows = Delivery.objects.filter(claim=claim, status__in=services.WAITING)
        return list(rows.select_related("copy", "notification__template", "user").order_by("due_at", "id"))


def _settle(taken: Sequence[Delivery], claim: UUID) -> int:
    """Every leased row: shown, put off, left out or sent."""
    now, users = clock.now(), {row.user_id for row in taken}
    with _apart():
        chosen = preferences.preferences_of(users)
        organizations = Organization.objects.in_bulk({row.organization_id for row in taken})
        blocked = set(
            Suppression.objects.filter(organization__in=organizations).values_list(
                "organization_id", "channel", "address"
            )
        )
        waiting = [row for row in taken if not _show(row, claim, now)]
        letters = []
        for row in waiting:
            organization = organizations[row.organization_id]
            change = _verdict(row, chosen.get(row.user_id), organization, blocked, now)
            if change:
                _mark(row, claim, services.WAITING, **change)
            else:
                letters.append((row, organization))
    for row, organization in letters:
        _send(row, organization, claim)
    with _apart():
        for id in organizations:
            publish("messages.changed", entity="notification", id=None, organization=id)
    return len(taken)


def _show(row: Delivery, claim: UUID, now: datetime) -> bool:
    """A scheduled notification appears in the portal."""
    if row.channel != Channel.IN_APP:
        return False
    if _mark(row, claim, services.WAITING, status=Status.DELIVERED, sent_at=now):
        services.announce(row.notification_id, [row.user_id], row.organization_id)
    return True


def _verdict(
    row: Delivery,
    preference: Preference | None,
    organization: Organization,
    blocked: set[tuple[UUID, str, str]],
    now: datetime,
) -> dict[str, Any] | None:
    """Why a delivery does not leave now; None where it does."""
    message, address = row.notification, channels.address_of(row.user, row.channel)
    if not row.user.is_active or row.user.deleted_at:
        return {"status": Status.SKIPPED, "reason": "inactive"}
    if not preferences.wants(preference, category=message.category, channel=row.channel, usual=[row.channel]):
        return {"status": Status.SKIPPED, "reason": "preference"}
    if not address:
        return {"status": Status.SKIPPED, "reason": "no_address"}
    if (row.organization_id, row.channel, address.lower()) in blocked:
        return {"status": Status.SKIPPED, "reason": "suppressed"}
    if not channels.provider_of(row.channel):
        return {"status": Status.SKIPPED, "reason": "no_provider"}
    if message.priority == Notification.Priority.URGENT or message.category == SECURITY:
        return None
    zone = preferences.zone_of(preference, organization)
    if end := preferences.quiet_until(preference, now=now, zone=zone):
        return {"status": Status.QUEUED, "due_at": end, "reason": "quiet", "claim": None, "leased_until": None}
    digests = preference is not None and preference.digest != Preference.Digest.OFF and row.channel == Channel.EMAIL
    if digests and not row.digest:
        assert preference is not None
        due = preferences.digest_at(preference, now=now, zone=zone)
        return {
            "status": Status.QUEUED, "due_at": due, "digest": True, "reason": "digest", "claim": None,
            "leased_until": None,
        }  # fmt: skip
    return None


def _mark(row: Delivery, claim: UUID, states: Sequence[str], /, **values: Any) -> bool:
    """Change a row that is still ours and still in one of `states`: an expired lease or a cancellation wins."""
    found = Delivery.objects.filter(pk=row.pk, claim=claim, status__in=list(states))
    changed = found.update(updated_at=clock.now(), **values) == 1
    if changed and values.get("status", Status.SENDING) != Status.SENDING:
        state = "retried" if values.get("reason") == "retry" else values["status"]
        counted("deliveries", channel=row.channel, state=str(state))
    return changed


def _send(row: Delivery, organization: Organization, claim: UUID) -> None:
    now = clock.now()
    with _apart():
        ours = _mark(
            row, claim, services.WAITING, status=Status.SENDING, handed_at=now, attempts=row.attempts + 1, reason=""
        )
        if not ours:
            return
        Copy.objects.filter(pk=row.copy_id).exclude(group_key="").update(group_key="")  # what comes next is another one
        row.copy.refresh_from_db()
        together = _digest(row, claim, now) if row.digest else []
        letter = _digest_letter(row, [row, *together]) if row.digest else _letter(row, organization)
    try:
        provider_id = channels.SENDERS[Channel(row.channel)](letter)  # outside of any transaction: it may take seconds
    except Permanent as refused:
        _broken(row, claim, refused, permanent=True, together=together)
    except Exception as error:  # noqa: BLE001  whatever a provider's library raises
        logger.warning("delivery %s by %s failed: %s", row.pk, row.channel, error)
        _broken(row, claim, error, permanent=False, together=together)
    else:
        with _apart():
            done = {"sent_at": clock.now(), "error": "", "reason": ""}
            states = (Status.SENDING, Status.FAILED)  # a slow provider: somebody took us for dead
            _mark(
                row,
                claim,
                states,
                status=Status.DIGESTED if row.digest else Status.SENT,
                provider_id=provider_id,
                **done,
            )
            Delivery.objects.filter(pk__in=[other.pk for other in together], claim=claim).update(
                status=Status.DIGESTED, provider_id=provider_id, updated_at=clock.now(), **done
            )


def _broken(row: Delivery, claim: UUID, error: Exception, *, permanent: bool, together: Sequence[Delivery]) -> None:
    """Put a failed attempt off with jitter, or give it up; a bounced address gets nothing more."""
    now, attempts = clock.now(), row.attempts + 1
    values: dict[str, Any] = {"error": (str(error) or type(error).__name__)[:500], "leased_until": None}
    if permanent:
        values |= {"status": Status.FAILED, "reason": "refused"}
    elif attempts > len(BACKOFF):
        values |= {"status": Status.DEAD, "reason": "attempts"}
    else:
        wait = BACKOFF[attempts - 1] * random.uniform(0.9, 1.2)  # noqa: S311  spreads the load
        values |= {"status": Status.QUEUED, "reason": "retry", "due_at": now + wait}
    with _apart():
        for other in (row, *together):
            _mark(other, claim, (Status.SENDING,), **values)
        if permanent and getattr(error, "gone", False) and row.channel != Channel.PUSH:
            Suppression.objects.get_or_create(
                organization_id=row.organization_id,
                channel=row.channel,
                address=channels.address_of(row.user, row.channel).lower(),
                defaults={"reason": Suppression.Reason.BOUNCE, "note": values["error"][:300]},
            )


# --- words ------------------------------------------------------------------------------------
def _letter(row: Delivery, organization: Organization) -> Letter:
    copy, message = row.copy, row.notification
    title, body = copy.shown_title, copy.shown_message
    if copy.count == 1 and (message.kind or message.template_id):
        shown = services.words_of(message, organization).in_language(copy.language, row.channel)
        title, body = shown.title or title, shown.message
    return Letter(
        key=row.pk,
        user=row.user,
        language=copy.language,
        title=title,
        paragraphs=[line for line in body.splitlines() if line.strip()],
        link=message.link,
        category=message.category,
    )


def _digest(row: Delivery, claim: UUID, now: datetime) -> list[Delivery]:
    """All other e-mails of the person's digest that are due, now ours."""
    found = Delivery.objects.filter(
        user=row.user_id, channel=row.channel, digest=True, status=Status.QUEUED, due_at__lte=now
    ).select_for_update(skip_locked=True)
    ids = list(found.values_list("pk", flat=True)[: DIGEST_LINES - 1])
    Delivery.objects.filter(pk__in=ids).update(status=Status.SENDING, claim=claim, handed_at=now, updated_at=now)
    others = Delivery.objects.filter(pk__in=ids).select_related("copy", "notification", "user")
    return list(others)


def _digest_letter(row: Delivery, rows: Sequence[Delivery]) -> Letter:
    language = row.copy.language
    by_category: dict[str, list[str]] = {}
    for one in sorted(rows, key=lambda one: one.copy.visible_at):
        by_category.setdefault(one.notification.category, []).append(one.copy.shown_title)
    with translation.override(language):
        count = len(rows)
        title = ngettext("%(count)d notification", "%(count)d notifications", count) % {"count": count}
        paragraphs = [
            "\n".join([f"{CATEGORIES.get(category, category)}:", *(f"• {line}" for line in lines)])
            for category, lines in by_category.items()
        ]
        paragraphs.append(_("You get this summary because you chose it in your preferences."))
    return Letter(
        key=row.pk,
        user=row.user,
        language=language,
        title=title,
        paragraphs=paragraphs,
        link="/notifications",
        category=row.notification.category,
    )


def try_out(*, user: User, template: templates.Entry, data: Mapping[str, Any]) -> None:
    """Send a template to oneself by e-mail, at once: to see it where it will be read."""
    language = user.language or translation.get_language() or "en"
    shown = templates.preview(
        texts=template.row.texts,
        variables=template.row.variables,
        data=data,
        language=language,
        channel=Channel.EMAIL,
    )
    channels.send_email(
        Letter(
            key=uuid4(),
            user=user,
            language=language,
            title=shown["subject"],
            paragraphs=shown["body"].splitlines(),
            link="",
            category=template.category,
        )
    )
