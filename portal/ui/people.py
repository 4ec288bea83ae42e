"""The signed-in person of a page, for views behind a policy."""

from django.http import HttpRequest

from portal.core.accounts.models import User


def person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # the page's policy has seen to it
    return request.user


def may(request: HttpRequest, permission: str) -> bool:
    return person(request).has_permission(permission)
