"""Refunds in DynamoDB, in the partitions of their orders (keys: orders.repository)."""

from typing import Final

from orders.models import Order
from orders.refunds.models import Refund
from orders.repository import DynamoOrders, order_pk
from shared.contracts.events import EventType
from shared.pages import Page
from shared.storage.dynamodb import Item, Key, Put, Table, Update
from shared.storage.items import from_item, to_item

_PREFIX: Final = "REFUND#"
_KEYS: Final = ("id", "order_id")


class DynamoRefunds:
    """`Refunds` in the table of the orders."""

    def __init__(self, table: Table, orders: DynamoOrders) -> None:
        self._table = table
        self._orders = orders

    def find(self, order_id: str, refund_id: str) -> Refund | None:
        item = self._table.get(_key(order_id, refund_id))
        return _refund(item) if item else None

    def page(self, order_id: str, *, after: str | None, limit: int) -> Page[Refund, str]:
        # Their keys have no order in time. There are fewer than `MAX_VERSION`.
        items = self._table.iterate(
            "#pk = :pk AND begins_with(#sk, :prefix)",
            {"pk": order_pk(order_id), "prefix": _PREFIX},
            consistent=True,
        )
        refunds = sorted(map(_refund, items), key=lambda refund: refund.listed_at, reverse=True)
        found = [one for one in refunds if after is None or one.listed_at < after]
        return Page.cut(found, limit, lambda refund: refund.listed_at)

    def add(self, before: Order, after: Order, refund: Refund) -> None:
        self._orders.record(
            before, after, "order.refund_requested", refund.data(after), [adding(refund)]
        )

    def add_failed(self, before: Order, after: Order, refund: Refund) -> None:
        self._orders.record(
            before, after, "order.refund_failed", refund.data(after), [adding(refund)]
        )

    def finish(self, before: Order, after: Order, refund: Refund) -> None:
        is_made = refund.status == "succeeded"
        type_: EventType = "order.refunded" if is_made else "order.refund_failed"
        write = Update(
            _key(refund.order_id, refund.id),
            "SET #status = :status",
            values={"status": refund.status},
        )
        self._orders.record(before, after, type_, refund.data(after), [write])


def adding(refund: Refund) -> Put:
    """The operation that writes a new refund."""
    item = {**_key(refund.order_id, refund.id), **to_item(refund, omit=_KEYS)}
    return Put(item, condition="attribute_not_exists(#pk)")


def _key(order_id: str, refund_id: str) -> Key:
    return {"pk": order_pk(order_id), "sk": f"{_PREFIX}{refund_id}"}


def _refund(item: Item) -> Refund:
    return from_item(
        Refund,
        item,
        id=item["sk"].removeprefix(_PREFIX),
        order_id=item["pk"].partition("#")[2],
    )
