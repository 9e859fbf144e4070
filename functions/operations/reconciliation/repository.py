"""What the services have stored of orders, read from their tables; names and addresses only where
events have them."""

import heapq
from collections.abc import Collection, Iterator, Sequence
from itertools import batched, groupby
from typing import Final, get_args

from notifications.models import ADMINS, mailbox, notification_id, position
from operations.reconciliation.models import Books, read
from shared.contracts.events import OrderStatus
from shared.storage.dynamodb import Item, Key, Table
from shared.storage.shards import named

_MOST: Final = 100  # DynamoDB's limit for reading items together
# Of an order, its events, its refunds and its returns.
_OF_ORDERS: Final = (
    *("pk", "sk", "user_id", "status", "version", "created_at", "updated_at", "due_at"),
    *("action_until", "asks_at", "lines", "total_minor", "currency", "payment_id", "claimed"),
    *("refunding_minor", "refunded_minor", "amount_minor", "refund_id", "owed_minor"),
    *("paid_otherwise", "at", "unsent", "event"),
)
_OF_RESERVATIONS: Final = ("pk", "sk", "state", "lines", "expires_at", "updated_at")
_OF_NOTIFICATIONS: Final = ("pk", "sk", "id", "status", "order_id", "created_at")


class DynamoRecords:
    """`Records` in the tables of the services."""

    def __init__(self, orders: Table, products: Table, notifications: Table) -> None:
        self._orders = orders
        self._products = products
        self._notifications = notifications

    def placed(self, since: str, until: str) -> Sequence[tuple[str, str]]:
        walks = [
            self._orders.iterate(
                "#status = :status AND #placed BETWEEN :since AND :until",
                {"status": named(status, shard), "since": since, "until": until},
                index="by-status",
            )
            for status in get_args(OrderStatus)
            for shard in range(self._orders.shards)
        ]
        places = heapq.merge(*([item["placed"] for item in walk] for walk in walks))
        found = [place.partition("#") for place, _ in groupby(places)]
        return [(at, id_) for at, _, id_ in found]

    def books(self, order_ids: Sequence[str]) -> Books:
        orders = [item for id_ in order_ids for item in self._of_order(id_)]
        reservations = self._products.get_many(
            [{"pk": f"RESERVATION#{id_}", "sk": "RESERVATION"} for id_ in order_ids],
            consistent=True,
            only=_OF_RESERVATIONS,
        )
        found = {"OrdersTable": orders, "ProductsTable": reservations}
        keys = list(_notification_keys(read(found)))
        notifications = [
            item
            for some in batched(keys, _MOST, strict=False)
            for item in self._notifications.get_many(some, consistent=True, only=_OF_NOTIFICATIONS)
        ]
        return read(found | {"NotificationsTable": notifications})

    def _of_order(self, order_id: str) -> Iterator[Item]:
        return self._orders.iterate(
            "#pk = :pk", {"pk": f"ORDER#{order_id}"}, consistent=True, only=_OF_ORDERS
        )

    def existing(self, order_ids: Collection[str]) -> set[str]:
        keys = [{"pk": f"ORDER#{id_}", "sk": "ORDER"} for id_ in order_ids]
        return {
            item["pk"].partition("#")[2]
            for some in batched(keys, _MOST, strict=False)
            for item in self._orders.get_many(some, consistent=True, only=("pk",))
        }


def _notification_keys(books: Books) -> Iterator[Key]:
    """Where the notifications of orders' events are: the customers', or the admins'."""
    for id_, order in books.orders.items():
        for event in books.events.get(id_, []):
            place = position(notification_id(event))
            for box in (mailbox(order["user_id"]), ADMINS):
                yield {"pk": box, "sk": f"NOTIFICATION#{place}"}
