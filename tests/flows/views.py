"""What clients and the stored data show of a flow."""

from typing import Any

from shared.runtime import aws
from shared.storage.dynamodb import Table
from tests.simulation.shop import SimulatedShop
from tests.support.client import Client

WELCOME = "Welcome to Bodega"
RECEIVED = "We have received your order"
CONFIRMED = "Your order is confirmed"
CANCELLED = "Your order is cancelled"
SHIPPED = "Your order is on its way"
ARRIVED = "Your order has arrived"


def order_of(client: Client, placed: dict[str, Any]) -> dict[str, Any]:
    """The order as it is now."""
    order: dict[str, Any] = client.get(f"/api/v1/orders/{placed['id']}").json()
    return order


def history_of(client: Client, placed: dict[str, Any]) -> list[str]:
    """The types of the order's events, which are complete and agree with the order."""
    events = client.get(f"/api/v1/orders/{placed['id']}/events").json()["events"]
    order = order_of(client, placed)
    assert [event["version"] for event in events] == list(range(1, order["version"] + 1))
    assert events[-1]["data"]["status"] == order["status"]
    return [event["type"] for event in events]


def notified(client: Client) -> list[tuple[str, str]]:
    """The type and the status of the client's notifications, oldest first."""
    page = client.get("/api/v1/notifications", params={"limit": 100}).json()
    return [(n["type"], n["status"]) for n in reversed(page["notifications"])]


def letters_to(shop: SimulatedShop, client: Client) -> list[str]:
    """The subjects of the client's e-mails, in the order of their sending."""
    return [email.subject for email in shop.cloud.handed_over if email.to == client.user["email"]]


def figures(client: Client, service: str) -> dict[str, Any]:
    """The figures of a service's health."""
    health: dict[str, Any] = client.get(f"/health/{service}").json()
    assert health.pop("status") == "healthy"
    return {k: v for k, v in health.items() if k not in ("uptime_seconds", "memory_mb")}


def by_status(**counts: int) -> dict[str, Any]:
    """The figures of a service with so many orders in each status."""
    statuses = ("pending", "confirmed", "shipped", "delivered", "cancelled")
    return {
        "total": sum(counts.values()),
        "by_status": {status: counts.get(status, 0) for status in statuses},
    }


def payment_of(placed: dict[str, Any]) -> str | None:
    """How the payment stands at the sandbox provider, None where it knows of none."""
    key = {"pk": f"SANDBOX-PAYMENT#{placed['id']}", "sk": "PAYMENT"}
    payment = Table("OrdersTable", aws.client("dynamodb")).get(key)
    return payment["state"] if payment else None
