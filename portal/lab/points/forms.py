"""Forms of sampling points, their programme, and what the map and the programme show."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.tenancy import scope
from portal.lab import selectors
from portal.lab.choices import SampleType
from portal.lab.models import Parameter, SamplingPoint
from portal.lab.pages.forms import DegreesField, latin_number
from portal.lab.pages.lists import standards
from portal.lab.pages.rule_forms import DayField, ServiceForm
from portal.lab.pages.wording import GROUPS
from portal.lab.points import places
from portal.lab.points.models import Frequency, ProgrammeItem
from portal.lab.points.selectors import today
from portal.ui.forms import AUTO, LTR
from portal.ui.templatetags.marsad import VERDICTS

_ALL = _("All")
STATES = [(key, VERDICTS[key][2] if key in VERDICTS else _("No sample")) for key in places.STATES]
MONTHS = [
    (1, _("January")), (2, _("February")), (3, _("March")), (4, _("April")), (5, _("May")), (6, _("June")),
    (7, _("July")), (8, _("August")), (9, _("September")), (10, _("October")), (11, _("November")),
    (12, _("December")),
]  # fmt: skip


class CountField(forms.IntegerField):
    widget = forms.TextInput(LTR | {"inputmode": "numeric", "autocomplete": "off"})

    def to_python(self, value: Any) -> Any:
        return super().to_python(latin_number(value) if isinstance(value, str) else value)


class PointForm(ServiceForm):
    code = forms.CharField(label=_("Code"), max_length=40, widget=forms.TextInput(LTR))
    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(AUTO))
    type = forms.ChoiceField(label=_("Kind of water"), choices=SampleType.choices)
    city = forms.CharField(label=_("City"), max_length=100, required=False, widget=forms.TextInput(AUTO))
    latitude = DegreesField(label=_("Latitude"), required=False, help_text=_("Decimal degrees, north is positive."))
    longitude = DegreesField(label=_("Longitude"), required=False, help_text=_("Decimal degrees, east is positive."))
    population = CountField(label=_("People served"), required=False, min_value=0, max_value=2**31 - 1)
    notes = forms.CharField(
        label=_("Notes"), required=False, max_length=10_000, widget=forms.Textarea(AUTO | {"rows": 3})
    )
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, point: SamplingPoint | None = None, **kwargs: Any) -> None:
        if point is not None:
            kwargs["initial"] = {name: getattr(point, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)


class ItemForm(ServiceForm):
    """A planned sampling. The point is named by its code: lists of thousands of points do not belong into a page."""

    point = forms.CharField(
        label=_("Sampling point"), max_length=40, help_text=_("Its code"), widget=forms.TextInput(LTR)
    )
    group = forms.ChoiceField(
        label=_("Group of parameters"), required=False, choices=[("", _("none")), *GROUPS.items()]
    )
    codes = forms.MultipleChoiceField(
        label=_("Parameters"), required=False, widget=forms.SelectMultiple({"data-search": ""}),
        help_text=_("Beside those of the group."),
    )  # fmt: skip
    frequency = forms.ChoiceField(label=_("How often"), choices=Frequency.choices, initial=Frequency.MONTHLY)
    times = CountField(
        label=_("Times a year"), required=False, min_value=1, max_value=365, initial=1,
        help_text=_("Only where it is several times a year."),
    )  # fmt: skip
    months = forms.TypedMultipleChoiceField(
        label=_("Months of the season"), required=False, coerce=int, choices=MONTHS,
        widget=forms.CheckboxSelectMultiple, help_text=_("None ticked: the whole year."),
    )  # fmt: skip
    starts_on = DayField(label=_("From"))
    ends_on = DayField(label=_("Until"), required=False, help_text=_("The last day; empty: without an end."))
    assignee: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        None, label=_("By whom"), required=False, empty_label=_("anybody")
    )
    notes = forms.CharField(
        label=_("Notes"), required=False, max_length=2000, widget=forms.Textarea(AUTO | {"rows": 2})
    )
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(
        self, *args: Any, item: ProgrammeItem | None = None, point: SamplingPoint | None = None, **kwargs: Any
    ) -> None:
        if item is not None:
            names = [name for name in self.base_fields if name != "point"]
            kwargs["initial"] = {name: getattr(item, name) for name in names}
        elif point is not None:
            kwargs["initial"] = {"point": point.code}
        kwargs.setdefault("initial", {}).setdefault("starts_on", today().replace(day=1))
        super().__init__(*args, **kwargs)
        if item is not None:
            del self.fields["point"]
        rows = sorted(selectors.parameter_list(), key=lambda row: row.name)
        held = [(code, code) for code in (item.codes if item else []) if code not in {row.code for row in rows}]
        self.fields["codes"].choices = [*held, *((row.code, f"{row.name} \N{MIDDLE DOT} {row.code}") for row in rows)]  # type: ignore[attr-defined]
        self.fields["assignee"].queryset = User.objects.filter(  # type: ignore[attr-defined]
            organization=scope.organization_id(), deleted_at=None
        ).order_by("name")

    def clean_point(self) -> SamplingPoint:
        found = SamplingPoint.objects.filter(code=self.cleaned_data["point"].strip()).first()
        if found is None:
            raise forms.ValidationError(_("There is no sampling point with this code."))
        return found

    def clean_times(self) -> int:
        return self.cleaned_data["times"] or 1


class ImportForm(forms.Form):
    file = forms.FileField(label=_("CSV file"), widget=forms.FileInput({"accept": ".csv,text/csv"}))


class MapForm(forms.Form):
    """What the map shows; all of it stands in the address."""

    date_from = DayField(label=_("Taken from"), required=False)
    date_to = DayField(label=_("Taken until"), required=False)
    standard = forms.ChoiceField(label=_("Standard"), required=False)
    parameter: "forms.ModelChoiceField[Parameter]" = forms.ModelChoiceField(
        None, label=_("Parameter"), required=False, empty_label=_("All"), widget=forms.Select({"data-search": ""})
    )
    type = forms.ChoiceField(label=_("Kind of water"), required=False, choices=[("", _ALL), *SampleType.choices])
    state = forms.ChoiceField(label=_("Worst verdict"), required=False, choices=[("", _ALL), *STATES])
    q = forms.CharField(label=_("Name or city contains"), required=False, max_length=100, widget=forms.TextInput(AUTO))

    def __init__(self, data: Any, **kwargs: Any) -> None:
        data = data.copy()
        if "date_from" not in data:
            data["date_from"] = (today() - timedelta(days=365)).isoformat()
        super().__init__(data, **kwargs)
        self.fields["standard"].choices = [("", _("all, by compliance")), *standards()]  # type: ignore[attr-defined]
        self.fields["parameter"].queryset = selectors.parameter_list()  # type: ignore[attr-defined]


class DueForm(forms.Form):
    """Which part of the programme is shown."""

    q = forms.CharField(label=_("Search"), required=False, max_length=100)
    assignee: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        None, label=_("By whom"), required=False, empty_label=_ALL
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["assignee"].queryset = User.objects.filter(  # type: ignore[attr-defined]
            organization=scope.organization_id(), deleted_at=None
        ).order_by("name")
