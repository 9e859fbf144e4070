"""The Lambda Runtime API for one execution environment.

    with RuntimeApi(arn, timeout=10) as api:
        variables = {"AWS_LAMBDA_RUNTIME_API": api.address, …}
        process = subprocess.Popen((python, "-m", "awslambdaric", handler), env=variables)
        api.ready.wait()                    # it is initialised, and requests its first invocation
        answer = api.invoke(b'{"a": 1}').outcome.result()

Every environment has a port of its own: a runtime gets a host and a port, and nothing else.
"""

import json
import queue
import re
import socket
import threading
import time
import uuid
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Self

from tools.json_requests import JsonRequests

_HOST: Final = "127.0.0.1"
_PREFIX: Final = "/2018-06-01/runtime"
_REPORT: Final = re.compile(r"/invocation/(?P<id>[\w-]+)/(?P<kind>response|error)")


class Trace(Enum):
    """What the trace header of an invocation says beside the trace's id."""

    SAMPLED = ";Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:4e3a5b1c:0"
    UNSAMPLED = ";Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:4e3a5b1c:0"
    PASSED_THROUGH = ";Lineage=1:4e3a5b1c:0"
    """With `Tracing: PassThrough`: Lambda makes no decision and hides the caller's."""
    MISSING = None

    def header(self) -> dict[str, str]:
        """The header of a new trace."""
        if self is Trace.MISSING:
            return {}
        root = f"1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"
        return {"Lambda-Runtime-Trace-Id": f"Root={root}{self.value}"}


class EnvironmentGone(Exception):
    """The process ended during an invocation, or before: its outcome is unknown."""


@dataclass(frozen=True)
class Answer:
    """What a function answered.

    Attributes:
        payload: JSON; where `error` is set it says the error's type and message.
        error: how Lambda names it in `X-Amz-Function-Error`; None where the handler returned.
    """

    payload: bytes
    error: str | None = None

    @classmethod
    def failure(cls, type_: str, message: str) -> Self:
        """An answer in place of a function that gave none."""
        error = {"errorType": type_, "errorMessage": message}
        return cls(json.dumps(error).encode(), "Unhandled")

    def json(self) -> Any:
        return json.loads(self.payload)


@dataclass(eq=False)
class Invocation:
    """One event for a runtime. `begun` is set when the runtime has taken it, or never will."""

    payload: bytes
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    begun: threading.Event = field(default_factory=threading.Event)
    outcome: Future[Answer] = field(default_factory=Future)

    def end(self, outcome: Answer | Exception) -> None:
        """The first end counts: an answer may race with the end of its process."""
        with suppress(InvalidStateError):
            if isinstance(outcome, Answer):
                self.outcome.set_result(outcome)
            else:
                self.outcome.set_exception(outcome)
        self.begun.set()


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
        self.init_error: Answer | None = None
        """What it reported instead of asking for its first one."""
        self._arn = arn
        self._timeout = timeout
        self._trace = trace
        self._waiting: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._current: Invocation | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        self._listener = socket.create_server((_HOST, 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """For `AWS_LAMBDA_RUNTIME_API`."""
        return f"{_HOST}:{self._listener.getsockname()[1]}"

    def invoke(self, payload: bytes) -> Invocation:
        """Give the runtime an event; its `outcome` is an Answer, or raises EnvironmentGone."""
        invocation = Invocation(payload)
        with self._lock:
            if self._is_closed:
                invocation.end(EnvironmentGone())
                return invocation
            self._current = invocation
        self.ready.clear()
        self._waiting.put(invocation)
        return invocation

    def close(self) -> None:
        """The process has ended, or will: its current invocation raises EnvironmentGone."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            if self._current:
                self._current.end(EnvironmentGone())
        self._waiting.put(None)
        # Closing alone would not wake the thread that accepts connections.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def take(self) -> tuple[Invocation, dict[str, str]] | None:
        """Wait for the next invocation and its headers; None when there will be no more."""
        if self._waiting.empty():
            self.ready.set()
        invocation = self._waiting.get()
        if invocation is None:
            return None
        invocation.begun.set()
        return invocation, {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._arn,
            **self._trace.header(),
        }

    def report(self, id_: str, answer: Answer) -> bool:
        """Take the runtime's report; False if it is not about its current invocation."""
        with self._lock:
            invocation = self._current
        if invocation is None or invocation.id != id_:
            return False
        invocation.end(answer)
        return True

    def _accept(self) -> None:
        while True:
            try:
                connection, client = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, client), daemon=True).start()

    def _serve(self, connection: socket.socket, client: Any) -> None:
        # A killed process closes its connection at any point.
        with connection, suppress(OSError):
            _Requests(connection, client, self)


class _Requests(JsonRequests):
    def __init__(self, connection: socket.socket, client: Any, api: RuntimeApi) -> None:
        self._api = api
        super().__init__(connection, client, api)  # type: ignore[arg-type]  # it is only kept

    def do_GET(self) -> None:
        if self.path != f"{_PREFIX}/invocation/next":
            self.send(404)
        elif taken := self._api.take():
            invocation, headers = taken
            self.send(200, invocation.payload, headers)
        else:
            self.close_connection = True

    def do_POST(self) -> None:
        # An incomplete answer raises here, and counts as none.
        body = self.body()
        path = self.path.removeprefix(_PREFIX)
        if path == "/init/error":
            self._api.init_error = Answer(body, "Unhandled")
            self.send(202)
        elif found := _REPORT.fullmatch(path):
            answer = Answer(body, "Unhandled" if found["kind"] == "error" else None)
            self.send(202 if self._api.report(found["id"], answer) else 400)
        else:
            self.send(404)
