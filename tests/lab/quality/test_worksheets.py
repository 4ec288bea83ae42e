"""Worksheets: made from open work, filled as a grid, judged by their QC samples, completed, decided, verified."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.accounts.models import User
from portal.core.common.errors import Conflict, Denied, IllegalTransition, Invalid, NotFound
from portal.core.tenancy.scope import tenant
from portal.lab import services as lab
from portal.lab.lifecycle.models import RequestedAnalysis, Retest
from portal.lab.models import Parameter, Result, Sample
from portal.lab.quality import services as quality
from portal.lab.quality.models import ControlMaterial, QcResult
from portal.lab.reports.selectors import report_list
from portal.lab.worksheets import selectors, services
from portal.lab.worksheets.board import Board
from portal.lab.worksheets.grid import Cell, grid_check, grid_save
from portal.lab.worksheets.models import Worksheet, WorksheetItem
from portal.lab.worksheets.services import Place
from tests.core.people import Cast

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.fixture
def cast() -> Cast:
    return Cast()


@contextmanager
def acting(user: User) -> Iterator[None]:
    with tenant(user.organization_id, by=user.actor()):
        yield


def a_sample(user: User, **more: Any) -> Sample:
    data = {
        "type": "drinking_water", "location": "Anfa, tap 4", "collectionDate": "2026-11-19T09:15:00Z",
        "collectorName": "Amina", "status": "received",
    }  # fmt: skip
    row, _created = lab.sample_create(data=data | more, by=user)
    return Sample.objects.get(pk=row["id"])


def parameter(code: str) -> Parameter:
    return Parameter.objects.get(code=code, organization=None)


def a_material(user: User, *, assigned: str = "50", sd: str = "2", **more: Any) -> ControlMaterial:
    data = {"name": "Nitrate control", "lot": "L1", "expires_on": date(2030, 1, 1)}
    made = quality.material_save(material=None, data=data | more, by=user)
    of = {"parameter": parameter("NO3").pk, "unit": "mg/L NO3", "assigned": Decimal(assigned), "sd": Decimal(sd)}
    quality.target_save(material=made, target=None, data=of, by=user)
    return made


def a_criterion(user: User, **limits: str) -> None:
    given = {"blank_limit": "0.5", "max_rpd": "10", "spike_low": "80", "spike_high": "120"} | limits
    data = {name: Decimal(value) for name, value in given.items()}
    quality.criterion_save(criterion=None, data={"parameter": parameter("NO3").pk} | data, by=user)


def a_worksheet(user: User, *places: Place, codes: tuple[str, ...] = ("NO3",)) -> Worksheet:
    return services.worksheet_create(
        data={"method": "Ion chromatography", "edition": "ISO 10304-1:2007", "instrument": "IC-1", "analysed_at": AT},
        columns=[(parameter(code).pk, "") for code in codes],
        places=places,
        by=user,
    )


def cell(item: UUID, value: str, version: int | None = None, *, code: str = "NO3", field: str = "value") -> Cell:
    return Cell(item=item, parameter=parameter(code).pk, value=value, version=version, field=field)


def save(sheet: Worksheet, user: User, *cells: Cell) -> Board:
    return grid_save(worksheet=sheet, cells=cells, by=user)


def items(sheet: Worksheet) -> list[WorksheetItem]:
    return list(WorksheetItem.objects.filter(worksheet=sheet))


@pytest.mark.covers("001-FR-016")
def test_worksheets_are_found_in_every_spelling(cast: Cast) -> None:
    with acting(cast.alice):
        sample = a_sample(cast.alice)
        sheet = a_worksheet(cast.alice, Place("sample", sample=sample.pk))
        sheet.instrument = "Spectromètre العُربيّ إ ٣ ﬁ"
        sheet.save(update_fields=["instrument"])
        for text in ("spectrometre", "SPECTROMÈTRE", "العربي", "أ 3", "ion fi", sheet.number, sample.code.lower()):
            assert selectors.worksheet_list(search=text).get() == sheet, text
        for text in ("spectrometre rabat", "%", "_"):
            assert not selectors.worksheet_list(search=text).exists(), text


# --- open work ------------------------------------------------------------------------------------------


def test_open_work_is_what_is_in_the_laboratory_and_lacks_a_result(cast: Cast) -> None:
    with acting(cast.alice):
        nitrate, lead = parameter("NO3").pk, parameter("PB").pk
        waiting, begun, done = (a_sample(cast.alice) for _ in range(3))
        a_sample(cast.alice, status="registered")
        a_sample(cast.alice, status="approved")
        lab.result_create(
            sample=begun.pk, data={"parameterName": "NO3", "value": "5", "unit": "mg/L NO3"}, by=cast.alice
        )
        for code, unit in (("NO3", "mg/L NO3"), ("PB", "µg/L")):
            lab.result_create(sample=done.pk, data={"parameterName": code, "value": "5", "unit": unit}, by=cast.alice)

        found = {row.pk: row.missing for row in selectors.open_work(parameters=[nitrate, lead])}  # type: ignore[attr-defined]
        assert found == {waiting.pk: 2, begun.pk: 1}
        assert {row.pk for row in selectors.open_work(parameters=[nitrate])} == {waiting.pk}
        assert not selectors.open_work(parameters=[nitrate], search="nowhere")

        a_worksheet(cast.alice, Place("sample", sample=waiting.pk))
        assert not selectors.open_work(parameters=[nitrate])
        assert {row.pk for row in selectors.open_work(parameters=[lead])} == {waiting.pk, begun.pk}


def test_what_was_asked_for_is_open_work_and_so_is_a_retest(cast: Cast) -> None:
    with acting(cast.alice):
        nitrate, lead = parameter("NO3").pk, parameter("PB").pk
        sample = a_sample(cast.alice)
        RequestedAnalysis.objects.create(organization=cast.a, sample=sample, parameter_id=lead)
        assert not selectors.open_work(parameters=[nitrate])
        assert selectors.open_work(parameters=[nitrate, lead]).get().missing == 1  # type: ignore[attr-defined]

        data = {"parameterName": "PB", "value": "5", "unit": "µg/L"}
        old, _created = lab.result_create(sample=sample.pk, data=data, by=cast.alice)
        assert not selectors.open_work(parameters=[lead])
        Retest.objects.create(organization=cast.a, result_id=old["id"], reason="blank high", requested_by=cast.alice)
        assert selectors.open_work(parameters=[lead]).get() == sample

        sheet = a_worksheet(cast.alice, Place("sample", sample=sample.pk), codes=("PB",))
        (one,) = items(sheet)
        assert Board(sheet).held(one, lead).former == "5"
        again = cell(one.pk, "4.1", code="PB")
        save(sheet, cast.alice, again)
        assert Result.objects.get(pk=again.result).replaces_id == old["id"]
        assert Board(sheet).held(one, lead).value == "4.1"
        services.worksheet_complete(worksheet=sheet, by=cast.alice)
        assert not selectors.open_work(parameters=[lead])


def test_a_worksheet_is_refused_with_reasons(cast: Cast) -> None:
    with acting(cast.alice):
        sample, registered = a_sample(cast.alice), a_sample(cast.alice, status="registered")
        old = a_material(cast.alice, expires_on=date(2026, 11, 19))
        for places, words in (
            ((), "at least one sample"),
            ((Place("sample", sample=registered.pk),), "not being measured"),
            ((Place("sample", sample=sample.pk), Place("sample", sample=sample.pk)), "already"),
            ((Place("duplicate", sample=sample.pk),), "before its QC sample"),
            ((Place("control", material=sample.pk),), "no such control material"),
            ((Place("control", material=old.pk),), "expired on 2026-11-19"),
            (tuple(Place("blank") for _ in range(61)), "at most 60"),
        ):
            with pytest.raises(Invalid, match=words):
                a_worksheet(cast.alice, *places)
        with pytest.raises(Invalid, match="twice"):
            a_worksheet(cast.alice, Place("blank"), codes=("NO3", "NO3"))
        with pytest.raises(Invalid) as refusal:
            services.worksheet_create(data={"method": " "}, columns=[], places=[Place("blank")], by=cast.alice)
        assert [error.field for error in refusal.value.errors] == ["method", "parameters"]
        with pytest.raises(Denied):
            a_worksheet(cast.carol, Place("blank"))
        assert not Worksheet.objects.exists()


# --- the grid -------------------------------------------------------------------------------------------


@pytest.mark.covers("001-FR-020", "001-FR-022", "001-FR-024")
def test_values_of_samples_become_results_with_the_method_of_the_worksheet(cast: Cast) -> None:
    with acting(cast.alice):
        first, second = a_sample(cast.alice), a_sample(cast.alice)
        sheet = a_worksheet(cast.alice, *(Place("sample", sample=s.pk) for s in (first, second)), codes=("NO3", "PB"))
        one, two = (item.pk for item in items(sheet))
        cells = [cell(one, "٧٠٫٥"), cell(one, "<0,5", code="PB"), cell(two, "12.00"), cell(two, "many", code="PB")]
        save(sheet, cast.alice, *cells)

        assert [c.status for c in cells] == ["saved", "saved", "saved", "error"]
        assert "not a measured value" in cells[3].message
        assert [c.verdict for c in cells[:3]] == ["fail", "pass", "pass"]
        stored = Result.objects.get(pk=cells[1].result)
        assert (stored.value_text, stored.value, stored.censoring_limit) == ("<0,5", None, Decimal("0.5"))
        assert stored.test_method == "Ion chromatography (ISO 10304-1:2007)"
        assert (stored.technician_name, stored.instrument, stored.test_date) == ("alice", "IC-1", AT)
        first.refresh_from_db()
        assert (first.compliance_status, first.result_count) == ("fail", 2)

        again = [cell(one, "٧٠٫٥", cells[0].version), cell(two, "13", cells[2].version)]
        save(sheet, cast.alice, *again)
        assert [c.status for c in again] == ["unchanged", "saved"]
        assert Result.objects.count() == 3


def test_checking_writes_nothing_and_says_what_saving_would(cast: Cast) -> None:
    with acting(cast.alice):
        a_criterion(cast.alice)
        sample = a_sample(cast.alice)
        sheet = a_worksheet(cast.alice, Place("sample", sample=sample.pk), Place("duplicate", sample=sample.pk))
        one, two = (item.pk for item in items(sheet))
        cells = [cell(one, "45.1"), cell(two, "60")]
        grid_check(worksheet=sheet, cells=cells, by=cast.alice)

        assert [(c.status, c.verdict) for c in cells] == [("checked", "warning"), ("checked", "FAIL")]
        wrong = [cell(one, "-1"), cell(two, "5 mg"), cell(sample.pk, "5"), cell(one, "6")]
        grid_check(worksheet=sheet, cells=wrong, by=cast.alice)
        assert [c.status for c in wrong] == ["error", "error", "error", "error"]
        assert not Result.objects.exists()
        assert not QcResult.objects.exists()


def test_a_cell_that_somebody_changed_meanwhile_is_left_alone(cast: Cast) -> None:
    with acting(cast.alice):
        sample = a_sample(cast.alice)
        sheet = a_worksheet(cast.alice, Place("sample", sample=sample.pk), Place("blank"))
        one, two = (item.pk for item in items(sheet))
        mine = [cell(one, "12"), cell(two, "0.1")]
        save(sheet, cast.alice, *mine)
        theirs = [cell(one, "13"), cell(two, "0.2")]  # opened when the cells were empty
        save(sheet, cast.alice, *theirs)

        assert [(c.status, c.current, c.version) for c in theirs] == [
            ("conflict", "12", mine[0].version),
            ("conflict", "0.1", mine[1].version),
        ]
        assert "12" in theirs[0].message
        assert Result.objects.get().value_text == "12"
        assert QcResult.objects.get().value_text == "0.1"
        theirs = [cell(one, "13", theirs[0].version), cell(two, "0.2", theirs[1].version)]
        save(sheet, cast.alice, *theirs)
        assert [c.status for c in theirs] == ["saved", "saved"]
        emptied = [cell(one, "", theirs[0].version), cell(two, "", theirs[1].version)]
        save(sheet, cast.alice, *emptied)
        assert [c.status for c in emptied] == ["error", "error"]


def test_a_verdict_that_was_made_anew_is_no_change_by_somebody(cast: Cast) -> None:
    with acting(cast.alice):
        sample = a_sample(cast.alice)
        sheet = a_worksheet(cast.alice, Place("sample", sample=sample.pk))
        (one,) = (item.pk for item in items(sheet))
        before = cell(one, "60")
        save(sheet, cast.alice, before)
        lab.sample_update(id=sample.pk, data={"type": "surface_water"}, by=cast.alice)
        assert Result.objects.get().version != before.version

        after = cell(one, "61", before.version)
        save(sheet, cast.alice, after)
        assert after.status == "saved"


def test_a_full_grid_costs_as_many_queries_as_one_cell(cast: Cast) -> None:
    codes = ("NO3", "PB", "CD", "AS", "NI", "CU", "FE", "MN", "AL", "U", "B", "SO4")
    with acting(cast.alice):
        samples = [a_sample(cast.alice) for _ in range(4)]
        counts = []
        for chosen, wide in ((samples[:1], codes[:1]), (samples[1:], codes)):
            sheet = a_worksheet(cast.alice, *(Place("sample", sample=s.pk) for s in chosen), Place("blank"), codes=wide)
            cells = [cell(item.pk, "0.01", code=code) for item in items(sheet) for code in wide]
            with CaptureQueriesContext(
                connection,
            ) as queries:
                save(sheet, cast.alice, *cells)
            assert {c.status for c in cells} == {"saved"}
            counts.append(len(queries))
        assert counts[0] == counts[1]


# --- QC samples --------------------------------------------------------------------------------------------


def filled(cast: Cast, user: User, *, control: str = "51", blank: str = "<0.2") -> tuple[Worksheet, list[UUID]]:
    """Blank, control, sample, duplicate, spike."""
    a_criterion(cast.alice)
    lot = a_material(cast.alice)
    sample = a_sample(cast.alice)
    sheet = a_worksheet(
        user,
        Place("blank"),
        Place("control", material=lot.pk),
        Place("sample", sample=sample.pk),
        Place("duplicate", sample=sample.pk),
        Place("spike", sample=sample.pk),
    )
    ids = [item.pk for item in items(sheet)]
    texts = (blank, control, "20.0", "21.0", "29.5")
    save(sheet, user, *map(cell, ids, texts), cell(ids[4], "10", field="added"))
    sheet.refresh_from_db()
    return sheet, ids


def test_qc_samples_are_judged_beside_the_samples_and_never_counted_with_them(cast: Cast) -> None:
    with acting(cast.alice):
        sheet, ids = filled(cast, cast.alice)

        rows = {row.kind: row for row in QcResult.objects.filter(item__worksheet=sheet)}
        told = {kind: (row.verdict, row.reason, row.figure) for kind, row in rows.items()}
        assert told == {
            "blank": ("PASS", "WITHIN", None),
            "control": ("PASS", "WITHIN", Decimal(102)),
            "duplicate": ("PASS", "WITHIN", Decimal("4.878049")),  # 100 · 1 / 20.5
            "spike": ("PASS", "WITHIN", Decimal(95)),  # 100 · (29.5 - 20) / 10
        }
        assert (rows["control"].score, rows["control"].chart_value) == (Decimal("0.5"), Decimal(51))
        assert (rows["spike"].added, rows["spike"].compared) == (Decimal(10), "20.0")
        assert sheet.control == "in_control"
        assert (Sample.objects.count(), Result.objects.count()) == (1, 1)
        assert Sample.objects.get().result_count == 1
        assert not report_list().exists()

        changed = cell(ids[2], "25.0", Result.objects.get().version)  # what duplicate and spike were compared with
        save(sheet, cast.alice, changed)
        rows = {row.kind: row for row in QcResult.objects.filter(item__worksheet=sheet)}
        assert (rows["duplicate"].verdict, rows["spike"].verdict) == ("FAIL", "FAIL")
        assert (rows["duplicate"].compared, rows["spike"].figure) == ("25.0", Decimal(45))
        sheet.refresh_from_db()
        assert sheet.control == "out_of_control"


def test_completed_by_one_verified_by_another(cast: Cast) -> None:
    mona = cast.person("mona", "Manager", cast.a)
    tariq = cast.person("tariq", "Technician", cast.a)
    with acting(tariq):
        sheet, ids = filled(cast, tariq)
        with pytest.raises(IllegalTransition):
            services.worksheet_verify(worksheet=sheet, by=mona)
        with pytest.raises(Conflict):
            services.worksheet_complete(worksheet=sheet, by=tariq, version=sheet.version - 1)
        services.worksheet_complete(worksheet=sheet, by=tariq)
        with pytest.raises(IllegalTransition):
            save(sheet, tariq, cell(ids[0], "1"))
        with pytest.raises(Denied):
            services.worksheet_verify(worksheet=sheet, by=tariq)
        with pytest.raises(IllegalTransition):
            services.worksheet_decide(worksheet=sheet, decision="repeat", reason="why not", by=mona)
    with acting(mona):
        done = services.worksheet_verify(worksheet=sheet, by=mona)
        assert (done.status, done.verified_by) == ("verified", mona)
        with pytest.raises(IllegalTransition):
            services.worksheet_reopen(worksheet=sheet, by=mona)


def test_the_analyst_verifies_not_even_as_a_manager(cast: Cast) -> None:
    with acting(cast.alice):
        sheet, _ids = filled(cast, cast.alice)
        services.worksheet_complete(worksheet=sheet, by=cast.alice)
        with pytest.raises(Denied, match="Somebody else"):
            services.worksheet_verify(worksheet=sheet, by=cast.alice)
        reopened = services.worksheet_reopen(worksheet=sheet, by=cast.alice)
        assert (reopened.status, reopened.completed_by) == ("open", None)


def test_out_of_control_is_accepted_with_a_reason_before_it_is_verified(cast: Cast) -> None:
    mona = cast.person("mona", "Manager", cast.a)
    tariq = cast.person("tariq", "Technician", cast.a)
    with acting(tariq):
        sheet, _ids = filled(cast, tariq, blank="0.9")
        services.worksheet_complete(worksheet=sheet, by=tariq)
        with pytest.raises(Denied):
            services.worksheet_decide(worksheet=sheet, decision="accept", reason="small", by=tariq)
    with acting(mona):
        with pytest.raises(IllegalTransition, match="out of control"):
            services.worksheet_verify(worksheet=sheet, by=mona)
        with pytest.raises(Invalid):
            services.worksheet_decide(worksheet=sheet, decision="accept", reason=" ", by=mona)
        services.worksheet_decide(worksheet=sheet, decision="accept", reason="all samples above 10 mg/L", by=mona)
        assert services.worksheet_verify(worksheet=sheet, by=mona).status == "verified"


def test_a_rejected_run_is_measured_again_and_the_old_values_stay(cast: Cast) -> None:
    with acting(cast.alice):
        sheet, ids = filled(cast, cast.alice, control="57")
        assert sheet.control == "out_of_control"
        old = Result.objects.get()
        services.worksheet_complete(worksheet=sheet, by=cast.alice)
        services.worksheet_decide(worksheet=sheet, decision="repeat", reason="control beyond 3 s", by=cast.alice)

        sheet.refresh_from_db()
        assert (sheet.status, sheet.control, sheet.decision) == ("open", "none", "repeat")
        board = Board(sheet)
        nitrate = parameter("NO3").pk
        shown = board.held(board.items[2], nitrate)
        assert (shown.value, shown.former, board.filled) == ("", "20.0", 0)
        cells = [*map(cell, ids, ("<0.2", "50.5", "20.0", "20.5", "30"))]
        save(sheet, cast.alice, *cells)

        assert {c.status for c in cells} == {"saved"}
        new = Result.objects.exclude(pk=old.pk).get()
        assert (new.replaces_id, new.value_text) == (old.pk, "20.0")
        control = QcResult.objects.filter(kind="control").order_by("repeated")
        assert [(row.repeated, row.verdict) for row in control] == [(False, "PASS"), (True, "FAIL")]
        sheet.refresh_from_db()
        assert sheet.control == "in_control"


def test_empty_cells_are_left_only_on_purpose(cast: Cast) -> None:
    with acting(cast.alice):
        sheet = a_worksheet(cast.alice, Place("sample", sample=a_sample(cast.alice).pk), Place("blank"))
        one, two = (item.pk for item in items(sheet))
        with pytest.raises(Invalid, match="Nothing"):
            services.worksheet_complete(worksheet=sheet, by=cast.alice, empty=True)
        save(sheet, cast.alice, cell(one, "5"))
        with pytest.raises(Invalid) as refusal:
            services.worksheet_complete(worksheet=sheet, by=cast.alice)
        assert refusal.value.meta == {"empty": 1}
        with pytest.raises(Conflict):
            services.worksheet_delete(worksheet=sheet, by=cast.alice)
        with pytest.raises(Conflict):
            services.item_remove(worksheet=sheet, item=one, by=cast.alice)
        services.item_remove(worksheet=sheet, item=two, by=cast.alice)
        assert services.worksheet_complete(worksheet=sheet, by=cast.alice).status == "completed"


def test_positions_follow_one_another_when_one_goes(cast: Cast) -> None:
    with acting(cast.alice):
        sample = a_sample(cast.alice)
        sheet = a_worksheet(cast.alice, Place("blank"), Place("sample", sample=sample.pk))
        services.items_add(worksheet=sheet, places=[Place("duplicate", sample=sample.pk)], by=cast.alice)
        blank, measured, _copy = items(sheet)
        with pytest.raises(Conflict, match="duplicate"):
            services.item_remove(worksheet=sheet, item=measured.pk, by=cast.alice)
        services.item_remove(worksheet=sheet, item=blank.pk, by=cast.alice)
        assert [item.position for item in items(sheet)] == [1, 2]
        with pytest.raises(NotFound):
            services.item_remove(worksheet=sheet, item=blank.pk, by=cast.alice)
        services.worksheet_delete(worksheet=sheet, by=cast.alice)
        assert not WorksheetItem.objects.exists()


# --- charts -------------------------------------------------------------------------------------------------


def test_a_control_is_judged_by_the_points_before_it(cast: Cast) -> None:
    from portal.lab.quality.selectors import chart, target_of

    with acting(cast.alice):
        lot, nitrate = a_material(cast.alice), parameter("NO3").pk
        base = {"kind": "control", "parameter": nitrate, "material": lot.pk, "unit": "mg/L NO3"}
        found = [
            quality.qc_record(data=base | {"value": value, "measured_at": AT + timedelta(days=day)}, by=cast.alice)
            for day, value in enumerate(("50.4", "54.2", "54.6", "51", "44", "<60"))
        ]
        assert [row.verdict for row in found] == ["PASS", "WARNING", "FAIL", "PASS", "WARNING", "INDETERMINATE"]
        assert [row.rules for row in found][1:3] == [["1_2s"], ["1_2s", "2_2s"]]

        made = chart(target=target_of(material=lot.pk, parameter=nitrate))
        assert [point.rules for point in made.points] == [tuple(row.rules) for row in found[:5]]
        assert [made.line(step) for step in (-3, 0, 3)] == [44, 50, 56]
        late = chart(target=made.target, since=AT + timedelta(days=2))
        assert [point.row.pk for point in late.points] == [row.pk for row in found[2:5]]
        assert late.points[0].rules == ("1_2s", "2_2s")


def test_two_materials_of_a_run_make_a_range(cast: Cast) -> None:
    from portal.lab.quality.selectors import chart, charts, target_of

    with acting(cast.alice):
        low, high = a_material(cast.alice), a_material(cast.alice, assigned="100", sd="4", lot="L2")
        nitrate = parameter("NO3").pk
        places = [Place("control", material=low.pk), Place("control", material=high.pk)]
        first, second = (
            a_worksheet(cast.alice, *places, Place("sample", sample=a_sample(cast.alice).pk)) for _run in "12"
        )
        one, two = (items(sheet)[:2] for sheet in (first, second))
        board = save(first, cast.alice, cell(one[0].pk, "54.2"), cell(one[1].pk, "91"))  # +2.1 and -2.25 SD in one run
        assert [board.qc[item.pk, nitrate].rules for item in one] == [["1_2s"], ["1_2s", "R_4s"]]
        assert (board.qc[one[1].pk, nitrate].verdict, board.state()) == ("FAIL", "out_of_control")
        for row in (low, high):
            drawn = chart(target=target_of(material=row.pk, parameter=nitrate))
            assert [point.rules for point in charts(material=row)[0].points] == [point.rules for point in drawn.points]
            assert drawn.points[-1].rules == tuple(board.qc[one[row is high].pk, nitrate].rules)

        board = save(second, cast.alice, cell(two[0].pk, "45.8"))  # -2.1 SD, after +2.1 SD of another run
        assert board.qc[two[0].pk, nitrate].rules == ["1_2s"]


def test_mean_and_sd_of_a_period(cast: Cast) -> None:
    from portal.lab.quality.selectors import chart, target_of

    with acting(cast.alice):
        lot, nitrate = a_material(cast.alice), parameter("NO3").pk
        base = {"kind": "control", "parameter": nitrate, "material": lot.pk, "unit": "mg/L NO3"}
        for day, value in enumerate(("9.8", "10.0", "10.2", "10.4", "9.6", "99")):
            quality.qc_record(data=base | {"value": value, "measured_at": AT + timedelta(days=day)}, by=cast.alice)
        target = target_of(material=lot.pk, parameter=nitrate)
        with pytest.raises(Invalid, match="required"):
            quality.target_save(material=lot, target=target, data={"basis": "period"}, by=cast.alice)
        target = target_of(material=lot.pk, parameter=nitrate)
        days = {"basis": "period", "period_from": date(2026, 11, 20), "period_to": date(2026, 11, 24)}
        quality.target_save(material=lot, target=target, data=days, by=cast.alice)

        made = chart(target=target)
        assert made.statistics is not None
        assert (made.statistics.number, made.statistics.mean) == (5, 10)
        assert abs(made.statistics.sd - Decimal("0.1").sqrt()) < Decimal("1e-12")
        assert made.points[-1].rules[:2] == ("1_2s", "1_3s")


def test_materials_and_criteria_are_refused_with_reasons(cast: Cast) -> None:
    with acting(cast.alice):
        lot, nitrate = a_material(cast.alice), parameter("NO3").pk
        with pytest.raises(Conflict):
            a_material(cast.alice)
        for data, field in (
            ({"assigned": None, "sd": 1}, "assigned"),
            ({"assigned": 5}, "sd"),
            ({"assigned": 5, "sd": Decimal(-1)}, "sd"),
            ({"assigned": 5, "sd": Decimal(1), "unit": "NTU"}, "unit"),
        ):
            given = {"parameter": parameter("PB").pk, **data}
            with pytest.raises(Invalid) as refusal:
                quality.target_save(material=lot, target=None, data=given, by=cast.alice)
            assert [error.field for error in refusal.value.errors] == [field]
        a_criterion(cast.alice)
        with pytest.raises(Conflict):
            a_criterion(cast.alice)
        for data in ({}, {"max_rpd": Decimal(-1)}, {"spike_low": Decimal(120), "spike_high": Decimal(80)}):
            with pytest.raises(Invalid):
                quality.criterion_save(
                    criterion=None, data={"parameter": nitrate, "method": "X", **data}, by=cast.alice
                )
        with pytest.raises(Denied):
            quality.material_save(material=None, data={"name": "x", "lot": "y"}, by=cast.bob)
    foreign = {"kind": "control", "parameter": nitrate, "material": lot.pk, "value": "5"}
    with acting(cast.mallory), pytest.raises(Invalid, match="no such control material"):
        quality.qc_record(data=foreign, by=cast.mallory)
