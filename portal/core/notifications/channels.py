"""How a message leaves: e-mail by Django's mail, pushes with VAPID, SMS and app pushes by an HTTP gateway.

A channel raises `Permanent` where trying again cannot help; every other exception is tried again.
"""

import base64
import hashlib
import smtplib
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol
from uuid import UUID

import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.core import signing
from django.utils import translation
from django.utils.translation import gettext as _
from py_vapid import Vapid02

from portal.core.accounts import mail
from portal.core.accounts.models import User
from portal.core.notifications.inbox import push_host_allowed
from portal.core.notifications.models import Channel, PushSubscription
from portal.core.tenancy.scope import Actor, platform

SECONDS: Final = 10.0  # to wait for a provider
PUSH_BYTES: Final = 3000  # of 4096 that push services take, before encryption
PUSH_TTL: Final = 24 * 3600
UNSUBSCRIBE_SALT: Final = "notifications.unsubscribe"
# With these the provider tells a second sending of the same delivery; e-mail has no such key.
IDEMPOTENT: Final = frozenset({Channel.PUSH, Channel.SMS})
_SENDER: Final = Actor(name="notifications", via="job")


class Permanent(Exception):
    """The provider refused for good; `gone` says that the address is none any more."""

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent, in the recipient's language. `key` is the delivery's id: the same for every attempt."""

    key: UUID
    user: User
    language: str
    title: str
    paragraphs: Sequence[str]
    link: str
    category: str

    @property
    def text(self) -> str:
        return "\n".join(self.paragraphs)


# --- e-mail -----------------------------------------------------------------------------------
def unsubscribe_path(user: User, category: str) -> str:
    return f"/unsubscribe/{signing.dumps({'u': str(user.pk), 'c': category}, salt=UNSUBSCRIBE_SALT)}"


def send_email(letter: Letter) -> str:
    """Send a letter; its Message-ID, which repeats with the delivery, so that mail servers tell a second copy."""
    host = settings.PUBLIC_URL.partition("//")[2].partition(":")[0]
    number = f"<{letter.key}@{host}>"
    leave = settings.PUBLIC_URL + unsubscribe_path(letter.user, letter.category)
    try:
        with translation.override(letter.language):
            mail.send(
                to=letter.user.email,
                subject=" ".join(letter.title.split()),
                greeting=_("Hello %(name)s,") % {"name": letter.user.name},
                paragraphs=letter.paragraphs,
                action=_("Open in Marsad"),
                path=letter.link or "/notifications",
                closing=_("No more e-mails of this kind: %(link)s") % {"link": leave},
                headers={
                    "Message-ID": number,
                    "List-Unsubscribe": f"<{leave}>",
                    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                    "Auto-Submitted": "auto-generated",
                },
            )
    except smtplib.SMTPRecipientsRefused as refused:
        code, text = next(iter(refused.recipients.values()))
        if code >= 500:
            raise Permanent(f"{code} {text!r}", gone=True) from refused
        raise
    except smtplib.SMTPResponseException as refused:
        if refused.smtp_code >= 500:
            raise Permanent(f"{refused.smtp_code} {refused.smtp_error!r}") from refused
        raise
    return number


# --- pushes to browsers -------------------------------------------------------------------------
@cache
def vapid_key() -> Vapid02:
    """The key that push services know this installation by, made from its secret: the same on every machine."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the curve P-256
    seed = hashlib.sha512(b"marsad vapid " + settings.SECRET_KEY.encode()).digest()
    return Vapid02(ec.derive_private_key(int.from_bytes(seed) % (order - 1) + 1, ec.SECP256R1()))


def vapid_public_key() -> str:
    """What browsers want as `applicationServerKey`, base64url."""
    point = vapid_key().public_key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def send_push(letter: Letter) -> str:
    """To every browser and app of the person; what is gone is forgotten. Raises Permanent where none is left."""
    taken = 0
    trouble: Exception | None = None
    with platform(by=_SENDER):
        subscriptions = list(PushSubscription.objects.filter(user=letter.user))
    for row in subscriptions:
        try:
            if row.platform == "web":
                _push(row, letter)
            else:
                gateway(settings.PUSH_GATEWAY).send(
                    {"token": row.endpoint, "platform": row.platform, **_payload(letter)}, key=f"{letter.key}/{row.pk}"
                )
            taken += 1
        except Permanent as refused:
            if refused.gone:
                with platform(by=_SENDER):
                    row.delete()
            trouble = trouble or refused
        except Exception as error:  # noqa: BLE001  another browser may well take it
            trouble = error
    if not taken:
        raise trouble or Permanent("no subscription", gone=True)
    return f"{taken}/{len(subscriptions)}"


