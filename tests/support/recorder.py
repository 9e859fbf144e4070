"""What functions ask of AWS, put as IAM is asked: actions on resources, with the keys that
conditions may look at.

The recorder listens where botocore begins to build a request, so that it gets each call of each
client once, whatever becomes of it. One request of each kind is kept, not each call; where AWS's
documentation can be read in more than one way, the requests of every reading.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from email.utils import parseaddr
from itertools import product
from typing import Any, Final, NamedTuple

from shared.runtime.entry import Entry
from tests.simulation.wire import current
from tests.support.functions import FUNCTIONS, function_called
from tests.support.grants import (
    CLOUDWATCH,
    FUNCTION_ARNS,
    IDENTITIES,
    STACK,
    arn,
    parameter_arn,
)
from tests.support.policies import Request
from tools.template import template

type Wire = Mapping[str, Any]


class Reading(NamedTuple):
    """One way to read what AWS's documentation leaves open. Policies must hold under every one."""

    sees_whole_transaction: bool
    """Whether `dynamodb:LeadingKeys` and `dynamodb:Attributes` of each operation of a transaction
    have the values of all its operations, or of the operation alone."""
    counts_failures: bool
    """Whether `ReturnValuesOnConditionCheckFailure` counts as `dynamodb:ReturnValues`."""


READINGS: Final = tuple(Reading(*answers) for answers in product((False, True), repeat=2))

_EVENT: Final = "before-parameter-build"
_READS: Final = ("GetItem", "BatchGetItem", "Query")
_KINDS: Final = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_OF_ALL_OPERATIONS: Final = ("dynamodb:Attributes", "dynamodb:LeadingKeys")
_EXPRESSIONS: Final = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_HASH_KEY: Final = re.compile(r"#\w+ = (:\w+)")
_BARE_NAME: Final = re.compile(r"(?<![\w#:])[a-z]\w*\b(?! ?\()")
# Each key has one use.
_KEYS: Final = {"Decrypt": "MailKey", "Encrypt": "MailKey", "GetPublicKey": "TokenKey"}
# A resource for each action. Neither grant can be narrower: composite alarms are shown to those
# only who may see all alarms, and classic metrics are in no data set.
_OF_CLOUDWATCH: Final = {"DescribeAlarms": "alarm:any", "GetMetricData": "dataset/any"}
# Functions by the module of their entry. Those of a shared entry differ in their tables.
_HANDLERS: Final[dict[tuple[str, str | None], str]] = {
    (
        module := f.properties["Handler"].rpartition(".")[0],
        f.table if module.startswith("shared.") else None,
    ): name
    for name, f in FUNCTIONS.items()
}


class Recorder:
    """What each function has asked for."""

    def __init__(self) -> None:
        self._known: set[object] = set()
        self.asked: dict[str, list[Request]] = {name: [] for name in FUNCTIONS}

    @contextmanager
    def listening(self, events: Any) -> Iterator[None]:
        """To clients that are made meanwhile, of the session whose events these are."""
        events.register(_EVENT, self.record)
        try:
            yield
        finally:
            events.unregister(_EVENT, self.record)

    def record(self, event_name: str, params: Wire, **_: Any) -> None:
        """Record a call that is about to be made; a handler of botocore."""
        function = _caller()
        if function is None:
            # A test's own.
            return
        service, operation = event_name.split(".")[1:]
        for reading in READINGS:
            for request in requests(function, service, operation, params, reading):
                kind = function, _kind(request)
                if kind not in self._known:
                    self._known.add(kind)
                    self.asked[function].append(request)


def _caller() -> str | None:
    """The function that is at work: the simulation knows it, else the entry that has been
    called."""
    if invocation := current.get():
        return invocation.function
    frame = sys._getframe(1)
    while frame := frame.f_back:  # type: ignore[assignment]  # ends the loop
        if frame.f_code is Entry.__call__.__code__:
            module = frame.f_locals["self"]._build.__module__
            table = os.environ.get("TABLE_NAME") if module.startswith("shared.") else None
            return _HANDLERS.get((module, table))
        if frame.f_globals["__name__"] == "gateway.backends":
            # Its threads know nothing of who started them.
            return "GatewayApi"
    return None


def _kind(request: Request) -> object:
    """What makes two requests the same for a policy: all but what follows a key's prefix."""
    context = dict(request.context)
    keys = context.pop("dynamodb:LeadingKeys", ())
    return request.action, request.resource, frozenset(context.items()), _prefixes(keys)


def _prefixes(keys: str | tuple[str, ...]) -> frozenset[str]:
    return frozenset(key.partition("#")[0][:16] for key in keys)


