"""What clients and the stored data show of a flow."""

from typing import Any

from tests.simulation.shop import SimulatedShop
from tests.support.client import Client


def order_of(client: Client, placed: dict[str, Any]) -> dict[str, Any]:
    """The order as it is now."""
    order: dict[str, Any] = client.get(f"/api/v1/orders/{placed['id']}").json()
    return order


def letters_to(shop: SimulatedShop, client: Client) -> list[str]:
    """The subjects of the client's e-mails, in the order of their sending."""
    return [email.subject for email in shop.cloud.handed_over if email.to == client.user["email"]]


def figures(client: Client, service: str) -> dict[str, Any]:
    """The figures of a service's health."""
    health: dict[str, Any] = client.get(f"/health/{service}").json()
    assert health.pop("status") == "healthy"
    return {k: v for k, v in health.items() if k not in ("uptime_seconds", "memory_mb")}
