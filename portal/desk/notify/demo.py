"""Notifications of the demo's people: every kind, every state, a month of figures."""

from datetime import timedelta
from random import Random

from django.db.models import F

from portal.core.accounts.models import User
from portal.core.accounts.permissions import ADMIN
from portal.core.common import clock
from portal.core.notifications import services, templates
from portal.core.notifications.models import Channel, Copy, Delivery, Notification, Suppression, Template
from portal.core.projects.models import Task
from portal.core.tenancy import scope
from portal.lab.choices import SampleStatus
from portal.lab.models import Sample

KEY = "laboratory-closed"
TEXTS = {
    "ar": {"*": {"subject": "المختبر مغلق يوم {{ day }}", "body": "تُستلم العينات من جديد يوم {{ next }}."}},
    "fr": {"*": {"subject": "Laboratoire fermé le {{ day }}", "body": "Les échantillons sont repris le {{ next }}."}},
    "en": {"*": {"subject": "Laboratory closed on {{ day }}", "body": "Samples are taken in again on {{ next }}."}},
}
LETTERS = [
    ("info", "Inventaire du dépôt", "Merci de compter les flacons stériles avant jeudi.", ["in_app", "email"]),
    ("success", "اعتماد المختبر جُدّد", "جُدّد الاعتماد لثلاث سنوات. شكرا لكم جميعا.", ["in_app", "email"]),
    (
        "warning",
        "Cold room 2 at 9 °C",
        "Move samples to cold room 1 until the compressor is repaired.",
        ["in_app", "sms"],
    ),
    (
        "error",
        "Panne du spectromètre",
        "Les métaux sont mesurés à Meknès jusqu’à nouvel ordre.",
        ["in_app", "email", "push"],
    ),
]
# What became of deliveries that leave Marsad, so often in a hundred.
OUTCOMES = [("sent", "", 70), ("digested", "", 8), ("skipped", "preference", 8), ("failed", "refused", 5),
            ("dead", "attempts", 4), ("queued", "retry", 5)]  # fmt: skip


def fill() -> None:
    """In the organisation's scope; once."""
    if Template.objects.filter(key=KEY).exists():
        return
    dice, now = Random(2026), clock.now()  # noqa: S311  the same demo everywhere
    people = services.people_of(scope.organization_id())
    admin = next(user for user in people if user.role_key == ADMIN)
    variables = [{"name": "day", "type": "date"}, {"name": "next", "type": "date"}]
    values = {"name": "Laboratory closed", "key": KEY, "texts": TEXTS, "variables": variables}
    template = templates.template_create(values=values, by=admin).row
    _events(people)
    for level, title, message, channels in LETTERS * 3:
        said = {"title": title, "message": message, "type": level, "channels": channels, "everyone": True}
        services.message_send(values=said, by=admin)
    _age(dice)
    day = {"day": f"{now + timedelta(days=9):%Y-%m-%d}", "next": f"{now + timedelta(days=10):%Y-%m-%d}"}
    later = {"templateId": template.pk, "data": day, "everyone": True, "scheduledAt": now + timedelta(days=7)}
    services.message_send(values=later, by=admin)
    dropped = {"title": "Réunion de lundi", "everyone": True, "scheduledAt": now + timedelta(days=2)}
    services.message_cancel(id=services.message_send(values=dropped, by=admin).pk, by=admin)
    for address, reason in (("ancien.client@example.org", "bounce"), ("plus.jamais@example.org", "complaint")):
        Suppression.objects.create(
            organization_id=scope.organization_id(), channel=Channel.EMAIL, address=address, reason=reason
        )


def _events(people: list[User]) -> None:
    tasks = list(Task.objects.filter(deleted_at=None, assigned_to__isnull=False).order_by("-created_at", "id")[:12])
    for task in tasks:
        services.notify(
            "task.assigned", recipients=[task.assigned_to_id], data={"title": task.title}, subject=("task", task.pk)
        )
        said = {"person": people[0].name, "title": task.title, "comment": "@Karim Bennani: le gardien a la clé."}
        services.notify(
            "task.mentioned", recipients=[user.pk for user in people[:4]], data=said, subject=("task", task.pk)
        )
        Copy.objects.update(group_key="")
    for sample in Sample.objects.filter(status=SampleStatus.REJECTED, deleted_at=None).order_by("-created_at", "id")[
        :6
    ]:
        said = {"code": sample.code, "reason": "Flacon cassé"}
        services.notify("sample.rejected", permission="samples.validate", data=said, subject=("sample", sample.pk))
    said = {"device": "Galaxy Tab A9", "person": people[-1].name}
    services.notify("device.new", permission="devices.view", data=said)


def _age(dice: Random) -> None:
    """Spread what was made over a month, and say what became of it."""
    for message in Notification.objects.order_by("created_at", "id"):
        back = timedelta(minutes=dice.randint(30, 30 * 24 * 60))
        rows = Delivery.objects.filter(notification=message)
        rows.update(created_at=F("created_at") - back, due_at=F("due_at") - back, sent_at=F("sent_at") - back)
        Copy.objects.filter(notification=message).update(
            created_at=F("created_at") - back, visible_at=F("visible_at") - back, group_key=""
        )
        Notification.objects.filter(pk=message.pk).update(created_at=F("created_at") - back)
        for copy in Copy.objects.filter(notification=message):
            if dice.random() < 0.6:
                wait = timedelta(minutes=dice.randint(1, int(back.total_seconds() // 60)))
                Copy.objects.filter(pk=copy.pk).update(read_at=copy.visible_at + wait)
    for row in Delivery.objects.exclude(channel=Channel.IN_APP).filter(status=Delivery.Status.QUEUED):
        status, reason, _weight = dice.choices(OUTCOMES, [weight for *_words, weight in OUTCOMES])[0]
        row.status, row.reason = status, reason
        if status in ("sent", "digested"):
            row.sent_at, row.attempts = row.due_at, 1
        elif status == "queued":
            row.due_at, row.attempts = clock.now() + timedelta(hours=10), 4
        elif status != "skipped":
            row.attempts, row.error = 6, "451 4.3.0 Mailbox busy" if status == "dead" else "550 5.1.1 User unknown"
        row.save()
