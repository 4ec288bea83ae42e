"""Whether pages ask the database more often the more rows they show: all pages that links and routes lead to."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from portal.ui import lists

FEW, MANY = 2, 100  # rows of a list
AGAIN = 8  # how often a page that is no list may ask the same: boards ask for each column, and show more rows than that
# Doors, files, and forms: they show one row.
CLOSED = re.compile(
    r"^/(api|static|health|metrics|login|logout|auth)(/|$)|/(download|original|pdf|new|edit|delete|builder)$|\.\w+$|/export"
)


def addresses(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    """Of the routes without arguments."""
    for pattern in resolver.url_patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, path)
        elif isinstance(pattern, URLPattern) and not re.search(r"[<^(]", path):
            yield path


def linked(html: str) -> Iterator[str]:
    yield from (urlsplit(link).path for link in re.findall(r'(?:href|hx-get)="(/[^"#]*)', html))


def route(path: str) -> str:
    try:
        return resolve(path).view_name
    except Resolver404:
        return ""


def ask(client: Client, path: str, rows: int) -> tuple[Counter[str], HttpResponse]:
    """How often each statement was asked, whatever its values."""
    asked: Counter[str] = Counter()

    def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        asked[re.sub(r"\((?:%s(?:, )?)+\)|\b\d+\b", "?", sql)] += 1
        return execute(sql, *rest)

    with patch.object(lists, "PAGE_SIZES", (rows,)), connection.execute_wrapper(count):
        response = client.get(path)
        response.getvalue()  # to the end of a file, which closes it
        return asked, response


def repeated(client: Client) -> tuple[list[str], int, int]:
    """What is asked once for each row, as `route: times statement`; the pages seen; the long lists among them.

    A list is shown with few and with many rows: a statement must not be asked more often than before. Of other pages
    no statement may be asked `AGAIN` times. One page of each route is seen.
    """
    ContentType.objects.get_for_models(*apps.get_models())  # kept by the process
    queue, known, faults, pages, long = list(addresses(get_resolver())), set[str](), list[str](), 0, 0
    while queue:
        path = queue.pop(0)
        name = route(path)
        if not name or name in known or CLOSED.search(path):
            continue
        known.add(name)
        few, response = ask(client, path, FEW)
        if response.status_code != 200 or not response.headers.get("Content-Type", "").startswith("text/html"):
            continue
        pages += 1
        queue += linked(response.content.decode())
        limits = dict.fromkeys(few, AGAIN)
        many = few
        listed = next((context for context in response.context or () if "headings" in context), None)
        if listed and listed["page"].paginator.num_pages > 1:
            many, _ = ask(client, path, MANY)
            limits, long = few, long + 1
        faults += [f"{name}: {n} {sql[:300]}" for sql, n in many.items() if n > max(1, limits.get(sql, 1))]
    return faults, pages, long
