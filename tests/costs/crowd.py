"""A shop that is full of what one request may have to read: all orders are one customer's and in
one status, all notifications are in two mailboxes, and every frequent word is in half of the
names."""

import base64
import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from products.catalogue.repository.items import (
    PACKED,
    SALE_KEYS,
    product_item,
    product_key,
    read_product,
    word_items,
)
from shared.messaging.outbox import sort_key
from shared.storage.dynamodb import from_wire, to_wire
from tests.costs.meter import MeteredShop
from tests.simulation.expressions import Item as Wire
from tests.simulation.tables import Change, Key, Partition, Table

_NOTIFICATION: Final = "NOTIFICATION#"
_AT: Final = "2026-11-20T12:00:00.000Z"


@dataclass
class _Still(Table):
    """A table that nobody writes to any more: its partitions are sorted once."""

    partitions: dict[tuple[object, ...], Partition] = field(default_factory=dict)
    moments: dict[float, dict[Key, Wire]] = field(default_factory=dict)

    def partition(self, order: Sequence[str], value: Any, items: Mapping[Key, Wire]) -> Partition:
        name = (id(items), *order, json.dumps(value))
        if name not in self.partitions:
            self.partitions[name] = super().partition(order, value, items)
        return self.partitions[name]

    def as_of(self, moment: float) -> dict[Key, Wire]:
        if moment not in self.moments:
            self.moments[moment] = super().as_of(moment)
        return self.moments[moment]


def fill(shop: MeteredShop, count: int) -> str:
    """Store so many pending orders, so many events of one of them, so many unread notifications of
    the customer and of the admins, so many products and accounts; return the id of the order."""
    tables = shop.cloud.dynamodb.tables
    order_id = str(shop.place()["id"])
    shop.come_to_rest()
    ids = [f"{number:032x}" for number in range(1, count + 1)]
    _store(tables["OrdersTable"], _orders(tables["OrdersTable"], order_id, ids))
    _store(tables["NotificationsTable"], _notifications(shop, ids))
    _store(tables["ProductsTable"], _products(shop, ids))
    _store(tables["UsersTable"], _users(shop, ids))
    for client in (shop.customer, shop.admin):
        client.log_in()
    _stand_still(shop)
    return order_id


def fill_with_names_of_two_lengths(shop: MeteredShop, count: int, *, shorter: slice) -> None:
    """Store so many products, of which some have a short name, and the others the longest names
    and descriptions: so what was read of an index says nothing of what comes next."""
    table = shop.cloud.dynamodb.tables["ProductsTable"]
    long = read_product(from_wire(table.items[table.key(to_wire(product_key(shop.mug["id"])))]))
    signs = random.Random(1)
    text = "".join(chr(signs.randrange(0x10000, 0x10FFFF)) for _ in range(5000))
    words = " ".join("\u3316" * 6 + chr(0x4E00 + number) for number in range(25))
    long = replace(long, name=f"Z teapot {words}"[:200], description=text)
    short = replace(long, name="A teapot", description="")
    products = [long] * count
    products[shorter] = [short] * len(products[shorter])
    for number, one in enumerate(products):
        at = f"2026-11-20T12:00:00.{number:06}Z"
        own: Any = {"id": f"{number:032x}", "price_minor": 100 + number, "created_at": at}
        product = replace(one, **own)
        item = to_wire(product_item(product))
        if PACKED in item:
            item[PACKED] = {"B": base64.b64encode(item[PACKED]["B"]).decode()}
        _store(table, iter((item, *map(to_wire, word_items(product).values()))))
    _stand_still(shop)


def empty_behind_the_indexes(shop: MeteredShop) -> None:
    """All orders are delivered, all notifications read and all products withdrawn, and no index
    shows it yet."""
    shop.cloud.dynamodb.let_indexes_fall_behind()
    shop.pass_time(timedelta(seconds=1))
    for name in ("OrdersTable", "NotificationsTable", "ProductsTable"):
        table = shop.cloud.dynamodb.tables[name]
        for key, before in list(table.items.items()):
            after = dict(before)
            if key[1] == "ORDER":
                after["status"] = {"S": "delivered"}
            elif "read_state" in before:
                after["read_state"] = {"S": f"{key[0]}#read"}
            elif key[1] == "PRODUCT":
                after["is_active"] = {"BOOL": False}
                for attribute in SALE_KEYS:
                    after.pop(attribute, None)
            if after != before:
                table.changes.append(Change(shop.cloud.now(), key, before, after))
                table.items[key] = after
    _stand_still(shop)


def _stand_still(shop: MeteredShop) -> None:
    tables = shop.cloud.dynamodb.tables
    for name, table in tables.items():
        tables[name] = _Still(table.definition, table.items, table.stream, table.changes)


def _store(table: Table, items: Iterator[Wire]) -> None:
    for item in items:
        table.items[table.key(item)] = item


def _orders(table: Table, order_id: str, ids: list[str]) -> Iterator[Wire]:
    pk = f"ORDER#{order_id}"
    order, event = table.items[pk, "ORDER"], table.items[pk, sort_key(1)]
    for version, id_ in enumerate(ids, start=100):
        placed = f"{order['created_at']['S']}#{id_}"
        yield {**order, **to_wire({"pk": f"ORDER#{id_}", "placed": placed, "status": "pending"})}
        fact = {**event["event"]["M"], "version": {"N": str(version)}}
        yield {**event, "sk": {"S": sort_key(version)}, "event": {"M": fact}}


def _notifications(shop: MeteredShop, ids: list[str]) -> Iterator[Wire]:
    stored = shop.cloud.dynamodb.tables["NotificationsTable"].items
    one = next(item for item in stored.values() if "order_id" in item)
    for box, id_ in itertools.product((f"USER#{shop.customer.user['id']}", "ADMINS"), ids):
        position = f"{_AT}#{id_}.1#email"
        changed = {
            "pk": box,
            "sk": _NOTIFICATION + position,
            "id": base64.urlsafe_b64encode(position.encode()).decode().rstrip("="),
            "read_state": f"{box}#unread",
        }
        yield {**one, **to_wire(changed)}


def _products(shop: MeteredShop, ids: list[str]) -> Iterator[Wire]:
    table = shop.cloud.dynamodb.tables["ProductsTable"]
    keys = [table.key(to_wire(product_key(one["id"]))) for one in (shop.mug, shop.tray)]
    both = [read_product(from_wire(table.items[key])) for key in keys]
    halves = [replace(one, name=name) for one, name in zip(both, ("Teapot", "Kettle"), strict=True)]
    for one, id_ in zip(itertools.cycle(halves), ids, strict=False):
        product = replace(one, id=id_)
        yield to_wire(product_item(product))
        yield from map(to_wire, word_items(product).values())


def _users(shop: MeteredShop, ids: list[str]) -> Iterator[Wire]:
    table = shop.cloud.dynamodb.tables["UsersTable"]
    user = table.items[f"USER#{shop.customer.user['id']}", "USER"]
    for id_ in ids:
        yield {**user, **to_wire({"pk": f"USER#{id_}", "id": id_})}
