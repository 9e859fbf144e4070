"""A walk of `make smoke`, recorded over HTTP, and walked again with a changed answer."""

import gzip
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx

from tests.support.privacy import PRIVACY
from tools.smoke.__main__ import walk_through
from tools.smoke.client import Client, Person
from tools.smoke.walk import Walk


@dataclass(frozen=True)
class Exchange:
    """A request's line below the shop's URL, and its answer."""

    asked: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def having(self, document: Any) -> "Exchange":
        return replace(self, body=json.dumps(document).encode())

    def response(self, request: httpx.Request) -> httpx.Response:
        headers = {k: v for k, v in self.headers.items() if k != "content-length"}
        is_packed = headers.get("content-encoding") == "gzip"
        body = gzip.compress(self.body, compresslevel=1) if is_packed else self.body
        return httpx.Response(self.status, headers=headers, content=body, request=request)


type Change = Callable[[Exchange], Exchange]


def edited(pattern: str, edit: Callable[[Any], object]) -> Change:
    """The JSON of the successful answers to requests whose line matches is edited in place."""

    def change(exchange: Exchange) -> Exchange:
        if exchange.status >= 400 or not re.fullmatch(pattern, exchange.asked):
            return exchange
        document = exchange.json
        edit(document)
        return exchange.having(document)

    return change


class Recorder(httpx.BaseTransport):
    """Real HTTP; keeps the exchanges."""

    def __init__(self, url: str) -> None:
        self._inner = httpx.HTTPTransport()
        self._base = len(url)
        self.exchanges: list[Exchange] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        response.request = request
        response.read()
        PRIVACY.exchanged(response)
        line = f"{request.method} {str(request.url)[self._base :]}"
        headers = {name.decode().lower(): value.decode() for name, value in response.headers.raw}
        self.exchanges.append(Exchange(line, response.status_code, headers, response.content))
        return self.exchanges[-1].response(request)

    def close(self) -> None:
        self._inner.close()


class Replay(httpx.BaseTransport):
    """The recorded answers in their order, changed. Time passes by sleeping only."""

    def __init__(self, url: str, exchanges: list[Exchange], change: Change) -> None:
        self._base, self._exchanges, self._change = len(url), exchanges, change
        self._next = 0
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        line = f"{request.method} {str(request.url)[self._base :]}"
        found = self._find(line)
        if found is None:
            return httpx.Response(404)
        sent, recorded = request.headers["X-Request-ID"], found.headers["x-request-id"]
        if " " not in sent:  # the API replaces an id that is not sane
            headers = found.headers | {"x-request-id": sent}
            body = found.body.replace(recorded.encode(), sent.encode())
            found = replace(found, headers=headers, body=body)
        return self._change(found).response(request)

    def _find(self, line: str) -> Exchange | None:
        """The next exchange; a walk that has failed asks otherwise, and gets a similar one."""
        others = self._exchanges[self._next :] + self._exchanges[: self._next][::-1]
        found = next((e for e in others if e.asked == line), None)
        if others and found is others[0]:
            self._next += 1
        return found


@dataclass(frozen=True)
class Recording:
    """A walk that has passed, by its URL and the name of its run."""

    url: str
    run: str
    admin: Person
    exchanges: list[Exchange]

    @classmethod
    def of(cls, url: str, admin: Person) -> "Recording":
        """Walk through a shop.

        Raises:
            AssertionError: a step failed or was skipped.
        """
        recorder, run = Recorder(url), secrets.token_hex(4)
        assert walk_through(Walk(Client(url, run, transport=recorder), admin.email, admin.password))
        return cls(url, run, admin, recorder.exchanges)

    def walk(self, change: Change) -> Walk:
        """A walk through the changed answers."""
        replay = Replay(self.url, self.exchanges, change)
        client = Client(
            self.url, self.run, transport=replay, clock=lambda: replay.now, sleep=replay.sleep
        )
        return Walk(client, self.admin.email, self.admin.password)
