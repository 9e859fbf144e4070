"""The parts of API Gateway that the emulator lacks: URLs, limits, responses, compression.

    python -m tools.local.front <port> <folder>

`/api/v1/…` is the API at a custom domain, `/live/api/v1/…` at the execute-api URL. Every request is
forwarded to the stage that `api.json` in the folder names; a deployment rewrites that file. The
files of `web/` and `/_local/…`, what the console has of a local shop, are the front's own.
"""

import asyncio
import gzip
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h11
import httpx
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tools.local import gateway, helpers, web
from tools.local.firewall import Firewall, Limit
from tools.local.gateway import Headers
from tools.local.places import BASE_PATH, HOST

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]

API_FILE: Final = "api.json"
# They describe one connection, and there are two (RFC 9110, section 7.6.1).
_OF_THE_CONNECTION: Final = {
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
# What the gateway writes itself, whatever the client sent.
_BASE_PATH: Final = BASE_PATH.encode()
_OF_THE_GATEWAY: Final = {
    b"content-length",  # a chunked body has none, and one that has both is read by its chunks
    b"x-forwarded-for",
    b"x-forwarded-port",
    b"x-forwarded-proto",
    _BASE_PATH,
}
# So that a head that is too large still gets an answer.
_LONGEST_HEAD: Final = 1024 * 1024
_GONE: Final = {
    "type": "/problems/bad-gateway",
    "title": "The shop is not running",
    "status": 502,
    "detail": "The emulator does not answer; start the shop again with `make run`.",
}


@dataclass(frozen=True)
class Target:
    """Where the API is, and what the front does in the gateway's place.

    Attributes:
        compress_from: from how many bytes it compresses answers.
        gateway_responses: its own responses.
        limits: of one address, each as the fields of a Limit.
        page_headers: what CloudFront adds to each file of `web/`.
    """

    url: str
    compress_from: int | None
    gateway_responses: Mapping[str, Any]
    limits: Sequence[Mapping[str, Any]] = ()
    page_headers: Sequence[tuple[str, str]] = ()


class Front:
    """The reverse proxy, as an ASGI application."""

    def __init__(self, port: int, api_file: Path) -> None:
        self.port = port
        self.api_file = api_file
        self._changed = 0
        # Every concurrent request takes a worker of each function, and starting many is slow.
        self._free = asyncio.Semaphore(max(4, 2 * (os.cpu_count() or 1)))
        self._target = Target("", None, {})
        self._firewall = Firewall(())
        # Longer than the API's own time-out of 29 s.
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(60, connect=2),
            limits=httpx.Limits(max_connections=400, max_keepalive_connections=100),
            trust_env=False,
        )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _read_body(receive)
        try:
            # Before the limits: the API has no part in it.
            if own := await self._local_answer(scope, body) or self._refused(scope, body):
                await _answer(send, *own)
                return
            async with self._free:
                answer = await self._client.send(self._request(scope, body), stream=True)
                try:
                    content = b"".join([chunk async for chunk in answer.aiter_raw()])
                finally:
                    await answer.aclose()
        except (httpx.HTTPError, OSError, ValueError):
            gone = json.dumps({**_GONE, "instance": scope["path"]}).encode()
            headers = [(b"content-type", b"application/problem+json")]
            await _answer(send, 502, headers, gone)
            return
        headers = [(k.lower(), v) for k, v in answer.headers.raw]
        headers = [(k, v) for k, v in headers if k not in _OF_THE_CONNECTION]
        if not any(key == b"x-request-id" for key, _ in headers):
            # All answers of functions have one.
            await _answer(send, *self.own_answer(answer.status_code))
            return
        headers = gateway.renamed(headers)
        if self._compresses(scope, headers, content):
            content = gzip.compress(content, compresslevel=6, mtime=0)
            headers.append((b"content-encoding", b"gzip"))
        await _answer(send, answer.status_code, headers, content)

    def target(self) -> Target:
        changed = self.api_file.stat().st_mtime_ns
        if changed != self._changed:
            self._target = Target(**json.loads(self.api_file.read_text()))
            self._changed = changed
            self._firewall = Firewall(Limit(**fields) for fields in self._target.limits)
        return self._target

    def own_answer(self, status: int, type_: str = "") -> gateway.Answer:
        """What API Gateway answers by itself, of a status or of a type of response."""
        return gateway.answer(self.target().gateway_responses, status, type_)

    async def _local_answer(self, scope: Message, body: bytes) -> gateway.Answer | None:
        """The answer of what is not the API's; None for all of the API."""
        if page := web.answer(scope, self.target().page_headers):
            return page
        if not scope["path"].startswith(helpers.PREFIX):
            return None
        emulator = httpx.URL(self.target().url).copy_with(raw_path=b"/")
        return await helpers.answer(self._client, emulator, scope, body)

    def _refused(self, scope: Message, body: bytes) -> gateway.Answer | None:
        """The answer to a request that is over a limit or a quota; None for all others."""
        self.target()
        if not self._firewall.admits(_address(scope), scope["method"], scope["path"]):
            return self.own_answer(403, "WAF_FILTERED")
        line = len(scope["method"]) + len(scope["raw_path"]) + len(scope["query_string"])
        if line + sum(len(value) for _, value in scope["headers"]) > gateway.LARGEST_HEAD:
            return self.own_answer(431)
        return self.own_answer(413) if len(body) > gateway.LARGEST_BODY else None

    def _request(self, scope: Message, body: bytes) -> httpx.Request:
        base = httpx.URL(self.target().url)
        path: bytes = scope["raw_path"]
        stage = b"/" + base.raw_path.rpartition(b"/")[2]
        is_at_domain = path != stage and not path.startswith(stage + b"/")
        if not is_at_domain:
            path = path.removeprefix(stage) or b"/"
        query: bytes = scope["query_string"]
        line = base.raw_path + path + (b"?" + query if query else b"")
        dropped = _OF_THE_CONNECTION | _OF_THE_GATEWAY
        headers: Headers = [(k, v) for k, v in scope["headers"] if k not in dropped]
        headers += [
            # The emulator takes the first address for the client's.
            (b"x-forwarded-for", _address(scope).encode()),
            (b"x-forwarded-port", str(self.port).encode()),
            (b"x-forwarded-proto", b"http"),
        ]
        if is_at_domain:
            headers.append((_BASE_PATH, b"/"))
        return httpx.Request(
            scope["method"], base, headers=headers, content=body, extensions={"target": line}
        )

    def _compresses(self, scope: Message, headers: Headers, content: bytes) -> bool:
        threshold = self._target.compress_from
        return (
            threshold is not None
            and len(content) >= threshold
            and not any(key == b"content-encoding" for key, _ in headers)
            and any(
                key == b"accept-encoding" and b"gzip" in value for key, value in scope["headers"]
            )
        )


