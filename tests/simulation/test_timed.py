"""Time in the simulation: what runs at once, what ends it, and what AWS does by itself."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from tests.simulation.faults import Fault, Outage, Target
from tests.simulation.timed import TimedShop
from tests.simulation.timeline import Timeline

_AUTHORIZE: Final = Target("payments", "authorize", "")


@pytest.fixture
def timeline() -> Timeline:
    return Timeline(0, lambda _: None)


@pytest.fixture
def shop() -> Iterator[TimedShop]:
    with TimedShop() as shop:
        shop.open()
        yield shop


def away(shop: TimedShop, target: Target, fault: Fault, seconds: float) -> None:
    now = shop.timeline.now
    shop.wire.begin(Outage(target, fault, now, now + seconds))


def place(shop: TimedShop, orders: int = 1) -> None:
    """Let so many orders be placed at once."""
    for number in range(orders):

        def order(key: str = f"{number}") -> None:
            shop.customer.order((shop.tray, 1), key=key)

        shop.at(shop.timeline.now, order)


def statuses(shop: TimedShop) -> list[str]:
    return [order["status"] for order in shop.books().orders.values()]


def test_processes_run_beside_each_other_in_the_order_of_time(timeline: Timeline) -> None:
    seen: list[tuple[str, float]] = []

    def step(name: str, seconds: float) -> None:
        for _ in range(2):
            timeline.sleep(seconds)
            seen.append((name, timeline.now))

    timeline.start(lambda: step("slow", 2))
    timeline.start(lambda: step("quick", 1.5))
    timeline.run(10)
    assert seen == [("quick", 1.5), ("slow", 2), ("quick", 3), ("slow", 4)]
    timeline.end_threads()


def test_killed_process_ends_where_it_is(timeline: Timeline) -> None:
    seen: list[Any] = []

    def work() -> None:
        try:
            timeline.sleep(10)
            seen.append("woke")
        except Exception:  # noqa: BLE001  # what a function could catch
            seen.append("caught")
        finally:
            seen.append(timeline.now)

    process = timeline.start(work)
    timeline.at(3, lambda: timeline.kill(process))
    timeline.run(20)
    assert seen == [3]
    timeline.end_threads()


def test_function_is_killed_when_its_time_is_over(shop: TimedShop) -> None:
    away(shop, _AUTHORIZE, Fault.HANGS, 20)
    shop.provider_patience = 1000
    begin = shop.timeline.now
    place(shop)
    shop.run_until(begin + 90)
    [(killed_at, function, _)] = shop.killed
    assert function == "OrdersCheckout"
    # Its time-out is 60 s; before it come the request, the event, and cold starts.
    assert begin + 60 < killed_at < begin + 64


def test_message_of_a_killed_function_comes_again_after_the_visibility_timeout(
    shop: TimedShop,
) -> None:
    away(shop, _AUTHORIZE, Fault.HANGS, 20)
    shop.provider_patience = 1000
    place(shop)
    shop.run_until(shop.timeline.now + 30)
    [message] = shop.cloud.queues["CheckoutQueue"].messages
    assert message.received == 1
    shop.run_until(shop.timeline.now + 400)
    assert message not in shop.cloud.queues["CheckoutQueue"].messages
    assert statuses(shop) == ["confirmed"]


def test_hanging_call_is_given_up_after_the_client_s_own_time_outs(shop: TimedShop) -> None:
    query = Target("dynamodb", "Query", "NotificationsTable")
    away(shop, query, Fault.HANGS, 60)
    begin, called = shop.timeline.now, shop.wire.called[query]
    assert shop.customer.get("/api/v1/notifications").status_code == 503
    # Three attempts of 1.5 s, and the SDK's pauses between them.
    assert 4.5 < shop.timeline.now - begin < 9
    assert shop.wire.called[query] == called + 3


def test_late_answer_is_lost_and_the_work_is_done(shop: TimedShop) -> None:
    away(shop, Target("sesv2", "SendEmail", ""), Fault.LATE, 10)
    handed_over = len(shop.cloud.handed_over)
    place(shop)
    shop.run_until(shop.timeline.now + 10)
    assert len(shop.cloud.handed_over) > handed_over
    assert any(item["status"] == "pending" for item in shop.books().notifications)


def test_as_many_workers_run_at_once_as_the_template_allows(shop: TimedShop) -> None:
    shop.provider_seconds = 10
    poller = shop._pollers["CheckoutQueue"]
    assert poller.worker.concurrency == 100
    poller.worker = replace(poller.worker, concurrency=7)
    place(shop, orders=25)
    most = 0
    for _ in range(20):
        shop.run_until(shop.timeline.now + 1)
        most = max(most, poller.busy)
    assert most == 7


def test_environments_clocks_differ(shop: TimedShop) -> None:
    place(shop, orders=3)
    shop.run_until(shop.timeline.now + 10)
    skews = {e.skew for environments in shop._environments.values() for e in environments}
    assert len(skews) > 10
    assert max(skews) - min(skews) > 1


def test_stream_loses_what_is_older_than_a_day(shop: TimedShop) -> None:
    place(shop)
    away(shop, Target("stream", "GetRecords", "UsersTable"), Fault.HANGS, 25 * 3600)
    shop.anyone.register(email="late@example.com")
    shop.pace = 60
    shop.run_until(shop.timeline.now + 25 * 3600 + 60)
    assert shop.is_quiet()
    relayed = shop.wire.called[Target("stream", "GetRecords", "UsersTable")]
    assert relayed < 5


def test_stale_reads_show_what_was_there(shop: TimedShop) -> None:
    def listed() -> int:
        return len(shop.anyone.get("/api/v1/products").json()["products"])

    before = listed()
    query = Target("dynamodb", "Query", "ProductsTable")
    away(shop, query, Fault.STALE, 10)
    shop.admin.add_product(name="Bowl")
    assert listed() == before
    assert query in shop.wire.eventual
    shop.run_until(shop.timeline.now + 10)
    assert listed() == before + 1
