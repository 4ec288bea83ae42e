"""Forms of messages, their templates and one's own preferences."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.core.accounts.models import Role, User
from portal.core.notifications import templates
from portal.core.notifications.models import Channel, Level, Notification, Preference, Suppression
from portal.core.tenancy import scope
from portal.ui.forms import AUTO, LTR, ServiceForm

LANGUAGES = [("ar", _("Arabic")), ("fr", _("French")), ("en", _("English"))]
PLACES = [(templates.ANY, _("All channels")), *Channel.choices]
CHANNELS = Channel.choices
NO_CHOICE = pgettext_lazy("role or template", "None")


class PreferenceForm(ServiceForm):
    quiet_from = forms.TimeField(
        label=_("Quiet from"), required=False, widget=forms.TimeInput({"type": "time"}, format="%H:%M")
    )
    quiet_to = forms.TimeField(
        label=_("until"), required=False, widget=forms.TimeInput({"type": "time"}, format="%H:%M")
    )
    digest = forms.ChoiceField(label=_("E-mails"), choices=Preference.Digest.choices)

    def __init__(self, *args: Any, preference: Preference, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(preference, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = self.cleaned_data
        if bool(said.get("quiet_from")) != bool(said.get("quiet_to")):
            self.add_error("quiet_to", _("Give both ends of the quiet hours, or none."))
        return said

    def changes(self) -> dict[str, Any]:
        begin, end = self.cleaned_data["quiet_from"], self.cleaned_data["quiet_to"]
        hours = {"from": f"{begin:%H:%M}", "to": f"{end:%H:%M}"} if begin is not None and end is not None else None
        return {"quietHours": hours, "digest": self.cleaned_data["digest"]}


class TemplateForm(ServiceForm):
    """A new template: its name and its first text."""

    names = {"texts": "body"}

    name = forms.CharField(label=_("Name"), max_length=150, widget=forms.TextInput(AUTO))
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES)
    subject = forms.CharField(label=_("Title"), max_length=300, widget=forms.TextInput(AUTO))
    body = forms.CharField(
        label=_("Text"), required=False, max_length=10_000, widget=forms.Textarea({"rows": 6, **AUTO})
    )
    channels = forms.MultipleChoiceField(
        label=_("Channels"), choices=CHANNELS, widget=forms.CheckboxSelectMultiple, initial=["in_app", "email"]
    )


class TextForm(ServiceForm):
    """The text of one language and channel."""

    subject = forms.CharField(label=_("Title"), required=False, max_length=300, widget=forms.TextInput(AUTO))
    body = forms.CharField(
        label=_("Text"), required=False, max_length=10_000, widget=forms.Textarea({"rows": 8, **AUTO})
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class PeopleField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not generic at run time
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} · {obj.email}"


class ComposeForm(ServiceForm):
    """A message: to whom, what, through which channels, when."""

    names = {"type": "level", "scheduledAt": "scheduled_at", "templateId": "template"}

    recipients = PeopleField(
        label=_("People"),
        queryset=User.objects.none(),
        required=False,
        widget=forms.SelectMultiple({"data-search": ""}),
    )
    role = forms.ModelChoiceField(
        label=_("Everybody with the role"), queryset=Role.objects.none(), required=False, empty_label=NO_CHOICE
    )
    everyone = forms.BooleanField(label=_("Everybody in the organisation"), required=False)
    template = forms.ChoiceField(label=_("Template"), required=False, help_text=_("Or write the words here:"))
    title = forms.CharField(label=_("Title"), required=False, max_length=300, widget=forms.TextInput(AUTO))
    message = forms.CharField(
        label=_("Text"), required=False, max_length=10_000, widget=forms.Textarea({"rows": 5, **AUTO})
    )
    level = forms.ChoiceField(label=_("Type"), choices=Level.choices)
    priority = forms.ChoiceField(
        label=_("Priority"),
        choices=Notification.Priority.choices,
        help_text=_("What is urgent passes quiet hours and summaries."),
    )
    channels = forms.MultipleChoiceField(
        label=_("Channels"), choices=CHANNELS, widget=forms.CheckboxSelectMultiple, initial=["in_app", "email"]
    )
    scheduled_at = forms.DateTimeField(
        label=_("Send at"),
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local", **LTR}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M"],
        help_text=_("Empty: at once. In the organisation's time zone."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(organization_id=scope.organization_id(), is_active=True, deleted_at=None)
        self.fields["recipients"].queryset = people.order_by("name", "id")  # type: ignore[attr-defined]
        roles = Role.objects.filter(pk__in=people.values("role")).order_by("name", "id")
        self.fields["role"].queryset = roles  # type: ignore[attr-defined]
        own = [(str(entry.row.pk), entry.name) for entry in templates.template_list() if entry.kind is None]
        self.fields["template"].choices = [("", NO_CHOICE), *own]  # type: ignore[attr-defined]
        chosen = self.data.get("template")
        self.variables: list[dict[str, Any]] = []
        if chosen and any(chosen == pk for pk, _name in own):
            self.variables = next(
                entry.row.variables for entry in templates.template_list() if str(entry.row.pk) == chosen
            )
        for entry in self.variables:
            kind = entry.get("type", "text")
            kinds = {"date": "date", "number": "number"}
            self.fields[f"data.{entry['name']}"] = forms.CharField(
                label=entry["name"],
                required=bool(entry.get("required", True)),
                widget=forms.TextInput({"type": kinds.get(kind, "text"), **AUTO}),
            )

    def values(self) -> dict[str, Any]:
        """As `message_send` takes them."""
        said = self.cleaned_data
        data: dict[str, Any] = {}
        for entry in self.variables:
            value = said.get(f"data.{entry['name']}")
            if value:
                data[entry["name"]] = float(value) if entry.get("type") == "number" else value
        return {
            "recipients": [str(user.pk) for user in said["recipients"]],
            "role": said["role"].key if said["role"] else "",
            "everyone": said["everyone"],
            "templateId": said["template"] or None,
            "title": said["title"],
            "message": said["message"],
            "type": said["level"],
            "priority": said["priority"],
            "channels": said["channels"],
            "data": data,
            "scheduledAt": timezone.localtime(said["scheduled_at"]) if said["scheduled_at"] else None,
        }


class SuppressionForm(ServiceForm):
    channel = forms.ChoiceField(
        label=_("Channel"), choices=[(c, name) for c, name in Channel.choices if c in (Channel.EMAIL, Channel.SMS)]
    )
    address = forms.CharField(label=_("Address"), max_length=254, widget=forms.TextInput(LTR))
    reason = forms.ChoiceField(label=_("Reason"), choices=Suppression.Reason.choices, initial="manual")
    note = forms.CharField(label=_("Note"), max_length=300, required=False, widget=forms.TextInput(AUTO))
