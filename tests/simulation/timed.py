"""A shop in which time passes by itself: functions run beside each other and have their time-outs,
every call takes its time, and queues, streams and schedules call functions as AWS does.

What AWS does not document, and this assumes: a stream is read five times a second; a lane whose
batch failed waits 1 s before it tries again, then twice as long, up to a minute.
"""

import io
import itertools
import json
import random
import sys
import time
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Self
from unittest.mock import patch

import argon2
import httpx
from botocore.exceptions import ReadTimeoutError

from orders.payments.ports import PaymentOutcomeUnknown, PaymentUnavailable
from orders.payments.sandbox import SandboxPayments
from shared.runtime import logging, metrics, settings
from shared.runtime.entry import Handler
from shared.web import app
from tests.simulation.faults import Call, Died, Fault, Target
from tests.simulation.resources import SCHEDULES, STREAMS, WORKERS, Stream, Worker
from tests.simulation.shop import SimulatedShop
from tests.simulation.timeline import Signal, Timeline, running
from tests.simulation.triggers import Broken, Lost, as_record, handled, relayed
from tests.simulation.wire import Invocation, current
from tests.support.context import LambdaContext
from tests.support.functions import FUNCTIONS
from tests.support.lambda_events import SCHEDULED
from tools.lambda_environment import variables
from tools.local.mail import PATH as MAIL

# Those of tests/costs/prices.toml, as far as it has them.
_LATENCY_SECONDS: Final[Mapping[str, float]] = {
    "dynamodb": 0.005,
    "kms": 0.010,
    "lambda": 0.006,
    "payments": 0.3,
    "sesv2": 0.040,
    "sns": 0.012,
    "sqs": 0.010,
    "ssm": 0.010,
}
_TRANSACTION_SECONDS: Final = 0.012
_COLD_START_SECONDS: Final = 0.4
_CLOCK_SKEW_SECONDS: Final = 2.0
_STREAM_SECONDS: Final = 0.2
_LONGEST_BACKOFF_SECONDS: Final = 60.0
_STREAM_KEEPS_SECONDS: Final = 24 * 3600
# Asynchronous invocations that fail are repeated twice: "Asynchronous invocation" in Lambda's
# developer guide.
_ASYNC_RETRIES: Final = (60.0, 120.0)
_PROVIDER_SECONDS: Final = 0.3
# The read time-out of the payment client.
_PROVIDER_TIMEOUT_SECONDS: Final = 5.0
_NO_ANSWER: Final = object()
_PasswordHasher: Final = argon2.PasswordHasher
_PAYMENTS: Final = ("authorize", "capture", "void", "refund", "find", "find_refund")

type Outcome = Any


@dataclass(eq=False)
class _Environment:
    """Where a function runs, one invocation at a time."""

    function: str
    skew: float
    handler: Handler | None = None


class _Context(LambdaContext):
    def __init__(self, name: str, id_: str, seconds_left: Callable[[], float]) -> None:
        super().__init__(function_name=name, aws_request_id=id_)
        self._seconds_left = seconds_left

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int(self._seconds_left() * 1000))


@dataclass(eq=False)
class _Lane:
    """One of the parallel readers of a stream: a batch that fails blocks what comes after it."""

    stream: Stream
    records: deque[tuple[float, dict[str, Any]]] = field(default_factory=deque)
    attempts: int = 0
    most: int = 0
    is_busy: bool = False


@dataclass(eq=False)
class _Poller:
    """What reads a queue for its worker."""

    queue: str
    worker: Worker
    busy: int = 0
    wakes_at: float = float("inf")


