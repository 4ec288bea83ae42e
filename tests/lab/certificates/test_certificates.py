"""Issue, freeze and amend certificates; what the verification page says of them and of reports."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from portal.core.accounts.models import User
from portal.core.audit.models import Action, AuditEntry
from portal.core.common.errors import Conflict, Denied, Invalid
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import Running
from portal.core.tenancy.management.commands import bootstrap
from portal.core.tenancy.scope import Actor, platform, tenant
from portal.lab import services as lab
from portal.lab.certificates import pdf, selectors, services
from portal.lab.certificates.models import Certificate, CertificateFile
from portal.lab.certificates.wording import certificate_json
from portal.lab.jobs import certificate_pdfs
from portal.lab.lifecycle import guard
from portal.lab.lifecycle.services import approval_set, sample_transition
from portal.lab.models import Limit, Parameter, Result, Sample, Standard
from portal.lab.reports import services as reports
from portal.lab.reports.wording import verify_url
from tests.core.people import Cast, session_of
from tests.lab.certificates import paper

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Iterator[Cast]:
    cast = Cast()
    with tenant(cast.a.pk, by=cast.alice.actor()):
        yield cast


@pytest.fixture
def one(cast: Cast) -> Sample:
    return paper.sample(cast, "Anfa, tap 4", 2)


def issue(cast: Cast, sample: Sample, **more: Any) -> Certificate:
    return services.certificate_issue(**{"sample": sample, "stated": {}, "language": "en", "by": cast.alice} | more)


def page(user: User | None) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    if user:
        client.cookies[settings.SESSION_COOKIE_NAME] = session_of(user)
    return client


def verified(document: Any) -> str:
    """What the public page says to the holder of the paper."""
    return Client(headers={"Accept-Language": "en"}).get(verify_url(document)).content.decode()


def superuser(statement: str, *values: object) -> None:
    """What somebody with all rights in the database does."""
    with closing(bootstrap.connect(connections.settings["owner"])) as connection:
        connection.execute("SET session_replication_role = replica")  # no trigger, no audit
        connection.execute(statement, values)


def test_a_certificate_is_frozen_numbered_and_audited(cast: Cast, one: Sample) -> None:
    made = issue(cast, one, stated=paper.STATED | {"unknown": 1})
    before = certificate_json(made)
    lab.sample_update(id=one.pk, data={"location": "elsewhere"}, by=cast.alice)

    kept = selectors.certificate_get(id=made.pk)

    assert made.number == f"CA-{made.generated_at.year}-000001"
    assert certificate_json(kept) == before
    assert services.certificate_check(kept)
    assert kept.customer.startswith("Commune d'Anfa\n")
    assert before["authorisedBy"]["name"] == "alice"
    [entry] = AuditEntry.objects.filter(entity="certificate", action=Action.CREATE)
    assert (entry.object_repr, entry.actor_id) == (made.number, cast.alice.pk)
    assert "content" not in entry.changes


def test_where_another_person_approves_a_certificate_waits_for_it_and_reports_the_sample(
    cast: Cast, one: Sample
) -> None:
    approval_set(rule=guard.NOT_VALIDATOR, by=cast.alice)
    with pytest.raises(Conflict) as early:
        issue(cast, one)
    assert early.value.code == "NOT_READY"
    second = cast.person("second", "Manager", cast.a)
    sample_transition(id=one.pk, to="approved", by=second)
    one.refresh_from_db()

    issue(cast, one)

    one.refresh_from_db()
    assert one.status == "reported"
    assert [step.target for step in one.steps.order_by("at", "id")][-2:] == ["approved", "reported"]


def test_repeated_results_are_left_out_and_rejected_samples_get_none(cast: Cast, one: Sample) -> None:
    paper.retested(cast, one)

    values = [row["valueText"] for row in issue(cast, one).content["results"]]

    assert "41.70" in values
    assert paper.WITHDRAWN not in values
    paper.reopened(cast, one.pk)
    assert not services.may_be_issued(Sample.objects.get(pk=one.pk))
    lab.sample_update(id=one.pk, data={"status": "rejected", "reason": "broken"}, by=cast.alice)
    assert not services.may_be_issued(Sample.objects.get(pk=one.pk))


def test_who_may_not_and_what_is_not_ready(cast: Cast, one: Sample) -> None:
    row, _made = lab.sample_create(
        data={"type": "groundwater", "location": "x", "collectionDate": "2026-11-01", "collectorName": "y"},
        by=cast.alice,
    )
    empty = Sample.objects.get(pk=row["id"])

    with pytest.raises(Denied):
        issue(cast, one, by=cast.carol)
    with pytest.raises(Conflict) as refusal:
        issue(cast, empty)
    assert refusal.value.code == "NOT_READY"
    for stated, field in (({"customer": "x" * 501}, "customer"), ({"sampledByCustomer": "yes"}, "sampledByCustomer")):
        with pytest.raises(Invalid) as wrong:
            issue(cast, one, stated=stated)
        assert [error.field for error in wrong.value.errors] == [field]
    with pytest.raises(Invalid):
        issue(cast, one, language="de")
    assert not Certificate.objects.exists()
    issue(cast, one)
    with pytest.raises(Conflict) as second:
        issue(cast, one)
    assert second.value.code == "CERTIFICATE_IN_FORCE"


def test_an_amendment_names_what_changed_and_never_prints_what_was_withdrawn(cast: Cast, one: Sample) -> None:
    old = issue(cast, one, stated=paper.STATED)
    rows = {row["parameterCode"]: row["resultId"] for row in old.content["results"]}
    paper.reopened(cast, one.pk)
    lab.result_update(id=UUID(rows["PH"]), data={"value": "7.40"}, by=cast.alice)
    again = next(row for row in paper.RESULTS if row["parameterName"] == "PB") | {"value": "<2"}
    lab.result_create(sample=one.pk, data={**again, "replacesId": rows["PB"]}, by=cast.alice)
    lab.result_delete(id=UUID(rows["ECOLI"]), by=cast.alice)
    paper.validated(cast, one.pk)

    new = services.certificate_amend(
        certificate=old, reason="Copied wrongly.", stated={"customer": "Commune d'Anfa"}, by=cast.alice
    )

    said = {(row["what"], row["parameterCode"], row["from"], row["to"]) for row in new.content["amendment"]["changes"]}
    assert ("value", "PH", "7.20 pH unit", "7.40 pH unit") in said
    assert ("repeated", "PB", "", "<2 µg/L") in said
    assert ("removed", "ECOLI", "absent CFU/100 mL", "") in said
    assert ("customer", "", paper.STATED["customer"], "Commune d'Anfa") in said
    assert new.content["stated"]["samplingMethod"] == paper.STATED["samplingMethod"]
    assert new.content["amendment"]["number"] == old.number
    kept = selectors.certificate_get(id=old.pk)
    assert (kept.content, certificate_json(kept)["amendedBy"]) == (old.content, new.number)
    with pytest.raises(Conflict) as refusal:
        services.certificate_amend(certificate=old, reason="again", stated={}, by=cast.alice)
    assert refusal.value.code == "ALREADY_AMENDED"
    with pytest.raises(Invalid):
        services.certificate_amend(certificate=new, reason="", stated={}, by=cast.alice)


def test_a_worker_draws_three_pdfs_with_progress_and_once(
    cast: Cast, one: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "render", lambda certificate, language: f"%PDF {language}".encode())
    made = issue(cast, one)
    shown: list[tuple[int, int]] = []
    running = Running(made.pk, cast.a.pk, Actor())
    monkeypatch.setattr(Running, "progress", lambda self, done, total: shown.append((done, total)))

    assert services.certificate_file(certificate=made, language="fr") is None
    assert Job.objects.filter(kind="lab.certificate_pdfs").count() == 1  # asked for at the issue, and not again
    certificate_pdfs(running, certificate=str(made.pk))
    certificate_pdfs(running, certificate=str(made.pk))

    assert shown[:3] == [(0, 3), (1, 3), (2, 3)]
    assert CertificateFile.objects.count() == 3
    file = services.certificate_file(certificate=made, language="fr")
    assert file is not None
    assert bytes(file.content) == b"%PDF fr"


@pytest.mark.covers("001-FR-025")
def test_a_new_edition_of_a_limit_leaves_old_verdicts_and_issued_papers_as_they_were(cast: Cast, one: Sample) -> None:
    certificate, report = issue(cast, one), reports.report_issue(filters={}, language="en", by=cast.alice)
    held = (certificate_json(certificate), report.content, report.snapshot_hash)
    printed = services.certificate_render(certificate=certificate, language="en").sha256
    drawn = paper.Paper(pdf.render(certificate, "en"), certificate).text
    verdicts = dict(Result.objects.values_list("pk", "verdicts"))

    with platform():
        edition = Standard.objects.create(
            key="MA", edition="2026", reference="NM 2026", name_en="New", role="legal", effective_from=date(2026, 1, 1)
        )
        nitrate = Parameter.objects.get(code="NO3", organization=None)
        Limit.objects.create(
            standard=edition, parameter=nitrate, kind="maximum", upper=Decimal(70), unit="mg/L NO3", matrix="drinking"
        )

    after = paper.sample(cast, "Anfa, tap 4", 3)
    assert next(v for v in after.verdicts if v["standard"] == "MA")["edition"] == "2026"
    assert dict(Result.objects.filter(sample=one).values_list("pk", "verdicts")) == {
        key: value for key, value in verdicts.items() if key in verdicts
    }
    kept = selectors.certificate_get(id=certificate.pk)
    report.refresh_from_db()
    assert (certificate_json(kept), report.content, report.snapshot_hash) == held
    assert services.certificate_render(certificate=kept, language="en").sha256 == printed
    CertificateFile.objects.all().delete()  # and were the PDF lost: the frozen content says the same
    assert paper.Paper(pdf.render(kept, "en"), kept).text == drawn
    assert "MA 2020" in drawn
    assert services.certificate_check(kept)
    assert reports.report_check(report)


@pytest.mark.django_db(transaction=True)
def test_the_verification_page_tells_what_a_superuser_did() -> None:
    cast = Cast()
    with tenant(cast.a.pk, by=cast.alice.actor()):
        one = paper.sample(cast, "Anfa, tap 4", 2)
        certificate, report = issue(cast, one), reports.report_issue(filters={}, language="en", by=cast.alice)
        amendment = services.certificate_amend(certificate=certificate, reason="why", stated={}, by=cast.alice)

    for document in (certificate, report):
        assert "This report is genuine." in verified(document)
    assert f"{amendment.number}</bdi> replaces it" in verified(certificate)
    assert "replaces it" not in verified(amendment)
    superuser(
        "UPDATE lab_certificate SET content = jsonb_set(content, '{results,0,valueText}', '\"0\"') WHERE id = %s",
        certificate.pk,
    )
    superuser(
        "UPDATE lab_compliancereport SET content = jsonb_set(content, '{figures,summary,fail}', '0') WHERE id = %s",
        report.pk,
    )
    superuser("UPDATE lab_certificate SET generated_at = generated_at - interval '1 day' WHERE id = %s", amendment.pk)
    for document in (certificate, report, amendment):
        told = verified(document)
        assert "This report is genuine." not in told
        assert "what is stored has been changed since" in told


def test_pages(cast: Cast, one: Sample, settings: Any, tmp_path: Any) -> None:
    settings.STATIC_ROOT = tmp_path
    alice, carol, mallory = (page(user) for user in (cast.alice, cast.carol, cast.mallory))
    form = {"customer": "Anfa", "language": "fr"}

    assert "Issue a certificate" in alice.get(f"/samples/{one.pk}").content.decode()
    assert carol.get(f"/samples/{one.pk}/certificates/new").status_code == 403
    answer = alice.post(f"/samples/{one.pk}/certificates/new", form)
    made = Certificate.objects.get()
    assert answer.url == f"/certificates/{made.pk}"  # type: ignore[attr-defined]
    again = alice.post(f"/samples/{one.pk}/certificates/new", form)
    assert (again.status_code, f"{made.number}" in again.content.decode()) == (422, True)
    shown = alice.get(f"/certificates/{made.pk}").content.decode()
    assert "A worker draws the PDFs." in shown
    assert alice.get(f"/certificates/{made.pk}.pdf?language=ar").status_code == 202
    assert alice.get(f"/certificates/{made.pk}.pdf?language=xx").status_code == 400
    assert mallory.get(f"/certificates/{made.pk}").status_code == 404
    refused = alice.post(f"/certificates/{made.pk}/amend", form)
    assert refused.status_code == 422
    answer = alice.post(f"/certificates/{made.pk}/amend", form | {"customer": "Anfa 2, بلديّة أَنفا", "reason": "why"})
    new = Certificate.objects.get(amends=made)
    assert answer.url == f"/certificates/{new.pk}"  # type: ignore[attr-defined]
    assert "Superseded by" in alice.get(f"/certificates/{made.pk}").content.decode()
    assert "Anfa 2" in alice.get(f"/certificates/{new.pk}").content.decode()
    assert new.number in (listing := carol.get("/certificates?state=current").content.decode())
    assert made.number not in listing
    for words, hits in (("Anfa+2", True), ("بلديه+انفا+٢", True), ("بلدية+Rabat", False)):
        assert (new.number in carol.get(f"/certificates?q={words}").content.decode()) is hits, words
    table = b"".join(carol.get("/certificates.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert made.number in table
    book = b"".join(carol.get("/certificates.xlsx").streaming_content)  # type: ignore[attr-defined]
    assert book.startswith(b"PK")
    assert carol.get(f"/certificates/{new.pk}.json").json()["number"] == new.number
