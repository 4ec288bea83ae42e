"""What people keep of lists: filters under a name, the one a list opens with, columns, density."""

from typing import Any

import pytest

from portal.core.accounts.models import KeptSetting, SavedFilter
from portal.core.tenancy.scope import platform
from tests.core.people import Cast
from tests.lab.test_pages import FRAGMENT, a_sample, page

pytestmark = pytest.mark.django_db
LIST = {"place": "lab:sample_list", "next": "/samples"}


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_saved_filters() -> None:
    cast = Cast()
    a_sample(cast.alice, location="here")
    alice, carol = page(cast.alice), page(cast.carol)

    assert "Save this filter" in text(alice.get("/samples?status=received"))
    said = LIST | {"name": " Recent  pass ", "query": "status=received&page=3&q=", "shared": "on", "usual": "on"}
    assert alice.post("/lists/filters", said).headers["Location"] == "/samples"
    with platform():
        row = SavedFilter.objects.get()
    assert (row.name, row.query, row.shared) == ("Recent pass", "status=received", True)

    opened = alice.get("/samples")
    assert opened.headers["Location"] == "/samples?status=received"
    assert "Save this filter" not in text(alice.get("/samples?status=received"))  # it is one already
    assert alice.get("/samples?plain=1").status_code == 200
    assert alice.get("/samples", headers=FRAGMENT).status_code == 200
    assert "Recent pass" in text(carol.get("/samples"))  # shared, and hers opens as before
    assert "Recent pass" not in text(page(cast.mallory).get("/samples"))

    address = f"/lists/filters/{row.pk}"
    carol.post(f"{address}/edit", {"name": "hers", "usual": "on", "next": "/samples"})
    assert carol.get("/samples").status_code == 302
    assert carol.post(f"{address}/delete").status_code == 404
    assert page(cast.mallory).post(f"{address}/edit", {"name": "x"}).status_code == 404
    with platform():
        assert SavedFilter.objects.get().name == "Recent pass"
    alice.post("/lists/filters", LIST | {"name": "second", "query": "status=disposed"})
    alice.post(f"{address}/edit", {"name": "second", "next": "/samples"})
    assert "a filter of that name" in text(alice.get("/samples?plain=1"))
    alice.post(f"{address}/edit", {"name": "third", "next": "//evil.test/"})
    assert "third" not in text(carol.get("/samples?plain=1"))  # no longer shared
    assert alice.get("/samples").status_code == 200  # nor what the list opens with
    alice.post(f"{address}/delete")
    alice.post("/lists/filters", LIST | {"name": " ", "query": "status=disposed"})
    with platform():
        assert [row.name for row in SavedFilter.objects.all()] == ["second"]
    assert page(cast.root).post("/lists/filters", LIST | {"name": "x"}).status_code == 404


def test_columns_density_and_the_file_of_them() -> None:
    cast = Cast()
    a_sample(cast.alice, location="Puits n° 4")
    alice = page(cast.alice)
    columns = ["compliance_status", "location", "collector_name"]

    kept = LIST | {"column": columns, "shown": ["location"], "density": "compact"}
    assert alice.post("/lists/view", kept).status_code == 302
    shown = text(alice.get("/samples", headers=FRAGMENT))
    assert "is-compact" in shown
    assert "Puits n° 4" in shown
    assert ">Amina<" not in shown
    assert ">Amina<" in text(page(cast.carol).get("/samples", headers=FRAGMENT))

    file = alice.get("/samples?file=csv&q=puits")
    lines = text(file).lstrip("\ufeff").splitlines()
    assert file.headers["Content-Disposition"] == 'attachment; filename="samples.csv"'
    assert lines[0] == "Code,Location,Kind of water,Taken,Results,Status"
    assert "Puits n° 4" in lines[1]
    assert alice.get("/samples?file=xlsx").content[:2] == b"PK"
    dina = page(cast.person("dina", "Technician", cast.a))
    assert "<table" in text(dina.get("/samples?file=csv"))  # who may not export gets the page
    alice.post("/lists/view", LIST | {"reset": ""})
    with platform():
        assert KeptSetting.objects.get().value == {}
