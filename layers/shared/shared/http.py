"""The app factory: FastAPI as every service of Bodega uses it, and the Lambda handler round it."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from mangum import Mangum
from mangum.handlers import APIGateway
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.entry import Handler
from shared.errors import (
    BodegaError,
    FieldError,
    Forbidden,
    InvalidRequest,
    MalformedJson,
    MethodNotAllowed,
    NotFound,
)
from shared.middleware import RequestEnvelope, answer_problem
from shared.tokens import TokenVerifier

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
]


def create_app(
    name: str,
    router: APIRouter,
    *,
    verifier: TokenVerifier | None = None,
    cors_origins: str = "",
) -> FastAPI:
    """An application that answers every error as problem+json and every request under its id.

    Args:
        name: the service's name, its tag in the API's document.
        router: the service's routes.
        verifier: checks access tokens; needed where a route asks for a caller.
        cors_origins: the exact origins, comma-separated, whose pages may call from a browser.
    """
    # The API has one document and one page, made at build time from all apps: none of the apps serves its own.
    app = FastAPI(title=f"Bodega {name}", openapi_url=None, redirect_slashes=False)
    app.state.verifier = verifier
    app.include_router(router)
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


class ExactRoute(APIRoute):
    """A route whose bodies' decimal numbers are read as they are written, and never through a float."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_exactly(request: Request) -> Response:
            return await handle(_ExactRequest(request.scope, request.receive))

        return handle_exactly


class _ExactRequest(Request):
    async def json(self) -> Any:
        return json.loads(await self.body(), parse_float=Decimal)


def lambda_handler(app: FastAPI) -> Handler:
    """The Lambda handler of an application behind a REST API."""
    _set_event_loop()
    # Named, so that Mangum does not guess: the REST handler is right for every event that we are sent.
    mangum = Mangum(app, lifespan="off", custom_handlers=[APIGateway], text_mime_types=_TEXT_TYPES)

    def handle(event: dict[str, Any], context: Any) -> Any:
        _set_event_loop()
        return mangum(event, context)

    return handle


@cache
def _loop(_thread: int) -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _set_event_loop() -> None:
    """Mangum runs the app on the thread's current loop: Python makes none by itself any more without a warning, and
    another library's `asyncio.run` takes it away. Lambda has one thread; a local server may have more."""
    asyncio.set_event_loop(_loop(threading.get_ident()))


def _answer(
    translate: Callable[[Any, Request], BodegaError],
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handler(request: Request, error: Exception) -> Response:
        return _ProblemResponse(translate(error, request))

    return handler


class _ProblemResponse(Response):
    """Sends itself by the same code that the middleware answers with, so that a problem is written in one place."""

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
    problems = error.errors()
    if any(p["type"] == "json_invalid" for p in problems):
        return MalformedJson("The body is not JSON.")
    return InvalidRequest([_field_error(p) for p in problems])


def _field_error(found: Mapping[str, Any]) -> FieldError:
    place, *path = found["loc"]
    parts = path if place == "body" else [place, *path]
    pointer = "#" + "".join(f"/{str(p).replace('~', '~0').replace('/', '~1')}" for p in parts)
    message = str(found["msg"]).removeprefix("Value error, ")
    return {"pointer": pointer, "detail": f"{parts[-1] if parts else 'body'}: {message}"}


def _from_starlette(error: HTTPException, request: Request) -> BodegaError:
    if error.status_code == 405:
        # Starlette's own `Allow` knows only the first of the routes that have this path.
        routes = iter_route_contexts(request.app.routes)
        here = [route for route in routes if route.path_regex.match(request.url.path)]
        return MethodNotAllowed(sorted({m for route in here for m in route.methods or ()}))
    if error.status_code == 404:
        return NotFound()
    if error.status_code == 400:  # FastAPI's word for a body that it could not decode
        return MalformedJson("The body is not JSON.")
    raise error
