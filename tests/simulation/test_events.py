"""The events of events/ and of all that stands for AWS in tests are as AWS's are."""

import copy
from typing import Any

import pytest

from tests.kills import event_sources
from tests.simulation.resources import SWEEPERS
from tests.simulation.shop import opened
from tests.support import lambda_events
from tests.support.functions import kind_of, sample_events
from tests.support.http import rest_event

SAMPLES = [sample for sample in sample_events() if sample.kind != "call"]


@pytest.fixture(scope="module")
def simulated() -> list[Any]:
    """All that functions of the simulated shop are called with while somebody orders."""
    seen: list[Any] = []
    with opened() as shop:
        invoke = shop.invoke

        def seeing(name: str, event: dict[str, Any]) -> Any:
            seen.append(event)
            return invoke(name, event)

        shop.invoke = seeing  # type: ignore[method-assign]
        shop.customer.order((shop.mug, 1))
        shop.settle()
        for sweeper in SWEEPERS:
            shop.tick(sweeper)
    return seen


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.path.stem for sample in SAMPLES])
def test_a_sample_event_is_as_aws_sends_it(sample: Any) -> None:
    assert lambda_events.mistakes(sample.kind, sample.payload("token")) == []


def test_a_simulated_event_is_as_aws_sends_it(simulated: list[Any]) -> None:
    kinds = {kind_of(event) for event in simulated}
    assert kinds >= {"queue", "stream", "schedule"}
    for event in simulated:
        if (kind := kind_of(event)) != "call":
            assert lambda_events.mistakes(kind, event) == []


@pytest.mark.parametrize("path", ["/api/v1/products", "/api/v1/products?q=a&q=b"])
def test_a_test_s_own_request_is_as_aws_sends_it(path: str) -> None:
    assert lambda_events.mistakes("rest", rest_event("POST", path, json_body={})) == []


def test_a_message_of_the_killed_workers_is_as_aws_sends_it() -> None:
    attributes = lambda_events.generated("queue")["Records"][0]["attributes"]
    message = {"MessageId": "m", "ReceiptHandle": "h", "Body": "b", "Attributes": attributes}
    records = [event_sources.as_record("CheckoutQueue", message)]
    assert lambda_events.mistakes("queue", {"Records": records}) == []


_RECORD = ("Records", 0)


@pytest.mark.parametrize(
    ("kind", "place", "value", "mistake"),
    [
        ("rest", ("rawPath",), "/", "rest.rawPath is not AWS's"),
        ("rest", ("isBase64Encoded",), "no", "rest.isBase64Encoded is a str and no bool"),
        ("rest", ("requestContext",), {}, "rest.requestContext.identity is missing"),
        ("queue", (*_RECORD, "attributes"), {}, "attributes.SentTimestamp is missing"),
        ("schedule", ("resources",), "rule", "schedule.resources is a str and no list"),
        ("stream", (*_RECORD, "dynamodb", "SizeBytes"), "1", "SizeBytes is a str and no int"),
        ("stream", (*_RECORD, "eventName"), "UPDATE", "Input should be 'INSERT', 'MODIFY'"),
    ],
)
def test_an_event_that_aws_never_sends_is_found(
    kind: str, place: tuple[Any, ...], value: object, mistake: str
) -> None:
    # The SAM CLI's has no version, which EventBridge always sends.
    good = lambda_events.schedule("F") if kind == "schedule" else lambda_events.generated(kind)
    event = copy.deepcopy(good)
    assert lambda_events.mistakes(kind, event) == []
    *path, last = place
    changed: Any = event
    for step in path:
        changed = changed[step]
    changed[last] = value
    found = lambda_events.mistakes(kind, event)
    assert any(mistake in one for one in found), found
