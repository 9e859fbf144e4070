"""Returns in DynamoDB, in the partitions of their orders (keys: orders.repository)."""

from typing import Final

from orders.models import Order
from orders.refunds.models import Refund
from orders.refunds.repository import adding as adding_refund
from orders.repository import DynamoOrders, order_pk
from orders.returns.models import Return
from shared.storage.dynamodb import Item, Key, Operation, Put, Table, Update
from shared.storage.items import difference, from_item, to_item

_PREFIX: Final = "RETURN#"


class DynamoReturns:
    """`Returns` in the table of the orders."""

    def __init__(self, table: Table, orders: DynamoOrders) -> None:
        self._table = table
        self._orders = orders

    def find(self, order_id: str, return_id: str) -> Return | None:
        item = self._table.get(_key(order_id, return_id))
        return _return(item) if item else None

    def of_order(self, order_id: str) -> list[Return]:
        items = self._table.iterate(
            "#pk = :pk AND begins_with(#sk, :prefix)",
            {"pk": order_pk(order_id), "prefix": _PREFIX},
            consistent=True,
        )
        return sorted(map(_return, items), key=lambda one: one.listed_at, reverse=True)

    def add(self, before: Order, after: Order, new: Return) -> None:
        write = Put(_item(new), condition="attribute_not_exists(#pk)")
        self._orders.record(before, after, new.event_type, new.data(after), [write])

    def change(
        self,
        before: Order,
        after: Order,
        seen: Return,
        changed: Return,
        *,
        refund: Refund | None = None,
    ) -> None:
        update, values = difference(_item(seen), _item(changed))
        writes: list[Operation] = [
            Update(_key(changed.order_id, changed.id), update, values=values)
        ]
        if refund:
            writes.append(adding_refund(refund))
        data = changed.data(after, refund)
        self._orders.record(before, after, changed.event_type, data, writes)


def _key(order_id: str, return_id: str) -> Key:
    return {"pk": order_pk(order_id), "sk": f"{_PREFIX}{return_id}"}


def _item(one: Return) -> Item:
    return {**_key(one.order_id, one.id), **to_item(one, omit=("id", "order_id"))}


def _return(item: Item) -> Return:
    return from_item(
        Return,
        item,
        id=item["sk"].removeprefix(_PREFIX),
        order_id=item["pk"].partition("#")[2],
    )
