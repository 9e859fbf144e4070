"""The app factory: FastAPI as every service of Bodega uses it, and the Lambda handler round it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from mangum import Mangum
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.auth.tokens import Caller, TokenVerifier
from shared.errors import (
    BodegaError,
    FieldError,
    Forbidden,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
)
from shared.runtime import aws, cold_start, warm_up
from shared.runtime.entry import Handler
from shared.runtime.settings import ApiSettings
from shared.web import health, routing
from shared.web.middleware import RequestEnvelope, answer_problem
from shared.web.rest_events import RestEvent, get_event, own_path
from shared.web.routing import Gate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from shared.web.paging import Cursors

_LONGEST_NAME: Final = 100
_TEXT_TYPES = [
    "text/",
    "application/json",
    "application/problem+json",
    "application/javascript",
    "image/svg+xml",
]
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
    # An answer is data and no page: opened as a page it runs nothing. The one page of the API has a
    # policy of its own.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]


def create_app(
    name: str,
    router: APIRouter,
    *,
    verifier: TokenVerifier | None = None,
    standing: Callable[[Caller], Caller] | None = None,
    cursors: "Cursors | None" = None,
    cors_origins: str = "",
    **services: object,
) -> FastAPI:
    """An application that admits the callers that its routes declare, and answers every error as
    problem+json.

    Args:
        name: the service's name, its tag in the API's document.
        router: the service's routes.
        verifier: checks access tokens; needed if a route reads one.
        standing: see Gate.
        cursors: needed if a route takes `Paging`.
        cors_origins: the exact origins, comma-separated, whose pages may call from a browser.
        services: what `routing.state` finds for the routes, by name.

    Raises:
        NotGuarded: see routing.check.
    """
    # The API has one document and one page, made at build time from all apps: none of the apps
    # serves its own.
    app = FastAPI(title=f"Bodega {name}", openapi_url=None, redirect_slashes=False)
    app.state.gate = Gate(verifier, standing)
    app.state.verifier = verifier
    app.state.cursors = cursors
    app.state.figures = health.Kept()
    for key, service in services.items():
        setattr(app.state, key, service)
    # The router's own routes: included, FastAPI makes each of them a second time, and looks for
    # each request's twice.
    app.router.routes.extend(router.routes)
    routing.check(app.routes, app.state.gate)
    app.add_exception_handler(BodegaError, _answer(lambda error, _: error))
    app.add_exception_handler(RequestValidationError, _answer(_invalid_request))
    app.add_exception_handler(HTTPException, _answer(_from_starlette))
    if cors_origins:
        app.add_middleware(
            _Cors,
            allow_origins=cors_origins.split(","),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "X-Request-ID",
            ],
            expose_headers=[
                "ETag",
                "Location",
                "Idempotent-Replayed",
                "Retry-After",
                "X-Request-ID",
            ],
        )
    app.add_middleware(RequestEnvelope, headers=_HEADERS)
    return app


def create_service_app(
    name: str,
    router: APIRouter,
    settings: ApiSettings,
    dynamodb: "DynamoDBClient",
    *,
    standing: Callable[[Caller], Caller] | None = None,
    **services: object,
) -> FastAPI:
    """The application of a service, with the keys and origins of its settings: see `create_app`.

    Args:
        dynamodb: for KeysTable.
    """
    # The gateway does without.
    from shared.auth.public_keys import DailyKeys, FormerKey
    from shared.storage.dynamodb import Table
    from shared.web.paging import Cursors, key_from

    keys = Table(settings.keys_table, dynamodb)
    former = FormerKey(settings.token_key_id, lambda: aws.client("kms"))
    return create_app(
        name,
        router,
        verifier=TokenVerifier(settings.token_issuer, DailyKeys(keys, former)),
        standing=standing,
        cursors=Cursors(key_from(keys, name)),
        cors_origins=settings.cors_origins,
        **services,
    )


def lambda_handler(app: FastAPI, warm_up_path: str | None = None) -> Handler:
    """The Lambda handler of an application behind a REST API.

    Args:
        warm_up_path: a path that anyone may GET (see shared.runtime.warm_up). None where most
            requests have a token.
    """
    _set_event_loop()
    # Named, so that Mangum does not guess: the REST handler is right for every event that we are
    # sent.
    mangum = Mangum(app, lifespan="off", custom_handlers=[RestEvent], text_mime_types=_TEXT_TYPES)

    def handle(event: dict[str, Any], context: Any) -> Any:
        _set_event_loop()
        return mangum(event, context)

    if cold_start.is_lambda():
        warm_up.request(handle, get_event(warm_up_path or "/-", {"Host": "-"}))
        if not warm_up_path:
            warm_up.tokens()
    return handle


@cache
def _loop(_thread: int) -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _set_event_loop() -> None:
    """Mangum runs the app on the thread's current loop: Python makes none by itself any more
    without a warning, and another library's `asyncio.run` takes it away. Lambda has one thread; a
    local server may have more."""
    asyncio.set_event_loop(_loop(threading.get_ident()))


def _answer(
    translate: Callable[[Any, Request], BodegaError],
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handler(request: Request, error: Exception) -> Response:
        return _ProblemResponse(translate(error, request))

    return handler


class _ProblemResponse(Response):
    """Sends itself by the same code that the middleware answers with, so that a problem is written
    in one place."""

    def __init__(self, error: BodegaError) -> None:
        super().__init__(status_code=error.status)
        self.error = error

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await answer_problem(scope, send, self.error)


class _Cors(CORSMiddleware):
    """Starlette refuses a preflight in plain text; we refuse everything as a problem."""

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        return _ProblemResponse(Forbidden("Pages of this origin may not send this request."))


def _invalid_request(error: RequestValidationError, _: Request) -> BodegaError:
    return InvalidRequest([_field_error(found) for found in error.errors()])


def _field_error(found: Mapping[str, Any]) -> FieldError:
    place, *path = found["loc"]
    # No field has a longer name: a member that is refused may have one of 256 KB.
    names = [str(name)[:_LONGEST_NAME] for name in path]
    parts = names if place == "body" else [place, *names]
    pointer = "#" + "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in parts)
    message = str(found["msg"]).removeprefix("Value error, ")
    return {"pointer": pointer, "detail": f"{parts[-1] if parts else 'body'}: {message}"}


def _from_starlette(error: HTTPException, request: Request) -> BodegaError:
    if error.status_code == 405:
        # Starlette's own `Allow` knows only the first of the routes that have this path.
        routes = iter_route_contexts(request.app.routes)
        path = own_path(request)
        here = [route for route in routes if route.path_regex.match(path)]
        return MethodNotAllowed(sorted({m for route in here for m in route.methods or ()}))
    if error.status_code == 404:
        return NotFound()
    raise error
