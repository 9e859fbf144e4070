"""AWS Lambda as far as the shop needs it: environments that start when they are needed, one invocation at a time in each,
time-outs, deaths, and the Invoke API by which functions call each other."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import Final, Self

from tests.kills.zygote import Process
from tests.support.functions import function_called
from tools.json_requests import JsonRequests
from tools.runtime_api import Answer, EnvironmentGone, Invocation, RuntimeApi, Trace

_INIT_SECONDS: Final = 10.0
_INVOKE: Final = re.compile(r"/2015-03-31/functions/(?P<name>[\w%]+)/invocations")

type Start = Callable[[str, str], Process]
"""Starts a worker of the function that is named, for the Runtime API at the address."""

type Fate = Callable[[str, float], float | None]
"""Says whether an invocation of the function that is named shall be killed, and how many seconds after it has begun; the
second argument is how long these take usually."""


@dataclass(eq=False)
class _Environment:
    api: RuntimeApi
    process: Process
    is_killed: bool = False

    def kill(self) -> None:
        self.is_killed = True
        self.process.kill()


class _Pool:
    """The environments of one function."""

    def __init__(self, name: str, *, timeout: float, most: int, start: Start, trace: Trace) -> None:
        self.name = name
        self.timeout = timeout
        self._trace = trace
        self.usual = 0.05
        self._most = most
        self._start = start
        self._idle: list[_Environment] = []
        self._alive: set[_Environment] = set()
        self._changed = threading.Condition()

    def take(self) -> _Environment:
        """One that is free, or a new one; where there are as many as there may be, the next that becomes free."""
        with self._changed:
            while not self._idle:
                if len(self._alive) < self._most:
                    return self._new()
                self._changed.wait()
            return self._idle.pop()

    def give_back(self, environment: _Environment) -> None:
        with self._changed:
            if environment in self._alive and not environment.is_killed:
                self._idle.append(environment)
                self._changed.notify()

    def end(self) -> None:
        with self._changed:
            environments = list(self._alive)
        for environment in environments:
            environment.kill()

    def _new(self) -> _Environment:
        arn = f"arn:aws:lambda:eu-west-1:000000000000:function:{self.name}"
        api = RuntimeApi(arn, timeout=self.timeout, trace=self._trace)
        environment = _Environment(api, self._start(self.name, api.address))
        self._alive.add(environment)
        threading.Thread(target=self._watch, args=(environment,), daemon=True).start()
        return environment

    def _watch(self, environment: _Environment) -> None:
        environment.process.wait()
        with self._changed:
            self._alive.discard(environment)
            if environment in self._idle:
                self._idle.remove(environment)
            self._changed.notify()
        environment.api.close()


class LambdaService:
    """Runs functions.

    Args:
        timeouts: each function's, in seconds.
        start: starts a worker.
        most: how many environments a function may have.
        trace: what X-Ray has decided for each invocation.
    """

    def __init__(
        self,
        timeouts: dict[str, int],
        start: Start,
        *,
        most: int = 6,
        trace: Trace = Trace.PASSED_THROUGH,
    ) -> None:
        self.fate: Fate = lambda _name, _usual: None
        self.invocations: Counter[str] = Counter()
        self.killed: Counter[str] = Counter()
        """Invocations whose process was killed before they had answered."""
        self.timed_out: Counter[str] = Counter()
        self.on_lost: Callable[[str, bytes], None] = lambda _name, _payload: None
        """Called with each invocation that began and whose outcome nobody knows."""
        self._pools = {
            name: _Pool(name, timeout=timeout, most=most, start=start, trace=trace)
            for name, timeout in timeouts.items()
        }
        self._under_way = 0
        self._is_paused = False
        self._traffic = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _invoke_api(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        for pool in self._pools.values():
            pool.end()

    @property
    def endpoint(self) -> str:
        """For `AWS_ENDPOINT_URL_LAMBDA`."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def invoke(self, name: str, payload: bytes, *, from_within: bool = False) -> Answer:
        """Run a function; one that dies or runs out of time gives an error, as in the cloud.

        Args:
            from_within: called by another function. Only what comes from outside waits while the service is paused.
        """
        with self._traffic:
            while self._is_paused and not from_within:
                self._traffic.wait()
            self._under_way += 1
        try:
            return self._run(self._pools[name], payload)
        finally:
            with self._traffic:
                self._under_way -= 1
                self._traffic.notify_all()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing runs meanwhile: what runs is waited for, what comes has to wait."""
        with self._traffic:
            self._is_paused = True
            self._traffic.wait_for(lambda: self._under_way == 0)
        try:
            yield
        finally:
            with self._traffic:
                self._is_paused = False
                self._traffic.notify_all()

    def _run(self, pool: _Pool, payload: bytes) -> Answer:
        self.invocations[pool.name] += 1
        environment = pool.take()
        invocation = environment.api.invoke(payload)
        try:
            answer = self._wait(pool, environment, invocation)
        except EnvironmentGone:
            self.on_lost(pool.name, payload)
            return Answer.failure("Runtime.ExitError", "Runtime exited with error: signal: killed")
        except TimeoutError:
            environment.kill()
            self.timed_out[pool.name] += 1
            self.on_lost(pool.name, payload)
            return Answer.failure("Sandbox.Timedout", "Task timed out")
        pool.give_back(environment)
        return answer

    def _wait(self, pool: _Pool, environment: _Environment, invocation: Invocation) -> Answer:
        if not invocation.begun.wait(_INIT_SECONDS):
            raise TimeoutError
        began = time.monotonic()
        doom = self.fate(pool.name, pool.usual)
        if doom is not None:
            with suppress(TimeoutError):
                return invocation.outcome.result(doom)
            environment.kill()
            try:
                # It may have answered in the last moment.
                return invocation.outcome.result()
            except EnvironmentGone:
                self.killed[pool.name] += 1
                raise
        answer = invocation.outcome.result(pool.timeout)
        pool.usual += 0.1 * (time.monotonic() - began - pool.usual)
        return answer


def _invoke_api(service: LambdaService) -> type[JsonRequests]:
    class Requests(JsonRequests):
        """`lambda.Invoke` of functions by functions."""

        def do_POST(self) -> None:
            found = _INVOKE.fullmatch(self.path)
            assert found, self.path
            answer = service.invoke(function_called(found["name"]), self.body(), from_within=True)
            # Whoever asked may be dead by now.
            with suppress(OSError):
                failed = {"X-Amz-Function-Error": answer.error} if answer.error else {}
                self.send(200, answer.payload, failed)

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

    return Requests
