"""The template's resources in the simulated cloud, and what its event sources connect."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from moto.events.models import EventPattern

from tests.simulation.cloud import ACCOUNT, REGION, Cloud, Queue
from tests.support import stripe
from tests.support.functions import FUNCTIONS
from tests.support.privacy import PRIVACY
from tools.template import resources, table_definition, template


@dataclass(frozen=True)
class Stream:
    """A table's stream and the relay that reads it."""

    table: str
    relay: str
    batch_size: int
    attempts: int
    lanes: int
    patterns: tuple[EventPattern, ...]

    def carries(self, record: Any) -> bool:
        """Whether its filters let a record through."""
        return any(pattern.matches_event(record) for pattern in self.patterns)


@dataclass(frozen=True)
class Worker:
    """A queue's reader."""

    function: str
    batch_size: int
    concurrency: int


def _logical_id(attribute: Mapping[str, str]) -> str:
    return attribute["Fn::GetAtt"].partition(".")[0]


def _sources(type_: str, of: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each event source of a type: what it reads, by its logical id; the function; its
    properties."""
    for function in FUNCTIONS.values():
        for source in function.events(type_):
            yield _logical_id(source[of]), function.name, source


def _parameters() -> dict[str, str]:
    return {name: str(p["Default"]) for name, p in template()["Parameters"].items()}


def _number(value: Any) -> int:
    return int(_parameters()[value["Ref"]] if isinstance(value, dict) else value)


def _minutes(rate: str) -> int:
    found = re.fullmatch(r"rate\((\d+) (minute|day)s?\)", rate)
    assert found, rate
    return int(found[1]) * (1440 if found[2] == "day" else 1)


WORKERS: Final = {
    queue: Worker(
        function, source["BatchSize"], _number(source["ScalingConfig"]["MaximumConcurrency"])
    )
    for queue, function, source in _sources("SQS", "Queue")
}
STREAMS: Final = tuple(
    Stream(
        table,
        relay,
        source["BatchSize"],
        source["MaximumRetryAttempts"] + 1,
        source["ParallelizationFactor"],
        tuple(
            EventPattern(f["Pattern"], json.loads(f["Pattern"]))
            for f in source["FilterCriteria"]["Filters"]
        ),
    )
    for table, relay, source in _sources("DynamoDB", "Stream")
)
SCHEDULES: Final = {
    name: _minutes(f.events("Schedule")[0]["Schedule"])
    for name, f in FUNCTIONS.items()
    if f.events("Schedule")
}
# Each sweeper's table. The schedule of OperationsReconciler has no table.
SWEEPERS: Final = {
    name: FUNCTIONS[name].table
    for name in SCHEDULES
    if "TABLE_NAME" in FUNCTIONS[name].declared_variables
}
# The route that takes all other paths comes last.
_ROUTES: Final = sorted(
    (
        (
            method,
            re.compile(re.sub(r"\{\w+\}", "[^/]+", path.replace("{proxy+}", ".+")), re.DOTALL),
            function.name,
        )
        for function in FUNCTIONS.values()
        for method, path in function.routes
    ),
    key=lambda route: ".+" in route[1].pattern,
)


def function_at(method: str, path: str) -> str:
    """The function that the API sends a request to. A slash at the end of its path makes no
    difference."""
    path = path.rstrip("/") or "/"
    return next(name for verb, route, name in _ROUTES if verb == method and route.fullmatch(path))


def deploy(cloud: Cloud) -> dict[str, str]:
    """Make them all; return what `Ref` gives of each. Tables, queues and functions keep their
    logical ids as names."""
    tables = resources("AWS::DynamoDB::Table")
    for table in tables:
        cloud.dynamodb.create(table_definition(table))
    names = {name: name for name in (*FUNCTIONS, *tables)}
    for name, key in resources("AWS::KMS::Key").items():
        names[name] = cloud.make_key(key["KeySpec"])
    for name in resources("AWS::SNS::Topic"):
        names[name] = f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"
    for name, queue in resources("AWS::SQS::Queue").items():
        redrive = queue.get("RedrivePolicy")
        cloud.queues[name] = Queue(
            visibility_seconds=queue.get("VisibilityTimeout", 30),
            most_receives=_number(redrive["maxReceiveCount"]) if redrive else 0,
            dead_letters=_logical_id(redrive["deadLetterTargetArn"]) if redrive else None,
        )
        names[name] = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
    for subscription in resources("AWS::SNS::Subscription").values():
        topic, types = subscription["TopicArn"]["Ref"], subscription["FilterPolicy"]["type"]
        cloud.subscriptions.append((topic, _logical_id(subscription["Endpoint"]), types))
    secret = json.dumps(stripe.SECRET)
    PRIVACY.body(secret)
    parameters = _parameters()
    cloud.secrets[parameters["StripeSecret"]] = secret
    return parameters | names
