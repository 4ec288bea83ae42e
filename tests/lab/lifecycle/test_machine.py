"""The life of samples through the engine: every pair of states and every role, locks, approval by somebody else."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import pytest
from django.db import IntegrityError
from django.utils import timezone

from portal.core.accounts.models import User
from portal.core.audit.models import AuditEntry
from portal.core.common.errors import Conflict, Denied, DomainError, IllegalTransition, Invalid
from portal.core.common.ids import uuid7
from portal.core.notifications.models import Event
from portal.core.sync import engine
from portal.core.sync.engine import Change
from portal.core.tenancy.scope import tenant
from portal.lab import services as lab
from portal.lab.choices import SampleStatus
from portal.lab.lifecycle import guard, selectors, services
from portal.lab.lifecycle.models import CustodyEntry, Retest, SampleStep
from portal.lab.lifecycle.services import Papers
from portal.lab.models import Parameter, Result, Sample
from portal.lab.reports.services import report_issue
from tests.core.people import Cast

pytestmark = pytest.mark.django_db
TAP: Final = {"type": "drinking_water", "location": "Anfa", "collectionDate": "2026-03-20T09:15:00Z",
              "collectorName": "Amina"}  # fmt: skip
ANYBODY: Final = {"Admin", "Manager", "Technician"}
OFFICE: Final = {"Admin", "Manager"}
# Written down a second time, on purpose: the machine is compared with it.
BENCH: Final = ("registered", "received", "in_progress", "completed")
EXPECTED: Final[dict[tuple[str, str], set[str]]] = {
    **{(a, b): ANYBODY for a in BENCH for b in (*BENCH, "rejected") if a != b},
    ("completed", "validated"): OFFICE,
    ("validated", "approved"): OFFICE,
    ("validated", "amended"): OFFICE,
    ("approved", "reported"): OFFICE,
    ("approved", "amended"): OFFICE,
    ("approved", "disposed"): ANYBODY,
    ("reported", "amended"): OFFICE,
    ("reported", "disposed"): ANYBODY,
    ("amended", "in_progress"): ANYBODY,
    ("amended", "completed"): ANYBODY,
    ("amended", "validated"): OFFICE,
    ("amended", "rejected"): ANYBODY,
    ("rejected", "received"): ANYBODY,
    ("rejected", "disposed"): ANYBODY,
}


@pytest.fixture
def cast() -> Cast:
    return Cast()


def by_status(statuses: list[str]) -> list[UUID]:
    """Samples that came in these states, a result each."""
    changes = []
    for status in statuses:
        id = uuid7()
        changes.append(Change("sample", id, "created", {**TAP, "status": status}))
        measured = {"sampleId": str(id), "parameterName": "NO3", "value": "12", "unit": "mg/L"}
        changes.append(Change("result", uuid7(), "created", measured))
    engine.apply(changes, user=None)
    assert not [change.errors for change in changes if change.errors]
    return [change.id for change in changes if change.entity == "sample"]


def a_sample(user: User, *, status: str = "completed", value: str = "12") -> Sample:
    """In the scope of the caller."""
    row, _created = lab.sample_create(data=TAP, by=user)
    lab.result_create(sample=row["id"], data={"parameterName": "NO3", "value": value, "unit": "mg/L"}, by=user)
    if status != "registered":
        lab.sample_update(id=row["id"], data={"status": status}, by=user)
    return Sample.objects.get(pk=row["id"])


@pytest.mark.parametrize("role", ["Admin", "Manager", "Technician", "Viewer"])
@pytest.mark.covers("C84", "001-FR-062")
def test_every_step_and_every_role(cast: Cast, role: str) -> None:
    person = cast.person("somebody", role, cast.a)
    with tenant(cast.a.pk, by=person.actor()):
        for target in SampleStatus.values:
            ids = by_status(SampleStatus.values)

            done = services.samples_transition(ids=ids, to=target, by=person, reason="because")

            for source, id, outcome in zip(SampleStatus.values, ids, done, strict=True):
                roles = EXPECTED.get((source, target))
                wanted = guard.ILLEGAL if roles is None else "" if role in roles else guard.DENIED
                assert outcome.code == wanted, (source, target, outcome)
                held = Sample.objects.get(pk=id).status
                assert held == (target if not wanted else source)
                assert SampleStep.objects.filter(sample=id, source=source, target=target).exists() is not bool(wanted)


def test_a_person_with_only_the_right_to_receive_may_receive(cast: Cast) -> None:
    cast.carol.extra_permissions = ["samples.receive"]
    with tenant(cast.a.pk, by=cast.carol.actor()):
        (id,) = by_status(["registered"])
        papers = Papers(condition="intact", temperature=Decimal("4.5"), container="500 mL", place="Reception")

        row = services.sample_transition(id=id, to="received", by=cast.carol, papers=papers)

        assert (row["status"], row["received_at"] is not None) == ("received", True)
        entry = CustodyEntry.objects.get(sample=id)
        assert (entry.kind, entry.given_by, entry.taken_by, entry.temperature) == (
            "received", "Amina", "carol", Decimal("4.5"),
        )  # fmt: skip
        with pytest.raises(Denied):
            services.sample_transition(id=id, to="in_progress", by=cast.carol)


def test_each_step_is_versioned_audited_and_says_why(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        sample = a_sample(cast.alice)

        with pytest.raises(Invalid):
            services.sample_transition(id=sample.pk, to="rejected", by=cast.alice)
        row = services.sample_transition(id=sample.pk, to="rejected", by=cast.alice, reason="Broken bottle")

        assert row["version"] > sample.version
        entry = AuditEntry.objects.filter(entity="sample", object_pk=str(sample.pk)).latest("id")
        assert (entry.reason, entry.actor_id) == ("Broken bottle", cast.alice.pk)
        step = selectors.step_list(sample=sample.pk).last()
        assert step is not None
        assert (step.target, step.reason, step.by) == ("rejected", "Broken bottle", cast.alice)
        assert Result.objects.get(sample=sample).verdicts[0]["reason"] == "REJECTED"


def test_the_refusal_names_what_can_follow_and_a_stale_version_is_a_conflict(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        sample = a_sample(cast.alice)

        with pytest.raises(IllegalTransition) as refused:
            services.sample_transition(id=sample.pk, to="approved", by=cast.alice)
        with pytest.raises(Conflict):
            services.sample_transition(id=sample.pk, to="validated", by=cast.alice, version=1)

        assert refused.value.meta["allowed"] == ["registered", "received", "in_progress", "validated", "rejected"]


def test_results_of_a_validated_sample_are_locked_until_it_is_reopened(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        sample = a_sample(cast.alice)
        result = Result.objects.get(sample=sample)
        services.sample_transition(id=sample.pk, to="validated", by=cast.alice)
        attempts: list[Any] = [
            lambda: lab.result_update(id=result.pk, data={"value": "13"}, by=cast.alice),
            lambda: lab.result_delete(id=result.pk, by=cast.alice),
            lambda: lab.result_create(
                sample=sample.pk, data={"parameterName": "PH", "value": "7", "unit": "pH unit"}, by=cast.alice
            ),
            lambda: lab.sample_update(id=sample.pk, data={"collectionDate": "2026-03-21"}, by=cast.alice),
            lambda: lab.sample_delete(id=sample.pk, by=cast.alice),
            lambda: services.retest_request(result=result.pk, reason="?", by=cast.alice),
        ]
        before = Sample.objects.get(pk=sample.pk).version

        for attempt in attempts:
            with pytest.raises(DomainError) as refused:
                attempt()
            assert (refused.value.code, refused.value.status) == (guard.LOCKED, 409)

        assert Sample.objects.get(pk=sample.pk).version == before
        lab.sample_update(id=sample.pk, data={"notes": "kept in the cold"}, by=cast.alice)
        with pytest.raises(Invalid):
            services.sample_transition(id=sample.pk, to="amended", by=cast.alice)
        services.sample_transition(id=sample.pk, to="amended", by=cast.alice, reason="Transposed digits")
        lab.result_update(id=result.pk, data={"value": "13"}, by=cast.alice)
        services.sample_transition(id=sample.pk, to="validated", by=cast.alice)
        assert Result.objects.get(pk=result.pk).value_text == "13"


def test_approval_by_another_person_where_the_organisation_wants_it(cast: Cast) -> None:
    bob = cast.person("manager", "Manager", cast.a)
    clerk = cast.person("clerk", "Manager", cast.a)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        alone, apart, strict = (a_sample(cast.alice) for _n in range(3))
        services.sample_transition(id=alone.pk, to="validated", by=cast.alice)
        services.sample_transition(id=alone.pk, to="approved", by=cast.alice)

        with pytest.raises(Denied):
            services.approval_set(rule=guard.NOT_VALIDATOR, by=bob)
        services.approval_set(rule=guard.NOT_VALIDATOR, by=cast.alice)
        services.sample_transition(id=apart.pk, to="validated", by=bob)
        with pytest.raises(Denied, match="validated the sample"):
            services.sample_transition(id=apart.pk, to="approved", by=bob)
        services.sample_transition(id=apart.pk, to="approved", by=cast.alice)

        services.approval_set(rule=guard.NOT_INVOLVED, by=cast.alice)
        services.sample_transition(id=strict.pk, to="validated", by=bob)
        with pytest.raises(Denied, match="entered the results"):
            services.sample_transition(id=strict.pk, to="approved", by=cast.alice)
        held = Sample.objects.get(pk=strict.pk)
        offered = {step.target: step.obstacle for step in selectors.following(sample=held, by=cast.alice)}
        assert (held.status, bool(offered["approved"])) == ("validated", True)
        services.sample_transition(id=strict.pk, to="approved", by=clerk)


def test_a_device_works_at_the_bench_and_goes_no_further(cast: Cast) -> None:
    technician = cast.person("tim", "Technician", cast.a)
    with tenant(cast.a.pk, by=technician.actor(via="sync")):
        ids = by_status([*BENCH, "completed", "validated", "rejected"])
        targets = ["completed", "in_progress", "registered", "received", "validated", "in_progress", "approved"]
        changes = [
            Change("sample", id, "updated", {"status": target}, engine.NO_VERSION_CHECK)
            for id, target in zip(ids, targets, strict=True)
        ]
        born = [Change("sample", uuid7(), "created", {**TAP, "status": status}) for status in ("completed", "approved")]

        engine.apply([*changes, *born], user=technician.pk, rights=technician.permission_codes)

        codes = [change.errors[0].code if change.errors else change.status for change in (*changes, *born)]
        assert codes == [
            "updated", "updated", "updated", "updated", guard.DENIED, guard.ILLEGAL, guard.ILLEGAL,
            "created", guard.DENIED,
        ]  # fmt: skip
        assert all(change.errors[0].field == "status" for change in changes if change.errors)


def test_nothing_is_validated_without_results_or_while_a_retest_waits(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        empty, _created = lab.sample_create(data=TAP | {"status": "completed"}, by=cast.alice)
        with pytest.raises(IllegalTransition):
            services.sample_transition(id=empty["id"], to="validated", by=cast.alice)
        sample = a_sample(cast.alice)
        result = Result.objects.get(sample=sample)

        retest = services.retest_request(result=result.pk, reason="Duplicates differ", by=cast.alice)

        assert Sample.objects.get(pk=sample.pk).status == "in_progress"
        with pytest.raises(Conflict):
            services.retest_request(result=result.pk, reason="again", by=cast.alice)
        lab.sample_update(id=sample.pk, data={"status": "completed"}, by=cast.alice)
        with pytest.raises(IllegalTransition, match="retest"):
            services.sample_transition(id=sample.pk, to="validated", by=cast.alice)
        services.retest_withdraw(id=retest.pk, by=cast.alice)
        services.sample_transition(id=sample.pk, to="validated", by=cast.alice)
        with pytest.raises(Conflict):
            services.retest_withdraw(id=retest.pk, by=cast.alice)


def test_a_retest_keeps_the_old_result_which_counts_in_no_verdict_and_no_report(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        sample = a_sample(cast.alice, value="60")
        old = Result.objects.get(sample=sample)
        assert sample.compliance_status == "fail"
        services.retest_request(result=old.pk, reason="Contaminated vessel", by=cast.alice)
        assert Sample.objects.get(pk=sample.pk).compliance_status == "fail"

        again = {"parameterName": "NO3", "value": "40", "unit": "mg/L", "replacesId": str(old.pk)}
        row, _created = lab.result_create(sample=sample.pk, data=again, by=cast.alice)

        held = Sample.objects.get(pk=sample.pk)
        assert (held.compliance_status, held.result_count) == ("pass", 2)
        assert all(str(old.pk) not in entry["resultIds"] for entry in held.verdicts)
        (card,) = map(selectors.retest_card, selectors.retest_list(sample=sample.pk))
        assert card["state"] == "done"
        report = report_issue(filters={}, language="en", title="", by=cast.alice)
        figures = report.content["figures"]
        assert (figures["summary"]["fail"], figures["summary"]["pass"]) == (0, 1)
        assert {"resultId": str(old.pk), "reason": "REPLACED"}.items() <= figures["excluded"][0].items()
        assert not figures["exceedances"]
        other = a_sample(cast.alice)
        for wrong in ({"parameterName": "PH", "value": "7", "unit": "pH unit"}, None):
            target = sample.pk if wrong else other.pk
            data = (wrong or {"parameterName": "NO3", "value": "1", "unit": "mg/L"}) | {"replacesId": str(row["id"])}
            with pytest.raises(Invalid, match="same parameter in the same sample"):
                lab.result_create(sample=target, data=data, by=cast.alice)


def test_a_broken_legal_limit_is_told_right_after_the_validation(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        bad, good = a_sample(cast.alice, value="60"), a_sample(cast.alice, value="12")
        assert not Event.objects.filter(type="compliance.changed").exists()

        services.samples_transition(ids=[bad.pk, good.pk], to="validated", by=cast.alice)

        (event,) = Event.objects.filter(type="compliance.changed")
        assert str(bad.pk) in event.text
        assert bad.code in event.text


def test_the_chain_of_custody_is_only_added_to(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        sample = a_sample(cast.alice, status="registered")
        papers = Papers(given_by="Amina", taken_by="Youssef", place="Gate 2")
        first = services.custody_add(sample=sample.pk, kind="handed_over", by=cast.alice, papers=papers)
        services.custody_add(sample=sample.pk, kind="note", by=cast.alice, papers=Papers(note="It was gate 3."))

        assert selectors.holder(list(selectors.custody_list(sample=sample.pk))) == "Youssef"
        refused = [
            ("handed_over", Papers()),
            ("note", Papers()),
            ("stored", Papers(temperature=Decimal(200))),
            ("stored", Papers(condition="?")),
            ("stored", Papers(at=timezone.now() + timedelta(1))),
        ]
        for kind, wrong in refused:
            with pytest.raises(Invalid):
                services.custody_add(sample=sample.pk, kind=kind, by=cast.alice, papers=wrong)
        with pytest.raises(Denied):
            services.custody_add(sample=sample.pk, kind="stored", by=cast.carol, papers=Papers())
        assert selectors.custody_list(sample=sample.pk).count() == 2
    for change in (lambda: CustodyEntry.objects.filter(pk=first.pk).update(place="x"), first.delete):
        with pytest.raises(IntegrityError, match="append-only"), tenant(cast.a.pk):
            change()


def test_holding_times_run_from_the_collection_and_late_analyses_are_flagged(cast: Cast) -> None:
    ecoli = Parameter.objects.get(organization=None, code="ECOLI")
    iron = Parameter.objects.get(organization=None, code="FE")
    hours = ecoli.holding_hours
    assert hours is not None
    taken = timezone.now() - timedelta(hours=hours - 2)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        row, _created = lab.sample_create(data=TAP | {"collectionDate": taken.isoformat()}, by=cast.alice)
        services.analyses_request(sample=row["id"], parameters=[ecoli.pk, iron.pk], by=cast.alice)

        (due,) = [entry for entry in selectors.due_list() if entry.parameter_id == ecoli.pk]

        assert due.due_at == row["collection_date"] + timedelta(hours=hours)
        assert "1 h 5" in selectors.left(due.due_at) or "2 h 00" in selectors.left(due.due_at)
        assert selectors.due_list(within=timedelta(hours=3), search="anfa").count() == 1
        assert not selectors.due_list(late=True).exists()
        with pytest.raises(Invalid):
            services.analysis_start(sample=row["id"], parameter=ecoli.pk, by=cast.alice, at=taken - timedelta(1))
        services.analysis_start(sample=row["id"], parameter=ecoli.pk, by=cast.alice)
        with pytest.raises(Conflict):
            services.analysis_start(sample=row["id"], parameter=ecoli.pk, by=cast.alice)
        assert not selectors.due_list().exists()
        late = (taken + timedelta(hours=hours + 1)).isoformat()
        measured = {"parameterName": "ECOLI", "value": "0", "unit": "CFU/100 mL", "testDate": late}
        result, _created = lab.result_create(sample=row["id"], data=measured, by=cast.alice)
        assert result["flags"] == ["HOLDING_TIME_EXCEEDED"]
        assert not selectors.due_list().filter(parameter=ecoli).exists()
        assert {entry.parameter_id: entry.measured for entry in selectors.request_list(sample=row["id"])} == {
            ecoli.pk: True, iron.pk: False,
        }  # fmt: skip
        services.analyses_request(sample=row["id"], parameters=[iron.pk], by=cast.alice)
        assert selectors.request_list(sample=row["id"]).count() == 1
        assert not Retest.objects.exists()
