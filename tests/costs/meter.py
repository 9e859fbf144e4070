"""Records the functions' AWS calls, with request units, log lines and computing time.

On the simulated cloud the code is the real one from the Lambda entry to botocore's wire. What the
managed services do by themselves (Lambda's pollers, SNS deliveries) is not among the calls.
"""

import io
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from tests.costs import capacity
from tests.costs.capacity import Units
from tests.simulation.shop import SimulatedShop
from tests.simulation.wire import current

_WRITES: Final = ("PutItem", "UpdateItem", "DeleteItem")


@dataclass
class Call:
    """One call to AWS. The calls of an invoked function follow its own, one deeper.

    Attributes:
        about: the tables, or the invoked function and its operation.
        keys: of DynamoDB's, the beginning of the first key.
    """

    function: str
    service: str
    operation: str
    about: str
    depth: int
    keys: str = ""
    units: Units = field(default_factory=Units)

    @property
    def is_payment(self) -> bool:
        """Whether it is the sandbox payment provider's: see orders.sandbox_payments."""
        return self.keys.startswith("SANDBOX-PAYMENT")

    def __str__(self) -> str:
        return f"{self.function}: {self.service}.{self.operation} {self.about}".strip()


@dataclass
class Run:
    """One invocation of a function, with the number of records in its event.

    Attributes:
        called: the invocations that it waited for.
        cpu_seconds: its computing time, without the simulation's.
    """

    function: str
    records: int
    calls: list[Call] = field(default_factory=list)
    called: list["Run"] = field(default_factory=list)
    cpu_seconds: float = 0
    lines: list[str] = field(default_factory=list)


class MeteredShop(SimulatedShop):
    """The simulated shop, recording."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.runs: list[Run] = []
        self._open_runs: list[Run] = []
        self._answer = self.cloud.answer
        self.cloud.answer = self._metered  # type: ignore[method-assign]  # between wire and cloud

    def forget(self) -> None:
        """Begin a new recording."""
        self.calls.clear()
        self.runs.clear()

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        run = Run(name, len(event.get("Records", ())))
        if self._open_runs:
            self._open_runs[-1].called.append(run)
        self.runs.append(run)
        self._open_runs.append(run)
        _PRINTED.streams.append(printed := io.StringIO())
        started = time.thread_time()
        try:
            return super().invoke(name, event)
        finally:
            run.cpu_seconds += time.thread_time() - started
            _PRINTED.streams.pop()
            self._open_runs.pop()
            run.lines = printed.getvalue().splitlines()

    def _metered(
        self, service: str, operation: str, path: str, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        invocation = current.get()
        if invocation is None or not self._open_runs:
            return self._answer(service, operation, path, body)
        run, started = self._open_runs[-1], time.thread_time()
        call = Call(invocation.function, service, operation, "", len(self._open_runs) - 1)
        run.calls.append(call)
        self.calls.append(call)
        try:
            if service == "dynamodb":
                return self._answered(call, path, body)
            if service == "lambda":
                name = unquote(path.split("/functions/")[1].split("/", maxsplit=1)[0])
                call.about = f"{name.partition(':')[0]} {json.loads(body).get('name', '')}".strip()
            return self._answer(service, operation, path, body)
        finally:
            # Neither the simulation's time nor that of an invoked function is this function's.
            run.cpu_seconds -= time.thread_time() - started

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
            call.units += self._queried(request)
        return answer

    def _item(self, part: Mapping[str, Any]) -> Any:
        table = self.cloud.dynamodb.tables[part["TableName"]]
        return table.items.get(table.key(part.get("Key") or part["Item"]))

    def _queried(self, request: Mapping[str, Any]) -> Units:
        """A filter saves no units: what it drops is read."""
        unfiltered = {k: v for k, v in request.items() if k != "FilterExpression"}
        table = self.cloud.dynamodb.tables[request["TableName"]]
        sizes = map(capacity.size, table.query(unfiltered, table.items)["Items"])
        return Units(capacity.query(sizes, consistent=request.get("ConsistentRead", False)))


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
def recorded_output() -> Iterator[None]:
    """Record what functions print; entered before any of them has printed."""
    with redirect_stdout(_PRINTED):
        yield
