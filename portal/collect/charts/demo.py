"""Eighteen views, three of each kind, over the demo's forms, and two dashboards of them. Through the same services as
real work."""

from typing import Any, Final, NamedTuple

from portal.collect.charts import services
from portal.collect.charts.models import View
from portal.collect.dashboards import services as dashboards
from portal.collect.forms.models import Form
from portal.core.accounts.models import User
from portal.core.tenancy import scope


class Plan(NamedTuple):
    """A view of the form that has the field `of`."""

    of: str
    name: str
    kind: str
    config: dict[str, Any]


_WEEKS: Final = {"xAxis": "createdAt", "groupBy": "week"}
PLANS: Final = (
    Plan("depth", "آبار تمت معاينتها · Puits inspectés", "number", {}),
    Plan("depth", "متوسط العمق (م) · Profondeur moyenne", "number", {"aggregation": "average", "field": "depth"}),
    Plan("people", "أفراد الأسر المستجوبة · Personnes", "number", {"aggregation": "sum", "field": "people"}),
    Plan("depth", "استعمال الماء · Usage de l'eau", "pie", {"groupBy": "use"}),
    Plan("people", "مصدر ماء الأسر · Source d'eau", "pie", {"groupBy": "source"}),
    Plan("depth", "حالة المراجعة · État de la revue", "pie", {"groupBy": "reviewState"}),
    Plan("depth", "حالة الغطاء · Couvercle", "donut", {"groupBy": "cover"}),
    Plan("people", "هل يعالج الماء؟ · Eau traitée", "donut", {"groupBy": "treated"}),
    Plan("depth", "مصادر التلوث القريبة · Sources de pollution", "donut", {"groupBy": "hazards"}),
    Plan("depth", "المعاينات أسبوعياً · Inspections par semaine", "line", _WEEKS),
    Plan(
        "depth", "منسوب الماء (الوسيط) · Niveau d'eau médian", "line",
        {**_WEEKS, "aggregation": "median", "yAxis": "water_level"},
    ),
    Plan(
        "people", "لترات الأسرة في اليوم · Litres par jour", "line",
        {"xAxis": "visited", "groupBy": "week", "aggregation": "average", "yAxis": "litres"},
    ),
    Plan("depth", "متوسط العمق حسب الاستعمال · Profondeur par usage", "bar",
         {"groupBy": "use", "aggregation": "average", "yAxis": "depth"}),
    Plan("people", "دقائق إلى المصدر · Minutes jusqu'à la source", "bar",
         {"groupBy": "source", "aggregation": "median", "yAxis": "minutes"}),
    Plan("depth", "عمل كل تقني · Par technicien", "bar", {"groupBy": "submittedByUserId"}),
    Plan("depth", "المعاينات حسب التقني · Inspections par agent", "stackedBar",
         {**_WEEKS, "stackBy": "submittedByUserId"}),
    Plan("people", "الأسر حسب المصدر · Ménages par source", "stackedBar", {**_WEEKS, "stackBy": "source"}),
    Plan(
        "depth", "الغطاء حسب الاستعمال · Couvercle par usage", "stackedBar",
        {"groupBy": "use", "stackBy": "cover", "filters": [{"field": "use", "op": "ne", "value": "closed"}]},
    ),
)  # fmt: skip
# Name, theme, and which of the plans stand where: (plan, x, y, w, h).
BOARDS: Final = (
    (
        "مراقبة الآبار · Suivi des puits", "",
        [(0, 0, 0, 3, 2), (1, 0, 2, 3, 2), (9, 3, 0, 6, 4), (3, 9, 0, 3, 4), (12, 0, 4, 6, 4), (15, 6, 4, 6, 4),
         (6, 0, 8, 4, 4), (8, 4, 8, 4, 4), (10, 8, 8, 4, 4)],
    ),
    (
        "ماء الأسر · L'eau des ménages", "dark",
        [(2, 0, 0, 3, 4), (4, 3, 0, 4, 4), (7, 7, 0, 5, 4), (11, 0, 4, 6, 4), (16, 6, 4, 6, 4), (13, 0, 8, 12, 3)],
    ),
)  # fmt: skip


def fill() -> None:
    """Load the views and dashboards, unless there are any, or no forms."""
    forms = list(Form.objects.filter(deleted_at=None, version__gt=0))
    if View.objects.exists() or not forms:
        return
    people = list(User.objects.select_related("role").filter(is_active=True, deleted_at=None).order_by("created_at"))
    chief = next((p for p in people if p.role_key == "Manager"), None) or next(
        p for p in people if p.role_key == "Admin"
    )
    with scope.acting(user=chief.pk, name=chief.name, email=chief.email, role=chief.role_key):
        made = [_view(plan, forms, chief) for plan in PLANS]
        for name, theme, places in BOARDS:
            widgets = [
                {"viewId": str(made[plan].pk), "position": {"x": x, "y": y, "w": w, "h": h}}
                for plan, x, y, w, h in places
            ]
            data = {"name": name, "metadata": {"theme": theme} if theme else None, "widgets": widgets}
            dashboards.dashboard_create(data=data, by=chief)


def _view(plan: Plan, forms: list[Form], by: User) -> View:
    form = next(form for form in forms if any(field.get("id") == plan.of for field in form.schema["fields"]))
    config = {"formId": str(form.pk), "aggregation": "count", **plan.config}
    data = {"projectId": str(form.project_id), "name": plan.name, "chartType": plan.kind, "config": config}
    return services.view_create(data=data | {"metadata": {"refreshInterval": 300}}, by=by)
