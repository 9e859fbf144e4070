"""HTTP to one shop: every answer is checked for what all answers promise."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tools.progress import Problem

# How the paths of links begin: a stage where the URL has none is wrong too.
_LINKED: Final = ("/api/v1/", "/health", "/docs", "/openapi.json", "/asyncapi.json")
_ATTEMPTS: Final = 3
_LONGEST_PAUSE: Final = 60.0
# API Gateway gives up after 29 s.
_TIMEOUT: Final = httpx.Timeout(35, connect=10)
_COMPRESSED_FROM: Final = 1024
# A successful GET of these may be kept by anyone; nothing else may be kept at all.
_PUBLIC: Final = ("/.well-known/", "/api/v1/products", "/docs", "/openapi.json", "/asyncapi.json")


# Errors of code that reads an answer of another form than the contract's.
MALFORMED: Final = (
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    httpx.InvalidURL,
)


class Unexpected(Exception):
    """An answer that the contract does not allow; its text is one sentence for the terminal.

    Attributes:
        code: of the problem that came, if one did.
    """

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
    """An answer, and what was asked."""

    asked: str
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

    def should(self, holds: object, what: str) -> None:
        """Raise Unexpected unless it holds; `what` goes on after "the answer should"."""
        if not holds:
            raise self.unexpected(what)

    def has(self, **values: object) -> None:
        """Check fields of the body; not for secrets, because the sentence shows what came."""
        for name, value in values.items():
            self.should(self[name] == value, f"have {name} {value!r} and not {self[name]!r}")

    def fields(self, names: str, of: Any = None) -> None:
        """Check that the body, or an object in it, has all these fields; it may have more."""
        missing = [name for name in names.split() if name not in (self.json if of is None else of)]
        self.should(not missing, f"have {', '.join(missing)}")

    def unexpected(self, what: str) -> Unexpected:
        status, code = self.response.status_code, code_of(self.response)
        sent = self.response.request.headers["X-Request-ID"]
        request_id = self.response.headers.get("X-Request-ID", sent)
        came = f"{status} {code}".strip()
        return Unexpected(
            f"The answer to {self.asked} should {what}: {came} came, request id {request_id}.", code
        )


def code_of(response: httpx.Response) -> str:
    """The contract's code of a problem; empty where the answer is none."""
    try:
        return str(response.json()["type"]).rpartition("/")[2]
    except (ValueError, KeyError, TypeError):
        return ""


