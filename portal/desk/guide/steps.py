"""The first steps of a new organisation; what is done is read from its data, not remembered."""

from dataclasses import dataclass
from typing import Any, Final

from django.db import models
from django.db.models import Exists, Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.collect.forms.models import Form
from portal.core.accounts.models import Invitation, User
from portal.core.accounts.services import kept
from portal.core.projects.models import Project
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab.models import Sample, SamplingPoint

PLACE: Final = "start"


@dataclass(frozen=True, slots=True)
class Step:
    key: str
    title: Promise
    text: Promise
    action: Promise
    icon: str
    url_name: str
    permission: str
    done: bool = False

    @property
    def url(self) -> str:
        return reverse(self.url_name)


_STEPS: Final = (
    (
        "organization",
        _("Say who you are"),
        _("Address, time zone and language: they stand on reports and decide when a day begins."),
        _("Settings"),
        "settings",
        "platform:own_settings",
        "organization.edit",
    ),
    (
        "people",
        _("Invite your people"),
        _("Everybody gets an own account and a role; what a role may see and do is on the page of roles."),
        _("Invite somebody"),
        "user-plus",
        "people:invite",
        "users.manage",
    ),
    (
        "project",
        _("Open a project"),
        _("A project holds the people, the tasks and the data of one piece of work in the field."),
        _("New project"),
        "briefcase",
        "fieldwork:project_create",
        "projects.edit",
    ),
    (
        "form",
        _("Design a form"),
        _("Questions, choices, places, photos: what people record on their devices. Published, it reaches them."),
        _("Forms"),
        "forms",
        "collect:form_list",
        "forms.edit",
    ),
    (
        "point",
        _("Add a sampling point"),
        _("A place that is sampled again and again carries the programme, the trends and the map."),
        _("New sampling point"),
        "map-pin",
        "lab:point_create",
        "points.edit",
    ),
    (
        "sample",
        _("Register a sample"),
        _("With its first results come the verdicts under each standard, and from them the compliance report."),
        _("New sample"),
        "flask",
        "lab:sample_create",
        "samples.edit",
    ),
)


def steps(user: User) -> list[Step]:
    """The steps that the person may take, with what is done already: one statement. Empty without an organisation."""
    mine = [row for row in _STEPS if user.has_permission(row[-1])]
    if user.organization_id is None or not mine:
        return []
    own = scope.organization_id()
    rows: dict[str, models.QuerySet[models.Model]] = {
        "people": User.objects.filter(~Q(pk=user.pk), organization_id=own, deleted_at=None),
        "project": Project.objects.filter(deleted_at=None),
        "form": Form.objects.filter(deleted_at=None, version__gt=0),
        "point": SamplingPoint.objects.all(),
        "sample": Sample.objects.filter(deleted_at=None),
    }
    asked: dict[str, Any] = {key: Exists(query) for key, query in rows.items()}
    asked |= {"invited": Exists(Invitation.objects.all()), "organization": Q(version__gt=1) | ~Q(address="")}
    known: Any = Organization.objects.filter(pk=own).values(**asked).get()
    done: dict[str, bool] = dict(known)
    done["people"] = done["people"] or done["invited"]
    return [Step(*row, done=done[row[0]]) for row in mine]


def put_away(user: User) -> bool:
    return bool(kept.setting(user=user, place=PLACE).get("away"))


def put(user: User, *, away: bool) -> None:
    """Take the steps off the home page, or put them back."""
    kept.setting_keep(user=user, place=PLACE, away=away or None)


def shown(user: User) -> list[Step]:
    """The steps of the home page: none once all are done, or put away."""
    todo = [] if put_away(user) else steps(user)
    return todo if any(not step.done for step in todo) else []
