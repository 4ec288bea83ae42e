"""What every operation shares: authentication, envelope, errors, paging, limits, idempotency."""

from api.kit.api import Api, Router, not_found
from api.kit.body import LARGE, SMALL
from api.kit.envelope import Page, Reply
from api.kit.paging import expected_version, paginate
from api.kit.schemas import Declared, In, Listing, Out
from api.kit.surface import V1, Surface
from portal.core.accounts.policy import SIGNED_IN, Policy

__all__ = [
    "LARGE",
    "SIGNED_IN",
    "SMALL",
    "V1",
    "Api",
    "Declared",
    "In",
    "Listing",
    "Out",
    "Page",
    "Policy",
    "Reply",
    "Router",
    "Surface",
    "expected_version",
    "not_found",
    "paginate",
]
