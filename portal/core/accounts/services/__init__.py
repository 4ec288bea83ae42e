"""Writes of people, roles, invitations, devices and tokens. Sign-in is used everywhere and stands here."""

from portal.core.accounts.services.lockout import FAILURES, Locked
from portal.core.accounts.services.signin import (
    LONG,
    MfaRequired,
    SignIn,
    device_allow,
    device_block,
    device_open,
    device_register,
    device_revoke,
    end_family,
    end_sessions,
    language_choose,
    login,
    login_second_step,
    logout,
    profile_update,
    refresh,
    verify_password,
)

__all__ = [
    "FAILURES",
    "LONG",
    "Locked",
    "MfaRequired",
    "SignIn",
    "device_allow",
    "device_block",
    "device_open",
    "device_register",
    "device_revoke",
    "end_family",
    "end_sessions",
    "language_choose",
    "login",
    "login_second_step",
    "logout",
    "profile_update",
    "refresh",
    "verify_password",
]
