"""Whose address counts: the peer's, and behind trusted proxies the last one that is none of them."""

from ipaddress import ip_network
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

from portal.config import env
from portal.core.audit.middleware import client_address


@pytest.mark.parametrize(
    ("peer", "said", "found"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # a stranger says what it likes
        ("10.0.0.10", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.10", "192.0.2.66, 198.51.100.1, 10.0.0.11", "198.51.100.1"),  # the first is made up
        ("10.0.0.10", "", "10.0.0.10"),
        ("10.0.0.10", "nonsense", "10.0.0.10"),
        ("10.0.1.10", "198.51.100.1", "10.0.1.10"),  # another network
        ("", "198.51.100.1", ""),
    ],
)  # fmt: skip
def test_the_address_of_a_client(settings: Any, peer: str, said: str, found: str) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/24")]

    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers={"X-Forwarded-For": said})

    assert client_address(request) == found


def test_networks_are_read_and_bad_ones_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARSAD_X", "127.0.0.1, 10.0.0.0/24")
    assert env.networks("MARSAD_X") == [ip_network("127.0.0.1/32"), ip_network("10.0.0.0/24")]

    monkeypatch.setenv("MARSAD_X", "10.0.0.1/24")
    with pytest.raises(ImproperlyConfigured, match="MARSAD_X"):
        env.networks("MARSAD_X")
