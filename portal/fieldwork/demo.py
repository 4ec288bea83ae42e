"""Three made-up projects with their tasks, in Arabic, through the same services as real work."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.projects import members, services
from portal.core.projects.models import Project
from portal.core.tenancy import scope
from portal.fieldwork.images import demo as pictures


class Plan(NamedTuple):
    """A project: what it is, its status, its window in days from today, what is done at which places."""

    name: str
    description: str
    status: str
    begins: int
    ends: int
    region: str
    deeds: Sequence[tuple[str, str]]
    places: Sequence[str]


PLANS: Final = (
    Plan(
        "رصد جودة مياه الآبار بسهل الشاوية",
        "أخذ عينات من آبار الشرب والسقي بسهل الشاوية، وتحديد مصادر النترات، وتصوير حالة كل بئر ومحيطها.",
        "Active", -60, 120, "الشاوية",
        (
            ("أخذ عينة من بئر {}", "قس درجة الحرارة والأس الهيدروجيني في عين المكان قبل أخذ العينة."),
            ("تصوير بئر {} ومحيطها", "أربع صور: الفوهة، المضخة، الطريق، وأقرب مصدر تلوث."),
            ("قياس منسوب الماء في بئر {}", "القياس قبل تشغيل المضخة بساعة على الأقل."),
            ("استجواب مالك بئر {}", "اسأل عن العمق وسنة الحفر واستعمال الأسمدة."),
        ),
        ("أولاد عبو", "سيدي رحال", "الكارة", "بوزنيقة", "أولاد زيان", "سيدي حجاج"),
    ),
    Plan(
        "مراقبة شبكة مياه الشرب بالدار البيضاء",
        "مراقبة الكلور المتبقي والتعكر في نقط نهاية الشبكة خلال فصل الشتاء.",
        "Active", -20, 70, "الدار البيضاء",
        (
            ("قياس الكلور المتبقي في {}", "خذ العينة بعد دقيقتين من الجريان."),
            ("معاينة خزان {}", "تحقق من الأقفال والتهوية ونظافة الغطاء."),
            ("أخذ عينة بكتيرية في {}", "قنينة معقمة، نقل في درجة أقل من أربع، أقل من ست ساعات."),
            ("تحيين بطاقة نقطة الأخذ {}", "تأكد من الإحداثيات واسم الحي."),
        ),
        ("أنفا", "عين الشق", "الحي الحسني", "سيدي مومن", "عين السبع", "ابن مسيك"),
    ),
    Plan(
        "جرد منابع الأطلس المتوسط",
        "جرد أولي للمنابع المستعملة في الشرب: الموقع، الصبيب، الحماية.",
        "Completed", -300, -30, "الأطلس المتوسط",
        (
            ("تحديد موقع منبع {}", "دقة أقل من خمسة أمتار."),
            ("قياس صبيب منبع {}", "ثلاثة قياسات بالدلو والساعة."),
        ),
        ("عين اللوح", "عين تيط", "سيدي المخفي", "أزرو", "إفران", "الحاجب"),
    ),
)  # fmt: skip
PER_PROJECT: Final = 20
_ROLES: Final = ("مسؤول الفريق", "تقني الميدان", "تقني الميدان", "سائق ومساعد")
_COMMENTS: Final = (
    "المفتاح عند الحارس، اتصل به قبل الوصول.",
    "الطريق مقطوعة بعد المطر، سأعود غداً.",
    "تم. الصور مرفقة على الجهاز.",
    "المالك غير موجود، أعيد الموعد إلى الأسبوع المقبل.",
)


def fill() -> None:
    """Load the projects, unless they are there."""
    if Project.objects.exists():
        return
    people = list(
        User.objects.select_related("role").filter(is_active=True, deleted_at=None).order_by("created_at", "pk")
    )
    chief = next((p for p in people if p.role_key == "Manager"), None) or next(
        p for p in people if p.role_key == "Admin"
    )
    workers = [p for p in people if p.role_key in ("Technician", "Agent")]
    random, now = Random(2026), clock.now()  # noqa: S311  (made-up data, the same each time)
    with scope.acting(user=chief.pk, name=chief.name, email=chief.email, role=chief.role_key):
        for plan in PLANS:
            _project(plan, chief, workers, random, now)
        pictures.fill(project=Project.objects.get(name=PLANS[0].name).pk, by=chief, random=random)


def _project(plan: Plan, chief: User, workers: Sequence[User], random: Random, now: datetime) -> None:
    window = {
        "startDate": clock.wire(now + timedelta(days=plan.begins)),
        "endDate": clock.wire(now + timedelta(days=plan.ends)),
    }
    data = {"name": plan.name, "description": plan.description, "metadata": {"المنطقة": plan.region}, **window}
    project, _new = services.project_create(data=data | {"status": "Active"}, by=chief)
    crew = list(workers)[: len(_ROLES)]
    for worker, role in zip(crew, _ROLES, strict=False):
        members.member_add(project=project["id"], user=worker.pk, role_in_project=role, by=chief)
    closed = plan.status == "Completed"
    for number in range(PER_PROJECT):
        _task(plan, number, project["id"], chief, crew, random, now, closed=closed)
    if closed:
        services.project_update(id=project["id"], data={"status": plan.status}, by=chief)


def _task(
    plan: Plan,
    number: int,
    project: Any,
    chief: User,
    crew: Sequence[User],
    random: Random,
    now: datetime,
    *,
    closed: bool,
) -> None:
    title, instructions = plan.deeds[number % len(plan.deeds)]
    due = random.randint(plan.begins // 2, -31) if closed else random.randint(-9, 25)
    data: dict[str, Any] = {
        "title": title.format(plan.places[number % len(plan.places)]),
        "instructions": instructions,
        "priority": random.choices(("low", "medium", "high", "urgent"), (2, 5, 3, 1))[0],
        "dueDate": (now + timedelta(days=due)).date().isoformat(),
        "estimatedDuration": random.choice((30, 45, 60, 90, 120)),
    }
    state = "completed" if closed else random.choices(
        ("pending", "assigned", "in_progress", "completed", "submitted", "cancelled"), (4, 5, 3, 3, 2, 1)
    )[0]  # fmt: skip
    if state != "pending" and crew:
        data["assignedTo"] = str(random.choice(crew).pk)
    task, _new = services.task_create(data=data, by=chief, project=project)
    ways = {"in_progress": ("in_progress",), "completed": ("completed",), "submitted": ("in_progress", "submitted")}
    if not crew and state != "cancelled":
        return
    for status in ways.get(state, ("cancelled",) if state == "cancelled" else ()):
        task = services.task_update(id=task["id"], data={"status": status}, by=chief)
    speakers = [chief, *(worker for worker in crew if worker.pk == task["assigned_to_id"])]
    if random.random() < 0.3:
        services.comment_add(task=task["id"], content=random.choice(_COMMENTS), by=random.choice(speakers))
