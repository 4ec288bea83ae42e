"""The demonstration's imports: a subcontractor's file that came in with a fault, and one that waits to be looked at."""

import io
from datetime import datetime, timedelta
from typing import Final

from django.utils import translation

from portal.core.accounts.models import User
from portal.lab.imports import services
from portal.lab.imports.mapping import Columns
from portal.lab.imports.models import ImportRun

HEAD: Final = "Échantillon;Lieu;Type;Date;Préleveur;Paramètre;Valeur;Unité\r\n"
ROWS: Final = (
    ("SC-{n}1", "Forage Oulad Saïd", "well", "Rachid Ouazzani", "Nitrate", "41,5", "mg/L"),
    ("SC-{n}1", "Forage Oulad Saïd", "well", "Rachid Ouazzani", "Plomb", "<0,5", "µg/L"),
    ("SC-{n}1", "Forage Oulad Saïd", "well", "Rachid Ouazzani", "Résidu Z", "3", "mg/L"),
    ("SC-{n}2", "صنبور المدرسة", "drinking_water", "أمينة الفاسي", "Nitrate", "7,2", "mg/L"),
    ("SC-{n}2", "صنبور المدرسة", "drinking_water", "أمينة الفاسي", "Arsenic", "1,4", "µg/L"),
)


def fill(*, by: User, now: datetime) -> None:
    """For the organisation in force, with the reasons of refusals in the language of `by`."""
    with translation.override(by.language or "fr"):
        _fill(by=by, now=now)


def _fill(*, by: User, now: datetime) -> None:
    first = _upload("4", by, now - timedelta(days=2))
    for begin in (services.run_check, services.run_import):
        begin(run=first, by=by)
        while services.step(run_id=first.pk):
            pass
        first.refresh_from_db()
    _upload("5", by, now - timedelta(days=1))


def _upload(batch: str, by: User, at: datetime) -> ImportRun:
    lines = [";".join((code, place, kind, f"{at:%d/%m/%Y}", *rest)) for code, place, kind, *rest in ROWS]
    content = HEAD + "\r\n".join(lines).format(n=batch) + "\r\n"
    name = f"LNR-{at:%Y-%m-%d}.csv"
    run = services.run_upload(file=io.BytesIO(content.encode()), name=name, source=None, by=by)
    mapping = Columns.from_json(run.mapping)
    return services.run_map(run=run, name="Laboratoire sous-traitant", layout=run.layout, mapping=mapping, by=by)
