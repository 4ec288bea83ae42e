"""Messages to people: outbox, wishes, quiet hours, digests, retries, bounces, aggregation."""

import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core import mail
from django.db import transaction
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.audit.security import raise_event
from portal.core.common import clock
from portal.core.notifications import channels, delivery, inbox, kinds, preferences, selectors, services, templates
from portal.core.notifications.channels import Letter, Permanent
from portal.core.notifications.kinds import NotificationKind, register
from portal.core.notifications.models import (
    Channel,
    Copy,
    Delivery,
    Event,
    Notification,
    Preference,
    PushSubscription,
    Suppression,
)
from portal.core.tenancy.scope import platform, tenant
from tests.core.people import Cast

pytestmark = pytest.mark.django_db(transaction=True)
Status = Delivery.Status
KEYS = {"p256dh": "B" + "A" * 86, "auth": "A" * 22}
KIND = NotificationKind(
    key="tests.read",
    label=gettext_lazy("Tasks"),
    category="tasks",
    title=gettext_lazy("New device: {{ device }}"),
    body=gettext_lazy("{{ device }}"),
    many=gettext_lazy("Tasks"),
    channels=(Channel.IN_APP, Channel.EMAIL, Channel.SMS),
)
register(KIND)


@pytest.fixture
def cast() -> Iterator[Cast]:
    yield Cast()
    kinds._kinds.pop(KIND.key, None)
    register(KIND)


def tell(user: User, device: str = "pump 7", **more: Any) -> UUID | None:
    return services.notify(KIND.key, recipients=[user.pk], data={"device": device}, **more)


def states(**where: Any) -> dict[str, tuple[str, str]]:
    with platform():
        rows = Delivery.objects.filter(**where)
        return {row.channel: (row.status, row.reason) for row in rows.order_by("created_at")}


def come_due(**where: Any) -> None:
    with platform():
        Delivery.objects.filter(status__in=services.WAITING, **where).update(due_at=clock.now() - timedelta(seconds=1))


@pytest.mark.covers("002-NOT-01", "002-JOB-01", "000-JOB-01")
def test_a_message_is_of_the_transaction_and_leaves_once(cast: Cast, settings: Any) -> None:
    with tenant(cast.a.pk):
        with transaction.atomic():
            tell(cast.bob)
            transaction.set_rollback(True)
        assert not Copy.objects.exists()
        User.objects.filter(pk=cast.bob.pk).update(language="fr")
        tell(cast.bob)
        copy = Copy.objects.get()
    assert (copy.language, copy.title.partition(": ")[2] or copy.title.partition(" : ")[2]) == ("fr", "pump 7")
    assert states() == {"in_app": ("delivered", ""), "email": ("queued", ""), "sms": ("queued", "")}

    assert delivery.work() == 0  # equal events of a minute go out together
    come_due()
    assert delivery.work() == 2
    assert delivery.work() == 0

    assert states() == {"in_app": ("delivered", ""), "email": ("sent", ""), "sms": ("skipped", "no_address")}
    (letter,) = mail.outbox
    assert letter.to == [cast.bob.email]
    assert letter.subject == " ".join(copy.title.split())  # a header has plain spaces
    assert letter.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/unsubscribe/" in letter.extra_headers["List-Unsubscribe"]
    with platform():
        assert letter.extra_headers["Message-ID"].startswith(f"<{Delivery.objects.get(channel='email').pk}@")
        assert inbox.unread_count(cast.bob) == 1
        assert Event.objects.filter(type="notification.created", groups=[f"user.{cast.bob.pk}"]).count() == 1


def test_many_equal_events_are_one_message(cast: Cast) -> None:
    with tenant(cast.a.pk):
        for number in range(100):
            tell(cast.bob, f"pump {number}")
        copy = Copy.objects.get()
        assert (copy.count, copy.lines[:2], len(copy.lines)) == (100, ["New device: pump 0", "New device: pump 1"], 10)
        assert copy.shown_title == "Tasks"
    come_due()
    delivery.work()
    assert [letter.subject for letter in mail.outbox] == ["Tasks"]

    with tenant(cast.a.pk):  # what was sent is closed, what was read too
        tell(cast.bob, "pump 100")
        assert inbox.unread_count(cast.bob) == 2
        assert inbox.read_all(by=cast.bob) == 2
        tell(cast.bob, "pump 101")
        assert sorted(Copy.objects.values_list("count", flat=True)) == [1, 1, 100]


