"""Forms of contracts; names are those of the services."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.forms.formsets import BaseFormSet, formset_factory
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.accounts.permissions import BUILTIN_ROLES, SUPERADMIN
from portal.core.common.errors import DomainError
from portal.crm.contracts import selectors, terms
from portal.crm.contracts.choices import LANGUAGES, Billing, DocumentKind, Party, ValueType
from portal.crm.contracts.models import Contract, ContractTemplate, ContractType
from portal.crm.contracts.pages.lists import people
from portal.crm.customers.access import customers_seen
from portal.crm.customers.models import Customer
from portal.ui.filters import DateField
from portal.ui.forms import AUTO, LTR, ServiceForm

_SEARCH = {"data-search": ""}
_LINES = AUTO | {"rows": 2}


def decimal_field(label: object, *, places: int = 2, required: bool = False, **more: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,  # type: ignore[arg-type]
        required=required,
        max_digits=16,
        decimal_places=places,
        localize=True,
        widget=forms.TextInput(LTR | {"inputmode": "decimal"}),
        **more,
    )


class TermsForm(ServiceForm):
    """Money, dates and terms."""

    value = decimal_field(_("Value of the whole term"), help_text=_("With lines it is their sum."))
    currency = forms.CharField(label=_("Currency"), max_length=3, widget=forms.TextInput(LTR), required=False)
    billing = forms.ChoiceField(label=_("Billing"), choices=Billing.choices)
    start_date = DateField(label=_("First day"), required=False)
    end_date = DateField(label=_("Last day"), required=False, help_text=_("Left empty: without an end."))
    term_months = forms.IntegerField(label=_("Term in months"), min_value=1, max_value=600)
    notice_days = forms.IntegerField(label=_("Notice in days"), min_value=0, max_value=3650)
    auto_renew = forms.BooleanField(label=_("Renews itself unless notice is given"), required=False)
    terms = forms.CharField(
        label=_("Terms"),
        max_length=200_000,
        required=False,
        widget=forms.Textarea(AUTO | {"rows": 12}),
        help_text=_("Plain text, or HTML with headings, paragraphs, lists and tables."),
    )

    NAMES = (
        "value", "currency", "billing", "start_date", "end_date", "term_months", "notice_days", "auto_renew", "terms",
    )  # fmt: skip

    @staticmethod
    def start(contract: Contract) -> dict[str, Any]:
        return {name: getattr(contract, name) for name in TermsForm.NAMES}

    def terms_data(self) -> dict[str, Any]:
        return {name: self.cleaned_data.get(name) for name in self.NAMES if name in self.fields}


class ContractForm(TermsForm):
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    title = forms.CharField(label=_("Title"), max_length=200, widget=forms.TextInput(AUTO))
    customer: "forms.ModelChoiceField[Customer]" = forms.ModelChoiceField(
        None, label=_("Customer"), empty_label="", widget=forms.Select(_SEARCH)
    )
    type: "forms.ModelChoiceField[ContractType]" = forms.ModelChoiceField(None, label=_("Type"), empty_label=None)
    owner: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        None, label=_("Person in charge"), required=False, empty_label="", widget=forms.Select(_SEARCH)
    )
    ours = forms.CharField(
        label=_("Who signs for us"),
        required=False,
        widget=forms.Textarea(_LINES),
        help_text=_("Name; function, one a line."),
    )
    theirs = forms.CharField(
        label=_("Who signs for the customer"), required=False, widget=forms.Textarea(_LINES),
        help_text=_("Name; function, one a line."),
    )  # fmt: skip
    signed_on = DateField(label=_("Signed on"), required=False)
    notice_given_on = DateField(label=_("Notice given on"), required=False)

    names = {"customer_id": "customer", "owner_id": "owner", "signatories": "theirs"}

    def __init__(self, *args: Any, user: User, request: Any, contract: Contract | None = None, **kwargs: Any) -> None:
        initial = dict(kwargs.pop("initial", None) or {})
        if contract is not None:
            initial = self.start(contract) | {
                "version": contract.version,
                "title": contract.title,
                "customer": contract.customer_id,
                "type": contract.type_id,
                "owner": contract.owner_id,
                "ours": _signing(contract, Party.US),
                "theirs": _signing(contract, Party.CUSTOMER),
                "signed_on": contract.signed_on,
                "notice_given_on": contract.notice_given_on,
            }
        super().__init__(*args, **{**kwargs, "initial": initial})
        self.fields["customer"].queryset = customers_seen(user).order_by("name", "id")  # type: ignore[attr-defined]
        self.fields["type"].queryset = selectors.type_list(every=contract is not None)  # type: ignore[attr-defined]
        self.fields["owner"].queryset = people(request)  # type: ignore[attr-defined]
        self.locked = contract is not None and contract.in_force
        if self.locked:
            for name in (*self.NAMES, "customer", "type"):
                del self.fields[name]

    def service_data(self) -> dict[str, Any]:
        said = self.cleaned_data
        data = self.terms_data() | {name: said[name] for name in ("title", "signed_on", "notice_given_on")}
        data["owner_id"] = said["owner"].pk if said.get("owner") else None
        data["signatories"] = [
            {"name": name.strip(), "role": role.strip(), "party": str(party)}
            for party, text in ((Party.US, said["ours"]), (Party.CUSTOMER, said["theirs"]))
            for name, _semicolon, role in (line.partition(";") for line in text.splitlines() if line.strip())
        ]
        if not self.locked:
            data |= {"customer_id": said["customer"].pk, "type": str(said["type"].pk)}
        return data


def _signing(contract: Contract, party: str) -> str:
    rows = (row for row in contract.signatories if row["party"] == party)
    return "\n".join("; ".join(filter(None, (row["name"], row["role"]))) for row in rows)


class LineForm(forms.Form):
    description = forms.CharField(label=_("Description"), max_length=300, required=False, widget=forms.TextInput(AUTO))
    quantity = decimal_field(_("Quantity"), places=3)
    unit_price = decimal_field(_("Unit price"))
    discount = decimal_field(_("Discount, percent"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"


LineFormSet = formset_factory(LineForm, extra=3, max_num=200)


def line_formset(data: Any, contract: Contract | None) -> "BaseFormSet[LineForm]":
    rows = contract.lines.all() if contract else ()
    initial = [{name: getattr(row, name) for name in LineForm.base_fields} for row in rows]
    return LineFormSet(data, initial=initial, prefix="lines")


def lines_of(formset: "BaseFormSet[LineForm]") -> list[dict[str, Any]]:
    """What the service takes; empty rows are left out."""
    return [
        {
            "description": row["description"],
            "quantity": row.get("quantity") or Decimal(1),
            "unit_price": row.get("unit_price") or Decimal(0),
            "discount": row.get("discount") or Decimal(0),
        }
        for row in (form.cleaned_data for form in formset)
        if row.get("description") or row.get("unit_price")
    ]


class AmendmentForm(TermsForm):
    reason = forms.CharField(label=_("Reason"), max_length=1000, widget=forms.Textarea(AUTO | {"rows": 2}))


class RenewForm(ServiceForm):
    term_months = forms.IntegerField(label=_("Term in months"), min_value=1, max_value=600, required=False)
    end_date = DateField(label=_("or last day"), required=False)
    change = forms.ChoiceField(
        label=_("Change of the value"),
        choices=[
            ("", _("No change")),
            ("percent", _("By percent")),
            ("amount", _("By an amount")),
            ("fixed", _("To an amount")),
        ],
        required=False,
    )
    by = decimal_field(_("Percent or amount"))

    def service_data(self) -> dict[str, Any]:
        said = self.cleaned_data
        change = {said["change"]: said.get("by") or Decimal(0)} if said.get("change") else {}
        months = said.get("term_months") if not said.get("end_date") else None
        return {"term_months": months, "end_date": said.get("end_date"), "change": change}


class TerminateForm(ServiceForm):
    effective_date = DateField(label=_("Last day of the contract"))
    by = forms.ChoiceField(label=_("Who terminates"), choices=Party.choices)
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.TextInput(AUTO))
    fee = decimal_field(_("Termination fee"))
    note = forms.CharField(label=_("Note"), max_length=5000, required=False, widget=forms.Textarea(AUTO | {"rows": 3}))


class DocumentForm(forms.Form):
    file = forms.FileField(label=_("File"))
    kind = forms.ChoiceField(label=_("Kind"), choices=DocumentKind.choices, initial=DocumentKind.ANNEX)


class TypeForm(ServiceForm):
    name = forms.CharField(label=_("Name in English"), max_length=100)
    name_ar = forms.CharField(label=_("name in Arabic"), max_length=100, required=False, widget=forms.TextInput(AUTO))
    name_fr = forms.CharField(label=_("name in French"), max_length=100, required=False)
    prefix = forms.CharField(  # type: ignore[assignment]  # the field, not the form's own attribute
        label=_("prefix of the numbers"), max_length=6, required=False, widget=forms.TextInput(LTR)
    )
    term_months = forms.IntegerField(label=_("usual term in months"), min_value=1, max_value=600, initial=12)
    notice_days = forms.IntegerField(label=_("notice in days"), min_value=0, max_value=3650, initial=30)
    window_days = forms.IntegerField(
        label=_("expiring from, days before the end"), min_value=0, max_value=730, initial=30
    )
    reminders = forms.CharField(
        label=_("reminders, days before the end"), required=False, initial="90, 60, 30, 7", widget=forms.TextInput(LTR)
    )
    uplift = decimal_field(_("increase at renewal, percent"))
    approver_role = forms.ChoiceField(label=_("role that approves"), required=False)
    auto_renew = forms.BooleanField(label=_("renews itself"), required=False)
    is_active = forms.BooleanField(label=_("in use"), required=False, initial=True)

    def __init__(self, *args: Any, row: ContractType | None = None, **kwargs: Any) -> None:
        if row is not None:
            kwargs["initial"] = {name: getattr(row, name) for name in self.base_fields}
            kwargs["initial"]["reminders"] = ", ".join(map(str, row.reminders))
        super().__init__(*args, **kwargs)
        roles = [(key, label) for key, label in BUILTIN_ROLES.items() if key != SUPERADMIN]
        self.fields["approver_role"].choices = [("", _("Nobody has to approve")), *roles]  # type: ignore[attr-defined]

    def clean_reminders(self) -> list[int]:
        parts = [part.strip() for part in self.cleaned_data["reminders"].split(",") if part.strip()]
        if not all(part.isdecimal() for part in parts):
            raise forms.ValidationError(_("Enter days before the end, from 0 to 730."))
        return [int(part) for part in parts]

    def service_data(self) -> dict[str, Any]:
        said = dict(self.cleaned_data)
        said["uplift"] = said.get("uplift") or Decimal(0)
        said["prefix"] = said.get("prefix") or None
        return said


class TemplateForm(ServiceForm):
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(AUTO))
    type: "forms.ModelChoiceField[ContractType]" = forms.ModelChoiceField(None, label=_("Type"), empty_label=None)
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES)
    body = forms.CharField(
        label=_("Text"),
        max_length=100_000,
        widget=forms.Textarea(AUTO | {"rows": 18, "spellcheck": "false", "class": "font-monospace"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["type"].queryset = selectors.type_list()  # type: ignore[attr-defined]


class ValueForm(forms.Form):
    key = forms.CharField(label=_("Name in the text"), max_length=40, required=False, widget=forms.TextInput(LTR))
    label = forms.CharField(label=_("Question"), max_length=100, required=False, widget=forms.TextInput(AUTO))
    type = forms.ChoiceField(label=_("Kind"), choices=ValueType.choices, required=False)
    required = forms.BooleanField(label=_("Required"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            looks = {"type": "form-select", "required": "form-check-input"}
            field.widget.attrs["class"] = looks.get(name, "form-control")


ValueFormSet = formset_factory(ValueForm, extra=2, max_num=60)


def values_of(formset: "BaseFormSet[ValueForm]") -> list[dict[str, Any]]:
    return [row for row in (form.cleaned_data for form in formset) if row.get("key")]


class FromTemplateForm(ServiceForm):
    """The template's own fields beside what every contract has."""

    customer: "forms.ModelChoiceField[Customer]" = forms.ModelChoiceField(
        None, label=_("Customer"), empty_label="", widget=forms.Select(_SEARCH)
    )
    title = forms.CharField(label=_("Title"), max_length=200, required=False, widget=forms.TextInput(AUTO))
    start_date = DateField(label=_("First day"))
    end_date = DateField(label=_("Last day"), required=False)
    value = decimal_field(_("Value of the whole term"), required=True)

    names = {"customer_id": "customer"}

    def __init__(
        self,
        *args: Any,
        user: User,
        template: ContractTemplate,
        values: list[Mapping[str, Any]],
        today: date,
        **kwargs: Any,
    ) -> None:
        months = template.type.term_months
        kwargs["initial"] = {
            "title": template.type.label, "start_date": today, "end_date": terms.term_end(today, months),
        } | dict(kwargs.get("initial") or {})  # fmt: skip
        super().__init__(*args, **kwargs)
        self.fields["customer"].queryset = customers_seen(user).order_by("name", "id")  # type: ignore[attr-defined]
        self.keys = [value["key"] for value in values]
        for value in values:
            made: forms.Field
            named = format_html('<bdi translate="no">{}</bdi>', value["label"])  # in the language of the template
            options = {"label": named, "required": value["required"]}
            if value["type"] == ValueType.DATE:
                made = DateField(**options)
            elif value["type"] == ValueType.TEXT:
                made = forms.CharField(max_length=5000, widget=forms.TextInput(AUTO), **options)
            else:
                made = decimal_field(options["label"], required=options["required"])
            self.fields[f"values.{value['key']}"] = made

    def service_data(self) -> dict[str, Any]:
        """Also of a form that is not complete: for the preview."""
        said = self.cleaned_data
        overrides = {name: said[name] for name in ("start_date", "end_date", "value") if said.get(name) is not None}
        if said.get("title"):
            overrides["title"] = said["title"]
        return {
            "customer_id": said["customer"].pk if said.get("customer") else None,
            "values": {key: said.get(f"values.{key}") for key in self.keys},
            "overrides": overrides,
        }


def told(refusal: DomainError) -> str:
    return refusal.errors[0].message if refusal.errors else str(refusal.message)
