"""Forms of customers. Names are the columns'; on the wire they are written `likeThis`."""

from typing import Any, ClassVar

from django import forms
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.common.errors import Conflict, DomainError
from portal.crm.customers import names, tags
from portal.crm.customers.bulk import MODES
from portal.crm.customers.choices import STATUS_CHANGES, FieldKind, Size, Status
from portal.crm.customers.fields import members
from portal.crm.customers.models import Customer, CustomField, Tag
from portal.ui.forms import AUTO, LTR, RecordForm, ServiceForm, TickedForm

_NOBODY = _("Nobody yet")
_MODE_WORDS = {"add": _("Add the tag"), "remove": _("Remove the tag"), "set": _("Leave only the tag")}


class CustomerForm(RecordForm):
    """The fields of a customer and those that the organisation added. `candidates`: what a refusal for duplicates
    showed; then a tick saves all the same."""

    names: ClassVar[dict[str, str]] = {
        "companyName": "company_name",
        "contactName": "contact_name",
        "statusReason": "status_reason",
        "externalId": "external_id",
        "taxNumber": "tax_number",
        "assignedTo": "assigned_to",
    }
    candidates: tuple[dict[str, Any], ...] = ()

    company_name = forms.CharField(label=_("Company"), max_length=200, required=False, widget=forms.TextInput(AUTO))
    contact_name = forms.CharField(
        label=_("Contact person"), max_length=200, required=False, widget=forms.TextInput(AUTO)
    )
    email = forms.EmailField(label=_("E-mail"), required=False, widget=forms.EmailInput(LTR))
    phone = forms.CharField(
        label=_("Phone"), max_length=40, required=False, widget=forms.TextInput(LTR | {"type": "tel"})
    )
    address = forms.CharField(label=_("Postal address"), max_length=300, required=False, widget=forms.TextInput(AUTO))
    city = forms.CharField(label=_("City"), max_length=100, required=False, widget=forms.TextInput(AUTO))
    country = forms.ChoiceField(label=_("Country"), required=False)
    industry = forms.CharField(
        label=_("Industry"), max_length=100, required=False, widget=forms.TextInput(AUTO | {"list": "industries"})
    )
    size = forms.ChoiceField(label=_("Size"), required=False, choices=[("", "—"), *Size.choices])
    status = forms.ChoiceField(label=_("Status"), choices=Status.choices, initial=Status.LEAD)
    status_reason = forms.CharField(
        label=_("Reason of the status"), max_length=300, required=False, widget=forms.TextInput(AUTO)
    )
    assigned_to: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        None, label=_("Assigned to"), required=False, empty_label=_NOBODY
    )
    tags: "forms.ModelMultipleChoiceField[Tag]" = forms.ModelMultipleChoiceField(
        None, label=_("Tags"), required=False, widget=forms.SelectMultiple({"data-search": ""})
    )
    new_tags = forms.CharField(
        label=_("New tags"),
        max_length=200,
        required=False,
        help_text=_("Separated by commas."),
        widget=forms.TextInput(AUTO),
    )
    external_id = forms.CharField(
        label=_("Number in another system"), max_length=100, required=False, widget=forms.TextInput(LTR)
    )
    tax_number = forms.CharField(label=_("Tax number"), max_length=40, required=False, widget=forms.TextInput(LTR))
    notes = forms.CharField(
        label=_("Summary"), max_length=20_000, required=False, widget=forms.Textarea(AUTO | {"rows": 3})
    )
    force = forms.BooleanField(label=_("Save it all the same"), required=False)

    def __init__(self, *args: Any, customer: Customer | None = None, **kwargs: Any) -> None:
        self.customer = customer
        self.custom = list(CustomField.objects.all())
        if customer is not None:
            kwargs["initial"] = {
                name: getattr(customer, name) for name in self.base_fields if hasattr(customer, name) and name != "tags"
            }
            kwargs["initial"]["version"] = customer.version
            kwargs["initial"]["tags"] = tags.of_customers([customer.pk]).get(customer.pk, [])
        super().__init__(*args, **kwargs)
        language = translation.get_language()[:2]
        self._choose("country", [("", "—"), *names.country_choices(language)])
        self.fields["assigned_to"].queryset = members().order_by("name", "id")  # type: ignore[attr-defined]
        self.fields["tags"].queryset = Tag.objects.filter(scope="customer")  # type: ignore[attr-defined]
        if customer is not None:
            ways = (customer.status, *STATUS_CHANGES[customer.status])
            self._choose("status", [(value, label) for value, label in Status.choices if value in ways])
        for row in self.custom:
            self.fields[f"custom_{row.key}"] = _field(row, (customer.custom_fields if customer else {}).get(row.key))

    @property
    def custom_fields(self) -> list[forms.BoundField]:
        return [self[f"custom_{row.key}"] for row in self.custom]

    def data_for_service(self) -> dict[str, Any]:
        """Of a customer that is there only what was changed."""
        said = self.wire(only_changed=self.customer is not None)
        made = {name: value for name, value in said.items() if name not in ("tags", "new_tags", "force")}
        made = {name: value for name, value in made.items() if not name.startswith("custom_")}
        if {"tags", "new_tags"} & set(self.changed_data) or self.customer is None:
            fresh = [
                text.strip() for text in self.cleaned_data["new_tags"].replace("،", ",").split(",") if text.strip()
            ]
            made["tags"] = [*(str(tag.pk) for tag in self.cleaned_data["tags"]), *fresh]
        if self.custom:
            values = {row.key: self.cleaned_data.get(f"custom_{row.key}") for row in self.custom}
            made["customFields"] = {key: _plain(value) for key, value in values.items() if value not in (None, "")}
        return made

    def refuse(self, refusal: DomainError) -> None:
        if isinstance(refusal, Conflict) and refusal.code == "DUPLICATE_SUSPECTED":
            self.candidates = tuple(refusal.meta["candidates"])
        else:
            super().refuse(refusal)

    def _choose(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


def _field(row: CustomField, value: Any) -> forms.Field:
    kinds: dict[str, Any] = {
        FieldKind.NUMBER: forms.DecimalField,
        FieldKind.DATE: forms.DateField,
        FieldKind.BOOLEAN: forms.NullBooleanField,
        FieldKind.CHOICE: forms.ChoiceField,
    }
    options: dict[str, Any] = {"label": row.label, "required": False, "initial": value}
    if row.kind == FieldKind.CHOICE:
        options["choices"] = [("", "—"), *((one, one) for one in row.options)]
    elif row.kind == FieldKind.DATE:
        options["widget"] = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    elif row.kind == FieldKind.TEXT:
        options["widget"] = forms.TextInput(AUTO)
    field: forms.Field = kinds.get(row.kind, forms.CharField)(**options)
    return field


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | str) else str(value)


