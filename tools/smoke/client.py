"""HTTP to one shop: sends requests, repeats what is safe to repeat, and checks every answer."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tools.progress import Problem

_LONGEST_PAUSE: Final = 60.0
# API Gateway times out after 29 s.
_TIMEOUT: Final = httpx.Timeout(35, connect=10)
_COMPRESSED_FROM: Final = 1024
# Only a successful GET of these may be cached.
_PUBLIC: Final = ("/.well-known/", "/api/v1/products", "/docs", "/openapi.json", "/asyncapi.json")
# A path with a stage where the URL has none is wrong, too.
_LINKED: Final = ("/api/v1/", "/health", "/docs", "/openapi.json", "/asyncapi.json")


class Unexpected(Exception):
    """An answer that the contract does not allow; its text is one sentence for the terminal."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


@dataclass
class Person:
    """A user with an account, logged in or not."""

    email: str
    password: str = field(repr=False)
    id: str = ""
    location: str = ""
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Reply:
    """An answer, and the request's method and path."""

    asked: str
    expected: str
    response: httpx.Response

    @property
    def json(self) -> Any:
        try:
            return self.response.json()
        except ValueError:
            raise self.unexpected("be JSON") from None

    def __getitem__(self, name: str) -> Any:
        self.should(isinstance(self.json, dict) and name in self.json, f"have {name!r}")
        return self.json[name]

    def header(self, name: str) -> str:
        self.should(name in self.response.headers, f"have the header {name}")
        return self.response.headers[name]

    @property
    def is_replayed(self) -> bool:
        return bool(self.response.headers.get("Idempotent-Replayed") == "true")

    def should(self, holds: object, what: str) -> None:
        """Raise Unexpected unless it holds; `what` continues "the answer should"."""
        if not holds:
            raise self.unexpected(what)

    def has(self, **values: object) -> None:
        """Check members of the body; not for secrets, because the sentence shows the answer's."""
        for name, value in values.items():
            self.should(self[name] == value, f"have {name} {value!r} and not {self[name]!r}")

    def unexpected(self, what: str) -> Unexpected:
        code = code_of(self.response)
        sent = self.response.request.headers["X-Request-ID"]
        request_id = self.response.headers.get("X-Request-ID", sent)
        came = f"{self.response.status_code} {code}".strip()
        return Unexpected(
            f"The answer to {self.asked} should {what}: {came} came, request id {request_id}.", code
        )


def code_of(response: httpx.Response) -> str:
    """The contract's code of a problem; empty for any other answer."""
    try:
        return str(response.json()["type"]).rpartition("/")[2]
    except (ValueError, KeyError, TypeError):
        return ""


