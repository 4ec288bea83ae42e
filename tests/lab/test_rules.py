"""What an organisation decides about verdicts, and their re-evaluation: counted, agreed, written, taken up again."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.db import connection

from portal.core.accounts.models import User
from portal.core.audit.models import AuditEntry
from portal.core.common.errors import Conflict, Denied, Invalid, NotFound
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import Overtaken, Running
from portal.core.sync.models import FeedRecord
from portal.core.tenancy.scope import tenant
from portal.lab import decisions, hooks, jobs, reevaluation, selectors, standards
from portal.lab.models import (
    ComplianceReport,
    Limit,
    LimitConfirmation,
    Parameter,
    Reevaluation,
    Result,
    Sample,
    Standard,
)
from portal.lab.reports.figures import compute
from portal.lab.reports.filters import Filters
from portal.lab.reports.services import report_issue
from portal.lab.rulebook import rulebook
from tests.core.people import Cast
from tests.lab.test_pages import a_result, a_sample, now

pytestmark = pytest.mark.django_db
CHOICE = [{"key": "WHO", "role": "legal"}, {"key": "MA", "role": "guideline"}, {"key": "EU", "role": ""}]
LIMIT: dict[str, Any] = {
    "matrix": "drinking", "kind": "maximum", "lower": None, "upper": Decimal(10), "guidance": None, "unit": "mg/L NO3",
    "strict": False, "provisional": False, "note": "", "clause": "§ 3", "effective_from": date(2026, 1, 1),
    "effective_to": None,
}  # fmt: skip
OWN: dict[str, Any] = {
    "key": "LAB", "edition": "1", "reference": "LAB 1", "name_en": "Own limits", "name_fr": "", "name_ar": "",
    "role": "legal", "effective_from": date(2020, 1, 1), "effective_to": None,
}  # fmt: skip


@pytest.fixture
def cast() -> Cast:
    return Cast()


def verdicts(result: Result) -> dict[str, str]:
    return {entry["standard"]: entry["verdict"] for entry in now(result).verdicts}


def proposed(user: User, proposal: dict[str, Any], reason: str = "a new decree") -> Reevaluation:
    return reevaluation.reevaluation_propose(proposal=proposal, reason=reason, by=user, count=jobs.reevaluation_count)


def written(row: Reevaluation) -> None:
    """What the worker does, in the transaction of the test."""
    chunk = reevaluation._judge(rulebook(), None)
    while chunk is not None:
        reevaluation.reevaluation_step(id=row.pk, chunk=chunk)
        chunk = reevaluation._judge(rulebook(), chunk.last)
    reevaluation._finish(row.pk)
    row.refresh_from_db()


def confirmed(row: Reevaluation, user: User) -> None:
    reevaluation.reevaluation_confirm(id=row.pk, by=user, run=jobs.reevaluation_run)
    written(row)


# --- the organisation's decisions ----------------------------------------------------------
@pytest.mark.covers("001-FR-017", "001-FR-025")
def test_a_choice_is_counted_first_and_written_after_the_agreement(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(hooks, "_on_fail", [told.extend])
    # manganese 0.4 mg/L: within the Moroccan limit, five times the guideline of the WHO
    sample = a_sample(cast.alice)
    result = a_result(sample, cast.alice, "0.4", parameterName="MN", unit="mg/L")
    assert (verdicts(result)["MA"], verdicts(result)["WHO"]) == ("PASS", "FAIL")
    before = now(result)
    assert before.compliance_status == "warning"

    with tenant(cast.a.pk, by=cast.alice.actor()):
        row = proposed(cast.alice, {"standards": CHOICE})

        assert row.state == Reevaluation.State.READY
        assert row.expected["statuses"] == {"warning>fail": 1}
        assert (row.expected["results"], row.expected["changed"]) == (1, 1)
        assert now(result).verdicts == before.verdicts
        assert decisions.current()["standards"][0]["key"] == "MA"

        confirmed(row, cast.alice)

        assert told == [sample.pk]  # other rooms learn of it as of a sample that was pushed
        assert [entry["key"] for entry in decisions.current()["standards"]] == ["WHO", "MA", "EU", "EPA"]
        assert row.state == Reevaluation.State.DONE
        after = now(result)
        assert after.compliance_status == now(sample).compliance_status == "fail"
        assert "EU" not in verdicts(result)
        assert after.version > before.version
        entry = AuditEntry.objects.filter(object_pk=str(result.pk)).latest("id")
        assert entry.reason == "a new decree"
        assert set(entry.changes) == {"verdicts", "compliance_status"}
        record = FeedRecord.objects.get(entity="result", record_id=result.pk)
        assert record.seq == after.version  # devices receive it
        assert record.content_seq == before.version  # and no edit of theirs conflicts with it


def test_a_second_run_writes_nothing(cast: Cast) -> None:
    result = a_result(a_sample(cast.alice), cast.alice, "60")
    with tenant(cast.a.pk, by=cast.alice.actor()):
        confirmed(proposed(cast.alice, {"decisionRule": "guard_band"}), cast.alice)
        version, entries = now(result).version, AuditEntry.objects.filter(object_pk=str(result.pk)).count()

        again = proposed(cast.alice, {})
        assert again.expected["changed"] == 0
        confirmed(again, cast.alice)

        assert now(result).version == version
        assert AuditEntry.objects.filter(object_pk=str(result.pk)).count() == entries


def test_another_order_changes_no_verdict(cast: Cast) -> None:
    a_result(a_sample(cast.alice), cast.alice, "60")
    with tenant(cast.a.pk, by=cast.alice.actor()):
        held = decisions.current()["standards"]

        row = proposed(cast.alice, {"standards": held[::-1]})

        assert row.expected["changed"] == 0
        confirmed(row, cast.alice)
        assert [entry["key"] for entry in decisions.current()["standards"]] == ["EPA", "EU", "WHO", "MA"]
        shown = compute(Filters(), time_zone="UTC")["standards"]
        assert [row["standard"] for row in shown] == ["EPA", "EU", "WHO", "MA"]


@pytest.mark.parametrize(
    ("proposal", "field"),
    [
        ({"standards": [{"key": "XX", "role": "legal"}]}, "standards"),
        ({"standards": [{"key": key, "role": "guideline"} for key in ("MA", "WHO", "EU", "EPA")]}, "standards"),
        ({"standards": [{"key": "MA", "role": "legal"}] * 2}, "standards"),
        ({"decisionRule": "coin"}, "decisionRule"),
        ({"warningShare": "1.2"}, "warningShare"),
        ({"warningShare": "NaN"}, "warningShare"),
        ({"censoredMembers": "some"}, "censoredMembers"),
    ],
)
def test_a_proposal_that_makes_no_sense_is_refused(cast: Cast, proposal: dict[str, Any], field: str) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        with pytest.raises(Invalid) as refusal:
            proposed(cast.alice, proposal)

        assert [error.field for error in refusal.value.errors] == [field]
        assert not Reevaluation.objects.exists()


@pytest.mark.parametrize(
    ("share", "expected"), [("0.9", "WARNING"), ("0.8", "WARNING"), ("0.95", "PASS"), ("1", "PASS")]
)
def test_the_warning_share_is_the_organisations(cast: Cast, share: str, expected: str) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        decisions.put(decisions.checked({"warningShare": share}))
    result = a_result(a_sample(cast.alice), cast.alice, "46")

    assert verdicts(result)["MA"] == expected


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ("simple_acceptance", "49", "WARNING NEAR_LIMIT"),
        ("simple_acceptance", "51", "FAIL ABOVE_LIMIT"),
        ("guard_band", "40", "PASS WITHIN_LIMIT"),
        ("guard_band", "49", "INDETERMINATE UNCERTAINTY_STRADDLES"),
        ("guard_band", "51", "INDETERMINATE UNCERTAINTY_STRADDLES"),
        ("guard_band", "60", "FAIL ABOVE_LIMIT"),
        ("ilac_g8", "40", "PASS WITHIN_LIMIT"),
        ("ilac_g8", "49", "WARNING UNCERTAINTY_STRADDLES"),
        ("ilac_g8", "51", "INDETERMINATE UNCERTAINTY_STRADDLES"),
        ("ilac_g8", "60", "FAIL ABOVE_LIMIT"),
    ],
)
def test_the_decision_rule_is_the_organisations_and_printed(cast: Cast, rule: str, value: str, expected: str) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        decisions.put(decisions.checked({"decisionRule": rule}))
    mallorys = a_result(a_sample(cast.mallory), cast.mallory, value, uncertainty=5)
    result = a_result(a_sample(cast.alice), cast.alice, value, uncertainty=5)

    entry = next(entry for entry in now(result).verdicts if entry["standard"] == "MA")

    assert f"{entry['verdict']} {entry['reason']}" == expected
    assert entry["decisionRule"] == rule
    assert {entry["decisionRule"] for entry in now(mallorys).verdicts} == {"simple_acceptance"}


def test_rules_that_moved_after_the_count_have_to_be_counted_again(cast: Cast) -> None:
    a_result(a_sample(cast.alice), cast.alice, "60")
    with tenant(cast.a.pk, by=cast.alice.actor()):
        row = proposed(cast.alice, {"decisionRule": "guard_band"})
        decisions.put({"warningShare": "0.8"})

        with pytest.raises(Conflict) as refusal:
            reevaluation.reevaluation_confirm(id=row.pk, by=cast.alice, run=jobs.reevaluation_run)

        assert refusal.value.code == "OUTDATED"
        assert decisions.current()["decisionRule"] == "simple_acceptance"
        assert Job.objects.count() == 0


def test_one_re_evaluation_at_a_time_and_none_twice(cast: Cast) -> None:
    a_result(a_sample(cast.alice), cast.alice, "60")
    with tenant(cast.a.pk, by=cast.alice.actor()):
        first, second = proposed(cast.alice, {}), proposed(cast.alice, {})
        reevaluation.reevaluation_confirm(id=first.pk, by=cast.alice, run=jobs.reevaluation_run)

        for row, code in ((second, "BUSY"), (first, "NOT_READY")):
            with pytest.raises(Conflict) as refusal:
                reevaluation.reevaluation_confirm(id=row.pk, by=cast.alice, run=jobs.reevaluation_run)
            assert refusal.value.code == code
        reevaluation.reevaluation_cancel(id=second.pk, by=cast.alice)
        with pytest.raises(Conflict):
            reevaluation.reevaluation_cancel(id=first.pk, by=cast.alice)


def test_who_may_propose_and_who_only_reads(cast: Cast) -> None:
    manager = cast.person("mona", "Manager", cast.a)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        for user, proposal in ((cast.carol, {}), (manager, {"decisionRule": "guard_band"})):
            with pytest.raises(Denied):
                proposed(user, proposal)
        assert proposed(manager, {}).state == Reevaluation.State.READY  # of limits that a manager may change
        row = proposed(cast.alice, {"decisionRule": "guard_band"})
        with pytest.raises(Denied):
            reevaluation.reevaluation_confirm(id=row.pk, by=manager, run=jobs.reevaluation_run)
    with tenant(cast.b.pk, by=cast.mallory.actor()), pytest.raises(NotFound):
        reevaluation.reevaluation_confirm(id=row.pk, by=cast.mallory, run=jobs.reevaluation_run)


# --- interrupted ----------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_run_that_was_interrupted_goes_on(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reevaluation, "CHUNK", 2)
    results = [a_result(a_sample(cast.alice), cast.alice, "60") for _ in range(7)]
    with tenant(cast.a.pk, by=cast.alice.actor()):
        row = proposed(cast.alice, {"decisionRule": "guard_band"})
        row = reevaluation.reevaluation_confirm(id=row.pk, by=cast.alice, run=jobs.reevaluation_run)
        Job.objects.filter(pk=row.job).update(status="running", attempt=1)
    assert row.job
    running = Running(row.job, cast.a.pk, cast.alice.actor(via="job"), attempt=1)
    steps = iter([True, True])
    real = reevaluation.reevaluation_step

    def failing(**arguments: Any) -> int:
        done = real(**arguments)
        if next(steps, None) is None:
            raise OSError("the worker was killed")
        return done

    monkeypatch.setattr(reevaluation, "reevaluation_step", failing)
    with tenant(cast.a.pk, by=running.by), pytest.raises(OSError, match="killed"):
        reevaluation.reevaluation_run(id=row.pk, running=running)
    halfway = [now(result).verdicts[0]["decisionRule"] for result in results]
    assert halfway.count("guard_band") == 4  # two steps stay, the third left nothing

    with tenant(cast.a.pk, by=cast.alice.actor()):
        Job.objects.filter(pk=row.job).update(attempt=2)
    monkeypatch.setattr(reevaluation, "reevaluation_step", real)
    with tenant(cast.a.pk, by=running.by), pytest.raises(Overtaken):  # the start that was given up wakes again
        reevaluation.reevaluation_run(id=row.pk, running=running)
    again = Running(row.job, cast.a.pk, running.by, attempt=2)
    with tenant(cast.a.pk, by=again.by):
        figures = reevaluation.reevaluation_run(id=row.pk, running=again)

    assert figures == {"results": 7, "changed": 7, "samples": 0}
    assert {now(result).verdicts[0]["decisionRule"] for result in results} == {"guard_band"}
    with tenant(cast.a.pk):
        for result in results:
            rows = AuditEntry.objects.filter(object_pk=str(result.pk), action=1)
            assert [entry.via for entry in rows] == ["job"]


def test_a_record_that_was_written_in_between_is_judged_again(cast: Cast) -> None:
    sample = a_sample(cast.alice)
    first = a_result(sample, cast.alice, "60")
    with tenant(cast.a.pk, by=cast.alice.actor()):
        row = proposed(cast.alice, {"decisionRule": "guard_band"})
        reevaluation.reevaluation_confirm(id=row.pk, by=cast.alice, run=jobs.reevaluation_run)
        chunk = reevaluation._judge(rulebook(), None)
    second = a_result(sample, cast.alice, "0.1", parameterName="PB", unit="mg/L")
    with tenant(cast.a.pk, by=cast.alice.actor()):
        assert chunk
        reevaluation.reevaluation_step(id=row.pk, chunk=chunk)

    assert now(first).verdicts[0]["decisionRule"] == now(second).verdicts[0]["decisionRule"] == "guard_band"
    assert {id for entry in now(sample).verdicts for id in entry["resultIds"]} == {str(first.pk), str(second.pk)}


# --- editions, limits, confirmations -------------------------------------------------------------------
def frozen(row: Result | Sample | ComplianceReport) -> bytes:
    """The row as the database holds it, byte for byte."""
    with tenant(row.organization_id), connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t)::text FROM {row._meta.db_table} t WHERE id = %s", [row.pk])
        return str(cursor.fetchone()[0]).encode()


@pytest.mark.covers("001-FR-025")
def test_a_new_edition_leaves_old_verdicts_and_issued_reports_as_they_were(cast: Cast) -> None:
    old = a_sample(cast.alice)
    result = a_result(old, cast.alice, "40")
    with tenant(cast.a.pk, by=cast.alice.actor()):
        report = report_issue(filters={}, language="en", title="2026", by=cast.alice)
        before = [frozen(row) for row in (old, result, report)]

        moroccan = selectors.standard_list().get(key="MA")
        edition = {"edition": "2027", "reference": "NM 03.7.001:2027", "effective_from": date(2027, 1, 1)}
        made = standards.edition_create(standard=moroccan, data=edition, by=cast.alice)
        limit = selectors.limit_list(standard=made.pk).get(parameter__code="NO3")
        standards.limit_save(
            standard=made, parameter=limit.parameter, limit=limit, by=cast.alice,
            data=LIMIT | {"upper": Decimal(25), "effective_from": date(2027, 1, 1)},
        )  # fmt: skip
        assert selectors.limit_list(standard=made.pk).count() == selectors.limit_list(standard=moroccan.pk).count()
        row = proposed(cast.alice, {})
        assert row.expected["changed"] == 0
        confirmed(row, cast.alice)

    assert [frozen(row) for row in (old, result, report)] == before
    young = a_result(a_sample(cast.alice, collectionDate="2027-01-01T09:00:00Z"), cast.alice, "40")
    ma = {entry["edition"]: entry["verdict"] for entry in now(young).verdicts if entry["standard"] == "MA"}
    assert ma == {"2027": "FAIL"}
    mallorys = a_result(a_sample(cast.mallory, collectionDate="2027-01-01T09:00:00Z"), cast.mallory, "40")
    assert verdicts(mallorys)["MA"] == "PASS"


@pytest.mark.parametrize(("day", "expected"), [("2036-01-11", "WARNING"), ("2036-01-12", "FAIL")])
def test_the_european_limit_of_lead_falls_to_5_in_2036(cast: Cast, day: str, expected: str) -> None:
    result = a_result(
        a_sample(cast.alice, collectionDate=f"{day}T12:00:00Z"), cast.alice, "9.5", parameterName="PB", unit="µg/L"
    )

    assert verdicts(result)["EU"] == expected


def test_own_standard_and_limits(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        made = standards.standard_create(data=OWN, by=cast.alice)
        nitrate = Parameter.objects.get(code="NO3")
        limit = standards.limit_save(standard=made, parameter=nitrate, data=LIMIT, by=cast.alice)
    result = a_result(a_sample(cast.alice), cast.alice, "12")
    stranger = a_result(a_sample(cast.mallory), cast.mallory, "12")

    assert verdicts(result)["LAB"] == "FAIL"
    assert now(result).compliance_status == "fail"
    assert "LAB" not in verdicts(stranger)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        with pytest.raises(Conflict):
            standards.standard_delete(standard=made, by=cast.alice)
        standards.limit_delete(limit=limit, by=cast.alice)
        assert verdicts(result)["LAB"] == "FAIL"  # until somebody agrees to a re-evaluation
        row = proposed(cast.alice, {})
        assert row.expected["verdicts"] == {"LAB": {"FAIL>NOT_EVALUATED": 1}}
        confirmed(row, cast.alice)
        assert verdicts(result)["LAB"] == "NOT_EVALUATED"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"upper": None}, "upper"),
        ({"kind": "minimum"}, "lower"),
        ({"kind": "range", "lower": Decimal(20)}, "lower"),
        ({"guidance": Decimal(11)}, "guidance"),
        ({"unit": "NTU"}, "unit"),
        ({"effective_to": date(2026, 1, 1)}, "effectiveTo"),
        ({"effective_from": date(2026, 2, 2)}, "effectiveFrom"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(cast: Cast, change: dict[str, Any], field: str) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        made = standards.standard_create(data=OWN, by=cast.alice)
        nitrate = Parameter.objects.get(code="NO3")
        standards.limit_save(
            standard=made, parameter=nitrate, data=LIMIT | {"effective_from": date(2026, 2, 2)}, by=cast.alice
        )
        with pytest.raises(Invalid) as refusal:
            standards.limit_save(standard=made, parameter=nitrate, data=LIMIT | change, by=cast.alice)

        assert [error.field for error in refusal.value.errors] == [field]
        assert Limit.objects.filter(standard=made).count() == 1


def test_editions_follow_each_other_and_keys_are_not_taken_twice(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        moroccan = selectors.standard_list().get(key="MA")
        edition = {"edition": "2019", "reference": "NM", "effective_from": date(2019, 1, 1)}
        for data, field in ((edition, "effectiveFrom"), (edition | {"edition": "2020"}, "edition")):
            with pytest.raises(Invalid) as refusal:
                standards.edition_create(standard=moroccan, data=data, by=cast.alice)
            assert [error.field for error in refusal.value.errors] == [field]
        with pytest.raises(Invalid):
            standards.standard_create(data=OWN | {"key": "who"}, by=cast.alice)
        with pytest.raises(Denied):
            standards.standard_update(standard=moroccan, data=OWN, by=cast.alice)
        with pytest.raises(Denied):
            standards.standard_delete(standard=moroccan, by=cast.alice)


ARSENIC = {"parameterName": "AS", "unit": "µg/L"}


def provisional() -> Limit:
    return selectors.limit_list().filter(open=True, standard__key="MA", parameter__code="AS").get()


def test_a_confirmation_names_who_and_where_and_holds_for_one_organisation(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        limit = provisional()
        standards.limit_confirm(limit=limit, clause="Tableau 3", note="", by=cast.alice)
        with pytest.raises(Conflict):
            standards.limit_confirm(limit=limit, clause="again", note="", by=cast.alice)
        shown = selectors.limit_get(id=limit.pk)
        assert (shown.confirmed_name, shown.confirmed_clause, shown.open) == ("alice", "Tableau 3", False)  # type: ignore[attr-defined]
    result = a_result(a_sample(cast.alice), cast.alice, "5", **ARSENIC)
    stranger = a_result(a_sample(cast.mallory), cast.mallory, "5", **ARSENIC)

    assert [e["provisional"] for row in (result, stranger) for e in now(row).verdicts if e["standard"] == "MA"] == [
        False,
        True,
    ]
    with tenant(cast.a.pk, by=cast.alice.actor()):
        standards.limit_withdraw(limit=limit, by=cast.alice)
        assert provisional().pk == limit.pk
        told = standards.limit_history(limit=limit)
        assert [entry.action for entry in told] == [2, 0]
        assert {entry.actor_name for entry in told} == {"alice"}


def test_a_correction_stands_in_for_a_shared_limit_of_one_organisation(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        shared = provisional()
        made = standards.limit_save(
            standard=shared.standard,
            parameter=shared.parameter,
            limit=shared,
            by=cast.alice,
            data=LIMIT | {"upper": Decimal(4), "unit": "µg/L"},
        )
        assert (made.organization_id, made.effective_from) == (cast.a.pk, shared.effective_from)
        held = selectors.limit_list(standard=shared.standard_id).filter(parameter=shared.parameter_id)
        assert [limit.pk for limit in held] == [made.pk]
    assert verdicts(a_result(a_sample(cast.alice), cast.alice, "5", **ARSENIC))["MA"] == "FAIL"
    assert verdicts(a_result(a_sample(cast.mallory), cast.mallory, "5", **ARSENIC))["MA"] == "PASS"

    with tenant(cast.a.pk, by=cast.alice.actor()):
        standards.limit_delete(limit=made, by=cast.alice)
    assert verdicts(a_result(a_sample(cast.alice), cast.alice, "5", **ARSENIC))["MA"] == "PASS"


def test_another_organisation_touches_nothing(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        made = standards.standard_create(data=OWN, by=cast.alice)
        limit = standards.limit_save(
            standard=made, parameter=Parameter.objects.get(code="NO3"), data=LIMIT, by=cast.alice
        )
    with tenant(cast.b.pk, by=cast.mallory.actor()):
        for call in (
            lambda: selectors.standard_get(id=made.pk),
            lambda: selectors.limit_get(id=limit.pk),
        ):
            with pytest.raises(NotFound):
                call()
        for work in (
            lambda: standards.standard_update(standard=made, data=OWN, by=cast.mallory),
            lambda: standards.limit_delete(limit=limit, by=cast.mallory),
        ):
            with pytest.raises(Denied):
                work()
        assert not LimitConfirmation.objects.exists()
    with tenant(cast.a.pk):
        assert Standard.objects.get(pk=made.pk).reference == "LAB 1"
        assert Limit.objects.get(pk=limit.pk).upper == 10


# --- sums and remarks -----------------------------------------------------------------------------------
THM = {"CHCL3": "20", "CHBRCL2": "15", "CHBR2CL": "<10", "CHBR3": "<4"}


def measured(user: User, values: dict[str, str]) -> Sample:
    sample = a_sample(user)
    for code, value in values.items():
        a_result(sample, user, value, parameterName=code, unit="µg/L")
    return sample


@pytest.mark.parametrize(("rule", "total"), [("zero", "35"), ("half", "42"), ("full", "49")])
def test_a_sum_says_how_censored_members_count(cast: Cast, rule: str, total: str) -> None:
    from portal.lab.services import sum_calculate

    sample = measured(cast.alice, THM)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        decisions.put({"censoredMembers": rule})
        tthm = Parameter.objects.get(code="TTHM")

        row = sum_calculate(sample=sample.pk, parameter=tthm.pk, by=cast.alice)
        again = sum_calculate(sample=sample.pk, parameter=tthm.pk, by=cast.alice)

    assert (row["value_text"], row["unit"], row["flags"]) == (total, "µg/L", [])
    assert row["test_method"].startswith(f"calculated (censored: {rule})")
    assert again["id"] == row["id"]


def test_an_incomplete_sum_can_fail_but_not_pass(cast: Cast) -> None:
    from portal.lab.services import sum_calculate

    sample = measured(cast.alice, {"CHCL3": "20", "CHBRCL2": "15"})
    with tenant(cast.a.pk, by=cast.alice.actor()):
        tthm = Parameter.objects.get(code="TTHM")
        row = sum_calculate(sample=sample.pk, parameter=tthm.pk, by=cast.alice)
        result = Result.objects.get(pk=row["id"])
    assert row["flags"] == ["SUM_INCOMPLETE"]
    eu = next(entry for entry in result.verdicts if entry["standard"] == "EU")
    assert (eu["verdict"], eu["reason"]) == ("INDETERMINATE", "SUM_INCOMPLETE")

    for code in ("CHBR2CL", "CHBR3"):  # the parts that were missing arrive
        a_result(sample, cast.alice, "<1", parameterName=code, unit="µg/L")
    assert now(result).flags == []
    assert verdicts(result)["EU"] == "PASS"


@pytest.mark.parametrize(
    ("more", "flags"),
    [
        ({}, []),
        ({"value": "<60"}, ["DETECTION_LIMIT_ABOVE_CRITERION"]),
        ({"value": "<5"}, []),
        ({"value": "ND", "detectionLimit": 80}, ["DETECTION_LIMIT_ABOVE_CRITERION"]),
        ({"detectionLimit": 0.5}, []),
        (
            {"parameterName": "ECOLI", "value": "0", "unit": "CFU/100 mL", "testDate": "2026-11-21T10:00:00Z"},
            ["HOLDING_TIME_EXCEEDED"],
        ),
        ({"parameterName": "ECOLI", "value": "0", "unit": "CFU/100 mL", "testDate": "2026-11-21T09:00:00Z"}, []),
    ],
)
def test_remarks_on_a_result(cast: Cast, more: dict[str, Any], flags: list[str]) -> None:
    data = {"value": "12", **more}

    result = a_result(a_sample(cast.alice), cast.alice, **data)

    assert now(result).flags == flags
    assert orjson.loads(orjson.dumps(flags)) == selectors_card(result)["flags"]


def selectors_card(result: Result) -> dict[str, Any]:
    with tenant(result.organization_id):
        return selectors.result_card(id=UUID(str(result.pk)))
