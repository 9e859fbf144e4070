"""A simulated shop that records the functions' AWS calls, with request units and log lines.

What the managed services do by themselves (Lambda's pollers, SNS deliveries) is not among the
calls.
"""

import io
import itertools
import json
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import unquote

import httpx

from tests.costs import capacity
from tests.costs.capacity import Units
from tests.simulation.resources import STREAMS, WORKERS
from tests.simulation.shop import SimulatedShop
from tests.simulation.wire import current
from tests.support.client import Client
from tests.support.log_stream import logged_to
from tools.template import resources

_WRITES: Final = ("PutItem", "UpdateItem", "DeleteItem")
# As in the template. Each function has its service's name there, which makes log lines longer.
_VARIABLES: Final = {
    "POWERTOOLS_METRICS_NAMESPACE": "Bodega",
    "POWERTOOLS_SERVICE_NAME": "products",
    "TRACING": "PassThrough",
    # Of a function that is not traced.
    "_X_AMZN_TRACE_ID": "Root=1-6b01d65d-fd3edb0aec4b4537a9cb9609;Lineage=1:4e3a5b1c:0",
}
_MANY: Final = 100_000
_MOST_ROUNDS: Final = 60
_PASSWORDS: Final = re.compile(r"/api/v1/(auth/((browser/)?login|reset)|users)$")


@dataclass
class Call:
    """One call to AWS.

    Attributes:
        about: the table, or the invoked function and its operation.
        depth: 1 for the calls of a function that another one waits for.
        keys: of DynamoDB's, the first partition key.
        size: of the request, in bytes.
    """

    function: str
    service: str
    operation: str
    about: str
    depth: int
    keys: str = ""
    size: int = 0
    units: Units = field(default_factory=Units)

    @property
    def is_payment(self) -> bool:
        """Whether it is the sandbox payment provider's: see orders.payments.sandbox."""
        return self.keys.startswith("SANDBOX-PAYMENT")

    def __str__(self) -> str:
        return f"{self.function}: {self.service}.{self.operation} {self.about}".strip()


@dataclass
class Run:
    """One invocation of a function, with the number of records in its event.

    Attributes:
        called: the invocations that it waited for.
        is_outermost: whether no other function invoked it.
    """

    function: str
    records: int
    is_outermost: bool = True
    hashes_password: bool = False
    calls: list[Call] = field(default_factory=list)
    called: list["Run"] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Exchange:
    """A request to the API and its response.

    Attributes:
        method: with the path of its resource, in which an id is `{id}`.
        size: of the response, whose body is compressed as the gateway does it for browsers.
    """

    method: str
    size: int


