"""What people say of a file, a link, a category."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.files import selectors
from portal.core.files.models import StoredFile
from portal.ui.forms import AUTO, ServiceForm


class FileForm(ServiceForm):
    filename = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(AUTO))
    category = forms.ChoiceField(label=_("Category"))
    description = forms.CharField(
        label=_("Description"), max_length=4000, required=False, widget=forms.Textarea(AUTO | {"rows": 3})
    )
    tags = forms.CharField(
        label=_("Tags"),
        max_length=1600,
        required=False,
        widget=forms.TextInput(AUTO),
        help_text=_("Separated by commas"),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, file: StoredFile) -> None:
        initial = {
            "filename": file.filename,
            "category": file.category,
            "description": file.description,
            "tags": ", ".join(file.tags),
            "version": file.version,
        }
        super().__init__(data, initial=initial)
        choices = {category.key: category.name for category in selectors.category_list()}
        self.fields["category"].choices = list(({file.category: file.category} | choices).items())  # type: ignore[attr-defined]

    def changes(self) -> dict[str, Any]:
        said = self.cleaned_data
        tags = [tag for tag in said["tags"].replace("،", ",").split(",") if tag.strip()]
        return {name: said[name] for name in ("filename", "category", "description")} | {"tags": tags}


class ShareForm(ServiceForm):
    names: ClassVar[dict[str, str]] = {"expires_in_hours": "days", "pinned": "pinned"}

    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=90, initial=7)
    max_downloads = forms.IntegerField(
        label=_("Most downloads"), min_value=1, required=False, help_text=_("Empty: as many as wished")
    )
    password = forms.CharField(
        label=_("Password"),
        min_length=4,
        max_length=128,
        required=False,
        widget=forms.TextInput({"dir": "ltr", "autocomplete": "off"}),
        help_text=_("Tell it another way than the link"),
    )
    pinned = forms.BooleanField(label=_("Always this version, even after a newer one"), required=False)
    note = forms.CharField(label=_("Note"), max_length=200, required=False, widget=forms.TextInput(AUTO))
