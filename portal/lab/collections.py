"""Samples and results as synced collections: how items are checked, and what the server derives from them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.common.text import normalise
from portal.core.notifications.events import publish
from portal.core.projects import access
from portal.core.sync import fields, registry
from portal.core.sync.engine import Batch, Change
from portal.core.sync.fields import Field
from portal.core.sync.registry import Collection, Row
from portal.core.tenancy.services import next_numbers
from portal.lab import hooks, wire
from portal.lab.choices import Compliance, SampleStatus, SampleType
from portal.lab.lifecycle import guard
from portal.lab.models import Result, Sample, SamplingPoint
from portal.lab.rulebook import Rulebook, rulebook
from portal.lab.science.measurement import Measurement, MeasurementError, Qualifier, check_plausible, parse_measurement
from portal.lab.science.sums import CALCULATED
from portal.lab.science.units import UnitError, canonical_unit, convert
from portal.lab.science.verdicts import (
    SAMPLE_MATRIX,
    Flag,
    Verdict,
    compliance_status,
    detection_limit_above,
    evaluate,
    sample_status,
)

SAMPLE_FIELDS = fields.fields(
    Field("type", "type", fields.choice(SampleType.values), required=True),
    Field("location", "location", fields.text(300), required=True),
    Field("collectionDate", "collection_date", fields.moment, required=True, aliases=("collection_date",)),
    Field("collectorName", "collector_name", fields.text(150), required=True, aliases=("collector_name",)),
    Field("code", "code", fields.text(60), empty=""),
    Field("samplingPointId", "sampling_point_id", fields.reference, aliases=("sampling_point_id",)),
    Field("latitude", "latitude", fields.degrees(90)),
    Field("longitude", "longitude", fields.degrees(180)),
    Field("receivedAt", "received_at", fields.moment, aliases=("received_at",)),
    Field("status", "status", fields.choice(SampleStatus.values), empty=SampleStatus.REGISTERED.value),
    Field("notes", "notes", fields.text(10_000), empty=""),
    Field("projectId", "project_id", fields.reference, aliases=("project_id",)),
    Field("localSyncId", "local_sync_id", fields.text(64), aliases=("local_sync_id",)),
)


def _number_or_text(value: Any, zone: str) -> Any:
    """Kept as sent: `parse_measurement` reads it together with the qualifier."""
    if isinstance(value, str) and "\x00" in value:
        raise fields.Refused(_("Must not contain the NUL character."))
    return value


RESULT_FIELDS = fields.fields(
    Field("sampleId", "sample_id", fields.reference, required=True, aliases=("sample_id",)),
    Field("parameterId", "parameter_id", fields.reference, aliases=("parameter_id",)),
    Field("parameterName", "parameter_name", fields.text(200), aliases=("parameter_name", "parameterCode")),
    Field("value", "value_text", _number_or_text, required=True, aliases=("valueText", "value_text")),
    Field("unit", "unit", fields.text(30), required=True),
    Field("qualifier", "qualifier", fields.text(20)),
    Field("testDate", "test_date", fields.moment, aliases=("test_date",)),
    Field("technicianName", "technician_name", fields.text(150), empty="", aliases=("technician_name",)),
    Field("testMethod", "test_method", fields.text(200), empty="", aliases=("test_method",)),
    Field("detectionLimit", "detection_limit", fields.decimal(), aliases=("detection_limit",)),
    Field("quantificationLimit", "quantification_limit", fields.decimal(), aliases=("quantification_limit",)),
    Field("uncertainty", "uncertainty", fields.decimal()),
    Field("dilutionFactor", "dilution_factor", fields.decimal(positive=True), empty=1, aliases=("dilution_factor",)),
    Field("instrument", "instrument", fields.text(150)),
    Field("notes", "notes", fields.text(10_000), empty=""),
    Field("replacesId", "replaces_id", fields.reference, aliases=("replaces_id",)),
    Field("localSyncId", "local_sync_id", fields.text(64), aliases=("local_sync_id",)),
)
# What only the server says of a record; named beside the writable fields so that `meta.ignoredFields` can tell.
_NEW_ROW: Row = {
    "created_at": None,
    "updated_at": None,
    "created_by_id": None,
    "updated_by_id": None,
    "deleted_at": None,
    "deleted_by_id": None,
    "client_updated_at": None,
    "local_sync_id": None,
}


def validate_samples(batch: Batch, changes: Sequence[Change]) -> None:
    rules = rulebook()
    for change in changes:
        columns = fields.read(
            change.data, SAMPLE_FIELDS, zone=rules.zone, complete=change.current is None, refuse=change.refuse
        )
        if change.current is not None:
            columns.pop("local_sync_id", None)
            if not columns.get("code", True):
                del columns["code"]  # the code that the server gave stays
        row = (change.current or {"id": change.id, **_NEW_ROW, **_NOT_COMPUTED}) | columns
        if (row.get("latitude") is None) != (row.get("longitude") is None):
            change.refuse("VALIDATION_ERROR", _("Latitude and longitude belong together."), "latitude")
        change.row = row
    _refuse_projects(batch, changes)
    wanted = {c.row["sampling_point_id"]: c for c in changes if c.open and c.row and c.row["sampling_point_id"]}
    if wanted:
        known = set(SamplingPoint.objects.filter(pk__in=wanted).values_list("pk", flat=True))
        for change in changes:
            if change.open and change.row and (point := change.row["sampling_point_id"]) and point not in known:
                change.refuse("VALIDATION_ERROR", _("There is no such sampling point."), "samplingPointId")


def _refuse_projects(batch: Batch, changes: Sequence[Change]) -> None:
    """A sample comes into a project that lives and that its writer sees."""
    moved = [
        change
        for change in changes
        if change.open
        and change.row
        and change.row["project_id"]
        and (change.current is None or change.current["project_id"] != change.row["project_id"])
    ]
    known = access.projects_within(batch.user, {change.row["project_id"] for change in moved if change.row})
    known |= {change.id for change in batch.of("project") if change.open and change.operation != "deleted"}
    for change in moved:
        if change.row and change.row["project_id"] not in known:
            change.refuse("VALIDATION_ERROR", _("There is no such project."), "projectId")


_NOT_JUDGED: Row = {"compliance_status": Compliance.PENDING.value, "verdicts": [], "flags": []}
_NOT_COMPUTED: Row = {
    "compliance_status": Compliance.PENDING.value,
    "verdicts": [],
    "result_count": 0,
    "search_text": "",
}


def validate_results(batch: Batch, changes: Sequence[Change]) -> None:
    rules = rulebook()
    for change in changes:
        columns = fields.read(
            _one_value(change), RESULT_FIELDS, zone=rules.zone, complete=change.current is None, refuse=change.refuse
        )
        _find_parameter(change, columns, rules)
        if change.open:
            _read_value(change, columns, rules)
    parents = {c.row["sample_id"] for c in changes if c.open and c.row}
    arriving = {c.id for c in batch.of("sample") if c.status != "error" and c.operation != "deleted"}
    there = set(Sample.objects.filter(pk__in=parents - arriving, deleted_at=None).values_list("pk", flat=True))
    for change in changes:
        if change.open and change.row and change.row["sample_id"] not in arriving | there:
            change.refuse("RESOURCE_NOT_FOUND", _("There is no such sample."), "sampleId")
    replaced = {c.row["replaces_id"] for c in changes if c.open and c.row and c.row["replaces_id"]}
    if replaced:
        known = {
            id: (sample, parameter)
            for id, sample, parameter in Result.objects.filter(pk__in=replaced).values_list("pk", "sample", "parameter")
        }
        known |= {c.id: (c.row["sample_id"], c.row["parameter_id"]) for c in changes if c.open and c.row}
        for change in changes:
            if not (change.open and change.row and (old := change.row["replaces_id"])):
                continue
            if old not in known or old == change.id:
                change.refuse("VALIDATION_ERROR", _("There is no such result to replace."), "replacesId")
            elif known[old] != (change.row["sample_id"], change.row["parameter_id"]):
                message = _("A retest replaces a result of the same parameter in the same sample.")
                change.refuse("VALIDATION_ERROR", message, "replacesId")


def _one_value(change: Change) -> Mapping[str, Any]:
    """The data with one of `value` and `valueText`. A record that comes back as it was read carries both; then the one
    that was changed counts, and of two that say the same the text, which keeps its digits."""
    data, current = change.data, change.current
    value, text = data.get("value"), data.get("valueText")
    if "value" not in data or text in (None, ""):
        return data
    only_text = {name: given for name, given in data.items() if name != "value"}
    if value is None:
        return only_text
    if current is not None and text == current["value_text"]:
        return only_text if value == wire.number(current["value"]) else data
    try:
        same = parse_measurement(value).number == parse_measurement(text, data.get("qualifier")).number
    except MeasurementError:
        same = False
    if not same and (current is None or value != wire.number(current["value"])):
        change.refuse("VALIDATION_ERROR", _("“value” and “valueText” say different things."), "value")
    return only_text


def _find_parameter(change: Change, columns: Row, rules: Rulebook) -> None:
    name, id = columns.pop("parameter_name", None), columns.pop("parameter_id", None)
    if id is not None:
        if id not in rules.parameters:
            change.refuse("VALIDATION_ERROR", _("There is no such parameter."), "parameterId")
            return
        columns["parameter_id"] = id
    elif name:
        found = rules.find(name)
        if found is None:
            message = _("The parameter “%(name)s” is not known; see GET /parameters.") % {"name": name}
            change.refuse("VALIDATION_ERROR", message, "parameterName")
            return
        columns["parameter_id"] = found.pk
    elif change.current is None:
        change.refuse("VALIDATION_ERROR", _("This field is required."), "parameterName")


def _read_value(change: Change, columns: Row, rules: Rulebook) -> None:
    current = change.current
    row = (current or {"id": change.id, **_NEW_ROW, **_NOT_JUDGED}) | columns
    parameter = rules.parameters.get(row["parameter_id"])
    if parameter is None:
        change.refuse("VALIDATION_ERROR", _("This parameter is no longer in use."), "parameterId")
        return
    if current is None or columns.keys() & {"value_text", "qualifier", "unit", "parameter_id"}:
        stated = columns.get("qualifier")
        if stated is None and "value_text" not in columns and current is not None:
            stated = current["qualifier"]
        try:
            measured = parse_measurement(row["value_text"], stated)
        except MeasurementError as error:
            change.refuse("VALIDATION_ERROR", str(error), "qualifier" if error.rule == "qualifier" else "value")
            return
        species = parameter.species or None
        try:
            row["unit"] = canonical_unit(row["unit"])
            number = measured.number if measured.number is not None else measured.bound
            if number is not None or parameter.unit != row["unit"]:
                normalised = convert(number or Decimal(0), row["unit"], parameter.unit, species=species)
            else:
                normalised = None
        except UnitError as error:
            change.refuse("VALIDATION_ERROR", str(error), "unit")
            return
        if number is not None:
            try:
                check_plausible(normalised, lower=parameter.minimum, upper=parameter.maximum, unit=parameter.unit)
            except MeasurementError as error:
                change.refuse("VALIDATION_ERROR", str(error), "value")
                return
        row |= {
            "value_text": measured.text,
            "qualifier": measured.qualifier.value,
            "value": measured.number,
            "censoring_limit": measured.bound,
            "normalized_value": normalised if measured.number is not None else None,
            "normalized_unit": parameter.unit,
        }
    if row["test_date"] and row["test_date"].year < 1900:
        change.refuse("VALIDATION_ERROR", _("Must lie between the years 1900 and 2200."), "testDate")
    change.row = row


def derive(batch: Batch) -> None:
    """Fill what the server computes, so that each record is written once: codes, cascades, verdicts, sample figures."""
    if not batch.writes.get("sample") and not batch.writes.get("result"):
        return
    guard.legal(batch)
    _refuse_taken_codes(batch)
    _give_codes(batch)
    _refuse_orphans(batch)
    _cascade(batch)
    _judge(batch)


def _refuse_taken_codes(batch: Batch) -> None:
    """Under the clock's lock no other writer can take a code in between."""
    writes = batch.writes["sample"]
    coded: dict[str, UUID] = {}
    twice: set[UUID] = set()
    for id, row in writes.items():
        if row["code"] and row["deleted_at"] is None and coded.setdefault(row["code"], id) != id:
            twice.add(id)
    changed = {
        code: id
        for code, id in coded.items()
        if (old := batch.before["sample"].get(id)) is None or old["code"] != code or old["deleted_at"]
    }
    taken = Sample.objects.filter(code__in=list(changed), deleted_at=None).values_list("code", "pk")
    twice |= {changed[code] for code, holder in taken if holder != changed[code] and holder not in writes}
    twice |= {
        changed[code]
        for code, holder in taken
        if holder in writes and holder != changed[code] and writes[holder]["code"] == code
    }
    refused = [change for change in batch.of("sample") if change.id in twice]
    for change in refused:
        del writes[change.id]
        change.refuse("DUPLICATE", _("Another sample has this code."), "code")
    if refused:
        for change in batch.of("result"):
            if (
                change.status not in ("created", "updated")
                or change.row is None
                or change.row["sample_id"] not in twice
            ):
                continue
            if change.current is None or change.row["sample_id"] != change.current["sample_id"]:
                batch.writes["result"].pop(change.id, None)
                change.refuse("RESOURCE_NOT_FOUND", _("There is no such sample."), "sampleId")


