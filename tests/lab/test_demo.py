"""`manage.py demo`: what a newcomer sees."""

from collections import Counter
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portal.core.accounts.models import Device, User
from portal.core.audit.models import Action, AuditEntry
from portal.core.common import clock
from portal.core.sync.models import Conflict, DeviceState
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform, tenant
from portal.desk.cast import DEMO, EMPTY, LOGINS, OTHER, PASSWORD
from portal.lab.certificates.models import Certificate
from portal.lab.models import ComplianceReport, Result, Sample, SamplingPoint, StandardChoice
from tests.lab.test_pages import page
from tests.questions import repeated

pytestmark = pytest.mark.django_db


def load(samples: int) -> str:
    out = StringIO()
    call_command("demo", samples=samples, stdout=out)
    return out.getvalue()


def organization(domain: str) -> Organization:
    with platform():
        return Organization.objects.get(domain=domain)


@pytest.mark.slow
@pytest.mark.covers("001-SC-005")
def test_a_year_of_work_is_there_once() -> None:
    output = load(400)

    assert PASSWORD in output
    assert all(login in output for login in LOGINS)
    with platform():
        assert set(LOGINS) <= set(User.objects.values_list("email", flat=True))
        assert all(person.check_password(PASSWORD) for person in User.objects.filter(email__in=LOGINS))
        assert User.objects.get(email=f"superadmin@{DEMO}").organization is None
    demo = organization(DEMO)
    now = clock.now()
    with tenant(demo.pk):
        samples = Sample.objects.all()
        assert samples.count() == 402  # two of them imported
        assert 4.5 < Result.objects.count() / 400 < 8
        assert now - timedelta(days=367) < min(s.collection_date for s in samples)
        assert now - timedelta(days=4) < max(s.collection_date for s in samples) <= now
        assert all(result.test_date is None or result.test_date <= now for result in Result.objects.all())
        assert {"drinking_water", "groundwater", "surface_water"} <= set(samples.values_list("type", flat=True))
        compliance = Counter(samples.values_list("compliance_status", flat=True))
        assert set(compliance) == {"pass", "warning", "fail", "pending"}
        assert 0.02 < compliance["fail"] / 400 < 0.1
        assert {"=", "<", "absent"} <= set(Result.objects.values_list("qualifier", flat=True))
        assert dict(StandardChoice.objects.values_list("key", "role")) == {
            "MA": "legal", "WHO": "guideline", "EU": "information", "EPA": "information",
        }  # fmt: skip
        assert SamplingPoint.objects.count() > 100
        assert set(ComplianceReport.objects.values_list("language", flat=True)) == {"ar", "fr", "en"}
        assert all(report.content["figures"]["summary"]["samples"] for report in ComplianceReport.objects.all())
        assert Device.objects.count() == 9  # four of them surveyors'
        assert set(DeviceState.objects.values_list("status", flat=True)) == {"ok"}
        assert Counter(Conflict.objects.values_list("resolution", flat=True)) == Counter(client=1, server=1, open=1)
        created = AuditEntry.objects.filter(entity="sample", action=Action.CREATE)
        assert created.count() == 402
        before = Counter(Sample.objects.values_list("version", flat=True))
    with platform():
        admin = User.objects.get(email=f"admin@{DEMO}")
    faults, pages, long = repeated(page(admin))
    assert not faults
    assert pages > 200
    assert long > 40
    with tenant(organization(EMPTY).pk):
        assert not Sample.objects.exists()

    load(400)

    with tenant(demo.pk):
        assert Counter(Sample.objects.values_list("version", flat=True)) == before
        assert ComplianceReport.objects.count() == 3
        assert Certificate.objects.filter(amends__isnull=False).count() == 1
    with tenant(organization(OTHER).pk):
        assert Sample.objects.count() == 12
        assert not SamplingPoint.objects.filter(city="Casablanca").exists()


def test_it_is_refused_in_production(settings: Any) -> None:
    settings.PRODUCTION = True

    with pytest.raises(CommandError, match="refused in production"):
        load(10)

    with platform():
        assert not User.objects.filter(email__endswith=".marsad.test").exists()
        assert not Organization.objects.filter(domain__endswith=".marsad.test").exists()