def _address(scope: Message) -> str:
    address: str = (scope["client"] or (HOST, 0))[0]
    return address


async def _read_body(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        if len(body) <= gateway.LARGEST_BODY:
            body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _answer(send: Send, status: int, headers: Headers, content: bytes) -> None:
    # An answer to HEAD, and a 304, have the length of a body that is not sent.
    if content:
        headers = [(k, v) for k, v in headers if k != b"content-length"]
        headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _protocol(front: Front) -> type[H11Protocol]:
    """HTTP as uvicorn speaks it, which answers in plain text what it cannot read."""

    class Protocol(H11Protocol):
        def send_400_response(self, msg: str) -> None:
            status, headers, content = front.own_answer(400)
            headers = [
                *headers,
                (b"content-length", str(len(content)).encode()),
                (b"connection", b"close"),
            ]
            events = (
                h11.Response(status_code=status, headers=headers, reason=msg.encode()),
                h11.Data(data=content),
                h11.EndOfMessage(),
            )
            for event in events:
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

    return Protocol


def main(port: int, folder: Path) -> None:
    front = Front(port, folder / API_FILE)
    uvicorn.run(
        front,
        http=_protocol(front),
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        host=HOST,
        port=port,
        lifespan="off",
        # Longer than clients keep an idle connection, as the emulator's: a request on one that is
        # being closed is lost.
        timeout_keep_alive=75,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
