"""Forms of standards, limits and what an organisation decides about verdicts."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.audit.selectors import wire_name
from portal.core.common.errors import DomainError
from portal.lab import selectors
from portal.lab.choices import CensoredMembers, DecisionRule, LimitKind, Matrix, StandardRole
from portal.lab.models import Limit, Parameter, Standard
from portal.lab.pages.forms import latin_number
from portal.lab.reports.wording import plain
from portal.lab.science.units import fitting_units

_LTR = {"dir": "ltr", "autocomplete": "off"}
_AUTO = {"dir": "auto"}


class DayField(forms.DateField):
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class DecimalField(forms.CharField):
    """A number with a decimal point or comma, Arabic-Indic digits too; becomes a Decimal or None."""

    widget = forms.TextInput(attrs=_LTR | {"inputmode": "decimal", "maxlength": "24"})

    def prepare_value(self, value: Any) -> Any:
        return plain(value) if isinstance(value, Decimal) else value

    def to_python(self, value: Any) -> Any:
        text = latin_number(super().to_python(value) or "")
        if not text:
            return None
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise forms.ValidationError(_("Enter a number.")) from None
        exponent = number.as_tuple().exponent
        if not number.is_finite() or abs(number) >= Decimal(10) ** 17 or (isinstance(exponent, int) and exponent < -12):
            raise forms.ValidationError(_("Enter a number."))
        return number


class ServiceForm(forms.Form):
    """A form whose service refuses with wire names."""

    def refuse(self, refusal: DomainError) -> None:
        names = {wire_name(name): name for name in self.fields} | {name: name for name in self.fields}
        for error in refusal.errors:
            self.add_error(names.get(error.field), error.message)
        if not refusal.errors:
            self.add_error(None, str(refusal.message))


class EditionForm(ServiceForm):
    edition = forms.CharField(label=_("Edition"), max_length=40, widget=forms.TextInput(attrs=_LTR))
    reference = forms.CharField(label=_("Reference"), max_length=80, widget=forms.TextInput(attrs=_LTR))
    effective_from = DayField(label=_("In force from"))


class StandardForm(ServiceForm):
    """An own standard; `standard`: the one that is changed, whose key, edition and role stay."""

    key = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$",
        label=_("Key"),
        max_length=20,
        widget=forms.TextInput(attrs=_LTR),
        help_text=_("Short, in Latin letters: it stands beside every verdict."),
    )
    edition = forms.CharField(label=_("Edition"), max_length=40, widget=forms.TextInput(attrs=_LTR))
    reference = forms.CharField(label=_("Reference"), max_length=80, widget=forms.TextInput(attrs=_LTR))
    role = forms.ChoiceField(label=_("Role"), choices=StandardRole.choices, initial=StandardRole.INFORMATION)
    name_en = forms.CharField(label=_("English name"), max_length=200, widget=forms.TextInput(attrs={"dir": "ltr"}))
    name_fr = forms.CharField(
        label=_("French name"), max_length=200, required=False, widget=forms.TextInput(attrs={"dir": "ltr"})
    )
    name_ar = forms.CharField(
        label=_("Arabic name"), max_length=200, required=False, widget=forms.TextInput(attrs={"dir": "rtl"})
    )
    effective_from = DayField(label=_("In force from"), required=False)
    effective_to = DayField(
        label=_("In force until"), required=False, help_text=_("The first day on which it no longer applies.")
    )

    def __init__(self, data: Any = None, *, standard: Standard | None = None) -> None:
        initial = {name: getattr(standard, name) for name in self.base_fields} if standard else None
        super().__init__(data, initial=initial)
        if standard is not None:
            for name in ("key", "edition", "role"):
                del self.fields[name]


class LimitForm(ServiceForm):
    """One row of the grid of limits; the prefix keeps rows apart."""

    parameter = forms.ModelChoiceField(label=_("Parameter"), queryset=Parameter.objects.none(), empty_label="")
    matrix = forms.ChoiceField(label=_("Kind of water"), choices=Matrix.choices)
    kind = forms.ChoiceField(label=_("Kind"), choices=LimitKind.choices)
    lower = DecimalField(label=_("Lower limit"), required=False)
    upper = DecimalField(label=_("Upper limit"), required=False)
    guidance = DecimalField(label=_("Guidance value"), required=False)
    unit = forms.CharField(label=_("Unit"), max_length=30, required=False, widget=forms.TextInput(attrs=_LTR))
    strict = forms.BooleanField(label=_("The limit itself already fails"), required=False)
    provisional = forms.BooleanField(label=_("Provisional"), required=False)
    effective_from = DayField(label=_("In force from"), required=False)
    effective_to = DayField(label=_("In force until"), required=False)
    clause = forms.CharField(label=_("Clause"), max_length=120, required=False, widget=forms.TextInput(attrs=_AUTO))
    note = forms.CharField(label=_("Note"), max_length=2000, required=False, widget=forms.TextInput(attrs=_AUTO))

    def __init__(
        self, data: Any = None, *, limit: Limit | None = None, initial: Mapping[str, Any] | None = None
    ) -> None:
        names = [name for name in self.base_fields if name != "parameter"]
        held = {name: getattr(limit, name) for name in names} if limit else {}
        super().__init__(data, initial=held | dict(initial or {}), prefix=f"l{limit.pk.hex[-8:]}" if limit else None)
        self.limit = limit
        if limit is not None:
            del self.fields["parameter"]
            if limit.organization_id is None:  # the organisation's own row stands in for it: same water, same period
                for name in ("matrix", "effective_from"):
                    self.fields[name].disabled = True
            self.fields["unit"].widget.attrs["list"] = f"units-{limit.pk}"
        else:
            self.fields["parameter"].queryset = selectors.parameter_list()  # type: ignore[attr-defined]
            self.fields["parameter"].widget.attrs["data-search"] = True

    @property
    def units(self) -> list[str]:
        parameter = self.limit.parameter if self.limit else None
        return list(fitting_units(parameter.unit, parameter.species or None)) if parameter else []

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        parameter = self.limit.parameter if self.limit else values.get("parameter")
        if parameter is not None and not values.get("unit"):
            values["unit"] = parameter.unit
        return values


class ConfirmationForm(ServiceForm):
    clause = forms.CharField(
        label=_("Clause, table or page"), max_length=120, widget=forms.TextInput(attrs=_AUTO),
        help_text=_("Where the number stands in the text of the standard."),
    )  # fmt: skip
    note = forms.CharField(label=_("Note"), max_length=2000, required=False, widget=forms.TextInput(attrs=_AUTO))


class RulesForm(ServiceForm):
    """Decision rule, warning share and sums; the list of standards stands beside it in the same HTML form."""

    decision_rule = forms.ChoiceField(label=_("Decision rule"), choices=DecisionRule.choices, widget=forms.RadioSelect)
    warning_share = DecimalField(
        label=_("Warning from this share of a limit (%)"),
        help_text=_("A result within a maximum gets a warning from this share on; with 100 only at the limit itself."),
    )
    censored_members = forms.ChoiceField(
        label=_("What a censored value counts in a sum"), choices=CensoredMembers.choices
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.TextInput(attrs=_AUTO),
        help_text=_("It stands in the audit log beside every verdict that changes."),
    )


class ReasonForm(ServiceForm):
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.TextInput(attrs=_AUTO))