def _give_codes(batch: Batch) -> None:
    zone = ZoneInfo(rulebook().zone)
    nameless: dict[int, list[Row]] = defaultdict(list)
    for row in batch.writes["sample"].values():
        if not row["code"]:
            nameless[row["collection_date"].astimezone(zone).year].append(row)
        row["search_text"] = search_text(row)
    for year, rows in nameless.items():
        for row, number in zip(rows, next_numbers(f"S-{year}", len(rows)), strict=True):
            row["code"] = f"S-{year}-{number:06d}"
            row["search_text"] = search_text(row)


def search_text(row: Row) -> str:
    """What `search` looks through (FR-016): code, id, location, collector, in one spelling, a line each."""
    return "\n".join(normalise(str(row[name])) for name in ("code", "id", "location", "collector_name"))


def _cascade(batch: Batch) -> None:
    """A deleted sample takes its results with it, a restored one brings back those that went with it."""
    died, rose = {}, {}
    for id, row in batch.writes["sample"].items():
        before = batch.before["sample"].get(id)
        if before is not None and before["deleted_at"] is None and row["deleted_at"] is not None:
            died[id] = row
        elif before is not None and before["deleted_at"] is not None and row["deleted_at"] is None:
            rose[id] = before["deleted_at"]
    if not died and not rose:
        return
    for id, stored in registry.get("result").rows([*died, *rose], by="sample_id").items():
        row = dict(batch.writes["result"].get(id, stored))
        parent = row["sample_id"]
        if parent in died and row["deleted_at"] is None:
            row |= {name: died[parent][name] for name in ("deleted_at", "deleted_by_id", "client_updated_at")}
        elif parent in rose and row["deleted_at"] == rose[parent]:
            row |= {"deleted_at": None, "deleted_by_id": None, "client_updated_at": batch.received}
        else:
            continue
        batch.write("result", row, stored)