class TimedShop(SimulatedShop):
    """The shop, and the managed services round it, in virtual time.

    Attributes:
        invocations: for each function, how many began, and how many of them did not end by
            themselves.
        pace: schedules tick as many times less often than the template says, where hours pass in
            which nothing happens.
        killed: the invocations that were killed: when, the function, and its event.
        lifetime: after how many seconds an invocation of a function is killed; None where it is
            not.
        listen: is given every line that functions print: the function, the line, and when.
        measure: is given a metric of AWS's own: its namespace, its name, its dimensions, its value,
            and when.
        exchanged: is given each request to the API: its response's status, the seconds it took, and
            when.
        quota: how many functions may run at once; Lambda throttles what is above it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.timeline = Timeline(time.time(), self._clock.move_to)
        # AWS's own clock is right.
        self.cloud.now = self.cloud.dynamodb.now = lambda: self.timeline.now
        self.wire.latency, self.wire.after = _latency, self._called
        self._environments: dict[str, list[_Environment]] = {}
        self._lanes = {
            s.table: [_Lane(s, most=s.batch_size) for _ in range(s.lanes)] for s in STREAMS
        }
        self._pollers = {queue: _Poller(queue, worker) for queue, worker in WORKERS.items()}
        self.pace = 1
        self.cold_start_seconds = _COLD_START_SECONDS
        self.killed: list[tuple[float, str, Any]] = []
        self.lifetime: Callable[[str], float | None] = lambda function: None
        self.invocations: dict[str, int] = {}
        self.exchanged: Callable[[httpx.Request, int, float, float], None] = (
            lambda request, status, seconds, at: None
        )
        self.quota = float("inf")
        self._running = 0
        self._seen_at: dict[str, float] = {}
        self.provider_seconds = _PROVIDER_SECONDS
        self.provider_timeout = _PROVIDER_TIMEOUT_SECONDS
        self.listen: Callable[[str, str, float], None] = lambda function, line, at: None
        self.measure: Callable[[str, str, dict[str, str], float, float], None] = (
            lambda namespace, name, dimensions, value, at: None
        )

    def __enter__(self) -> Self:
        super().__enter__()
        for name in _PAYMENTS:
            self._open.enter_context(patch.object(SandboxPayments, name, _remote(self, name)))
        self._open.enter_context(patch("argon2.PasswordHasher", _cheap_hasher))
        self._open.enter_context(redirect_stdout(_Stdout(self, sys.stdout)))
        # Ids are the same in each run.
        random.seed(0)
        self._open.enter_context(patch("os.urandom", random.Random(0).randbytes))
        for place, (sweeper, minutes) in enumerate(SCHEDULES.items()):
            self._schedule(sweeper, minutes * 60, first=5.0 + 7 * place)
        self._measure_queues()
        return self

    def forked(self) -> None:
        """This is another process now: its event loops must not be those of its parent, and pytest
        captures what it prints."""
        app._loop.cache_clear()
        sys.stdout = _Stdout(self, sys.stdout)

    # --- time ---

    def pass_time(self, by: timedelta) -> None:
        self.timeline.sleep(by.total_seconds())

    def run_until(self, when: float) -> None:
        """Let everything happen that happens until then."""
        self.timeline.run(when)
        self._fail_if_broken()

    def at(self, when: float, task: Callable[[], None]) -> None:
        """Run a function at a time, beside everything else; it may sleep."""

        def begin() -> None:
            self.timeline.start(task)

        self.timeline.at(when, begin)

    def come_to_rest(self) -> None:
        for _ in range(60):
            if self.is_quiet() and not self._unfinished():
                return
            self.run_until(self.timeline.now + 60)
        raise AssertionError("the shop does not come to rest")

    def is_quiet(self) -> bool:
        return not any(
            lane.records for lanes in self._lanes.values() for lane in lanes
        ) and not any(self.cloud.queues[queue].messages for queue in WORKERS)

    def _fail_if_broken(self) -> None:
        if self.wire.broken:
            raise Broken from self.wire.broken

    # --- functions ---

    def restart(self, name: str, **parameters: str) -> None:
        raise NotImplementedError("environments come and go by themselves")

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """Run a function beside everything else and wait for its answer, for as long as the call at
        hand may take.

        Raises:
            Lost: it died, or ran out of time.
            ReadTimeoutError: the caller gave up waiting.
        """
        ended, outcome = Signal(), list[Outcome]()

        def end(result: Outcome) -> None:
            outcome.append(result)
            self.timeline.set(ended)

        self._begin(name, event, end)
        caller = current.get()
        read_timeout = caller.gives_up_at - self.timeline.now if caller else float("inf")
        if not self.timeline.wait(ended, read_timeout):
            raise ReadTimeoutError(endpoint_url=name)
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return outcome[0]

    def _begin(self, name: str, event: dict[str, Any], end: Callable[[Outcome], None]) -> None:
        """Let a function run; `end` is given its answer, or the exception that it raised."""
        if self._running >= self.quota:
            self._measure_lambda("Throttles", {}, 1)
            end(Lost(name))
            return
        self._running += 1
        self._measure_lambda("ClaimedAccountConcurrency", {}, self._running)
        sent = json.loads(json.dumps(event))
        self.invocations[name] = number = self.invocations.get(name, 0) + 1
        idle = self._environments.setdefault(name, [])
        skew = random.uniform(-_CLOCK_SKEW_SECONDS, _CLOCK_SKEW_SECONDS)  # no secret
        environment = idle.pop() if idle else _Environment(name, skew)
        cold = 0 if environment.handler else self.cold_start_seconds
        stops_at = self.timeline.now + cold + FUNCTIONS[name].timeout
        invocation = Invocation(name)

        def run() -> None:
            result: Outcome = Lost(name)
            try:
                current.set(invocation)
                logging.begin_invocation(is_cold=environment.handler is None)
                if environment.handler is None:
                    self.timeline.sleep(self.cold_start_seconds)
                    module = FUNCTIONS[name].module
                    given = variables(name, self._names, self.parameters)
                    environment.handler = module.build(settings.read(module.Settings, given))
                context = _Context(name, f"{name}-{number}", lambda: stops_at - self.timeline.now)
                try:
                    result = json.loads(json.dumps(environment.handler(sent, context)))
                except Exception as error:  # noqa: BLE001  # passed to the caller
                    result = error
                idle.append(environment)
            except Died:
                self.killed.append((self.timeline.now, name, sent))
                invocation.is_dead = True
                metrics._metrics().clear_metrics()
            finally:
                self._running -= 1
                failed = isinstance(result, BaseException)
                self._measure_lambda("Errors", {"FunctionName": name}, failed)
                end(result)

        process = self.timeline.start(run, environment.skew)
        self.timeline.at(stops_at, lambda: self.timeline.kill(process))
        if (lifetime := self.lifetime(name)) is not None:
            self.timeline.after(cold + lifetime, lambda: self.timeline.kill(process))

    def _measure_lambda(self, metric: str, dimensions: dict[str, str], value: float) -> None:
        self.measure("AWS/Lambda", metric, dimensions, value, self.timeline.now)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == MAIL:
            return super().answer(request)
        begin = self.timeline.now
        response = super().answer(request)
        of_api = {"ApiName": "bodega", "Stage": "live"}
        now, status = self.timeline.now, response.status_code
        for metric, value in (
            ("Count", 1),
            ("4XXError", 400 <= status < 500),
            ("5XXError", status >= 500),
            ("Latency", (now - begin) * 1000),
        ):
            self.measure("AWS/ApiGateway", metric, of_api, float(value), now)
        self.exchanged(request, status, now - begin, now)
        return response

    def _invoked(self, name: str, payload: bytes) -> tuple[bytes, str | None]:
        try:
            return json.dumps(self.invoke(name, json.loads(payload))).encode(), None
        except ReadTimeoutError:
            raise
        except Exception as error:  # noqa: BLE001  # as the runtime does
            return json.dumps({"errorType": type(error).__name__}).encode(), "Unhandled"

    # --- event sources ---

    def _called(self, call: Call) -> None:
        """Something may have changed by a call."""
        if call.service == "dynamodb":
            for stream in STREAMS:
                if stream.table == call.about:
                    self._collect(stream)
        elif call.service in ("sns", "sqs"):
            self.poll()

    def _schedule(self, sweeper: str, seconds: float, first: float) -> None:
        ticks = itertools.count()

        def tick() -> None:
            self.timeline.after(seconds, tick)
            if next(ticks) % self.pace == 0:
                self._invoke_later(sweeper, SCHEDULED, list(_ASYNC_RETRIES))

        self.timeline.after(first, tick)

    def _invoke_later(self, name: str, event: dict[str, Any], retries: list[float]) -> None:
        def end(result: Outcome) -> None:
            if isinstance(result, Exception) and retries:
                self.timeline.after(
                    retries[0], lambda: self._invoke_later(name, event, retries[1:])
                )

        self._begin(name, event, end)

    def _collect(self, stream: Stream) -> None:
        for record in self._new_records(stream):
            key = record["dynamodb"]["Keys"]["pk"]["S"]
            lanes = self._lanes[stream.table]
            lane = lanes[zlib.crc32(key.encode()) % len(lanes)]
            lane.records.append((self.timeline.now, record))
            self._wake(lane, _STREAM_SECONDS)

    def _wake(self, lane: _Lane, seconds: float) -> None:
        if not lane.is_busy and lane.records:
            lane.is_busy = True
            self.timeline.after(seconds, lambda: self._read(lane))

    def _read(self, lane: _Lane) -> None:
        """Hand the lane's next batch to its relay."""
        lane.is_busy = False
        now, stream = self.timeline.now, lane.stream
        if self.wire.fault_of(target := Target("stream", "GetRecords", stream.table)):
            self._wake(lane, 5)
            return
        self.wire.called[target] += 1
        while lane.records and lane.records[0][0] < now - _STREAM_KEEPS_SECONDS:
            lane.records.popleft()
        if not lane.records:
            return
        lane.is_busy = True
        age = (now - lane.records[0][0]) * 1000
        self._measure_lambda("IteratorAge", {"FunctionName": stream.relay}, age)
        batch = [record for _, (_, record) in zip(range(lane.most), lane.records, strict=False)]
        self._begin(
            stream.relay, {"Records": batch}, lambda result: self._relayed(lane, batch, result)
        )

    def _relayed(self, lane: _Lane, batch: list[Any], result: Outcome) -> None:
        lane.is_busy = False
        if isinstance(result, BaseException):
            done = 0
            if len(batch) > 1:
                # Halved, which uses up no attempt.
                lane.most = len(batch) // 2
            else:
                lane.attempts += 1
        else:
            done = relayed(batch, result)
            lane.attempts = 0 if done else lane.attempts + 1
        if lane.attempts >= lane.stream.attempts:
            done = len(batch)
        for _ in range(done):
            lane.records.popleft()
        if done:
            lane.attempts, lane.most = 0, lane.stream.batch_size
        self._wake(
            lane, min(_LONGEST_BACKOFF_SECONDS, 2.0 ** (lane.attempts - 1)) if not done else 0
        )

    def poll(self) -> None:
        """Hand visible messages to the workers that are free."""
        for poller in self._pollers.values():
            self._poll(poller)

    def _poll(self, poller: _Poller) -> None:
        now, queue = self.timeline.now, self.cloud.queues[poller.queue]
        if self.wire.fault_of(target := Target("sqs", "ReceiveMessage", poller.queue)):
            self._wake_poller(poller, now + 5)
            return
        while poller.busy < poller.worker.concurrency:
            visible = [m for m in queue.messages if m.visible_at <= now]
            if not visible:
                break
            self.wire.called[target] += 1
            batch = [m for m in visible[: poller.worker.batch_size] if self._received(queue, m)]
            if batch:
                self._hand_over(poller, batch)
        if poller.busy < poller.worker.concurrency and queue.messages:
            self._wake_poller(poller, min(m.visible_at for m in queue.messages))

    def _wake_poller(self, poller: _Poller, when: float) -> None:
        if when < poller.wakes_at:
            poller.wakes_at = when

            def wake() -> None:
                if poller.wakes_at == when:
                    poller.wakes_at = float("inf")
                    self._poll(poller)

            self.timeline.at(when, wake)

    def _hand_over(self, poller: _Poller, batch: list[Any]) -> None:
        queue = self.cloud.queues[poller.queue]
        poller.busy += 1
        records = [
            as_record(poller.queue, f"{place}", message) for place, message in enumerate(batch)
        ]

        def end(result: Outcome) -> None:
            poller.busy -= 1
            if not isinstance(result, BaseException):
                done = set(handled(records, result))
                queue.messages = [m for m in queue.messages if m.id not in done]
            self._poll(poller)

        self._begin(poller.worker.function, {"Records": records}, end)

    def _measure_queues(self) -> None:
        now = self.timeline.now
        for name, queue in self.cloud.queues.items():
            visible = sum(m.visible_at <= now for m in queue.messages)
            # Since the minute in which it was first seen.
            oldest = max(
                (now - self._seen_at.setdefault(m.id, now) for m in queue.messages), default=0
            )
            for metric, value in (
                ("ApproximateNumberOfMessagesVisible", visible),
                ("ApproximateAgeOfOldestMessage", oldest),
            ):
                self.measure("AWS/SQS", metric, {"QueueName": name}, value, now)
        self.timeline.after(60, self._measure_queues)


