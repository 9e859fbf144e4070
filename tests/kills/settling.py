"""How the shop comes to rest: time passes, everything that was put off comes again, and the sweepers tick."""

from datetime import datetime, timedelta
from typing import Any, Final

from shared.runtime.clock import rfc3339
from shared.storage.dynamodb import Item, Table, from_wire
from tests.kills.killable_shop import KillableShop
from tests.simulation.resources import WORKERS
from tests.support.books import TABLES, Books

_HOUR: Final = timedelta(hours=1)
_MOST_ROUNDS: Final = 20
# Times by which something is due or ends.
_TIMES: Final = ("due_at", "expires_at", "lease_until")


def settle(shop: KillableShop) -> Books:
    """Let everything find its end, and an hour more: what has ended must stay as it is."""
    for _ in range(_MOST_ROUNDS):
        let_an_hour_pass(shop)
        shop.sources.wait_until_idle()
        if not _is_anything_left(shop, shop.books()):
            break
    let_an_hour_pass(shop)
    shop.sources.wait_until_idle()
    return shop.books()


def let_an_hour_pass(shop: KillableShop) -> None:
    """Make all that is stored older, which is the same as a later clock, and call the sweepers.

    Nothing runs meanwhile: a worker whose lease ends while it works would rightly be taken for dead.
    """
    with shop.service.paused():
        for table in TABLES:
            _age(shop, shop.account.names[table])
        shop.sources.show_everything()
    shop.sources.tick()


def _is_anything_left(shop: KillableShop, books: Books) -> bool:
    return bool(
        books.unsent
        or any("due_at" in order for order in books.orders.values())
        or any(held["state"] == "held" for held in books.reservations.values())
        or any(told["status"] == "pending" for told in books.notifications)
        or any(sum(shop.sources.waiting_in(queue)) for queue in WORKERS)
    )


def _age(shop: KillableShop, name: str) -> None:
    dynamodb = shop.account.client("dynamodb")
    table = Table(name, dynamodb)
    for page in dynamodb.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
        for item in map(from_wire, page["Items"]):
            if older := _older(item):
                changes = ", ".join(f"#{attribute} = :{attribute}" for attribute in older)
                table.update({"pk": item["pk"], "sk": item["sk"]}, f"SET {changes}", values=older)


def _older(item: Item) -> dict[str, Any]:
    """Those of the item's times that matter, an hour earlier."""
    times = _TIMES + (("at",) if "unsent" in item else ())
    older: dict[str, Any] = {
        name: rfc3339(datetime.fromisoformat(item[name]) - _HOUR) for name in times if name in item
    }
    return older
