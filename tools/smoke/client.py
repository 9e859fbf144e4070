"""HTTP to one shop: sends requests, repeats what is safe to repeat, and checks every answer."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tools.local import mail
from tools.progress import Problem

_LONGEST_PAUSE: Final = 60.0
# API Gateway times out after 29 s.
_TIMEOUT: Final = httpx.Timeout(35, connect=10)
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

    @property
    def proof(self) -> dict[str, str]:
        """The part of a body that shows who is asking."""
        return {"current_password": self.password}


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
        self._http = httpx.Client(timeout=_TIMEOUT, transport=transport)

    def ask(
        self,
        request: str,
        expected: str,
        who: Person | None = None,
        json: object = None,
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
            self._http.build_request(method, self.url + path, json=json, headers=sent)
        )
        reply = Reply(f"{method} {path.partition('?')[0]}", expected, response)
        self.replies.append(reply)
        status, _, code = expected.partition(" ")
        is_expected = response.status_code == int(status) and code in ("", code_of(response))
        reply.should(is_expected, f"be {expected}")
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

    def emailed_token(self, address: str, within: float = 30) -> str | None:
        """The token of the link that the shop has mailed to an address; None where only its owner
        can read that: on every shop but those of this machine."""
        deadline = self.clock() + within
        origin = str(httpx.URL(self.url).copy_with(path="/")).rstrip("/")
        while True:
            try:
                token = mail.newest_token(self._http, address, origin)
            except httpx.HTTPError:
                return None
            if token:
                return token
            if self.clock() >= deadline:
                raise Unexpected(f"No e-mail with a link came within {within:.0f} s.")
            self.sleep(0.2)

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
