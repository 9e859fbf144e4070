"""Time in the simulation: what runs at once, what ends it, and what AWS does by itself."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.simulation.faults import Fault, Outage, Target
from tests.simulation.timed import TimedShop
from tests.support.functions import FUNCTIONS

_AUTHORIZE: Final = Target("payments", "authorize", "")


@pytest.fixture
def shop() -> Iterator[TimedShop]:
    with TimedShop() as shop:
        shop.open()
        yield shop


def away(shop: TimedShop, target: Target, fault: Fault, seconds: float) -> None:
    now = shop.timeline.now
    shop.wire.begin(Outage(target, fault, now, now + seconds))


def test_function_is_killed_at_its_timeout_and_its_message_redelivered(shop: TimedShop) -> None:
    away(shop, _AUTHORIZE, Fault.HANGS, 20)
    shop.provider_timeout = 1000
    begin = shop.timeline.now

    def order() -> None:
        shop.customer.order((shop.tray, 1), key="an order")

    shop.at(begin, order)
    timeout = FUNCTIONS["OrdersCheckout"].timeout
    shop.run_until(begin + timeout + 30)
    [(killed_at, function, _)] = shop.killed
    assert function == "OrdersCheckout"
    # Before its time begins come the request, the event, and cold starts.
    assert begin + timeout < killed_at < begin + timeout + 4
    [message] = shop.cloud.queues["CheckoutQueue"].messages
    assert message.received == 1
    shop.run_until(begin + 7 * timeout + 10)
    assert message not in shop.cloud.queues["CheckoutQueue"].messages
    assert [order["status"] for order in shop.books().orders.values()] == ["confirmed"]


def test_hanging_call_ends_after_the_time_outs_of_the_client(shop: TimedShop) -> None:
    query = Target("dynamodb", "Query", "NotificationsTable")
    away(shop, query, Fault.HANGS, 60)
    begin, called = shop.timeline.now, shop.wire.called[query]
    assert shop.customer.get("/api/v1/notifications").status_code == 503
    # Three attempts of 1.5 s, and the SDK's pauses between them.
    assert 4.5 < shop.timeline.now - begin < 9
    assert shop.wire.called[query] == called + 3


def test_stream_loses_records_after_a_day(shop: TimedShop) -> None:
    away(shop, Target("stream", "GetRecords", "UsersTable"), Fault.HANGS, 25 * 3600)
    shop.anyone.register(email="late@example.com")
    shop.pace = 60
    shop.run_until(shop.timeline.now + 25 * 3600 + 60)
    assert shop.is_quiet()
    relayed = shop.wire.called[Target("stream", "GetRecords", "UsersTable")]
    assert relayed < 5