def _payload(letter: Letter) -> dict[str, str]:
    return {
        "title": letter.title[:200],
        "body": letter.text[:800],
        "url": letter.link or "/notifications",
        "tag": str(letter.key),
        "lang": letter.language,
    }


def _stays() -> Any:
    """A session that follows no redirect: the address that was given was checked, where it leads was not."""
    import requests

    session = requests.Session()
    session.max_redirects = 0
    return session


def _push(row: PushSubscription, letter: Letter) -> None:
    from pywebpush import WebPushException, webpush  # with aiohttp and requests a tenth of what a start loads
    from requests import RequestException

    if not push_host_allowed(row.endpoint):  # the settings may name fewer hosts than when it was kept
        raise Permanent("not a push service", gone=True)
    payload = _payload(letter)
    while len(text := orjson.dumps(payload).decode()) > PUSH_BYTES or len(text.encode()) > PUSH_BYTES:
        payload["body"] = payload["body"][: len(payload["body"]) * 3 // 4]
    try:
        webpush(
            row.for_browser,
            data=text,
            vapid_private_key=vapid_key(),
            vapid_claims={"sub": settings.PUBLIC_URL if settings.PRODUCTION else "mailto:marsad@localhost"},
            ttl=PUSH_TTL,
            timeout=SECONDS,
            headers={"Topic": letter.key.hex, "Urgency": "normal"},  # a waiting push of the same topic is replaced
            requests_session=_stays(),
        )
    except WebPushException as refused:
        code = refused.status_code or 0
        if code in (404, 410):
            raise Permanent(f"{code}", gone=True) from refused
        if 400 <= code < 500 and code != 429:
            raise Permanent(f"{code}") from refused
        raise
    except RequestException as trouble:  # its words hold the address, which lets anybody send to this browser
        raise OSError(type(trouble).__name__) from None


# --- SMS, and pushes to apps -----------------------------------------------------------------------
class Adapter(Protocol):
    """A provider behind one call. `key` is the same for every attempt at one delivery."""

    def send(self, body: dict[str, Any], *, key: str) -> str:
        """Hand it over; the provider's id. Raises Permanent."""


class _Stays(urllib.request.HTTPRedirectHandler):
    """The bearer token goes to nobody but the provider."""

    def redirect_request(self, *about: object) -> None:
        return None


@dataclass(frozen=True, slots=True)
class HttpGateway:
    """POSTs JSON to one address with `Idempotency-Key` and a bearer token: a few lines at the provider's side."""

    url: str
    token: str = ""

    def send(self, body: dict[str, Any], *, key: str) -> str:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.url, data=orjson.dumps(body), headers=headers)  # noqa: S310  our setting
        try:
            with urllib.request.build_opener(_Stays()).open(request, timeout=SECONDS) as answer:
                said = answer.read(10_000)
        except urllib.error.HTTPError as refused:
            if refused.code in (404, 410, 422):
                raise Permanent(f"HTTP {refused.code}", gone=refused.code == 410) from refused
            raise
        try:
            return str(orjson.loads(said).get("id", ""))[:200]
        except (orjson.JSONDecodeError, AttributeError):
            return ""


def gateway(address: tuple[str, str]) -> Adapter:
    """Raises Permanent where the settings name no provider."""
    if not address[0]:
        raise Permanent("no provider")
    return HttpGateway(*address)


# A single one of these takes an SMS out of the alphabet of 160 letters (GSM 03.38) into that of 70.
_SHORT_ALPHABET: Final = {0x00A0: " ", 0x202F: " ", 0x2019: "'"}


def send_sms(letter: Letter) -> str:
    text = f"{letter.title}\n{letter.text}".translate(_SHORT_ALPHABET).strip()[:600]
    return gateway(settings.SMS_GATEWAY).send({"to": letter.user.phone, "text": text}, key=str(letter.key))


SENDERS: Final = {Channel.EMAIL: send_email, Channel.PUSH: send_push, Channel.SMS: send_sms}


def address_of(user: User, channel: str) -> str:
    """Where a channel reaches a person; "" where it does not, a push's subscriptions aside."""
    return {Channel.EMAIL: user.email, Channel.SMS: user.phone.strip(), Channel.PUSH: "push"}.get(Channel(channel), "")


def provider_of(channel: str) -> bool:
    return channel != Channel.SMS or bool(settings.SMS_GATEWAY[0])
