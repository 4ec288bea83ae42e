"""Portraits: whatever comes in, two small squares without any of its metadata are kept."""

import io
import secrets
from typing import IO, Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps, UnidentifiedImageError

from portal.core.accounts.models import Avatar, User
from portal.core.accounts.services.signin import AVATAR_PATH
from portal.core.common.errors import Invalid

FORMATS: Final = ("JPEG", "PNG", "WEBP")
BYTES: Final = 5 * 1024 * 1024
PIXELS: Final = 40_000_000


@transaction.atomic
def avatar_set(*, user: User, file: IO[bytes], size: int) -> User:
    """Keep a portrait (JPEG, PNG or WebP of at most 5 MB and 40 megapixels) as WebP of 64 and 256 pixels.

    The picture is turned upright, cut square and encoded again: position, camera and everything else in it is gone.
    Raises Invalid `file`.
    """
    if size > BYTES:
        raise Invalid.field("file", _("At most %(limit)s MB.") % {"limit": BYTES // 1024 // 1024})
    try:
        with Image.open(file, formats=FORMATS) as picture:
            if picture.width * picture.height > PIXELS:
                raise Invalid.field("file", _("At most %(limit)s megapixels.") % {"limit": PIXELS // 1_000_000})
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ):
        raise Invalid.field("file", _("Send a JPEG, PNG or WebP picture.")) from None
    avatar_clear(user=user)
    avatar = Avatar.objects.create(
        organization_id=user.organization_id,
        user=user,
        token=secrets.token_urlsafe(24),
        small=_square(upright, 64),
        large=_square(upright, 256),
    )
    return _point(user, f"{AVATAR_PATH}{avatar.token}")


@transaction.atomic
def avatar_clear(*, user: User) -> User:
    """Remove the portrait, if there is one; its address ends at once."""
    Avatar.objects.filter(user=user).delete()
    return _point(user, "") if user.avatar else user


def _square(picture: Image.Image, side: int) -> bytes:
    plain = Image.new("RGB", (side, side), "white")
    fitted = ImageOps.fit(picture, (side, side), Image.Resampling.LANCZOS)
    plain.paste(fitted, mask=fitted.getchannel("A"))
    out = io.BytesIO()
    plain.save(out, "WEBP", quality=85)
    return out.getvalue()


def _point(user: User, address: str) -> User:
    user.avatar = address
    user.version += 1
    user.save(update_fields=["avatar", "version", "updated_at"])
    return user
