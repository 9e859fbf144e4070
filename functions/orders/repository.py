"""Orders in DynamoDB.

    pk             sk
    ORDER#<id>     ORDER               the order
    ORDER#<id>     EVENT#<version>     its events (shared.outbox)
    COUNTERS       <shard>             how many are in each status (shared.counters)

`due` and `due_at` are on an order only while something is left to do for it, so that their index is small.
"""

import heapq
from collections.abc import Iterator
from itertools import groupby, islice
from typing import Any, Final

from orders.errors import OrderChanged, OrderExists
from orders.models import STATUSES, Order, Status
from orders.ports import DueOrder, HistoryPage, OrderPage
from shared import counters, outbox
from shared.contracts.events import Event, EventType
from shared.contracts.inventory import PricedLine
from shared.dynamodb import (
    ConditionFailed,
    Item,
    Key,
    Operation,
    Put,
    Table,
    TransactionFailed,
    Update,
)

_SK: Final = "ORDER"
_DUE_SHARDS: Final = 4
_DUE_LIMIT: Final = 25  # of each shard, so that a sweep ends within its function's time
_LAST: Final = "~"  # sorts after every time
_FILTERED_PAGE: Final = 200


class DynamoOrders:
    """The orders service's table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, order_id: str) -> Order | None:
        item = self._table.get(_key(order_id))
        return _order(item) if item else None

    def add(self, order: Order) -> None:
        write = Put(_item(order), condition="attribute_not_exists(#pk)")
        try:
            self._table.transact([write, _telling(order), counters.adding({order.status: 1})])
        except TransactionFailed as failure:
            raise OrderExists(_order(_there(failure))) from failure

    def change(self, before: Order, after: Order) -> None:
        # The step as well: who decided to cancel before the payment was authorised decides again after it.
        write = Put(
            _item(after),
            condition="#version = :version AND #step = :step",
            values={"version": before.version, "step": before.step},
        )
        counts = counters.adding({before.status: -1, after.status: 1})
        try:
            self._table.transact([write, _telling(after), counts])
        except TransactionFailed as failure:
            raise OrderChanged(_order(_there(failure))) from failure

    def erase(self, before: Order, after: Order) -> None:
        pk = _key(after.id)["pk"]
        names = ("user_name", "email", "payment_token", "updated_at", "version")
        values = {name: getattr(after, name) for name in names}
        # These fields and no others: who records a step, or puts off when the order is due, does so at the same version.
        write = Update(
            _key(after.id),
            f"SET {', '.join(f'#{name} = :{name}' for name in names)}",
            condition="#version = :seen",
            values={**values, "seen": before.version},
        )
        instead = {"user_name": after.user_name, "email": after.email}
        rewritten = outbox.rewriting(self._table, pk, instead, up_to=before.version)
        told = outbox.noting(pk, _fact(after, "user.erased"))
        try:
            self._table.transact([write, told, *rewritten])
        except TransactionFailed as failure:
            raise OrderChanged(_order(_there(failure))) from failure

    def record_authorized(self, order: Order) -> Order:
        return _order(
            self._update(order, "SET #step = :step", step="authorized"),
        )

    def settle(self, order: Order) -> None:
        self._update(order, "REMOVE #due, #due_at")

    def due(self, before: str) -> list[DueOrder]:
        found: list[DueOrder] = []
        for shard in range(_DUE_SHARDS):
            page = self._table.query(
                "#due = :shard AND #due_at < :before",
                {"shard": str(shard), "before": before},
                index="due",
                limit=_DUE_LIMIT,
            )
            found += [DueOrder(_id(item), item["due_at"]) for item in page.items]
        return found

    def claim(self, order: DueOrder, *, until: str) -> bool:
        try:
            self._table.update(
                _key(order.id),
                "SET #due_at = :until",
                condition="#due_at = :seen",
                values={"until": until, "seen": order.due_at},
            )
        except ConditionFailed:
            return False
        return True

    def page(
        self, *, user_id: str | None, status: Status | None, after: str | None, limit: int
    ) -> OrderPage:
        if user_id is not None:
            places = self._of_user(user_id, status, after or _LAST, limit + 1)
        else:
            # All orders have no partition of their own: it would take every write of the shop. Those of the five
            # statuses are merged instead, each read only as far as it is needed.
            wanted = (status,) if status else STATUSES
            walks = [self._of_status(one, after or _LAST, limit + 1) for one in wanted]
            places = heapq.merge(*walks, reverse=True)
        # An order that moves between two of the queries may be met twice.
        found = [place for place, _ in islice(groupby(places), limit + 1)]
        kept = found[:limit]
        return OrderPage(self._in_order(kept, status), kept[-1] if len(found) > limit else None)

    def history(self, order_id: str, *, after: int | None, limit: int) -> HistoryPage:
        pk = _key(order_id)["pk"]
        start = {"pk": pk, "sk": outbox.sort_key(after)} if after else None
        events, _ = outbox.history(self._table, pk, limit=limit + 1, start=start)
        kept = events[:limit]
        return HistoryPage(kept, kept[-1].version if len(events) > limit else None)

    def totals(self) -> dict[Status, int]:
        totals = counters.totals(self._table)
        return {status: totals.get(status, 0) for status in STATUSES}

    def _of_user(
        self, user_id: str, status: Status | None, after: str, wanted: int
    ) -> Iterator[str]:
        values = {"user_id": user_id, "after": after}
        return self._walk(
            "by-user",
            "#user_id = :user_id AND #placed < :after",
            values | ({"status": status} if status else {}),
            filter_="#status = :status" if status else None,
            page_size=_FILTERED_PAGE if status else wanted,
        )

    def _of_status(self, status: Status, after: str, wanted: int) -> Iterator[str]:
        return self._walk(
            "by-status",
            "#status = :status AND #placed < :after",
            {"status": status, "after": after},
            page_size=wanted,
        )

    def _walk(
        self,
        index: str,
        condition: str,
        values: dict[str, Any],
        *,
        page_size: int,
        filter_: str | None = None,
    ) -> Iterator[str]:
        """The places of orders in an index, newest first, read page by page as they are asked for."""
        start: Item | None = None
        while True:
            page = self._table.query(
                condition,
                values,
                index=index,
                filter=filter_,
                limit=page_size,
                start=start,
                forward=False,
            )
            yield from (item["placed"] for item in page.items)
            start = page.last_key
            if start is None:
                return

    def _in_order(self, places: list[str], status: Status | None) -> list[Order]:
        keys = {place: _key(place.partition("#")[2]) for place in places}
        items = {item["placed"]: item for item in self._table.get_many(list(keys.values()))}
        orders = [_order(items[place]) for place in places if place in items]
        # An index is a little behind: an order that has just left the status is not shown in it.
        return [order for order in orders if status in (None, order.status)]

    def _update(self, order: Order, update: str, **values: object) -> Item:
        try:
            return self._table.update(
                _key(order.id),
                update,
                condition="#version = :version",
                values={"version": order.version, **values},
            )
        except ConditionFailed as failure:
            raise OrderChanged(_order(_known(failure.item))) from failure


def _key(order_id: str) -> Key:
    return {"pk": f"ORDER#{order_id}", "sk": _SK}


def _id(item: Item) -> str:
    return str(item["pk"]).removeprefix("ORDER#")


def _telling(order: Order) -> Operation:
    """Writes the event of the transition that made this order what it is."""
    return outbox.recording(_key(order.id)["pk"], _fact(order, order.event_type))


def _fact(order: Order, type_: EventType) -> Event:
    """What happened to the order, which is as it is now by it."""
    return outbox.event(
        type_,
        aggregate_id=order.id,
        version=order.version,
        at=order.updated_at,
        data=order.data().model_dump(mode="json"),
    )


def _there(failure: TransactionFailed) -> Item:
    """The order that stood against a transaction, whose first operation was to write it."""
    return _known(failure.failed[0])


def _known(item: Item | None) -> Item:
    assert item is not None, "orders are never deleted"
    return item


def _item(order: Order) -> Item:
    due = {"due": str(int(order.id[:2], 16) % _DUE_SHARDS), "due_at": order.due_at}
    return {
        **_key(order.id),
        "user_id": order.user_id,
        "user_name": order.user_name,
        "email": order.email,
        "lines": [line.model_dump() for line in order.lines],
        "total_minor": order.total_minor,
        "currency": order.currency,
        "payment_token": order.payment_token,
        "request_digest": order.request_digest,
        "status": order.status,
        "cancel_reason": order.cancel_reason,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "version": order.version,
        "step": order.step,
        "placed": order.listed_at,
        **(due if order.due_at else {}),
    }


def _order(item: Item) -> Order:
    return Order(
        id=_id(item),
        user_id=item["user_id"],
        user_name=item["user_name"],
        email=item["email"],
        lines=tuple(PricedLine.model_validate(line) for line in item["lines"]),
        currency=item["currency"],
        payment_token=item["payment_token"],
        request_digest=item["request_digest"],
        status=item["status"],
        cancel_reason=item["cancel_reason"],
        created_at=item["created_at"],
        updated_at=item["updated_at"],
        version=item["version"],
        step=item["step"],
        due_at=item.get("due_at"),
    )
