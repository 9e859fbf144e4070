"""The Python client of `make client`, in the place of plain HTTP: each request that it can express
goes through its functions, and its answer is what the client understood of the shop's."""

import importlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints

import httpx

from tools import clients
from tools.local.places import ROOT

# A body, a parameter or an answer that the generated code has no form for.
_INEXPRESSIBLE = (AttributeError, KeyError, TypeError, ValueError)


def snake_case(name: str) -> str:
    """`logInThere`, `X-Request-ID` → `log_in_there`, `x_request_id`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|-", "_", name).lower()


@dataclass(frozen=True)
class Operation:
    """A route of the document, and the function that the client has for it."""

    name: str
    method: str
    path: re.Pattern[str]
    parameters: list[dict[str, Any]]
    call: Callable[..., Any]

    def arguments(self, request: httpx.Request, found: re.Match[str]) -> dict[str, Any] | None:
        """The request as arguments of the function; None where it has none for a part."""
        query, headers = dict(request.url.params), request.headers
        given: dict[str, Any] = dict(found.groupdict())
        for parameter in self.parameters:
            name = parameter["name"]
            if parameter["in"] == "query" and name in query:
                given[snake_case(name)] = _typed(query.pop(name), parameter["schema"])
            elif parameter["in"] == "header" and name in headers:
                given[snake_case(name)] = headers[name]
        if query:
            return None
        if request.content:
            given["body"] = self._body(json.loads(request.content))
            if given["body"] is None:
                return None
        return given

    def _body(self, sent: dict[str, Any]) -> Any:
        hint = get_type_hints(self.call).get("body")
        for model in get_args(hint) or (hint,):
            try:
                body = model.from_dict(sent)
            except _INEXPRESSIBLE:
                continue
            if {name: body.to_dict().get(name) for name in sent} == sent:
                return body
        return None


def _typed(text: str, schema: dict[str, Any]) -> Any:
    kind = schema.get("type")
    return int(text) if kind == "integer" else text == "true" if kind == "boolean" else text


def operations(package: Path) -> Iterator[Operation]:
    """Each operation of the document that the client was made of."""
    document = json.loads(clients.DOCUMENT.read_text())
    # Last, so that only what the app's environment lacks (attrs) comes from the generator's.
    sys.path += [str(package), *map(str, (ROOT / ".tools/client/lib").glob("*/site-packages"))]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            module = f"{clients.PACKAGE}.api.{snake_case(operation['tags'][0])}.{snake_case(name)}"
            yield Operation(
                name,
                method.upper(),
                re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)),
                [one for one in operation["parameters"] if "$ref" not in one],
                importlib.import_module(module).sync_detailed,
            )


@dataclass
class Generated(httpx.BaseTransport):
    """Sends what it can through the generated client, and the rest as it is.

    Attributes:
        package: the folder of `clients.make_python`.
        inner: the transport of both.
        url: where the API is, with the stage if it has one.
        called: the names of the operations that went through the client.
        plain: the lines of the requests that did not.
    """

    package: Path
    inner: httpx.BaseTransport
    url: str
    called: set[str] = field(default_factory=set)
    plain: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # The document has /users/me before /users/{id}.
        self._operations = list(operations(self.package))
        self._client = importlib.import_module(f"{clients.PACKAGE}.client").Client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = str(request.url.copy_with(query=None)).removeprefix(self.url)
        for operation in self._operations:
            found = operation.path.fullmatch(path)
            if found and operation.method == request.method:
                given = operation.arguments(request, found)
                if given is not None:
                    self.called.add(operation.name)
                    return self._through_client(operation, given, request)
                break
        self.plain.append(f"{request.method} {path}")
        return self.inner.handle_request(request)

    def _through_client(
        self, operation: Operation, given: dict[str, Any], request: httpx.Request
    ) -> httpx.Response:
        body = ("content-length", "content-type", "transfer-encoding")
        headers = {name: value for name, value in request.headers.items() if name not in body}
        client = self._client(base_url=self.url, raise_on_unexpected_status=True).set_httpx_client(
            httpx.Client(base_url=self.url, headers=headers, transport=self.inner)
        )
        answer = operation.call(client=client, **given)
        assert answer.parsed is not None or not answer.content, f"{operation.name}: not understood"
        content = answer.content
        if hasattr(answer.parsed, "to_dict"):
            content = json.dumps(answer.parsed.to_dict()).encode()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)

    def close(self) -> None:
        self.inner.close()
