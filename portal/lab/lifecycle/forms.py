"""Forms of a sample's life."""

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.core.common.ids import parse_uuid
from portal.lab.choices import SampleStatus
from portal.lab.lifecycle import guard, labels
from portal.lab.lifecycle.models import CustodyEntry
from portal.lab.lifecycle.services import Papers
from portal.lab.pages.forms import MomentField, latin_number, to_minute
from portal.lab.pages.forms import ParameterSelect as _ParameterSelect
from portal.lab.rulebook import rulebook
from portal.ui.forms import AUTO, LTR, ServiceForm

_CONDITIONS = [("", "\N{EM DASH}"), *CustodyEntry.Condition.choices]
_KINDS = [
    (kind.value, kind.label)
    for kind in CustodyEntry.Kind
    if kind not in (CustodyEntry.Kind.RECEIVED, CustodyEntry.Kind.DISPOSED)  # these come with their step
]


def _text(label: Any, limit: int) -> forms.CharField:
    return forms.CharField(label=label, max_length=limit, required=False, widget=forms.TextInput(AUTO))


class DegreesCelsiusField(forms.DecimalField):
    widget = forms.TextInput(LTR | {"inputmode": "decimal", "autocomplete": "off"})

    def to_python(self, value: Any) -> Any:
        return super().to_python(latin_number(value) if isinstance(value, str) else value)


class PapersForm(ServiceForm):
    """What is noted when a sample changes hands."""

    names: ClassVar[dict[str, str]] = {"from": "given_by", "to": "taken_by"}

    at = MomentField(label=_("When"), required=False)
    given_by = _text(_("Handed over by"), 150)
    taken_by = _text(_("Taken over by"), 150)
    place = _text(_("Place"), 200)
    condition = forms.ChoiceField(label=_("Condition"), choices=_CONDITIONS, required=False)
    temperature = DegreesCelsiusField(
        label=_("Temperature (°C)"), max_digits=4, decimal_places=1, min_value=-100, max_value=100, required=False
    )
    container = _text(_("Container"), 150)
    note = forms.CharField(
        label=_("Remark"), max_length=10_000, required=False, widget=forms.Textarea(AUTO | {"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"at": to_minute(timezone.now())} | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)

    def papers(self) -> Papers:
        return Papers(**{name: self.cleaned_data[name] for name in PapersForm.base_fields if name in self.fields})


class CustodyForm(PapersForm):
    kind = forms.ChoiceField(label=_("What happened"), choices=_KINDS)
    field_order = ("kind",)


class StepForm(PapersForm):
    """A step that asks for something: papers with a receipt or a disposal, a reason where one is due."""

    reason = forms.CharField(label=_("Reason"), max_length=1000, widget=forms.Textarea(AUTO | {"rows": 2}))

    def __init__(self, *args: Any, target: str, reason: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if target == SampleStatus.DISPOSED:
            kept = {"at", "place", "note"}
        else:
            kept = set(PapersForm.base_fields) if target == SampleStatus.RECEIVED else set()
        if reason:
            kept.add("reason")
        for name in set(self.fields) - kept:
            del self.fields[name]

    def papers(self) -> Papers:
        return super().papers() if "at" in self.fields else Papers()


class RequestsForm(forms.Form):
    """What is to be measured."""

    parameters = forms.MultipleChoiceField(label=_("Analyses asked for"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = sorted(rulebook().parameters.values(), key=lambda parameter: parameter.name)
        field = self.fields["parameters"]
        field.widget = _ManyParameters(attrs={"data-search": "", "multiple": True})
        field.choices = [(str(p.pk), f"{p.name} \N{MIDDLE DOT} {p.code}") for p in found]  # type: ignore[attr-defined]
        field.widget.words = {str(p.pk): " ".join((p.name_en, p.name_fr, p.name_ar, p.cas, *p.aliases)) for p in found}

    def ids(self) -> list[UUID]:
        return [id for text in self.cleaned_data["parameters"] if (id := parse_uuid(text))]


class _ManyParameters(_ParameterSelect, forms.SelectMultiple):
    allow_multiple_selected = True


class RetestForm(ServiceForm):
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(AUTO | {"rows": 2}))


class LabelForm(ServiceForm):
    names: ClassVar[dict[str, str]] = {"ids": "copies"}

    sheet = forms.ChoiceField(label=_("Sheet"), choices=[(key, kind.name) for key, kind in labels.FORMATS.items()])
    symbol = forms.ChoiceField(label=_("Symbol"), choices=list(labels.SYMBOLS.items()))
    start = forms.IntegerField(
        label=_("First free place"), min_value=1, max_value=40, initial=1,
        help_text=_("Of a begun sheet: counted along the rows, from 1."),
    )  # fmt: skip
    copies = forms.IntegerField(label=_("Copies of each"), min_value=1, max_value=labels.COPIES, initial=1)


APPROVAL = [
    (guard.ANYONE, _("Anybody with the right to approve")),
    (guard.NOT_VALIDATOR, _("Not the person who validated the sample")),
    (guard.NOT_INVOLVED, _("Neither the person who validated it nor one who entered its results")),
]


class ApprovalForm(ServiceForm):
    names: ClassVar[dict[str, str]] = {guard.SETTING: "rule"}

    rule = forms.ChoiceField(label=_("Who may approve a sample"), choices=APPROVAL, widget=forms.RadioSelect)
