"""Every file of events/ is handled by its deployed function."""

import json

import pytest

from tests.support.client import Client
from tests.support.cloud import Cloud
from tests.support.functions import SampleEvent, sample_events
from tools.intrinsics import is_made

# The emulator has no CodeDeploy.
SAMPLES = [
    sample for sample in sample_events() if is_made(sample.function) and sample.kind != "deployment"
]


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.path.stem for sample in SAMPLES])
def test_sample_event_is_handled(sample: SampleEvent, cloud: Cloud, admin: Client) -> None:
    assert admin.token
    invoked = cloud.client("lambda").invoke(
        FunctionName=cloud.shop.stack().called(sample.function),
        Payload=json.dumps(sample.payload(admin.token)).encode(),
    )
    answer = json.loads(invoked["Payload"].read())
    assert "FunctionError" not in invoked, answer
    match sample.kind:
        case "rest":
            assert answer["statusCode"] < 500, answer
            assert "x-request-id" in answer["headers"]
        case "call":
            assert answer.keys() & {"answer", "refused"}
        case "queue" | "stream":
            assert answer["batchItemFailures"] == []
