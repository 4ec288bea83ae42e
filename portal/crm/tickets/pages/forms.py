"""Forms of tickets. Names are the columns'; on the wire they are written `likeThis`."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.crm.customers.models import Customer
from portal.crm.tickets import selectors
from portal.crm.tickets.choices import Channel, TicketPriority, TicketStatus
from portal.crm.tickets.models import Ticket
from portal.crm.tickets.pages.lists import categories, customers
from portal.ui.filters import DateField
from portal.ui.forms import AUTO, LTR, ServiceForm, TickedForm

NOBODY = _("Nobody yet")


def workers() -> list[tuple[str, str]]:
    return [(str(person.pk), person.name) for person in selectors.workers()]


class TicketForm(ServiceForm):
    names: ClassVar[dict[str, str]] = {
        "customerId": "customer",
        "requesterName": "requester_name",
        "requesterEmail": "requester_email",
        "assignedTo": "assigned_to",
        "dueDate": "due_date",
    }

    title = forms.CharField(label=_("Title"), max_length=200, widget=forms.TextInput(AUTO))
    description = forms.CharField(
        label=_("Description"), max_length=20_000, required=False, widget=forms.Textarea(AUTO | {"rows": 5})
    )
    customer: "forms.ModelChoiceField[Customer]" = forms.ModelChoiceField(
        None, label=_("Customer"), required=False, empty_label=_("No customer")
    )
    requester_name = forms.CharField(label=_("Asked by"), max_length=200, required=False, widget=forms.TextInput(AUTO))
    requester_email = forms.EmailField(
        label=_("E-mail of who asked"), max_length=254, required=False, widget=forms.EmailInput(LTR)
    )
    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices, initial=Channel.PHONE)
    category = forms.ChoiceField(label=_("Category"), required=False)
    priority = forms.ChoiceField(label=_("Priority"), choices=TicketPriority.choices, initial=TicketPriority.NORMAL)
    assigned_to = forms.ChoiceField(
        label=_("Assigned to"), required=False, help_text=_("Left open, the category decides.")
    )
    due_date = DateField(label=_("Due"), required=False)
    tags = forms.CharField(
        label=_("Tags"), max_length=1000, required=False, widget=forms.TextInput(AUTO), help_text=_("Between commas.")
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, ticket: Ticket | None = None, **kwargs: Any) -> None:
        if ticket is not None:
            plain = ("title", "description", "requester_name", "requester_email", "channel", "priority", "version")
            kwargs["initial"] = {name: getattr(ticket, name) for name in plain} | {
                "customer": ticket.customer_id,
                "category": ticket.category.key if ticket.category else "",
                "assigned_to": str(ticket.assigned_to_id or ""),
                "due_date": timezone.localtime(ticket.due_date).date() if ticket.due_date else None,
                "tags": ", ".join(ticket.tags),
            }
        super().__init__(*args, **kwargs)
        self._offer("category", [("", _("None")), *categories(None)])
        self._offer("assigned_to", [("", NOBODY), *workers()])
        field = self.fields["customer"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = customers(user)
        field.widget.attrs["data-search"] = ""

    def _offer(self, name: str, choices: Sequence[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def wire(self, *, only_changed: bool = False) -> dict[str, Any]:
        """What was said, under the wire's names."""
        back = {name: wire for wire, name in self.names.items()}
        chosen = self.changed_data if only_changed else list(self.cleaned_data)
        return {back.get(name, name): self._value(name) for name in chosen if name != "version"}

    def _value(self, name: str) -> Any:
        said = self.cleaned_data[name]
        if name == "customer":
            return str(said.pk) if said else None
        if name == "due_date":
            return said.isoformat() if said else None
        if name == "tags":
            return [tag.strip() for tag in said.replace("،", ",").split(",") if tag.strip()]
        return said if said != "" else None


class BulkForm(TickedForm):
    """One change for all tickets that are ticked."""

    assignee = forms.ChoiceField(label=_("Assign to"), required=False)
    priority = forms.ChoiceField(
        label=_("Priority"), required=False, choices=[("", _("Priority…")), *TicketPriority.choices]
    )
    status = forms.ChoiceField(label=_("Status"), required=False, choices=[("", _("Status…")), *TicketStatus.choices])
    note = forms.CharField(
        label=_("Resolution or reason"),
        max_length=500,
        required=False,
        widget=forms.TextInput(AUTO | {"placeholder": _("Resolution or reason")}),
    )
    tag = forms.CharField(
        label=_("Add a tag"),
        max_length=50,
        required=False,
        widget=forms.TextInput(AUTO | {"placeholder": _("Add a tag")}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["assignee"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Assign to…")), *workers()]
        for name, bound in self.fields.items():
            bound.widget.attrs["class"] = "form-control" if name in ("note", "tag") else "form-select"

    def changes(self) -> dict[str, Any]:
        said = self.cleaned_data
        found: dict[str, Any] = {name: said[name] for name in ("priority", "status") if said[name]}
        if said["assignee"]:
            found["assignedTo"] = said["assignee"]
        if said["tag"]:
            found |= {"tags": [said["tag"]], "tagsMode": "add"}
        if found and said["note"]:
            found |= {"note": said["note"], "reason": said["note"]}
        return found
