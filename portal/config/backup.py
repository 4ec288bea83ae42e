"""Everything that an installation is, in one file: database, keys, audit checkpoints, files; and back again.

The file is a tar archive whose last member, `manifest.json`, names every other one with its SHA-256. With a passphrase
it is encrypted as it is written: AES-256-GCM in frames of 1 MB, numbered and closed by a last one, so that a frame that
is changed, missing or moved is found. Keys and audit checkpoints are copied before the database, files after it: the
database then knows of every checkpoint, and the files of every row are there.
"""

import hashlib
import io
import json
import os
import shutil
import struct
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from psycopg.conninfo import make_conninfo

from portal.core.common import clock

FOLDERS: Final = ("keys", "audit", "files")
MANIFEST: Final = "manifest.json"
DUMP: Final = "database.dump"
_MAGIC: Final = b"MARSAD-BACKUP-1\n"
_FRAME: Final = 2**20
_TAG: Final = 16
# What pg_restore sets first and a server older than 17 does not know: it goes on, and nothing depends on it.
_NEWER_SETTING: Final = 'unrecognized configuration parameter "transaction_timeout"'
_ALL_ROWS: Final = "-c marsad.scope=platform"  # the owner is bound by row-level security: this lets it see all rows


class BackupError(Exception):
    """Why a backup was not made or not taken back, as one line."""


# --- encryption --------------------------------------------------------------------------------
def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode()))


class _Sealed(io.RawIOBase):
    """What is written comes out encrypted."""

    def __init__(self, out: IO[bytes], passphrase: str) -> None:
        salt = os.urandom(16)
        self.out, self.cipher, self.number, self.rest = out, _cipher(passphrase, salt), 0, bytearray()
        out.write(_MAGIC + salt)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.rest += data
        while len(self.rest) > _FRAME:
            self._frame(bytes(self.rest[:_FRAME]), last=False)
            del self.rest[:_FRAME]
        return len(data)

    def _frame(self, data: bytes, *, last: bool) -> None:
        self.out.write(self.cipher.encrypt(_nonce(self.number, last=last), data, None))
        self.number += 1

    def close(self) -> None:
        if not self.closed:
            self._frame(bytes(self.rest), last=True)
        super().close()


class _Opened(io.RawIOBase):
    """The plain bytes of an encrypted file. Raises BackupError where it was changed or the passphrase is another."""

    def __init__(self, source: IO[bytes], passphrase: str) -> None:
        self.source, self.cipher = source, _cipher(passphrase, source.read(16))
        self.number, self.rest, self.ahead = 0, b"", source.read(_FRAME + _TAG)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.rest and self.ahead:
            frame, self.ahead = self.ahead, self.source.read(_FRAME + _TAG)
            try:
                self.rest = self.cipher.decrypt(_nonce(self.number, last=not self.ahead), frame, None)
            except InvalidTag:
                raise BackupError("the passphrase is wrong, or the file is damaged or cut off") from None
            self.number += 1
        size = min(len(buffer), len(self.rest))
        buffer[:size], self.rest = self.rest[:size], self.rest[size:]
        return size


def _nonce(number: int, *, last: bool) -> bytes:
    return struct.pack(">QI", number, last)


@contextmanager
def _written(path: Path, passphrase: str) -> Iterator[IO[bytes]]:
    """A file that appears under its name when it is complete, readable by this user alone."""
    fresh = path.with_name(path.name + ".part")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            if passphrase:
                with _Sealed(out, passphrase) as sealed:
                    yield cast(IO[bytes], sealed)
            else:
                yield out
            out.flush()
            os.fsync(out.fileno())
        fresh.rename(path)
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def _read(path: Path, passphrase: str) -> Iterator[IO[bytes]]:
    try:
        source = path.open("rb")
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror}") from None
    with source:
        sealed = source.read(len(_MAGIC)) == _MAGIC
        if sealed and not passphrase:
            raise BackupError("this backup is encrypted: name the file of its passphrase")
        if sealed:
            yield cast(IO[bytes], io.BufferedReader(_Opened(source, passphrase)))
        else:
            source.seek(0)
            yield source


# --- making -----------------------------------------------------------------------------------
def save(*, path: Path, data: Path, owner: dict[str, Any], programs: Path, passphrase: str = "") -> dict[str, Any]:
    """Write the backup; its manifest. `owner` is the entry of the schema's owner in `settings.DATABASES`, `programs`
    the folder of pg_dump. Raises BackupError."""
    manifest: dict[str, Any] = {"format": 1, "at": clock.wire(clock.now()), "members": {}}
    dump = data / "state" / f"{DUMP}.{os.getpid()}"
    dump.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _written(path, passphrase) as out, tarfile.open(fileobj=out, mode="w|", bufsize=_FRAME) as archive:
            for folder in ("keys", "audit"):
                _add_folder(archive, data, folder, manifest)
            _program(
                owner, programs / "pg_dump", "--enable-row-security", "--format=custom", "--file", str(dump), "--dbname"
            )
            _add(archive, dump, DUMP, manifest)
            _add_folder(archive, data, "files", manifest)
            text = json.dumps(manifest, indent=1).encode()
            member = tarfile.TarInfo(MANIFEST)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror or error}") from None
    finally:
        dump.unlink(missing_ok=True)
    return manifest


