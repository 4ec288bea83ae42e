"""`POST /forms/import` and `GET /forms/{id}/xlsform`."""

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.collect.language.xlsform import read_workbook
from tests.api.conftest import Cast, Person
from tests.collect.test_xlsform import STANDARD, book

pytestmark = pytest.mark.django_db


def send(person: Person, content: bytes, **fields: str) -> Any:
    file = SimpleUploadedFile("household.xlsx", content)
    return Client().post("/api/v1/forms/import", {"file": file, **fields}, headers=person.headers)


@pytest.mark.covers("003-SCH-01")
def test_a_workbook_comes_in_and_goes_out(cast: Cast) -> None:
    project = cast.alice.post("/projects", {"name": "Households"}).json()["data"]["id"]

    made = send(cast.alice, book(**STANDARD).getvalue(), projectId=project)

    assert made.status_code == 201, made.content
    form, meta = made.json()["data"], made.json()["meta"]
    assert (form["name"], form["version"], form["projectId"]) == ("Household", 1, project)
    assert [(one["sheet"], one["row"], one["column"]) for one in meta["leftOut"]] == [("survey", 2, "type")]
    out = cast.alice.get(f"/forms/{form['id']}/xlsform")
    assert out.status_code == 200
    assert read_workbook(io.BytesIO(out.content)).schema == form["schemaObject"]

    bad = book(survey=[["type", "name", "label"], ["text", "a", "A"], ["matrix", "b", "B"]]).getvalue()
    refused = send(cast.alice, bad, projectId=project)
    assert refused.status_code == 400
    assert [(one["field"], one["rule"]) for one in refused.json()["errors"]] == [("survey.3.type", "XLSFORM")]
    assert send(cast.bob, bad, projectId=project).status_code == 403
    assert send(cast.mallory, book(**STANDARD).getvalue(), projectId=project).status_code == 404
    assert len(cast.alice.get(f"/forms?projectId={project}").json()["data"]) == 1
