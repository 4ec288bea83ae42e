"""Files for the tests of imports, and the way of a file without pages or jobs."""

import io
from collections.abc import Sequence
from typing import Any

import openpyxl

from portal.core.accounts.models import User
from portal.core.tenancy.scope import tenant
from portal.lab.imports import services
from portal.lab.imports.mapping import Columns
from portal.lab.imports.models import ImportRow, ImportRun
from portal.lab.models import Result, Sample

LONG = (
    "Code,Location,Kind of water,Date,Collector,Parameter,Value,Unit,LOD,LOQ\r\n"
    "W-1,Anfa tap,drinking_water,20/11/2026 09:15,Amina,Nitrate,12.50,mg/L NO3,,\r\n"
    "W-1,Anfa tap,drinking_water,20/11/2026 09:15,Amina,Lead,<0.5,µg/L,0.5,\r\n"
    "W-1,Anfa tap,drinking_water,20/11/2026 09:15,Amina,Arsenic,ND,µg/L,,\r\n"
    "W-2,Well 7,well,21/11/2026,Omar,pH,7.20,,,\r\n"
    "W-2,Well 7,well,21/11/2026,Omar,Unobtainium,3,mg/L,,\r\n"
)


def upload(user: User, content: bytes | str, name: str = "results.csv", **changes: Any) -> ImportRun:
    """Upload and keep the guessed mapping, with `changes`."""
    data = content.encode() if isinstance(content, str) else content
    assert user.organization_id
    with tenant(user.organization_id, by=user.actor()):
        run = services.run_upload(file=io.BytesIO(data), name=name, source=None, by=user)
        mapping = Columns.from_json(run.mapping)
        for key, value in changes.items():
            setattr(mapping, key, value)
        return services.run_map(run=run, name="Lab", layout=run.layout, mapping=mapping, by=user)


def steps(run: ImportRun, user: User, *, most: int = 10_000) -> ImportRun:
    """Do what the job does, batch by batch."""
    for _number in range(most):
        with tenant(run.organization_id, by=user.actor()):
            if services.step(run_id=run.pk, reason="wrong file") is None:
                break
    return fresh(run)


def fresh(run: ImportRun) -> ImportRun:
    with tenant(run.organization_id):
        return ImportRun.objects.get(pk=run.pk)


def check(run: ImportRun, user: User) -> ImportRun:
    with tenant(run.organization_id, by=user.actor()):
        services.run_check(run=run, by=user)
    return steps(run, user)


def bring_in(run: ImportRun, user: User, *, most: int = 10_000) -> ImportRun:
    with tenant(run.organization_id, by=user.actor()):
        services.run_import(run=run, by=user)
    return steps(run, user, most=most)


def whole(user: User, content: bytes | str, name: str = "results.csv", **changes: Any) -> ImportRun:
    return bring_in(check(upload(user, content, name, **changes), user), user)


def rows(run: ImportRun) -> dict[int, tuple[str, list[str]]]:
    """Line -> outcome and reasons."""
    with tenant(run.organization_id):
        found = ImportRow.objects.filter(run=run).values_list("line", "outcome", "reasons")
        return {line: (outcome, [reason["message"] for reason in reasons]) for line, outcome, reasons in found}


def samples(user: User) -> dict[str, Sample]:
    assert user.organization_id
    with tenant(user.organization_id):
        return {sample.code: sample for sample in Sample.objects.filter(deleted_at=None)}


def results(user: User, code: str = "") -> dict[str, Result]:
    """By parameter, of one sample."""
    assert user.organization_id
    with tenant(user.organization_id):
        found = Result.objects.filter(deleted_at=None).select_related("parameter", "sample")
        if code:
            found = found.filter(sample__code=code)
        return {result.parameter.code: result for result in found}


def count(user: User) -> tuple[int, int]:
    assert user.organization_id
    with tenant(user.organization_id):
        return Sample.objects.filter(deleted_at=None).count(), Result.objects.filter(deleted_at=None).count()


def workbook(table: Sequence[Sequence[Any]], *, formats: dict[str, str] | None = None, cover: bool = False) -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    if cover:
        sheet.append(["Laboratory report"])
        sheet = book.create_sheet("Data")
    for row in table:
        sheet.append(list(row))
    for cell, shown in (formats or {}).items():
        sheet[cell].number_format = shown
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
