"""The wire of a shop in which time passes: every call takes its time, and a service may be away for a while."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError

from tests.simulation.cloud import Cloud
from tests.simulation.timeline import Timeline, running
from tests.simulation.wire import Call, Wire, _about, _bytes, _error, _response, _text, current

_PREPARED: Final = "before-call"
_PATIENCE: Final = "x-read-timeout"
# Seconds: those of tests/costs/prices.toml, as far as it has them.
_LATENCY: Final[Mapping[str, float]] = {
    "dynamodb": 0.005,
    "kms": 0.010,
    "lambda": 0.006,
    "sesv2": 0.040,
    "sns": 0.012,
    "sqs": 0.010,
}
_TRANSACTION_SECONDS: Final = 0.012
_BROKEN: Final[Mapping[str, str]] = {
    "dynamodb": "InternalServerError",
    "kms": "KMSInternalException",
    "lambda": "ServiceException",
    "sesv2": "InternalFailure",
    "sns": "InternalError",
    "sqs": "InternalError",
}
INDEX_LAG_SECONDS: Final = 30.0
_STALE_READS: Final = {"GetItem", "Query", "BatchGetItem"}


class Fault(Enum):
    """What a service does to every call while it is away."""

    HANGS = "hangs"
    FAILS = "fails at once"
    THROTTLES = "throttles"
    LATE = "does it and answers too late"
    STALE = "serves stale reads"


@dataclass(frozen=True)
class Target:
    """What of a service is away: an operation, on a table, a queue or a function."""

    service: str
    operation: str
    about: str

    def __str__(self) -> str:
        return f"{self.service}.{self.operation} {self.about}".strip()


@dataclass(frozen=True)
class Outage:
    """A fault of one target, from a time to another one."""

    target: Target
    fault: Fault
    begin: float
    end: float


class TimedWire(Wire):
    """Stands between all AWS clients and the cloud. Every attempt at a call takes time.

    Attributes:
        outages: those that there are.
        called: how often each target was called, each attempt counts.
        eventual: targets of reads that need not be consistent.
    """

    def __init__(self, cloud: Cloud, timeline: Timeline, called: Callable[[Call], None]) -> None:
        super().__init__(cloud, lambda *_: None)
        self._timeline = timeline
        self._after = called
        self.outages: list[Outage] = []
        self.called: Counter[Target] = Counter()
        self.eventual: set[Target] = set()

    @contextmanager
    def tapped(self, events: Any) -> Iterator[None]:
        events.register_first(_PREPARED, _note_patience)
        try:
            with super().tapped(events):
                yield
        finally:
            events.unregister(_PREPARED, _note_patience)

    def fault_of(self, target: Target) -> Fault | None:
        """What is wrong with it now."""
        outage = self._outage_of(target)
        return outage.fault if outage else None

    def _outage_of(self, target: Target) -> Outage | None:
        now = self._timeline.now
        for outage in self.outages:
            if outage.target == target and outage.begin <= now < outage.end:
                return outage
        return None

    def begin(self, outage: Outage) -> None:
        """Let it happen when its time comes."""
        self.outages.append(outage)
        if outage.fault is Fault.STALE:
            # So that it keeps the past; other reads are answered as of now.
            self._cloud.dynamodb.stale = lambda _: 0.0

    def _send(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        service, operation = event_name.split(".")[1:]
        body, path = _bytes(request.body), urlsplit(request.url).path
        invocation = current.get()
        if running.get() is None or invocation is None or invocation.is_provider:
            # A test's own, or inside of the payment provider.
            return _response(request, *self._cloud.answer(service, operation, path, body))
        call = Call(invocation.function, service, operation, _about(service, path, body))
        target = Target(service, operation, call.about)
        self.called[target] += 1
        if may_be_stale := _may_be_stale(operation, body):
            self.eventual.add(target)
        latency = _TRANSACTION_SECONDS if operation.startswith("Transact") else _LATENCY[service]
        latency *= random.uniform(0.7, 1.5)  # no secret
        patience = float(_text(request.headers[_PATIENCE]))
        invocation.gives_up_at = self._timeline.now + patience

        def done() -> AWSResponse:
            return self._answered(call, request, path, body)

        match self.fault_of(target):
            case Fault.HANGS:
                self._timeline.sleep(patience)
                raise ReadTimeoutError(endpoint_url=request.url)
            case Fault.LATE:
                done()
                self._timeline.sleep(invocation.gives_up_at - self._timeline.now)
                raise ReadTimeoutError(endpoint_url=request.url)
            case Fault.FAILS:
                self._timeline.sleep(latency)
                return _error(request, service, _BROKEN[service], status=500)
            case Fault.THROTTLES:
                self._timeline.sleep(latency)
                code, status = self.throttling[service]
                return _error(request, service, code, status=status)
            case Fault.STALE if may_be_stale:
                self._timeline.sleep(latency)
                return self._as_it_was(target, body, done)
        # It happens when the request comes there, or just before the answer leaves.
        if random.random() < 0.5:  # no secret
            answer = done()
            self._timeline.sleep(latency)
            return answer
        self._timeline.sleep(latency)
        return done()

    def _answered(
        self, call: Call, request: AWSPreparedRequest, path: str, body: bytes
    ) -> AWSResponse:
        try:
            answer = self._cloud.answer(call.service, call.operation, path, body)
            self._after(call)
        except ReadTimeoutError:
            raise
        except Exception as error:
            # The simulation's own mistake, which no function may take for AWS's answer.
            self.broken = error
            raise
        return _response(request, *answer)

    def _as_it_was(
        self, target: Target, body: bytes, done: Callable[[], AWSResponse]
    ) -> AWSResponse:
        """As it was when the outage began. No index can be read consistently: its lag has a bound, and the code waits longer."""
        outage = self._outage_of(target)
        assert outage
        lag = INDEX_LAG_SECONDS if b"IndexName" in body else self._timeline.now - outage.begin
        kept = self._cloud.dynamodb.tables[target.about]
        kept.items, items = kept.as_of(self._timeline.now - lag), kept.items
        try:
            return done()
        finally:
            kept.items = items


def _note_patience(params: dict[str, Any], context: Mapping[str, Any], **_: Any) -> None:
    params["headers"][_PATIENCE] = str(context["client_config"].read_timeout)


def _may_be_stale(operation: str, body: bytes) -> bool:
    if operation not in _STALE_READS:
        return False
    request = json.loads(body)
    if operation == "BatchGetItem":
        return not any(t.get("ConsistentRead") for t in request["RequestItems"].values())
    return not request.get("ConsistentRead")