def requests(
    function: str, service: str, operation: str, params: Wire, reading: Reading
) -> Iterator[Request]:
    """What IAM checks before a function's call is done, by one reading."""
    match service:
        case "dynamodb":
            yield from _of_tables(operation, params, reading)
        case "lambda":
            called = params["FunctionName"]
            if called.startswith(f"{STACK}-"):
                yield Request(f"lambda:{operation}Function", FUNCTION_ARNS + called)
                return
            name = _logical_id(function, function_called(called))
            _, separator, qualifier = called.rpartition(":function:")[2].partition(":")
            yield Request(f"lambda:{operation}Function", arn(name) + separator + qualifier)
        case "kms":
            names = tuple(sorted(params.get("EncryptionContext", {})))
            context = {"kms:EncryptionContextKeys": names} if names else {}
            yield Request(f"kms:{operation}", arn(_KEYS[operation]), context)
        case "sns":
            # "Amazon SNS message batching": PublishBatch has no action of its own.
            action = operation.removesuffix("Batch")
            yield Request(f"sns:{action}", arn(_logical_id(function, params["TopicArn"])))
        case "sqs":
            # "Actions defined by Amazon SQS": SendMessageBatch has none of its own, as
            # PublishBatch.
            action = operation.removesuffix("Batch")
            yield Request(f"sqs:{action}", arn(_logical_id(function, params["QueueUrl"])))
        case "cloudwatch":
            yield Request(f"cloudwatch:{operation}", CLOUDWATCH + _OF_CLOUDWATCH[operation])
        case "ssm":
            yield Request(f"ssm:{operation}", parameter_arn(params["Name"]))
        case "sesv2":
            address = parseaddr(params["FromEmailAddress"])[1]
            yield Request(f"ses:{operation}", IDENTITIES + address, {"ses:FromAddress": address})
        case _:
            yield Request(f"{service}:{operation}", "*")


def _logical_id(function: str, physical: str) -> str:
    """What the template calls it; by the variable that names it to the function, where it has
    another name."""
    name = re.split("[:/]", physical)[-1]
    if name in template()["Resources"]:
        return name
    declared = FUNCTIONS[function].properties["Environment"]["Variables"]
    [named] = {
        value["Ref"] for variable, value in declared.items() if os.environ.get(variable) == physical
    }
    return str(named)


def _of_tables(operation: str, params: Wire, reading: Reading) -> Iterator[Request]:
    if operation in ("TransactWriteItems", "TransactGetItems"):
        # There is no such action: each part is checked as what it does.
        parts = [
            _of_table(_KINDS[kind], wire, reading, enclosing=operation)
            for part in params["TransactItems"]
            for kind, wire in part.items()
        ]
        yield from _seen_whole(parts) if reading.sees_whole_transaction else parts
    elif operation == "BatchGetItem":
        for table, wanted in params["RequestItems"].items():
            yield _of_table(operation, {"TableName": table, **wanted}, reading)
    else:
        yield _of_table(operation, params, reading)


def _seen_whole(parts: list[Request]) -> Iterator[Request]:
    common = {
        key: tuple(sorted({value for part in parts for value in part.context[key]}))
        for key in _OF_ALL_OPERATIONS
    }
    for part in parts:
        yield replace(part, context={**part.context, **common})


def _of_table(
    action: str, wire: Wire, reading: Reading, *, enclosing: str | None = None
) -> Request:
    names = wire.get("ExpressionAttributeNames", {})
    texts = [wire[expression] for expression in _EXPRESSIONS if expression in wire]
    assert not any(map(_BARE_NAME.search, texts)), f"an attribute without a placeholder: {texts}"
    items = wire.get("Keys") or [wire.get("Item") or wire.get("Key") or {}]
    attributes = {*names.values(), *(name for item in items for name in item)}
    context: dict[str, str | tuple[str, ...]] = {
        "dynamodb:Attributes": tuple(sorted(attributes)),
        "dynamodb:LeadingKeys": tuple(sorted(_leading_keys(wire, items))),
    }
    if action in _READS:
        context["dynamodb:Select"] = _select(wire)
    else:
        shown = wire.get("ReturnValues", "NONE")
        if reading.counts_failures:
            shown = wire.get("ReturnValuesOnConditionCheckFailure", shown)
        context["dynamodb:ReturnValues"] = shown
    # AWS lists the key for no condition check.
    if enclosing and action != "ConditionCheckItem":
        context["dynamodb:EnclosingOperation"] = enclosing
    index = f"/index/{wire['IndexName']}" if "IndexName" in wire else ""
    return Request(f"dynamodb:{action}", arn(wire["TableName"]) + index, context)


def _select(wire: Wire) -> str:
    if "Select" in wire:
        return str(wire["Select"])
    if "ProjectionExpression" in wire:
        return "SPECIFIC_ATTRIBUTES"
    return "ALL_PROJECTED_ATTRIBUTES" if "IndexName" in wire else "ALL_ATTRIBUTES"


def _leading_keys(wire: Wire, items: list[Any]) -> set[str]:
    if "KeyConditionExpression" in wire:
        found = _HASH_KEY.match(wire["KeyConditionExpression"])
        assert found, f"no hash key in {wire['KeyConditionExpression']}"
        return {wire["ExpressionAttributeValues"][found[1]]["S"]}
    # A scan has none.
    return {item["pk"]["S"] for item in items if item}
