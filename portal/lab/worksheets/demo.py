"""Quality control of the demonstration: materials, criteria, a chart with one real violation, a few worksheets."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from portal.core.accounts.models import User
from portal.core.tenancy import scope
from portal.lab.models import Parameter, Sample
from portal.lab.quality import services as quality
from portal.lab.quality.models import ControlMaterial
from portal.lab.worksheets import selectors, services
from portal.lab.worksheets.board import Board
from portal.lab.worksheets.grid import Cell, grid_save
from portal.lab.worksheets.models import Worksheet
from portal.lab.worksheets.services import Place

METHOD: Final = {
    "method": "Ion chromatography", "edition": "ISO 10304-1:2007", "instrument": "Ion chromatograph", "notes": "",
}  # fmt: skip
UNITS: Final = {"NO3": "mg/L NO3", "CL": "mg/L", "SO4": "mg/L", "F": "mg/L"}
# Parameter -> assigned value and standard deviation of the control.
ASSIGNED: Final = {"NO3": ("25.0", "0.5"), "CL": ("100", "1.8"), "SO4": ("80.0", "1.6"), "F": ("1.00", "0.03")}
# Thirty controls of nitrate, one each working day; the 22nd, of a spoilt eluent, lies 3.6 s above the mean.
NITRATE: Final = (
    "25.2", "24.7", "25.4", "24.9", "25.1", "25.6", "24.6", "25.0", "25.3", "24.8", "24.4", "25.2", "25.5", "24.9",
    "24.7", "25.1", "25.3", "24.5", "25.0", "24.8", "25.4", "26.8", "24.9", "25.2", "24.6", "25.1", "24.9", "25.3",
    "24.7", "25.2",
)  # fmt: skip
# What the first samples of each worksheet hold, in turn.
LEVELS: Final = {
    "NO3": ("12.4", "38.1", "<0.5", "52.3", "7.9", "21.6"), "CL": ("95", "213", "41.2", "388", "120", "77.5"),
    "SO4": ("84", "152", "23.9", "261", "97", "60.3"), "F": ("0.31", "0.42", "<0.1", "0.84", "0.27", "0.35"),
}  # fmt: skip


def fill(people: Sequence[User], now: datetime) -> None:
    """For the organisation in force; worksheets as far as there is open work."""
    manager = (
        User.objects.filter(organization=scope.organization_id(), role__key__in=("Admin", "Manager"))
        .select_related("role")
        .order_by("-role__key", "email")
        .first()
    )
    if manager is None or not people:
        return
    analyst = people[0]
    with scope.tenant(scope.organization_id(), by=manager.actor(via="demo")):
        parameters = {row.code: row for row in Parameter.objects.filter(organization=None, code__in=UNITS)}
        material = _material(parameters, manager, now)
    with scope.tenant(scope.organization_id(), by=analyst.actor(via="demo")):
        _chart(material, parameters["NO3"], analyst, now)
        wanted = [parameters[code].pk for code in UNITS]
        untouched = selectors.open_work(parameters=wanted).exclude(results__parameter__in=wanted)
        work = list(untouched[:12])  # what is measured already would contradict the duplicates made up here
        groups = [work[start : start + 4] for start in range(0, len(work), 4)]
        sheets = [_sheet(group, material, parameters, analyst, now) for group in groups]
    for number, sheet in enumerate(sheets):
        with scope.tenant(scope.organization_id(), by=analyst.actor(via="demo")):
            _measure(sheet, analyst, parameters, whole=number < 2, control="26.7" if number == 1 else "25.2")
            if number < 2:
                services.worksheet_complete(worksheet=sheet, by=analyst, empty=True)
        if number == 0:
            with scope.tenant(scope.organization_id(), by=manager.actor(via="demo")):
                services.worksheet_verify(worksheet=sheet, by=manager)


def _material(parameters: dict[str, Parameter], by: User, now: datetime) -> ControlMaterial:
    data = {
        "name": "Anions in water, control", "lot": "AN-2026-04", "supplier": "Laboratoire national de référence",
        "expires_on": now.date() + timedelta(days=240), "notes": "",
    }  # fmt: skip
    made = quality.material_save(material=None, data=data, by=by)
    for code, (assigned, sd) in ASSIGNED.items():
        target = {"parameter": parameters[code].pk, "unit": UNITS[code], "sd": Decimal(sd)}
        target |= {"assigned": Decimal(assigned), "uncertainty": 2 * Decimal(sd)}
        quality.target_save(material=made, target=None, data=target, by=by)
        limits = {"max_rpd": "10", "spike_low": "85", "spike_high": "115", "blank_limit": "0.1" if code == "F" else "1"}
        accepted = {name: Decimal(limit) for name, limit in limits.items()}
        quality.criterion_save(criterion=None, data={"parameter": parameters[code].pk} | accepted, by=by)
    return made


def _chart(material: ControlMaterial, nitrate: Parameter, by: User, now: datetime) -> None:
    """One point a day, the last one yesterday."""
    for number, value in enumerate(NITRATE):
        data = {
            "kind": "control", "parameter": nitrate.pk, "material": material.pk, "value": value, "unit": UNITS["NO3"],
            "measured_at": (now - timedelta(days=len(NITRATE) - number)).replace(second=0, microsecond=0),
            "analyst_name": by.name, "method": f"{METHOD['method']} ({METHOD['edition']})",
            "instrument": METHOD["instrument"],
        }  # fmt: skip
        quality.qc_record(data=data, by=by)


def _sheet(
    samples: Sequence[Sample], material: ControlMaterial, parameters: dict[str, Parameter], by: User, now: datetime
) -> Worksheet:
    first = samples[0].pk
    places = [Place("control", material=material.pk), Place("blank"), Place("sample", sample=first)]
    places += [Place("duplicate", sample=first), Place("spike", sample=first)]
    places += [Place("sample", sample=sample.pk) for sample in samples[1:]]
    columns = [(parameters[code].pk, unit) for code, unit in UNITS.items()]
    return services.worksheet_create(data=METHOD | {"analysed_at": now}, columns=columns, places=places, by=by)


def _measure(sheet: Worksheet, by: User, parameters: dict[str, Parameter], *, whole: bool, control: str) -> None:
    """Values for every cell, of an unfinished worksheet for the first positions alone."""
    cells = []
    board = Board(sheet)
    items = board.items
    for number, item in enumerate(items if whole else items[:4]):
        for code in UNITS:
            if board.held(item, parameters[code].pk).value:
                continue
            first = Decimal(LEVELS[code][0])
            match item.kind:
                case "control":
                    text = control if code == "NO3" else ASSIGNED[code][0]
                case "blank":
                    text = "<0.1" if code == "F" else "<0.5"
                case "duplicate":
                    text = f"{first * Decimal('1.02'):.3g}"
                case "spike":
                    text = f"{first + Decimal(ASSIGNED[code][0]) * Decimal('0.97'):.4g}"
                    cells.append(Cell(item.pk, parameters[code].pk, ASSIGNED[code][0], field="added"))
                case _:
                    text = LEVELS[code][max(0, number - 4) % 6]
            cells.append(Cell(item.pk, parameters[code].pk, text))
    grid_save(worksheet=sheet, cells=cells, by=by)
    refused = next((cell for cell in cells if cell.status not in ("saved", "unchanged")), None)
    if refused is not None:
        raise AssertionError(f"the demo's own cell is refused: {refused}")
