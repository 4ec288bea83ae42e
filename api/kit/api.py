"""The factory of our APIs: routers whose operations declare their policy, one envelope, one way through a request."""

import re
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, path, register_converter
from django.utils.translation import gettext_lazy as _
from ninja import NinjaAPI
from ninja import Router as NinjaRouter
from ninja.openapi.schema import REF_TEMPLATE
from ninja.operation import Operation as NinjaOperation
from ninja.operation import PathView as NinjaPathView

from api.kit import access, body, faults, idempotency, openapi, throttle, uploads
from api.kit.surface import V1, Surface
from portal.core.accounts.policy import Policy, public
from portal.core.common.errors import DomainError, NotFound
from portal.core.common.urls import BySegment

View = Callable[..., Any]
_HEAVY: Final = re.compile(r"/(export|exports|search|generate|pdf|xlsx|csv|verify-integrity)(/|$)")
_JOB: Any = Any  # what 202 says of the work that goes on
_MEANINGS = {
    202: "Accepted: being made; ask again after Retry-After seconds",
    400: "Refused: a field or the body is not valid",
    401: "No access token, or one that expired or was revoked",
    403: "The right is missing",
    404: "Unknown, deleted, or of another organisation",
    405: "The method is not offered at this address; see Allow",
    409: "Version conflict, duplicate, or in use",
    413: "The body is too large",
    411: "No Content-Length",
    410: "Expired or used up",
    415: "Not a kind of body or file that is taken here",
    422: "Well-formed, but the record's state forbids it",
    429: "Too many requests; see Retry-After",
    500: "Our mistake; quote meta.requestId",
    503: "The database is not available; see Retry-After",
    507: "The organisation's storage is full",
}


class _IdConverter:
    """A UUID in a path, in either case; anything else is 404 (C05)."""

    regex = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

    def to_python(self, value: str) -> str:
        return value.lower()

    def to_url(self, value: object) -> str:
        return str(value)


register_converter(_IdConverter, "id")


class Operation(NinjaOperation):
    """One method of one path. Order of checks: authentication, permission, body, existence."""

    def __init__(
        self,
        path: str,
        methods: list[str],
        view: View,
        *,
        policy: Policy,
        reach: access.Reach,
        bucket: str,
        limit: int,
        media: tuple[str, ...],
        status: int,
        also: tuple[int, ...],
        surface: Surface,
        keyed: bool,
        free: bool,
        upload: bool,
        **options: Any,
    ) -> None:
        shape = options.pop("response", None)
        shapes = {code: _JOB if code == 202 else None if code == 304 else shape for code in also} | {status: shape}
        bodies = {code: surface.shape(one) if one else None for code, one in shapes.items()}
        super().__init__(path, methods, view, response=bodies, **options)
        self.by_alias = True  # the document names fields as the wire does
        self.policy, self.reach, self.bucket = policy, reach, bucket
        self.limit, self.media, self.status = limit, media, status
        self.surface, self.keyed, self.free, self.upload = surface, keyed, free, upload

    @property
    def faults(self) -> list[int]:
        """The statuses with which any operation of this kind may be refused."""
        codes = [400, 404, 422, 429, 500, 503]
        codes += [] if self.policy.public and self.methods == ["GET"] else [401, 403]
        codes += [405] if "{" in self.path else []  # where the text of the parameter leads to another operation
        codes += [] if self.methods == ["GET"] else [409, 413, 415]
        codes += [411, 507] if self.upload else []
        return sorted(codes)

    def clone(self) -> "Operation":
        copy: Operation = super().clone()  # type: ignore[assignment]
        for name in ("policy", "reach", "bucket", "limit", "media", "status", "surface", "keyed", "free", "upload"):
            setattr(copy, name, getattr(self, name))
        return copy

    def run(self, request: HttpRequest, **kw: Any) -> HttpResponseBase:
        try:
            response = self._run(request, kw)
        except Exception as error:  # noqa: BLE001 every failure becomes an envelope
            response = self.api.on_exception(request, error)
        uploads.forget(request)
        body.drain(request)
        if response.headers.get("Idempotency-Replayed"):
            throttle.give_back(request)
        return self.surface.finish(request, response)

    def _run(self, request: HttpRequest, kw: dict[str, Any]) -> HttpResponseBase:
        self.surface.admit(request)
        if self.policy.public:
            throttle.count(request, self.bucket, getattr(request, "client_ip", ""))
            body.check(request, limit=self.limit, media=self.media)
            return self._answer(request, kw)
        claims = access.claims_of(request)
        bound = self.surface.device_bound
        if bound and not self.free:
            access.same_device(request, claims)
        throttle.count(request, self.bucket, claims.device if bound and claims.device else str(claims.user))
        if self.keyed:
            idempotency.demand(request)
        if self.upload:  # who may not send a file is told so before it is read, and no transaction waits for its bytes
            with access.session(request, claims, self.policy, "self", self.limit, self.media):
                uploads.need_length(request)
            uploads.receive(request, self.limit - uploads.SLACK)
        with access.session(request, claims, self.policy, self.reach, self.limit, self.media) as inside:
            if inside:
                return idempotency.once(request, lambda: self._answer(request, kw))
            return self._answer(request, kw)

    def _answer(self, request: HttpRequest, kw: dict[str, Any]) -> HttpResponseBase:
        result = self.view_func(request, **self._get_values(request, kw, None))  # type: ignore[arg-type]
        if isinstance(result, HttpResponseBase):
            return result
        ignored = sorted(set(getattr(request, "ignored_fields", ())))
        return self.surface.success(result, status=self.status, meta={"ignoredFields": ignored} if ignored else {})


