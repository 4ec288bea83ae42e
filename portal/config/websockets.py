"""The WebSocket routes of the whole product."""

from typing import Any, cast

from django.urls import URLPattern, path, re_path

from portal.core.notifications import consumers
from portal.core.projects.consumers import ProjectSocket


async def nowhere(scope: Any, receive: Any, send: Any) -> None:
    """Refuse an address that no socket has, by a close code."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": consumers.NOT_FOUND})


websocket_urlpatterns: list[URLPattern] = [
    path("ws/notifications/", consumers.NotificationsSocket.as_asgi()),
    path("ws/org/", consumers.OrganizationSocket.as_asgi()),
    path("ws/projects/<uuid:project>/", ProjectSocket.as_asgi()),
    path("ws/platform/", consumers.PlatformSocket.as_asgi()),
    re_path("", cast(Any, nowhere)),
]


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Close the sockets with 1012 before the server stops, so that clients come back at once."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await consumers.close_all()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
