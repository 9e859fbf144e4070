"""What admins do with operations."""

from tests.simulation.shop import SimulatedShop

_PATH = "/api/v1/operations"


def play(shop: SimulatedShop) -> None:
    """An admin looks at everything, moves a queue's dead letters back and purges them."""
    for queue in ("Checkout", "Notifications"):
        shop.cloud.put(f"{queue}DeadLetters", "no event")
    for path in ("circuits", "alarms", "metrics", "queues"):
        assert shop.admin.get(f"{_PATH}/{path}").status_code == 200, path
    for queue in ("checkout", "notifications"):
        path = f"{_PATH}/queues/{queue}"
        [letter] = shop.admin.get(f"{path}/dead-letters").json()["dead_letters"]
        assert "event_type" not in letter
        assert shop.admin.post(f"{path}/redrive").json() == {"moved": 1}
        assert shop.admin.post(f"{path}/purge").status_code == 202
    for source in ("CheckoutQueue", "NotificationsQueue"):
        shop.cloud.queues[source].messages.clear()
