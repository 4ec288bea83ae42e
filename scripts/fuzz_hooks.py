"""What schemathesis needs to know of us: how to sign in, and again when a generated request has ended the sign-in."""

import os
from typing import Any

import requests
import schemathesis

BASE, PASSWORD = os.environ["MARSAD_FUZZ_BASE"], os.environ["MARSAD_FUZZ_PASSWORD"]
LOGIN, MOBILE = os.environ["MARSAD_FUZZ_LOGIN"], "MARSAD_FUZZ_MOBILE" in os.environ
DEVICE = "fuzz-tablet"
held: dict[str, str] = {}


def token() -> str:
    if not LOGIN:  # somebody without an account
        return ""
    if "token" not in held:
        device = {"deviceId": DEVICE, "platform": "android", "model": "f", "osVersion": "1", "appVersion": "1"}
        body = {"username": LOGIN, "deviceInfo": device} if MOBILE else {"email": LOGIN}
        path = "/api/mobile/v1/auth/login" if MOBILE else "/api/v1/auth/login"
        answer = requests.post(BASE + path, json=body | {"password": PASSWORD}, timeout=60)
        if answer.status_code != 200:
            raise SystemExit(f"{LOGIN} cannot sign in: {answer.status_code} {answer.text[:300]}")
        held["token"] = answer.json()["data"]["accessToken"]
    return held["token"]


@schemathesis.auth(refresh_interval=None)
class Person:
    def get(self, case: Any, context: Any) -> str:
        return token()

    def set(self, case: Any, data: str, context: Any) -> None:
        if data:
            case.headers["Authorization"] = f"Bearer {data}"
        if MOBILE:
            case.headers["X-Device-ID"] = DEVICE


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    if response.status_code == 401 and ("REVOKED" in response.text or "EXPIRED" in response.text):
        held.clear()
