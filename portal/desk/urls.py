"""Addresses of the portal's own pages."""

from django.urls import include, path

from portal.desk import verify
from portal.desk.home import views

urlpatterns = [
    path("", views.home, name="home"),
    path("", include("portal.desk.audit.urls")),
    path("", include("portal.desk.entry.urls")),
    path("", include("portal.desk.figures.urls")),
    path("", include("portal.desk.files.urls")),
    path("", include("portal.desk.guide.urls")),
    path("", include("portal.desk.me.urls")),
    path("", include("portal.desk.notify.urls")),
    path("", include("portal.desk.people.urls")),
    path("", include("portal.desk.platform.urls")),
    path("", include("portal.desk.points.urls")),
    path("", include("portal.desk.reports.urls")),
    path("", include("portal.desk.search.urls")),
    path("", include(verify.urlpatterns)),
    path("", include("portal.desk.sync.urls")),
]
