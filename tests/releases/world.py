"""A shop in the middle of its work, recorded by the code of one release and resumed by that of
another.

Run as a program it uses the code of the tree on PYTHONPATH, this release's or another's:

    PYTHONPATH=functions:layers/shared:. python tests/releases/world.py record >
    tests/releases/<commit>.json
"""

import contextlib
import dataclasses
import io
import json
import logging
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, Final

# Powertools reads these when its loggers and metrics are first asked for.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Bodega")

import httpx

from tests.simulation.resources import WORKERS
from tests.simulation.shop import SimulatedShop, opened
from tests.support.books import HandedOver, Witness
from tests.support.client import RenewingClient
from tests.support.invariants import breaches

type World = dict[str, Any]

_WORKERS: Final = ("Checkout", "Notifications")


def record() -> World:
    """A shop with something in every state, left in the middle."""
    with opened() as shop:
        live(shop)
        assert not _dead_letters(shop)
        return {
            "at": datetime.now(UTC).isoformat(),
            "tables": {
                name: list(table.items.values())
                for name, table in shop.cloud.dynamodb.tables.items()
            },
            "queues": {
                queue: [message.body for message in shop.cloud.queues[queue].messages]
                for queue in WORKERS
            },
            "emails": [dataclasses.astuple(email) for email in shop.cloud.handed_over],
            "stock": shop.witness.stock,
            "orders": sorted(shop.witness.orders),
            "registered": shop.witness.registered,
            "restocked": sorted(shop.witness._restocked),
            "refresh_token": shop.customer.refresh_token,
        }


def live(shop: SimulatedShop) -> None:
    """Bring something into every state, and leave the shop in the middle."""
    customer, admin = shop.customer, shop.admin
    big = admin.add_product(name="Big Jug", stock=1000, category="jugs")
    admin.put(f"/api/v1/products/{big['id']}", {"price": "12.50"})
    stock = f"/api/v1/products/{big['id']}/stock"
    admin.post(stock, {"delta": 7}, headers={"Idempotency-Key": "more"})
    # People: one whose name changed, one deactivated, one erased, one who guesses passwords.
    nina = shop.anyone.register(email="nina@example.com")
    nina.put(f"/api/v1/users/{nina.user['id']}", {"full_name": "Nina New"})
    gone, erased = (shop.anyone.register(email=f"{name}@example.com") for name in ("ed", "eve"))
    erased.order((big, 1))
    shop.come_to_rest()
    admin.delete(f"/api/v1/users/{gone.user['id']}")
    admin.delete(f"/api/v1/users/{erased.user['id']}", params={"erase": "true"})
    shop.anyone.post("/api/v1/auth/login", {"email": "nina@example.com", "password": "wrong-one"})
    shop.come_to_rest()
    # Orders that have ended, and one that may still be cancelled.
    for verbs in ((), ("ship",), ("ship", "deliver"), ("cancel",)):
        order = customer.order((big, 2), key=f"ended {verbs}")
        shop.settle()
        for verb in verbs:
            admin.post(f"/api/v1/orders/{order['id']}/{verb}")
    customer.order((big, 1), payment_token="tok_declined")
    customer.order((shop.mug, 4))  # runs low by it
    shop.come_to_rest()
    read = customer.get("/api/v1/notifications").json()["notifications"][0]
    customer.post(f"/api/v1/notifications/{read['id']}/read")
    # From here on nothing comes to its end. A reservation without its order:
    with shop.refusing("dynamodb.TransactWriteItems", about="OrdersTable"):
        customer.try_order((big, 3), key="never placed")
    # Letters that are not sent, and a cancelled order that is not compensated:
    with shop.refusing("sesv2.SendEmail"):
        undone = customer.order((big, 4), key="undone")
        shop.settle()
        shop.down.add("ProductsInventory")
        customer.post(f"/api/v1/orders/{undone['id']}/cancel")
        shop.settle()
        shop.down.clear()
        # Orders that wait, for the payment provider and for their customer:
        customer.order((big, 5), key="unpaid", payment_token="tok_unavailable")
        customer.order((big, 1), key="to act", payment_token="tok_action_abandoned")
        shop.settle()
    # An order and a user whose events are not published:
    customer.order((big, 6), (shop.mug, 1), key="unsent")
    shop.anyone.register(email="new@example.com")
    with shop.refusing("sns.PublishBatch"):
        shop.settle()


