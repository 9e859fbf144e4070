"""A large mailbox is erased by as many deliveries as it takes, and none of them runs out of
time."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.simulation.shop import SimulatedShop
from tests.support.functions import FUNCTIONS

# As long as 5,000 at 10 milliseconds each.
_NOTIFICATIONS = 1_000
_CALL_SECONDS = 0.05
_WORKER = "NotificationsWorker"


def test_a_large_mailbox_is_erased_and_no_delivery_runs_out_of_time(
    shop: SimulatedShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke = shop.invoke
    items = shop.cloud.dynamodb.tables["NotificationsTable"].items
    box = f"USER#{shop.customer.user['id']}"
    [welcome] = [item for (pk, sk), item in items.items() if pk == box]
    for number in range(_NOTIFICATIONS):
        sk = f"NOTIFICATION#2026-11-01#{number}"
        items[box, sk] = {**welcome, "sk": {"S": sk}}
    seconds: list[float] = []

    def timed(name: str, event: dict[str, Any]) -> Any:
        began = datetime.now(UTC)
        answer = invoke(name, event)
        if name == _WORKER:
            seconds.append((datetime.now(UTC) - began).total_seconds())
        return answer

    monkeypatch.setattr(shop, "invoke", timed)
    path = f"/api/v1/users/{shop.customer.user['id']}"
    assert shop.admin.delete(path, params={"erase": "true"}).status_code == 200
    monkeypatch.setattr(shop.wire, "latency", lambda _: (_CALL_SECONDS, 0))
    shop.come_to_rest()
    kept = [item for (pk, sk), item in items.items() if pk == box and sk != "TOMBSTONE"]
    assert len(kept) == _NOTIFICATIONS + 1
    assert {item["body"]["S"] for item in kept} == {"Erased"}
    assert max(seconds) < FUNCTIONS[_WORKER].properties["Timeout"]
    assert len(seconds) > 1
    assert shop.cloud.queues["NotificationsDeadLetters"].messages == []
