"""What happens to every HTTP request and answer, as pure ASGI: Starlette's BaseHTTPMiddleware costs
0.15 ms each."""

import json
import time
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import BodegaError, CloudUnavailable, InternalError, problem
from shared.runtime import aws, logging, metrics, steps

_PROBLEM_JSON: Final = b"application/problem+json"
# Most answers are for one person or about this moment; those that are not say so themselves.
_KEEP_NOTHING: Final = (b"cache-control", b"no-store")


class RequestEnvelope:
    """Gives each request its id, its answer the id and the time it took, and the log one line of
    it.

    It answers for what no route caught.

    Args:
        app: the application.
        headers: header lines that are added to every answer without that header.
    """

    def __init__(self, app: ASGIApp, headers: list[tuple[bytes, bytes]]) -> None:
        self.app = app
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = logging.begin(Headers(scope=scope).get("x-request-id"))
        status = 500

        async def send_with_envelope(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                took = (time.perf_counter() - started) * 1000
                given = list(message.get("headers", ()))
                named = {name for name, _ in given}
                if b"cache-control" not in named:
                    given.append(_KEEP_NOTHING)
                else:
                    # Who keeps it must know that the gateway compresses for those who ask.
                    given.append((b"vary", b"accept-encoding"))
                message["headers"] = [
                    *given,
                    *(header for header in self.headers if header[0] not in named),
                    (b"x-request-id", request_id.encode()),
                    (b"x-process-time", f"{took:.2f}".encode()),
                ]
            await send(message)

        try:
            await self.app(scope, receive, send_with_envelope)
        except BodegaError as error:
            await answer_problem(scope, send_with_envelope, error)
        except Exception as error:  # noqa: BLE001  # the last line of defence, with the cause in the log
            logging.logger().exception("unhandled error")
            is_temporary = aws.is_temporary(error)
            await answer_problem(
                scope, send_with_envelope, CloudUnavailable() if is_temporary else InternalError()
            )
        self._account(scope, status)

    @staticmethod
    def _account(scope: Scope, status: int) -> None:
        route = getattr(scope.get("route"), "path", None)
        caller = scope.get("caller")
        logging.logger().info(
            "%s %s %s",
            scope["method"],
            route or "(no route)",
            status,
            extra={**steps.logged(), "caller_id": caller.id if caller else None},
        )
        metrics.flush()


async def answer_problem(scope: Scope, send: Send, error: BodegaError) -> None:
    """Answer with the error's problem+json."""
    document = problem(error, instance=scope["path"], request_id=logging.request_id())
    body = json.dumps(document, ensure_ascii=False).encode()
    headers = [
        (b"content-type", _PROBLEM_JSON),
        (b"content-length", str(len(body)).encode()),
        *((k.lower().encode(), v.encode()) for k, v in error.headers.items()),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
