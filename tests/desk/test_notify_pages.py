"""Pages of one's own notifications, of messages to people, and of jobs."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import defer
from portal.core.notifications import channels, delivery, inbox, jobs, preferences, services
from portal.core.notifications.models import Copy, Delivery, Notification, Template
from portal.core.projects.models import Task
from portal.core.projects.services import comment_add, task_create
from portal.core.tenancy.scope import tenant
from portal.desk.notify import demo
from tests.core.people import Cast, session_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


def portal(user: User) -> Client:
    client = Client()
    client.cookies["sessionid"] = session_of(user)
    return client


def page(client: Client, name: str, *args: Any, **query: Any) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


@pytest.mark.covers("000-RT-01")
def test_a_person_reads_what_arrived(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        row, _made = task_create(data={"title": "Read the meter", "assignedTo": str(cast.bob.pk)}, by=cast.alice)
        comment_add(task=row["id"], content=f"@{cast.bob.name}, the key is with the guard", by=cast.alice)
        assert set(Copy.objects.values_list("user", "notification__kind")) == {
            (cast.bob.pk, "task.assigned"),
            (cast.bob.pk, "task.mentioned"),
        }
    bob = portal(cast.bob)
    assert 'id="bell-count" class="bell-count">' in page(bob, "home")
    assert "Read the meter" in page(bob, "notify:bell")
    assert "Read the meter" not in page(portal(cast.carol), "notify:inbox")
    assert "the guard" in page(bob, "notify:inbox", q="guard", state="unread", category="mentions")
    assert "the guard" not in page(bob, "notify:inbox", q="guard", level="error")

    with tenant(cast.a.pk):
        first, second = Notification.objects.order_by("created_at")
    opened = bob.post(reverse("notify:open", args=[first.pk]))
    assert (opened.status_code, opened["Location"]) == (302, reverse("fieldwork:task_detail", args=[row["id"]]))
    assert bob.post(reverse("notify:read_all"), headers={"HX-Request": "true"}).status_code == 204
    assert 'class="bell-count" hidden' in page(bob, "home")
    bob.post(reverse("notify:read", args=[second.pk]), {"read": "0"})
    with tenant(cast.a.pk):
        assert inbox.unread_count(cast.bob) == 1
    assert bob.post(reverse("notify:delete", args=[second.pk])).status_code == 302
    assert portal(cast.carol).post(reverse("notify:delete", args=[first.pk])).status_code == 404
    assert 'id="bell"' not in page(portal(cast.root), "home")
    with tenant(cast.a.pk):
        assert Task.objects.count() == 1


def test_wishes_are_kept_and_one_click_unsubscribes(cast: Cast) -> None:
    bob = portal(cast.bob)
    assert 'name="tasks.email"' in page(bob, "me:preferences")
    said = {"tasks.in_app": "on", "quiet_from": "22:00", "quiet_to": "07:00", "digest": "daily"}
    assert bob.post(reverse("notify:preferences"), said).status_code == 302
    assert bob.post(reverse("notify:preferences"), {"quiet_from": "22:00", "digest": "off"}).status_code == 302
    with tenant(cast.a.pk):
        card = preferences.preference_card(preferences.preference_of(cast.bob))
    assert (card["matrix"]["tasks"]["in_app"], card["matrix"]["tasks"]["email"], card["digest"]) == (
        True,
        False,
        "daily",
    )
    assert card["matrix"]["security"]["email"] is True
    assert "notifications" not in page(portal(cast.root), "me:preferences").split("<main")[1]

    address = channels.unsubscribe_path(cast.carol, "announcements")
    assert Client().get(address).status_code == 200
    with tenant(cast.a.pk):
        assert preferences.matrix_of(preferences.preference_of(cast.carol))["announcements"]["email"]
    mailer = Client(enforce_csrf_checks=True)  # a mail program has no cookie of ours
    assert mailer.post(address, {"List-Unsubscribe": "One-Click"}).status_code == 200
    with tenant(cast.a.pk):
        assert not preferences.matrix_of(preferences.preference_of(cast.carol))["announcements"]["email"]
    assert Client().get("/unsubscribe/forged").status_code == 404
    assert bob.post(reverse("notify:push"), b"{", content_type="application/json").status_code == 422


def test_a_manager_writes_looks_and_sends(cast: Cast) -> None:
    alice = portal(cast.alice)
    said = {
        "recipients": [str(cast.bob.pk)],
        "title": "Closed on Friday",
        "message": "Until Monday",
        "level": "warning",
        "priority": "normal",
        "channels": ["in_app", "email"],
    }
    looked = alice.post(reverse("notify:compose"), said)
    assert looked.status_code == 200
    assert b"Send to 1 person" in looked.content
    with tenant(cast.a.pk):
        assert not Notification.objects.exists()
    sent = alice.post(reverse("notify:compose"), {**said, "confirmed": "1"})
    assert sent.status_code == 302
    with tenant(cast.a.pk):
        message = Notification.objects.get()
    past = {**said, "scheduled_at": "2024-01-01T12:00"}
    assert alice.post(reverse("notify:compose"), past).status_code == 422
    assert alice.post(reverse("notify:compose"), {**said, "recipients": []}).status_code == 422

    assert "Closed on Friday" in page(alice, "notify:queue", q="closed", status="queued")
    assert "Until Monday" in page(alice, "notify:message", message.pk)
    assert alice.post(reverse("notify:retry", args=[message.pk])).status_code == 302
    assert alice.post(reverse("notify:cancel", args=[message.pk])).status_code == 302
    with tenant(cast.a.pk):
        assert Delivery.objects.get(channel="email").status == "cancelled"
        Delivery.objects.filter(channel="email").update(status="dead", error="451 busy")
    assert "451 busy" in page(alice, "notify:message", message.pk)
    alice.post(reverse("notify:retry", args=[message.pk]))
    delivery.work()
    assert [letter.subject for letter in mail.outbox] == ["Closed on Friday"]
    assert "Written by people" in page(alice, "notify:stats", since="2026-01-01")

    said = {"address": "Gone@Example.test", "channel": "email", "reason": "manual"}
    assert alice.post(reverse("notify:suppressed"), said).status_code == 302
    assert "gone@example.test" in page(alice, "notify:suppressed")
    for name in ("notify:queue", "notify:compose", "notify:templates", "notify:stats", "notify:suppressed"):
        assert portal(cast.bob).get(reverse(name)).status_code == 403
        assert "Gone" not in page(portal(cast.mallory), name)
    assert portal(cast.mallory).get(reverse("notify:message", args=[message.pk])).status_code == 404


def test_templates_are_written_text_by_text(cast: Cast) -> None:
    alice = portal(cast.alice)
    said = {"name": "Closed", "language": "en", "subject": "Closed on {{ day }}", "channels": ["in_app"]}
    made = alice.post(reverse("notify:template_create"), said)
    with tenant(cast.a.pk):
        template = Template.objects.get()
    address = reverse("notify:template", args=[template.pk])
    assert made["Location"] == address
    assert alice.post(f"{address}?language=fr", {"subject": "Le {{ jour }}", "version": 1}).status_code == 422
    assert alice.post(f"{address}?language=fr", {"subject": "Fermé le {{ day }}", "version": 1}).status_code == 302
    assert "Fermé le [day]" in page(alice, "notify:template", template.pk, language="fr")
    shown = alice.post(f"{address}/preview?language=fr", {"subject": "Le {{ day }}", "body": "<b>"})
    assert "Le [day]" in shown.content.decode()
    assert "&lt;b&gt;" in shown.content.decode()
    assert alice.post(f"{address}/test").status_code == 302
    assert mail.outbox[0].to == [cast.alice.email]
    assert "Closed" in page(alice, "notify:templates", q="clos")
    assert alice.post(f"{address}/restore").status_code == 302
    assert alice.post(f"{address}/delete").status_code == 302
    assert alice.get(address).status_code == 404


def test_jobs_are_seen_and_tried_again(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        message = services.message_send(values={"title": "Closed", "everyone": True}, by=cast.alice)
        job = defer(jobs.spread, message=str(message.pk), people=[])
        Job.objects.filter(pk=job.pk).update(status="failed", error="It broke")
    root, alice = portal(cast.root), portal(cast.alice)
    assert "It broke" in page(alice, "platform:own_jobs", status="failed")
    for search, found in (("spread", True), ("Many People", True), ("nobody", False)):  # the name, and the words
        listed = page(alice, "platform:own_jobs", q=search)
        assert ("Message to many people" in listed and "notifications.spread" in listed) is found, search
    assert alice.post(reverse("platform:own_job_retry", args=[job.pk])).status_code == 302  # its row waits still
    with tenant(cast.a.pk):
        assert Job.objects.get(pk=job.pk).status == "failed"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE args->>'job' = %s", [str(job.pk)])
    assert alice.post(reverse("platform:own_job_retry", args=[job.pk])).status_code == 302
    with tenant(cast.a.pk):
        assert Job.objects.get(pk=job.pk).status == "queued"
        Job.objects.filter(pk=job.pk).update(status="failed", error="It broke")
    shown = page(root, "platform:jobs")
    assert "notifications.deliver" in shown
    assert "It broke" in shown
    assert portal(cast.bob).get(reverse("platform:own_jobs")).status_code == 403
    assert alice.get(reverse("platform:jobs")).status_code == 403
    assert portal(cast.mallory).post(reverse("platform:own_job_retry", args=[job.pk])).status_code == 404
    assert "It broke" not in page(portal(cast.mallory), "platform:own_jobs")


def test_the_demo_has_every_state(cast: Cast) -> None:
    with tenant(cast.a.pk):
        demo.fill()
        demo.fill()
        found = set(Delivery.objects.values_list("status", flat=True))
        assert found >= {"scheduled", "queued", "sent", "delivered", "failed", "dead", "cancelled", "skipped"}
        assert Delivery.objects.filter(created_at__lt=clock.now() - timedelta(days=1)).exists()
