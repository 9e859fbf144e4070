"""botocore's wire: every request that an AWS client sends passes here, is written down, and may meet a fault.

A call is what the code asked for once: the SDK's own second and third attempts at it are the same call. All functions
see the same clock, and but for zombies one runs at a time.
"""

import io
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any, Final
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError

from tests.simulation.cloud import Cloud
from tests.support.functions import function_called

_EVENT: Final = "before-send"
_CALL: Final = timedelta(milliseconds=1)
_WRITES: Final = {"PutItem", "UpdateItem", "DeleteItem"}
_TRANSACTION: Final = "TransactWriteItems"
_BATCH: Final = "PublishBatch"
# How each service throttles: the code and the status.
THROTTLING: Final[Mapping[str, tuple[str, int]]] = {
    "dynamodb": ("ThrottlingException", 400),
    "kms": ("ThrottlingException", 400),
    "lambda": ("TooManyRequestsException", 429),
    "sesv2": ("TooManyRequestsException", 429),
    "sns": ("Throttling", 400),
    "sqs": ("RequestThrottled", 400),
}


class Mode(Enum):
    """What may happen to a call."""

    DIES_BEFORE = "dies before it is sent"
    DIES_AFTER = "dies after it is done"
    ANSWER_LOST = "answer lost, the SDK retries"
    THROTTLED = "throttled"
    UNREACHABLE = "not reached, at any attempt"
    PARTIAL = "the first entry of a batch refused, and every other one after it"
    CONFLICT = "TransactionConflict"
    IN_PROGRESS = "answer lost, its retry still in progress"
    STALLS = "stalls, goes on as a zombie"
    ZOMBIES_WAKE = "those that stalled go on before it"

    def suits(self, call: "Call") -> bool:
        """Whether it can happen to this call."""
        if self is Mode.PARTIAL:
            return call.operation == _BATCH
        if self is Mode.CONFLICT:
            return call.service == "dynamodb" and call.operation in {*_WRITES, _TRANSACTION}
        return self is not Mode.IN_PROGRESS or call.operation == _TRANSACTION


class Died(BaseException):
    """The function's process is gone. Nothing in it can catch this, as nothing can catch a SIGKILL."""


@dataclass(frozen=True)
class Call:
    """One AWS call: which function asked which service for what, and about what (a table, a queue, a function)."""

    function: str
    service: str
    operation: str
    about: str

    def __str__(self) -> str:
        return f"{self.function}: {self.service}.{self.operation} {self.about}".strip()


@dataclass(eq=False)
class Invocation:
    """A function at work: until it has answered, has died, or has been left stalled as a zombie.

    Where time passes, `gives_up_at` is when the client stops waiting for the call at hand, and `is_provider` says that the
    calls are those of the payment provider, which runs in this process as well.
    """

    function: str
    is_dead: bool = False
    is_provider: bool = False
    gives_up_at: float = 0
    stalled: threading.Event = field(default_factory=threading.Event)
    resumed: threading.Event = field(default_factory=threading.Event)


@dataclass
class _Asked:
    """A call that was asked for, what it meets, and at which of its attempts it is."""

    call: Call
    fault: Mode | None
    attempts: int = 0


current: ContextVar[Invocation | None] = ContextVar("invocation", default=None)


