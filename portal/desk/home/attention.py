"""What waits for this person: counts that lead into the lists behind them, in one statement."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.collect.submissions.choices import ReviewState
from portal.collect.submissions.selectors import submission_list
from portal.core.accounts.models import Invitation, User
from portal.core.accounts.selectors.invitations import invitation_list
from portal.core.audit.models import SecurityEvent
from portal.core.audit.security import UNSETTLED
from portal.core.projects.choices import TaskStatus
from portal.core.projects.selectors import task_list
from portal.core.sync.models import Conflict
from portal.crm.contracts.access import today
from portal.crm.contracts.selectors import expiring
from portal.crm.sales.choices import Kind
from portal.crm.sales.selectors import Filters, deal_list
from portal.crm.tickets.selectors import ticket_list
from portal.desk.selectors import counted, roughly
from portal.lab.choices import SampleStatus
from portal.lab.models import Sample

# Level -> (Tabler colour, icon): what is late comes before what is only to be done.
LEVELS: Final = {"late": ("red", "alert-circle"), "soon": ("orange", "clock"), "open": ("secondary", "circle-dashed")}


@dataclass(frozen=True, slots=True)
class Waiting:
    """`url` lists exactly the `count` records; they are counted to one more than `MOST`."""

    key: str
    label: Promise
    level: str
    url: str
    count: int = 0

    @property
    def colour(self) -> str:
        return LEVELS[self.level][0]

    @property
    def icon(self) -> str:
        return LEVELS[self.level][1]

    @property
    def said(self) -> str:
        return roughly(self.count)


def waiting(user: User) -> list[Waiting]:
    """What is not nothing, late things first."""
    asked = list(_asked(user))
    if not asked:
        return []
    counts = counted([rows for _what, rows in asked])
    told = [replace(what, count=count) for (what, _rows), count in zip(asked, counts, strict=True) if count]
    return sorted(told, key=lambda one: list(LEVELS).index(one.level))


def _asked(user: User) -> Iterator[tuple[Waiting, QuerySet[Any]]]:
    may, me = user.has_permission, str(user.pk)
    rows: QuerySet[Any]

    def ask(key: str, label: Any, level: str, name: str, rows: QuerySet[Any], **said: Any) -> Any:
        query = urlencode(said, doseq=True)
        return Waiting(key, label, level, reverse(name) + (f"?{query}" if query else "")), rows

    if may("tasks.edit"):
        rows = task_list(user=user, late=True)
        yield ask("tasks.late", _("Overdue tasks"), "late", "fieldwork:task_list", rows, late="yes")
        rows = task_list(user=user, unassigned=True, statuses=[TaskStatus.PENDING])
        yield ask(
            "tasks.free", _("Tasks without a person"), "open", "fieldwork:task_list", rows, assignee="null",
            status="pending",
        )  # fmt: skip
    elif may("tasks.work"):
        rows = task_list(user=user, late=True, assignee=user.pk)
        yield ask("tasks.mine", _("My overdue tasks"), "late", "fieldwork:task_list", rows, late="yes", assignee=me)
    if may("samples.view"):
        samples = Sample.objects.filter(deleted_at=None)
        for right, status, label in (
            ("samples.receive", SampleStatus.REGISTERED, _("Samples to receive")),
            ("samples.validate", SampleStatus.COMPLETED, _("Samples to validate")),
            ("samples.approve", SampleStatus.VALIDATED, _("Samples to approve")),
        ):
            if may(right):
                rows = samples.filter(status=status)
                yield ask(f"samples.{status}", label, "open", "lab:sample_list", rows, status=status.value)
    if may("tickets.work"):
        yield from _tickets(user, ask)
    if may("sales.edit"):
        own = user.grants.get("dashboard.view") == "own"
        rows = deal_list(user=user, today=today(), filters=Filters(slipped=True, assignee=user.pk if own else None))
        yield ask(
            "sales.late", _("Deals past their expected close"), "late", "crm:sale_list", rows, late="yes",
            **({"assignee": me} if own else {"status": Kind.OPEN.value}),
        )  # fmt: skip
    if may("contracts.edit"):
        rows = expiring(user=user, days=30)
        yield ask("contracts.expiring", _("Contracts that end within 30 days"), "soon", "crm:contract_expiring", rows,
                  days=30)  # fmt: skip
    if may("submissions.review"):
        states = [ReviewState.RECEIVED.value, ReviewState.HAS_ISSUES.value]
        rows = submission_list(user=user, states=states)
        yield ask("submissions", _("Submissions to review"), "open", "collect:submission_list", rows, state=states)
    if may("sync.resolve"):
        rows = Conflict.objects.filter(resolution=Conflict.Resolution.OPEN)
        yield ask("conflicts", _("Open conflicts"), "late", "sync:conflict_list", rows)
    if may("audit.view"):
        rows = SecurityEvent.objects.filter(organization=user.organization_id, status__in=UNSETTLED)
        yield ask("security", _("Security events not settled"), "late", "audit:event_list", rows, status="unsettled")
    if may("users.manage"):
        rows = invitation_list(status=Invitation.Status.PENDING).filter(organization=user.organization_id)
        yield ask("invitations", _("Invitations without an answer"), "open", "people:invitation_list", rows,
                  status=Invitation.Status.PENDING.value)  # fmt: skip


def _tickets(user: User, ask: Any) -> Iterator[tuple[Waiting, QuerySet[Any]]]:
    rows: QuerySet[Any]
    for sla, label, level in (
        ("overdue", _("Tickets over their promise"), "late"),
        ("at_risk", _("Tickets close to their promise"), "soon"),
    ):
        rows = ticket_list(user=user, sla=sla, open_only=True)
        yield ask(f"tickets.{sla}", label, level, "crm:ticket_list", rows, sla=sla)
    rows = ticket_list(user=user, unassigned=True, open_only=True)
    yield ask("tickets.free", _("Nobody’s open tickets"), "open", "crm:ticket_list", rows, show="unassigned")
    rows = ticket_list(user=user, assignee=user.pk, open_only=True)
    yield ask("tickets.mine", _("My open tickets"), "open", "crm:ticket_list", rows, show="mine")
