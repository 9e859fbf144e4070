"""Orders in DynamoDB.

    pk             sk
    ORDER#<id>     ORDER               the order
    ORDER#<id>     EVENT#<version>     its events (shared.messaging.outbox)
    COUNTERS       <shard>             how many are in each status but pending (shared.storage.counters)

`due` and `due_at` are on an order only while something is left to do for it, so that their index is small.
"""

import heapq
from collections.abc import Iterable, Iterator
from itertools import batched, groupby, islice
from typing import Any, Final

from orders.errors import OrderChanged, OrderExists
from orders.models import STATUSES, Order, Status
from orders.ports import ClaimedOrder, DueOrder, HistoryPage, OrderPage
from shared.contracts.events import Event, EventType
from shared.contracts.inventory import PricedLine
from shared.messaging import outbox
from shared.storage import counters
from shared.storage.due import due_items
from shared.storage.dynamodb import (
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
_LAST: Final = "~"  # sorts after every time
_AT_ONCE: Final = 100  # orders that can be got together
# Orders are pending for seconds, so few are at a time: they are looked up where the others are counted, which would take a
# quarter more of what it costs to write an order.
_UNCOUNTED: Final[Status] = "pending"


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
            self._table.transact([write, _telling(order)])
        except TransactionFailed as failure:
            raise OrderExists(_order(_there(failure))) from failure

    def change(self, before: Order, after: Order) -> None:
        changes, values = _changes(after)
        write = Update(
            _key(after.id),
            changes,
            condition="#version = :seen",
            values={**values, "seen": before.version},
        )
        left: dict[str, int] = {} if before.status == _UNCOUNTED else {before.status: -1}
        counts = counters.adding(left | {after.status: 1})
        try:
            self._table.transact([write, _telling(after), counts])
        except TransactionFailed as failure:
            raise OrderChanged(_order(_there(failure))) from failure

    def erase(self, before: Order, after: Order) -> None:
        pk = _key(after.id)["pk"]
        names = ("user_name", "email", "payment_token", "updated_at", "version")
        values = {name: getattr(after, name) for name in names}
        # These fields and no others: who puts off when the order is due does so at the same version.
        write = Update(
            _key(after.id),
            _setting(names),
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

    def settle(self, order: Order) -> None:
        try:
            self._table.update(
                _key(order.id),
                "REMOVE #due, #due_at",
                condition="#version = :version",
                values={"version": order.version},
            )
        except ConditionFailed as failure:
            raise OrderChanged(_order(_known(failure.item))) from failure

    def due(self, before: str) -> Iterator[DueOrder]:
        items = due_items(self._table, at="due_at", before=before, shards=_DUE_SHARDS)
        return (DueOrder(_id(item), item["due_at"]) for item in items)

    def claim(self, order: DueOrder, *, until: str) -> ClaimedOrder | None:
        key = _key(order.id)
        item = self._table.get(key, only=("due_at", "status", "version", "updated_at"))
        is_claimed = item is not None and self._table.update_unseen(
            key,
            "SET #due_at = :until",
            condition="#due_at = :seen",
            values={"until": until, "seen": order.due_at},
        )
        if item is None or not is_claimed:
            return None
        return ClaimedOrder(order.id, item["status"], item["version"], item["updated_at"])

    def defer(self, order: Order, *, until: str) -> bool:
        values = {"due_at": until}
        if order.payment_id:
            values["payment_id"] = order.payment_id
        return bool(order.due_at) and self._table.update_unseen(
            _key(order.id),
            _setting(values),
            condition="#due_at = :seen",
            values={**values, "seen": order.due_at},
        )

    def page(
        self, *, user_id: str | None, status: Status | None, after: str | None, limit: int
    ) -> OrderPage:
        if user_id is not None and status:
            matching = self._of_user_in(status, user_id, after or _LAST, min(limit + 1, _AT_ONCE))
            there = list(islice(matching, limit + 1))
            shown = there[:limit]
            return OrderPage(shown, shown[-1].listed_at if len(there) > limit else None)
        if user_id is not None:
            places = self._of_user(user_id, after or _LAST, limit + 1)
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

    def of_user(self, user_id: str) -> Iterator[Order]:
        for some in batched(self._of_user(user_id, _LAST, _AT_ONCE), _AT_ONCE, strict=False):
            yield from self._in_order(list(some), None, consistent=True)

    def history(self, order_id: str, *, after: int | None, limit: int) -> HistoryPage:
        pk = _key(order_id)["pk"]
        start = {"pk": pk, "sk": outbox.sort_key(after)} if after else None
        events, _ = outbox.history(self._table, pk, limit=limit + 1, start=start)
        kept = events[:limit]
        return HistoryPage(kept, kept[-1].version if len(events) > limit else None)

    def totals(self) -> dict[Status, int]:
        counted = counters.totals(self._table)
        counted[_UNCOUNTED] = sum(1 for _ in self._of_status(_UNCOUNTED, _LAST, None))
        return {status: counted.get(status, 0) for status in STATUSES}

    def _of_user(self, user_id: str, after: str, wanted: int) -> Iterator[str]:
        return self._places(
            "by-user",
            "#user_id = :user_id AND #placed < :after",
            {"user_id": user_id, "after": after},
            page_size=wanted,
        )

    def _of_user_in(
        self, status: Status, user_id: str, after: str, at_once: int
    ) -> Iterator[Order]:
        """The index does not know the status, or each change would be paid for there as well: it is looked at in the
        orders, so many of them at once."""
        for some in batched(self._of_user(user_id, after, at_once), at_once, strict=False):
            yield from self._in_order(list(some), status)

    def _of_status(self, status: Status, after: str, wanted: int | None) -> Iterator[str]:
        return self._places(
            "by-status",
            "#status = :status AND #placed < :after",
            {"status": status, "after": after},
            page_size=wanted,
        )

    def _places(
        self, index: str, condition: str, values: dict[str, Any], *, page_size: int | None
    ) -> Iterator[str]:
        """The places of orders in an index, newest first."""
        items = self._table.iterate(
            condition, values, index=index, page_size=page_size, forward=False
        )
        return (item["placed"] for item in items)

    def _in_order(
        self, places: list[str], status: Status | None, *, consistent: bool = False
    ) -> list[Order]:
        keys = {place: _key(place.partition("#")[2]) for place in places}
        found = self._table.get_many(list(keys.values()), consistent=consistent)
        items = {item["placed"]: item for item in found}
        orders = [_order(items[place]) for place in places if place in items]
        # An index is a little behind: an order that has just left the status is not shown in it.
        return [order for order in orders if status in (None, order.status)]


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


def _setting(names: Iterable[str]) -> str:
    return f"SET {', '.join(f'#{name} = :{name}' for name in names)}"


def _changes(order: Order) -> tuple[str, Item]:
    """The update that a transition to this order is, and its values. Attributes that it does not name stay, also those of a
    later release."""
    names = ("status", "cancel_reason", "payment_token", "updated_at", "version")
    values = {name: getattr(order, name) for name in names} | _due(order)
    if order.payment_id:
        values["payment_id"] = order.payment_id
    return _setting(values) + ("" if order.due_at else " REMOVE #due, #due_at"), values


def _due(order: Order) -> Item:
    """The order's place in the index of due ones."""
    shard = str(int(order.id[:2], 16) % _DUE_SHARDS)
    return {"due": shard, "due_at": order.due_at} if order.due_at else {}


def _item(order: Order) -> Item:
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
        "placed": order.listed_at,
        **_due(order),
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
        due_at=item.get("due_at"),
        payment_id=item.get("payment_id"),
    )
