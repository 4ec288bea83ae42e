"""Files that a worker made for somebody: theirs alone, of any size, gone after a day."""

import io
from datetime import timedelta

import pytest

from portal.core.common import clock
from portal.core.files import exports, selectors
from portal.core.files.models import FileLink, StoredFile
from portal.core.tenancy.scope import platform, tenant
from tests.core.people import Cast


@pytest.mark.django_db
def test_an_export_is_its_makers_alone_of_any_size_and_gone_after_a_day() -> None:
    cast = Cast()
    other = cast.person("omar", "Admin", cast.a)
    lines = io.BytesIO(b"code,name\r\n" + b"S-1,well\r\n" * 1_200_000)  # above the 10 MB of a document
    with tenant(cast.a.pk, by=cast.alice.actor()):
        made = exports.export_keep(file=lines, filename="samples.csv", by=cast.alice, right="samples.export", rows=7)
        assert (made["rows"], made["size"], made["filename"]) == (7, 12_000_011, "samples.csv")
        assert [str(file.pk) for file in selectors.file_list(user=cast.alice)] == [made["fileId"]]
        assert not selectors.file_list(user=other).exists()
    with platform():
        exports.exports_forget()
        assert StoredFile.objects.get().purged_at is None
        FileLink.objects.update(created_at=clock.now() - timedelta(hours=25))
        exports.exports_forget()
        assert StoredFile.objects.get().purged_at is not None
