"""The events of events/, and those that tests make, are as AWS sends them."""

from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayProxyEventModel,
    DynamoDBStreamModel,
    EventBridgeModel,
    SqsModel,
)
from pydantic import BaseModel

from tests.simulation.resources import SWEEPERS
from tests.simulation.shop import opened
from tests.support.functions import kind_of, sample_events
from tests.support.http import rest_event

MODELS: dict[str, type[BaseModel]] = {
    "queue": SqsModel,
    "rest": APIGatewayProxyEventModel,
    "schedule": EventBridgeModel,
    "stream": DynamoDBStreamModel,
}
SAMPLES = [sample for sample in sample_events() if sample.kind != "call"]


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.path.stem for sample in SAMPLES])
def test_a_sample_event_is_as_aws_sends_it(sample: Any) -> None:
    MODELS[sample.kind].model_validate(sample.payload("token"))


def test_simulated_events_are_as_aws_sends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    with opened() as shop:
        invoke = shop.invoke

        def seeing(name: str, event: dict[str, Any]) -> Any:
            seen.append(event)
            return invoke(name, event)

        monkeypatch.setattr(shop, "invoke", seeing)
        shop.customer.order((shop.mug, 1))
        shop.settle()
        for sweeper in SWEEPERS:
            shop.tick(sweeper)
    seen.append(rest_event("POST", "/api/v1/products?q=a&q=b", json_body={}))
    events = [(kind_of(event), event) for event in seen if kind_of(event) != "call"]
    assert {kind for kind, _ in events} == MODELS.keys()
    for kind, event in events:
        MODELS[kind].model_validate(event)