def test_wishes_quiet_hours_and_digests(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    evening = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
    zone = clock.zone("Asia/Aden")  # three hours ahead
    night = Preference(quiet_from=time(22), quiet_to=time(7))
    assert preferences.quiet_until(night, now=evening, zone=zone) == datetime(2026, 11, 21, 7, tzinfo=zone)
    assert preferences.quiet_until(night, now=evening + timedelta(hours=6), zone=zone) is None
    hourly = Preference(digest="hourly")
    assert preferences.digest_at(hourly, now=evening, zone=zone) == datetime(2026, 11, 20, 23, tzinfo=UTC)
    daily = Preference(digest="daily")
    assert preferences.digest_at(daily, now=evening, zone=zone) == datetime(2026, 11, 21, 5, tzinfo=UTC)

    now = clock.now()
    with tenant(cast.a.pk):
        change = {
            "quietHours": {"from": f"{now - timedelta(hours=1):%H:%M}", "to": f"{now + timedelta(hours=2):%H:%M}"},
            "digest": "hourly",
            "matrix": {"tasks": {"sms": False}},
        }
        preferences.preference_change(user=cast.bob, changes=change)
        tell(cast.bob)
    come_due()
    delivery.work()
    assert states() == {"in_app": ("delivered", ""), "email": ("queued", "quiet")}
    with tenant(cast.a.pk):
        preferences.preference_change(user=cast.bob, changes={"quietHours": None})
    come_due()
    delivery.work()
    assert states() == {"in_app": ("delivered", ""), "email": ("queued", "digest")}
    with tenant(cast.a.pk):
        Copy.objects.update(group_key="")
        tell(cast.bob, "pump 8")
    come_due(digest=False)
    delivery.work()
    come_due()
    delivery.work()
    (letter,) = mail.outbox
    assert letter.subject == "2 notifications"
    assert "New device: pump 7" in letter.body
    assert "New device: pump 8" in letter.body
    with platform():
        assert set(Delivery.objects.filter(channel="email").values_list("status", flat=True)) == {"digested"}

    with tenant(cast.a.pk):  # what is urgent passes all of it
        raise_event("cross_tenant", severity="high", subject="mallory")
    delivery.work()
    assert [letter.to for letter in mail.outbox[1:]] == [[cast.alice.email]]


def test_failures_wait_longer_each_time_and_bounces_end(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    trouble: list[Exception] = [OSError("line is dead")]

    def broken(letter: Letter) -> str:
        raise trouble[0]

    monkeypatch.setitem(channels.SENDERS, Channel.EMAIL, broken)
    with tenant(cast.a.pk):
        message = services.message_send(values={"title": "Closed", "everyone": True}, by=cast.alice)
        assert message.people == 3
    waits = []
    for _attempt in range(5):
        come_due()
        delivery.work()
        with platform():
            row = Delivery.objects.filter(channel="email").order_by("id")[0]
        waits.append(round((row.due_at - clock.now()) / timedelta(minutes=1)))
    assert all(low <= wait <= high for wait, (low, high) in zip(waits, [(0, 2), (4, 6), (27, 36), (108, 144), (648, 864)], strict=True))  # fmt: skip  # noqa: E501
    come_due()
    delivery.work()
    assert states(user=cast.bob)["email"] == ("dead", "attempts")
    with tenant(cast.a.pk):
        assert services.message_retry(id=message.pk, by=cast.alice) == 3

    trouble[0] = Permanent("550 no such user", gone=True)
    delivery.work()
    assert states(user=cast.bob)["email"] == ("failed", "refused")
    with tenant(cast.a.pk):
        assert Suppression.objects.filter(reason="bounce").count() == 3
        services.message_retry(id=message.pk, by=cast.alice)
    delivery.work()
    assert states(user=cast.bob)["email"] == ("skipped", "suppressed")


def test_smtp_answers_are_read() -> None:
    refused = smtplib.SMTPRecipientsRefused({"x@test.invalid": (550, b"no")})
    user = User(email="x@test.invalid", name="X")
    letter = Letter(uuid4(), user, "en", "Title\nin two lines", ["Text"], "", "tasks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("portal.core.accounts.mail.send", lambda **_said: (_ for _ in ()).throw(refused))
        with pytest.raises(Permanent) as caught:
            channels.send_email(letter)
    assert caught.value.gone


@pytest.mark.covers("002-INT-04")
def test_pushes_are_encrypted_signed_and_forget_who_is_gone(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, dict[str, str]]] = []
    answers = [201, 410]

    class Answer:
        text = ""

        def __init__(self, code: int) -> None:
            self.status_code, self.reason, self.headers = code, "", {}

    def post(_session: Any, url: str, data: bytes, headers: dict[str, str], **_more: Any) -> Answer:
        sent.append((url, dict(headers)))
        assert b"Closed" not in data
        return Answer(answers[len(sent) - 1])

    monkeypatch.setattr("requests.Session.post", post)
    with tenant(cast.a.pk):
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        point = (
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        )
        import base64

        keys = {"p256dh": base64.urlsafe_b64encode(point).rstrip(b"=").decode(), "auth": "A" * 22}
        for path in ("one", "two"):
            values = {"endpoint": f"https://fcm.googleapis.com/fcm/send/{path}", "keys": keys}
            inbox.push_subscribe(user=cast.bob, values=values)
        said = {"title": "Closed", "recipients": [str(cast.bob.pk)], "channels": ["push"]}
        services.message_send(values=said, by=cast.alice)
    delivery.work()

    assert states() == {"push": ("sent", "")}
    assert sent[0][1]["authorization"].startswith("vapid t=")
    assert len({name.lower(): value for name, value in sent[0][1].items()}["topic"]) == 32
    with platform():
        assert PushSubscription.objects.count() == 1
    assert len(channels.vapid_public_key()) == 87


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://127.0.0.1/x",
        "https://fcm.googleapis.com.evil.test/x",
        "https://evilnotify.windows.com.test/x",
        "https://user@fcm.googleapis.com/x",
        "https://fcm.googleapis.com:22/x",
        "https://[::1/x",
    ],
)
def test_pushes_go_to_push_services_alone(endpoint: str) -> None:
    assert not inbox.push_host_allowed(endpoint)
    assert inbox.push_host_allowed("https://wns2-by3p.notify.windows.com/w/?token=1")


