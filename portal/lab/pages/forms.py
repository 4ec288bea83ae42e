"""Forms of samples and results. Names are the columns'; on the wire they are written `likeThis`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.core.audit.selectors import wire_name
from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.common.ids import parse_uuid
from portal.core.projects.models import Project
from portal.lab.choices import SampleType
from portal.lab.models import Parameter, Result, Sample, SamplingPoint
from portal.lab.pages.wording import QUALIFIERS
from portal.lab.reports.wording import plain
from portal.lab.rulebook import rulebook
from portal.lab.science.measurement import parse_measurement
from portal.lab.science.units import fitting_units

_DIGITS = str.maketrans(
    {chr(0x0660 + n): str(n) for n in range(10)} | {chr(0x06F0 + n): str(n) for n in range(10)} | {"٫": ".", "−": "-"}
)
_LTR = {"dir": "ltr", "autocomplete": "off"}
_AUTO = {"dir": "auto"}


def latin_number(text: str) -> str:
    """A typed number with Latin digits and a decimal point; a comma is a decimal sign, never a thousands separator."""
    return text.strip().translate(_DIGITS).replace(",", ".")


class NumberField(forms.CharField):
    """A number that stays text until the service reads it, so that no digit is lost."""

    widget = forms.TextInput(attrs=_LTR | {"inputmode": "decimal"})

    def to_python(self, value: Any) -> str:
        return latin_number(super().to_python(value) or "")


class DegreesField(forms.FloatField):
    widget = forms.TextInput(attrs=_LTR | {"inputmode": "decimal"})

    def to_python(self, value: Any) -> Any:
        return super().to_python(latin_number(value) if isinstance(value, str) else value)


class MomentField(forms.DateTimeField):
    """Day and minute in the organisation's time zone."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


def to_minute(moment: datetime | None) -> datetime | None:
    """What `MomentField` can show, so that an untouched field is not taken for a change."""
    return timezone.localtime(moment).replace(second=0, microsecond=0) if moment else None


@dataclass(frozen=True, slots=True)
class Clash:
    """A field where the record as it is now differs from what was typed."""

    label: str
    theirs: str
    yours: str


