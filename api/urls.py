"""Where the APIs stand; mounted at `/api/`."""

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, URLResolver, include, path, re_path

from api.kit import V1, Api, Surface, not_found
from api.kit.envelope import dumps
from api.kit.openapi30 import as_3_0
from api.mobile.v1.api import api as mobile_v1
from api.mobile.v1.surface import MOBILE
from api.v1.api import api as v1
from portal.core.accounts.policy import public


def _documented(api: Api, prefix: str, surface: Surface) -> list[URLPattern | URLResolver]:
    """An API with its OpenAPI document, Swagger UI, and its own 404."""

    def openapi(request: HttpRequest) -> HttpResponse:
        return HttpResponse(dumps(api.get_openapi_schema(path_prefix=prefix)), content_type="application/json")

    @cache
    def in_3_0() -> bytes:
        return dumps(as_3_0(api.get_openapi_schema(path_prefix=prefix)))

    def older(request: HttpRequest) -> HttpResponse:
        return HttpResponse(in_3_0(), content_type="application/json")

    def docs(request: HttpRequest) -> HttpResponse:
        settings = {"url": f"{prefix}openapi-3.0.json", "deepLinking": True, "persistAuthorization": True}
        settings |= {"docExpansion": "none", "defaultModelsExpandDepth": -1}  # of 600 operations and 850 shapes
        return HttpResponse(render_to_string("api/docs.html", {"title": api.title, "settings": settings}))

    read = public("an integrator reads the documentation before having an account")
    return [
        path("openapi.json", read(openapi), name=f"openapi-{api.urls_namespace}"),
        path("openapi-3.0.json", read(older), name=f"openapi30-{api.urls_namespace}"),
        path("docs", read(docs), name=f"docs-{api.urls_namespace}"),
        path("", api.urls),
        re_path(r"", public("answers 404")(not_found(surface))),
    ]


urlpatterns = [
    path("v1/", include(_documented(v1, "/api/v1/", V1))),
    path("mobile/v1/", include(_documented(mobile_v1, "/api/mobile/v1/", MOBILE))),
    re_path(r"^mobile/", public("answers 404")(not_found(MOBILE))),
    re_path(r"", public("answers 404")(not_found(V1))),
]