def _refuse_orphans(batch: Batch) -> None:
    """Results whose sample goes with this batch, or went, or lost, while it waited for its turn."""
    samples, written = batch.writes["sample"], batch.writes["result"]
    parents = {row["sample_id"] for row in written.values()}
    gone = parents - set(samples)
    gone -= set(Sample.objects.filter(pk__in=gone, deleted_at=None).values_list("pk", flat=True))
    gone |= {id for id in parents & set(samples) if samples[id]["deleted_at"] is not None}
    for change in batch.of("result"):
        row = written.get(change.id)
        if row is not None and row["deleted_at"] is None and row["sample_id"] in gone:
            del written[change.id]
            change.refuse("RESOURCE_NOT_FOUND", _("There is no such sample."), "sampleId")


def _judge(batch: Batch) -> None:
    rules = rulebook()
    zone = ZoneInfo(rules.zone)
    samples = registry.get("sample")
    written = batch.writes["result"]
    touched = set(batch.writes["sample"]) | {row["sample_id"] for row in written.values()}
    touched |= {row["sample_id"] for row in batch.before["result"].values()}
    parents = samples.rows(touched - set(batch.writes["sample"])) | dict(batch.writes["sample"])
    results = registry.get("result").rows(touched & set(parents), by="sample_id")
    stored = {id: row for id, row in results.items() if row["deleted_at"] is None}
    # A sample of another kind or date, rejected or taken up again, is judged anew, all of its results.
    again = set()
    for id, row in batch.writes["sample"].items():
        before = batch.before["sample"].get(id)
        if before is not None and (
            any(before[c] != row[c] for c in ("type", "collection_date", "deleted_at"))
            or (before["status"] == SampleStatus.REJECTED) != (row["status"] == SampleStatus.REJECTED)
        ):
            again.add(id)
    measured = parameters_by_sample([*(row for id, row in stored.items() if id not in written), *written.values()])
    for id, row in stored.items():
        if id not in written and (row["sample_id"] in again or row["test_method"].startswith(CALCULATED)):
            fresh = judged(row, parents[row["sample_id"]], rules, zone, measured[row["sample_id"]])
            if any(fresh[name] != row[name] for name in fresh):
                batch.write("result", row | fresh, row)
    by_sample: dict[UUID, list[Row]] = defaultdict(list)
    for row in written.values():
        if row["deleted_at"] is None:
            row.update(judged(row, parents[row["sample_id"]], rules, zone, measured[row["sample_id"]]))
            by_sample[row["sample_id"]].append(row)
    for id, row in stored.items():
        if id not in written:
            by_sample[row["sample_id"]].append(row)
    for id, row in parents.items():
        figures = summarise(by_sample.get(id, []))
        if any(row[column] != value for column, value in figures.items()):
            if id in batch.writes["sample"]:
                row.update(figures)
            else:
                batch.write("sample", row | figures, row)


