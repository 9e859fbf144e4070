"""Each file of events/ goes to its deployed function, by a real invocation."""

import json

import pytest

from tests.support.client import Client
from tests.support.cloud import Cloud
from tests.support.functions import SampleEvent, sample_events

SAMPLES = list(sample_events())


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.path.stem for sample in SAMPLES])
def test_a_sample_event_is_handled(sample: SampleEvent, cloud: Cloud, admin: Client) -> None:
    assert admin.token
    answer = cloud.client("lambda").invoke(
        FunctionName=cloud.shop.stack().called(sample.function),
        Payload=json.dumps(sample.payload(admin.token)).encode(),
    )
    said = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, said
    match sample.kind:
        case "rest":
            assert said["statusCode"] < 500, said
            assert "X-Request-ID".lower() in said["headers"]
        case "call":
            assert said.keys() & {"answer", "refused"}
        case "queue" | "stream":
            assert said["batchItemFailures"] == []
        case "schedule":
            pass
