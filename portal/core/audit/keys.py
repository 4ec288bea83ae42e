"""The Ed25519 key that signs checkpoints. It lies outside of the database, in `$MARSAD_DATA/keys/audit/`.

`<key id>.pem` signs, `<key id>.pub` is what an auditor takes away. The newest key signs, older ones go on verifying.
"""

import fcntl
import hashlib
import os
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings


def folder() -> Path:
    return Path(settings.DATA_DIR) / "keys" / "audit"


def key_id(public: bytes) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the raw public key."""
    return hashlib.sha256(public).hexdigest()[:16]


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def ensure() -> str:
    """The id of the key that signs, made on first use; of several processes that start at once, one makes it."""
    there = folder()
    there.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (there / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = sorted(there.glob("*.pem"), key=lambda path: path.stat().st_mtime)
        if known:
            return known[-1].stem
        key = Ed25519PrivateKey.generate()
        name = key_id(_raw(key.public_key()))
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (there / f"{name}.pub").write_bytes(public)
        draft = there / f".{name}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
        draft.rename(there / f"{name}.pem")
        return name


@lru_cache(maxsize=8)
def _private(path: Path) -> Ed25519PrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{path} is not an Ed25519 key")
    return key


def sign(text: bytes) -> tuple[str, bytes]:
    """The id of the newest key and its signature of `text`."""
    name = ensure()
    return name, _private(folder() / f"{name}.pem").sign(text)


def public_pem(name: str) -> str:
    return (folder() / f"{name}.pub").read_text()


@lru_cache(maxsize=8)
def _public(path: Path, changed: float) -> Ed25519PublicKey:
    key = serialization.load_pem_public_key(path.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise TypeError(f"{path} is not an Ed25519 key")
    return key


def verified(name: str, signature: bytes, text: bytes) -> bool:
    """Whether `signature` is that of `text` by the key `name`, which must be the key of that id."""
    path = folder() / f"{name}.pub"
    if not name.isalnum() or not path.exists():
        return False
    key = _public(path, path.stat().st_mtime)
    try:
        key.verify(signature, text)
    except InvalidSignature:
        return False
    return key_id(_raw(key)) == name
