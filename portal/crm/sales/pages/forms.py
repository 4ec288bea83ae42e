"""Forms of deals, stages, products and targets. Names are the columns'."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar, Final

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.http import QueryDict
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.common.ids import parse_uuid
from portal.core.common.text import latin_digits
from portal.core.tenancy import scope
from portal.crm.customers.access import customers_seen
from portal.crm.customers.models import Customer
from portal.crm.money import base_currency
from portal.crm.sales import selectors
from portal.crm.sales.choices import LOST_REASONS, METRICS, REQUIRABLE, ActivityType, Category, Kind
from portal.crm.sales.models import Deal, DealLine, Product, Stage
from portal.ui.filters import DateField
from portal.ui.forms import AUTO, LTR, RecordForm, ServiceForm, TickedForm

OFFERED: Final = 50  # customers before a search
NOBODY: Final = _("Nobody yet")


class Amount(forms.DecimalField):
    """A number in the digits of the person's keyboard."""

    widget = forms.TextInput(LTR | {"inputmode": "decimal", "autocomplete": "off"})

    def to_python(self, value: Any) -> Any:
        return super().to_python(latin_digits(value).replace(" ", "") if isinstance(value, str) else value)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {}


class DealForm(RecordForm):
    names: ClassVar[dict[str, str]] = {"customer_id": "customer", "assigned_to_id": "assigned_to"}

    title = forms.CharField(label=_("Title"), max_length=200, widget=forms.TextInput(AUTO))
    customer: "forms.ModelChoiceField[Customer]" = forms.ModelChoiceField(None, label=_("Customer"))
    stage = forms.ChoiceField(label=_("Stage"), required=False)
    value = Amount(  # type: ignore[assignment]  # fields are no attributes of the class
        label=_("Value"), required=False, min_value=0, help_text=_("With products it is what their lines come to.")
    )
    currency = forms.CharField(
        label=_("Currency"),
        required=False,
        max_length=3,
        widget=forms.TextInput(LTR),
    )
    fx_rate = Amount(label=_("Exchange rate"), required=False, min_value=0, decimal_places=8)
    probability = forms.IntegerField(
        label=_("Probability (%)"),
        required=False,
        min_value=0,
        max_value=100,
        help_text=_("Left empty, that of the stage."),
    )
    category = forms.ChoiceField(label=_("Forecast category"), choices=Category.choices, initial=Category.PIPELINE)
    expected_close_date = DateField(label=_("Expected close"), required=False)
    assigned_to: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        None, label=_("Assigned to"), required=False, empty_label=NOBODY
    )
    description = forms.CharField(
        label=_("Description"), max_length=20_000, required=False, widget=forms.Textarea(AUTO | {"rows": 4})
    )

    def __init__(
        self, *args: Any, user: User, deal: Deal | None = None, customer: Customer | None = None, **kw: Any
    ) -> None:
        base = base_currency()
        kw["initial"] = {"currency": base, "assigned_to": user.pk, "customer": customer}
        if deal is not None:
            same = (
                "title",
                "value",
                "currency",
                "probability",
                "category",
                "expected_close_date",
                "description",
                "version",
            )
            kw["initial"] = {name: getattr(deal, name) for name in same} | {
                "customer": deal.customer,
                "assigned_to": deal.assigned_to_id,
                "fx_rate": None if deal.currency == base else deal.fx_rate.normalize(),
            }
        super().__init__(*args, **kw)
        self.deal, self.base = deal, base
        self.fields["fx_rate"].help_text = _("How many %(currency)s one unit is worth.") % {"currency": base}
        stage = self.fields["stage"]
        assert isinstance(stage, forms.ChoiceField)
        stage.choices = [(row.key, str(row)) for row in selectors.stages() if row.kind == Kind.OPEN]
        if deal is not None:
            del self.fields["stage"]
            if deal.status != Kind.OPEN:
                for name in ("currency", "fx_rate"):
                    self.fields[name].disabled = True
        self._offer_customers(user, deal.customer if deal else customer)
        assigned = self.fields["assigned_to"]
        assert isinstance(assigned, forms.ModelChoiceField)
        assigned.queryset = people_of()
        assigned.widget.attrs["data-search"] = ""

    def _offer_customers(self, user: User, chosen: Customer | None) -> None:
        """The newest ones and the chosen one; the others by a search, since there may be 100,000."""
        field = self.fields["customer"]
        assert isinstance(field, forms.ModelChoiceField)
        rows = customers_seen(user)
        field.queryset = rows
        said = self.data.get("customer") if self.is_bound else None
        known = {row.pk: row for row in rows.order_by("-last_activity_at", "-id")[:OFFERED]}
        if (wanted := parse_uuid(said)) and (row := rows.filter(pk=wanted).first()):
            known[row.pk] = row
        if chosen is not None:
            known[chosen.pk] = chosen
        field.widget.choices = [("", "---------"), *((str(pk), row.name) for pk, row in known.items())]
        field.widget.attrs |= {"data-search": "", "data-search-url": reverse_lazy("crm:sale_customers")}

    def values(self) -> dict[str, Any]:
        """What the services take."""
        said = dict(self.cleaned_data)
        said.pop("version", None)
        found = {"customer_id": said.pop("customer").pk, "assigned_to": said.pop("assigned_to")}
        found["assigned_to"] = found["assigned_to"].pk if found["assigned_to"] else None
        if self.deal is not None and self.deal.status != Kind.OPEN:
            said.pop("currency"), said.pop("fx_rate")
        else:
            said["currency"] = said["currency"].upper() or None
            if said["currency"] in (None, self.base):
                said["fx_rate"] = None
        if said["value"] is None:
            said["value"] = Decimal(0)
        return found | said


