"""Reads of worksheets, for pages and API."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.clock import wire as stamp
from portal.core.common.errors import NotFound
from portal.core.common.text import normalise, spelled
from portal.core.tenancy import scope
from portal.lab.lifecycle.models import RequestedAnalysis, Retest
from portal.lab.models import Result, Sample
from portal.lab.quality import selectors as quality
from portal.lab.worksheets.board import Board
from portal.lab.worksheets.models import Worksheet, WorksheetColumn, WorksheetItem
from portal.lab.worksheets.services import OPEN_WORK


def worksheet_list(
    *, statuses: Collection[str] = (), controls: Collection[str] = (), analyst: UUID | None = None,
    parameter: UUID | None = None, sample: UUID | None = None, search: str = "",
) -> QuerySet[Worksheet]:  # fmt: skip
    """Newest first, with the number of samples. `search` looks into number, method, instrument and samples' codes."""
    rows: QuerySet[Worksheet] = Worksheet.objects.select_related("analyst", "verified_by")
    if statuses:
        rows = rows.filter(status__in=statuses)
    if controls:
        rows = rows.filter(control__in=controls)
    if analyst is not None:
        rows = rows.filter(analyst=analyst)
    if parameter is not None:
        rows = rows.filter(Exists(WorksheetColumn.objects.filter(worksheet=OuterRef("pk"), parameter=parameter)))
    items = WorksheetItem.objects.filter(worksheet=OuterRef("pk"))
    if sample is not None:
        rows = rows.filter(Exists(items.filter(sample=sample)))
    if text := normalise(search):
        named = spelled(Worksheet.objects.all(), text, "number", "method", "instrument")
        rows = rows.filter(Q(pk__in=named.values("pk")) | Exists(items.filter(sample__code__icontains=text)))
    samples = items.filter(kind=WorksheetItem.Kind.SAMPLE).order_by().values("worksheet")
    counted = Subquery(samples.annotate(found=Count("pk")).values("found"))
    return rows.annotate(sample_count=Coalesce(counted, Value(0), output_field=IntegerField()))


def worksheet_get(*, id: UUID) -> Worksheet:
    """Raises NotFound."""
    people = ("analyst", "created_by", "completed_by", "verified_by", "decided_by")
    found = worksheet_list().select_related(*people).filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such record."))
    return found


def open_work(
    *, parameters: Collection[UUID], types: Collection[str] = (), since: datetime | None = None,
    until: datetime | None = None, search: str = "", worksheet: Worksheet | None = None,
) -> QuerySet[Sample]:  # fmt: skip
    """Samples in the laboratory, the oldest first, that lack a result for at least one of `parameters`, or of which one
    is to be measured again; not those that stand for one of them on another open worksheet, nor those of `worksheet`.
    Where analyses of a sample were asked for, it lacks those alone. `missing` counts them."""
    wanted = list(parameters)
    living = Result.objects.filter(deleted_at=None)
    done = living.filter(sample=OuterRef("pk"), parameter__in=wanted).order_by().values("sample")
    asked = RequestedAnalysis.objects.filter(sample=OuterRef("pk"))
    measured = living.filter(sample=OuterRef("sample"), parameter=OuterRef("parameter"))
    lacking = asked.filter(~Exists(measured), parameter__in=wanted).order_by().values("sample")
    again = Retest.objects.filter(
        ~Exists(living.filter(replaces=OuterRef("result"))),
        result__sample=OuterRef("pk"),
        result__parameter__in=wanted,
        result__deleted_at=None,
        withdrawn_at=None,
    )
    busy = WorksheetItem.objects.filter(
        sample=OuterRef("pk"),
        kind=WorksheetItem.Kind.SAMPLE,
        worksheet__status=Worksheet.Status.OPEN,
        worksheet__columns__parameter__in=wanted,
    )
    rows: QuerySet[Sample] = Sample.objects.filter(deleted_at=None, status__in=OPEN_WORK)
    rows = rows.annotate(
        missing=Case(
            When(Exists(asked), then=_counted(lacking)),
            default=Value(len(wanted)) - _counted(done, "parameter"),
            output_field=IntegerField(),
        )
        + _counted(again.order_by().values("result__sample"))
    )
    rows = rows.filter(~Exists(busy), missing__gt=0)
    if worksheet is not None:
        rows = rows.exclude(pk__in=WorksheetItem.objects.filter(worksheet=worksheet).values("sample"))
    if types:
        rows = rows.filter(type__in=types)
    if since is not None:
        rows = rows.filter(collection_date__gte=since)
    if until is not None:
        rows = rows.filter(collection_date__lt=until)
    if text := normalise(search):
        rows = rows.filter(search_text__contains=text)
    return rows.order_by("collection_date", "id")


def people() -> QuerySet[User]:
    """The organisation's."""
    rows: QuerySet[User] = User.objects.filter(organization=scope.organization_id(), deleted_at=None)
    return rows.order_by("name", "id")


def _counted(grouped: "QuerySet[Any, Any]", what: str = "pk") -> Coalesce:
    """How many there are in the one group of a subquery."""
    counted = grouped.annotate(found=Count(what, distinct=True)).values("found")
    return Coalesce(Subquery(counted), Value(0), output_field=IntegerField())


def analysts() -> list[User]:
    """Who may enter results."""
    found = people().filter(is_active=True).select_related("role")
    return [user for user in found if user.has_permission("results.edit")]


# --- on the wire -----------------------------------------------------------------------------------


def worksheet_card(row: Worksheet) -> dict[str, Any]:
    return {
        "id": row.pk,
        "number": row.number,
        "method": row.method,
        "edition": row.edition,
        "analystId": row.analyst_id,
        "analystName": row.analyst.name,
        "instrument": row.instrument,
        "analysedAt": stamp(row.analysed_at),
        "notes": row.notes,
        "status": row.status,
        "control": row.control,
        "decision": row.decision or None,
        "decisionReason": row.decision_reason,
        "decidedBy": row.decided_by_id,
        "decidedAt": stamp(row.decided_at),
        "completedBy": row.completed_by_id,
        "completedAt": stamp(row.completed_at),
        "verifiedBy": row.verified_by_id,
        "verifiedAt": stamp(row.verified_at),
        "createdBy": row.created_by_id,
        "createdAt": stamp(row.created_at),
        "updatedAt": stamp(row.updated_at),
        "version": row.version,
    }


def worksheet_detail(row: Worksheet) -> dict[str, Any]:
    """With parameters, positions and the cells that have a value."""
    board = Board(row)
    cells = []
    for item in board.items:
        for column in board.columns:
            held = board.held(item, column.parameter_id)
            if held.value or held.former:
                cells.append(
                    {
                        "itemId": item.pk,
                        "parameterId": column.parameter_id,
                        "value": held.value,
                        "former": held.former or None,
                        "version": held.version,
                        "verdict": held.verdict or None,
                        "resultId": held.result,
                        "qc": quality.result_card(held.row) if held.row else None,
                    }
                )
    return worksheet_card(row) | {
        "parameters": [
            {
                "parameterId": column.parameter_id,
                "parameterCode": column.parameter.code,
                "parameterName": column.parameter.name,
                "unit": column.unit,
            }
            for column in board.columns
        ],
        "items": [
            {
                "id": item.pk,
                "position": item.position,
                "kind": item.kind,
                "sampleId": item.sample_id,
                "sampleCode": item.sample.code if item.sample else None,
                "materialId": item.material_id,
                "added": item.added,
            }
            for item in board.items
        ],
        "cells": cells,
        "emptyCells": board.empty,
    }
