"""Share links: a file for people outside, for a time, with a password and a number of downloads where wished.

The token has 256 random bits and is told once; its hash is kept. Whatever limits a link is decided under the lock of
its row, so that parallel requests cannot pass together.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.errors import DomainError, Errors, NotFound
from portal.core.files import selectors, services
from portal.core.files.models import FileVersion, ScanStatus, ShareAccess, ShareLink, StoredFile
from portal.core.tenancy.scope import Actor, platform, tenant

DEFAULT: Final = timedelta(days=7)
LONGEST: Final = timedelta(days=90)
TRIES: Final = 5
LOCKED: Final = timedelta(minutes=15)
PASSWORD_LENGTH: Final = range(4, 129)
MOST: Final = 1_000_000
_Outcome = ShareAccess.Outcome


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def url_of(token: str) -> str:
    return f"{settings.PUBLIC_URL}/s/{token}"


@transaction.atomic
def share_create(
    *,
    file: StoredFile,
    by: User,
    expires_at: datetime | None = None,
    expires_in_hours: float | None = None,
    password: str = "",
    max_downloads: int | None = None,
    pinned: int | None = None,
    note: str = "",
) -> tuple[ShareLink, str]:
    """A new link and its token, which nobody can read later. 7 days without an end of its own, 90 at most; `pinned`
    is the number of a version, None shares whichever is newest. Raises Denied, Invalid, FILE_BLOCKED (403)."""
    services.may_act(file, by, "files.share")
    now, errors = clock.now(), Errors()
    ends = expires_at or now + (DEFAULT if expires_in_hours is None else timedelta(hours=min(expires_in_hours, 1e5)))
    if not now < ends <= now + LONGEST + timedelta(minutes=1):
        errors.add(
            "expires_at" if expires_at else "expires_in_hours",
            _("A link lasts up to %(days)s days.") % {"days": LONGEST.days},
        )
    if password and len(password) not in PASSWORD_LENGTH:
        errors.add("password", _("A password has 4 to 128 characters."))
    if max_downloads is not None and not 1 <= max_downloads <= MOST:
        errors.add("max_downloads", _("Enter a whole number from 1 to %(most)s.") % {"most": MOST})
    if len(note) > 200:
        errors.add("note", _("Enter at most %(max_length)s characters.") % {"max_length": 200})
    errors.raise_any()
    version = selectors.version_get(file=file, number=pinned) if pinned else None
    _check(version or file.current)
    token = secrets.token_urlsafe(32)
    link = ShareLink.objects.create(
        organization_id=file.organization_id,
        file=file,
        pinned=version,
        note=note.strip(),
        token_hash=_hash(token),
        password=make_password(password) if password else "",
        expires_at=ends,
        max_downloads=max_downloads,
        created_by=by,
    )
    record(
        Event(
            Action.SHARE,
            "file",
            str(file.pk),
            {"shareId": str(link.pk), "expiresAt": clock.wire(ends), "maxDownloads": max_downloads},
            label=file.filename,
        )
    )
    return link, token


@transaction.atomic
def share_revoke(*, file: StoredFile, by: User, id: UUID | None = None, open_only: bool = False) -> int:
    """End one link of a file, or all of them (`open_only`: those without a password); how many ended.

    Raises Denied, NotFound where the one does not exist or has ended.
    """
    services.may_act(file, by, "files.share")
    rows = ShareLink.objects.filter(file=file, revoked_at=None)
    rows = rows.filter(pk=id) if id else rows.filter(password="") if open_only else rows
    now = clock.now()
    ended = rows.update(revoked_at=now, updated_at=now)
    if id and not ended:
        raise NotFound(_("There is no such link."))
    return ended


def public_set(*, file: StoredFile, public: bool, by: User) -> str:
    """Make a file public, which is a link without a password, or end such links. The token, '' without a new one."""
    services.may_act(file, by, "files.share")
    there = ShareLink.objects.filter(file=file, password="", **selectors.live_share()).exists()
    if public and not there:
        return share_create(file=file, by=by)[1]
    if not public and there:
        share_revoke(file=file, by=by, open_only=True)
    return ""


@dataclass(frozen=True, slots=True)
class Taken:
    """A download that was granted and counted."""

    organization: UUID
    version: FileVersion


def share_look(*, token: str, by: Actor) -> dict[str, Any]:
    """What a link gives, without giving it. Raises as `share_take`, but for the password."""
    _organization, link, version = _attempt(token, by, password=None)
    left = None if link.max_downloads is None else link.max_downloads - link.downloads
    return {
        "filename": version.filename,
        "contentType": version.content_type,
        "size": version.size,
        "versionNumber": version.number,
        "needsPassword": bool(link.password),
        "expiresAt": link.expires_at,
        "maxDownloads": link.max_downloads,
        "downloads": link.downloads,
        "downloadsLeft": left,
    }


def share_take(*, token: str, password: str, by: Actor) -> Taken:
    """Count one download and give the version. What was counted stays so, whether all bytes arrive or not.

    Raises 404 for an unknown or revoked link, 410 SHARE_EXPIRED and SHARE_USED_UP, 403 SHARE_PASSWORD, SHARE_LOCKED
    (five wrong passwords, for 15 minutes) and FILE_BLOCKED. Call it outside of a scope: refusals are kept too.
    """
    organization, _link, version = _attempt(token, by, password=password)
    return Taken(organization, version)


def _attempt(token: str, by: Actor, password: str | None) -> tuple[UUID, ShareLink, FileVersion]:
    with platform():
        found = ShareLink.objects.filter(token_hash=_hash(token)).values_list("organization_id", "pk").first()
    if found is None:
        raise _unknown()
    organization, pk = found
    with tenant(organization, by=by):
        link = (
            ShareLink.objects.select_for_update(of=("self",))
            .select_related("file", "pinned__blob", "file__current__blob")
            .filter(pk=pk)
            .first()
        )
        if link is None:
            raise _unknown()
        version = link.pinned or link.file.current
        outcome = _judge(link, version, password)
        ShareAccess.objects.create(
            organization_id=organization,
            link=link,
            outcome=outcome,
            version_number=version.number if version else None,
            ip=by.ip[:45],
            agent=by.agent[:300],
        )
        if outcome == _Outcome.DOWNLOADED:
            changes = {"shareId": str(link.pk), "versionNumber": version.number if version else None}
            record(Event(Action.DOWNLOAD, "file", str(link.file_id), changes, label=link.file.filename))
        reason = selectors.guarded(version=version, user=None) if version and outcome == _Outcome.BLOCKED else ""
    if reason:
        raise blocked(reason)
    if outcome not in (_Outcome.DOWNLOADED, _Outcome.VIEWED):
        raise _refusal(outcome, link)
    assert version is not None
    return organization, link, version


def _judge(link: ShareLink, version: FileVersion | None, password: str | None) -> str:
    """What becomes of an attempt (None: only a look), with the link's counters changed; its row is locked."""
    now = clock.now()
    if link.revoked_at or link.file.deleted_at or version is None:
        return _Outcome.REVOKED
    if link.expires_at <= now:
        return _Outcome.EXPIRED
    if link.max_downloads is not None and link.downloads >= link.max_downloads:
        return _Outcome.USED_UP
    if selectors.why_not(version=version, user=None):
        return _Outcome.BLOCKED
    if password is None:
        return _Outcome.VIEWED
    if link.password:
        if link.locked_until and link.locked_until > now:
            return _Outcome.LOCKED
        if not check_password(password, link.password):
            link.failures += 1
            if link.failures >= TRIES:
                link.failures, link.locked_until = 0, now + LOCKED
            link.save(update_fields=["failures", "locked_until"])
            return _Outcome.WRONG_PASSWORD
    link.failures, link.locked_until = 0, None
    link.downloads += 1
    link.save(update_fields=["failures", "locked_until", "downloads"])
    return _Outcome.DOWNLOADED


