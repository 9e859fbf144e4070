"""Writes down what the shop's functions ask of AWS, what DynamoDB would charge for it, what they log and how long they compute.

It runs on the simulated cloud of the tests, where the code is the real one from the Lambda entry to botocore's wire. What
its managed services do by themselves (Lambda's pollers, deliveries of SNS) is not among the calls.
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

from bench import capacity
from bench.capacity import Units
from tests.simulation.town import Town
from tests.simulation.wire import Invocation, current

_WRITES: Final = ("PutItem", "UpdateItem", "DeleteItem")


@dataclass(frozen=True)
class Charge:
    """What one item cost in a call; `about` tells what it was by the beginning of its keys."""

    about: str
    units: Units


@dataclass
class Asked:
    """One call. Charges are DynamoDB's; a called function's own calls follow, one deeper."""

    function: str
    service: str
    operation: str
    about: str
    depth: int
    charges: list[Charge] = field(default_factory=list)

    @property
    def units(self) -> Units:
        return sum((charge.units for charge in self.charges), Units())

    @property
    def is_payment(self) -> bool:
        """Whether it is the pretend payment provider's own: see orders.sandbox_payments."""
        return bool(self.charges) and self.charges[0].about.startswith("SANDBOX-PAYMENT")

    def __str__(self) -> str:
        return f"{self.function}: {self.service}.{self.operation} {self.about}".strip()


@dataclass
class Run:
    """One invocation of a function: how many records it was given, its calls, its computing time without the simulation's, and
    its lines in the log."""

    function: str
    depth: int
    records: int
    calls: list[Asked] = field(default_factory=list)
    called: list["Run"] = field(default_factory=list)
    cpu_seconds: float = 0
    lines: list[str] = field(default_factory=list)


class MeteredTown(Town):
    """A town whose calls are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Asked] = []
        self.runs: list[Run] = []
        self._open_runs: list[Run] = []
        self._answer = self.cloud.answer
        self.cloud.answer = self._metered  # type: ignore[method-assign]  # between the wire and the cloud

    def forget(self) -> None:
        """Count anew."""
        self.calls.clear()
        self.runs.clear()

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        run = Run(name, len(self._open_runs), len(event.get("Records", ())))
        if self._open_runs:
            self._open_runs[-1].called.append(run)
        self.runs.append(run)
        self._open_runs.append(run)
        printed = io.StringIO()
        started = time.thread_time()
        try:
            with _printing_to(printed):
                return super().invoke(name, event)
        finally:
            run.cpu_seconds += time.thread_time() - started
            self._open_runs.pop()
            run.lines = printed.getvalue().splitlines()

    def _metered(
        self, service: str, operation: str, path: str, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        invocation = current.get()
        if invocation is None or not self._open_runs:
            return self._answer(service, operation, path, body)
        run, started = self._open_runs[-1], time.thread_time()
        asked = self._asked(invocation, service, operation, path, body)
        run.calls.append(asked)
        self.calls.append(asked)
        try:
            if service != "dynamodb":
                return self._answer(service, operation, path, body)
            request = json.loads(body)
            before = self._items(operation, request)
            answer = self._answer(service, operation, path, body)
            asked.charges += self._charges(operation, request, before, is_done=answer[0] == 200)
            return answer
        finally:
            # What the cloud takes is not the function's, and neither is what a function takes that it calls.
            run.cpu_seconds -= time.thread_time() - started

    def _asked(
        self, invocation: Invocation, service: str, operation: str, path: str, body: bytes
    ) -> Asked:
        about = ""
        if service == "lambda":
            name = unquote(path.split("/functions/")[1].split("/", maxsplit=1)[0])
            about = f"{name.partition(':')[0]} {json.loads(body).get('name', '')}".strip()
        elif service == "dynamodb":
            about = ",".join(sorted(_tables(operation, json.loads(body))))
        return Asked(invocation.function, service, operation, about, len(self._open_runs) - 1)

    # --- DynamoDB ---

    def _items(self, operation: str, request: Mapping[str, Any]) -> list[Any]:
        """The items that a write is about, as they are now."""
        tables = self.cloud.dynamodb.tables
        return [
            tables[part["TableName"]].items.get(
                tables[part["TableName"]].key(part.get("Key") or part["Item"])
            )
            for part in _parts(operation, request)
        ]

    def _charges(
        self, operation: str, request: Mapping[str, Any], before: list[Any], *, is_done: bool
    ) -> Iterator[Charge]:
        tables = self.cloud.dynamodb.tables
        if parts := _parts(operation, request):
            after = self._items(operation, request) if is_done else before
            for part, old, new in zip(parts, before, after, strict=True):
                units = capacity.write(
                    tables[part["TableName"]].definition,
                    old,
                    new,
                    in_transaction=operation == "TransactWriteItems",
                    is_done=is_done,
                )
                yield Charge(_about(part.get("Key") or part["Item"]), units)
        elif operation == "GetItem":
            item = tables[request["TableName"]].items.get(
                tables[request["TableName"]].key(request["Key"])
            )
            consistent = request.get("ConsistentRead", False)
            units = Units(capacity.read([capacity.size(item)], consistent=consistent))
            yield Charge(_about(request["Key"]), units)
        elif operation == "BatchGetItem":
            for name, wanted in request["RequestItems"].items():
                for key in wanted["Keys"]:
                    item = tables[name].items.get(tables[name].key(key))
                    consistent = wanted.get("ConsistentRead", False)
                    units = Units(capacity.read([capacity.size(item)], consistent=consistent))
                    yield Charge(_about(key), units)
        elif operation == "Query":
            whole = {k: v for k, v in request.items() if k != "FilterExpression"}
            table = tables[request["TableName"]]
            items = table.query(whole, table.items)["Items"]
            consistent = request.get("ConsistentRead", False)
            units = Units(capacity.query(map(capacity.size, items), consistent=consistent))
            yield Charge(request.get("IndexName", "table"), units)
        else:
            raise NotImplementedError(operation)


def _parts(operation: str, request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a write does to single items; nothing where it is none."""
    if operation == "TransactWriteItems":
        return [part for one in request["TransactItems"] for part in one.values()]
    return [request] if operation in _WRITES else []


def _tables(operation: str, request: Mapping[str, Any]) -> set[str]:
    if operation == "BatchGetItem":
        return set(request["RequestItems"])
    return {part["TableName"] for part in _parts(operation, request) or [request]}


def _about(key: Mapping[str, Any]) -> str:
    pk, sk = key["pk"]["S"].partition("#")[0], key["sk"]["S"].partition("#")[0]
    return pk if pk == sk or pk in ("COUNTERS", "CIRCUITS") else f"{pk}/{sk}"


@contextmanager
def _printing_to(stream: io.StringIO) -> Iterator[None]:
    """Powertools' loggers keep the stream that they found first: it hands on to whoever is at work."""
    _PRINTED.streams.append(stream)
    try:
        yield
    finally:
        _PRINTED.streams.pop()


class _Printed(io.TextIOBase):
    """Stands in for standard output, also later, for whoever has kept it."""

    def __init__(self) -> None:
        self.streams: list[io.StringIO] = []

    def write(self, text: str) -> int:
        # Afterwards to where it would have gone anyway, and not to who stands in for that by then.
        stream = self.streams[-1] if self.streams else sys.__stdout__
        return stream.write(text) if stream else 0


_PRINTED: Final = _Printed()


@contextmanager
def heard() -> Iterator[None]:
    """Hear what the functions print. Begun before any of them has printed."""
    with redirect_stdout(_PRINTED):
        yield
