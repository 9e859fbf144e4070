"""One walk over real HTTP, recorded, and walked again through the same answers with one of them broken."""

import gzip
import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from typing import Any, Final

import httpx

from tests.support.privacy import PRIVACY
from tools.smoke.__main__ import STEPS, Step, walk_through
from tools.smoke.client import Client, Person
from tools.smoke.walk import Walk

_OWN_HEADERS: Final = (
    "location",
    "etag",
    "allow",
    "idempotent-replayed",
    "www-authenticate",
    "x-amzn-remapped-www-authenticate",
)


@dataclass(frozen=True)
class Exchange:
    """A request's line below the shop's URL, what its walk expected, and what came."""

    asked: str
    expected: str
    status: int
    headers: dict[str, str]
    body: bytes
    step: str

    @property
    def place(self) -> str:
        return f"{self.asked} {self.expected}"

    @property
    def json(self) -> Any:
        is_json = "json" in self.headers.get("content-type", "") and self.body
        return json.loads(self.body) if is_json else None

    def having(self, document: Any) -> "Exchange":
        return replace(self, body=json.dumps(document).encode())

    def without(self, header: str) -> "Exchange":
        return replace(self, headers={k: v for k, v in self.headers.items() if k != header})


type Mutation = Callable[[Exchange], Exchange]


class Recorder(httpx.BaseTransport):
    """Real HTTP; keeps what came."""

    def __init__(self, url: str) -> None:
        self._inner = httpx.HTTPTransport()
        self._base = len(url)
        self._step = ""
        self.exchanges: list[Exchange] = []

    def during(self, step: Step) -> Step:
        """The step, by whose name its exchanges are kept."""

        @wraps(step)
        def take(walk: Walk) -> None:
            self._step = step.__name__
            try:
                step(walk)
            finally:
                self._step = ""

        return take

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        response.request = request
        response.read()
        PRIVACY.exchanged(response)
        line = f"{request.method} {str(request.url)[self._base :]}"
        # The headers as they came; the body is packed again where they say so.
        raw = {name.decode().lower(): value.decode() for name, value in response.headers.raw}
        exchange = Exchange(line, "", response.status_code, raw, response.content, self._step)
        if "/docs/" in line:
            exchange = replace(exchange, body=b"an asset").without("content-encoding")
        self.exchanges.append(exchange)
        return _response(exchange, request)

    def close(self) -> None:
        self._inner.close()


class Replay(httpx.BaseTransport):
    """The recorded answers in their order; a walk that asks otherwise has noticed something or gets an old answer."""

    def __init__(
        self, url: str, exchanges: list[Exchange], mutation: Mutation, start: int = 0
    ) -> None:
        self._base, self._exchanges, self._mutation = len(url), exchanges, mutation
        self._next = start

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        line = f"{request.method} {str(request.url)[self._base :]}"
        found = self._find(line)
        if found is None:
            return httpx.Response(404)
        mine = request.headers["X-Request-ID"]
        given = found.headers.get("x-request-id", "")
        # One that is not sane was replaced.
        mine = given if " " in mine else mine
        found = replace(
            found,
            headers=found.headers | {"x-request-id": mine},
            body=found.body.replace(given.encode(), mine.encode()) if given else found.body,
        )
        return _response(self._mutation(found), request)

    def _find(self, line: str) -> Exchange | None:
        following = self._exchanges[self._next : self._next + 1]
        if following and following[0].asked == line:
            self._next += 1
            return following[0]
        others = self._exchanges[: self._next][::-1] + self._exchanges[self._next :]
        return next((e for e in others if e.asked == line), None)


def _response(exchange: Exchange, request: httpx.Request) -> httpx.Response:
    headers = {k: v for k, v in exchange.headers.items() if k != "content-length"}
    body = exchange.body
    if headers.get("content-encoding") == "gzip":
        body = gzip.compress(body, compresslevel=1)
    return httpx.Response(exchange.status, headers=headers, content=body, request=request)


