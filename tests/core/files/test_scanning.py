"""Virus scans through a server that speaks clamd's protocol: fail closed, infected is never given out."""

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from portal.core.accounts.models import User
from portal.core.audit.models import SecurityEvent
from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.files import scanning, selectors, services, shares
from portal.core.files.jobs import rescan, scan_again
from portal.core.files.models import Blob, FileScan, ShareLink, StoredFile
from portal.core.jobs.models import Job
from portal.core.notifications.models import Event
from portal.core.tenancy.scope import platform, tenant
from tests.core.files.clamd_server import EICAR, Scanner, clamd
from tests.core.people import Cast

pytestmark = pytest.mark.covers("002-FIL-02", "002-JOB-02")


@pytest.fixture
def cast(db: None) -> Cast:
    return Cast()


@pytest.fixture
def scanner(settings: Any) -> Iterator[Scanner]:
    with clamd() as running:
        settings.CLAMD = running.address
        yield running


def create(cast: Cast, content: bytes = b"hello", by: User | None = None) -> StoredFile:
    return services.file_create(stream=io.BytesIO(content), filename="note.txt", by=by or cast.alice)


def status(file: StoredFile) -> str:
    return str(Blob.objects.get(versions__file=file).scan_status)


def barred(file: StoredFile, user: User) -> bool:
    again = selectors.file_get(id=file.pk, user=user)
    assert again.current is not None
    return bool(selectors.why_not(version=again.current, user=user))


def scan_all() -> None:
    for scan in FileScan.objects.filter(status="pending"):
        scanning.scan_run(scan_id=scan.pk)


def test_nothing_is_given_out_before_it_is_clean_and_who_uploaded_hears_of_it(cast: Cast, scanner: Scanner) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        file = create(cast)
        assert (status(file), barred(file, cast.alice), Job.objects.get().kind) == ("pending", True, "files.scan")

        scan_all()

        assert (status(file), barred(file, cast.alice), scanner.scanned) == ("clean", False, [5])
        assert Blob.objects.get().scan_engine.startswith("ClamAV 1.4.1/27500")
        told = Event.objects.filter(type="file.scanned").get()
        assert told.groups == [f"user.{cast.alice.pk}"]
        create(cast)
        assert FileScan.objects.count() == 1  # the same bytes need no second scan


@pytest.mark.covers("C96")
def test_what_is_infected_is_never_given_out_and_its_links_end(cast: Cast, settings: Any, scanner: Scanner) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        file = create(cast, b"mail: " + EICAR)
        shares.share_create(file=file, by=cast.alice)

        scan_all()

        assert status(file) == "infected"
        assert ShareLink.objects.get().revoked_at is not None
        event = SecurityEvent.objects.get(type="infected_upload")
        assert (event.details["threat"], event.actor) == ("Eicar-Test-Signature", cast.alice.pk)
        settings.CLAMD = ""
        assert barred(file, cast.alice)  # nor when the scanner is gone
        with pytest.raises(DomainError, match="infected") as refused:
            shares.share_create(file=selectors.file_get(id=file.pk, user=cast.alice), by=cast.alice)
        assert refused.value.code == "FILE_BLOCKED"


def test_while_the_scanner_is_down_everything_waits_and_is_tried_again(cast: Cast, settings: Any) -> None:
    settings.CLAMD = "127.0.0.1:1"
    with tenant(cast.a.pk, by=cast.alice.actor()):
        file = create(cast)
        scan_all()
        assert (status(file), barred(file, cast.alice), FileScan.objects.get().attempts) == ("pending", True, 1)
        FileScan.objects.update(updated_at=clock.now() - timedelta(hours=1))

    with clamd() as running, platform():
        settings.CLAMD = running.address
        scan_again()

    with tenant(cast.a.pk):
        assert status(file) == "clean"


def test_what_cannot_be_scanned_needs_a_right_of_its_own(cast: Cast, scanner: Scanner) -> None:
    scanner.most = 3
    with tenant(cast.a.pk, by=cast.alice.actor()):
        file = create(cast)
        scan_all()

        assert status(file) == "unscannable"
        assert (barred(file, cast.alice), barred(file, cast.carol)) == (False, True)


def test_newer_signatures_and_a_new_scanner_scan_again(cast: Cast, settings: Any, scanner: Scanner) -> None:
    address, settings.CLAMD = settings.CLAMD, ""
    with tenant(cast.a.pk, by=cast.alice.actor()):
        old = create(cast, b"before there was a scanner")
        assert (status(old), barred(old, cast.alice)) == ("not_scanned", False)
        settings.CLAMD = address
        assert barred(old, cast.alice)

    for version, scans in (("", 1), ("", 1), ("ClamAV 1.4.1/27501", 2)):
        scanner.version = version or scanner.version
        with platform():
            rescan()
        with tenant(cast.a.pk):
            scan_all()
            assert (status(old), FileScan.objects.count()) == ("clean", scans)
