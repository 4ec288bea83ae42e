"""Samples with results from files of public water data, through the same engine as the API.

Record ids are made of organisation, source and the source's own ids, so a file that is imported again changes
nothing. An edit that somebody made after the file was written stays in force; the file's row is then kept among the
conflicts.
"""

import csv
import gzip
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TextIO
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from portal.core.common.errors import Invalid
from portal.core.sync import engine
from portal.core.sync.engine import Change
from portal.core.tenancy import scope
from portal.core.tenancy.scope import Actor
from portal.lab.imports.batch import record_id, trial
from portal.lab.models import Result
from portal.lab.science.sources import (
    ESTONIA,
    ESTONIA_SAMPLE_TYPES,
    USGS,
    USGS_MEDIA,
    USGS_NOT_MEASUREMENTS,
    USGS_REMARKS,
    USGS_REPORTING_LEVELS,
)

BATCH: Final = 1000  # items per transaction, samples and results together
ACTOR: Final = Actor(name="import_samples", via="import")
DRINKING: Final = ("veevark", "joogivesi")  # the Estonian domains that the drinking-water limits speak of

Record = dict[str, Any]
Rows = list[dict[str, str]]


@dataclass(slots=True)
class SourceSample:
    """A sample as its source gives it, in wire fields; `results` by the source's own id of the measurement."""

    key: str
    data: Record
    results: dict[str, Record] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)  # why a row is no result here


@dataclass(frozen=True, slots=True)
class Source:
    """A file layout: the columns it must have, and what a sample's rows become (None: no sample of the water)."""

    name: str
    columns: frozenset[str]
    read: Callable[[str, Rows], SourceSample | None]


@dataclass(slots=True)
class Refusal:
    """A record that the engine did not take."""

    sample: str
    result: str
    code: str
    field: str
    message: str


@dataclass(slots=True)
class Report:
    """What an import did so far. `counts` has the engine's words, `left_out` says which rows are no results here."""

    samples: int = 0
    results: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def reasons(self) -> Counter[str]:
        return Counter(f"{refusal.code} {refusal.field}: {refusal.message}" for refusal in self.refusals)


def _estonia(key: str, rows: Rows) -> SourceSample:
    first = rows[0]
    taken = datetime.fromisoformat(first["sampled_at"]).replace(tzinfo=ZoneInfo("Europe/Tallinn"))
    sample = SourceSample(
        key,
        {
            "code": f"EE-{key}",
            "type": ESTONIA_SAMPLE_TYPES[first["domain"]],
            "location": first["place"],
            "latitude": float(first["lat"]) if first["lat"] else None,
            "longitude": float(first["lon"]) if first["lon"] else None,
            "collectionDate": taken.isoformat(),
            "collectorName": "Terviseamet",
            "status": "reported",
        },
    )
    for row in rows:
        named = ESTONIA.get(row["parameter"])
        if named is None:
            sample.left_out.append(f"not in the catalogue: {row['parameter']}")
        else:
            sample.results[row["parameter"]] = {
                "parameterName": named.code, "value": row["value"], "unit": named.unit,
            }  # fmt: skip
    return sample


def _inl(key: str, rows: Rows) -> SourceSample | None:
    first = rows[0]
    type = USGS_MEDIA.get(first["medium_cd"])
    if type is None:
        return None
    taken = datetime.fromisoformat(first["sample_dt"]).replace(tzinfo=ZoneInfo("America/Boise"))
    latitude, longitude = _site_position(first["site_no"])
    sample = SourceSample(
        key,
        {
            "code": f"{key}-{first['db_no']}",
            "type": type,
            "location": first["site_nm"],
            "latitude": latitude,
            "longitude": longitude,
            "collectionDate": taken.isoformat(),
            "collectorName": "USGS",
            "status": "reported",
            "notes": f"USGS {first['site_no']}, sample type {first['sample_type_cd']}",
        },
    )
    for row in rows:
        name, value = row["parm_short_nm"], row["result_va"]
        if name not in USGS:
            known = "no measurement of the water" if name in USGS_NOT_MEASUREMENTS else "not in the catalogue"
            sample.left_out.append(f"{known}: {name}")
        elif not value:
            sample.left_out.append(f"no value: {name}")
        else:
            level = USGS_REPORTING_LEVELS.get(row["rpt_lev_cd"])
            deviation = row["lab_sd_va"]
            sample.results[row["pcode"]] = {
                "parameterName": USGS[name].code,
                "value": f"<{value}" if row["remark_cd"] == "<" else value,
                "qualifier": USGS_REMARKS[row["remark_cd"]].value if row["remark_cd"] else None,
                "unit": row["unit_cd"],
                "testMethod": row["meth_cd"],
                "testDate": f"{row['anl_dt'][:10]}" if row["anl_dt"] else None,
                "uncertainty": str(2 * float(deviation)) if deviation else None,  # one standard deviation there
                **({level: row["rpt_lev_va"]} if level and row["rpt_lev_va"] else {}),
            }
    return sample


def _site_position(number: str) -> tuple[float | None, float | None]:
    """A site number of 15 digits holds degrees, minutes and seconds of latitude and (western) longitude."""
    if len(number) != 15 or not number.isdigit():
        return None, None
    north = int(number[0:2]) + int(number[2:4]) / 60 + int(number[4:6]) / 3600
    west = int(number[6:9]) + int(number[9:11]) / 60 + int(number[11:13]) / 3600
    return round(north, 6), -round(west, 6)


