"""A shop in the middle of its work, recorded by the code of one release and resumed by that of another.

Run as a program it uses the code of the tree on PYTHONPATH, this release's or another's:

    PYTHONPATH=functions:layers/shared:. python tests/releases/world.py record > tests/releases/<commit>.json
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

from tests.simulation.people import Regular
from tests.simulation.resources import WORKERS
from tests.simulation.stage import Stage, opened
from tests.simulation.town import Town
from tests.support.books import HandedOver, Witness
from tests.support.invariants import breaches

type World = dict[str, Any]

_WORKERS: Final = ("Checkout", "Notifications")


def record() -> World:
    """A shop with something in every state, left in the middle."""
    with opened() as stage:
        _live(stage)
        town = stage.town
        assert not _dead_letters(town)
        return {
            "at": datetime.now(UTC).isoformat(),
            "tables": {
                name: list(table.items.values())
                for name, table in town.cloud.dynamodb.tables.items()
            },
            "queues": {
                queue: [message.body for message in town.cloud.queues[queue].messages]
                for queue in WORKERS
            },
            "emails": [dataclasses.astuple(email) for email in town.cloud.handed_over],
            "stock": stage.witness.stock,
            "orders": sorted(stage.witness.orders),
            "registered": stage.witness.registered,
            "restocked": sorted(stage.witness._restocked),
            "refresh_token": stage.customer.refresh_token,
        }


def _live(stage: Stage) -> None:
    town, customer, admin = stage.town, stage.customer, stage.admin
    big = admin.add_product(name="Big Jug", stock=1000, category="jugs")
    admin.put(f"/api/v1/products/{big['id']}", {"price": "12.50"})
    stock = f"/api/v1/products/{big['id']}/stock"
    admin.post(stock, {"delta": 7}, headers={"Idempotency-Key": "more"})
    # People: one whose name changed, one deactivated, one erased, one who guesses passwords.
    nina = stage.anyone.register(email="nina@example.com")
    nina.put(f"/api/v1/users/{nina.user['id']}", {"full_name": "Nina New"})
    gone, erased = (stage.anyone.register(email=f"{name}@example.com") for name in ("ed", "eve"))
    erased.order((big, 1))
    town.come_to_rest()
    admin.delete(f"/api/v1/users/{gone.user['id']}")
    admin.delete(f"/api/v1/users/{erased.user['id']}", params={"erase": "true"})
    stage.anyone.post("/api/v1/auth/login", {"email": "nina@example.com", "password": "wrong-one"})
    town.come_to_rest()
    # Orders that have ended, and one that may still be cancelled.
    for verbs in ((), ("ship",), ("ship", "deliver"), ("cancel",)):
        order = customer.order((big, 2), key=f"ended {verbs}")
        town.settle()
        for verb in verbs:
            admin.post(f"/api/v1/orders/{order['id']}/{verb}")
    customer.order((big, 1), payment_token="tok_declined")
    customer.order((stage.mug, 4))  # runs low by it
    town.come_to_rest()
    read = customer.get("/api/v1/notifications").json()["notifications"][0]
    customer.post(f"/api/v1/notifications/{read['id']}/read")
    # From here on nothing comes to its end. A reservation without its order:
    with town.refusing("dynamodb.TransactWriteItems", about="OrdersTable"):
        customer.try_order((big, 3), key="never placed")
    # Letters that are not sent, and a cancelled order that is not compensated:
    with town.refusing("sesv2.SendEmail"):
        undone = customer.order((big, 4), key="undone")
        town.settle()
        town.down.add("ProductsInventory")
        customer.post(f"/api/v1/orders/{undone['id']}/cancel")
        town.settle()
        town.down.clear()
        # An order that waits for its payment:
        customer.order((big, 5), key="unpaid", payment_token="tok_unavailable")
        town.settle()
    # An order and a user whose events are not published:
    customer.order((big, 6), (stage.mug, 1), key="unsent")
    stage.anyone.register(email="new@example.com")
    with town.refusing("sns.PublishBatch"):
        town.settle()


def resume(world: World) -> list[str]:
    """Use the shop, bring it to rest and use it again; return what is wrong with it."""
    witness = Witness(
        stock=world["stock"],
        orders=set(world["orders"]),
        registered={id_: (email, name) for id_, (email, name) in world["registered"].items()},
        _restocked={(product, key) for product, key in world["restocked"]},
    )
    with Town() as town:
        _take_up(town, world)
        http = httpx.Client(
            base_url="https://shop.example",
            transport=httpx.MockTransport(town.answer),
            event_hooks={"response": [witness.saw]},
        )
        with http:
            token = {"refresh_token": world["refresh_token"]}
            refreshed = http.post("/api/v1/auth/refresh", json=token)
            wrong = [] if refreshed.is_success else [f"a session: {refreshed.text}"]
            wrong += _use(Regular(http), world)
            town.come_to_rest()
            town.pass_every_deadline()
            wrong += _use(Regular(http), world)
            town.come_to_rest()
        books = town.books()
        wrong += breaches(books, witness)
        wrong += [f"{fact} is not published" for fact in books.unsent]
        for item in (*books.notifications, *books.orders.values()):
            if item.get("status") == "pending":
                wrong.append(f"{item['pk']} {item['sk']} is pending")
        return wrong + [f"given up: {body}" for body in _dead_letters(town)]


def _dead_letters(town: Town) -> list[str]:
    queues = [town.cloud.queues[f"{worker}DeadLetters"] for worker in _WORKERS]
    return [message.body for queue in queues for message in queue.messages]


def _take_up(town: Town, world: World) -> None:
    cloud = town.cloud
    for name, items in world["tables"].items():
        table = cloud.dynamodb.tables[name]
        table.items = {table.key(item): item for item in items}
    for queue, bodies in world["queues"].items():
        for body in bodies:
            cloud.put(queue, body)
    cloud.handed_over += [HandedOver(*email) for email in world["emails"]]
    town.pass_time(datetime.fromisoformat(world["at"]) - datetime.now(UTC) + timedelta(seconds=1))


def _use(anyone: Regular, world: World) -> list[str]:
    """Ask for all that there is, as people who registered with the recording release, and order something."""
    wrong: list[str] = []

    def good(answer: httpx.Response) -> Any:
        if not answer.is_success:
            wrong.append(
                f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
            )
            return {}
        return answer.json()

    carla, ada = (
        Regular(anyone.http, user={"email": f"{name}@example.com"}).log_in()
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