def parameters_by_sample(results: Iterable[Row]) -> dict[UUID, set[UUID]]:
    """What was measured in each sample."""
    measured: dict[UUID, set[UUID]] = defaultdict(set)
    for row in results:
        if row["deleted_at"] is None:
            measured[row["sample_id"]].add(row["parameter_id"])
    return measured


def judged(row: Row, sample: Row, rules: Rulebook, zone: ZoneInfo, measured: set[UUID]) -> Row:
    """The verdicts, compliance status and remarks of a result. `measured`: the parameters measured in its sample, by
    which a calculated sum is complete or not."""
    taken: datetime = sample["collection_date"]
    matrix = SAMPLE_MATRIX[sample["type"]]
    parameter = rules.parameters.get(row["parameter_id"])
    species = parameter.species or None if parameter else None
    incomplete = row["test_method"].startswith(CALCULATED) and not measured.issuperset(
        rules.members(row["parameter_id"])
    )
    judgements = evaluate(
        Measurement(row["value_text"], Qualifier(row["qualifier"]), row["value"], row["censoring_limit"]),
        unit=row["unit"],
        species=species,
        limits=rules.limits_for(row["parameter_id"], matrix, taken.astimezone(zone).date()),
        matrix=matrix,
        detection_limit=row["detection_limit"],
        uncertainty=row["uncertainty"],
        rule=rules.rule,
        rejected=sample["status"] == SampleStatus.REJECTED,
        incomplete=incomplete,
    )
    flags = [Flag.SUM_INCOMPLETE.value] if incomplete else []
    if detection_limit_above(judgements, detection_limit=row["detection_limit"], unit=row["unit"], species=species):
        flags.append(Flag.DETECTION_LIMIT_ABOVE_CRITERION.value)
    if (
        row["test_date"]
        and parameter
        and parameter.holding_hours is not None
        and row["test_date"] - taken > timedelta(hours=parameter.holding_hours)
    ):
        flags.append(Flag.HOLDING_TIME_EXCEEDED.value)
    return {
        "verdicts": [judgement.as_json() for judgement in judgements],
        "compliance_status": compliance_status(judgements),
        "flags": flags,
    }


