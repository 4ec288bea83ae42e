"""Telling other programs of submissions: an outbox in the transaction of the event, sent until it arrives.

A message is sent at least once; its id (`X-Marsad-Delivery`) lets the receiver drop repeats. `X-Marsad-Signature`
proves its origin: `sha256=` and the HMAC-SHA-256, with the webhook's secret, of `<X-Marsad-Timestamp>.<body>`.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from portal.collect.forms.models import Form
from portal.collect.submissions import outside, wire
from portal.collect.submissions.choices import DeliveryStatus
from portal.collect.submissions.models import Submission, Webhook, WebhookDelivery
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Errors, NotFound
from portal.core.sync.records import may
from portal.core.tenancy import scope

EVENTS: Final = ("submission.created", "submission.edited", "submission.reviewed")
ATTEMPTS: Final = 8
FIRST_WAIT: Final = timedelta(seconds=30)  # four times as long after each attempt: the last after some two days
KEPT: Final = timedelta(days=30)


def webhook_list(*, form: Form, shown: int = 0) -> QuerySet[Webhook]:
    """With the last `shown` messages of each in `newest`."""
    last = WebhookDelivery.objects.order_by("-created_at", "-id")[:shown]
    found = Webhook.objects.filter(form=form).order_by("name", "id")
    return found.prefetch_related(Prefetch("deliveries", last, to_attr="newest")) if shown else found


def webhook_for(*, form: Form, id: UUID) -> Webhook:
    found = Webhook.objects.filter(form=form, pk=id).first()
    if found is None:
        raise NotFound(_("There is no such webhook."))
    return found


def webhook_create(*, form: Form, data: Mapping[str, Any], by: User) -> Webhook:
    """Raises Invalid naming the field; the secret is ours, to be copied by whoever receives."""
    may(by, "forms.webhooks")
    hook = Webhook(
        organization_id=scope.organization_id(), form=form, secret=secrets.token_urlsafe(32), events=[EVENTS[0]]
    )
    _take(hook, {"name": "", "url": "", **data})
    hook.save()
    return hook


def webhook_update(*, hook: Webhook, data: Mapping[str, Any], by: User) -> Webhook:
    may(by, "forms.webhooks")
    _take(hook, data)
    hook.save()
    return hook


def webhook_delete(*, hook: Webhook, by: User) -> None:
    may(by, "forms.webhooks")
    hook.delete()


def _take(hook: Webhook, data: Mapping[str, Any]) -> None:
    errors = Errors()
    if "name" in data:
        hook.name = str(data["name"] or "").strip()[:100]
        if not hook.name:
            errors.add("name", _("This field is required."))
    if "url" in data:
        hook.url = outside.check_url(data["url"])
    if "events" in data:
        said = data["events"]
        if not isinstance(said, list) or not said or set(map(str, said)) - set(EVENTS):
            errors.add("events", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(EVENTS)})
        else:
            hook.events = [name for name in EVENTS if name in said]
    if isinstance(data.get("isActive"), bool):
        hook.is_active = data["isActive"]
    errors.raise_any()


def enqueue(*, event: str, submissions: Sequence[UUID]) -> int:
    """Put a message for each webhook that wants the event into the outbox, in the transaction in force."""
    from portal.collect.submissions.jobs import deliver
    from portal.core.jobs.tasks import defer

    rows = dict(Submission.objects.filter(pk__in=submissions).values_list("pk", "form_id"))
    hooks: dict[UUID, list[Webhook]] = {}
    for hook in Webhook.objects.filter(form__in=set(rows.values()), is_active=True):
        if event in hook.events:
            hooks.setdefault(hook.form_id, []).append(hook)
    made = [
        WebhookDelivery(organization_id=scope.organization_id(), webhook=hook, submission_id=id, event=event)
        for id, form in rows.items()
        for hook in hooks.get(form, ())
    ]
    if made:
        WebhookDelivery.objects.bulk_create(made)
        defer(deliver)
    return len(made)


def deliver_next() -> bool:
    """Send the message of the organisation in force that waits longest; False where none is due.

    The row stays locked while it is on its way: two workers never send the same one at the same time.
    """
    delivery = (
        WebhookDelivery.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("webhook", "submission")
        .filter(status=DeliveryStatus.WAITING, due_at__lte=clock.now())
        .order_by("due_at", "id")
        .first()
    )
    if delivery is None:
        return False
    if not delivery.webhook.is_active:
        delivery.status, delivery.error = DeliveryStatus.FAILED, str(_("The webhook was switched off."))
        delivery.save(update_fields=["status", "error", "updated_at"])
        return True
    _send(delivery)
    return True


def _send(delivery: WebhookDelivery) -> None:
    now = clock.now()
    row = wire.plain(Submission.objects.filter(pk=delivery.submission_id)).get()
    body = orjson.dumps(
        {"id": delivery.pk, "event": delivery.event, "at": clock.wire(now), "submission": wire.submission(row)}
    )
    stamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Marsad-Webhook/1",
        "X-Marsad-Event": delivery.event,
        "X-Marsad-Delivery": str(delivery.pk),
        "X-Marsad-Timestamp": stamp,
        "X-Marsad-Signature": f"sha256={signature(delivery.webhook.secret, stamp, body)}",
    }
    delivery.attempts += 1
    try:
        delivery.answer_status, said = outside.post(delivery.webhook.url, body, headers)
        delivery.error = "" if 200 <= delivery.answer_status < 300 else said[:300].replace("\x00", "")
    except OSError as error:
        delivery.answer_status, delivery.error = None, (str(error) or type(error).__name__)[:300]
    if delivery.answer_status is not None and 200 <= delivery.answer_status < 300:
        delivery.status, delivery.delivered_at = DeliveryStatus.DELIVERED, clock.now()
    elif delivery.attempts >= ATTEMPTS:
        delivery.status = DeliveryStatus.FAILED
    else:
        delivery.due_at = clock.now() + FIRST_WAIT * 4 ** (delivery.attempts - 1)
    delivery.save()


def signature(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def deliveries(*, hook: Webhook) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(webhook=hook).order_by("-created_at", "-id")


@transaction.atomic
def delivery_retry(*, hook: Webhook, id: UUID, by: User) -> WebhookDelivery:
    """Send a message once more, now. Raises NotFound."""
    from portal.collect.submissions.jobs import deliver
    from portal.core.jobs.tasks import defer

    may(by, "forms.webhooks")
    found = WebhookDelivery.objects.filter(webhook=hook, pk=id).first()
    if found is None:
        raise NotFound(_("There is no such delivery."))
    found.status, found.attempts, found.due_at = DeliveryStatus.WAITING, 0, clock.now()
    found.save(update_fields=["status", "attempts", "due_at", "updated_at"])
    defer(deliver)
    return found


def webhook_as_wire(hook: Webhook, *, secret: bool = False) -> dict[str, Any]:
    return {
        "id": hook.pk,
        "formId": hook.form_id,
        "name": hook.name,
        "url": hook.url,
        "events": hook.events,
        "isActive": hook.is_active,
        "createdAt": clock.wire(hook.created_at),
        "updatedAt": clock.wire(hook.updated_at),
    } | ({"secret": hook.secret} if secret else {})


def delivery_as_wire(row: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": row.pk,
        "event": row.event,
        "submissionId": row.submission_id,
        "status": row.status,
        "attempts": row.attempts,
        "answerStatus": row.answer_status,
        "error": row.error or None,
        "createdAt": clock.wire(row.created_at),
        "dueAt": clock.wire(row.due_at) if row.status == DeliveryStatus.WAITING else None,
        "deliveredAt": clock.wire(row.delivered_at),
    }


def purge() -> int:
    """Forget messages that are done, after 30 days; in a platform scope."""
    done = WebhookDelivery.objects.exclude(status=DeliveryStatus.WAITING).filter(created_at__lt=clock.now() - KEPT)
    return done.delete()[0]