class Clock:
    """Time passes by sleeping only."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Recording:
    """A walk that has passed."""

    url: str
    run: str
    admin: Person
    exchanges: list[Exchange]
    # What each step found when it began.
    _before: dict[str, Walk] = field(default_factory=dict)
    _document: Any = None

    @classmethod
    def of(cls, url: str, admin: Person) -> "Recording":
        """Walk through a shop, and keep what came.

        Raises:
            AssertionError: a step failed or was skipped.
        """
        recorder, run = Recorder(url), secrets.token_hex(4)
        walk = Walk(Client(url, run, transport=recorder), admin.email, admin.password)
        steps = [recorder.during(step) for step in STEPS]
        assert walk_through(walk, steps)
        pairs = zip(recorder.exchanges, walk.api.asked, strict=True)
        exchanges = [replace(exchange, expected=asked[1]) for exchange, asked in pairs]
        return cls(url, run, admin, exchanges)

    def __post_init__(self) -> None:
        walk = self.walk()
        for step in STEPS:
            self._before[step.__name__] = _copy(walk, walk.api)
            step(walk)
        self._document = walk.document

    def walk(self, mutation: Mutation = lambda exchange: exchange, step: str = "") -> Walk:
        """A walk through the answers, from a step on."""
        places = [exchange.step for exchange in self.exchanges]
        start = places.index(step) if step else 0
        clock = Clock()
        transport = Replay(self.url, self.exchanges, mutation, start)
        client = Client(
            self.url, self.run, transport=transport, clock=clock.time, sleep=clock.sleep
        )
        if step:
            walk = _copy(self._before[step], client)
            # The first steps come before it is read.
            walk.document = walk.document or self._document
            return walk
        return Walk(client, self.admin.email, self.admin.password)

    def mutations(self) -> Iterator[tuple[str, str, Mutation]]:
        """Every answer of each step with another status, without each of its fields and each header of its own."""
        seen = set[tuple[str, str]]()
        for exchange in self.exchanges:
            if (exchange.step, exchange.place) not in seen and exchange.step:
                seen.add((exchange.step, exchange.place))
                for name, change in _changes(exchange):
                    yield exchange.step, f"{exchange.place}: {name}", _at(exchange.place, change)


def _copy(walk: Walk, api: Client) -> Walk:
    people = {name: replace(person) for name, person in walk._people.items()}
    admin = replace(walk._admin) if walk._admin else None
    return replace(
        walk, api=api, _people=people, _admin=admin, _products=[dict(p) for p in walk._products]
    )


def _changes(exchange: Exchange) -> Iterator[tuple[str, Mutation]]:
    status = 418 if exchange.status >= 400 else 299
    yield str(status), partial(replace, status=status)
    for name in sorted(exchange.headers.keys() & set(_OWN_HEADERS)):
        yield f"no {name}", partial(Exchange.without, header=name)
    if not exchange.asked.startswith(("GET /openapi.json", "GET /asyncapi.json")):
        for path in sorted(_fields(exchange.json)):
            yield f"no {'.'.join(path)}", partial(_dropped, path=path)


def _at(place: str, change: Mutation) -> Mutation:
    return lambda exchange: change(exchange) if exchange.place == place else exchange


def _fields(document: Any, above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    if isinstance(document, list):
        return {path for inner in document for path in _fields(inner, (*above, "*"))}
    if not isinstance(document, dict):
        return set()
    own = {(*above, name) for name in document}
    return own.union(*(_fields(inner, (*above, name)) for name, inner in document.items()))


def _dropped(exchange: Exchange, path: tuple[str, ...]) -> Exchange:
    document = exchange.json
    _drop(document, path)
    return exchange.having(document)


def _drop(document: Any, path: tuple[str, ...]) -> None:
    name, *more = path
    if name == "*" and isinstance(document, list):
        for inner in document:
            _drop(inner, tuple(more))
    elif isinstance(document, dict) and name in document:
        if more:
            _drop(document[name], tuple(more))
        else:
            del document[name]


def changing(asked: str, change: Callable[[Any], object]) -> Mutation:
    """Every successful answer to such a request has a changed body."""

    def mutation(exchange: Exchange) -> Exchange:
        if exchange.status >= 300 or not re.fullmatch(asked, exchange.asked):
            return exchange
        document = exchange.json
        change(document)
        return exchange.having(document)

    return mutation
