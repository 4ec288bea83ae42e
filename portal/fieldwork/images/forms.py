"""Where images that are uploaded in the browser go."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.projects.access import projects_seen, tasks_seen
from portal.core.projects.models import Project, Task


class PlaceForm(forms.Form):
    """A project and, if wanted, one of its tasks; both limited to what the person sees."""

    project: Any = forms.ModelChoiceField(
        queryset=Project.objects.none(), label=_("Project"), widget=forms.Select({"data-search": ""})
    )
    task: Any = forms.ModelChoiceField(
        queryset=Task.objects.none(), label=_("Task"), required=False, widget=forms.Select({"data-search": ""})
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        projects = projects_seen(user).order_by("name", "pk")
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]
        tasks = tasks_seen(user).filter(project__in=projects.values("pk")).order_by("title", "pk")
        if self.is_bound and self.data.get("project"):
            chosen = self.fields["project"]
            try:
                tasks = tasks.filter(project=chosen.clean(self.data["project"]))
            except forms.ValidationError:
                tasks = tasks.none()
        self.fields["task"].queryset = tasks  # type: ignore[attr-defined]


class AttachForm(PlaceForm):
    """A file that went up, and where its image belongs."""

    file = forms.UUIDField()
