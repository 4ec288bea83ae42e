"""The sampling points of a customer: who may give and take them, and that each belongs to one customer."""

import pytest

from portal.core.tenancy.scope import tenant
from portal.crm.customers.models import Customer, CustomerLink
from portal.lab.models import SamplingPoint
from tests.core.people import Cast
from tests.lab.test_pages import page


@pytest.mark.django_db
def test_a_point_is_given_to_one_customer_and_taken_off_again() -> None:
    cast = Cast()
    with tenant(cast.a.pk, by=cast.alice.actor()):
        one, other = (Customer.objects.create(organization=cast.a, company_name=name, name=name) for name in "XY")
        point = SamplingPoint.objects.create(organization=cast.a, code="P-1", name="بئر")
    client, url = page(cast.alice), f"/customers/{one.pk}"

    assert 'value="P-1"' in client.get(url).content.decode()  # offered
    assert client.post(f"{url}/points", {"code": " P-1 "}).status_code == 302
    shown = client.get(url).content.decode()
    assert "بئر" in shown
    assert 'value="P-1"' not in shown
    for code in ("P-1", "no such code", ""):
        assert client.post(f"/customers/{other.pk}/points", {"code": code}).status_code == 302
    with tenant(cast.a.pk, by=cast.alice.actor()):
        assert list(CustomerLink.objects.values_list("customer", "target_id")) == [(one.pk, point.pk)]
    assert page(cast.carol).post(f"{url}/points/{point.pk}/remove").status_code == 403
    assert page(cast.mallory).post(f"{url}/points/{point.pk}/remove").status_code == 404
    sales = cast.person("sam", "SalesAgent", cast.a)
    assert "بئر" not in page(sales).get(url).content.decode()  # no rights in the laboratory
    assert client.post(f"{url}/points/{point.pk}/remove").status_code == 302
    assert client.post(f"{url}/points/{point.pk}/remove").status_code == 404