def summarise(results: Iterable[Row]) -> Row:
    """The computed columns of a sample. A result that a retest replaced no longer counts."""
    results = list(results)
    replaced = {row["replaces_id"] for row in results if row["replaces_id"]}
    counted = sorted((row for row in results if row["id"] not in replaced), key=lambda row: str(row["id"]))
    worst: dict[tuple[str, str], dict[str, Any]] = {}
    for row in counted:
        for entry in row["verdicts"]:
            key = (entry["standard"], entry["edition"])
            verdict = Verdict(entry["verdict"])
            held = worst.get(key)
            if held is None or verdict.severity < Verdict(held["verdict"]).severity:
                worst[key] = held = {
                    "standard": entry["standard"],
                    "edition": entry["edition"],
                    "verdict": verdict.value,
                    "resultIds": [],
                }
            if held["verdict"] == verdict.value and verdict.severity < Verdict.PASS.severity:
                held["resultIds"].append(str(row["id"]))
    return {
        "compliance_status": sample_status(row["compliance_status"] for row in counted),
        "verdicts": list(worst.values()),
        "result_count": len(results),
    }


def announce(batch: Batch) -> None:
    """One live event per kind of record: an open page asks again, it is not fed rows."""
    guard.keep_steps(batch)
    hooks.tell_fail([id for id, row in batch.writes.get("sample", {}).items() if _fails_now(batch, id, row)])
    for entity in ("sample", "result"):
        rows = batch.writes.get(entity)
        if not rows:
            continue
        counts = {
            "created": sum(id not in batch.before[entity] for id in rows),
            "changed": sum(id in batch.before[entity] for id in rows),
        }
        ids = list(rows)
        publish(
            f"{entity}.changed",
            entity=entity,
            id=ids[0] if len(ids) == 1 else None,
            data=counts
            | {"ids": [str(id) for id in ids[:50]], "device": batch.device.device_name if batch.device else None},
        )