def people_of() -> Any:
    rows = User.objects.filter(organization_id=scope.organization_id(), is_active=True, deleted_at=None)
    return rows.order_by("name", "id")


class LineForm(forms.Form):
    """A line; an empty one is left out."""

    product: "forms.ModelChoiceField[Product]" = forms.ModelChoiceField(
        None, label=_("Product"), required=False, empty_label="…"
    )
    name = forms.CharField(label=_("Name"), required=False, max_length=200, widget=forms.TextInput(AUTO))
    quantity = Amount(label=_("Quantity"), required=False, min_value=0, decimal_places=3)
    unit_price = Amount(label=_("Unit price"), required=False, min_value=0, decimal_places=2)
    discount = Amount(label=_("Discount (%)"), required=False, min_value=0, max_value=100, decimal_places=2)

    def __init__(self, *args: Any, products: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["product"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Product.objects.filter(deleted_at=None)
        field.widget.choices = [("", "…"), *products]
        for one in self.fields.values():
            one.widget.attrs |= {
                "class": "form-select" if one is field else "form-control",
                "aria-label": one.label,
                "placeholder": one.label,
            }

    @property
    def line(self) -> dict[str, Any] | None:
        said = self.cleaned_data
        if not said.get("product") and not said.get("name"):
            return None
        quantity = said.get("quantity")
        return {
            "product_id": said["product"].pk if said.get("product") else None,
            "name": said.get("name") or None,
            "quantity": Decimal(1) if quantity is None else quantity,
            "unit_price": said.get("unit_price"),
            "discount": said.get("discount") or Decimal(0),
        }


LineSet = formset_factory(LineForm, extra=2, max_num=200, validate_max=True)


def line_set(data: QueryDict | None, lines: Sequence[DealLine] = ()) -> "BaseFormSet[LineForm]":
    rows = Product.objects.filter(deleted_at=None).order_by("name", "id")
    products = [
        (str(row.pk), f"{row.name} · {row.unit_price}")
        for row in rows
        if row.is_active or any(line.product_id == row.pk for line in lines)
    ]
    initial = [
        {
            "product": line.product_id,
            "name": line.name,
            "quantity": f"{line.quantity.normalize():f}",
            "unit_price": line.unit_price,
            "discount": f"{line.discount.normalize():f}" if line.discount else "",
        }
        for line in lines
    ]
    return LineSet(data, initial=initial, prefix="lines", form_kwargs={"products": products})


class MoveForm(ServiceForm):
    """What a stage asks for before a deal enters it."""

    names: ClassVar[dict[str, str]] = {"assigned_to_id": "assigned_to"}
    stage = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, deal: Deal, target: Stage, **kwargs: Any) -> None:
        kwargs["initial"] = {"stage": target.key}
        super().__init__(*args, **kwargs)
        self.deal, self.target = deal, target
        missing = [name for name in target.required_fields if not getattr(deal, REQUIRABLE[name][0])]
        if target.kind == Kind.WON and not deal.value and "value" not in missing:
            missing.append("value")
        # lines and appointments are made on the deal's own page
        self.elsewhere = [REQUIRABLE[name][1] for name in missing if name in ("products", "nextActivityAt")]
        offers: dict[str, forms.Field] = {
            "value": Amount(label=_("Value"), min_value=0),
            "expectedCloseDate": DateField(label=_("Expected close")),
            "assignedTo": forms.ModelChoiceField(people_of(), label=_("Assigned to")),
            "description": forms.CharField(label=_("Description"), widget=forms.Textarea(AUTO | {"rows": 3})),
            "probability": forms.IntegerField(label=_("Probability (%)"), min_value=0, max_value=100),
        }
        for name in missing:
            if name in offers:
                column = REQUIRABLE[name][0].removesuffix("_id")
                self.fields[column] = offers[name]
        if target.kind == Kind.LOST:
            self.fields["lost_reason"] = forms.ChoiceField(
                label=_("Lost because of"), choices=[("", "---------"), *LOST_REASONS.items()]
            )
            self.fields["lost_note"] = forms.CharField(
                label=_("Note"),
                required=False,
                max_length=2000,
                widget=forms.Textarea(AUTO | {"rows": 2}),
                help_text=_("Needed for another reason."),
            )
        if target.kind != Kind.OPEN:
            self.fields["close_date"] = DateField(
                label=_("Closed on"), required=False, initial=timezone.localdate, help_text=_("Today or earlier.")
            )

    @property
    def asks(self) -> bool:
        return len(self.fields) > 1 or bool(self.elsewhere)

    def values(self) -> dict[str, Any]:
        said = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        if "assigned_to" in said:
            said["assigned_to"] = said["assigned_to"].pk
        return said


class ActivityForm(ServiceForm):
    type = forms.ChoiceField(label=_("Type"), choices=ActivityType.choices)
    description = forms.CharField(label=_("What"), max_length=20_000, widget=forms.Textarea(AUTO | {"rows": 2}))
    due_at = forms.DateTimeField(
        label=_("Due"),
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Left empty, it is done already."),
    )
    outcome = forms.CharField(label=_("Outcome"), required=False, max_length=300, widget=forms.TextInput(AUTO))
    duration = forms.IntegerField(label=_("Duration (minutes)"), required=False, min_value=0, max_value=100_000)


class BulkForm(TickedForm):
    """One change for all deals that are ticked."""

    assignee: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        None, label=_("Assign to"), required=False, empty_label=_("Assign to…")
    )
    stage = forms.ChoiceField(label=_("Stage"), required=False)
    category = forms.ChoiceField(label=_("Category"), required=False, choices=[("", _("Category…")), *Category.choices])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assignee, stage = self.fields["assignee"], self.fields["stage"]
        assert isinstance(assignee, forms.ModelChoiceField)
        assert isinstance(stage, forms.ChoiceField)
        assignee.queryset = people_of()
        stage.choices = [
            ("", _("Stage…")), *((row.key, str(row)) for row in selectors.stages() if row.kind != Kind.LOST)
        ]  # fmt: skip
        for bound in self.fields.values():
            bound.widget.attrs["class"] = "form-select"

    def changes(self) -> dict[str, Any]:
        said = self.cleaned_data
        found = {name: said[name] for name in ("stage", "category") if said[name]}
        return found | ({"assigned_to": said["assignee"].pk} if said["assignee"] else {})


