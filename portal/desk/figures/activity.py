"""What happened last, of what the reader may see: the timeline of the office, and the audit log of the other rooms."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.audit.models import Action, AuditEntry
from portal.core.projects.access import sees_all_projects
from portal.crm.activity.models import ActivityEvent
from portal.crm.activity.selectors import sentence
from portal.crm.activity.services import sources
from portal.desk.figures.kept import kept
from portal.desk.figures.question import SUBJECTS, Question

MOST: Final = 100
_LOOKED_AT: Final = 500  # newest events of the office, from which the visible ones are taken
# What changed a record -> its icon.
_CHANGES: Final = {
    Action.CREATE: "plus",
    Action.UPDATE: "pencil",
    Action.DELETE: "trash",
    Action.RESTORE: "arrow-back-up",
}
# Entity of the log -> (what it is, right, page of one record)
ENTITIES: Final[dict[str, tuple[Promise, str, str]]] = {
    "sample": (gettext_lazy("Sample"), "samples.view", "lab:sample_detail"),
    "report": (gettext_lazy("Compliance report"), "reports.view", ""),
    "project": (gettext_lazy("Project"), "projects.view", "fieldwork:project_detail"),
    "task": (gettext_lazy("Task"), "tasks.view", "fieldwork:task_detail"),
    "form": (gettext_lazy("Form"), "forms.view", ""),
    "submission": (gettext_lazy("Submission"), "submissions.view", "collect:submission_detail"),
}
# Of these a person without sight of all projects sees only some, which the log cannot tell apart.
_OF_PROJECTS: Final = frozenset({"project", "task", "form", "submission"})


@dataclass(frozen=True, slots=True)
class Happened:
    """`type` is `entity.what`; `url` the page of the record, "" where there is none."""

    id: str
    type: str
    entity: str
    entity_id: str
    text: str
    icon: str
    user_id: str
    user_name: str
    at: datetime
    url: str

    def card(self) -> dict[str, Any]:
        """On the wire."""
        return {
            "id": self.id,
            "type": self.type,
            "entity": self.entity,
            "entityId": self.entity_id or None,
            "description": self.text,
            "userId": self.user_id or None,
            "userName": self.user_name,
            "createdAt": self.at,
        }


def recent(q: Question, *, limit: int = 20, dated: bool = False) -> list[Happened]:
    """Newest first, at most `limit`. `dated`: within the period of the question, else whenever it was."""
    found = [*_office(q, limit, dated), *_log(q, limit, dated)]
    return sorted(found, key=lambda one: (one.at, one.id), reverse=True)[:limit]


def _office(q: Question, limit: int, dated: bool) -> list[Happened]:
    if not q.may("customers"):
        return []

    def build() -> list[Happened]:
        rows = ActivityEvent.objects.select_related("user").order_by("-occurred_at", "-id")
        if q.scope != "all" or q.assignee:
            rows = rows.filter(customer__in=q.customers().values("pk"))
        if dated:
            rows = rows.filter(q.within("occurred_at", q.first, q.last))
        known, found = sources(), _seen(q, list(rows[:_LOOKED_AT]))
        return [
            Happened(
                str(row.pk),
                row.type,
                row.kind,
                str(row.subject_id or row.customer_id),
                sentence(row),
                source.icon if (source := known.get(row.kind)) else "point",
                str(row.user_id or ""),
                row.user.name if row.user else "",
                row.occurred_at,
                source.url(row.subject_id)
                if source and source.url and row.subject_id
                else reverse("crm:customer_detail", args=[row.customer_id]),
            )
            for row in found[:limit]
        ]

    return kept(q, f"activity.{limit}.{dated}", SUBJECTS, build)


def _seen(q: Question, rows: list[ActivityEvent]) -> list[ActivityEvent]:
    """Those whose customer and subject the reader may see: a query a kind, however many records there are."""
    customers = set(q.customers().filter(pk__in={row.customer_id for row in rows}).values_list("pk", flat=True))
    subjects: set[UUID | None] = {None}
    for kind in {row.kind for row in rows}:
        wanted = {row.subject_id for row in rows if row.kind == kind and row.subject_id}
        source = sources().get(kind)
        visible = source.visible(q.reader) if source and source.visible else None
        subjects |= wanted if visible is None else set(visible.filter(pk__in=wanted).values_list("pk", flat=True))
    return [row for row in rows if row.customer_id in customers and row.subject_id in subjects]


def _log(q: Question, limit: int, dated: bool) -> list[Happened]:
    wanted = [entity for entity, (_name, right, _page) in ENTITIES.items() if _open(q.reader, entity, right)]
    if not wanted or q.assignee:
        return []
    rows = AuditEntry.objects.filter(entity__in=wanted, action__in=list(_CHANGES))
    if q.scope == "own":
        rows = rows.filter(actor_id=q.reader.pk)
    elif q.scope == "team":
        mates = User.objects.filter(department=q.reader.department).exclude(department="")
        rows = rows.filter(Q(actor_id=q.reader.pk) | Q(actor_id__in=mates.values("pk")))
    if dated:
        rows = rows.filter(q.within("timestamp", q.first, q.last))
    told = []
    for entry in rows.order_by("-timestamp", "-id")[:limit]:
        action, (name, _right, page) = Action(entry.action), ENTITIES[entry.entity]
        words = {
            "action": capfirst(str(action.label)),
            "entity": name,
            "record": f"\u2068{entry.object_repr}\u2069",
        }
        told.append(
            Happened(
                str(entry.pk),
                f"{entry.entity}.{action.wire}",
                entry.entity,
                entry.object_pk,
                _("%(action)s: %(entity)s %(record)s") % words,
                _CHANGES[action],
                str(entry.actor_id or ""),
                entry.actor_name,
                entry.timestamp,
                reverse(page, args=[entry.object_pk]) if page and action != Action.DELETE else "",
            )
        )
    return told


def _open(reader: User, entity: str, right: str) -> bool:
    if not reader.has_permission(right):
        return False
    whole = reader.grants[right] == "all" and sees_all_projects(reader)
    return whole if entity in _OF_PROJECTS else True
