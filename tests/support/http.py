"""HTTP without a server: requests as API Gateway's REST events, through the real Lambda handler."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, FastAPI

from shared.auth.tokens import Caller
from shared.runtime.entry import Handler
from shared.web.app import create_app, lambda_handler
from shared.web.paging import Cursors
from tests.support.callers import FakeVerifier
from tests.support.lambda_events import REST
from tests.support.privacy import PRIVACY


@dataclass(frozen=True)
class Answer:
    """What the gateway would send: the status, headers by their lower-case names, the body as
    text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """The answer of a handler; a header that it gives several times is one line."""
        several = answer.get("multiValueHeaders", {})
        joined = {name: ", ".join(values) for name, values in several.items()}
        given = {**answer["headers"], **joined}
        headers = {name.lower(): value for name, value in given.items()}
        return cls(answer["statusCode"], headers, answer["body"])

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The contract's code of a problem."""
        return str(self.json["type"]).rpartition("/")[2]


@dataclass(frozen=True)
class Url:
    """A form of the API's URL.

    Attributes:
        root: what stands before the API's paths.
        base_path: what of it an event's `path` has too.
    """

    root: str = ""
    base_path: str = ""


DOMAIN = Url()
DOMAIN_WITH_BASE_PATH = Url("/shop", "/shop")
EXECUTE_API = Url("/live")
URLS = (DOMAIN, DOMAIN_WITH_BASE_PATH, EXECUTE_API)


def rest_event(
    method: str,
    path: str,
    *,
    at: Url = DOMAIN,
    json_body: object = None,
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
    source_ip: str = "192.0.2.1",
) -> dict[str, Any]:
    """The event that API Gateway makes of a request; `path`, that in the API, may have a query."""
    url = urlsplit(path)
    query = parse_qs(url.query, keep_blank_values=True)
    text = json.dumps(json_body) if json_body is not None else body
    sent = {"Host": "shop.example", "X-Forwarded-Proto": "https"}
    if text is not None:
        sent["Content-Type"] = "application/json"
    sent |= headers or {}
    PRIVACY.sent(sent, text)
    resource = url.path.rstrip("/") or "/"
    context = REST["requestContext"]
    return REST | {
        "resource": resource,
        "path": at.base_path + url.path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": None,
        "requestContext": {
            **context,
            "httpMethod": method,
            "path": at.root + url.path,
            "resourcePath": resource,
            "identity": {**context["identity"], "sourceIp": source_ip},
        },
        "body": text,
    }


class HttpClient:
    """Asks an app, or a function's handler, as API Gateway does."""

    def __init__(self, target: FastAPI | Handler) -> None:
        self._handler = lambda_handler(target) if isinstance(target, FastAPI) else target

    def request(
        self, method: str, path: str, *, caller: Caller | None = None, **parts: Any
    ) -> Answer:
        """Send a request; with `caller`, under the token that `FakeVerifier` takes for that
        caller."""
        if caller:
            bearer = {"Authorization": f"Bearer {caller.role}:{caller.id}:{caller.session_epoch}"}
            parts["headers"] = bearer | (parts.get("headers") or {})
        answer = self._handler(rest_event(method, path, **parts), None)
        PRIVACY.body(answer["body"])
        return Answer.of(answer)

    def get(self, path: str, **parts: Any) -> Answer:
        return self.request("GET", path, **parts)

    def post(self, path: str, json_body: object = None, **parts: Any) -> Answer:
        return self.request("POST", path, json_body=json_body, **parts)

    def put(self, path: str, json_body: object = None, **parts: Any) -> Answer:
        return self.request("PUT", path, json_body=json_body, **parts)

    def delete(self, path: str, **parts: Any) -> Answer:
        return self.request("DELETE", path, **parts)


def serve(router: APIRouter, **services: Any) -> HttpClient:
    """A client of the app of these routes; `services` also replace other parts of it."""
    parts: dict[str, Any] = {
        "verifier": FakeVerifier(),
        "cursors": Cursors(lambda: b"k" * 32),
    } | services
    return HttpClient(create_app("tests", router, **parts))
