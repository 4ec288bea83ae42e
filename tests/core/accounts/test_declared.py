"""A page or operation that does not say who may call it keeps the program from starting."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from portal.core.accounts.checks import every_route_has_a_policy, policies
from portal.core.accounts.policy import policy, public, signed_in


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("bare/", bare),
    path("typo/", policy("lab.view_smaple")(bare)),
    path("right/", policy("samples.view")(bare)),
    path("anyone/", signed_in(bare)),
    path("open/", public("a page of the tests")(bare)),
]


@override_settings(ROOT_URLCONF="tests.core.accounts.test_declared")
def test_a_view_without_a_policy_or_with_an_unknown_right_stops_the_start() -> None:
    found = every_route_has_a_policy()

    assert {(error.id, error.msg) for error in found} == {
        ("accounts.E001", "/bare/ declares no policy"),
        ("accounts.E002", "/typo/ asks for the unknown right 'lab.view_smaple'"),
    }
    assert {error.id for error in run_checks(tags=["urls"])} >= {"accounts.E001", "accounts.E002"}


def test_every_route_of_the_product_declares_its_policy() -> None:
    assert every_route_has_a_policy() == []


@pytest.mark.parametrize(("view", "count"), [(bare, 0), (signed_in(bare), 1), (public("why")(bare), 1)])
def test_a_declared_view_carries_its_policy(view: Any, count: int) -> None:
    assert len(policies(view)) == count
