"""The surface for field apps: specification 004 under `/api/mobile/v1`."""

from api.kit import Api
from api.mobile.v1.auth import router as auth
from api.mobile.v1.surface import DEPRECATED, MOBILE, SUPPORTED
from api.mobile.v1.survey import router as survey
from api.mobile.v1.sync import router as sync

DESCRIPTION = """
For apps that work offline and synchronise.

## First call
1. `POST /api/mobile/v1/auth/login` with `username`, `password` and `deviceInfo`.
2. Send `Authorization: Bearer <accessToken>` and `X-Device-ID: <deviceId>` with every call. The token belongs to that
   device.
3. `POST /auth/refresh` before `expiresIn` seconds are over; each refresh token works once, for 30 days.

## Answers
`{"success": true, "data": …}` or `{"success": true, "message": …}`; refusals `{"success": false, "error": {"code",
"message", "details", "timestamp", "requestId", "validationErrors"}}`. Codes are stable; messages follow
`Accept-Language` (Arabic where it is absent).

## A day's work
1. `GET /tasks`: what is to be surveyed, within your areas.
2. `POST /sessions` with the `applicationId`; then `points/batch`, `geometries/batch`, at most 200 items a call, each
   with an `idempotencyKey` of its own and the call with an `X-Idempotency-Key`. A repeat never stores twice.
3. `attachments/upload-urls`, PUT the bytes, `attachments/{id}/confirm`.
4. `PUT /sessions/{id}/submit` with the counts that the device holds.

## Synchronisation
- Push with `POST /sync/apply` and an `X-Idempotency-Key`: a repeat gets the first answer
  (`Idempotency-Replayed: true`).
- Pull with `GET /sync/changes`, cursor by cursor, until `hasMore` is false. A push never moves the cursor.
- At most 200 items and 1 MB at a time; 30 calls per minute (`RateLimit-Remaining`, `Retry-After`).

## Versions
The major version stands in the path. A request may name the whole one in `API-Version`; every answer has it beside
`Supported-Versions` and `Deprecated-Versions`. The major version before the newest one is served too; an end is
announced at least six months ahead, here and by the headers `Deprecation` and `Sunset`.
"""
_SERVED = ", ".join(f"`{version}`" for version in SUPPORTED)
_ENDING = "; ".join(f"`{name}` since {at:%Y-%m-%d}, ends {end:%Y-%m-%d}" for name, (at, end) in DEPRECATED.items())
DESCRIPTION += f"""- **Changes**: {_SERVED} have the same paths and bodies; what is new is only added.
- **Features**: everything on this page.
- **Deprecations**: {_ENDING}.
- **Migration**: from a deprecated version, name `{SUPPORTED[0]}` in `API-Version` or leave the header out; paths and
  bodies stay as they are.
"""

api = Api(
    namespace="api-mobile-v1",
    surface=MOBILE,
    title="Marsad mobile API",
    version="1.0",
    description=DESCRIPTION,
)
for router in (auth, survey, sync):
    api.add_router("", router)