class PathView(NinjaPathView):
    def add_operation(self, path: str, methods: list[str], view_func: View, **options: Any) -> Operation:
        rule = view_func.rules.pop((tuple(methods), path))  # type: ignore[attr-defined]
        known = {name: value for name, value in options.items() if name not in ("auth", "throttle", "response")}
        operation = Operation(path, methods, view_func, **known, **rule)
        self.operations.append(operation)
        return operation

    def clone(self) -> "PathView":
        copy = PathView()
        copy.url_name = self.url_name
        copy.operations = [operation.clone() for operation in self.operations]
        return copy

    def get_view(self) -> View:
        view = super().get_view()
        view.policies = {method: op.policy for op in self.operations for method in op.methods}  # type: ignore[attr-defined]
        view.operations = {method: op for op in self.operations for method in op.methods}  # type: ignore[attr-defined]
        return view

    def _sync_view(self, request: HttpRequest, *args: Any, **kw: Any) -> HttpResponseBase:
        operation = self._find_operation(request)
        if operation is not None:
            return operation.run(request, *args, **kw)
        body.drain(request)
        allowed = sorted({method for op in self.operations for method in op.methods})
        message = _("This method is not allowed here.")
        refusal = DomainError(message, status=405, code="METHOD_NOT_ALLOWED", meta={"allowed": allowed})
        surface: Surface = self.operations[0].surface  # type: ignore[attr-defined]
        response = surface.refuse(request, refusal)
        response.headers["Allow"] = ", ".join(allowed)
        return surface.finish(request, response)


class Router(NinjaRouter):
    """Paths are written whole (`/samples/{id:sample_id}`). Every operation declares `policy`:
    a right, `SIGNED_IN`, or `Policy(public="reason")`.

    `reach`: `tenant` (an organisation must be in force), `span` (a SuperAdmin may read all organisations),
    `platform` (SuperAdmin's own pages), `self` (the caller's own data). `bucket` is the rate limit (uploads,
    searches and files to be made have lower ones than the rest), `limit` the
    largest body in bytes, `media` the accepted content types, `status` that of success and `also` its
    other ones. `response` is the shape of
    `data`; None for an answer that is no JSON, which `openapi_extra` describes. `keyed` operations need an idempotency
    key; `free` ones of a surface that is bound to devices are not. `upload`: a multipart body with one file, streamed
    to disk and found by `uploads.received(request)`; `limit` holds the file and `uploads.SLACK`.
    """

    def __init__(self, *, surface: Surface = V1, **options: Any) -> None:
        super().__init__(**options)
        self.surface = surface

    def operation(
        self,
        methods: list[str],
        path: str,
        *,
        policy: str | Policy,
        response: Any = Any,
        status: int = 200,
        also: tuple[int, ...] = (),
        reach: access.Reach = "tenant",
        bucket: str = "",
        limit: int = body.SMALL,
        media: tuple[str, ...] = ("application/json",),
        keyed: bool = False,
        free: bool = False,
        upload: bool = False,
        **options: Any,
    ) -> Callable[[View], View]:
        rule = {
            "policy": Policy(permission=policy) if isinstance(policy, str) else policy,
            "response": response,
            "status": status,
            "also": also,
            "reach": reach,
            "bucket": bucket or ("upload" if upload else "heavy" if _HEAVY.search(path) else "other"),
            "limit": limit,
            "media": media,
            "surface": self.surface,
            "keyed": keyed,
            "free": free,
            "upload": upload,
        }

        def mark(view: View) -> View:
            view.__dict__.setdefault("rules", {})[(tuple(methods), path)] = rule
            self.path_operations.setdefault(path, PathView())
            self.add_api_operation(path, methods, view, url_name=view.__name__, **options)
            return view

        return mark

    def get(self, path: str, **options: Any) -> Callable[[View], View]:  # type: ignore[override]
        return self.operation(["GET"], path, **options)

    def post(self, path: str, **options: Any) -> Callable[[View], View]:  # type: ignore[override]
        return self.operation(["POST"], path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[View], View]:  # type: ignore[override]
        return self.operation(["DELETE"], path, **options)

    def update(self, path: str, **options: Any) -> Callable[[View], View]:
        """PUT and PATCH with the same partial meaning (C08)."""

        def mark(view: View) -> View:
            return self.operation(["PATCH"], path, **options)(self.operation(["PUT"], path, **options)(view))

        return mark


