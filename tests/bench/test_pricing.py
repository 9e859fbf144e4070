"""A bill by hand, of invocations that are made up."""

import pytest

from bench import pricing
from bench.capacity import Units
from bench.meter import Asked, Charge, Run


def asked(function: str, service: str, operation: str, *charges: Charge) -> Asked:
    return Asked(function, service, operation, "", 0, list(charges))


def written(about: str, units: float, **indexes: float) -> Charge:
    return Charge(about, Units(written=units, indexes=indexes))


def usd(runs: list[Run], orders: int = 1) -> dict[str, float]:
    return {cost.what: cost.usd for cost in pricing.bill(runs, orders)}


def test_units_are_charged_by_the_million() -> None:
    call = asked("OrdersApi", "dynamodb", "PutItem", written("ORDER", 2, due=1))
    read = asked("OrdersApi", "dynamodb", "GetItem", Charge("ORDER", Units(read=3)))
    bill = usd([Run("OrdersApi", 0, 0, calls=[call, read])])
    assert bill["DynamoDB, written to tables"] == pytest.approx(2 * 0.705)
    assert bill["DynamoDB, written to indexes"] == pytest.approx(0.705)
    assert bill["DynamoDB, read"] == pytest.approx(3 * 0.1415)


def test_the_payment_provider_s_ledger_stands_apart() -> None:
    call = asked("OrdersCheckout", "dynamodb", "PutItem", written("SANDBOX-PAYMENT/PAYMENT", 1))
    runs = [Run("OrdersCheckout", 0, 1, calls=[call])]
    assert usd(runs)["DynamoDB, written to tables"] == 0
    [*_, ledger] = pricing.apart(runs, 1)
    assert ledger.usd == pytest.approx(0.705)


def test_an_invocation_takes_its_share_of_a_processor_and_what_it_waits_for() -> None:
    assumed = pricing.PRICES["assumptions"]
    called = Run("UsersDirectory", 1, 0, cpu_seconds=0.001)
    call = asked("OrdersApi", "lambda", "Invoke")
    caller = Run("OrdersApi", 0, 0, calls=[call], called=[called], cpu_seconds=0.005)
    share = min(1, pricing.memory_mb("OrdersApi") / assumed["vcpu_memory_mb"])
    computing = (5 + assumed["cpu_per_call_ms"]) / share
    waiting = assumed["lambda_invoke_ms"] + pricing.duration_ms(called)
    assert pricing.duration_ms(caller) == pytest.approx(computing + waiting)
    assert pricing.duration_ms(Run("ProductsRelay", 0, 1)) == assumed["smallest_duration_ms"]


def test_messages_of_a_queue_are_charged_when_they_come_and_by_the_batch() -> None:
    bill = usd([Run("NotificationsWorker", 0, 10)], orders=10)
    assert bill["SQS, brought by SNS"] == pytest.approx(0.40)
    assert bill["SQS, received and deleted by Lambda"] == pytest.approx(0.08)


def test_each_line_of_a_log_has_bytes_that_nobody_wrote() -> None:
    with_line = usd([Run("OrdersRelay", 0, 1, lines=["x" * 74])])
    without = usd([Run("OrdersRelay", 0, 1)])
    what = "CloudWatch, lines of functions and API"
    assert with_line[what] - without[what] == pytest.approx(100 * 0.57 / 1000)


def test_what_no_design_changes_is_not_in_the_bill() -> None:
    runs = [
        Run("NotificationsWorker", 0, 1, calls=[asked("NotificationsWorker", "sesv2", "SendEmail")])
    ]
    assert not [what for what in usd(runs) if "SES" in what or "Gateway" in what]
    gateway, ses, _ = pricing.apart(runs, 1)
    assert (gateway.usd, ses.usd) == (3.50, 100)
