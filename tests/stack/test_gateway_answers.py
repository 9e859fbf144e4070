"""What API Gateway answers by itself is a problem like all others."""

from collections.abc import Iterator

import pytest

from tests.support.client import Client, code
from tests.support.cloud import Cloud
from tools.local.shop import Shop


@pytest.fixture
def throttled(shop: Shop, cloud: Cloud) -> Iterator[None]:
    """The stage at one request a second, for the length of a test."""
    gateway = cloud.client("apigateway")
    outputs = shop.stack().outputs
    stage = {"restApiId": outputs["ApiId"], "stageName": outputs["StageName"]}

    def throttle(rate: int, burst: int) -> None:
        gateway.update_stage(
            **stage,
            patchOperations=[
                {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": str(rate)},
                {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": str(burst)},
            ],
        )

    settings = gateway.get_stage(**stage)["methodSettings"]["*/*"]
    throttle(1, 1)
    yield
    throttle(int(settings["throttlingRateLimit"]), settings["throttlingBurstLimit"])


def test_who_asks_too_fast_is_told_when_to_come_back(throttled: None, anyone: Client) -> None:
    answers = [anyone.get("/health/live") for _ in range(10)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    for answer in refused:
        assert code(answer) == "too-many-requests"
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["x-request-id"] == answer.json()["request_id"]
        assert answer.json()["status"] == 429
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_the_stage_is_throttled_as_the_parameters_say(shop: Shop, cloud: Cloud) -> None:
    outputs = shop.stack().outputs
    stage = cloud.client("apigateway").get_stage(
        restApiId=outputs["ApiId"], stageName=outputs["StageName"]
    )
    settings = stage["methodSettings"]["*/*"]
    assert settings["throttlingRateLimit"] == float(shop.parameters["ThrottleRate"])
    assert settings["throttlingBurstLimit"] == int(shop.parameters["ThrottleBurst"])
