"""The events of events/, and those that tests make, are as AWS sends them."""

from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayProxyEventModel,
    DynamoDBStreamModel,
    EventBridgeModel,
    SqsModel,
)
from pydantic import BaseModel, ConfigDict

from tests.support.functions import sample_events


class LifecycleHook(BaseModel):
    """What CodeDeploy sends to a hook: "AppSpec 'hooks' section for an AWS Lambda deployment"."""

    model_config = ConfigDict(extra="forbid")

    DeploymentId: str
    LifecycleEventHookExecutionId: str


MODELS: dict[str, type[BaseModel]] = {
    "deployment": LifecycleHook,
    "queue": SqsModel,
    "rest": APIGatewayProxyEventModel,
    "schedule": EventBridgeModel,
    "stream": DynamoDBStreamModel,
}
SAMPLES = [sample for sample in sample_events() if sample.kind != "call"]


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.path.stem for sample in SAMPLES])
def test_a_sample_event_is_as_aws_sends_it(sample: Any) -> None:
    MODELS[sample.kind].model_validate(sample.payload("token"))
