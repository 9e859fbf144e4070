"""A bill by hand, of invocations that are made up."""

import pytest

from tests.costs import pricing
from tests.costs.capacity import Units
from tests.costs.meter import Call, Run


def call(service: str, operation: str, units: Units | None = None, keys: str = "ORDER#1") -> Call:
    return Call("OrdersApi", service, operation, "", 0, keys, units or Units())


def usd(runs: list[Run], orders: int = 1) -> dict[str, float]:
    return {cost.what: cost.usd for cost in pricing.bill(runs, orders)}


def test_request_units_are_charged_by_the_million() -> None:
    write = call("dynamodb", "PutItem", Units(written=2, indexes={"due": 1}))
    read = call("dynamodb", "GetItem", Units(3))
    bill = usd([Run("OrdersApi", 0, calls=[write, read])])
    assert bill["DynamoDB, written to tables"] == pytest.approx(2 * 0.705)
    assert bill["DynamoDB, written to indexes"] == pytest.approx(0.705)
    assert bill["DynamoDB, read"] == pytest.approx(3 * 0.1415)


def test_duration_is_computing_on_a_share_of_a_processor_and_waiting() -> None:
    assumed = pricing.PRICES["assumptions"]
    called = Run("UsersDirectory", 0, cpu_seconds=0.001)
    caller = Run(
        "OrdersApi", 0, calls=[call("lambda", "Invoke")], called=[called], cpu_seconds=0.005
    )
    share = min(1, pricing.memory_mb("OrdersApi") / assumed["vcpu_memory_mb"])
    computing = (5 + assumed["cpu_per_call_ms"]) / share
    waiting = assumed["lambda_invoke_ms"] + pricing.duration_ms(called)
    assert pricing.duration_ms(caller) == pytest.approx(computing + waiting)
    assert pricing.duration_ms(Run("ProductsRelay", 1)) == assumed["smallest_duration_ms"]


def test_messages_of_a_queue_are_charged_each_and_by_the_batch() -> None:
    bill = usd([Run("NotificationsWorker", 10)], orders=10)
    assert bill["SQS, brought by SNS"] == pytest.approx(0.40)
    assert bill["SQS, received and deleted by Lambda"] == pytest.approx(0.08)


def test_log_lines_are_charged_with_their_overhead() -> None:
    lines, none = usd([Run("OrdersRelay", 1, lines=["x" * 74])]), usd([Run("OrdersRelay", 1)])
    what = "CloudWatch, lines of functions and API"
    assert lines[what] - none[what] == pytest.approx(100 * 0.57 / 1000)


def test_what_no_design_changes_stands_beside_the_bill() -> None:
    payment = call("dynamodb", "PutItem", Units(written=1), keys="SANDBOX-PAYMENT#1")
    runs = [Run("OrdersCheckout", 1, calls=[call("sesv2", "SendEmail"), payment])]
    assert usd(runs)["DynamoDB, written to tables"] == 0
    gateway, ses, ledger = pricing.beside(runs, 1)
    assert (gateway.usd, ses.usd) == (3.50, 100)
    assert ledger.usd == pytest.approx(0.705)
