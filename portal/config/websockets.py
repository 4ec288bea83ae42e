"""The WebSocket routes of the whole product."""

from django.urls import URLPattern

websocket_urlpatterns: list[URLPattern] = []
