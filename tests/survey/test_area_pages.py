"""Pages of units, assigned areas, refusals and boundary datasets."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import shapely
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.core.geo.models import GeoDataset
from portal.core.tenancy.scope import tenant
from portal.survey.areas.denials import Attempt, deny
from portal.survey.areas.models import GeoAssignment
from portal.survey.areas.scoping import scope
from tests.core.people import Cast, session_of
from tests.survey.conftest import unit

pytestmark = pytest.mark.django_db


def client(user: object) -> Client:
    made = Client(headers={"accept-language": "en"})
    made.cookies["sessionid"] = session_of(user)  # type: ignore[arg-type]
    return made


def test_an_administrator_finds_units_and_assigns_them(cast: Cast, assign: Callable[..., GeoAssignment]) -> None:
    alice = client(cast.alice)

    tree = alice.get("/geo").content.decode()
    assert "Sana&#x27;a (demo)" in tree
    assert '"features"' in tree
    assert "Bani Hushaysh" in alice.get("/geo?q=حُشيش").content.decode()
    assert "No unit has this name" in alice.get("/geo?q=nowhere").content.decode()
    district = unit("XY1102")
    page = alice.get(f"/geo/units/{district.pk}").content.decode()
    assert "Hizyaz" in page
    assert "Nobody has this unit" in page

    form = alice.get(f"/geo/assignments/new?unit={district.pk}").content.decode()
    assert f'value="{district.pk}" selected' in form
    assert str(unit("XY110201").pk) in form
    sent = {"user": cast.bob.pk, "governorate": unit("XY11").pk, "district": district.pk, "valid_to": "2099-12-31"}
    assert alice.post("/geo/assignments/new", sent | {"district": unit("XY2401").pk}).status_code == 422
    made = alice.post("/geo/assignments/new", sent)
    with tenant(cast.a.pk):
        row = GeoAssignment.objects.get()
    assert (made.status_code, made["Location"]) == (302, f"/geo/people/{cast.bob.pk}")
    assert (row.code, row.valid_to.isoformat()) == ("XY1102", "2100-01-01T00:00:00+00:00")
    listed = alice.get("/geo/assignments?state=active&q=sanhan").content.decode()
    assert "Sanhan" in listed
    edit = f"/geo/assignments/{row.pk}/edit"
    assert 'value="2099-12-31"' in alice.get(edit).content.decode()
    kept = {"governorate": unit("XY11").pk, "district": "", "valid_from": row.valid_from.date(), "valid_to": ""}
    assert alice.post(edit, kept).status_code == 302
    with tenant(cast.a.pk):
        row.refresh_from_db()
    assert (row.code, row.valid_to) == ("XY11", None)

    with tenant(cast.a.pk, by=cast.bob.actor(device="tablet-7")):
        attempt = Attempt(user=cast.bob, lon=43.5, lat=15.2, accuracy=5)
        denied = deny(scope(cast.bob).decide(43.5, 15.2, 5), attempt)
    seen = alice.get(f"/geo/people/{cast.bob.pk}").content.decode()
    assert "What bob sees" in seen
    assert "Outside of the assigned area" in seen
    assert "No area binds this role" in alice.get(f"/geo/people/{cast.carol.pk}").content.decode()
    assert "Outside of the assigned area" in alice.get("/survey/denials").content.decode()
    why = alice.get(f"/survey/denials/{denied.pk}").content.decode()
    assert "Captured here" in why
    assert "km" in why

    bob, mallory = client(cast.bob), client(cast.mallory)
    for path in ("/geo", "/geo/assignments", f"/geo/people/{cast.bob.pk}", "/survey/denials", "/geo/datasets"):
        assert bob.get(path).status_code == 403
    for path in (f"/geo/people/{cast.bob.pk}", f"/survey/denials/{denied.pk}", edit):
        assert mallory.get(path).status_code == 404
    assert mallory.post(f"/geo/assignments/{row.pk}/end").status_code == 404
    assert alice.get("/geo/datasets").status_code == 403

    assert alice.post(f"/geo/assignments/{row.pk}/end").status_code == 302
    assert "Ended" in alice.get("/geo/assignments").content.decode()
    assert alice.post(f"/geo/assignments/{row.pk}/delete").status_code == 302
    assert "Nobody has an area yet" in alice.get("/geo/assignments").content.decode()


def test_a_superadmin_loads_an_edition_and_puts_it_in_force(cast: Cast, tmp_path: Path) -> None:
    root = client(cast.root)

    def load(west: float) -> str:
        shape = orjson.loads(shapely.to_geojson(shapely.box(west, 15, west + 0.2, 15.2)))
        feature = {"type": "Feature", "geometry": shape, "properties": {"pcode": "YE11", "name_en": "One"}}
        content = orjson.dumps({"type": "FeatureCollection", "features": [feature]})
        file = SimpleUploadedFile("units.geojson", content)
        sent = root.post("/geo/datasets", {"file": file, "name": "Mine", "version": "2026"})
        assert sent.status_code == 302
        return str(sent["Location"])

    assert "Marsad demo" in root.get("/geo/datasets").content.decode()
    failed = root.get(load(2.0)).content.decode()
    assert "Nothing was loaded" in failed
    assert "leaves Yemen" in failed
    page = load(44.0)
    assert "Put in force" in root.get(page).content.decode()
    assert not GeoDataset.objects.get(name="Mine").active
    assert root.post(f"{page}/activate").status_code == 302
    assert GeoDataset.objects.get(name="Mine").active
    assert root.post("/geo/datasets", {"name": "Mine"}).status_code == 422
