"""Forms of people who are not signed in."""

from typing import ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.ui.context import LANGUAGE_NAMES
from portal.ui.forms import AUTO, LTR, ServiceForm, password_field


class ForgotForm(ServiceForm):
    identifier = forms.CharField(
        label=_("E-mail or user name"),
        max_length=254,
        widget=forms.TextInput(
            LTR | {"autocomplete": "username", "inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


class NewPasswordForm(ServiceForm):
    new_password = password_field(_("New password"), autocomplete="new-password")
    again = password_field(_("New password again"), autocomplete="new-password")

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("new_password"):
            raise forms.ValidationError(_("The two entries differ."))
        return again


class AcceptForm(NewPasswordForm):
    names: ClassVar[dict[str, str]] = {"password": "new_password"}
    field_order = ("name", "language", "new_password", "again")
    name = forms.CharField(
        label=_("Your name"), max_length=150, widget=forms.TextInput(AUTO | {"autocomplete": "name"})
    )
    language = forms.ChoiceField(
        label=_("Language"), choices=[(code, LANGUAGE_NAMES[code]) for code, _name in settings.LANGUAGES]
    )


class CodeForm(ServiceForm):
    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(
            LTR | {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false", "autofocus": True}
        ),
    )
