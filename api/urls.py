"""Where the APIs stand; mounted at `/api/`."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import path, re_path

from api.kit import not_found
from api.kit.envelope import dumps
from api.v1.api import api as v1
from portal.core.accounts.policy import public


def openapi_v1(request: HttpRequest) -> HttpResponse:
    return HttpResponse(dumps(v1.get_openapi_schema(path_prefix="/api/v1/")), content_type="application/json")


def docs_v1(request: HttpRequest) -> HttpResponse:
    settings = {"url": "/api/v1/openapi.json", "deepLinking": True, "persistAuthorization": True}
    return HttpResponse(render_to_string("api/docs.html", {"title": v1.title, "settings": settings}))


documented = public("an integrator reads the documentation before having an account")
urlpatterns = [
    path("v1/openapi.json", documented(openapi_v1), name="openapi-v1"),
    path("v1/docs", documented(docs_v1), name="docs-v1"),
    path("v1/", v1.urls),
    re_path(r"", public("answers 404")(not_found)),
]
