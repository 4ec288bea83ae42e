"""What the home page counts, per role; each figure is one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db.models import Count, F, IntegerField, QuerySet, Subquery

from portal.core.accounts.models import Device, User
from portal.core.common import clock
from portal.core.common.text import grouped
from portal.core.sync.models import Conflict, FeedRecord
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab.choices import Compliance, SampleStatus
from portal.lab.models import Result, Sample

WINDOW = timedelta(days=30)
MOST: Final = 2000  # a figure of the home page beyond it says no more than that: counting a million costs more than it
_CLOSED = (SampleStatus.REJECTED, SampleStatus.DISPOSED)


@dataclass(frozen=True, slots=True)
class LabFigures:
    """The last 30 days by collection date; `waiting` (samples without any result, counted to one more than `MOST`) and
    `ever` look at all of them."""

    samples: int
    conforming: int
    warning: int
    failing: int
    pending: int
    waiting: int
    ever: bool

    @property
    def share(self) -> float | None:
        """Percent of the decided samples that conform or carry a warning; None where none is decided."""
        decided = self.conforming + self.warning + self.failing
        return 100 * (self.conforming + self.warning) / decided if decided else None

    @property
    def waiting_said(self) -> str:
        return roughly(self.waiting)

    @property
    def bar(self) -> dict[str, int]:
        return {"pass": self.conforming, "warning": self.warning, "fail": self.failing, "pending": self.pending}


def roughly(count: int) -> str:
    """A count that stopped beyond `MOST`, as the home page says it."""
    return grouped(count) if count <= MOST else f"{grouped(MOST)}+"


class _Counted(Subquery):
    template = "(SELECT count(*) FROM (%(subquery)s) counted)"


def counted(lists: Sequence[QuerySet[Any]]) -> list[int]:
    """How many rows each has, counted to one more than `MOST`, of the organisation in force, in one statement."""
    counts = {
        f"n{place}": _Counted(rows.order_by().values("pk")[: MOST + 1], output_field=IntegerField())
        for place, rows in enumerate(lists)
    }
    found: Any = Organization.objects.filter(pk=scope.organization_id()).values(**counts).get()
    return [found[name] for name in counts]


def lab_figures() -> LabFigures:
    living = Sample.objects.filter(deleted_at=None)
    recent = living.filter(collection_date__gte=clock.now() - WINDOW, collection_date__lte=clock.now())
    counts = dict(recent.order_by().values_list("compliance_status").annotate(count=Count("pk")))
    return LabFigures(
        samples=sum(counts.values()),
        conforming=counts.get(Compliance.PASS, 0),
        warning=counts.get(Compliance.WARNING, 0),
        failing=counts.get(Compliance.FAIL, 0),
        pending=counts.get(Compliance.PENDING, 0),
        waiting=living.filter(result_count=0).exclude(status__in=_CLOSED)[: MOST + 1].count(),
        ever=living.exists(),
    )


def latest_exceedances(*, limit: int = 6) -> list[Result]:
    """Results that break a legal limit, of the latest samples that fail."""
    failing = Sample.objects.filter(deleted_at=None, compliance_status=Compliance.FAIL)
    latest = list(failing.order_by("-collection_date", "-pk").values_list("pk", flat=True)[:limit])
    rows = Result.objects.filter(sample__in=latest, compliance_status=Compliance.FAIL, deleted_at=None)
    return list(rows.select_related("sample", "parameter").order_by("-sample__collection_date", "-pk")[:limit])


def waiting_samples(*, limit: int = 6) -> QuerySet[Sample]:
    """Samples without a result, the oldest first: the next work of the laboratory."""
    rows: QuerySet[Sample] = Sample.objects.filter(deleted_at=None, result_count=0).exclude(status__in=_CLOSED)
    return rows.order_by("collection_date", "pk")[:limit]


def latest_changes(*, limit: int = 6) -> QuerySet[Sample]:
    """The samples that were written last, by whomever; the feed knows them by an index."""
    fed = FeedRecord.objects.filter(entity="sample", deleted_at=None).order_by("-seq")
    latest = list(fed.values_list("record_id", flat=True)[:limit])
    rows: QuerySet[Sample] = Sample.objects.filter(pk__in=latest).select_related("updated_by")
    return rows.order_by("-version")


def devices(*, limit: int = 5) -> QuerySet[Device]:
    """The devices that were seen last, with their state of synchronisation."""
    rows: QuerySet[Device] = Device.objects.select_related("user", "sync_state")
    return rows.order_by(F("last_seen_at").desc(nulls_last=True), "pk")[:limit]


def open_conflicts() -> int:
    return int(Conflict.objects.filter(resolution=Conflict.Resolution.OPEN).count())


def organizations() -> list[dict[str, Any]]:
    """Every organisation with its people, samples and devices; needs the platform's scope."""
    counts: list[dict[Any, int]] = []
    for rows in (
        User.objects.filter(deleted_at=None, is_active=True),
        Sample.objects.filter(deleted_at=None),
        Device.objects.all(),
    ):
        counts.append(dict(rows.order_by().values_list("organization").annotate(count=Count("pk"))))  # noqa: PERF401
    people, samples, machines = counts
    return [
        {
            "organization": organization,
            "people": people.get(organization.pk, 0),
            "samples": samples.get(organization.pk, 0),
            "devices": machines.get(organization.pk, 0),
        }
        for organization in Organization.objects.filter(deleted_at=None)
    ]


def own_devices(*, user: User) -> QuerySet[Device]:
    rows: QuerySet[Device] = Device.objects.filter(user=user)
    return rows.order_by(F("last_seen_at").desc(nulls_last=True), "pk")
