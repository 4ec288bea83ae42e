"""The own profile and password."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.common.errors import DomainError

_AUTO = {"dir": "auto"}


class OwnForm(forms.Form):
    """A form whose refusals come from the accounts service, under the fields' own names."""

    def refuse(self, refusal: DomainError) -> None:
        for error in refusal.errors:
            self.add_error(error.field if error.field in self.fields else None, error.message)
        if not refusal.errors:
            self.add_error(None, str(refusal.message))


class ProfileForm(OwnForm):
    name = forms.CharField(label=_("Name"), max_length=150, widget=forms.TextInput(_AUTO | {"autocomplete": "name"}))
    phone = forms.CharField(
        label=_("Phone"),
        max_length=50,
        required=False,
        widget=forms.TextInput({"type": "tel", "dir": "ltr", "autocomplete": "tel"}),
    )
    department = forms.CharField(label=_("Department"), max_length=100, required=False, widget=forms.TextInput(_AUTO))
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("as the browser asks")), ("ar", _("Arabic")), ("fr", _("French")), ("en", _("English"))],
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(user, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)


class PasswordForm(OwnForm):
    current_password = forms.CharField(
        label=_("Current password"), widget=forms.PasswordInput({"autocomplete": "current-password", "dir": "ltr"})
    )
    new_password = forms.CharField(
        label=_("New password"),
        max_length=200,
        widget=forms.PasswordInput({"autocomplete": "new-password", "dir": "ltr"}),
        help_text=_("Every app and every other browser is signed out."),
    )
    again = forms.CharField(
        label=_("New password again"), widget=forms.PasswordInput({"autocomplete": "new-password", "dir": "ltr"})
    )

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("new_password"):
            raise forms.ValidationError(_("The two entries differ."))
        return again