def _fails_now(batch: Batch, id: UUID, row: Row) -> bool:
    before = batch.before["sample"].get(id) or {}
    fails = row["compliance_status"] == Compliance.FAIL and row["deleted_at"] is None
    return fails and before.get("compliance_status") != Compliance.FAIL


def register() -> None:
    registry.register(
        Collection(
            entity="sample",
            plural="samples",
            label=gettext_lazy("Sample"),
            model=Sample,
            order=10,
            view="samples.view",
            edit="samples.edit",
            delete="samples.delete",
            content=(
                "code", "type", "location", "sampling_point_id", "latitude", "longitude", "collection_date",
                "received_at", "collector_name", "status", "notes", "project_id",
            ),
            validate=validate_samples,
            derive=derive,
            wire=wire.samples,
            announce=announce,
            passes_json=True,
        )
    )  # fmt: skip
    registry.register(
        Collection(
            entity="result",
            plural="results",
            label=gettext_lazy("Result"),
            model=Result,
            order=20,
            view="samples.view",
            edit="results.edit",
            delete="results.delete",
            content=(
                "sample_id", "parameter_id", "value_text", "qualifier", "value", "censoring_limit", "unit",
                "detection_limit", "quantification_limit", "uncertainty", "dilution_factor", "test_date",
                "technician_name", "test_method", "instrument", "notes", "replaces_id",
            ),
            validate=validate_results,
            derive=lambda batch: None,
            wire=wire.results,
            announce=lambda batch: None,
            passes_json=True,
        )
    )  # fmt: skip