def _unknown() -> NotFound:
    return NotFound(_("This link does not exist, or it was withdrawn."), code="SHARE_NOT_FOUND")


def _refusal(outcome: str, link: ShareLink) -> DomainError:
    if outcome == _Outcome.REVOKED:
        return _unknown()
    if outcome == _Outcome.LOCKED:
        assert link.locked_until is not None
        seconds = max(1, int((link.locked_until - clock.now()).total_seconds()))
        return DomainError(
            _("Too many wrong passwords. Try again in a quarter of an hour."),
            status=403,
            code="SHARE_LOCKED",
            meta={"retryAfter": seconds},
        )
    told: Mapping[str, tuple[int, str, str]] = {
        _Outcome.EXPIRED: (410, "SHARE_EXPIRED", _("This link has expired.")),
        _Outcome.USED_UP: (410, "SHARE_USED_UP", _("This link has been used as often as it may be.")),
        _Outcome.WRONG_PASSWORD: (403, "SHARE_PASSWORD", _("This link needs its password.")),
        _Outcome.BLOCKED: (403, "FILE_BLOCKED", _("This file is held back: it has not passed the virus scan.")),
    }
    status, code, message = told[outcome]
    return DomainError(message, status=status, code=code)


def _check(version: FileVersion | None) -> None:
    if version is None:
        raise NotFound(_("There is no such version."))
    if reason := selectors.guarded(version=version, user=None):
        raise blocked(reason)
    if version.blob.scan_status == ScanStatus.INFECTED:  # one that waits for its scan works once it is clean
        raise blocked(selectors.why_not(version=version, user=None))


def blocked(reason: str) -> DomainError:
    return DomainError(reason, status=403, code="FILE_BLOCKED")
