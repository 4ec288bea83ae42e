from django.apps import AppConfig


class GeoConfig(AppConfig):
    name = "portal.core.geo"
    label = "geo"
