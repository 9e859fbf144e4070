"""The Lambda Runtime API for one execution environment.

    with RuntimeApi(arn, timeout=10) as api:
        variables = {"AWS_LAMBDA_RUNTIME_API": api.address, …}
        process = subprocess.Popen((python, "-m", "awslambdaric", handler), env=variables)
        api.ready.wait()                    # it is initialised, and requests its first invocation
        answer = api.invoke(b'{"a": 1}').result()

Every environment has a port of its own: a runtime gets a host and a port, and nothing else.
"""

import json
import queue
import re
import threading
import time
import uuid
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from http.server import ThreadingHTTPServer
from typing import Any, Final, Self

from tools.json_requests import JsonRequests

_PREFIX: Final = "/2018-06-01/runtime"
_REPORT: Final = re.compile(rf"{_PREFIX}/invocation/(?P<id>[\w-]+)/(?P<kind>response|error)")


class Trace(Enum):
    """What the trace header of an invocation says beside the trace's id."""

    SAMPLED = ";Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:4e3a5b1c:0"
    PASSED_THROUGH = ";Lineage=1:4e3a5b1c:0"
    """With `Tracing: PassThrough`: Lambda makes no decision and hides the caller's."""

    def header(self) -> dict[str, str]:
        """The header of a new trace."""
        root = f"1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"
        return {"Lambda-Runtime-Trace-Id": f"Root={root}{self.value}"}


@dataclass(frozen=True)
class Answer:
    """What a function answered.

    Attributes:
        payload: JSON; where `error` is set it says the error's type and message.
        error: how Lambda names it in `X-Amz-Function-Error`; None where the handler returned.
    """

    payload: bytes
    error: str | None = None

    def json(self) -> Any:
        return json.loads(self.payload)


@dataclass(frozen=True)
class _Invocation:
    payload: bytes
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answer: Future[Answer] = field(default_factory=Future)


class RuntimeApi:
    """Serves one runtime, which works on one invocation at a time.

    Args:
        arn: the function's, as the runtime receives it.
        timeout: the function's, in seconds: the function gets a deadline, but is not stopped.
        trace: what X-Ray has decided for each invocation.
    """

    def __init__(self, arn: str, *, timeout: float, trace: Trace = Trace.PASSED_THROUGH) -> None:
        self.ready = threading.Event()
        """The runtime waits for an invocation, the first or the next one."""
        self._arn = arn
        self._timeout = timeout
        self._trace = trace
        self._waiting: queue.SimpleQueue[_Invocation | None] = queue.SimpleQueue()
        self._current: _Invocation | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _requests_to(self))
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """For `AWS_LAMBDA_RUNTIME_API`."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def invoke(self, payload: bytes) -> Future[Answer]:
        """Give the runtime an event."""
        self._current = _Invocation(payload)
        self.ready.clear()
        self._waiting.put(self._current)
        return self._current.answer

    def close(self) -> None:
        """Answer no more; the process has ended, or will."""
        self._waiting.put(None)
        self._server.shutdown()
        self._server.server_close()

    def take(self) -> tuple[bytes, dict[str, str]] | None:
        """Wait for the next event and its headers; None when there will be no more."""
        if self._waiting.empty():
            self.ready.set()
        invocation = self._waiting.get()
        if invocation is None:
            return None
        return invocation.payload, {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._arn,
            **self._trace.header(),
        }

    def report(self, id_: str, answer: Answer) -> bool:
        """Take the runtime's report; False if it is not about its current invocation."""
        if self._current is None or self._current.id != id_:
            return False
        self._current.answer.set_result(answer)
        return True


def _requests_to(api: RuntimeApi) -> type[JsonRequests]:
    class Requests(JsonRequests):
        def do_GET(self) -> None:
            if taken := api.take():
                self.send(200, *taken)
            else:
                self.close_connection = True

        def do_POST(self) -> None:
            body = self.body()
            found = _REPORT.fullmatch(self.path)
            if found is None:  # an error of the initialisation; the process ends by itself
                self.send(202)
            else:
                error = "Unhandled" if found["kind"] == "error" else None
                self.send(202 if api.report(found["id"], Answer(body, error)) else 400)

        def handle(self) -> None:
            # A killed process closes its connection at any point.
            with suppress(OSError):
                super().handle()

    return Requests
