"""What the services have stored, put together, and the disagreements in it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import ValidationError

from shared.contracts.events import Event
from shared.storage.dynamodb import Item
from shared.storage.shards import without_shard

# Before the name of a category: what its total is called.
CATEGORY: Final = "in category "
TABLES: Final = ("UsersTable", "ProductsTable", "OrdersTable", "NotificationsTable")
"""The tables that are compared, by their names in the template."""

type Mend = Literal["resume", "take", "release", "repay", "publish", "stock", "count", "redrive"]
"""What `make reconcile MEND=…` does about a disagreement.

    resume    have the checkout continue the order: it pays, repays and releases what is left
    take      reserve and sell an order's stock
    release   make stock available again that is taken for an order that does not exist
    repay     void or refund the payment of an order that does not exist
    publish   publish an event again, which makes its notification
    stock     set a product's taken units to those that are reserved
    count     set a table's totals to what is counted
    redrive   move the dead letters of a queue back (`make dlq`)
"""

_NO_REFUNDS: Final = {"refunding_minor": 0, "refunded_minor": 0}


@dataclass(frozen=True)
class Finding:
    """A disagreement.

    Attributes:
        text: what disagrees, without personal data.
        mend: what mends it; None if a person has to decide.
        id: what is mended: the id of an order, an event or a product, a table or a queue.
        difference: what stays the same while an open shop changes the numbers of the text.
    """

    text: str
    mend: Mend | None = None
    id: str = ""
    difference: str = ""


def repeated(found: Iterable[Finding], again: Iterable[Finding]) -> list[Finding]:
    """The findings of one reading that another reading has too: between the calls or pages of one,
    an order may move."""

    def identity(one: Finding) -> tuple[str, str]:
        return one.difference or one.text, one.id

    known = set(map(identity, again))
    return [one for one in found if identity(one) in known]


@dataclass(frozen=True)
class Books:
    """What is stored, by what it is: items by their ids.

    Attributes:
        products: with the units of their shares.
        payments: what the provider has: `state`, `amount_minor`, and `refunds` by their keys.
        events: the histories of aggregates, oldest first.
        unsent: the ids of events that are not published.
        totals: what the counters of each table say; those of categories begin with CATEGORY.
    """

    users: Mapping[str, Item]
    products: Mapping[str, Item]
    reservations: Mapping[str, Item]
    orders: Mapping[str, Item]
    refunds: Mapping[str, Item]
    returns: Mapping[str, Item]
    payments: Mapping[str, Item]
    notifications: Sequence[Item]
    events: Mapping[str, Sequence[Event]]
    unsent: Sequence[str]
    totals: Mapping[str, Mapping[str, int]]


def read(items: Mapping[str, Iterable[Item]]) -> Books:
    """The books of these items of each table.

    Payments are those of the sandbox: its ledger is in the orders' table.
    """
    kinds: dict[str, dict[str, Item]] = defaultdict(dict)
    notifications: list[Item] = []
    events: dict[str, list[Event]] = defaultdict(list)
    unsent: list[str] = []
    totals: dict[str, dict[str, int]] = {}
    for table in TABLES:
        totals[table] = defaultdict(int)
        for item in items.get(table, ()):
            kind, _, id_ = item["pk"].partition("#")
            if item["sk"].startswith("EVENT#"):
                event = _event(id_, item)
                events[id_].append(event)
                if "unsent" in item:
                    unsent.append(event.id)
            elif kind in ("COUNTERS", "CATEGORIES"):
                for name, value in _totals(kind, item):
                    totals[table][name] += value
            elif table == "NotificationsTable":
                notifications.append(item)
            else:
                of_order, _, part = item["sk"].partition("#")
                kinds[of_order if part else kind][part or id_] = item
    for history in events.values():
        history.sort(key=lambda event: event.version)
    return Books(
        users=kinds["USER"],
        products=_whole(kinds["PRODUCT"], kinds["STOCK"]),
        reservations=kinds["RESERVATION"],
        orders={
            id_: _NO_REFUNDS | item | {"status": without_shard(item["status"])}
            for id_, item in kinds["ORDER"].items()
        },
        refunds=kinds["REFUND"],
        returns=kinds["RETURN"],
        payments=kinds["SANDBOX-PAYMENT"],
        notifications=[item for item in notifications if item["sk"] != "TOMBSTONE"],
        events=events,
        unsent=unsent,
        totals=totals,
    )


def _totals(kind: str, item: Item) -> Iterator[tuple[str, int]]:
    if kind == "CATEGORIES":
        yield CATEGORY + item["sk"], item["total"]
        return
    for name, value in item.items():
        if name not in ("pk", "sk"):
            yield name, value


def _event(aggregate_id: str, item: Item) -> Event:
    """The event of an item; by its key where it is no event to this release."""
    version = int(item["sk"].partition("#")[2])
    stored: dict[str, Any] = item.get("event") or {}
    try:
        return Event.model_validate(stored)
    except ValidationError:
        return Event.model_construct(
            id=f"{aggregate_id}.{version}",
            type=str(stored.get("type", "")),
            aggregate_id=aggregate_id,
            version=version,
            at=str(item.get("at", "")),
            request_id="",
            data={},
        )


def _whole(products: Mapping[str, Item], shares: Mapping[str, Item]) -> dict[str, Item]:
    """The products with the units of their shares."""
    whole = {id_: dict(product) for id_, product in products.items()}
    for id_, share in shares.items():
        for name in ("available", "taken", "version"):
            whole[id_.partition("#")[0]][name] += share[name]
    return whole
