"""botocore's wire: every request of every AWS client passes here, is recorded, and may meet a
fault.

A call is what the code asked for once: the SDK's own retries are attempts at the same call.
"""

import io
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError

from tests.simulation.cloud import Cloud
from tests.simulation.faults import (
    FAILURES,
    THROTTLING,
    TRANSACTION,
    Call,
    Died,
    Fault,
    Mode,
    Outage,
    Target,
)
from tests.support.functions import function_called

_PREPARED: Final = "before-call"
_SENT: Final = "before-send"
_READ_TIMEOUT: Final = "x-read-timeout"
_CALL_SECONDS: Final = 0.001
INDEX_LAG_SECONDS: Final = 30.0
_STALE_READS: Final = {"GetItem", "Query", "BatchGetItem"}


@dataclass(eq=False)
class Invocation:
    """An invocation of a function, until it has answered, has died, or has been left stalled as a
    zombie.

    Attributes:
        gives_up_at: when the client stops waiting for the present call.
        is_provider: the present calls are those of the payment provider, which runs in this process
            as well.
    """

    function: str
    is_dead: bool = False
    is_provider: bool = False
    gives_up_at: float = 0
    stalled: threading.Event = field(default_factory=threading.Event)
    resumed: threading.Event = field(default_factory=threading.Event)


_RESERVATION: Final = "RESERVATION#"

current: ContextVar[Invocation | None] = ContextVar("invocation", default=None)


@dataclass
class _Planned:
    """A call, the fault that is planned for it, and how many attempts it has had."""

    call: Call
    fault: Mode | None
    attempts: int = 0


@dataclass(frozen=True)
class _Sent:
    """An attempt at a call."""

    call: Call
    request: AWSPreparedRequest
    path: str
    body: bytes

    @property
    def target(self) -> Target:
        return Target(self.call.service, self.call.operation, self.call.about)

    @property
    def may_be_stale(self) -> bool:
        """Whether it is a read that need not be consistent."""
        return self.call.operation in _STALE_READS and b'"ConsistentRead": true' not in self.body