class Api(NinjaAPI):
    """A NinjaAPI that answers every refusal in the envelope and describes itself in full."""

    def __init__(self, *, namespace: str, surface: Surface = V1, **options: Any) -> None:
        self.surface = surface
        self._documents: dict[str, Any] = {}
        super().__init__(urls_namespace=namespace, docs_url=None, openapi_url=None, parser=body.JsonParser(), **options)
        self.add_exception_handler(Exception, self._refuse)  # type: ignore[arg-type]

    def set_default_exception_handlers(self) -> None:
        """Ours is the only handler."""

    def _refuse(self, request: HttpRequest, error: Exception) -> HttpResponse:
        return self.surface.refuse(request, faults.refusal(request, error))

    def _get_urls(self) -> list[URLPattern | URLResolver]:
        """ninja's root page would answer HTML: ours is a 404 in the envelope."""
        root = path("", public("answers 404")(not_found(self.surface)), name="api-root")
        return [BySegment([*super()._get_urls()[:-1], root])]

    def get_openapi_operation_id(self, operation: NinjaOperation) -> str:
        words = re.findall(r"\w+", re.sub(r"\{(\w+:)?(\w+)\}", r"by_\2", operation.path.replace("-", "")))
        return "_".join([operation.methods[0].lower(), *words])

    def get_openapi_schema(self, **options: Any) -> Any:
        """ninja's document with the authentication and every error, made once per process.

        Errors have one shape: as answers of ninja each would be a model of its own for each operation, some five
        thousand, which took 57 MB and 2 s of a start and 4 s of each making of the document.
        """
        key = repr(sorted(options.items()))
        if key not in self._documents:
            self._documents[key] = self._document(super().get_openapi_schema(**options))
        return self._documents[key]

    def _document(self, schema: Any) -> Any:
        bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        schema["components"]["securitySchemes"] = {"bearer": bearer}
        schema["security"] = [{"bearer": []}]
        failed = self.surface.failed.model_json_schema(ref_template=REF_TEMPLATE, mode="serialization")
        openapi.name_shapes(schema)
        schema["components"]["schemas"] |= failed.pop("$defs", {}) | {self.surface.failed.__name__: failed}
        content = {"application/json": {"schema": {"$ref": REF_TEMPLATE.format(model=self.surface.failed.__name__)}}}
        operations = {
            self.get_openapi_operation_id(operation): operation
            for bound in self._get_bound_routers()
            for view in bound.path_operations.values()
            for operation in view.operations
            if isinstance(operation, Operation)
        }
        for details in (details for methods in schema["paths"].values() for details in methods.values()):
            operation = operations[details["operationId"]]
            if operation.policy.public:
                details["security"] = []
            details["responses"] |= {code: {"content": content} for code in operation.faults}
            for code, answer in details["responses"].items():
                answer["description"] = _MEANINGS.get(int(code), "Done")
        return schema


def not_found(surface: Surface) -> View:
    """A view that answers 404 in the API's manner, for every path under it that nothing serves."""

    def view(request: HttpRequest, **kw: Any) -> HttpResponseBase:
        body.drain(request)
        refusal = NotFound(_("There is nothing at this address."))
        return surface.finish(request, surface.refuse(request, refusal))

    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view