def _add_folder(archive: tarfile.TarFile, data: Path, folder: str, manifest: dict[str, Any]) -> None:
    for path in sorted((data / folder).rglob("*")):
        name = path.relative_to(data)
        if path.is_file() and not path.is_symlink() and name.parts[:2] != ("files", "staging"):
            _add(archive, path, f"data/{name.as_posix()}", manifest)


def _add(archive: tarfile.TarFile, path: Path, name: str, manifest: dict[str, Any]) -> None:
    try:
        file = path.open("rb")
    except FileNotFoundError:  # purged a moment ago
        return
    with file:
        member = tarfile.TarInfo(name)
        member.size, member.mtime = os.fstat(file.fileno()).st_size, int(os.fstat(file.fileno()).st_mtime)
        digest = _Digest(file)
        archive.addfile(member, cast(IO[bytes], digest))
        manifest["members"][name] = {"size": member.size, "sha256": digest.sum.hexdigest()}


class _Digest:
    """A file that sums up what is read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.sum = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self.file.read(size)
        self.sum.update(piece)
        return piece


# --- taking back ---------------------------------------------------------------------------------
def unpack(*, path: Path, into: Path, passphrase: str = "") -> dict[str, Any]:
    """Write the members below `into` and compare each with the manifest, which is returned. Raises BackupError, and
    leaves nothing behind, for a file that is damaged, incomplete, or no backup."""
    found: dict[str, dict[str, Any]] = {}
    manifest: dict[str, Any] | None = None
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True, mode=0o700)
    try:
        with _read(path, passphrase) as source, tarfile.open(fileobj=source, mode="r|", bufsize=_FRAME) as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is None or not _is_ours(member.name):
                    raise BackupError(f"{path} holds {member.name!r}: this is no backup of Marsad")
                if member.name == MANIFEST:
                    manifest = json.load(content)
                    continue
                target = into / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                digest = _Digest(content)
                with target.open("wb") as file:
                    shutil.copyfileobj(digest, file, _FRAME)
                found[member.name] = {"size": member.size, "sha256": digest.sum.hexdigest()}
        if manifest is None or manifest.get("format") != 1:
            raise BackupError(f"{path} has no manifest: it was cut off, or is no backup of Marsad")
        if found != manifest["members"]:
            told = manifest["members"]
            wrong = sorted(name for name in {*found, *told} if found.get(name) != told.get(name))
            raise BackupError(f"{path} is damaged: {', '.join(wrong[:5])}")
    except (tarfile.TarError, ValueError, BackupError) as error:
        shutil.rmtree(into, ignore_errors=True)
        if isinstance(error, BackupError):
            raise
        raise BackupError(f"{path} is damaged, or no backup of Marsad ({error})") from None
    return manifest


def _is_ours(name: str) -> bool:
    parts = PurePosixPath(name).parts
    if name in (DUMP, MANIFEST):
        return True
    return len(parts) > 2 and parts[0] == "data" and parts[1] in FOLDERS and ".." not in parts


def put_back(*, unpacked: Path, data: Path) -> list[Path]:
    """Move the folders of a backup into `data`; what stood there is kept, under the names that are returned."""
    kept = []
    for folder in FOLDERS:
        source, target = unpacked / "data" / folder, data / folder
        if not source.exists():
            continue
        if target.exists():
            aside = data / f"{folder}.before-{clock.now():%Y%m%dT%H%M%S}"
            target.rename(aside)
            kept.append(aside)
        source.rename(target)
    (data / "keys").chmod(0o700)
    for path in (data / "keys").rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return kept


def restore_database(*, dump: Path, owner: dict[str, Any], programs: Path) -> None:
    """Into an empty database whose roles are there. Raises BackupError."""
    _program(owner, programs / "pg_restore", str(dump), "--dbname")


def is_empty(owner: dict[str, Any]) -> bool:
    from portal.core.tenancy.management.commands.bootstrap import connect

    with closing(connect(owner)) as connection:
        found = connection.execute("SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'public')").fetchone()
    return found is not None and not found[0]


def _program(owner: dict[str, Any], program: Path, *arguments: str) -> None:
    """Run one of PostgreSQL's programs as the owner, the database after its last argument, the password nowhere."""
    names = {"dbname": "NAME", "user": "USER", "host": "HOST", "port": "PORT"}
    given = {name: str(owner[key]) for name, key in names.items() if owner.get(key)}
    conninfo = make_conninfo(**given | dict(owner.get("OPTIONS") or {}))
    environment = os.environ | {"PGOPTIONS": _ALL_ROWS, "PGPASSWORD": str(owner.get("PASSWORD") or "")}
    try:
        done = subprocess.run(
            [str(program), *arguments, conninfo], check=False, capture_output=True, text=True, env=environment
        )
    except OSError as error:
        raise BackupError(f"{program}: {error.strerror}") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if ": error: " in line]
        serious = [line for line in errors if not line.endswith(_NEWER_SETTING)]
        if serious or not errors:
            raise BackupError(f"{program.name}: {(serious or done.stderr.splitlines() or ['no message'])[0]}")
