"""Time in the simulation: what runs at once, what ends it, and what AWS does by itself."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from tests.simulation.stage import Stage, opened
from tests.simulation.timed import TimedTown
from tests.simulation.timed_wire import Fault, Outage, Target
from tests.simulation.timeline import Timeline

_AUTHORIZE: Final = Target("payments", "authorize", "")


@pytest.fixture
def timeline() -> Timeline:
    return Timeline(0, lambda _: None)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with opened(TimedTown) as stage:
        yield stage


@pytest.fixture
def town(stage: Stage) -> TimedTown:
    assert isinstance(stage.town, TimedTown)
    return stage.town


def away(town: TimedTown, target: Target, fault: Fault, seconds: float) -> None:
    now = town.timeline.now
    town.wire.begin(Outage(target, fault, now, now + seconds))


def place(stage: Stage, town: TimedTown, orders: int = 1) -> None:
    """Let so many orders be placed at once."""
    for number in range(orders):

        def order(key: str = f"{number}") -> None:
            stage.customer.order((stage.tray, 1), key=key)

        town.at(town.timeline.now, order)


def statuses(town: TimedTown) -> list[str]:
    return [order["status"] for order in town.books().orders.values()]


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


def test_function_is_killed_when_its_time_is_over(stage: Stage, town: TimedTown) -> None:
    away(town, _AUTHORIZE, Fault.HANGS, 20)
    town.provider_patience = 1000
    begin = town.timeline.now
    place(stage, town)
    town.run_until(begin + 90)
    [(killed_at, function)] = town.killed
    assert function == "OrdersCheckout"
    # Its time-out is 60 s; before it come the request, the event, and cold starts.
    assert begin + 60 < killed_at < begin + 64


def test_message_of_a_killed_function_comes_again_after_the_visibility_timeout(
    stage: Stage, town: TimedTown
) -> None:
    away(town, _AUTHORIZE, Fault.HANGS, 20)
    town.provider_patience = 1000
    place(stage, town)
    town.run_until(town.timeline.now + 30)
    [message] = town.cloud.queues["CheckoutQueue"].messages
    assert message.received == 1
    town.run_until(town.timeline.now + 400)
    assert message not in town.cloud.queues["CheckoutQueue"].messages
    assert statuses(town) == ["confirmed"]


def test_hanging_call_is_given_up_after_the_client_s_own_time_outs(
    stage: Stage, town: TimedTown
) -> None:
    query = Target("dynamodb", "Query", "NotificationsTable")
    away(town, query, Fault.HANGS, 60)
    begin, called = town.timeline.now, town.wire.called[query]
    assert stage.customer.get("/api/v1/notifications").status_code == 503
    # Three attempts of 1.5 s, and the SDK's pauses between them.
    assert 4.5 < town.timeline.now - begin < 9
    assert town.wire.called[query] == called + 3


def test_late_answer_is_lost_and_the_work_is_done(stage: Stage, town: TimedTown) -> None:
    away(town, Target("sesv2", "SendEmail", ""), Fault.LATE, 10)
    handed_over = len(town.cloud.handed_over)
    place(stage, town)
    town.run_until(town.timeline.now + 10)
    assert len(town.cloud.handed_over) > handed_over
    assert any(item["status"] == "pending" for item in town.books().notifications)


def test_as_many_workers_run_at_once_as_the_template_allows(stage: Stage, town: TimedTown) -> None:
    town.provider_seconds = 10
    poller = town._pollers["CheckoutQueue"]
    assert poller.worker.concurrency == 100
    poller.worker = replace(poller.worker, concurrency=7)
    place(stage, town, orders=25)
    most = 0
    for _ in range(20):
        town.run_until(town.timeline.now + 1)
        most = max(most, poller.busy)
    assert most == 7


def test_environments_clocks_differ(stage: Stage, town: TimedTown) -> None:
    place(stage, town, orders=3)
    town.run_until(town.timeline.now + 10)
    skews = {e.skew for environments in town._environments.values() for e in environments}
    assert len(skews) > 10
    assert max(skews) - min(skews) > 1


def test_stream_loses_what_is_older_than_a_day(stage: Stage, town: TimedTown) -> None:
    place(stage, town)
    away(town, Target("stream", "GetRecords", "UsersTable"), Fault.HANGS, 25 * 3600)
    stage.anyone.register(email="late@example.com")
    town.pace = 60
    town.run_until(town.timeline.now + 25 * 3600 + 60)
    assert town.is_quiet()
    relayed = town.wire.called[Target("stream", "GetRecords", "UsersTable")]
    assert relayed < 5


def test_stale_reads_show_what_was_there(stage: Stage, town: TimedTown) -> None:
    def listed() -> int:
        return len(stage.anyone.get("/api/v1/products").json()["products"])

    before = listed()
    query = Target("dynamodb", "Query", "ProductsTable")
    away(town, query, Fault.STALE, 10)
    stage.admin.add_product(name="Bowl")
    assert listed() == before
    assert query in town.wire.eventual
    town.run_until(town.timeline.now + 10)
    assert listed() == before + 1
