"""Access tokens: JWT signed with RS256 (C24), and the keys that sign them.

Private keys are PEM files `<kid>.pem` in `$MARSAD_DATA/keys/jwt/`. The newest one signs; older ones go on verifying
until the last token they signed is out of date. Machines that share tokens share that folder.
"""

import fcntl
import os
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.common.ids import parse_uuid

MS_ROLE: Final = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
LONGEST: Final = 86_400  # seconds that an access token may live, whatever a tenant sets (C15)
_RESCAN: Final = 10.0  # seconds after which a rotation by another process is seen


class Unauthenticated(DomainError):
    """401: no usable token. `code` says why: AUTHENTICATION_REQUIRED, TOKEN_EXPIRED, TOKEN_REVOKED …"""

    status = 401
    code = "AUTHENTICATION_REQUIRED"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid access token says. Whether it still holds is for `selectors.token_holder` to see."""

    user: UUID
    organization: UUID | None
    jti: UUID
    epoch: int
    role: str
    email: str
    name: str
    device: str
    expires_at: datetime


class _Keys:
    """The key folder, read again when a key is unknown or the last look is older than `_RESCAN` seconds."""

    def __init__(self) -> None:
        self.folder = Path()
        self.private: dict[str, RSAPrivateKey] = {}
        self.looked = 0.0

    def load(self, *, again: bool = False) -> dict[str, RSAPrivateKey]:
        folder = settings.DATA_DIR / "keys" / "jwt"
        if again or folder != self.folder or time.monotonic() - self.looked > _RESCAN or not self.private:
            known = self.private if folder == self.folder else {}
            found = {path.stem: known.get(path.stem) or _read(path) for path in sorted(folder.glob("*.pem"))}
            if not found:
                make_key(only_first=True)
                found = {path.stem: _read(path) for path in sorted(folder.glob("*.pem"))}
            self.folder, self.private, self.looked = folder, found, time.monotonic()
        return self.private


_keys = _Keys()


def _read(path: Path) -> RSAPrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"{path} is not an RSA key")
    return key


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_key(*, only_first: bool = False) -> str:
    """Make a signing key and return its `kid`. With `only_first`, the first process makes one, the others find it."""
    folder = settings.DATA_DIR / "keys" / "jwt"
    with _locked(folder):
        there = sorted(folder.glob("*.pem"))
        if only_first and there:
            return there[-1].stem
        kid = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"
        pem = generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        draft = folder / f".{kid}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        draft.rename(folder / f"{kid}.pem")  # whole or not at all for a reader
        return kid


def rotate_key() -> tuple[str, list[str]]:
    """Make a new signing key and drop those whose successor is older than any living token: (new kid, dropped)."""
    kid = make_key()
    folder = settings.DATA_DIR / "keys" / "jwt"
    dropped = []
    with _locked(folder):
        paths = sorted(folder.glob("*.pem"))
        for path, successor in pairwise(paths):
            if time.time() - successor.stat().st_mtime > LONGEST:
                path.unlink()
                dropped.append(path.stem)
    _keys.load(again=True)
    return kid, dropped


def jwks() -> dict[str, list[dict[str, str]]]:
    """The public keys as RFC 7517 writes them."""
    return {"keys": [_public(kid, key.public_key()) for kid, key in _keys.load().items()]}


def _public(kid: str, key: RSAPublicKey) -> dict[str, str]:
    numbers = key.public_numbers()

    def number(value: int) -> str:
        return urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).rstrip(b"=").decode()

    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": number(numbers.n), "e": number(numbers.e)}


def access_seconds(user: User) -> int:
    """Life of an access token: the organisation's setting within 300 to 86,400 s, else the platform's (C15)."""
    wished = (user.organization.settings.get("accessTokenSeconds") if user.organization else None) or 0
    return int(wished) if isinstance(wished, int) and 300 <= wished <= LONGEST else settings.ACCESS_TOKEN_SECONDS


def issue(user: User, *, device: str = "") -> tuple[str, UUID, int]:
    """Sign an access token: (token, its jti, seconds it lives)."""
    now, jti, seconds = clock.now(), uuid4(), access_seconds(user)
    organization = str(user.organization_id) if user.organization_id else None
    body: dict[str, Any] = {
        "iss": settings.JWT_ISSUER,
        "aud": settings.JWT_AUDIENCE,
        "exp": int((now + timedelta(seconds=seconds)).timestamp()),
        "iat": int(now.timestamp()),
        "sub": str(user.pk),
        "jti": str(jti),
        "token_type": "access",
        "token_epoch": user.token_epoch,
        "role": user.role_key,
        MS_ROLE: user.role_key,
        "email": user.email,
        "name": user.name,
        "organizationId": organization,
        "tenantId": organization,
    }
    if device:
        body["device_id"] = device
    return _signed(body), jti, seconds


def issue_refresh(user: User, *, jti: UUID, until: datetime) -> str:
    """Sign a refresh token (003): of its claims only the client makes use, here the stored hash of it decides."""
    body = {
        "iss": settings.JWT_ISSUER,
        "aud": settings.JWT_AUDIENCE,
        "exp": int(until.timestamp()),
        "sub": str(user.pk),
        "jti": str(jti),
        "token_type": "refresh",
    }
    return _signed(body)


def _signed(body: dict[str, Any]) -> str:
    kid, key = max(_keys.load().items())
    return jwt.encode(body, key, algorithm="RS256", headers={"kid": kid})


def read(token: str) -> Claims:
    """Check signature, issuer, audience, life and type of an access token; raises Unauthenticated."""
    claims = _verified(token, frozenset(_keys.load()), settings.JWT_ISSUER, settings.JWT_AUDIENCE)
    if claims.expires_at.timestamp() <= time.time():
        raise Unauthenticated(_("The access token has expired."), code="TOKEN_EXPIRED")
    return claims


@lru_cache(4096)
def _verified(token: str, known: frozenset[str], issuer: str, audience: str) -> Claims:
    """What a token says. Its signature is checked once for as long as the `known` keys are the same."""
    try:
        kid = jwt.get_unverified_header(token).get("kid", "")
        key = _keys.load().get(kid) or _keys.load(again=time.monotonic() - _keys.looked > 1).get(kid)
        if key is None:
            raise jwt.InvalidTokenError("unknown key")
        body = jwt.decode(
            token,
            key.public_key(),
            algorithms=["RS256"],
            issuer=issuer,
            audience=audience,
            options={"require": ["exp", "iat", "sub", "jti", "iss", "aud"]},
        )
        user, jti = parse_uuid(body["sub"]), parse_uuid(body["jti"])
        organization = parse_uuid(body.get("organizationId"))
        if body.get("token_type") != "access" or user is None or jti is None:
            raise jwt.InvalidTokenError("not an access token")
        if organization is None and body.get("organizationId") is not None:
            raise jwt.InvalidTokenError("organisation unreadable")
        return Claims(
            user=user,
            organization=organization,
            jti=jti,
            epoch=int(body.get("token_epoch", -1)),
            role=str(body.get("role", "")),
            email=str(body.get("email", "")),
            name=str(body.get("name", "")),
            device=str(body.get("device_id", "")),
            expires_at=datetime.fromtimestamp(body["exp"], UTC),
        )
    except jwt.ExpiredSignatureError:
        raise Unauthenticated(_("The access token has expired."), code="TOKEN_EXPIRED") from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise Unauthenticated(_("The access token is not valid.")) from None