class BulkForm(TickedForm):
    """One of: another status, person, or tag."""

    status = forms.ChoiceField(label=_("Status"), required=False, choices=[("", _("Status")), *Status.choices])
    assigned_to: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        None, label=_("Assign to"), required=False, empty_label=_("Assign to")
    )
    mode = forms.ChoiceField(
        label=_("What to do with the tag"), required=False, choices=[(m, _MODE_WORDS[m]) for m in MODES]
    )
    tag: "forms.ModelChoiceField[Tag]" = forms.ModelChoiceField(
        None, label=_("Tag"), required=False, empty_label=_("Tag")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["assigned_to"].queryset = members().order_by("name", "id")  # type: ignore[attr-defined]
        self.fields["tag"].queryset = Tag.objects.filter(scope="customer")  # type: ignore[attr-defined]
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-select"


class NoteForm(ServiceForm):
    names: ClassVar[dict[str, str]] = {"isPinned": "is_pinned", "isPrivate": "is_private"}

    content = forms.CharField(
        label=_("Note"),
        max_length=20_000,
        widget=forms.Textarea(AUTO | {"rows": 3}),
        help_text=_("**bold**, *italic*, lists with -, links. @name tells a colleague."),
    )
    is_pinned = forms.BooleanField(label=_("Pin to the top"), required=False)
    is_private = forms.BooleanField(label=_("For me alone"), required=False)

    def wire(self) -> dict[str, Any]:
        said = self.cleaned_data
        return {"content": said["content"], "isPinned": said["is_pinned"], "isPrivate": said["is_private"]}


class TagForm(ServiceForm):
    name = forms.CharField(label=_("Name"), max_length=50, widget=forms.TextInput(AUTO))
    color = forms.CharField(
        label=_("Colour"), max_length=7, initial="#0f766e", widget=forms.TextInput({"type": "color"})
    )


class CustomFieldForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    choices = forms.CharField(
        label=_("Options"),
        required=False,
        help_text=_("Of a choice, separated by commas."),
        widget=forms.TextInput(AUTO),
    )

    class Meta:
        model = CustomField
        fields = ("key", "label", "kind", "order")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.options:
            self.fields["choices"].initial = ", ".join(self.instance.options)
        self.fields["key"].help_text = _("Letters, digits, _ and -: the name in the API and in files.")

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        options = [text.strip() for text in said.get("choices", "").replace("،", ",").split(",") if text.strip()]
        if said.get("kind") == FieldKind.CHOICE and not options:
            self.add_error("choices", _("Name the options."))
        self.instance.options = options
        if CustomField.objects.filter(key=said.get("key")).exclude(pk=self.instance.pk).exists():
            self.add_error("key", _("There is a field with this key."))
        return said