class WireForm(forms.Form):
    """A form whose service takes wire data and refuses with wire names."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    aliases: Mapping[str, str] = {}  # wire name of an error -> field

    def wire(self, *, only_changed: bool = False) -> dict[str, Any]:
        names = self.changed_data if only_changed else list(self.cleaned_data)
        data = {wire_name(name): _wire_value(self.cleaned_data[name]) for name in names if name in self.cleaned_data}
        data.pop("version", None)
        return data

    def refuse(self, refusal: DomainError) -> None:
        """Show a refusal at the fields that it names, else above the form."""
        fields = {wire_name(name): name for name in self.fields} | dict(self.aliases)
        for error in refusal.errors:
            self.add_error(fields.get(error.field), error.message)
        if not refusal.errors:
            self.add_error(None, str(refusal.message))

    def accept(self, version: int) -> None:
        """Let a second submission of this form pass: the person has seen what the record holds at `version`."""
        assert isinstance(self.data, QueryDict)
        data = self.data.copy()
        data[self.add_prefix("version")] = str(version)
        self.data = data

    def clashes(self, current: Mapping[str, Any]) -> list[Clash]:
        """Where the input differs from `current`, the record on the wire as it is now."""
        found = []
        for name in self.changed_data:
            key = "valueText" if name == "value" else wire_name(name)
            if name != "version" and key in current:
                theirs = self._shown(name, _wire_value(current[key]))
                yours = self._shown(name, _wire_value(self.cleaned_data.get(name)))
                found.append(Clash(str(self.fields[name].label), theirs, yours))
        return found

    def _shown(self, name: str, value: Any) -> str:
        choices = dict(getattr(self.fields[name], "choices", ()))
        if isinstance(self.fields[name], MomentField) and (moment := clock.parse_moment(value)):
            return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")
        return str(choices.get(value, "" if value is None else value))


def _wire_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.wire(value)
    if isinstance(value, SamplingPoint | Project):
        return str(value.pk)
    return str(value) if isinstance(value, UUID) else None if value == "" else value


class SampleForm(WireForm):
    type = forms.ChoiceField(label=_("Kind of water"), choices=SampleType.choices)
    location = forms.CharField(label=_("Location"), max_length=300, widget=forms.TextInput(_AUTO))
    sampling_point_id: "forms.ModelChoiceField[SamplingPoint]" = forms.ModelChoiceField(
        None, label=_("Sampling point"), required=False, empty_label="—"
    )
    collection_date = MomentField(label=_("Taken"))
    collector_name = forms.CharField(label=_("Taken by"), max_length=150, widget=forms.TextInput(_AUTO))
    received_at = MomentField(label=_("Received"), required=False)
    code = forms.CharField(
        label=_("Code"), max_length=60, required=False, widget=forms.TextInput(_LTR),
        help_text=_("Left empty, the next number is given."),
    )  # fmt: skip
    latitude = DegreesField(label=_("Latitude"), required=False, help_text=_("Decimal degrees, north is positive."))
    longitude = DegreesField(label=_("Longitude"), required=False, help_text=_("Decimal degrees, east is positive."))
    project_id: "forms.ModelChoiceField[Project]" = forms.ModelChoiceField(
        None, label=_("Project"), required=False, empty_label="—"
    )
    notes = forms.CharField(
        label=_("Notes"), max_length=10_000, required=False, widget=forms.Textarea(_AUTO | {"rows": 3})
    )

    def __init__(
        self, *args: Any, sample: Sample | None = None, projects: QuerySet[Project] | None = None, **kwargs: Any
    ) -> None:
        if sample is not None:
            columns = [name for name in self.base_fields if name not in ("collection_date", "received_at")]
            initial = {name: getattr(sample, name) for name in columns}
            initial |= {name: to_minute(getattr(sample, name)) for name in ("collection_date", "received_at")}
            kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        points = SamplingPoint.objects.filter(is_active=True)
        if points.exists():
            self.fields["sampling_point_id"].queryset = points  # type: ignore[attr-defined]
        else:
            del self.fields["sampling_point_id"]
        if projects is not None and projects.exists():
            self.fields["project_id"].queryset = projects.order_by("name", "id")  # type: ignore[attr-defined]
        else:
            del self.fields["project_id"]
        if sample is not None:
            self.fields["code"].help_text = ""


class ParameterSelect(forms.Select):
    """Carries the other names of each parameter, so that the search finds it in any language."""

    words: Mapping[str, str] = {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        if words := self.words.get(str(value)):
            option["attrs"]["data-words"] = words
        return option


class ResultForm(WireForm):
    """Entry and change of a result; the units on offer are those that fit the parameter."""

    aliases = {"parameterName": "parameter_id"}

    parameter_id = forms.ChoiceField(label=_("Parameter"), widget=ParameterSelect(attrs={"data-search": ""}))
    value = forms.CharField(
        label=_("Value"), max_length=64, widget=forms.TextInput(_LTR | {"placeholder": "7.20  <0.01  ND"})
    )
    unit = forms.ChoiceField(label=_("Unit"))
    qualifier = forms.ChoiceField(
        label=_("Qualifier"), required=False, choices=[("", _("as typed in the value")), *QUALIFIERS.items()]
    )
    test_date = MomentField(label=_("Analysed"), required=False)
    test_method = forms.CharField(label=_("Method"), max_length=200, required=False, widget=forms.TextInput(_AUTO))
    technician_name = forms.CharField(label=_("Analyst"), max_length=150, required=False, widget=forms.TextInput(_AUTO))
    detection_limit = NumberField(label=_("Limit of detection"), max_length=40, required=False)
    quantification_limit = NumberField(label=_("Limit of quantification"), max_length=40, required=False)
    uncertainty = NumberField(label=_("Expanded uncertainty (k = 2)"), max_length=40, required=False)
    dilution_factor = NumberField(label=_("Dilution factor"), max_length=40, required=False)
    instrument = forms.CharField(label=_("Instrument"), max_length=150, required=False, widget=forms.TextInput(_AUTO))
    notes = forms.CharField(
        label=_("Notes"), max_length=10_000, required=False, widget=forms.Textarea(_AUTO | {"rows": 2})
    )
    replaces_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Reason for the change"), max_length=500, required=False, widget=forms.TextInput(_AUTO)
    )

    DETAILS = (
        "qualifier", "test_date", "test_method", "technician_name", "detection_limit", "quantification_limit",
        "uncertainty", "dilution_factor", "instrument", "notes",
    )  # fmt: skip

    def __init__(self, *args: Any, result: Result | None = None, **kwargs: Any) -> None:
        if result is not None:
            kwargs["initial"] = _result_values(result) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        self.result = result
        rules = rulebook()
        self.parameter = rules.parameters.get(self._chosen()) or (result.parameter if result else None)
        self._offer(sorted(rules.parameters.values(), key=lambda parameter: parameter.name))
        if result is None:
            del self.fields["reason"]

    def _chosen(self) -> Any:
        """The parameter of the input, else of the initial values; '' where nothing usable was sent."""
        text = (
            self.data.get(self.add_prefix("parameter_id"), "")
            if self.is_bound
            else self.initial.get("parameter_id", "")
        )
        return parse_uuid(str(text)) or ""

    def _offer(self, parameters: list[Parameter]) -> None:
        field = self.fields["parameter_id"]
        held = [self.parameter] if self.parameter and self.parameter not in parameters else []
        names = [(str(p.pk), f"{p.name} \N{MIDDLE DOT} {p.code}") for p in (*parameters, *held)]
        field.choices = [("", _("Choose a parameter")), *names]  # type: ignore[attr-defined]
        field.widget.words = {
            str(p.pk): " ".join((p.name_en, p.name_fr, p.name_ar, p.cas, *p.aliases)) for p in parameters
        }
        units: list[str] = []
        if self.parameter is not None:
            units = list(fitting_units(self.parameter.unit, self.parameter.species or None))
            kept = self.initial.get("unit")
            if kept and kept not in units:
                units.insert(0, kept)
            self.fields["test_method"].widget.attrs["list"] = self.methods_id
        self.fields["unit"].choices = [(unit, unit) for unit in units] or [("", "\N{EM DASH}")]  # type: ignore[attr-defined]

    @property
    def methods_id(self) -> str:
        return f"{self.prefix or 'entry'}-methods"

    @property
    def methods(self) -> list[str]:
        """The catalogue's methods for the chosen parameter."""
        return [method for method in self.parameter.methods.split("; ") if method] if self.parameter else []

    def ask_units(self, url: str, target: str) -> None:
        """Have the form fetched anew when another parameter is chosen."""
        fields = f"{target} [name]:not([name=csrfmiddlewaretoken])"  # a token has no place in an address
        attrs = {"hx-get": url, "hx-include": fields, "hx-target": target, "hx-swap": "outerHTML"}
        self.fields["parameter_id"].widget.attrs.update(attrs | {"hx-trigger": "change"})

    @property
    def details(self) -> list[forms.BoundField]:
        return [self[name] for name in self.DETAILS]

    @property
    def details_open(self) -> bool:
        """Where something stands in them that is not filled in for every entry."""
        usual = ("technician_name", "test_date")
        return any(self[name].errors or (name not in usual and self[name].value()) for name in self.DETAILS)

    def clean_dilution_factor(self) -> str:
        return self.cleaned_data["dilution_factor"] or "1"


def _result_values(result: Result) -> dict[str, Any]:
    """A stored result as the form shows it: numbers as short texts, the value as it was typed."""
    names = ("unit", "test_method", "technician_name", "instrument", "notes", "replaces_id", "version")
    numbers = ("detection_limit", "quantification_limit", "uncertainty")
    dilution = "" if result.dilution_factor == 1 else plain(result.dilution_factor)
    typed = parse_measurement(result.value_text).qualifier == result.qualifier
    return (
        {name: getattr(result, name) for name in names}
        | {name: plain(getattr(result, name)) for name in numbers}
        | {"parameter_id": str(result.parameter_id), "value": result.value_text, "dilution_factor": dilution}
        | {"test_date": to_minute(result.test_date), "qualifier": "" if typed else result.qualifier}
    )
