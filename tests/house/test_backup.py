"""A backup tells when it was changed, cut off, or is another's; it never leaves half of itself."""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from portal.config import backup
from portal.config.backup import BackupError, save, unpack

PHRASE = "correct horse battery"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    for name, content in {
        "keys/secret_key": b"s3cret",
        "audit/checkpoints/a.jsonl": b"{}\n",
        "files/store/ab/large": bytes(range(256)) * 9000,  # more than two frames
        "files/staging/half": b"not yet",
        "postgres/data/x": b"no",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    def dump(owner: Any, program: Path, *arguments: str) -> None:
        Path(arguments[arguments.index("--file") + 1]).write_bytes(b"PGDMP")

    monkeypatch.setattr(backup, "_program", dump)
    return folder


def saved(data: Path, name: str, passphrase: str = "") -> Path:
    path = data.parent / name
    save(path=path, data=data, owner={}, programs=Path(), passphrase=passphrase)
    return path


@pytest.mark.covers("001-FR-073")
def test_it_comes_back_as_it_went(data: Path, tmp_path: Path) -> None:
    for number, passphrase in enumerate(("", PHRASE)):
        path = saved(data, f"{number}.tar", passphrase)
        manifest = unpack(path=path, into=tmp_path / "out", passphrase=passphrase)

        names = ["data/audit/checkpoints/a.jsonl", "data/files/store/ab/large", "data/keys/secret_key", "database.dump"]
        assert sorted(manifest["members"]) == names
        for name in names[:3]:
            assert (tmp_path / "out" / name).read_bytes() == (data / name.removeprefix("data/")).read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600
        assert (b"s3cret" in path.read_bytes()) is (passphrase == "")
    target = tmp_path / "new"
    (target / "keys").mkdir(parents=True)
    (kept,) = backup.put_back(unpacked=tmp_path / "out", data=target)
    assert kept.name.startswith("keys.before-")
    assert (target / "keys/secret_key").stat().st_mode & 0o777 == 0o600
    assert not (data / "state").joinpath("database.dump").exists()


def test_what_was_changed_is_found_and_leaves_nothing(data: Path, tmp_path: Path) -> None:
    plain, sealed = saved(data, "plain.tar"), saved(data, "sealed.tar", PHRASE)
    frame = backup._FRAME + backup._TAG
    head = len(backup._MAGIC) + 16

    def refused(content: bytes, passphrase: str, reason: str) -> None:
        path = tmp_path / "changed"
        path.write_bytes(content)
        with pytest.raises(BackupError, match=reason):
            unpack(path=path, into=tmp_path / "out", passphrase=passphrase)
        assert not (tmp_path / "out").exists()

    whole, open_ = sealed.read_bytes(), plain.read_bytes()
    place = open_.index(bytes(range(256)))
    refused(open_[:place] + b"!" + open_[place + 1 :], "", "damaged: data/files/store/ab/large")
    refused(open_[: len(open_) // 2], "", "damaged|cut off")
    refused(whole, "another", "passphrase is wrong")
    refused(whole, "", "encrypted")
    refused(whole[:-1], PHRASE, "cut off")
    refused(whole[: head + frame], PHRASE, "cut off")  # the last frame is missing
    swapped = (
        whole[:head] + whole[head + frame : head + 2 * frame] + whole[head : head + frame] + whole[head + 2 * frame :]
    )
    refused(swapped, PHRASE, "damaged")
    refused(b"something else", "", "no backup")
    for name in ("data/keys/../../../etc/x", "/etc/passwd", "data/postgres/x", "data/keys"):
        foreign = io.BytesIO()
        with tarfile.open(fileobj=foreign, mode="w") as archive:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        refused(foreign.getvalue(), "", "no backup of Marsad")


def test_a_backup_that_fails_leaves_no_file(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise BackupError("pg_dump: no server")

    monkeypatch.setattr(backup, "_program", broken)
    with pytest.raises(BackupError, match="no server"):
        saved(data, "never.tar", PHRASE)
    assert [path.name for path in data.parent.iterdir()] == ["data"]