class Client:
    """Asks a shop.

    Args:
        url: where the API is, with the stage if its URL has one.
        run: names this walk; it stands in every request's id.
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
        self.requests = 0
        self.asked: list[tuple[str, str, httpx.Response]] = []
        # The promises of all answers that were broken, with the answers.
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
        """Send `GET /path`, and check that `200` or `404 not-found` is answered.

        In headers' names _ stands for -; empty headers are not sent.

        Raises:
            Unexpected: another answer, or none.
            Problem: the first request was not answered.
        """
        method, _, path = request.partition(" ")
        self.requests += 1
        request_id = f"smoke-{self.run}-{self.requests}"
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value}
        sent = {"X-Request-ID": request_id} | sent
        if who:
            sent["Authorization"] = f"Bearer {who.access_token}"
        response = self._send(
            self._http.build_request(
                method, self.url + path, json=json, content=content, headers=sent
            )
        )
        asked = f"{method} {path.partition('?')[0]}"
        reply = Reply(asked, response)
        self.asked.append((asked, expected, response))
        for broken in _broken(response, sent["X-Request-ID"], len(self.url)):
            self.broken.setdefault(broken, []).append(f"{asked} ({request_id})")
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
        leads_to_api = target.startswith(tuple(self.url + path for path in _LINKED))
        reply.should(
            leads_to_api, f"lead to a path of the API below {self.url} and not to {target}"
        )
        return target.removeprefix(self.url)

    def until(
        self,
        look: Callable[[], Reply],
        holds: Callable[[Reply], bool],
        what: str,
        within: float = 30,
    ) -> Reply:
        """Repeat the request until the answer holds: queues and indexes need a moment."""
        deadline, pause = self.clock() + within, 0.25
        while True:
            reply = look()
            if holds(reply):
                return reply
            reply.should(self.clock() < deadline, f"{what} within {within:.0f} s")
            self.sleep(pause)
            pause = min(2.0, pause * 1.5)

    def _send(self, request: httpx.Request) -> httpx.Response:
        # Any other request might be done twice.
        repeatable = request.method == "GET" or request.headers.get("Idempotency-Key")
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                response = self._http.send(request)
            except (httpx.RequestError, httpx.InvalidURL, UnicodeError) as error:
                if not self.asked:
                    raise Problem(f"Nothing answers at {self.url}: {error}.") from None
                if attempt == _ATTEMPTS or request.method != "GET":
                    raise Unexpected(
                        f"{request.method} {request.url.path} was not answered: "
                        f"{type(error).__name__}, request id {request.headers['X-Request-ID']}."
                    ) from None
                pause = 1.0
            else:
                refused = response.status_code == 429 or (
                    response.status_code == 503 and repeatable
                )
                wanted = response.headers.get("Retry-After", "")
                if attempt == _ATTEMPTS or not refused or not wanted.isdecimal():
                    return response
                pause = float(wanted)
            self.sleep(min(pause, _LONGEST_PAUSE))
        raise AssertionError("the last attempt returns or raises")


def _check_problem(reply: Reply, code: str) -> None:
    reply.should(code_of(reply.response) == code, f"be the problem {code}")
    content_type = reply.header("Content-Type").partition(";")[0]
    reply.should(content_type == "application/problem+json", "be application/problem+json")
    reply.fields("type title status detail instance request_id")
    reply.has(status=reply.response.status_code, request_id=reply.header("X-Request-ID"))
    path = reply.response.request.url.path.rstrip("/") or "/"
    # The gateway's own answers hold nothing that a client sent.
    is_own = str(reply["instance"]).startswith("urn:uuid:")
    reply.should(is_own or reply["instance"] == path, f"have instance {path!r}")
    if reply.response.status_code == 401 and code == "unauthenticated":
        # A REST API of API Gateway renames it.
        names = ("WWW-Authenticate", "x-amzn-Remapped-WWW-Authenticate")
        sent = [reply.response.headers.get(name, "") for name in names]
        reply.should("Bearer" in "".join(sent), "have WWW-Authenticate (or its remapped form)")


def _broken(response: httpx.Response, request_id: str, base: int) -> Iterator[str]:
    """What this answer lacks of what the contract says of every answer."""
    headers = response.headers
    # One that is not sane must be replaced.
    is_sane = bool(re.fullmatch(r"[\w.-]{1,128}", request_id))
    if (headers.get("x-request-id", "") == request_id) != is_sane:
        yield "X-Request-ID is not the request's"
    if not re.fullmatch(r"\d+(\.\d+)?", headers.get("x-process-time", "")):
        yield "X-Process-Time is no number"
    if headers.get("x-content-type-options") != "nosniff":
        yield "X-Content-Type-Options is not nosniff"
    if "max-age=" not in headers.get("strict-transport-security", ""):
        yield "Strict-Transport-Security has no max-age"
    path = str(response.url)[base:]
    may_be_kept = response.request.method == "GET" and path.startswith(_PUBLIC)
    may_be_kept &= response.status_code < 400
    if not may_be_kept and "no-store" not in headers.get("cache-control", ""):
        yield "Cache-Control is not no-store"
    accepts_gzip = "gzip" in response.request.headers.get("accept-encoding", "")
    is_large = len(response.content) > _COMPRESSED_FROM
    if accepts_gzip and is_large and "content-encoding" not in headers:
        yield "over 1 KB is not compressed"
