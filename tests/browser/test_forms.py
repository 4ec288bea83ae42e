"""A form is built, published and filled in, in Arabic."""

import pytest
from playwright.sync_api import Page, expect

from portal.collect.forms import services as forms
from portal.collect.submissions.models import Submission
from portal.core.projects import services
from portal.core.tenancy.scope import tenant
from tests.browser.conftest import aside, enter_as
from tests.core.people import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.mark.covers("003-SCH-02", "003-SCH-04", "003-SCH-08", "003-TST-02")
def test_a_form_is_built_published_and_filled_in(page: Page, cast: Cast) -> None:
    def make() -> str:
        with tenant(cast.a.pk, by=cast.alice.actor()):
            project, _new = services.project_create(data={"name": "رصد الآبار", "status": "Active"}, by=cast.alice)
            field = {
                "id": "kind",
                "type": "select",
                "label": {"ar": "المصدر"},
                "options": ["بئر", "عين"],
                "required": True,
            }
            data = {"projectId": str(project["id"]), "name": "معاينة", "schema": {"fields": [field]}, "publish": False}
            return str(forms.form_create(data=data, by=cast.alice).pk)

    form = aside(make)
    enter_as(page, cast.alice, language="ar")
    page.goto(f"/forms/{form}/builder")
    rows, panel = page.locator("[data-row]"), page.locator("#builder-panel")
    page.locator(".builder-palette [value=number]").click()
    expect(panel).to_have_attribute("data-chosen", "number_1")
    panel.locator("#label-ar").fill("العمق")
    panel.locator("details", has=page.locator("[name=relevant]")).locator("summary").click()
    panel.locator("[name=relevant]").fill("${kind} = 'بئر'")
    panel.locator("[name=relevant]").blur()
    expect(page.locator("#row-number_1")).to_contain_text("العمق")
    expect(page.locator("#row-number_1")).to_contain_text("مشروط")  # kept, or this would be the step that is undone
    page.locator("#up-number_1").click()
    expect(rows.first).to_have_attribute("data-row", "number_1")
    page.locator("[data-undo] button").click()
    expect(rows.first).to_have_attribute("data-row", "kind")
    preview = page.locator("#builder-preview")
    expect(preview.locator("[data-q=number_1]")).to_be_hidden()
    preview.get_by_label("بئر").check()
    expect(preview.locator("[data-q=number_1]")).to_be_visible()

    page.goto(f"/forms/{form}/publish")
    page.locator(".card-footer button[type=submit]").click()
    page.wait_for_url(f"**/forms/{form}")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/forms/{form}/fill")
    page.locator(".card-footer [name=send]").click()
    expect(page.locator("#q-a-kind .q-faults")).to_be_visible()
    page.get_by_label("بئر").check()
    page.locator("[name='a.number_1']").fill("٣٥٫٥")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.locator(".card-footer [name=send]").click()
    page.wait_for_url(f"**/forms/{form}")

    def stored() -> list[dict[str, object]]:
        with tenant(cast.a.pk, by=cast.alice.actor()):
            return list(Submission.objects.values_list("answers", flat=True))

    assert aside(stored) == [{"kind": "بئر", "number_1": 35.5}]
