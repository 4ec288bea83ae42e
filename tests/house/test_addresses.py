"""Addresses find the view that trying every pattern in order would find."""

import pytest
from django.urls import Resolver404, URLResolver, get_resolver

from portal.core.common.urls import BySegment

ID = "01a2003d-260b-75f8-8623-f4a5d77de61d"
ADDRESSES = (
    "", "login", "samples", f"samples/{ID}", f"samples/{ID}/", "samples.csv", "tickets/board", "sales/pipeline",
    f"projects/{ID}", f"s/{'a' * 43}", "metrics", "metricsx", "health/live", "nothing", "nothing/at/all", "search",
    "api", "api/v1", "api/v1/", "api/v1/docs", "api/v1/samples", f"api/v1/samples/{ID}", "notifications", "users/new",
    f"api/v1/samples/{ID.upper()}/results", "api/v1/submissions/bulk", "api/v1/nothing", "api/v2/samples", "tasks",
    "api/mobile/v1/sync/changes", "api/mobile/v2", f"invite/{'a' * 43}", f"password/reset/{ID}",
)  # fmt: skip


def found(resolver: URLResolver, path: str) -> object:
    try:
        match = resolver.resolve(path)
    except Resolver404:
        return None
    return match.func, match.kwargs, match.view_name, match.route


@pytest.mark.parametrize("path", ADDRESSES)
def test_first_segment_finds_what_all_patterns_find(path: str) -> None:
    quick = get_resolver().url_patterns[0]
    assert isinstance(quick, BySegment)

    assert found(quick, path) == found(URLResolver(quick.pattern, list(quick.url_patterns)), path)


def test_few_patterns_are_tried() -> None:
    quick = get_resolver().url_patterns[0]
    assert isinstance(quick, BySegment)

    assert len(quick.parts["api"].url_patterns) < 5