def resume(world: World) -> list[str]:
    """Use the shop, bring it to rest and use it again; return what is wrong with it."""
    witness = Witness(
        stock=world["stock"],
        orders=set(world["orders"]),
        registered={id_: (email, name) for id_, (email, name) in world["registered"].items()},
        _restocked={(product, key) for product, key in world["restocked"]},
    )
    with SimulatedShop() as shop:
        _take_up(shop, world)
        http = httpx.Client(
            base_url="https://shop.example",
            transport=httpx.MockTransport(shop.answer),
            event_hooks={"response": [witness.saw]},
        )
        with http:
            token = {"refresh_token": world["refresh_token"]}
            refreshed = http.post("/api/v1/auth/refresh", json=token)
            wrong = [] if refreshed.is_success else [f"a session: {refreshed.text}"]
            wrong += _use(RenewingClient(http), world)
            shop.come_to_rest()
            shop.pass_every_deadline()
            wrong += _use(RenewingClient(http), world)
            shop.come_to_rest()
        books = shop.books()
        wrong += breaches(books, witness)
        wrong += [f"{fact} is not published" for fact in books.unsent]
        for item in (*books.notifications, *books.orders.values()):
            if item.get("status") == "pending":
                wrong.append(f"{item['pk']} {item['sk']} is pending")
        return wrong + [f"given up: {body}" for body in _dead_letters(shop)]


def _dead_letters(shop: SimulatedShop) -> list[str]:
    queues = [shop.cloud.queues[f"{worker}DeadLetters"] for worker in _WORKERS]
    return [message.body for queue in queues for message in queue.messages]


def _take_up(shop: SimulatedShop, world: World) -> None:
    cloud = shop.cloud
    for name, items in world["tables"].items():
        table = cloud.dynamodb.tables[name]
        table.items = {table.key(item): item for item in items}
    for queue, bodies in world["queues"].items():
        for body in bodies:
            cloud.put(queue, body)
    cloud.handed_over += [HandedOver(*email) for email in world["emails"]]
    shop.pass_time(datetime.fromisoformat(world["at"]) - datetime.now(UTC) + timedelta(seconds=1))


def _use(anyone: RenewingClient, world: World) -> list[str]:
    """Ask for all that there is, as people who registered with the recording release, and order
    something."""
    wrong: list[str] = []

    def good(answer: httpx.Response) -> Any:
        if not answer.is_success:
            wrong.append(
                f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
            )
            return {}
        return answer.json()

    carla, ada = (
        RenewingClient(anyone.http, user={"email": f"{name}@example.com"}).log_in()
        for name in ("carla", "ada")
    )
    for path in ("/api/v1/users", "/api/v1/orders"):
        good(ada.get(path, params={"limit": 100}))
    for who in (carla, ada):
        good(who.get("/api/v1/notifications", params={"limit": 100}))
        for order in good(who.get("/api/v1/orders", params={"limit": 100})).get("orders", []):
            good(who.get(f"/api/v1/orders/{order['id']}"))
            if not good(who.get(f"/api/v1/orders/{order['id']}/events")).get("events"):
                wrong.append(f"order {order['id']} has no history")
    products = good(ada.get("/api/v1/products", params={"limit": 100}))["products"]
    [big] = [product for product in products if product["name"] == "Big Jug"]
    again = carla.try_order((big, 5), key="unpaid", payment_token="tok_unavailable")
    if good(again).get("id") not in world["orders"]:
        wrong.append("an order's key places a second order")
    good(carla.try_order((big, 1)))
    good(anyone.get("/health"))
    return wrong


def main(action: str) -> None:
    logging.disable(logging.CRITICAL)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        answer = record() if action == "record" else resume(json.load(sys.stdin))
    sys.stdout.write(json.dumps(answer, separators=(",", ":"), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
