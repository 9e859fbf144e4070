"""Every route while AWS throttles a call or cannot be reached: a 503 with Retry-After, no loss.

Which error codes of AWS count as an outage: tests/shared/runtime/test_aws.py.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import httpx
import pytest

from tests.access.requests import ROUTES, client, example
from tests.access.scene import Scene
from tests.simulation.faults import Mode
from tests.support.client import code
from tests.support.functions import FUNCTIONS
from tools.openapi.access import Route

_FUNCTIONS: Final = {route: f.name for f in FUNCTIONS.values() for route in f.routes}
_ROUTES: Final = [
    route
    for route in ROUTES
    if not route[1].startswith("/health") and _FUNCTIONS.get(route, "GatewayApi") != "GatewayApi"
]
# The store of circuits: an order is placed without it. The key of the last release: the public keys
# of this one are served without it.
_DISPENSABLE: Final = ("OrdersApi: dynamodb.Query OrdersTable", "UsersApi: kms.GetPublicKey")


def wrong_log_ins(scene: Scene) -> int:
    """Log-in attempts that count as wrong."""
    items = scene.shop.cloud.dynamodb.tables["CredentialsTable"].items.values()
    counted = [item.get("count", {"N": "0"}) for item in items if "ATTEMPTS#" in item["pk"]["S"]]
    return sum(int(count["N"]) for count in counted)


@pytest.mark.parametrize("route", _ROUTES, ids=" ".join)
def test_failed_call_is_a_503_and_the_request_can_be_repeated(
    scene: Scene, restore: Callable[[], None], route: Route
) -> None:
    shop, caller, sent = scene.shop, client(scene, route), example(scene, route)
    shop.wire.forget()

    def ask(plan: dict[int, Mode]) -> httpx.Response:
        """The answer of an environment that has just started."""
        shop.restart(_FUNCTIONS[route])
        shop.wire.plan = plan
        parts = {"json": sent.body} if sent.body is not None else {}
        answer = caller.request(route[0], sent.path, headers=dict(sent.headers), **parts)
        shop.wire.plan = {}
        return answer

    def is_success(answer: httpx.Response) -> bool:
        # A registration that was interrupted after its transaction has registered.
        is_taken = route == ("POST", "/api/v1/users") and answer.status_code == 409
        return answer.status_code == sent.status or is_taken

    attempts = wrong_log_ins(scene)
    assert is_success(ask({}))
    for number, call in enumerate(list(shop.wire.calls)):
        for mode in (Mode.THROTTLED, Mode.UNREACHABLE):
            restore()
            # It may need something that is stored, such as a one-time token.
            sent = example(scene, route)
            shop.wire.forget()
            answer, failed = ask({number: mode}), f"{call} {mode}"
            if str(call).strip() not in _DISPENSABLE or not is_success(answer):
                assert answer.status_code == 503, f"{failed}: {answer.text}"
                assert code(answer) == "service-unavailable", failed
                assert answer.headers["Retry-After"].isdigit(), failed
            assert wrong_log_ins(scene) <= attempts, failed
            shop.pass_time(timedelta(seconds=int(answer.headers.get("Retry-After", "0"))))
            again = ask({})
            assert is_success(again), f"{failed}, repeated: {again.text}"
