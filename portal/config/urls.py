"""Every page and API of the product."""

from django.urls import URLPattern, URLResolver, include, path

from portal.core.accounts.policy import declare, public
from portal.core.common.urls import BySegment
from portal.ui import urls as ui

urlpatterns: list[URLPattern | URLResolver] = [
    BySegment(
        [
            path("", include("portal.desk.urls")),
            path("", include("portal.fieldwork.images.urls")),
            path("", include("portal.fieldwork.urls")),
            path("", include("portal.lab.urls")),
            path("", include("portal.lab.reports.urls")),
            path("", include("portal.collect.urls")),
            path("", include("portal.crm.urls")),
            path("", include("portal.survey.urls")),
            path("", include("portal.ui.kept_urls")),
            path("", include("portal.ui.deleted_urls")),
            path("", include(declare(public("signing in and out, language"), ui.urlpatterns))),
            path("api/", include("api.urls")),
            path("health/", include("api.health")),
            path("metrics", include("api.metrics")),
        ]
    )
]

handler403 = "portal.ui.views.permission_denied"
handler404 = "portal.ui.views.not_found"
handler500 = "portal.config.failures.server_error"
