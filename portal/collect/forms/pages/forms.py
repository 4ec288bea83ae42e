"""The forms of these pages: what a form is called, where it belongs, what its submissions create."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.collect.forms.models import Form
from portal.collect.language.schema import Schema
from portal.collect.submissions.targets import targets
from portal.core.accounts.models import User
from portal.core.projects import access
from portal.core.projects.models import Project
from portal.ui.forms import AUTO, ServiceForm


class FormForm(ServiceForm):
    """A new form, empty or from a workbook; without `form`, also where it belongs."""

    names: ClassVar[dict[str, str]] = {"projectId": "project"}

    name = forms.CharField(
        label=_("Name"), max_length=200, required=False, widget=forms.TextInput(AUTO),
        help_text=_("Left empty, the workbook's title."),
    )  # fmt: skip
    project: Any = forms.ModelChoiceField(
        label=_("Project"),
        queryset=Project.objects.none(),
        empty_label=_("Choose a project"),
        widget=forms.Select({"data-search": ""}),
    )
    description = forms.CharField(
        label=_("Description"), max_length=20_000, required=False, widget=forms.Textarea(AUTO | {"rows": 3})
    )
    file = forms.FileField(
        label=_("XLSForm workbook"), required=False, widget=forms.FileInput({"accept": ".xlsx"}),
        help_text=_("Optional: an .xlsx file in the XLSForm standard, as ODK and KoboToolbox use it."),
    )  # fmt: skip

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["project"]
        field.queryset = access.projects_seen(user).order_by("name", "id")

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if not said.get("name") and not said.get("file"):
            self.add_error("name", _("Enter a name, or choose a workbook."))
        return said


class SettingsForm(ServiceForm):
    """Name and description of a form, and what each of its submissions creates."""

    names: ClassVar[dict[str, str]] = {"isActive": "is_active"}

    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(AUTO))
    description = forms.CharField(
        label=_("Description"), max_length=20_000, required=False, widget=forms.Textarea(AUTO | {"rows": 3})
    )
    min_seconds = forms.IntegerField(
        label=_("Shortest time to fill in, in seconds"), min_value=0, max_value=86_400, required=False,
        help_text=_("Submissions that took less are marked for the reviewer."),
    )  # fmt: skip
    target = forms.ChoiceField(label=_("Each submission creates"), required=False)

    def __init__(self, *args: Any, form: Form, schema: Schema, **kwargs: Any) -> None:
        mapping = form.mapping or {}
        kwargs.setdefault(
            "initial",
            {
                "name": form.name,
                "description": form.description,
                "min_seconds": (form.settings or {}).get("minSeconds"),
                "target": mapping.get("target", ""),
            }
            | {f"{mapping.get('target')}-{key}": said for key, said in (mapping.get("fields") or {}).items()},
        )
        super().__init__(*args, **kwargs)
        self.form = form
        choice: Any = self.fields["target"]
        choice.choices = [("", _("Nothing")), *((key, target.label) for key, target in targets.items())]
        asked = [("", "—"), *((item.id, item.text()) for item in schema.fields() if item.answers and not item.repeat)]
        for key, target in targets.items():
            for name, label in target.fields.items():
                self.fields[f"{key}-{name}"] = forms.CharField(
                    label=str(label),
                    required=False,
                    max_length=500,
                    widget=forms.TextInput({"list": "answers", "dir": "ltr"}),
                )
        self.asked = asked

    def groups(self) -> list[tuple[str, Any, list[Any]]]:
        return [(key, one.label, [self[f"{key}-{name}"] for name in one.fields]) for key, one in targets.items()]

    def wire(self) -> dict[str, Any]:
        said = self.cleaned_data
        settings = {key: value for key, value in (self.form.settings or {}).items() if key != "minSeconds"}
        if said["min_seconds"] is not None:
            settings["minSeconds"] = said["min_seconds"]
        mapping: dict[str, Any] = {}
        if target := said["target"]:
            filled = {name: said[f"{target}-{name}"].strip() for name in targets[target].fields}
            mapping = {"target": target, "fields": {name: text for name, text in filled.items() if text}}
        return {
            "name": said["name"],
            "description": said["description"],
            "settings": settings,
            "mapping": mapping,
        }
