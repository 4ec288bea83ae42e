"""Whether this process lives and serves, for load balancers and supervisors: no account, no details."""

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.core.accounts.policy import public
from portal.core.common import health

_open = public("machines that watch the program have no account, and learn one word")


@_open
@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "live"})


@_open
@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """503 while the database does not answer or lacks migrations."""
    if health.ready():
        return JsonResponse({"status": "ready"})
    return JsonResponse({"status": "unavailable"}, status=503, headers={"Retry-After": "5"})


urlpatterns = [path("live", live, name="health_live"), path("ready", ready, name="health_ready")]
