"""The arithmetic of the bill: quantities by AWS's rules, times prices."""

import json
from dataclasses import replace

import pytest

from tests.costs import bill, catalogue, pricing, usage
from tests.costs.bill import Month, Recorded
from tests.costs.meter import Call, Exchange, Run, opened
from tests.costs.pricing import HOURS
from tests.costs.profile import PROFILE, Profile
from tests.simulation.resources import SCHEDULES

METRIC = json.dumps(
    {
        "_aws": {
            "CloudWatchMetrics": [
                {
                    "Namespace": "Bodega",
                    "Dimensions": [["service"]],
                    "Metrics": [{"Name": "Things", "Unit": "Count"}],
                }
            ]
        },
        "service": "products",
        "Things": [1.0],
    }
)


@pytest.mark.parametrize("price", pricing.prices())
def test_price_has_a_source_and_a_date(price: str) -> None:
    assert pricing.usd(price, 2) == 2 * pricing.usd(price) > 0
    assert "ricing" in pricing.source_of(price)
    assert "(20" in pricing.source_of(price)


def test_message_counts_as_a_request_for_each_64_kb() -> None:
    assert [pricing.chunks(size) for size in (0, 65_536, 65_537, 262_144)] == [1, 1, 2, 4]


def test_log_line_is_billed_with_26_bytes_more() -> None:
    assert pricing.log_gigabytes([100, 200]) == pytest.approx(352e-9)


def test_metric_is_billed_for_the_hours_with_a_value() -> None:
    assert pricing.metric_months(0) == 0
    assert pricing.metric_months(1) * HOURS == pytest.approx(1, rel=0.01)
    # As many writes as hours: some hours have two.
    assert pricing.metric_months(HOURS) == pytest.approx(1 - 1 / 2.71828, rel=0.001)
    assert pricing.metric_months(1_000 * HOURS) == pytest.approx(1)


def test_reservoir_traces_all_of_a_quiet_api_and_the_share_most_of_a_busy_one() -> None:
    quiet, busy = 1_000, 1e10
    assert pricing.traces(quiet, share=0.05, reservoir=1) == pytest.approx(quiet, rel=0.001)
    assert pricing.traces(busy, share=0.05, reservoir=1) == pytest.approx(0.05 * busy, rel=0.01)
    assert pricing.traces(busy, share=0.01, reservoir=0) == pytest.approx(0.01 * busy)


def test_idle_queue_is_polled_by_five_connections_for_20_seconds_each() -> None:
    assert pricing.polls(2) == 1_296_000


def test_quantities_are_added_up_by_price_and_priced() -> None:
    together = pricing.added({"key": 1, "alarm": 2}, pricing.multiplied({"alarm": 3}, 2))
    assert together == {"key": 1, "alarm": 8}
    assert pricing.total(together) == pytest.approx(1.80)


def run(function: str, **more: object) -> Run:
    return Run(function, 1, **more)  # type: ignore[arg-type]  # any of its fields


def test_worker_pays_for_its_message_and_for_receiving_and_deleting_it() -> None:
    used = usage.of_runs([run("OrdersCheckout"), run("OrdersRelay")])
    assert (used["sqs_request"], used["lambda_request"]) == (3, 2)


def test_function_that_waits_for_another_pays_for_both() -> None:
    inner = run("ProductsInventory", is_outermost=False)
    outer = run("OrdersApi", called=[inner])
    assert usage.duration_ms(outer) - usage.duration_ms(run("OrdersApi")) == pytest.approx(
        usage.duration_ms(inner)
    )


def test_signature_is_dearer_than_other_requests_to_kms() -> None:
    calls = [Call("UsersApi", "kms", operation, "", 0) for operation in ("Sign", "Encrypt")]
    used = usage.of_runs([run("UsersApi", calls=calls)])
    assert (used["kms_signature"], used["kms_request"]) == (1, 1)


def test_metric_that_flows_write_in_each_hour_is_billed_once() -> None:
    flow = Recorded([run("ProductsApi", lines=[METRIC, "{}"])], [Exchange("GET /", 100)])
    month = Month()
    month.happen("catalogue", flow, 1_000_000)
    month.happen("orders, with gateway", flow, 1_000_000)
    month.close()
    assert month.rows["metrics"]["metric"] == pytest.approx(1)
    assert month.rows["catalogue"]["api_request"] == 1_000_000


def test_descriptions_differ_and_compress_like_prose() -> None:
    texts = [catalogue.description(2_000, number) for number in range(20)]
    assert {len(text) for text in texts} == {2_000}
    assert len(set(texts)) == 20


@pytest.mark.timeout(120)
def test_bill_grows_with_orders_from_what_an_idle_shop_costs() -> None:
    profile = Profile.read(PROFILE)
    with opened() as shop:
        recordings = bill.record(shop, profile)
    without, with_cdn = (replace(profile, cdn=cdn) for cdn in (False, True))
    idle, one, two = (bill.month(recordings, without, n) for n in (0, 1_000_000, 2_000_000))
    assert {row for row, used in idle.rows.items() if pricing.total(used) >= 0.10} <= {
        "keys",
        "polls of idle queues",
        "alarms",
        "sweepers",
        "metrics",
        "X-Ray",
    }
    for row in ("orders, with gateway", "catalogue", "log-ins and refreshes", "e-mails"):
        used = pricing.total(one.rows[row])
        assert pricing.total(two.rows[row]) == pytest.approx(2 * used)
        assert used > 0
    for orders in (1_000, 1_000_000):
        both = [bill.month(recordings, each, orders).usd for each in (without, with_cdn)]
        assert bill.month(recordings, profile, orders).usd == min(both)


def test_cdn_answers_what_is_asked_for_often() -> None:
    def hits(requests: float, seconds: float) -> float:
        return pricing.cdn_hits(requests, keys=1_000, seconds=seconds, caches=1)

    assert hits(60_000, 30) == pytest.approx(0.020, abs=0.001)
    assert hits(60_000_000, 30) == pytest.approx(0.671, abs=0.001)
    assert hits(60_000_000, 10) < hits(60_000_000, 30)


def test_firewall_has_one_rule_more_behind_the_cdn() -> None:
    parts = ("order", "shipment", "read", "list", "log-in", "refresh")
    recordings: dict[str, list[Recorded]] = {part: [] for part in parts}
    recordings |= {sweeper: [Recorded([], [])] for sweeper in SCHEDULES}
    usual = replace(Profile.read(PROFILE), firewall=True)
    rows = [
        bill.month(recordings, profile, 0).rows
        for profile in (replace(usual, cdn=cdn) for cdn in (False, True))
    ]
    assert [pricing.total(found["firewall"]) for found in rows] == pytest.approx([10, 11])


def test_gateway_logs_a_request_in_the_templates_format() -> None:
    line = usage.access_log_line(Exchange("GET /api/v1/products/{id}", 100))
    logged = json.loads(line)
    assert (logged["method"], logged["path"]) == ("GET", "/api/v1/products/{id}")
    assert "$" not in line
