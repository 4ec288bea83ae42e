"""What the installation lacks for a moment, and no request is to blame for."""

import errno

import psycopg
from django.db import InterfaceError, InternalError, OperationalError
from django.utils.translation import gettext as _

from portal.core.common.errors import DomainError


class StoreAway(Exception):
    """The store of files cannot be reached, does not answer in time, or has a failure of its own."""


def outage(error: BaseException | None) -> DomainError | None:
    """The refusal for a failure of the database or the store of files (503) or of a disk without room (507); None for
    anything else. Each carries the seconds after which a client tries again; what the request had begun is rolled
    back."""
    match error:
        case (
            OperationalError()
            | InterfaceError()
            | psycopg.OperationalError()
            | psycopg.InterfaceError()
            | StoreAway()
            | InternalError(__cause__=psycopg.errors.ReadOnlySqlTransaction())  # a replica that is not yet the primary
        ):
            return DomainError(
                _("The service is not available at the moment. Try again."),
                status=503,
                code="SERVICE_UNAVAILABLE",
                meta={"retryAfter": 1},
            )
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return DomainError(
                _("The server has no room left for files. Nothing was stored; try again later."),
                status=507,
                code="STORAGE_FULL",
                meta={"retryAfter": 60},
            )
    return None
