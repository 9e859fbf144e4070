"""Lambda, for the functions that a measured function invokes: an invocation starts an environment
if no environment exists, and waits for one that is starting or busy.

with Neighbours(subjects, endpoint) as lambda_:
    …                     # AWS_ENDPOINT_URL=lambda_.endpoint
    lambda_.of("UsersDirectory").moments

It runs in this process: on the loopback interface an invocation passes through it in a millisecond.
"""

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Final, Self

from bench.canned.answers import Invocation
from bench.environment import Environment, Spent
from bench.packages import PYTHON
from bench.subjects import Subject
from tools.json_requests import JsonRequests
from tools.local.places import HOST
from tools.progress import Problem
from tools.runtime_api import Answer

_NOTHING: Final = Spent(0, 0)


@dataclass
class Moments:
    """What was spent when something happened to a function.

    Attributes:
        woken: by its caller, when it was invoked asynchronously.
        called: by its caller, when it was invoked and the caller waits.
        returned: by its caller, when the caller had waited.
        ready: by the function.
        answered: by the function.
    """

    woken: Spent | None = None
    called: Spent = _NOTHING
    returned: Spent = _NOTHING
    ready: Spent = _NOTHING
    answered: Spent = _NOTHING


class Neighbour:
    """One function with its environment.

    Attributes:
        wake: the payload of an asynchronous invocation.
        call: that of the last one whose caller waits.
    """

    def __init__(self, subject: Subject, endpoint: str, python: Path) -> None:
        self._subject = subject
        self._endpoint = endpoint
        self._python = python
        self._environment: Environment | None = None
        # One after the other, in the order of their arrival.
        self._invocations = ThreadPoolExecutor(1)
        self.moments = Moments()
        self.wake: bytes | None = None
        self.call = b""

    def invoke(self, payload: bytes) -> Future[Answer]:
        """Its answer."""
        return self._invocations.submit(self._answer, payload)

    @property
    def is_started(self) -> bool:
        return self._environment is not None

    def cpu(self) -> float:
        """Seconds that its process has used."""
        return self._environment.spent().cpu if self._environment else 0

    def end(self) -> None:
        self._invocations.shutdown()
        if self._environment:
            self._environment.__exit__()

    def _answer(self, payload: bytes) -> Answer:
        if self._environment is None:
            self._environment = Environment(self._subject, self._endpoint, python=self._python)
            self.moments.ready = self._environment.until_ready()
        answer = self._environment.invoke(payload)
        self.moments.answered = self._environment.spent()
        return answer


class Neighbours:
    """The server of these functions.

    Args:
        endpoint: where the rest of AWS is.
        wakes: whether asynchronous invocations are carried out. Otherwise they are answered and
            dropped, as if they had not been sent.
        python: the interpreter of the functions.
    """

    def __init__(
        self,
        subjects: Mapping[str, Subject],
        endpoint: str,
        *,
        wakes: bool,
        python: Path = PYTHON,
    ) -> None:
        self._functions = {name: Neighbour(one, endpoint, python) for name, one in subjects.items()}
        self._wakes = wakes
        self.caller: Environment | None = None
        """Whose spendings are noted."""
        self._failed: list[str] = []
        self._server = ThreadingHTTPServer((HOST, 0), _requests_to(self))
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for function in self._functions.values():
            function.end()
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self._server.server_address[1]}"

    def of(self, name: str) -> Neighbour:
        return self._functions[name]

    def check(self) -> None:
        """Raise Problem if a request was for another service, or a function broke."""
        if self._failed:
            raise Problem(f"bench/neighbours.py cannot answer: {'; '.join(self._failed)}")

    def cpu(self) -> float:
        """Seconds that all processes have used."""
        return sum(function.cpu() for function in self._functions.values())

    def invoke(self, invocation: Invocation, payload: bytes) -> Answer:
        """The answer to a caller; an asynchronous one does not wait."""
        function = self._functions[invocation.function]
        moments, spent = function.moments, self._spent()
        if invocation.is_asynchronous:
            moments.woken, function.wake = moments.woken or spent, payload
            if self._wakes:
                self._invoked(invocation.function, payload)
            return Answer(b"")
        moments.called, function.call = spent, payload
        answer = self._invoked(invocation.function, payload).result()
        moments.returned = self._spent()
        return answer

    def _spent(self) -> Spent:
        return self.caller.spent() if self.caller else _NOTHING

    def _invoked(self, name: str, payload: bytes) -> Future[Answer]:
        def note(answered: Future[Answer]) -> None:
            if answered.exception() or answered.result().error:
                self._failed.append(
                    f"{name}: {answered.exception() or answered.result().payload!r}"
                )

        answered = self._functions[name].invoke(payload)
        answered.add_done_callback(note)
        return answered

    def refuse(self, path: str) -> None:
        """Note a request that is for no function of these."""
        self._failed.append(path)

    def knows(self, invocation: Invocation | None) -> bool:
        return invocation is not None and invocation.function in self._functions


def _requests_to(lambda_: Neighbours) -> type[JsonRequests]:
    class Requests(JsonRequests):
        def do_POST(self) -> None:
            body = self.body()
            invocation = Invocation.of(self.headers, self.path)
            if invocation is None or not lambda_.knows(invocation):
                lambda_.refuse(self.path)
                self.send(400, b'{"__type": "UnknownFunction"}')
            else:
                self.send(invocation.status, lambda_.invoke(invocation, body).payload)

    return Requests
