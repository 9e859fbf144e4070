"""Every route while an AWS service throttles, fails or is not reached: a 503 that says when to try again, and nothing lost."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from tests.access.examples import EXAMPLES
from tests.access.requests import ROUTES, client
from tests.access.scene import Scene
from tests.simulation.wire import THROTTLING, Call, Mode
from tests.support.client import code
from tests.support.functions import FUNCTIONS
from tools.openapi.access import Route

_REACHING_AWS: Final = [
    route
    for route in ROUTES
    if not route[1].startswith("/health")
    and not any(route == (s["Method"], s["Path"]) for s in FUNCTIONS["GatewayApi"].events("Api"))
    and route[1] != "/{proxy}"
]
# What AWS says while it throttles or is in trouble, with its status: "Amazon DynamoDB API Reference, Common errors",
# "AWS KMS API Reference, Common errors" and each operation's own.
_TROUBLE: Final = {
    "dynamodb": [
        ("ProvisionedThroughputExceededException", 400),
        ("RequestLimitExceeded", 400),
        ("ThrottlingException", 400),
        ("InternalServerError", 500),
        ("ServiceUnavailable", 503),
    ],
    "kms": [
        ("ThrottlingException", 400),
        ("DependencyTimeoutException", 503),
        ("KMSInternalException", 500),
        ("KeyUnavailableException", 500),
    ],
    "lambda": [("TooManyRequestsException", 429), ("ServiceException", 500)],
}
# A request does without: the store of circuits, which is asked first.
_SPARE: Final = "OrdersApi: dynamodb.Query OrdersTable"


class Asking:
    """A route's example, asked of an environment that has just started, from the same beginning each time."""

    def __init__(self, scene: Scene, route: Route) -> None:
        self._scene = scene
        self._route = route
        self._example = EXAMPLES[route](scene, scene.owner)
        self._client = client(scene, route)
        [self._function] = [
            function.name
            for function in FUNCTIONS.values()
            for source in function.events("Api")
            if (source["Method"], source["Path"]) == route
        ]
        self.restore = scene.stage.remember()

    def ask(self) -> httpx.Response:
        self._scene.town.restart(self._function)
        parts: dict[str, Any] = {"json": self._example.body} if self._example.body else {}
        return self._client.request(
            self._route[0], self._example.path, headers=dict(self._example.headers), **parts
        )

    def is_good(self, answer: httpx.Response) -> bool:
        # A registration that was interrupted after its transaction has registered.
        is_taken = self._route == ("POST", "/api/v1/users") and answer.status_code == 409
        return answer.status_code == self._example.answers or is_taken

    def calls(self) -> list[Call]:
        self.restore()
        answer = self.ask()
        assert self.is_good(answer), answer.text
        return list(self._scene.town.wire.calls)


@pytest.fixture(params=_REACHING_AWS, ids=lambda route: f"{route[0]} {route[1]}")
def asking(scene: Scene, request: pytest.FixtureRequest) -> Iterator[Asking]:
    asking = Asking(scene, request.param)
    yield asking
    scene.town.wire.throttling = THROTTLING
    asking.restore()


def attempts(scene: Scene) -> int:
    """Log-in attempts that count as wrong."""
    items = scene.town.cloud.dynamodb.tables["UsersTable"].items.values()
    counted = [item.get("count", {"N": "0"}) for item in items if "ATTEMPTS#" in item["pk"]["S"]]
    return sum(int(count["N"]) for count in counted)


def test_each_call_that_is_throttled_or_not_reached_is_a_503_and_the_request_may_be_repeated(
    scene: Scene, asking: Asking
) -> None:
    wrong = []
    for number, call in enumerate(asking.calls()):
        for mode in (Mode.THROTTLED, Mode.UNREACHABLE):
            asking.restore()
            counted = attempts(scene)
            scene.town.wire.plan = {number: mode}
            answer = asking.ask()
            scene.town.wire.plan = {}
            is_503 = answer.status_code == 503 and answer.headers.get("Retry-After", "").isdigit()
            if is_503 and code(answer) != "service-unavailable":
                wrong.append(f"{call} {mode}: {answer.text}")
            if not is_503 and not (str(call) == _SPARE and asking.is_good(answer)):
                wrong.append(f"{call} {mode}: {answer.status_code} {answer.text}")
            if attempts(scene) > counted:
                wrong.append(f"{call} {mode}: an attempt was used up")
            scene.town.pass_time(timedelta(seconds=int(answer.headers.get("Retry-After", "0"))))
            again = asking.ask()
            if not asking.is_good(again):
                wrong.append(f"{call} {mode}, again: {again.status_code} {again.text}")
    assert wrong == []


def test_whatever_aws_calls_its_trouble_it_is_a_503(scene: Scene, asking: Asking) -> None:
    wrong = []
    seen = set[tuple[str, str]]()
    for number, call in enumerate(asking.calls()):
        kind = (call.service, call.operation)
        if kind in seen or str(call) == _SPARE:
            continue
        seen.add(kind)
        for trouble in _TROUBLE[call.service]:
            asking.restore()
            scene.town.wire.throttling = {call.service: trouble}
            scene.town.wire.plan = {number: Mode.THROTTLED}
            answer = asking.ask()
            if answer.status_code != 503 or not answer.headers.get("Retry-After", "").isdigit():
                wrong.append(f"{call} {trouble}: {answer.status_code} {answer.text}")
    assert wrong == []
