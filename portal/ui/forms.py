"""What the forms of the pages share: refusals of services, and fields for people's data."""

from typing import Any, ClassVar

from django import forms
from django.db.models import Model
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_noop

from portal.core.common.errors import Conflict, DomainError

# Django's own choice of nothing, which it ships without Arabic: collected here for our catalogues.
NOTHING = gettext_noop("- Select an option -")
AUTO = {"dir": "auto"}
LTR = {"dir": "ltr"}


class ServiceForm(forms.Form):
    """A form whose refusals come from a service; `names` says what a field of the service is called here."""

    names: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.label = capfirst(field.label)  # as Django does with the names of a model's fields
            if isinstance(field, forms.ChoiceField) and isinstance(field.choices, list):
                field.choices = [(key, _begun(word)) for key, word in field.choices]

    def refuse(self, refusal: DomainError) -> None:
        for error in refusal.errors:
            field = self.names.get(error.field, error.field)
            self.add_error(field if field in self.fields else None, error.message)
        if not refusal.errors:
            self.add_error(None, str(refusal.message))


def _begun(word: Any) -> Any:
    """A word of the program begins a choice with a capital; what people named, and units, stay as they are."""
    return capfirst(str(word)) if isinstance(word, Promise) else word


class TickedForm(forms.Form):
    """The bar of a list for the rows that are ticked; its ids are others than those of the filters beside it."""

    def __init__(self, data: Any = None, **more: Any) -> None:
        super().__init__(data, auto_id="ticked_%s", **more)


class RecordForm(ServiceForm):
    """A form whose service takes wire data. `names`: wire name of a field -> name here."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    conflict: Conflict | None = None

    def wire(self, *, only_changed: bool = False) -> dict[str, Any]:
        back = {name: wire for wire, name in self.names.items()}
        chosen = self.changed_data if only_changed else list(self.cleaned_data)
        return {back.get(n, n): self.value(n) for n in chosen if n in self.cleaned_data and n != "version"}

    def value(self, name: str) -> Any:
        said = self.cleaned_data[name]
        if isinstance(said, Model):
            return str(said.pk)
        return said if said != "" else None

    def refuse(self, refusal: DomainError) -> None:
        """A change by somebody else is shown once: what is saved then, is saved over it."""
        if isinstance(refusal, Conflict) and "version" in refusal.meta and isinstance(self.data, QueryDict):
            self.conflict = refusal
            data = self.data.copy()
            data["version"] = str(refusal.meta["version"])
            self.data = data
        else:
            super().refuse(refusal)


def password_field(label: object, *, autocomplete: str, help_text: object = "") -> forms.CharField:
    widget = forms.PasswordInput({"autocomplete": autocomplete, **LTR})
    # a space at an end may be meant
    return forms.CharField(label=label, max_length=200, strip=False, widget=widget, help_text=help_text)  # type: ignore[arg-type]