SOURCES: Final[Mapping[str, Source]] = {
    source.name: source
    for source in (
        Source(
            "estonia",
            frozenset({"place", "domain", "lat", "lon", "sample_id", "sampled_at", "parameter", "value"}),
            _estonia,
        ),
        Source(
            "inl",
            frozenset(
                {"site_nm", "site_no", "sample_dt", "sample_id", "medium_cd", "sample_type_cd", "db_no", "pcode"}
                | {"parm_short_nm", "unit_cd", "remark_cd", "result_va", "lab_sd_va", "rpt_lev_va", "rpt_lev_cd"}
                | {"meth_cd", "anl_dt"}
            ),
            _inl,
        ),
    )
}


def rows_of(path: Path, columns: Iterable[str]) -> Iterator[dict[str, str]]:
    """The rows of a CSV file, packed or not. Raises Invalid where it cannot be read or lacks a column."""
    try:
        with _opened(path) as file:
            table = csv.DictReader(file)
            missing = set(columns) - set(table.fieldnames or ())
            if missing:
                raise Invalid(_("The file has no column %(names)s.") % {"names": ", ".join(sorted(missing))})
            yield from table
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise Invalid(_("The file cannot be read: %(reason)s.") % {"reason": error}) from None


def _opened(path: Path) -> TextIO:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def samples_of(source: Source, path: Path, *, limit: int | None = None) -> Iterator[tuple[str, SourceSample | None]]:
    """The file's samples in its order; None for one that is no sample of the water. Raises Invalid."""
    grouped: dict[str, Rows] = {}
    for row in rows_of(path, source.columns):
        grouped.setdefault(row["sample_id"], []).append(row)
    for key, rows in itertools.islice(grouped.items(), limit):
        try:
            yield key, source.read(key, rows)
        except (KeyError, ValueError) as error:
            raise Invalid(_("Sample %(key)s cannot be read: %(reason)s.") % {"key": key, "reason": error}) from None


def samples_import(
    *,
    source: Source,
    path: Path,
    organization: UUID,
    limit: int | None = None,
    dry_run: bool = False,
    progress: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Bring a file's samples and results into an organisation, a thousand records to a transaction.

    A sample and its results stay together. `limit` counts samples; with `dry_run` every batch is checked and undone.
    Raises Invalid where the file is not one of the source; what stands before the broken place is then imported.
    """
    report = Report()
    written = datetime.fromtimestamp(path.stat().st_mtime).astimezone() if path.exists() else None
    batch: list[Change] = []
    names: dict[UUID, tuple[str, str]] = {}

    def flush() -> None:
        with scope.tenant(organization, by=ACTOR), trial(undo=dry_run):
            done = engine.apply(batch, user=None)
        for change in done.changes:
            report.counts[change.status] += 1
            report.refusals += [Refusal(*names[change.id], e.code, e.field or "", e.message) for e in change.errors]
        batch.clear()
        names.clear()
        progress(report)

    def add(entity: str, data: Record, *keys: str) -> None:
        id = record_id(organization, source.name, *keys)
        names[id] = (keys[0], "".join(keys[1:]))
        batch.append(Change(entity, id, "created", data, client_timestamp=written))

    for key, sample in samples_of(source, path, limit=limit):
        if sample is None:
            report.left_out["no sample of the water (blanks and reference material)"] += 1
            continue
        report.left_out.update(sample.left_out)
        if batch and len(batch) + 1 + len(sample.results) > BATCH:
            flush()
        add("sample", sample.data, key)
        parent = str(record_id(organization, source.name, key))
        for name, result in sample.results.items():
            add("result", {**result, "sampleId": parent}, key, name)
        report.samples += 1
        report.results += len(sample.results)
    if batch:
        flush()
    return report


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far stored verdicts agree with an authority's; `wrong` counts the disagreements by reason."""

    samples: int
    absent: int  # samples of the file that the organisation does not hold
    wrong: Counter[tuple[str, str]]  # what the standard says, why

    @property
    def percent(self) -> float:
        return 100 * (1 - self.wrong.total() / self.samples) if self.samples else 0.0


def agreement(*, path: Path, organization: UUID, standard: str) -> Agreement:
    """Compare the stored verdicts under `standard` with the authority's (`official_compliant`) in an Estonian file.

    Only drinking water counts. A sample fails where one of its results does. Raises Invalid.
    """
    source = SOURCES["estonia"]
    official: dict[UUID, bool] = {}
    for row in rows_of(path, {*source.columns, "official_compliant"}):
        if row["domain"] in DRINKING:
            official[record_id(organization, source.name, row["sample_id"])] = row["official_compliant"] == "1"
    held: set[UUID] = set()
    failed: dict[UUID, set[tuple[str, str]]] = {}
    with scope.tenant(organization, by=ACTOR):
        for ids in itertools.batched(official, BATCH):
            for sample, code, verdicts in _verdicts(ids):
                held.add(sample)
                failed.setdefault(sample, set()).update(
                    (code, entry["reason"])
                    for entry in verdicts
                    if entry["standard"] == standard and entry["verdict"] == "FAIL"
                )
    wrong: Counter[tuple[str, str]] = Counter()
    for sample in held:
        codes = " + ".join(sorted({code for code, _reason in failed[sample]}))
        causes = ", ".join(sorted({reason for _code, reason in failed[sample]}))
        if official[sample] and codes:
            wrong[codes, f"{causes} under {standard}, the authority says compliant"] += 1
        elif not official[sample] and not codes:
            wrong["-", f"no stored result fails under {standard}, the authority says not compliant"] += 1
    return Agreement(len(held), len(official) - len(held), wrong)


def _verdicts(samples: Sequence[UUID]) -> Iterable[tuple[UUID, str, list[dict[str, Any]]]]:
    rows = Result.objects.filter(sample__in=samples, deleted_at=None).order_by()
    return rows.values_list("sample_id", "parameter__code", "verdicts")
