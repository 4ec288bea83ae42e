"""A file comes in: counted, hashed, kept once; what is not what it says, too large or broken leaves nothing."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from portal.core.common.errors import DomainError
from portal.core.files import blobs, services
from portal.core.files.kinds import clean_name
from portal.core.files.models import Blob, FileVersion, StoredFile
from portal.core.files.storage import FolderStore, opened, store
from portal.core.tenancy.scope import tenant
from tests.core.people import Cast

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def kept() -> list[str]:
    """Everything on disk: staged files and objects."""
    root = Path(settings.DATA_DIR) / "files"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.fixture
def cast(db: None) -> Cast:
    return Cast()


def create(cast: Cast, content: bytes = b"hello", name: str = "note.txt", **more: object) -> StoredFile:
    return services.file_create(stream=io.BytesIO(content), filename=name, by=cast.alice, **more)  # type: ignore[arg-type]


def test_a_file_is_counted_hashed_and_kept_once_per_organisation(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        one = create(cast, tags=[" water ", "water"], description="of the well")
        two = create(cast, name="same.txt")
        versions = list(FileVersion.objects.order_by("id").select_related("blob"))
        assert one.current is not None
        with opened(one.current.blob.key) as file:
            assert file.read() == b"hello"

        assert [v.blob.sha256 for v in versions] == [hashlib.sha256(b"hello").hexdigest()] * 2
        assert [(blob.size, blob.references) for blob in Blob.objects.all()] == [(5, 2)]
        assert (one.size, one.content_type, one.tags, two.category) == (5, "text/plain", ["water"], "other")
    with tenant(cast.b.pk, by=cast.mallory.actor()):
        services.file_create(stream=io.BytesIO(b"hello"), filename="note.txt", by=cast.mallory)
        assert Blob.objects.count() == 1


def broken() -> Iterator[bytes]:
    yield b"hel"
    raise OSError("the client is gone")


def full(self: FolderStore, key: str, path: Path) -> None:
    Path(self.path(key)).parent.mkdir(parents=True, exist_ok=True)
    path.replace(self.path(key))
    raise OSError("the disk is full")


@pytest.mark.parametrize(
    ("name", "content", "more", "code"),
    [
        ("a.exe", b"MZ\x90", {}, "UNSUPPORTED_MEDIA_TYPE"),
        ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", {}, "UNSUPPORTED_MEDIA_TYPE"),
        ("a.txt", PNG, {}, "UNSUPPORTED_MEDIA_TYPE"),
        ("a.txt", b" <script>alert(1)</script>", {}, "UNSUPPORTED_MEDIA_TYPE"),
        ("a.jpg", PNG, {}, "UNSUPPORTED_MEDIA_TYPE"),
        ("a.png", PNG, {"content_type": "text/html"}, "UNSUPPORTED_MEDIA_TYPE"),
        ("a.png", PNG, {"only": "video"}, "UNSUPPORTED_MEDIA_TYPE"),
        ("a.txt", b"", {}, "VALIDATION_ERROR"),
        ("a.txt", b"hello", {"size": 6}, "VALIDATION_ERROR"),
        ("a.txt", b"hello", {"sha256": "0" * 64}, "CHECKSUM_MISMATCH"),
        ("a.txt", b"hello", {"category": "gossip"}, "VALIDATION_ERROR"),
        ("a.txt", b"x" * (1024 * 1024 + 1), {}, "PAYLOAD_TOO_LARGE"),
    ],
)
def test_what_is_not_what_it_says_leaves_nothing(
    cast: Cast, settings: object, name: str, content: bytes, more: dict[str, object], code: str
) -> None:
    settings.FILE_LIMITS = {"image": 1 << 20, "video": 1 << 20, "document": 1 << 20}  # type: ignore[attr-defined]
    before = kept()
    with tenant(cast.a.pk, by=cast.alice.actor()):
        with pytest.raises(DomainError) as refused:
            create(cast, content, name, **more)

        assert refused.value.code == code
        assert (StoredFile.objects.count(), Blob.objects.count()) == (0, 0)
    assert kept() == before


def test_a_break_of_line_store_or_transaction_leaves_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept()
    with tenant(cast.a.pk, by=cast.alice.actor()):
        with pytest.raises(OSError, match="gone"):
            services.file_create(stream=broken(), filename="a.txt", by=cast.alice)
        with monkeypatch.context() as patched:
            patched.setattr(type(store()), "put", full)
            with pytest.raises(OSError, match="full"):
                create(cast)
        assert Blob.objects.count() == 0
    assert kept() == before


def test_a_quota_is_kept(cast: Cast) -> None:
    cast.a.settings = {"fileQuotaBytes": 8}
    with tenant(cast.a.pk, by=cast.alice.actor()):
        cast.a.save()
        create(cast)
        create(cast, name="again.txt")  # the same bytes cost nothing
        with pytest.raises(DomainError) as refused:
            create(cast, b"other")

        assert (refused.value.status, refused.value.code, blobs.usage()) == (507, "QUOTA_EXCEEDED", 5)


@pytest.mark.covers("002-SEC-09")
@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\temp\\a.pdf", "a.pdf"),
        (" .hidden.txt ", "hidden.txt"),
        ("invoice\u202efdp.exe.pdf", "invoicefdp.exe.pdf"),
        ("a\x00b\r\n\t.txt", "ab.txt"),
        ('a"b<c>.txt', "a_b_c_.txt"),
        ("تقرير المياه.pdf", "تقرير المياه.pdf"),
        ("..", "file"),
        ("x" * 300 + ".txt", "x" * 196 + ".txt"),
    ],
)
def test_names_do_no_harm(given: str, clean: str) -> None:
    assert clean_name(given) == clean