class Wire:
    """Stands between all AWS clients of this process and the cloud.

    Attributes:
        calls: those that functions have made.
        plan: the faults that calls are to meet, by the call's number; `met` are those that
            happened.
        outages: the faults of all calls of a target for a time.
        called: the number of attempts at calls of each target.
        held: the partition key of a product that other transactions hold whenever a reservation is
            to take of its item.
        eventual: the targets of reads that need not be consistent.
        latency: how many seconds a request and its response travel.
        after: is called after each call that was done.

    Args:
        sleep: lets so many seconds pass.
    """

    def __init__(self, cloud: Cloud, sleep: Callable[[float], None]) -> None:
        self._cloud = cloud
        self.sleep = sleep
        self.latency: Callable[[Call], tuple[float, float]] = lambda _: (_CALL_SECONDS, 0)
        self.after: Callable[[Call], None] = lambda _: None
        self._planned: dict[str, _Planned] = {}
        self.calls: list[Call] = []
        self.plan: Mapping[int, Mode] = {}
        self.met: dict[int, tuple[Call, Mode]] = {}
        self.outages: list[Outage] = []
        self.called: Counter[Target] = Counter()
        self.eventual: set[Target] = set()
        self.refused: dict[str, tuple[str, str, str]] = {}
        self.held: str | None = None
        self.broken: Exception | None = None
        self.wake_zombies: Callable[[], object] = lambda: None
        self._meanwhile: tuple[str | int, Callable[[], None]] | None = None

    def forget(self) -> None:
        """Begin to count anew, without any planned faults."""
        self.calls, self.plan, self.met = [], {}, {}
        self._planned.clear()

    @contextmanager
    def tapped(self, events: Any) -> Iterator[None]:
        """Connect the clients that are made meanwhile, of the session whose events these are."""
        events.register_first(_PREPARED, _note_read_timeout)
        events.register_first(_SENT, self._send)
        try:
            yield
        finally:
            events.unregister(_SENT, self._send)
            events.unregister(_PREPARED, _note_read_timeout)

    @contextmanager
    def meanwhile(self, call: str | int, happens: Callable[[], None]) -> Iterator[None]:
        """Do something once, just before a function first makes this call, or the call of this
        number."""
        self._meanwhile = call, happens
        try:
            yield
        finally:
            self._meanwhile = None

    def begin(self, outage: Outage) -> None:
        """Add an outage, which happens when its time comes."""
        self.outages.append(outage)

    def fault_of(self, target: Target) -> Fault | None:
        """What is wrong with it now."""
        outage = self._outage_of(target)
        return outage.fault if outage else None

    def _outage_of(self, target: Target) -> Outage | None:
        now = self._cloud.now()
        for outage in self.outages:
            if outage.target == target and outage.begin <= now < outage.end:
                return outage
        return None

    def _send(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        service, operation = event_name.split(".")[1:]
        body, path = _bytes(request.body), urlsplit(request.url).path
        invocation = current.get()
        if invocation is None or invocation.is_provider:
            # A test's own, or one within the payment provider.
            return _response(request, *self._cloud.answer(service, operation, path, body))
        if invocation.is_dead:
            raise Died
        call = Call(invocation.function, service, operation, _about(service, path, body))
        sent = _Sent(call, request, path, body)
        self.called[sent.target] += 1
        if sent.may_be_stale:
            self.eventual.add(sent.target)
        read_timeout = float(_text(request.headers[_READ_TIMEOUT]))
        invocation.gives_up_at = self._cloud.now() + read_timeout
        return self._attempt(sent, invocation)

    def _attempt(self, sent: _Sent, invocation: Invocation) -> AWSResponse:
        fault, service, request = self.fault_of(sent.target), sent.call.service, sent.request
        if fault in (Fault.HANGS, Fault.LATE):
            if fault is Fault.LATE:
                self._done(sent)
            self.sleep(invocation.gives_up_at - self._cloud.now())
            raise ReadTimeoutError(endpoint_url=request.url)
        there, back = self.latency(sent.call)
        if there:
            self.sleep(there)
        if fault is Fault.STALE and sent.may_be_stale:
            response = self._stale(sent)
        elif fault is Fault.FAILS:
            response = _error(request, service, FAILURES[service], status=500)
        elif fault is Fault.THROTTLES:
            response = self._throttled(sent)
        else:
            response = self._planned_response(sent, invocation)
        if back:
            self.sleep(back)
        return response

    def _done(self, sent: _Sent) -> AWSResponse:
        """Do what the request asks for."""
        call = sent.call
        try:
            answer = self._cloud.answer(call.service, call.operation, sent.path, sent.body)
            self.after(call)
        except ReadTimeoutError:
            raise
        except Exception as error:
            # The simulation's own mistake, which no function may take for AWS's response.
            self.broken = error
            raise
        return _response(sent.request, *answer)

    def _planned_response(self, sent: _Sent, invocation: Invocation) -> AWSResponse:
        call = sent.call
        about, code, said = self.refused.get(f"{call.service}.{call.operation}", ("", "", ""))
        if code and about in sent.body.decode():
            status = 429 if code == "TooManyRequestsException" else 400
            return _error(sent.request, call.service, code, status=status, said=said)
        if self.held and (met := _written(sent)) and self.held in met and _RESERVATION in met[0]:
            return _conflict(sent, met.index(self.held))
        self._let_happen(call)
        planned = self._plan_of(sent)
        planned.attempts += 1
        return self._with_fault(planned, sent, invocation)

    def _let_happen(self, call: Call) -> None:
        if self._meanwhile and self._meanwhile[0] in (str(call), len(self.calls)):
            (_, happens), self._meanwhile = self._meanwhile, None
            try:
                happens()
            except AssertionError as failure:
                # The function would take it for a broken connection.
                self.broken = failure
                raise

    def _plan_of(self, sent: _Sent) -> _Planned:
        """The call that a request is an attempt at."""
        id_ = _text(sent.request.headers["amz-sdk-invocation-id"])
        if id_ not in self._planned:
            self._planned[id_] = _Planned(sent.call, self._recorded(sent.call))
        return self._planned[id_]

    def _recorded(self, call: Call) -> Mode | None:
        number = len(self.calls)
        self.calls.append(call)
        if fault := self.plan.get(number):
            self.met[number] = call, fault
        return fault

    def meet(self, call: Call) -> Mode | None:
        """Record a call to another provider than AWS; return the fault that is planned for it."""
        self._let_happen(call)
        return self._recorded(call)

    def _with_fault(self, planned: _Planned, sent: _Sent, invocation: Invocation) -> AWSResponse:
        match planned.fault:
            case Mode.DIES_BEFORE | Mode.DIES_AFTER:
                if planned.fault is Mode.DIES_AFTER:
                    self._done(sent)
                invocation.is_dead = True
                raise Died
            case Mode.UNREACHABLE:
                raise ConnectTimeoutError(endpoint_url=sent.request.url)
            case Mode.THROTTLED:
                return self._throttled(sent)
            case Mode.PARTIAL:
                return self._partial(sent)
            case Mode.IN_PROGRESS if planned.attempts > 1:
                code = "TransactionInProgressException"
                return _error(sent.request, "dynamodb", code, status=400)
        if planned.fault and planned.attempts == 1:
            return self._at_first_attempt(planned.fault, sent, invocation)
        return self._done(sent)

    def _at_first_attempt(self, fault: Mode, sent: _Sent, invocation: Invocation) -> AWSResponse:
        match fault:
            case Mode.ANSWER_LOST | Mode.IN_PROGRESS:
                self._done(sent)
                raise ConnectionClosedError(endpoint_url=sent.request.url)
            case Mode.CONFLICT:
                # Another transaction writes the last item.
                return _conflict(sent, -1)
            case Mode.STALLS:
                # Until the test resumes it, long after others have taken it for dead.
                invocation.stalled.set()
                invocation.resumed.wait()
            case Mode.ZOMBIES_WAKE:
                self.wake_zombies()
        return self._done(sent)

    def _throttled(self, sent: _Sent) -> AWSResponse:
        code, status = THROTTLING[sent.call.service]
        return _error(sent.request, sent.call.service, code, status=status)

    def _partial(self, sent: _Sent) -> AWSResponse:
        refuses, self._cloud.topic_refuses = self._cloud.topic_refuses, lambda place: not place % 2
        try:
            return self._done(sent)
        finally:
            self._cloud.topic_refuses = refuses

    def _stale(self, sent: _Sent) -> AWSResponse:
        """As it was when the outage began. The lag of an index, which has no consistent reads, has
        a bound."""
        outage, now = self._outage_of(sent.target), self._cloud.now()
        begin = outage.begin if outage else now

        def moment(is_index: bool) -> float:
            return now - INDEX_LAG_SECONDS if is_index else begin

        with self._cloud.dynamodb.seeing(moment):
            return self._done(sent)


def _note_read_timeout(params: dict[str, Any], context: Mapping[str, Any], **_: Any) -> None:
    params["headers"][_READ_TIMEOUT] = str(context["client_config"].read_timeout)


def _about(service: str, path: str, body: bytes) -> str:
    if service == "lambda":
        name: str = json.loads(body).get("name", "")
        function = path.split("/functions/")[1].split("/", maxsplit=1)[0]
        return f"{function_called(function)} {name}"
    if service != "dynamodb":
        return ""
    request = json.loads(body)
    if "TransactItems" in request:
        tables = {part["TableName"] for op in request["TransactItems"] for part in op.values()}
        return ",".join(sorted(tables))
    return str(request.get("TableName") or ",".join(request["RequestItems"]))


def _written(sent: _Sent) -> list[str]:
    """The partition keys of what a transaction writes."""
    request = json.loads(sent.body) if sent.call.operation == TRANSACTION else {}
    parts = [part for one in request.get("TransactItems", ()) for part in one.values()]
    return [(part.get("Key") or part["Item"])["pk"]["S"] for part in parts]


def _conflict(sent: _Sent, place: int) -> AWSResponse:
    if sent.call.operation != TRANSACTION:
        return _error(sent.request, "dynamodb", "TransactionConflictException", status=400)
    items = json.loads(sent.body)["TransactItems"]
    reasons = [{"Code": "None"}] * len(items)
    reasons[place] = {"Code": "TransactionConflict", "Message": "Transaction is ongoing"}
    code = "TransactionCanceledException"
    body = {"__type": code, "message": "cancelled", "CancellationReasons": reasons}
    return _response(sent.request, 400, {"x-amzn-errortype": code}, json.dumps(body).encode())


def _error(
    request: AWSPreparedRequest, service: str, code: str, *, status: int, said: str = ""
) -> AWSResponse:
    # AWS's messages may repeat the request. Here they always do: none may be passed on to a log.
    message = f"{said}The request was {_bytes(request.body).decode()}"
    if service == "sns":
        error = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
        id_ = "<RequestId>refused</RequestId>"
        body = f"<ErrorResponse><Error>{error}</Error>{id_}</ErrorResponse>".encode()
        return _response(request, status, {}, body)
    body = json.dumps({"__type": code, "message": message}).encode()
    return _response(request, status, {"x-amzn-errortype": code}, body)


def _response(
    request: AWSPreparedRequest, status: int, headers: Mapping[str, str], body: bytes
) -> AWSResponse:
    return AWSResponse(request.url, status, HTTPHeaders.from_dict(dict(headers)), _Raw(body))


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
