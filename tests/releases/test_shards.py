"""A shop whose parameter `Shards` grows, in the middle of its work."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from tests.releases import world
from tests.simulation.expressions import Item
from tests.simulation.resources import SWEEPERS
from tests.simulation.shop import SimulatedShop, opened
from tests.support.functions import FUNCTIONS
from tests.support.invariants import breaches


def grow(shop: SimulatedShop) -> None:
    """Deploy the shop with four shards."""
    for name, function in FUNCTIONS.items():
        if "SHARDS" in function.declared_variables:
            shop.restart(name, Shards="4")


def _items(shop: SimulatedShop) -> Iterable[Item]:
    return shop.cloud.dynamodb.tables["OrdersTable"].items.values()


def test_a_shop_with_more_shards_resumes_what_it_has_begun_with_one() -> None:
    with opened() as shop:
        world.live(shop)
        before = shop.books()
        assert before.unsent
        assert [item for item in before.orders.values() if "due" in item]
        assert "pending" in {item["status"] for item in before.orders.values()}
        grow(shop)
        for number in range(24):
            shop.customer.order((shop.tray, 1), key=f"spread {number}")
        shop.come_to_rest()
        shop.pass_every_deadline()
        books = shop.books()
        assert not breaches(books, shop.witness)
        assert not books.unsent
        counted = shop.anyone.get("/health/orders").json()["by_status"]
        stored = Counter(item["status"] for item in books.orders.values())
        assert +Counter(counted) == stored
        for service in ("users", "products", "notifications"):
            health = shop.anyone.get(f"/health/{service}").json()
            kept = books.totals[f"{service.title()}Table"]
            assert all(health.get(name, n) == n for name, n in kept.items())
        raw = {item.get("status", {}).get("S") for item in _items(shop)}
        assert raw >= {f"confirmed{shard}" for shard in ("", "#1", "#2", "#3")}
        listed = shop.admin.get("/api/v1/orders", params={"limit": 100}).json()["orders"]
        assert [order["id"] for order in listed] == sorted(
            books.orders, key=lambda id_: str(books.orders[id_]["placed"]), reverse=True
        )


def test_sweepers_find_what_is_left_in_every_shard() -> None:
    with opened() as shop:
        grow(shop)
        # Nothing that is written is relayed, and no message arrives.
        with shop.refusing("sns.PublishBatch"):
            orders = [shop.customer.order((shop.tray, 1), key=f"{n}") for n in range(24)]
            shop.settle()
        shop.forget_deliveries()
        marks = {item["unsent"]["S"] for item in _items(shop) if "unsent" in item}
        assert len(marks) > 4
        for _ in range(4):
            shop.pass_time(timedelta(minutes=1))
            for sweeper in SWEEPERS:
                shop.tick(sweeper)
            shop.settle()
        assert not shop.books().unsent
        paths = [f"/api/v1/orders/{order['id']}" for order in orders]
        statuses = Counter(shop.customer.get(path).json()["status"] for path in paths)
        assert statuses == {"confirmed": 24}