class Wire:
    """Stands between all AWS clients of this process and the cloud.

    `calls` are those that functions have made. `plan` says which of them, by number, are to meet what; `met` which did.
    `late` are operations (`sesv2.SendEmail`) that are done and answered after the client's read time-out, which is given.
    """

    def __init__(self, cloud: Cloud, pass_time: Callable[[timedelta], None]) -> None:
        self._cloud = cloud
        self._pass_time = pass_time
        self._asked: dict[str, _Asked] = {}
        self.calls: list[Call] = []
        self.plan: Mapping[int, Mode] = {}
        self.met: dict[int, tuple[Call, Mode]] = {}
        self.refused: dict[str, tuple[str, str, str]] = {}
        self.late: dict[str, timedelta] = {}
        self.throttling = THROTTLING
        self.broken: Exception | None = None
        self.wake_zombies: Callable[[], object] = lambda: None
        self._meanwhile: tuple[str | int, Callable[[], None]] | None = None

    def forget(self) -> None:
        """Begin to count anew, without any faults."""
        self.calls, self.plan, self.met = [], {}, {}
        self._asked.clear()

    @contextmanager
    def tapped(self, events: Any) -> Iterator[None]:
        """Clients that are made meanwhile, of the session whose events these are, are on this wire."""
        events.register_first(_EVENT, self._send)
        try:
            yield
        finally:
            events.unregister(_EVENT, self._send)

    @contextmanager
    def meanwhile(self, call: str | int, happens: Callable[[], None]) -> Iterator[None]:
        """Let something happen once, just before a function makes this call, or one of its number, for the first time."""
        self._meanwhile = call, happens
        try:
            yield
        finally:
            self._meanwhile = None

    def _send(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        service, operation = event_name.split(".")[1:]
        body = _bytes(request.body)
        path = urlsplit(request.url).path
        invocation = current.get()
        if invocation is None:
            # A test's own.
            return _response(request, *self._cloud.answer(service, operation, path, body))
        if invocation.is_dead:
            raise Died
        self._pass_time(_CALL)

        def answered() -> AWSResponse:
            try:
                answer = self._cloud.answer(service, operation, path, body)
            except ReadTimeoutError:
                raise
            except Exception as error:
                # The simulation's own mistake, which no function may take for AWS's answer.
                self.broken = error
                raise
            return _response(request, *answer)

        about, code, said = self.refused.get(f"{service}.{operation}", ("", "", ""))
        if code and about in body.decode():
            status = 429 if code == "TooManyRequestsException" else 400
            return _error(request, service, code, status=status, said=said)
        call = Call(invocation.function, service, operation, _about(service, path, body))
        self._let_happen(call)
        asked = self._asked_for(request, call)
        if read_timeout := self.late.get(f"{service}.{operation}"):
            answered()
            self._pass_time(read_timeout)
            raise ReadTimeoutError(endpoint_url=request.url)
        if asked.fault is None:
            return answered()
        asked.attempts += 1
        return self._fault(asked, invocation, request, answered)

    def _let_happen(self, call: Call) -> None:
        if self._meanwhile and self._meanwhile[0] in (str(call), len(self.calls)):
            (_, happens), self._meanwhile = self._meanwhile, None
            try:
                happens()
            except AssertionError as failure:
                # The function whose call it is would take it for a broken connection.
                self.broken = failure
                raise

    def _asked_for(self, request: AWSPreparedRequest, call: Call) -> "_Asked":
        """The call that a request is an attempt at."""
        id_ = _text(request.headers["amz-sdk-invocation-id"])
        if id_ not in self._asked:
            number = len(self.calls)
            self.calls.append(call)
            fault = self.plan.get(number)
            self._asked[id_] = _Asked(call, fault)
            if fault:
                self.met[number] = call, fault
        return self._asked[id_]

    def _fault(
        self,
        asked: "_Asked",
        invocation: Invocation,
        request: AWSPreparedRequest,
        answered: Callable[[], AWSResponse],
    ) -> AWSResponse:
        call, is_first = asked.call, asked.attempts == 1
        match asked.fault:
            case Mode.DIES_BEFORE:
                invocation.is_dead = True
                raise Died
            case Mode.DIES_AFTER:
                answered()
                invocation.is_dead = True
                raise Died
            case Mode.THROTTLED | Mode.UNREACHABLE:
                return self._refused(asked, request)
            case Mode.PARTIAL:
                return self._partly(answered)
            case Mode.ANSWER_LOST | Mode.IN_PROGRESS if is_first:
                answered()
                raise ConnectionClosedError(endpoint_url=request.url)
            case Mode.IN_PROGRESS:
                return _error(request, call.service, "TransactionInProgressException", status=400)
            case Mode.CONFLICT if is_first:
                return _conflict(request, call.operation)
            case Mode.STALLS if is_first:
                # Waits until somebody lets it go on, long after everybody took it for dead.
                invocation.stalled.set()
                invocation.resumed.wait()
            case Mode.ZOMBIES_WAKE if is_first:
                self.wake_zombies()
        return answered()

    def _refused(self, asked: _Asked, request: AWSPreparedRequest) -> AWSResponse:
        if asked.fault is Mode.UNREACHABLE:
            raise ConnectTimeoutError(endpoint_url=request.url)
        code, status = self.throttling[asked.call.service]
        return _error(request, asked.call.service, code, status=status)

    def _partly(self, answered: Callable[[], AWSResponse]) -> AWSResponse:
        takes_all, self._cloud.topic_refuses = (
            self._cloud.topic_refuses,
            lambda place: not place % 2,
        )
        try:
            return answered()
        finally:
            self._cloud.topic_refuses = takes_all


def _about(service: str, path: str, body: bytes) -> str:
    if service == "lambda":
        name: str = json.loads(body)["name"]
        function = path.split("/functions/")[1].split("/", maxsplit=1)[0]
        return f"{function_called(function)} {name}"
    if service != "dynamodb":
        return ""
    request = json.loads(body)
    if "TransactItems" in request:
        [table] = {part["TableName"] for op in request["TransactItems"] for part in op.values()}
        return str(table)
    return str(request.get("TableName") or ",".join(request["RequestItems"]))


def _conflict(request: AWSPreparedRequest, operation: str) -> AWSResponse:
    if operation != _TRANSACTION:
        return _error(request, "dynamodb", "TransactionConflictException", status=400)
    items = json.loads(_bytes(request.body))["TransactItems"]
    # One item is in somebody else's hands; of the others there is nothing to say.
    reasons = [{"Code": "None"}] * (len(items) - 1)
    reasons.append({"Code": "TransactionConflict", "Message": "Transaction is ongoing"})
    code = "TransactionCanceledException"
    body = {"__type": code, "message": "cancelled", "CancellationReasons": reasons}
    return _response(request, 400, {"x-amzn-errortype": code}, json.dumps(body).encode())


def _error(
    request: AWSPreparedRequest, service: str, code: str, *, status: int, said: str = ""
) -> AWSResponse:
    # AWS's sentences repeat what was asked, now and then. Here they always do: nobody may pass them on to a log.
    gossip = f"{said}What is to become of {_bytes(request.body).decode()}?"
    if service == "sns":
        error = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(gossip)}</Message>"
        id_ = "<RequestId>refused</RequestId>"
        body = f"<ErrorResponse><Error>{error}</Error>{id_}</ErrorResponse>".encode()
        return _response(request, status, {}, body)
    body = json.dumps({"__type": code, "message": gossip}).encode()
    return _response(request, status, {"x-amzn-errortype": code}, body)


def _response(
    request: AWSPreparedRequest, status: int, headers: Mapping[str, str], body: bytes
) -> AWSResponse:
    return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), _Raw(body))


class _Raw(io.BytesIO):
    """A response's body as urllib3 gives it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        while chunk := self.read(65536):
            yield chunk


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, (bytes, bytearray)) else bytes(body.read())


def _text(header: Any) -> str:
    return header.decode() if isinstance(header, bytes) else str(header)
