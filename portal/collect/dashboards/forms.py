"""Forms and lists of dashboards."""

from typing import Any, ClassVar, Final

import django_filters
import django_tables2
import orjson
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from portal.collect.charts import selectors as charts
from portal.collect.charts.models import View
from portal.collect.dashboards import selectors
from portal.collect.dashboards.models import COLUMNS, MOST_ROWS, Dashboard, DashboardWidget
from portal.collect.forms.wire import parsed
from portal.core.accounts.models import User
from portal.core.projects import access
from portal.core.projects.models import Project
from portal.ui.forms import AUTO, LTR, ServiceForm
from portal.ui.people import person
from portal.ui.tables import DateTimeColumn, NumberColumn, Table, TextColumn

THEMES: Final = [("", _("As each reader has it")), ("light", _("Light")), ("dark", _("Dark"))]
INTERVALS: Final = [
    ("", _("When data arrives")),
    ("60", _("And every minute")),
    ("300", _("And every 5 minutes")),
    ("900", _("And every 15 minutes")),
    ("3600", _("And every hour")),
]


class DashboardForm(ServiceForm):
    names: ClassVar[dict[str, str]] = {"projectId": "project"}

    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(AUTO))
    project: "forms.ModelChoiceField[Project]" = forms.ModelChoiceField(
        None,
        label=_("Project"),
        required=False,
        empty_label=_("Of several projects"),
        help_text=_("Of one project, it shows that project's views and is seen by whoever sees the project."),
    )
    description = forms.CharField(
        label=_("Description"), max_length=20_000, required=False, widget=forms.Textarea(AUTO | {"rows": 2})
    )
    theme = forms.ChoiceField(label=_("Appearance"), required=False, choices=THEMES)
    refresh = forms.ChoiceField(label=_("Figures are refreshed"), required=False, choices=INTERVALS)
    metadata = forms.CharField(
        label=_("Further details"),
        required=False,
        widget=forms.Textarea(LTR | {"rows": 3, "spellcheck": "false"}),
        help_text=_("A JSON object that apps may use."),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, dashboard: Dashboard | None = None, **kwargs: Any) -> None:
        if dashboard is not None:
            said = details(dashboard.metadata)
            kwargs["initial"] = {
                **{name: getattr(dashboard, name) for name in ("name", "description", "version")},
                "project": dashboard.project_id,
                "theme": said.pop("theme", ""),
                "refresh": str(said.pop("refreshInterval", "")),
                "metadata": orjson.dumps(said).decode() if said else "",
            }
        super().__init__(*args, **kwargs)
        field = self.fields["project"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = access.projects_seen(user).order_by("name", "id")

    def clean_metadata(self) -> dict[str, Any]:
        text = self.cleaned_data["metadata"].strip()
        try:
            found = orjson.loads(text) if text else {}
        except ValueError:
            raise forms.ValidationError(_("This is not valid JSON.")) from None
        if not isinstance(found, dict):
            raise forms.ValidationError(_("Enter an object."))
        return found

    def wire(self) -> dict[str, Any]:
        said = self.cleaned_data
        more = dict(said["metadata"])
        if said["theme"]:
            more["theme"] = said["theme"]
        if said["refresh"]:
            more["refreshInterval"] = int(said["refresh"])
        return {
            "name": said["name"],
            "description": said["description"],
            "projectId": str(said["project"].pk) if said["project"] else None,
            "metadata": more or None,
        }


def details(metadata: str | None) -> dict[str, Any]:
    """What the metadata says, where it is an object."""
    found = parsed(metadata)
    return found if isinstance(found, dict) else {}


class WidgetForm(ServiceForm):
    """A view and its place, in numbers: what dragging does, without it."""

    names: ClassVar[dict[str, str]] = {"viewId": "view"} | {f"position.{part}": part for part in "xywh"}

    view: "forms.ModelChoiceField[View]" = forms.ModelChoiceField(None, label=_("View"), empty_label=_("Choose a view"))
    x = forms.IntegerField(label=_("Column"), min_value=0, max_value=COLUMNS - 1)
    y = forms.IntegerField(label=_("Row"), min_value=0, max_value=MOST_ROWS)
    w = forms.IntegerField(label=_("Width"), min_value=1, max_value=COLUMNS)
    h = forms.IntegerField(label=_("Height"), min_value=1, max_value=COLUMNS)

    def __init__(
        self, *args: Any, user: User, dashboard: Dashboard, widget: DashboardWidget | None = None, **kwargs: Any
    ) -> None:
        if widget is not None:
            kwargs["initial"] = {"view": widget.view_id, **{part: getattr(widget, part) for part in "xywh"}}
        super().__init__(*args, **kwargs)
        rows = charts.views_seen(user).order_by("name", "id")
        field = self.fields["view"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows.filter(project=dashboard.project_id) if dashboard.project_id else rows
        field.widget.attrs["data-search"] = ""
        if widget is None:
            for part in "xywh":
                del self.fields[part]

    def wire(self) -> dict[str, Any]:
        said = self.cleaned_data
        position = {part: said[part] for part in "xywh" if part in said}
        return {"viewId": str(said["view"].pk)} | ({"position": position} if position else {})


class DashboardFilter(django_filters.FilterSet):
    """`selectors.dashboard_list` applies them."""

    q = django_filters.CharFilter(label=_("Search"))
    project = django_filters.ModelChoiceFilter(
        label=_("Project"),
        queryset=lambda request: access.projects_seen(person(request)).order_by("name", "id"),
        empty_label=_("All"),
    )

    class Meta:
        model = Dashboard
        fields: ClassVar[list[str]] = []

    def filter_queryset(self, queryset: QuerySet[Dashboard]) -> QuerySet[Dashboard]:
        said = self.form.cleaned_data
        project: Project | None = said.get("project")
        return selectors.dashboard_list(
            user=person(self.request), project=project.pk if project else None, search=said.get("q") or ""
        ).select_related("project")


class DashboardTable(Table):
    name = TextColumn(linkify=("collect:dashboard_detail", {"dashboard_id": django_tables2.A("pk")}))
    project = TextColumn(accessor="project__name", verbose_name=_("Project"))
    widget_total = NumberColumn(verbose_name=_("Chart views"))
    updated_at = DateTimeColumn(verbose_name=_("Changed"))

    class Meta:
        model = Dashboard
        fields = ("name", "project", "widget_total", "updated_at")
        order_by = ("-updated_at",)
