"""Every route while AWS throttles a call or cannot be reached: a 503 with Retry-After, no loss.

Which error codes of AWS count as an outage: tests/shared/runtime/test_aws.py.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from tests.access.requests import ROUTES, client, example
from tests.access.scene import Scene
from tests.simulation.faults import Call, Mode
from tests.support.client import code
from tests.support.functions import FUNCTIONS
from tools.openapi.access import Route

_GATEWAY: Final = {(s["Method"], s["Path"]) for s in FUNCTIONS["GatewayApi"].events("Api")}
_ROUTES_WITH_CALLS: Final = [
    route
    for route in ROUTES
    if route not in _GATEWAY and not route[1].startswith(("/health", "/{proxy}"))
]
# The store of circuits: an order is placed without it.
_DISPENSABLE: Final = "OrdersApi: dynamodb.Query OrdersTable"


class Asking:
    """A route's example, sent to an environment that has just started, from the same state."""

    def __init__(self, scene: Scene, route: Route) -> None:
        self._scene = scene
        self._route = route
        self._example = example(scene, route)
        self._client = client(scene, route)
        [self._function] = [f.name for f in FUNCTIONS.values() if route in f.routes]
        self.restore = scene.shop.remember()

    def ask(self) -> httpx.Response:
        self._scene.shop.restart(self._function)
        sent = self._example
        parts: dict[str, Any] = {"json": sent.body} if sent.body else {}
        headers = dict(sent.headers)
        return self._client.request(self._route[0], sent.path, headers=headers, **parts)

    def ask_with(self, number: int, mode: Mode) -> httpx.Response:
        """The answer while one of the request's calls fails."""
        self.restore()
        self._scene.shop.wire.plan = {number: mode}
        answer = self.ask()
        self._scene.shop.wire.plan = {}
        return answer

    def is_success(self, answer: httpx.Response) -> bool:
        # A registration that was interrupted after its transaction has registered.
        is_taken = self._route == ("POST", "/api/v1/users") and answer.status_code == 409
        return answer.status_code == self._example.status or is_taken

    def calls(self) -> list[Call]:
        self.restore()
        answer = self.ask()
        assert self.is_success(answer), answer.text
        return list(self._scene.shop.wire.calls)


@pytest.fixture(params=_ROUTES_WITH_CALLS, ids=" ".join)
def asking(scene: Scene, request: pytest.FixtureRequest) -> Iterator[Asking]:
    asking = Asking(scene, request.param)
    yield asking
    asking.restore()


def counted_attempts(scene: Scene) -> int:
    """Log-in attempts that count as wrong."""
    items = scene.shop.cloud.dynamodb.tables["UsersTable"].items.values()
    counted = [item.get("count", {"N": "0"}) for item in items if "ATTEMPTS#" in item["pk"]["S"]]
    return sum(int(count["N"]) for count in counted)


def test_a_failed_call_is_a_503_and_the_request_can_be_repeated(
    scene: Scene, asking: Asking
) -> None:
    attempts = counted_attempts(scene)
    for number, call in enumerate(asking.calls()):
        for mode in (Mode.THROTTLED, Mode.UNREACHABLE):
            answer, failed = asking.ask_with(number, mode), f"{call} {mode}"
            if str(call) != _DISPENSABLE or not asking.is_success(answer):
                assert answer.status_code == 503, f"{failed}: {answer.text}"
                assert code(answer) == "service-unavailable", failed
                assert answer.headers["Retry-After"].isdigit(), failed
            assert counted_attempts(scene) <= attempts, failed
            wait = int(answer.headers.get("Retry-After", "0"))
            scene.shop.pass_time(timedelta(seconds=wait))
            again = asking.ask()
            assert asking.is_success(again), f"{failed}, repeated: {again.text}"