class MeteredShop(SimulatedShop):
    """The simulated shop, recording.

    Attributes:
        payment: what a new order says of its payment.
        rare: the only product with its name.
    """

    payment: Mapping[str, str] = {}
    rare: dict[str, Any]

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.runs: list[Run] = []
        self.exchanges: list[Exchange] = []
        self._open_runs: list[Run] = []
        self._numbers = itertools.count(1)
        self._answer = self.cloud.answer
        self.cloud.answer = self._metered  # type: ignore[method-assign]  # between wire and cloud

    def forget(self) -> None:
        """Begin a new recording."""
        self.calls, self.runs, self.exchanges = [], [], []

    def open(self) -> None:
        """Open the shop with enough stock. All functions are warm: an order has been completed, and
        both users have logged in."""
        super().open()
        self.rare = self.admin.add_product(name="Rarity", stock=10)
        for product in (self.mug, self.tray):
            path = f"/api/v1/products/{product['id']}/stock"
            self.admin.post(path, {"delta": _MANY}, headers={"Idempotency-Key": self.new_key()})
        self.place(lines=3)
        self.come_to_rest()

    def place(self, *, lines: int = 1, key: str = "", **more: Any) -> dict[str, Any]:
        """Place an order of so many lines; without a key, under a new one."""
        wanted = [(product, 1) for product in (self.mug, self.tray, self.rare)[:lines]]
        return self.customer.order(*wanted, key=key or self.new_key(), **{**self.payment, **more})

    def report(self, order: Mapping[str, Any]) -> None:
        """The payment provider reports that an order's payment has changed. The sandbox does not
        report."""

    def new_key(self) -> str:
        """An idempotency key as long as a client's."""
        return f"3f2b8c1e-9d4a-4c55-8e0f-{next(self._numbers):012d}"

    def fill(self, count: int) -> None:
        """Copy so many times, under other ids: a confirmed and a cancelled order with their
        reservations and e-mails, two products, and a customer."""
        kept, cancelled = self.place(), self.place()
        self.settle()
        self.customer.post(f"/api/v1/orders/{cancelled['id']}/cancel")
        self.come_to_rest()
        user: Client = self.anyone.register()
        self.come_to_rest()
        ids = [one["id"] for one in (kept, cancelled, self.mug, self.tray, user.user)]
        for table in self.cloud.dynamodb.tables.values():
            for (pk, sk), item in list(table.items.items()):
                if found := [id_ for id_ in ids if id_ in f"{pk} {sk}"]:
                    text = json.dumps(item)
                    for _ in range(count):
                        copy = json.loads(text.replace(found[0], f"{next(self._numbers):032x}"))
                        table.items[table.key(copy)] = copy
        self.pass_time(timedelta(hours=1))
        for client in (self.customer, self.admin):
            client.log_in()

    def settle_by_lanes(self) -> None:
        """As `settle`, but a stream's records reach its relay as Lambda's lanes batch them: each
        partition key has its lane, and lanes share no batch. For fewer records than a batch."""
        for _ in range(_MOST_ROUNDS):
            moved = 0
            for stream in STREAMS:
                lanes: dict[int, list[Any]] = {}
                for record in self._new_records(stream):
                    key = record["dynamodb"]["Keys"]["pk"]["S"]
                    lanes.setdefault(zlib.crc32(key.encode()) % stream.lanes, []).append(record)
                for records in lanes.values():
                    self.invoke(stream.relay, {"Records": records})
                    moved += len(records)
            moved += sum(self.deliver(queue) for queue in WORKERS)
            if not moved:
                return
        raise AssertionError("the shop does not come to rest")

    def answer(self, request: httpx.Request) -> httpx.Response:
        response = super().answer(request)
        path = re.sub(r"/[0-9a-f]{32}", "/{id}", request.url.path)
        headers = sum(len(name) + len(value) + 4 for name, value in response.headers.items())
        size = _sent_size(response.content) + headers
        self.exchanges.append(Exchange(f"{request.method} {path}", size))
        return response

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        run = Run(name, len(event.get("Records", ())), is_outermost=not self._open_runs)
        run.hashes_password = event.get("httpMethod") == "POST" and bool(
            _PASSWORDS.search(event["path"])
        )
        if self._open_runs:
            self._open_runs[-1].called.append(run)
        self.runs.append(run)
        self._open_runs.append(run)
        _PRINTED.streams.append(printed := io.StringIO())
        try:
            # pytest sets its own standard output after the fixtures: metrics would go there.
            with redirect_stdout(_PRINTED):
                return super().invoke(name, event)
        finally:
            _PRINTED.streams.pop()
            self._open_runs.pop()
            run.lines = printed.getvalue().splitlines()

    def _metered(
        self, service: str, operation: str, path: str, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        invocation = current.get()
        if invocation is None or not self._open_runs:
            return self._answer(service, operation, path, body)
        depth = len(self._open_runs) - 1
        call = Call(invocation.function, service, operation, "", depth, size=len(body))
        self._open_runs[-1].calls.append(call)
        self.calls.append(call)
        if service == "dynamodb":
            return self._answered(call, path, body)
        if service == "lambda":
            name = unquote(path.split("/functions/")[1].split("/", maxsplit=1)[0])
            call.about = f"{name.partition(':')[0]} {json.loads(body).get('name', '')}".strip()
        return self._answer(service, operation, path, body)

    def _answered(self, call: Call, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        operation, request = call.operation, json.loads(body)
        writes, reads = _writes(operation, request), _reads(operation, request)
        tables = {part["TableName"] for part in (*writes, *reads)} or {request["TableName"]}
        call.about = ",".join(sorted(tables))
        if keys := [part.get("Key") or part["Item"] for part in (*writes, *reads)]:
            call.keys = keys[0]["pk"]["S"]
        before = [self._item(part) for part in writes]
        answer = self._answer("dynamodb", operation, path, body)
        for part, old in zip(writes, before, strict=True):
            is_done = answer[0] == 200
            call.units += capacity.write(
                self.cloud.dynamodb.tables[part["TableName"]].definition,
                old,
                self._item(part) if is_done else old,
                in_transaction=operation == "TransactWriteItems",
                is_done=is_done,
            )
        for part in reads:
            size = capacity.size(self._item(part))
            call.units += Units(capacity.read([size], consistent=part.get("ConsistentRead", False)))
        if operation == "Query":
            call.units += self._queried(request, json.loads(answer[2]))
        return answer

    def _item(self, part: Mapping[str, Any]) -> Any:
        table = self.cloud.dynamodb.tables[part["TableName"]]
        return table.items.get(table.key(part.get("Key") or part["Item"]))

    def _queried(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> Units:
        """A filter saves no units: what it drops is read."""
        if "FilterExpression" in request:
            unfiltered = {k: v for k, v in request.items() if k != "FilterExpression"}
            table = self.cloud.dynamodb.tables[request["TableName"]]
            answer = table.query(unfiltered, table.items)
        sizes = map(capacity.size, answer.get("Items", ()))
        return Units(capacity.query(sizes, consistent=request.get("ConsistentRead", False)))


def _sent_size(body: bytes) -> int:
    [api] = resources("AWS::Serverless::Api").values()
    return len(zlib.compress(body)) if len(body) >= api["MinimumCompressionSize"] else len(body)


def _writes(operation: str, request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The writes of single items that a request consists of."""
    if operation == "TransactWriteItems":
        return [part for one in request["TransactItems"] for part in one.values()]
    return [request] if operation in _WRITES else []


def _reads(operation: str, request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The reads of single items."""
    if operation == "BatchGetItem":
        return [
            {"TableName": name, "Key": key, "ConsistentRead": wanted.get("ConsistentRead", False)}
            for name, wanted in request["RequestItems"].items()
            for key in wanted["Keys"]
        ]
    return [request] if operation == "GetItem" else []


class _Printed(io.TextIOBase):
    """Standard output for Powertools' loggers, which keep the stream that they find first."""

    def __init__(self) -> None:
        self.streams: list[io.StringIO] = []

    def write(self, text: str) -> int:
        stream = self.streams[-1] if self.streams else sys.__stdout__
        return stream.write(text) if stream else 0


_PRINTED: Final = _Printed()


@contextmanager
def opened() -> Iterator[MeteredShop]:
    """An open shop without unprocessed events. What functions print is recorded, so it is entered
    before any of them has printed."""
    with opened_as(MeteredShop) as shop:
        yield shop


@contextmanager
def opened_as[Shop: MeteredShop](make: Callable[[], Shop]) -> Iterator[Shop]:
    """The same with more recorded."""
    with (
        patch.dict(os.environ, _VARIABLES),
        redirect_stdout(_PRINTED),
        logged_to(_PRINTED),
        make() as shop,
    ):
        shop.open()
        shop.forget()
        yield shop
