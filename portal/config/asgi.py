"""One port for everything: pages and API as Django WSGI in threads, WebSockets as Channels.

Views are synchronous and keep their database connection per thread (`CONN_MAX_AGE`); Django's own request
signals check and close it. Native ASGI would pay a thread hop for every middleware.
"""

import gc
import os
from collections.abc import Awaitable, Callable
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")

_pages = WSGIMiddleware(cast(Any, get_wsgi_application()), workers=settings.WEB_THREADS)


async def http(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    async def receive_one() -> Any:  # granian's own `receive` is no coroutine function, which a2wsgi needs
        return await receive()

    # WSGI writes "-" and "_" the same way, so `X_Forwarded_For` could pass for the header that only a proxy may set
    scope = scope | {"headers": [pair for pair in scope["headers"] if b"_" not in pair[0]]}
    await _pages(cast(Any, scope), receive_one, send)


from portal.config.websockets import lifespan, websocket_urlpatterns  # noqa: E402  (consumers import models)

application = ProtocolTypeRouter(
    {"http": http, "websocket": URLRouter(websocket_urlpatterns), "lifespan": lifespan}  # the last for graceful ends
)

# What a start has loaded lives as long as the process: the collector need not walk it again (9 % of a pull).
gc.collect()
gc.freeze()