class PeriodForm(forms.Form):
    """The period of a page of figures, and how it is cut."""

    date_from = DateField(label=_("From"), required=False)
    date_to = DateField(label=_("Until"), required=False)
    group = forms.ChoiceField(
        label=_("Grouped by"),
        required=False,
        choices=[("month", _("Month")), ("quarter", _("Quarter")), ("owner", _("Person"))],
    )
    metric = forms.ChoiceField(label=_("Rank by"), required=False, choices=list(METRICS.items()))
    assignee: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        None, label=_("Assigned to"), required=False, empty_label=_("All")
    )

    def __init__(self, *args: Any, shown: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(self.fields) - set(shown) - {"date_from", "date_to"}:
            del self.fields[name]
        if "assignee" in self.fields:
            field = self.fields["assignee"]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = people_of()


class StageForm(ServiceForm):
    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(AUTO))
    name_fr = forms.CharField(label=_("Name in French"), max_length=100, required=False, widget=forms.TextInput(LTR))
    name_ar = forms.CharField(
        label=_("Name in Arabic"), max_length=100, required=False, widget=forms.TextInput({"dir": "rtl"})
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=Kind.choices, initial=Kind.OPEN)
    order = forms.IntegerField(label=_("Position"), required=False, min_value=1, max_value=1000)
    probability = forms.IntegerField(label=_("Probability (%)"), required=False, min_value=0, max_value=100)
    rotting_days = forms.IntegerField(label=_("Neglected after (days)"), required=False, min_value=1, max_value=3650)
    required_fields = forms.MultipleChoiceField(
        label=_("Needed before a deal enters"),
        required=False,
        choices=[(name, label) for name, (_column, label) in REQUIRABLE.items()],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, stage: Stage | None = None, **kwargs: Any) -> None:
        if stage is not None:
            kwargs["initial"] = {name: getattr(stage, name) for name in self.base_fields if name != "order"}
            kwargs["initial"]["order"] = stage.position + 1
        super().__init__(*args, **kwargs)

    def values(self) -> dict[str, Any]:
        said = dict(self.cleaned_data)
        if said["order"] is not None:
            said["order"] -= 1
        return said


class StageDeleteForm(ServiceForm):
    move_to = forms.ChoiceField(label=_("Its deals go to"), required=False)

    def __init__(self, *args: Any, others: Sequence[Stage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["move_to"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "---------"), *((row.key, str(row)) for row in others)]


class ProductForm(ServiceForm):
    sku = forms.CharField(label=_("Article number"), max_length=50, widget=forms.TextInput(LTR))
    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(AUTO))
    unit_price = Amount(label=_("Unit price"), min_value=0, decimal_places=2)
    is_active = forms.BooleanField(label=_("Active"), required=False, initial=True)
    description = forms.CharField(
        label=_("Description"), max_length=20_000, required=False, widget=forms.Textarea(AUTO | {"rows": 3})
    )


class QuotaForm(ServiceForm):
    owner: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        None, label=_("Person"), required=False, empty_label=_("The whole organisation")
    )
    month = forms.DateField(
        label=_("Month"), input_formats=["%Y-%m"], widget=forms.DateInput({"type": "month"}, format="%Y-%m")
    )
    amount = Amount(label=_("Amount"), required=False, min_value=0, help_text=_("Left empty, the target goes."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["owner"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = people_of()
