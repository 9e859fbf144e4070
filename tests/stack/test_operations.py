"""What operations shows of the deployed stack."""

from typing import Any

from tests.support.client import Client, eventually

_PATH = "/api/v1/operations"


def test_an_order_is_in_the_metrics(admin: Client, customer: Client) -> None:
    product = admin.add_product(name="Measured Mug", stock=3)

    def totals() -> dict[str, float]:
        series: list[dict[str, Any]] = admin.get(f"{_PATH}/metrics").json()["series"]
        return {one["name"]: sum(point["value"] for point in one["points"]) for one in series}

    before = totals()
    customer.order((product, 1))
    after = eventually(totals, lambda now: now["orders_confirmed"] > before["orders_confirmed"])
    assert after["orders_placed"] > before["orders_placed"]
    assert after["requests"] >= before["requests"] + 2
    assert after["latency_p99"] > 0


def test_circuits_queues_and_alarms_are_those_of_the_stack(admin: Client) -> None:
    circuits = admin.get(f"{_PATH}/circuits").json()["circuits"]
    assert [one["name"] for one in circuits] == ["users", "products"]
    queues = admin.get(f"{_PATH}/queues").json()
    assert [one["name"] for one in queues["queues"]] == ["checkout", "notifications"]
    assert [one["service"] for one in queues["quarantined"]] == ["users", "products", "orders"]
    alarms = admin.get(f"{_PATH}/alarms").json()["alarms"]
    assert all(one["runbook"] and one["name"] and one["since"] for one in alarms)
    assert any("dead letters" in one["name"] for one in alarms)