def test_a_killed_worker_leaves_nothing_sent_twice(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def dies(letter: Letter) -> str:
        raise Killed

    with tenant(cast.a.pk):
        User.objects.filter(pk=cast.bob.pk).update(phone="+967 1 234 567")
        said = {"title": "Closed", "recipients": [str(cast.bob.pk)], "channels": ["email", "sms"]}
        message = services.message_send(values=said, by=cast.alice)
    monkeypatch.setattr(channels, "provider_of", lambda channel: True)
    for channel in (Channel.EMAIL, Channel.SMS):
        monkeypatch.setitem(channels.SENDERS, channel, dies)
    for _channel in range(2):
        with pytest.raises(Killed):
            delivery.work(batch=1)
    assert states() == {"email": ("sending", ""), "sms": ("sending", "")}
    assert delivery.work() == 0  # somebody may be at it still

    with platform():
        Delivery.objects.update(handed_at=clock.now() - timedelta(minutes=2))
    sent: list[UUID] = []
    monkeypatch.setitem(channels.SENDERS, Channel.SMS, lambda letter: str(sent.append(letter.key)))
    delivery.work()
    assert states() == {"email": ("failed", "uncertain"), "sms": ("sent", "")}
    with platform():
        assert sent == [Delivery.objects.get(channel="sms").pk]  # the key that the provider knows already
    with tenant(cast.a.pk):
        assert selectors.message_card(Notification.objects.get(pk=message.pk))["status"] == "partial"


def test_a_template_of_the_organisation_is_what_people_read(cast: Cast) -> None:
    with tenant(cast.a.pk):
        id = templates.shipped_id(KIND.key)
        texts = {
            "ar": {
                "*": {"subject": "جهاز: {{ device }}", "body": ""},
                "email": {"subject": "بريد {{ device }}", "body": "نص"},
            }
        }
        templates.template_update(id=id, changes={"texts": texts}, by=cast.alice)
        User.objects.filter(pk=cast.bob.pk).update(language="ar")
        tell(cast.bob)
        assert Copy.objects.get().title == "جهاز: pump 7"
    come_due()
    delivery.work()
    assert mail.outbox[0].subject == "بريد pump 7"
    assert 'dir="rtl"' in str(mail.outbox[0].alternatives[0])
    with tenant(cast.a.pk):
        templates.template_restore(id=id, by=cast.alice)
        assert templates.template_get(id=id).changed is False


def test_a_callers_mistake_is_told(cast: Cast) -> None:
    with tenant(cast.a.pk):
        with pytest.raises(ValueError, match="takes"):
            services.notify(KIND.key, recipients=[cast.bob.pk], data={"pump": 7})
        with pytest.raises(KeyError):
            services.notify("tests.unknown", recipients=[cast.bob.pk])
        assert tell(cast.mallory) is None  # of another organisation
    with pytest.raises(ValueError, match="twice"):
        register(NotificationKind(key=KIND.key, label="", category="tasks", title=""))
    with pytest.raises(ValueError, match="category"):
        register(NotificationKind(key="tests.other", label="", category="none", title=""))
