"""Start-up check: every page and every operation says who may call it."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.urls import URLPattern, URLResolver, get_resolver

from portal.core.accounts.permissions import catalogue
from portal.core.accounts.policy import Policy


def walk(patterns: Sequence[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every route of the URLconf with its view."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


def policies(view: Any) -> list[Policy]:
    """The policies of a view; an API path has one per method. Empty where none is declared."""
    several = getattr(view, "policies", None)
    if several is not None:
        return list(several.values())
    one = getattr(view, "policy", None)
    return [one] if isinstance(one, Policy) else []


@register(Tags.urls)
def every_route_has_a_policy(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    known = catalogue()
    for route, view in walk(get_resolver().url_patterns):
        declared = policies(view)
        if not declared:
            found.append(
                Error(
                    f"/{route} declares no policy",
                    hint="Use @policy(…), @signed_in or @public(…); wrap a third party's views with declare(…).",
                    id="accounts.E001",
                )
            )
        found += [
            Error(f"/{route} asks for the unknown right {rule.permission!r}", id="accounts.E002")
            for rule in declared
            if rule.permission and rule.permission not in known
        ]
    return found