class Client:
    """Sends requests to a shop.

    Args:
        url: where the API is, with the stage if its URL has one.
        run: names this walk, in the id of every request.
        transport, clock, sleep: for tests.
    """

    def __init__(
        self,
        url: str,
        run: str,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = str(httpx.URL(url)).rstrip("/")
        self.run = run
        self.clock, self.sleep = clock, sleep
        self.replies: list[Reply] = []
        # What every answer promises and some lacked, with the requests of those.
        self.broken: dict[str, list[str]] = {}
        self._http = httpx.Client(timeout=_TIMEOUT, transport=transport)

    def ask(
        self,
        request: str,
        expected: str,
        who: Person | None = None,
        json: object = None,
        *,
        content: bytes | None = None,
        **headers: str,
    ) -> Reply:
        """Send `GET /path`, and check that the answer is `200` or `404 not-found`.

        In headers' names _ stands for -; empty headers are not sent.

        Raises:
            Unexpected: another answer, or none.
            Problem: the first request was not answered.
        """
        method, _, path = request.partition(" ")
        sent = {"X-Request-ID": f"smoke-{self.run}-{len(self.replies) + 1}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items() if value}
        if who:
            sent["Authorization"] = f"Bearer {who.access_token}"
        response = self._send(
            self._http.build_request(
                method, self.url + path, json=json, content=content, headers=sent
            )
        )
        reply = Reply(f"{method} {path.partition('?')[0]}", expected, response)
        self.replies.append(reply)
        for broken in _broken(response, sent["X-Request-ID"], path):
            self.broken.setdefault(broken, []).append(f"{reply.asked} ({sent['X-Request-ID']})")
        status, _, code = expected.partition(" ")
        reply.should(response.status_code == int(status), f"be {expected}")
        if code:
            _check_problem(reply, code)
        return reply

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def linked(self, reply: Reply, link: str) -> str:
        """The path below the shop's URL that a link or a Location in an answer leads to."""
        target = str(httpx.URL(f"{self.url}/").join(link))
        reply.should(
            target.startswith(tuple(self.url + path for path in _LINKED)),
            f"lead to a path of the API below {self.url} and not to {target}",
        )
        return target.removeprefix(self.url)

    def until(
        self,
        request: str,
        who: Person | None,
        holds: Callable[[Reply], object],
        what: str,
        within: float = 30,
    ) -> Reply:
        """Repeat a GET until the answer holds: queues and indexes are a moment late."""
        deadline, pause = self.clock() + within, 0.05
        while True:
            reply = self.ask(request, "200", who)
            if holds(reply):
                return reply
            reply.should(self.clock() < deadline, f"{what} within {within:.0f} s")
            self.sleep(pause)
            pause = min(2.0, pause * 1.5)

    def _send(self, request: httpx.Request, retries_left: int = 2) -> httpx.Response:
        try:
            response = self._http.send(request)
        except (httpx.RequestError, httpx.InvalidURL, UnicodeError) as error:
            if not self.replies:
                raise Problem(f"Nothing answers at {self.url}: {error}.") from None
            raise Unexpected(
                f"{request.method} {request.url.path} was not answered: "
                f"{type(error).__name__}, request id {request.headers['X-Request-ID']}."
            ) from None
        pause = _pause(request, response)
        if pause is None or not retries_left:
            return response
        self.sleep(pause)
        return self._send(request, retries_left - 1)


def _pause(request: httpx.Request, response: httpx.Response) -> float | None:
    """Seconds until the refused request may be repeated; None where it must not be."""
    is_repeatable = request.method == "GET" or bool(request.headers.get("Idempotency-Key"))
    is_refused = response.status_code == 429 or (response.status_code == 503 and is_repeatable)
    wanted = response.headers.get("Retry-After", "")
    return min(float(wanted), _LONGEST_PAUSE) if is_refused and wanted.isdecimal() else None


def _check_problem(reply: Reply, code: str) -> None:
    """The members that no schema shows to be right; the step openapi_document shows the form."""
    reply.should(code_of(reply.response) == code, f"be the problem {code}")
    reply.has(status=reply.response.status_code, request_id=reply.header("X-Request-ID"))
    path = reply.response.request.url.path.rstrip("/") or "/"
    # The gateway's own answers repeat nothing that a client sent.
    is_own = str(reply["instance"]).startswith("urn:uuid:")
    reply.should(is_own or reply["instance"] == path, f"have instance {path!r}")
    if code == "unauthenticated":
        # A REST API of API Gateway renames it.
        names = ("WWW-Authenticate", "x-amzn-Remapped-WWW-Authenticate")
        sent = [reply.response.headers.get(name, "") for name in names]
        reply.should("Bearer" in "".join(sent), "have WWW-Authenticate (or its remapped form)")


def _broken(response: httpx.Response, request_id: str, path: str) -> Iterator[str]:
    """What this answer lacks of what the contract promises of every answer."""
    headers = response.headers
    # An id that is not sane must be replaced.
    is_sane = bool(re.fullmatch(r"[\w.-]{1,128}", request_id))
    if (headers.get("x-request-id", "") == request_id) != is_sane:
        yield "X-Request-ID is not the request's"
    if not re.fullmatch(r"\d+(\.\d+)?", headers.get("x-process-time", "")):
        yield "X-Process-Time is no number"
    if headers.get("x-content-type-options") != "nosniff":
        yield "X-Content-Type-Options is not nosniff"
    if "max-age=" not in headers.get("strict-transport-security", ""):
        yield "Strict-Transport-Security has no max-age"
    is_public = response.request.method == "GET" and path.startswith(_PUBLIC)
    may_be_cached = is_public and response.status_code < 400
    if not may_be_cached and "no-store" not in headers.get("cache-control", ""):
        yield "Cache-Control is not no-store"
    accepts_gzip = "gzip" in response.request.headers.get("accept-encoding", "")
    is_large = len(response.content) > _COMPRESSED_FROM
    if accepts_gzip and is_large and "content-encoding" not in headers:
        yield "over 1 KB is not compressed"
