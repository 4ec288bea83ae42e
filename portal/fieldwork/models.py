"""Models of the fieldwork room."""

from portal.fieldwork.images.models import Image

__all__ = ["Image"]