def _latency(call: Call) -> tuple[float, float]:
    """The call is done either when its request arrives or just before its response leaves."""
    is_transaction = call.operation.startswith("Transact")
    seconds = _TRANSACTION_SECONDS if is_transaction else _LATENCY_SECONDS[call.service]
    seconds *= random.uniform(0.7, 1.5)  # no secret
    return (0, seconds) if random.random() < 0.5 else (seconds, 0)  # no secret


class _Stdout(io.TextIOBase):
    """What functions print, for those who listen."""

    def __init__(self, shop: TimedShop, kept: Any) -> None:
        self._shop = shop
        self._kept = kept

    def write(self, text: str) -> int:
        invocation = current.get()
        if running.get() is None or invocation is None:
            self._kept.write(text)
        elif not invocation.is_dead and text.strip():
            self._shop.listen(invocation.function, text, self._shop.timeline.now)
        return len(text)


def _cheap_hasher(**_: Any) -> argon2.PasswordHasher:
    """Hashing as it should be done would be most of what a simulated hour takes."""
    return _PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def _remote(shop: TimedShop, name: str) -> Callable[..., Any]:
    """An operation of the payment provider as a service of its own: it takes its time, and may be
    away."""
    do, target = getattr(SandboxPayments, name), Target("payments", name, "")

    def call(provider: SandboxPayments, *args: Any, **more: Any) -> Any:
        invocation = current.get()
        if running.get() is None or invocation is None or invocation.is_provider:
            return do(provider, *args, **more)

        def done() -> Any:
            invocation.is_provider = True
            try:
                return do(provider, *args, **more)
            finally:
                invocation.is_provider = False

        shop.wire.called[target] += 1
        fault = shop.wire.fault_of(target)
        if fault in (Fault.FAILS, Fault.THROTTLES):
            shop.timeline.sleep(shop.provider_seconds)
            raise PaymentUnavailable
        answer: Any = _NO_ANSWER
        with suppress(PaymentOutcomeUnknown):
            if fault is not Fault.HANGS:
                answer = done()
        if fault is not None or answer is _NO_ANSWER:
            shop.timeline.sleep(shop.provider_timeout)
            raise PaymentOutcomeUnknown
        shop.timeline.sleep(shop.provider_seconds)
        return answer

    return call
