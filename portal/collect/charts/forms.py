"""The builder of a view, and the filters of lists."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final
from uuid import UUID

import django_filters
import django_tables2
import orjson
from django import forms
from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.collect.charts import selectors
from portal.collect.charts.axes import FACTS, Axis, axes, kind_word
from portal.collect.charts.choices import ALONG, Aggregation, Bucket, ChartType, Op
from portal.collect.charts.models import View
from portal.collect.forms.models import Form
from portal.collect.forms.selectors import forms_seen
from portal.collect.language.schema import words
from portal.core.accounts.models import User
from portal.core.common.errors import Invalid
from portal.core.common.text import latin_digits
from portal.core.projects import access
from portal.core.projects.models import Project
from portal.ui.forms import AUTO, LTR, ServiceForm
from portal.ui.people import person
from portal.ui.tables import DateTimeColumn, Table, TextColumn
from portal.ui.templatetags.marsad import icon

ICONS: Final = {
    "number": "hash",
    "pie": "chart-pie",
    "donut": "chart-donut",
    "line": "chart-line",
    "bar": "chart-bar",
    "stackedBar": "stack-2",
}
FILTERS: Final = 4  # lines that the page offers
_NAMES: Final = {
    "chartType": "chart_type",
    "config.formId": "form",
    "config.aggregation": "aggregation",
    "config.field": "field",
    "config.yAxis": "field",
    "config.xAxis": "x_axis",
    "config.groupBy": "group_by",
    "config.stackBy": "stack_by",
}


class ChartForm(ServiceForm):
    """All of a view's definition. What can be chosen follows from the form of the view."""

    names: ClassVar[dict[str, str]] = _NAMES | {
        f"config.filters.{place}{dot}{part}": f"filter_{place}_{part or 'value'}"
        for place in range(FILTERS)
        for dot, part in (("", ""), (".", "field"), (".", "op"), (".", "value"))
    }

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200, widget=forms.TextInput(AUTO))
    form: "forms.ModelChoiceField[Form]" = forms.ModelChoiceField(
        None, label=gettext_lazy("Form"), empty_label=gettext_lazy("Choose a form")
    )
    chart_type = forms.ChoiceField(
        label=gettext_lazy("Kind"), choices=ChartType.choices, initial=ChartType.BAR, widget=forms.RadioSelect
    )
    aggregation = forms.ChoiceField(label=gettext_lazy("Figure"), choices=Aggregation.choices)
    field = forms.ChoiceField(
        label=gettext_lazy("Of which field"),
        required=False,
        help_text=gettext_lazy(
            "A number; for the number of submissions it may stay empty, or name the field answered."
        ),
    )
    group_by = forms.ChoiceField(label=gettext_lazy("Group by"), required=False)
    x_axis = forms.ChoiceField(label=gettext_lazy("Time taken from"), required=False)
    stack_by = forms.ChoiceField(label=gettext_lazy("Divide the bars by"), required=False)
    description = forms.CharField(
        label=gettext_lazy("Description"), max_length=20_000, required=False, widget=forms.Textarea(AUTO | {"rows": 2})
    )
    metadata = forms.CharField(
        label=gettext_lazy("Further details"),
        required=False,
        widget=forms.Textarea(LTR | {"rows": 3, "spellcheck": "false"}),
        help_text=gettext_lazy("JSON that apps may use, for example a width or an icon."),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, user: User, view: View | None = None, form: Form | None = None, **kwargs: Any
    ) -> None:
        kwargs["initial"] = {**(_initial(view) if view else {"form": form and form.pk}), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        offered = (
            forms_seen(user).filter(version__gt=0).select_related("project").order_by("project__name", "name", "id")
        )
        chosen = self.fields["form"]
        assert isinstance(chosen, forms.ModelChoiceField)
        chosen.queryset = offered.filter(project=view.project_id) if view else offered
        chosen.label_from_instance = lambda row: f"{row.project.name} \N{EN DASH} {row.name}"  # type: ignore[method-assign, assignment]
        self.axes = self._axes(chosen.queryset)
        self.chart = ChartType(self._said("chart_type") if self._said("chart_type") in ChartType.values else "bar")
        self._offer()

    def _said(self, name: str) -> Any:
        return self.data.get(name) if self.is_bound else self.initial.get(name, self.fields[name].initial)

    def _axes(self, offered: QuerySet[Form]) -> Mapping[str, Axis]:
        try:
            found = offered.filter(pk=self._said("form") or UUID(int=0)).first()
            return {key: axis for key, axis in axes(found).items() if not axis.inside} if found else FACTS
        except (ValueError, Invalid, forms.ValidationError):
            return FACTS

    def _offer(self) -> None:
        named = [(axis.id, axis.name) for axis in self.axes.values()]
        groups = [(a.id, a.name) for a in self.axes.values() if a.kind not in ("other", "moment")]
        times = [(a.id, a.name) for a in self.axes.values() if a.kind in ("moment", "date")]
        spans = [(value, _("by %(bucket)s") % {"bucket": str(label).lower()}) for value, label in Bucket.choices]
        nothing = [("", "\N{EN DASH}")]
        choices: dict[str, list[Any]] = {
            "field": [*nothing, *named],
            "group_by": [*nothing, (_("Time"), spans), (_("Answers"), groups)],
            "x_axis": times,
            "stack_by": [*nothing, *groups],
        }
        for place in range(FILTERS):
            axis = self.axes.get(str(self._said_filter(place, "field") or ""))
            self.fields[f"filter_{place}_field"] = forms.ChoiceField(
                label=_("Field of the form"), required=False, choices=[*nothing, *named]
            )
            self.fields[f"filter_{place}_op"] = forms.ChoiceField(
                label=_("Comparison"), required=False, choices=Op.choices
            )
            hint = {"dir": "auto", "list": f"filter-{place}-values", "autocomplete": "off"}
            self.fields[f"filter_{place}_value"] = forms.CharField(
                label=_("Value"), required=False, max_length=2000, widget=forms.TextInput(hint), help_text=_hint(axis)
            )
        for name, offered in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = offered

    def _said_filter(self, place: int, part: str) -> Any:
        name = f"filter_{place}_{part}"
        return self.data.get(name) if self.is_bound else self.initial.get(name)

    @property
    def lines(self) -> Iterator[tuple[Any, Any, Any, list[tuple[str, str]]]]:
        """Of each filter its three fields and the values that its field knows."""
        for place in range(FILTERS):
            parts = [self[f"filter_{place}_{part}"] for part in ("field", "op", "value")]
            axis = self.axes.get(str(self._said_filter(place, "field") or ""))
            yield (*parts, [(value, words(label)) for value, label in axis.options] if axis else [])  # type: ignore[misc]

    @property
    def shows(self) -> set[str]:
        """Which of the fields the kind of chart asks for."""
        found = {"aggregation", "field"}
        if self.chart != ChartType.NUMBER:
            found.add("group_by")
            if self._said("group_by") in Bucket.values:
                found.add("x_axis")
        return found | ({"stack_by"} if self.chart == ChartType.STACKED else set())

    def wire(self) -> dict[str, Any]:
        """What the service takes. Raises Invalid for a value that is none of its field."""
        said = self.cleaned_data
        form: Form = said["form"]
        shown = self.shows
        config: dict[str, Any] = {"formId": str(form.pk), "aggregation": said["aggregation"]}
        keys = {"field": "yAxis" if self.chart in ALONG else "field", "group_by": "groupBy"}
        keys |= {"x_axis": "xAxis", "stack_by": "stackBy"}
        config |= {key: said[name] for name, key in keys.items() if name in shown and said.get(name)}
        if rules := [self._rule(place) for place in range(FILTERS) if said.get(f"filter_{place}_field")]:
            config["filters"] = rules
        return {
            "projectId": str(form.project_id),
            "name": said.get("name", ""),
            "description": said["description"],
            "chartType": said["chart_type"],
            "config": config,
            "metadata": said["metadata"].strip() or None,
        }

    def _rule(self, place: int) -> dict[str, Any]:
        name, op, text = (self.cleaned_data[f"filter_{place}_{part}"] for part in ("field", "op", "value"))
        rule: dict[str, Any] = {"field": name, "op": op or "eq"}
        axis = self.axes[name]
        if op == Op.ISNULL:
            return rule | {"value": text.strip().lower() not in ("false", "no", "0", _("No").lower())}
        if op == Op.IN:
            parts = [part.strip() for part in text.replace("\N{ARABIC COMMA}", ",").split(",") if part.strip()]
            return rule | {"value": [_typed(axis, part) for part in parts]}
        return rule | {"value": _typed(axis, text.strip())}


def _typed(axis: Axis, text: str) -> Any:
    """A person's text as a value of the axis; text that is none is left for the service to refuse."""
    if axis.kind == "number":
        try:
            return orjson.loads(latin_digits(text).replace(",", "."))
        except ValueError:
            return text
    if axis.kind == "boolean":
        yes, no = {"true", "yes", "1", _("Yes").lower()}, {"false", "no", "0", _("No").lower()}
        return True if text.lower() in yes else False if text.lower() in no else text
    return latin_digits(text) if axis.kind in ("date", "moment") else text


def _hint(axis: Axis | None) -> str:
    if axis is None:
        return ""
    if axis.kind in ("date", "moment"):
        return _("A day as 2026-02-14.")
    return kind_word(axis)


def _initial(view: View) -> dict[str, Any]:
    config = view.config
    found = {
        "name": view.name,
        "description": view.description,
        "form": view.form_id,
        "chart_type": view.chart_type,
        "aggregation": config.get("aggregation") or Aggregation.COUNT,
        "field": config.get("field") or config.get("yAxis"),
        "group_by": config.get("groupBy"),
        "x_axis": config.get("xAxis") or "createdAt",
        "stack_by": config.get("stackBy"),
        "metadata": view.metadata or "",
        "version": view.version,
    }
    rules = config.get("filters")
    for place, rule in enumerate(rules[:FILTERS] if isinstance(rules, list) else ()):
        value = rule.get("value")
        text = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
        found |= {f"filter_{place}_field": rule.get("field"), f"filter_{place}_op": rule.get("op", "eq")}
        found[f"filter_{place}_value"] = text
    return found


class ViewFilter(django_filters.FilterSet):
    """`selectors.view_list` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    chart_type = django_filters.ChoiceFilter(
        label=gettext_lazy("Kind"), choices=ChartType.choices, empty_label=gettext_lazy("All")
    )
    project = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Project"),
        queryset=lambda request: access.projects_seen(person(request)).order_by("name", "id"),
        empty_label=gettext_lazy("All"),
    )
    form_of = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Form"),
        queryset=lambda request: forms_seen(person(request)).order_by("name", "id"),
        empty_label=gettext_lazy("All"),
    )

    class Meta:
        model = View
        fields: ClassVar[list[str]] = []

    def chosen(self) -> dict[str, Any]:
        said = self.form.cleaned_data
        project: Project | None = said.get("project")
        form: Form | None = said.get("form_of")
        kinds = [said["chart_type"]] if said.get("chart_type") else []
        return {
            "project": project and project.pk,
            "form": form and form.pk,
            "kinds": kinds,
            "search": said.get("q", ""),
        }

    def filter_queryset(self, queryset: QuerySet[View]) -> QuerySet[View]:
        return selectors.view_list(user=person(self.request), **self.chosen()).select_related("form", "project")


class ViewTable(Table):
    name = TextColumn(linkify=("collect:view_detail", {"view_id": django_tables2.A("pk")}))
    chart_type = django_tables2.Column()
    form = TextColumn(accessor="form__name", verbose_name=gettext_lazy("Form"))
    project = TextColumn(accessor="project__name", verbose_name=gettext_lazy("Project"))
    updated_at = DateTimeColumn(verbose_name=gettext_lazy("Changed"))

    class Meta:
        model = View
        fields = ("name", "chart_type", "form", "project", "updated_at")
        order_by = ("-updated_at",)
        row_attrs: ClassVar[dict[str, Any]] = {"data-row-link": ""}

    def render_chart_type(self, record: View) -> SafeString:
        return format_html("{}{}", icon(ICONS[record.chart_type], css="chart-kind"), record.get_chart_type_display())
